//! Actions in a real browser, in both languages, wide and narrow: what is asked for is seen to its end.

use browser::{Browser, Setup};
use gazelle_sim::RecordKind;

use super::keep_picture;
use super::pages::found_by_axe;
use super::support::people::{PASSPHRASE, invited};
use super::support::service::{Serving, until};
use super::support::tools::tool;
use super::support::{World, assert_same};

/// A service with an operator who is signed in, in a browser.
struct OperatorSession {
    world: World,
    serving: Serving,
    browser: Browser,
}

impl OperatorSession {
    async fn over(mut world: World, setup: Setup) -> OperatorSession {
        world.set("GAZELLE_SYNC_INCREMENTAL", "0 0 29 2 *");
        world.set("GAZELLE_SYNC_FULL", "0 0 29 2 *");
        let serving = Serving::start(&world, &[]).await;
        until("the database is open", async || serving.get("/app/").await.0 == 403).await;
        let browser = Browser::start(tool("chromedriver"), setup).await.expect("a browser");
        let link = invited(&world, "Opératrice Exemple", &["--role", "operator"]).await;
        let desk = OperatorSession { world, serving, browser };
        desk.go(&link[link.find("/app/").unwrap()..]).await;
        for field in ["passphrase", "again"] {
            desk.fill(field, PASSPHRASE).await;
        }
        desk.browser.follow("button.main").await.unwrap();
        desk
    }

    async fn go(&self, path: &str) {
        self.browser.navigate(&format!("{}{path}", self.serving.base)).await.expect(path);
    }

    async fn text(&self, selector: &str) -> String {
        self.browser.text(selector).await.unwrap().replace('\u{a0}', " ")
    }

    async fn fill(&self, field: &str, value: &str) {
        let script = format!(
            "const e = document.querySelector('[name={field}]'); e.value = {}; return e.value",
            serde_json::json!(value)
        );
        assert_eq!(self.browser.run(&script).await.unwrap(), value, "{field}");
    }

    /// Presses a button.
    async fn press(&self, selector: &str) {
        self.browser.follow(selector).await.unwrap_or_else(|error| panic!("{selector}: {error}"));
    }

    /// Looks again until the action of the page has ended. Returns its state.
    async fn ended(&self) -> String {
        until("the action has ended", async || {
            let open = self.browser.run("return document.querySelectorAll('.verdict .button').length").await;
            let has_ended = open.unwrap() == 0;
            if !has_ended {
                // The page may have followed by itself, and the link be gone.
                let _ = self.browser.follow(".verdict .button").await;
            }
            has_ended
        })
        .await;
        self.text(".verdict .state").await
    }

    /// Checks the page for what keeps people out.
    async fn keeps_nobody_out(&self, what: &str) {
        keep_picture(&self.browser, what).await;
        let found = found_by_axe(&self.browser).await;
        assert!(found.is_empty(), "{what}: {}", found.join("\n"));
        let wider = "return document.documentElement.scrollWidth - document.documentElement.clientWidth";
        let wider = self.browser.run(wider).await.unwrap();
        assert!(wider.as_i64() <= Some(0), "{what}: {wider} px too wide");
    }

    async fn end(self) {
        self.browser.close().await;
        assert_eq!(self.serving.stop().await.code, Some(0));
    }
}

/// Language, width and colours of the scenarios.
const SETUPS: [(&str, u32, bool); 2] = [("en-CA", 1280, false), ("fr-CA", 360, true)];

fn setup(at: usize) -> (Setup, bool) {
    let (language, width, dark) = SETUPS[at];
    (Setup { width, dark, language, ..Setup::default() }, language == "fr-CA")
}

#[tokio::test]
async fn a_run_started_here_is_seen_to_its_end() {
    for at in 0..SETUPS.len() {
        let world = World::new().await;
        world.full_sync_ok().await;
        let (setup, french) = setup(at);
        let desk = OperatorSession::over(world, setup).await;
        desk.keeps_nobody_out("overview").await;
        assert_eq!(
            desk.text(".acts .main").await,
            if french { "Synchroniser maintenant" } else { "Sync now" }
        );
        desk.press(".acts .main").await;
        desk.keeps_nobody_out("action").await;
        let done = desk.ended().await;
        assert!(done.contains(if french { "Faite" } else { "Done" }), "{done}");
        assert!(desk.text("dl.facts").await.contains("Opératrice Exemple"));
        desk.keeps_nobody_out("ended").await;
        desk.press(".crumb a").await;
        assert_eq!(desk.text("h1").await, "Actions");
        desk.keeps_nobody_out("list").await;
        desk.end().await;
    }
}

