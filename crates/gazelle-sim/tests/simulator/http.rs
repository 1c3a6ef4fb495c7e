//! Authentication, tokens, the control endpoints, and the life of the service.

use std::time::Duration;

use crate::support::{Shop, small, start, start_with, text};
use gazelle_sim::{ShopSpec, SimOptions, Simulator};
use serde_json::{Value, json};

const USERS: &str = "{ allUsers { id } }";

async fn status_with(shop: &Shop, name: &str, value: &str) -> u16 {
    let request =
        shop.client.post(shop.sim.graphql_url()).header(name, value).json(&json!({ "query": USERS }));
    request.send().await.unwrap().status().as_u16()
}

async fn token(shop: &Shop, fields: &[(&str, &str)]) -> (u16, Value) {
    let mut form = vec![("client_id", "sim-client"), ("client_secret", "sim-secret")];
    form.extend(fields);
    let url = format!("{}/token", shop.sim.oauth_url());
    let answer = shop.client.post(url).form(&form).send().await.unwrap();
    (answer.status().as_u16(), answer.json().await.unwrap())
}

#[tokio::test]
async fn only_a_key_or_a_living_token_opens() {
    let shop = start().await;
    assert_eq!(status_with(&shop, "x-gazelle-api-key", "sim-key").await, 200);
    assert_eq!(status_with(&shop, "x-gazelle-api-key", "other").await, 401);
    assert_eq!(status_with(&shop, "x-nothing", "sim-key").await, 401);
    assert_eq!(status_with(&shop, "authorization", "Bearer sim-key").await, 401);
    let tokens = shop.control.issue_tokens();
    let bearer = format!("Bearer {}", tokens.access_token);
    assert_eq!(status_with(&shop, "authorization", &bearer).await, 200);
    shop.control.expire_access_tokens();
    assert_eq!(status_with(&shop, "authorization", &bearer).await, 401);
}

#[tokio::test]
async fn the_path_with_a_slash_and_the_date_header() {
    let shop = start().await;
    let url = format!("{}/", shop.sim.graphql_url());
    let request =
        shop.client.post(url).header("x-gazelle-api-key", "sim-key").json(&json!({ "query": USERS }));
    let answer = request.send().await.unwrap();
    assert_eq!(answer.status(), 200);
    assert!(text(&json!(answer.headers()["date"].to_str().unwrap())).ends_with(" GMT"));
    let moved =
        start_with(small(), SimOptions { clock_offset_seconds: -86_400 * 4_000, ..SimOptions::default() })
            .await;
    let answer = moved.send(USERS, json!({})).await.unwrap();
    let date = answer.headers()["date"].to_str().unwrap().to_owned();
    let expected = jiff::Timestamp::from_second(moved.control.now()).unwrap().strftime("%b %Y").to_string();
    assert!(date.contains(&expected), "{date}");
    let got = shop.client.get(shop.sim.graphql_url()).send().await.unwrap();
    assert_eq!(got.status(), 405);
}

#[tokio::test]
async fn a_code_becomes_tokens_once() {
    let shop = start().await;
    let url = format!(
        "{}/authorize?client_id=sim-client&response_type=code&redirect_uri=http%3A%2F%2F127.0.0.1%3A1%2Fback&state=a%26b",
        shop.sim.oauth_url()
    );
    let sent_back = shop.client.get(url).send().await.unwrap();
    assert_eq!(sent_back.status(), 302);
    let location = sent_back.headers()["location"].to_str().unwrap().to_owned();
    assert!(
        location.starts_with("http://127.0.0.1:1/back?code=") && location.ends_with("&state=a%26b"),
        "{location}"
    );
    let code = location.split("code=").nth(1).unwrap().split('&').next().unwrap();
    let grant =
        [("grant_type", "authorization_code"), ("code", code), ("redirect_uri", "http://127.0.0.1:1/back")];
    let (status, tokens) = token(&shop, &grant).await;
    assert_eq!(status, 200, "{tokens}");
    assert_eq!(tokens["expires_in"], 30 * 86_400);
    let bearer = format!("Bearer {}", text(&tokens["access_token"]));
    assert_eq!(status_with(&shop, "authorization", &bearer).await, 200);
    assert_eq!(token(&shop, &grant).await, (400, json!({ "error": "invalid_grant" })));
}

