//! Drift: whether the API still is what our queries were written for. It changes in place, without versions.
//!
//! Before a full sync [`check`] asks for the API's schema (`introspection.graphql`), [`schema`] reduces it to names
//! and types, [`needs`] looks up everything that the queries ask for, and `compare` says what changed since the schema
//! that `seen` keeps. What is needed and gone stops the run before anything is staged; what else changed is a
//! warning, kept with the run.

mod compare;
pub mod needs;
pub mod schema;
mod seen;

pub use compare::CODES;

use serde_json::json;
use uuid::Uuid;

use crate::db::{Db, DbError};
use crate::entities::Entity;
use crate::lease::{Fence, FencedTx};
use crate::run_log::report::RunWarning;
use crate::source::{ErrorClass, GazelleClient, GraphqlRequest, SourceError};
use needs::{Found, Query};
use schema::Schema;

/// A longer schema is not read. That of the API has half a megabyte, and reading one takes several times its length.
const LONGEST_SCHEMA: usize = 8 * 1024 * 1024;

/// What a look at the API's schema came to.
#[derive(Debug, Default)]
pub struct Drift {
    /// What the queries of the run need and the API has not, one sentence each: the run must not begin.
    pub missing: Vec<String>,
    /// What else is worth knowing.
    pub warnings: Vec<RunWarning>,
}

/// Reads the API's schema, looks up what these entities need, compares it with the one seen last, and keeps it where nothing
/// that we need is missing.
///
/// An API that does not show its schema is a warning. Errors: the database's.
pub async fn check(
    client: &GazelleClient,
    db: &Db,
    fence: &Fence,
    run_id: Uuid,
    entities: &[&'static Entity],
) -> Result<Drift, DbError> {
    let schema = match read(client).await {
        Ok(schema) => schema,
        Err(Unread::Stopped) => return Ok(Drift::default()),
        Err(Unread::Refused(why)) => {
            let message = format!(
                "the API's schema could not be read, so that changes of it are not seen beforehand: {why}"
            );
            tracing::warn!("the API's schema could not be read");
            let warning = RunWarning { code: "schema_unread", subject: "__schema".to_owned(), message };
            return Ok(Drift { missing: Vec::new(), warnings: vec![warning] });
        }
    };
    let found = needs::look_up(&schema);
    let known = found.known(&schema);
    let before = seen::last(db).await?;
    let mut drift = Drift::default();
    if before.as_ref() != Some(&known) {
        if let Some(before) = &before {
            drift.warnings = compare::changes(before, &known, &schema.query_type);
        }
        // A schema that lacks what we need is not kept: the next one is compared with the last that served.
        if found.missing.is_empty() {
            let note = async |tx: &FencedTx<'_>| seen::note(tx, &known, run_id, tx.now().await?).await;
            fence.transaction(db, note).await?;
        }
    }
    judge(&found, entities, &mut drift);
    for warning in &drift.warnings {
        tracing::warn!(code = warning.code, subject = warning.subject, "the API's schema has changed");
    }
    Ok(drift)
}

/// What is missing stops the run whose entities need it, and warns any other.
fn judge(found: &Found, entities: &[&'static Entity], drift: &mut Drift) {
    for (what, queries) in &found.missing {
        let is_ours = |query: &&Query| entities.iter().any(|entity| entity.name == query.0);
        let operations = |queries: Vec<&Query>| {
            queries.iter().map(|(_, operation)| *operation).collect::<Vec<_>>().join(", ")
        };
        let ours: Vec<&Query> = queries.iter().filter(is_ours).collect();
        if ours.is_empty() {
            drift.warnings.push(RunWarning {
                code: "needed_elsewhere",
                subject: what.clone(),
                message: format!(
                    "the API has changed: {what}, needed by {}, which this run does not ask",
                    operations(queries.iter().collect())
                ),
            });
        } else {
            drift.missing.push(format!(
                "the API has changed: {what}, needed by {}; nothing was fetched: gazelle-sync must be adapted to the \
                 API first",
                operations(ours)
            ));
        }
    }
}

/// Why there is no schema.
enum Unread {
    /// The program was asked to end.
    Stopped,
    /// In words.
    Refused(String),
}

impl From<SourceError> for Unread {
    fn from(error: SourceError) -> Unread {
        match error.class() {
            ErrorClass::Stopped => Unread::Stopped,
            // The advice of an invalid query is about the queries of a sync.
            ErrorClass::InvalidQuery { .. } => Unread::Refused("it does not allow introspection".to_owned()),
            _ => Unread::Refused(error.to_string()),
        }
    }
}

async fn read(client: &GazelleClient) -> Result<Schema, Unread> {
    let request = GraphqlRequest::new("Introspection", include_str!("introspection.graphql"), json!({}));
    let answer = client.post(&request).await?;
    let Some(raw) = answer.object("__schema")? else {
        return Err(Unread::Refused("it does not allow introspection".to_owned()));
    };
    if raw.get().len() > LONGEST_SCHEMA {
        return Err(Unread::Refused(format!("it is longer than {LONGEST_SCHEMA} bytes")));
    }
    Schema::read(raw.get()).map_err(|_| Unread::Refused("its answer is no schema".to_owned()))
}
