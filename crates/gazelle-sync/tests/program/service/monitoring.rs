//! What is shipped for Prometheus and Grafana, held against what the service really says.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::{Output, Stdio};

use crate::support::World;
use crate::support::service::{Serving, runs, until};
use crate::support::tools::tool;
use serde_json::Value;

fn ops(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../ops").join(name)
}

fn read(name: &str) -> String {
    std::fs::read_to_string(ops(name)).expect(name)
}

fn promtool(args: &[&str], folder: &Path) -> Output {
    tool("promtool").args(args).current_dir(folder).output().expect("promtool runs")
}

fn said(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

/// The names of our metrics in a text, without the suffixes of a histogram's parts.
fn metrics_in(text: &str) -> BTreeSet<String> {
    text.split(|c: char| !c.is_ascii_alphanumeric() && c != '_')
        .filter(|word| {
            ["stage1_", "stage2_", "staging_", "gazelle_sync_", "process_"]
                .iter()
                .any(|start| word.starts_with(start))
        })
        .map(|word| word.trim_end_matches("_bucket").to_owned())
        .collect()
}

/// Every expression in a dashboard.
fn expressions(value: &Value, found: &mut Vec<String>) {
    match value {
        Value::Object(fields) => {
            found.extend(fields.get("expr").and_then(Value::as_str).map(str::to_owned));
            fields.values().for_each(|value| expressions(value, found));
        }
        Value::Array(values) => values.iter().for_each(|value| expressions(value, found)),
        _ => {}
    }
}

#[test]
fn the_alert_rules_hold_what_their_tests_say() {
    let told = promtool(&["check", "rules", "gazelle-sync.rules.yml"], &ops("prometheus"));
    assert!(told.status.success(), "{}", said(&told));
    let told = promtool(&["test", "rules", "gazelle-sync.rules.test.yml"], &ops("prometheus"));
    assert!(told.status.success(), "{}", said(&told));

    // Each alert is tested, and a rule that says something else does not pass.
    let (rules, tests) =
        (read("prometheus/gazelle-sync.rules.yml"), read("prometheus/gazelle-sync.rules.test.yml"));
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| std::fs::write(folder.path().join(name), text).unwrap();
    write("gazelle-sync.rules.test.yml", &tests);
    let mut alerts = 0;
    for alert in rules.lines().filter_map(|line| line.trim().strip_prefix("- alert: ")) {
        write("gazelle-sync.rules.yml", &rules.replace(&format!("- alert: {alert}\n"), "- alert: Another\n"));
        let told = promtool(&["test", "rules", "gazelle-sync.rules.test.yml"], folder.path());
        assert!(!told.status.success(), "nothing tests {alert}");
        alerts += 1;
    }
    assert!(alerts >= 10, "only {alerts} alerts");
}

#[tokio::test]
async fn everything_shipped_asks_for_metrics_that_are_there_and_are_well_formed() {
    let world = World::new().await;
    let serving = Serving::start(&world, &[]).await;
    until("a good run", async || runs(&world, "status = 'success'").await >= 1).await;
    let (status, text) = serving.get("/metrics").await;
    assert_eq!(status, 200);
    serving.stop().await;

    let mut check = tool("promtool")
        .args(["check", "metrics"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("promtool runs");
    std::io::Write::write_all(&mut check.stdin.take().unwrap(), text.as_bytes()).unwrap();
    let told = check.wait_with_output().unwrap();
    assert!(told.status.success(), "{}", said(&told));

    let there: BTreeSet<String> = text
        .lines()
        .filter_map(|line| line.strip_prefix("# TYPE "))
        .filter_map(|line| line.split(' ').next().map(str::to_owned))
        .collect();
    let dashboard: Value = serde_json::from_str(&read("grafana/gazelle-sync.json")).unwrap();
    let mut shown = Vec::new();
    expressions(&dashboard, &mut shown);
    assert!(shown.len() > 15, "only {} expressions", shown.len());
    let shown = metrics_in(&shown.join("\n"));
    let alerted = metrics_in(&read("prometheus/gazelle-sync.rules.yml"));
    let asked: BTreeSet<&String> = shown.iter().chain(&alerted).collect();
    let absent: Vec<_> = asked.iter().filter(|name| !there.contains(**name)).collect();
    assert!(absent.is_empty(), "nobody says {absent:?}; there is {there:?}");
    // The six that the strategy names are all looked at.
    for name in [
        "stage1_fetch_duration_seconds",
        "stage1_records_fetched_total",
        "stage2_reconcile_duration_seconds",
        "stage2_records_processed_total",
        "stage2_errors_total",
        "staging_backlog_size",
    ] {
        assert!(shown.contains(name), "the dashboard does not show {name}");
    }
}
