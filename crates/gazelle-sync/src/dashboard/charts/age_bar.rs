//! Draws the age of an entity's data against the staleness limit.

use jiff::Timestamp;

use super::scale::{Scale, rounded};
use crate::dashboard::words::locale::Locale;
use crate::dashboard::words::overview as w;

/// The drawing's own units.
const WIDTH: f64 = 200.0;
/// The limit stands at this share of the width.
const LIMIT_AT: f64 = 0.7;

/// A bar with its limit.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct AgeBar {
    pub(crate) title: String,
    pub(crate) desc: String,
    /// Its length.
    pub(crate) length: f64,
    /// Where the limit is.
    pub(crate) limit: f64,
    /// The class of its colour.
    pub(crate) class: &'static str,
    /// It goes on beyond the drawing.
    pub(crate) is_cut: bool,
    /// Tells it from the others of the page.
    pub(crate) id: &'static str,
}

impl AgeBar {
    /// Draws the age of an entity; `good_at` is when it was last read whole.
    pub(crate) fn draw(
        id: &'static str,
        name: &str,
        good_at: Option<Timestamp>,
        limit_minutes: u32,
        at: (Timestamp, &Locale),
    ) -> AgeBar {
        let (now, t) = at;
        let limit_seconds = f64::from(limit_minutes) * 60.0;
        let limit = rounded(WIDTH * LIMIT_AT);
        let within = [("limit", t.number(limit_minutes))];
        let within: Vec<(&str, &str)> = within.iter().map(|(name, fact)| (*name, fact.as_str())).collect();
        let Some(good_at) = good_at else {
            let title = t.fill(w::BAR_NEVER, &[("entity", name)]);
            return AgeBar {
                title,
                desc: String::new(),
                length: WIDTH,
                limit,
                class: "bad",
                is_cut: true,
                id,
            };
        };
        let seconds = now.duration_since(good_at).as_secs().max(0);
        let scale = Scale::linear(0.0, limit_seconds / LIMIT_AT, WIDTH);
        let is_old = seconds as f64 > limit_seconds;
        AgeBar {
            title: t.fill(w::BAR_TITLE, &[("entity", name), ("age", &t.age(seconds))]),
            desc: t.fill(if is_old { w::BAR_BEYOND } else { w::BAR_WITHIN }, &within),
            // A bar of no length would look like none.
            length: rounded(scale.place(seconds as f64).max(2.0)),
            limit,
            class: if is_old { "bad" } else { "ok" },
            is_cut: seconds as f64 > limit_seconds / LIMIT_AT,
            id,
        }
    }
}

#[cfg(test)]
mod tests {
    use askama::Template;

    use super::*;
    use crate::config::Language;
    use crate::time;

    #[derive(Template)]
    #[template(path = "charts/age_bar.html")]
    struct Alone<'b> {
        bar: &'b AgeBar,
    }

    fn drawn(good_at: Option<&str>, language: Language) -> AgeBar {
        let now = "2026-11-24T19:15:00Z".parse().unwrap();
        let locale = Locale::new(language, time::zone(time::MONTREAL).unwrap(), now);
        AgeBar::draw("clients", "Clients", good_at.map(|at| at.parse().unwrap()), 45, (now, &locale))
    }

    #[test]
    fn an_age_is_drawn_against_its_limit() {
        for (good_at, length, class, is_cut, desc) in [
            (Some("2026-11-24T19:08:00Z"), 21.8, "ok", false, "Within the limit of 45 min."),
            (Some("2026-11-24T18:30:00Z"), 140.0, "ok", false, "Within the limit of 45 min."),
            (Some("2026-11-24T18:20:00Z"), 171.1, "bad", false, "Beyond the limit of 45 min."),
            (Some("2026-11-20T18:20:00Z"), 200.0, "bad", true, "Beyond the limit of 45 min."),
            // By a clock that is ahead.
            (Some("2026-11-24T19:20:00Z"), 2.0, "ok", false, "Within the limit of 45 min."),
            (None, 200.0, "bad", true, ""),
        ] {
            let bar = drawn(good_at, Language::En);
            assert_eq!(
                (bar.length, bar.limit, bar.class, bar.is_cut, bar.desc.as_str()),
                (length, 140.0, class, is_cut, desc),
                "{good_at:?}"
            );
        }
        let bar = drawn(Some("2026-11-24T19:08:00Z"), Language::Fr);
        assert_eq!(bar.title.replace('\u{a0}', " "), "Clients : 7 min");
        let svg = Alone { bar: &bar }.render().unwrap();
        assert!(
            svg.contains("role=\"img\"")
                && svg.contains("<title id=\"age-clients\">")
                && !svg.contains("style="),
            "{svg}"
        );
    }
}
