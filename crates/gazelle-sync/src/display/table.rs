//! Tables for people.

use std::io::IsTerminal;

use comfy_table::{Attribute, Cell, CellAlignment, ContentArrangement, LineStyle, TableStyle};

use super::safe::{safe, safe_lines};

/// A heading and a thin line: easy to read, easy to copy.
const STYLE: TableStyle = TableStyle::new().header_separator(LineStyle::none().fill('─').junction('─'));

/// A column of a [`Table`].
#[derive(Debug, Clone)]
pub struct Column {
    heading: String,
    number: bool,
}

impl Column {
    /// A column of text, aligned to the left.
    pub fn text(heading: impl Into<String>) -> Self {
        Self { heading: heading.into(), number: false }
    }

    /// A column of numbers or amounts, aligned to the right.
    pub fn number(heading: impl Into<String>) -> Self {
        Self { heading: heading.into(), number: true }
    }
}

/// A table; print its [`render`](Self::render).
#[derive(Debug, Clone)]
pub struct Table {
    columns: Vec<Column>,
    rows: Vec<Vec<String>>,
}

impl Table {
    /// An empty table.
    pub fn new(columns: impl IntoIterator<Item = Column>) -> Self {
        Self { columns: columns.into_iter().collect(), rows: Vec::new() }
    }

    /// Adds a row. Missing cells are empty, surplus ones are dropped.
    pub fn row(&mut self, cells: impl IntoIterator<Item = impl Into<String>>) -> &mut Self {
        self.rows.push(cells.into_iter().map(Into::into).collect());
        self
    }

    /// Whether it has no rows.
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// The table as stdout should show it: as wide as the terminal and with a bold heading there,
    /// unlimited and plain elsewhere or where NO_COLOR is set.
    pub fn render(&self) -> String {
        let terminal = std::io::stdout().is_terminal();
        let plain = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
        let width = if terminal { terminal_width() } else { None };
        self.render_as(width, terminal && !plain)
    }

    /// The table at a given width, with or without bold headings.
    pub fn render_as(&self, width: Option<u16>, bold: bool) -> String {
        let mut table = comfy_table::Table::new();
        // What kind of stdout there is has been asked already.
        table.force_no_tty().load_style(STYLE);
        if bold {
            table.enforce_styling();
        }
        if let Some(width) = width {
            table.set_width(width).set_content_arrangement(ContentArrangement::Dynamic);
        }
        table.set_header(self.columns.iter().map(|column| {
            let cell = Cell::new(safe(&column.heading)).set_alignment(column.alignment());
            if bold { cell.add_attribute(Attribute::Bold) } else { cell }
        }));
        for row in &self.rows {
            table.add_row(self.columns.iter().enumerate().map(|(index, column)| {
                let text = row.get(index).map(String::as_str).unwrap_or_default();
                // A tab has no width that a table could know.
                let text = safe_lines(text).replace('\t', "␉");
                Cell::new(text).set_alignment(column.alignment())
            }));
        }
        table.trim_fmt()
    }
}

impl Column {
    fn alignment(&self) -> CellAlignment {
        if self.number { CellAlignment::Right } else { CellAlignment::Left }
    }
}

/// Below some width a table is but a column of letters: then long lines are the lesser evil.
fn terminal_width() -> Option<u16> {
    comfy_table::Table::new().width().map(|width| width.max(40))
}
