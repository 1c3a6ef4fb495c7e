//! Undo and replay in the dashboard: a dry run, its numbers, the apply that changes no more, and the way back; also where the
//! service is killed in between.

use gazelle_sim::RecordKind;
use serde_json::{Value, json};

use crate::support::desk::{OperatorSession, ended, submit_form};
use crate::support::service::until;
use crate::support::{Tables, World, assert_same};

/// A shop before and after a run that moved and deleted appointments, and the run.
async fn after_a_run() -> (World, Tables, Tables, String) {
    let world = World::new().await;
    world.full_sync_ok().await;
    let before = world.content().await;
    for n in 0..3 {
        world.control.move_event(&world.upcoming(n), Some("2037-01-09T12:00:00Z")).unwrap();
    }
    world.control.delete(RecordKind::Event, &world.upcoming(5)).unwrap();
    let run = world.incremental().await.success()["run_id"].as_str().unwrap().to_owned();
    let after = world.content().await;
    (world, before, after, run)
}

fn id(action: &Value) -> &str {
    action["id"].as_str().unwrap()
}

fn apply(action: &Value) -> String {
    format!("/app/actions/{}/apply", id(action))
}

#[tokio::test]
async fn a_large_dry_run_shows_twenty_rows_of_each_table_and_lists_the_keys() {
    let world = World::new().await;
    let run = world.full_sync_ok().await["run_id"].as_str().unwrap().to_owned();
    let desk = OperatorSession::for_world(world).await;
    let shown = desk.submit_and_wait("/app/actions/undo", &[("run", &run)]).await;
    let tables = shown["report"]["tables"].as_array().unwrap();
    let appointments = tables.iter().find(|table| table["table"] == "gazelle_appointments").unwrap();
    let gone = appointments["surplus"].as_u64().unwrap();
    let keys = appointments["keys"].as_array().unwrap();
    assert!(gone > 20 && keys.len() as u64 == gone.min(1000), "{appointments}");
    assert_eq!(appointments["samples"].as_array().unwrap().len(), 20);
    let page = desk.page(id(&shown)).await;
    let part = page.split("<h3 class=\"code\">gazelle_appointments</h3>").nth(1).expect(&page);
    let part = part.split("<h3").next().unwrap();
    let (rows, listed) = part.split_once("<details><summary>").expect(part);
    assert_eq!(rows.matches("Removed</span>").count(), 20, "{part}");
    let named = |key: &Value| listed.contains(&format!("</span> {}</li>", key["key"].as_str().unwrap()));
    assert!(keys.iter().all(named), "{listed}");
    // The command counts the same, and prints five of each kind and no keys.
    let printed = desk.world.run(&["undo", &run, "--dry-run"]).await.success();
    let of_command = printed["tables"].as_array().unwrap();
    let of_command = of_command.iter().find(|table| table["table"] == "gazelle_appointments").unwrap();
    assert_eq!((&of_command["surplus"], &of_command["keys"]), (&appointments["surplus"], &Value::Null));
    assert_eq!(of_command["samples"].as_array().unwrap().len(), 5);
    desk.end().await;
}

#[tokio::test]
async fn a_run_is_undone_after_its_numbers_were_seen_and_lifted_again() {
    let (world, before, after, run) = after_a_run().await;
    let desk = OperatorSession::for_world(world).await;
    let page = desk.operator.get(&format!("/app/runs/{run}")).await.body;
    assert!(page.contains("/app/actions/undo") && page.contains("/app/actions/replay"), "{page}");
    let shown = desk.submit_and_wait("/app/actions/undo", &[("run", &run)]).await;
    assert_eq!((&shown["outcome"], &shown["report"]["dry_run"]), (&json!("done"), &json!(true)), "{shown}");
    assert_same(&after, &desk.world.content().await, "a dry run changes nothing");
    let page = desk.page(id(&shown)).await;
    assert!(page.contains("Apply: ") && page.contains("gazelle_appointments"), "{page}");
    // Only who saw the numbers applies them.
    let other = desk.sign_in_office().await;
    assert_eq!(other.post(&apply(&shown), &[]).await.status, 403);
    let colleague = crate::support::people::signed_in(
        &desk.world,
        &desk.serving,
        "Collègue Exemple",
        &["--role", "operator"],
    )
    .await;
    let said = colleague.post(&apply(&shown), &[]).await;
    assert!(said.status == 403 && said.body.contains("Somebody else asked"), "{said:?}");
    let undone = desk.submit_and_wait(&apply(&shown), &[]).await;
    assert_eq!((&undone["outcome"], &undone["based_on"]), (&json!("done"), &shown["id"]), "{undone}");
    assert_same(&before, &desk.world.content().await, "undone");
    // Applied twice is not done twice.
    let again = desk.submit_and_wait(&apply(&shown), &[]).await;
    assert_eq!(again["outcome"], "failed", "{again}");
    assert!(again["reason"].as_str().unwrap().contains("undone already"), "{again}");
    assert!(desk.page(id(&again)).await.contains("Nothing was changed."));
    assert_same(&before, &desk.world.content().await, "still undone");
    // The way back stands on the page of the result.
    let undo = undone["run_id"].as_str().unwrap();
    let page = desk.page(id(&undone)).await;
    assert!(page.contains("/app/actions/lift") && page.contains(&format!("value=\"{undo}\"")), "{page}");
    let shown = desk.submit_and_wait("/app/actions/lift", &[("run", undo)]).await;
    let lifted = desk.submit_and_wait(&apply(&shown), &[]).await;
    assert_eq!(lifted["outcome"], "done", "{lifted}");
    assert_same(&after, &desk.world.content().await, "lifted");
    desk.end().await;
}

