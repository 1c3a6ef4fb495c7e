//! Schema drift: detects changes of the API's schema, which has no versions.
//!
//! Before a full sync [`check`] requests the schema (`introspection.graphql`), [`schema`] reduces it to names and
//! types, [`needs`] looks up everything that the queries use, and `compare` lists the changes since the last schema
//! (`seen`). If something that a query needs is missing, the run stops before anything is staged. Other changes are
//! warnings of the run.

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
use crate::run_log::report::{RunWarning, RunWarningCode};
use crate::source::{ErrorClass, GazelleClient, GraphqlRequest, SourceError};
use needs::{Query, QueryNeeds};
use schema::Schema;

/// The longest schema that is read, in bytes. The API's has half a megabyte; parsing takes a multiple of its size
/// in memory.
const LONGEST_SCHEMA: usize = 8 * 1024 * 1024;

/// The result of checking the schema.
#[derive(Debug, Default)]
pub struct Drift {
    /// What the queries of the run need and the API lacks, one sentence each. If not empty, the run must not begin.
    pub missing: Vec<String>,
    /// Other changes.
    pub warnings: Vec<RunWarning>,
}

/// Reads the API's schema, looks up what the queries of these entities need, compares it with the last schema, and
/// stores it unless something is missing. An API that does not allow introspection only causes a warning.
///
/// # Errors
/// Any database error.
pub async fn check(
    client: &GazelleClient,
    db: &Db,
    fence: &Fence,
    run_id: Uuid,
    entities: &[&'static Entity],
) -> Result<Drift, DbError> {
    let schema = match read(client).await {
        Ok(schema) => schema,
        Err(UnreadableSchema::Stopped) => return Ok(Drift::default()),
        Err(UnreadableSchema::Refused(why)) => {
            let message = format!(
                "the API's schema could not be read, so that changes of it are not seen beforehand: {why}"
            );
            tracing::warn!("the API's schema could not be read");
            let warning =
                RunWarning { code: RunWarningCode::SchemaUnread, subject: "__schema".to_owned(), message };
            return Ok(Drift { missing: Vec::new(), warnings: vec![warning] });
        }
    };
    let found = needs::look_up_queries(&schema);
    let known = found.known(&schema);
    let before = seen::last(db).await?;
    let mut drift = Drift::default();
    if before.as_ref() != Some(&known) {
        if let Some(before) = &before {
            drift.warnings = compare::changes(before, &known, &schema.query_type);
        }
        // A schema that lacks something is not stored: the next one is compared with the last complete one.
        if found.missing.is_empty() {
            let note = async |tx: &FencedTx<'_>| seen::note(tx, &known, run_id, tx.now().await?).await;
            fence.transaction(db, note).await?;
        }
    }
    judge(&found, entities, &mut drift);
    for warning in &drift.warnings {
        tracing::warn!(
            code = warning.code.as_str(),
            subject = warning.subject,
            "the API's schema has changed"
        );
    }
    Ok(drift)
}

/// What is missing stops a run whose entities need it, and is a warning for others. It is a warning too if only a
/// query needs it that is sent when another one fails: without that one the run loses nothing.
fn judge(found: &QueryNeeds, entities: &[&'static Entity], drift: &mut Drift) {
    for (what, queries) in &found.missing {
        let is_ours = |query: &&Query| {
            entities.iter().any(|entity| entity.name == query.0 && !entity.is_fallback(query.1))
        };
        let operations = |queries: Vec<&Query>| {
            queries.iter().map(|(_, operation)| *operation).collect::<Vec<_>>().join(", ")
        };
        let ours: Vec<&Query> = queries.iter().filter(is_ours).collect();
        if ours.is_empty() {
            drift.warnings.push(RunWarning {
                code: RunWarningCode::NeededElsewhere,
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

/// Why the schema could not be read.
enum UnreadableSchema {
    /// The program was asked to stop.
    Stopped,
    /// The reason.
    Refused(String),
}

impl From<SourceError> for UnreadableSchema {
    fn from(error: SourceError) -> UnreadableSchema {
        match error.class() {
            ErrorClass::Stopped => UnreadableSchema::Stopped,
            // The advice of an invalid query is about the queries of a sync and does not fit here.
            ErrorClass::InvalidQuery { .. } => {
                UnreadableSchema::Refused("it does not allow introspection".to_owned())
            }
            _ => UnreadableSchema::Refused(error.to_string()),
        }
    }
}

async fn read(client: &GazelleClient) -> Result<Schema, UnreadableSchema> {
    let request = GraphqlRequest::new("Introspection", include_str!("introspection.graphql"), json!({}));
    let answer = client.post(&request).await?;
    let Some(raw) = answer.object("__schema")? else {
        return Err(UnreadableSchema::Refused("it does not allow introspection".to_owned()));
    };
    if raw.get().len() > LONGEST_SCHEMA {
        return Err(UnreadableSchema::Refused(format!("it is longer than {LONGEST_SCHEMA} bytes")));
    }
    Schema::read(raw.get()).map_err(|_| UnreadableSchema::Refused("its answer is no schema".to_owned()))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::entities::{ENTITIES, users};

    #[test]
    fn every_query_is_looked_up() {
        let nothing = Schema::read(r#"{"queryType": {"name": "Query"}, "types": []}"#).unwrap();
        let found = needs::look_up_queries(&nothing);
        let looked_up: BTreeSet<Query> = found.missing.into_values().flatten().collect();
        for entity in ENTITIES.iter().copied() {
            for (operation, _) in entity.queries() {
                assert!(looked_up.contains(&(entity.name, operation)), "{operation}");
            }
        }
        assert!(looked_up.contains(&("users", "UserInEvents")), "also one that is sent if another fails");
    }

    #[test]
    fn what_is_missing_for_a_query_that_a_run_can_do_without_is_a_warning() {
        let judged = |operation| {
            let mut found = QueryNeeds::default();
            found
                .missing
                .insert("PrivateEvent.user is gone".to_owned(), BTreeSet::from([("users", operation)]));
            let mut drift = Drift::default();
            judge(&found, &[&users::ENTITY], &mut drift);
            (drift.missing.len(), drift.warnings.len())
        };
        assert_eq!(judged("UsersPage"), (1, 0));
        assert_eq!(judged("UserThroughAppointment"), (1, 0));
        assert_eq!(judged("UserInEvents"), (0, 1));
    }
}
