//! Refuses tables that have our names but belong to a role which we have no reason to trust.
//!
//! The owner of a table decides what runs when somebody uses it: its triggers, rules, defaults and policies run
//! with the user's rights. So nothing is read from or written to our tables before the catalogue says that their
//! owner is one who could run code with our rights anyway (docs/decisions/0070).

use tokio_postgres::Row;
use tokio_postgres::types::Type;

use super::bound;
use super::fragments::filled;
use super::hand_over::ADMINISTRATOR;
use super::me::Me;
use super::names::{listed, plain};
use super::superuser::{self, Before};
use crate::access::roles::{PUBLIC_ROLES, Roles};
use crate::db::{Db, DbError, Param, Tx};
use crate::migrations::{REGISTER, relation_names};

/// The parameters of the catalogue query.
struct CatalogueParams<'a> {
    schema: &'a str,
    names: Vec<&'static str>,
    /// The table whose content decides how the others are treated, so that no foreign trigger, rule or policy may
    /// be on it.
    first: &'static str,
    /// Whether another role may have created them for us.
    for_us: bool,
    owner_role: String,
}

impl<'a> CatalogueParams<'a> {
    fn of_account(schema: &'a str) -> Self {
        let owner_role = Roles::default().owner;
        CatalogueParams { schema, names: relation_names(), first: REGISTER, for_us: true, owner_role }
    }

    fn params(&self) -> [Param<'_>; 7] {
        [
            (&self.schema, Type::TEXT),
            (&self.names, Type::TEXT_ARRAY),
            (&self.first, Type::TEXT),
            (&self.for_us, Type::BOOL),
            (&self.owner_role, Type::TEXT),
            (&PUBLIC_ROLES_LIST, Type::TEXT_ARRAY),
            (&ADMINISTRATOR, Type::TEXT),
        ]
    }
}

fn owners_sql() -> String {
    filled(include_str!("owners.sql"))
}

const PUBLIC_ROLES_LIST: &[&str] = &PUBLIC_ROLES;

/// Refuses tables and views with our names that belong to a role we have no reason to trust, and a register with a
/// foreign trigger, rule or policy; then what [`bound::check`] refuses, and what keeps a superuser from using the
/// tables ([`superuser`]). Succeeds if none of our tables exists yet.
///
/// # Errors
/// Such a relation exists: the message says whose it is, why it is refused and what to do. Those of the database.
pub async fn check(db: &Db) -> Result<(), DbError> {
    check_before(db, Before::Use).await
}

/// As [`check`], for a caller that goes on with `before`.
///
/// # Errors
/// As [`check`].
pub async fn check_before(db: &Db, before: Before) -> Result<(), DbError> {
    refuse(refusal(db).await?)?;
    bound::check(db).await?;
    refuse(superuser::refusal(db, before).await?)
}

/// Why [`check`] refuses a relation because of its owner, or `None`.
///
/// # Errors
/// Those of the database.
pub async fn refusal(db: &Db) -> Result<Option<String>, DbError> {
    let question = CatalogueParams::of_account(db.schema());
    let rows = db.query(&owners_sql(), &question.params()).await?;
    if rows.is_empty() {
        return Ok(None);
    }
    Ok(Some(question.message(&rows, &Me::read(db, db.schema()).await?)))
}

/// Whether our role may use the tables as far as their owners go.
pub(in crate::access) enum OwnerTrust {
    Trusted,
    /// Only the schema's owner is not trusted, and only because our role makes roles.
    UntilEnded {
        /// Why, as a clause.
        why: String,
        /// The statement after which it may.
        ended_by: String,
    },
    Refused,
}

/// As [`check_owners_in`], for a caller that says itself how to go on.
///
/// # Errors
/// Those of the database.
pub(in crate::access) async fn standing(tx: &Tx<'_>) -> Result<OwnerTrust, DbError> {
    let rows = tx.query(&owners_sql(), &CatalogueParams::of_account(tx.schema()).params()).await?;
    let Some(first) = rows.first().map(UntrustedObject::of) else { return Ok(OwnerTrust::Trusted) };
    let us = Me::read_in(tx, tx.schema()).await?;
    let is_schema_alone = rows.iter().all(|row| row.get::<_, &str>("what") == "schema");
    match us.ended_by.clone().filter(|_| us.makes_roles && is_schema_alone) {
        Some(ended_by) => {
            let UntrustedObject { relation: schema, name: owner, .. } = first;
            let why = format!(
                "the schema {schema} belongs to {}, and the role in {} ({}) {}",
                plain(&owner),
                us.place(),
                plain(&us.name),
                us.is_superuser()
            );
            Ok(OwnerTrust::UntilEnded { why, ended_by })
        }
        None => Ok(OwnerTrust::Refused),
    }
}

/// As [`check`], in the transaction that goes on to write.
///
/// # Errors
/// As [`check`].
pub async fn check_in(tx: &Tx<'_>) -> Result<(), DbError> {
    check_owners_in(tx).await?;
    check_superuser_in(tx).await
}

