//! The verdict on the data: from facts to one sentence with one act. A pure function; its order decides what is said
//! first where several things are true.

pub(crate) mod facts;

use jiff::{SignedDuration, Timestamp};
use serde::Serialize;

use super::page::entity_name;
use super::words::locale::Locale;
use super::words::verdict as w;

/// A comparison with Gazelle that is older counts as none.
const VERIFIED_FOR: SignedDuration = SignedDuration::from_hours(48);

/// What is known of the data.
#[derive(Debug, Clone, Default, Serialize)]
pub(crate) struct Facts {
    /// Since when the database does not answer; the inner one is none if that is not known.
    pub(crate) unreachable: Option<Option<Timestamp>>,
    /// Whether Gazelle refused the key in the last run that asked.
    pub(crate) refused: bool,
    /// The last run that failed, unless a later one has done all of its work.
    pub(crate) failed: Option<BadRun>,
    /// Whether nothing new came within the limit.
    pub(crate) stale: bool,
    /// The limit, in minutes.
    pub(crate) stale_after_minutes: u32,
    /// Entities of which Gazelle listed nothing though there were many, separated by commas.
    pub(crate) nothing_listed: Option<String>,
    /// Deletions that wait for a person.
    pub(crate) withheld: i64,
    /// Records that went into quarantine within the last hour, if they are more than the limit.
    pub(crate) many_cases: Option<i64>,
    /// The last run that was done in part, unless a later one has done all of its work.
    pub(crate) partial: Option<BadRun>,
    /// Since when all entities are good.
    pub(crate) as_of: Option<Timestamp>,
    /// The last comparison with Gazelle.
    pub(crate) verified: Option<Verified>,
    /// The database's time.
    pub(crate) now: Timestamp,
}

/// A run that was not a success.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct BadRun {
    pub(crate) run_id: String,
    pub(crate) at: Timestamp,
}

/// A comparison of all rows with what Gazelle said.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Verified {
    pub(crate) at: Timestamp,
    pub(crate) rows: i64,
    pub(crate) asked: i64,
    pub(crate) differences: i64,
    /// The page of its report.
    pub(crate) report: String,
}

/// How grave a verdict is: it decides colour and shape.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Level {
    Bad,
    Warn,
    Good,
}

impl Level {
    /// The class of its colour.
    pub(crate) fn class(self) -> &'static str {
        match self {
            Level::Bad => "bad",
            Level::Warn => "warn",
            Level::Good => "ok",
        }
    }

    /// Its shape, so that colour is never all that tells.
    pub(crate) fn shape(self) -> &'static str {
        match self {
            Level::Bad => "■",
            Level::Warn => "▲",
            Level::Good => "●",
        }
    }
}

/// What is true first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Verdict {
    Unreachable(Option<Timestamp>),
    Refused,
    Failed(BadRun),
    Stale,
    Differs(Verified),
    NothingListed(String),
    Withheld(i64),
    ManyCases(i64),
    Partial(BadRun),
    NotVerified(Option<Timestamp>),
    Right(Verified),
}

/// The first of the eleven that holds.
pub(crate) fn verdict(facts: &Facts) -> Verdict {
    let verified = facts.verified.clone();
    let recent = |verified: &Verified| facts.now.duration_since(verified.at) <= VERIFIED_FOR;
    if let Some(since) = facts.unreachable {
        return Verdict::Unreachable(since);
    }
    if facts.refused {
        return Verdict::Refused;
    }
    if let Some(run) = &facts.failed {
        return Verdict::Failed(run.clone());
    }
    if facts.stale {
        return Verdict::Stale;
    }
    if let Some(verified) = verified.clone().filter(|verified| verified.differences > 0) {
        return Verdict::Differs(verified);
    }
    if let Some(entities) = &facts.nothing_listed {
        return Verdict::NothingListed(entities.clone());
    }
    if facts.withheld > 0 {
        return Verdict::Withheld(facts.withheld);
    }
    if let Some(count) = facts.many_cases {
        return Verdict::ManyCases(count);
    }
    if let Some(run) = &facts.partial {
        return Verdict::Partial(run.clone());
    }
    match verified {
        Some(verified) if recent(&verified) => Verdict::Right(verified),
        old => Verdict::NotVerified(old.map(|old| old.at)),
    }
}

/// A verdict in words.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct VerdictText {
    pub(crate) level: Level,
    pub(crate) title: String,
    pub(crate) sentence: String,
    /// What to do: a page, or a command that the text names.
    pub(crate) act: Option<VerdictAction>,
}

/// The one thing to do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct VerdictAction {
    pub(crate) label: String,
    /// The page, if it is one.
    pub(crate) href: Option<String>,
}

impl Verdict {
    pub(crate) fn level(&self) -> Level {
        match self {
            Verdict::Unreachable(_)
            | Verdict::Refused
            | Verdict::Failed(_)
            | Verdict::Stale
            | Verdict::Differs(_)
            | Verdict::NothingListed(_) => Level::Bad,
            Verdict::Withheld(_) | Verdict::ManyCases(_) | Verdict::Partial(_) => Level::Warn,
            Verdict::NotVerified(_) | Verdict::Right(_) => Level::Good,
        }
    }

