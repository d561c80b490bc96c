//! Workbooks. Of a formula its last result is taken, nothing is computed, and nothing outside of the file is looked at.

use std::io::Cursor;

use calamine::{CellErrorType, DataRef, Reader, SheetVisible, Xlsx};
use cloister_tenancy::{Error, Result};
use jiff::civil::{Date, DateTime};

use super::{
    packed::{UNPACKED, measure},
    report::TableIssue,
    sheet::{CELLS, COLUMNS, Cell, ROWS, Sheet, SheetRow, refused, too_many_cells, too_many_columns, too_many_rows},
};

/// Bytes of the texts of all cells together. A string that many cells share is written once and counts for each.
const TEXTS: usize = 64 * 1024 * 1024;
/// Characters of the name of a sheet: what the usual program allows.
const NAME: usize = 31;
/// Names of sheets that are told.
const NAMES: usize = 20;

/// Reads the sheet of this name, or the first that shows.
pub(super) fn read(bytes: Vec<u8>, wanted: Option<&str>) -> Result<Sheet> {
    measure(&bytes, UNPACKED)?;
    let mut workbook: Xlsx<_> = Xlsx::new(Cursor::new(bytes)).map_err(unreadable)?;
    if workbook.sheets_metadata().iter().any(|sheet| sheet.name.chars().nth(NAME).is_some()) {
        let message =
            format!("The name of a sheet has {NAME} characters at most. Rename the sheet, or save it as CSV.");
        return Err(refused("table_sheet_name_too_long", message));
    }
    let shown: Vec<String> = workbook
        .sheets_metadata()
        .iter()
        .filter(|sheet| sheet.visible == SheetVisible::Visible)
        .map(|sheet| sheet.name.clone())
        .collect();
    let name = match wanted {
        Some(name) => shown.iter().find(|known| *known == name),
        None => shown.first(),
    };
    let Some(name) = name else {
        let more = if shown.len() > NAMES { " and more" } else { "" };
        let names = shown.iter().take(NAMES).map(String::as_str).collect::<Vec<_>>().join(", ");
        let message = format!("There is no such sheet in this workbook. It has: {names}{more}.");
        return Err(refused("table_sheet_unknown", message));
    };
    let mut issues = Vec::new();
    if wanted.is_none() && shown.len() > 1 {
        let message =
            format!("This workbook has several sheets. Only the first, {name:?}, was read; name another to have that.");
        issues.push(TableIssue::warning("sheet_chosen", 1, None, message));
    }
    let mut cells = workbook.worksheet_cells_reader(name).map_err(unreadable)?;
    let (mut rows, mut left): (Vec<SheetRow>, usize) = (Vec::new(), TEXTS);
    let mut room = CELLS;
    while let Some(cell) = cells.next_cell().map_err(unreadable)? {
        let (line, column) = cell.get_position();
        left = left.checked_sub(length(cell.get_value())).ok_or_else(too_much_text)?;
        let value = cell_of(cell.get_value());
        if value.is_empty() {
            continue;
        }
        let (line, column) = (u64::from(line) + 1, column as usize);
        if column >= COLUMNS {
            return Err(too_many_columns());
        }
        if rows.last().is_none_or(|row| row.line != line) {
            if rows.len() > ROWS {
                return Err(too_many_rows());
            }
            rows.push(SheetRow { line, cells: Vec::new() });
        }
        if let Some(row) = rows.last_mut() {
            let wide = row.cells.len().max(column + 1);
            // Those before it that are empty take room too.
            room = room.checked_sub(wide - row.cells.len()).ok_or_else(too_many_cells)?;
            row.cells.resize(wide, Cell::Empty);
            row.cells[column] = value;
        }
    }
    Sheet::of(name, rows, issues)
}

