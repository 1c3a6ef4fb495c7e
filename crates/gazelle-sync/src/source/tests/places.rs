//! An error with a path inside the answer is about a value: its message does not count, and its code only if no
//! data came.

use std::time::Duration;

use serde_json::{Value, json};

use super::{super::ErrorClass, *};

/// Messages about values, and what each was once mistaken for.
const WORDS: [&str; 5] = [
    "personalNotes is too long: 70000 characters exceed the limit of 65535",
    "Parse error: the notes of Jean Tremblay",
    "introspection of Jean Tremblay failed",
    "Throttled by the notes service",
    "Field 'jean' doesn't exist on type 'Tremblay'",
];

fn answered(data: Value, error: Value) -> Reply {
    Reply::json(200, json!({ "data": data, "errors": [error] }))
}

async fn class_of(reply: Reply) -> (ErrorClass, String, usize) {
    let server = ScriptedServer::always(reply).await;
    let error = client(&server).post(&request()).await.unwrap_err();
    (error.class().clone(), format!("{error} {error:?} {:?}", error.class()), server.received().len())
}

#[tokio::test(start_paused = true)]
async fn the_words_of_an_error_inside_the_answer_decide_nothing() {
    for words in WORDS {
        for (path, data) in [
            (
                json!(["allClients", "nodes", 1, "personalNotes"]),
                json!({ "allClients": { "nodes": [{}, {}] } }),
            ),
            (json!(["client", "personalNotes"]), json!({ "client": { "id": "cli_1" } })),
        ] {
            let (class, line, _) = class_of(answered(data, json!({ "message": words, "path": path }))).await;
            assert!(matches!(class, ErrorClass::PartialData { .. }), "{words} at {path}: {line}");
            assert!(!line.contains("Tremblay") && !line.contains("70000"), "{line}");
        }
        // No data came: a field that must not be null failed.
        for (path, data) in [
            (json!(["allUsers", 1, "email"]), Value::Null),
            (json!(["allUsers", 1, "email"]), json!({ "allUsers": null })),
            (json!(["client", "personalNotes"]), json!({ "client": null })),
        ] {
            let (class, line, _) = class_of(answered(data, json!({ "message": words, "path": path }))).await;
            assert_eq!(class, ErrorClass::ServerFault, "{words} at {path}: {line}");
            assert!(!line.contains("Tremblay") && !line.contains("70000"), "{line}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_code_inside_the_answer_decides_only_where_nothing_came() {
    let data = json!({ "allClients": { "nodes": [{ "id": "cli_1" }] } });
    let null = json!({ "allClients": null });
    for (code, of_nothing) in [
        ("THROTTLED", "throttled"),
        ("MAX_COMPLEXITY_EXCEEDED", "over_limit"),
        ("undefinedField", "invalid_query"),
        // The credentials were accepted; the field is what is refused.
        ("UNAUTHENTICATED", "server_fault"),
        ("INTERNAL", "server_fault"),
    ] {
        let error = json!({ "message": "no: Tremblay", "path": ["allClients", "nodes", 0, "personalNotes"],
            "extensions": { "code": code } });
        let (class, line, _) = class_of(answered(data.clone(), error.clone())).await;
        assert_eq!(class.code().as_str(), "partial_data", "{code}: {line}");
        let server = ScriptedServer::always(answered(null.clone(), error.clone())).await;
        let failed = client(&server).post(&request()).await.unwrap_err();
        let can_be_read_around = matches!(of_nothing, "throttled" | "server_fault");
        assert_eq!(failed.partial().is_some(), can_be_read_around, "{code}: {failed}");
        let (class, line, _) = class_of(answered(null.clone(), error)).await;
        assert_eq!(class.code().as_str(), of_nothing, "{code}: {line}");
        assert!(!line.contains("Tremblay"), "{line}");
    }
    // graphql-ruby gives a refused query a path in the document.
    for path in [json!(["query AllEvents", "allEvents", "nodes", "x"]), json!(["query", "allEvents"])] {
        let error = json!({ "message": "Field 'x' doesn't exist on type 'Y'", "path": path });
        let (class, line, _) = class_of(Reply::json(200, json!({ "errors": [error] }))).await;
        assert_eq!(class, ErrorClass::InvalidQuery { fields: vec!["Y.x".to_owned()] }, "{line}");
    }
}

#[tokio::test(start_paused = true)]
async fn an_answer_with_a_throttled_field_is_asked_for_again_with_patience() {
    let error = json!({ "message": "slow", "path": ["allClients", "nodes", 0, "notes"],
        "extensions": { "code": "THROTTLED" } });
    let server =
        ScriptedServer::always(answered(json!({ "allClients": { "nodes": [{ "id": "cli_1" }] } }), error))
            .await;
    let settings = SourceSettings { retry_delay: Duration::from_millis(1), ..settings(&server) };
    let error = client_with(settings).post(&request()).await.unwrap_err();
    assert_eq!(error.class().code().as_str(), "partial_data", "{error}");
    let times: Vec<_> = server.received().iter().map(|received| received.at).collect();
    let gaps: Vec<f64> = times.windows(2).map(|pair| (pair[1] - pair[0]).as_secs_f64()).collect();
    assert!(gaps.len() == 2 && gaps.iter().all(|gap| *gap >= 1.0), "{gaps:?}");
}
