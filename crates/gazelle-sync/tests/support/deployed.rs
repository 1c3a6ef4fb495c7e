//! A deployment to be looked at by `doctor`, and what it says.

use serde_json::Value;

use super::roles::{act_as, supabase};
use super::{CommandOutput, World};

/// As a company has it: roles made, the sync logged in as its own, everything fetched.
pub async fn deployed() -> World {
    let mut world = supabase().await;
    world.run(&["migrate", "--roles"]).await.success();
    act_as(&mut world, "gazelle_sync");
    world.full_sync_ok().await;
    // Nobody listens there.
    world.set("GAZELLE_SYNC_LISTEN", "127.0.0.1:1");
    world
}

pub async fn doctor(world: &World) -> CommandOutput {
    world.run(&["doctor"]).await
}

/// Of a check, the level and all that is said and fixes it.
pub fn line(run: &CommandOutput, check: &str) -> (String, String) {
    let report = run.json();
    let lines: Vec<&Value> =
        report["checks"].as_array().unwrap().iter().filter(|line| line["check"] == check).collect();
    let worst = ["problem", "warning", "ok"]
        .into_iter()
        .find(|level| lines.iter().any(|line| line["level"] == *level));
    let text: Vec<String> = lines
        .iter()
        .map(|line| {
            format!("{} -> {}", line["said"].as_str().unwrap(), line["fix"].as_str().unwrap_or_default())
        })
        .collect();
    (worst.unwrap_or("absent").to_owned(), text.join("\n"))
}

#[track_caller]
pub fn assert_check(run: &CommandOutput, check: &str, level: &str, words: &[&str]) {
    let (found, text) = line(run, check);
    assert_eq!(found, level, "{check}: {text}\n{run}");
    for word in words {
        assert!(text.contains(word), "{check}: {word} not in {text}");
    }
    let worst = run.json()["status"].clone();
    assert_eq!(run.code, i32::from(worst == "problem"), "{run}");
    if level != "ok" {
        assert_ne!(worst, "ok");
    }
}

/// Which lines are not well.
pub fn failing_checks(run: &CommandOutput) -> Vec<String> {
    let report = run.json();
    let lines = report["checks"].as_array().unwrap().iter().filter(|line| line["level"] != "ok");
    lines.map(|line| line["check"].as_str().unwrap().to_owned()).collect()
}
