//! The settings of one run, each with its type.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use jiff::civil::Date;
use secrecy::SecretString;
use url::Url;

use super::reader::{Given, Reader};
use super::{Language, Layers, LogFormat, Retention, SettingsError, SpotChecks, checks};
use crate::db::Limits;

/// Declares the settings, each with its type and how it is read: the method of [`Reader`] that reads it under the field's own
/// name, with what that method wants beside the name. Behind `else` stands what holds where it gives none.
macro_rules! settings {
    ($( $(#[$doc:meta])* $field:ident: $type:ty = $how:ident($($want:expr),*) $(else $fallback:expr)?, )*) => {
        /// The settings of one run. Every field is documented in [`SETTINGS`](super::SETTINGS), under the
        /// same name.
        #[derive(Debug, Clone)]
        #[allow(missing_docs)] // Said once, in SETTINGS.
        pub struct Settings {
            $( $(#[$doc])* pub $field: $type, )*
            /// What was given and where; a setting without a value is absent.
            pub(super) given: BTreeMap<&'static str, Given>,
            /// What is odd about where they came from, in words without values.
            pub warnings: Vec<String>,
        }

        impl Settings {
            /// Each by itself.
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

    api_url: Url = checked(checks::web_address) else nowhere,
    oauth_url: Url = checked(checks::web_address) else nowhere,
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
    lease_seconds: u64 = whole(1..=3600),
    shrink_guard_percent: f64 = decimal(0.0..=100.0),
    delete_guard_records: u64 = whole(0..=u64::MAX),
    delete_guard_percent: f64 = decimal(0.0..=100.0),
    quarantine_guard_records: u64 = whole(0..=u64::MAX),
    quarantine_guard_percent: f64 = decimal(0.0..=100.0),
    retention: Retention = choice(Retention::All),
    runs_retention: Retention = choice(Retention::All),

    listen: SocketAddr = checked(checks::listen) else no_port,
    http_token: Option<SecretString> = secret(checks::header_value),
    incremental_schedule: String = text(checks::cron),
    full_schedule: String = text(checks::cron),
    stale_after_minutes: u32 = whole(1..=10_080),
    watchdog_seconds: f64 = decimal(1.0..=86400.0),
    /// An IANA name, in its official spelling.
    timezone: String = text(checks::time_zone),
    spot_checks: SpotChecks = optional(str::parse) else no_spot_checks,
    language: Language = choice(Language::En),
    log_format: LogFormat = choice(LogFormat::Auto),
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
    /// The zone in which people read times; that there is one of the setting's name was checked.
    pub fn zone(&self) -> jiff::tz::TimeZone {
        crate::time::zone(&self.timezone).unwrap_or(jiff::tz::TimeZone::UTC)
    }

    /// Reads all layers.
    ///
    /// Errors: everything that is wrong with them, at once: an unreadable or malformed file, an
    /// unknown name, a value of the wrong type or out of range, settings that contradict each
    /// other. Each problem names the setting and where its value came from.
    pub fn load(layers: &Layers) -> Result<Self, SettingsError> {
        let mut read = Reader::new(layers)?;
        let mut settings = Self::read(&mut read, layers);
        settings.check_together(&mut read);
        settings.warnings = read.warnings();
        settings.given = read.finish()?;
        Ok(settings)
    }

    /// What only shows when settings are seen side by side.
    fn check_together(&self, read: &mut Reader<'_>) {
        // Whether one was given, not whether it was valid: one problem is told once.
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
            // Of a default nobody knows that it is there.
            let place = waits.map(place).into_iter().find(|place| *place != "default").unwrap_or("default");
            read.problem(format!(
                "{place}: lock_notice_seconds ({}) is longer than lock_wait_seconds ({}), so that who holds a lock would never \
                 be told: lower the one or raise the other",
                self.lock_notice_seconds, self.lock_wait_seconds
            ));
        }
        // Process arguments can be read by every user of the machine and end in shell histories.
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

    /// Wait before the second attempt; the third waits twice as long.
    pub fn retry_delay(&self) -> Duration {
        Duration::from_secs_f64(self.retry_delay_seconds)
    }

    /// Longest wait for one answer of the API.
    pub fn timeout(&self) -> Duration {
        Duration::from_secs_f64(self.timeout_seconds)
    }

    /// Time after which a crashed runner's lease expires.
    pub fn lease(&self) -> Duration {
        Duration::from_secs(self.lease_seconds)
    }

    /// How long the database may keep us waiting.
    pub fn database_limits(&self) -> Limits {
        Limits {
            silence: Duration::from_secs_f64(self.database_silence_seconds),
            lock_notice: Duration::from_secs_f64(self.lock_notice_seconds),
            lock_wait: Duration::from_secs_f64(self.lock_wait_seconds),
        }
    }

    /// Largest answer of the API that is read.
    pub fn max_response_bytes(&self) -> usize {
        self.max_response_mb * 1024 * 1024
    }
}

/// Root's data stays out of root's home, which the account of the embedded server may not enter.
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

/// Stands in for an address that was refused; never used, since the refusal ends the loading.
fn nowhere(_: &Layers) -> Url {
    Url::from_directory_path("/").unwrap_or_else(|()| unreachable!("/ is an absolute path"))
}

/// Stands in for a port that was refused; never used either.
fn no_port(_: &Layers) -> SocketAddr {
    ([127, 0, 0, 1], 0).into()
}

fn no_spot_checks(_: &Layers) -> SpotChecks {
    SpotChecks::default()
}
