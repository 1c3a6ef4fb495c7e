//! Who is shown the dashboard, and what its documents say.

use gazelle_sim::RecordKind;
use reqwest::header::HeaderMap;
use serde_json::json;

use crate::support::World;
use crate::support::service::{Serving, client, until};

const MARK: &str = "INSERT INTO sync_notes (key, value) VALUES ('shop', 'demo')";

/// GET with headers; the status and the body.
async fn get(serving: &Serving, path: &str, pairs: &[(&'static str, &str)]) -> (u16, String) {
    let headers: HeaderMap =
        pairs.iter().map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap())).collect();
    let answer = client().get(format!("{}{path}", serving.base)).headers(headers).send().await.unwrap();
    (answer.status().as_u16(), answer.text().await.unwrap())
}

async fn opened(serving: &Serving) {
    until("the database is open", async || serving.get("/readyz").await.0 == 200).await;
}

#[tokio::test]
async fn the_demonstrations_database_is_shown_to_this_machine_alone() {
    let mut world = World::new().await;
    world.set("GAZELLE_SYNC_HTTP_TOKEN", "correct-horse-battery");
    world.full_sync_ok().await;
    world.execute(MARK).await;
    let serving = Serving::start(&world, &[]).await;
    until("a page is shown", async || serving.get("/app/").await.0 == 200).await;
    let host = serving.base.trim_start_matches("http://").to_owned();
    for (pairs, status) in [
        (vec![], 200),
        (vec![("sec-fetch-site", "cross-site"), ("sec-fetch-mode", "navigate")], 200),
        (vec![("sec-fetch-site", "cross-site"), ("sec-fetch-mode", "no-cors")], 403),
        (vec![("host", "rebound.example.org")], 403),
        (vec![("x-forwarded-for", "192.0.2.7")], 403),
        (vec![("forwarded", "for=192.0.2.7")], 403),
    ] {
        let (answered, body) = get(&serving, "/app/today", &pairs).await;
        assert_eq!(answered, status, "{pairs:?}: {body}");
    }
    // The token protects the other routes as before.
    assert_eq!(serving.get("/runs").await.0, 401);
    // Nothing but the language is written, and that from our own page alone.
    for (origin, status) in [(format!("http://{host}"), 303), ("https://example.org".to_owned(), 403)] {
        let form = [("language", "fr"), ("back", "/app/runs")];
        let no_redirects = reqwest::Client::builder().no_proxy().redirect(reqwest::redirect::Policy::none());
        let request = no_redirects.build().unwrap().post(format!("{}/app/language", serving.base));
        let answer = request.header("origin", &origin).form(&form).send().await.unwrap();
        assert_eq!(answer.status().as_u16(), status, "{origin}");
        let cookie = answer.headers().get("set-cookie").map(|cookie| cookie.to_str().unwrap().to_owned());
        assert_eq!(cookie.is_some_and(|cookie| cookie.starts_with("gazelle_language=fr;")), status == 303);
    }
    assert_eq!(
        client()
            .post(format!("{}/app/today", serving.base))
            .header("origin", format!("http://{host}"))
            .send()
            .await
            .unwrap()
            .status(),
        405
    );
    assert_eq!(serving.stop().await.code, Some(0));
}

