//! Calendar feeds: links that are shown once and revoked, and what a calendar gets by them.

use gazelle_sim::RecordKind;
use jiff::{Timestamp, ToSpan};
use serde_json::json;

use crate::support::World;
use crate::support::people::{Caller, PageResponse, signed_in};
use crate::support::service::Serving;

async fn quiet() -> World {
    let mut world = World::new().await;
    world.set("GAZELLE_SYNC_INCREMENTAL", "0 0 29 2 *");
    world.set("GAZELLE_SYNC_FULL", "0 0 29 2 *");
    world
}

/// The path of the link that a page shows.
fn link(said: &PageResponse) -> String {
    assert_eq!(said.status, 200, "{said:?}");
    let shown = said.body.split("value=\"").find(|text| text.contains("/feed/")).expect("a link");
    let shown = shown.split('"').next().unwrap();
    assert!(shown.starts_with("http://127.0.0.1:") && shown.ends_with(".ics"), "{shown}");
    shown[shown.find("/feed/").unwrap()..].to_owned()
}

/// The lines of the event of a record, unfolded; none if the calendar lacks it.
fn event(calendar: &str, id: &str) -> Option<Vec<String>> {
    let unfolded = calendar.replace("\r\n ", "");
    let uid = format!("UID:{id}@gazelle-sync");
    let events = unfolded.split("BEGIN:VEVENT\r\n").skip(1);
    let of = |event: &str| {
        event.split("\r\n").take_while(|line| *line != "END:VEVENT").map(str::to_owned).collect()
    };
    events.map(of).find(|lines: &Vec<String>| lines.contains(&uid))
}

fn value(event: &[String], name: &str) -> String {
    let line = event.iter().find(|line| line.split([':', ';']).next() == Some(name));
    line.unwrap_or_else(|| panic!("{name} in {event:?}")).clone()
}

/// 14:00 UTC of the day `days` days from now.
fn in_days(days: i64) -> Timestamp {
    let day = Timestamp::now().checked_add((days * 24).hours()).unwrap().to_string();
    format!("{}T14:00:00Z", &day[..10]).parse().unwrap()
}

fn visit(world: &World, title: &str, start: Timestamp) -> String {
    let (technician, client) =
        (&world.control.ids(RecordKind::User)[0], &world.control.ids(RecordKind::Client)[0]);
    let event = json!({
        "type": "APPOINTMENT", "status": "ACTIVE", "title": title, "duration": 60, "start": start.to_string(),
        "client": { "id": client }, "user": { "id": technician }, "createdAt": "2026-01-05T12:00:00Z",
        "notes": "le code est 4312",
    });
    world.control.add(RecordKind::Event, event).unwrap()
}

