//! Faults inside an answer: HTTP says that all is well.

use crate::support::{EVENTS, distinct, events, is_over, shop_with, start};
use gazelle_sim::{Change, Fault, FaultKind, RecordKind, Takes, Undated};
use serde_json::{Value, json};

#[tokio::test]
async fn a_prepared_answer_is_spoiled_as_well() {
    let shop = start().await;
    let good = events(&shop, 10, Value::Null).await;
    shop.control.add_fault(Fault::new(FaultKind::TotalOff { by: 2 }));
    let spoiled = events(&shop, 10, Value::Null).await;
    assert_eq!(spoiled["data"]["allEventsBatched"]["totalCount"], 122);
    assert_eq!(events(&shop, 10, Value::Null).await, good);
}

#[tokio::test]
async fn a_graphql_error_has_null_data() {
    let extensions = Some(json!({ "code": "THROTTLED" }));
    let shop = shop_with(FaultKind::GraphqlError { message: "Slow down".to_owned(), extensions }).await;
    let answer = events(&shop, 10, Value::Null).await;
    assert_eq!(
        answer,
        json!({ "data": null, "errors": [{ "message": "Slow down", "extensions": { "code": "THROTTLED" } }] })
    );
    is_over(&shop).await;
}

#[tokio::test]
async fn partial_data_has_errors_nulls_and_gaps() {
    let kind = FaultKind::PartialData { message: "timed out".to_owned(), null_nodes: 2, missing_nodes: 3 };
    let shop = shop_with(kind).await;
    let answer = events(&shop, 10, Value::Null).await;
    assert_eq!(answer["errors"][0]["message"], "timed out");
    let nodes = answer["data"]["allEventsBatched"]["nodes"].as_array().unwrap();
    assert_eq!(nodes.len(), 7);
    assert_eq!(nodes.iter().filter(|node| node.is_null()).count(), 2);
    is_over(&shop).await;
}

#[tokio::test]
async fn a_repeated_cursor_leads_nowhere() {
    let shop = start().await;
    let first = events(&shop, 10, Value::Null).await;
    let cursor = first["data"]["allEventsBatched"]["pageInfo"]["endCursor"].clone();
    shop.control.add_fault(Fault::new(FaultKind::RepeatCursor).on_field("allEventsBatched"));
    let second = events(&shop, 200, cursor.clone()).await;
    assert_eq!(
        second["data"]["allEventsBatched"]["pageInfo"],
        json!({ "hasNextPage": true, "endCursor": cursor })
    );
    is_over(&shop).await;
}

#[tokio::test]
async fn a_short_page_can_be_gone_on_from() {
    let shop = start().await;
    shop.control.add_fault(
        Fault::new(FaultKind::ShortPage { most: 4 }).on_field("allEventsBatched").skip(1).times(2),
    );
    let (ids, total) = shop.walk_ids("allEventsBatched", "", 50).await;
    assert_eq!((ids.len(), distinct(&ids), total), (120, 120, 120));
    // 50 + 4 + 4 + 50 + 12.
    assert_eq!(shop.control.request_counts().total, 5);
}

#[tokio::test]
async fn an_empty_list_and_a_wrong_total() {
    let shop = shop_with(FaultKind::EmptyList).await;
    let page = events(&shop, 10, Value::Null).await["data"]["allEventsBatched"].clone();
    assert_eq!(
        page,
        json!({ "nodes": [], "totalCount": 0, "pageInfo": { "hasNextPage": false, "endCursor": null } })
    );
    is_over(&shop).await;
    shop.control.add_fault(Fault::new(FaultKind::TotalOff { by: -7 }));
    assert_eq!(events(&shop, 10, Value::Null).await["data"]["allEventsBatched"]["totalCount"], 113);
}

#[tokio::test]
async fn a_tweak_is_for_its_root_field_only() {
    let shop = shop_with(FaultKind::EmptyList).await;
    let query = "{ some: allEventsBatched(first: 1) { totalCount } allClients(first: 1) { totalCount } }";
    let data = shop.data(query, json!({})).await;
    assert_eq!(data, json!({ "some": { "totalCount": 0 }, "allClients": { "totalCount": 40 } }));
}

#[tokio::test]
async fn a_field_can_hold_a_value_the_schema_does_not_know() {
    let kind = FaultKind::FieldValue {
        field: "status".to_owned(),
        type_name: Some("PrivateEvent".to_owned()),
        value: json!("HOLOGRAM"),
        nodes: 3,
    };
    let shop = shop_with(kind).await;
    let answer = events(&shop, 50, Value::Null).await;
    let nodes = answer["data"]["allEventsBatched"]["nodes"].as_array().unwrap();
    let strange = nodes.iter().filter(|node| node["status"] == "HOLOGRAM").count();
    assert_eq!(strange, 3);
    assert!(!nodes.iter().any(|node| node["client"]["status"] == "HOLOGRAM"), "clients are of another type");
    is_over(&shop).await;
}

#[tokio::test]
async fn padding_makes_the_same_answer_longer() {
    let shop = start().await;
    let plain = events(&shop, 10, Value::Null).await;
    shop.control.add_fault(Fault::new(FaultKind::Padding { bytes: 3_000_000 }));
    let body = shop.send(EVENTS, json!({ "first": 10, "after": null })).await.unwrap().text().await.unwrap();
    assert_eq!(body.len(), 3_000_000);
    assert_eq!(serde_json::from_str::<Value>(&body).unwrap(), plain);
}

