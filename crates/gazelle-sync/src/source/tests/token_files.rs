//! The token file: its mode, its lock, and the effect of a crash.

use std::{fs, os::unix::fs::PermissionsExt, path::Path};

use secrecy::ExposeSecret;

use super::super::{FileTokenStore, StoredTokens, TokenStore, Tokens};

pub(super) fn tokens(access: &str, refresh: &str) -> Tokens {
    Tokens {
        access_token: access.into(),
        refresh_token: Some(refresh.into()),
        expires_at: None,
        refresh_from: None,
    }
}

/// Saves tokens in a store as `auth login` does.
pub(super) async fn put(store: &dyn TokenStore, tokens: Tokens) {
    store.lock().await.unwrap().save(tokens).await.unwrap();
}

pub(super) async fn stored_access(store: &dyn TokenStore) -> String {
    store.load().await.unwrap().tokens().unwrap().access_token.expose_secret().to_owned()
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o777
}

#[tokio::test]
async fn tokens_survive_in_a_file_of_their_owner_alone() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("new folder/tokens.json");
    let store = FileTokenStore::new(&path);
    assert!(matches!(store.load().await.unwrap(), StoredTokens::Nothing));

    let ends = "2026-02-08T12:00:00Z".parse().unwrap();
    put(&store, Tokens { expires_at: Some(ends), ..tokens("acc-1", "ref-1") }).await;

    let read = FileTokenStore::new(&path).load().await.unwrap().tokens().unwrap();
    assert_eq!(read.access_token.expose_secret(), "acc-1");
    assert_eq!(read.refresh_token.unwrap().expose_secret(), "ref-1");
    assert_eq!(read.expires_at, Some(ends));
    assert_eq!((mode(&path), mode(path.parent().unwrap())), (0o600, 0o700));
}

#[tokio::test]
async fn a_save_narrows_an_open_file_and_cleans_up_after_a_crash() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("tokens.json");
    fs::write(&path, r#"{"access_token":"old","refresh_token":null}"#).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
    fs::write(folder.path().join("tokens.json.new"), "half a fi").unwrap();
    let store = FileTokenStore::new(&path);
    let open = store.load().await.unwrap_err().to_string();
    assert!(open.contains("read by other accounts") && open.contains("chmod 600"), "{open}");

    put(&store, tokens("new", "ref")).await;
    assert_eq!((stored_access(&store).await.as_str(), mode(&path)), ("new", 0o600));
    assert!(!folder.path().join("tokens.json.new").exists());
}

#[tokio::test]
async fn an_unreadable_file_is_named_and_not_quoted() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("tokens.json");
    fs::write(&path, r#"{"access_token": "acc-secret", "#).unwrap();
    let error = FileTokenStore::new(&path).load().await.unwrap_err().to_string();
    assert!(error.contains("tokens.json") && error.contains("auth login"), "{error}");
    assert!(!error.contains("acc-secret"), "{error}");
}

#[tokio::test(start_paused = true)]
async fn the_lock_has_one_holder_and_a_bounded_wait() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("tokens.json");
    let (one, other) = (FileTokenStore::new(&path), FileTokenStore::new(&path));

    let held = one.lock().await.unwrap();
    let refused = other.lock().await.err().unwrap().to_string();
    assert!(refused.contains("held by another process"), "{refused}");
    drop(held);
    other.lock().await.unwrap();
}

#[tokio::test]
async fn tokens_in_a_folder_of_others_are_neither_used_nor_made() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("tokens.json");
    let store = FileTokenStore::new(&path);
    put(&store, tokens("ours", "ref")).await;
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o777)).unwrap();
    for error in [store.load().await.unwrap_err(), store.lock().await.err().unwrap()] {
        let said = error.to_string();
        assert!(said.contains("written by other accounts") && said.contains("chmod go-w"), "{said}");
    }
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).unwrap();
    assert_eq!(stored_access(&store).await, "ours");
}
