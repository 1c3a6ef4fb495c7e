//! What every page has: its language, its frame, and how a request says what it wants.

use std::ops::Deref;

use axum::http::HeaderMap;
use jiff::Timestamp;

use super::assets;
use super::entry::cookie;
use super::entry::viewer::{RouteAccess, Viewer};
use super::words::frame as w;
use super::words::locale::Locale;
use super::words::sentence::Sentence;
use crate::config::{Language, Settings, Switch};
use crate::entities;
use crate::run_log::kinds::RunState;
use crate::states::Role;

/// The cookie that keeps the language a person chose.
pub(super) const LANGUAGE_COOKIE: &str = "gazelle_language";

/// The language for a request: what the browser's user chose, then what the browser accepts, then the setting.
fn language(headers: &HeaderMap, setting: Language) -> Language {
    let chosen =
        cookie::value(headers, LANGUAGE_COOKIE).and_then(|value| value.to_ascii_lowercase().parse().ok());
    chosen.or_else(|| accepted(headers)).unwrap_or(setting)
}

/// The one of our languages that `Accept-Language` prefers.
fn accepted(headers: &HeaderMap) -> Option<Language> {
    let text = headers.get("accept-language")?.to_str().ok()?;
    let mut best: Option<(f64, Language)> = None;
    for part in text.split(',') {
        let (tag, rest) = part.split_once(';').unwrap_or((part, ""));
        let weight = rest.trim().strip_prefix("q=").map_or(1.0, |q| q.parse::<f64>().unwrap_or(0.0));
        let primary = tag.trim().split('-').next().unwrap_or_default();
        let Ok(language) = primary.to_ascii_lowercase().parse::<Language>() else { continue };
        // The first of several with the same weight.
        if weight > best.map_or(0.0, |(weight, _)| weight) {
            best = Some((weight, language));
        }
    }
    best.map(|(_, language)| language)
}

/// The cookie that keeps whether open pages follow what happens.
pub(super) const LIVE_COOKIE: &str = "gazelle_live";

/// The screens in the navigation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Screen {
    Today,
    Overview,
    Runs,
    Quarantine,
    Deletions,
    Changes,
    /// Search, and the records that it finds.
    Search,
    People,
    Settings,
    Doctor,
    /// In none of them: an error, or the pages to sign in with.
    Other,
}

/// A link of the navigation.
pub(super) struct NavLink {
    pub(super) href: &'static str,
    pub(super) label: Sentence,
    /// How many wait there.
    pub(super) count: Option<String>,
    pub(super) is_current: bool,
    /// Whether it stands in the bar of a phone, which has no room for all.
    pub(super) on_phone: bool,
}

/// What waits for a person, as the navigation counts it.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct AwaitingCounts {
    pub(super) cases: i64,
    pub(super) deletions: i64,
}

/// What the frame of a page shows. It speaks the page's language.
pub(super) struct Frame {
    locale: Locale,
    screen: Screen,
    viewer: Viewer,
    /// Whether the page may be left in another language: that is kept, and nothing is written where the setting says so.
    pub(super) offers_languages: bool,
    /// Whether nothing is asked for here: the setting `dashboard_read_only`.
    is_read_only: bool,
    pub(super) waits: AwaitingCounts,
    /// Where the form of the languages leads back to.
    pub(super) path: String,
    /// Where the page stands among what `/app/live` tells; none where nothing is to be followed.
    pub(super) live: Option<String>,
    /// Whether the person's choice is that pages follow what happens.
    pub(super) follows: bool,
    pub(super) schema: String,
    pub(super) read_at: Timestamp,
}

impl Frame {
    /// The frame of a page that is read at `read_at`, the database's time.
    pub(super) fn new(asked: &PageRequest, settings: &Settings, screen: Screen, read_at: Timestamp) -> Frame {
        Frame {
            locale: Locale::new(asked.language(settings.language), settings.zone(), read_at),
            screen,
            viewer: asked.viewer.clone(),
            offers_languages: settings.dashboard_read_only == Switch::Off,
            is_read_only: settings.dashboard_read_only == Switch::On,
            waits: AwaitingCounts::default(),
            path: asked.path.clone(),
            live: asked.live.clone(),
            follows: cookie::value(&asked.headers, LIVE_COOKIE) != Some("off"),
            schema: settings.schema.clone(),
            read_at,
        }
    }

