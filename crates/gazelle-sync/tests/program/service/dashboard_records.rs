//! The dashboard's pages of records, cases, deletions and of what a run changed: what they say, and that whatever a
//! record holds stays in its place.

use gazelle_sim::RecordKind;
use serde_json::{Value, json};

use crate::support::World;
use crate::support::hostile_text::HOSTILE;
use crate::support::service::{OUR_SCRIPT, Serving, until};

const MARK: &str = "INSERT INTO sync_notes (key, value) VALUES ('shop', 'demo')";

/// The pages over a world, without runs of the service's own.
pub(super) async fn shown(world: &mut World) -> Serving {
    world.set("GAZELLE_SYNC_INCREMENTAL", "0 0 29 2 *");
    world.set("GAZELLE_SYNC_FULL", "0 0 29 2 *");
    world.execute(MARK).await;
    let serving = Serving::start(world, &[]).await;
    until("a page is shown", async || serving.get("/app/").await.0 == 200).await;
    serving
}

/// GET of a page.
async fn page(serving: &Serving, path: &str) -> String {
    let (status, body) = serving.get(path).await;
    assert_eq!(status, 200, "{path}: {body}");
    body
}

/// Where a request is led, without going there.
async fn redirect_target(serving: &Serving, path: &str) -> String {
    let builder = reqwest::Client::builder().no_proxy().redirect(reqwest::redirect::Policy::none());
    let answer = builder.build().unwrap().get(format!("{}{path}", serving.base)).send().await.unwrap();
    assert_eq!(answer.status(), 303, "{path}");
    answer.headers()["location"].to_str().unwrap().to_owned()
}

/// Stages an appointment that cannot be reconciled, by hand, and lets a run refuse it.
async fn faulty(world: &World, id: &str, raw: Value) -> String {
    let staged = world.stage("staging_appointments", id, &raw, None).await;
    let ran = world.run(&["reconcile"]).await;
    assert!([0, 3].contains(&ran.code), "{ran}");
    staged
}

#[tokio::test]
async fn a_record_tells_its_rows_its_versions_and_where_a_value_comes_from() {
    let mut world = World::new().await;
    world.full_sync_ok().await;
    let id = world.upcoming(0);
    world.control.move_event(&id, Some("2037-01-09T12:00:00Z")).unwrap();
    world.incremental().await.success();
    let serving = shown(&mut world).await;
    let path = format!("/app/records/appointments/{id}");

    let record = serving.document(&format!("{path}.json")).await;
    assert_eq!(record["external_id"], id.as_str());
    assert_eq!(record["versions_held"], 2, "{record}");
    assert_eq!(record["versions"][1]["state"], "in production");
    let changed: Vec<&str> = record["versions"][1]["changes"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| one["path"].as_str().unwrap())
        .collect();
    assert!(changed.contains(&"start"), "{changed:?}");
    assert_eq!(record["raw"]["number"], 2, "the version that production names");
    assert!(record["related"].as_array().unwrap().iter().any(|one| one["entity"] == "users"), "{record}");

    let explained = serving.document(&format!("{path}.json?explain=start_at")).await;
    let explained = &explained["explained"];
    assert_eq!(explained["filled_by"], "database");
    assert_eq!(explained["rests_on"][0]["looked_at"][0]["path"], "start");
    assert_eq!(explained["rests_on"][0]["agrees"], true);
    // The page says the same as the command.
    let told = world.run(&["explain", &id, "start_at"]).await.success();
    assert_eq!(&told["value"], &explained["value"]);
    assert_eq!(&told["rests_on"], &explained["rests_on"]);

    let compared = serving.document(&format!("{path}.json?compare=1&version=2")).await;
    assert_eq!(compared["compared"]["from"], 1);
    assert!(!compared["compared"]["changes"].as_array().unwrap().is_empty());
    let body = page(&serving, &format!("{path}?explain=start_at")).await;
    assert!(
        body.contains("id=\"explain\"") && body.contains("2037-01-09 07:00:00 EST, standard time"),
        "{body}"
    );
    let body = page(&serving, &format!("{path}?explain=nothing")).await;
    assert!(body.contains("There is no column nothing"), "{body}");
    // A version that is not there shows the one of production.
    assert!(page(&serving, &format!("{path}?version=99&compare=x")).await.contains("version 2 of 2"));
    assert_eq!(serving.stop().await.code, Some(0));
}