#[tokio::test]
async fn an_apply_is_refused_when_more_would_change_than_was_shown() {
    let (world, _, _, run) = after_a_run().await;
    let desk = OperatorSession::for_world(world).await;
    let shown = desk.submit_and_wait("/app/actions/undo", &[("run", &run)]).await;
    // Meanwhile production has changed in a row that the undo would fix too.
    desk.world
        .execute("UPDATE gazelle_clients SET company_name = 'Changed since' WHERE external_id = (SELECT min(external_id) FROM gazelle_clients)")
        .await;
    let held = desk.world.content().await;
    let refused = desk.submit_and_wait(&apply(&shown), &[]).await;
    assert_eq!(refused["outcome"], "refused", "{refused}");
    let reason = refused["reason"].as_str().unwrap();
    assert!(
        reason.contains("more would change by now than was shown") && reason.contains("gazelle_clients"),
        "{reason}"
    );
    assert_same(&held, &desk.world.content().await, "nothing was changed");
    let page = desk.page(id(&refused)).await;
    assert!(page.contains("Not done") && page.contains("Nothing was changed."), "{page}");
    // With the new numbers seen, it is done.
    let shown = desk.submit_and_wait("/app/actions/undo", &[("run", &run)]).await;
    assert_eq!(desk.submit_and_wait(&apply(&shown), &[]).await["outcome"], "done");
    // A change is never applied without a dry run: nothing but a row by hand asks so.
    desk.world
        .execute(&format!(
            "INSERT INTO sync_actions (id, kind, arguments, digest, asked_at)
             VALUES ('01930000-0000-7000-8000-000000000001', 'replay', '{{\"run\": \"{run}\", \"dry_run\": false}}', 'x', now())"
        ))
        .await;
    let by_hand = desk.wait_for_end("01930000-0000-7000-8000-000000000001").await;
    assert_eq!(by_hand["outcome"], "refused", "{by_hand}");
    desk.end().await;
}

#[tokio::test]
async fn what_a_run_touched_is_replayed_after_its_numbers_were_seen() {
    let (world, _, after, run) = after_a_run().await;
    let desk = OperatorSession::for_world(world).await;
    let moved = format!(
        "SELECT external_id FROM staging_appointments WHERE run_id = '{run}' AND operation = 'upsert' LIMIT 1"
    );
    let moved = desk.world.text(&moved).await.unwrap();
    desk.world
        .execute(&format!("UPDATE gazelle_appointments SET title = 'Wrong' WHERE external_id = '{moved}'"))
        .await;
    let shown = desk.submit_and_wait("/app/actions/replay", &[("run", &run)]).await;
    let page = desk.page(id(&shown)).await;
    assert!(page.contains("Apply: 1 row") && page.contains("Wrong") && page.contains(&moved), "{page}");
    let replayed = desk.submit_and_wait(&apply(&shown), &[]).await;
    assert_eq!(replayed["outcome"], "done", "{replayed}");
    assert_same(&after, &desk.world.content().await, "replayed");
    // Then there is nothing to apply, and no button for it.
    let shown = desk.submit_and_wait("/app/actions/replay", &[("run", &run)]).await;
    let page = desk.page(id(&shown)).await;
    assert!(page.contains("there is nothing to apply") && !page.contains("/apply\""), "{page}");
    desk.end().await;
}

