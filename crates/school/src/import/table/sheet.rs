//! A table as it was sent: names of columns, and rows of cells that are not understood yet.

use cloister_http::unguarded;
use cloister_tenancy::{Error, ErrorKind, Result};
use jiff::civil::DateTime;

use super::report::TableIssue;

/// Bytes of a file with a table.
pub(in crate::import) const LARGEST: u64 = 16 * 1024 * 1024;
/// Rows besides the first.
pub(super) const ROWS: usize = 20_000;
/// Columns.
pub(super) const COLUMNS: usize = 200;
/// Cells, also empty ones with others behind them.
pub(super) const CELLS: usize = 2_000_000;
/// Characters of a cell: what spreadsheet programs allow.
pub(super) const CELL: usize = 32_767;

/// What is in a cell.
#[derive(Debug, Clone, PartialEq, Default)]
pub(super) enum Cell {
    /// Nothing, or spaces.
    #[default]
    Empty,
    /// A text, without spaces around it.
    Text(String),
    /// A number.
    Number(f64),
    /// Yes or no.
    Bool(bool),
    /// A day, a time of day (of no day), or both.
    Moment(DateTime),
    /// What cannot be used, and why.
    Fault(&'static str, String),
}

impl Cell {
    /// A text as somebody typed it.
    pub(super) fn text(text: &str) -> Self {
        Self::plain(text, str::to_owned)
    }

    /// A text of a file. The apostrophes that our own tables put before what a spreadsheet would compute go, also from a workbook: it
    /// may have been made of our CSV.
    pub(super) fn guarded(text: &str) -> Self {
        Self::plain(text, unguarded)
    }

    fn plain(text: &str, of: fn(&str) -> String) -> Self {
        let text = text.trim();
        if text.chars().nth(CELL).is_some() {
            return Self::Fault("cell_too_long", format!("A cell holds {CELL} characters at most."));
        }
        match of(text) {
            plain if plain.is_empty() => Self::Empty,
            plain => Self::Text(plain),
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        *self == Self::Empty
    }
}

/// A row.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct SheetRow {
    /// Where it stands in the file, as a spreadsheet program counts.
    pub(super) line: u64,
    pub(super) cells: Vec<Cell>,
}

/// A table.
#[derive(Debug, Clone, PartialEq, Default)]
pub(super) struct Sheet {
    /// What it is called in the report.
    pub(super) name: String,
    /// Names of columns; one that has none is empty.
    pub(super) headers: Vec<String>,
    pub(super) rows: Vec<SheetRow>,
    pub(super) issues: Vec<TableIssue>,
}

/// Something that makes the whole file useless.
pub(super) fn refused(code: &'static str, message: impl Into<String>) -> Error {
    Error::new(ErrorKind::Invalid, code, message.into())
}

pub(super) fn too_many_rows() -> Error {
    refused("table_too_long", format!("A table has {ROWS} rows at most. Send it in parts."))
}

pub(super) fn too_many_columns() -> Error {
    refused("table_too_wide", format!("A table has {COLUMNS} columns at most. Remove those that are not needed."))
}

pub(super) fn too_many_cells() -> Error {
    refused("table_too_large", format!("A table has {CELLS} cells at most. Send it in parts, or remove columns."))
}

/// Reads a file. It is told by its bytes what it is.
pub(super) fn read(bytes: Vec<u8>, wanted: Option<&str>) -> Result<Sheet> {
    if bytes.starts_with(b"PK\x03\x04") {
        return super::excel::read(bytes, wanted);
    }
    if bytes.starts_with(&[0xd0, 0xcf, 0x11, 0xe0]) {
        let message = "This is a workbook of an old form, or one with a password. Save it as .xlsx without a password, or as CSV.";
        return Err(refused("table_old_workbook", message));
    }
    super::delimited::read(&bytes)
}

impl Sheet {
    /// Takes the first row that is not empty for the names of the columns, and sees to it that a table can be read by them.
    pub(super) fn of(name: &str, mut rows: Vec<SheetRow>, mut issues: Vec<TableIssue>) -> Result<Self> {
        rows.retain(|row| row.cells.iter().any(|cell| !cell.is_empty()));
        if rows.is_empty() {
            return Err(refused("table_empty", "There is nothing in this file. The first row names the columns."));
        }
        let head = rows.remove(0);
        let mut headers = Vec::with_capacity(head.cells.len());
        for cell in &head.cells {
            headers.push(match cell {
                Cell::Empty => String::new(),
                Cell::Text(text) if text.chars().count() <= 200 => {
                    text.split_whitespace().collect::<Vec<_>>().join(" ")
                }
                _ => return Err(no_header("holds something else than short names")),
            });
        }
        while headers.last().is_some_and(String::is_empty) {
            headers.pop();
        }
        let named = headers.iter().filter(|name| !name.is_empty()).count();
        let used = |at: usize| rows.iter().any(|row| row.cells.get(at).is_some_and(|cell| !cell.is_empty()));
        let wide = (0..COLUMNS).filter(|at| used(*at)).count();
        if named == 1 && wide > 2 {
            return Err(no_header("holds one name alone, as a title or merged cells do"));
        }
        for (at, name) in headers.iter().enumerate() {
            let same = |other: &String| other.to_lowercase() == name.to_lowercase();
            if !name.is_empty()
                && let Some(other) = headers[..at].iter().position(same)
            {
                // By their letters: where the first row is one of records, their names are somebody's.
                let (one, other) = (letters(other), letters(at));
                let message = format!("Columns {one} and {other} have the same name. Give each a name of its own.");
                return Err(refused("table_header_repeated", message));
            }
            if name.is_empty() && used(at) {
                let message = format!("Column {} has no name in the first row. It was left out.", letters(at));
                issues.push(TableIssue::warning("column_unnamed", head.line, Some(letters(at)), message));
            }
        }
        Ok(Self { name: name.to_owned(), headers, rows, issues })
    }
}

fn no_header(what: &str) -> Error {
    let message = format!("The first row {what}. Write the names of the columns there, one in each cell.");
    refused("table_header_missing", message)
}

/// A column as spreadsheet programs name it.
fn letters(mut at: usize) -> String {
    let mut name = String::new();
    loop {
        name.insert(0, char::from(b'A' + u8::try_from(at % 26).unwrap_or_default()));
        if at < 26 {
            return name;
        }
        at = at / 26 - 1;
    }
}
