//! `replay`: slices, what it shows, what readers see meanwhile, and production as it was at an instant.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::support::{LINEAGE, TestInstallation, World, assert_same};
use gazelle_sim::RecordKind;
use gazelle_sync::entities::ENTITIES;
use gazelle_sync::staging_to_production::scratch_table;
use serde_json::{Value, json};

fn of(report: &Value, table: &str) -> Value {
    let tables = report["tables"].as_array().unwrap();
    tables.iter().find(|it| it["table"] == table).unwrap_or_else(|| panic!("no {table} in {report}")).clone()
}

fn differences(report: &Value) -> i64 {
    let of = |table: &Value| ["missing", "changed", "surplus"].map(|kind| table[kind].as_i64().unwrap());
    report["tables"].as_array().unwrap().iter().flat_map(of).sum()
}

async fn corrupted(world: &World) -> i64 {
    world.one("SELECT count(*) FROM gazelle_appointments WHERE title = 'faux'", &[]).await
}

async fn corrupt_all(world: &World) {
    world.execute("UPDATE gazelle_appointments SET title = 'faux'").await;
}

#[tokio::test]
async fn records_by_id_alone_are_fixed() {
    let world = World::new().await;
    world.full_sync_ok().await;
    let all = world.count("gazelle_appointments").await;
    corrupt_all(&world).await;
    let (first, second) = (world.upcoming(0), world.upcoming(1));

    let dry = world.run(&["replay", "--id", &first, "--id", &second, "--dry-run"]).await.success();
    assert_eq!((differences(&dry), &dry["records"]), (2, &json!(2)), "{dry}");
    assert_eq!(corrupted(&world).await, all);

    let report = world.run(&["replay", "--id", &first, "--id", &second]).await.success();
    assert_eq!(report["rows_written"], 2);
    let right = world.rows("SELECT external_id FROM gazelle_appointments WHERE title <> 'faux'").await;
    let mut ids: Vec<&str> = right.iter().map(|row| row["external_id"].as_str().unwrap()).collect();
    ids.sort_unstable();
    let mut wanted = [first.as_str(), second.as_str()];
    wanted.sort_unstable();
    assert_eq!(ids, wanted);
}

#[tokio::test]
async fn rows_that_belong_to_a_record_go_with_it_and_what_nothing_gives_is_removed_by_its_id() {
    let world = World::new().await;
    world.full_sync_ok().await;
    let before = world.production(&LINEAGE).await;
    let client =
        world.text("SELECT client_external_id FROM gazelle_contacts ORDER BY 1 LIMIT 1").await.unwrap();
    world
        .execute(&format!(
            "UPDATE gazelle_contacts SET last_name = 'faux';
             INSERT INTO gazelle_contacts (external_id, client_external_id, staging_id, reconciler_version, synced_from_gazelle_at)
             VALUES ('con_invented', '{client}', gen_random_uuid(), 1, now());
             INSERT INTO gazelle_users (external_id, staging_id, reconciler_version, synced_from_gazelle_at)
             VALUES ('usr_invented', gen_random_uuid(), 1, now())"
        ))
        .await;
    world.run(&["replay", "--id", &client]).await.success();
    let left =
        world.rows("SELECT DISTINCT client_external_id FROM gazelle_contacts WHERE last_name = 'faux'").await;
    assert!(
        !left.is_empty() && left.iter().all(|row| row["client_external_id"] != client.as_str()),
        "{left:?}"
    );
    let invented = "SELECT count(*) FROM gazelle_contacts WHERE external_id = 'con_invented'";
    assert_eq!(world.one::<i64>(invented, &[]).await, 0);

    let report = world.run(&["replay", "--id", "usr_invented"]).await.success();
    assert_eq!(of(&report, "gazelle_users")["surplus"], 1);
    world.run(&["replay"]).await.success();
    assert_same(&before, &world.production(&LINEAGE).await, "all fixed");
}

