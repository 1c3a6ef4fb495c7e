//! Whether production is what it should be: rebuilt from staging and compared row by row, counted and sampled
//! against the API, and looked at for what could make it lie (triggers, views, foreign keys).
//!
//! Everything in the database happens in one transaction of one snapshot that is rolled back: a run at work is
//! neither disturbed nor does it disturb, and nothing is left behind, whatever happens. The API is asked before.

mod at_source;
mod list_excess;
mod storage;
mod times;

use jiff::Timestamp;
use serde::Serialize;
use tokio_postgres::types::Type;

use crate::config::Settings;
use crate::db::{Db, DbError, Tx};
use crate::entities::Entity;
use crate::source::GazelleClient;
use crate::staging::balance;
use crate::staging::pending::Basis;
use crate::staging_to_production::difference::{self, TableDifference};
use crate::staging_to_production::rebuild::{self, Unplaced};

/// Rows shown of each kind of difference in a table.
const SAMPLES: i64 = 5;
/// Lines shown of what a check found.
const MOST_SAID: usize = 20;

/// What is to be verified.
pub struct Question<'a> {
    /// The entities compared; storage is checked as a whole.
    pub entities: Vec<&'static Entity>,
    /// Records asked for at the API.
    pub sample: u32,
    /// Chooses the sample: the same seed, the same records.
    pub seed: u64,
    /// The API; none to leave it out.
    pub client: Option<&'a GazelleClient>,
}

/// How it ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    /// No difference.
    Equal,
    /// No difference found, but the API could not be asked for all, or records wait for their turn to be asked for.
    Incomplete,
    /// At least one difference.
    Different,
}

/// What one check looked at and found.
#[derive(Debug, Clone, Serialize)]
pub struct Check {
    /// What was checked.
    pub name: String,
    /// How many things it looked at.
    pub checked: u64,
    /// How many of them are wrong.
    pub differences: u64,
    /// The first of them, each in a line.
    pub said: Vec<String>,
}

impl Check {
    fn new(name: impl Into<String>) -> Check {
        Check { name: name.into(), checked: 0, differences: 0, said: Vec::new() }
    }

    fn differs(&mut self, what: String) {
        self.differences += 1;
        if self.said.len() < MOST_SAID {
            self.said.push(what);
        }
    }
}

/// Everything found.
#[derive(Debug, Serialize)]
pub struct VerifyReport {
    /// The verdict.
    pub status: Verdict,
    /// The instant of the snapshot.
    pub as_of: Timestamp,
    /// Rows of production compared with their rebuilt copies.
    pub rows: u64,
    /// Records asked for at the API and compared.
    pub sampled: u64,
    /// All differences.
    pub differences: u64,
    /// Repeats the same sample.
    pub seed: u64,
    /// Every check.
    pub checks: Vec<Check>,
    /// Production against what staging gives, table by table; `missing` and `surplus` are production's.
    pub tables: Vec<TableDifference>,
    /// Production against what the API answered for the sample.
    pub sample_tables: Vec<TableDifference>,
    /// What explains itself and is no difference: what waits, what changed at the source since the last walk.
    pub notes: Vec<String>,
}

