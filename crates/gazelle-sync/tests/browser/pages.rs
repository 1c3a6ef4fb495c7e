//! What holds for every page: it is accessible (axe), loads nothing from elsewhere and runs no script.

use browser::{Browser, Setup};
use gazelle_sim::RecordKind;

use super::DashboardBrowser;
use super::support::World;

const AXE: &str = include_str!("axe/axe.min.js");
/// The SHA-256 of the file in axe-core 4.14.1.
const AXE_HASH: &str = "29348999450cdf2849a8e70b7912fc2da85a849da39c0d0d5394f51d4a9ed95c";

#[test]
fn axe_is_the_file_that_was_looked_at() {
    assert_eq!(digest(AXE), AXE_HASH);
}

/// The SHA-256 of a text.
pub(super) fn digest(text: &str) -> String {
    use std::fmt::Write as _;
    let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, text.as_bytes());
    let mut hash = String::new();
    digest.as_ref().iter().for_each(|byte| write!(hash, "{byte:02x}").unwrap());
    hash
}

/// What axe finds in the page: rule, help and the elements.
pub(super) async fn found_by_axe(browser: &Browser) -> Vec<String> {
    browser.run(&format!("{AXE}; return typeof window.axe")).await.unwrap();
    let script = "const done = arguments[arguments.length - 1];
        const tags = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'];
        axe.run(document, { runOnly: { type: 'tag', values: tags } }).then(r => done(r.violations.map(v =>
            v.id + ': ' + v.help + ' ' + v.nodes.map(n => n.html.slice(0, 200)).join(' | '))), e => done([String(e)]))";
    let violations = browser.run_until_told(script).await.unwrap();
    violations.as_array().unwrap().iter().map(|one| one.as_str().unwrap_or_default().to_owned()).collect()
}

/// A shop with a record in quarantine and with deletions that wait.
async fn troubled() -> World {
    let mut world = World::new().await;
    world.set("GAZELLE_SYNC_DELETE_GUARD_RECORDS", "1");
    world.full_sync_ok().await;
    let id = world.upcoming(3);
    let mut raw = world.control.record(RecordKind::Event, &id).unwrap();
    raw["start"] = serde_json::json!("half past nine");
    world.stage("staging_appointments", &id, &raw, None).await;
    for n in 0..2 {
        world.control.delete(RecordKind::Event, &world.upcoming(n)).unwrap();
    }
    assert_eq!(world.incremental().await.code, 3);
    world
}

/// The pages, in their states.
async fn pages(looked: &DashboardBrowser) -> Vec<String> {
    let run = looked.serving.document("/app/runs.json").await["runs"][0]["run_id"].clone();
    let run = run.as_str().unwrap().to_owned();
    let id = async |sql: &str| looked.world.text(sql).await.unwrap();
    let appointment = id("SELECT min(external_id) FROM gazelle_appointments").await;
    let client = id("SELECT max(client_external_id) FROM gazelle_locations").await;
    let case = id("SELECT max(staging_id::text) FROM sync_quarantine").await;
    let held = id("SELECT max(external_id) FROM sync_quarantine").await;
    let withheld = id("SELECT max(run_id::text) FROM sync_deletions").await;
    vec![
        format!("/app/records/appointments/{appointment}"),
        format!("/app/records/appointments/{appointment}?explain=start_at"),
        format!("/app/records/appointments/{held}"),
        format!("/app/records/clients/{client}?explain=company_name&version=1&compare=1"),
        "/app/records/clients/nobody".to_owned(),
        "/app/quarantine".to_owned(),
        "/app/quarantine?state=dismissed".to_owned(),
        format!("/app/quarantine/{case}"),
        "/app/deletions".to_owned(),
        format!("/app/deletions/{withheld}"),
        "/app/actions".to_owned(),
        "/app/settings".to_owned(),
        "/app/doctor".to_owned(),
        "/app/search".to_owned(),
        "/app/search?q=a%20r".to_owned(),
        "/app/search?q=zzzzzz".to_owned(),
        "/app/".to_owned(),
        "/app/today".to_owned(),
        format!("/app/today?day={}", busy_day(looked).await),
        "/app/today?day=2037-01-16".to_owned(),
        "/app/changes".to_owned(),
        "/app/changes?day=2020-01-01".to_owned(),
        "/app/feeds".to_owned(),
        "/app/runs".to_owned(),
        "/app/runs?status=failed".to_owned(),
        "/app/latency".to_owned(),
        format!("/app/runs/{run}"),
        "/app/runs/01930000-0000-7000-8000-000000000001".to_owned(),
        "/app/nothing".to_owned(),
    ]
}