#[tokio::test]
async fn refreshing_rotates_or_keeps_the_refresh_token() {
    let shop = start().await;
    let first = shop.control.issue_tokens();
    let (status, second) =
        token(&shop, &[("grant_type", "refresh_token"), ("refresh_token", &first.refresh_token)]).await;
    assert_eq!(status, 200);
    assert_ne!(second["refresh_token"], *first.refresh_token);
    let again =
        token(&shop, &[("grant_type", "refresh_token"), ("refresh_token", &first.refresh_token)]).await;
    assert_eq!(again, (400, json!({ "error": "invalid_grant" })));

    let keeping =
        start_with(small(), SimOptions { rotate_refresh_tokens: false, ..SimOptions::default() }).await;
    let first = keeping.control.issue_tokens();
    for _ in 0..2 {
        let (status, answer) =
            token(&keeping, &[("grant_type", "refresh_token"), ("refresh_token", &first.refresh_token)])
                .await;
        assert_eq!(status, 200);
        assert_eq!(answer.get("refresh_token"), None);
    }
}

#[tokio::test]
async fn tokens_end_by_the_clock() {
    let options = SimOptions {
        access_token_life: Duration::from_secs(100),
        refresh_token_life: Duration::from_secs(1_000),
        ..SimOptions::default()
    };
    let shop = start_with(small(), options).await;
    let tokens = shop.control.issue_tokens();
    let bearer = format!("Bearer {}", tokens.access_token);
    assert_eq!(status_with(&shop, "authorization", &bearer).await, 200);
    shop.control.advance_clock(101);
    assert_eq!(status_with(&shop, "authorization", &bearer).await, 401);
    let refresh = [("grant_type", "refresh_token"), ("refresh_token", tokens.refresh_token.as_str())];
    shop.control.advance_clock(1_000);
    assert_eq!(token(&shop, &refresh).await.0, 400);
}

#[tokio::test]
async fn other_grants_and_other_clients_are_refused() {
    let shop = start().await;
    assert_eq!(token(&shop, &[("grant_type", "client_credentials")]).await.0, 400);
    assert_eq!(
        token(&shop, &[("grant_type", "password")]).await.1,
        json!({ "error": "unsupported_grant_type" })
    );
    let tokens = shop.control.issue_tokens();
    let url = format!("{}/token", shop.sim.oauth_url());
    let wrong = json!({ "client_id": "sim-client", "client_secret": "no", "grant_type": "refresh_token", "refresh_token": tokens.refresh_token });
    assert_eq!(shop.client.post(&url).json(&wrong).send().await.unwrap().status(), 401);
    let mut right = wrong;
    right["client_secret"] = "sim-secret".into();
    assert_eq!(shop.client.post(&url).json(&right).send().await.unwrap().status(), 200);
}

