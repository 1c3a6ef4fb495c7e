//! OAuth under concurrency and failures: many requests, two processes, a caller that leaves, a store that fails. No
//! token is lost.

use std::sync::{
    Arc, Mutex,
    atomic::{AtomicUsize, Ordering},
};

use futures_util::future::BoxFuture;

use super::{
    super::{ErrorClass, FileTokenStore, StoredTokens, TokenLock, TokenStore, TokenStoreError, Tokens},
    provider::{Provider, TOKEN_PATH, oauth, scene, stale},
    token_files::{put, stored_access},
    *,
};

#[tokio::test(start_paused = true)]
async fn many_requests_refused_at_once_refresh_once() {
    let scene = scene().await;
    put(&*scene.store, stale()).await;
    let client = oauth(&scene.server, scene.store.clone(), None);
    let requests = (0..8).map(|_| {
        let client = client.clone();
        tokio::spawn(async move { client.post(&request()).await })
    });
    for request in requests.collect::<Vec<_>>() {
        request.await.unwrap().unwrap();
    }
    assert_eq!(scene.server.count(TOKEN_PATH), 1);
}

#[tokio::test(start_paused = true)]
async fn two_processes_refused_at_once_refresh_once() {
    // Two clients that share only the file. A second refresh with the same token would be refused, and both tokens
    // lost.
    let scene = scene().await;
    put(&*scene.store, stale()).await;
    let other_store = Arc::new(FileTokenStore::new(scene.store.place()));
    let one = oauth(&scene.server, scene.store.clone(), None);
    let other = oauth(&scene.server, other_store, None);
    let (one_request, other_request) = (request(), request());
    let (first, second) = tokio::join!(one.post(&one_request), other.post(&other_request));
    first.unwrap();
    second.unwrap();
    assert_eq!(scene.server.count(TOKEN_PATH), 1);
}

#[tokio::test(start_paused = true)]
async fn a_caller_that_stops_waiting_does_not_lose_the_token() {
    let mut provider = Provider { generation: 1, token_file: None };
    let server = ScriptedServer::start(move |received| {
        let reply = provider.answer(received);
        if received.path == TOKEN_PATH { reply.after(std::time::Duration::from_secs(5)) } else { reply }
    })
    .await;
    let folder = tempfile::tempdir().unwrap();
    let store = Arc::new(FileTokenStore::new(folder.path().join("tokens.json")));
    put(&*store, stale()).await;
    let client = oauth(&server, store.clone(), None);
    let stopped = tokio::time::timeout(std::time::Duration::from_secs(1), client.post(&request())).await;
    assert!(stopped.is_err(), "the provider has rotated the token, its answer is on the way");
    drop(client);

    // Waits for the lock that the refresh holds.
    drop(store.lock().await.unwrap());
    assert_eq!(stored_access(&*store).await, "acc-2");
}

/// A store whose first saves fail, as on a full disk.
#[derive(Debug, Clone)]
pub struct FullDisk {
    pub stored: Arc<Mutex<StoredTokens>>,
    pub failures_left: Arc<AtomicUsize>,
}

impl TokenStore for FullDisk {
    fn place(&self) -> String {
        "the full disk".into()
    }
    fn load(&self) -> BoxFuture<'_, Result<StoredTokens, TokenStoreError>> {
        Box::pin(async { Ok(self.stored.lock().unwrap().clone()) })
    }
    fn lock(&self) -> BoxFuture<'_, Result<Box<dyn TokenLock>, TokenStoreError>> {
        Box::pin(async { Ok(Box::new(self.clone()) as Box<dyn TokenLock>) })
    }
}

impl TokenLock for FullDisk {
    fn load(&mut self) -> BoxFuture<'_, Result<StoredTokens, TokenStoreError>> {
        TokenStore::load(self)
    }
    fn save(self: Box<Self>, tokens: Tokens) -> BoxFuture<'static, Result<(), TokenStoreError>> {
        Box::pin(async move {
            let failed = self
                .failures_left
                .fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1));
            if failed.is_ok() {
                let (what, advice) = ("the tokens cannot be saved".into(), "free some space".into());
                return Err(TokenStoreError { what, place: self.place(), advice });
            }
            *self.stored.lock().unwrap() = StoredTokens::Tokens(tokens);
            Ok(())
        })
    }
    fn remove(self: Box<Self>) -> BoxFuture<'static, Result<bool, TokenStoreError>> {
        Box::pin(async { Ok(false) })
    }
}

/// A provider, and a store of its first tokens whose next save fails.
pub async fn with_a_full_disk() -> (ScriptedServer, FullDisk) {
    let mut provider = Provider { generation: 1, token_file: None };
    let server = ScriptedServer::start(move |received| provider.answer(received)).await;
    let store = FullDisk {
        stored: Arc::new(Mutex::new(StoredTokens::Tokens(stale()))),
        failures_left: Arc::new(1.into()),
    };
    (server, store)
}

#[tokio::test(start_paused = true)]
async fn a_rotated_token_that_cannot_be_saved_is_neither_used_nor_lost() {
    let (server, store) = with_a_full_disk().await;
    let client = oauth(&server, Arc::new(store.clone()), None);

    let error = client.post(&request()).await.unwrap_err();
    assert_eq!(*error.class(), ErrorClass::Setup);
    assert!(error.to_string().contains("cannot be saved in the full disk"), "{error}");
    let used_new =
        server.received().iter().any(|received| received.header("authorization") == "Bearer acc-2");
    assert!(!used_new, "unsaved, so unused");

    // The disk has room again: the token in memory is saved and used without a second refresh.
    client.post(&request()).await.unwrap();
    assert_eq!(server.count(TOKEN_PATH), 1);
    assert_eq!(stored_access(&store).await, "acc-2");
}
