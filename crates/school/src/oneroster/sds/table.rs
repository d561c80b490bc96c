//! A file of School Data Sync, read whole, its columns found by name.

use super::SdsError;
use crate::oneroster::{
    Package,
    record::{Record, RecordReader},
};

/// A file.
#[derive(Debug, Default)]
pub(super) struct Table {
    names: Vec<String>,
    rows: Vec<Vec<String>>,
}

/// A row of it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Row<'a> {
    names: &'a [String],
    fields: &'a [String],
}

impl<'a> Row<'a> {
    /// The value of a column; empty where there is none.
    pub(super) fn get(&self, column: &str) -> &'a str {
        let at = self.names.iter().position(|name| name.eq_ignore_ascii_case(column));
        at.and_then(|at| self.fields.get(at)).map_or("", String::as_str)
    }
}

impl Table {
    /// Reads it, if it is there. It must have these columns.
    pub(super) fn read(
        files: &mut Package,
        file: &'static str,
        columns: &'static [&'static str],
    ) -> Result<Option<Self>, SdsError> {
        let Some(entry) = files.names().position(|name| name.eq_ignore_ascii_case(file)) else { return Ok(None) };
        let (mut reader, _) = RecordReader::new(files.read(entry)?)?;
        let (mut record, mut table) = (Record::default(), Self::default());
        let text = |bytes: &[u8]| {
            let text = String::from_utf8_lossy(bytes);
            let clean: String = text.trim().chars().filter(|c| !c.is_control()).collect();
            clean
        };
        while reader.read(&mut record)? {
            if record.is_blank_line() || record.is_empty_row() {
                continue;
            }
            let fields = record.fields().map(text).collect();
            if table.names.is_empty() { table.names = fields } else { table.rows.push(fields) }
        }
        for column in columns.iter().copied() {
            if !table.names.iter().any(|name| name.eq_ignore_ascii_case(column)) {
                return Err(SdsError::ColumnMissing { file, column });
            }
        }
        Ok(Some(table))
    }

    pub(super) fn rows(&self) -> impl Iterator<Item = Row<'_>> {
        self.rows.iter().map(|fields| Row { names: &self.names, fields })
    }

    pub(super) fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }
}