#[tokio::test]
async fn a_calendar_follows_what_moved_was_cancelled_or_is_gone() {
    let world = quiet().await;
    let start = in_days(20);
    let hostile = "Accord, annuel; \"x\"\r\nEND:VEVENT\r\nATTENDEE:mailto:a@example.org \\ é";
    let moved = visit(&world, hostile, start);
    let cancelled = visit(&world, "Annulé bientôt", start);
    let gone = visit(&world, "Disparu bientôt", start);
    let (past, far) = (visit(&world, "Trop ancien", in_days(-40)), visit(&world, "Trop loin", in_days(380)));
    world.full_sync_ok().await;
    let serving = Serving::start(&world, &[]).await;
    let operator = signed_in(&world, &serving, "Opératrice Exemple", &["--role", "operator"]).await;
    let users = world.control.ids(RecordKind::User);
    let path = link(&operator.post("/app/feeds", &[("technician", &users[0])]).await);
    let phone = Caller::of(&serving);
    let first = phone.get(&path).await;
    assert_eq!((first.status, first.header("content-type")), (200, "text/calendar; charset=utf-8"));
    assert_eq!(first.header("cache-control"), "private, no-cache");
    assert_eq!(first.header("content-disposition"), "attachment; filename=\"visits.ics\"", "not the link");
    assert!(first.body.split("\r\n").all(|line| line.len() <= 75 && !line.contains(['\r', '\n'])));
    let before = event(&first.body, &moved).unwrap();
    assert_eq!(value(&before, "SEQUENCE").len(), "SEQUENCE:218000000".len(), "{before:?}");
    let summary = value(&before, "SUMMARY");
    assert!(
        summary.starts_with(
            "SUMMARY:Accord\\, annuel\\; \"x\"\\nEND:VEVENT\\nATTENDEE:mailto:a@example.org \\\\ é"
        ),
        "{summary}"
    );
    assert_eq!(first.body.matches("BEGIN:VEVENT").count(), first.body.matches("\r\nEND:VEVENT\r\n").count());
    assert!(!first.body.contains("\r\nATTENDEE") && !first.body.contains("4312"), "no notes");
    for outside in [&past, &far] {
        assert_eq!(event(&first.body, outside), None);
    }
    // Nothing moved: the client is told that it has it. And HEAD is GET without the body.
    let tag = first.header("etag").to_owned();
    let request = phone.http.get(format!("{}{path}", phone.base)).header("if-none-match", &tag);
    let again = phone.send(request).await;
    assert_eq!((again.status, again.body.as_str(), again.header("etag")), (304, "", tag.as_str()));
    let head = phone.send(phone.http.head(format!("{}{path}", phone.base))).await;
    assert_eq!((head.status, head.body.as_str(), head.header("etag")), (200, "", tag.as_str()));

    world.control.move_event(&moved, Some(&(start + 2.hours()).to_string())).unwrap();
    world.control.cancel(&cancelled).unwrap();
    world.control.delete(RecordKind::Event, &gone).unwrap();
    assert_eq!(world.full().await.code, 0);
    let later = phone.get(&path).await;
    assert_ne!(later.header("etag"), tag);
    let after = event(&later.body, &moved).unwrap();
    assert_ne!(value(&after, "DTSTART"), value(&before, "DTSTART"));
    for name in ["SEQUENCE", "LAST-MODIFIED", "DTSTAMP"] {
        assert!(value(&after, name) >= value(&before, name), "{name}: {before:?} {after:?}");
    }
    let off = event(&later.body, &cancelled).unwrap();
    assert_eq!(value(&off, "STATUS"), "STATUS:CANCELLED");
    assert_eq!(value(&off, "TRANSP"), "TRANSP:TRANSPARENT");
    assert!(value(&off, "SUMMARY").starts_with("SUMMARY:Cancelled: Annulé bientôt"), "{off:?}");
    assert!(event(&first.body, &gone).is_some() && event(&later.body, &gone).is_none());
    // Somebody else's calendar has none of them.
    let other = link(&operator.post("/app/feeds", &[("technician", &users[1])]).await);
    let other = phone.get(&other).await;
    assert!([&moved, &cancelled].iter().all(|id| event(&other.body, id).is_none()));
    assert_eq!(serving.stop().await.code, Some(0));
}

/// The texts of the elements of this name, anywhere in a document.
fn texts(document: &roxmltree::Document<'_>, name: &str) -> Vec<String> {
    let named = |node: &roxmltree::Node<'_, '_>| node.has_tag_name((ATOM, name));
    document.descendants().filter(named).map(|node| node.text().unwrap_or_default().to_owned()).collect()
}

const ATOM: &str = "http://www.w3.org/2005/Atom";

