//! What the commands that change something print.

use super::*;
use crate::support::roles::supabase;
use crate::support::sink::WebhookReceiver;

/// A copy of the shop, with nothing logged between.
async fn copy() -> World {
    let mut world = World::with(shop(), SimOptions::default()).await;
    quiet(&mut world);
    world
}

fn quiet(world: &mut World) {
    for (name, value) in [("GAZELLE_SYNC_LOG", "error"), ("GAZELLE_SYNC_LISTEN", "127.0.0.1:1")] {
        world.set(name, value);
    }
}

#[tokio::test]
async fn the_outputs_of_each_stage_alone_are_these() {
    let world = copy().await;
    pin_text(&world, "migrate", &["migrate"]).await;
    pin_json(&world, "migrate", &["migrate", "--schema", "second"]).await;
    pin_text(&world, "fetch", &["fetch"]).await;
    pin_json(&world, "fetch", &["fetch", "--schema", "second"]).await;
    pin_text(&world, "reconcile", &["reconcile"]).await;
    pin_json(&world, "reconcile", &["reconcile", "--schema", "second"]).await;
}

#[tokio::test]
async fn the_outputs_about_quarantine_and_undo_are_these() {
    let world = copy().await;
    world.run(&["sync", "--mode", "full"]).await;
    let unreadable = world.event_titled("Bad record: unreadable_start");
    let ghost = world.event_titled("Bad record: ghost_client");
    pin_both(&world, "errors_retry", &["errors", "retry", &unreadable]).await;
    let reason = ["--reason", "test entry of ours"];
    pin_text(&world, "errors_dismiss", &["errors", "dismiss", &unreadable, reason[0], reason[1]]).await;
    pin_json(&world, "errors_dismiss", &["errors", "dismiss", &ghost, reason[0], reason[1]]).await;
    let event = world.control.ids(RecordKind::Event)[0].clone();
    world.control.edit(RecordKind::Event, &event, json!({ "title": "Piano déplacé" })).unwrap();
    world.run(&["sync", "--mode", "full"]).await;
    let run = last_run(&world).await;
    pin_text(&world, "undo", &["undo", &run]).await;
    pin_both(&world, "undo_lift_dry_run", &["undo", &run, "--lift", "--dry-run"]).await;
    pin_text(&world, "undo_lift", &["undo", &run, "--lift"]).await;
    world.control.edit(RecordKind::Event, &event, json!({ "title": "Piano revenu" })).unwrap();
    world.run(&["sync", "--mode", "full"]).await;
    let run = last_run(&world).await;
    pin_json(&world, "undo", &["undo", &run]).await;
    pin_json(&world, "undo_lift", &["undo", &run, "--lift"]).await;
}

#[tokio::test]
async fn the_outputs_of_a_copy_of_production_and_of_a_comparison_with_the_api_are_these() {
    let world = copy().await;
    world.run(&["sync", "--mode", "full"]).await;
    pin_text(&world, "replay_into", &["replay", "--into", "copy"]).await;
    pin_json(&world, "replay_into", &["replay", "--into", "copy"]).await;
    pin_both(&world, "verify", &["verify", "--sample", "5"]).await;
    let event = world.control.ids(RecordKind::Event)[0].clone();
    world
        .execute(&format!("UPDATE gazelle_appointments SET title = 'x' WHERE external_id = '{event}'"))
        .await;
    world.control.edit(RecordKind::Event, &event, json!({ "title": "Piano déplacé" })).unwrap();
    pin_both(&world, "verify_changed", &["verify", "--sample", "100"]).await;
}

#[tokio::test]
async fn the_outputs_about_people_are_these() {
    let world = copy().await;
    world.run(&["sync", "--mode", "full"]).await;
    let user = world.control.ids(RecordKind::User)[0].clone();
    pin_text(&world, "people_invite", &["people", "invite", "Ana", "--role", "operator"]).await;
    let technician =
        ["people", "invite", "Loïc", "--role", "technician", "--technician", &user, "--language", "fr"];
    pin_json(&world, "people_invite", &technician).await;
    pin_both(&world, "people", &["people"]).await;
    pin_text(&world, "people_role", &["people", "role", "Ana", "--role", "office"]).await;
    pin_json(&world, "people_role", &["people", "role", "Loïc", "--role", "office"]).await;
    pin_both(&world, "people_sign_out", &["people", "sign-out", "Ana"]).await;
    pin_text(&world, "people_disable", &["people", "disable", "Ana"]).await;
    pin_json(&world, "people_disable", &["people", "disable", "Loïc"]).await;
    pin_both(&world, "people_unknown", &["people", "disable", "Nobody"]).await;
}

#[tokio::test]
async fn the_outputs_of_alerts_that_are_checked_and_tested_are_these() {
    let mut world = copy().await;
    pin_both(&world, "alerts_test_none", &["alerts", "test"]).await;
    world.run(&["sync", "--mode", "full"]).await;
    let (well, broken) = (WebhookReceiver::start().await, WebhookReceiver::start().await);
    broken.answer(500);
    world.set("SLACK_WEBHOOK_URL", &well.url("/slack"));
    pin_both(&world, "alerts_test", &["alerts", "test"]).await;
    world.set("ALERT_WEBHOOK_URL", &broken.url("/hook"));
    pin_both(&world, "alerts_test_failed", &["alerts", "test"]).await;
    world.execute("UPDATE sync_runs SET status = 'failed', reason = 'HTTP 500'").await;
    pin_text(&world, "alerts_check", &["alerts", "check"]).await;
    pin_json(&world, "alerts_check", &["alerts", "check"]).await;
}

#[tokio::test]
async fn the_outputs_of_decisions_about_deletions_are_these() {
    let mut world = copy().await;
    world.run(&["sync", "--mode", "full"]).await;
    world.set("GAZELLE_SYNC_DELETE_GUARD_RECORDS", "0");
    for (form, decided) in
        [("text", "dismiss"), ("json", "dismiss"), ("text", "approve"), ("json", "approve")]
    {
        let piano = world.control.ids(RecordKind::Piano)[0].clone();
        world.control.delete(RecordKind::Piano, &piano).unwrap();
        world.run(&["sync", "--mode", "full"]).await;
        let run = last_run(&world).await;
        let (name, args) = (format!("deletions_{decided}"), ["deletions", decided, &run]);
        match form {
            "text" => pin_text(&world, &name, &args).await,
            _ => pin_json(&world, &name, &args).await,
        }
    }
}

#[tokio::test]
async fn the_outputs_about_roles_are_these() {
    let mut world = supabase().await;
    quiet(&mut world);
    pin_text(&world, "migrate_roles", &["migrate", "--roles"]).await;
    pin_both(&world, "migrate_roles_again", &["migrate", "--roles"]).await;
}

#[tokio::test]
async fn the_outputs_about_a_database_of_the_old_system_are_these() {
    let mut world = World::new().await;
    quiet(&mut world);
    world.execute(include_str!("../../../support/old_system.sql")).await;
    pin_text(&world, "from_v5", &["migrate", "--from-v5"]).await;
    pin_text(&world, "from_v5_back", &["migrate", "--from-v5", "--back"]).await;
    pin_json(&world, "from_v5", &["migrate", "--from-v5"]).await;
    pin_json(&world, "from_v5_back", &["migrate", "--from-v5", "--back"]).await;
}
