//! Old rows that something of a user's rests on stay, keep no other from going, and are told; no run fails because of them,
//! and no row of a user's goes.

use gazelle_sync::db::ConnectSettings;
use serde_json::json;

use crate::support::quarantined::place;
use crate::support::{CommandOutput, TestInstallation};

/// Three versions of each of two clients, of which the setting wants the first to go.
async fn old_versions(place: &TestInstallation) {
    place.run(&["migrate"]).await.success();
    for id in ["a", "b"] {
        for (version, days) in [("1", 90), ("2", 80), ("3", 10)] {
            let ago = format!("SELECT (now() - interval '{days} days')::text");
            let at = place.text(&ago).await.unwrap();
            let record = json!({ "id": id, "companyName": version, "v": format!("{id}{version}") });
            place.stage("staging_clients", id, &record, Some(&at)).await;
            place.run(&["reconcile", "--entity", "clients"]).await.success();
        }
    }
}

async fn versions(place: &TestInstallation) -> String {
    let sql =
        "SELECT string_agg(raw_data ->> 'v', ' ' ORDER BY external_id, fetched_at) FROM staging_clients";
    place.text(sql).await.unwrap()
}

/// The warnings of a run about old rows that stay, of a table.
fn kept(run: &CommandOutput, table: &str) -> String {
    let warnings = run.json()["warnings"].as_array().unwrap().clone();
    let of = warnings.iter().filter(|it| it["code"] == "kept_old_rows" && it["subject"] == table);
    of.map(|it| it["message"].as_str().unwrap().to_owned()).collect::<Vec<_>>().join("; ")
}

const TRIGGER: &str = "CREATE FUNCTION garde() RETURNS trigger LANGUAGE plpgsql AS $$
      BEGIN IF OLD.raw_data ->> 'v' = 'a1' THEN {does}; END IF; RETURN OLD; END $$;
    CREATE TRIGGER garde BEFORE DELETE ON staging_clients FOR EACH ROW EXECUTE FUNCTION garde()";

#[tokio::test]
async fn a_version_that_something_of_a_users_rests_on_stays_and_no_other_does() {
    let key = |action: &str| {
        format!(
            "CREATE TABLE mes_versions (version uuid CONSTRAINT ma_cle REFERENCES staging_clients (id) {action});
             INSERT INTO mes_versions SELECT id FROM staging_clients WHERE raw_data ->> 'v' = 'a1'"
        )
    };
    let mut place = place().await;
    old_versions(&place).await;
    for (name, add, remove, by) in [
        (
            "cascade",
            key("ON DELETE CASCADE"),
            "DROP TABLE mes_versions",
            "foreign key ma_cle of public.mes_versions",
        ),
        (
            "set null",
            key("ON DELETE SET NULL"),
            "DROP TABLE mes_versions",
            "foreign key ma_cle of public.mes_versions",
        ),
        ("no action", key(""), "DROP TABLE mes_versions", "foreign key ma_cle of public.mes_versions"),
        (
            "restrict",
            key("ON DELETE RESTRICT"),
            "DROP TABLE mes_versions",
            "foreign key ma_cle of public.mes_versions",
        ),
        ("raise", TRIGGER.replace("{does}", "RAISE 'non'"), "DROP FUNCTION garde CASCADE", "garde()"),
        (
            "null",
            TRIGGER.replace("{does}", "RETURN NULL"),
            "DROP FUNCTION garde CASCADE",
            "trigger garde (function garde)",
        ),
    ] {
        place.execute("BEGIN; CREATE TABLE copie AS SELECT * FROM staging_clients; COMMIT").await;
        place.execute(&add).await;
        place.env.insert("GAZELLE_SYNC_RETENTION".to_owned(), "30".to_owned());
        for _ in 0..2 {
            let run = place.run(&["reconcile"]).await;
            run.success();
            assert_eq!(versions(&place).await, "a1 a2 a3 b2 b3", "{name}: {run}");
            let told = kept(&run, "staging_clients");
            assert!(told.contains(": 1 by ") && told.contains(by), "{name}: {run}");
            if remove.contains("mes_versions") {
                assert_eq!(place.count("mes_versions WHERE version IS NOT NULL").await, 1, "{name}");
            }
        }
        let doctor = place.run(&["doctor"]).await;
        let named = if remove.contains("mes_versions") { "ma_cle" } else { "garde" };
        assert!(doctor.stdout.contains(named), "{name}: {doctor}");
        place.env.remove("GAZELLE_SYNC_RETENTION");
        place.execute(remove).await;
        place
            .execute(
                "INSERT INTO staging_clients SELECT * FROM copie ON CONFLICT DO NOTHING; DROP TABLE copie",
            )
            .await;
    }
    place.env.insert("GAZELLE_SYNC_RETENTION".to_owned(), "30".to_owned());
    let run = place.run(&["reconcile"]).await;
    run.success();
    assert_eq!(
        (versions(&place).await.as_str(), kept(&run, "staging_clients")),
        ("a2 a3 b2 b3", String::new())
    );
}