#[tokio::test]
async fn a_kill_during_an_apply_leaves_all_or_nothing_and_the_page_says_which() {
    // The step; whether the undo was applied by then; whether the run is made to look as if it had not ended; the outcome.
    for (step, is_applied, is_cut_off, outcome) in [
        ("action-taken", false, false, "done"),
        ("undo-applied", false, false, "done"),
        ("action-done", true, false, "done"),
        ("action-done", true, true, "partial"),
    ] {
        let what = format!("{step} {is_cut_off}");
        let (world, before, after, run) = after_a_run().await;
        let desk = OperatorSession::for_world(world).await;
        let shown = desk.submit_and_wait("/app/actions/undo", &[("run", &run)]).await;
        let desk = desk.stopped().await.started_with("GAZELLE_CRASH_AT", step).await;
        let action = desk.submit(&apply(&shown), &[]).await;
        let desk = desk.killed().await;
        let held = desk.world.content().await;
        assert_same(if is_applied { &before } else { &after }, &held, &what);
        if is_cut_off {
            desk.world
                .execute("UPDATE sync_runs SET status = 'running', finished_at = NULL WHERE command = 'undo'")
                .await;
        }
        let desk = desk.started_with("GAZELLE_CRASH_AT", "").await;
        let ended = desk.wait_for_end(&action).await;
        assert_eq!(ended["outcome"], outcome, "{what}: {ended}");
        assert_eq!(ended["times_taken"], if is_applied { 1 } else { 2 }, "{what}: {ended}");
        assert_same(&before, &desk.world.content().await, &what);
        assert_eq!(desk.world.count("sync_undos").await, 1, "{what}: undone once");
        let page = desk.page(&action).await;
        assert!(page.contains("The data was changed at"), "{what}: {page}");
        let says = match (is_applied, is_cut_off) {
            (false, _) => "stopped each time before anything was changed",
            (true, true) => "the service was stopped after the data was changed",
            (true, false) => "Done",
        };
        assert!(page.contains(says), "{what}: {page}");
        desk.end().await;
    }
}

#[tokio::test]
async fn in_the_demonstration_it_is_the_demonstration_that_asks() {
    let mut world = World::new().await;
    world.full_sync_ok().await;
    let serving = super::dashboard_records::shown(&mut world).await;
    let caller = crate::support::people::Caller::of(&serving);
    let done = ended(&caller, &submit_form(&caller, "/app/actions/sync", &[]).await).await;
    assert_eq!((&done["outcome"], &done["asked_by"]), (&json!("done"), &Value::Null), "{done}");
    let page = caller.get(&format!("/app/actions/{}", id(&done))).await.body;
    assert!(page.contains("the demonstration"), "{page}");
    until("Overview is shown", async || caller.get("/app/").await.status == 200).await;
    assert_eq!(serving.stop().await.code, Some(0));
}

#[tokio::test]
async fn a_record_is_replayed_from_its_page_once_its_numbers_were_seen() {
    let desk = OperatorSession::with_full_sync().await;
    let ids: Vec<String> = {
        let sql = "SELECT external_id FROM gazelle_clients ORDER BY external_id LIMIT 2";
        desk.world.db.query(sql, &[]).await.unwrap().iter().map(|row| row.get(0)).collect()
    };
    let before = desk.world.content().await;
    let wrong = format!("UPDATE gazelle_clients SET company_name = 'Faux' WHERE external_id = '{}'", ids[0]);
    desk.world.execute(&wrong).await;
    let others =
        format!("UPDATE gazelle_clients SET company_name = 'Autre' WHERE external_id = '{}'", ids[1]);
    desk.world.execute(&others).await;
    // Offered to operators alone, in their language.
    let path = format!("/app/records/clients/{}", ids[0]);
    let french = desk.operator.http.get(format!("{}{path}", desk.operator.base));
    let french = desk.operator.send(french.header("accept-language", "fr-CA")).await.body;
    assert!(french.contains("Rejouer cette fiche (essai à blanc)") && french.contains("/app/actions/replay"));
    assert!(!desk.sign_in_office().await.get(&path).await.body.contains("/app/actions/replay"));
    let form = [("entity", "clients"), ("id", ids[0].as_str())];
    let shown = desk.submit_and_wait("/app/actions/replay", &form).await;
    assert_eq!((&shown["outcome"], &shown["report"]["dry_run"]), (&json!("done"), &json!(true)), "{shown}");
    let id = shown["id"].as_str().unwrap().to_owned();
    let page = desk.page(&id).await;
    assert!(page.contains(&format!("Replay {} (", ids[0])) && page.contains("Apply: 1 row"), "{page}");
    let company = async |id: &str| {
        let sql = format!("SELECT company_name FROM gazelle_clients WHERE external_id = '{id}'");
        desk.world.text(&sql).await
    };
    assert_eq!(company(&ids[0]).await.as_deref(), Some("Faux"), "only shown");
    let applied = desk.submit_and_wait(&format!("/app/actions/{id}/apply"), &[]).await;
    assert_eq!(applied["outcome"], "done", "{applied}");
    // That record alone.
    assert_eq!(company(&ids[1]).await.as_deref(), Some("Autre"));
    let again =
        desk.submit_and_wait("/app/actions/replay", &[("entity", "clients"), ("id", ids[1].as_str())]).await;
    let applied =
        desk.submit_and_wait(&format!("/app/actions/{}/apply", again["id"].as_str().unwrap()), &[]).await;
    assert_eq!(applied["outcome"], "done", "{applied}");
    assert_same(&before, &desk.world.content().await, "both are as before");
    for wrong in [[("entity", "trombones"), ("id", "x")], [("entity", "clients"), ("id", "")]] {
        assert_eq!(desk.operator.post("/app/actions/replay", &wrong).await.status, 400, "{wrong:?}");
    }
    desk.end().await;
}
