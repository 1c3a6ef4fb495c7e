//! `settings`: what is in force, and where each value came from.

use anyhow::Result;

use super::Context;
use crate::display::{Column, Table};

/// Prints every setting; secrets only as set or not.
pub fn run(context: &Context) -> Result<u8> {
    let shown = context.settings.shown();
    context.print(&shown, || {
        let mut table = Table::new([
            Column::text("setting"),
            Column::text("value"),
            Column::text("from"),
            Column::text("environment"),
        ]);
        for setting in &shown {
            table.row([
                setting.key.to_string(),
                setting.value.clone().unwrap_or_default().to_string(),
                setting.from.clone().unwrap_or_default(),
                setting.env.to_string(),
            ]);
        }
        table.render()
    })?;
    Ok(0)
}