/// The position is that of a version, not of its record.
#[tokio::test]
async fn thousands_of_versions_of_one_record_that_a_trigger_keeps_are_passed_over() {
    let mut place = place().await;
    old_versions(&place).await;
    place
        .execute(
            "INSERT INTO staging_clients (external_id, raw_data, sync_status, fetched_at)
             SELECT 'a', '{\"id\": \"a\", \"v\": \"a1\"}', 'processed', now() - interval '200 days' + n * interval '1 minute'
               FROM generate_series(1, 4100) n",
        )
        .await;
    place.execute(&TRIGGER.replace("{does}", "RETURN NULL")).await;
    place.env.insert("GAZELLE_SYNC_RETENTION".to_owned(), "30".to_owned());
    let run = tokio::time::timeout(std::time::Duration::from_secs(120), place.run(&["reconcile"])).await;
    let run = run.expect("it ends");
    run.success();
    assert_eq!(place.count("staging_clients WHERE external_id = 'a'").await, 4103);
    assert_eq!(place.count("staging_clients WHERE external_id = 'b'").await, 2);
    assert!(kept(&run, "staging_clients").contains("4101 by trigger garde"), "{run}");

    // One that refuses each with an error does not make the run last for hours.
    place.execute("DROP FUNCTION garde CASCADE").await;
    place.execute(&TRIGGER.replace("{does}", "RAISE 'non'")).await;
    let run = tokio::time::timeout(std::time::Duration::from_secs(120), place.run(&["reconcile"])).await;
    let run = run.expect("it ends");
    run.success();
    assert!(kept(&run, "staging_clients").contains("untried after 64 refusals"), "{run}");
}

/// To find each of them takes a dozen transactions that fail.
#[tokio::test]
async fn a_few_versions_that_a_trigger_keeps_let_all_others_go() {
    let mut place = place().await;
    old_versions(&place).await;
    place
        .execute(
            "INSERT INTO staging_clients (external_id, raw_data, sync_status, fetched_at)
             SELECT id, jsonb_build_object('id', id, 'v', id || v), 'processed', now() - interval '1 day' * (100 - v)
               FROM (SELECT 'z' || n AS id, v
                       FROM generate_series(1, 1500) n, generate_series(1, 2) v) AS held",
        )
        .await;
    let keeps = TRIGGER.replace("OLD.raw_data ->> 'v' = 'a1'", "OLD.external_id LIKE 'z%07'");
    place.execute(&keeps.replace("{does}", "RAISE 'non'")).await;
    place.env.insert("GAZELLE_SYNC_RETENTION".to_owned(), "30".to_owned());
    let run = place.run(&["reconcile"]).await;
    // Production has none of them.
    assert_eq!(run.code, 3, "{run}");
    // Fourteen of them, far from each other.
    assert_eq!(place.count("staging_clients WHERE external_id LIKE 'z%'").await, 1514, "{run}");
    let told = kept(&run, "staging_clients");
    assert!(told.contains("garde") && !told.contains("untried"), "{run}");
}

