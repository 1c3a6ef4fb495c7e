//! People in a real browser: a link, a passphrase, and what a role may.

use browser::{Browser, Setup};

use super::keep_picture;
use super::pages::found_by_axe;
use super::support::World;
use super::support::people::{PASSPHRASE, invited};
use super::support::service::{Serving, until};
use super::support::tools::tool;

/// A service that people sign in to, and a browser before it.
pub(super) struct Office {
    pub(super) world: World,
    pub(super) serving: Serving,
    pub(super) browser: Browser,
}

impl Office {
    pub(super) async fn open(setup: Setup) -> Office {
        Office::open_with(setup, |_| {}).await
    }

    /// With more in the shop.
    pub(super) async fn open_with(setup: Setup, more: impl FnOnce(&World)) -> Office {
        let mut world = World::new().await;
        more(&world);
        world.set("GAZELLE_SYNC_INCREMENTAL", "0 0 29 2 *");
        world.set("GAZELLE_SYNC_FULL", "0 0 29 2 *");
        world.full_sync_ok().await;
        let serving = Serving::start(&world, &[]).await;
        until("the database is open", async || serving.get("/app/").await.0 == 403).await;
        let browser = Browser::start(tool("chromedriver"), setup).await.expect("a browser");
        Office { world, serving, browser }
    }

    pub(super) async fn go(&self, path: &str) {
        self.browser.navigate(&format!("{}{path}", self.serving.base)).await.expect(path);
    }

    pub(super) async fn text(&self, selector: &str) -> String {
        self.browser.text(selector).await.unwrap().replace('\u{a0}', " ")
    }

    /// Writes into a field, as typing does.
    async fn fill(&self, field: &str, value: &str) {
        let script = format!(
            "const e = document.querySelector('[name={field}]'); e.value = {}; return e.value",
            serde_json::json!(value)
        );
        assert_eq!(self.browser.run(&script).await.unwrap(), value, "{field}");
    }

    /// The path of the page.
    async fn path(&self) -> String {
        self.browser.address().await.unwrap().replace(&self.serving.base, "")
    }

    /// Opens a person's link and sets the passphrase.
    pub(super) async fn enter(&self, name: &str, role: &[&str]) {
        let link = invited(&self.world, name, role).await;
        self.go(&link[link.find("/app/").unwrap()..]).await;
        self.fill("passphrase", PASSPHRASE).await;
        self.fill("again", PASSPHRASE).await;
        self.browser.follow("button.main").await.unwrap();
    }

    /// Checks a page for what keeps people out.
    pub(super) async fn keeps_nobody_out(&self, what: &str) {
        keep_picture(&self.browser, what).await;
        let found = found_by_axe(&self.browser).await;
        assert!(found.is_empty(), "{what}: {}", found.join("\n"));
        let wider = "return document.documentElement.scrollWidth - document.documentElement.clientWidth";
        let wider = self.browser.run(wider).await.unwrap();
        assert!(wider.as_i64() <= Some(0), "{what}: {wider} px too wide");
    }

    pub(super) async fn technicians(&self) -> (String, String) {
        let rows = self
            .world
            .rows(
                "SELECT technician_external_id AS id FROM v_appointments_montreal
                  WHERE technician_external_id IS NOT NULL GROUP BY 1 ORDER BY count(*) DESC, 1 LIMIT 2",
            )
            .await;
        let id = |at: usize| rows[at]["id"].as_str().unwrap().to_owned();
        (id(0), id(1))
    }

    pub(super) async fn end(self) {
        self.browser.close().await;
        assert_eq!(self.serving.stop().await.code, Some(0));
    }
}

/// Words of the pages in both languages.
/// Language, heading of the first page, screens of the office on a wide and on a narrow page, and heading of the sign-in.
const WORDS: [(&str, &str, [&str; 2], &str); 2] = [
    (
        "en-CA",
        "Set your passphrase",
        ["Today Overview Runs Quarantine 3 Deletions Changes Search", "Today Overview Changes Search More"],
        "Sign in",
    ),
    (
        "fr-CA",
        "Choisir votre phrase de passe",
        [
            "Aujourd'hui État Exécutions Quarantaine 3 Suppressions Changements Chercher",
            "Aujourd'hui État Changements Chercher Plus",
        ],
        "Ouvrir une session",
    ),
];

