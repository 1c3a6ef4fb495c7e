//! Parses and checks the arguments. What clap cannot check is checked here and reported as clap errors, so that all
//! errors look alike and exit with status 2.

use std::ffi::OsString;

use clap::error::{Error, ErrorKind};
use clap::{CommandFactory, Parser};
use tracing::level_filters::LevelFilter;

use super::arguments::unknown_entity;
use super::errors::ErrorsAction;
use super::sync::{FetchArgs, SourceFlags};
use super::{Cli, Command};
use crate::config::Flag;
use crate::states::RunMode;

/// The error in one line: clap's message without its usage and hints.
pub fn in_one_line(usage: &Error) -> String {
    if usage.kind() == ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand {
        return "no command was given (gazelle-sync --help lists them)".to_owned();
    }
    let text = usage.to_string();
    let told = text.split("\nUsage:").next().unwrap_or(&text);
    let told = told.split("\nFor more information").next().unwrap_or(told);
    let told = told.strip_prefix("error: ").unwrap_or(told);
    told.split_whitespace().collect::<Vec<_>>().join(" ")
}

impl Cli {
    /// Parses the arguments, the program's name first, and checks entity names against `entities`.
    ///
    /// # Errors
    /// Wrong arguments, `--help` and `--version`; print them with [`Error::exit`], which knows the exit status of
    /// each.
    pub fn read(
        arguments: impl IntoIterator<Item = impl Into<OsString> + Clone>,
        entities: &[&str],
    ) -> Result<Self, Error> {
        let cli = Self::try_parse_from(arguments)?;
        cli.check(entities).map_err(|problem| Self::command().error(ErrorKind::InvalidValue, problem))?;
        Ok(cli)
    }

    fn check(&self, entities: &[&str]) -> Result<(), String> {
        if let Some(unknown) = self.entities().find(|name| !entities.contains(name)) {
            return Err(unknown_entity(unknown, entities));
        }
        if let Some(args) = self.fetch()
            && args.since.is_some()
            && args.mode == RunMode::Full
        {
            return Err("--since replaces the bookmark, which a full run does not use; \
                        leave it out, or take --mode incremental"
                .to_owned());
        }
        Ok(())
    }

    /// The entities named in the arguments of any command.
    fn entities(&self) -> impl Iterator<Item = &str> {
        let (many, one): (&[String], Option<&String>) = match &self.command {
            Command::Sync(args) => (&args.fetch.entity, None),
            Command::Fetch(args) => (&args.entity, None),
            Command::Reconcile(args) => (&args.entity, None),
            Command::Replay(args) => (&args.entity, None),
            Command::History(args) => (&[], args.entity.as_ref()),
            Command::Explain(args) => (&[], args.entity.as_ref()),
            Command::Errors(args) => match &args.action {
                None => (&[], args.filter.entity.as_ref()),
                Some(ErrorsAction::List(filter)) => (&[], filter.entity.as_ref()),
                Some(ErrorsAction::Retry(retry)) => (&[], retry.entity.as_ref()),
                Some(_) => (&[], None),
            },
            _ => (&[], None),
        };
        many.iter().chain(one).map(String::as_str)
    }

    /// The settings given as flags.
    pub fn flags(&self) -> Vec<Flag> {
        let mut flags = Vec::new();
        let mut add = |key, name, value: &Option<String>| {
            if let Some(value) = value {
                flags.push(Flag { key, name, value: value.clone() });
            }
        };
        add("database_url", "--database-url", &self.global.database_url);
        add("schema", "--schema", &self.global.schema);
        add("data_dir", "--data-dir", &self.global.data_dir);
        add("timezone", "--timezone", &self.global.timezone);
        add("log_format", "--log-format", &self.global.log_format);
        if let Some(SourceFlags { api_url, concurrency, page_size }) = self.fetch().map(|args| &args.source) {
            add("api_url", "--api-url", api_url);
            add("concurrency", "--concurrency", concurrency);
            add("page_size", "--page-size", page_size);
        }
        if let Command::Sync(args) = &self.command {
            add("batch_size", "--batch-size", &args.batch_size);
        }
        if let Command::Init(args) = &self.command {
            add("language", "--language", &args.language);
        }
        if let Command::Reconcile(args) = &self.command {
            add("batch_size", "--batch-size", &args.batch_size);
        }
        // `--quiet` is not a level: see `max_log_level`.
        let level = match self.global.verbose {
            0 => return flags,
            // At debug level, messages of libraries would hide those of this program.
            1 => "info,gazelle_sync=debug,gazelle_sim=debug",
            _ => "debug,gazelle_sync=trace,gazelle_sim=trace",
        };
        flags.push(Flag { key: "log_level", name: "--verbose", value: level.to_owned() });
        flags
    }

    /// The upper limit of the log level, whatever the settings say: `--quiet` never makes the log more verbose.
    pub fn max_log_level(&self) -> LevelFilter {
        match self.global.quiet {
            0 => LevelFilter::TRACE,
            1 => LevelFilter::WARN,
            _ => LevelFilter::ERROR,
        }
    }

    /// The flags of stage 1, for commands that have them.
    fn fetch(&self) -> Option<&FetchArgs> {
        match &self.command {
            Command::Sync(args) => Some(&args.fetch),
            Command::Fetch(args) => Some(args),
            _ => None,
        }
    }
}
