//! Everything that is shown: tables and text on stdout, progress and logs on stderr, and JSON.
//!
//! Data comes from outside and may contain control characters. Only these types can be written: [`Line`],
//! [`Lines`], a [`Cell`] of a [`Table`], [`Document`] and [`LogLine`]. The only way to create one escapes its
//! content (`safe`).

mod amounts;
mod document;
mod entity_progress;
#[cfg(test)]
mod harmless_tests;
mod line;
mod log_lines;
mod output;
mod progress;
mod prompt;
mod safe;
mod table;
#[cfg(test)]
mod tests;
mod width;

pub use amounts::{bytes, count, duration, rate, share};
pub use document::{Document, bounded};
pub use entity_progress::EntityProgress;
pub use line::{Line, Lines};
pub use log_lines::{LogFields, LogLine};
pub use output::{List, print, print_document, print_to_stderr, tell_error, tell_panic};
pub use progress::{LogWriter, Progress, ProgressStyle};
pub use prompt::{ask, ask_hidden, confirm};
pub use safe::{acts, shortened};
pub use table::{Cell, Column, Table};
#[cfg(test)]
pub(crate) use width::as_if::at_width;
pub use width::terminal_width;
