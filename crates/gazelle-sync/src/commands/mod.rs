//! The commands, one short file each: it parses the arguments, calls the module that does the work, and prints the
//! result; a folder if the command has logic of its own. `text/` formats what is printed for people, `shared/` holds
//! what several commands need; `shop` and `demo_database` serve `demo`, `simulate` and what must not touch a demo's
//! database. No command uses another.

mod alerts;
mod auth;
mod db;
mod deletions;
mod demo;
mod demo_database;
mod doctor;
mod errors;
mod explain;
mod history;
mod init;
mod manual;
mod migrate;
mod people;
mod psql;
mod replay;
mod runs;
mod serve;
mod settings;
mod shared;
mod shop;
mod simulate;
mod status;
mod sync;
mod text;
mod undo;
mod verify;
mod warnings;

use std::ffi::OsString;
use std::panic::{AssertUnwindSafe, PanicHookInfo, resume_unwind};
use std::process::ExitCode;

use anyhow::Result;
use futures_util::FutureExt as _;

use crate::cli::{self, Cli, Command};
use crate::config::{Layers, Settings, SettingsError};
use crate::credentials::NoCredentials;
use crate::db::other_columns;
use crate::display::{self, Lines, Progress, ProgressStyle};
use crate::entities;

use shared::context::{Context, FAILED, WRONG_USE, failed, print_failure};
use shared::database_line::first_line;

/// Runs the program and returns its exit status.
pub fn main() -> ExitCode {
    std::panic::set_hook(Box::new(tell_panic));
    let arguments: Vec<OsString> = std::env::args_os().collect();
    let cli = match Cli::read(arguments.iter().cloned(), &entities::names()) {
        Ok(cli) => cli,
        Err(usage) => return wrong_arguments(&usage, &arguments),
    };
    let json = cli.global.json;
    let loaded = Layers::of_process(cli.global.config.clone(), cli.flags())
        .and_then(|layers| Settings::load(&layers).map(|settings| (settings, layers.unknown_variables())));
    let (settings, unknown_variables) = match loaded {
        Ok(loaded) => loaded,
        Err(error) => return wrong_settings(&error, json),
    };
    let is_quiet = json || cli.global.quiet > 0;
    let progress = Progress::new(ProgressStyle::for_stderr(is_quiet));
    // Dropped after the runtime, so that the last spans are exported too.
    let _logging = shared::logging::start(
        &settings,
        matches!(cli.command, Command::Serve(_)),
        cli.max_log_level(),
        &progress,
    );
    for warning in unknown_variables.iter().chain(&settings.warnings) {
        tracing::warn!("{warning}");
    }
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return failed(&format!("the program cannot start its threads: {error}"), json, FAILED),
    };
    let first_line = (!is_quiet).then(|| first_line(&cli.command, &settings)).flatten();
    let context = Context { settings, json, first_line, progress };
    let outcome = runtime.block_on(AssertUnwindSafe(run(&context, cli.command)).catch_unwind());
    context.progress.finish();
    match outcome {
        Ok(Ok(code)) => ExitCode::from(code),
        Ok(Err(error)) => {
            let code = if error.is::<NoCredentials>() { WRONG_USE } else { FAILED };
            failed(&format!("{error:#}"), json, code)
        }
        Err(panic) => match other_columns(&*panic) {
            Some(error) => failed(&error, json, FAILED),
            None => resume_unwind(panic),
        },
    }
}

/// Prints a panic, whose message may quote data. An answer with other columns is no fault of the program's: [`main`]
/// reports it.
fn tell_panic(panic: &PanicHookInfo<'_>) {
    let payload = panic.payload_as_str().unwrap_or_default();
    if other_columns(&payload.to_owned()).is_none() {
        display::tell_panic(panic);
    }
}

async fn run(context: &Context, command: Command) -> Result<u8> {
    match command {
        Command::Demo(args) => demo::run(context, args).await,
        Command::Init(args) => init::run(context, args).await,
        Command::Sync(args) => sync::sync(context, args).await,
        Command::Fetch(args) => sync::fetch(context, args).await,
        Command::Reconcile(args) => sync::reconcile(context, args).await,
        Command::Serve(args) => serve::run(context, args).await,
        Command::Replay(args) => replay::run(context, args).await,
        Command::Undo(args) => undo::run(context, args).await,
        Command::Verify(args) => verify::run(context, args).await,
        Command::Status(args) => status::run(context, args).await,
        Command::Runs(args) => runs::run(context, args).await,
        Command::History(args) => history::run(context, args).await,
        Command::Explain(args) => explain::run(context, args).await,
        Command::Errors(args) => errors::run(context, args).await,
        Command::Warnings(args) => warnings::run(context, args).await,
        Command::Deletions(args) => deletions::run(context, args).await,
        Command::Auth(args) => auth::run(context, args).await,
        Command::Alerts(args) => alerts::run(context, args).await,
        Command::People(args) => people::run(context, args).await,
        Command::Doctor => doctor::run(context).await,
        Command::Migrate(args) => migrate::run(context, args).await,
        Command::Psql(args) => psql::run(context, args).await,
        Command::Db(args) => db::run(context, args).await,
        Command::Simulate(args) => simulate::run(context, args).await,
        Command::Settings => settings::run(context),
        Command::Completions(args) => manual::completions(context, &args),
        Command::Man(args) => manual::man(context, &args),
    }
}

/// Reports wrong arguments, or prints the requested help or version.
fn wrong_arguments(usage: &clap::Error, arguments: &[OsString]) -> ExitCode {
    // Parsing failed, so look for `--json` in the raw arguments.
    let json = arguments.iter().take_while(|argument| *argument != "--").any(|argument| argument == "--json");
    let code = u8::try_from(usage.exit_code()).unwrap_or(WRONG_USE);
    if json && code == WRONG_USE {
        print_failure(&cli::in_one_line(usage));
    }
    let acts = |text: &str| text.chars().any(|c| display::acts(c) && c != '\n');
    let quotes_what_acts = acts(&usage.render().to_string())
        || arguments.iter().any(|argument| argument.to_string_lossy().chars().any(display::acts));
    match code == WRONG_USE && quotes_what_acts {
        // The parser repeats an argument unescaped.
        true => display::tell_error(&cli::in_one_line(usage)),
        // A closed pipe is no error.
        false => drop(usage.print()),
    }
    ExitCode::from(code)
}

/// Reports wrong settings, one line per problem.
fn wrong_settings(error: &SettingsError, json: bool) -> ExitCode {
    let [_] = error.problems.as_slice() else {
        if json {
            print_failure(&error.to_string());
        }
        let mut lines = Lines::new();
        lines.line(format!("error: {} problems with the settings:", error.problems.len()));
        for problem in &error.problems {
            lines.line(format!("  - {problem}"));
        }
        display::print_to_stderr(lines);
        return ExitCode::from(WRONG_USE);
    };
    failed(&error.to_string(), json, WRONG_USE)
}
