//! The documentation of every setting. Defaults are read from here too, so the help and the program cannot
//! disagree.

/// The documentation of one setting.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SettingDoc {
    /// Its name in `gazelle-sync.toml`, and of the field of [`Settings`](super::Settings).
    pub key: &'static str,
    /// Its environment variable.
    pub env: &'static str,
    /// Its default, as it would be written in the environment; empty: none.
    pub default: &'static str,
    /// What it does, in one sentence.
    pub meaning: &'static str,
    /// Whether its value is secret: never shown in errors, listings or logs.
    pub secret: bool,
}

const fn plain(
    key: &'static str,
    env: &'static str,
    default: &'static str,
    meaning: &'static str,
) -> SettingDoc {
    SettingDoc { key, env, default, meaning, secret: false }
}

const fn secret(key: &'static str, env: &'static str, meaning: &'static str) -> SettingDoc {
    SettingDoc { key, env, default: "", meaning, secret: true }
}

/// All settings, in display order.
#[rustfmt::skip]
pub const SETTINGS: &[SettingDoc] = &[
    // Where the data lives
    secret("database_url", "DATABASE_URL", "PostgreSQL to mirror into; absent: an embedded server in the data folder"),
    plain("database_ca_file", "GAZELLE_SYNC_DATABASE_CA", "", "PEM file of the certificate authorities that the database's TLS certificate must come from, in place of the system's"),
    plain("database_connections", "GAZELLE_SYNC_DATABASE_CONNECTIONS", "8", "connections to the database that a run uses at most, 1 to 100; two more are used for short questions beside it, and up to three by pages of the dashboard; a role that is allowed fewer makes do with them"),
    plain("database_silence_seconds", "GAZELLE_SYNC_DATABASE_SILENCE", "30", "a statement of which the database gives no sign of life for this long has failed, 1 to 3600"),
    plain("lock_notice_seconds", "GAZELLE_SYNC_LOCK_NOTICE", "5", "a statement that waits for a lock for this long is logged, with the session that holds it, 0.1 to 3600 and no longer than `lock_wait_seconds`"),
    plain("lock_wait_seconds", "GAZELLE_SYNC_LOCK_WAIT", "300", "a statement that waits for a lock for this long fails, and with it the run; nothing is lost, 0.5 to 86400"),
    plain("postgres_bin_dir", "GAZELLE_SYNC_POSTGRES_BIN", "", "folder of the PostgreSQL programs for the embedded server; absent: looked for"),
    plain("data_dir", "GAZELLE_SYNC_DATA_DIR", "", "folder of the embedded database and of stored tokens; absent: ~/.local/share/gazelle-sync (Linux; root: /var/lib/gazelle-sync)"),
    plain("backup_dir", "GAZELLE_SYNC_BACKUP_DIR", "", "folder where backups of the database are stored; doctor says how old the newest file is"),
    plain("schema", "GAZELLE_SYNC_SCHEMA", "public", "database schema that holds this account's tables: lower-case letters, digits and _"),
    // Gazelle
    plain("api_url", "GAZELLE_API_URL", "https://gazelleapp.io/graphql/private", "address of Gazelle's GraphQL API"),
    plain("oauth_url", "GAZELLE_OAUTH_URL", "https://gazelleapp.io/developer/oauth/token", "address that hands out OAuth tokens"),
    secret("api_key", "GAZELLE_API_KEY", "Gazelle API key; wins over OAuth"),
    plain("client_id", "GAZELLE_CLIENT_ID", "", "OAuth application id, with client_secret"),
    secret("client_secret", "GAZELLE_CLIENT_SECRET", "OAuth application secret, with client_id"),
    secret("access_token", "GAZELLE_ACCESS_TOKEN", "first OAuth access token, beside client_id and client_secret; the token store takes over; without refresh_token it serves until it ends"),
    secret("refresh_token", "GAZELLE_REFRESH_TOKEN", "first OAuth refresh token; the token store takes over"),
    secret("token_key", "GAZELLE_SYNC_TOKEN_KEY", "key (64 hex digits) with which OAuth tokens are kept in the database, encrypted; absent: in a file of the data folder"),
    // Talking to the API
    plain("concurrency", "GAZELLE_SYNC_CONCURRENCY", "4", "requests to the API at the same time, 1 to 32"),
    plain("page_size", "GAZELLE_SYNC_PAGE_SIZE", "100", "records asked for per page, 1 to 500"),
    plain("attempts", "GAZELLE_SYNC_ATTEMPTS", "3", "times a request is tried before it counts as failed, 1 to 10"),
    plain("retry_delay_seconds", "GAZELLE_SYNC_RETRY_DELAY_SECONDS", "5", "wait before trying again, times the number of the attempt, 0 to 600; Retry-After wins, and where the API asks for patience it is a second at least"),
    plain("timeout_seconds", "GAZELLE_SYNC_TIMEOUT_SECONDS", "10", "longest wait for one answer of the API, 0.1 to 600"),
    plain("max_response_mb", "GAZELLE_SYNC_MAX_RESPONSE_MB", "32", "largest answer of the API that is read, in MiB, 1 to 1024; what memory is needed depends on it (docs/bounds.md)"),
    plain("lookback_days", "GAZELLE_SYNC_LOOKBACK_DAYS", "30", "days before the bookmark from which an incremental run reads events again, 0 to 3650"),
    plain("events_from", "GAZELLE_SYNC_EVENTS_FROM", "", "a full sync leaves out events dated earlier (YYYY-MM-DD); absent: all"),
    plain("events_until", "GAZELLE_SYNC_EVENTS_UNTIL", "", "a full sync leaves out events dated later (YYYY-MM-DD); absent: all"),
    plain("walk_attempts", "GAZELLE_SYNC_WALK_ATTEMPTS", "3", "times an entity is walked again when rows shift between pages, 1 to 10"),
    // Writing and guarding
    plain("batch_size", "GAZELLE_SYNC_BATCH_SIZE", "1000", "records of a walk in two transactions side by side, and of pending ones in one, 1 to 50000"),
    plain("lease_seconds", "GAZELLE_SYNC_LEASE_SECONDS", "60", "time after which a crashed runner's lease expires, 1 to 3600"),
    plain("shrink_guard_percent", "GAZELLE_SYNC_SHRINK_GUARD_PERCENT", "20", "a walk that finds this percentage fewer records than production holds makes the run partial, 0 to 100"),
    plain("delete_guard_records", "GAZELLE_SYNC_DELETE_GUARD_RECORDS", "10", "deletions of one entity in one run beyond which manual approval is required, 0 or more"),
    plain("delete_guard_percent", "GAZELLE_SYNC_DELETE_GUARD_PERCENT", "2", "share of an entity's rows in percent beyond which deletions require manual approval, 0 to 100"),
    plain("quarantine_guard_records", "GAZELLE_SYNC_QUARANTINE_GUARD_RECORDS", "10", "records of one entity that a run may newly put into quarantine before the run is partial, 0 or more; the larger of this and quarantine_guard_percent applies"),
    plain("quarantine_guard_percent", "GAZELLE_SYNC_QUARANTINE_GUARD_PERCENT", "2", "share of an entity's records that a run may newly put into quarantine and be a success, 0 to 100"),
    plain("retention", "GAZELLE_SYNC_RETENTION", "all", "raw versions kept: all, or what was current within this many days (the newest version of a record always stays, and so does every version that a row, a tombstone or an undo refers to)"),
    plain("runs_retention", "GAZELLE_SYNC_RUNS_RETENTION", "90", "days for which runs, their requests and warnings and closed quarantine cases are kept, or all (what a raw version, a deletion that waits or an undo names always stays, and so do the last 100 runs)"),
    // Running by itself
    plain("listen", "GAZELLE_SYNC_LISTEN", "127.0.0.1:8787", "address of the service's HTTP side; one that others can reach needs http_token"),
    secret("http_token", "GAZELLE_SYNC_HTTP_TOKEN", "token that the service's HTTP side asks for (Authorization: Bearer …), 16 characters or more"),
    plain("dashboard", "GAZELLE_SYNC_DASHBOARD", "on", "whether the service shows the dashboard at /app: on or off"),
    plain("dashboard_read_only", "GAZELLE_SYNC_DASHBOARD_READ_ONLY", "off", "whether the dashboard refuses every change except signing in and out: on or off"),
    plain("public_url", "GAZELLE_SYNC_PUBLIC_URL", "", "address at which people reach the dashboard, if a proxy is in front of it, like https://sync.example.org (https, unless it is on this machine); absent: this machine alone reaches it"),
    plain("map_url", "GAZELLE_SYNC_MAP_URL", "https://www.google.com/maps/dir/?api=1&destination={address}", "link of an address in the dashboard; {address} is replaced by the address, percent-encoded"),
    plain("incremental_schedule", "GAZELLE_SYNC_INCREMENTAL", "*/15 * * * *", "when the service syncs what changed (cron: minute hour day month weekday, a field of seconds before them if wanted; in the time zone below)"),
    plain("full_schedule", "GAZELLE_SYNC_FULL", "0 3 * * *", "when the service syncs everything (cron: minute hour day month weekday, a field of seconds before them if wanted; in the time zone below)"),
    plain("stale_after_minutes", "GAZELLE_SYNC_STALE_AFTER", "45", "minutes without a good run after which the data counts as stale, 1 to 10080"),
    plain("watchdog_seconds", "GAZELLE_SYNC_WATCHDOG", "900", "a service that makes no progress for this long answers 503 at /healthz and raises an alert, 1 to 86400"),
    plain("timezone", "GAZELLE_SYNC_TIMEZONE", "America/Toronto", "time zone of screens and schedules; storage is always UTC"),
    plain("spot_checks", "GAZELLE_SYNC_SPOT_CHECKS", "", "appointments whose local hour `verify` checks by their title, TITLE=HH:MM separated by semicolons (Tire le Coyote=18:00; Accord annuel=9:30)"),
    plain("language", "GAZELLE_SYNC_LANGUAGE", "en", "language of alerts and of the dashboard: en or fr"),
    plain("log_format", "GAZELLE_SYNC_LOG_FORMAT", "auto", "auto (json for serve without a terminal, else human), human or json"),
    plain("log_level", "GAZELLE_SYNC_LOG", "", "off, error, warn, info, debug or trace; per module: info,gazelle_sync::source=debug; absent: info for serve, warn for every other command"),
    plain("otlp_endpoint", "OTEL_EXPORTER_OTLP_ENDPOINT", "", "address of an OpenTelemetry collector (OTLP over HTTP, like http://localhost:4318) that receives traces; absent: none are made"),
    // Alerts
    secret("slack_webhook_url", "SLACK_WEBHOOK_URL", "Slack webhook that receives alerts"),
    secret("smtp_url", "SMTP_URL", "mail server that sends alerts: smtps://user:password@host:465, or smtp://user:password@host:587 (STARTTLS; without encryption only when ?tls=none says so)"),
    plain("smtp_ca_file", "GAZELLE_SYNC_SMTP_CA", "", "PEM file of a certificate authority that the mail server's TLS certificate may come from, beside the system's"),
    secret("alert_email_from", "ALERT_EMAIL_FROM", "sender of alert e-mails"),
    secret("alert_email_to", "ALERT_EMAIL_TO", "receivers of alert e-mails, separated by commas"),
    secret("alert_webhook_url", "ALERT_WEBHOOK_URL", "address that receives alerts as JSON"),
    secret("deadman_url", "DEADMAN_URL", "address called after each good run, so that silence can raise an alarm elsewhere"),
    plain("alert_errors_per_hour", "GAZELLE_SYNC_ALERT_ERRORS", "10", "records newly in quarantine within an hour beyond which an alert is raised, 0 or more"),
    plain("alert_unreadable_per_hour", "GAZELLE_SYNC_ALERT_UNREADABLE", "10", "records found with an unreadable field within an hour beyond which an alert is raised, 0 or more"),
    plain("alert_reminder_minutes", "GAZELLE_SYNC_ALERT_REMINDER", "360", "minutes after which people are reminded of what is still wrong, and again after as many, 1 to 43200"),
    plain("alert_database_seconds", "GAZELLE_SYNC_ALERT_DATABASE", "300", "seconds for which alerts cannot be written to the database after which the service sends one by itself, 1 to 86400"),
];

