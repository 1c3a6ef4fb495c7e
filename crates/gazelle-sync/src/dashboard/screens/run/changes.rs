//! What a run changed: how many records, and the differences of the first of them.

use serde::Serialize;
use serde_json::Value as Json;

use crate::dashboard::links;
use crate::dashboard::named::{Named, Names};
use crate::dashboard::page::entity_name;
use crate::dashboard::values::Differences;
use crate::dashboard::words::locale::Locale;
use crate::dashboard::words::runs as w;
use crate::dashboard::words::sentence::Sentence;
use crate::db::{DbError, Tx};
use crate::entities::weight;
use crate::explain::diff::{self, Change};
use crate::staging::history::run_versions::{self, MOST_COUNTED, RunSpan, StagedCounts, StagedVersion};

/// Records that are listed.
const MOST: usize = 200;
/// Records shown before the others are folded.
const UNFOLDED: usize = 20;

/// What a run changed.
#[derive(Serialize)]
pub(super) struct RunChanges {
    counts: Vec<Counts>,
    records: Vec<ChangedRecord>,
    /// Whether there are more records than are listed.
    is_cut: bool,
    #[serde(skip)]
    names: Names,
}

/// The changes of an entity by kind.
#[derive(Serialize)]
struct Counts {
    entity: String,
    new: i64,
    changed: i64,
    gone: i64,
    in_quarantine: i64,
    /// Whether counting stopped at the limit, which is one for all kinds together: each number may be higher.
    is_cut: bool,
}

/// A record.
#[derive(Serialize)]
struct ChangedRecord {
    entity: String,
    external_id: String,
    staging_id: uuid::Uuid,
    kind: RecordChange,
    in_quarantine: bool,
    withdrawn: bool,
    /// None for a record that is new or gone, or too large.
    changes: Option<Vec<Change>>,
}

/// What happened to a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
enum RecordChange {
    New,
    Changed,
    Gone,
}

/// What the page shows of it.
pub(super) struct View {
    pub(super) counts: Vec<CountsView>,
    pub(super) records: Vec<ChangedView>,
    /// The number of records shown before the fold.
    pub(super) unfolded: usize,
    /// The summary of the fold: how many records it holds.
    pub(super) others: String,
    pub(super) first: Option<String>,
}

/// The changes of an entity.
pub(super) struct CountsView {
    pub(super) name: String,
    pub(super) new: String,
    pub(super) changed: String,
    pub(super) gone: String,
    pub(super) in_quarantine: String,
}

/// A record that was changed.
pub(super) struct ChangedView {
    pub(super) record: Named,
    pub(super) class: &'static str,
    pub(super) shape: &'static str,
    pub(super) word: String,
    /// The page of its case.
    pub(super) case: Option<String>,
    pub(super) is_withdrawn: bool,
    pub(super) differences: Option<Differences>,
    /// Why no differences are shown of a record that changed.
    pub(super) why_none: Option<String>,
}

/// Reads them, in three statements.
pub(super) async fn read(tx: &Tx<'_>, run: RunSpan) -> Result<RunChanges, DbError> {
    let counts = run_versions::counts(tx, run).await?;
    let most = i64::try_from(MOST).unwrap_or(i64::MAX);
    let versions = run_versions::versions(tx, run, most).await?;
    let found: i64 = counts.iter().map(|one| one.first + one.later + one.gone).sum();
    let versions = &versions[..versions.len().min(MOST)];
    let ids = versions.iter().map(|version| (version.entity.as_str(), version.external_id.as_str()));
    Ok(RunChanges {
        names: Names::read(tx, ids).await?,
        counts: counts.iter().map(of_entity).collect(),
        records: versions.iter().map(changed).collect(),
        is_cut: found > most,
    })
}

fn of_entity(staged: &StagedCounts) -> Counts {
    Counts {
        entity: staged.entity.clone(),
        new: staged.first,
        changed: staged.later,
        gone: staged.gone,
        in_quarantine: staged.faulty,
        is_cut: staged.first + staged.later + staged.gone >= MOST_COUNTED,
    }
}

