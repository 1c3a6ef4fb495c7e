//! Actions of the dashboard: what people ask for is a row, the service does it under its lease, and its page tells what became
//! of it.

use serde_json::{Value, json};

use crate::support::desk::{OPERATOR, OperatorSession, ended, submit_form};
use crate::support::service::runs;
use crate::support::{World, assert_same};
use gazelle_sim::RecordKind;

/// Somebody else holds the lease for an hour, as a run on another machine does.
const HELD: &str = "INSERT INTO sync_lease (name, holder, token, expires_at)
     VALUES ('sync', 'another machine', 900, now() + interval '1 hour')
     ON CONFLICT (name) DO UPDATE SET holder = 'another machine', token = 900, expires_at = EXCLUDED.expires_at";
const GIVEN_BACK: &str = "UPDATE sync_lease SET expires_at = 'epoch'";

#[tokio::test]
async fn a_sync_that_is_asked_for_twice_runs_once_and_its_page_tells_who_asked() {
    let mut world = World::new().await;
    world.full_sync_ok().await;
    world.set("GAZELLE_SYNC_LOG", "warn,gazelle_sync=trace");
    let desk = OperatorSession::for_world(world).await;
    let office = desk.sign_in_office().await;
    desk.world.execute(HELD).await;
    let id = submit_form(&office, "/app/actions/sync", &[]).await;
    assert_eq!(
        submit_form(&office, "/app/actions/sync", &[("mode", "incremental")]).await,
        id,
        "pressed twice"
    );
    assert_eq!(desk.submit("/app/actions/sync", &[]).await, id, "and by another person");
    let page = desk.page(&id).await;
    assert!(page.contains("Waiting") && page.contains("Bureau Exemple"), "{page}");
    desk.world.execute(GIVEN_BACK).await;
    let action = ended(&office, &id).await;
    assert_eq!((&action["outcome"], &action["name"]), (&json!("done"), &json!("Bureau Exemple")), "{action}");
    assert_eq!(runs(&desk.world, "trigger = 'request'").await, 1);
    let run = action["run_id"].as_str().unwrap();
    let page = desk.page(&id).await;
    assert!(page.contains(&format!("/app/runs/{run}")) && page.contains("Done"), "{page}");
    // The list is the record of it.
    let list = office.get("/app/actions").await.body;
    assert!(list.contains(&id) && list.contains("Bureau Exemple"), "{list}");
    // And in French.
    let french = office.http.get(format!("{}/app/actions/{id}", office.base));
    let french = office.send(french.header("accept-language", "fr-CA")).await.body;
    assert!(french.contains("Faite") && french.contains("Synchronisation"), "{french}");
    // What the office may not is not offered and refused.
    assert!(!office.get("/app/").await.body.contains("/app/actions/verify"));
    assert_eq!(office.post("/app/actions/verify", &[]).await.status, 403);
    // The log names the person by id alone.
    let log = desk.serving.log();
    assert!(log.contains(&id) && !log.contains("Bureau"), "{log}");
    desk.end().await;
}

#[tokio::test]
async fn a_list_of_many_actions_has_pages() {
    let desk = OperatorSession::with_full_sync().await;
    desk.world
        .execute(
            "INSERT INTO sync_actions (id, kind, arguments, digest, asked_at, outcome, ended_at)
             SELECT ('01930000-0000-7000-8000-' || lpad(n::text, 12, '0'))::uuid, 'verify', '{}', n::text::bytea, now(),
                    'done', now() FROM generate_series(1, 120) n",
        )
        .await;
    let (mut path, mut seen) = ("/app/actions.json".to_owned(), Vec::new());
    for _ in 0..3 {
        let said = desk.operator.get(&path).await;
        let document: Value = serde_json::from_str(&said.body).unwrap();
        let actions = document["actions"].as_array().unwrap();
        seen.extend(actions.iter().map(|action| action["id"].as_str().unwrap().to_owned()));
        path = format!("/app/actions.json?before={}", document["next"].as_str().unwrap_or_default());
    }
    assert_eq!(seen.len(), 120);
    assert!(seen.is_sorted_by(|newer, older| newer > older), "newest first, none twice");
    assert!(desk.operator.get("/app/actions?before=nothing").await.body.contains("Older actions"));
    desk.end().await;
}

/// A shop with an appointment in quarantine whose start cannot be read. Returns also its version.
async fn with_a_case() -> (World, String, String) {
    let world = World::new().await;
    world.full_sync_ok().await;
    let id = world.upcoming(3);
    let mut raw = world.control.record(RecordKind::Event, &id).unwrap();
    raw["start"] = json!("half past nine");
    let version = world.stage("staging_appointments", &id, &raw, None).await;
    world.run(&["reconcile"]).await;
    (world, id, version)
}

