//! `serve` with a key that is missing or that Gazelle refuses.

use crate::support::World;
use crate::support::service::{Serving, runs, until};
use gazelle_sim::{Fault, FaultKind};
use serde_json::{Value, json};

#[tokio::test]
async fn a_missing_key_is_wrong_use_which_no_restart_fixes() {
    let mut world = World::unscheduled().await;
    world.installation.env.remove("GAZELLE_API_KEY");
    for args in [&["serve"][..], &["sync"], &["fetch"], &["auth", "status"]] {
        let ran = world.run(args).await;
        assert_eq!(ran.code, 2, "{args:?}: {ran}");
        assert!(ran.reasons().contains("no Gazelle credentials: set GAZELLE_API_KEY"), "{args:?}: {ran}");
    }
    // The status after which the unit does not start it again.
    let unit = std::fs::read_to_string(concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../../ops/systemd/gazelle-sync.service"
    ))
    .unwrap();
    assert!(unit.lines().any(|line| line == "RestartPreventExitStatus=2"));
}

#[tokio::test]
async fn a_refused_key_makes_the_service_unready_before_any_run_and_a_good_run_ends_that() {
    let world = World::unscheduled().await;
    let before = runs(&world, "true").await;
    let fault = world.control.add_fault(Fault::new(FaultKind::Unauthorized).forever());
    let serving = Serving::start(&world, &[]).await;
    until("the refusal", async || {
        let ready = serving.document("/readyz").await;
        ready["credentials"]["reason"].as_str().is_some_and(|reason| reason.contains("GAZELLE_API_KEY"))
    })
    .await;
    let (status, ready) = serving.get("/readyz").await;
    let document: Value = serde_json::from_str(&ready).unwrap();
    assert_eq!(
        (status, &document["ready"], &document["fresh"]["ok"], &document["credentials"]["ok"]),
        (503, &json!(false), &json!(true), &json!(false)),
        "what is stored is fresh, and nothing newer will come: {ready}"
    );
    assert_eq!(runs(&world, "true").await, before, "no run was needed to find that");

    // A run that fails for another reason says nothing of the key.
    world.control.remove_fault(fault);
    let outage = world.control.add_fault(Fault::new(FaultKind::ServerError).forever());
    assert_eq!(serving.ask(r#"{"mode": "full"}"#).await.0, 202);
    until("a run that failed", async || {
        runs(&world, "true").await > before
            && serving.document("/healthz").await["activity"]["state"] == "waiting"
    })
    .await;
    let ready = serving.document("/readyz").await;
    assert_eq!(ready["credentials"]["ok"], false, "{ready}");

    world.control.remove_fault(outage);
    assert_eq!(serving.ask(r#"{"mode": "incremental"}"#).await.0, 202);
    until("ready", async || serving.get("/readyz").await.0 == 200).await;
    serving.stop().await;

    // And the other way round: a key that is refused later is found by the run that fails.
    let serving = Serving::start(&world, &[]).await;
    until("ready", async || serving.get("/readyz").await.0 == 200).await;
    world.control.add_fault(Fault::new(FaultKind::Unauthorized).forever());
    assert_eq!(serving.ask(r#"{"mode": "full"}"#).await.0, 202);
    until("unready", async || serving.document("/readyz").await["credentials"]["ok"] == false).await;
    serving.stop().await;
}
