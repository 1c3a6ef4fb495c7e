//! Formats the output of `migrate`.

use crate::display::Lines;
use crate::migrate::Step;

/// The applied or missing steps of an upgrade.
pub fn steps_text(schema: &str, dry_run: bool, steps: &[Step]) -> Lines {
    if steps.is_empty() {
        return format!("schema {schema} is up to date: nothing to do").into();
    }
    let verb = if dry_run { "would be applied" } else { "applied" };
    let mut text = Lines::new();
    text.line(format!("schema {schema}: {} migration(s) {verb}", steps.len()));
    for step in steps {
        // Steps that follow from the entities' declarations have no number.
        let number = step.version.map_or_else(|| "+".to_owned(), |version| version.to_string());
        text.line(format!("  {number:>4}  {}", step.name));
    }
    text
}
