//! `undo`: production as before a run, kept so by later syncs, and taken back again.

use crate::support::{Tables, World, assert_same};
use gazelle_sim::{RecordKind, ShopSpec, SimOptions};
use serde_json::{Value, json};

fn id(report: &Value) -> String {
    report["run_id"].as_str().unwrap().to_owned()
}

/// A filled database, and what it held before a run that changed, added, moved and deleted.
async fn after_a_bad_run() -> (World, Tables, Tables, String) {
    let world = World::new().await;
    world.full_sync_ok().await;
    let before = world.content().await;
    let control = &world.control;
    let clients = control.ids(RecordKind::Client);
    control.move_event(&world.upcoming(0), Some("2027-02-03T14:15:00Z")).unwrap();
    control.cancel(&world.upcoming(1)).unwrap();
    control.edit(RecordKind::Client, &clients[8], json!({"companyName": "Faux nom"})).unwrap();
    control.delete(RecordKind::Event, &world.upcoming(2)).unwrap();
    let client = control.add(RecordKind::Client, json!({"companyName": "Importé par erreur"})).unwrap();
    control
        .add(
            RecordKind::Event,
            json!({"start": "2027-03-04T15:00:00Z", "client": {"id": client}, "title": "Par erreur"}),
        )
        .unwrap();
    let run = id(&world.full().await.success());
    let after = world.content().await;
    assert_ne!(before, after);
    (world, before, after, run)
}

async fn equal(world: &World, when: &str) {
    let verdict = world.run(&["verify", "--sample", "500"]).await;
    assert_eq!(verdict.code, 0, "{when}: {verdict}");
    let replayed = world.run(&["replay", "--dry-run"]).await.success();
    let differing: i64 = replayed["tables"]
        .as_array()
        .unwrap()
        .iter()
        .flat_map(|table| ["missing", "changed", "surplus"].map(|kind| table[kind].as_i64().unwrap()))
        .sum();
    assert_eq!(differing, 0, "{when}: {replayed}");
}

#[tokio::test]
async fn production_is_as_before_the_run_and_stays_so() {
    let (world, before, after, run) = after_a_bad_run().await;

    let dry = world.run(&["undo", &run, "--dry-run"]).await.success();
    assert_eq!(dry["step"], json!({ "undid": run }));
    assert!(dry["versions"].as_i64().unwrap() >= 6, "{dry}");
    assert_same(&after, &world.content().await, "a dry run");
    assert_eq!(world.count("sync_undos").await, 0);

    let staged = world.count("staging_appointments").await;
    let report = world.run(&["undo", &run]).await.success();
    assert_eq!((&report["versions"], &report["newer"]), (&dry["versions"], &json!(0)));
    assert_same(&before, &world.content().await, "undone");
    assert_eq!(world.count("staging_appointments").await, staged, "nothing leaves staging");
    equal(&world, "undone").await;

    // It stays so, whatever sync comes, and each of them is a success.
    for mode in ["incremental", "full", "full"] {
        let sync = world.run(&["sync", "--mode", mode]).await.success();
        assert_eq!(
            (&sync["status"], &sync["staged"], &sync["deleted"]),
            (&json!("success"), &json!(0), &json!(0))
        );
        assert_same(&before, &world.content().await, mode);
    }
    world.run(&["replay"]).await.success();
    assert_same(&before, &world.content().await, "replayed");
    equal(&world, "after syncs").await;

    // Lifted, it is as after the run; and the lifting is undone like any run.
    let lifted = world.run(&["undo", "--lift", &run]).await.success();
    assert_eq!(lifted["step"]["lifted"]["run"], run.as_str());
    assert_same(&after, &world.content().await, "lifted");
    equal(&world, "lifted").await;
    world.full().await.success();
    assert_same(&after, &world.content().await, "lifted, and synced");
    world.run(&["undo", &id(&lifted)]).await.success();
    assert_same(&before, &world.content().await, "the lifting undone");
    let again = world.text("SELECT undo_id::text FROM sync_undos WHERE lifted_at IS NULL").await.unwrap();
    world.run(&["undo", &again]).await.success();
    assert_same(&after, &world.content().await, "the undo undone");
    equal(&world, "at the end").await;
    let commands =
        world.rows("SELECT command FROM sync_runs WHERE command LIKE 'undo%' ORDER BY started_at").await;
    let commands: Vec<&str> = commands.iter().map(|row| row["command"].as_str().unwrap()).collect();
    assert_eq!(commands, ["undo", "undo --lift", "undo", "undo --lift"]);
}