#[tokio::test]
async fn what_a_users_rows_rest_on_in_the_bookkeeping_stays_with_them() {
    let place = place().await;
    place.run(&["migrate"]).await.success();
    place
        .execute(
            "INSERT INTO sync_runs (run_id, command, trigger, status, started_at, fencing_token, program)
             SELECT gen_random_uuid(), 'sync', 'command', 'success', now() - interval '300 days' + n * interval '1 minute', 1, 'x'
               FROM generate_series(1, 220) n;
             INSERT INTO sync_run_warnings (run_id, code, subject, message)
             SELECT run_id, 'c', 's', 'm' FROM sync_runs ORDER BY started_at LIMIT 3;
             CREATE TABLE mes_passages (run uuid CONSTRAINT ma_cle REFERENCES sync_runs ON DELETE CASCADE);
             INSERT INTO mes_passages SELECT run_id FROM sync_runs ORDER BY started_at LIMIT 1;
             CREATE TABLE mes_avis (run uuid, code text, subject text,
                 CONSTRAINT mon_avis FOREIGN KEY (run, code, subject) REFERENCES sync_run_warnings ON DELETE CASCADE);
             INSERT INTO mes_avis SELECT run_id, 'c', 's' FROM sync_runs ORDER BY started_at OFFSET 1 LIMIT 1;
             CREATE FUNCTION garde() RETURNS trigger LANGUAGE plpgsql AS $$
               BEGIN IF OLD.started_at < now() - interval '300 days' + interval '4 minutes' THEN RAISE 'non'; END IF; RETURN OLD; END $$;
             CREATE TRIGGER garde BEFORE DELETE ON sync_runs FOR EACH ROW EXECUTE FUNCTION garde()",
        )
        .await;
    let run = place.run(&["reconcile"]).await;
    run.success();
    assert_eq!(place.count("mes_passages").await + place.count("mes_avis").await, 2, "{run}");
    // Those two, one that the trigger refuses, the last hundred.
    let old = place.count("sync_runs WHERE started_at < now() - interval '100 days'").await;
    assert!((100..=104).contains(&old), "{old}: {run}");
    for words in ["foreign key ma_cle", "foreign key mon_avis", "garde()"] {
        assert!(kept(&run, "sync_runs").contains(words), "{words}: {run}");
    }
}

/// The duties of the service remove them, and say which stay.
#[tokio::test]
async fn old_alerts_and_requests_that_a_trigger_keeps_let_all_others_go() {
    for does in ["RAISE 'non'", "RETURN NULL"] {
        let place = TestInstallation::new().await;
        place.run(&["migrate"]).await.success();
        place
            .execute(&format!(
                "INSERT INTO sync_alerts (id, kind, facts, opened_at, closed_at)
                 SELECT gen_random_uuid(), 'kind ' || n, '{{}}', now() - interval '200 days', now() - interval '199 days'
                   FROM generate_series(1, 20) n;
                 INSERT INTO sync_wanted_runs (mode, requested_by, requested_at, outcome, ended_at)
                 SELECT 'full', 'kind ' || n, now() - interval '200 days', 'success', now() - interval '199 days'
                   FROM generate_series(1, 20) n;
                 CREATE FUNCTION garde() RETURNS trigger LANGUAGE plpgsql AS $$
                   BEGIN IF to_jsonb(OLD)::text LIKE '%kind 7\"%' THEN {does}; END IF; RETURN OLD; END $$;
                 CREATE TRIGGER garde BEFORE DELETE ON sync_alerts FOR EACH ROW EXECUTE FUNCTION garde();
                 CREATE TRIGGER garde BEFORE DELETE ON sync_wanted_runs FOR EACH ROW EXECUTE FUNCTION garde()"
            ))
            .await;

        let settings =
            ConnectSettings { url: place.url(), ca_file: None, schema: "public".to_owned(), connections: 2 };
        let db = gazelle_sync::db::connect(&settings).await.unwrap();
        for _ in 0..2 {
            let alerts = gazelle_sync::alerts::forget_old(&db).await.unwrap();
            let requests = gazelle_sync::run_log::run_requests::forget_old(&db).await.unwrap();
            let left = (place.count("sync_alerts").await, place.count("sync_wanted_runs").await);
            assert_eq!(left, (1, 1), "{does}: {alerts:?} {requests:?}");
            for (told, table) in [(alerts, "sync_alerts"), (requests, "sync_wanted_runs")] {
                let told = told.unwrap();
                assert!(told.contains(table) && told.contains("garde"), "{does}: {told}");
            }
        }
    }
}
