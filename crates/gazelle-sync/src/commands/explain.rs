//! `explain`: where a value in production came from.

use anyhow::{Result, bail};
use jiff::tz::TimeZone;
use serde::Serialize;
use serde_json::Value as Json;

use super::Context;
use super::history::{request_text, run_text, value_text};
use super::record::{self, in_several};
use super::sync::wrong_use;
use crate::cli::{ExplainArgs, did_you_mean};
use crate::db::Tx;
use crate::display::Lines;
use crate::entities::table::Table;
use crate::explain::column::{self, CheckedPath, Explanation, Source};
use crate::explain::find::Found;
use crate::explain::times::Times;
use crate::staging::history;

/// The explanation of a value.
#[derive(Serialize)]
struct Told {
    #[serde(flatten)]
    told: Explanation,
    /// Of a record whose newest version the API could not give whole: what is wrong with that one.
    newest_fault: Option<String>,
}

/// Prints where the value came from.
pub async fn run(context: &Context, args: ExplainArgs) -> Result<u8> {
    let tell =
        async |tx: &Tx<'_>, found: Vec<Found>, zone: &TimeZone| tell(context, &args, tx, found, zone).await;
    record::about(context, &args.id, args.entity.as_ref(), tell).await
}

async fn tell(
    context: &Context,
    args: &ExplainArgs,
    tx: &Tx<'_>,
    mut found: Vec<Found>,
    zone: &TimeZone,
) -> Result<u8> {
    let staged_only = found[0].entity.name;
    let newest = history::versions(tx, found[0].entity, &found[0].record_id).await?.pop();
    found.retain(|found| !found.rows.is_empty());
    let one = match found.as_slice() {
        [] => {
            let only_id = newest.and_then(|version| version.only_id());
            let only_id = only_id.map_or_else(String::new, |only_id| format!(": {only_id}"));
            bail!(
                "production has no row {}: {staged_only} hold it in staging alone (gazelle-sync history {} tells why){}",
                args.id,
                args.id,
                only_id
            )
        }
        [one] => one,
        several => return wrong_use(context, &in_several(&args.id, several)),
    };
    let (of_table, name) = match args.column.split_once('.') {
        Some((table, name)) => (Some(table), name),
        None => (None, args.column.as_str()),
    };
    let rows: Vec<&(&'static Table, Json)> =
        one.rows.iter().filter(|(table, _)| of_table.is_none_or(|wanted| wanted == table.name)).collect();
    let (table, row) = match rows.as_slice() {
        [] => return wrong_use(context, &not_in(&args.id, of_table.unwrap_or_default(), one)),
        [only] => *only,
        [first, ..] => {
            let names: Vec<String> = rows.iter().map(|(table, _)| format!("{}.{name}", table.name)).collect();
            let message =
                format!("{} is a key of {} tables: say {}", args.id, rows.len(), names.join(" or "));
            tracing::debug!(table = first.0.name, "the id is a key of several tables");
            return wrong_use(context, &message);
        }
    };
    let Some(told) = column::explain(tx, one, table, row, name, zone).await? else {
        let columns = column::columns(tx, table).await?;
        let near = did_you_mean(name, columns.iter().map(String::as_str));
        let message =
            format!("{} has no column {name:?}{near}; its columns: {}", table.name, columns.join(", "));
        return wrong_use(context, &message);
    };
    // What production holds is an older version then.
    let newest_fault = newest.and_then(|version| {
        let said = version.fault.as_ref()?.error().message;
        Some(version.only_id().unwrap_or(said))
    });
    let told = Told { told, newest_fault };
    context.print(&told, || {
        let mut lines = Lines::new();
        text(&told.told, "", &context.settings.timezone, None, &mut lines);
        if let Some(fault) = &told.newest_fault {
            let fault = fault.replace(['\n', '\t'], " ");
            lines.line(format!("{:<14}not what production holds: {fault}", "newest version"));
        }
        lines
    })?;
    Ok(0)
}

fn not_in(id: &str, table: &str, found: &Found) -> String {
    let tables: Vec<&str> = found.rows.iter().map(|(table, _)| table.name).collect();
    format!("{table:?} has no row {id}; {} has", tables.join(", "))
}

/// `margin` stands before every line of what another value rests on; of that the version is told only where it is
/// another than `outer`.
fn text(told: &Explanation, margin: &str, zone: &str, outer: Option<&Source>, text: &mut Lines) {
    let is_told =
        outer.zip(told.source.as_ref()).is_some_and(|(outer, own)| outer.staging_id == own.staging_id);
    let mut line = |name: &str, value: &str| {
        text.line(format!("{margin}{name:<14}{}", value.replace(['\n', '\t'], " ")));
    };
    line("value", &format!("{}.{} of {} = {}", told.table, told.column, told.row, value_text(&told.value)));
    if let Some(at) = &told.deleted_at {
        line("deleted", &format!("since {}", at.text()));
    }
    line("rule", &format!("{} ({})", told.rule, filled_by(told.filled_by)));
    for looked in &told.looked_at {
        line("path", &looked_text(looked));
    }
    if let Some(source) = &told.source {
        if !is_told {
            source_lines(source, &mut line);
        }
    } else if matches!(told.filled_by, "record" | "reconciler") {
        line("version", "the one that the row names is not in staging any more");
    }
    if let Some(made) = &told.made {
        line("made of it", &value_text(made));
    }
    match told.agrees {
        Some(false) if told.filled_by == "another row" => {
            line("differs", "the other row says something else now")
        }
        Some(false) => line(
            "differs",
            "production says something else: it was changed by hand (`gazelle-sync verify` finds such rows, `replay` mends them)",
        ),
        _ => {}
    }
    if let Some(times) = &told.times {
        times_lines(times, zone, &mut line);
    }
    for said in &told.said {
        let note = said.note.as_deref().map_or_else(String::new, |note| format!(" ({note})"));
        let what =
            format!("version {}, {}: {}{note}", said.version, said.seen_at.text(), value_text(&said.value));
        line("said by", &what);
    }
    if told.filled_by == "another row" && told.rests_on.is_empty() {
        line("rests on", "nothing: no such row is named");
    }
    for inner in &told.rests_on {
        text.line(format!("{margin}rests on"));
        self::text(inner, &format!("{margin}    "), zone, told.source.as_ref().or(outer), text);
    }
}

fn filled_by(what: &str) -> &'static str {
    match what {
        "record" => "taken from the record",
        "reconciler" => "set by the reconciler",
        "another row" => "taken from another row of production",
        "database" => "computed by the database",
        "view" => "computed when it is read",
        _ => "says where the row came from",
    }
}

