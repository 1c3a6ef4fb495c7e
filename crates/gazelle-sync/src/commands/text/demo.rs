//! Formats the output of `demo`.

use super::run::run_text;
use super::whereabouts::{command, day_query, opening, row};
use super::words::{demo as w, report};
use crate::commands::demo::day::Visit;
use crate::commands::demo::report::DemoReport;
use crate::config::Settings;
use crate::display::{Column, Lines, Table};
use crate::words::locale::Locale;

pub(crate) fn text(report: &DemoReport, stopped: bool, settings: &Settings, t: &Locale) -> Lines {
    let mut text = Lines::new();
    text.line(t.say(w::FULL)).blank().lines(&run_text(&report.full, t)).blank();
    text.wrapped(t.say(w::CHANGES), 3).blank();
    text.table(&changes_table(report, t)).blank().lines(&run_text(&report.incremental, t)).blank();
    if let Some(day) = &report.day {
        text.wrapped(t.fill(w::DAY, &[("technician", &day.technician), ("date", &day.date)]), 3);
        text.blank().table(&visits_table(&day.visits, t));
    }
    if !report.tire_le_coyote.is_empty() {
        text.blank().line(t.say(w::SPOT));
        text.blank().table(&visits_table(&report.tire_le_coyote, t));
    }
    text.blank().line(t.say(w::WHERE));
    let look = |command| in_demo(settings, command);
    command(&mut text, &t.say(w::DATA_FOLDER), &report.data_dir);
    match (&report.database_url, stopped) {
        (Some(url), false) => command(&mut text, "psql", &format!("psql \"{url}\"")),
        _ => command(&mut text, "psql", &look("psql")),
    };
    command(&mut text, &t.say(report::CONTENTS), &look("status"));
    command(&mut text, &t.say(w::QUARANTINE), &look("errors"));
    row(&mut text, &t.say(report::A_DAY), &day_query(settings));
    let folder = t.say(w::OTHER_FOLDER);
    let own = format!("GAZELLE_API_KEY=… gazelle-sync sync --mode full --data-dir {folder}");
    command(&mut text, &t.say(w::YOUR_OWN), &own);
    match &report.dashboard {
        Some(address) => {
            text.blank().wrapped(t.say(w::DASHBOARD_OPEN), 3).blank();
            command(&mut text, &t.say(w::DASHBOARD), address);
        }
        None => {
            command(&mut text, &t.say(w::DASHBOARD), &look("demo --open"));
        }
    }
    text
}

fn changes_table(report: &DemoReport, t: &Locale) -> Table {
    let mut table = Table::new([
        Column::text(t.say(w::CHANGE)),
        Column::text(t.say(w::BEFORE)),
        Column::text(t.say(w::NOW)),
    ]);
    for change in &report.changes {
        table.row([t.say(change.said).into_owned(), change.before.clone(), change.after.clone()]);
    }
    table
}

/// A shell command that opens the demo's database, also where another is configured.
fn in_demo(settings: &Settings, command: &str) -> String {
    let unset = if settings.database_url.is_some() { "DATABASE_URL= " } else { "" };
    let mut embedded = settings.clone();
    embedded.database_url = None;
    format!("{unset}{}", opening(&embedded, command))
}

fn visits_table(visits: &[Visit], t: &Locale) -> Table {
    let mut table = Table::new([
        Column::text(t.say(w::TIME)),
        Column::text(t.say(w::TITLE)),
        Column::text(t.say(w::CLIENT)),
        Column::text(t.say(w::CONTACT)),
        Column::text(t.say(w::ADDRESS)),
        Column::number(t.say(w::PIANOS)),
        Column::text(t.say(w::STORED)),
    ]);
    for visit in visits {
        table.row([
            visit.time.clone(),
            visit.title.clone(),
            visit.client.clone(),
            visit.contact.clone(),
            visit.address.clone(),
            t.number(visit.pianos),
            visit.stored_utc.clone(),
        ]);
    }
    table
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::commands::demo::changes::DemoChange;
    use crate::commands::demo::day::Day;
    use crate::config::{Flag, Layers};
    use crate::run_log::report::{EntityReport, RunReport};
    use crate::states::RunMode;

    #[test]
    fn hints_open_the_database_of_the_demo() {
        let settings = |flags: &[(&'static str, &str)], env: &[(&str, &str)]| {
            let flag =
                |(key, value): &(&'static str, &str)| Flag { key, name: "--it", value: (*value).to_owned() };
            let variable = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
            let layers = Layers {
                flags: flags.iter().map(flag).collect(),
                env: env.iter().map(variable).collect(),
                working_dir: "/".into(),
                ..Layers::default()
            };
            Settings::load(&layers).unwrap()
        };
        assert_eq!(in_demo(&settings(&[], &[]), "status"), "gazelle-sync status");
        let moved = settings(&[("data_dir", "/tmp/it's here"), ("schema", "atelier")], &[]);
        let line = in_demo(&moved, "errors");
        assert_eq!(line, r"gazelle-sync errors --data-dir '/tmp/it'\''s here' --schema atelier");
        let other = settings(&[], &[("GAZELLE_SYNC_DATA_DIR", "/x"), ("DATABASE_URL", "postgres://h/d")]);
        assert_eq!(in_demo(&other, "status"), "DATABASE_URL= gazelle-sync status --data-dir /x");
    }

    fn run(mode: RunMode, fetched: u64, staged: u64) -> RunReport {
        let pianos = EntityReport {
            entity: "pianos".to_owned(),
            walk: Some("whole".to_owned()),
            walk_complete: Some(true),
            fetched,
            staged,
            unchanged: fetched - staged,
            processed: staged,
            in_staging: Some(fetched),
            in_production: Some(fetched),
            ..EntityReport::default()
        };
        let mut report =
            RunReport::new(uuid::Uuid::nil(), Some(mode), vec![pianos], Duration::from_millis(1500));
        report.add_up();
        report
    }

    #[test]
    fn the_json_of_a_demo_is_this() {
        let visit = || Visit {
            time: "13:00".to_owned(),
            title: "Accord".to_owned(),
            client: "Salle Neuve (exemple)".to_owned(),
            contact: "Ada Exemple".to_owned(),
            address: "12, rue des Exemples, Montréal".to_owned(),
            pianos: 2,
            stored_utc: "18:00".to_owned(),
        };
        let report = DemoReport {
            full: run(RunMode::Full, 600, 600),
            changes: vec![DemoChange {
                what: "an appointment is moved".to_owned(),
                said: w::MOVED,
                id: "evt_1".to_owned(),
                before: "2026-01-12 13:00".to_owned(),
                after: "2026-01-13 09:00".to_owned(),
                shows: "",
            }],
            incremental: run(RunMode::Incremental, 600, 1),
            day: Some(Day {
                technician: "Bo Exemple".to_owned(),
                date: "2026-01-13".to_owned(),
                visits: vec![visit()],
            }),
            tire_le_coyote: vec![visit()],
            database_url: Some("postgresql:///postgres?host=/run/example".to_owned()),
            data_dir: "/home/ada/.local/share/gazelle-sync".to_owned(),
            dashboard: None,
        };
        insta::assert_snapshot!("demo.json", serde_json::to_string_pretty(&report).expect("JSON"));
    }
}