#[tokio::test]
async fn rows_shift_when_the_shop_changes_between_pages() {
    let shop = start().await;
    let first = shop.control.ids(RecordKind::Event)[0].clone();
    let gone = Change::Delete { kind: RecordKind::Event, id: first.clone(), keep_references: false };
    shop.control
        .add_fault(Fault::new(FaultKind::ChangeAfter { changes: vec![gone] }).on_field("allEventsBatched"));
    let before = shop.control.ids(RecordKind::Event);
    let (ids, total) = shop.walk_ids("allEventsBatched", "", 50).await;
    assert!(ids.contains(&first), "the first page was made before the change");
    assert!(!ids.contains(&before[50]), "the row at the edge slipped through");
    assert_eq!((ids.len(), total), (119, 119));

    let shop = start().await;
    shop.control.call_after(Fault::new(FaultKind::Call).on_field("allEventsBatched").skip(1), |control| {
        let ids = control.ids(RecordKind::Event);
        control.cancel(&ids[0]).unwrap();
        control.delete(RecordKind::Event, &ids[1]).unwrap();
    });
    let (ids, total) = shop.walk_ids("allEventsBatched", "", 50).await;
    assert_eq!((ids.len(), total), (119, 119));
    assert_eq!(shop.control.faults()[0].fired, 1);
}

#[tokio::test]
async fn a_query_beyond_a_limit_is_refused_in_the_words_of_such_servers() {
    let shop = start().await;
    let refused = async |kind: FaultKind| {
        shop.control.clear_faults();
        shop.control.add_fault(Fault::new(kind).forever());
        let answer = events(&shop, 10, Value::Null).await;
        answer["errors"][0]["message"].as_str().unwrap_or_default().to_owned()
    };
    let limit = |complexity, per_record, depth, aliases, page_size| FaultKind::QueryLimit {
        complexity,
        per_record,
        depth,
        aliases,
        page_size,
        status: 200,
        code: None,
    };
    let said = refused(limit(Some(11), false, None, None, None)).await;
    assert_eq!(said, "Query has complexity of 12, which exceeds max complexity of 11");
    let said = refused(limit(Some(11), true, None, None, None)).await;
    assert_eq!(said, "Query has complexity of 111, which exceeds max complexity of 11");
    let said = refused(limit(None, false, Some(3), None, None)).await;
    assert_eq!(said, "Query has depth of 4, which exceeds max depth of 3");
    let said = refused(limit(None, false, None, None, Some(9))).await;
    assert_eq!(said, "Requesting 10 records exceeds the `first` limit of 9 records.");
    assert_eq!(refused(limit(Some(12), false, Some(4), Some(0), Some(10))).await, "");
    let aliased = shop.ask("{ a: company { id } b: company { id } }", json!({})).await;
    assert_eq!(aliased["errors"][0]["message"], "Syntax Error: Aliases limit of 0 exceeded, found 2.");
}

#[tokio::test]
async fn a_record_that_fails_takes_along_what_it_is_told_to() {
    let shop = start().await;
    let id = shop.event_titled("");
    let kind = |takes| FaultKind::RecordFault {
        id: id.clone(),
        field: Some("type".to_owned()),
        message: "oh".to_owned(),
        takes,
    };
    let query = "query($id: String!) { event(eventId: $id) { id type } }";
    let asked = async |takes| {
        shop.control.clear_faults();
        shop.control.add_fault(Fault::new(kind(takes)).forever());
        shop.send(query, json!({ "id": id })).await.unwrap()
    };
    let answer: Value = asked(Takes::Record).await.json().await.unwrap();
    assert_eq!(answer["data"]["event"], Value::Null);
    assert_eq!(answer["errors"][0], json!({ "message": "oh", "path": ["event", "type"] }));
    let answer: Value = asked(Takes::Answer).await.json().await.unwrap();
    assert_eq!((&answer["data"], &answer["errors"][0]["message"]), (&Value::Null, &json!("oh")));
    assert_eq!(asked(Takes::Server).await.status(), 500);
}

#[tokio::test]
async fn a_raw_byte_is_no_text_and_packed_answers_are_packed() {
    let shop = start().await;
    let id = shop.event_titled("");
    let query = "query($id: String!) { event(eventId: $id) { title } }";
    shop.control.add_fault(Fault::new(FaultKind::RawByte { id: id.clone(), field: "title".to_owned() }));
    let bytes = shop.send(query, json!({ "id": id })).await.unwrap().bytes().await.unwrap();
    assert_eq!(bytes.iter().filter(|byte| **byte == 0xE9).count(), 1);
    assert!(std::str::from_utf8(&bytes).is_err());
    shop.control.add_fault(Fault::new(FaultKind::Gzip { announced: false }));
    let bytes = shop.send(query, json!({ "id": id })).await.unwrap().bytes().await.unwrap();
    assert_eq!(&bytes[..2], [0x1f, 0x8b]);
}

#[tokio::test]
async fn undated_events_stand_where_they_are_told_to() {
    let shop = start().await;
    let starts = async |order: Undated, sort: &str| {
        shop.control.clear_faults();
        shop.control.add_fault(Fault::new(FaultKind::UndatedOrder { order }).forever());
        let (nodes, _) = shop.walk("allEventsBatched", &format!(", sortBy: [{sort}]"), "start", 100).await;
        let undated: Vec<bool> = nodes.iter().map(|node| node["start"].is_null()).collect();
        (undated[0], undated[undated.len() - 1])
    };
    for (order, descending, ascending) in [
        (Undated::Largest, (true, false), (false, true)),
        (Undated::Smallest, (false, true), (true, false)),
        (Undated::Last, (false, true), (false, true)),
    ] {
        assert_eq!(starts(order, "START_DESC").await, descending, "{order:?}");
        assert_eq!(starts(order, "START_ASC").await, ascending, "{order:?}");
    }
}
