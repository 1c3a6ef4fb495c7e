//! An open page follows what happens, and does not replace a part that is in use.

use browser::Setup;
use gazelle_sim::{Fault, FaultKind};
use serde_json::json;

use super::DashboardBrowser;
use super::pages::found_by_axe;
use super::support::World;
use super::support::service::until;

/// A run that ended, beside those that there are.
const RUN: &str =
    "INSERT INTO sync_runs (run_id, command, mode, trigger, status, started_at, finished_at, program)
    VALUES (gen_random_uuid(), 'sync', 'incremental', 'schedule', 'success', now(), now(), 'test')";
/// How often the page was fetched again.
const FETCHES: &str =
    "return performance.getEntriesByType('resource').filter(e => e.initiatorType === 'fetch').length";

async fn quiet() -> World {
    let mut world = World::new().await;
    world.set("GAZELLE_SYNC_INCREMENTAL", "0 0 29 2 *");
    world.set("GAZELLE_SYNC_FULL", "0 0 29 2 *");
    world
}

impl DashboardBrowser {
    async fn fetches(&self) -> i64 {
        self.browser.run(FETCHES).await.unwrap().as_i64().unwrap()
    }

    async fn is(&self, condition: &str) -> bool {
        self.browser.run(&format!("return Boolean({condition})")).await.unwrap() == json!(true)
    }

    /// Waits until the page has followed a run that ended just now.
    async fn follows_a_run(&self) {
        let before = self.fetches().await;
        self.world.execute(RUN).await;
        until("the page follows", async || self.fetches().await > before).await;
    }

    async fn has_no_complaint(&self) {
        let complaints = self.browser.complaints().await.unwrap();
        assert!(complaints.is_empty(), "{complaints:?}");
    }
}

#[tokio::test]
async fn a_run_started_here_is_seen_to_its_end_without_a_reload() {
    for (language, width, dark, done) in [("en-CA", 1280, false, "Done"), ("fr-CA", 320, true, "Faite")] {
        let setup = Setup { width, dark, language, ..Setup::default() };
        let looked = DashboardBrowser::at(quiet().await, setup).await;
        // The run goes on until the page was seen with it.
        let slow = FaultKind::Slow { milliseconds: 8_000 };
        looked.world.control.add_fault(Fault::new(slow));
        looked.navigate("/app/").await;
        looked.browser.follow(".acts .main").await.unwrap();
        looked.browser.run("window.isTheSame = true; return true").await.unwrap();
        assert!(looked.is("document.querySelector('.verdict .button')").await, "the run goes on");
        until("it is seen to its end", async || looked.text(".verdict .state").await.contains(done)).await;
        assert!(looked.is("window.isTheSame").await, "without a reload");
        assert!(looked.text("#live [role=status]").await.contains(done), "it is spoken once");
        assert_eq!(found_by_axe(&looked.browser).await, Vec::<String>::new());
        assert!(
            looked.is("document.documentElement.scrollWidth <= document.documentElement.clientWidth").await
        );
        looked.has_no_complaint().await;
        looked.end().await;
    }
}

#[tokio::test]
async fn an_open_fold_and_the_focus_survive_ten_live_updates() {
    let looked = DashboardBrowser::at(quiet().await, Setup::default()).await;
    looked.navigate("/app/").await;
    let prepare = "document.querySelector('#live-strip details').open = true;
        window.fold = document.querySelector('#live-strip details');
        window.ages = document.querySelector('#live-ages .scroll'); ages.focus(); return true";
    looked.browser.run(prepare).await.unwrap();
    for _ in 0..10 {
        looked.follows_a_run().await;
        assert!(looked.is("window.fold.isConnected && window.fold.open").await);
        assert!(looked.is("document.activeElement === window.ages && window.ages.isConnected").await);
    }
    until("what is new is offered", async || {
        looked.is("!document.querySelector('#live .show').hidden").await
    })
    .await;
    let rows = "document.querySelectorAll('#live-strip tbody tr').length";
    assert!(looked.is(&format!("{rows} < 10")).await, "the fold is as it was");
    // A part that is not in use is replaced.
    looked.browser.run("fold.open = false; ages.blur(); return true").await.unwrap();
    looked.follows_a_run().await;
    until("the list is new", async || looked.is(&format!("{rows} > 10")).await).await;
    assert!(looked.is("document.querySelector('#live .show').hidden").await);
    looked.has_no_complaint().await;
    looked.end().await;
}

#[tokio::test]
async fn updates_pause_and_go_on() {
    let looked = DashboardBrowser::at(quiet().await, Setup::default()).await;
    looked.navigate("/app/").await;
    looked.follows_a_run().await;
    looked.browser.click("#live .pause").await.unwrap();
    assert!(
        looked.is("document.querySelector('#live .pause').getAttribute('aria-pressed') === 'true'").await
    );
    let (before, known) = (looked.fetches().await, tag(&looked).await);
    looked.world.execute(RUN).await;
    until("others are told", async || tag(&looked).await != known).await;
    assert_eq!(looked.fetches().await, before, "this page is not");
    looked.browser.click("#live .pause").await.unwrap();
    until("it goes on where it was", async || looked.fetches().await > before).await;
    looked.has_no_complaint().await;
    looked.end().await;
}

#[tokio::test]
async fn without_javascript_a_run_is_started_and_looked_at_again() {
    let looked = DashboardBrowser::at(quiet().await, Setup::default()).await;
    looked.browser.switch_scripts_off().await.unwrap();
    looked.navigate("/app/").await;
    assert_eq!(looked.text("#live").await, "", "no button that would do nothing");
    looked.browser.follow(".acts .main").await.unwrap();
    until("it has ended", async || {
        let goes_on = looked.is("document.querySelector('.verdict .button')").await;
        if goes_on {
            looked.browser.follow(".verdict .button").await.unwrap();
        }
        !goes_on
    })
    .await;
    assert!(looked.text(".verdict .state").await.contains("Done"));
    looked.has_no_complaint().await;
    looked.end().await;
}

/// What is known of changes.
async fn tag(looked: &DashboardBrowser) -> String {
    let answer = super::support::service::client().get(format!("{}/app/live", looked.serving.base)).send();
    answer.await.unwrap().headers()["etag"].to_str().unwrap().to_owned()
}