#[tokio::test]
async fn a_run_and_a_span_of_time_choose_the_records_they_staged() {
    let world = World::new().await;
    let first = world.full_sync_ok().await["run_id"].as_str().unwrap().to_owned();
    let between = world.text("SELECT clock_timestamp()::text").await.unwrap().replacen(' ', "T", 1);
    let moved = world.upcoming(0);
    world.control.move_event(&moved, Some("2027-02-03T14:15:00Z")).unwrap();
    let second = world.incremental().await.success()["run_id"].as_str().unwrap().to_owned();
    let all = world.count("gazelle_appointments").await;

    for slice in [["--run", second.as_str()], ["--since", between.as_str()]] {
        corrupt_all(&world).await;
        let report = world.run(&["replay", slice[0], slice[1]]).await.success();
        assert_eq!(report["records"], 1, "{slice:?}: {report}");
        assert_eq!(corrupted(&world).await, all - 1, "{slice:?}");
    }
    for slice in [["--run", first.as_str()], ["--until", between.as_str()]] {
        corrupt_all(&world).await;
        let report = world.run(&["replay", slice[0], slice[1], "--entity", "appointments"]).await.success();
        assert_eq!(differences(&report), all, "{slice:?}");
        assert_eq!(corrupted(&world).await, 0, "{slice:?}");
    }
    // The newest version lands, whichever version chose the record.
    let start = format!("SELECT start_at::text FROM gazelle_appointments WHERE external_id = '{moved}'");
    assert!(world.text(&start).await.unwrap().starts_with("2027-02-03"));
}

#[tokio::test]
async fn a_slice_that_names_nothing_or_not_enough_is_refused_and_changes_nothing() {
    let world = World::new().await;
    world.full_sync_ok().await;
    let event = world
        .text("SELECT external_id FROM gazelle_appointments WHERE client_external_id IS NOT NULL LIMIT 1")
        .await
        .unwrap();
    world.execute("TRUNCATE gazelle_clients CASCADE").await;
    let before = world.production(&[]).await;
    for (args, said) in [
        (vec!["replay", "--id", "evt_nobody"], "knows evt_nobody"),
        (vec!["replay", "--id", &event, "--entity", "pianos"], "among pianos"),
        (vec!["replay", "--run", "00000000-0000-7000-8000-000000000000"], "in this slice"),
        (vec!["replay", "--since", "2999-01-01"], "in this slice"),
        (vec!["replay", "--id", &event], "the records it refers to"),
        (vec!["replay", "--entity", "appointments"], "the records it refers to"),
    ] {
        let ran = world.run(&args).await;
        assert_eq!(ran.code, 1, "{args:?}: {ran}");
        assert!(ran.reasons().contains(said), "{args:?}: {ran}");
        assert_same(&before, &world.production(&[]).await, &format!("{args:?}"));
    }
    for args in [
        vec!["replay", "--since", "2026-02-01", "--until", "2026-01-01"],
        vec!["replay", "--run", "latest"],
        vec!["replay", "--as-of", "2026-01-01"],
        vec!["replay", "--into", "elsewhere", "--dry-run"],
        vec!["replay", "--into", "elsewhere", "--as-of", "2999-01-01"],
    ] {
        assert_eq!(world.run(&args).await.code, 2, "{args:?}");
    }
    assert_eq!(world.run(&["replay"]).await.code, 0, "all of it can be");
}

#[tokio::test]
async fn people_see_each_kind_of_difference_before_and_after() {
    let world = World::new().await;
    world.full_sync_ok().await;
    let (changed, gone) = (world.upcoming(0), world.upcoming(1));
    world
        .execute(&format!(
            "UPDATE gazelle_appointments SET title = 'faux' WHERE external_id = '{changed}';
             DELETE FROM gazelle_appointment_pianos WHERE appointment_external_id = '{gone}';
             DELETE FROM gazelle_appointments WHERE external_id = '{gone}';
             INSERT INTO gazelle_users (external_id, first_name, staging_id, reconciler_version, synced_from_gazelle_at)
             VALUES ('usr_invented', 'Inventée', gen_random_uuid(), 1, now())"
        ))
        .await;
    let ran = crate::support::run_to_end(world.command(&["replay", "--dry-run"])).await;
    assert_eq!(ran.code, 0, "{ran}");
    let title = world.control.record(RecordKind::Event, &changed).unwrap()["title"].clone();
    for line in [
        format!("gazelle_appointments {changed} differs: in production -> rebuilt from staging"),
        format!("title: \"faux\" -> {title}"),
        format!("gazelle_appointments {gone} is missing: production has no such row; rebuilt from staging:"),
        "gazelle_users usr_invented is surplus: no version in staging gives it; in production:".to_owned(),
        "first_name: \"Inventée\"".to_owned(),
        "nothing was changed".to_owned(),
    ] {
        assert!(ran.stdout.contains(&line), "no {line:?}\n{ran}");
    }
    let missing = ran.stdout.split(&format!("{gone} is missing")).nth(1).unwrap();
    assert!(missing.contains("    appointment_date: \"20"), "{ran}");
}

