//! A scripted OAuth provider with its API, a token file, and a client of both.

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use serde_json::json;
use tempfile::TempDir;

use super::{
    super::{FileTokenStore, OauthCredential, TokenStore, Tokens},
    scripted_server::Received,
    token_files::tokens,
    *,
};

pub const TOKEN_PATH: &str = "/developer/oauth/token";

/// A provider like the real one: each refresh token works once, and only the newest access token is accepted.
pub struct Provider {
    pub generation: usize,
    pub token_file: Option<std::path::PathBuf>,
}

impl Provider {
    pub fn answer(&mut self, received: &Received) -> Reply {
        if received.path == TOKEN_PATH {
            if !received.body.contains(&format!("refresh_token=ref-{}&", self.generation)) {
                return Reply::json(400, json!({ "error": "invalid_grant", "who": PERSON }));
            }
            self.generation += 1;
            let n = self.generation;
            let fresh = json!({ "access_token": format!("acc-{n}"), "refresh_token": format!("ref-{n}"), "expires_in": 2_592_000 });
            return Reply::json(200, fresh);
        }
        let newest = format!("acc-{}", self.generation);
        if received.header("authorization") != format!("Bearer {newest}") {
            return Reply::new(401, "text/plain", PERSON);
        }
        // Checks that a token is saved before its first use.
        if let Some(file) = &self.token_file {
            assert!(std::fs::read_to_string(file).unwrap().contains(&newest), "used before it was saved");
        }
        good_page()
    }
}

pub struct Scene {
    pub server: ScriptedServer,
    pub store: Arc<FileTokenStore>,
    pub _folder: TempDir,
}

/// A provider whose newest tokens are of generation 1, and an empty token file.
pub async fn scene() -> Scene {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("tokens.json");
    let mut provider = Provider { generation: 1, token_file: Some(path.clone()) };
    let server = ScriptedServer::start(move |received| provider.answer(received)).await;
    Scene { server, store: Arc::new(FileTokenStore::new(path)), _folder: folder }
}

pub fn oauth(
    server: &ScriptedServer,
    store: Arc<dyn TokenStore>,
    first_tokens: Option<Tokens>,
) -> GazelleClient {
    let credential =
        OauthCredential { client_id: "app".into(), client_secret: "app-s3cret".into(), store, first_tokens };
    GazelleClient::new(settings(server), Credential::Oauth(credential)).unwrap()
}

/// Stale tokens with a valid refresh token.
pub fn stale() -> Tokens {
    tokens("acc-0", "ref-1")
}

pub fn ending_in(seconds: i64, tokens: Tokens) -> Tokens {
    Tokens { expires_at: Some(Timestamp::now() + SignedDuration::from_secs(seconds)), ..tokens }
}
