//! An entity that a program adds by its declaration alone (`examples/with_invoices`) has everything that the others have.

use gazelle_sim::{Fault, FaultKind, RecordKind, ShopSpec, SimOptions};
use serde_json::{Value, json};

use crate::support::desk::OperatorSession;
use crate::support::roles::{act_as, act_as_gazelle_admin, client_of, permission_denied, query_or_sqlstate};
use crate::support::tools::example;
use crate::support::{TestInstallation, World};

/// A shop with invoices, of which this one has more items than a page of them holds.
async fn shop() -> (World, String) {
    let spec = ShopSpec { invoices: 12, ..ShopSpec::small(7) };
    let world = World::with(spec, SimOptions::default()).await;
    let (client, piano) =
        (world.control.ids(RecordKind::Client)[3].clone(), world.control.ids(RecordKind::Piano)[3].clone());
    let items: Vec<Value> = (0..45)
        .map(|n| {
            json!({ "id": format!("itm_{n:02}"), "sequenceNumber": n, "description": "accord", "quantity": 1,
                    "amount": 12_050 + n, "piano": { "id": piano } })
        })
        .collect();
    let invoice = json!({ "number": 99, "client": { "id": client }, "total": 542_250, "tags": ["école", "été"],
                          "allInvoiceItems": items });
    let id = world.control.add(RecordKind::Invoice, invoice).unwrap();
    (world, id)
}

/// The program with invoices, against a database that it has brought up to date.
async fn with_invoices() -> (World, String) {
    let (mut world, id) = shop().await;
    world.installation.program = example("with_invoices");
    let report = world.full_sync_ok().await;
    assert_eq!(report["status"], "success", "{report}");
    (world, id)
}

#[tokio::test]
async fn it_is_synced_with_its_nested_list_and_replay_and_verify_agree() {
    let (world, id) = with_invoices().await;
    assert_eq!(world.count("gazelle_invoices").await, 13);
    assert_eq!(world.count("gazelle_invoice_items").await, 45, "more than a page of them");
    let row = world.rows(&format!("SELECT * FROM gazelle_invoices WHERE external_id = '{id}'")).await;
    assert_eq!((&row[0]["total"], &row[0]["tags"]), (&json!(542_250), &json!(["école", "été"])));

    let again = world.full().await.success();
    let invoices = crate::support::entity(&again, "invoices");
    assert_eq!((&invoices["staged"], &invoices["rows_written"]), (&json!(0), &json!(0)), "{again}");
    let verdict = world.run(&["verify", "--sample", "50"]).await;
    assert_eq!(verdict.code, 0, "{verdict}");
    let tables = world.run(&["replay", "--dry-run"]).await.success()["tables"].clone();
    let listed = |name: &str| tables.as_array().unwrap().iter().find(|table| table["table"] == name).cloned();
    let items = listed("gazelle_invoice_items").unwrap_or_else(|| panic!("{tables}"));
    assert_eq!((&items["missing"], &items["changed"], &items["surplus"]), (&json!(0), &json!(0), &json!(0)));

    world
        .execute("UPDATE gazelle_invoice_items SET amount = amount + 0.5 WHERE external_id = 'itm_07'")
        .await;
    assert_eq!(world.run(&["verify", "--offline"]).await.code, 1, "what is not from staging is seen");
    world.run(&["replay"]).await.success();
    assert_eq!(world.run(&["verify", "--offline"]).await.code, 0);
    let built = world.run(&["replay", "--into", "beside"]).await;
    assert_eq!(built.code, 0, "{built}");
    assert_eq!(world.count("beside.gazelle_invoice_items").await, 45);
}

