//! Asks for each answer and tries it at once. What is set already is not asked for; what the environment or a flag sets
//! is an answer, to be written down.

use std::collections::{BTreeMap, HashMap};

use anyhow::{Result, bail};
use jiff::Timestamp;
use secrecy::{ExposeSecret as _, SecretString};

use crate::alerts::{self, Channels};
use crate::commands::shared::credential_status::CredentialStatus;
use crate::commands::shared::database_line::described;
use crate::commands::shared::opened::{self, Opened};
use crate::config::{Language, Layers, Settings};
use crate::credentials;
use crate::display;

/// The host of Slack's webhooks.
const SLACK: &str = "hooks.slack.com";

/// The questions and the answers so far. No `Debug`, because they hold secrets.
pub struct Interview {
    /// The settings with the answers so far.
    settings: Settings,
    /// By the names of environment variables.
    answers: BTreeMap<&'static str, String>,
    /// Whether somebody is there to be asked.
    asks: bool,
    /// Whether answers are tried.
    tries: bool,
}

impl Interview {
    /// Begins with what the environment and flags answer.
    pub fn new(settings: &Settings, asks: bool, tries: bool) -> Interview {
        Interview { settings: settings.clone(), answers: given(settings), asks, tries }
    }

    /// The answers, by the names of environment variables.
    pub fn answers(&self) -> &BTreeMap<&'static str, String> {
        &self.answers
    }

    /// The settings with the answers.
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// The API key, unless a credential is set.
    ///
    /// # Errors
    /// The input ends; what was set does not work.
    pub async fn credential(&mut self) -> Result<()> {
        if credentials::of(&self.settings, None).is_ok() {
            return self.credential_works().await.and_then(must_work("the credential that is set"));
        }
        loop {
            let key =
                display::ask_hidden("Gazelle API key (in Gazelle: Settings, API; it is not shown here):")?;
            if key.is_empty() {
                display::print_to_stderr(
                    "a key is needed; to try the program without one: gazelle-sync demo",
                );
            } else if self.takes(&[("GAZELLE_API_KEY", key)]) && self.credential_works().await? {
                return Ok(());
            }
        }
    }

    async fn credential_works(&self) -> Result<bool> {
        if !self.tries {
            return Ok(true);
        }
        let status = match opened::client(&self.settings, None) {
            Ok(client) => CredentialStatus::of(&self.settings, client, false).await,
            Err(error) => return self.judged(Err(format!("{error:#}"))),
        };
        self.judged(match (status.problem, status.who) {
            (Some(problem), _) => Err(problem),
            (None, Some(who)) => Ok(format!(
                "Gazelle accepts it: {}, {}",
                who.company.as_deref().unwrap_or("a company without a name"),
                who.user.as_deref().unwrap_or("a user without a name")
            )),
            (None, None) => Ok("Gazelle accepts it".to_owned()),
        })
    }

    /// The address of the database, unless it is set; `embedded` answers for the embedded one.
    ///
    /// # Errors
    /// As [`Interview::credential`].
    pub async fn database(&mut self, embedded: bool) -> Result<()> {
        if self.settings.database_url.is_some() {
            return self.database_works().await.and_then(must_work("the database of DATABASE_URL"));
        }
        if embedded || !self.asks {
            return Ok(());
        }
        let question = format!(
            "Address of the database, postgres://user:password@host:5432/database (it is not shown here); empty: an embedded \
             one in {}",
            self.settings.data_dir.display()
        );
        loop {
            let url = display::ask_hidden(question.as_str())?;
            if url.is_empty() || self.takes(&[("DATABASE_URL", url)]) && self.database_works().await? {
                return Ok(());
            }
        }
    }

    async fn database_works(&self) -> Result<bool> {
        if !self.tries {
            return Ok(true);
        }
        let tried = match Opened::open(&self.settings).await {
            Ok(opened) => {
                opened.close().await?;
                Ok(format!("the database answers: {}", described(&self.settings, Language::En)))
            }
            Err(error) => Err(format!("{error:#}")),
        };
        self.judged(tried)
    }

    /// The time zone and the language, unless they are set.
    ///
    /// # Errors
    /// The input ends.
    pub fn zone_and_language(&mut self) -> Result<()> {
        let (zone, language) = (self.settings.timezone.clone(), self.settings.language.as_str().to_owned());
        self.word("timezone", "GAZELLE_SYNC_TIMEZONE", "Time zone of the account", zone)?;
        self.word(
            "language",
            "GAZELLE_SYNC_LANGUAGE",
            "Language of commands, alerts and the dashboard, en or fr",
            language,
        )
    }

    /// A setting with a default, which an empty answer keeps.
    fn word(&mut self, key: &str, env: &'static str, question: &str, default: String) -> Result<()> {
        if self.settings.source_of(key).is_some_and(|source| source != "default") {
            return Ok(());
        }
        if !self.asks {
            self.answers.insert(env, default);
            return Ok(());
        }
        loop {
            let answer = display::ask(format!("{question} [{default}]:"))?;
            let answer = if answer.is_empty() { default.clone() } else { answer };
            if self.takes(&[(env, answer)]) {
                return Ok(());
            }
        }
    }

    /// A channel for alerts, unless one is set.
    ///
    /// # Errors
    /// As [`Interview::credential`].
    pub async fn alerts(&mut self) -> Result<()> {
        if !Channels::of(&self.settings).is_empty() {
            return self.alerts_arrive().await.and_then(must_work("the alerts"));
        }
        while self.asks {
            let to = display::ask_hidden(
                "Where alerts go: the address of a Slack webhook or of another one, or an e-mail address (it is not shown \
                 here); empty: nowhere",
            )?;
            if to.is_empty() {
                return Ok(());
            }
            let answers = match to.contains("://") {
                false => {
                    let server =
                        "Mail server, such as smtps://user:password@mail.example.org (it is not shown here):";
                    let server = display::ask_hidden(server)?;
                    let from = display::ask("Sender of the messages:")?;
                    vec![("SMTP_URL", server), ("ALERT_EMAIL_FROM", from), ("ALERT_EMAIL_TO", to)]
                }
                true if to.contains(SLACK) => vec![("SLACK_WEBHOOK_URL", to)],
                true => vec![("ALERT_WEBHOOK_URL", to)],
            };
            if !self.takes(&answers) {
                continue;
            }
            if self.alerts_arrive().await? {
                return Ok(());
            }
            // The next answer may be of another kind.
            for (env, _) in answers {
                self.answers.remove(env);
            }
            self.settings.slack_webhook_url = None;
            self.settings.alert_webhook_url = None;
            self.settings.smtp_url = None;
        }
        Ok(())
    }

    async fn alerts_arrive(&self) -> Result<bool> {
        if !self.tries {
            return Ok(true);
        }
        let channels = Channels::of(&self.settings);
        for channel in channels.iter() {
            let sent = alerts::send_test(&self.settings, &channels, channel, Timestamp::now()).await;
            let said = sent.map(|()| format!("a test message was sent: {}", channel.shown()));
            if !self.judged(said.map_err(|error| format!("{}: {error}", channel.shown())))? {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Takes answers whose form is right; else says what is wrong.
    fn takes(&mut self, answers: &[(&'static str, String)]) -> bool {
        let env: HashMap<String, String> =
            answers.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect();
        // Only the answers: no settings file.
        let layers =
            Layers { env, file: Some("/dev/null".into()), working_dir: "/".into(), ..Layers::default() };
        match Settings::load(&layers) {
            Ok(read) => {
                for (env, value) in answers {
                    match *env {
                        "GAZELLE_SYNC_TIMEZONE" => self.settings.timezone = read.timezone.clone(),
                        // Here the locale is not known; before, it was.
                        "GAZELLE_SYNC_LANGUAGE" if value.eq_ignore_ascii_case("auto") => {}
                        "GAZELLE_SYNC_LANGUAGE" => self.settings.language = read.language,
                        _ => {}
                    }
                }
                self.take_over(read);
                self.answers.extend(answers.iter().cloned());
                true
            }
            Err(error) => {
                for problem in &error.problems {
                    display::tell_error(problem.strip_prefix("environment variable ").unwrap_or(problem));
                }
                false
            }
        }
    }

    /// Puts the secrets among the answers into force.
    fn take_over(&mut self, read: Settings) {
        let settings = &mut self.settings;
        let mut secret = |of: fn(&mut Settings) -> &mut Option<SecretString>, read: Option<SecretString>| {
            if read.is_some() {
                *of(settings) = read;
            }
        };
        secret(|settings| &mut settings.api_key, read.api_key);
        secret(|settings| &mut settings.database_url, read.database_url);
        secret(|settings| &mut settings.slack_webhook_url, read.slack_webhook_url);
        secret(|settings| &mut settings.alert_webhook_url, read.alert_webhook_url);
        secret(|settings| &mut settings.smtp_url, read.smtp_url);
        secret(|settings| &mut settings.alert_email_from, read.alert_email_from);
        secret(|settings| &mut settings.alert_email_to, read.alert_email_to);
    }

    /// Says how a trial ended. What did not work is kept only if the person says so.
    fn judged(&self, tried: Result<String, String>) -> Result<bool> {
        match tried {
            Ok(said) => {
                display::print_to_stderr(format!("ok: {said}"));
                Ok(true)
            }
            Err(why) => {
                display::tell_error(&why);
                Ok(self.asks && display::confirm("Keep it all the same?", false)?)
            }
        }
    }
}

/// What to do with a value that was given and does not work: it cannot be asked for again.
fn must_work(what: &'static str) -> impl Fn(bool) -> Result<()> {
    move |works| match works {
        true => Ok(()),
        false => bail!("{what} does not work, so nothing was written (--offline writes without trying)"),
    }
}

/// The settings that the environment or a flag sets, by the names of environment variables.
fn given(settings: &Settings) -> BTreeMap<&'static str, String> {
    let secret = |value: &Option<SecretString>| value.as_ref().map(|value| value.expose_secret().to_owned());
    let all = [
        ("database_url", "DATABASE_URL", secret(&settings.database_url)),
        ("api_key", "GAZELLE_API_KEY", secret(&settings.api_key)),
        ("client_secret", "GAZELLE_CLIENT_SECRET", secret(&settings.client_secret)),
        ("slack_webhook_url", "SLACK_WEBHOOK_URL", secret(&settings.slack_webhook_url)),
        ("alert_webhook_url", "ALERT_WEBHOOK_URL", secret(&settings.alert_webhook_url)),
        ("smtp_url", "SMTP_URL", secret(&settings.smtp_url)),
        ("alert_email_from", "ALERT_EMAIL_FROM", secret(&settings.alert_email_from)),
        ("alert_email_to", "ALERT_EMAIL_TO", secret(&settings.alert_email_to)),
        ("client_id", "GAZELLE_CLIENT_ID", settings.client_id.clone()),
        ("schema", "GAZELLE_SYNC_SCHEMA", Some(settings.schema.clone())),
        ("data_dir", "GAZELLE_SYNC_DATA_DIR", Some(settings.data_dir.display().to_string())),
        ("timezone", "GAZELLE_SYNC_TIMEZONE", Some(settings.timezone.clone())),
        ("language", "GAZELLE_SYNC_LANGUAGE", Some(settings.language.as_str().to_owned())),
        ("api_url", "GAZELLE_API_URL", Some(settings.api_url.to_string())),
    ];
    // A flag or a variable; a file holds what it sets already.
    let is_given = |key: &str, env: &str| {
        settings.source_of(key).is_some_and(|source| source == env || source.starts_with("--"))
    };
    all.into_iter()
        .filter(|(key, env, _)| is_given(key, env))
        .filter_map(|(_, env, value)| Some((env, value?)))
        .collect()
}