#[tokio::test]
async fn readers_never_see_less_than_there_was() {
    let world = World::new().await;
    world.full_sync_ok().await;
    // Half of it is wrong, and some is missing: there is much to write.
    world
        .execute(
            "UPDATE gazelle_appointments SET title = 'faux' WHERE appointment_time > '14:00';
             DELETE FROM gazelle_appointment_pianos WHERE is_tuning;
             UPDATE gazelle_clients SET region = 'faux'",
        )
        .await;
    let counts = "SELECT (SELECT count(*) FROM gazelle_appointments) AS a,
                         (SELECT count(*) FROM gazelle_clients) AS c,
                         (SELECT count(*) FROM v_appointments_montreal) AS v";
    let before = world.rows(counts).await.remove(0);
    let is_over = Arc::new(AtomicBool::new(false));
    let reader = crate::support::connect(&world.url()).await;
    let over = is_over.clone();
    let reading = tokio::spawn(async move {
        let mut seen = Vec::new();
        while !over.load(Ordering::Relaxed) {
            let row = reader.query_one(counts, &[]).await.expect("a reader is never refused");
            seen.push([row.get::<_, i64>(0), row.get(1), row.get(2)]);
        }
        seen
    });
    let report = world.run(&["replay"]).await.success();
    is_over.store(true, Ordering::Relaxed);
    let seen = reading.await.unwrap();
    assert!(differences(&report) > 50, "{report}");
    assert!(seen.len() > 20, "only {} looks", seen.len());
    for counts in seen {
        assert_eq!(json!(counts), json!([before["a"], before["c"], before["v"]]));
    }
}

/// What a schema's tables and view say, lineage left out.
async fn schema_rows(place: &TestInstallation, schema: &str) -> Vec<Vec<String>> {
    let mut said = Vec::new();
    for table in crate::support::production_tables().iter().chain(&["v_appointments_montreal"]) {
        said.push(place.table(&format!("{schema}.{table}"), &LINEAGE).await);
    }
    said
}

#[tokio::test]
async fn production_as_it_was_is_built_elsewhere_and_nothing_else_is_touched() {
    let world = World::new().await;
    world.full_sync_ok().await;
    let then = schema_rows(&world, "public").await;
    let instant = world.text("SELECT clock_timestamp()::text").await.unwrap().replacen(' ', "T", 1);
    world.control.move_event(&world.upcoming(0), Some("2027-02-03T14:15:00Z")).unwrap();
    world.control.cancel(&world.upcoming(1)).unwrap();
    let clients = world.control.ids(RecordKind::Client);
    world.control.edit(RecordKind::Client, &clients[8], json!({"companyName": "Nouveau nom"})).unwrap();
    world.control.delete(RecordKind::Event, &world.upcoming(2)).unwrap();
    world.full().await.success();
    let now = schema_rows(&world, "public").await;
    assert_ne!(then, now);
    let (before, runs) = (world.production(&[]).await, world.count("sync_runs").await);
    world.control.clear_requests();

    let built = world.run(&["replay", "--as-of", &instant, "--into", "Then & \"there\""]).await.success();
    let quoted = "\"Then & \"\"there\"\"\"";
    assert_eq!(then, schema_rows(&world, quoted).await);
    assert_eq!(built["replaced"], false);
    let appointments = json!(["gazelle_appointments", then[5].len()]);
    assert!(built["tables"].as_array().unwrap().contains(&appointments), "{built}");
    assert_same(&before, &world.production(&[]).await, "production");
    assert_eq!(world.count("sync_runs").await, runs, "no run: nothing of ours was written");
    assert_eq!(world.control.request_counts().total, 0);
    // Keys are real there, and name that schema.
    let keys = "SELECT count(*) FROM pg_constraint k JOIN pg_class p ON p.oid = k.confrelid
                 WHERE k.contype = 'f' AND k.connamespace = p.relnamespace
                   AND p.relnamespace = (SELECT oid FROM pg_namespace WHERE nspname LIKE 'Then%')";
    assert_eq!(world.one::<i64>(keys, &[]).await, 10);

    // Again, as of now, in place of it.
    let built = world.run(&["replay", "--into", "Then & \"there\""]).await.success();
    assert_eq!(built["replaced"], true);
    assert_eq!(now, schema_rows(&world, quoted).await);
}

#[tokio::test]
async fn a_schema_that_is_somebodys_is_not_touched() {
    let world = World::new().await;
    world.full_sync_ok().await;
    world.execute("CREATE SCHEMA theirs; CREATE TABLE theirs.gazelle_users (note text)").await;
    for (schema, said) in [("theirs", "exists and is not one"), ("public", "schema of the account itself")] {
        let ran = world.run(&["replay", "--into", schema]).await;
        assert_eq!(ran.code, 1, "{ran}");
        assert!(ran.reasons().contains(said), "{ran}");
    }
    // Nor is what somebody built on one of ours.
    world.run(&["replay", "--into", "then"]).await.success();
    world.execute("CREATE VIEW public.mine AS SELECT external_id FROM \"then\".gazelle_users").await;
    let ran = world.run(&["replay", "--into", "then"]).await;
    assert_eq!(ran.code, 1, "{ran}");
    assert!(ran.reasons().contains("depend"), "{ran}");
    assert!(world.count("public.mine").await > 0);
}

