//! `errors`: lists, shows, retries and dismisses quarantine cases.

use anyhow::{Result, bail};
use serde_json::json;

use super::shared::arguments::chosen;
use super::shared::context::Context;
use super::shared::context::FAILED;
use super::shared::opened::Opened;
use super::text;
use super::text::errors::left_out;
use super::text::errors::none_found;
use super::text::errors::table;
use super::text::run::run_text;
use super::text::words::lists as w;
use crate::cli::{ErrorFilter, ErrorsAction, ErrorsArgs, ErrorsRetry};
use crate::display::{self, Lines, List};
use crate::entities::Entity;
use crate::explain::{self, case};
use crate::migrate;
use crate::orchestrator::{Deciding, decide_cases};
use crate::staging::quarantine::pages::Pages;
use crate::staging::quarantine::{self, CaseFilter};
use crate::words::locale::Locale;

/// The most rows of one printed table.
const ROWS: usize = 1000;

/// Runs the chosen action.
///
/// # Errors
/// The database cannot be opened, or a statement fails; no quarantine case
/// matches an id; a case cannot be retried or dismissed.
pub async fn run(context: &Context, args: ErrorsArgs) -> Result<u8> {
    let action = args.into_action();
    let entity = match &action {
        ErrorsAction::List(filter) => &filter.entity,
        ErrorsAction::Retry(retry) => &retry.entity,
        _ => &None,
    };
    let entities = match chosen(entity.as_slice()) {
        Ok(entities) => entities,
        Err(message) => return context.wrong_use(&message),
    };
    let reads = matches!(action, ErrorsAction::List(_) | ErrorsAction::Show { .. });
    let opened = match reads {
        true => Opened::open_to_read(&context.settings).await?,
        false => Opened::open_existing(&context.settings).await?,
    };
    let outcome = async {
        // A reading command creates no tables: without them there are no records either.
        let entities = if reads && !migrate::is_readable(&opened.db).await? { Vec::new() } else { entities };
        if !reads {
            migrate::prepare(&opened.db).await?;
        }
        match action {
            ErrorsAction::List(filter) => list(context, &opened, &entities, &filter).await,
            ErrorsAction::Show { id } => show(context, &opened, &entities, &id).await,
            ErrorsAction::Retry(which) => retry(context, &opened, &entities, &which).await,
            ErrorsAction::Dismiss { id, reason } => dismiss(context, &opened, &entities, &id, &reason).await,
        }
    }
    .await;
    opened.close().await?;
    outcome
}

