//! The number of attempts, their waits, and concurrency.

use std::time::Duration;

use jiff::Timestamp;
use serde_json::json;
use tokio::time::Instant;

use super::{
    super::{
        ErrorClass, Outcome,
        transport::{attempt::read_retry_after, compression::tests::gzipped},
    },
    *,
};

/// Seconds between the requests as the server received them.
fn gaps(server: &ScriptedServer) -> Vec<f64> {
    let times: Vec<Instant> = server.received().iter().map(|received| received.at).collect();
    times.windows(2).map(|pair| (pair[1] - pair[0]).as_secs_f64()).collect()
}

/// Panics if a wait was shorter than expected, or longer than with jitter.
#[track_caller]
fn assert_waited(server: &ScriptedServer, seconds: &[f64]) {
    let gaps = gaps(server);
    let fits = gaps.iter().zip(seconds).all(|(gap, wait)| (*wait..=wait * 1.11).contains(gap));
    assert!(gaps.len() == seconds.len() && fits, "{gaps:?}, {seconds:?} were to be waited");
}

fn busy() -> Reply {
    Reply::new(429, "text/plain", "")
}

#[tokio::test(start_paused = true)]
async fn a_good_request_carries_all_that_the_api_needs() {
    let reply = good_page().with_header("date", "Fri, 09 Jan 2026 12:00:00 GMT");
    let server = ScriptedServer::replying([reply]).await;
    let answer = client(&server).post(&request()).await.unwrap();

    let received = &server.received()[0];
    assert_eq!(received.path, "/graphql/private");
    assert_eq!(received.header("x-gazelle-api-key"), API_KEY);
    assert_eq!(received.header("content-type"), "application/json");
    assert!(received.header("user-agent").starts_with("gazelle-sync/"));
    let body: serde_json::Value = serde_json::from_str(&received.body).unwrap();
    let GraphqlRequest { operation_name, query, variables } = request();
    assert_eq!(body, json!({ "operationName": operation_name, "query": query, "variables": variables }));

    assert_eq!((answer.attempts, answer.http_status), (1, 200));
    assert_eq!(answer.bytes, answer.body.len() as u64);
    assert_eq!(answer.server_date, Some("2026-01-09T12:00:00Z".parse().unwrap()));
    assert!(Timestamp::now().duration_since(answer.started_at).as_secs() < 60);
}

#[tokio::test(start_paused = true)]
async fn the_address_is_used_exactly_as_given() {
    let server = ScriptedServer::always(good_page()).await;
    let with_slash = SourceSettings { graphql_url: server.url("/graphql/private/"), ..settings(&server) };
    client_with(with_slash).post(&request()).await.unwrap();
    assert_eq!(server.received()[0].path, "/graphql/private/");
}

#[tokio::test(start_paused = true)]
async fn waits_grow_with_each_attempt() {
    let server = ScriptedServer::always(Reply::new(500, "text/plain", "")).await;
    client(&server).post(&request()).await.unwrap_err();
    assert_waited(&server, &[5.0, 10.0]);
}

#[tokio::test(start_paused = true)]
async fn a_retry_that_succeeds_is_an_answer() {
    let server = ScriptedServer::replying([Reply::html(502, "Bad gateway"), good_page()]).await;
    let answer = client(&server).post(&request()).await.unwrap();
    assert_eq!(answer.attempts, 2);
}

#[tokio::test(start_paused = true)]
async fn retry_after_wins_over_our_own_wait() {
    let dated = |wait: &str| {
        busy().with_header("date", "Fri, 09 Jan 2026 12:00:00 GMT").with_header("retry-after", wait)
    };
    let unavailable = Reply::new(503, "text/plain", "").with_header("retry-after", "2");
    let replies = [
        busy().with_header("retry-after", "30"),
        dated("Fri, 09 Jan 2026 12:00:07 GMT"),
        unavailable,
        // A day is cut to five minutes; an unreadable value is ignored in favour of our own 5 s x attempt.
        busy().with_header("retry-after", "86400"),
        busy().with_header("retry-after", "soon"),
        good_page(),
    ];
    let server = ScriptedServer::replying(replies).await;
    let client = client_with(SourceSettings { attempts: 6, ..settings(&server) });
    client.post(&request()).await.unwrap();
    assert_waited(&server, &[30.0, 7.0, 2.0, 300.0, 25.0]);
}

#[test]
fn retry_after_is_seconds_or_a_date() {
    let now: Timestamp = "2026-01-09T12:00:00Z".parse().unwrap();
    let read = |text| read_retry_after(text, now).map(|wait| wait.as_secs());
    assert_eq!(read(" 12 "), Some(12));
    assert_eq!(read("Fri, 09 Jan 2026 12:01:00 GMT"), Some(60));
    assert_eq!(read("Fri, 09 Jan 2026 11:00:00 GMT"), Some(0), "a date that is over means now");
    assert_eq!(read("1.2"), Some(2));
    assert_eq!(read("99999999999999999999999999"), Some(u64::MAX));
    assert_eq!(read("-1"), None);
    assert_eq!(read("later"), None);
}

