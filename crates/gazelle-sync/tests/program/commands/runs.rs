//! `runs`, the beginnings of ids that commands take, and what `status --check` and `doctor` say of how the runs ended.

use crate::support::World;
use gazelle_sim::{Fault, FaultKind};
use serde_json::Value;

/// The characters of an id that lists show.
const SHOWN: usize = 13;

async fn ids(world: &World) -> Vec<String> {
    let report = world.run(&["runs"]).await.success();
    let id = |run: &Value| run["run_id"].as_str().expect("an id").to_owned();
    report["runs"].as_array().expect("runs").iter().map(id).collect()
}

#[tokio::test]
async fn the_beginning_of_a_runs_id_is_enough_for_every_command() {
    let world = World::new().await;
    world.run(&["sync", "--mode", "full"]).await.success();
    let id = ids(&world).await.remove(0);
    let begun = &id[..SHOWN];
    let shown = world.run(&["runs", "show", begun]).await.success();
    assert_eq!(shown["run_id"], id.as_str());
    assert_eq!(shown["entities"].as_array().map(Vec::len), Some(4), "{shown}");
    for args in [
        &["undo", begun, "--dry-run", "--allow-deletions"][..],
        &["replay", "--run", begun, "--dry-run"],
        &["warnings", "--run", begun],
    ] {
        let ran = world.run(args).await;
        assert_eq!(ran.code, 0, "{args:?}: {ran}");
    }
    for action in ["approve", "dismiss"] {
        let ran = world.run(&["deletions", action, begun]).await;
        assert_eq!(ran.code, 1, "{ran}");
        assert!(ran.stdout.contains(&format!("run {id} has no deletion")), "{ran}");
    }
}

#[tokio::test]
async fn a_beginning_of_no_run_or_of_several_is_refused_with_the_runs_that_are_there() {
    let world = World::new().await;
    let ran = world.run(&["undo", "0123"]).await;
    assert_eq!(ran.code, 1, "{ran}");
    assert!(ran.stdout.contains("the database has no tables of ours"), "{ran}");
    for _ in 0..2 {
        world.run(&["sync"]).await.success();
    }
    let ids = ids(&world).await;
    for args in
        [&["undo", &ids[0][..4]][..], &["runs", "show", &ids[0][..4]], &["runs", "--before", &ids[0][..4]]]
    {
        let ran = world.run(args).await;
        assert_eq!(ran.code, 1, "{args:?}: {ran}");
        assert!(ids.iter().all(|id| ran.stdout.contains(id.as_str())), "{args:?}: {ran}");
    }
    let ran = world.run(&["undo", "ffff"]).await;
    assert_eq!(ran.code, 1, "{ran}");
    assert!(ran.stdout.contains("there is no run ffff"), "{ran}");
    assert!(ids.iter().all(|id| ran.stdout.contains(&id[..SHOWN])), "{ran}");
}

#[tokio::test]
async fn runs_are_listed_by_state_and_the_rest_after_the_last() {
    let world = World::new().await;
    for _ in 0..2 {
        world.run(&["sync"]).await.success();
    }
    world.control.add_fault(Fault::new(FaultKind::Unauthorized).forever());
    assert_eq!(world.run(&["sync"]).await.code, 1);
    let failed = world.run(&["runs", "--status", "failed"]).await.success();
    assert_eq!(failed["runs"].as_array().map(Vec::len), Some(1), "{failed}");
    assert!(failed["runs"][0]["reason"].as_str().is_some_and(|reason| reason.contains("401")), "{failed}");
    let all = ids(&world).await;
    assert_eq!(all.len(), 3);
    let first = world.run(&["runs", "--limit", "2"]).await.success();
    let before = first["before"].as_str().expect("there is more");
    assert_eq!(before, all[1]);
    let rest = world.run(&["runs", "--before", &before[..SHOWN]]).await.success();
    assert_eq!(rest["runs"][0]["run_id"], all[2].as_str(), "{rest}");
    assert_eq!(rest["before"], Value::Null);
}

#[tokio::test]
async fn status_and_doctor_say_how_the_last_run_ended_and_status_exits_accordingly() {
    let world = World::new().await;
    assert_eq!(world.run(&["status", "--check"]).await.code, 1, "nothing is there");
    world.run(&["sync", "--mode", "full"]).await.success();
    let fresh = world.run(&["status", "--check"]).await;
    assert_eq!(fresh.code, 0, "{fresh}");
    world.control.add_fault(Fault::new(FaultKind::Unauthorized).forever());
    assert_eq!(world.run(&["sync"]).await.code, 1);
    let failed = world.run(&["status", "--check"]).await;
    assert_eq!(failed.code, 1, "{failed}");
    assert_eq!(world.run(&["status"]).await.code, 0, "without --check the state of the data is no failure");
    let report: Value = serde_json::from_str(&world.run(&["doctor"]).await.stdout).expect("JSON");
    let checks = report["checks"].as_array().expect("checks");
    let last_run = checks.iter().find(|check| check["check"] == "last run").expect("the last run");
    assert_eq!(last_run["level"], "problem", "{last_run}");
    assert!(last_run["said"].as_str().is_some_and(|said| said.contains("401")), "{last_run}");
    assert!(
        last_run["fix"].as_str().is_some_and(|fix| fix.contains("gazelle-sync runs show ")),
        "{last_run}"
    );
    assert_eq!(checks.last().map(|check| &check["level"]), Some(&Value::from("problem")), "problems last");
}