#[test]
fn the_scratch_tables_of_a_rebuild_are_temporary_and_end_with_their_transaction() {
    for table in ENTITIES.iter().flat_map(|entity| entity.tables) {
        let statements = scratch_table(table);
        assert!(
            statements[0].starts_with("CREATE TEMPORARY TABLE pg_temp.rebuilt_gazelle_"),
            "{statements:?}"
        );
        assert!(statements[0].ends_with("ON COMMIT DROP"), "{statements:?}");
        assert!(statements.iter().all(|statement| !statement.contains(';')), "one DDL statement a message");
    }
}

#[tokio::test]
async fn scratch_tables_and_those_of_another_schema_have_the_columns_of_the_migrations() {
    let world = World::new().await;
    world.full_sync_ok().await;
    world.run(&["replay", "--into", "elsewhere"]).await.success();
    let place = &world.installation;
    for table in ENTITIES.iter().flat_map(|entity| entity.tables) {
        // The scratch tables of a rebuild are made from the declarations: names and types are those of the migrations.
        let types = place
            .rows(&format!(
                "SELECT attname AS name, format_type(atttypid, atttypmod) AS type FROM pg_attribute
                  WHERE attrelid = '{}'::regclass AND attnum > 0 AND NOT attisdropped AND attgenerated = ''
                  ORDER BY attname COLLATE \"C\"",
                table.name
            ))
            .await;
        let mut declared: Vec<Value> = table
            .stored_columns()
            .map(|(name, sql_type)| {
                let sql_type = match sql_type {
                    "timestamptz" => "timestamp with time zone",
                    "time" => "time without time zone",
                    other => other,
                };
                json!({"name": name, "type": sql_type})
            })
            .collect();
        declared.sort_by_key(|column| column["name"].as_str().unwrap().to_owned());
        assert_eq!(types, declared, "{}", table.name);
        let whole = |schema: &str| {
            format!(
                "SELECT a.attname AS name, format_type(atttypid, atttypmod) AS type, attnotnull AS required,
                        replace(pg_get_expr(d.adbin, d.adrelid), '{schema}.', '') AS generated
                   FROM pg_attribute a LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
                  WHERE a.attrelid = '{schema}.{table}'::regclass AND attnum > 0 AND NOT attisdropped ORDER BY 1",
                table = table.name
            )
        };
        assert_eq!(
            place.rows(&whole("public")).await,
            place.rows(&whole("elsewhere")).await,
            "{}",
            table.name
        );
    }
    let keys = |schema: &str| {
        format!(
            "SELECT conrelid::regclass::text AS t, replace(pg_get_constraintdef(oid), '{schema}.', '') AS def
               FROM pg_constraint WHERE connamespace = '{schema}'::regnamespace AND contype IN ('f', 'p')
                AND conrelid::regclass::text LIKE '%gazelle%' ORDER BY 2, 1"
        )
    };
    let strip = |rows: Vec<Value>| -> Vec<String> {
        let mut rows: Vec<String> =
            rows.iter().map(|row| row.to_string().replace("elsewhere.", "")).collect();
        rows.sort();
        rows
    };
    assert_eq!(strip(place.rows(&keys("public")).await), strip(place.rows(&keys("elsewhere")).await));
    let view = |schema: &str| {
        format!("SELECT replace(pg_get_viewdef('{schema}.v_appointments_montreal'), '{schema}.', '') AS v")
    };
    assert_eq!(place.rows(&view("public")).await, place.rows(&view("elsewhere")).await);
}

/// What builds the past elsewhere is no replay of today, whatever stands beside it.
#[tokio::test]
async fn a_time_of_the_past_without_a_schema_replays_nothing() {
    let world = World::new().await;
    world.full_sync_ok().await;
    world.execute("UPDATE gazelle_pianos SET make = 'Faux'").await;
    let as_of = ["--as-of", "2020-01-01"];
    for flags in [&["--allow-deletions"][..], &["--dry-run"], &["--entity", "users"], &[]] {
        let args: Vec<&str> = ["replay"].iter().chain(flags).chain(&as_of).copied().collect();
        let ran = world.run(&args).await;
        assert!(ran.code == 2 && ran.reasons().contains("--into"), "{args:?}: {ran}");
    }
    assert!(world.count("gazelle_pianos WHERE make = 'Faux'").await > 0);
}
