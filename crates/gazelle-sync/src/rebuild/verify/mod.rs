//! Verifies production: compares it row by row with a rebuild from staging, compares counts and a sample with the
//! API, and checks what could falsify correct rows (triggers, views, foreign keys).
//!
//! All reading of the database is in one transaction with one snapshot that is rolled back: a run in progress and
//! this do not disturb each other, and nothing is left behind. The API is asked before (`answers`). [`verify`] has
//! three steps: production against staging, production against the API (`counts`, `sample`), and what could falsify
//! correct rows (`times`, `storage`). `report` is the result.

mod answers;
mod counts;
mod last_walk;
mod list_excess;
mod report;
mod sample;
mod storage;
mod times;

use tokio_postgres::types::Type;

use answers::ApiAnswers;

use super::comparison;

use crate::config::Settings;
use crate::db::{Begin, Db, DbError, Template, Tx};
use crate::entities::Entity;
use crate::lease::{Unfenced, UnfencedTx};
use crate::staging::counts::balance;
use crate::staging::pending::RebuildSource;
use crate::staging_to_production::difference::{RecordSelection, TableDifference};
use crate::staging_to_production::rebuild::{self, UnwrittenRecord};

pub use crate::states::VerifyVerdict;
pub use report::{Check, VerifyReport, VerifyRequest};

/// Verifies.
///
/// # Errors
/// The database's; errors of the API are in the report.
pub async fn verify(
    db: &Db,
    settings: &Settings,
    question: &VerifyRequest<'_>,
) -> Result<VerifyReport, DbError> {
    let answers = match question.client {
        Some(client) => Some(ApiAnswers::ask(db, settings, client, question).await?),
        None => None,
    };
    let mut connection = db.connection().await?;
    let begin = Begin { snapshot: true, ..Begin::default() };
    let tx = Unfenced::ScratchTables.begin_with(&mut connection, begin).await?;
    let as_of = tx.now().await?;
    let verification = Verification { tx: &tx, settings, question };
    let mut found = Findings { asked_for_all: true, ..Findings::default() };
    match &answers {
        Some(answers) => found.note_failures(answers),
        None => found.notes.push("the API was not asked: counts and sample are left out".to_owned()),
    }
    verification.compare_with_staging(&mut found).await?;
    if let Some(answers) = &answers {
        verification.compare_counts(answers, &mut found).await?;
        verification.compare_sample(answers, &mut found).await?;
    }
    verification.check_what_could_lie(db.schema(), &mut found).await?;
    tx.rollback().await?;

    let differences = found.checks.iter().map(|check| check.differences).sum();
    let differing =
        |tables: Vec<TableDifference>| tables.into_iter().filter(TableDifference::is_some).collect();
    Ok(VerifyReport {
        status: report::verdict_of(differences, found.asked_for_all),
        as_of,
        rows: found.rows,
        sampled: found.sampled,
        differences,
        seed: question.seed,
        checks: found.checks,
        tables: differing(found.tables),
        sample_tables: differing(found.sample_tables),
        notes: found.notes,
    })
}

/// The findings of the steps so far.
#[derive(Default)]
struct Findings {
    checks: Vec<Check>,
    notes: Vec<String>,
    /// Whether the API answered everything, and no record is still to be asked for by id.
    asked_for_all: bool,
    /// Rows of production compared with their rebuilt copies.
    rows: u64,
    /// Records of the API that were compared.
    sampled: u64,
    /// Production against the rebuild from staging.
    tables: Vec<TableDifference>,
    /// Production against the API's answers.
    sample_tables: Vec<TableDifference>,
}

impl Findings {
    fn note_failures(&mut self, answers: &ApiAnswers) {
        self.asked_for_all = answers.failures.is_empty();
        self.notes.extend(answers.failures.iter().cloned());
    }
}

/// One snapshot of the database, and what is to be verified in it.
struct Verification<'a, 't> {
    tx: &'a UnfencedTx<'t>,
    settings: &'a Settings,
    question: &'a VerifyRequest<'a>,
}

impl Verification<'_, '_> {
    /// Rebuilds production in scratch tables and compares the two.
    async fn compare_with_staging(&self, found: &mut Findings) -> Result<(), DbError> {
        let unplaced = rebuild::rebuild(self.tx, self.settings.batch_size, RebuildSource::Processed).await?;
        found.checks.push(self.all_placed(&unplaced));
        let parts: Vec<RecordSelection> =
            self.question.entities.iter().map(|entity| RecordSelection::whole(entity)).collect();
        let tables = comparison::count(self.tx, &parts).await?;
        found.rows = production_rows(self.tx, &self.table_names()).await?;
        found.checks.push(Check::of_tables("production equals staging", found.rows, &tables));
        found.tables = tables;
        for entity in &self.question.entities {
            note_not_in_production(self.tx, entity, &mut found.notes).await?;
        }
        Ok(())
    }