#[tokio::test]
async fn what_changes_at_the_source_after_it_comes_through() {
    let (world, before, _, run) = after_a_bad_run().await;
    world.run(&["undo", &run]).await.success();
    let clients = world.control.ids(RecordKind::Client);
    world.control.edit(RecordKind::Client, &clients[8], json!({"companyName": "Le bon nom"})).unwrap();
    let sync = world.full().await.success();
    assert_eq!(sync["staged"], 1, "{sync}");
    let name = format!("SELECT company_name FROM gazelle_clients WHERE external_id = '{}'", clients[8]);
    assert_eq!(world.text(&name).await.as_deref(), Some("Le bon nom"));

    // Lifting does not put the older, withdrawn content over it.
    world.run(&["undo", "--lift", &run]).await.success();
    assert_eq!(world.text(&name).await.as_deref(), Some("Le bon nom"));
    assert!(world.content().await["gazelle_appointments"] != before["gazelle_appointments"]);
    equal(&world, "after a change").await;
}

#[tokio::test]
async fn records_that_a_later_run_changed_stay_as_they_are() {
    let (world, _, _, run) = after_a_bad_run().await;
    world.control.move_event(&world.upcoming(4), Some("2027-04-05T13:00:00Z")).unwrap();
    let clients = world.control.ids(RecordKind::Client);
    world.control.edit(RecordKind::Client, &clients[8], json!({"companyName": "Plus tard"})).unwrap();
    world.full().await.success();
    let report = world.run(&["undo", &run]).await.success();
    assert_eq!(report["newer"], 1, "{report}");
    let name = format!("SELECT company_name FROM gazelle_clients WHERE external_id = '{}'", clients[8]);
    assert_eq!(world.text(&name).await.as_deref(), Some("Plus tard"));
    equal(&world, "undone below a later run").await;
}

#[tokio::test]
async fn what_rests_on_a_record_that_goes_waits_in_quarantine_and_comes_back_with_it() {
    let world = World::new().await;
    world.full_sync_ok().await;
    let client = world.control.add(RecordKind::Client, json!({"companyName": "De passage"})).unwrap();
    let run = id(&world.full().await.success());
    // Brought by a run that is not undone: an event of the new client, and one of an old client that moves to it.
    let event = world
        .control
        .add(
            RecordKind::Event,
            json!({"start": "2027-03-04T15:00:00Z", "client": {"id": client}, "title": "Là"}),
        )
        .unwrap();
    let moved = world.upcoming(5);
    let owner = format!("SELECT client_external_id FROM gazelle_appointments WHERE external_id = '{moved}'");
    let old_owner = world.text(&owner).await;
    world.control.edit(RecordKind::Event, &moved, json!({"client": {"id": client}})).unwrap();
    world.full().await.success();
    let after = world.content().await;
    assert_eq!(world.text(&owner).await.as_deref(), Some(client.as_str()));

    world.run(&["undo", &run]).await.success();
    assert_eq!(world.text(&owner).await, old_owner, "as the newest version that can stand says");
    let there = format!("SELECT count(*) FROM gazelle_appointments WHERE external_id = '{event}'");
    assert_eq!(world.one::<i64>(&there, &[]).await, 0);
    let waiting = world
        .rows("SELECT external_id FROM sync_quarantine WHERE state = 'waiting' ORDER BY external_id")
        .await;
    let mut wanted = [event.as_str(), moved.as_str()];
    wanted.sort_unstable();
    assert_eq!(waiting.iter().map(|row| row["external_id"].as_str().unwrap()).collect::<Vec<_>>(), wanted);
    world.full().await.success();
    assert_eq!(world.one::<i64>(&there, &[]).await, 0, "a sync does not bring the client back");

    world.run(&["undo", "--lift", &run]).await.success();
    assert_same(&after, &world.content().await, "lifted");
    equal(&world, "lifted").await;
}