#[tokio::test]
async fn its_changes_are_undone_explained_and_its_records_deleted_and_quarantined() {
    let (world, id) = with_invoices().await;
    let items = |n: usize| -> Vec<Value> {
        (0..n).map(|n| json!({ "id": format!("itm_{n:02}"), "amount": 1 })).collect()
    };
    let live = "SELECT count(*)::text FROM gazelle_invoice_items WHERE deleted_at IS NULL";
    world
        .control
        .edit(RecordKind::Invoice, &id, json!({ "total": 100, "allInvoiceItems": items(44) }))
        .unwrap();
    let run = world.full().await.success();
    assert_eq!(
        world.text(live).await.as_deref(),
        Some("44"),
        "what is in the list no more is marked deleted"
    );
    let told = world.run(&["explain", &id, "total"]).await.success();
    assert!(told.to_string().contains("\"total\""), "{told}");
    let told = world.run(&["explain", "itm_03", "amount"]).await.success();
    assert!(told.to_string().contains("allInvoiceItems.nodes[3].amount"), "{told}");
    assert!(told.to_string().contains("InvoicesPage"), "{told}");

    world.run(&["undo", run["run_id"].as_str().unwrap()]).await.success();
    assert_eq!(world.text(live).await.as_deref(), Some("45"));
    let total = format!("SELECT total::text FROM gazelle_invoices WHERE external_id = '{id}'");
    assert_eq!(world.text(&total).await.as_deref(), Some("542250"));

    let gone = world.control.ids(RecordKind::Invoice)[2].clone();
    world.control.delete(RecordKind::Invoice, &gone).unwrap();
    let odd = world.control.ids(RecordKind::Invoice)[4].clone();
    world.control.edit(RecordKind::Invoice, &odd, json!({ "client": { "id": "cli_nobody" } })).unwrap();
    let run = world.full().await;
    assert_eq!((run.code, &run.entity("invoices")["deleted"]), (0, &json!(1)), "{run}");
    let waits = world.quarantine().await;
    let waits = waits.iter().find(|case| case["external_id"] == json!(odd)).unwrap();
    assert_eq!((&waits["entity"], &waits["waits_for"]), (&json!("invoices"), &json!("gazelle_clients")));
}

#[tokio::test]
async fn its_records_have_pages_and_are_linked_from_search_quarantine_and_the_records_they_name() {
    let (world, id) = with_invoices().await;
    let client = world.control.ids(RecordKind::Client)[3].clone();
    let piano = world.control.ids(RecordKind::Piano)[3].clone();
    let odd = world.control.ids(RecordKind::Invoice)[4].clone();
    world.control.edit(RecordKind::Invoice, &odd, json!({ "client": { "id": "cli_nobody" } })).unwrap();
    world.full().await;
    let gone = world.control.ids(RecordKind::Invoice)[2].clone();
    world
        .execute(&format!(
            "INSERT INTO sync_deletions (run_id, entity, external_id, state, evidence, found_at)
             SELECT run_id, entity, id, 'withheld', '{{}}', now()
               FROM (SELECT run_id FROM sync_runs ORDER BY started_at DESC LIMIT 1) AS r,
                    (VALUES ('invoices', '{gone}'), ('clients', '{client}'), ('pianos', '{piano}')) AS d (entity, id)"
        ))
        .await;
    let desk = OperatorSession::for_world(world).await;
    let page = async |path: &str| {
        let told = desk.operator.get(path).await;
        assert_eq!(told.status, 200, "{path}: {told:?}");
        told.body.replace('\u{a0}', " ")
    };

    let record = page(&format!("/app/records/invoices/{id}")).await;
    for shown in [
        "Invoices",
        "number",
        "99",
        "total",
        "542250",
        "client_external_id",
        "Items",
        "itm_07",
        "12057",
        &format!("/app/records/clients/{client}"),
    ] {
        assert!(record.contains(shown), "{shown}: {record}");
    }
    let explained = page(&format!("/app/records/invoices/{id}?explain=total")).await;
    assert!(explained.contains("total"), "{explained}");
    let own = format!("/app/records/invoices/{id}");
    for (entity, other) in [("clients", &client), ("pianos", &piano)] {
        let other = page(&format!("/app/records/{entity}/{other}")).await;
        assert_eq!(other.matches(&format!("href=\"{own}\"")).count(), 1, "once on the page of {entity}");
    }
    for (asked, row) in [(id.as_str(), ""), ("itm_07", "#row-itm_07")] {
        let led = desk.operator.get(&format!("/app/search?q={asked}")).await;
        assert_eq!((led.status, led.location()), (303, format!("{own}{row}").as_str()), "{asked}: {led:?}");
    }
    let cases = page("/app/quarantine?entity=invoices").await;
    assert!(cases.contains(&odd) && cases.contains("Invoices"), "{cases}");
    let run = desk.world.text("SELECT run_id::text FROM sync_deletions LIMIT 1").await.unwrap();
    let deletions = page(&format!("/app/deletions/{run}")).await;
    assert!(deletions.contains(&format!("/app/records/invoices/{gone}")), "{deletions}");
    assert_eq!(deletions.matches("1 invoice").count(), 2, "of the client and of the piano: {deletions}");
    desk.end().await;
}