/// A day with visits.
async fn busy_day(looked: &DashboardBrowser) -> String {
    let sql =
        "SELECT date_montreal::text FROM v_appointments_montreal GROUP BY 1 ORDER BY count(*) DESC LIMIT 1";
    looked.world.text(sql).await.unwrap()
}

#[tokio::test]
async fn nobody_is_kept_out_of_any_page_in_any_language_colours_or_width() {
    let looked = DashboardBrowser::over(troubled().await, Setup::default()).await;
    let mut found = Vec::new();
    for language in ["en-CA", "fr-CA"] {
        for (width, dark) in [(1280, false), (360, true), (1280, true), (360, false)] {
            let setup = Setup { width, dark, language, ..Setup::default() };
            looked.browser.set_up(setup).await.unwrap();
            for page in pages(&looked).await {
                looked.navigate(&page).await;
                let what = format!("{page} {language} {width} {dark}");
                super::keep_picture(&looked.browser, &what).await;
                assert_eq!(
                    looked.browser.run("return document.documentElement.lang").await.unwrap(),
                    language
                );
                // WCAG 1.4.10: nothing but tables in their own regions scrolls sideways.
                let wider =
                    "return document.documentElement.scrollWidth - document.documentElement.clientWidth";
                let wider = looked.browser.run(wider).await.unwrap();
                if wider.as_i64() > Some(0) {
                    found.push(format!("{what}: {wider} px too wide"));
                }
                found.extend(
                    found_by_axe(&looked.browser).await.into_iter().map(|one| format!("{what}: {one}")),
                );
            }
        }
    }
    assert!(found.is_empty(), "{}", found.join("\n"));
    looked.end().await;
}

#[tokio::test]
async fn no_page_runs_anything_loads_anything_from_elsewhere_or_complains() {
    let looked = DashboardBrowser::over(troubled().await, Setup::default()).await;
    for page in pages(&looked).await {
        looked.navigate(&page).await;
        let loaded = "return performance.getEntriesByType('resource').map(e => e.name)";
        let loaded = looked.browser.run(loaded).await.unwrap();
        for one in loaded.as_array().unwrap() {
            assert!(one.as_str().unwrap().starts_with(&looked.serving.base), "{page} loads {one}");
        }
        // One script, a file of ours, and nothing else that acts.
        let acts = "return [...document.querySelectorAll('script, [onclick], [style], iframe, object')]
            .filter(e => !/^\\/app\\/assets\\/\\w+\\/screen.js$/.test(e.getAttribute('src'))).length";
        assert_eq!(looked.browser.run(acts).await.unwrap(), 0, "{page}");
        let complaints = looked.browser.complaints().await.unwrap();
        // The status of a page that is not there is told as one.
        let complaints: Vec<&String> =
            complaints.iter().filter(|one| !one.contains("status of 404")).collect();
        assert!(complaints.is_empty(), "{page}: {complaints:?}");
    }
    looked.end().await;
}

#[tokio::test]
async fn the_language_is_chosen_on_the_page_and_kept() {
    let looked = DashboardBrowser::at(World::new().await, Setup::default()).await;
    looked.navigate("/app/runs").await;
    assert_eq!(looked.text("h1").await, "Runs");
    looked.browser.follow("button[value=fr]").await.unwrap();
    assert_eq!(looked.text("h1").await, "Exécutions");
    assert!(looked.browser.address().await.unwrap().ends_with("/app/runs"), "back to the same page");
    looked.navigate("/app/").await;
    assert_eq!(looked.browser.run("return document.documentElement.lang").await.unwrap(), "fr-CA");
    looked.end().await;
}

#[tokio::test]
async fn with_the_database_down_nothing_old_is_shown_as_new() {
    let mut looked = DashboardBrowser::at(World::new().await, Setup::default()).await;
    looked.navigate("/app/").await;
    assert!(looked.text("h1").await.contains("Fresh as of"), "{}", looked.text("h1").await);
    looked.world.installation.server.kill9();
    looked.navigate("/app/").await;
    assert!(looked.text(".verdict").await.contains("We cannot see the data"));
    assert_eq!(looked.serving.get("/app/today").await.0, 503);
    looked.browser.close().await;
    let _ = looked.serving.stop().await;
}