#[tokio::test]
async fn a_feed_reader_is_told_what_changed_in_the_visits_of_a_link() {
    let world = quiet().await;
    let hostile = "Accord & fils\u{1b}[31m </title><entry>\u{202e}\u{ffff}]]>";
    let moved = visit(&world, hostile, in_days(20));
    let given = visit(&world, "Donné", in_days(21));
    world.full_sync_ok().await;
    let serving = Serving::start(&world, &[]).await;
    let operator = signed_in(&world, &serving, "Opératrice Exemple", &["--role", "operator"]).await;
    let users = world.control.ids(RecordKind::User);
    let path =
        link(&operator.post("/app/feeds", &[("technician", &users[0])]).await).replace(".ics", ".atom");
    let reader = Caller::of(&serving);
    let before = reader.get(&path).await;
    assert_eq!((before.status, before.header("content-type")), (200, "application/atom+xml; charset=utf-8"));
    assert_eq!(before.header("content-disposition"), "attachment; filename=\"changes.atom\"", "not the link");
    let document = roxmltree::Document::parse(&before.body).unwrap();
    assert_eq!(document.root_element().tag_name(), (ATOM, "feed").into());
    assert_eq!(texts(&document, "entry"), [""; 0], "a first sync is no news");
    assert_eq!(texts(&document, "updated").len(), 1, "{}", before.body);

    world.control.move_event(&moved, Some(&in_days(22).to_string())).unwrap();
    world.control.reassign(&given, &users[1]).unwrap();
    assert_eq!(world.full().await.code, 0);
    let after = reader.get(&path).await;
    let document = roxmltree::Document::parse(&after.body).unwrap();
    // What RFC 4287 asks of a feed and of each entry: one id, title and time, an author, and a page to open.
    let entries: Vec<_> =
        document.root_element().children().filter(|node| node.has_tag_name((ATOM, "entry"))).collect();
    assert_eq!(entries.len(), 2, "{}", after.body);
    for parent in entries.iter().copied().chain([document.root_element()]) {
        for name in ["id", "title", "updated", "link"] {
            let own = parent.children().filter(|node| node.has_tag_name((ATOM, name))).count();
            assert_eq!(own, 1, "{name}: {}", after.body);
        }
    }
    let ids = texts(&document, "id");
    assert!(ids.iter().all(|id| id.starts_with("urn:uuid:")) && ids.len() == 3, "{ids:?}");
    assert_eq!(texts(&document, "name"), ["gazelle-sync"]);
    let seen: Vec<Timestamp> = texts(&document, "updated").iter().map(|text| text.parse().unwrap()).collect();
    assert_eq!(Some(&seen[0]), seen[1..].iter().max());
    let titles = texts(&document, "title");
    assert!(titles.iter().any(|title| title.starts_with("Moved · Accord & fils")), "{titles:?}");
    assert!(titles.iter().any(|title| title.starts_with("Reassigned · Donné")), "{titles:?}");
    // The secret stands nowhere in it, and what an entry opens asks who looks.
    let secret = path.trim_start_matches("/feed/").trim_end_matches(".atom");
    assert!(!after.body.contains(secret));
    let page = entries[0].children().find(|node| node.has_tag_name((ATOM, "link"))).unwrap();
    let page = page.attribute("href").unwrap();
    let page = &page[page.find("/app/changes?day=").unwrap()..];
    assert_eq!((operator.get(page).await.status, reader.get(page).await.status), (200, 303), "{page}");

    // The same until something changes, and then the new entry beside those that were there.
    let request =
        reader.http.get(format!("{}{path}", reader.base)).header("if-none-match", after.header("etag"));
    assert_eq!(reader.send(request).await.status, 304);
    world.control.cancel(&moved).unwrap();
    assert_eq!(world.incremental().await.code, 0);
    let later = reader.get(&path).await;
    let document = roxmltree::Document::parse(&later.body).unwrap();
    let now = texts(&document, "id");
    assert!(now.len() == 4 && ids.iter().all(|id| now.contains(id)), "{now:?} {ids:?}");
    // Revoked with the calendar.
    let id = world.text("SELECT id::text FROM sync_feeds").await.unwrap();
    assert_eq!(operator.post(&format!("/app/feeds/{id}/revoke"), &[]).await.status, 303);
    assert_eq!(reader.get(&path).await.status, 404);
    assert_eq!(serving.stop().await.code, Some(0));
}