#[tokio::test]
async fn quarantine_ends_with_its_run_and_begins_again_with_it() {
    let world = World::new().await;
    world.full_sync_ok().await;
    let event = world.upcoming(0);
    let before = world.content().await;
    world.control.edit(RecordKind::Event, &event, json!({"start": "demain matin"})).unwrap();
    let run = id(&world.full().await.success());
    let state = format!(
        "SELECT string_agg(state, ' ' ORDER BY first_seen_at) FROM sync_quarantine WHERE external_id = '{event}'"
    );
    assert_eq!(world.text(&state).await.as_deref(), Some("open"));
    world.run(&["undo", &run]).await.success();
    assert_eq!(world.text(&state).await.as_deref(), Some("withdrawn"));
    assert_same(&before, &world.content().await, "undone");
    equal(&world, "undone").await;
    world.run(&["undo", "--lift", &run]).await.success();
    assert_eq!(world.text(&state).await.as_deref(), Some("open"));
}

#[tokio::test]
async fn an_unreadable_field_is_warned_of_as_long_as_its_version_counts() {
    let world = World::new().await;
    world.full_sync_ok().await;
    let event = world.upcoming(0);
    let before = world.content().await;
    world.control.edit(RecordKind::Event, &event, json!({"duration": "vite"})).unwrap();
    let run = id(&world.full().await.success());
    // The event may deserve warnings of other kinds.
    let warnings = format!(
        "SELECT string_agg(field, ' ') FROM sync_quality_warnings
          WHERE external_id = '{event}' AND code = 'unreadable_field'"
    );
    assert_eq!(world.text(&warnings).await.as_deref(), Some("duration"));
    let after = world.content().await;
    world.run(&["undo", &run]).await.success();
    assert_eq!(world.text(&warnings).await, None);
    assert_same(&before, &world.content().await, "undone");
    equal(&world, "undone").await;
    world.run(&["undo", "--lift", &run]).await.success();
    assert_eq!(world.text(&warnings).await.as_deref(), Some("duration"));
    assert_same(&after, &world.content().await, "lifted");
    equal(&world, "lifted").await;
}

#[tokio::test]
async fn a_first_sync_can_be_undone_and_given_back() {
    let world = World::new().await;
    let run = id(&world.full_sync_ok().await);
    let after = world.content().await;
    // More than the guard of a walk allows: a person says so, or nothing happens.
    let withheld = world.run(&["undo", &run]).await;
    assert_eq!(withheld.code, 3, "{withheld}");
    assert!(withheld.reasons().contains("--allow-deletions"), "{withheld}");
    assert_same(&after, &world.content().await, "withheld");
    assert_eq!(world.count("sync_undos").await, 0);
    world.run(&["undo", &run, "--allow-deletions"]).await.success();
    for table in crate::support::production_tables() {
        assert_eq!(world.count(table).await, 0, "{table}");
    }
    world.incremental().await.success();
    assert_eq!(world.count("gazelle_clients").await, 0);
    world.run(&["undo", "--lift", &run]).await.success();
    assert_same(&after, &world.content().await, "given back");
    equal(&world, "given back").await;
}

