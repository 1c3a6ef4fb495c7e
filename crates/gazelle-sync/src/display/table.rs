//! Tables for people.

use std::io::IsTerminal;

use comfy_table::{
    Attribute, CellAlignment, ColumnConstraint, ContentArrangement, LineStyle, TableStyle, Width,
};

use super::line::{Line, Lines};
use super::safe::shortened;
use super::width::terminal_width;

/// A heading and a thin line: easy to read and to copy.
const STYLE: TableStyle = TableStyle::new().header_separator(LineStyle::none().fill('─').junction('─'));

/// A column of a [`Table`].
#[derive(Debug, Clone)]
pub struct Column {
    heading: String,
    number: bool,
    /// Its words are never broken: ids, which people copy.
    whole: bool,
}

impl Column {
    /// A left-aligned column of text.
    pub fn text(heading: impl Into<Line>) -> Self {
        Self { heading: Cell::from(heading).0, number: false, whole: false }
    }

    /// A column of ids, which are never broken.
    pub fn ids(heading: impl Into<Line>) -> Self {
        Self { heading: Cell::from(heading).0, number: false, whole: true }
    }

    /// A right-aligned column of numbers or amounts.
    pub fn number(heading: impl Into<Line>) -> Self {
        Self { heading: Cell::from(heading).0, number: true, whole: true }
    }
}

/// Longer text is truncated: the library breaks cells beyond 65,535 characters, and the rest would look like
/// another row. In characters; an id of 10,000 characters fits.
const LONGEST_CELL: usize = 20_000;

/// A table cell: one escaped line.
#[derive(Debug, Clone, Default)]
pub struct Cell(String);

impl Cell {
    /// Two lines in one cell, where a narrow terminal has no room for two columns.
    pub fn stacked(above: impl Into<Line>, below: impl Into<Line>) -> Cell {
        Cell(format!("{}\n{}", Cell::from(above).0, Cell::from(below).0))
    }
}

impl<T: Into<Line>> From<T> for Cell {
    fn from(text: T) -> Cell {
        Cell(shortened(text.into().as_str(), LONGEST_CELL).into_owned())
    }
}

/// A table; print the result of [`render`](Self::render).
#[derive(Debug, Clone)]
pub struct Table {
    columns: Vec<Column>,
    rows: Vec<Vec<Cell>>,
}

impl Table {
    /// A table without rows.
    pub fn new(columns: impl IntoIterator<Item = Column>) -> Self {
        Self { columns: columns.into_iter().collect(), rows: Vec::new() }
    }

    /// Adds a row. Missing cells are empty, surplus ones are dropped.
    pub fn row(&mut self, cells: impl IntoIterator<Item = impl Into<Cell>>) -> &mut Self {
        self.rows.push(cells.into_iter().map(Into::into).collect());
        self
    }

    /// Whether it has no rows.
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// The table for stdout: on a terminal as wide as the terminal and with a bold heading, elsewhere of any width
    /// and plain. `NO_COLOR` makes it plain too.
    pub fn render(&self) -> Lines {
        let terminal = std::io::stdout().is_terminal();
        let plain = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
        self.render_as(terminal_width(), terminal && !plain)
    }

    /// The table with a maximum width, with or without bold headings. Lines are wrapped between words. If that is
    /// not enough, long words in columns of text are broken, but never ids and numbers; if that is not enough
    /// either, the table is wider than `width`.
    pub fn render_as(&self, width: Option<u16>, bold: bool) -> Lines {
        let mut table = comfy_table::Table::new();
        // `render` has checked already whether stdout is a terminal.
        table.force_no_tty().load_style(STYLE);
        if bold {
            table.enforce_styling();
        }
        if let Some(width) = width {
            table.set_width(width).set_content_arrangement(ContentArrangement::Dynamic);
        }
        table.set_header(self.columns.iter().map(|column| {
            let cell = comfy_table::Cell::new(column.heading.as_str()).set_alignment(column.alignment());
            if bold { cell.add_attribute(Attribute::Bold) } else { cell }
        }));
        let is_crowded = width.is_some_and(|width| self.natural_width() > usize::from(width));
        let least = self.least_widths(width);
        for row in &self.rows {
            table.add_row(self.columns.iter().enumerate().map(|(index, column)| {
                let text = row.get(index).map(|cell| cell.0.as_str()).unwrap_or_default();
                let text = match is_crowded && !column.whole {
                    true => with_short_words(text, least[index]),
                    false => text.to_owned(),
                };
                comfy_table::Cell::new(text).set_alignment(column.alignment())
            }));
        }
        if width.is_some() {
            for (index, column) in table.column_iter_mut().enumerate() {
                if is_crowded {
                    // Columns get a single space between them before any line is wrapped.
                    column.set_padding((0, 0));
                }
                // The library includes the padding of a cell in this limit.
                let padding = column.padding_width();
                let least = u16::try_from(least[index]).unwrap_or(u16::MAX);
                column.set_constraint(ColumnConstraint::LowerBoundary(Width::Fixed(least + padding)));
            }
        }
        Lines::drawn(table.trim_fmt())
    }
}