    /// The same in another time zone.
    pub(super) fn in_zone(mut self, zone: jiff::tz::TimeZone) -> Frame {
        self.locale = Locale::new(self.locale.language, zone, self.read_at);
        self
    }

    /// The same in another language.
    pub(super) fn in_language(mut self, language: Language) -> Frame {
        self.locale.language = language;
        self
    }

    pub(super) fn locale(&self) -> &Locale {
        &self.locale
    }

    /// The screens that the viewer may see; none for nobody.
    pub(super) fn nav(&self) -> Vec<NavLink> {
        let AwaitingCounts { cases, deletions } = self.waits;
        let all = [
            (Screen::Today, "/app/today", w::TODAY, Role::Technician, 0),
            (Screen::Overview, "/app/", w::OVERVIEW, Role::Office, 0),
            (Screen::Runs, "/app/runs", w::RUNS, Role::Office, 0),
            (Screen::Quarantine, "/app/quarantine", w::QUARANTINE, Role::Office, cases),
            (Screen::Deletions, "/app/deletions", w::DELETIONS, Role::Office, deletions),
            (Screen::Changes, "/app/changes", w::CHANGES, Role::Technician, 0),
            (Screen::Search, "/app/search", w::SEARCH, Role::Office, 0),
            (Screen::People, "/app/people", w::PEOPLE, Role::Operator, 0),
            (Screen::Settings, "/app/settings", w::SETTINGS, Role::Operator, 0),
            (Screen::Doctor, "/app/doctor", w::DOCTOR, Role::Operator, 0),
        ];
        let may = |screen, role| match &self.viewer {
            // There nobody signs in, so there are no people.
            Viewer::Demo => screen != Screen::People,
            viewer => viewer.may(RouteAccess::Role(role)),
        };
        all.into_iter()
            .filter(|(screen, _, _, role, _)| may(*screen, *role))
            .map(|(screen, href, label, _, waits)| NavLink {
                href,
                label,
                count: (waits > 0).then(|| self.locale.number(waits)),
                is_current: self.screen == screen,
                on_phone: matches!(
                    screen,
                    Screen::Today | Screen::Overview | Screen::Changes | Screen::Search
                ),
            })
            .collect()
    }

    /// Whether a phone shows some of the screens under `More`.
    pub(super) fn has_more(&self) -> bool {
        self.nav().iter().any(|link| !link.on_phone)
    }

    /// The name of the person who is signed in.
    pub(super) fn person(&self) -> Option<&str> {
        self.viewer.person().map(|person| person.name.as_str())
    }

    /// Whether nothing may be written from the pages: then no form is offered that would.
    pub(super) fn is_read_only(&self) -> bool {
        !self.offers_languages
    }

    pub(super) fn is_demo(&self) -> bool {
        self.viewer.is_demo()
    }

    /// Whether the viewer sees what is the viewer's own alone.
    pub(super) fn is_own(&self) -> bool {
        self.viewer.own().is_some()
    }

    /// Whether the page is shown to nobody in particular, who is told nothing of the installation.
    pub(super) fn is_for_nobody(&self) -> bool {
        matches!(self.viewer, Viewer::Nobody)
    }

    /// Whether the viewer may ask for what the office may: forms are offered to nobody else.
    pub(super) fn may_office(&self) -> bool {
        self.may(Role::Office)
    }

    /// Whether the viewer may ask for what an operator may.
    pub(super) fn may_operator(&self) -> bool {
        self.may(Role::Operator)
    }

    fn may(&self, role: Role) -> bool {
        !self.is_read_only && self.viewer.may(RouteAccess::Role(role))
    }

    /// Whether the screen is one of those that a phone shows under `More`.
    pub(super) fn is_under_more(&self) -> bool {
        matches!(
            self.screen,
            Screen::Runs
                | Screen::Quarantine
                | Screen::Deletions
                | Screen::People
                | Screen::Settings
                | Screen::Doctor
        )
    }

