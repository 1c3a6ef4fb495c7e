//! The settings, each with its type.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use jiff::civil::Date;
use secrecy::SecretString;
use url::Url;

use super::reader::{GivenValue, Reader};
use super::{Language, Layers, LogFormat, Retention, SettingsError, SpotChecks, Switch, checks};
use crate::db::Limits;

/// The longest lease that may be set.
pub const LONGEST_LEASE_SECONDS: u64 = 3600;

/// Declares the settings: name, type, and the method of [`Reader`] that reads it, with the arguments of that method
/// after the name. The value after `else` applies if the method returns none.
macro_rules! settings {
    ($( $(#[$doc:meta])* $field:ident: $type:ty = $how:ident($($want:expr),*) $(else $fallback:expr)?, )*) => {
        /// The settings of this process. Every field is documented in [`SETTINGS`](super::SETTINGS) under the same
        /// name.
        #[derive(Debug, Clone)]
        #[allow(missing_docs)] // Documented in SETTINGS.
        pub struct Settings {
            $( $(#[$doc])* pub $field: $type, )*
            /// The values that were given, with their sources; settings without a value are missing.
            pub(super) given: BTreeMap<&'static str, GivenValue>,
            /// Warnings about the sources, without values.
            pub warnings: Vec<String>,
        }

        impl Settings {
            /// Reads each setting independently of the others.
            fn read(read: &mut Reader<'_>, layers: &Layers) -> Self {
                Self {
                    $( $field: read.$how(stringify!($field) $(, $want)*)$(.unwrap_or_else(|| ($fallback)(layers)))?, )*
                    given: BTreeMap::new(),
                    warnings: Vec::new(),
                }
            }
        }
    };
}

settings! {
    database_url: Option<SecretString> = secret(checks::database_url),
    database_ca_file: Option<PathBuf> = path(),
    database_connections: usize = whole(1..=100),
    database_silence_seconds: f64 = decimal(1.0..=3600.0),
    lock_notice_seconds: f64 = decimal(0.1..=3600.0),
    lock_wait_seconds: f64 = decimal(0.5..=86400.0),
    postgres_bin_dir: Option<PathBuf> = path(),
    data_dir: PathBuf = path() else default_data_dir,
    backup_dir: Option<PathBuf> = path(),
    schema: String = text(checks::plain_identifier),

    api_url: Url = checked(checks::web_address) else placeholder_url,
    oauth_url: Url = checked(checks::web_address) else placeholder_url,
    api_key: Option<SecretString> = secret(checks::header_value),
    client_id: Option<String> = optional(|text| Ok(text.to_owned())),
    client_secret: Option<SecretString> = secret(checks::anything),
    access_token: Option<SecretString> = secret(checks::header_value),
    refresh_token: Option<SecretString> = secret(checks::anything),
    token_key: Option<SecretString> = secret(checks::token_key),

    concurrency: usize = whole(1..=32),
    page_size: u32 = whole(1..=500),
    attempts: u32 = whole(1..=10),
    retry_delay_seconds: f64 = decimal(0.0..=600.0),
    timeout_seconds: f64 = decimal(0.1..=600.0),
    max_response_mb: usize = whole(1..=1024),
    lookback_days: u32 = whole(0..=3650),
    events_from: Option<Date> = optional(checks::date),
    events_until: Option<Date> = optional(checks::date),
    walk_attempts: u32 = whole(1..=10),

    batch_size: usize = whole(1..=50_000),
    lease_seconds: u64 = whole(1..=LONGEST_LEASE_SECONDS),
    shrink_guard_percent: f64 = decimal(0.0..=100.0),
    delete_guard_records: u64 = whole(0..=u64::MAX),
    delete_guard_percent: f64 = decimal(0.0..=100.0),
    quarantine_guard_records: u64 = whole(0..=u64::MAX),
    quarantine_guard_percent: f64 = decimal(0.0..=100.0),
    retention: Retention = choice(Retention::All),
    runs_retention: Retention = choice(Retention::All),

    listen: SocketAddr = checked(checks::listen) else placeholder_address,
    http_token: Option<SecretString> = secret(checks::header_value),
    dashboard: Switch = one_of(Switch::ALL, Switch::On),
    dashboard_read_only: Switch = one_of(Switch::ALL, Switch::Off),
    public_url: Option<Url> = optional(checks::protected_address),
    map_url: String = text(checks::map_link),
    incremental_schedule: String = text(checks::cron),
    full_schedule: String = text(checks::cron),
    stale_after_minutes: u32 = whole(1..=10_080),
    watchdog_seconds: f64 = decimal(1.0..=86400.0),
    /// The canonical IANA name.
    timezone: String = text(checks::time_zone),
    spot_checks: SpotChecks = optional(str::parse) else no_spot_checks,
    language: Language = language(),
    log_format: LogFormat = one_of(LogFormat::ALL, LogFormat::Auto),
    log_level: Option<String> = optional(checks::log_level),
    otlp_endpoint: Option<Url> = optional(checks::protected_address),

    slack_webhook_url: Option<SecretString> = secret(checks::secret_web_address),
    smtp_url: Option<SecretString> = secret(checks::mail_server),
    smtp_ca_file: Option<PathBuf> = path(),
    alert_email_from: Option<SecretString> = secret(checks::one_mail_address),
    alert_email_to: Option<SecretString> = secret(checks::mail_addresses),
    alert_webhook_url: Option<SecretString> = secret(checks::secret_web_address),
    deadman_url: Option<SecretString> = secret(checks::secret_web_address),
    alert_errors_per_hour: u32 = whole(0..=u32::MAX),
    alert_unreadable_per_hour: u32 = whole(0..=u32::MAX),
    alert_reminder_minutes: u32 = whole(1..=43_200),
    alert_database_seconds: f64 = decimal(1.0..=86400.0),
}

impl Settings {
    /// The time zone in which people read times. The setting was validated, so UTC is never the fallback in
    /// practice.
    pub fn zone(&self) -> jiff::tz::TimeZone {
        crate::time::zone(&self.timezone).unwrap_or(jiff::tz::TimeZone::UTC)
    }

    /// Reads all layers.
    ///
    /// # Errors
    /// Lists every problem at once: an unreadable or malformed file, an unknown name, a value of the wrong type or
    /// out of range, contradicting settings. Each problem names the setting and the source of its value.
    pub fn load(layers: &Layers) -> Result<Self, SettingsError> {
        let mut read = Reader::new(layers)?;
        let mut settings = Self::read(&mut read, layers);
        settings.check_together(&mut read);
        settings.warnings = read.warnings();
        settings.given = read.finish()?;
        Ok(settings)
    }

    /// Checks combinations of settings.
    fn check_together(&self, read: &mut Reader<'_>) {
        // Tests whether a setting was given, not whether it was valid, so that each problem is reported once.
        let given = |key| read.given.contains_key(key);
        if given("client_id") != given("client_secret") {
            let (has, lacks) = match given("client_id") {
                true => ("client_id", "client_secret (GAZELLE_CLIENT_SECRET)"),
                false => ("client_secret", "client_id (GAZELLE_CLIENT_ID)"),
            };
            read.problem(format!("{}: {has} is set, {lacks} is not", read.given[has].place));
        }
        let mail = ["smtp_url", "alert_email_from", "alert_email_to"];
        let (has, lacks): (Vec<_>, Vec<_>) = mail.into_iter().partition(|key| read.given.contains_key(key));
        if let ([has, ..], [lacks, ..]) = (has.as_slice(), lacks.as_slice()) {
            read.problem(format!(
                "{}: {has} is set, {lacks} is not; e-mails need smtp_url, alert_email_from and alert_email_to",
                read.given[has].place
            ));
        }
        if let (Some(from), Some(until)) = (self.events_from, self.events_until)
            && from > until
        {
            read.problem(format!(
                "{}: events_from ({from}) is later than events_until ({until})",
                read.given["events_from"].place
            ));
        }
        let waits = ["lock_notice_seconds", "lock_wait_seconds"];
        if self.lock_notice_seconds > self.lock_wait_seconds && !waits.iter().any(|key| read.is_refused(key))
        {
            let place = |key: &str| read.given[key].place.as_str();
            // Prefer a source that the user knows: a default is not visible to them.
            let place = waits.map(place).into_iter().find(|place| *place != "default").unwrap_or("default");
            read.problem(format!(
                "{place}: lock_notice_seconds ({}) is longer than lock_wait_seconds ({}), so the lock holder would never be logged: lower the one or raise the other",
                self.lock_notice_seconds, self.lock_wait_seconds
            ));
        }
        // Command lines are visible to every user of the machine and are kept in shell histories.
        let by_flag = read.given.get("database_url").is_some_and(|it| it.place.starts_with("flag"));
        if let (true, Some(url)) = (by_flag, &self.database_url)
            && checks::has_password(url)
        {
            read.problem(
                "flag --database-url: must not hold a password, because others can read process \
                 arguments; put the whole address into DATABASE_URL instead"
                    .to_owned(),
            );
        }
    }

    /// Whether the dashboard is shown.
    pub fn shows_dashboard(&self) -> bool {
        self.dashboard == Switch::On
    }

    /// The address of a page of the dashboard, as people open it: below `public_url`, else on this machine.
    pub fn dashboard_address(&self, path: &str) -> String {
        match &self.public_url {
            Some(url) => format!("{}{path}", url.origin().ascii_serialization()),
            None => {
                let is_near = crate::loopback::is_address(self.listen.ip());
                let host = if is_near { format_host(self.listen.ip()) } else { "127.0.0.1".to_owned() };
                format!("http://{host}:{}{path}", self.listen.port())
            }
        }
    }

    /// The wait before the second attempt. The wait before attempt n + 1 is n times as long.
    pub fn retry_delay(&self) -> Duration {
        Duration::from_secs_f64(self.retry_delay_seconds)
    }

    /// The longest wait for one answer of the API.
    pub fn timeout(&self) -> Duration {
        Duration::from_secs_f64(self.timeout_seconds)
    }

    /// The time after which the lease of a crashed process expires.
    pub fn lease(&self) -> Duration {
        Duration::from_secs(self.lease_seconds)
    }

    /// The limits for waiting on the database.
    pub fn database_limits(&self) -> Limits {
        Limits {
            silence: Duration::from_secs_f64(self.database_silence_seconds),
            lock_notice: Duration::from_secs_f64(self.lock_notice_seconds),
            lock_wait: Duration::from_secs_f64(self.lock_wait_seconds),
        }
    }

    /// The largest accepted answer of the API, in bytes.
    pub fn max_response_bytes(&self) -> usize {
        self.max_response_mb * 1024 * 1024
    }
}

/// An address as a URL writes it.
fn format_host(ip: std::net::IpAddr) -> String {
    match ip {
        std::net::IpAddr::V4(ip) => ip.to_string(),
        std::net::IpAddr::V6(ip) => format!("[{ip}]"),
    }
}

/// Root's data is kept out of root's home, which the account of the embedded server may not enter.
fn default_data_dir(layers: &Layers) -> PathBuf {
    let home = layers.env("HOME").map(PathBuf::from);
    let absolute = |name| layers.env(name).map(PathBuf::from).filter(|path| path.is_absolute());
    match (layers.root, absolute("XDG_DATA_HOME"), home) {
        (true, ..) if cfg!(target_os = "macos") => PathBuf::from("/usr/local/var/gazelle-sync"),
        (true, ..) => PathBuf::from("/var/lib/gazelle-sync"),
        (false, Some(data), _) => data.join("gazelle-sync"),
        (false, None, Some(home)) if cfg!(target_os = "macos") => {
            home.join("Library/Application Support/gazelle-sync")
        }
        (false, None, Some(home)) => home.join(".local/share/gazelle-sync"),
        (false, None, None) => layers.working_dir.join(Path::new("gazelle-sync-data")),
    }
}

/// Placeholder for a rejected URL; never used, because loading then fails.
fn placeholder_url(_: &Layers) -> Url {
    Url::from_directory_path("/").unwrap_or_else(|()| unreachable!("/ is an absolute path"))
}

/// Placeholder for a rejected port; never used either.
fn placeholder_address(_: &Layers) -> SocketAddr {
    ([127, 0, 0, 1], 0).into()
}

fn no_spot_checks(_: &Layers) -> SpotChecks {
    SpotChecks::default()
}
