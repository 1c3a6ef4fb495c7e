//! Faults of the service and of the connection, as a real HTTP client meets them.

use std::error::Error;
use std::time::{Duration, Instant};

use crate::support::{EVENTS, is_over, shop_with, start};
use gazelle_sim::{Fault, FaultKind};
use serde_json::{Value, json};

/// Goes on once it is so; fails when it is not within ten seconds.
async fn until(is_so: impl Fn() -> bool) {
    let looking = async {
        while !is_so() {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(10), looking).await.unwrap();
}

#[tokio::test]
async fn http_errors_are_sent_and_end() {
    for (kind, status, is_json) in [
        (FaultKind::Unauthorized, 401, true),
        (FaultKind::TooManyRequests { retry_after_seconds: Some(3) }, 429, true),
        (FaultKind::ServerError, 500, true),
        (FaultKind::BadGateway, 502, false),
        (FaultKind::HtmlOk, 200, false),
        (FaultKind::Status { status: 418, body: "{}".to_owned() }, 418, true),
    ] {
        let shop = shop_with(kind.clone()).await;
        let answer = shop.send(EVENTS, json!({})).await.unwrap();
        assert_eq!(answer.status(), status, "{kind:?}");
        let content = answer.headers()["content-type"].to_str().unwrap().to_owned();
        assert_eq!(content.starts_with("application/json"), is_json, "{kind:?}");
        let retry = answer.headers().get("retry-after").map(|value| value.to_str().unwrap().to_owned());
        assert_eq!(retry.as_deref(), (status == 429).then_some("3"));
        let body = answer.text().await.unwrap();
        assert_eq!(body.contains("<html>"), !is_json, "{kind:?}");
        assert!(!body.contains("allEventsBatched"), "{kind:?}");
        is_over(&shop).await;
    }
}

#[tokio::test]
async fn a_redirect_leads_elsewhere() {
    let shop = shop_with(FaultKind::Redirect { location: "http://example.com/login".to_owned() }).await;
    let answer = shop.send(EVENTS, json!({})).await.unwrap();
    assert_eq!(answer.status(), 302);
    assert_eq!(answer.headers()["location"], "http://example.com/login");
    is_over(&shop).await;
}

#[tokio::test]
async fn skip_times_and_matching_choose_the_requests() {
    let shop = start().await;
    shop.control.add_fault(Fault::new(FaultKind::ServerError).on_field("allEventsBatched").skip(1).times(2));
    let mut statuses = Vec::new();
    for _ in 0..4 {
        shop.data("{ allUsers { id } }", json!({})).await;
        statuses.push(shop.send(EVENTS, json!({})).await.unwrap().status().as_u16());
    }
    assert_eq!(statuses, [200, 500, 500, 200]);
    let state = shop.control.faults()[0].clone();
    assert_eq!((state.seen, state.fired), (3, 2));

    shop.control.clear_faults();
    shop.control.add_fault(Fault::new(FaultKind::ServerError).on_operation("Other").forever());
    is_over(&shop).await;
    shop.control.clear_faults();
    shop.control.add_fault(
        Fault::new(FaultKind::ServerError).on_operation("Events").on_variable("first", 7).forever(),
    );
    is_over(&shop).await;
    for _ in 0..3 {
        assert_eq!(shop.send(EVENTS, json!({ "first": 7 })).await.unwrap().status(), 500);
    }
}

#[tokio::test]
async fn faults_in_a_row_come_one_after_the_other() {
    let shop = start().await;
    shop.control.add_fault(Fault::new(FaultKind::ServerError).times(2));
    shop.control.add_fault(Fault::new(FaultKind::Unauthorized));
    let mut statuses = Vec::new();
    for _ in 0..4 {
        statuses.push(shop.send(EVENTS, json!({})).await.unwrap().status().as_u16());
    }
    assert_eq!(statuses, [500, 500, 401, 200]);
}

#[tokio::test]
async fn a_hang_never_answers_and_ends_with_the_client() {
    let shop = shop_with(FaultKind::Hang).await;
    let sent = shop.request(EVENTS, json!({})).timeout(Duration::from_millis(300)).send().await;
    assert!(sent.unwrap_err().is_timeout());
    is_over(&shop).await;
    // The connection that hung is noticed to be gone; nothing tells when, so this looks until it is.
    until(|| shop.control.request_counts().in_flight == 0).await;
    assert_eq!(shop.control.requests()[0].status, None);
    assert_eq!(shop.control.requests()[0].faults, ["hang"]);
}

#[tokio::test]
async fn a_slow_answer_comes_late_but_whole() {
    let shop = shop_with(FaultKind::Slow { milliseconds: 250 }).await;
    let begun = Instant::now();
    is_over(&shop).await;
    assert!(begun.elapsed() >= Duration::from_millis(250));
}

#[tokio::test]
async fn a_reset_connection_is_reset() {
    let shop = shop_with(FaultKind::ConnectionReset).await;
    let error = shop.send(EVENTS, json!({})).await.unwrap_err();
    let mut source = error.source();
    let mut kinds = Vec::new();
    while let Some(cause) = source {
        kinds.extend(cause.downcast_ref::<std::io::Error>().map(std::io::Error::kind));
        source = cause.source();
    }
    assert!(kinds.contains(&std::io::ErrorKind::ConnectionReset), "{error:?}");
    is_over(&shop).await;
}

#[tokio::test]
async fn a_cut_body_promises_more_than_it_sends() {
    let shop = shop_with(FaultKind::CutBody).await;
    let mut answer = shop.send(EVENTS, json!({})).await.unwrap();
    assert_eq!(answer.status(), 200);
    let promised = answer.content_length().unwrap();
    let mut got = 0;
    let failed = loop {
        match answer.chunk().await {
            Ok(Some(chunk)) => got += chunk.len() as u64,
            Ok(None) => break false,
            Err(_) => break true,
        }
    };
    assert!(failed, "the body ended as if it were whole");
    assert_eq!(got, promised / 2);
    is_over(&shop).await;
}

#[tokio::test]
async fn truncated_json_is_half_a_document() {
    let shop = shop_with(FaultKind::TruncatedJson).await;
    let body = shop.send(EVENTS, json!({})).await.unwrap().text().await.unwrap();
    assert!(body.starts_with("{\"data\":"));
    assert!(serde_json::from_str::<Value>(&body).is_err());
    is_over(&shop).await;
}

#[tokio::test]
async fn many_requests_are_answered_at_once() {
    let shop = start().await;
    shop.control.add_fault(Fault::new(FaultKind::Hang).on_operation("Stuck").forever());
    let stuck = shop.request("query Stuck { allUsers { id } }", json!({}));
    let stuck: Vec<_> = (0..8).map(|_| tokio::spawn(stuck.try_clone().unwrap().send())).collect();
    until(|| shop.control.request_counts().in_flight == 8).await;
    is_over(&shop).await;
    assert_eq!(shop.control.request_counts().max_in_flight, 9);
    for task in stuck {
        task.abort();
    }
}

#[tokio::test]
async fn the_log_tells_what_was_asked_and_answered() {
    let shop = start().await;
    shop.control.add_fault(Fault::new(FaultKind::BadGateway).on_field("allEventsBatched"));
    shop.send(EVENTS, json!({ "first": 3 })).await.unwrap();
    let query =
        "{ here: allUsers { id } ...More } fragment More on PrivateQuery { company { id } user { id } }";
    shop.data(query, json!({})).await;
    let log = shop.control.requests();
    assert_eq!(log.len(), 2);
    assert_eq!(log[0].root_fields, ["allEventsBatched"]);
    assert_eq!(log[0].operation.as_deref(), Some("Events"));
    assert_eq!(Value::from(log[0].variables.clone()), json!({ "first": 3 }));
    assert_eq!((log[0].status, log[0].faults.clone()), (Some(502), vec!["bad_gateway".to_owned()]));
    assert_eq!(log[1].root_fields, ["allUsers", "company", "user"]);
    assert_eq!(log[1].status, Some(200));
    assert!(log[0].at.parse::<jiff::Timestamp>().is_ok(), "{log:?}");
    shop.control.clear_requests();
    assert!(shop.control.requests().is_empty());
    assert_eq!(shop.control.request_counts().total, 0);
}