fn looked_text(looked: &CheckedPath) -> String {
    match (looked.found, looked.used) {
        (false, _) => format!("{}: nothing there", looked.path),
        (true, true) => format!("{}: {}", looked.path, value_text(&looked.raw)),
        (true, false) => format!("{}: {} (looked at)", looked.path, value_text(&looked.raw)),
    }
}

fn source_lines(source: &Source, line: &mut impl FnMut(&str, &str)) {
    line("record", &source.record);
    let place = format!("{} of {}, seen {}", source.version, source.versions_held, source.seen_at.text());
    line("version", &place);
    line("staging row", &source.staging_id.to_string());
    line("run", run_text(source.run.as_ref()).trim_start_matches("run "));
    match &source.request {
        Some(request) => line("request", request_text(request).trim_start_matches("request ")),
        None => line("request", "not noted"),
    }
    for request in &source.completed_by {
        line("completed by", request_text(request).trim_start_matches("request "));
    }
}

fn times_lines(times: &Times, zone: &str, line: &mut impl FnMut(&str, &str)) {
    if let Some(raw) = &times.raw {
        line("text", raw);
    }
    line("instant", &format!("{} UTC", times.instant.to_string().trim_end_matches('Z').replace('T', " ")));
    line("in UTC", &format!("date {}, time {}", times.utc_date, times.utc_time));
    line("local", &format!("{} in {zone}", times.local));
    if let Some(view) = &times.view {
        let plain = |value: &Json| value.as_str().unwrap_or("nothing").to_owned();
        let shown = format!(
            "v_appointments_montreal shows {} {} to {} {}",
            plain(&view.date_montreal),
            plain(&view.time_montreal),
            plain(&view.last_date_montreal),
            plain(&view.end_time_montreal)
        );
        line("in the view", &shown);
    }
}