fn changed(version: &StagedVersion) -> ChangedRecord {
    let parsed = |json: &Option<String>| -> Option<Json> {
        let json = json.as_deref().filter(|json| !weight::is_too_heavy(json))?;
        serde_json::from_str(json).ok()
    };
    let both = parsed(&version.before).zip(parsed(&version.json));
    let kind = match (version.is_tombstone, version.is_first) {
        (true, _) => RecordChange::Gone,
        (false, true) => RecordChange::New,
        (false, false) => RecordChange::Changed,
    };
    ChangedRecord {
        entity: version.entity.clone(),
        external_id: version.external_id.clone(),
        staging_id: version.staging_id,
        kind,
        in_quarantine: version.is_faulty,
        withdrawn: version.is_withdrawn,
        changes: both.map(|(before, after)| diff::changes(&before, &after)),
    }
}

impl RunChanges {
    /// In words.
    pub(super) fn view(&self, t: &Locale) -> View {
        let counts = self.counts.iter().map(|counts| {
            let number = |number: i64| match counts.is_cut {
                true => format!("≥\u{a0}{}", t.number(number)),
                false => t.number(number),
            };
            CountsView {
                name: entity_name(&counts.entity, t),
                new: number(counts.new),
                changed: number(counts.changed),
                gone: number(counts.gone),
                in_quarantine: number(counts.in_quarantine),
            }
        });
        View {
            counts: counts.collect(),
            records: self.records.iter().map(|changed| self.record(changed, t)).collect(),
            unfolded: UNFOLDED,
            others: t.count(w::OTHER_RECORDS, self.records.len().saturating_sub(UNFOLDED)),
            first: self.is_cut.then(|| t.fill(w::FIRST_RECORDS, &[("n", &t.number(MOST as i64))])),
        }
    }

    fn record(&self, changed: &ChangedRecord, t: &Locale) -> ChangedView {
        let say = |said: Sentence| t.say(said).into_owned();
        let (class, shape, word) = match changed.kind {
            RecordChange::New => ("ok", "+", w::KIND_NEW),
            RecordChange::Changed => ("run", "⇄", w::KIND_CHANGED),
            RecordChange::Gone => ("bad", "✕", w::KIND_GONE),
        };
        let differences = changed.changes.as_ref().map(|changes| Differences::of(changes, t));
        let is_same = differences.as_ref().is_some_and(|differences| differences.fields.is_empty());
        let why_none = match changed.kind {
            RecordChange::Changed if differences.is_none() => Some(say(w::TOO_LARGE)),
            RecordChange::Changed if is_same => Some(say(w::SAME_FIELDS)),
            _ => None,
        };
        ChangedView {
            record: self.names.of(&changed.entity, &changed.external_id).shown(t),
            class,
            shape,
            word: say(word),
            case: changed
                .in_quarantine
                .then(|| format!("{}#field", links::case(&changed.staging_id.to_string()))),
            is_withdrawn: changed.withdrawn,
            differences: differences.filter(|_| !is_same),
            why_none,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Language;
    use crate::time;

    /// The cells of an entity, given its counts of new, changed and deleted records.
    fn shown(first: i64, later: i64, gone: i64) -> [String; 3] {
        let now = "2026-11-24T19:22:00Z".parse().unwrap();
        let t = Locale::new(Language::En, time::zone(time::MONTREAL).unwrap(), now);
        let staged = StagedCounts { entity: "clients".to_owned(), first, later, gone, faulty: 0 };
        let counts = vec![of_entity(&staged)];
        let changes = RunChanges { counts, records: Vec::new(), is_cut: false, names: Names::default() };
        let view = changes.view(&t);
        let [counts] = view.counts.as_slice() else { panic!("one entity") };
        [&counts.new, &counts.changed, &counts.gone].map(|text| text.replace('\u{a0}', " "))
    }

    #[test]
    fn numbers_that_are_cut_together_are_all_told_as_at_least() {
        assert_eq!(shown(2_000, 2_500, 499), ["2,000", "2,500", "499"]);
        assert_eq!(shown(2_000, 2_500, 500), ["≥ 2,000", "≥ 2,500", "≥ 500"]);
    }
}