#[tokio::test]
async fn a_document_holds_what_its_page_shows() {
    let world = World::new().await;
    let full = world.full_sync_ok().await;
    world.execute(MARK).await;
    let serving = Serving::start(&world, &[]).await;
    until("a page is shown", async || serving.get("/app/").await.0 == 200).await;
    let overview = serving.document("/app/overview.json").await;
    assert_eq!(overview["entities"].as_array().unwrap().len(), 4);
    let held = |entity: &str| {
        overview["entities"].as_array().unwrap().iter().find(|one| one["entity"] == entity).unwrap()["in_production"].clone()
    };
    assert_eq!(held("clients"), crate::support::entity(&full, "clients")["in_production"]);
    let runs = serving.document("/app/runs.json").await;
    let id = full["run_id"].as_str().unwrap();
    assert!(runs["runs"].as_array().unwrap().iter().any(|run| run["run_id"] == id), "{runs}");
    let run = serving.document(&format!("/app/runs/{id}.json")).await;
    assert_eq!(run["status"], "success");
    assert_eq!(run["fetched"], full["fetched"]);
    assert!(
        run["sent"].as_array().unwrap().iter().all(|sent| sent.get("variables").is_none()),
        "no variables"
    );
    let day: String =
        world.text("SELECT min(date_montreal)::text FROM v_appointments_montreal").await.unwrap();
    let today = serving.document(&format!("/app/today.json?day={day}")).await;
    assert!(!today["visits"].as_array().unwrap().is_empty(), "{today}");
    assert_eq!(serving.get(&format!("/app/runs/{id}")).await.0, 200);
    assert_eq!(serving.get("/app/runs/01930000-0000-7000-8000-000000000001").await.0, 404);
    assert_eq!(serving.get("/app/runs/nothing").await.0, 404);
    assert_eq!(serving.stop().await.code, Some(0));
}

#[tokio::test]
async fn a_list_of_runs_is_read_page_by_page_without_missing_or_repeating_one() {
    let mut world = World::new().await;
    // No run of the service's own in between.
    world.set("GAZELLE_SYNC_INCREMENTAL", "0 0 29 2 *");
    world.set("GAZELLE_SYNC_FULL", "0 0 29 2 *");
    world.full_sync_ok().await;
    world.execute(MARK).await;
    // Many that began at the same instant, which the id alone tells apart.
    world
        .execute(
            "INSERT INTO sync_runs (run_id, command, mode, trigger, status, started_at, finished_at, program)
             SELECT gen_random_uuid(), 'sync', 'incremental', 'schedule', CASE WHEN g % 10 = 0 THEN 'failed' ELSE 'success' END,
                    timestamptz '2026-01-01' + (g / 40) * interval '1 h', timestamptz '2026-01-01' + (g / 40) * interval '1 h 5 s', 'test'
               FROM generate_series(1, 220) g",
        )
        .await;
    let serving = Serving::start(&world, &[]).await;
    until("a page is shown", async || serving.get("/app/").await.0 == 200).await;
    for (filter, all) in [("", world.count("sync_runs").await), ("status=failed&", 22)] {
        let mut seen = Vec::new();
        let mut before = String::new();
        loop {
            let page = serving.document(&format!("/app/runs.json?{filter}before={before}")).await;
            let runs = page["runs"].as_array().unwrap();
            assert!(runs.len() <= 50);
            seen.extend(runs.iter().map(|run| run["run_id"].as_str().unwrap().to_owned()));
            match page["next"].as_str() {
                Some(next) => before = next.replace('+', "%2B"),
                None => break,
            }
        }
        assert_eq!(seen.len() as i64, all, "{filter}");
        seen.sort_unstable();
        seen.dedup();
        assert_eq!(seen.len() as i64, all, "{filter}: none twice");
    }
    assert_eq!(serving.stop().await.code, Some(0));
}

#[tokio::test]
async fn the_dashboard_can_be_switched_off() {
    let mut world = World::new().await;
    world.set("GAZELLE_SYNC_DASHBOARD", "off");
    world.full_sync_ok().await;
    world.execute(MARK).await;
    let serving = Serving::start(&world, &[]).await;
    opened(&serving).await;
    let (status, body) = serving.get("/app/").await;
    assert_eq!(status, 404);
    assert!(body.contains("there are /healthz"), "{body}");
    assert_eq!(serving.stop().await.code, Some(0));
}

#[tokio::test]
async fn the_mark_of_the_demonstration_opens_nothing_of_a_real_account() {
    let mut world = World::new().await;
    world.full_sync_ok().await;
    world.set("GAZELLE_SYNC_INCREMENTAL", "0 0 29 2 *");
    world.set("GAZELLE_SYNC_FULL", "0 0 29 2 *");
    // An address of nobody, as that of a real account is none of this machine.
    world.set("GAZELLE_API_URL", "https://192.0.2.7/graphql");
    let serving = Serving::start(&world, &[]).await;
    until("the database is open", async || serving.get("/app/").await.0 == 403).await;
    // Whoever writes the copy can add this row.
    world.execute(MARK).await;
    for page in ["/app/", "/app/overview.json", "/app/today", "/app/today.json", "/app/runs"] {
        let (status, body) = serving.get(page).await;
        assert!(status == 403 && body.contains("people invite"), "{page}: {status} {body}");
    }
    assert_eq!(serving.stop().await.code, Some(0));
}

