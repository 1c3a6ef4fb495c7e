//! Calendar feeds: the link made and revoked in a browser, and the calendar read by a library that is not ours.

use browser::Setup;
use gazelle_sim::RecordKind;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::pages::digest;
use super::people::Office;
use super::support::World;

const ICAL: &str = include_str!("ical/ical.es5.min.cjs");
/// The SHA-256 of the file in ical.js 2.2.1.
const ICAL_HASH: &str = "74b6aa16936daa102ca216a29c8c25b53468762dd793bd9b106074aaa7961c65";

#[test]
fn ical_js_is_the_file_that_was_looked_at() {
    assert_eq!(digest(ICAL), ICAL_HASH);
}

/// What the library reads: each event with the seconds of its start and end, by the time zone that the calendar describes.
const READ: &str = "const calendar = new ICAL.Component(ICAL.parse(TEXT));
    const zones = calendar.getAllSubcomponents('vtimezone');
    const zone = new ICAL.Timezone(zones[0]);
    const at = (event, name) => {
        const property = event.getFirstProperty(name), time = property.getFirstValue();
        if (time.isDate) return time.toString();
        const tzid = property.getParameter('tzid');
        if (tzid) { if (tzid !== zone.tzid) return 'an unknown zone'; time.zone = zone; }
        return time.toUnixTime();
    };
    return {
        zones: zones.length,
        tzid: zone.tzid,
        events: calendar.getAllSubcomponents('vevent').map(event => ({
            uid: event.getFirstPropertyValue('uid'),
            summary: event.getFirstPropertyValue('summary'),
            status: event.getFirstPropertyValue('status'),
            start: at(event, 'dtstart'),
            end: at(event, 'dtend'),
        })),
    };";

/// The nights of the next two changes of the clocks: half an hour before each, and half an hour and an hour and a half after.
fn nights() -> Vec<Timestamp> {
    let zone = gazelle_sync::time::zone(gazelle_sync::time::MONTREAL).unwrap();
    let changes = zone.following(Timestamp::now() + SignedDuration::from_hours(24)).take(2);
    let around = |change: Timestamp| [-30, 30, 90].map(|minutes| change + SignedDuration::from_mins(minutes));
    changes.flat_map(|change| around(change.timestamp())).collect()
}

fn add(world: &World, title: &str, start: &str, more: Value) -> String {
    let (technician, client) =
        (&world.control.ids(RecordKind::User)[0], &world.control.ids(RecordKind::Client)[0]);
    let mut event = json!({
        "type": "APPOINTMENT", "status": "ACTIVE", "title": title, "duration": 45, "start": start,
        "client": { "id": client }, "user": { "id": technician }, "createdAt": "2026-01-05T12:00:00Z",
    });
    event.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    world.control.add(RecordKind::Event, event).unwrap()
}

