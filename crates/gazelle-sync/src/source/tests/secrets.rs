//! No output contains a secret or a record.

use std::{
    io,
    sync::{Arc, Mutex},
    thread::{self, ThreadId},
};

use tracing_subscriber::fmt::MakeWriter;

use super::super::tokens::access::Access;
use super::super::{FileTokenStore, OauthCredential, Tokens};
use super::token_files::tokens;
use super::*;

/// Collects what is logged on its thread, on which a test's server and client run.
#[derive(Clone)]
struct Log {
    kept: Arc<Mutex<Vec<u8>>>,
    thread: ThreadId,
}

impl io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if thread::current().id() == self.thread {
            self.kept.lock().unwrap().extend_from_slice(bytes);
        }
        Ok(bytes.len())
    }
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl MakeWriter<'_> for Log {
    type Writer = Log;
    fn make_writer(&self) -> Log {
        self.clone()
    }
}

#[test]
fn debug_of_what_holds_secrets_shows_none() {
    let oauth = Credential::Oauth(OauthCredential {
        client_id: "app".into(),
        client_secret: "s3cret".into(),
        store: Arc::new(FileTokenStore::new("/nowhere/tokens.json")),
        first_tokens: Some(tokens("s3cret", "s3cret")),
    });
    let text =
        format!("{:?} {oauth:?} {:?}", Credential::ApiKey("s3cret".into()), tokens("s3cret", "s3cret"));
    assert!(!text.contains("s3cret"), "{text}");
    let header = Access::from_key(&"s3cret".into()).unwrap();
    assert!(!format!("{header:?}").contains("s3cret"));
    for credential in [oauth, Credential::ApiKey("s3cret".into())] {
        let client = GazelleClient::new(SourceSettings::default(), credential).unwrap();
        assert!(!format!("{client:?}").contains("s3cret"));
    }
    assert!(!format!("{:?}", Tokens::from_refresh_token("s3cret".into())).contains("s3cret"));
}

#[test]
fn unusable_settings_are_named_without_their_secrets() {
    let with_url = |url: &str| SourceSettings { graphql_url: url.into(), ..SourceSettings::default() };
    let cases = [
        (with_url("http://user:s3cret@host/graphql"), "GAZELLE_API_URL"),
        (with_url("s3cret"), "GAZELLE_API_URL"),
        (with_url("ftp://host/"), "GAZELLE_API_URL"),
        (
            SourceSettings { oauth_url: Some("::s3cret".into()), ..SourceSettings::default() },
            "GAZELLE_OAUTH_URL",
        ),
        (SourceSettings { attempts: 0, ..SourceSettings::default() }, "attempts"),
        (SourceSettings { concurrency: 0, ..SourceSettings::default() }, "concurrency"),
    ];
    for (settings, says) in cases {
        let error = GazelleClient::new(settings, Credential::ApiKey(API_KEY.into())).unwrap_err();
        let text = format!("{error} {error:?}");
        assert!(text.contains(says) && !text.contains("s3cret"), "{text}");
        assert_eq!(error.class().code().as_str(), "setup");
    }
    for key in ["", "  \n", "s3cret\nkey"] {
        let error =
            GazelleClient::new(SourceSettings::default(), Credential::ApiKey(key.into())).unwrap_err();
        assert!(
            error.to_string().contains("GAZELLE_API_KEY") && !error.to_string().contains("s3cret"),
            "{error}"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn a_query_in_the_address_is_sent_but_never_shown() {
    let server = ScriptedServer::always(Reply::new(404, "text/plain", "")).await;
    let settings = SourceSettings { graphql_url: server.url("/graphql?token=s3cret"), ..settings(&server) };
    let error = client_with(settings).post(&request()).await.unwrap_err();
    assert_eq!(server.received()[0].path, "/graphql?token=s3cret");
    assert!(!error.to_string().contains("s3cret"), "{error}");
}

#[tokio::test(start_paused = true)]
async fn logs_at_their_finest_hold_no_secret_and_no_record() {
    // For the whole process: a subscriber of one thread can miss events first used on another. The rebuild covers
    // events first used while it was installed.
    let log = Log { kept: Arc::default(), thread: thread::current().id() };
    let subscriber =
        tracing_subscriber::fmt().with_max_level(tracing::Level::TRACE).with_writer(log.clone()).finish();
    tracing::subscriber::set_global_default(subscriber).expect("no other test sets one");
    tracing::callsite::rebuild_interest_cache();

    let server = ScriptedServer::replying([
        Reply::html(502, "Down"),
        good_page(),
        Reply::new(401, "text/plain", PERSON),
    ])
    .await;
    let client = client(&server);
    let answer = client.post(&request()).await.unwrap();
    client.post(&request()).await.unwrap_err();

    let log = String::from_utf8(log.kept.lock().unwrap().clone()).unwrap();
    assert!(log.contains("request failed and is retried") && log.contains("attempt ended"), "{log}");
    assert!(!log.contains(API_KEY) && !log.contains(PERSON), "{log}");
    let page = answer.page("allEvents", super::super::ListShape::Connection).unwrap();
    assert!(!format!("{answer:?} {page:?}").contains(PERSON));
}