#[tokio::test]
async fn a_row_inside_a_record_leads_to_its_record_and_an_unknown_id_to_a_sentence() {
    let mut world = World::new().await;
    world.full_sync_ok().await;
    let contact = world.one_contact_each(1).remove(0);
    let holder: String = world
        .one("SELECT client_external_id FROM gazelle_contacts WHERE external_id = $1", &[&contact])
        .await;
    let serving = shown(&mut world).await;
    let address = redirect_target(&serving, &format!("/app/records/clients/{contact}")).await;
    assert_eq!(address, format!("/app/records/clients/{holder}#row-{contact}"));
    let body = page(&serving, &format!("/app/records/clients/{holder}")).await;
    assert!(body.contains(&format!("id=\"row-{contact}\"")), "{body}");
    let phone = format!("?explain=gazelle_contacts.last_name&amp;row={contact}#explain");
    let bare = phone.replace("&amp;", "&");
    assert!(body.contains(&bare) || body.contains(&phone.replace("&amp;", "&#38;")), "{body}");
    let explained = serving
        .document(&format!(
            "/app/records/clients/{holder}.json?explain=gazelle_contacts.last_name&row={contact}"
        ))
        .await;
    assert_eq!(explained["explained"]["row"], contact.as_str());

    for path in
        ["/app/records/clients/cli_nobody", "/app/records/dragons/x", "/app/quarantine/x", "/app/deletions/x"]
    {
        let (status, body) = serving.get(path).await;
        assert_eq!(status, 404, "{path}");
        assert!(body.contains("<h1>") && body.contains("class=\"button\""), "{path}: {body}");
        assert_eq!(serving.get(&format!("{path}.json")).await.0, 404);
    }
    assert!(
        serving
            .get("/app/records/clients/cli_nobody")
            .await
            .1
            .contains("No record with the id cli_nobody was ever received")
    );
    assert_eq!(serving.stop().await.code, Some(0));
}

#[tokio::test]
async fn a_case_tells_its_reason_marks_the_field_and_what_newer_versions_say() {
    let mut world = World::new().await;
    world.full_sync_ok().await;
    // Those that the made-up shop has.
    world.execute("UPDATE sync_quarantine SET state = 'dismissed', closed_at = now()").await;
    let id = world.upcoming(0);
    let raw = world.control.record(RecordKind::Event, &id).unwrap();
    let mut broken = raw.clone();
    broken["start"] = json!("half past nine");
    let staged = faulty(&world, &id, broken).await;
    let serving = shown(&mut world).await;

    let list = serving.document("/app/quarantine.json").await;
    assert_eq!(list["cases"][0]["staging_id"], staged.as_str(), "{list}");
    assert_eq!(list["groups"][0]["error_code"], "invalid_field");
    let body = page(&serving, "/app/quarantine").await;
    assert!(
        body.contains("The value of start cannot be read")
            && body.contains(&format!("/app/quarantine/{staged}#field"))
    );
    assert!(body.contains("<span class=\"count\">1</span>"), "the navigation counts it: {body}");

    let case = serving.document(&format!("/app/quarantine/{staged}.json")).await;
    assert_eq!(case["offending"], "half past nine");
    assert_eq!(case["raw"]["is_found"], true);
    let marked =
        case["raw"]["lines"].as_array().unwrap().iter().find(|line| line["is_marked"] == true).unwrap();
    assert_eq!(marked["text"], "  \"start\": \"half past nine\",");
    assert_eq!(case["rows"][0]["table"], "gazelle_appointments", "the row of the good version stands beside");
    let body = page(&serving, &format!("/app/quarantine/{staged}")).await;
    assert!(body.contains("<mark id=\"field\">") && body.contains("class=\"fed\""), "{body}");
    assert!(body.contains("Correct start in Gazelle: the next sync closes the case."), "{body}");
    assert_eq!(serving.stop().await.code, Some(0));

    // A newer version closes it, and the page of the case says what that one holds.
    let mut newer = raw;
    newer["start"] = json!("2037-01-09T12:00:00Z");
    world.stage("staging_appointments", &id, &newer, None).await;
    world.run(&["reconcile"]).await.success();
    let serving = Serving::start(&world, &[]).await;
    until("a page is shown", async || serving.get("/app/").await.0 == 200).await;
    let case = serving.document(&format!("/app/quarantine/{staged}.json")).await;
    assert_eq!(
        (&case["state"], &case["newer"][0]["value"]),
        (&json!("superseded"), &json!("2037-01-09T12:00:00Z"))
    );
    let body = page(&serving, "/app/quarantine").await;
    assert!(body.contains("Nothing is in quarantine. 4 cases were closed, 1 by itself."), "{body}");
    assert!(page(&serving, "/app/quarantine?state=closed").await.contains("Closed: a newer version came"));
    assert_eq!(serving.stop().await.code, Some(0));
}