/// The documentation of a setting.
pub(super) fn doc(key: &str) -> Option<&'static SettingDoc> {
    SETTINGS.iter().find(|doc| doc.key == key)
}

/// The settings as a Markdown table, for docs/settings.md.
pub fn settings_markdown() -> String {
    let mut text = String::from("| setting | environment | default | meaning |\n|---|---|---|---|\n");
    for doc in SETTINGS {
        let default = match doc.default {
            "" => String::new(),
            value => format!("`{value}`"),
        };
        let meaning = doc.meaning.replace('|', "\\|");
        text.push_str(&format!("| `{}` | `{}` | {default} | {meaning} |\n", doc.key, doc.env));
    }
    text
}

/// The settings as plain text, for `--help`.
pub fn settings_text() -> String {
    let mut text = String::from(
        "Settings, in rising order: defaults, gazelle-sync.toml in /etc/gazelle-sync, gazelle-sync.toml in the working \
         directory, secrets in /etc/gazelle-sync (or systemd's credential), .env in the working directory, environment, \
         flags.\nThe first name is the one in gazelle-sync.toml, the second the environment variable.\n",
    );
    for doc in SETTINGS {
        text.push_str(&format!("\n  {}, {}\n      {}", doc.key, doc.env, doc.meaning));
        if !doc.default.is_empty() {
            text.push_str(&format!(" [default: {}]", doc.default));
        }
        if doc.secret {
            text.push_str(" (secret)");
        }
    }
    text.push_str(
        "\n\n  A file named by --config or GAZELLE_SYNC_CONFIG is read in place of both gazelle-sync.toml. \
         GAZELLE_SYNC_CONFIG_DIR names a folder in place of /etc/gazelle-sync.",
    );
    text
}
