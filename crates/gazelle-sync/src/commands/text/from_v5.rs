//! Formats the output of `migrate --from-v5`.

use crate::display::{self, Column, Lines, Table};
use crate::from_v5::{self, Dependent, Inventory, back};

pub fn inventory_text(inventory: &Inventory, dry_run: bool) -> Lines {
    let Inventory { schema, backup_schema, .. } = inventory;
    let mut moved = Table::new([
        Column::text("of the old system"),
        Column::text("kind"),
        Column::number("rows"),
        Column::text("columns of its own, reachable by external_id"),
    ]);
    for moving in &inventory.moving {
        let columns = moving.local_columns.join(", ");
        let reachable = match (moving.local_columns.is_empty(), moving.has_external_id) {
            (true, _) => String::new(),
            (false, true) => format!("{columns} ({schema}.{})", from_v5::local_view(&moving.name)),
            (false, false) => format!("{columns} (in {backup_schema} only: no external_id there)"),
        };
        moved.row([
            moving.name.clone(),
            moving.kind.clone(),
            moving.rows.map(display::count).unwrap_or_default(),
            reachable,
        ]);
    }
    let (moves, drops, creates) = match dry_run {
        true => ("would move", "would be dropped", "would be created"),
        false => ("moved", "dropped", "created"),
    };
    let mut text = Lines::new();
    text.table(&moved).blank().line(format!(
        "{} of them {moves} from {schema} to {backup_schema}, as they are; ours {creates} in their place.",
        display::count(inventory.moving.len() as u64)
    ));
    for trigger in &inventory.triggers {
        text.line(format!("Trigger {trigger} {drops}."));
    }
    for function in &inventory.functions {
        text.line(format!("Function {function} {moves} to {backup_schema}: nothing calls it there."));
    }
    let can = if dry_run { "would no longer do anything" } else { "can no longer do anything" };
    for lost in &inventory.loses_access {
        text.line(format!("{} {can} with {}.", lost.role, lost.tables.join(", ")));
    }
    if !inventory.dependents.is_empty() {
        text.blank().line("Objects that depend on the old tables do not change; check each:");
        for dependent in &inventory.dependents {
            dependent_lines(dependent, &mut text);
        }
    }
    text.blank().line("Next:");
    text.line("  1. stop the old sync for good: it would write into tables that are no longer its own");
    if dry_run {
        text.line("  2. make a backup, then run `gazelle-sync migrate --from-v5`");
    } else {
        text.line("  2. gazelle-sync sync --mode full      fetches everything again");
        text.line("     gazelle-sync verify                proves it");
    }
    text.line("  `gazelle-sync migrate --from-v5 --back` restores the old tables exactly");
    text
}

fn dependent_lines(dependent: &Dependent, text: &mut Lines) {
    text.line(format!(
        "  {} {} (on {}): {}",
        dependent.kind, dependent.name, dependent.depends_on, dependent.advice
    ));
    if !dependent.lacks.is_empty() {
        text.line(format!("    columns it uses that the new table lacks: {}", dependent.lacks.join(", ")));
    }
    if dependent.kind == "view" {
        for line in dependent.definition.lines() {
            text.line(format!("    | {line}"));
        }
    }
}

pub fn back_text(plan: &back::Return, dry_run: bool) -> Lines {
    let back::Return { schema, backup_schema, aside_schema, .. } = plan;
    let (are, kept) = if dry_run { ("would be", "would be kept") } else { ("were", "are kept") };
    let mut text = Lines::new();
    if !plan.aside.is_empty() {
        text.line(format!(
            "{} tables and views of ours {kept} in {aside_schema}, with all raw history: use them with \
             GAZELLE_SYNC_SCHEMA={aside_schema}, or drop that schema when nobody needs it.",
            display::count(plan.aside.len() as u64)
        ));
    }
    text.line(format!("Undone, the last step first ({are} {backup_schema}'s, {schema}'s again):"));
    for step in &plan.undone {
        text.line(format!("  {step}"));
    }
    if !plan.left_in_backup.is_empty() {
        text.line(format!(
            "{backup_schema} stays: it holds {}, which is not from the old system.",
            plan.left_in_backup.join(", ")
        ));
    }
    text
}
