//! OAuth tokens: refreshed once, saved before use, and what happens if a refresh fails.

use std::sync::Arc;

use jiff::Timestamp;
use serde_json::json;

use super::{
    super::{ErrorClass, FileTokenStore, TokenStore, Tokens},
    provider::{Provider, TOKEN_PATH, ending_in, oauth, scene, stale},
    token_files::{put, stored_access, tokens},
    *,
};

#[tokio::test(start_paused = true)]
async fn a_refused_token_is_refreshed_saved_and_then_used() {
    let scene = scene().await;
    put(&*scene.store, stale()).await;
    let (client, records) = observed(&oauth(&scene.server, scene.store.clone(), None));
    let answer = client.post(&request()).await.unwrap();

    let paths: Vec<String> = scene.server.received().into_iter().map(|received| received.path).collect();
    assert_eq!(paths, ["/graphql/private", TOKEN_PATH, "/graphql/private"]);
    let form = &scene.server.received()[1];
    assert_eq!(
        form.body,
        "grant_type=refresh_token&refresh_token=ref-1&client_id=app&client_secret=app-s3cret"
    );
    assert_eq!(form.header("content-type"), "application/x-www-form-urlencoded");
    assert_eq!(answer.attempts, 2);
    assert_eq!(stored_access(&*scene.store).await, "acc-2");
    let ends = scene.store.load().await.unwrap().tokens().unwrap().expires_at.unwrap();
    assert_eq!((ends - Timestamp::now()).total(jiff::Unit::Hour).unwrap().round(), 720.0);
    assert_eq!(records.lock().unwrap()[0].attempts[0].failure, Some(ErrorClass::Unauthorized));

    client.post(&request()).await.unwrap();
    assert_eq!(scene.server.count(TOKEN_PATH), 1, "the new token serves on");
}

#[tokio::test(start_paused = true)]
async fn first_tokens_serve_until_the_store_holds_some() {
    let scene = scene().await;
    let first = Tokens::from_refresh_token("ref-1".into());
    oauth(&scene.server, scene.store.clone(), Some(first.clone())).post(&request()).await.unwrap();
    assert_eq!(stored_access(&*scene.store).await, "acc-2");
    // After a restart with the same environment its token is used up; the stored one has precedence.
    oauth(&scene.server, scene.store.clone(), Some(first)).post(&request()).await.unwrap();
    assert_eq!(scene.server.count(TOKEN_PATH), 1);
}

#[tokio::test(start_paused = true)]
async fn a_token_is_refreshed_before_its_end() {
    let scene = scene().await;
    put(&*scene.store, ending_in(120, tokens("acc-1", "ref-1"))).await;
    let answer = oauth(&scene.server, scene.store.clone(), None).post(&request()).await.unwrap();
    assert_eq!((answer.attempts, scene.server.count(TOKEN_PATH)), (1, 1));
}

