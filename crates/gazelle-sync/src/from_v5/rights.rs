//! Reads the grants on the old tables, and builds the statements that revoke and restore them.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;
use tokio_postgres::types::Type;

use super::names::POLICY;
use crate::access::PUBLIC_ROLES;
use crate::db::{DbError, Tx, quote};

/// A table, view or sequence, and the grants on it.
pub(super) struct Relation {
    pub name: String,
    /// The table or view, or for a sequence the table of its column.
    pub of_table: String,
    pub is_table: bool,
    is_sequence: bool,
    pub is_secured: bool,
    /// Whether it has our policy for its former readers.
    pub has_policy: bool,
    pub owner: String,
    /// Whether our role has the owner's rights.
    pub is_ours: bool,
    held: Vec<AclEntry>,
}

/// An entry of the access list of the relation or of one of its columns.
struct AclEntry {
    column: Option<String>,
    /// `None` is PUBLIC.
    grantee: Option<String>,
    is_owners: bool,
    is_closed: bool,
    /// The grantor, if it was not the owner.
    given_by: Option<String>,
    given_by_closed: bool,
    is_bound: bool,
    plain: Vec<String>,
    grantable: Vec<String>,
}

/// A role that loses access to the old tables.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RevokedReader {
    /// Its name, or `PUBLIC`.
    pub role: String,
    /// The tables and views that it had a right on.
    pub tables: Vec<String>,
}

/// Reads the grants on relations of a schema, and on the sequences of their columns.
///
/// # Errors
/// Those of the database.
pub(super) async fn of(tx: &Tx<'_>, schema: &str, names: &[&str]) -> Result<Vec<Relation>, DbError> {
    let rows = tx
        .query(
            include_str!("rights.sql"),
            &[
                (&schema, Type::TEXT),
                (&names, Type::TEXT_ARRAY),
                (&PUBLIC_ROLES.as_slice(), Type::TEXT_ARRAY),
                (&POLICY, Type::TEXT),
            ],
        )
        .await?;
    let mut relations: Vec<Relation> = Vec::new();
    for row in &rows {
        let name: String = row.get("name");
        if relations.last().is_none_or(|last| last.name != name) {
            relations.push(Relation {
                name,
                of_table: row.get("of_table"),
                is_table: row.get("is_table"),
                is_sequence: row.get("is_sequence"),
                is_secured: row.get("is_secured"),
                has_policy: row.get("has_policy"),
                owner: row.get("owner"),
                is_ours: row.get("is_ours"),
                held: Vec::new(),
            });
        }
        let (Some(relation), true) = (relations.last_mut(), row.get("is_item")) else { continue };
        relation.held.push(AclEntry {
            column: row.get("column_name"),
            grantee: row.get("grantee"),
            is_owners: row.get("is_owners"),
            is_closed: row.get("is_closed"),
            given_by: row.get("given_by"),
            given_by_closed: row.get("given_by_closed"),
            is_bound: row.get::<_, Option<bool>>("is_bound").unwrap_or_default(),
            plain: row.get("plain"),
            grantable: row.get("grantable"),
        });
    }
    Ok(relations)
}

/// The roles that lose access if these relations are closed.
pub(super) fn losing(relations: &[Relation]) -> Vec<RevokedReader> {
    let mut by_role = BTreeMap::<String, BTreeSet<String>>::new();
    for relation in relations {
        for held in relation.held.iter().filter(|held| held.is_closed) {
            by_role.entry(held.shown()).or_default().insert(relation.of_table.clone());
        }
    }
    let losing = |(role, tables): (String, BTreeSet<String>)| RevokedReader {
        role,
        tables: tables.into_iter().collect(),
    };
    by_role.into_iter().map(losing).collect()
}

/// Refuses grants made by another role than the owner: the owner cannot revoke them, or could not restore them.
///
/// # Errors
/// There is such a grant; the message says how its grantor revokes it.
pub(super) fn check_removable(relations: &[Relation], schema: &str) -> Result<(), DbError> {
    let found = relations.iter().find_map(|relation| Some((relation, relation.chained_entry()?)));
    let Some((relation, held)) = found else { return Ok(()) };
    let Some((giver, _, take)) = relation.chained(schema) else { return Ok(()) };
    Err(DbError::refused(format!(
        "{} may {} on {schema}.{} by a grant of {giver}, who is not its owner: such a right can neither be taken nor given \
         back as it was by anybody but {giver}. Take it first: SET ROLE {}; {take}",
        held.shown(),
        [held.plain.as_slice(), held.grantable.as_slice()].concat().join(", "),
        relation.name,
        quote(&giver),
    )))
}

impl AclEntry {
    fn shown(&self) -> String {
        self.grantee.clone().unwrap_or_else(|| "PUBLIC".to_owned())
    }

    fn grantee_sql(&self) -> String {
        self.grantee.as_deref().map_or_else(|| "PUBLIC".to_owned(), quote)
    }

    /// The GRANT statements that restore it.
    fn grants(&self, on: &str) -> Vec<String> {
        let column = self.column.as_ref().map(|column| format!(" ({})", quote(column))).unwrap_or_default();
        [(&self.plain, ""), (&self.grantable, " WITH GRANT OPTION")]
            .into_iter()
            .filter(|(rights, _)| !rights.is_empty())
            .map(|(rights, option)| {
                let rights: Vec<String> = rights.iter().map(|right| format!("{right}{column}")).collect();
                format!("GRANT {} ON {on} TO {}{option}", rights.join(", "), self.grantee_sql())
            })
            .collect()
    }
}