/// The part of [`check_in`] that checks the owners. A caller that revokes others' rights on the tables runs this
/// first and the rest afterwards.
///
/// # Errors
/// As [`check`].
pub async fn check_owners_in(tx: &Tx<'_>) -> Result<(), DbError> {
    refuse(message_in(tx, &CatalogueParams::of_account(tx.schema())).await?)
}

/// The part of [`check_in`] that checks what keeps a superuser from using the tables.
///
/// # Errors
/// As [`check`].
pub async fn check_superuser_in(tx: &Tx<'_>) -> Result<(), DbError> {
    refuse(superuser::refusal_in(tx).await?)
}

/// Refuses a table of another schema whose content is executed, unless we or an administrator created it.
///
/// # Errors
/// As [`check`].
pub async fn check_believed(tx: &Tx<'_>, schema: &str, table: &'static str) -> Result<(), DbError> {
    let question = CatalogueParams {
        names: vec![table],
        first: table,
        for_us: false,
        ..CatalogueParams::of_account(schema)
    };
    refuse(message_in(tx, &question).await?)
}

/// A relation, or something on it, that is refused.
struct UntrustedObject {
    /// `owner`, `schema`, `trigger`, `rule` or `policy`.
    what: String,
    relation: String,
    /// The owner, or the trigger, rule or policy.
    name: String,
    /// `relkind` of `pg_class`.
    kind: String,
    /// The roles that may act as the owner.
    acting: Vec<String>,
    /// The statements that end it, for those who act by a membership.
    ended_by: Vec<String>,
    /// Whether we have the owner's rights.
    has_rights: bool,
    /// Whether the role catalogue says that the owner is the owner role of `migrate --roles`.
    is_of_roles: bool,
    /// Whether such an owner may be granted to the administrator that is advised, which is not there yet.
    may_be_granted: bool,
}

impl UntrustedObject {
    fn of(row: &Row) -> UntrustedObject {
        UntrustedObject {
            what: row.get("what"),
            relation: row.get("relation"),
            name: row.get("name"),
            kind: row.get("kind"),
            acting: row.get("acting"),
            ended_by: row.get("ended_by"),
            has_rights: row.get("has_rights"),
            is_of_roles: row.get("is_of_roles"),
            may_be_granted: row.get("may_be_granted"),
        }
    }
}

async fn message_in(tx: &Tx<'_>, question: &CatalogueParams<'_>) -> Result<Option<String>, DbError> {
    let rows = tx.query(&owners_sql(), &question.params()).await?;
    if rows.is_empty() {
        return Ok(None);
    }
    Ok(Some(question.message(&rows, &Me::read_in(tx, question.schema).await?)))
}

fn refuse(why: Option<String>) -> Result<(), DbError> {
    why.map_or(Ok(()), |why| Err(DbError::refused(why)))
}

impl CatalogueParams<'_> {
    fn message(&self, rows: &[Row], us: &Me) -> String {
        let Me { name: me, because, creates_by, .. } = us;
        let schema = &self.schema;
        let (theirs, hung): (Vec<UntrustedObject>, Vec<UntrustedObject>) =
            rows.iter().map(UntrustedObject::of).partition(|found| found.what == "owner");
        let Some(first) = theirs.first() else {
            return match hung.first() {
                Some(found) if found.what == "schema" => schema_to_superuser(found, us),
                found => found.map_or_else(String::new, |found| self.hung(found)),
            };
        };
        let (name, owner, me) = (&first.relation, &plain(&first.name), &plain(me));
        let kind = if first.kind == "v" { "VIEW" } else { "TABLE" };
        let table = format!("{}.{}", plain(schema), plain(name));
        let more = match theirs.len() {
            1 => String::new(),
            many => format!(" (and {} more: psql, \\dp {}.*)", many - 1, plain(schema)),
        };
        if because.is_some() {
            // Who makes roles may use what nobody else acts for; a superuser may not.
            let others = if us.makes_roles { acting_as(first) } else { String::new() };
            let found = format!("{schema}.{name} belongs to {owner}{more}{others}");
            return to_superuser(&found, first, &table, kind, us);
        }
        let others = match first.has_rights {
            true => acting_as(first),
            false => String::new(),
        };
        let mut said = format!(
            "{schema}.{name} belongs to {owner}{more}{others}, who is neither the role in DATABASE_URL ({me}) nor an administrator of \
             this database; the owner of a table can make its users run the owner's code, so the table was neither read nor written. If it is empty and unused, DROP {kind} {table}; if {owner} made it for gazelle-sync, look at its \
             triggers, rules, defaults and policies (psql: \\d {table}) and take it over: ALTER {kind} {table} OWNER TO {me}",
        );
        if first.has_rights {
            said += &format!("; or put {owner} into DATABASE_URL");
        }
        // A role made only for its one member, where the right to create comes from PUBLIC (Postgres 14's default
        // in public).
        let is_made_for_us = first.acting.iter().all(|name| *name == first.name);
        if let (true, Some(holder)) = (self.for_us, creates_by)
            && (!first.has_rights || holder == "public" && is_made_for_us)
        {
            let holder = if holder == "public" { "PUBLIC".to_owned() } else { plain(holder) };
            said += &format!(
                "; or, if {me} only writes tables that {owner} owns, revoke a right from {holder} that writing does not need: REVOKE \
                 CREATE ON SCHEMA {} FROM {holder}",
                plain(schema)
            );
        }
        said
    }

    fn hung(&self, found: &UntrustedObject) -> String {
        let UntrustedObject { what, relation: table, name, .. } = found;
        let schema = &self.schema;
        format!(
            "the {what} {name} on {schema}.{table} was not created by gazelle-sync; it could change what this program reads and would run with the migrating role's rights, so nothing was read or written. Find out who created it, then DROP {} {} \
             ON {}.{}",
            what.to_uppercase(),
            plain(name),
            plain(schema),
            plain(table)
        )
    }
}