impl Table {
    /// The width without any wrapping: the longest cell of each column, with a space on each side and one between
    /// columns.
    fn natural_width(&self) -> usize {
        let widest = |(index, column): (usize, &Column)| {
            let cells = self.rows.iter().filter_map(|row| row.get(index)).map(|cell| cell.0.as_str());
            cells.chain([column.heading.as_str()]).map(|cell| cell.chars().count()).max().unwrap_or(0) + 3
        };
        self.columns.iter().enumerate().map(widest).sum()
    }

    /// The minimum width of each column: no word is broken, unless there is no room for that.
    fn least_widths(&self, width: Option<u16>) -> Vec<usize> {
        let cells =
            |index: usize| self.rows.iter().filter_map(move |row| row.get(index)).map(|cell| cell.0.as_str());
        let mut least: Vec<usize> =
            self.columns.iter().enumerate().map(|(index, column)| column.least_width(cells(index))).collect();
        let Some(width) = width else { return least };
        let room = usize::from(width).saturating_sub(self.columns.len().saturating_sub(1));
        let has_sentences = |index: usize| {
            !self.columns[index].whole && cells(index).any(|cell| cell.trim().contains(breaks))
        };
        loop {
            let excess = least.iter().sum::<usize>().saturating_sub(room);
            let breakable = (0..least.len()).filter(|index| has_sentences(*index));
            let widest =
                breakable.filter(|index| least[*index] > NARROWEST).max_by_key(|index| least[*index]);
            match widest {
                Some(widest) if excess > 0 => {
                    least[widest] = least[widest].saturating_sub(excess).max(NARROWEST);
                }
                _ => return least,
            }
        }
    }
}

/// Whether a line may be broken at a character: not at a no-break space.
fn breaks(c: char) -> bool {
    c.is_whitespace() && c != '\u{a0}'
}

/// The text with words longer than `most` characters split into pieces.
fn with_short_words(text: &str, most: usize) -> String {
    let mut out = String::with_capacity(text.len());
    for part in text.split_inclusive(breaks) {
        let mut rest = part;
        while rest.trim_end().chars().count() > most {
            let line = rest.char_indices().nth(most).map_or(rest, |(at, _)| &rest[..at]);
            // Preferably at punctuation.
            let joint = line.rfind(|c: char| "_-./,:;=()".contains(c)).map(|at| at + 1);
            let end = joint.filter(|at| *at > line.len() / 3).unwrap_or(line.len());
            out.push_str(&rest[..end]);
            out.push('\n');
            rest = &rest[end..];
        }
        out.push_str(rest);
    }
    out
}

/// A longer word (an address, text of a broken record) may be broken before it makes the table unreadable. In
/// characters.
const LONGEST_WORD: usize = 48;
/// The minimum width of a column of text: a date fits.
const NARROWEST: usize = 10;

impl Column {
    /// The width at which no word and no number is broken.
    fn least_width<'t>(&self, cells: impl Iterator<Item = &'t str>) -> usize {
        let longest_word = |text: &str| text.split(breaks).map(|word| word.chars().count()).max();
        let longest = cells.map(|cell| match self.number {
            true => cell.chars().count(),
            false => longest_word(cell).unwrap_or(0),
        });
        let heading = longest_word(&self.heading).unwrap_or(0);
        longest.fold(heading, usize::max).min(LONGEST_WORD)
    }

    fn alignment(&self) -> CellAlignment {
        if self.number { CellAlignment::Right } else { CellAlignment::Left }
    }
}

impl Lines {
    /// Adds a table.
    pub fn table(&mut self, table: &Table) -> &mut Lines {
        self.lines(&table.render())
    }
}
