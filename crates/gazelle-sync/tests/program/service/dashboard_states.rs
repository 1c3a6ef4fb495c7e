//! What the pages say of data and runs in unusual states: old data while a run is in progress, runs without counts,
//! decided deletions.

use crate::support::World;
use crate::support::people::{invited, signed_in};
use crate::support::service::{Serving, until};

const MARK: &str = "INSERT INTO sync_notes (key, value) VALUES ('shop', 'demo')";

/// The demonstration's service over a world.
async fn shown(world: &World) -> Serving {
    world.execute(MARK).await;
    let serving = Serving::start(world, &[]).await;
    until("a page is shown", async || serving.get("/app/").await.0 == 200).await;
    serving
}

async fn page(serving: &Serving, path: &str) -> String {
    let (status, body) = serving.get(path).await;
    assert_eq!(status, 200, "{path}: {body}");
    body.replace("&#39;", "'").replace('\u{a0}', " ")
}

/// The navigation of a page, with its counts.
fn navigation(body: &str) -> &str {
    let (from, to) = (body.find("<nav").expect("a navigation"), body.find("</nav>").expect("its end"));
    &body[from..to]
}

#[tokio::test]
async fn old_data_is_out_of_date_while_a_run_is_in_progress_too() {
    let world = World::unscheduled().await;
    world
        .execute(
            "UPDATE sync_runs SET started_at = started_at - interval '5 h', finished_at = finished_at - interval '5 h';
             UPDATE sync_migrations SET applied_at = applied_at - interval '6 h'",
        )
        .await;
    let serving = shown(&world).await;
    world
        .execute(
            "INSERT INTO sync_runs (run_id, command, mode, trigger, status, started_at, program)
             VALUES (gen_random_uuid(), 'sync', 'incremental', 'schedule', 'running', now(), 'test')",
        )
        .await;
    let body = page(&serving, "/app/").await;
    assert!(body.contains("Out of date") && body.contains("verdict bad"), "{body}");
    assert_eq!(serving.document("/app/overview.json").await["facts"]["stale"], true);
    assert_eq!(serving.stop().await.code, Some(0));
}

#[tokio::test]
async fn a_run_without_counts_is_told_as_in_progress_or_as_interrupted() {
    let world = World::unscheduled().await;
    let serving = shown(&world).await;
    let insert = |status: &str, finished: &str| {
        format!(
            "INSERT INTO sync_runs (run_id, command, mode, trigger, status, started_at, finished_at, program)
             VALUES (gen_random_uuid(), 'sync', 'incremental', 'schedule', '{status}', now(), {finished}, 'test')"
        )
    };
    for (status, finished, said) in [
        ("running", "NULL", "The run is in progress: it is counted when it ends."),
        ("interrupted", "now()", "Not known: the run was interrupted before it was counted."),
    ] {
        world.execute(&insert(status, finished)).await;
        let id = world
            .text(&format!("SELECT run_id::text FROM sync_runs WHERE status = '{status}'"))
            .await
            .unwrap();
        let body = page(&serving, &format!("/app/runs/{id}")).await;
        assert!(body.matches(said).count() >= 2, "{status}: counts and errors: {body}");
        for wrong in ["No record of this run went into", "Nothing was counted", "This run noted no warning"] {
            assert!(!body.contains(wrong), "{status}: {wrong}: {body}");
        }
    }
    assert_eq!(serving.stop().await.code, Some(0));
}

#[tokio::test]
async fn a_deletion_that_was_found_and_kept_is_no_none_ever() {
    let world = World::unscheduled().await;
    let serving = shown(&world).await;
    assert!(page(&serving, "/app/deletions").await.contains("None was found by the runs that are kept."));
    world
        .execute(
            "INSERT INTO sync_deletions (run_id, entity, external_id, state, evidence, found_at, decided_at)
             SELECT run_id, 'clients', 'cli_' || n, CASE WHEN n = 3 THEN 'superseded' ELSE 'dismissed' END, '{}', now(), now()
               FROM sync_runs, generate_series(1, 3) n",
        )
        .await;
    let body = page(&serving, "/app/deletions").await;
    assert!(body.contains("3 were found since") && !body.contains("None was"), "{body}");
    assert_eq!(serving.stop().await.code, Some(0));
}

#[tokio::test]
async fn every_page_of_the_frame_counts_what_waits() {
    let world = World::unscheduled().await;
    assert!(world.count("sync_quarantine").await > 0);
    let serving = Serving::start(&world, &[]).await;
    let operator = signed_in(&world, &serving, "Opératrice Exemple", &["--role", "operator"]).await;
    let id = world.text("SELECT id::text FROM sync_people").await.unwrap();
    for path in ["/app/runs", "/app/people", &format!("/app/people/{id}"), "/app/me", "/app/nothing"] {
        let body = operator.get(path).await.body;
        assert!(navigation(&body).contains("class=\"count\">3<"), "{path}: {}", navigation(&body));
    }
    assert_eq!(serving.stop().await.code, Some(0));
}

#[tokio::test]
async fn where_nothing_may_be_written_no_form_is_offered_that_would_write() {
    let mut world = World::unscheduled().await;
    let serving = Serving::start(&world, &[]).await;
    let mut operator = signed_in(&world, &serving, "Opératrice Exemple", &["--role", "operator"]).await;
    assert_eq!(serving.stop().await.code, Some(0));
    let id = world.text("SELECT id::text FROM sync_people").await.unwrap();
    let link = invited(&world, "Bureau Exemple", &["--role", "office"]).await;
    let other = world.text("SELECT id::text FROM sync_people WHERE role = 'office'").await.unwrap();
    world.set("GAZELLE_SYNC_DASHBOARD_READ_ONLY", "on");
    let serving = Serving::start(&world, &[]).await;
    operator.base.clone_from(&serving.base);
    until("the database is open", async || operator.get("/app/people").await.status == 200).await;
    let link = link[link.find("/app/").unwrap()..].to_owned();
    for path in [
        link,
        "/app/people".to_owned(),
        format!("/app/people/{id}"),
        format!("/app/people/{other}"),
        "/app/me".to_owned(),
    ] {
        let said = operator.get(&path).await;
        assert_eq!(said.status, 200, "{path}: {said:?}");
        let actions = said.body.split("<form method=\"post\" action=\"").skip(1);
        let written: Vec<&str> = actions
            .filter_map(|form| form.split('"').next())
            .filter(|path| !path.ends_with("sign-out"))
            .collect();
        assert!(written.is_empty(), "{path}: {written:?}");
        assert!(!said.body.contains(&format!("action=\"/app/people/{other}/sign-out")), "{path}");
        assert!(said.body.contains("dashboard_read_only"), "{path}: {}", said.body);
    }
    assert_eq!(serving.stop().await.code, Some(0));
}