#[tokio::test]
async fn a_field_of_it_that_the_api_has_no_more_fails_the_run_before_anything_is_staged() {
    let (world, _) = with_invoices().await;
    let gone = FaultKind::FieldGone { type_name: "PrivateInvoice".to_owned(), field: "dueOn".to_owned() };
    world.control.add_fault(Fault::new(gone).forever());
    let run = world.full().await;
    assert_eq!(run.code, 1, "{run}");
    assert!(run.reasons().contains("PrivateInvoice.dueOn is gone"), "{run}");
}

#[tokio::test]
async fn a_database_of_before_gains_its_tables_and_old_runs_stay_good() {
    let (mut world, _) = shop().await;
    world.execute("CREATE ROLE anon NOLOGIN; CREATE ROLE authenticated NOLOGIN").await;
    world.run(&["migrate"]).await.success();
    // One that broke off before it noted any entity.
    world
        .execute(
            "INSERT INTO sync_runs (run_id, command, mode, trigger, status, reason, started_at, finished_at, program)
             VALUES (gen_random_uuid(), 'sync', 'full', 'command', 'failed', 'broke off', now() - interval '1 hour',
                     now() - interval '1 hour', 'test')",
        )
        .await;
    world.full_sync_ok().await;
    world.run(&["migrate", "--roles"]).await.success();
    act_as_gazelle_admin(&mut world, "gazelle_owner").await;
    let before = world.production(&[]).await;

    world.installation.program = example("with_invoices");
    let refused_run = world.full().await;
    assert_eq!(refused_run.code, 1, "{refused_run}");
    assert!(refused_run.reasons().contains("gazelle-sync migrate"), "{refused_run}");
    let missing = world.run(&["migrate", "--dry-run"]).await.success()["missing"].clone();
    let names: Vec<&str> =
        missing.as_array().unwrap().iter().map(|step| step["name"].as_str().unwrap()).collect();
    assert_eq!(
        names,
        [
            "table staging_invoices",
            "table gazelle_invoices",
            "table gazelle_invoice_items",
            "view v_sync_dashboard_entities"
        ]
    );
    let applied = world.run(&["migrate"]).await.success();
    assert_eq!(applied["applied"], missing);
    assert_eq!(world.run(&["migrate"]).await.success()["applied"], json!([]), "once");
    let (same, content) = (world.production(&[]).await, world.count("gazelle_invoices").await);
    assert_eq!((same == before, content), (true, 0));

    // Runs of before were about everything that there was.
    world.execute("UPDATE sync_migrations SET applied_at = applied_at - interval '1 year'").await;
    let open = world.run(&["alerts", "check"]).await;
    assert_eq!(world.count("sync_alerts WHERE closed_at IS NULL").await, 0, "{open}");

    // Its tables are as closed, and as open, as the others.
    for role in ["gazelle_reader", "gazelle_sync"] {
        world.execute(&format!("ALTER ROLE {role} LOGIN")).await;
    }
    let reader = client_of(&world, "gazelle_reader").await;
    assert_eq!(query_or_sqlstate(&reader, "SELECT * FROM gazelle_invoices").await, Ok(0));
    assert_eq!(
        query_or_sqlstate(&reader, "SELECT raw_data FROM staging_invoices").await,
        permission_denied()
    );
    act_as(&mut world, "gazelle_sync");
    let run = world.full().await;
    assert_eq!(run.code, 0, "{run}");
    assert_eq!(query_or_sqlstate(&reader, "SELECT * FROM gazelle_invoice_items").await, Ok(45));
    let counted =
        query_or_sqlstate(&reader, "SELECT * FROM v_sync_dashboard_entities WHERE entity = 'invoices'").await;
    assert_eq!(counted, Ok(1));
    let unprotected = world
        .text("SELECT string_agg(relname, ', ') FROM pg_class WHERE relname LIKE '%invoice%' AND relkind = 'r' AND NOT relrowsecurity")
        .await;
    assert_eq!(unprotected, None);

    // A program that does not know it goes on as before.
    world.installation.program = env!("CARGO_BIN_EXE_gazelle-sync").into();
    world.full().await.success();
    assert_eq!(world.count("gazelle_invoices").await, 13);
}