/// Verifies. Errors: the database's; what the API does is in the report.
pub async fn verify(db: &Db, settings: &Settings, question: &Question<'_>) -> Result<VerifyReport, DbError> {
    let mut notes = Vec::new();
    let mut asked_for_all = true;
    let answers = match question.client {
        None => {
            notes.push("the API was not asked: counts and sample are left out".to_owned());
            at_source::Answers::default()
        }
        Some(client) => {
            let answers = at_source::ask(db, settings, client, question).await?;
            asked_for_all = answers.failures.is_empty();
            notes.extend(answers.failures.iter().cloned());
            answers
        }
    };

    let mut connection = db.connection().await?;
    let tx = connection.begin_snapshot().await?;
    let as_of = tx.now().await?;
    let mut checks = Vec::new();
    let unplaced = rebuild::rebuild(&tx, settings.batch_size, Basis::Processed).await?;
    checks.push(all_placed("what stage 2 has processed can be rebuilt", question, &unplaced));
    let names: Vec<&'static str> =
        question.entities.iter().flat_map(|entity| entity.tables.iter().map(|table| table.name)).collect();
    let mut tables = difference::difference(&tx, SAMPLES, None).await?;
    tables.retain(|table| names.contains(&table.table));
    let rows = production_rows(&tx, &names).await?;
    checks.push(of_tables("production is what staging gives", rows, &tables));
    explain(&tx, question, &mut notes).await?;

    if question.client.is_some() {
        let waiting = at_source::waiting_for_their_turn(&tx, question).await?;
        asked_for_all &= waiting.is_empty();
        notes.extend(waiting);
        checks.push(at_source::compare_counts(&tx, settings, question, &answers, &mut notes).await?);
    }
    let judged = at_source::judge(&tx, question, answers.records, &mut notes).await?;
    let sampled = judged.sampled;
    let (sample_tables, not_compared) = at_source::compare(&tx, judged.to_compare, SAMPLES).await?;
    if question.client.is_some() {
        let mut check = of_tables("production is what the API says of the sample", sampled, &sample_tables);
        for id in judged.stale {
            check.differs(id);
        }
        for unplaced in not_compared.iter().filter(|unplaced| unplaced.refused) {
            check.differs(format!("{} {}: {}", unplaced.entity, unplaced.external_id, unplaced.reason));
        }
        checks.push(check);
    }
    checks.push(times::view_agrees(&tx).await?);
    if !settings.spot_checks.0.is_empty() {
        checks.push(times::spot_checks(&tx, &settings.spot_checks.0, &mut notes).await?);
    }
    checks.push(storage::dashboard_agrees(&tx).await?);
    checks.push(storage::no_triggers(&tx, db.schema()).await?);
    checks.push(storage::foreign_keys_hold(&tx, db.schema()).await?);
    tx.rollback().await?;

    let differences = checks.iter().map(|check| check.differences).sum();
    let status = match (differences, asked_for_all) {
        (0, true) => Verdict::Equal,
        (0, false) => Verdict::Incomplete,
        _ => Verdict::Different,
    };
    let tables = tables.into_iter().filter(TableDifference::is_some).collect();
    let sample_tables = sample_tables.into_iter().filter(TableDifference::is_some).collect();
    Ok(VerifyReport {
        status,
        as_of,
        rows,
        sampled,
        differences,
        seed: question.seed,
        checks,
        tables,
        sample_tables,
        notes,
    })
}

/// That no record was left behind by the rebuild, whose rows would show as differences without a reason.
fn all_placed(name: &str, question: &Question<'_>, unplaced: &[Unplaced]) -> Check {
    let mut check = Check::new(name);
    check.checked = question.entities.len() as u64;
    // One that cannot be read is in quarantine, and production keeps what it said before.
    for unplaced in unplaced.iter().filter(|unplaced| unplaced.refused) {
        if question.entities.iter().any(|entity| entity.name == unplaced.entity) {
            check.differs(format!("{} {}: {}", unplaced.entity, unplaced.external_id, unplaced.reason));
        }
    }
    check
}

fn of_tables(name: &str, checked: u64, tables: &[TableDifference]) -> Check {
    let mut check = Check { checked, ..Check::new(name) };
    for table in tables.iter().filter(|table| table.is_some()) {
        check.differences += (table.missing + table.changed + table.surplus) as u64;
        check.said.push(format!(
            "{}: {} missing, {} changed, {} surplus",
            table.table, table.missing, table.changed, table.surplus
        ));
    }
    check
}

async fn production_rows(tx: &Tx<'_>, names: &[&str]) -> Result<u64, DbError> {
    let mut sum = 0;
    for name in names {
        let rows = tx.query(&format!("SELECT count(*) FROM {{schema}}.{name}"), &[]).await?;
        sum += rows.first().map_or(0, |row| row.get::<_, i64>(0) as u64);
    }
    Ok(sum)
}

/// What is in staging and not in production, for a reason.
async fn explain(tx: &Tx<'_>, question: &Question<'_>, notes: &mut Vec<String>) -> Result<(), DbError> {
    for entity in &question.entities {
        let balance = balance::in_transaction(tx, entity).await?;
        if balance.pending > 0 {
            notes.push(format!(
                "{}: {} record(s) wait for stage 2 (gazelle-sync reconcile)",
                entity.name, balance.pending
            ));
        }
        if balance.quarantined > 0 {
            notes.push(format!(
                "{}: {} record(s) are in quarantine and not in production (gazelle-sync errors)",
                entity.name, balance.quarantined
            ));
        }
        let older = tx
            .query(
                &include_str!("older_versions.sql").replace("{table}", entity.tables[0].name),
                &[(&entity.name, Type::TEXT)],
            )
            .await?;
        let older: i64 = older.first().map_or(0, |row| row.get(0));
        if older > 0 {
            notes.push(format!(
                "{}: {older} record(s) stand in production in an older version, since their newest waits in quarantine \
                 (gazelle-sync errors)",
                entity.name
            ));
        }
    }
    Ok(())
}