    pub(super) fn style(&self) -> &'static str {
        &assets::STYLE
    }

    pub(super) fn script(&self) -> &'static str {
        &assets::SCRIPT
    }

    pub(super) fn icon(&self) -> &'static str {
        &assets::ICON
    }

    pub(super) fn version(&self) -> String {
        self.locale.fill(w::VERSION, &[("version", env!("CARGO_PKG_VERSION")), ("schema", &self.schema)])
    }

    /// What an open page says once it can no longer be read.
    pub(super) fn live_lost(&self) -> String {
        self.locale.fill(w::LIVE_LOST, &[("at", &self.locale.exact(self.read_at))])
    }

    pub(super) fn read_at(&self) -> String {
        self.locale.fill(w::READ_AT, &[("at", &self.locale.exact(self.read_at))])
    }
}

impl Deref for Frame {
    type Target = Locale;

    fn deref(&self) -> &Locale {
        &self.locale
    }
}

/// A request for a page.
#[derive(Debug, Clone)]
pub(super) struct PageRequest {
    pub(super) headers: HeaderMap,
    /// Path and query.
    pub(super) path: String,
    /// Whether the document is wanted, not the page: the path ends with `.json`.
    pub(super) json: bool,
    pub(super) peer: Option<std::net::IpAddr>,
    /// Who sent it.
    pub(super) viewer: Viewer,
    /// Where the page stands among what `/app/live` tells; none for a page that cannot be fetched again.
    pub(super) live: Option<String>,
}

impl PageRequest {
    /// The language of the answer: what the person chose, then as [`language`] says.
    pub(super) fn language(&self, setting: Language) -> Language {
        let of_person = self.viewer.person().and_then(|person| person.language);
        of_person.unwrap_or_else(|| language(&self.headers, setting))
    }
}

/// The first page of a role.
pub(super) fn home(role: Role) -> &'static str {
    match role {
        Role::Technician => "/app/today",
        Role::Office | Role::Operator => "/app/",
    }
}

/// A path of ours, else the first page: a form must not lead to another site.
pub(super) fn own_path(path: &str) -> &str {
    let is_ours = path == "/app" || path.starts_with("/app/") || path.starts_with("/app?");
    if is_ours && path.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'\\') { path } else { "/app/" }
}

/// A moment, as a page shows it: in the zone of the page, with UTC beside it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct ShownTime {
    /// For the attribute `datetime`.
    pub(super) datetime: String,
    pub(super) local: String,
    pub(super) utc: String,
}

impl ShownTime {
    /// The hour.
    pub(super) fn hour(at: Timestamp, t: &Locale) -> ShownTime {
        ShownTime { datetime: at.to_string(), local: t.hour(at), utc: t.hour_utc(at) }
    }

    /// Date and hour.
    pub(super) fn date_hour(at: Timestamp, t: &Locale) -> ShownTime {
        ShownTime { datetime: at.to_string(), local: t.date_hour(at), utc: t.hour_utc(at) }
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
    /// Of a run.
    pub(super) fn of_run(state: RunState, t: &Locale) -> State {
        let (class, shape, word) = match state {
            RunState::Success => ("ok", "●", w::SUCCESS),
            RunState::Partial => ("warn", "▲", w::PARTIAL),
            RunState::Failed => ("bad", "■", w::FAILED),
            RunState::Running => ("run", "◐", w::RUNNING),
            RunState::Interrupted => ("off", "◇", w::INTERRUPTED),
        };
        State { class, shape, word: t.say(word).into_owned() }
    }
}

/// What the records of an entity are called; the stored name of one that this program does not know.
pub(super) fn entity_name(name: &str, t: &Locale) -> String {
    match entities::entity(name) {
        None => name,
        Some(entity) if t.is_french() => entity.label.fr,
        Some(entity) => entity.label.en,
    }
    .to_owned()
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

    #[test]
    fn a_form_leads_back_to_our_own_pages_alone() {
        for (path, led_to) in [
            ("/app/today?day=2026-11-24", "/app/today?day=2026-11-24"),
            ("/app/", "/app/"),
            ("//example.org/app/", "/app/"),
            ("https://example.org/app/", "/app/"),
            ("/application", "/app/"),
            ("/app/\\example.org", "/app/"),
            ("/app/\r\nset-cookie:a=b", "/app/"),
            ("/runs", "/app/"),
        ] {
            assert_eq!(own_path(path), led_to, "{path}");
        }
    }
}