/// The owner of `public` in a new database: a predefined role whose member is the owner of the database.
pub(in crate::access) const DATABASE_OWNER: &str = "pg_database_owner";

/// Says which roles may act as an owner, and the statements that end it.
fn acting_as(found: &UntrustedObject) -> String {
    let UntrustedObject { name: owner, acting, ended_by, .. } = found;
    // The owner itself is named only if nobody else may act as it.
    let others: Vec<String> = acting.iter().filter(|name| *name != owner).map(|name| plain(name)).collect();
    let others = listed(others.iter().map(String::as_str), ", ");
    let role = plain(owner);
    match (others.is_empty(), acting.is_empty()) {
        (false, _) if owner == DATABASE_OWNER => format!(
            ", as which {others} may act (whoever owns the database is a member of {role} without a grant; an administrator has \
             to decide who owns the database)"
        ),
        (false, _) => {
            let ended_by = listed(ended_by.iter().map(String::as_str), "; ");
            format!(", as which {others} may act ({ended_by} ends that)")
        }
        (true, false) => format!(
            ", {role} may log in (ALTER ROLE {role} NOLOGIN ends that; on Citus, which moves tables as their owner, have no \
             password of it ever be valid: ALTER ROLE {role} LOGIN VALID UNTIL '-infinity')"
        ),
        (true, true) => String::new(),
    }
}

/// The fix in the embedded server ([`embedded`](super::embedded)).
const TAKEN_OVER: &str =
    "Every role of the embedded server is this account's own, so have it taken over: gazelle-sync migrate";

/// The refusal for a superuser if the schema belongs to another role, which could replace our tables at any time.
fn schema_to_superuser(found: &UntrustedObject, us: &Me) -> String {
    let (schema, owner) = (plain(&found.relation), plain(&found.name));
    let fix = match us.is_embedded {
        true => TAKEN_OVER.to_owned(),
        false => format!(
            "Put the role that runs gazelle-sync here into DATABASE_URL ({owner}, or the one that `migrate --roles` made for the \
             sync); or, where a superuser shall, give it a schema of its own (GAZELLE_SYNC_SCHEMA){}",
            us.or_ended()
        ),
    };
    format!(
        "the schema {schema} belongs to {owner}, and the role in {} ({}) {}; whoever owns a schema \
         can put tables with code of his in the place of those that stand in it, at any time, and that would run with the \
         rights of a superuser; so nothing of it was read or written. {fix}",
        us.place(),
        plain(&us.name),
        us.is_superuser(),
    )
}

/// The refusal for a superuser, which uses only what superusers own: code on a table runs with the rights of its
/// user. Taking over the table does not help, since what its owner put on it stays.
fn to_superuser(found: &str, first: &UntrustedObject, table: &str, kind: &str, us: &Me) -> String {
    let role = plain(&first.name);
    let fix = match (us.is_embedded, first.is_of_roles, first.may_be_granted) {
        (true, ..) => TAKEN_OVER.to_owned(),
        (false, true, false) => format!(
            "Put the role that `migrate --roles` made for the sync into DATABASE_URL (gazelle_sync), and for `migrate` one that \
             acts for {role} and is no superuser; which that is, an administrator has to decide, since {role} may log in or has \
             more than these tables, or there is a role {ADMINISTRATOR} already"
        ),
        (false, true, true) => format!(
            "Put the role that `migrate --roles` made for the sync into DATABASE_URL (gazelle_sync), and for `migrate` one that \
             acts for the owner and is no superuser, such as this makes: CREATE ROLE {ADMINISTRATOR} LOGIN; \
             ALTER {} OWNER TO {ADMINISTRATOR}; GRANT {role} TO {ADMINISTRATOR} (and for its password, in \
             psql: \\password {ADMINISTRATOR})",
            us.kept_by
        ),
        (false, false, _) => format!(
            "Put the role that runs gazelle-sync here into DATABASE_URL ({role}, or an administrator that is a member of it and no \
             superuser). If it is empty and nobody's, DROP {kind} {table}"
        ),
    };
    format!(
        "{found}, and the role in {} ({}) {}, which uses nothing that others own: whoever owns a table can \
         have code of his run with the rights of whoever uses it; so nothing of it was read or written. {fix}{}",
        us.place(),
        plain(&us.name),
        us.is_superuser(),
        us.or_ended(),
    )
}