impl Relation {
    /// Its name in a (quoted) schema, after the keyword that GRANT needs.
    fn on(&self, schema: &str) -> String {
        format!("{} {schema}.{}", if self.is_sequence { "SEQUENCE" } else { "TABLE" }, quote(&self.name))
    }

    /// A grant to a role to be closed out, or by one, that the owner did not make.
    fn chained_entry(&self) -> Option<&AclEntry> {
        self.held.iter().find(|held| held.given_by.is_some() && (held.is_closed || held.given_by_closed))
    }

    /// Such a grant: who made it, to whom, and the statement with which its grantor revokes it.
    pub fn chained(&self, schema: &str) -> Option<(String, String, String)> {
        let held = self.chained_entry()?;
        let (kind, table) = (if self.is_sequence { "SEQUENCE " } else { "" }, quote(&self.name));
        let take = format!("REVOKE ALL ON {kind}{}.{table} FROM {}", quote(schema), held.grantee_sql());
        Some((held.given_by.clone()?, held.shown(), take))
    }

    /// The names of the roles to be closed out that still hold a right.
    pub fn closed_out(&self) -> Vec<String> {
        let roles: BTreeSet<String> =
            self.held.iter().filter(|held| held.is_closed).map(AclEntry::shown).collect();
        roles.into_iter().collect()
    }

    /// The roles that keep access, quoted, each once; the owner too if row security binds it.
    pub fn readers(&self, which: impl Fn(&Reader) -> bool) -> Vec<String> {
        let of = |held: &AclEntry| Reader { is_owner: held.is_owners, is_bound: held.is_bound };
        let kept =
            self.held.iter().filter(|held| !held.is_closed && held.grantee.is_some() && which(&of(held)));
        kept.map(AclEntry::grantee_sql).collect::<BTreeSet<_>>().into_iter().collect()
    }

    /// The roles, quoted, that keep the right to read it or some of its columns.
    pub fn who_may_select(&self) -> Vec<String> {
        self.who_may(|right| right == "SELECT")
    }

    /// The roles, quoted, that keep rights to do more than read.
    pub fn who_may_write(&self) -> Vec<String> {
        self.who_may(|right| right != "SELECT")
    }

    /// Revokes every right but that to read of the roles that are not to be closed out. Only rights that somebody holds
    /// are named, since servers of different versions know different ones (MAINTAIN is of 17).
    pub fn take_writing(&self, schema: &str) -> String {
        let kept = self.held.iter().filter(|held| !held.is_closed && !held.is_owners);
        let rights: BTreeSet<&str> = kept
            .flat_map(|held| held.plain.iter().chain(&held.grantable))
            .map(String::as_str)
            .filter(|right| *right != "SELECT")
            .collect();
        let (rights, writers) = (rights.into_iter().collect::<Vec<_>>(), self.who_may_write());
        format!("REVOKE {} ON {} FROM {}", rights.join(", "), self.on(schema), writers.join(", "))
    }

    fn who_may(&self, which: impl Fn(&str) -> bool) -> Vec<String> {
        let may = |held: &&AclEntry| held.plain.iter().chain(&held.grantable).any(|right| which(right));
        let kept = self.held.iter().filter(|held| !held.is_closed && !held.is_owners).filter(may);
        kept.map(AclEntry::grantee_sql).collect::<BTreeSet<_>>().into_iter().collect()
    }

    /// Revokes every right of the roles to be closed out.
    pub fn take(&self, schema: &str) -> String {
        self.revoke(schema, |held| held.is_closed)
    }

    /// Revokes every right of everybody but the owner.
    pub fn take_all(&self, schema: &str) -> String {
        self.revoke(schema, |held| !held.is_owners)
    }

    /// Restores all rights as they are now, in the order of the catalogue, which `pg_dump` shows.
    pub fn give_back(&self, schema: &str) -> String {
        let on = self.on(schema);
        // Grants by others than the owner cannot be restored: they stay, and keep their place in the order.
        let in_order = self.held.iter().all(|held| held.given_by.is_none());
        let mut statements = Vec::new();
        if in_order {
            statements.push(self.revoke(schema, |_| true));
        }
        for held in self.held.iter().filter(|held| in_order || held.is_closed) {
            statements.extend(held.grants(&on));
        }
        statements.retain(|statement| !statement.is_empty());
        statements.join("; ")
    }

    /// Revokes on the whole relation only from roles that hold a right on it, so that an absent access list stays
    /// absent.
    fn revoke(&self, schema: &str, from: impl Fn(&AclEntry) -> bool) -> String {
        let on = self.on(schema);
        let of = |column: Option<&String>| -> BTreeSet<String> {
            let held = self.held.iter().filter(|held| held.column.as_ref() == column && from(held));
            held.map(AclEntry::grantee_sql).collect()
        };
        let whole = of(None);
        let list = |roles: &BTreeSet<String>| roles.iter().cloned().collect::<Vec<_>>().join(", ");
        let mut statements = Vec::new();
        if !whole.is_empty() {
            statements.push(format!("REVOKE ALL ON {on} FROM {}", list(&whole)));
        }
        let columns: BTreeSet<&String> = self.held.iter().filter_map(|held| held.column.as_ref()).collect();
        for column in columns {
            // Those were revoked on the whole relation.
            let alone: BTreeSet<String> = of(Some(column)).difference(&whole).cloned().collect();
            if !alone.is_empty() {
                statements.push(format!("REVOKE ALL ({}) ON {on} FROM {}", quote(column), list(&alone)));
            }
        }
        statements.join("; ")
    }
}

/// The properties of a role that keeps access.
pub(super) struct Reader {
    pub is_owner: bool,
    pub is_bound: bool,
}
