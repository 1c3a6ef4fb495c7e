//! Frequent statements use their partial indexes, however long the history is.

use std::fs;

use super::src;
use super::support::TestInstallation;

/// The plan of a statement in `staging/`, with its parameters written out.
async fn plan(place: &TestInstallation, file: &str, parameters: &[&str]) -> String {
    let mut sql = fs::read_to_string(src().join("staging").join(file)).unwrap();
    for (at, parameter) in parameters.iter().enumerate() {
        sql = sql.replace(&format!("${}", at + 1), parameter);
    }
    let earlier = fs::read_to_string(src().join("staging/history/recent/earlier.sql")).unwrap();
    let sql = sql
        .replace("{earlier}", &earlier)
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
    let place = TestInstallation::new().await;
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
    let place = TestInstallation::new().await;
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
    let all = [first, end, "NULL", "NULL", "NULL", "12000", "50", "NULL"];
    let of_day = [
        first,
        end,
        "timestamptz '2025-01-01'",
        "timestamptz '2025-01-02'",
        "'usr_1'",
        "12000",
        "50",
        "'moved'",
    ];
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
    let place = TestInstallation::new().await;
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

#[tokio::test]
async fn what_every_page_and_overview_count_is_found_by_indexes() {
    let place = TestInstallation::new().await;
    place.run(&["migrate"]).await.success();
    place
        .execute(
            "INSERT INTO sync_runs (run_id, command, mode, trigger, status, started_at, finished_at, program)
             SELECT gen_random_uuid(), 'sync', 'incremental', 'schedule', 'success', now() - g * interval '15 min',
                    now() - g * interval '15 min', 'test'
               FROM generate_series(1, 5000) g;
             INSERT INTO sync_run_entities (run_id, entity) SELECT run_id, name FROM sync_runs,
                    unnest('{users,clients,pianos,appointments}'::text[]) name;
             INSERT INTO sync_deletions (run_id, entity, external_id, state, evidence, found_at)
             SELECT run_id, 'clients', 'c' || g, CASE WHEN g % 5000 = 0 THEN 'withheld' ELSE 'deleted' END, '{}', started_at
               FROM (SELECT * FROM sync_runs LIMIT 4) r, generate_series(1, 5000) g;
             INSERT INTO sync_quality_warnings (entity, external_id, code, field, first_seen_at, last_seen_at)
             SELECT 'clients', 'c' || g, CASE WHEN g % 3 = 0 THEN 'unreadable_field' ELSE 'other' END, 'f',
                    timestamptz '2025-01-01' + g * interval '1 s', now()
               FROM generate_series(1, 20000) g;
             INSERT INTO sync_quarantine (staging_id, entity, external_id, error_code, state, attempts, first_seen_at, last_seen_at, closed_at)
             SELECT gen_random_uuid(), 'clients', 'c' || g, 'no_id', CASE WHEN g % 5000 = 0 THEN 'open' ELSE 'released' END, 1,
                    now(), now(), CASE WHEN g % 5000 = 0 THEN NULL ELSE now() END
               FROM generate_series(1, 20000) g;
             INSERT INTO sync_actions (id, kind, arguments, digest, asked_at, outcome, ended_at)
             SELECT gen_random_uuid(), 'sync', '{}', '', now(), 'done', now() FROM generate_series(1, 5000)",
        )
        .await;
    for statistics in ["", "ANALYZE"] {
        place.execute(statistics).await;
        // What open pages are told is asked for every second or so.
        let marks = plan(&place, "../dashboard/live/marks.sql", &["'{}'::uuid[]"]).await;
        for index in ["sync_runs_started", "sync_deletions_withheld"] {
            assert!(marks.contains(index), "{statistics} {index}: {marks}");
        }
        for table in ["staging_", "sync_runs", "sync_quarantine", "sync_deletions", "sync_actions"] {
            assert!(!marks.contains(&format!("Seq Scan on {table}")), "{statistics} {table}: {marks}");
        }
        let waits = plan(&place, "../dashboard/waits.sql", &[]).await;
        assert!(waits.contains("sync_deletions_withheld"), "{statistics}: {waits}");
        assert!(!waits.contains("Seq Scan on sync_deletions"), "{statistics}: {waits}");
        let since = &["timestamptz '2026-01-01'"];
        let unreadable = plan(&place, "../alerts/conditions/unreadable_fields.sql", since).await;
        assert!(unreadable.contains("sync_quality_warnings_unreadable"), "{statistics}: {unreadable}");
    }
    // Which entities are known is asked of each entity, not of every row of every run.
    let names = "'{users,clients,pianos,appointments}'::text[]";
    let bad_run = plan(&place, "../alerts/conditions/bad_run.sql", &[names, "now()", "3"]).await;
    let known = bad_run.split("CTE dated").next().unwrap_or_default();
    assert!(
        known.contains("sync_run_entities_entity") && !known.contains("Seq Scan on sync_run_entities"),
        "{bad_run}"
    );
}

#[tokio::test]
async fn what_charts_show_of_runs_and_quarantine_is_found_by_indexes() {
    let place = TestInstallation::new().await;
    place.run(&["migrate"]).await.success();
    // A year of runs, the requests of the last weeks, and a long quarantine.
    place
        .execute(
            "INSERT INTO sync_runs (run_id, command, mode, trigger, status, started_at, finished_at, program)
             SELECT gen_random_uuid(), 'sync', 'incremental', 'schedule', 'success', now() - g * interval '15 min',
                    now() - g * interval '15 min', 'test'
               FROM generate_series(1, 20000) g;
             INSERT INTO sync_run_entities (run_id, entity, walk, staged) SELECT run_id, name, 'whole', 1 FROM sync_runs,
                    unnest('{users,clients,pianos,appointments}'::text[]) name;
             INSERT INTO sync_run_requests (run_id, sequence, operation, variables, attempts, outcome, latency_ms, bytes, started_at)
             SELECT run_id, n, 'q', '{}', 1, 'ok', n, 1, started_at
               FROM sync_runs, generate_series(1, 50) n
              WHERE started_at > now() - interval '42 days';
             INSERT INTO sync_quarantine (staging_id, entity, external_id, error_code, state, attempts, first_seen_at, last_seen_at, closed_at)
             SELECT gen_random_uuid(), 'clients', 'c' || g, 'no_id', CASE WHEN g % 2 = 0 THEN 'released' ELSE 'open' END, 1,
                    now() - g * interval '10 min', now(), CASE WHEN g % 2 = 0 THEN now() - g * interval '9 min' END
               FROM generate_series(1, 50000) g",
        )
        .await;
    let requests = place.one::<i64>("SELECT count(*) FROM sync_run_requests", &[]).await;
    assert!(requests > 200_000, "{requests}");
    let spans = |days: u32, each: &str| {
        format!(
            "(SELECT array_agg(at ORDER BY at) FROM generate_series(date_trunc('day', now()) - interval '{days} days',
              date_trunc('day', now()) + interval '1 day', interval '{each}') at)"
        )
    };
    // As the pages send it, a value: a sub-select is planned without knowing its first element.
    let written = async |spans: &str| {
        format!("'{}'::timestamptz[]", place.one::<String>(&format!("SELECT {spans}::text"), &[]).await)
    };
    let (days, hours) = (written(&spans(29, "1 day")).await, written(&spans(6, "1 hour")).await);
    let since = "now() - interval '30 days'";
    let runs =
        "(SELECT array_agg(run_id) FROM (SELECT run_id FROM sync_runs ORDER BY started_at DESC LIMIT 50) r)";
    let charts = "../run_log/run_charts";
    // Also of tables without statistics.
    for statistics in ["", "ANALYZE"] {
        place.execute(statistics).await;
        for (file, parameters, indexes) in [
            (
                format!("{charts}/usual.sql"),
                &[since][..],
                &["sync_runs_started", "sync_run_entities_pkey"][..],
            ),
            (format!("{charts}/changed.sql"), &[runs], &["sync_run_entities_pkey"]),
            (
                format!("{charts}/growth.sql"),
                &[&days, "10000"],
                &["sync_runs_started", "sync_run_entities_pkey"],
            ),
            (
                format!("{charts}/latency.sql"),
                &[&hours, "'{30,60,125}'", "100000", "3000"],
                &["sync_runs_started", "sync_run_requests_pkey"],
            ),
            (
                "../dashboard/screens/quarantine/in_and_out.sql".to_owned(),
                &[&days],
                &["sync_quarantine_first_seen", "sync_quarantine_ended"],
            ),
            (
                "../run_log/run_pages/requests.sql".to_owned(),
                &["'00000000-0000-0000-0000-000000000001'::uuid", "201", "200"],
                &["sync_run_requests_pkey"],
            ),
        ] {
            let plan = plan(&place, &file, parameters).await;
            // Without statistics, how much is of that time is a guess; what belongs to a run is read by its index anyway.
            let is_guess = |index: &str| statistics.is_empty() && !index.ends_with("_pkey");
            for index in indexes.iter().filter(|index| !is_guess(index)) {
                assert!(plan.contains(index), "{statistics} {file}: {plan}");
            }
            for table in ["sync_run_entities", "sync_run_requests", "sync_quarantine"] {
                let reads_all = plan.contains(&format!("Seq Scan on {table}"));
                assert!(
                    !reads_all || is_guess(table) && table == "sync_quarantine",
                    "{statistics} {file}: {plan}"
                );
            }
        }
    }
}
