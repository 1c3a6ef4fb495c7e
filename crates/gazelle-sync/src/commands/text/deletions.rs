//! Formats the output of `deletions list`.

use jiff::tz::TimeZone;

use crate::display::{Column, Lines, Table};
use crate::staging::deletions::FoundDeletion;
use crate::time;

pub fn list_text(found: &[FoundDeletion], all: bool, zone: &TimeZone) -> Lines {
    if found.is_empty() {
        return if all { "no deletion was ever detected" } else { "no deletion awaits approval" }.into();
    }
    let mut table = Table::new([
        Column::text("run"),
        Column::text("entity"),
        Column::text("id"),
        Column::text("state"),
        Column::text("found"),
        Column::text("evidence"),
    ]);
    for one in found {
        let evidence = &one.evidence["evidence"];
        let text = |key: &str| evidence[key].as_str().unwrap_or_default().to_owned();
        table.row([
            one.run_id.to_string(),
            one.entity.clone(),
            one.external_id.clone(),
            one.state.to_string(),
            time::show(one.found_at, zone),
            format!(
                "not listed ({}); {} answered that it does not exist",
                text("not_listed_in"),
                text("asked_with")
            ),
        ]);
    }
    let mut text = Lines::new();
    text.table(&table).line("`gazelle-sync deletions approve RUN` deletes, `dismiss RUN` keeps");
    text
}