#[tokio::test(start_paused = true)]
async fn a_token_that_lives_long_is_refreshed_days_before_its_end() {
    let days = |n: i64| 86_400 * n;
    for (left, refreshes) in [(days(2), 1), (days(4), 0)] {
        let scene = scene().await;
        let fresh = ending_in(left, tokens("acc-1", "ref-1"));
        let refresh_from = fresh.expires_at.map(|end| end - jiff::SignedDuration::from_hours(72));
        put(&*scene.store, Tokens { refresh_from, ..fresh }).await;
        oauth(&scene.server, scene.store.clone(), None).post(&request()).await.unwrap();
        assert_eq!(scene.server.count(TOKEN_PATH), refreshes, "{left}");
    }
    for (life, margin) in
        [(1, 0), (60, 30), (300, 150), (600, 300), (7_200, 720), (days(30), days(3)), (days(300), days(3))]
    {
        let at = Timestamp::now();
        let seconds = Some(u64::try_from(life).unwrap());
        let tokens = Tokens::handed_out("a".into(), None, at, seconds);
        let ahead = tokens.expires_at.unwrap().duration_since(tokens.refresh_from.unwrap());
        assert_eq!(ahead.as_secs(), margin, "{life}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_token_that_lives_minutes_serves_for_half_of_its_life() {
    let life = jiff::SignedDuration::from_secs(120);
    for (age, refreshes) in [(0, 0), (50, 0), (70, 1)] {
        let scene = scene().await;
        let at = Timestamp::now() - jiff::SignedDuration::from_secs(age);
        let seconds = Some(life.as_secs().unsigned_abs());
        put(&*scene.store, Tokens::handed_out("acc-1".into(), Some("ref-1".into()), at, seconds)).await;
        let client = oauth(&scene.server, scene.store.clone(), None);
        client.post(&request()).await.unwrap();
        client.post(&request()).await.unwrap();
        assert_eq!(scene.server.count(TOKEN_PATH), refreshes, "{age} s old");
    }
}

#[tokio::test(start_paused = true)]
async fn a_refresh_that_fails_ahead_of_time_stops_nothing() {
    let server = ScriptedServer::start(|received| match received.path.as_str() {
        TOKEN_PATH => Reply::new(500, "text/plain", ""),
        _ => good_page(),
    })
    .await;
    let folder = tempfile::tempdir().unwrap();
    let store = Arc::new(FileTokenStore::new(folder.path().join("tokens.json")));
    put(&*store, ending_in(120, tokens("acc-1", "ref-1"))).await;
    let client = oauth(&server, store, None);
    client.post(&request()).await.unwrap();
    client.post(&request()).await.unwrap();
    assert_eq!(server.count(TOKEN_PATH), 1, "and is not tried with every request");
}

#[tokio::test(start_paused = true)]
async fn an_answer_without_a_refresh_token_keeps_the_old_one() {
    let server = ScriptedServer::start(|received| match received.path.as_str() {
        TOKEN_PATH => Reply::json(200, json!({ "access_token": "acc-2" })),
        _ if received.header("authorization") == "Bearer acc-2" => good_page(),
        _ => Reply::new(401, "text/plain", ""),
    })
    .await;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("tokens.json");
    let store = Arc::new(FileTokenStore::new(&path));
    put(&*store, stale()).await;
    oauth(&server, store, None).post(&request()).await.unwrap();
    let text = std::fs::read_to_string(path).unwrap();
    assert!(text.contains("acc-2") && text.contains("ref-1"), "{text}");
}

/// The server has rotated the refresh token when its answer arrives: an odd lifetime must not lose it.
#[tokio::test(start_paused = true)]
async fn a_refresh_token_is_kept_whatever_lifetime_comes_with_it() {
    let lifetimes = [
        json!("2592000"),
        json!(2_592_000.0),
        json!(-1),
        json!(0),
        json!(null),
        json!("soon"),
        json!(1e300),
        json!({ "seconds": 3600 }),
    ];
    for lifetime in lifetimes {
        let expires_in = lifetime.clone();
        let server = ScriptedServer::start(move |received| match received.path.as_str() {
            TOKEN_PATH => {
                let body =
                    json!({ "access_token": "acc-2", "refresh_token": "ref-2", "expires_in": expires_in });
                Reply::json(200, body)
            }
            _ if received.header("authorization") == "Bearer acc-2" => good_page(),
            _ => Reply::new(401, "text/plain", ""),
        })
        .await;
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("tokens.json");
        let store = Arc::new(FileTokenStore::new(&path));
        put(&*store, stale()).await;
        let client = oauth(&server, store, None);
        for _ in 0..3 {
            client.post(&request()).await.unwrap_or_else(|error| panic!("{lifetime}: {error}"));
        }
        let text = std::fs::read_to_string(path).unwrap();
        assert!(text.contains("acc-2") && text.contains("ref-2"), "{lifetime}: {text}");
        assert_eq!(server.count(TOKEN_PATH), 1, "{lifetime}: one refresh serves several requests");
    }
}

#[tokio::test(start_paused = true)]
async fn a_refresh_token_that_comes_without_an_access_token_is_saved_before_the_error() {
    let server = ScriptedServer::start(move |received| match received.path.as_str() {
        TOKEN_PATH => Reply::json(200, json!({ "access_token": null, "refresh_token": "ref-2" })),
        _ => Reply::new(401, "text/plain", ""),
    })
    .await;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("tokens.json");
    let store = Arc::new(FileTokenStore::new(&path));
    put(&*store, stale()).await;
    let error = oauth(&server, store, None).post(&request()).await.unwrap_err();
    assert!(error.to_string().contains("the refresh token was saved"), "{error}");
    assert!(std::fs::read_to_string(path).unwrap().contains("ref-2"));
}

#[tokio::test(start_paused = true)]
async fn a_token_refused_after_its_refresh_is_refused_for_good() {
    let server = ScriptedServer::start(|received| match received.path.as_str() {
        TOKEN_PATH => Reply::json(200, json!({ "access_token": "acc-2", "refresh_token": "ref-2" })),
        _ => Reply::new(401, "text/plain", PERSON),
    })
    .await;
    let folder = tempfile::tempdir().unwrap();
    let store = Arc::new(FileTokenStore::new(folder.path().join("tokens.json")));
    put(&*store, stale()).await;
    let error = oauth(&server, store, None).post(&request()).await.unwrap_err();
    assert_eq!((error.class(), error.attempts()), (&ErrorClass::Unauthorized, 2));
    assert_eq!(server.count(TOKEN_PATH), 1);
    assert!(error.to_string().contains("gazelle-sync auth login"), "{error}");
}

#[tokio::test(start_paused = true)]
async fn a_dead_refresh_token_needs_a_person_and_is_not_asked_twice() {
    let scene = scene().await;
    put(&*scene.store, tokens("acc-0", "ref-0")).await;
    let error = oauth(&scene.server, scene.store.clone(), None).post(&request()).await.unwrap_err();
    assert_eq!(*error.class(), ErrorClass::Unauthorized);
    assert_eq!(scene.server.count(TOKEN_PATH), 1);
    let line = error.to_string();
    assert!(line.contains(TOKEN_PATH) && line.contains("auth login"), "{line}");
    for secret in ["ref-0", "acc-0", "app-s3cret", PERSON] {
        assert!(!line.contains(secret), "{line}");
    }
    assert_eq!(stored_access(&*scene.store).await, "acc-0", "what is stored stays");
}

#[tokio::test(start_paused = true)]
async fn a_token_url_that_is_down_is_asked_again() {
    let mut asked = 0;
    let mut provider = Provider { generation: 1, token_file: None };
    let server = ScriptedServer::start(move |received| {
        asked += usize::from(received.path == TOKEN_PATH);
        if received.path == TOKEN_PATH && asked < 3 { Reply::Close } else { provider.answer(received) }
    })
    .await;
    let folder = tempfile::tempdir().unwrap();
    let store = Arc::new(FileTokenStore::new(folder.path().join("tokens.json")));
    put(&*store, stale()).await;
    oauth(&server, store, None).post(&request()).await.unwrap();
    assert_eq!(server.count(TOKEN_PATH), 3);
}

#[tokio::test(start_paused = true)]
async fn no_token_at_all_says_what_to_do() {
    let scene = scene().await;
    let error = oauth(&scene.server, scene.store.clone(), None).post(&request()).await.unwrap_err();
    assert_eq!(*error.class(), ErrorClass::Unauthorized);
    assert!(error.to_string().contains("tokens.json") && error.to_string().contains("auth login"), "{error}");
    assert!(scene.server.received().is_empty());
}
