//! What every page has: its language, its frame, and how a request says what it wants.

use std::ops::Deref;

use axum::http::HeaderMap;
use jiff::Timestamp;

use super::assets;
use super::words::frame as w;
use super::words::said::Said;
use super::words::tongue::Tongue;
use crate::config::{Language, Settings};

/// The cookie that keeps the language a person chose.
pub(super) const LANGUAGE_COOKIE: &str = "gazelle_language";

/// The language for a request: the person's choice, then the browser's, then the setting.
pub(super) fn language(headers: &HeaderMap, setting: Language) -> Language {
    chosen(headers).or_else(|| accepted(headers)).unwrap_or(setting)
}

fn chosen(headers: &HeaderMap) -> Option<Language> {
    let cookies = headers.get_all("cookie").iter().filter_map(|value| value.to_str().ok());
    let mut pairs = cookies.flat_map(|text| text.split(';')).filter_map(|pair| pair.trim().split_once('='));
    pairs.find(|(name, _)| *name == LANGUAGE_COOKIE).and_then(|(_, value)| value.parse().ok())
}

/// The one of our languages that `Accept-Language` prefers.
fn accepted(headers: &HeaderMap) -> Option<Language> {
    let text = headers.get("accept-language")?.to_str().ok()?;
    let mut best: Option<(f64, Language)> = None;
    for part in text.split(',') {
        let (tag, rest) = part.split_once(';').unwrap_or((part, ""));
        let weight = rest.trim().strip_prefix("q=").map_or(1.0, |q| q.parse::<f64>().unwrap_or(0.0));
        let primary = tag.trim().split('-').next().unwrap_or_default();
        let Ok(language) = primary.parse::<Language>() else { continue };
        // The first of several with the same weight.
        if weight > best.map_or(0.0, |(weight, _)| weight) {
            best = Some((weight, language));
        }
    }
    best.map(|(_, language)| language)
}

/// The screens in the navigation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Screen {
    Today,
    Overview,
    Runs,
    Quarantine,
    Deletions,
    /// Search, and the records that it finds.
    Search,
    /// An error, which is in none.
    Other,
}

/// A link of the navigation.
pub(super) struct NavLink {
    pub(super) href: &'static str,
    pub(super) label: Said,
    /// How many wait there.
    pub(super) count: Option<String>,
    pub(super) is_current: bool,
    /// Whether it stands in the bar of a phone, which has no room for all.
    pub(super) on_phone: bool,
}

/// What waits for a person, as the navigation counts it.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Waits {
    pub(super) cases: i64,
    pub(super) deletions: i64,
}

/// What the frame of a page shows. It speaks the page's language.
pub(super) struct Frame {
    tongue: Tongue,
    screen: Screen,
    pub(super) is_demo: bool,
    pub(super) waits: Waits,
    /// Where the form of the languages leads back to.
    pub(super) path: String,
    pub(super) schema: String,
    pub(super) read_at: Timestamp,
}

impl Frame {
    /// The frame of a page that is read at `read_at`, the database's time.
    pub(super) fn new(asked: &Asked, settings: &Settings, screen: Screen, read_at: Timestamp) -> Frame {
        let language = language(&asked.headers, settings.language);
        Frame {
            tongue: Tongue::new(language, settings.zone(), read_at),
            screen,
            is_demo: false,
            waits: Waits::default(),
            path: asked.path.clone(),
            schema: settings.schema.clone(),
            read_at,
        }
    }

    /// The same in another time zone.
    pub(super) fn in_zone(mut self, zone: jiff::tz::TimeZone) -> Frame {
        self.tongue = Tongue::new(self.tongue.language, zone, self.read_at);
        self
    }

    pub(super) fn tongue(&self) -> &Tongue {
        &self.tongue
    }

    pub(super) fn nav(&self) -> [NavLink; 6] {
        let link = |screen, href, label, waits: i64| NavLink {
            href,
            label,
            count: (waits > 0).then(|| self.tongue.number(waits)),
            is_current: self.screen == screen,
            on_phone: matches!(screen, Screen::Today | Screen::Overview | Screen::Search),
        };
        let Waits { cases, deletions } = self.waits;
        [
            link(Screen::Today, "/app/today", w::TODAY, 0),
            link(Screen::Overview, "/app/", w::OVERVIEW, 0),
            link(Screen::Runs, "/app/runs", w::RUNS, 0),
            link(Screen::Quarantine, "/app/quarantine", w::QUARANTINE, cases),
            link(Screen::Deletions, "/app/deletions", w::DELETIONS, deletions),
            link(Screen::Search, "/app/search", w::SEARCH, 0),
        ]
    }