pub(super) fn unreadable(error: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Error {
    refused("table_unreadable", "This is no workbook that can be read. Save it again as .xlsx, or as CSV.")
        .because(error)
}

/// Bytes of the text of a cell.
fn length(value: &DataRef<'_>) -> usize {
    match value {
        DataRef::String(text) | DataRef::DurationIso(text) | DataRef::DateTimeIso(text) => text.len(),
        DataRef::SharedString(text) => text.len(),
        _ => 0,
    }
}

fn too_much_text() -> Error {
    refused("table_too_large", "The cells of this workbook hold too much text. Send the table in parts.")
}

fn cell_of(value: &DataRef<'_>) -> Cell {
    #[expect(clippy::cast_precision_loss, reason = "spreadsheets count in these")]
    match value {
        DataRef::Empty => Cell::Empty,
        DataRef::Int(number) => Cell::Number(*number as f64),
        DataRef::Float(number) => Cell::Number(*number),
        DataRef::String(text) | DataRef::DurationIso(text) => Cell::guarded(text),
        DataRef::SharedString(text) => Cell::guarded(text),
        DataRef::Bool(value) => Cell::Bool(*value),
        DataRef::DateTime(moment) => {
            let (year, month, day, hour, minute, second, _) = moment.to_ymd_hms_milli();
            civil(year, month, day).and_then(|date| time_on(date, hour, minute, second)).map_or_else(
                || Cell::Fault("date_invalid", "This is no day between 1900 and 9999.".to_owned()),
                Cell::Moment,
            )
        }
        DataRef::DateTimeIso(text) => {
            match text.parse::<DateTime>().or_else(|_| text.parse::<Date>().map(|day| day.at(0, 0, 0, 0))) {
                Ok(moment) => Cell::Moment(moment),
                Err(_) => Cell::guarded(text),
            }
        }
        DataRef::Error(error) => {
            let word = match error {
                CellErrorType::Div0 => "#DIV/0!",
                CellErrorType::NA => "#N/A",
                CellErrorType::Name => "#NAME?",
                CellErrorType::Null => "#NULL!",
                CellErrorType::Num => "#NUM!",
                CellErrorType::Ref => "#REF!",
                CellErrorType::Value => "#VALUE!",
                CellErrorType::GettingData => "an error",
            };
            Cell::Fault(
                "cell_error",
                format!("The spreadsheet itself shows {word} here. Mend the formula, or type the value."),
            )
        }
    }
}

fn civil(year: u16, month: u8, day: u8) -> Option<Date> {
    Date::new(i16::try_from(year).ok()?, i8::try_from(month).ok()?, i8::try_from(day).ok()?).ok()
}

fn time_on(date: Date, hour: u8, minute: u8, second: u8) -> Option<DateTime> {
    let part = |part: u8| i8::try_from(part).ok();
    jiff::civil::Time::new(part(hour)?, part(minute)?, part(second)?, 0).ok().map(|time| date.to_datetime(time))
}

#[cfg(test)]
mod tests {
    use std::io::{Cursor, Write};

    use rust_xlsxwriter::{Format, Workbook};
    use zip::{ZipWriter, write::SimpleFileOptions};

    use super::read;
    use crate::import::table::sheet::Cell;

    #[test]
    fn a_workbook_without_a_table_is_refused() {
        let refused = |bytes: Vec<u8>| read(bytes, None).unwrap_err().code().to_owned();
        let write = |sheet: &mut rust_xlsxwriter::Worksheet, column: u16| {
            sheet.write_string(0, column, "name").unwrap();
        };
        let saved = |fill: &dyn Fn(&mut rust_xlsxwriter::Worksheet)| {
            let mut workbook = Workbook::new();
            fill(workbook.add_worksheet());
            workbook.save_to_buffer().unwrap()
        };
        assert_eq!(refused(saved(&|_| ())), "table_empty");
        let merged = saved(&|sheet| {
            sheet.merge_range(0, 0, 0, 3, "Pupils of 2025", &Format::new()).unwrap();
            for column in 0..4 {
                sheet.write_string(1, column, "x").unwrap();
            }
        });
        assert_eq!(refused(merged), "table_header_missing");
        assert_eq!(refused(saved(&|sheet| write(sheet, 300))), "table_too_wide");
        let whole = saved(&|sheet| write(sheet, 0));
        for length in [4, 30, whole.len() / 2, whole.len() - 1] {
            assert_eq!(refused(whole[..length].to_vec()), "table_unreadable", "{length}");
        }
        for at in (4..whole.len()).step_by(97) {
            let mut broken = whole.clone();
            broken[at] ^= 0x55;
            // Whatever comes of it, it is an answer.
            let _ = read(broken, None);
        }
        let mut other = ZipWriter::new(Cursor::new(Vec::new()));
        other.start_file("orgs.csv", SimpleFileOptions::default()).unwrap();
        other.write_all(b"sourcedId").unwrap();
        assert_eq!(refused(other.finish().unwrap().into_inner()), "table_unreadable");
    }

    #[test]
    fn a_string_that_many_cells_share_counts_for_each() {
        let long = "x".repeat(32_767);
        let filled = |columns: u16| {
            let mut workbook = Workbook::new();
            let sheet = workbook.add_worksheet();
            for row in 0..50 {
                for column in 0..columns {
                    let text = if row == 0 { column.to_string() } else { long.clone() };
                    sheet.write_string(row, column, text).unwrap();
                }
            }
            workbook.save_to_buffer().unwrap()
        };
        let bytes = filled(50);
        assert!(bytes.len() < 100_000);
        assert_eq!(read(bytes, None).unwrap_err().code(), "table_too_large");
        assert_eq!(read(filled(30), None).unwrap().rows.len(), 49);
    }

    #[test]
    fn the_sheet_that_is_named_is_read() {
        let mut workbook = Workbook::new();
        for name in ["Notes", "Rooms"] {
            let sheet = workbook.add_worksheet().set_name(name).unwrap();
            sheet.write_string(0, 0, "what").unwrap();
            sheet.write_string(1, 0, name).unwrap();
        }
        let bytes = workbook.save_to_buffer().unwrap();
        let first = read(bytes.clone(), None).unwrap();
        assert_eq!((first.name.as_str(), first.issues.len()), ("Notes", 1));
        let named = read(bytes.clone(), Some("Rooms")).unwrap();
        assert_eq!((named.rows[0].line, &named.rows[0].cells[0]), (2, &Cell::Text("Rooms".to_owned())));
        assert_eq!(read(bytes, Some("Nowhere")).unwrap_err().code(), "table_sheet_unknown");
    }

    #[test]
    fn guards_of_csv_go_from_a_workbook_that_was_made_of_it() {
        let mut workbook = Workbook::new();
        let sheet = workbook.add_worksheet();
        for (row, text) in (0..).zip(["phone", "'+49 30 1234", "+49 30 1234", "''=1"]) {
            sheet.write_string(row, 0, text).unwrap();
        }
        let read = read(workbook.save_to_buffer().unwrap(), None).unwrap();
        let cells: Vec<_> = read.rows.iter().map(|row| row.cells[0].clone()).collect();
        assert_eq!(cells, ["+49 30 1234", "+49 30 1234", "'=1"].map(|text| Cell::Text(text.to_owned())));
    }

    #[test]
    fn names_of_sheets_are_short_and_few_of_them_are_told() {
        let mut workbook = Workbook::new();
        for at in 0..25 {
            workbook.add_worksheet().set_name(format!("Sheet number {at}")).unwrap();
        }
        let bytes = workbook.save_to_buffer().unwrap();
        let error = read(bytes.clone(), Some("Nowhere")).unwrap_err();
        assert_eq!(error.code(), "table_sheet_unknown");
        assert_eq!(error.message().matches("Sheet number").count(), 20, "{}", error.message());
        assert!(error.message().ends_with(" and more."), "{}", error.message());
        // No program writes a longer name, so it is written by hand.
        let mut long = ZipWriter::new(Cursor::new(Vec::new()));
        let mut whole = zip::ZipArchive::new(Cursor::new(bytes)).unwrap();
        for at in 0..whole.len() {
            let mut file = whole.by_index(at).unwrap();
            let mut text = String::new();
            std::io::Read::read_to_string(&mut file, &mut text).unwrap();
            long.start_file(file.name().unwrap(), SimpleFileOptions::default()).unwrap();
            let text = text.replace("Sheet number 24", &"x".repeat(1_000_000));
            long.write_all(text.as_bytes()).unwrap();
        }
        let long = long.finish().unwrap().into_inner();
        for wanted in [None, Some("Sheet number 0"), Some("Nowhere")] {
            let error = read(long.clone(), wanted).unwrap_err();
            assert_eq!((error.code(), error.message().len() < 200), ("table_sheet_name_too_long", true));
        }
    }

    #[test]
    fn cells_that_are_filled_in_count_too() {
        let last_of = |rows: u32| {
            let mut workbook = Workbook::new();
            let sheet = workbook.add_worksheet();
            sheet.write_string(0, 0, "name").unwrap();
            for row in 1..=rows {
                sheet.write_string(row, 199, "x").unwrap();
            }
            workbook.save_to_buffer().unwrap()
        };
        assert_eq!(read(last_of(9_990), None).map(|sheet| sheet.rows.len()).unwrap_or_default(), 9_990);
        assert_eq!(read(last_of(10_001), None).unwrap_err().code(), "table_too_large");
    }
}