#[tokio::test]
async fn the_control_endpoints_do_what_the_handle_does() {
    let shop = start().await;
    let base = format!("http://{}/_sim", shop.sim.address());
    let post = async |path: &str, body: Value| -> (u16, Value) {
        let answer = shop.client.post(format!("{base}/{path}")).json(&body).send().await.unwrap();
        (answer.status().as_u16(), answer.json().await.unwrap())
    };
    let get = async |path: &str| -> Value {
        shop.client.get(format!("{base}/{path}")).send().await.unwrap().json().await.unwrap()
    };
    let ids = get("truth/event").await["ids"].clone();
    assert_eq!(ids.as_array().unwrap().len(), 120);
    let id = text(&ids[0]);
    let (status, answer) = post(
        "change",
        json!([{ "change": "move", "id": id, "start": "2026-04-01T14:00:00Z" },
                                                 { "change": "delete", "kind": "event", "id": ids[1] },
                                                 { "change": "add_bad_record", "bad_record": "null_node" }]),
    )
    .await;
    assert_eq!((status, answer["changed"].as_array().unwrap().len()), (200, 3), "{answer}");
    assert_eq!(get(&format!("truth/event/{id}")).await["start"], "2026-04-01T14:00:00Z");
    assert_eq!(get("truth").await["counts"]["event"], 120);
    assert_eq!(post("change", json!({ "change": "cancel", "id": "evt_none" })).await.0, 404);
    assert_eq!(post("change", json!({ "change": "explode" })).await.0, 400);

    for (path, misspelt) in [
        ("change", json!({ "change": "cancel", "id": id, "bumps": true })),
        ("fault", json!({ "fault": "server_error", "time": 3 })),
        ("fault", json!({ "fault": "call" })),
    ] {
        assert_eq!(post(path, misspelt.clone()).await.0, 400, "{misspelt}");
    }
    assert_eq!(get("fault").await["faults"], json!([]));

    let fault = json!({ "fault": "too_many_requests", "retry_after_seconds": 2, "root_field": "allUsers", "skip": 1, "times": null });
    let (status, answer) = post("fault", fault).await;
    assert_eq!((status, answer["ids"].as_array().unwrap().len()), (200, 1));
    assert_eq!(shop.send(USERS, json!({})).await.unwrap().status(), 200);
    assert_eq!(shop.send(USERS, json!({})).await.unwrap().status(), 429);
    let listed = get("fault").await;
    assert_eq!(listed["faults"][0]["fired"], 1);
    assert_eq!(listed["faults"][0]["fault"]["retry_after_seconds"], 2);
    assert_eq!(listed["faults"][0]["fault"]["times"], Value::Null);
    shop.client.delete(format!("{base}/fault")).send().await.unwrap();
    assert_eq!(shop.send(USERS, json!({})).await.unwrap().status(), 200);
    let (status, _) =
        post("fault", json!({ "fault": "field_value", "field": "status", "value": "HOLOGRAM" })).await;
    assert_eq!(status, 200);
    let users = shop.data("{ allUsers { status } }", json!({})).await;
    assert_eq!(users["allUsers"][0]["status"], "HOLOGRAM");

    let log = get("requests").await;
    assert_eq!(log["counts"]["total"], 4);
    assert_eq!(log["requests"][1]["status"], 429);
    let (_, tokens) = post("tokens", json!({})).await;
    assert!(tokens["access_token"].is_string());
    let before = shop.control.now();
    post("clock", json!({ "advance_seconds": 5_000 })).await;
    assert!(shop.control.now() >= before + 5_000);
}

#[tokio::test]
async fn a_change_makes_prepared_answers_stale() {
    let shop = start().await;
    let id = shop.event_titled("avant 8h");
    let query = "query($id: String!) { event(eventId: $id) { title } }";
    for title in ["un", "deux", "trois"] {
        shop.control.edit(gazelle_sim::RecordKind::Event, &id, json!({ "title": title })).unwrap();
        for _ in 0..2 {
            assert_eq!(shop.data(query, json!({ "id": id })).await["event"]["title"], title);
        }
    }
}

#[tokio::test]
async fn bodies_that_are_no_questions_are_refused() {
    let shop = start().await;
    let send = async |body: &str| {
        let request = shop
            .client
            .post(shop.sim.graphql_url())
            .header("x-gazelle-api-key", "sim-key")
            .body(body.to_owned());
        request.send().await.unwrap()
    };
    assert_eq!(send("what?").await.status(), 400);
    let empty: Value = send("{}").await.json().await.unwrap();
    assert_eq!(empty["errors"][0]["message"], "No query string was present");
}

#[tokio::test]
async fn it_stops_when_told_and_its_port_is_free_again() {
    let shop = start().await;
    let address = shop.sim.address();
    let mut sim = shop.sim;
    let control = shop.control.clone();
    let waiting = tokio::spawn(async move {
        sim.wait().await;
    });
    control.stop();
    waiting.await.unwrap();
    let again = Simulator::start(ShopSpec::empty(), SimOptions::default(), address).await.unwrap();
    assert_eq!(again.address(), address);
    again.shutdown().await;
    assert!(tokio::net::TcpStream::connect(address).await.is_err());
}