async fn list(
    context: &Context,
    opened: &Opened,
    entities: &[&'static Entity],
    filter: &ErrorFilter,
) -> Result<u8> {
    // The printed list shows no raw records, so they are not read.
    let which = CaseFilter {
        code: filter.code.as_deref(),
        id: None,
        states: filter.states(),
        with_raw: context.json,
    };
    let mut found = 0;
    for entity in entities {
        // Count all cases, to report how many are left out.
        found += quarantine::count(&opened.db, entity, &which).await?;
    }
    let found = usize::try_from(found).unwrap_or(usize::MAX);
    let cases = Pages::new(&opened.db, entities, &which, filter.most());
    context.progress.finish();
    match context.json {
        true => list_json(cases, found, filter, &context.locale()).await,
        false => {
            context.print_first_line()?;
            list_text(cases, found, filter, &context.locale()).await.map(|()| 0)
        }
    }
}

/// Prints the array while the cases are read. Returns the exit status: if the database fails after the first case,
/// the array stays unclosed, so that it cannot be mistaken for complete, and no second document follows.
async fn list_json(mut cases: Pages<'_>, found: usize, filter: &ErrorFilter, t: &Locale) -> Result<u8> {
    let mut list = List::new();
    while list.len() < filter.most() {
        let case = match cases.next().await {
            Ok(Some(case)) => case,
            Ok(None) => break,
            Err(error) if list.is_empty() => return Err(error.into()),
            Err(error) => {
                display::tell_error(&format!("the list ends early, after {} cases: {error}", list.len()));
                return Ok(FAILED);
            }
        };
        if !list.item(&case)? {
            return Ok(0);
        }
    }
    let listed = list.len();
    list.end()?;
    if let Some(left_out) = left_out(listed, found, t) {
        display::print_to_stderr(left_out);
    }
    Ok(0)
}

/// Prints tables, several for a long list: a table is as wide as its widest row, so it is held in memory whole.
async fn list_text(mut cases: Pages<'_>, found: usize, filter: &ErrorFilter, t: &Locale) -> Result<()> {
    let mut listed = 0;
    loop {
        let mut rows = Vec::new();
        while listed < filter.most()
            && rows.len() < ROWS
            && let Some(case) = cases.next().await?
        {
            rows.push(case);
            listed += 1;
        }
        if rows.is_empty() {
            break;
        }
        if !display::print(&table(&rows, t).render())? {
            return Ok(());
        }
    }
    let mut end = Lines::new();
    match listed {
        0 => end.line(none_found(filter, t)),
        _ => end.blank().wrapped(t.say(w::SHOW_OR_RETRY), 2),
    };
    if let Some(left_out) = left_out(listed, found, t).filter(|_| listed > 0) {
        end.line(left_out);
    }
    display::print(&end)?;
    Ok(())
}

async fn show(context: &Context, opened: &Opened, entities: &[&'static Entity], id: &str) -> Result<u8> {
    let zone = context.settings.zone();
    let which = CaseFilter { id: Some(id), with_raw: true, ..CaseFilter::default() };
    let mut stories = Vec::new();
    for entity in entities {
        let cases = quarantine::cases(&opened.db, entity, &which, 100, None).await?;
        if cases.is_empty() {
            continue;
        }
        let mut connection = opened.db.connection().await?;
        let tx = explain::begin(&mut connection).await?;
        for case in cases {
            stories.push(case::read(&tx, entity, case, &zone).await?);
        }
    }
    if stories.is_empty() {
        bail!(
            "no record {id} is or was in quarantine (gazelle-sync errors --all lists those that are or were)"
        );
    }
    context.print(&stories, || {
        let mut lines = Lines::new();
        for story in &stories {
            if !lines.is_empty() {
                lines.blank();
            }
            lines.lines(&text::case::text(story));
        }
        lines
    })?;
    Ok(0)
}

async fn retry(
    context: &Context,
    opened: &Opened,
    entities: &[&'static Entity],
    which: &ErrorsRetry,
) -> Result<u8> {
    let work = async |deciding: Deciding<'_>| {
        decide_cases::retry(deciding, entities, &which.ids, which.code.as_deref()).await
    };
    let retried = Deciding::hold(&opened.db, &context.settings, &context.progress, work).await?;
    let Some(report) = retried else {
        bail!("none of these records is in quarantine (gazelle-sync errors lists those that are)");
    };
    let t = context.locale();
    context.print(&report, || {
        let mut text = Lines::new();
        text.line(t.fill(w::RETRIED, &[("n", &t.number(report.retried))])).lines(&run_text(&report.run, &t));
        text
    })?;
    Ok(report.run.status.exit_code())
}

async fn dismiss(
    context: &Context,
    opened: &Opened,
    entities: &[&'static Entity],
    id: &str,
    reason: &str,
) -> Result<u8> {
    let work = async |deciding: Deciding<'_>| decide_cases::dismiss(deciding, entities, id, reason).await;
    let dismissed = Deciding::hold(&opened.db, &context.settings, &context.progress, work).await?;
    if dismissed == 0 {
        bail!("no record {id} waits in quarantine (gazelle-sync errors lists those that do)");
    }
    context.print(&json!({ "dismissed": dismissed, "id": id, "reason": reason }), || {
        context.locale().fill(w::WAS_DISMISSED, &[("id", id)])
    })?;
    Ok(0)
}
