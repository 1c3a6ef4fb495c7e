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
    /// The same in French, with no-break spaces.
    pub meaning_fr: &'static str,
    /// Whether its value is secret: never shown in errors, listings or logs.
    pub secret: bool,
}

const fn plain(
    key: &'static str,
    env: &'static str,
    default: &'static str,
    meaning: &'static str,
    meaning_fr: &'static str,
) -> SettingDoc {
    SettingDoc { key, env, default, meaning, meaning_fr, secret: false }
}

const fn secret(
    key: &'static str,
    env: &'static str,
    meaning: &'static str,
    meaning_fr: &'static str,
) -> SettingDoc {
    SettingDoc { key, env, default: "", meaning, meaning_fr, secret: true }
}

/// All settings, in display order.
#[rustfmt::skip]
pub const SETTINGS: &[SettingDoc] = &[
    // Where the data lives
    secret("database_url", "DATABASE_URL", "PostgreSQL to mirror into; absent: an embedded server in the data folder",
        "base PostgreSQL qui reçoit la copie; absent\u{a0}: un serveur intégré dans le dossier de données"),
    plain("database_ca_file", "GAZELLE_SYNC_DATABASE_CA", "", "PEM file of the certificate authorities that the database's TLS certificate must come from, in place of the system's",
        "fichier PEM des autorités dont le certificat TLS de la base doit venir, à la place de celles du système"),
    plain("database_connections", "GAZELLE_SYNC_DATABASE_CONNECTIONS", "8", "connections to the database that a run uses at most, 1 to 100; two more are used for short questions beside it, and up to three by pages of the dashboard; a role that is allowed fewer makes do with them",
        "connexions à la base qu'une exécution utilise au plus, de 1 à 100; deux autres servent aux courtes questions à côté, et jusqu'à trois aux pages du tableau de bord; un rôle à qui il en est permis moins s'en contente"),
    plain("database_silence_seconds", "GAZELLE_SYNC_DATABASE_SILENCE", "30", "a statement of which the database gives no sign of life for this long has failed, 1 to 3600",
        "une instruction dont la base ne donne aucun signe de vie pendant ce temps a échoué, de 1 à 3600"),
    plain("lock_notice_seconds", "GAZELLE_SYNC_LOCK_NOTICE", "5", "a statement that waits for a lock for this long is logged, with the session that holds it, 0.1 to 3600 and no longer than `lock_wait_seconds`",
        "une instruction qui attend un verrou pendant ce temps est journalisée, avec la session qui le détient, de 0.1 à 3600 et pas plus que `lock_wait_seconds`"),
    plain("lock_wait_seconds", "GAZELLE_SYNC_LOCK_WAIT", "300", "a statement that waits for a lock for this long fails, and with it the run; nothing is lost, 0.5 to 86400",
        "une instruction qui attend un verrou pendant ce temps échoue, et l'exécution avec elle; rien n'est perdu, de 0.5 à 86400"),
    plain("postgres_bin_dir", "GAZELLE_SYNC_POSTGRES_BIN", "", "folder of the PostgreSQL programs for the embedded server; absent: looked for",
        "dossier des programmes PostgreSQL du serveur intégré; absent\u{a0}: il est cherché"),
    plain("data_dir", "GAZELLE_SYNC_DATA_DIR", "", "folder of the embedded database and of stored tokens; absent: ~/.local/share/gazelle-sync (Linux; root: /var/lib/gazelle-sync)",
        "dossier de la base intégrée et des jetons conservés; absent\u{a0}: ~/.local/share/gazelle-sync (Linux; root\u{a0}: /var/lib/gazelle-sync)"),
    plain("backup_dir", "GAZELLE_SYNC_BACKUP_DIR", "", "folder where backups of the database are stored; doctor says how old the newest file is",
        "dossier des sauvegardes de la base; doctor dit l'âge du fichier le plus récent"),
    plain("schema", "GAZELLE_SYNC_SCHEMA", "public", "database schema that holds this account's tables: lower-case letters, digits and _",
        "schéma de la base qui contient les tables de ce compte\u{a0}: minuscules, chiffres et _"),
    // Gazelle
    plain("api_url", "GAZELLE_API_URL", "https://gazelleapp.io/graphql/private", "address of Gazelle's GraphQL API",
        "adresse de l'API GraphQL de Gazelle"),
    plain("oauth_url", "GAZELLE_OAUTH_URL", "https://gazelleapp.io/developer/oauth/token", "address that hands out OAuth tokens",
        "adresse qui délivre les jetons OAuth"),
    secret("api_key", "GAZELLE_API_KEY", "Gazelle API key; wins over OAuth",
        "clé d'API de Gazelle; passe avant OAuth"),
    plain("client_id", "GAZELLE_CLIENT_ID", "", "OAuth application id, with client_secret",
        "identifiant de l'application OAuth, avec client_secret"),
    secret("client_secret", "GAZELLE_CLIENT_SECRET", "OAuth application secret, with client_id",
        "secret de l'application OAuth, avec client_id"),
    secret("access_token", "GAZELLE_ACCESS_TOKEN", "first OAuth access token, beside client_id and client_secret; the token store takes over; without refresh_token it serves until it ends",
        "premier jeton d'accès OAuth, avec client_id et client_secret; le dépôt de jetons prend la suite; sans refresh_token, il sert jusqu'à son expiration"),
    secret("refresh_token", "GAZELLE_REFRESH_TOKEN", "first OAuth refresh token; the token store takes over",
        "premier jeton de renouvellement OAuth; le dépôt de jetons prend la suite"),
    secret("token_key", "GAZELLE_SYNC_TOKEN_KEY", "key (64 hex digits) with which OAuth tokens are kept in the database, encrypted; absent: in a file of the data folder",
        "clé (64 chiffres hexadécimaux) avec laquelle les jetons OAuth sont chiffrés dans la base; absent\u{a0}: dans un fichier du dossier de données"),
    // Talking to the API
    plain("concurrency", "GAZELLE_SYNC_CONCURRENCY", "4", "requests to the API at the same time, 1 to 32",
        "requêtes simultanées à l'API, de 1 à 32"),
    plain("page_size", "GAZELLE_SYNC_PAGE_SIZE", "100", "records asked for per page, 1 to 500",
        "enregistrements demandés par page, de 1 à 500"),
    plain("attempts", "GAZELLE_SYNC_ATTEMPTS", "3", "times a request is tried before it counts as failed, 1 to 10",
        "nombre d'essais d'une requête avant qu'elle compte comme un échec, de 1 à 10"),
    plain("retry_delay_seconds", "GAZELLE_SYNC_RETRY_DELAY_SECONDS", "5", "wait before trying again, times the number of the attempt, 0 to 600; Retry-After wins, and where the API asks for patience it is a second at least",
        "attente avant un nouvel essai, multipliée par le numéro de l'essai, de 0 à 600; Retry-After l'emporte, et si l'API demande de patienter, une seconde au moins"),
    plain("timeout_seconds", "GAZELLE_SYNC_TIMEOUT_SECONDS", "10", "longest wait for one answer of the API, 0.1 to 600",
        "attente maximale d'une réponse de l'API, de 0.1 à 600"),
    plain("max_response_mb", "GAZELLE_SYNC_MAX_RESPONSE_MB", "32", "largest answer of the API that is read, in MiB, 1 to 1024; what memory is needed depends on it (docs/bounds.md)",
        "plus grande réponse de l'API qui est lue, en Mio, de 1 à 1024; la mémoire nécessaire en dépend (docs/fr/bounds.md)"),
    plain("lookback_days", "GAZELLE_SYNC_LOOKBACK_DAYS", "30", "days before the bookmark from which an incremental run reads events again, 0 to 3650",
        "jours avant le repère à partir desquels une exécution incrémentale relit les rendez-vous, de 0 à 3650"),
    plain("events_from", "GAZELLE_SYNC_EVENTS_FROM", "", "a full sync leaves out events dated earlier (YYYY-MM-DD); absent: all",
        "une synchronisation complète omet les rendez-vous antérieurs à cette date (AAAA-MM-JJ); absent\u{a0}: tous"),
    plain("events_until", "GAZELLE_SYNC_EVENTS_UNTIL", "", "a full sync leaves out events dated later (YYYY-MM-DD); absent: all",
        "une synchronisation complète omet les rendez-vous postérieurs à cette date (AAAA-MM-JJ); absent\u{a0}: tous"),
    plain("walk_attempts", "GAZELLE_SYNC_WALK_ATTEMPTS", "3", "times an entity is walked again when rows shift between pages, 1 to 10",
        "nombre de parcours d'une entité si des lignes se déplacent entre les pages, de 1 à 10"),
    // Writing and guarding
    plain("batch_size", "GAZELLE_SYNC_BATCH_SIZE", "1000", "records of a walk in two transactions side by side, and of pending ones in one, 1 to 50000",
        "enregistrements d'un parcours en deux transactions parallèles, et d'enregistrements en attente en une, de 1 à 50000"),
    plain("lease_seconds", "GAZELLE_SYNC_LEASE_SECONDS", "60", "time after which a crashed runner's lease expires, 1 to 3600",
        "temps après lequel le bail d'une exécution interrompue expire, de 1 à 3600"),
    plain("shrink_guard_percent", "GAZELLE_SYNC_SHRINK_GUARD_PERCENT", "20", "a walk that finds this percentage fewer records than production holds makes the run partial, 0 to 100",
        "un parcours qui trouve moins d'enregistrements que la production, de ce pourcentage, rend l'exécution partielle, de 0 à 100"),
    plain("delete_guard_records", "GAZELLE_SYNC_DELETE_GUARD_RECORDS", "10", "deletions of one entity in one run beyond which manual approval is required, 0 or more",
        "suppressions d'une entité dans une exécution au-delà desquelles une approbation manuelle est exigée, 0 ou plus"),
    plain("delete_guard_percent", "GAZELLE_SYNC_DELETE_GUARD_PERCENT", "2", "share of an entity's rows in percent beyond which deletions require manual approval, 0 to 100",
        "part des lignes d'une entité, en pourcentage, au-delà de laquelle les suppressions exigent une approbation manuelle, de 0 à 100"),
    plain("quarantine_guard_records", "GAZELLE_SYNC_QUARANTINE_GUARD_RECORDS", "10", "records of one entity that a run may newly put into quarantine before the run is partial, 0 or more; the larger of this and quarantine_guard_percent applies",
        "enregistrements d'une entité qu'une exécution peut mettre nouvellement en quarantaine et réussir, 0 ou plus; le plus grand de ce nombre et du suivant compte"),
    plain("quarantine_guard_percent", "GAZELLE_SYNC_QUARANTINE_GUARD_PERCENT", "2", "share of an entity's records that a run may newly put into quarantine and be a success, 0 to 100",
        "part des enregistrements d'une entité qu'une exécution peut mettre nouvellement en quarantaine et réussir, de 0 à 100"),
    plain("retention", "GAZELLE_SYNC_RETENTION", "all", "raw versions kept: all, or what was current within this many days (the newest version of a record always stays, and so does every version that a row, a tombstone or an undo refers to)",
        "versions brutes conservées\u{a0}: toutes (all), ou celles qui étaient à jour dans ce nombre de jours (la version la plus récente d'un enregistrement reste toujours, de même que tout ce dont dépend une ligne, une marque de suppression ou une annulation)"),
    plain("runs_retention", "GAZELLE_SYNC_RUNS_RETENTION", "90", "days for which runs, their requests and warnings and closed quarantine cases are kept, or all (what a raw version, a deletion that waits or an undo names always stays, and so do the last 100 runs)",
        "jours pendant lesquels sont gardés les exécutions, leurs requêtes et avertissements et les cas fermés de la quarantaine, ou all (ce que nomme une version brute, une suppression en attente ou une annulation reste toujours, de même que les 100 dernières exécutions)"),
    // Running by itself
    plain("listen", "GAZELLE_SYNC_LISTEN", "127.0.0.1:8787", "address of the service's HTTP side; one that others can reach needs http_token",
        "adresse du serveur HTTP du service; si d'autres machines peuvent l'atteindre, http_token est exigé"),
    secret("http_token", "GAZELLE_SYNC_HTTP_TOKEN", "token that the service's HTTP side asks for (Authorization: Bearer …), 16 characters or more",
        "jeton que le serveur HTTP du service exige (Authorization: Bearer …), 16 caractères ou plus"),
    plain("dashboard", "GAZELLE_SYNC_DASHBOARD", "on", "whether the service shows the dashboard at /app: on or off",
        "si le service montre le tableau de bord à /app\u{a0}: on ou off"),
    plain("dashboard_read_only", "GAZELLE_SYNC_DASHBOARD_READ_ONLY", "off", "whether the dashboard refuses every change except signing in and out: on or off",
        "si le tableau de bord refuse tout ce qui change quelque chose, sauf ouvrir et fermer une session\u{a0}: on ou off"),
    plain("public_url", "GAZELLE_SYNC_PUBLIC_URL", "", "address at which people reach the dashboard, if a proxy is in front of it, like https://sync.example.org (https, unless it is on this machine); absent: this machine alone reaches it",
        "adresse à laquelle on atteint le tableau de bord, si un proxy est devant, comme https://sync.example.org (https, sauf sur cette machine); absent\u{a0}: seule cette machine l'atteint"),
    plain("map_url", "GAZELLE_SYNC_MAP_URL", "https://www.google.com/maps/dir/?api=1&destination={address}", "link of an address in the dashboard; {address} is replaced by the address, percent-encoded",
        "lien d'une adresse dans le tableau de bord; {address} est remplacé par l'adresse, encodée en pourcentages"),
    plain("incremental_schedule", "GAZELLE_SYNC_INCREMENTAL", "*/15 * * * *", "when the service syncs what changed (cron: minute hour day month weekday, a field of seconds before them if wanted; in the time zone below)",
        "quand le service synchronise ce qui a changé (cron\u{a0}: minute heure jour mois jour-de-semaine, précédés d'un champ de secondes si vous voulez; dans le fuseau ci-dessous)"),
    plain("full_schedule", "GAZELLE_SYNC_FULL", "0 3 * * *", "when the service syncs everything (cron: minute hour day month weekday, a field of seconds before them if wanted; in the time zone below)",
        "quand le service synchronise tout (cron\u{a0}: minute heure jour mois jour-de-semaine, précédés d'un champ de secondes si vous voulez; dans le fuseau ci-dessous)"),
    plain("stale_after_minutes", "GAZELLE_SYNC_STALE_AFTER", "45", "minutes without a good run after which the data counts as stale, 1 to 10080",
        "minutes sans bonne exécution après lesquelles les données comptent comme périmées, de 1 à 10080"),
    plain("watchdog_seconds", "GAZELLE_SYNC_WATCHDOG", "900", "a service that makes no progress for this long answers 503 at /healthz and raises an alert, 1 to 86400",
        "un service qui ne progresse pas pendant ce temps répond 503 à /healthz et déclenche une alerte, de 1 à 86400"),
    plain("timezone", "GAZELLE_SYNC_TIMEZONE", "America/Toronto", "time zone of screens and schedules; storage is always UTC",
        "fuseau horaire des écrans et des horaires; la base est toujours en UTC"),
    plain("spot_checks", "GAZELLE_SYNC_SPOT_CHECKS", "", "appointments whose local hour `verify` checks by their title, TITLE=HH:MM separated by semicolons (Tire le Coyote=18:00; Accord annuel=9:30)",
        "rendez-vous dont `verify` vérifie l'heure locale par leur titre, TITRE=HH:MM séparés par des points-virgules (Tire le Coyote=18:00; Accord annuel=9:30)"),
    plain("language", "GAZELLE_SYNC_LANGUAGE", "auto", "language of what commands print, of alerts and of the dashboard: fr, en, or auto (that of the locale: French if LC_ALL, LC_MESSAGES or LANG, the first that is set, begins with fr, else English); JSON is the same in both",
        "langue de ce que les commandes affichent, des alertes et du tableau de bord\u{a0}: fr, en ou auto (celle de la locale\u{a0}: le français si LC_ALL, LC_MESSAGES ou LANG, la première qui est définie, commence par fr, sinon l'anglais); le JSON est le même dans les deux"),
    plain("log_format", "GAZELLE_SYNC_LOG_FORMAT", "auto", "auto (json for serve without a terminal, else human), human or json",
        "auto (json pour serve sans terminal, sinon human), human ou json"),
    plain("log_level", "GAZELLE_SYNC_LOG", "", "off, error, warn, info, debug or trace; per module: info,gazelle_sync::source=debug; absent: info for serve, warn for every other command",
        "off, error, warn, info, debug ou trace; par module\u{a0}: info,gazelle_sync::source=debug; absent\u{a0}: info pour serve, warn pour les autres commandes"),
    plain("otlp_endpoint", "OTEL_EXPORTER_OTLP_ENDPOINT", "", "address of an OpenTelemetry collector (OTLP over HTTP, like http://localhost:4318) that receives traces; absent: none are made",
        "adresse d'un collecteur OpenTelemetry (OTLP sur HTTP, comme http://localhost:4318) qui reçoit les traces; absent\u{a0}: il n'y en a pas"),
    // Alerts
    secret("slack_webhook_url", "SLACK_WEBHOOK_URL", "Slack webhook that receives alerts",
        "webhook Slack qui reçoit les alertes"),
    secret("smtp_url", "SMTP_URL", "mail server that sends alerts and invitations: smtps://user:password@host:465, or smtp://user:password@host:587 (STARTTLS; without encryption only when ?tls=none says so)",
        "serveur de courriel qui envoie les alertes et les invitations\u{a0}: smtps://user:password@host:465, ou smtp://user:password@host:587 (STARTTLS; sans chiffrement seulement si `?tls=none` le dit)"),
    plain("smtp_ca_file", "GAZELLE_SYNC_SMTP_CA", "", "PEM file of a certificate authority that the mail server's TLS certificate may come from, beside the system's",
        "fichier PEM d'une autorité dont le certificat TLS du serveur de courriel peut venir, en plus de celles du système"),
    secret("alert_email_from", "ALERT_EMAIL_FROM", "sender of alert e-mails and invitations",
        "expéditeur des courriels d'alerte et des invitations"),
    secret("alert_email_to", "ALERT_EMAIL_TO", "receivers of alert e-mails, separated by commas",
        "destinataires des courriels d'alerte, séparés par des virgules"),
    secret("alert_webhook_url", "ALERT_WEBHOOK_URL", "address that receives alerts as JSON",
        "adresse qui reçoit les alertes en JSON"),
    secret("deadman_url", "DEADMAN_URL", "address called after each good run, so that silence can raise an alarm elsewhere",
        "adresse appelée après chaque bonne exécution, pour que le silence puisse déclencher une alarme ailleurs"),
    plain("alert_errors_per_hour", "GAZELLE_SYNC_ALERT_ERRORS", "10", "records newly in quarantine within an hour beyond which an alert is raised, 0 or more",
        "enregistrements nouvellement en quarantaine en une heure au-delà desquels une alerte est déclenchée, 0 ou plus"),
    plain("alert_unreadable_per_hour", "GAZELLE_SYNC_ALERT_UNREADABLE", "10", "records found with an unreadable field within an hour beyond which an alert is raised, 0 or more",
        "enregistrements trouvés avec un champ illisible en une heure au-delà desquels une alerte est déclenchée, 0 ou plus"),
    plain("alert_reminder_minutes", "GAZELLE_SYNC_ALERT_REMINDER", "360", "minutes after which people are reminded of what is still wrong, and again after as many, 1 to 43200",
        "minutes après lesquelles on rappelle ce qui ne va toujours pas, puis à chaque fois après le même temps, de 1 à 43200"),
    plain("alert_database_seconds", "GAZELLE_SYNC_ALERT_DATABASE", "300", "seconds for which alerts cannot be written to the database after which the service sends one by itself, 1 to 86400",
        "secondes pendant lesquelles les alertes ne peuvent être écrites dans la base, après quoi le service en envoie une lui-même, de 1 à 86400"),
];

/// The documentation of a setting.
pub(super) fn doc(key: &str) -> Option<&'static SettingDoc> {
    SETTINGS.iter().find(|doc| doc.key == key)
}

/// The settings as a Markdown table, for docs/settings.md and docs/fr/settings.md: with the names of its columns, and the meaning
/// in that language.
pub fn settings_markdown(columns: [&str; 4], meaning: fn(&SettingDoc) -> &'static str) -> String {
    let mut text = format!("| {} |\n|---|---|---|---|\n", columns.join(" | "));
    for doc in SETTINGS {
        let default = match doc.default {
            "" => String::new(),
            value => format!("`{value}`"),
        };
        let meaning = meaning(doc).replace('|', "\\|");
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
