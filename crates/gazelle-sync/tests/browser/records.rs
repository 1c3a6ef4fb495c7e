//! Records, cases and Search, as the office uses them.

use browser::Setup;
use gazelle_sim::RecordKind;
use serde_json::json;

use super::DashboardBrowser;
use super::support::World;

/// Both languages; the browser's is the page's.
const LANGUAGES: [&str; 2] = ["en-CA", "fr-CA"];

impl DashboardBrowser {
    async fn speak(&self, language: &'static str) {
        self.browser.set_up(Setup { language, ..Setup::default() }).await.unwrap();
    }

    /// Whether an element lies within the window, and within what scrolls it.
    async fn is_in_view(&self, selector: &str) -> bool {
        let script = format!(
            "const e = document.querySelector({}); if (!e) return false; const r = e.getBoundingClientRect();
             const seen = document.elementFromPoint(r.left + r.width / 2, r.top + r.height / 2);
             return r.top >= 0 && r.bottom <= innerHeight && (seen === e || e.contains(seen));",
            json!(selector)
        );
        self.browser.run(&script).await.unwrap() == true
    }

    async fn texts(&self, selector: &str) -> Vec<String> {
        let script =
            format!("return [...document.querySelectorAll({})].map(e => e.innerText)", json!(selector));
        let found = self.browser.run(&script).await.unwrap();
        let text = |one: &serde_json::Value| one.as_str().unwrap().replace('\u{a0}', " ");
        found.as_array().unwrap().iter().map(text).collect()
    }
}

#[tokio::test]
async fn the_faulty_field_is_marked_in_the_raw_record_and_in_view() {
    let world = World::new().await;
    world.full_sync_ok().await;
    let id = world.upcoming(0);
    let mut raw = world.control.record(RecordKind::Event, &id).unwrap();
    // Beyond what the region of the record shows at first.
    for n in 0..80 {
        raw[format!("a{n:02}")] = json!(n);
    }
    raw["start"] = json!("half past nine");
    world.stage("staging_appointments", &id, &raw, None).await;
    world.run(&["reconcile"]).await;
    let looked = DashboardBrowser::over(world, Setup::default()).await;
    for (language, reason, fed) in [
        ("en-CA", "The value of start cannot be read", "fed by the marked field"),
        ("fr-CA", "La valeur de start est illisible", "alimentée par le champ marqué"),
    ] {
        looked.speak(language).await;
        looked.navigate("/app/quarantine").await;
        looked.browser.follow(".cases td a").await.unwrap();
        assert_eq!(looked.text(".verdict .title").await, reason);
        assert!(
            looked.text("mark").await.contains("\"start\": \"half past nine\""),
            "{}",
            looked.text("mark").await
        );
        assert!(looked.is_in_view("mark#field").await, "{language}");
        let marked = looked.texts(".fed th").await;
        assert!(marked.iter().any(|one| one.contains("start_at") && one.contains(fed)), "{marked:?}");
    }
    looked.end().await;
}

#[tokio::test]
async fn a_click_on_the_hour_explains_it_step_by_step() {
    let world = World::new().await;
    world.full_sync_ok().await;
    let id = world.upcoming(0);
    world.control.move_event(&id, Some("2037-07-09T11:00:00Z")).unwrap();
    assert_eq!(world.incremental().await.code, 0);
    let looked = DashboardBrowser::over(world, Setup::default()).await;
    for (language, steps) in [
        (
            "en-CA",
            [
                "The record says: \"2037-07-09T11:00:00Z\"",
                "The instant, in UTC: 2037-07-09 11:00:00 UTC",
                "Stored as date and time, in UTC: 2037-07-09 and 11:00:00",
                "Local time: 2037-07-09 07:00:00 EDT, daylight time",
            ],
        ),
        (
            "fr-CA",
            [
                "La fiche dit : \"2037-07-09T11:00:00Z\"",
                "L'instant, en UTC : 2037-07-09 11:00:00 UTC",
                "Gardé en date et heure, en UTC : 2037-07-09 et 11:00:00",
                "Heure locale : 2037-07-09 07:00:00 HAE, heure avancée",
            ],
        ),
    ] {
        looked.speak(language).await;
        looked.navigate(&format!("/app/records/appointments/{id}")).await;
        assert!(looked.texts(".row .value").await.contains(&"2037-07-09 07:00 11:00 UTC".to_owned()));
        looked.browser.follow("a[href*='explain=start_at']").await.unwrap();
        let told = looked.texts(".steps li").await;
        for step in steps {
            assert!(told.iter().any(|one| one == step), "{step}: {told:?}");
        }
        assert!(looked.text("mark#field").await.contains("\"start\": \"2037-07-09T11:00:00Z\""));
        assert!(looked.is_in_view("#explain h2").await, "the explanation is where the link leads");
    }
    looked.end().await;
}