#[tokio::test]
async fn another_library_reads_every_visit_of_the_feed_at_its_instant_on_both_nights_of_the_clock_change() {
    let office = Office::open_with(Setup::default(), |world| {
        let title = "Été; l'« accord », \\n 🎹 – ".to_owned() + &"très ".repeat(40) + "long";
        for start in nights() {
            add(world, &title, &start.to_string(), json!({}));
        }
        let day = &nights()[0].to_string()[..10];
        add(
            world,
            "Congé",
            &format!("{day}T00:00:00Z"),
            json!({ "isAllDay": true, "duration": 2880, "type": "PERSONAL" }),
        );
    })
    .await;
    office.enter("Opératrice Exemple", &["--role", "operator"]).await;
    let technician = office.world.control.ids(RecordKind::User)[0].clone();
    office.go("/app/feeds").await;
    let choose = format!("document.querySelector('[name=technician]').value = '{technician}'; return 1");
    office.browser.run(&choose).await.unwrap();
    office.browser.follow("main form button.main").await.unwrap();
    let link = office.browser.run("return document.querySelector('#link').value").await.unwrap();
    let (status, calendar) = office.serving.get(&path(&link)).await;
    assert_eq!(status, 200);
    let script = format!("const TEXT = {}; {ICAL}; {READ}", json!(calendar));
    let read = office.browser.run(&script).await.unwrap();
    assert_eq!((&read["zones"], &read["tzid"]), (&json!(1), &json!("America/Toronto")));
    let mut found: Vec<String> = read["events"].as_array().unwrap().iter().map(told).collect();
    found.sort();
    // What the feed should hold, from the tables.
    let rows = office
        .world
        .rows(&format!(
            "SELECT external_id || '@gazelle-sync' AS uid, extract(epoch FROM start_at)::bigint AS start,
                    extract(epoch FROM end_at)::bigint AS end
               FROM gazelle_appointments
              WHERE technician_external_id = '{technician}' AND deleted_at IS NULL AND NOT coalesce(is_all_day, false)
                AND event_type IS DISTINCT FROM 'SYNCED'
                AND (start_at AT TIME ZONE 'America/Toronto')::date - (now() AT TIME ZONE 'America/Toronto')::date BETWEEN -30 AND 365"
        ))
        .await;
    let mut expected: Vec<String> = rows.iter().map(told).collect();
    expected.sort();
    // Those that last all day begin on a date.
    let is_timed = |one: &&String| one.split(' ').nth(1).is_some_and(|start| !start.contains('-'));
    let timed: Vec<&String> = found.iter().filter(is_timed).collect();
    assert_eq!(timed, expected.iter().collect::<Vec<_>>());
    assert!(expected.len() > 6, "{expected:?}");
    let all_day = read["events"]
        .as_array()
        .unwrap()
        .iter()
        .find(|event| event["summary"].as_str().unwrap().starts_with("Congé"));
    let day = nights()[0].to_string()[..10].parse::<jiff::civil::Date>().unwrap();
    let after = day.tomorrow().unwrap().tomorrow().unwrap();
    let all_day = all_day.expect("the day off");
    assert_eq!((&all_day["start"], &all_day["end"]), (&json!(day.to_string()), &json!(after.to_string())));
    let long = read["events"]
        .as_array()
        .unwrap()
        .iter()
        .find(|event| event["summary"].as_str().unwrap().starts_with("Été"));
    let title = "Été; l'« accord », \\n 🎹 – ".to_owned() + &"très ".repeat(40) + "long";
    assert!(long.unwrap()["summary"].as_str().unwrap().starts_with(&title), "{long:?}");
    office.end().await;
}

/// The path of a link.
fn path(link: &Value) -> String {
    let link = link.as_str().unwrap();
    link[link.find("/feed/").expect("a feed")..].to_owned()
}

fn told(event: &Value) -> String {
    let text = |name: &str| event[name].to_string().replace('"', "");
    format!("{} {} {}", text("uid"), text("start"), text("end"))
}

#[tokio::test]
async fn a_technician_makes_a_link_to_the_own_visits_and_revokes_it_in_both_languages() {
    let office = Office::open(Setup::default()).await;
    let (own, _) = office.technicians().await;
    for (language, heading, made, used, off) in [
        ("en-CA", "Visits in a calendar", "Link to the visits of", "In use", "Revoked"),
        ("fr-CA", "Les visites dans un agenda", "Lien vers les visites de", "En service", "Révoqué"),
    ] {
        for (width, dark) in [(1280, false), (360, true)] {
            let setup = Setup { width, dark, language, ..Setup::default() };
            office.browser.set_up(setup).await.unwrap();
            let name = format!("Technicien {language} {width}");
            office.enter(&name, &["--role", "technician", "--technician", &own]).await;
            office.go("/app/feeds").await;
            assert_eq!(office.text("h1").await, heading);
            office.keeps_nobody_out(&format!("feeds {language} {width}")).await;
            office.browser.follow("main form button.main").await.unwrap();
            assert!(office.text("h1").await.starts_with(made));
            office.keeps_nobody_out(&format!("link {language} {width}")).await;
            let link = office.browser.run("return document.querySelector('#link').value").await.unwrap();
            let link = path(&link);
            let (status, calendar) = office.serving.get(&link).await;
            assert!(status == 200 && calendar.starts_with("BEGIN:VCALENDAR\r\n"), "{status}");
            office.browser.follow("main .pages a").await.unwrap();
            assert!(office.text("main .records li").await.contains(used));
            office.browser.follow("main .records button").await.unwrap();
            assert!(office.text("main .records").await.contains(off));
            assert_eq!(office.serving.get(&link).await.0, 404);
            office.keeps_nobody_out(&format!("revoked {language} {width}")).await;
        }
    }
    office.end().await;
}