#[tokio::test]
async fn the_quarantine_is_read_page_by_page_without_missing_or_repeating_one() {
    let mut world = World::new().await;
    world.full_sync_ok().await;
    world.execute("DELETE FROM sync_quarantine").await;
    // Many that were noted at the same instant, which the ids alone tell apart.
    world
        .execute(
            "INSERT INTO sync_quarantine (staging_id, entity, external_id, error_code, error_field, state, attempts, first_seen_at, last_seen_at)
             SELECT gen_random_uuid(), CASE WHEN g % 3 = 0 THEN 'clients' ELSE 'appointments' END, 'rec,' || (g % 7),
                    CASE WHEN g % 5 = 0 THEN 'unreadable' ELSE 'missing_field' END, 'start', 'open', 1,
                    timestamptz '2026-01-01', timestamptz '2026-01-01' + (g / 40) * interval '1 h'
               FROM generate_series(1, 170) g",
        )
        .await;
    let serving = shown(&mut world).await;
    for (filter, all) in [("", 170), ("code=unreadable&", 34), ("entity=clients&", 56)] {
        let (mut seen, mut before) = (Vec::new(), String::new());
        loop {
            let page = serving.document(&format!("/app/quarantine.json?{filter}before={before}")).await;
            let cases = page["cases"].as_array().unwrap();
            assert!(cases.len() <= 50);
            seen.extend(cases.iter().map(|case| case["staging_id"].as_str().unwrap().to_owned()));
            match page["next"].as_str() {
                Some(next) => before = next.replace('+', "%2B"),
                None => break,
            }
        }
        assert_eq!(seen.len(), all, "{filter}");
        seen.sort_unstable();
        seen.dedup();
        assert_eq!(seen.len(), all, "{filter}: none twice");
    }
    let body = page(&serving, "/app/quarantine?code=not_text").await;
    assert!(body.contains("No case matches this filter."), "{body}");
    assert_eq!(serving.stop().await.code, Some(0));
}

#[tokio::test]
async fn a_run_tells_what_it_changed_by_field() {
    let mut world = World::new().await;
    world.full_sync_ok().await;
    let (moved, gone) = (world.upcoming(0), world.upcoming(1));
    world.control.move_event(&moved, Some("2037-01-09T12:00:00Z")).unwrap();
    world.control.delete(RecordKind::Event, &gone).unwrap();
    let report = world.incremental().await.success();
    let run = report["run_id"].as_str().unwrap().to_owned();
    let idle = world.incremental().await.success()["run_id"].as_str().unwrap().to_owned();
    let serving = shown(&mut world).await;
    let changes = serving.document(&format!("/app/runs/{run}.json")).await["changes"].clone();
    let counted = json!([{ "entity": "appointments", "new": 0, "changed": 1, "gone": 1, "in_quarantine": 0, "is_cut": false }]);
    assert_eq!(changes["counts"], counted);
    let one = |id: &str| {
        let records = changes["records"].as_array().unwrap();
        records.iter().find(|one| one["external_id"] == id).unwrap_or_else(|| panic!("{changes}")).clone()
    };
    assert_eq!(one(&gone)["kind"], "gone");
    let start =
        one(&moved)["changes"].as_array().unwrap().iter().find(|change| change["path"] == "start").cloned();
    assert_eq!(start.unwrap()["after"], "2037-01-09T12:00:00Z");
    let body = page(&serving, &format!("/app/runs/{run}")).await;
    assert!(body.contains(&format!("/app/records/appointments/{moved}")), "{body}");
    assert!(body.contains("<ins><time datetime=\"2037-01-09T12:00:00Z\">2037-01-09 07:00</time>"), "{body}");
    assert!(
        page(&serving, &format!("/app/runs/{idle}"))
            .await
            .contains("It brought no new version of any record.")
    );
    assert_eq!(serving.stop().await.code, Some(0));
}

