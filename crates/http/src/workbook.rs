//! A list as a workbook for spreadsheet programs: days as days, numbers as numbers, and texts always as texts, so that nothing in
//! it is ever computed.

use std::{collections::HashMap, sync::Arc};

use cloister_tenancy::{Error, ErrorKind};
use rust_xlsxwriter::{ExcelDateTime, Format, Worksheet, XlsxError};
use serde_json::{Map, Value};
use utoipa::openapi::{
    OpenApi, RefOr,
    schema::{KnownFormat, Schema, SchemaFormat},
};

use crate::{formula::workbook_cell, table::shown};

/// As clients ask for it, and as it is sent.
pub(crate) const MEDIA_TYPE: &str = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet";

/// Rows of a workbook besides its first. A longer list comes as CSV, which needs no memory.
const ROWS: u32 = 50_000;
/// Characters of a cell: no spreadsheet program reads more.
const CELL: usize = 32_767;
/// Characters of the name of a sheet.
const NAME: usize = 31;
/// Rows that the widths of columns are taken from.
const MEASURED: usize = 200;

/// What a field holds besides texts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Day {
    Date,
    Moment,
}

/// Which fields hold days and moments, by their names: what the API document says of all that it describes.
#[derive(Debug, Clone, Default)]
pub(crate) struct Days(Arc<HashMap<String, Day>>);

impl Days {
    /// A name that is a text elsewhere is on no list: a text must never change its look.
    pub(crate) fn of(document: &OpenApi) -> Self {
        let mut found: HashMap<String, Option<Day>> = HashMap::new();
        let schemas = document.components.iter().flat_map(|components| components.schemas.values());
        let objects = schemas.filter_map(|schema| match schema {
            RefOr::T(Schema::Object(object)) => Some(object),
            _ => None,
        });
        for (name, property) in objects.flat_map(|object| &object.properties) {
            let day = match property {
                RefOr::T(Schema::Object(property)) => match &property.format {
                    Some(SchemaFormat::KnownFormat(KnownFormat::Date)) => Some(Day::Date),
                    Some(SchemaFormat::KnownFormat(KnownFormat::DateTime)) => Some(Day::Moment),
                    _ => None,
                },
                _ => None,
            };
            found
                .entry(name.clone())
                .and_modify(|known| *known = known.filter(|known| Some(*known) == day))
                .or_insert(day);
        }
        Self(Arc::new(found.into_iter().filter_map(|(name, day)| Some((name, day?))).collect()))
    }
}

/// A workbook that is being filled.
pub(crate) struct Workbook {
    book: rust_xlsxwriter::Workbook,
    columns: Vec<(String, Option<Day>)>,
    /// The row that is written next.
    row: u32,
    widths: Vec<usize>,
    day: Format,
    moment: Format,
}

impl Workbook {
    /// One sheet of this name, with the names of the columns in its first row.
    pub(crate) fn new(name: &str, columns: &[String], days: &Days) -> Result<Self, Error> {
        let mut workbook = rust_xlsxwriter::Workbook::new();
        let sheet = workbook.add_worksheet_with_constant_memory().map_err(broken)?;
        let name: String = name.chars().filter(|c| c.is_ascii_alphanumeric() || *c == '_').take(NAME).collect();
        if !name.is_empty() {
            sheet.set_name(name).map_err(broken)?;
        }
        sheet.set_freeze_panes(1, 0).map_err(broken)?;
        let bold = Format::new().set_bold();
        for (at, column) in columns.iter().enumerate() {
            sheet.write_string_with_format(0, place(at)?, column, &bold).map_err(broken)?;
        }
        let widths = columns.iter().map(|column| column.chars().count()).collect();
        let columns = columns.iter().map(|column| (column.clone(), days.0.get(column).copied())).collect();
        let day = Format::new().set_num_format("yyyy-mm-dd");
        let moment = Format::new().set_num_format("yyyy-mm-dd hh:mm:ss");
        Ok(Self { book: workbook, columns, row: 1, widths, day, moment })
    }

    /// Writes rows behind those that are there.
    pub(crate) fn add(&mut self, items: &[Map<String, Value>]) -> Result<(), Error> {
        let Self { book: workbook, columns, row, widths, day, moment } = self;
        let sheet = workbook.worksheet_from_index(0).map_err(broken)?;
        for item in items {
            if *row > ROWS {
                let message =
                    format!("A workbook holds {ROWS} rows at most. Narrow the list by a filter, or ask for text/csv.");
                return Err(Error::new(ErrorKind::Invalid, "workbook_too_long", message));
            }
            for (at, (column, kind)) in columns.iter().enumerate() {
                let value = item.get(column).unwrap_or(&Value::Null);
                let format = kind.map(|kind| if kind == Day::Date { &*day } else { &*moment });
                let width = write(sheet, (*row, place(at)?), value, format).map_err(broken)?;
                if (*row as usize) <= MEASURED {
                    widths[at] = widths[at].max(width);
                }
            }
            *row += 1;
        }
        Ok(())
    }

    /// Its bytes.
    pub(crate) fn finish(mut self) -> Result<Vec<u8>, Error> {
        let sheet = self.book.worksheet_from_index(0).map_err(broken)?;
        for (at, width) in self.widths.iter().enumerate() {
            let width = u32::try_from((*width).clamp(8, 50) + 2).unwrap_or(50);
            sheet.set_column_width(place(at)?, width).map_err(broken)?;
        }
        self.book.save_to_buffer().map_err(broken)
    }
}

/// Writes a cell and says how wide it is.
fn write(sheet: &mut Worksheet, at: (u32, u16), value: &Value, day: Option<&Format>) -> Result<usize, XlsxError> {
    let (row, column) = at;
    match value {
        Value::Null => Ok(0),
        Value::Bool(value) => sheet.write_boolean(row, column, *value).map(|_| 5),
        // Beyond these a spreadsheet program would round.
        Value::Number(number) if number.as_f64().is_some_and(|number| number.abs() < 9e15) => {
            sheet.write_number(row, column, number.as_f64().unwrap_or_default()).map(|_| number.to_string().len())
        }
        value => {
            let text = shown(value);
            if let Some((format, moment)) = day.and_then(|format| Some((format, serial(&text)?))) {
                return sheet.write_datetime_with_format(row, column, &moment, format).map(|_| 19);
            }
            let text = workbook_cell(&text);
            let width = text.chars().count();
            let text = if width > CELL { text.chars().take(CELL).collect() } else { text.into_owned() };
            sheet.write_string(row, column, text).map(|_| width)
        }
    }
}

/// A day or a moment as spreadsheet programs count it; none for what they do not know, such as years before 1900.
fn serial(text: &str) -> Option<ExcelDateTime> {
    let moment = match text.parse::<jiff::Timestamp>() {
        Ok(moment) => moment.to_zoned(jiff::tz::TimeZone::UTC).datetime(),
        Err(_) => text.parse::<jiff::civil::Date>().ok()?.at(0, 0, 0, 0),
    };
    let part = |part: i8| u8::try_from(part).ok();
    let year = u16::try_from(moment.year()).ok().filter(|year| *year >= 1900)?;
    let day = ExcelDateTime::from_ymd(year, part(moment.month())?, part(moment.day())?).ok()?;
    day.and_hms(moment.hour().try_into().ok()?, part(moment.minute())?, f64::from(moment.second())).ok()
}

fn place(column: usize) -> Result<u16, Error> {
    u16::try_from(column).map_err(Error::internal)
}

fn broken(error: XlsxError) -> Error {
    Error::internal(error)
}