#[tokio::test(start_paused = true)]
async fn attempts_at_a_busy_api_are_never_spent_within_a_second() {
    let limited = |code: Option<&str>| {
        let extensions = code.map_or(json!({}), |code| json!({ "code": code }));
        Reply::json(
            200,
            json!({ "errors": [{ "message": "Rate limit exceeded", "extensions": extensions }], "data": null }),
        )
    };
    let saying =
        |message: &str| Reply::json(200, json!({ "errors": [{ "message": message }], "data": null }));
    let numbered =
        Reply::json(200, json!({ "errors": [{ "message": "no", "extensions": { "code": 429 } }] }));
    let unavailable = || Reply::new(503, "text/plain", "");
    let past = "Fri, 09 Jan 2026 11:00:00 GMT";
    for (name, reply) in [
        ("429", busy()),
        ("429, 0", busy().with_header("retry-after", "0")),
        ("429, past", busy().with_header("retry-after", past)),
        ("503", unavailable()),
        ("503, 0", unavailable().with_header("retry-after", "0")),
        ("503, past", unavailable().with_header("retry-after", past)),
        ("200, a code", limited(Some("THROTTLED"))),
        ("200, another code", limited(Some("RATELIMIT"))),
        ("200, the status as its code", limited(Some("429"))),
        ("200, the status as a number", numbered),
        ("200, a message", limited(None)),
        ("200, many", saying("Too many requests, try again later")),
        ("200, throttling", saying("Throttling: slow down")),
        ("200, hyphen", saying("You are rate-limited")),
        ("200, quota", saying("Quota exceeded")),
        ("200, a budget", saying("Complexity budget of 1000 exhausted; reset in 28 seconds")),
        ("200, 0", limited(None).with_header("retry-after", "0")),
    ] {
        // A setting with almost no delay.
        let server = ScriptedServer::always(reply).await;
        let settings = SourceSettings { retry_delay: Duration::from_millis(1), ..settings(&server) };
        client_with(settings).post(&request()).await.unwrap_err();
        let gaps = gaps(&server);
        assert!(gaps.len() == 2 && gaps.iter().all(|gap| *gap >= 1.0), "{name}: {gaps:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_date_far_ahead_is_cut_to_five_minutes() {
    let far = busy().with_header("retry-after", "Fri, 09 Jan 2099 12:00:00 GMT");
    let server = ScriptedServer::replying([far, good_page()]).await;
    client(&server).post(&request()).await.unwrap();
    assert_waited(&server, &[300.0]);
}

#[tokio::test(start_paused = true)]
async fn a_request_timeout_of_the_api_is_tried_again() {
    for status in [408, 425] {
        let server = ScriptedServer::replying([Reply::new(status, "text/plain", ""), good_page()]).await;
        assert_eq!(client(&server).post(&request()).await.unwrap().attempts, 2, "{status}");
    }
}

#[tokio::test(start_paused = true)]
async fn an_answer_is_read_that_came_compressed_asked_or_not() {
    let Reply::Http { body, .. } = good_page() else { unreachable!() };
    let packed = gzipped(body.as_bytes());
    let said = Reply::bytes(packed.clone()).with_header("content-encoding", "gzip");
    for reply in [said, Reply::bytes(packed)] {
        let server = ScriptedServer::always(reply).await;
        let answer = client(&server).post(&request()).await.unwrap();
        assert_eq!(&answer.body[..], body.as_bytes());
        assert_eq!(server.received()[0].header("accept-encoding"), "gzip");
    }
    let unknown = Reply::bytes([0x0b, 0x02, 0x80]).with_header("content-encoding", "br");
    let server = ScriptedServer::always(unknown).await;
    let error = client(&server).post(&request()).await.unwrap_err();
    assert_eq!(*error.class(), ErrorClass::BadAnswer);
    assert!(error.to_string().contains("packed as br"), "{error}");
}

#[tokio::test(start_paused = true)]
async fn what_a_compressed_answer_grows_to_is_bounded() {
    let packed = gzipped(&vec![b' '; 5_000_000]);
    assert!(packed.len() < 10_000);
    let server = ScriptedServer::always(Reply::bytes(packed).with_header("content-encoding", "gzip")).await;
    let client = client_with(SourceSettings { max_response_bytes: 1_000_000, ..settings(&server) });
    let error = client.post(&request()).await.unwrap_err();
    assert_eq!(*error.class(), ErrorClass::TooLarge);
}

#[tokio::test(start_paused = true)]
async fn a_throttled_error_tells_what_the_api_asked_for() {
    let server = ScriptedServer::always(busy().with_header("retry-after", "30")).await;
    let error = client(&server).post(&request()).await.unwrap_err();
    assert_eq!(*error.class(), ErrorClass::Throttled { retry_after: Some(Duration::from_secs(30)) });
    assert!(error.to_string().contains("30 s") && error.to_string().contains("after 3 attempts"), "{error}");
}

#[tokio::test(start_paused = true)]
async fn a_port_where_nobody_listens_is_unreachable() {
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let graphql_url = format!("http://127.0.0.1:{port}/graphql");
    let client = client_with(SourceSettings { graphql_url, ..SourceSettings::default() });
    let error = client.post(&request()).await.unwrap_err();
    assert_eq!(*error.class(), ErrorClass::Unreachable);
    assert_eq!((error.attempts(), error.http_status()), (3, None));
    assert!(error.to_string().contains("refused"), "{error}");
}

#[tokio::test(start_paused = true)]
async fn answers_over_the_limit_are_refused_announced_or_not() {
    let long = "x".repeat(2_000);
    let announced = Reply::new(200, "application/json", long.clone());
    let chunked = Reply::Raw(format!(
        "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n7d0\r\n{long}\r\n0\r\n\r\n"
    ));
    for reply in [announced, chunked] {
        let server = ScriptedServer::always(reply).await;
        let client = client_with(SourceSettings { max_response_bytes: 1_999, ..settings(&server) });
        let error = client.post(&request()).await.unwrap_err();
        assert_eq!(*error.class(), ErrorClass::TooLarge);
        assert_eq!(server.received().len(), 1);
        assert!(error.to_string().contains("1999 bytes"), "{error}");
    }
}

#[tokio::test(start_paused = true)]
async fn requests_in_flight_never_exceed_the_limit() {
    // Each request takes one second of the paused clock, which advances only when all tasks are idle: by then every
    // request that could be sent has been.
    let server = ScriptedServer::always(good_page().after(Duration::from_secs(1))).await;
    let client = client_with(SourceSettings { concurrency: 3, ..settings(&server) });
    let begun = Instant::now();
    let requests: Vec<_> = (0..10)
        .map(|_| {
            let client = client.clone();
            tokio::spawn(async move { client.post(&request()).await.unwrap() })
        })
        .collect();
    for request in requests {
        request.await.unwrap();
    }
    assert_eq!(server.most_in_flight(), 3);
    assert_eq!(begun.elapsed().as_secs(), 4, "10 requests, 3 at once, a second each");
}

#[tokio::test(start_paused = true)]
async fn a_request_that_waits_for_its_retry_holds_no_place() {
    let server =
        ScriptedServer::replying([busy().with_header("retry-after", "60"), good_page(), good_page()]).await;
    let client = client_with(SourceSettings { concurrency: 1, ..settings(&server) });
    let begun = Instant::now();
    let waiting = tokio::spawn({
        let client = client.clone();
        async move { client.post(&request()).await }
    });
    while server.received().is_empty() {
        tokio::task::yield_now().await;
    }
    client.post(&request()).await.unwrap();
    assert_eq!(begun.elapsed().as_secs(), 0, "the second request did not wait for the first");
    assert_eq!(waiting.await.unwrap().unwrap().attempts, 2);
}

#[tokio::test(start_paused = true)]
async fn the_observer_sees_every_request_whatever_its_end() {
    let replies =
        [Reply::html(502, "Bad gateway"), good_page(), Reply::new(404, "text/plain", PERSON), Reply::Hang];
    let server = ScriptedServer::replying(replies).await;
    let (client, records) = observed(&client(&server));

    let answer = client.post(&request()).await.unwrap();
    client.post(&request()).await.unwrap_err();
    // The run stops while the API hangs.
    tokio::time::timeout(Duration::from_secs(3), client.post(&request())).await.unwrap_err();

    let records = records.lock().unwrap();
    let outcomes: Vec<&str> = records.iter().map(|record| record.outcome.code().as_str()).collect();
    assert_eq!(outcomes, ["ok", "client_fault", "abandoned"]);
    let recovered = &records[0];
    assert_eq!(recovered.operation_name, "AllEvents");
    assert_eq!(recovered.variables, json!({ "first": 100 }));
    let attempts: Vec<_> =
        recovered.attempts.iter().map(|attempt| (attempt.failure.clone(), attempt.http_status)).collect();
    assert_eq!(attempts, [(Some(ErrorClass::ServerFault), Some(502)), (None, Some(200))]);
    assert_eq!(recovered.http_status(), Some(200));
    assert_eq!(recovered.latency(), answer.latency);
    assert_eq!(recovered.attempts[1].bytes, answer.bytes);
    assert_eq!(recovered.elapsed.as_secs(), 5);
    assert_eq!(records[1].outcome, Outcome::Failed(ErrorClass::ClientFault));
    assert_eq!(records[2].attempts, [], "the attempt never ended");
    assert!(!format!("{records:?}").contains(PERSON));
}

#[tokio::test(start_paused = true)]
async fn connections_are_kept_for_the_next_request() {
    let server = ScriptedServer::always(good_page()).await;
    let client = client(&server);
    for _ in 0..3 {
        client.post(&request()).await.unwrap();
    }
    assert_eq!(server.connections(), 1);
}