#[tokio::test]
async fn a_number_of_nineteen_digits_is_shown_digit_for_digit() {
    let world = World::new().await;
    world.full_sync_ok().await;
    let piano = world.control.ids(RecordKind::Piano)[0].clone();
    for (number, digits) in [("1970670598291982300", 19), ("19706705982919823001.50", 22)] {
        assert_eq!(number.chars().filter(char::is_ascii_digit).count(), digits);
        world
            .execute(&format!(
                "INSERT INTO staging_pianos (external_id, raw_data) VALUES ('{piano}', '{{\"id\": \"{piano}\", \"odd\": {number}}}')"
            ))
            .await;
    }
    let looked = DashboardBrowser::over(world, Setup::default()).await;
    for language in LANGUAGES {
        looked.speak(language).await;
        for (version, number) in [(2, "1970670598291982300"), (3, "19706705982919823001.50")] {
            looked.navigate(&format!("/app/records/pianos/{piano}?version={version}")).await;
            assert!(looked.text(".raw").await.contains(&format!("\"odd\": {number}")), "{number}");
        }
    }
    looked.end().await;
}

#[tokio::test]
async fn two_versions_are_compared_field_by_field() {
    let world = World::new().await;
    world.full_sync_ok().await;
    let id = world.upcoming(0);
    let first = world.control.record(RecordKind::Event, &id).unwrap()["start"].as_str().unwrap().to_owned();
    for start in ["2037-01-09T12:00:00Z", "2037-01-10T13:30:00Z"] {
        world.control.move_event(&id, Some(start)).unwrap();
        assert_eq!(world.incremental().await.code, 0);
    }
    let looked = DashboardBrowser::over(world, Setup::default()).await;
    for (language, title) in
        [("en-CA", "From version 1 to version 3"), ("fr-CA", "De la version 1 à la version 3")]
    {
        looked.speak(language).await;
        looked.navigate(&format!("/app/records/appointments/{id}")).await;
        let choose = "document.querySelector('select[name=compare]').value = '1';
                      document.querySelector('select[name=version]').value = '3'";
        looked.browser.run(choose).await.unwrap();
        looked.browser.follow("#versions form button").await.unwrap();
        assert_eq!(looked.text(".compared h3").await, title);
        let fields = looked.texts(".compared .diffs li").await;
        let start =
            fields.iter().find(|one| one.starts_with("start ")).unwrap_or_else(|| panic!("{fields:?}"));
        assert!(start.ends_with("2037-01-10 08:30 13:30 UTC"), "{start}");
        let was =
            looked.browser.run("return document.querySelector('.compared del time').dateTime").await.unwrap();
        let instant = |text: &str| text.parse::<jiff::Timestamp>().unwrap();
        assert_eq!(instant(was.as_str().unwrap()), instant(&first));
    }
    looked.end().await;
}

#[tokio::test]
async fn a_name_without_accents_a_phone_with_dots_and_an_id_are_found() {
    let world = World::new().await;
    world.full_sync_ok().await;
    let client = world.control.ids(RecordKind::Client)[0].clone();
    world
        .execute(&format!(
            "UPDATE gazelle_clients SET company_name = 'Salle des Érables' WHERE external_id = '{client}';
             UPDATE gazelle_contacts SET first_name = 'Loïc', last_name = 'Tabledharmonie', phone = '514 555-0142'
              WHERE client_external_id = '{client}'"
        ))
        .await;
    let looked = DashboardBrowser::over(world, Setup::default()).await;
    for language in LANGUAGES {
        looked.speak(language).await;
        for (q, mark) in
            [("erables", "Érables"), ("514.555.0142", "514 555-0142"), ("tabledharmonie", "Tabledharmonie")]
        {
            looked.navigate("/app/search").await;
            looked
                .browser
                .run(&format!("document.querySelector('input[name=q]').value = '{q}'"))
                .await
                .unwrap();
            looked.browser.follow(".search button").await.unwrap();
            assert!(
                looked.texts("mark").await.iter().any(|one| one == mark),
                "{q}: {:?}",
                looked.texts("mark").await
            );
        }
        looked.navigate(&format!("/app/search?q={client}")).await;
        assert!(looked.browser.address().await.unwrap().ends_with(&format!("/app/records/clients/{client}")));
        assert_eq!(looked.text("h1").await, "Salle des Érables");
    }
    looked.end().await;
}