#[tokio::test]
async fn an_approved_mass_deletion_can_be_undone() {
    let world = World::new().await;
    world.full_sync_ok().await;
    let before = world.content().await;
    let many: Vec<String> = (0..8).map(|n| world.upcoming(n * 2)).collect();
    for event in &many {
        world.control.delete(RecordKind::Event, event).unwrap();
    }
    let run = world.full().await;
    assert_eq!(run.code, 3, "{run}");
    let run = id(&run.json());
    let approval = id(&world.run(&["deletions", "approve", &run]).await.success()["run"]);
    let deleted = world.content().await;
    assert_ne!(deleted, before);
    let undone = world.run(&["undo", &run]).await;
    assert_eq!(undone.code, 1, "the run that found them has staged nothing: {undone}");
    assert_same(&deleted, &world.content().await, "not undone");

    world.run(&["undo", &approval]).await.success();
    assert_same(&before, &world.content().await, "undone");
    let sync = world.full().await.success();
    assert_eq!(sync["deleted"], 0);
    assert_same(&before, &world.content().await, "and kept so");
    equal(&world, "undone").await;
    world.run(&["undo", "--lift", &approval]).await.success();
    assert_same(&deleted, &world.content().await, "lifted");
    let states = world.rows("SELECT DISTINCT state FROM sync_deletions").await;
    assert_eq!(states, [json!({"state": "approved"})]);
    equal(&world, "lifted").await;
}

#[tokio::test]
async fn what_cannot_be_undone_is_said_and_changes_nothing() {
    let (world, _, after, run) = after_a_bad_run().await;
    let nothing = id(&world.full().await.success());
    let unknown = "00000000-0000-7000-8000-000000000000";
    for (args, said) in [
        (vec!["undo", unknown], "no run has the id"),
        (vec!["undo", &nothing], "nothing to undo"),
        (vec!["undo", "--lift", &run], "is not undone"),
    ] {
        let ran = world.run(&args).await;
        assert_eq!(ran.code, 1, "{args:?}: {ran}");
        assert!(ran.reasons().contains(said), "{args:?}: {ran}");
    }
    for args in [vec!["undo"], vec!["undo", "yesterday"]] {
        assert_eq!(world.run(&args).await.code, 2, "{args:?}");
    }
    // A table of the company's own refers to a client that the run brought.
    world
        .execute(
            "CREATE TABLE my_notes (client text REFERENCES gazelle_clients (external_id));
             INSERT INTO my_notes SELECT external_id FROM gazelle_clients WHERE company_name = 'Importé par erreur'",
        )
        .await;
    let refused = world.run(&["undo", &run]).await;
    assert_eq!(refused.code, 1, "{refused}");
    assert!(refused.reasons().contains("a row of yours refers to a row that would be removed"), "{refused}");
    assert!(refused.reasons().contains("my_notes"), "{refused}");
    assert!(!refused.reasons().contains("trigger"), "{refused}");
    assert_same(&after, &world.content().await, "refused");
    let withdrawn = "SELECT count(*) FROM staging_clients WHERE withdrawn_by IS NOT NULL";
    assert_eq!(world.one::<i64>(withdrawn, &[]).await, 0);

    world.execute("DROP TABLE my_notes").await;
    world.run(&["undo", &run]).await.success();
    let twice = world.run(&["undo", &run]).await;
    assert_eq!(twice.code, 1, "{twice}");
    assert!(twice.reasons().contains("undone already"), "{twice}");
    let undo = world.text("SELECT undo_id::text FROM sync_undos").await.unwrap();
    world.run(&["undo", &undo]).await.success();
    let spent = world.run(&["undo", &undo]).await;
    assert!(spent.code == 1 && spent.reasons().contains("lifted already"), "{spent}");
}

