//! Tables for people.

use std::io::IsTerminal;

use comfy_table::{
    Attribute, Cell, CellAlignment, ColumnConstraint, ContentArrangement, LineStyle, TableStyle, Width,
};

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

    /// The table at a given width, with or without bold headings. Lines are broken between words alone: where the
    /// words need more room than there is, the table is wider.
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
        if let Some(width) = width {
            let is_crowded = self.natural_width() > usize::from(width);
            for (index, column) in table.column_iter_mut().enumerate() {
                if is_crowded {
                    // One blank between columns has to do, before lines are broken.
                    column.set_padding((0, 0));
                }
                // The library counts the blanks around a cell into such a bound.
                let padding = column.padding_width();
                let least =
                    self.columns[index].least_width(self.rows.iter().filter_map(|row| row.get(index)));
                column.set_constraint(ColumnConstraint::LowerBoundary(Width::Fixed(least + padding)));
            }
        }
        table.trim_fmt()
    }
}

impl Table {
    /// The width that it takes where nothing is broken: each column's longest cell, with a blank around it and one between.
    fn natural_width(&self) -> usize {
        let widest = |(index, column): (usize, &Column)| {
            let cells = self.rows.iter().filter_map(|row| row.get(index)).chain([&column.heading]);
            cells.map(|cell| cell.chars().count()).max().unwrap_or(0) + 3
        };
        self.columns.iter().enumerate().map(widest).sum()
    }
}

/// A longer word (an address, a broken record's text) may be broken after all, before it makes a table unreadable.
const LONGEST_WORD: usize = 48;

impl Column {
    /// The width in which no word is broken, and no number.
    fn least_width<'t>(&self, cells: impl Iterator<Item = &'t String>) -> u16 {
        let longest_word = |text: &str| text.split_whitespace().map(|word| word.chars().count()).max();
        let longest = cells.map(|cell| match self.number {
            true => cell.chars().count(),
            false => longest_word(cell).unwrap_or(0),
        });
        let heading = longest_word(&self.heading).unwrap_or(0);
        let least = longest.fold(heading, usize::max).min(LONGEST_WORD);
        u16::try_from(least).unwrap_or(u16::MAX)
    }

    fn alignment(&self) -> CellAlignment {
        if self.number { CellAlignment::Right } else { CellAlignment::Left }
    }
}

/// Some terminals (serial lines, consoles of containers) report a width of 0 or of a few letters: theirs is unknown,
/// and long lines are the lesser evil.
fn terminal_width() -> Option<u16> {
    comfy_table::Table::new().width().filter(|width| *width >= 40)
}
