//! `settings`: shows every setting, its value and where it comes from.

use anyhow::Result;

use super::shared::context::Context;
use crate::display::{self, Cell, Column, Table};

/// Prints every setting; for a secret only whether it is set.
///
/// # Errors
/// Standard output cannot be written.
pub fn run(context: &Context) -> Result<u8> {
    let shown = context.settings.shown();
    context.print(&shown, || {
        // On a narrow terminal the variable is printed below the setting's name.
        let is_narrow = display::terminal_width().is_some_and(|width| width < 130);
        let (name, env) = match is_narrow {
            true => (Column::ids("setting, environment"), None),
            false => (Column::ids("setting"), Some(Column::ids("environment"))),
        };
        let columns = [name, Column::text("value"), Column::text("from")];
        let mut table = Table::new(columns.into_iter().chain(env));
        for setting in &shown {
            let (name, env) = match is_narrow {
                true => (Cell::stacked(setting.key, format!("  {}", setting.env)), None),
                false => (Cell::from(setting.key), Some(Cell::from(setting.env))),
            };
            let shown = |text: &Option<String>| Cell::from(text.as_deref().unwrap_or_default());
            table.row([name, shown(&setting.value), shown(&setting.from)].into_iter().chain(env));
        }
        table.render()
    })?;
    Ok(0)
}
