//! Looks up an unanswered statement in the server's activity views, over another session.

use tokio_postgres::types::Type;

use super::limits::ASIDE_LIMIT;
use crate::db::database::{Boxed, Db, Observe, ServerActivity, Silence};
use crate::db::error::DbError;
use crate::db::pool::PoolGroup;
use crate::db::pool::sent::SentStatement;
use crate::db::server::{citus, locks};

/// The observer that uses the pool's places aside.
pub(in crate::db) struct OtherSession;

impl Observe for OtherSession {
    fn look<'f>(
        &'f self,
        db: &'f Db,
        sent: &'f SentStatement<'_>,
        on_citus: &'f mut Option<bool>,
    ) -> Boxed<'f, ServerActivity> {
        Box::pin(async move {
            let looked = look(db, sent, on_citus);
            match tokio::time::timeout(ASIDE_LIMIT * 2, looked).await {
                Ok(Ok(Some(seen))) => seen,
                // Neither its server process nor its text is known.
                Ok(Ok(None)) if sent.response.pid().is_none() && sent.sql.is_empty() => {
                    ServerActivity::Unknown
                }
                // The look-up may have reached another host, which does not know the statement.
                Ok(Ok(None)) if db.pool.has_several_hosts() => ServerActivity::Unknown,
                Ok(Ok(None)) => nothing("the server is not working on it"),
                // The server answers but does not let us look.
                Ok(Err(error)) if error.state.is_some() => ServerActivity::Unknown,
                Ok(Err(error)) => nothing(&format!("another connection fails too: {error}")),
                // A server that allows few connections leaves none for looking.
                Err(_) if db.pool.is_short() => ServerActivity::Unknown,
                Err(_) => nothing("another connection gets no answer either"),
            }
        })
    }

    fn end_session(&self, db: &Db, sent: &SentStatement<'_>) -> Option<Boxed<'static, ()>> {
        let pid = sent.response.pid();
        if db.place == PoolGroup::Aside || (pid.is_none() && !sent.is_marked) {
            return None;
        }
        let (aside, sql) = (db.aside(), sent.sql.to_owned());
        Some(Box::pin(async move {
            let params = [(&pid as _, Type::INT4), (&sql as _, Type::TEXT)];
            let asked = aside.query(include_str!("end_session.sql"), &params);
            if let Ok(Err(error)) = tokio::time::timeout(ASIDE_LIMIT, asked).await {
                tracing::debug!(%error, "a session that nobody waits for could not be ended");
            }
        }))
    }
}

/// What the server shows of a statement; `None` if it does not know it.
async fn look(
    db: &Db,
    sent: &SentStatement<'_>,
    on_citus: &mut Option<bool>,
) -> Result<Option<ServerActivity>, DbError> {
    let aside = db.aside();
    let on_citus = match *on_citus {
        Some(known) => known,
        // Asked again for each statement, since it may change while a service runs.
        None => *on_citus.insert(citus::distributes(&aside).await?),
    };
    let params = [(&sent.response.pid() as _, Type::INT4), (&sent.sql as _, Type::TEXT)];
    let rows = aside.query(sign_of_life(on_citus), &params).await?;
    let Some(row) = rows.first() else { return Ok(None) };
    if row.get("waits_for_us") {
        let why = match row.get("has_more") {
            true => "the server waits to hand over the rest of the answer",
            false => "the server waits for the rest of it",
        };
        return Ok(Some(ServerActivity::Nothing(Silence { why: why.to_owned(), waits_for_us: true })));
    }
    if !row.get::<_, bool>("waits_for_lock") {
        return Ok(Some(ServerActivity::Working));
    }
    let held_by = locks::blockers(&aside, row.get("pid"), on_citus).await?;
    Ok(Some(ServerActivity::Waiting { since: row.get("waits_since"), held_by: locks::names(&held_by) }))
}

/// The look-up query. On Citus, a node that waits for another node looks as if it waited for us.
fn sign_of_life(is_distributed: bool) -> &'static str {
    if is_distributed { include_str!("citus_sign_of_life.sql") } else { include_str!("sign_of_life.sql") }
}

fn nothing(why: &str) -> ServerActivity {
    ServerActivity::Nothing(Silence { why: why.to_owned(), waits_for_us: false })
}