#[tokio::test]
async fn deletions_that_wait_are_shown_with_their_evidence() {
    let mut world = World::new().await;
    world.set("GAZELLE_SYNC_DELETE_GUARD_RECORDS", "2");
    world.set("GAZELLE_SYNC_DELETE_GUARD_PERCENT", "50");
    world.full_sync_ok().await;
    let gone: Vec<String> = (0..3).map(|n| world.upcoming(n)).collect();
    for event in &gone {
        world.control.delete(RecordKind::Event, event).unwrap();
    }
    let run = world.incremental().await.json()["run_id"].as_str().unwrap().to_owned();
    let serving = shown(&mut world).await;
    let body = page(&serving, "/app/deletions").await;
    assert!(body.contains("Appointments: 3") && body.contains("The guard allows 2 at most."), "{body}");
    let body = page(&serving, &format!("/app/deletions/{run}")).await;
    assert!(
        body.contains("AppointmentById answered at") && body.contains("that it does not exist"),
        "{body}"
    );
    assert!(body.contains(&format!("gazelle-sync deletions approve {run}")), "{body}");
    let document = serving.document(&format!("/app/deletions/{run}.json")).await;
    let mut ids: Vec<&str> = document["records"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| one["external_id"].as_str().unwrap())
        .collect();
    ids.sort_unstable();
    let mut expected: Vec<&str> = gone.iter().map(String::as_str).collect();
    expected.sort_unstable();
    assert_eq!(ids, expected);
    assert!(document["records"][0]["last_version_at"].is_string());
    // A record that no run has changed since is seen by each of them: the date is that of its version.
    assert!(body.contains("Last new version: ") && !body.contains("Last seen"), "{body}");
    assert_eq!(serving.stop().await.code, Some(0));
    world.run(&["deletions", "dismiss", &run]).await.success();
    let serving = Serving::start(&world, &[]).await;
    until("a page is shown", async || serving.get("/app/").await.0 == 200).await;
    assert!(page(&serving, "/app/deletions").await.contains("No deletion awaits a decision."));
    assert!(page(&serving, &format!("/app/deletions/{run}")).await.contains("kept by a person"));
    assert_eq!(serving.stop().await.code, Some(0));
}

#[tokio::test]
async fn whatever_a_record_holds_it_stays_in_its_place_and_no_page_is_as_large_as_it() {
    let mut world = World::new().await;
    world.full_sync_ok().await;
    let hostile = format!("</td><script>alert(1)</script>\" onclick=\"x {HOSTILE}");
    let client = world.control.ids(RecordKind::Client)[0].clone();
    let large = "é".repeat(2_000_000);
    world
        .stage(
            "staging_clients",
            &client,
            &json!({ "id": client, "companyName": hostile, "personalNotes": large,
            "tags": vec!["x"; 5_000], "\"><img src=x>": { "deep": [[[[hostile]]]] }, "n": 3 }),
            None,
        )
        .await;
    world.execute(&format!(
        "INSERT INTO staging_pianos (external_id, raw_data) VALUES ('pia \"><b>/?#', '{{\"id\": \"pia\", \"n\": 1970670598291982300123, \"type\": [\"{}\"]}}')",
        "y".repeat(100_000)
    ))
    .await;
    faulty(&world, "evt_</script>", json!({ "id": "evt_</script>", "start": hostile, "title": hostile }))
        .await;
    let run: String =
        world.text("SELECT run_id::text FROM sync_runs ORDER BY started_at DESC LIMIT 1").await.unwrap();
    let serving = shown(&mut world).await;
    let staged =
        serving.document("/app/quarantine.json").await["cases"][0]["staging_id"].as_str().unwrap().to_owned();
    let piano = "pia%20%22%3E%3Cb%3E%2F%3F%23";
    for path in [
        format!("/app/records/clients/{client}"),
        format!("/app/records/clients/{client}?explain=company_name"),
        format!("/app/records/clients/{client}?explain=personal_notes"),
        format!("/app/records/pianos/{piano}"),
        "/app/records/appointments/evt_%3C%2Fscript%3E".to_owned(),
        "/app/quarantine".to_owned(),
        format!("/app/quarantine/{staged}"),
        format!("/app/runs/{run}"),
        "/app/search?q=onclick".to_owned(),
        "/app/search?q=%3Cscript%3E".to_owned(),
    ] {
        let body = page(&serving, &path).await;
        assert!(body.len() < 400_000, "{path}: {} bytes", body.len());
        let body = body.replacen(OUR_SCRIPT, "", 1);
        for wrong in ["<script", "<img", "<b>", " onclick=\"x", "\u{202e}", "\u{1b}"] {
            assert!(!body.contains(wrong), "{path} holds {wrong:?}");
        }
        let document = path
            .split_once('?')
            .map_or(format!("{path}.json"), |(path, query)| format!("{path}.json?{query}"));
        let (status, body) = serving.get(&document).await;
        assert!(status == 200 && body.len() < 600_000, "{document}: {status}, {} bytes", body.len());
    }
    let body = page(&serving, &format!("/app/records/pianos/{piano}")).await;
    assert!(body.contains("1970670598291982300123"), "digit for digit");
    let answer = reqwest::Client::builder()
        .no_proxy()
        .build()
        .unwrap()
        .get(format!("{}/app/records/clients/{client}", serving.base))
        .send()
        .await
        .unwrap();
    assert_eq!(answer.headers()["cache-control"], "no-store");
    assert_eq!(serving.stop().await.code, Some(0));
}
