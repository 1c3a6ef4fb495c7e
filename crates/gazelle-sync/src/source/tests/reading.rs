//! Reading answers: borrowed, complete, and without mistaking a missing value for an answer.

use serde_json::{Value, json};

use super::super::{Answer, ErrorClass, ListShape, Lookup, SourceError};
use super::{Reply, ScriptedServer, client, request};

fn answer(body: impl ToString) -> Answer {
    Answer::from_body("Test", body.to_string()).unwrap()
}

/// An answer with `list` under `allEvents`.
fn events(list: serde_json::Value) -> Answer {
    answer(json!({ "data": { "other": { "nodes": [] }, "allEvents": list } }))
}

fn info() -> serde_json::Value {
    json!({ "hasNextPage": true, "endCursor": "MTAw" })
}

#[test]
fn a_page_of_nodes_is_borrowed_as_it_came() {
    // Spaces, an escape, a repeated key and U+0000 must survive: they are part of what is hashed and stored.
    let record = r#"{ "id":"evt_1", "title" : "No\u00ebl \u0000", "x":1, "x":2.50 }"#;
    let body = format!(
        r#"{{"data":{{"all\u0045vents":{{"totalCount":7,"nodes":[{record},null],"pageInfo":{{"endCursor":"MTAw","hasNextPage":true}}}}}}}}"#
    );
    let answer = answer(body);
    let page = answer.page("allEvents", ListShape::Connection).unwrap();
    assert_eq!(page.nodes.len(), 2);
    assert_eq!(page.nodes[0].unwrap().get(), record);
    assert!(page.nodes[1].is_none());
    assert_eq!(
        (page.has_next_page, page.end_cursor.as_deref(), page.total_count),
        (true, Some("MTAw"), Some(7))
    );
    let body = answer.body.as_ptr_range();
    assert!(body.contains(&page.nodes[0].unwrap().get().as_ptr()), "nothing was copied");
}

