//! The table of `classify.rs`, row by row: what the server does, the error class, the number of requests, the
//! message.

use serde_json::{Value, json};

use super::{
    super::{ErrorClass, SourceError},
    *,
};

fn error(message: &str, code: &str) -> Value {
    json!({ "message": format!("{message} ({PERSON})"), "extensions": { "code": code } })
}

fn errors_and(data: Value, errors: &[Value]) -> Reply {
    Reply::json(200, json!({ "errors": errors, "data": data }))
}

struct Case {
    name: &'static str,
    reply: Reply,
    class: ErrorClass,
    /// Number of requests that the server receives with 3 attempts allowed.
    asked: usize,
    /// Must be in the message.
    says: &'static str,
}

fn case(name: &'static str, reply: Reply, class: ErrorClass, asked: usize, says: &'static str) -> Case {
    Case { name, reply, class, asked, says }
}

fn network_and_status() -> Vec<Case> {
    let text = |status| Reply::new(status, "text/plain", PERSON);
    let redirect = text(302).with_header("location", "https://login.example.org/path?session=Tremblay");
    let chunked_cut = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n8\r\n{\"data\":\r\n";
    vec![
        case("closed", Reply::Close, ErrorClass::Unreachable, 3, "no answer"),
        case("reset", Reply::Reset, ErrorClass::Unreachable, 3, "no answer"),
        case("hangs", Reply::Hang, ErrorClass::Unreachable, 3, "no complete answer within 10s"),
        case(
            "hangs in the body",
            Reply::RawAndHang("HTTP/1.1 200 OK\r\ncontent-length: 99\r\n\r\n{".into()),
            ErrorClass::Unreachable,
            3,
            "no complete answer within 10s",
        ),
        case("401", text(401), ErrorClass::Unauthorized, 1, "check GAZELLE_API_KEY"),
        case("403", text(403), ErrorClass::ClientFault, 1, "HTTP 403"),
        case("404", text(404), ErrorClass::ClientFault, 1, "check GAZELLE_API_URL"),
        case("422", text(422), ErrorClass::ClientFault, 1, "HTTP 422"),
        case("429", text(429), ErrorClass::Throttled { retry_after: None }, 3, "fewer requests"),
        case("500", text(500), ErrorClass::ServerFault, 3, "HTTP 500"),
        case(
            "502 page",
            Reply::html(502, "Bad <gateway>"),
            ErrorClass::ServerFault,
            3,
            "(text/html, \"Bad gateway\")",
        ),
        case("redirect", redirect, ErrorClass::Redirected, 1, "redirect to login.example.org from"),
        case("page with 200", Reply::html(200, "Down"), ErrorClass::BadAnswer, 3, "a web page with HTTP 200"),
        case("cut", good_page().cut(), ErrorClass::BadAnswer, 3, "cut after"),
        case("cut chunks", Reply::Raw(chunked_cut.into()), ErrorClass::BadAnswer, 3, "cut after"),
        case("half JSON", text_json("{\"data\": {\"a\": \"Trem"), ErrorClass::BadAnswer, 3, "ends too early"),
        case("no JSON", text_json("Tremblay"), ErrorClass::BadAnswer, 3, "not a GraphQL answer"),
        case("empty", text_json(""), ErrorClass::BadAnswer, 3, "ends too early"),
        case("a list", text_json("[1, 2, 3, 4, 5, 6]"), ErrorClass::BadAnswer, 3, "not a GraphQL answer"),
        case("no data", text_json("{}"), ErrorClass::BadAnswer, 3, "without data"),
        case(
            "null data",
            text_json("{\"data\":null,\"errors\":[]}"),
            ErrorClass::BadAnswer,
            3,
            "without data",
        ),
        case("204", Reply::Raw("HTTP/1.1 204 No\r\n\r\n".into()), ErrorClass::BadAnswer, 3, "ends too early"),
    ]
}

fn graphql_errors() -> Vec<Case> {
    let invalid = |name: &str| ErrorClass::InvalidQuery { fields: vec![name.to_owned()] };
    let undefined = json!({ "message": PERSON,
        "extensions": { "code": "undefinedField", "typeName": "PrivateEvent", "fieldName": "foo" } });
    let argument = json!({ "message": PERSON,
        "extensions": { "code": "argumentNotAccepted", "name": "allEvents", "argumentName": "dateGet" } });
    let by_message = json!({ "message": "Field 'foo' doesn't exist on type 'PrivateEvent'" });
    let by_other_message =
        json!({ "message": "Unknown field \"foo\" on type \"PrivateEvent\". Did you mean \"bar\"?" });
    let data = json!({ "allEvents": { "nodes": [{ "id": PERSON }] } });
    let at_client = json!({ "message": PERSON, "path": ["allEvents", "nodes", 3, "client"] });
    let partial = ErrorClass::PartialData { paths: vec!["allEvents.nodes.3.client".into()] };
    let throttled = ErrorClass::Throttled { retry_after: None };
    let missing_deep = json!({ "message": "User not found", "path": ["event", "user"] });
    let fault_at_event = json!({ "message": PERSON, "path": ["event"] });
    vec![
        case(
            "unknown field",
            errors_and(Value::Null, std::slice::from_ref(&undefined)),
            invalid("PrivateEvent.foo"),
            1,
            "PrivateEvent.foo",
        ),
        case(
            "unknown argument",
            errors_and(Value::Null, &[argument]),
            invalid("allEvents(dateGet)"),
            1,
            "allEvents(dateGet)",
        ),
        case(
            "field by message",
            errors_and(Value::Null, &[by_message]),
            invalid("PrivateEvent.foo"),
            1,
            "PrivateEvent.foo",
        ),
        case(
            "other message",
            errors_and(Value::Null, &[by_other_message]),
            invalid("PrivateEvent.foo"),
            1,
            "update gazelle-sync",
        ),
        case(
            "invalid with 400",
            Reply::json(400, json!({ "errors": [undefined] })),
            invalid("PrivateEvent.foo"),
            1,
            "PrivateEvent.foo",
        ),
        case(
            "throttled",
            errors_and(Value::Null, &[error("slow", "THROTTLED")]),
            throttled.clone(),
            3,
            "fewer requests",
        ),
        case(
            "rate limit",
            errors_and(data.clone(), &[error("slow", "RATE_LIMITED")]),
            throttled,
            3,
            "fewer requests",
        ),
        case(
            "unauthenticated",
            errors_and(Value::Null, &[error("who", "UNAUTHENTICATED")]),
            ErrorClass::Unauthorized,
            1,
            "check GAZELLE_API_KEY",
        ),
        case(
            "Ruby fault",
            errors_and(Value::Null, &[error("undefined method", "INTERNAL")]),
            ErrorClass::ServerFault,
            3,
            "(INTERNAL)",
        ),
        case(
            "errors of odd shape",
            Reply::json(200, json!({ "errors": "Tremblay" })),
            ErrorClass::ServerFault,
            3,
            "GraphQL error",
        ),
        case("partial", errors_and(data, &[at_client]), partial, 3, "allEvents.nodes.3.client"),
        case(
            "null root with error",
            errors_and(json!({ "event": null }), &[fault_at_event]),
            ErrorClass::ServerFault,
            3,
            "at event",
        ),
        // Something below the record is not found, which sets the record to null: no evidence about the record.
        case(
            "NOT_FOUND further down",
            errors_and(json!({ "event": null }), &[missing_deep]),
            ErrorClass::ServerFault,
            3,
            "event.user",
        ),
    ]
}

fn text_json(body: &str) -> Reply {
    Reply::new(200, "application/json", body)
}

impl Reply {
    /// Announces 50 bytes more than it sends, then closes the connection.
    fn cut(self) -> Self {
        let Self::Http { status, body, .. } = self else { unreachable!() };
        Self::Raw(format!("HTTP/1.1 {status} OK\r\ncontent-length: {}\r\n\r\n{body}", body.len() + 50))
    }
}

async fn failure_of(case: &Case) -> (SourceError, ScriptedServer) {
    let server = ScriptedServer::always(case.reply.clone()).await;
    let error = client(&server).post(&request()).await.expect_err(case.name);
    (error, server)
}

async fn check(cases: Vec<Case>) {
    for case in cases {
        let (error, server) = failure_of(&case).await;
        let line = error.to_string();
        assert_eq!(*error.class(), case.class, "{}: {line}", case.name);
        assert_eq!(server.received().len(), case.asked, "{}: {line}", case.name);
        assert_eq!(error.attempts() as usize, case.asked, "{}", case.name);
        assert!(line.contains(case.says), "{}: {line}", case.name);
        assert!(
            line.contains(&format!("{} (AllEvents)", server.url("/graphql/private"))),
            "{}: {line}",
            case.name
        );
        for text in [line, format!("{error:?}")] {
            assert!(
                !text.contains(PERSON) && !text.contains('\n') && !text.contains(API_KEY),
                "{}: {text}",
                case.name
            );
        }
    }
}

#[tokio::test(start_paused = true)]
async fn each_fault_of_network_and_http_has_its_class() {
    check(network_and_status()).await;
}

/// Messages about limits as servers word them, with the HTTP status and the code of each.
const LIMITS: [(&str, u16, Option<&str>); 16] = [
    ("Query has complexity of 190, which exceeds max complexity of 100", 200, None),
    ("Query has depth of 12, which exceeds max depth of 10", 200, Some("GRAPHQL_VALIDATION_FAILED")),
    ("Syntax Error: Aliases limit of 15 exceeded, found 144.", 400, Some("GRAPHQL_VALIDATION_FAILED")),
    ("Syntax Error: Query Cost limit of 5000 exceeded, found 5023.", 400, None),
    ("Document contains more than 1000 tokens. Parsing aborted.", 400, Some("GRAPHQL_PARSE_FAILED")),
    (
        "Requesting 200 records on the `allClients` connection exceeds the `first` limit of 100 records.",
        200,
        None,
    ),
    ("`first` must be at most 50", 200, Some("argumentLiteralsIncompatible")),
    ("first must be less than or equal to 100", 400, None),
    ("The query is too complex", 200, None),
    ("no", 200, Some("MAX_COMPLEXITY_EXCEEDED")),
    ("no", 400, Some("queryTooComplex")),
    ("Query cost is 2002, which is over the single query max cost (1000)", 200, Some("MAX_COST_EXCEEDED")),
    ("Operation is too large", 200, None),
    ("The maximum allowed operation complexity was exceeded", 200, None),
    ("Maximum query depth exceeded", 400, None),
    ("Complexity limit exceeded", 200, None),
];

#[tokio::test(start_paused = true)]
async fn a_limit_of_the_query_has_a_class_of_its_own_and_is_repeated() {
    for (message, status, code) in LIMITS {
        let extensions = code.map_or(json!({}), |code| json!({ "code": code }));
        let body = json!({ "errors": [{ "message": message, "extensions": extensions }], "data": null });
        let server = ScriptedServer::always(Reply::json(status, body)).await;
        let error = client(&server).post(&request()).await.unwrap_err();
        assert_eq!(*error.class(), ErrorClass::OverLimit { said: message.to_owned() }, "{message}: {error}");
        assert!(error.to_string().contains(message), "{error}");
        assert!(error.may_be_too_much(), "{error}");
        assert_eq!(server.received().len(), 1, "asked again as it is, it is refused again: {message}");
    }
    let server = ScriptedServer::always(Reply::new(413, "text/plain", PERSON)).await;
    let error = client(&server).post(&request()).await.unwrap_err();
    assert!(matches!(error.class(), ErrorClass::OverLimit { .. }), "{error}");
}

#[tokio::test(start_paused = true)]
async fn a_limit_that_repeats_the_key_is_told_without_it() {
    let message = format!("Complexity 190 of {API_KEY} exceeds 100");
    let body = json!({ "errors": [{ "message": message }] });
    let server = ScriptedServer::always(Reply::json(200, body)).await;
    let error = client(&server).post(&request()).await.unwrap_err();
    assert!(matches!(error.class(), ErrorClass::OverLimit { .. }), "{error}");
    assert!(!format!("{error} {error:?} {:?}", error.class()).contains(API_KEY), "{error}");
}

#[test]
fn what_only_sounds_like_a_limit_is_none() {
    for message in [
        "Rate limit exceeded: 1000 points per hour",
        "Field 'depth' doesn't exist on type 'PrivatePiano'",
        "Field 'nodes' doesn't accept argument 'limit'",
        "undefined method `max' for nil",
        "Timeout resolving nodes",
        "Internal server error",
        "Record 17 not found",
        "Costs exceed the budget of this account",
        "Query timed out: maximum execution time exceeded",
    ] {
        let body = json!({ "errors": [{ "message": message }] }).to_string();
        let class = super::super::Answer::from_body("Test", body).err().map(|error| error.class().clone());
        assert!(!matches!(class, Some(ErrorClass::OverLimit { .. })), "{message}: {class:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn each_graphql_error_has_its_class() {
    check(graphql_errors()).await;
}
