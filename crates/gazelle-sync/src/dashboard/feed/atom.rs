//! What changed in a technician's visits, as Atom (RFC 4287). The address of the feed is its secret, so the feed does not name
//! it; its pages ask who looks.

use askama::Template;
use jiff::Timestamp;
use uuid::Uuid;

use crate::dashboard::changed::ChangedAppointment;
use crate::dashboard::changed::lines::{self, ChangeLine};
use crate::dashboard::links;
use crate::dashboard::words::locale::Locale;
use crate::dashboard::words::{changes, feeds as w};
use crate::display;

/// Characters of a title and of what it is about that are shown.
const LONGEST_TEXT: usize = 300;

/// What a feed is made of.
pub(super) struct ChangesFeed<'f> {
    /// The row of the link, which opens nothing.
    pub(super) id: Uuid,
    /// When the link was made: a feed without changes was updated then.
    pub(super) made_at: Timestamp,
    /// Whose visits, by id and by name.
    pub(super) technician: (&'f str, &'f str),
    /// The newest first.
    pub(super) changes: Vec<ChangedAppointment>,
    /// The name of a technician.
    pub(super) name_of: &'f dyn Fn(&str) -> Option<String>,
    /// The whole address of a path of the dashboard.
    pub(super) address: &'f dyn Fn(&str) -> String,
}

/// The text.
#[derive(Template)]
#[template(path = "feed/atom.xml")]
struct Feed {
    language: &'static str,
    id: Uuid,
    title: String,
    hours: String,
    updated: Timestamp,
    page: String,
    entries: Vec<Entry>,
}

/// A version that changed a visit.
struct Entry {
    id: Uuid,
    title: String,
    updated: Timestamp,
    page: String,
    summary: String,
}

/// The text of the feed; none where the template fails, which it does for no text.
pub(super) fn text(feed: &ChangesFeed<'_>, t: &Locale) -> Option<String> {
    let (technician, name) = feed.technician;
    let page = |day: Option<&str>| {
        (feed.address)(&links::with("/app/changes", &[("day", day), ("technician", Some(technician))]))
    };
    let entry = |one: &ChangedAppointment| {
        let lines = lines::of(std::slice::from_ref(one), feed.name_of, None, t);
        Entry {
            id: one.version,
            title: title(&lines),
            updated: one.seen_at,
            page: page(Some(&t.local_day(one.seen_at).to_string())),
            summary: summary(&lines, t),
        }
    };
    let document = Feed {
        language: t.lang(),
        id: feed.id,
        title: t.fill(w::CHANGES_OF, &[("name", name)]),
        hours: t.fill(changes::HOURS, &[("zone", &t.zone_now())]),
        updated: feed.changes.iter().map(|one| one.seen_at).max().unwrap_or(feed.made_at),
        page: page(None),
        entries: feed.changes.iter().map(entry).collect(),
    };
    document.render().inspect_err(|error| tracing::error!(%error, "a feed could not be made")).ok()
}

/// What happened, and to which visit.
fn title(lines: &[ChangeLine]) -> String {
    let kinds = lines.iter().map(|line| line.kind.as_str()).collect::<Vec<_>>().join(", ");
    let visit = lines.first().map(|line| line.title.as_str());
    let client = lines.first().and_then(|line| line.client.as_deref());
    let parts = [visit, client].into_iter().flatten().map(|text| display::shortened(text, LONGEST_TEXT));
    std::iter::once(kinds.into()).chain(parts).collect::<Vec<_>>().join(" · ")
}

/// From what to what.
fn summary(lines: &[ChangeLine], t: &Locale) -> String {
    let told = lines.iter().map(|line| {
        let what = display::shortened(&line.what, LONGEST_TEXT);
        t.fill(w::CHANGE, &[("kind", &line.kind), ("what", &what)])
    });
    let short = lines.iter().any(|line| line.is_short).then(|| t.say(changes::SHORT).into_owned());
    told.chain(short).collect::<Vec<_>>().join(" · ")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::config::Language;
    use crate::entities::appointments::changed::{Change, Start};
    use crate::time;

    fn changed(title: &str, client: &str, changes: Vec<Change>) -> ChangedAppointment {
        ChangedAppointment {
            version: Uuid::from_u128(0x0193_5e0b_7c00_7000_8000_0000_0000_0001),
            external_id: "evt_1".to_owned(),
            seen_at: "2026-11-24T12:00:00.25Z".parse().unwrap(),
            title: Some(title.to_owned()),
            client: Some(client.to_owned()),
            changes,
        }
    }

    fn written(changes: Vec<ChangedAppointment>, name: &str, language: Language) -> String {
        let zone = time::zone(time::MONTREAL).unwrap();
        let t = Locale::new(language, zone, "2026-11-24T17:00:00Z".parse().unwrap());
        let feed = ChangesFeed {
            id: Uuid::from_u128(0x0193_5e0b_0000_7000_8000_0000_0000_0002),
            made_at: "2026-11-20T15:00:00Z".parse().unwrap(),
            technician: ("usr_1", name),
            changes,
            name_of: &|id| (id == "usr_2").then(|| name.to_owned()),
            address: &|path| format!("https://tableau.example.org{path}"),
        };
        text(&feed, &t).unwrap()
    }

    #[test]
    fn what_changed_is_told_in_the_language_of_the_link() {
        let at = |text: &str| Some(Start::At(text.parse().unwrap()));
        let moved = Change::Moved { from: at("2026-11-24T15:00:00Z"), to: at("2026-11-24T18:30:00Z") };
        let given = Change::Reassigned { from: Some("usr_1".to_owned()), to: Some("usr_2".to_owned()) };
        let one = changed("Accord annuel", "Conservatoire & fils", vec![moved, given]);
        insta::assert_snapshot!(written(vec![one], "Loïc Exemple", Language::Fr));
        let empty = written(Vec::new(), "Loïc Exemple", Language::En);
        assert!(empty.contains("<updated>2026-11-20T15:00:00Z</updated>"), "{empty}");
    }

    proptest! {
        #[test]
        fn whatever_a_record_says_the_feed_is_well_formed_and_has_the_same_elements(
            title in any::<String>(), client in any::<String>(), name in any::<String>(),
        ) {
            let gone = Change::Reassigned { from: Some(client.clone()), to: Some("usr_2".to_owned()) };
            let text = written(vec![changed(&title, &client, vec![gone])], &name, Language::En);
            let document = roxmltree::Document::parse(&text).unwrap();
            prop_assert_eq!(document.descendants().filter(roxmltree::Node::is_element).count(), 15);
        }
    }
}
