//! Checks who may read and write our tables: row-level security and grants in the catalog, and actual reads as
//! Supabase's public roles.

use tokio_postgres::Row;
use tokio_postgres::types::Type;

use crate::access::trust::fragments::filled;
use crate::access::trust::me::Me;
use crate::access::{self, PUBLIC_ROLES};
use crate::db::citus::{self, Citus};
use crate::db::{Db, DbError, Tx, quote};
use crate::doctor::Lines;
use crate::migrations;

const ROLES: &str = "gazelle-sync migrate --roles (as an administrator)";

pub(in crate::doctor) async fn check(db: &Db, embedded: bool) -> Result<Lines, DbError> {
    let mut lines = Lines::default();
    let citus = citus::detect(db).await?;
    let mut connection = db.connection().await?;
    let tx = connection.begin().await?;
    let names = migrations::relation_names();
    of_catalogue(&tx, &mut lines, &names).await?;
    report_own_role(&tx, &mut lines, embedded, citus.as_ref()).await?;
    report_create_privileges(&tx, &mut lines).await?;
    report_trigger_privileges(&tx, &mut lines).await?;
    may_make_temporary_tables(&tx, &mut lines).await?;
    for (role, check) in PUBLIC_ROLES.into_iter().zip(["as anon", "as authenticated"]) {
        match privileges_of(&tx, role, &names, citus.as_ref()).await? {
            None => lines.ok(check, format!("there is no role {role} in this database")),
            Some(open) if open.is_empty() => lines.ok(check, "refused at every table and view of ours"),
            Some(open) => judge(&mut lines, check, role, &open),
        }
    }
    tx.rollback().await?;
    Ok(lines)
}

/// Reports what a public role can do, as `(relation, privilege)`. The company may allow reading of production by
/// its policies.
fn judge(lines: &mut Lines, check: &'static str, role: &str, open: &[(String, String)]) {
    let allowed = |(name, right): &&(String, String)| {
        role == PUBLIC_ROLES[1] && right == "SELECT" && migrations::is_production(name)
    };
    let (fine, wrong): (Vec<_>, Vec<_>) = open.iter().partition(allowed);
    if wrong.is_empty() {
        let mut names: Vec<&str> = fine.iter().map(|(name, _)| name.as_str()).collect();
        names.dedup();
        let said = format!("reads {} as far as policies of yours allow, and nothing else", names.join(", "));
        return lines.ok(check, said);
    }
    let mut problems: Vec<String> = wrong.iter().map(|(name, right)| format!("{right} on {name}")).collect();
    let more = problems.len().saturating_sub(6);
    problems.truncate(6);
    if more > 0 {
        problems.push(format!("{more} more"));
    }
    lines.problem(check, format!("{role} may {}", problems.join(", ")), ROLES);
}

async fn of_catalogue(tx: &Tx<'_>, lines: &mut Lines, names: &[&str]) -> Result<(), DbError> {
    let rows = tx.query(include_str!("rights.sql"), &[(&names, Type::TEXT_ARRAY)]).await?;
    let named = |what: &str| -> Vec<String> {
        let of_kind = rows.iter().filter(|row| row.get::<_, &str>("fault") == what);
        of_kind.map(|row| row.get("name")).collect()
    };
    let off = named("row security off");
    match off.is_empty() {
        true => lines.ok("row security", "on for every table of ours"),
        false => lines.problem("row security", format!("off for {}", off.join(", ")), ROLES),
    }
    let forced = named("row security forced");
    if !forced.is_empty() {
        let said = format!("forced on {}, which hinders backups and moves", forced.join(", "));
        lines.warning("row security", said, format!("ALTER TABLE {} NO FORCE ROW LEVEL SECURITY", forced[0]));
    }
    let loud = named("view with its owner's rights");
    match loud.is_empty() {
        true => lines.ok("views", "run with the rights of whoever reads them"),
        false => lines.problem(
            "views",
            format!("{} run with their owner's rights and so pass by row security", loud.join(", ")),
            format!("ALTER VIEW {} SET (security_invoker = true)", loud[0]),
        ),
    }
    let public = named("open to everybody");
    match public.is_empty() {
        true => lines.ok("as everybody", "nothing of ours is granted to PUBLIC"),
        false => lines.problem("as everybody", format!("PUBLIC may use {}", public.join(", ")), ROLES),
    }
    Ok(())
}

