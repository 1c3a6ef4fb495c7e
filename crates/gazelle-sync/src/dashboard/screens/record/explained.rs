//! The explanation of a value in words: the value, its rule, its place in the raw record, where that was read, and what
//! the versions before said.

use super::read::RawVersion;
use crate::dashboard::links;
use crate::dashboard::values::Value;
use crate::dashboard::words::locale::Locale;
use crate::dashboard::words::record as w;
use crate::dashboard::words::sentence::Sentence;
use crate::explain::column::{Explanation, FilledBy, Source};
use crate::explain::source::Request;
use crate::explain::times::Times;

/// Values of versions that are listed.
const MOST_EARLIER_VALUES: usize = 20;

/// A value, or one that it rests on.
pub(in crate::dashboard::screens) struct Block {
    /// How deep it stands: 0 for the value itself.
    pub(in crate::dashboard::screens) level: usize,
    pub(in crate::dashboard::screens) title: String,
    pub(in crate::dashboard::screens) value: Value,
    pub(in crate::dashboard::screens) filled_by: String,
    /// The rule in the engine's own words, in English.
    pub(in crate::dashboard::screens) rule: String,
    pub(in crate::dashboard::screens) paths: Vec<PathView>,
    pub(in crate::dashboard::screens) source: Option<SourceView>,
    /// Set where the row names a version that is no longer held.
    pub(in crate::dashboard::screens) is_gone: bool,
    /// Whether production agrees, in words, and the value that the record gives if it does not.
    pub(in crate::dashboard::screens) agrees: Option<(bool, String)>,
    pub(in crate::dashboard::screens) gives: Option<String>,
    pub(in crate::dashboard::screens) steps: Vec<(String, String)>,
    pub(in crate::dashboard::screens) said: Vec<EarlierValueView>,
}

/// A place in the record.
pub(in crate::dashboard::screens) struct PathView {
    pub(in crate::dashboard::screens) path: String,
    /// None where there is nothing.
    pub(in crate::dashboard::screens) value: Option<Value>,
    pub(in crate::dashboard::screens) is_used: bool,
    /// Its line in the raw record beside, if that shows it.
    pub(in crate::dashboard::screens) line: Option<String>,
}

/// The version that a value was read from.
pub(in crate::dashboard::screens) struct SourceView {
    pub(in crate::dashboard::screens) version: String,
    pub(in crate::dashboard::screens) run: Option<(String, String)>,
    pub(in crate::dashboard::screens) request: Option<String>,
    pub(in crate::dashboard::screens) completed_by: Vec<String>,
}

/// What a version said.
pub(in crate::dashboard::screens) struct EarlierValueView {
    /// Its number, and when it was seen.
    pub(in crate::dashboard::screens) version: String,
    pub(in crate::dashboard::screens) value: Value,
    /// In the engine's own words, in English.
    pub(in crate::dashboard::screens) note: Option<String>,
}

/// The value, and what it rests on below it.
pub(in crate::dashboard::screens) fn blocks(
    told: &Explanation,
    raw: Option<&RawVersion>,
    t: &Locale,
) -> Vec<Block> {
    let mut all = Vec::new();
    add(told, 0, (raw, None), t, &mut all);
    tell_steps_once(told, t, &mut all);
    all
}

/// The steps of an instant that is computed from others begin with the text of these, and stand once.
fn tell_steps_once(told: &Explanation, t: &Locale, all: &mut [Block]) {
    let text = told.rests_on.iter().find_map(|inner| inner.times.as_ref()?.raw.clone());
    let (Some(times), Some([outer, inner @ ..])) = (&told.times, Some(&mut *all)) else { return };
    let Some(raw) = times.raw.clone().or(text) else { return };
    outer.steps = steps(&Times { raw: Some(raw), ..times.clone() }, t);
    inner.iter_mut().for_each(|block| block.steps.clear());
}

fn add(
    told: &Explanation,
    level: usize,
    (raw, outer): (Option<&RawVersion>, Option<&Source>),
    t: &Locale,
    all: &mut Vec<Block>,
) {
    let is_told =
        outer.zip(told.source.as_ref()).is_some_and(|(outer, own)| outer.staging_id == own.staging_id);
    // Only of the version that is shown beside is a line known.
    let beside = raw.filter(|raw| told.source.as_ref().is_some_and(|source| source.version == raw.number));
    let is_of_record = matches!(told.filled_by, FilledBy::Record | FilledBy::Reconciler);
    all.push(Block {
        level,
        title: format!("{}.{}", told.table, told.column),
        value: Value::of(&told.value, t),
        filled_by: t.say(filled_by(told.filled_by)).into_owned(),
        rule: told.rule.clone(),
        paths: paths(told, beside, t),
        source: told.source.as_ref().filter(|_| !is_told).map(|source| source_view(source, t)),
        is_gone: is_of_record && told.source.is_none(),
        agrees: told
            .agrees
            .map(|agrees| (agrees, t.say(if agrees { w::AGREES_YES } else { w::AGREES_NO }).into_owned())),
        gives: told
            .made
            .as_ref()
            .filter(|_| told.agrees == Some(false))
            .map(|made| t.fill(w::GIVES, &[("value", &Value::of(made, t).text)])),
        steps: told.times.as_ref().map(|times| steps(times, t)).unwrap_or_default(),
        said: earlier_values(told, t),
    });
    for inner in &told.rests_on {
        add(inner, level + 1, (raw, told.source.as_ref().or(outer)), t, all);
    }
}

