//! A logout while another process holds tokens: it drops them too. Anything else does not lose a token.

use std::sync::{Arc, Mutex};

use super::{
    super::{ErrorClass, FileTokenStore, SourceError, StoredTokens, TokenStore, Tokens},
    provider::{Provider, Scene, TOKEN_PATH, ending_in, oauth, scene, stale},
    token_files::{put, stored_access, tokens},
    token_races::with_a_full_disk,
    *,
};

async fn log_out(store: &dyn TokenStore) -> bool {
    store.lock().await.unwrap().remove().await.unwrap()
}

/// A client that has used `first`, and a provider that refuses its access token from then on.
async fn let_in_once(first: Tokens) -> (Scene, GazelleClient, Arc<Mutex<bool>>) {
    let refuses = Arc::new(Mutex::new(false));
    let folder = tempfile::tempdir().unwrap();
    let store = Arc::new(FileTokenStore::new(folder.path().join("tokens.json")));
    put(&*store, first).await;
    let (refused, mut provider) = (refuses.clone(), Provider { generation: 1, token_file: None });
    let server = ScriptedServer::start(move |received| {
        let refused = *refused.lock().unwrap() && received.header("authorization") == "Bearer acc-1";
        if refused { Reply::new(401, "text/plain", PERSON) } else { provider.answer(received) }
    })
    .await;
    let client = oauth(&server, store.clone(), Some(Tokens::from_refresh_token("ref-1".into())));
    client.post(&request()).await.unwrap();
    (Scene { server, store, _folder: folder }, client, refuses)
}

#[track_caller]
fn is_logged_out(error: &SourceError) {
    assert_eq!(*error.class(), ErrorClass::Unauthorized, "{error}");
    assert!(
        error.to_string().contains("logged out by another process; run `gazelle-sync auth login`"),
        "{error}"
    );
}

#[tokio::test(start_paused = true)]
async fn a_client_forgets_the_tokens_that_somebody_logged_out_of() {
    let (scene, client, refuses) = let_in_once(tokens("acc-1", "ref-1")).await;
    assert!(log_out(&*scene.store).await);
    assert!(!log_out(&*scene.store).await, "there were none any more");
    *refuses.lock().unwrap() = true;
    // The second one has dropped the tokens and does not fall back to those of the environment; nor does the third,
    // after the logout marker was lost.
    for round in 0..3 {
        if round == 2 {
            std::fs::remove_file(scene.store.place()).unwrap();
        }
        is_logged_out(&client.post(&request()).await.unwrap_err());
        assert!(scene.store.load().await.unwrap().tokens().is_none(), "nothing is written back");
        assert_eq!(scene.server.count(TOKEN_PATH), 0, "nothing is asked with them");
    }
    put(&*scene.store, stale()).await;
    client.post(&request()).await.expect("a new login lets it in");
    assert_eq!(stored_access(&*scene.store).await, "acc-2");
}

#[tokio::test(start_paused = true)]
async fn a_logout_is_heeded_although_the_old_access_token_would_serve_on() {
    // By the system clock, which no test sets: as long as the first request takes on this machine.
    let mut soon = std::time::Duration::from_secs(2);
    let (scene, client, _) = loop {
        let begun = std::time::Instant::now();
        let refresh_from = Some(jiff::Timestamp::now() + jiff::SignedDuration::try_from(soon).unwrap());
        let first = Tokens { refresh_from, ..ending_in(3600, tokens("acc-1", "ref-1")) };
        let let_in = let_in_once(first).await;
        log_out(&*let_in.0.store).await;
        if begun.elapsed() < soon {
            while refresh_from.is_some_and(|due| jiff::Timestamp::now() < due) {
                std::thread::sleep(std::time::Duration::from_millis(5));
            }
            break let_in;
        }
        soon *= 2;
    };
    is_logged_out(&client.post(&request()).await.unwrap_err());
    assert_eq!(scene.server.count(TOKEN_PATH), 0);
}

#[tokio::test(start_paused = true)]
async fn lost_tokens_are_no_logout_and_are_written_back() {
    let (scene, client, refuses) = let_in_once(tokens("acc-1", "ref-1")).await;
    std::fs::remove_file(scene.store.place()).unwrap();
    *refuses.lock().unwrap() = true;
    client.post(&request()).await.unwrap();
    assert_eq!(stored_access(&*scene.store).await, "acc-2");
}

#[tokio::test(start_paused = true)]
async fn tokens_of_the_environment_serve_after_an_earlier_logout() {
    let scene = scene().await;
    log_out(&*scene.store).await;
    is_logged_out(&oauth(&scene.server, scene.store.clone(), None).post(&request()).await.unwrap_err());
    let first = Some(Tokens::from_refresh_token("ref-1".into()));
    oauth(&scene.server, scene.store.clone(), first).post(&request()).await.unwrap();
    assert_eq!(stored_access(&*scene.store).await, "acc-2");
}

#[tokio::test(start_paused = true)]
async fn a_rotated_token_that_was_not_saved_yet_is_forgotten_after_a_logout() {
    let (server, store) = with_a_full_disk().await;
    let client = oauth(&server, Arc::new(store.clone()), None);
    let error = client.post(&request()).await.unwrap_err();
    assert!(error.to_string().contains("cannot be saved"), "{error}");

    *store.stored.lock().unwrap() = StoredTokens::LoggedOut;
    for _ in 0..2 {
        is_logged_out(&client.post(&request()).await.unwrap_err());
        assert!(matches!(*store.stored.lock().unwrap(), StoredTokens::LoggedOut), "nothing is written back");
    }
    assert_eq!(server.count(TOKEN_PATH), 1);
}

/// The service creates a new client when it reopens the database.
#[tokio::test(start_paused = true)]
async fn what_a_login_holds_outlives_its_client() {
    let (server, store) = with_a_full_disk().await;
    let first = Some(Tokens::from_refresh_token("ref-0".into()));
    let before = oauth(&server, Arc::new(store.clone()), first.clone());
    let error = before.post(&request()).await.unwrap_err();
    assert!(error.to_string().contains("cannot be saved"), "{error}");

    // Only the earlier client had the rotated token.
    let client = oauth(&server, Arc::new(store.clone()), first.clone());
    client.continue_login_of(&before).await;
    client.post(&request()).await.expect("it has the token that could not be saved");
    assert_eq!(server.count(TOKEN_PATH), 1);
    assert!(
        matches!(&*store.stored.lock().unwrap(), StoredTokens::Tokens(saved) if !saved.same_access(&stale()))
    );
}

#[tokio::test(start_paused = true)]
async fn a_logout_that_a_client_noticed_is_not_forgotten_with_it() {
    let (scene, before, refuses) = let_in_once(tokens("acc-1", "ref-1")).await;
    log_out(&*scene.store).await;
    *refuses.lock().unwrap() = true;
    is_logged_out(&before.post(&request()).await.unwrap_err());

    let first = Some(Tokens::from_refresh_token("ref-1".into()));
    let client = oauth(&scene.server, scene.store.clone(), first);
    client.continue_login_of(&before).await;
    is_logged_out(&client.post(&request()).await.unwrap_err());
    assert_eq!(scene.server.count(TOKEN_PATH), 0, "nothing is asked with the tokens of the environment");
}
