//! Today, as technicians see it: the local day, whatever zone the browser is in.

use browser::Setup;
use gazelle_sim::RecordKind;
use jiff::civil::Date;
use serde_json::json;

use super::DashboardBrowser;
use super::support::World;

/// A browser that thinks it is elsewhere.
const TOKYO: Setup = Setup { width: 360, height: 740, dark: false, language: "fr-CA", zone: "Asia/Tokyo" };

/// Adds a visit and returns its technician.
fn visit(world: &World, title: &str, start: &str, minutes: u32) -> String {
    let technician = world.control.ids(RecordKind::User)[0].clone();
    let client = world.control.ids(RecordKind::Client)[0].clone();
    let event = json!({
        "type": "APPOINTMENT", "status": "ACTIVE", "title": title, "duration": minutes, "start": start,
        "client": { "id": client }, "user": { "id": technician }, "createdAt": "2026-01-05T12:00:00Z",
    });
    world.control.add(RecordKind::Event, event).unwrap();
    technician
}

/// The hours and titles of the visits on a page.
async fn visits(looked: &DashboardBrowser) -> Vec<String> {
    let script = "return [...document.querySelectorAll('.visits .visit')].map(v =>
        (v.querySelector('.hours')?.innerText ?? '') + ' ' + v.querySelector('h3').innerText)";
    let found = looked.browser.run(script).await.unwrap();
    found.as_array().unwrap().iter().map(|one| one.as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn a_browser_in_tokyo_sees_the_evening_on_the_day_it_is_in_montreal() {
    let world = World::new().await;
    // Far from what the made-up shop holds: 07:00, 18:00 and 20:30 of one winter day, and 08:00 of the next.
    let technician = visit(&world, "Tire le Coyote avant 8h", "2037-01-14T12:00:00Z", 80);
    visit(&world, "Conservatoire", "2037-01-14T23:00:00Z", 60);
    visit(&world, "Accord du soir", "2037-01-15T01:30:00Z", 90);
    visit(&world, "Le lendemain", "2037-01-15T13:00:00Z", 60);
    let looked = DashboardBrowser::at(world, TOKYO).await;
    let hours = looked.browser.run("return new Date(Date.UTC(2037, 0, 14, 12)).getHours()").await.unwrap();
    assert_eq!(hours, 21, "the browser is in Tokyo");
    looked.navigate(&format!("/app/today?day=2037-01-14&technician={technician}")).await;
    assert_eq!(looked.text("h1").await, "Mercredi 14 janvier 2037");
    assert_eq!(
        visits(&looked).await,
        ["07:00–08:20 Tire le Coyote avant 8h", "18:00–19:00 Conservatoire", "20:30–22:00 Accord du soir"]
    );
    assert!(looked.text(".fresh").await.contains("HNE"), "the zone is named");
    assert_eq!(looked.text(".visit .utc").await, "12:00 UTC");
    looked.browser.follow("a[rel=next]").await.unwrap();
    assert_eq!(looked.text("h1").await, "Jeudi 15 janvier 2037");
    assert_eq!(visits(&looked).await, ["08:00–09:00 Le lendemain"]);
    looked.navigate("/app/today?day=2037-01-16").await;
    assert!(looked.text(".empty").await.contains("vendredi 16 janvier 2037"), "an empty day names its date");
    looked.end().await;
}

#[tokio::test]
async fn both_nights_of_the_clock_change_read_right() {
    let world = World::new().await;
    for (title, start) in [
        // The clocks go back on the first of November 2037: 01:30 comes twice.
        ("avant", "2037-11-01T05:30:00Z"),
        ("après", "2037-11-01T06:30:00Z"),
        ("le soir", "2037-11-02T01:30:00Z"),
        // They go forward on the eighth of March 2037: 02:30 does not come.
        ("encore l'hiver", "2037-03-08T06:30:00Z"),
        ("déjà l'été", "2037-03-08T07:00:00Z"),
        ("le soir d'été", "2037-03-09T00:30:00Z"),
    ] {
        visit(&world, title, start, 30);
    }
    let looked = DashboardBrowser::at(world, TOKYO).await;
    looked.navigate("/app/today?day=2037-11-01").await;
    assert_eq!(visits(&looked).await, ["01:30–01:00 avant", "01:30–02:00 après", "20:30–21:00 le soir"]);
    looked.navigate("/app/today?day=2037-03-08").await;
    assert_eq!(
        visits(&looked).await,
        ["01:30–03:00 encore l'hiver", "03:00–03:30 déjà l'été", "20:30–21:00 le soir d'été"]
    );
    looked.end().await;
}

#[tokio::test]
async fn what_moved_since_yesterday_stands_first_with_from_and_to() {
    let world = World::new().await;
    // 2037-06-10, 10:00 in summer.
    let technician = visit(&world, "Accord du prix des Cent Pianos", "2037-06-10T14:00:00Z", 60);
    let looked = DashboardBrowser::at(world, Setup::default()).await;
    let id = looked.world.event_titled("Accord du prix des Cent Pianos");
    looked.world.control.move_event(&id, Some("2037-06-10T17:30:00Z")).unwrap();
    assert_eq!(looked.world.incremental().await.code, 0);
    let day: Date = "2037-06-10".parse().unwrap();
    looked.navigate(&format!("/app/today?day={day}&technician={technician}")).await;
    let changes = looked.text(".changes").await;
    assert!(changes.contains("Moved"), "{changes}");
    let moved = "10:00 → 13:30";
    assert!(changes.contains(moved) && changes.contains("Accord du prix des Cent Pianos"), "{changes}");
    assert_eq!(visits(&looked).await, ["13:30–14:30 Accord du prix des Cent Pianos"]);
    // The screen of changes says it with the day, in the language of the browser.
    for (language, line) in [
        ("en-CA", "Moved Wednesday 10 June 2037, 10:00 → 13:30 Accord du prix des Cent Pianos"),
        ("fr-CA", "Déplacé mercredi 10 juin 2037, 10:00 → 13:30 Accord du prix des Cent Pianos"),
    ] {
        looked.browser.set_up(Setup { language, ..Setup::default() }).await.unwrap();
        looked.navigate(&format!("/app/changes?technician={technician}")).await;
        let changes = looked.text(".changes li").await;
        assert!(changes.contains(line), "{changes}");
    }
    looked.browser.set_up(Setup::default()).await.unwrap();
    // Nobody else's day says so.
    let other = looked.world.control.ids(RecordKind::User)[1].clone();
    looked.navigate(&format!("/app/today?day={day}&technician={other}")).await;
    assert!(!looked.text(".changes").await.contains("Accord du prix des Cent Pianos"));
    looked.end().await;
}
