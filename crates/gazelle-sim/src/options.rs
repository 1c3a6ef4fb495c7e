//! Options of the simulated service.

use std::time::Duration;

/// Options of the service, apart from its shop. Behaviour of the real API that is unknown is an option here.
#[derive(Clone, Debug, PartialEq)]
pub struct SimOptions {
    /// The API key that is accepted in `x-gazelle-api-key`. Default `sim-key`.
    pub api_key: String,
    /// How long each GraphQL answer takes at least. Default zero; the real API takes about 240 ms a page of 100.
    pub latency: Duration,
    /// The maximum number of rows in a page, whatever `first` requests. Default 500.
    pub page_cap: usize,
    /// The rows of a page when the query has neither `first` nor `last`. Default 50.
    pub default_page_size: usize,
    /// Whether canceled events are left out of lists unless asked for by status. Default false.
    pub hide_canceled: bool,
    /// Whether INACTIVE clients are left out of lists unless asked for by status. Default false.
    pub hide_inactive_clients: bool,
    /// Whether date filters (`dateGet`, `createdLet`, …) mean UTC days instead of the company's local days. Default false.
    pub dates_in_utc: bool,
    /// Whether a getter of a missing record answers with a `NOT_FOUND` error beside its null. Default false.
    pub missing_is_error: bool,
    /// Whether editing a contact moves its client's `updatedAt` too. Default false.
    pub contact_edit_bumps_client: bool,
    /// Whether introspection is answered. Default true.
    pub introspection: bool,
    /// The OAuth client id that is accepted. Default `sim-client`.
    pub client_id: String,
    /// The OAuth client secret that is accepted. Default `sim-secret`.
    pub client_secret: String,
    /// How long an access token lives. Default 30 days.
    pub access_token_life: Duration,
    /// How long a refresh token lives. Default 60 days.
    pub refresh_token_life: Duration,
    /// Whether a refresh answers with a new refresh token and kills the one used. When false the answer holds no
    /// `refresh_token` and the one used stays good. Default true.
    pub rotate_refresh_tokens: bool,
    /// The offset of the simulator's clock to the machine's, in seconds (negative: behind). It affects the `Date`
    /// header, `updatedAt` and token lifetimes. Default 0.
    pub clock_offset_seconds: i64,
    /// The size of the answer cache in bytes. Default 1 GiB; 0 disables it.
    pub answer_cache_bytes: usize,
    /// How many of the newest requests the log keeps. Default 100,000.
    pub kept_requests: usize,
}

impl Default for SimOptions {
    fn default() -> Self {
        Self {
            api_key: "sim-key".to_owned(),
            latency: Duration::ZERO,
            page_cap: 500,
            default_page_size: 50,
            hide_canceled: false,
            hide_inactive_clients: false,
            dates_in_utc: false,
            missing_is_error: false,
            contact_edit_bumps_client: false,
            introspection: true,
            client_id: "sim-client".to_owned(),
            client_secret: "sim-secret".to_owned(),
            access_token_life: Duration::from_secs(30 * 86_400),
            refresh_token_life: Duration::from_secs(60 * 86_400),
            rotate_refresh_tokens: true,
            clock_offset_seconds: 0,
            answer_cache_bytes: 1 << 30,
            kept_requests: 100_000,
        }
    }
}
