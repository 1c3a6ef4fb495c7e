//! The settings of one run, each with its type.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use jiff::civil::Date;
use secrecy::SecretString;
use url::Url;

use super::reader::Reader;
use super::shown::Given;
use super::{Language, Layers, LogFormat, Retention, SettingsError, SpotChecks, checks};
use crate::db::Limits;

/// The settings of one run. Every field is documented in [`SETTINGS`](super::SETTINGS), under the
/// same name.
#[derive(Debug, Clone)]
#[allow(missing_docs)] // Said once, in SETTINGS.
pub struct Settings {
    pub database_url: Option<SecretString>,
    pub database_ca_file: Option<PathBuf>,
    pub database_connections: usize,
    pub database_silence_seconds: f64,
    pub lock_notice_seconds: f64,
    pub lock_wait_seconds: f64,
    pub postgres_bin_dir: Option<PathBuf>,
    pub data_dir: PathBuf,
    pub backup_dir: Option<PathBuf>,
    pub schema: String,

    pub api_url: Url,
    pub oauth_url: Url,
    pub api_key: Option<SecretString>,
    pub client_id: Option<String>,
    pub client_secret: Option<SecretString>,
    pub access_token: Option<SecretString>,
    pub refresh_token: Option<SecretString>,
    pub token_key: Option<SecretString>,

    pub concurrency: usize,
    pub page_size: u32,
    pub attempts: u32,
    pub retry_delay_seconds: f64,
    pub timeout_seconds: f64,
    pub max_response_mb: usize,
    pub lookback_days: u32,
    pub events_from: Option<Date>,
    pub events_until: Option<Date>,
    pub walk_attempts: u32,

    pub batch_size: usize,
    pub lease_seconds: u64,
    pub shrink_guard_percent: f64,
    pub delete_guard_records: u64,
    pub delete_guard_percent: f64,
    pub quarantine_guard_records: u64,
    pub quarantine_guard_percent: f64,
    pub retention: Retention,
    pub runs_retention: Retention,

    pub listen: SocketAddr,
    pub http_token: Option<SecretString>,
    pub incremental_schedule: String,
    pub full_schedule: String,
    pub stale_after_minutes: u32,
    pub watchdog_seconds: f64,
    /// An IANA name, in its official spelling.
    pub timezone: String,
    pub spot_checks: SpotChecks,
    pub language: Language,
    pub log_format: LogFormat,
    pub log_level: Option<String>,
    pub otlp_endpoint: Option<Url>,

    pub slack_webhook_url: Option<SecretString>,
    pub smtp_url: Option<SecretString>,
    pub smtp_ca_file: Option<PathBuf>,
    pub alert_email_from: Option<SecretString>,
    pub alert_email_to: Option<SecretString>,
    pub alert_webhook_url: Option<SecretString>,
    pub deadman_url: Option<SecretString>,
    pub alert_errors_per_hour: u32,
    pub alert_unreadable_per_hour: u32,
    pub alert_reminder_minutes: u32,
    pub alert_database_seconds: f64,