    /// The words, with the facts that they name.
    pub(crate) fn text(&self, facts: &Facts, t: &Locale) -> VerdictText {
        let as_of = match facts.as_of {
            Some(at) => t.fill(w::AS_OF, &[("as_of", &t.of(at))]),
            None => t.say(w::NOTHING_YET).into_owned(),
        };
        let (title, sentence) = match self {
            Verdict::Unreachable(since) => (t.say(w::UNREACHABLE).into_owned(), unreachable(*since, t)),
            Verdict::Refused => (t.say(w::REFUSED).into_owned(), as_of),
            Verdict::Failed(run) => (t.fill(w::RUN_FAILED, &[("at", &t.at(run.at))]), as_of),
            Verdict::Stale => (t.say(w::STALE).into_owned(), stale(facts, t)),
            Verdict::Differs(verified) => (
                t.count(w::DIFFERS, verified.differences),
                t.fill(w::DIFFERS_MORE, &[("at", &t.at(verified.at))]),
            ),
            Verdict::NothingListed(entities) => (
                t.fill(w::NOTHING_LISTED, &[("entities", &labels(entities, t))]),
                t.say(w::NOTHING_LISTED_MORE).into_owned(),
            ),
            Verdict::Withheld(count) => (t.count(w::WITHHELD, *count), t.say(w::WITHHELD_MORE).into_owned()),
            Verdict::ManyCases(count) => (t.count(w::CASES, *count), t.say(w::CASES_MORE).into_owned()),
            Verdict::Partial(run) => {
                (t.say(w::IN_PART).into_owned(), t.fill(w::IN_PART_MORE, &[("at", &t.of(run.at))]))
            }
            Verdict::NotVerified(last) => (fresh(w::FRESH, facts, t), not_verified(*last, t)),
            Verdict::Right(verified) => (fresh(w::RIGHT, facts, t), right(verified, t)),
        };
        VerdictText { level: self.level(), title, sentence, act: self.act(t) }
    }

    fn act(&self, t: &Locale) -> Option<VerdictAction> {
        let (label, href) = match self {
            Verdict::Unreachable(_) => (w::UNREACHABLE_ACT, None),
            Verdict::Refused => (w::REFUSED_ACT, None),
            Verdict::Failed(run) | Verdict::Partial(run) => {
                (w::SEE_RUN, Some(format!("/app/runs/{}", run.run_id)))
            }
            Verdict::Stale | Verdict::NothingListed(_) => (w::SEE_RUNS, Some("/app/runs".to_owned())),
            Verdict::Differs(verified) => (w::DIFFERS_ACT, Some(verified.report.clone())),
            Verdict::Withheld(_) => (w::WITHHELD_ACT, Some("/app/deletions".to_owned())),
            Verdict::ManyCases(_) => (w::CASES_ACT, Some("/app/quarantine".to_owned())),
            Verdict::NotVerified(_) => (w::VERIFY_ACT, Some("/app/#live-verified".to_owned())),
            Verdict::Right(_) => return None,
        };
        Some(VerdictAction { label: t.say(label).into_owned(), href })
    }
}

/// The names of entities, separated by commas, as the page's language calls them within a sentence.
fn labels(entities: &str, t: &Locale) -> String {
    let label = |name: &str| entity_name(name, t).to_lowercase();
    entities.split(", ").map(label).collect::<Vec<_>>().join(", ")
}

fn unreachable(since: Option<Timestamp>, t: &Locale) -> String {
    match since {
        Some(since) => t.fill(w::UNREACHABLE_MORE, &[("since", &t.since(since))]),
        None => t.say(w::UNREACHABLE_NOW).into_owned(),
    }
}

fn stale(facts: &Facts, t: &Locale) -> String {
    match facts.as_of {
        Some(since) => {
            let limit = t.number(facts.stale_after_minutes);
            t.fill(w::STALE_MORE, &[("since", &t.since(since)), ("limit", &limit)])
        }
        None => t.say(w::NOTHING_YET).into_owned(),
    }
}

fn fresh(said: super::words::sentence::Sentence, facts: &Facts, t: &Locale) -> String {
    t.fill(said, &[("as_of", &t.as_of_or_never(facts.as_of))])
}

fn not_verified(last: Option<Timestamp>, t: &Locale) -> String {
    match last {
        Some(at) => t.fill(w::VERIFIED_LONG_AGO, &[("at", &t.when(at))]),
        None => t.say(w::NEVER_VERIFIED).into_owned(),
    }
}

fn right(verified: &Verified, t: &Locale) -> String {
    let facts =
        [("rows", t.number(verified.rows)), ("asked", t.number(verified.asked)), ("at", t.when(verified.at))];
    let facts: Vec<(&str, &str)> = facts.iter().map(|(name, fact)| (*name, fact.as_str())).collect();
    t.fill(w::RIGHT_MORE, &facts)
}

#[cfg(test)]
mod tests;
