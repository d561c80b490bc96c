//! Reads the rows of one file.

use std::ops::ControlFlow;

use super::{
    cell::{Value, read_cell},
    check::check,
    date::DateOrder,
    deviation::{
        BLANK_LINE, BULK_LIFECYCLE, CSV_BARE_RETURN, CSV_CARRIAGE_RETURN, CSV_QUOTE, DELETED_ROW_INCOMPLETE,
        DELTA_DATE_MISSING, DELTA_STATUS_MISSING, EMPTY_ROW, ROW_LONG, ROW_SHORT,
    },
    finding::{Findings, Mode, Place, Refused},
    header::Layout,
    manifest::FileMode,
    package::{Package, PackageError},
    plan::PlannedFile,
    reading::FileSummary,
    record::{Record, RecordReader},
    row::{Built, RecordStatus, RejectedRow, RemovedRow, Row, RowBase, build},
    schema::Kind,
    text::read_text,
};

/// One file while it is read.
pub(crate) struct FileReading<'a> {
    planned: &'a PlannedFile,
    order: Option<DateOrder>,
    findings: &'a mut Findings,
    /// The values of the row at hand, in the order of the schema's columns.
    values: Vec<Value>,
    pub(crate) summary: FileSummary,
}

/// What the cells of a row come to.
enum Outcome {
    Built(Built),
    /// Checked, and not to be handed on.
    Checked,
    Removed(RemovedRow),
}

impl<'a> FileReading<'a> {
    pub(crate) fn new(planned: &'a PlannedFile, order: Option<DateOrder>, findings: &'a mut Findings) -> Self {
        let (file, mode) = (planned.file, planned.mode);
        let summary = FileSummary { file, mode, rows: 0, accepted: 0, rejected: 0, ignored: 0 };
        Self { planned, order, findings, values: Vec::new(), summary }
    }

    /// Reads it to its end, or until the sink has had enough.
    pub(crate) fn read(
        &mut self,
        package: &mut Package,
        sink: &mut dyn FnMut(Row) -> ControlFlow<()>,
    ) -> Result<ControlFlow<()>, PackageError> {
        let (mut reader, _) = RecordReader::new(package.read(self.planned.entry)?)?;
        let mut record = Record::default();
        let roster = self.planned.file.is_roster();
        // A file that is not imported is held to the standard only by those who asked for the letter of it.
        let checked = roster || self.findings.mode() == Mode::Strict;
        let mut is_header = true;
        while reader.read(&mut record)? {
            if std::mem::take(&mut is_header) {
                // What is odd in the header's CSV matters as in any row; its columns were read before.
                if checked {
                    let _ = self.check_csv(&record);
                }
                continue;
            }
            if record.is_blank_line() || (self.findings.mode() == Mode::Lenient && record.is_empty_row()) {
                self.note_empty(&record);
                continue;
            }
            self.summary.rows += 1;
            if !checked {
                self.summary.ignored += 1;
                continue;
            }
            for row in self.rows_of(&record, roster) {
                if sink(row).is_break() {
                    return Ok(ControlFlow::Break(()));
                }
            }
        }
        if !roster {
            let message = format!("{} rows were counted; files of this kind are not imported", self.summary.rows);
            self.findings.info("file_ignored", Place::file(&self.planned.name), &message);
        }
        Ok(ControlFlow::Continue(()))
    }

    fn rows_of(&mut self, record: &Record, roster: bool) -> impl Iterator<Item = Row> + use<> {
        let mut roles = Vec::new();
        let first = match self.read_row(record) {
            Ok(Outcome::Built(built)) => {
                self.summary.accepted += 1;
                roles = built.roles;
                Some(built.row)
            }
            Ok(Outcome::Removed(removed)) => {
                self.summary.accepted += 1;
                Some(Row::Removed(removed))
            }
            Ok(Outcome::Checked) => {
                self.summary.ignored += 1;
                None
            }
            Err(Refused) => {
                self.summary.rejected += 1;
                let sourced_id = match self.values.first() {
                    Some(Value::Text(sourced_id)) => Some(sourced_id.clone()),
                    _ => None,
                };
                roster.then_some(Row::Rejected(RejectedRow { file: self.planned.file, line: record.line, sourced_id }))
            }
        };
        self.values.clear();
        first.into_iter().chain(roles.into_iter().map(Row::Role))
    }