#[tokio::test]
async fn a_run_is_undone_after_its_numbers_were_seen_and_lifted_again() {
    for at in 0..SETUPS.len() {
        let world = World::new().await;
        world.full_sync_ok().await;
        let before = world.content().await;
        for n in 0..3 {
            world.control.move_event(&world.upcoming(n), Some("2037-01-09T12:00:00Z")).unwrap();
        }
        let run = world.incremental().await.success()["run_id"].as_str().unwrap().to_owned();
        let after = world.content().await;
        let (setup, french) = setup(at);
        let desk = OperatorSession::over(world, setup).await;
        desk.go(&format!("/app/runs/{run}")).await;
        desk.keeps_nobody_out("run").await;
        desk.press("form[action='/app/actions/undo'] button").await;
        desk.ended().await;
        desk.keeps_nobody_out("dry run").await;
        assert_same(&after, &desk.world.content().await, "only shown");
        let label = desk.text("form[action$='/apply'] button").await;
        assert_eq!(label, if french { "Appliquer : 3 lignes" } else { "Apply: 3 rows" });
        desk.press("form[action$='/apply'] button").await;
        desk.ended().await;
        desk.keeps_nobody_out("undone").await;
        assert_same(&before, &desk.world.content().await, "undone");
        desk.press("form[action='/app/actions/lift'] button").await;
        desk.ended().await;
        desk.press("form[action$='/apply'] button").await;
        desk.ended().await;
        assert_same(&after, &desk.world.content().await, "lifted");
        desk.end().await;
    }
}

#[tokio::test]
async fn the_evidence_is_read_then_all_but_one_are_deleted() {
    for at in 0..SETUPS.len() {
        let mut world = World::new().await;
        world.set("GAZELLE_SYNC_DELETE_GUARD_RECORDS", "1");
        world.full_sync_ok().await;
        for n in 0..4 {
            world.control.delete(RecordKind::Event, &world.upcoming(n)).unwrap();
        }
        let run = world.incremental().await.json()["run_id"].as_str().unwrap().to_owned();
        let (setup, french) = setup(at);
        let desk = OperatorSession::over(world, setup).await;
        desk.go(&format!("/app/deletions/{run}")).await;
        desk.keeps_nobody_out("evidence").await;
        desk.browser.run("document.querySelector('[name=except]').click()").await.unwrap();
        desk.press("button[value=delete]").await;
        desk.keeps_nobody_out("confirm").await;
        let heading = desk.text("h1").await;
        assert!(
            heading.contains(if french { "Supprimer 3 fiches" } else { "Delete 3 records" }),
            "{heading}"
        );
        desk.press("button.danger").await;
        let done = desk.ended().await;
        assert!(done.contains(if french { "Faite" } else { "Done" }), "{done}");
        desk.keeps_nobody_out("deleted").await;
        assert_eq!(desk.world.count("gazelle_appointments WHERE deleted_at IS NOT NULL").await, 3);
        assert_eq!(desk.world.count("sync_deletions WHERE state = 'withheld'").await, 1);
        desk.end().await;
    }
}

#[tokio::test]
async fn try_again_lets_it_in_and_out_of_the_list_and_a_dismissal_keeps_its_reason() {
    for at in 0..SETUPS.len() {
        let world = World::new().await;
        world.full_sync_ok().await;
        let mut versions = Vec::new();
        for n in [3, 4] {
            let id = world.upcoming(n);
            let mut raw = world.control.record(RecordKind::Event, &id).unwrap();
            raw["start"] = serde_json::json!("half past nine");
            versions.push(world.stage("staging_appointments", &id, &raw, None).await);
        }
        world.run(&["reconcile"]).await;
        let (setup, french) = setup(at);
        let desk = OperatorSession::over(world, setup).await;
        desk.go(&format!("/app/quarantine/{}", versions[0])).await;
        desk.keeps_nobody_out("case").await;
        desk.fill("reason", "fiche d'essai").await;
        desk.press("form[action='/app/actions/dismiss'] button").await;
        desk.ended().await;
        desk.go(&format!("/app/quarantine/{}", versions[0])).await;
        assert!(desk.text(".verdict").await.contains("fiche d'essai"));
        desk.world
            .execute(&format!(
                "UPDATE staging_appointments SET raw_data = jsonb_set(raw_data, '{{start}}', '\"2037-01-09T12:00:00Z\"')
                  WHERE id = '{}'",
                versions[1]
            ))
            .await;
        desk.go("/app/quarantine").await;
        desk.keeps_nobody_out("quarantine").await;
        let listed = format!("return document.querySelectorAll('a[href*=\"{}\"]').length", versions[1]);
        assert_eq!(desk.browser.run(&listed).await.unwrap(), 1);
        desk.go(&format!("/app/quarantine/{}", versions[1])).await;
        desk.press("form[action='/app/actions/retry'] button").await;
        let done = desk.ended().await;
        assert!(done.contains(if french { "Faite" } else { "Done" }), "{done}");
        desk.go("/app/quarantine").await;
        assert_eq!(desk.browser.run(&listed).await.unwrap(), 0, "it has left the list");
        desk.end().await;
    }
}
