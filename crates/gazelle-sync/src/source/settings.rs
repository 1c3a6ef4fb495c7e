//! The URL of the API, timeouts, retries and concurrency.

use std::{sync::Arc, time::Duration};

use reqwest::{Client, Url, redirect};

use super::answers::error::{AttemptFailure, ErrorClass, SourceError};
use crate::loopback;

/// The settings of the API client. `SourceSettings::default()` is the real API with moderate limits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SourceSettings {
    /// The GraphQL endpoint, `http://` or `https://`. It is used exactly as given: a trailing slash is kept, and no
    /// redirect is followed. It must not contain a user name or password.
    pub graphql_url: String,
    /// The OAuth base URL (`…/developer/oauth`), to which `/token` is appended unless it ends in it. `None`:
    /// `/developer/oauth` on the host of `graphql_url`. Used only with [`Credential::Oauth`](super::Credential).
    pub oauth_url: Option<String>,
    /// Time limit of one attempt, from connecting to the last byte of the answer, without the wait for a free slot
    /// (see `concurrency`).
    pub timeout: Duration,
    /// Attempts of one request before it fails, at least 1. The repetition after a token refresh does not count.
    pub attempts: u32,
    /// The wait before attempt n + 1 is n times this, unless the API sends `Retry-After`.
    pub retry_delay: Duration,
    /// Maximum number of concurrent requests over all clones of a client, at least 1. A request that waits for its
    /// next attempt does not count.
    pub concurrency: usize,
    /// The longest accepted answer, in bytes.
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

/// Validated settings.
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
    /// # Errors
    /// Class `Setup`, naming the setting.
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
            // The semaphore has an upper limit of its own; no sensible value exceeds this.
            concurrency: settings.concurrency.min(1_000),
            max_response_bytes: settings.max_response_bytes,
            user_agent: settings.user_agent,
        })
    }

    /// With plain HTTP on both URLs, the machine needs no CA certificates.
    fn needs_tls(&self) -> bool {
        self.graphql_url.scheme() == "https" || self.token_url.scheme() == "https"
    }

    /// A simulator on this machine is called directly, whatever proxy the environment names.
    fn is_local(&self) -> bool {
        loopback::is_url(&self.graphql_url)
    }

    /// Refuses URLs to which credentials would be sent unencrypted over a network.
    ///
    /// # Errors
    /// Class `Setup`, naming the setting.
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

    /// The HTTP client for these settings.
    ///
    /// # Errors
    /// Class `Setup`, if it cannot be created.
    pub(super) fn http_client(&self) -> Result<Client, SourceError> {
        let mut builder = Client::builder()
            .user_agent(&self.user_agent)
            // A redirect would turn the POST into a GET, or send the credentials to another host.
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

/// How errors and logs show a URL: scheme, host, port and path, without user, password, query and fragment.
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
    // The text is not repeated, because it may contain a password where no parser finds it.
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

/// An error about a setting, before any request was sent.
pub(super) fn bad_setting(name: &str, what: &str, advice: &str) -> SourceError {
    SourceError::before_sending(AttemptFailure::new(
        ErrorClass::Setup,
        "the settings",
        format!("{name} {what}"),
        advice,
    ))
}
