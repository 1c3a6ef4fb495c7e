//! A simulator and a real HTTP client, for the tests.
#![allow(dead_code, reason = "each test file uses some of it")]

use gazelle_sim::{Fault, FaultKind, ShopSpec, SimControl, SimOptions, Simulator};
use serde_json::{Value, json};

pub struct Shop {
    pub sim: Simulator,
    pub control: SimControl,
    pub client: reqwest::Client,
}

pub fn small() -> ShopSpec {
    ShopSpec { today: "2026-01-15".to_owned(), ..ShopSpec::small(7) }
}

pub async fn start() -> Shop {
    start_with(small(), SimOptions::default()).await
}

pub async fn start_with(spec: ShopSpec, options: SimOptions) -> Shop {
    let sim = Simulator::start(spec, options, ([127, 0, 0, 1], 0).into()).await.unwrap();
    let client =
        reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).no_proxy().build().unwrap();
    Shop { control: sim.control(), sim, client }
}

impl Shop {
    /// A request as it will be sent, to be changed before.
    pub fn request(&self, query: &str, variables: Value) -> reqwest::RequestBuilder {
        self.client
            .post(self.sim.graphql_url())
            .header("x-gazelle-api-key", self.sim.api_key())
            .json(&json!({ "query": query, "variables": variables }))
    }

    pub async fn send(&self, query: &str, variables: Value) -> reqwest::Result<reqwest::Response> {
        self.request(query, variables).send().await
    }

    /// The whole JSON answer of a 200.
    pub async fn ask(&self, query: &str, variables: Value) -> Value {
        let answer = self.send(query, variables).await.unwrap();
        assert_eq!(answer.status(), 200);
        answer.json().await.unwrap()
    }

    /// The data of an answer without errors.
    pub async fn data(&self, query: &str, variables: Value) -> Value {
        let answer = self.ask(query, variables).await;
        assert_eq!(answer.get("errors"), None, "{answer}");
        answer["data"].clone()
    }

    /// All nodes of a connection in the root, with its total; `arguments` stands beside the paging ones.
    pub async fn walk(
        &self,
        field: &str,
        arguments: &str,
        selection: &str,
        first: usize,
    ) -> (Vec<Value>, u64) {
        let query = format!(
            "query($first: Int, $after: String) {{ {field}(first: $first, after: $after {arguments}) {{ \
             nodes {{ {selection} }} pageInfo {{ hasNextPage endCursor }} totalCount }} }}"
        );
        let mut nodes = Vec::new();
        let mut after = Value::Null;
        loop {
            let data = self.data(&query, json!({ "first": first, "after": after })).await;
            let page = &data[field];
            nodes.extend(page["nodes"].as_array().unwrap().iter().cloned());
            if page["pageInfo"]["hasNextPage"] != true {
                return (nodes, page["totalCount"].as_u64().unwrap());
            }
            let next = page["pageInfo"]["endCursor"].clone();
            assert_ne!(next, after, "the walk does not move");
            after = next;
        }
    }

    pub async fn walk_ids(&self, field: &str, arguments: &str, first: usize) -> (Vec<String>, u64) {
        let (nodes, total) = self.walk(field, arguments, "id", first).await;
        (nodes.iter().map(|node| text(&node["id"])).collect(), total)
    }

    pub async fn total(&self, field: &str, arguments: &str) -> u64 {
        let query = format!("{{ {field}(first: 1 {arguments}) {{ totalCount }} }}");
        self.data(&query, json!({})).await[field]["totalCount"].as_u64().unwrap()
    }

    /// The id of the one event whose title contains this.
    pub fn event_titled(&self, part: &str) -> String {
        let found = self.control.ids(gazelle_sim::RecordKind::Event).into_iter().find(|id| {
            let event = self.control.record(gazelle_sim::RecordKind::Event, id).unwrap();
            event["title"].as_str().is_some_and(|title| title.contains(part))
        });
        found.unwrap_or_else(|| panic!("no event titled {part}"))
    }
}

pub fn text(value: &Value) -> String {
    value.as_str().unwrap_or_else(|| panic!("{value} is no text")).to_owned()
}

pub fn sorted(mut ids: Vec<String>) -> Vec<String> {
    ids.sort();
    ids
}

/// How many ids there are without repeats.
pub fn distinct(ids: &[String]) -> usize {
    ids.iter().collect::<std::collections::HashSet<_>>().len()
}

pub const EVENTS: &str = "query Events($first: Int, $after: String) { allEventsBatched(first: $first, after: $after) { \
    nodes { id type status client { id status } } pageInfo { hasNextPage endCursor } totalCount } }";

pub async fn events(shop: &Shop, first: usize, after: Value) -> Value {
    shop.ask(EVENTS, json!({ "first": first, "after": after })).await
}

pub async fn shop_with(kind: FaultKind) -> Shop {
    let shop = start().await;
    shop.control.add_fault(Fault::new(kind).on_field("allEventsBatched"));
    shop
}

/// The next request is as if nothing had been.
pub async fn is_over(shop: &Shop) {
    let answer = events(shop, 10, Value::Null).await;
    assert_eq!(answer.get("errors"), None);
    assert_eq!(answer["data"]["allEventsBatched"]["nodes"].as_array().unwrap().len(), 10);
    assert_eq!(answer["data"]["allEventsBatched"]["totalCount"], 120);
}
