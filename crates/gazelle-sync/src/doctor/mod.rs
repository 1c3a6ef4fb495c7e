//! `doctor`: checks that everything the program needs is present and correct. Each check gives one line, with the
//! command that fixes a problem. There is one file per group of checks.
//!
//! Nothing is changed: the database is read in read-only transactions that are rolled back, the API is asked for
//! one small page of each entity, and the servers of alert channels only get a TCP connection.

mod alerts;
mod api;
mod clock;
mod database;
mod lines;
mod outcome;
mod room;
mod service;
mod subject;
mod zone;

pub use lines::{Level, Line, Lines, Report};
pub use subject::{OwnService, Subject};

/// Runs all checks. Never fails: what cannot be checked is reported as a problem.
pub async fn examine(subject: &Subject<'_>) -> Report {
    let mut lines = Lines::default();
    let (in_database, (of_api, api_clock)) = tokio::join!(database::check(subject), api::check(subject));
    lines.extend(in_database);
    lines.extend(of_api);
    clock::of_api(&mut lines, api_clock);
    zone::of_program(&mut lines);
    let (of_service, of_alerts) = tokio::join!(service::check(subject), alerts::reachable(subject.settings));
    lines.extend(of_alerts);
    lines.extend(of_service);
    room::of_backup_folder(&mut lines, subject);
    room::of_disk(&mut lines, subject);
    lines.into_report()
}