fn filled_by(what: FilledBy) -> Sentence {
    match what {
        FilledBy::Record => w::BY_RECORD,
        FilledBy::Reconciler => w::BY_RECONCILER,
        FilledBy::AnotherRow => w::BY_ANOTHER_ROW,
        FilledBy::Database => w::BY_DATABASE,
        FilledBy::View => w::BY_VIEW,
        FilledBy::Lineage => w::BY_LINEAGE,
    }
}

fn paths(told: &Explanation, beside: Option<&RawVersion>, t: &Locale) -> Vec<PathView> {
    let marked = beside.and_then(|raw| raw.raw.marked().filter(|_| raw.raw.is_found));
    let only = told.looked_at.len() == 1;
    told.looked_at
        .iter()
        .map(|looked| PathView {
            path: format!("$.{}", looked.path),
            value: looked.found.then(|| Value::of(&looked.raw, t)),
            is_used: looked.used,
            line: marked
                .filter(|_| looked.used || only)
                .map(|line| t.fill(w::PATH_LINE, &[("line", &line.number.to_string())])),
        })
        .collect()
}

fn source_view(source: &Source, t: &Locale) -> SourceView {
    let number = source.version.to_string();
    let held = source.versions_held.to_string();
    let at = t.exact(source.seen_at.utc);
    SourceView {
        version: t.fill(w::VERSION_OF, &[("number", &number), ("held", &held), ("at", &at)]),
        run: source.run.as_ref().map(|run| {
            let label = t.fill(w::RUN_OF, &[("at", &t.date_hour(run.started_at.utc))]);
            (links::run(run.run_id), label)
        }),
        request: source.request.as_ref().map(|request| request_text(request, t)),
        completed_by: source.completed_by.iter().map(|request| request_text(request, t)).collect(),
    }
}

/// A request: its number, its operation and its page.
pub(in crate::dashboard::screens) fn request_text(request: &Request, t: &Locale) -> String {
    let number = t.number(request.number);
    let page = request.page.map(|page| t.number(page)).unwrap_or_default();
    let facts =
        [("number", number.as_str()), ("operation", request.operation.as_str()), ("page", page.as_str())];
    t.fill(if request.page.is_some() { w::REQUEST_PAGE } else { w::REQUEST_OF }, &facts)
}

/// From the text in the record to the local time.
fn steps(times: &Times, t: &Locale) -> Vec<(String, String)> {
    let say = |said: Sentence| t.say(said).into_owned();
    let utc = times.instant.to_string();
    let local = t.exact(times.instant);
    let season = if t.is_daylight_time(times.instant) { w::STEP_SUMMER } else { w::STEP_WINTER };
    let stored = [("date", times.utc_date.to_string()), ("time", times.utc_time.to_string())];
    let stored = stored.each_ref().map(|(name, value)| (*name, value.as_str()));
    let mut steps = Vec::new();
    steps.extend(
        times
            .raw
            .as_ref()
            .map(|raw| (say(w::STEP_TEXT), format!("\"{}\"", Value::of(&raw.as_str().into(), t).text))),
    );
    steps.push((say(w::STEP_INSTANT), utc.trim_end_matches('Z').replace('T', " ") + "\u{a0}UTC"));
    steps.push((say(w::STEP_STORED), t.fill(w::STEP_DATE_TIME, &stored)));
    steps.push((say(w::STEP_LOCAL), t.fill(season, &[("local", &local)])));
    steps.extend(times.view.as_ref().map(|row| (say(w::STEP_VIEW), row.text())));
    steps
}

fn earlier_values(explanation: &Explanation, t: &Locale) -> Vec<EarlierValueView> {
    let newest = explanation.said.iter().rev().take(MOST_EARLIER_VALUES);
    newest
        .map(|said| EarlierValueView {
            version: format!(
                "{}, {}",
                t.fill(w::VERSION_NUMBER, &[("number", &said.version.to_string())]),
                t.date_hour(said.seen_at.utc)
            ),
            value: Value::of(&said.value, t),
            note: said.note.clone(),
        })
        .collect()
}