    /// Compares the API's counts with the records held.
    async fn compare_counts(&self, answers: &ApiAnswers, found: &mut Findings) -> Result<(), DbError> {
        let waiting = counts::still_to_be_asked(self.tx, self.question).await?;
        found.asked_for_all &= waiting.is_empty();
        found.notes.extend(waiting);
        let check = counts::compare(self.tx, self.settings, self.question, answers, &mut found.notes).await?;
        found.checks.push(check);
        Ok(())
    }

    /// Compares the records that the API returned with production.
    async fn compare_sample(&self, answers: &ApiAnswers, found: &mut Findings) -> Result<(), DbError> {
        let judged = sample::judge(self.tx, self.question, &answers.records, &mut found.notes).await?;
        found.sampled = judged.sampled;
        let (tables, not_compared) = sample::compare(self.tx, judged.to_compare).await?;
        let name = "production is what the API says of the sample";
        let mut check = Check::of_tables(name, judged.sampled, &tables);
        for id in judged.stale {
            check.differs(id);
        }
        note_refused(&mut check, not_compared.iter());
        found.checks.push(check);
        found.sample_tables = tables;
        Ok(())
    }

    /// Checks what could falsify correct rows, or let wrong ones in.
    async fn check_what_could_lie(&self, schema: &str, found: &mut Findings) -> Result<(), DbError> {
        found.checks.push(times::view_agrees(self.tx).await?);
        let spots = &self.settings.spot_checks.0;
        if !spots.is_empty() {
            found.checks.push(times::spot_checks(self.tx, spots, &mut found.notes).await?);
        }
        found.checks.push(storage::dashboard_agrees(self.tx).await?);
        found.checks.push(storage::no_triggers(self.tx, schema).await?);
        found.checks.push(storage::foreign_keys_hold(self.tx, schema).await?);
        Ok(())
    }

    /// Checks that the rebuild could place every record: rows of others would show as differences without a reason.
    fn all_placed(&self, unplaced: &[UnwrittenRecord]) -> Check {
        let mut check = Check::new("what stage 2 has processed can be rebuilt");
        let entities = &self.question.entities;
        check.checked = entities.len() as u64;
        let is_asked =
            |unplaced: &&UnwrittenRecord| entities.iter().any(|entity| entity.name == unplaced.entity);
        note_refused(&mut check, unplaced.iter().filter(is_asked));
        // Of a record that the source has deleted since, a row that should be there shows as a difference by itself.
        let waits = |unplaced: &&UnwrittenRecord| unplaced.waiting.is_some() && !unplaced.gone;
        let waiting = unplaced.iter().filter(is_asked).filter(waits);
        for unplaced in waiting {
            check.differs(format!("{} {}: {}", unplaced.entity, unplaced.external_id, unplaced.reason));
        }
        check
    }

    fn table_names(&self) -> Vec<&'static str> {
        let tables = self.question.entities.iter().flat_map(|entity| entity.tables);
        tables.map(|table| table.name).collect()
    }
}

/// Counts the records that the database refused as differences. A record that cannot be read is in quarantine, and
/// production keeps its previous content.
fn note_refused<'u>(check: &mut Check, unplaced: impl Iterator<Item = &'u UnwrittenRecord>) {
    for unplaced in unplaced.filter(|unplaced| unplaced.refused) {
        check.differs(format!("{} {}: {}", unplaced.entity, unplaced.external_id, unplaced.reason));
    }
}

async fn production_rows(tx: &Tx<'_>, names: &[&str]) -> Result<u64, DbError> {
    let mut sum = 0;
    for name in names {
        let rows = tx.query(&format!("SELECT count(*) FROM {{schema}}.{name}"), &[]).await?;
        sum += rows.first().map_or(0, |row| row.get::<_, i64>(0) as u64);
    }
    Ok(sum)
}

/// Notes records that are in staging and not in production, with the reason.
async fn note_not_in_production(
    tx: &Tx<'_>,
    entity: &Entity,
    notes: &mut Vec<String>,
) -> Result<(), DbError> {
    let name = entity.name;
    let balance = balance::in_transaction(tx, entity).await?;
    if balance.pending > 0 {
        notes
            .push(format!("{name}: {} record(s) wait for stage 2 (gazelle-sync reconcile)", balance.pending));
    }
    if balance.quarantined > 0 {
        notes.push(format!(
            "{name}: {} record(s) are in quarantine and not in production (gazelle-sync errors)",
            balance.quarantined
        ));
    }
    let sql = Template::new(include_str!("older_versions.sql")).with("table", entity.tables[0].name).fill();
    let older = tx.query(&sql, &[(&name, Type::TEXT)]).await?;
    let older: i64 = older.first().map_or(0, |row| row.get(0));
    if older > 0 {
        notes.push(format!(
            "{name}: {older} record(s) stand in production in an older version, since their newest waits in quarantine \
             (gazelle-sync errors)"
        ));
    }
    Ok(())
}