#[tokio::test]
async fn what_refuses_an_undo_is_named_as_what_it_is() {
    let (world, _, after, run) = after_a_bad_run().await;
    let refuses = |sql: &str| {
        format!("CREATE FUNCTION keep() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN {sql} END $$")
    };
    let trigger =
        "CREATE TRIGGER keep BEFORE UPDATE OR DELETE ON gazelle_clients FOR EACH ROW EXECUTE FUNCTION keep()";
    for sql in
        ["RAISE EXCEPTION 'geheim';", "RAISE EXCEPTION 'geheim' USING ERRCODE = '23503';", "PERFORM 1/0;"]
    {
        world.execute(&format!("{}; {trigger}", refuses(sql))).await;
        let refused = world.run(&["undo", &run]).await;
        assert_eq!(refused.code, 1, "{sql}: {refused}");
        let said = refused.reasons();
        for word in ["a trigger of yours", "keep()", "DISABLE TRIGGER", "nothing was changed"] {
            assert!(said.contains(word), "{sql}: no {word} in {said}");
        }
        assert!(!said.contains("refers") && !refused.stderr.contains("geheim"), "{sql}: {refused}");
        assert_same(&after, &world.content().await, sql);
        world.execute("DROP FUNCTION keep() CASCADE").await;
    }
    // A row that changes back would break a rule that was added after the run.
    world
        .execute(
            "ALTER TABLE gazelle_appointments ADD CONSTRAINT only_new CHECK (status = 'CANCELED') NOT VALID",
        )
        .await;
    let refused = world.run(&["undo", &run]).await;
    assert_eq!(refused.code, 1, "{refused}");
    let said = refused.reasons();
    assert!(said.contains("a constraint of yours") && said.contains("only_new"), "{said}");
    assert!(!said.contains("refers") && !said.contains("trigger"), "{said}");
}

#[tokio::test]
async fn while_another_run_is_at_work_nothing_is_undone() {
    let options = SimOptions { latency: std::time::Duration::from_millis(40), ..SimOptions::default() };
    let mut world = World::with(ShopSpec::small(7), options).await;
    let run = id(&world.full_sync_ok().await);
    world.set("GAZELLE_SYNC_PAGE_SIZE", "10");
    let mut sync = world.start(&["sync", "--mode", "full"]);
    crate::support::service::until("it is at work", async || {
        world.one("SELECT EXISTS (SELECT 1 FROM sync_lease WHERE expires_at > now())", &[]).await
    })
    .await;
    let refused = world.run(&["undo", &run]).await;
    assert_eq!(refused.code, 1, "{refused}");
    assert!(refused.reasons().contains("another gazelle-sync run is in progress"), "{refused}");
    sync.wait().await.unwrap();
    assert_eq!(world.count("sync_undos").await, 0);
}

#[tokio::test]
async fn people_are_shown_what_changed_and_how_to_take_it_back() {
    let (world, _, _, run) = after_a_bad_run().await;
    let ran = crate::support::run_to_end(world.command(&["undo", &run])).await;
    assert_eq!(ran.code, 0, "{ran}");
    for words in
        ["\"Faux nom\" -> ", "Importé par erreur", "withdrawn", &format!("gazelle-sync undo --lift {run}")]
    {
        assert!(ran.stdout.contains(words), "no {words:?}\n{ran}");
    }
}

#[tokio::test]
async fn the_past_without_a_run_and_with_it() {
    let (world, before, after, run) = after_a_bad_run().await;
    world.run(&["undo", &run]).await.success();
    // As of an instant before the undo, the run counted.
    let then =
        world.text("SELECT max(fetched_at)::text FROM staging_clients").await.unwrap().replacen(' ', "T", 1);
    world.run(&["replay", "--as-of", &then, "--into", "then"]).await.success();
    world.run(&["replay", "--into", "now"]).await.success();
    let clients = |tables: &Tables| tables["gazelle_clients"].len() as i64;
    assert_eq!(world.count("\"then\".gazelle_clients").await, clients(&after));
    assert_eq!(world.count("\"now\".gazelle_clients").await, clients(&before));
}
