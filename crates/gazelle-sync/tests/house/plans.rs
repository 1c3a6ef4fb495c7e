//! That the few versions that are left are found by the indexes that hold them alone, however long the history is.

use std::fs;

use super::src;
use super::support::Place;

/// The plan of a statement in `staging/`, with its parameters written out.
async fn plan(place: &Place, file: &str, parameters: &[&str]) -> String {
    let mut sql = fs::read_to_string(src().join("staging").join(file)).unwrap();
    for (at, parameter) in parameters.iter().enumerate() {
        sql = sql.replace(&format!("${}", at + 1), parameter);
    }
    let sql = sql
        .replace("{schema}", "public")
        .replace("{staging_table}", "staging_clients")
        .replace("{table}", "gazelle_clients")
        .replace("{entity}", "clients")
        .replace("{folded}", "said.text");
    let rows =
        place.db.query(&format!("EXPLAIN {sql}"), &[]).await.unwrap_or_else(|e| panic!("{file}: {e:?}"));
    rows.iter().map(|row| row.get::<_, &str>(0)).collect::<Vec<_>>().join("\n")
}

#[tokio::test]
async fn what_is_left_is_found_by_an_index_of_its_own() {
    let place = Place::new().await;
    place.run(&["migrate"]).await.success();
    place
        .execute(
            "INSERT INTO staging_clients (id, external_id, raw_data, fetched_at, sync_status, run_id)
             SELECT gen_random_uuid(), 'c' || (g % 5000), '{}', timestamptz '2026-01-01' + g * interval '1 s',
                    CASE WHEN g % 4000 = 0 THEN 'pending' WHEN g % 3999 = 0 THEN 'error' ELSE 'processed' END,
                    gen_random_uuid()
               FROM generate_series(1, 20000) g",
        )
        .await;
    let run = "'00000000-0000-0000-0000-000000000001'::uuid";
    let last = "'ffffffff-ffff-ffff-ffff-ffffffffffff'::uuid";
    // Also of a table that is being filled, which has no statistics yet.
    for statistics in ["", "ANALYZE"] {
        place.execute(statistics).await;
        for (file, parameters, indexes) in [
            ("pending/first_left.sql", &[run][..], &["staging_clients_pending"][..]),
            ("pending/claim.sql", &[run, last, "100"], &["staging_clients_pending"]),
            ("counts/backlog/backlog.sql", &[], &["staging_clients_pending"]),
            (
                "deletions/staged_suspects.sql",
                &[run, "true"],
                &["staging_clients_pending", "staging_clients_error"],
            ),
        ] {
            let plan = plan(&place, file, parameters).await;
            for index in indexes {
                assert!(plan.contains(index), "{statistics} {file}: {plan}");
            }
            assert!(!plan.contains("Seq Scan on staging_clients"), "{statistics} {file}: {plan}");
        }
    }
    // A page of a long quarantine costs what it shows, wherever it begins.
    place
        .execute(
            "INSERT INTO sync_quarantine (staging_id, entity, external_id, error_code, state, attempts, first_seen_at, last_seen_at)
             SELECT id, 'clients', external_id, 'no_id', 'open', 1, now(), fetched_at FROM staging_clients;
             ANALYZE sync_quarantine",
        )
        .await;
    for after in [["NULL", "NULL", "NULL"], ["timestamptz '2026-01-01T02:00Z'", "'c1'", last]] {
        let [at, id, staging_id] = after;
        let page = &["'clients'", "NULL", "NULL", "100", "'{open,waiting}'", "true", at, id, staging_id];
        let plan = plan(&place, "quarantine/cases.sql", page).await;
        assert!(plan.contains("sync_quarantine_listed"), "{plan}");
        assert!(!plan.contains("Sort") && !plan.contains("Seq Scan"), "{plan}");
    }
    // What is processed stays out of them.
    let left =
        place.one::<i64>("SELECT count(*) FROM staging_clients WHERE sync_status <> 'processed'", &[]).await;
    let tuples = place
        .one::<f32>("SELECT sum(reltuples)::real FROM pg_class WHERE relname IN ('staging_clients_pending', 'staging_clients_error')", &[])
        .await;
    assert_eq!(left, 10);
    assert_eq!(tuples as i64, left);
}