#[tokio::test]
async fn a_table_of_its_name_that_is_not_ours_is_refused_and_a_column_that_is_missing_is_added() {
    let (mut world, _) = shop().await;
    world.full_sync_ok().await;
    world.execute("CREATE TABLE gazelle_invoices (external_id text PRIMARY KEY, montant numeric)").await;
    world.installation.program = example("with_invoices");
    let run = world.run(&["migrate"]).await;
    assert_eq!(run.code, 1, "{run}");
    assert!(run.reasons().contains("gazelle_invoices that gazelle-sync did not make"), "{run}");
    world.execute("DROP TABLE gazelle_invoices").await;
    world.run(&["migrate"]).await.success();
    world.full().await.success();

    world.execute("ALTER TABLE gazelle_invoices DROP COLUMN client_external_id").await;
    let applied = world.run(&["migrate"]).await.success()["applied"].clone();
    assert_eq!(applied, json!([{ "version": null, "name": "column gazelle_invoices.client_external_id" }]));
    let run = world.run(&["verify", "--offline"]).await;
    assert_eq!(run.code, 1, "its values are missing until they are rebuilt: {run}");
    world.run(&["replay"]).await.success();
    assert_eq!(world.run(&["verify", "--offline"]).await.code, 0);
}

#[tokio::test]
async fn a_list_of_it_that_is_not_whole_marks_none_of_its_rows_deleted() {
    let mut place = TestInstallation::new().await;
    place.program = example("with_invoices");
    place.run(&["migrate"]).await.success();
    let item = |id: &str| json!({ "id": id, "amount": 1 });
    let both = json!({ "nodes": [item("itm_1"), item("itm_2")] });
    let twice = json!({ "nodes": [item("itm_1"), item("itm_1")] });
    let (mut live, mut doubled) = (Vec::new(), Vec::new());
    for (what, list) in [
        ("whole", Some(both)),
        ("null", Some(Value::Null)),
        ("absent", None),
        ("one item twice", Some(twice)),
        ("whole again", Some(json!({ "nodes": [item("itm_2")] }))),
    ] {
        let mut record = json!({ "id": "inv_1", "status": what });
        if let Some(list) = list {
            record["allInvoiceItems"] = list;
        }
        let day = format!("2026-01-{:02}", live.len() + 1);
        place.stage("staging_invoices", "inv_1", &record, Some(&day)).await;
        let run = place.run(&["reconcile"]).await.success();
        assert_eq!(run["errors"], 0, "{what}: {run}");
        let items = "SELECT string_agg(external_id, ' ' ORDER BY external_id) FROM gazelle_invoice_items WHERE deleted_at IS NULL";
        live.push((what, place.text(items).await.unwrap_or_default()));
        if place
            .count("sync_quality_warnings WHERE code = 'duplicate_item' AND field LIKE '%nodes[1].id'")
            .await
            > 0
        {
            doubled.push(what);
        }
    }
    let as_text: Vec<(&str, &str)> = live.iter().map(|(what, items)| (*what, items.as_str())).collect();
    let all = "itm_1 itm_2";
    let expected =
        [("whole", all), ("null", all), ("absent", all), ("one item twice", all), ("whole again", "itm_2")];
    assert_eq!(as_text, expected);
    assert_eq!(doubled.first(), Some(&"one item twice"));
}
