//! Where the API is and how politely it is asked.

use std::{sync::Arc, time::Duration};

use reqwest::{Client, Url, redirect};

use super::answers::error::{ErrorClass, Fault, SourceError};
use crate::loopback;

/// How Gazelle is reached. `SourceSettings::default()` is the real API with polite limits; change what differs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SourceSettings {
    /// The GraphQL endpoint, `http://` or `https://`. Requests go exactly there: a trailing slash is kept, no redirect is
    /// followed. It must hold no user name or password.
    pub graphql_url: String,
    /// The OAuth base (`…/developer/oauth`), under which `/token` lies; a URL that ends in `/token` is taken as it is.
    /// `None`: `/developer/oauth` on the host of `graphql_url`. Used only with [`Credential::Oauth`](super::Credential).
    pub oauth_url: Option<String>,
    /// Time for one attempt, from connecting to the last byte of the answer; the wait for a free place (see
    /// `concurrency`) is not in it.
    pub timeout: Duration,
    /// Attempts of one request before it fails, at least 1. The repetition after a refreshed token does not count.
    pub attempts: u32,
    /// Wait before attempt n + 1 is n times this, unless the API names its own wait in `Retry-After`.
    pub retry_delay: Duration,
    /// Requests in flight at once over all clones of a client, at least 1. A request that waits for its retry holds no
    /// place.
    pub concurrency: usize,
    /// Longest answer accepted, in bytes.
    pub max_response_bytes: usize,
    /// The `User-Agent` header.
    pub user_agent: String,
}

impl Default for SourceSettings {
    fn default() -> Self {
        Self {
            graphql_url: "https://gazelleapp.io/graphql/private".to_owned(),
            oauth_url: None,
            timeout: Duration::from_secs(10),
            attempts: 3,
            retry_delay: Duration::from_secs(5),
            concurrency: 4,
            max_response_bytes: 32 * 1024 * 1024,
            user_agent: concat!("gazelle-sync/", env!("CARGO_PKG_VERSION")).to_owned(),
        }
    }
}

const API_ADDRESS: &str = "the API address (GAZELLE_API_URL)";
const OAUTH_ADDRESS: &str = "the OAuth address (GAZELLE_OAUTH_URL)";

/// The settings after they were read and found usable.
#[derive(Debug)]
pub(super) struct CheckedSettings {
    pub graphql_url: Url,
    pub token_url: Url,
    pub timeout: Duration,
    pub attempts: u32,
    pub retry_delay: Duration,
    pub concurrency: usize,
    pub max_response_bytes: usize,
    pub user_agent: String,
}

impl CheckedSettings {
    /// Errors: class `Setup`, naming the setting.
    pub(super) fn from(settings: SourceSettings) -> Result<Self, SourceError> {
        let graphql_url = read_url(API_ADDRESS, &settings.graphql_url)?;
        let token_url = match &settings.oauth_url {
            Some(given) => token_url_under(read_url(OAUTH_ADDRESS, given)?),
            None => {
                let mut base = graphql_url.clone();
                base.set_path("/developer/oauth");
                token_url_under(base)
            }
        };
        for (name, value) in [
            ("the number of attempts", settings.attempts as usize),
            ("the concurrency", settings.concurrency),
            ("the longest answer in bytes", settings.max_response_bytes),
        ] {
            if value == 0 {
                return Err(bad_setting(name, "is 0", "give 1 or more"));
            }
        }
        if settings.timeout.is_zero() {
            return Err(bad_setting("the timeout", "is 0", "give some seconds (default 10)"));
        }
        Ok(Self {
            graphql_url,
            token_url,
            timeout: settings.timeout,
            attempts: settings.attempts,
            retry_delay: settings.retry_delay,
            // The semaphore has an upper bound of its own; nobody means more than this.
            concurrency: settings.concurrency.min(1_000),
            max_response_bytes: settings.max_response_bytes,
            user_agent: settings.user_agent,
        })
    }

    /// With plain HTTP on both sides no certificate is ever looked at, and none has to be installed on the machine.
    fn needs_tls(&self) -> bool {
        self.graphql_url.scheme() == "https" || self.token_url.scheme() == "https"
    }

    /// A simulator on this machine is asked directly, whatever proxy the environment names.
    fn is_local(&self) -> bool {
        loopback::is_url(&self.graphql_url)
    }

    /// Refuses addresses to which the key, the secret or the tokens would cross a network in clear.
    ///
    /// Errors: class `Setup`, naming the setting.
    pub(super) fn check_protected(&self) -> Result<(), SourceError> {
        for (name, url) in [(API_ADDRESS, &self.graphql_url), (OAUTH_ADDRESS, &self.token_url)] {
            if url.scheme() == "http" && !loopback::is_url(url) {
                return Err(bad_setting(
                    name,
                    "begins with http:// and is not on this machine: the credentials, and all data, would cross the network in clear",
                    "write https://",
                ));
            }
        }
        Ok(())
    }

    /// The HTTP client that these settings ask for.
    ///
    /// Errors: class `Setup`, when it cannot be built.
    pub(super) fn http_client(&self) -> Result<Client, SourceError> {
        let mut builder = Client::builder()
            .user_agent(&self.user_agent)
            // A redirect would turn the POST into a GET, or carry the credentials to another host.
            .redirect(redirect::Policy::none())
            .pool_max_idle_per_host(self.concurrency);
        if self.is_local() {
            builder = builder.no_proxy();
        }
        if !self.needs_tls() {
            builder = builder.tls_certs_only([]);
        }
        builder.build().map_err(|_| {
            let advice = "check that this machine has CA certificates (package ca-certificates) and that the user agent is plain text";
            bad_setting("the HTTP client", "cannot be built", advice)
        })
    }
}

/// How errors and logs name a URL: scheme, host, port and path; user, password, query and fragment are left out.
pub(super) fn place_of(url: &Url) -> Arc<str> {
    let host = url.host_str().unwrap_or("(no host)");
    let port = url.port().map(|port| format!(":{port}")).unwrap_or_default();
    format!("{}://{host}{port}{}", url.scheme(), url.path()).into()
}

fn token_url_under(mut base: Url) -> Url {
    let path = base.path().trim_end_matches('/').to_owned();
    if !path.ends_with("/token") {
        base.set_path(&format!("{path}/token"));
    }
    base.set_query(None);
    base
}

fn read_url(name: &str, text: &str) -> Result<Url, SourceError> {
    // The text itself is not repeated: it may hold a password in a place where no parser finds it.
    let url = Url::parse(text.trim()).map_err(|_| {
        bad_setting(name, "is not a URL", "write it like https://gazelleapp.io/graphql/private")
    })?;
    if !matches!(url.scheme(), "http" | "https") || !url.has_host() {
        return Err(bad_setting(name, "is not an http or https URL", "write it like https://host/path"));
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(bad_setting(
            name,
            "holds a user name or password",
            "remove them; the API key has its own setting",
        ));
    }
    Ok(url)
}

/// An error about a setting, before anything was sent.
pub(super) fn bad_setting(name: &str, what: &str, advice: &str) -> SourceError {
    SourceError::before_sending(Fault::new(
        ErrorClass::Setup,
        "the settings",
        format!("{name} {what}"),
        advice,
    ))
}
