//! The examples of the README are what the control endpoints take.

use crate::support::start;
use gazelle_sim::BadRecord;
use serde_json::{Deserializer, Value, json};

const README: &str = include_str!("../../README.md");

fn examples(key: &str) -> Vec<Value> {
    README
        .lines()
        .filter(|line| line.starts_with("    {"))
        .flat_map(|line| Deserializer::from_str(line).into_iter::<Value>())
        .map(Result::unwrap)
        .filter(|example| example.get(key).is_some())
        .collect()
}

#[tokio::test]
async fn the_examples_are_understood() {
    let shop = start().await;
    let post = async |path: &str, body: &Value| {
        let url = format!("http://{}/_sim/{path}", shop.sim.address());
        let answer = shop.client.post(url).json(body).send().await.unwrap();
        answer.status().as_u16()
    };
    let faults = examples("fault");
    assert_eq!(faults.len(), 30);
    for fault in faults {
        assert_eq!(post("fault", &fault).await, 200, "{fault}");
    }
    let changes = examples("change");
    assert_eq!(changes.len(), 10);
    for change in changes {
        // Understood, but the ids of the examples are nobody's, and so is `soon`.
        let status = post("change", &change).await;
        assert!(status == 200 || status == 404, "{change}: {status}");
    }
}

#[test]
fn the_bad_records_are_all_named() {
    for bad in BadRecord::ALL {
        let name = json!(bad).as_str().unwrap().to_owned();
        assert!(README.contains(&name), "{name}");
    }
}