#[tokio::test]
async fn a_case_is_tried_again_alone_or_with_all_of_its_reason() {
    let (world, id, version) = with_a_case().await;
    let desk = OperatorSession::for_world(world).await;
    let office = desk.sign_in_office().await;
    let page = office.get(&format!("/app/quarantine/{version}")).await.body;
    assert!(page.contains("/app/actions/retry") && page.contains("/app/actions/dismiss"), "{page}");
    // The page of the record offers it too, by the record's id.
    let page = office.get(&format!("/app/records/appointments/{id}")).await.body;
    assert!(
        page.contains("/app/actions/retry") && page.contains(&format!("name=\"id\" value=\"{id}\"")),
        "{page}"
    );
    // It stays as faulty as it is.
    let form = [("entity", "appointments"), ("id", version.as_str())];
    let again = ended(&office, &submit_form(&office, "/app/actions/retry", &form).await).await;
    assert_eq!((&again["outcome"], &again["report"]["retried"]), (&json!("done"), &json!(1)), "{again}");
    let of_case =
        |column: &str| format!("SELECT {column}::text FROM sync_quarantine WHERE staging_id = '{version}'");
    assert_eq!(desk.world.text(&of_case("attempts")).await, Some("2".to_owned()));
    // Fixed in staging, the whole reason is tried again.
    desk.world
        .execute(&format!(
            "UPDATE staging_appointments SET raw_data = jsonb_set(raw_data, '{{start}}', '\"2037-01-09T12:00:00Z\"')
              WHERE id = '{version}'"
        ))
        .await;
    let code = desk.world.text(&of_case("error_code")).await.unwrap();
    let all = [("entity", "appointments"), ("code", code.as_str())];
    let again = ended(&office, &submit_form(&office, "/app/actions/retry", &all).await).await;
    assert_eq!(again["outcome"], "done", "{again}");
    assert_eq!(desk.world.text(&of_case("state")).await, Some("released".to_owned()));
    let at = format!("SELECT start_at::text FROM gazelle_appointments WHERE external_id = '{id}'");
    assert!(desk.world.text(&at).await.unwrap().starts_with("2037-01-09"));
    // Nothing is left to try: it is not offered, and who asks all the same is told so; no run is recorded.
    let page = office.get(&format!("/app/records/appointments/{id}")).await.body;
    assert!(!page.contains("/app/actions/retry"), "{page}");
    let before = runs(&desk.world, "true").await;
    let again = ended(&office, &submit_form(&office, "/app/actions/retry", &form).await).await;
    assert_eq!(again["outcome"], "refused", "{again}");
    assert_eq!(runs(&desk.world, "true").await, before);
    desk.end().await;
}

#[tokio::test]
async fn a_dismissal_needs_a_reason_and_keeps_it_and_who_gave_it() {
    let (mut world, _, version) = with_a_case().await;
    world.set("GAZELLE_SYNC_LOG", "warn,gazelle_sync=trace");
    let desk = OperatorSession::for_world(world).await;
    let office = desk.sign_in_office().await;
    let form = |reason| [("entity", "appointments"), ("id", version.as_str()), ("reason", reason)];
    for none in ["", "  ", "a\u{202e}b"] {
        let said = office.post("/app/actions/dismiss", &form(none)).await;
        assert!(said.status == 422 && said.body.contains("A reason is needed"), "{none:?}: {said:?}");
        assert!(said.body.contains("class=\"count\""), "what waits is counted on this page too: {said:?}");
    }
    assert_eq!(office.post("/app/actions/dismiss", &[("reason", "x")]).await.status, 400);
    assert_eq!(desk.world.count("sync_actions").await, 0);
    let reason = "a <b>test</b> of ours, and 'quoted'";
    let done = ended(&office, &submit_form(&office, "/app/actions/dismiss", &form(reason)).await).await;
    assert_eq!(done["outcome"], "done", "{done}");
    let stored = format!("SELECT state, closed_reason FROM sync_quarantine WHERE staging_id = '{version}'");
    let stored = desk.world.rows(&stored).await;
    assert_eq!(stored, [json!({ "state": "dismissed", "closed_reason": reason })]);
    let page = office.get(&format!("/app/quarantine/{version}")).await.body;
    assert!(page.contains("a &#60;b&#62;test") || page.contains("a &lt;b&gt;test"), "{page}");
    assert_eq!(done["name"], "Bureau Exemple");
    // The way back.
    let page = office.get(&format!("/app/actions/{}", done["id"].as_str().unwrap())).await.body;
    assert!(page.contains("How to reverse this") && page.contains("/app/actions/retry"), "{page}");
    let again = &form("")[..2];
    let again = ended(&office, &submit_form(&office, "/app/actions/retry", again).await).await;
    assert_eq!(again["report"]["retried"], 1, "{again}");
    assert!(!desk.serving.log().contains("quoted"), "a reason is not logged");
    desk.end().await;
}