#[test]
fn edges_serve_as_well_as_nodes() {
    let answer =
        events(json!({ "edges": [{ "node": { "id": 1 } }, { "node": null }, null], "pageInfo": info() }));
    let page = answer.page("allEvents", ListShape::Connection).unwrap();
    let nodes: Vec<_> = page.nodes.iter().map(|node| node.map(|node| node.get())).collect();
    assert_eq!(nodes, [Some(r#"{"id":1}"#), None, None]);
    assert_eq!(page.total_count, None);
}

#[test]
fn a_plain_list_is_one_whole_page() {
    let answer = answer(json!({ "data": { "allUsers": [{ "id": "usr_1" }, null] } }));
    let page = answer.page("allUsers", ListShape::Plain).unwrap();
    assert_eq!(
        (page.nodes.len(), page.has_next_page, page.end_cursor, page.total_count),
        (2, false, None, None)
    );
}

#[test]
fn a_nested_connection_is_read_in_its_place() {
    let contacts = json!({ "nodes": [{ "id": "con_1" }], "pageInfo": info(), "totalCount": 120 });
    let answer = answer(json!({ "data": { "client": { "id": "cli_1", "allContacts": contacts } } }));
    let page = answer.page_at(&["client", "allContacts"], ListShape::Connection).unwrap();
    assert_eq!((page.nodes.len(), page.total_count), (1, Some(120)));
    let contacts = answer.object_path(&["client", "allContacts"]).unwrap().unwrap();
    assert!(contacts.get().contains("con_1"));
    assert!(
        answer.object_path(&["client", "allPianos"]).is_err(),
        "a field that is not there was not asked for"
    );
}

#[test]
fn a_list_that_could_hide_records_is_no_page() {
    let node = json!({ "id": "Tremblay" });
    let cases = [
        (json!({ "nodes": [node] }), "another shape"),
        (json!({ "nodes": [node], "pageInfo": { "endCursor": "x" } }), "another shape"),
        (json!({ "nodes": [node], "pageInfo": { "hasNextPage": null } }), "another shape"),
        (
            json!({ "nodes": [node], "pageInfo": { "hasNextPage": true, "endCursor": null } }),
            "without an endCursor",
        ),
        (json!({ "nodes": null, "pageInfo": info() }), "neither nodes nor edges"),
        (json!({ "edges": [{}], "pageInfo": info() }), "another shape"),
        (json!({ "nodes": [node], "pageInfo": info(), "totalCount": -1 }), "another shape"),
        (json!([node]), "another shape"),
        (json!("Tremblay"), "another shape"),
        (json!(null), "is null"),
    ];
    for (list, says) in cases {
        let answer = events(list.clone());
        let error = answer.page("allEvents", ListShape::Connection).unwrap_err();
        assert_eq!(*error.class(), ErrorClass::BadAnswer);
        assert!(
            error.to_string().contains(says) && error.to_string().contains("`allEvents`"),
            "{list}: {error}"
        );
        assert!(!error.to_string().contains("Tremblay"), "{error}");
    }
    let error = events(json!({})).page("allClients", ListShape::Plain).unwrap_err();
    assert!(error.to_string().contains("`allClients` is missing"), "{error}");
}

#[test]
fn a_record_is_gone_when_its_getter_says_so() {
    let not_found = json!({ "message": "gone", "path": ["event"], "extensions": { "code": "NOT_FOUND" } });
    for body in [
        json!({ "data": { "event": null } }),
        json!({ "data": { "event": null }, "errors": [not_found] }),
        json!({ "data": null, "errors": [not_found] }),
    ] {
        assert!(answer(&body).object("event").unwrap().is_none(), "{body}");
    }
    let there = answer(json!({ "data": { "event": { "id": "evt_1" } } }));
    assert_eq!(there.object("event").unwrap().unwrap().get(), r#"{"id":"evt_1"}"#);
}

#[test]
fn an_error_that_says_not_found_in_words_or_of_no_field_is_no_evidence() {
    let code = json!({ "message": "gone", "extensions": { "code": "NOT_FOUND" } });
    let words = json!({ "message": "Company not found" });
    let words_at_root = json!({ "message": "Event not found", "path": ["event"] });
    for error in [&code, &words, &words_at_root] {
        for body in [
            json!({ "data": null, "errors": [error] }),
            json!({ "errors": [error] }),
            json!({ "data": { "event": null }, "errors": [error] }),
        ] {
            let answer = answer(&body);
            assert!(matches!(answer.lookup(&["event"]), Ok(Lookup::Unclear)), "{body}");
            let error = answer.object("event").unwrap_err();
            assert_eq!(*error.class(), ErrorClass::BadAnswer, "{body}");
        }
    }
}

#[test]
fn silence_about_a_record_is_no_evidence() {
    let of_a = json!({ "message": "gone", "path": ["a"], "extensions": { "code": "NOT_FOUND" } });
    let only_a = answer(json!({ "data": null, "errors": [of_a] }));
    assert!(only_a.object("a").unwrap().is_none());
    assert!(only_a.object("b").is_err(), "the error speaks of a alone");
    assert!(answer(json!({ "data": {} })).object("event").is_err());

    let mixed = answer(json!({ "data": { "a": null, "b": { "id": "evt_2" } }, "errors": [of_a] }));
    assert!(mixed.object("a").unwrap().is_none());
    assert!(mixed.object("b").unwrap().is_some());
}

#[test]
fn counts_are_read_by_alias() {
    let probe = answer(json!({ "data": { "y2024": { "totalCount": 3 }, "y2025": { "totalCount": 1_150 } } }));
    let counts: Vec<_> = probe.counts().unwrap().into_iter().collect();
    assert_eq!(counts, [("y2024".to_owned(), 3), ("y2025".to_owned(), 1_150)]);
    assert!(answer(json!({ "data": { "y2024": { "nodes": [] } } })).counts().is_err());
    assert!(answer(json!({ "data": { "y2024": null } })).counts().is_err());
}

#[test]
fn depth_and_length_harm_nobody() {
    let deep = format!(r#"{{"data":{{"deep":{}{}}}}}"#, "[".repeat(200_000), "]".repeat(200_000));
    assert_eq!(answer(deep).object("deep").unwrap().unwrap().get().len(), 400_000);
    let deep_errors = format!(r#"{{"errors":[{}{}]}}"#, "[".repeat(200_000), "]".repeat(200_000));
    let error = Answer::from_body("Test", deep_errors).unwrap_err();
    assert_eq!(*error.class(), ErrorClass::ServerFault);
}

/// The error of a client that gets this reply.
async fn refused(reply: Reply) -> SourceError {
    let server = ScriptedServer::always(reply).await;
    client(&server).post(&request()).await.unwrap_err()
}

#[tokio::test(start_paused = true)]
async fn of_an_answer_with_errors_beside_data_it_is_told_which_records_are_whole() {
    let nodes = json!([{ "id": "a" }, { "id": "b", "notes": null }, null]);
    let errors = json!([
        { "message": "Notes of 'Jean Tremblay' failed", "path": ["allEvents", "nodes", 1, "notes"] },
        { "message": "gone", "path": ["allEvents", "nodes", 2] },
    ]);
    let body = |errors: &Value| {
        json!({ "data": { "allEvents": { "nodes": nodes, "totalCount": 3,
            "pageInfo": { "hasNextPage": false, "endCursor": null } } }, "errors": errors })
    };
    let error = refused(Reply::json(200, body(&errors))).await;
    let (page, faults) = error.partial().unwrap().page("allEvents", ListShape::Connection).unwrap();
    assert_eq!(page.nodes.len(), 3);
    assert!(faults[0].is_empty());
    let fields: Vec<&str> = faults.iter().flatten().map(|fault| fault.field.as_str()).collect();
    assert_eq!(fields, ["notes", ""]);
    assert_eq!(faults[1][0].message, "Notes of '…' failed");
    assert!(!format!("{error} {error:?}").contains("Notes of"), "{error:?}");

    // An error without a path may be about any of them.
    let error = refused(Reply::json(200, body(&json!([{ "message": "oh" }])))).await;
    assert!(error.partial().unwrap().page("allEvents", ListShape::Connection).is_none());
}

#[tokio::test(start_paused = true)]
async fn bytes_that_are_no_text_are_found_in_their_record_and_field() {
    let body = b"{\"data\":{\"allEvents\":{\"nodes\":[{\"id\":\"a\"},{\"id\":\"b\",\"title\":\"caf\xe9\"}],\
        \"pageInfo\":{\"hasNextPage\":false,\"endCursor\":null}}}}";
    let error = refused(Reply::bytes(body.to_vec())).await;
    assert_eq!(*error.class(), ErrorClass::BadAnswer);
    assert!(error.to_string().contains("not UTF-8"), "{error}");
    let partial = error.partial().unwrap();
    let (page, faults) = partial.page("allEvents", ListShape::Connection).unwrap();
    assert!(faults[0].is_empty());
    assert_eq!(faults[1][0].field, "title");
    assert_eq!(faults[1][0].message, "byte 22 of the record, 0xE9, is not UTF-8");
    assert_eq!(&partial.received(page.nodes[1].unwrap())[..], b"{\"id\":\"b\",\"title\":\"caf\xe9\"}");

    // Invalid bytes in a page cursor belong to no record.
    let body = b"{\"data\":{\"allEvents\":{\"nodes\":[],\"pageInfo\":{\"hasNextPage\":true,\"endCursor\":\"\xe9\"}}}}";
    let error = refused(Reply::bytes(body.to_vec())).await;
    assert!(error.partial().unwrap().page("allEvents", ListShape::Connection).is_none());
}