#[tokio::test]
async fn an_invited_person_sets_a_passphrase_and_sees_what_the_role_may() {
    let office = Office::open(Setup::default()).await;
    for (at, (language, welcome, navs, sign_in)) in WORDS.into_iter().enumerate() {
        for ((width, dark), nav) in [(1280, false), (360, true)].into_iter().zip(navs) {
            let setup = Setup { width, dark, language, ..Setup::default() };
            office.browser.set_up(setup).await.unwrap();
            let name = format!("Personne {at} {width}");
            let link = invited(&office.world, &name, &["--role", "office"]).await;
            office.go(&link[link.find("/app/").unwrap()..]).await;
            assert_eq!(office.text("h1").await, welcome);
            office.keeps_nobody_out(&format!("enter {language} {width}")).await;
            // Two that differ are told, and the link still works.
            office.fill("passphrase", PASSPHRASE).await;
            office.fill("again", "another passphrase").await;
            office.browser.follow("button.main").await.unwrap();
            assert!(!office.text("[role=alert]").await.is_empty());
            office.keeps_nobody_out(&format!("enter again {language} {width}")).await;
            office.fill("passphrase", PASSPHRASE).await;
            office.fill("again", PASSPHRASE).await;
            office.browser.follow("button.main").await.unwrap();
            assert_eq!(office.path().await, "/app/");
            assert_eq!(office.text("nav").await.split_whitespace().collect::<Vec<_>>().join(" "), nav);
            assert!(office.text(".who").await.contains(&name));
            // What the role may not is not offered, and refused with one sentence.
            office.go("/app/people").await;
            assert_eq!(
                office.browser.run("return document.querySelectorAll('table').length").await.unwrap(),
                0
            );
            office.keeps_nobody_out(&format!("refused {language} {width}")).await;
            office.go("/app/me").await;
            assert_eq!(office.text("h1").await, name);
            office.keeps_nobody_out(&format!("me {language} {width}")).await;
            office.browser.follow(".who button").await.unwrap();
            assert_eq!(
                (office.path().await.as_str(), office.text("h1").await.as_str()),
                ("/app/sign-in", sign_in)
            );
            office.keeps_nobody_out(&format!("sign-in {language} {width}")).await;
            // And in again, to the page that was asked for.
            office.go("/app/runs").await;
            assert_eq!(office.path().await, "/app/sign-in?next=%2Fapp%2Fruns");
            office.fill("name", &name).await;
            office.fill("passphrase", "not the passphrase").await;
            office.browser.follow("button.main").await.unwrap();
            assert!(!office.text("[role=alert]").await.is_empty());
            office.keeps_nobody_out(&format!("wrong {language} {width}")).await;
            office.fill("passphrase", PASSPHRASE).await;
            office.browser.follow("button.main").await.unwrap();
            assert_eq!(office.path().await, "/app/runs");
            office.browser.follow(".who button").await.unwrap();
        }
    }
    let complaints = office.browser.complaints().await.unwrap();
    // The status of what is refused is told as one.
    let complaints: Vec<&String> =
        complaints.iter().filter(|one| !one.contains("the server responded with a status of 4")).collect();
    assert!(complaints.is_empty(), "{complaints:?}");
    office.end().await;
}

#[tokio::test]
async fn an_operator_invites_on_a_page_that_keeps_nobody_out() {
    let office = Office::open(Setup::default()).await;
    office.enter("Opératrice Exemple", &["--role", "operator"]).await;
    for (language, button) in [("en-CA", "Create a link"), ("fr-CA", "Créer un lien")] {
        office.go("/app/me").await;
        office.browser.follow(&format!("footer button[value={}]", &language[..2])).await.unwrap();
        for (width, dark) in [(1280, false), (360, true)] {
            office.browser.set_up(Setup { width, dark, language, ..Setup::default() }).await.unwrap();
            let what = format!("{language} {width}");
            office.go("/app/people").await;
            assert_eq!(office.text(".fields button").await, button);
            office.keeps_nobody_out(&format!("people {what}")).await;
            let name = format!("Nom Très Long Exemple De La Pédale-Douce {width} {language}");
            office.fill("name", &name).await;
            office.browser.run("document.querySelector('[name=role]').value = 'office'").await.unwrap();
            office.browser.follow(".fields button").await.unwrap();
            let link = office.browser.run("return document.querySelector('#link').value").await.unwrap();
            assert!(link.as_str().unwrap().contains("/app/enter/"), "{link}");
            office.keeps_nobody_out(&format!("link {what}")).await;
            office.go("/app/people").await;
            office.browser.follow("tbody a").await.unwrap();
            office.keeps_nobody_out(&format!("person {what}")).await;
        }
    }
    office.end().await;
}

#[tokio::test]
async fn a_technician_reaches_nobody_elses_record_by_address() {
    for (language, refused) in
        [("en-CA", "This is somebody else's day"), ("fr-CA", "C'est la journée de quelqu'un d'autre")]
    {
        let office = Office::open(Setup { width: 360, language, ..Setup::default() }).await;
        let (own, other) = office.technicians().await;
        office.enter("Technicienne Exemple", &["--role", "technician", "--technician", &own]).await;
        assert_eq!(office.path().await, "/app/today");
        let links = office.browser.run("return document.querySelectorAll('nav a').length").await.unwrap();
        assert_eq!(links, 2, "her day, what changed in it, and nothing else");
        let pickers =
            office.browser.run("return document.querySelectorAll('[name=technician]').length").await.unwrap();
        assert_eq!(pickers, 0);
        office.keeps_nobody_out(&format!("own day {language}")).await;
        office.go(&format!("/app/today?technician={other}")).await;
        assert_eq!(office.text("h1").await, refused);
        for path in ["/app/", "/app/runs", "/app/people", "/app/runs/01930000-0000-7000-8000-000000000001"] {
            office.go(path).await;
            assert_ne!(office.text("h1").await, "");
            let shown =
                office.browser.run("return document.querySelectorAll('table, .visit, .verdict').length");
            assert_eq!(shown.await.unwrap(), 0, "{path}");
        }
        office.end().await;
    }
}

#[tokio::test]
async fn who_was_signed_out_is_out_in_every_tab() {
    for language in ["en-CA", "fr-CA"] {
        let office = Office::open(Setup { language, ..Setup::default() }).await;
        office.enter("Ana Exemple", &["--role", "operator"]).await;
        office.go("/app/runs").await;
        // A second tab of the same browser.
        office.browser.new_tab().await.unwrap();
        office.go("/app/").await;
        assert_eq!(office.path().await, "/app/");
        office.world.run(&["people", "sign-out", "Ana Exemple"]).await.success();
        office.go("/app/").await;
        assert!(office.path().await.starts_with("/app/sign-in"));
        office.browser.first_tab().await.unwrap();
        assert_eq!(office.path().await, "/app/runs", "as it was left");
        office.go("/app/today").await;
        assert!(office.path().await.starts_with("/app/sign-in"));
        office.end().await;
    }
}