/// Reports who may create objects in the schema without need: PUBLIC, the roles of `migrate --roles`, and our own
/// role if another owns the tables. Administrators are not reported.
async fn report_create_privileges(tx: &Tx<'_>, lines: &mut Lines) -> Result<(), DbError> {
    let check = "creating in the schema";
    let me =
        tx.query(&filled(include_str!("not_the_owner.sql")), &[(&migrations::REGISTER, Type::TEXT)]).await?;
    let mut names: Vec<String> = me.iter().map(|row| row.get(0)).collect();
    names.extend(access::current(tx).await?.into_iter().flat_map(|roles| [roles.sync, roles.reader]));
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let found = access::creators(tx, &names).await?;
    if found.is_empty() {
        let said =
            "neither everybody nor a role that only fills or reads the tables may create in the schema";
        lines.ok(check, format!("{said} {}", tx.schema()));
    }
    for creator in found {
        let said = format!(
            "{}: whoever may can put tables and functions there, and nothing here needs it",
            creator.said
        );
        lines.warning(check, said, creator.fix);
    }
    Ok(())
}

/// Reports who may create a trigger on our tables, or a foreign key that references them, without owning them. The
/// code of both runs with the privileges of whoever writes; for a foreign key that includes the triggers of its own
/// table.
async fn report_trigger_privileges(tx: &Tx<'_>, lines: &mut Lines) -> Result<(), DbError> {
    let check = "triggers";
    let mut held = access::beyond_rows(tx, "").await?;
    held.retain(|held| held.rights.iter().any(|right| right == "TRIGGER" || right == "REFERENCES"));
    let Some(first) = held.first() else {
        lines.ok(check, "only the owner of a table of ours may add one to it");
        return Ok(());
    };
    let mut roles: Vec<&str> = held.iter().map(|held| held.role.as_str()).collect();
    roles.sort_unstable();
    roles.dedup();
    let more = if held.len() > 1 { format!(" and {} more", held.len() - 1) } else { String::new() };
    lines.warning(
        check,
        format!(
            "{} may add triggers to tables of ours, or foreign keys that refer to them ({} on {} by {}{more}): code of theirs would run with the rights of whoever writes, and \
             reading and writing rows does not need it",
            roles.join(", "),
            first.rights.join(", "),
            first.relation,
            first.role
        ),
        "gazelle-sync migrate (as the tables' owner or an administrator), which takes it, of our tables alone".to_owned(),
    );
    Ok(())
}

/// Checks that we may create the temporary tables of a rebuild.
async fn may_make_temporary_tables(tx: &Tx<'_>, lines: &mut Lines) -> Result<(), DbError> {
    let sql = "SELECT has_database_privilege(current_database(), 'TEMPORARY') AS may, current_database()::text AS database, \
               current_user::text AS role";
    let rows = tx.query(sql, &[]).await?;
    let Some(row) = rows.first() else { return Ok(()) };
    let (database, role): (String, String) = (row.get("database"), row.get("role"));
    match row.get("may") {
        true => lines.ok("temporary tables", "may be made, as verify, replay and undo need"),
        false => lines.problem(
            "temporary tables",
            format!("{role} may make none: verify, replay and undo fail"),
            format!("GRANT TEMPORARY ON DATABASE {} TO {}", quote(&database), quote(&role)),
        ),
    }
    Ok(())
}

/// Our role, and the owner of our tables.
struct OurRole {
    /// The role in force.
    name: String,
    /// The role that logged in.
    login: String,
    /// Whether it owns our tables or is a member of the owner's role.
    acts_for_owner: bool,
    /// Whether the role that logged in owns them or may become the owner.
    login_acts_for_owner: bool,
    owner: Option<String>,
    owner_may_log_in: bool,
}

impl OurRole {
    fn of(row: &Row) -> OurRole {
        OurRole {
            name: row.get("name"),
            login: row.get("login"),
            acts_for_owner: row.get("acts_for_owner"),
            login_acts_for_owner: row.get("login_acts_for_owner"),
            owner: row.get("owner"),
            owner_may_log_in: row.get("owner_may_log_in"),
        }
    }

    /// Which of the two owns the tables or acts for their owner.
    fn acting_for_owner(&self) -> Option<String> {
        match (self.acts_for_owner, self.login != self.name && self.login_acts_for_owner) {
            (true, _) => Some(self.name.clone()),
            (false, true) => Some(self.login.clone()),
            (false, false) => None,
        }
    }
}