#[tokio::test]
async fn a_link_is_shown_once_kept_as_a_hash_and_opens_nothing_once_revoked() {
    let mut world = quiet().await;
    world.set("GAZELLE_SYNC_LOG", "trace");
    world.full_sync_ok().await;
    let serving = Serving::start(&world, &[]).await;
    let users = world.control.ids(RecordKind::User);
    let own = ["--role", "technician", "--technician", &users[0]];
    let operator = signed_in(&world, &serving, "Opératrice Exemple", &["--role", "operator"]).await;
    let technician = signed_in(&world, &serving, "Technicienne Exemple", &own).await;
    // Whatever the form says, a technician's link is to their own visits.
    let mine = link(&technician.post("/app/feeds", &[("technician", &users[1])]).await);
    let theirs = link(&operator.post("/app/feeds", &[("technician", &users[1])]).await);
    assert_eq!(operator.post("/app/feeds", &[("technician", "usr_nobody")]).await.status, 422);
    assert_eq!(operator.post("/app/feeds", &[]).await.status, 422);
    let id = async |technician: &str| {
        let sql = format!("SELECT id::text FROM sync_feeds WHERE technician_external_id = '{technician}'");
        world.text(&sql).await.unwrap()
    };
    let (my_id, their_id) = (id(&users[0]).await, id(&users[1]).await);
    let stored = world.text("SELECT string_agg(f::text, ' ') FROM sync_feeds f").await.unwrap();
    let pages = operator.get("/app/feeds").await.body + &operator.get("/app/feeds.json").await.body;
    let secret = |path: &str| path.trim_start_matches("/feed/").trim_end_matches(".ics").to_owned();
    for path in [&mine, &theirs] {
        assert!(!stored.contains(&secret(path)) && !pages.contains(&secret(path)));
    }
    let listed = technician.get("/app/feeds.json").await.body;
    assert!(listed.contains(&my_id) && !listed.contains(&their_id), "{listed}");
    // Another's is revoked by the office alone.
    assert_eq!(technician.post(&format!("/app/feeds/{their_id}/revoke"), &[]).await.status, 404);
    let phone = Caller::of(&serving);
    assert_eq!((phone.get(&mine).await.status, phone.get(&theirs).await.status), (200, 200));
    assert_eq!(technician.post(&format!("/app/feeds/{my_id}/revoke"), &[]).await.status, 303);
    assert_eq!(operator.post(&format!("/app/feeds/{their_id}/revoke"), &[]).await.status, 303);
    let never = phone.get(&format!("/feed/{}.ics", "A".repeat(43))).await;
    let without = mine.replace(".ics", ".atom");
    for path in [
        mine.as_str(),
        &theirs,
        &without,
        "/feed/x.ics",
        "/feed/x.atom",
        "/feed/..%2F.ics",
        mine.trim_end_matches(".ics"),
    ] {
        let said = phone.get(path).await;
        assert_eq!((said.status, said.body.as_str()), (404, never.body.as_str()), "{path}");
    }
    let sql = "SELECT count(*) FROM sync_feeds WHERE revoked_at IS NOT NULL AND revoked_by IS NOT NULL";
    assert_eq!(world.one::<i64>(sql, &[]).await, 2);
    // Not more links than a person has devices, and none once the person may not sign in.
    let mut links = Vec::new();
    for _ in 0..5 {
        links.push(link(&technician.post("/app/feeds", &[]).await));
    }
    assert_eq!(technician.post("/app/feeds", &[]).await.status, 422);
    assert_eq!(phone.get(&links[0]).await.status, 200);
    world.run(&["people", "disable", "Technicienne Exemple"]).await.success();
    assert_eq!(phone.get(&links[0]).await.status, 404);
    // Who tries many is told to wait, whether right or wrong; another name of this machine's is refused.
    let request = phone.http.get(format!("{}{}", phone.base, links[1])).header("host", "rebound.example.org");
    assert_eq!(phone.send(request).await.status, 403);
    let mut said = phone.get(&format!("/feed/{}.ics", "B".repeat(43))).await;
    for _ in 0..30 {
        if said.status == 429 {
            break;
        }
        said = phone.get(&format!("/feed/{}.ics", "B".repeat(43))).await;
    }
    assert_eq!(said.status, 429);
    assert!(said.header("retry-after").parse::<u64>().is_ok_and(|wait| (1..=60).contains(&wait)), "{said:?}");
    let metrics = serving.get("/metrics").await.1;
    let ended = serving.stop().await;
    for path in links.iter().chain([&mine, &theirs]) {
        assert!(!ended.log.contains(&secret(path)) && !metrics.contains(&secret(path)), "{}", ended.log);
    }
    assert!(ended.log.contains("a link to a calendar feed was made"), "{}", ended.log);
}