#[tokio::test]
async fn whatever_is_asked_each_answer_keeps_to_itself() {
    let world = World::new().await;
    world.full_sync_ok().await;
    world.execute(MARK).await;
    let serving = Serving::start(&world, &[]).await;
    until("a page is shown", async || serving.get("/app/").await.0 == 200).await;
    for (path, status) in [
        ("/app/today?day=a&day=b", 400),
        ("/app/live?at=a&at=b", 400),
        ("/app/today?technician=%00", 400),
        ("/app/runs/%FF", 400),
        ("/app/nothing", 404),
        ("/app/today", 200),
    ] {
        let answer = client().get(format!("{}{path}", serving.base)).send().await.unwrap();
        let header = |name: &str| answer.headers().get(name).map(|value| value.to_str().unwrap().to_owned());
        assert_eq!(answer.status().as_u16(), status, "{path}");
        assert_eq!(header("x-content-type-options").as_deref(), Some("nosniff"), "{path}");
        assert_eq!(header("cache-control").as_deref(), Some("no-store"), "{path}");
        assert!(
            header("content-security-policy").is_some_and(|policy| policy.starts_with("default-src 'none'"))
        );
    }
    assert_eq!(serving.stop().await.code, Some(0));
}

#[tokio::test]
async fn an_appointment_of_many_weeks_is_on_each_of_its_days_and_on_no_other() {
    let mut world = World::new().await;
    world.set("GAZELLE_SYNC_INCREMENTAL", "0 0 29 2 *");
    world.set("GAZELLE_SYNC_FULL", "0 0 29 2 *");
    let day = 24 * 60;
    let event = |title: &str, start: &str, minutes: i64, is_all_day: bool| {
        let event = json!({
            "type": "MEMO", "status": "ACTIVE", "title": title, "duration": minutes, "start": start,
            "isAllDay": is_all_day, "user": { "id": world.control.ids(RecordKind::User)[0] },
            "createdAt": "2026-01-05T12:00:00Z",
        });
        world.control.add(RecordKind::Event, event).unwrap();
    };
    // Six weeks whose dates are those of UTC; the same by the clock of Montréal, over the change of the clocks; a year; and what ends
    // long before.
    event("six semaines", "2037-06-01T00:00:00Z", 42 * day, true);
    event("quarante jours", "2037-10-01T14:00:00Z", 40 * day, false);
    event("une année", "2037-01-01T05:00:00Z", 365 * day, true);
    event("terminé", "2037-06-01T14:00:00Z", 60, false);
    world.full_sync_ok().await;
    world.execute(MARK).await;
    let serving = Serving::start(&world, &[]).await;
    until("a page is shown", async || serving.get("/app/").await.0 == 200).await;
    for (day, expected) in [
        ("2037-01-01", vec!["une année"]),
        ("2037-05-31", vec!["une année"]),
        ("2037-06-01", vec!["six semaines", "terminé", "une année"]),
        ("2037-07-03", vec!["six semaines", "une année"]),
        ("2037-07-12", vec!["six semaines", "une année"]),
        ("2037-07-13", vec!["une année"]),
        ("2037-11-10", vec!["quarante jours", "une année"]),
        ("2037-11-11", vec!["une année"]),
        ("2037-12-31", vec!["une année"]),
        ("2038-01-01", vec![]),
    ] {
        let today = serving.document(&format!("/app/today.json?day={day}")).await;
        let visits = today["visits"].as_array().unwrap();
        let mut titles: Vec<&str> = visits.iter().map(|visit| visit["title"].as_str().unwrap()).collect();
        titles.sort_unstable();
        assert_eq!(titles, expected, "{day}");
    }
    assert_eq!(serving.stop().await.code, Some(0));
}
