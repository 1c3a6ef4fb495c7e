//! Pages, filters and sorts.

use crate::support::{distinct, small, sorted, start, start_with, text};
use gazelle_sim::{RecordKind, SimOptions};
use serde_json::{Value, json};

#[tokio::test]
async fn a_walk_sees_each_id_once_and_the_total_agrees() {
    let shop = start().await;
    for (field, kind) in [
        ("allClients", RecordKind::Client),
        ("allPianos", RecordKind::Piano),
        ("allEventsBatched", RecordKind::Event),
    ] {
        for first in [1, 7, 100] {
            let (ids, total) = shop.walk_ids(field, "", first).await;
            assert_eq!(ids.len(), distinct(&ids), "{field} by {first}");
            assert_eq!(ids.len() as u64, total, "{field} by {first}");
            assert_eq!(sorted(ids), sorted(shop.control.ids(kind)), "{field} by {first}");
        }
    }
}

#[tokio::test]
async fn date_windows_partition_all_but_the_startless() {
    let shop = start().await;
    let windows = [
        r#"{ dateLet: "2023-12-31" }"#,
        r#"{ dateGet: "2024-01-01", dateLet: "2025-11-01" }"#,
        r#"{ dateGet: "2025-11-02", dateLet: "2025-11-02" }"#,
        r#"{ dateGet: "2025-11-03", dateLet: "2026-01-15" }"#,
        r#"{ dateGet: "2026-01-16" }"#,
    ];
    let mut all = Vec::new();
    for window in windows {
        let (ids, total) = shop.walk_ids("allEventsBatched", &format!(", filters: {window}"), 9).await;
        assert_eq!(ids.len() as u64, total);
        assert!(!ids.is_empty(), "{window}");
        all.extend(ids);
    }
    assert_eq!(all.len(), distinct(&all), "no event is in two windows");
    let startless = shop.control.ids(RecordKind::Event).len() - all.len();
    assert_eq!(startless, 3);
}