/// Checks whether our role has more privileges than a sync needs.
async fn report_own_role(
    tx: &Tx<'_>,
    lines: &mut Lines,
    embedded: bool,
    citus: Option<&Citus>,
) -> Result<(), DbError> {
    let check = "our own role";
    if embedded {
        lines.ok(check, "the embedded server is reached by this machine's own account alone");
        return Ok(());
    }
    let rows = tx.query(include_str!("who_we_are.sql"), &[(&migrations::REGISTER, Type::TEXT)]).await?;
    let Some(us) = rows.first().map(OurRole::of) else { return Ok(()) };
    let acting_for_owner = us.acting_for_owner();
    let name = us.name;
    if us.login != name {
        let said = format!(
            "{login} logs in, and the role {name} is in force (SET ROLE, by a default of the role, of the database or of the \
             address): what is said here of our role is said of {name}, while any code in the session can put {login} in force again",
            login = us.login
        );
        let fix = format!(
            "log in as {name}, or see where it is set (psql: \\drds) and end it, for instance by ALTER ROLE {} RESET role",
            quote(&us.login)
        );
        lines.warning("role in force", said, fix);
    }
    let me = Me::read_in(tx, tx.schema()).await?;
    // What a superuser is besides does not matter.
    let is_superuser = me.is_a_superuser_itself();
    let become_more =
        if is_superuser { Vec::new() } else { access::more_than_rows(tx, &[&name, &us.login]).await? };
    let to_another = format!("{ROLES}; then log in as gazelle_sync in DATABASE_URL");
    let is_the_syncs = access::current(tx).await?.is_some_and(|roles| roles.sync == name);
    match (is_superuser, become_more.first(), acting_for_owner) {
        (true, ..) => {
            lines.warning(check, format!("{name} is a superuser: more than a sync needs"), to_another)
        }
        (_, Some(more), _) => {
            let fix = if is_the_syncs { more.fix.clone() } else { to_another };
            let amounts_to =
                me.because.as_ref().map_or_else(String::new, |because| format!("; it {because}"));
            lines.warning(check, format!("{}{amounts_to}: more than a sync needs", more.said), fix);
        }
        (.., Some(who)) => {
            let said = format!("{who} owns the tables or acts for their owner: more than a sync needs");
            lines.warning(check, said, to_another);
        }
        _ => lines.ok(check, format!("{name} owns nothing of ours and is bound by row security")),
    }
    // On Citus the owner may log in, for moves; the checks of Citus cover that.
    if let (Some(owner), true, None) = (us.owner, us.owner_may_log_in, citus) {
        let said = format!("{owner} owns the tables and may log in");
        lines.warning("owner", said, format!("{ROLES}, which hands them to a role that nobody logs in as"));
    }
    Ok(())
}

/// What a role can do with our relations; `None` if the role does not exist. Reading is attempted if we may switch
/// to the role, and otherwise, or if we are a superuser, looked up in the catalog. Writing is never attempted.
async fn privileges_of(
    tx: &Tx<'_>,
    role: &str,
    names: &[&str],
    citus: Option<&Citus>,
) -> Result<Option<Vec<(String, String)>>, DbError> {
    let known = tx.query("SELECT 1 FROM pg_roles WHERE rolname = $1", &[(&role, Type::TEXT)]).await?;
    if known.is_empty() {
        return Ok(None);
    }
    let rows =
        tx.query(include_str!("granted.sql"), &[(&names, Type::TEXT_ARRAY), (&role, Type::TEXT)]).await?;
    let mut open: Vec<(String, String)> =
        rows.iter().map(|row| (row.get("name"), row.get("privilege"))).collect();
    // Code in a policy or a view could reset the role to ours, and a superuser's privileges are unlimited.
    if is_superuser(tx).await? {
        return Ok(Some(open));
    }
    if citus.is_some_and(|citus| citus.distributes) {
        // On Citus, reading as the role would log in as it at the node that holds the table, which such roles may
        // not.
        return Ok(Some(open));
    }
    tx.batch("SAVEPOINT tried").await?;
    match tx.batch(&format!("SET LOCAL ROLE {role}")).await {
        Ok(()) => {
            // Catalog and attempt complement each other: a relation that either finds open is reported.
            for name in try_to_read(tx, names).await? {
                open.push((name, "SELECT".to_owned()));
            }
        }
        Err(error) if error.state.as_deref() == Some("42501") => {}
        Err(error) => return Err(error),
    }
    tx.batch("ROLLBACK TO SAVEPOINT tried").await?;
    open.sort();
    open.dedup();
    Ok(Some(open))
}

async fn is_superuser(tx: &Tx<'_>) -> Result<bool, DbError> {
    Ok(Me::read_in(tx, tx.schema()).await?.because.is_some())
}

/// Reads one row of each relation with the current role. Returns the relations that allowed it.
async fn try_to_read(tx: &Tx<'_>, names: &[&str]) -> Result<Vec<String>, DbError> {
    let quoted: Vec<String> = names.iter().map(|name| format!("'{name}'")).collect();
    tx.batch(&include_str!("tried.sql").replace("{names}", &quoted.join(", "))).await?;
    let rows = tx.query("SELECT current_setting('gazelle_sync.open', true)", &[]).await?;
    let open: Option<String> = rows.first().and_then(|row| row.get(0));
    Ok(open.unwrap_or_default().split_whitespace().map(str::to_owned).collect())
}