    fn note_empty(&mut self, record: &Record) {
        let place = Place::line(&self.planned.name, record.line);
        let deviation = if record.is_blank_line() { &BLANK_LINE } else { &EMPTY_ROW };
        let _ = self.findings.deviation(deviation, place, None, Some("no such line".into()));
    }

    /// Faults of the CSV. No value is shown: where quotes fail, fields run together, and a password may be among them.
    fn check_csv(&mut self, record: &Record) -> Result<(), Refused> {
        let place = Place::line(&self.planned.name, record.line);
        let odd = record.oddities;
        if odd.unterminated {
            let message = "a quote is not closed before the file ends";
            let expected = Some("a closing quote; a quote inside a field is doubled".into());
            return Err(self.findings.error("csv_unterminated_quote", place, None, message, expected));
        }
        let mut outcome = Ok(());
        let mut note = |deviation, field: Option<usize>, expected: &'static str| {
            let column = field.and_then(|field| column_of(self.planned.layout.as_ref(), field));
            let place = Place { column, ..place };
            outcome = outcome.and(self.findings.deviation(deviation, place, None, Some(expected.into())));
        };
        if odd.stray_quote.is_some() {
            note(&CSV_QUOTE, odd.stray_quote, "a field with quotes in it is quoted, and the quotes doubled");
        }
        if odd.carriage_return.is_some() {
            note(&CSV_CARRIAGE_RETURN, odd.carriage_return, "no carriage return inside a field");
        }
        if odd.bare_return {
            note(&CSV_BARE_RETURN, None, "a line feed at the end of each row");
        }
        outcome
    }

    fn read_row(&mut self, record: &Record) -> Result<Outcome, Refused> {
        self.values.clear();
        self.check_csv(record)?;
        let Some(layout) = &self.planned.layout else { return Err(Refused) };
        self.check_width(record, layout)?;
        let place = Place::line(&self.planned.name, record.line);
        let mut sound = Ok(());
        let mut missing = Vec::new();
        let mut status = RecordStatus::Active;
        for (index, column) in layout.columns.iter().enumerate() {
            let bytes = layout.place(index).and_then(|field| record.field(field)).unwrap_or_default();
            let place = place.column(column.name);
            let value = match index {
                1 => self.read_status(bytes, column.kind, place, &mut status),
                2 => self.read_last_modified(bytes, column.kind, place),
                _ => self.read_value(bytes, column.kind, place),
            };
            if column.required && value == Ok(Value::Empty) {
                missing.push(column.name);
            }
            sound = sound.and(value.as_ref().map(|_| ()).map_err(|refused| *refused));
            self.values.push(value.unwrap_or(Value::Empty));
        }
        let metadata = self.read_metadata(record, layout, place);
        let bare_deletion = status == RecordStatus::ToBeDeleted
            && self.findings.mode() == Mode::Lenient
            && !missing.is_empty()
            && missing.first() != Some(&"sourcedId");
        if bare_deletion {
            self.findings.deviation(&DELETED_ROW_INCOMPLETE, place, None, None)?;
        } else {
            for name in missing {
                let message = "a required value is missing";
                let place = place.column(name);
                sound =
                    Err(self.findings.error("required_value_missing", place, None, message, Some("a value".into())));
            }
        }
        sound?;
        let base = self.take_base(status, metadata?, record.line)?;
        let file = self.planned.file;
        if bare_deletion {
            return Ok(Outcome::Removed(RemovedRow { file, base }));
        }
        if !file.is_roster() {
            return Ok(Outcome::Checked);
        }
        let sourced_id = base.sourced_id.clone();
        let built = build(file, self.planned.version, layout.columns, base, &mut self.values);
        let checked = built.ok_or(Refused).and_then(|built| check(&built.row, place, self.findings).map(|()| built));
        if checked.is_err() {
            // The rejected row says which record it is about.
            self.values[0] = Value::Text(sourced_id);
        }
        checked.map(Outcome::Built)
    }

    fn check_width(&mut self, record: &Record, layout: &Layout) -> Result<(), Refused> {
        let place = Place::line(&self.planned.name, record.line);
        let width = layout.width;
        let expected = || Some(format!("{width} fields, not {}", record.len()).into());
        if record.len() < width {
            return self.findings.deviation(&ROW_SHORT, place, None, expected());
        }
        if record.len() > width {
            let filled = record.fields().skip(width).any(|field| !field.trim_ascii().is_empty());
            if filled || record.len() > width + layout.surplus {
                let message = "the row has more fields than the header; is a value with a comma not quoted?";
                return Err(self.findings.error("row_fields", place, None, message, expected()));
            }
            return self.findings.deviation(&ROW_LONG, place, None, expected());
        }
        Ok(())
    }

    fn read_value(&mut self, bytes: &[u8], kind: Kind, place: Place<'_>) -> Result<Value, Refused> {
        if bytes.is_empty() || matches!(kind, Kind::Secret) {
            return Ok(Value::Empty);
        }
        let text = read_text(bytes, place, self.findings)?;
        if text.is_empty() {
            return Ok(Value::Empty);
        }
        read_cell(kind, &text, place, self.order, self.findings)
    }

    fn read_status(
        &mut self,
        bytes: &[u8],
        kind: Kind,
        place: Place<'_>,
        status: &mut RecordStatus,
    ) -> Result<Value, Refused> {
        let value = match self.planned.mode {
            FileMode::Bulk if bytes.is_empty() => Value::Empty,
            FileMode::Bulk => {
                let shown = String::from_utf8_lossy(bytes);
                self.findings.deviation(&BULK_LIFECYCLE, place, Some(&shown), Some("nothing".into()))?;
                self.read_value(bytes, kind, place)?
            }
            FileMode::Delta | FileMode::Absent => self.read_value(bytes, kind, place)?,
        };
        if value == Value::Empty && self.planned.mode == FileMode::Delta {
            self.findings.deviation(&DELTA_STATUS_MISSING, place, None, Some("active or tobedeleted".into()))?;
        }
        if value == Value::Text("tobedeleted".to_owned()) {
            *status = RecordStatus::ToBeDeleted;
        }
        Ok(Value::Empty)
    }

    fn read_last_modified(&mut self, bytes: &[u8], kind: Kind, place: Place<'_>) -> Result<Value, Refused> {
        if self.planned.mode == FileMode::Bulk {
            if !bytes.is_empty() {
                let shown = String::from_utf8_lossy(bytes);
                self.findings.deviation(&BULK_LIFECYCLE, place, Some(&shown), Some("nothing".into()))?;
            }
            return Ok(Value::Empty);
        }
        let value = self.read_value(bytes, kind, place)?;
        if value == Value::Empty {
            let expected = "when the record was changed, such as 2025-08-31T12:00:00Z";
            self.findings.deviation(&DELTA_DATE_MISSING, place, None, Some(expected.into()))?;
        }
        Ok(value)
    }

    fn read_metadata(
        &mut self,
        record: &Record,
        layout: &Layout,
        place: Place<'_>,
    ) -> Result<Vec<(String, String)>, Refused> {
        let mut metadata = Vec::new();
        let mut sound = Ok(());
        for (field, name) in &layout.metadata {
            let bytes = record.field(*field).unwrap_or_default();
            match self.read_value(bytes, Kind::Prose, place.column(name)) {
                Ok(Value::Text(text)) => metadata.push((name.clone(), text)),
                Ok(_) => {}
                Err(refused) => sound = Err(refused),
            }
        }
        sound.map(|()| metadata)
    }

    fn take_base(
        &mut self,
        status: RecordStatus,
        metadata: Vec<(String, String)>,
        line: u64,
    ) -> Result<RowBase, Refused> {
        let mut values = self.values.iter_mut();
        let (sourced_id, modified) = (values.next(), values.nth(1));
        let Some(Value::Text(sourced_id)) = sourced_id.map(std::mem::take) else { return Err(Refused) };
        let date_last_modified = match modified {
            Some(Value::Instant(at)) => Some(*at),
            _ => None,
        };
        Ok(RowBase { sourced_id, status, date_last_modified, metadata, line })
    }
}

/// The name of the column a field is in.
fn column_of(layout: Option<&Layout>, field: usize) -> Option<&str> {
    let layout = layout?;
    let own = layout.columns.iter().enumerate().find(|(index, _)| layout.place(*index) == Some(field));
    let extension = layout.metadata.iter().find(|(place, _)| *place == field);
    own.map(|(_, column)| column.name).or(extension.map(|(_, name)| name.as_str()))
}
