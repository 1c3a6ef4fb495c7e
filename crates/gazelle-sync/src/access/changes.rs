//! What a change of roles did, read from the catalogue before and after it.

use std::collections::BTreeSet;

use serde::Serialize;
use tokio_postgres::types::Type;

use super::roles::{PUBLIC_ROLES, Roles};
use crate::db::{DbError, Tx};
use crate::migrations;

/// Something that is so in the catalogue.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Fact {
    /// `role NAME`, `schema NAME`, or the name of a table or view.
    pub of: String,
    /// `owner NAME`, `NAME may SELECT`, `policy NAME for NAME`, and alike.
    pub is: String,
}

/// What was made so, and what is so no more.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Changes {
    /// New.
    pub made: Vec<Fact>,
    /// Taken away or replaced.
    pub ended: Vec<Fact>,
}

impl Changes {
    /// Whether everything was as it should be.
    pub fn is_empty(&self) -> bool {
        self.made.is_empty() && self.ended.is_empty()
    }

    pub(super) fn between(before: &BTreeSet<Fact>, after: &BTreeSet<Fact>) -> Changes {
        Changes {
            made: after.difference(before).cloned().collect(),
            ended: before.difference(after).cloned().collect(),
        }
    }
}

/// What is so of our roles, of everybody and of Supabase's public roles.
pub(super) async fn facts(tx: &Tx<'_>, roles: &[&Roles]) -> Result<BTreeSet<Fact>, DbError> {
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
