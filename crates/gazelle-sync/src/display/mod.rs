//! What people see: tables and sentences on stdout, progress on stderr. The one JSON document of
//! `--json` is made here too, because it passes the same terminals.
//!
//! Data comes from outside and may hold anything: whatever is printed goes through [`safe`] first
//! ([`Table`] and [`Progress`] do so by themselves).

mod amounts;
mod entity_progress;
mod output;
mod progress;
mod safe;
mod table;
#[cfg(test)]
mod tests;

pub use amounts::{bytes, count, duration, rate, share};
pub use entity_progress::EntityProgress;
pub use output::{json, print, print_part};
pub use progress::{LogWriter, Progress, ProgressStyle};
pub use safe::{safe, safe_lines, shortened};
pub use table::{Column, Table, terminal_width, wrapped};