    /// Whether the screen is one of those that a phone shows under `More`.
    pub(super) fn is_under_more(&self) -> bool {
        matches!(self.screen, Screen::Runs | Screen::Quarantine | Screen::Deletions)
    }

    pub(super) fn style(&self) -> &'static str {
        &assets::STYLE
    }

    pub(super) fn icon(&self) -> &'static str {
        &assets::ICON
    }

    pub(super) fn version(&self) -> String {
        self.tongue.fill(w::VERSION, &[("version", env!("CARGO_PKG_VERSION")), ("schema", &self.schema)])
    }

    pub(super) fn read_at(&self) -> String {
        self.tongue.fill(w::READ_AT, &[("at", &self.tongue.exact(self.read_at))])
    }
}

impl Deref for Frame {
    type Target = Tongue;

    fn deref(&self) -> &Tongue {
        &self.tongue
    }
}

/// A request for a page.
#[derive(Debug, Clone)]
pub(super) struct Asked {
    pub(super) headers: HeaderMap,
    /// Path and query.
    pub(super) path: String,
    /// Whether the document is wanted, not the page: the path ends with `.json`.
    pub(super) json: bool,
    pub(super) peer: Option<std::net::IpAddr>,
}

/// A moment, as a page shows it: in the zone of the page, with UTC beside it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Shown {
    /// For the attribute `datetime`.
    pub(super) datetime: String,
    pub(super) local: String,
    pub(super) utc: String,
}

impl Shown {
    /// The hour.
    pub(super) fn hour(at: Timestamp, t: &Tongue) -> Shown {
        Shown { datetime: at.to_string(), local: t.hour(at), utc: t.hour_utc(at) }
    }

    /// Date and hour.
    pub(super) fn date_hour(at: Timestamp, t: &Tongue) -> Shown {
        Shown { datetime: at.to_string(), local: t.date_hour(at), utc: t.hour_utc(at) }
    }
}

/// A state with its shape, its colour and its words, wherever a run is named.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct State {
    pub(super) class: &'static str,
    pub(super) shape: &'static str,
    pub(super) word: String,
}

impl State {
    /// Of a run, as it is stored.
    pub(super) fn of_run(status: &str, t: &Tongue) -> State {
        let (class, shape, word) = match status {
            "success" => ("ok", "●", w::SUCCESS),
            "partial" => ("warn", "▲", w::PARTIAL),
            "failed" => ("bad", "■", w::FAILED),
            "running" => ("run", "◐", w::RUNNING),
            _ => ("off", "◇", w::INTERRUPTED),
        };
        State { class, shape, word: t.say(word).into_owned() }
    }
}

/// The name of an entity; its own name for one that a program added.
pub(super) fn entity_name(name: &str, t: &Tongue) -> String {
    let said = match name {
        "users" => w::USERS,
        "clients" => w::CLIENTS,
        "pianos" => w::PIANOS,
        "appointments" => w::APPOINTMENTS,
        other => return other.to_owned(),
    };
    t.say(said).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
        pairs.iter().map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap())).collect()
    }

    #[test]
    fn the_person_chooses_the_language_then_the_browser_then_the_setting() {
        let cookie = |text: &'static str| ("cookie", text);
        for (pairs, french) in [
            (vec![], false),
            (vec![("accept-language", "fr-CA,fr;q=0.9,en;q=0.8")], true),
            (vec![("accept-language", "en-CA, fr;q=0.9")], false),
            (vec![("accept-language", "de, fr;q=0.4, en;q=0.3")], true),
            (vec![("accept-language", "de")], false),
            (vec![("accept-language", "fr;q=0")], false),
            (vec![cookie("a=b; gazelle_language=fr"), ("accept-language", "en")], true),
            (vec![cookie("gazelle_language=xx"), ("accept-language", "fr")], true),
        ] {
            let expected = if french { Language::Fr } else { Language::En };
            assert_eq!(language(&headers(&pairs), Language::En), expected, "{pairs:?}");
        }
        assert_eq!(language(&headers(&[]), Language::Fr), Language::Fr);
    }
}