/// A shop with deletions that wait, and their run.
async fn with_deletions(many: usize) -> (World, Vec<String>, String) {
    let mut world = World::new().await;
    world.set("GAZELLE_SYNC_DELETE_GUARD_RECORDS", "1");
    world.full_sync_ok().await;
    let gone: Vec<String> = (0..many).map(|n| world.upcoming(n * 2)).collect();
    for event in &gone {
        world.control.delete(RecordKind::Event, event).unwrap();
    }
    let run = world.incremental().await.json()["run_id"].as_str().unwrap().to_owned();
    (world, gone, run)
}

#[tokio::test]
async fn deletions_are_confirmed_by_their_number_decided_but_for_some_and_taken_back() {
    let (world, gone, run) = with_deletions(5).await;
    let before = world.content().await;
    let desk = OperatorSession::for_world(world).await;
    let page = desk.operator.get(&format!("/app/deletions/{run}")).await.body;
    assert!(
        page.contains(&format!("/app/deletions/{run}/confirm")) && page.contains("name=\"except\""),
        "{page}"
    );
    // The page before names the number, and does nothing.
    let confirm = format!("/app/deletions/{run}/confirm");
    let form = [("entity", "appointments"), ("word", "delete"), ("except", gone[4].as_str())];
    let said = desk.operator.post(&confirm, &form).await;
    assert_eq!(said.status, 200, "{said:?}");
    assert!(
        said.body.contains("<button class=\"danger\">Delete 4 records: Appointments</button>"),
        "{said:?}"
    );
    assert_eq!(desk.world.count("sync_actions").await, 0);
    // More than were shown are never decided.
    let decide = |word, shown, except| {
        [
            ("run", run.as_str()),
            ("entity", "appointments"),
            ("word", word),
            ("shown", shown),
            ("except", except),
        ]
    };
    let refused = desk.submit_and_wait("/app/actions/decide", &decide("delete", "3", gone[4].as_str())).await;
    assert_eq!(refused["outcome"], "refused", "{refused}");
    assert_eq!(desk.world.count("sync_deletions WHERE state = 'withheld'").await, 5);
    let done = desk.submit_and_wait("/app/actions/decide", &decide("delete", "4", gone[4].as_str())).await;
    assert_eq!((&done["outcome"], &done["report"]["decided"]), (&json!("done"), &json!(4)), "{done}");
    assert_eq!(desk.world.count("gazelle_appointments WHERE deleted_at IS NOT NULL").await, 4);
    assert_eq!(desk.world.count("sync_deletions WHERE state = 'withheld'").await, 1);
    let page = desk.page(done["id"].as_str().unwrap()).await;
    assert!(page.contains("4 marked deleted") && page.contains(OPERATOR), "{page}");
    // The way back: a dry run, its numbers, and production is as before.
    let own = done["run_id"].as_str().unwrap();
    assert!(page.contains("/app/actions/undo") && page.contains(&format!("value=\"{own}\"")), "{page}");
    let shown = desk.submit_and_wait("/app/actions/undo", &[("run", own)]).await;
    let taken_back =
        desk.submit_and_wait(&format!("/app/actions/{}/apply", shown["id"].as_str().unwrap()), &[]).await;
    assert_eq!(taken_back["outcome"], "done", "{taken_back}");
    assert_same(&before, &desk.world.content().await, "taken back");
    // The last one is kept.
    let kept = desk.submit_and_wait("/app/actions/decide", &decide("keep", "1", "")[..4]).await;
    assert_eq!((&kept["outcome"], &kept["report"]["decided"]), (&json!("done"), &json!(1)), "{kept}");
    let none = desk.operator.post(&confirm, &form[..2]).await;
    assert!(none.status == 404 && none.body.contains("Nothing is left to decide"), "{none:?}");
    desk.end().await;
}

#[tokio::test]
async fn a_verification_keeps_its_verdict_for_overview() {
    let desk = OperatorSession::with_full_sync().await;
    let page = desk.operator.get("/app/").await.body;
    assert!(page.contains("never compared with Gazelle") && page.contains("/app/actions/verify"), "{page}");
    let done = desk.submit_and_wait("/app/actions/verify", &[]).await;
    assert_eq!((&done["outcome"], &done["report"]["status"]), (&json!("done"), &json!("equal")), "{done}");
    let page = desk.operator.get("/app/").await.body;
    assert!(page.contains("Right as of") && page.contains("0 differences"), "{page}");
    // A row that is not what Gazelle said is told first, with the way to the report.
    desk.world
        .execute("UPDATE gazelle_clients SET company_name = 'Wrong' WHERE external_id = (SELECT min(external_id) FROM gazelle_clients)")
        .await;
    let done = desk.submit_and_wait("/app/actions/verify", &[]).await;
    assert_eq!(done["report"]["status"], "different", "{done}");
    let id = done["id"].as_str().unwrap();
    let page = desk.operator.get("/app/").await.body;
    assert!(page.contains("Not right") && page.contains(&format!("href=\"/app/actions/{id}\"")), "{page}");
    let page = desk.page(id).await;
    assert!(page.contains("company_name") && page.contains("Wrong"), "{page}");
    desk.end().await;
}