#[tokio::test]
async fn dates_are_the_company_s_unless_set_to_utc() {
    // 18:00 of the 9th in Toronto is 23:00 UTC of the 9th; an evening of the 14th at 20:30 is the 15th in UTC.
    let local = start().await;
    let utc = start_with(small(), SimOptions { dates_in_utc: true, ..SimOptions::default() }).await;
    for (shop, day, expected) in
        [(&local, "2026-01-14", true), (&local, "2026-01-15", false), (&utc, "2026-01-15", true)]
    {
        let arguments = format!(r#", filters: {{ dateGet: "{day}", dateLet: "{day}" }}"#);
        let (events, _) = shop.walk("allEventsBatched", &arguments, "start", 50).await;
        let found = events.iter().any(|event| event["start"] == "2026-01-15T01:30:00Z");
        assert_eq!(found, expected, "{day}");
    }
}

#[tokio::test]
async fn statuses_and_types_partition_the_events() {
    let shop = start().await;
    let whole = shop.total("allEventsBatched", "").await;
    for (name, values) in [
        ("status", ["ACTIVE", "CANCELED", "NO_SHOW", "COMPLETE"]),
        ("type", ["APPOINTMENT", "PERSONAL", "MEMO", "SYNCED"]),
    ] {
        let mut sum = 0;
        for value in values {
            sum += shop.total("allEventsBatched", &format!(", filters: {{ {name}: [{value}] }}")).await;
        }
        assert_eq!(sum, whole, "{name}");
        let two = shop
            .total("allEventsBatched", &format!(", filters: {{ {name}: [{}, {}] }}", values[0], values[1]))
            .await;
        assert!(two < whole);
    }
}

#[tokio::test]
async fn canceled_events_can_be_hidden_and_still_be_asked_for() {
    let shop = start_with(small(), SimOptions { hide_canceled: true, ..SimOptions::default() }).await;
    let canceled = shop.total("allEventsBatched", ", filters: { status: CANCELED }").await;
    assert!(canceled >= 4);
    assert_eq!(shop.total("allEventsBatched", "").await, 120 - canceled);
    let (nodes, _) =
        shop.walk("allEventsBatched", ", filters: { status: [CANCELED] }", "id status", 50).await;
    let id = text(&nodes[0]["id"]);
    let data = shop.data("query($id: String!) { event(eventId: $id) { status } }", json!({ "id": id })).await;
    assert_eq!(data["event"]["status"], "CANCELED");
}

#[tokio::test]
async fn filters_by_client_user_and_piano_find_what_refers_to_them() {
    let shop = start().await;
    let events: Vec<Value> = shop
        .control
        .ids(RecordKind::Event)
        .iter()
        .map(|id| shop.control.record(RecordKind::Event, id).unwrap())
        .collect();
    let big = events
        .iter()
        .find(|event| event["allEventPianos"].as_array().is_some_and(|list| list.len() == 137))
        .unwrap();
    for (name, id) in [
        ("clientId", text(&big["client"]["id"])),
        ("userId", text(&big["user"]["id"])),
        ("pianoId", text(&big["allEventPianos"][100]["piano"]["id"])),
    ] {
        let (ids, _) =
            shop.walk_ids("allEventsBatched", &format!(r#", filters: {{ {name}: ["{id}"] }}"#), 50).await;
        let expected = events.iter().filter(|event| match name {
            "clientId" => event["client"]["id"] == *id,
            "userId" => event["user"]["id"] == *id,
            _ => event["allEventPianos"].to_string().contains(&id),
        });
        assert_eq!(sorted(ids), sorted(expected.map(|event| text(&event["id"])).collect()), "{name}");
    }
}

#[tokio::test]
async fn created_filters_split_clients_and_pianos() {
    let shop = start().await;
    for field in ["allClients", "allPianos"] {
        let before = shop.total(field, r#", filters: { createdLet: "2024-06-30" }"#).await;
        let after = shop.total(field, r#", filters: { createdGet: "2024-07-01" }"#).await;
        assert!(before > 0 && after > 0, "{field}");
        assert_eq!(before + after, shop.total(field, "").await, "{field}");
    }
}

#[tokio::test]
async fn starts_sort_as_postgres_sorts_them() {
    let shop = start().await;
    for (sort, nulls_last) in [("START_ASC", true), ("START_DESC", false)] {
        let (events, _) = shop.walk("allEventsBatched", &format!(", sortBy: [{sort}]"), "id start", 33).await;
        let mut starts: Vec<Option<String>> =
            events.iter().map(|event| event["start"].as_str().map(str::to_owned)).collect();
        if !nulls_last {
            starts.reverse();
        }
        let (known, unknown) = starts.split_at(117);
        assert!(unknown.iter().all(Option::is_none) && known.iter().all(Option::is_some), "{sort}");
        assert!(known.is_sorted(), "{sort}");
        let ties: Vec<_> = events.windows(2).filter(|pair| pair[0]["start"] == pair[1]["start"]).collect();
        assert!(!ties.is_empty());
        assert!(ties.iter().all(|pair| text(&pair[0]["id"]) < text(&pair[1]["id"])), "{sort}: ties by id");
    }
}

#[tokio::test]
async fn pages_go_backwards_too_and_edges_agree_with_nodes() {
    let shop = start().await;
    let page = "nodes { id } edges { cursor node { id } } pageInfo { hasNextPage hasPreviousPage startCursor endCursor }";
    let last = shop.data(&format!("{{ allClients(last: 5) {{ {page} }} }}"), json!({})).await;
    let last = &last["allClients"];
    assert_eq!(last["pageInfo"]["hasNextPage"], false);
    assert_eq!(last["pageInfo"]["hasPreviousPage"], true);
    let nodes: Vec<&Value> = last["nodes"].as_array().unwrap().iter().collect();
    let edges: Vec<&Value> = last["edges"].as_array().unwrap().iter().map(|edge| &edge["node"]).collect();
    assert_eq!(nodes, edges);
    assert_eq!(last["edges"][4]["cursor"], last["pageInfo"]["endCursor"]);
    let query = format!("query($before: String) {{ allClients(last: 3, before: $before) {{ {page} }} }}");
    let before = shop.data(&query, json!({ "before": last["pageInfo"]["startCursor"] })).await;
    let ids = shop.control.ids(RecordKind::Client);
    let found: Vec<String> =
        before["allClients"]["nodes"].as_array().unwrap().iter().map(|node| text(&node["id"])).collect();
    assert_eq!(found, ids[32..35]);
}

#[tokio::test]
async fn the_cap_and_the_default_size_hold() {
    let options = SimOptions { page_cap: 30, default_page_size: 8, ..SimOptions::default() };
    let shop = start_with(small(), options).await;
    let query =
        "{ allPianos(first: 500) { nodes { id } pageInfo { hasNextPage } } allClients { nodes { id } } }";
    let data = shop.data(query, json!({})).await;
    assert_eq!(data["allPianos"]["nodes"].as_array().unwrap().len(), 30);
    assert_eq!(data["allPianos"]["pageInfo"]["hasNextPage"], true);
    assert_eq!(data["allClients"]["nodes"].as_array().unwrap().len(), 8);
    let (ids, total) = shop.walk_ids("allPianos", "", 500).await;
    assert_eq!((ids.len() as u64, distinct(&ids) as u64), (total, total));
}

#[tokio::test]
async fn nested_connections_page_to_their_end() {
    let shop = start().await;
    let big = shop.event_titled("Grande tournée");
    let crowd = shop.control.ids(RecordKind::Client)[1].clone();
    let cases = [
        ("event(eventId: $id)", "allEventPianos", "", "piano { id }", big, 137),
        ("client(id: $id)", "allContacts", ", includeArchived: true", "id", crowd, 120),
    ];
    for (getter, connection, argument, selection, id, expected) in cases {
        let query = format!(
            "query($id: String!, $after: String) {{ record: {getter} {{ {connection}(first: 25, after: $after{argument}) \
             {{ nodes {{ {selection} }} totalCount pageInfo {{ hasNextPage endCursor }} }} }} }}"
        );
        let mut seen = Vec::new();
        let mut after = Value::Null;
        loop {
            let data = shop.data(&query, json!({ "id": id, "after": after })).await;
            let page = &data["record"][connection];
            assert_eq!(page["totalCount"], expected);
            seen.extend(page["nodes"].as_array().unwrap().iter().map(ToString::to_string));
            if page["pageInfo"]["hasNextPage"] != true {
                break;
            }
            let next = page["pageInfo"]["endCursor"].clone();
            assert_ne!(next, after, "the walk does not move");
            after = next;
        }
        assert_eq!((seen.len(), distinct(&seen)), (expected, expected), "{connection}");
    }
}

#[tokio::test]
async fn archived_contacts_are_listed_when_asked_for() {
    let shop = start().await;
    let id = shop.control.ids(RecordKind::Client)[3].clone();
    let query = "query($id: String!) { client(id: $id) { some: allContacts { totalCount } \
                 all: allContacts(includeArchived: true) { totalCount nodes { archived } } } }";
    let data = shop.data(query, json!({ "id": id })).await;
    assert_eq!(data["client"]["some"]["totalCount"], 1);
    assert_eq!(data["client"]["all"]["totalCount"], 2);
    assert_eq!(data["client"]["all"]["nodes"][1]["archived"], true);
}