#[tokio::test]
async fn what_changed_lately_is_found_by_the_ids_of_that_time() {
    let place = Place::new().await;
    place.run(&["migrate"]).await.success();
    place
        .execute(
            "INSERT INTO staging_clients (id, external_id, raw_data, fetched_at, sync_status)
             SELECT ('01900000-0000-7000-8000-' || lpad(to_hex(g), 12, '0'))::uuid, 'c' || (g % 5000),
                    '{\"start\": \"2025-01-01T12:00:00Z\"}', timestamptz '2025-01-01' + g * interval '1 s', 'processed'
               FROM generate_series(1, 20000) g",
        )
        .await;
    place.execute("ANALYZE").await;
    let parameters = ["'01a23400-0000-7000-8000-000000000000'::uuid", "'2026-12-03'", "'2026-12-04'", "300"];
    let changed = plan(&place, "history/recent/changed.sql", &parameters).await;
    // A page of changes begins anywhere, and stops where it is full: nothing is sorted.
    let (first, end) =
        ("'01900000-0000-7000-8000-000000000000'::uuid", "'01900000-0000-7000-8000-000000004000'::uuid");
    let all = [first, end, "NULL", "NULL", "NULL", "12000", "50"];
    let of_day =
        [first, end, "timestamptz '2025-01-01'", "timestamptz '2025-01-02'", "'usr_1'", "12000", "50"];
    let moved = plan(&place, "history/recent/moved.sql", &all).await;
    let moved_on = plan(&place, "history/recent/moved.sql", &of_day).await;
    let looked_to = plan(&place, "history/recent/looked_to.sql", &[first, end, "12000"]).await;
    for plan in [changed, moved, moved_on, looked_to] {
        assert!(plan.contains("staging_clients_pkey"), "{plan}");
        assert!(
            !plan.contains("Seq Scan") && !plan.contains("Sort Key: s") && !plan.contains("Sort Key: v"),
            "{plan}"
        );
    }
}

#[tokio::test]
async fn the_pages_of_a_record_a_case_and_a_run_read_no_whole_staging_table() {
    let place = Place::new().await;
    place.run(&["migrate"]).await.success();
    place
        .execute(
            "INSERT INTO staging_clients (id, external_id, raw_data, fetched_at, sync_status, run_id)
             SELECT ('01900000-0000-7000-8000-' || lpad(to_hex(g), 12, '0'))::uuid, 'c' || (g % 5000),
                    '{\"id\": \"c\"}', timestamptz '2025-01-01' + g * interval '1 s', 'processed',
                    '01900000-0000-7000-8000-000000000000'
               FROM generate_series(1, 20000) g;
             INSERT INTO sync_quarantine (staging_id, entity, external_id, error_code, state, attempts, first_seen_at, last_seen_at)
             SELECT id, 'clients', external_id, 'no_id', 'open', 1, now(), fetched_at FROM staging_clients LIMIT 2000",
        )
        .await;
    let (low, high) =
        ("'01a23400-0000-7000-8000-000000000000'::uuid", "'01a23500-0000-7000-8000-000000000000'::uuid");
    for statistics in ["", "ANALYZE"] {
        place.execute(statistics).await;
        for (file, parameters) in [
            ("history/history.sql", &["'c17'", "50"][..]),
            ("quarantine/one.sql", &[low]),
            ("history/run_versions/versions.sql", &[low, high, low, "200"]),
            ("history/run_versions/counts.sql", &[low, high, low, "5000"]),
            ("deletions/last_seen.sql", &["'{clients}'::text[]", "'{c17}'::text[]"]),
            ("quarantine/matching.sql", &["'{%a%}'::text[]", "'é'", "'e'", "20", "200"]),
        ] {
            let plan = plan(&place, file, parameters).await;
            assert!(!plan.contains("Seq Scan on staging_clients"), "{statistics} {file}: {plan}");
        }
    }
}