    /// What was given and where; a setting without a value is absent.
    pub(super) given: BTreeMap<&'static str, Given>,
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
        let mut settings = Self {
            database_url: read.secret("database_url", checks::database_url),
            database_ca_file: read.path("database_ca_file"),
            database_connections: read.whole("database_connections", 1..=100),
            database_silence_seconds: read.decimal("database_silence_seconds", 1.0..=3600.0),
            lock_notice_seconds: read.decimal("lock_notice_seconds", 0.1..=3600.0),
            lock_wait_seconds: read.decimal("lock_wait_seconds", 0.5..=86400.0),
            postgres_bin_dir: read.path("postgres_bin_dir"),
            data_dir: read.path("data_dir").unwrap_or_else(|| default_data_dir(layers)),
            backup_dir: read.path("backup_dir"),
            schema: read.text("schema", checks::plain_identifier),

            api_url: read.checked("api_url", checks::web_address).unwrap_or_else(nowhere),
            oauth_url: read.checked("oauth_url", checks::web_address).unwrap_or_else(nowhere),
            api_key: read.secret("api_key", checks::header_value),
            client_id: read.optional("client_id", |text| Ok(text.to_owned())),
            client_secret: read.secret("client_secret", checks::anything),
            access_token: read.secret("access_token", checks::header_value),
            refresh_token: read.secret("refresh_token", checks::anything),
            token_key: read.secret("token_key", checks::token_key),

            concurrency: read.whole("concurrency", 1..=32),
            page_size: read.whole("page_size", 1..=500),
            attempts: read.whole("attempts", 1..=10),
            retry_delay_seconds: read.decimal("retry_delay_seconds", 0.0..=600.0),
            timeout_seconds: read.decimal("timeout_seconds", 0.1..=600.0),
            max_response_mb: read.whole("max_response_mb", 1..=1024),
            lookback_days: read.whole("lookback_days", 0..=3650),
            events_from: read.optional("events_from", checks::date),
            events_until: read.optional("events_until", checks::date),
            walk_attempts: read.whole("walk_attempts", 1..=10),

            batch_size: read.whole("batch_size", 1..=50_000),
            lease_seconds: read.whole("lease_seconds", 1..=3600),
            shrink_guard_percent: read.decimal("shrink_guard_percent", 0.0..=100.0),
            delete_guard_records: read.whole("delete_guard_records", 0..=u64::MAX),
            delete_guard_percent: read.decimal("delete_guard_percent", 0.0..=100.0),
            quarantine_guard_records: read.whole("quarantine_guard_records", 0..=u64::MAX),
            quarantine_guard_percent: read.decimal("quarantine_guard_percent", 0.0..=100.0),
            retention: read.choice("retention", Retention::All),
            runs_retention: read.choice("runs_retention", Retention::All),

            listen: read.checked("listen", checks::listen).unwrap_or(([127, 0, 0, 1], 0).into()),
            http_token: read.secret("http_token", checks::header_value),
            incremental_schedule: read.text("incremental_schedule", checks::cron),
            full_schedule: read.text("full_schedule", checks::cron),
            stale_after_minutes: read.whole("stale_after_minutes", 1..=10_080),
            watchdog_seconds: read.decimal("watchdog_seconds", 1.0..=86400.0),
            timezone: read.text("timezone", checks::time_zone),
            spot_checks: read.optional("spot_checks", str::parse).unwrap_or_default(),
            language: read.choice("language", Language::En),
            log_format: read.choice("log_format", LogFormat::Auto),
            log_level: read.optional("log_level", checks::log_level),
            otlp_endpoint: read.optional("otlp_endpoint", checks::protected_address),

            slack_webhook_url: read.secret("slack_webhook_url", checks::secret_web_address),
            smtp_url: read.secret("smtp_url", checks::mail_server),
            smtp_ca_file: read.path("smtp_ca_file"),
            alert_email_from: read.secret("alert_email_from", checks::one_mail_address),
            alert_email_to: read.secret("alert_email_to", checks::mail_addresses),
            alert_webhook_url: read.secret("alert_webhook_url", checks::secret_web_address),
            deadman_url: read.secret("deadman_url", checks::secret_web_address),
            alert_errors_per_hour: read.whole("alert_errors_per_hour", 0..=u32::MAX),
            alert_unreadable_per_hour: read.whole("alert_unreadable_per_hour", 0..=u32::MAX),
            alert_reminder_minutes: read.whole("alert_reminder_minutes", 1..=43_200),
            alert_database_seconds: read.decimal("alert_database_seconds", 1.0..=86400.0),

            given: BTreeMap::new(),
        };
        settings.check_together(&mut read);
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
fn nowhere() -> Url {
    Url::from_directory_path("/").unwrap_or_else(|()| unreachable!("/ is an absolute path"))
}
