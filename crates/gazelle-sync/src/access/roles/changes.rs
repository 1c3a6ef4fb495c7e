//! Reports what `migrate --roles` changed: the difference between the catalogue before and after it.

use std::collections::BTreeSet;

use serde::Serialize;
use tokio_postgres::types::Type;

use super::{PUBLIC_ROLES, Roles};
use crate::db::{DbError, Tx};
use crate::migrations;

/// A fact from the catalogue.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Fact {
    /// The subject: `role NAME`, `schema NAME`, or the name of a table or view.
    pub of: String,
    /// What holds of it: `owner NAME`, `NAME may SELECT`, `policy NAME for NAME`, and so on.
    pub is: String,
}

/// The facts that a change added and removed.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Changes {
    /// Facts that hold only afterwards.
    pub made: Vec<Fact>,
    /// Facts that held only before: revoked or replaced.
    pub ended: Vec<Fact>,
}

impl Changes {
    /// Whether nothing had to be changed.
    pub fn is_empty(&self) -> bool {
        self.made.is_empty() && self.ended.is_empty()
    }

    pub(in crate::access) fn between(before: &BTreeSet<Fact>, after: &BTreeSet<Fact>) -> Changes {
        Changes {
            made: after.difference(before).cloned().collect(),
            ended: before.difference(after).cloned().collect(),
        }
    }
}

/// The facts about our roles, PUBLIC and Supabase's public roles.
pub(in crate::access) async fn facts(tx: &Tx<'_>, roles: &[&Roles]) -> Result<BTreeSet<Fact>, DbError> {
    let names: Vec<&str> = roles
        .iter()
        .flat_map(|roles| [roles.owner.as_str(), roles.sync.as_str(), roles.reader.as_str()])
        .collect();
    let rows = tx
        .query(
            include_str!("facts.sql"),
            &[
                (&tx.schema(), Type::TEXT),
                (&migrations::relation_names(), Type::TEXT_ARRAY),
                (&names, Type::TEXT_ARRAY),
                (&PUBLIC_ROLES.as_slice(), Type::TEXT_ARRAY),
            ],
        )
        .await?;
    Ok(rows.iter().map(|row| Fact { of: row.get("subject"), is: row.get("fact") }).collect())
}
