//! Writes rows by the thousand, and counts them.

use std::collections::BTreeMap;

use cloister_tenancy::{Result, TenantTx, sql::Statement};
use jiff::Timestamp;
use serde_json::Value;

use super::Observer;
use crate::record::Source;

/// Rows that go to the server at once.
const CHUNK: usize = 2_000;

/// Bytes as a row of JSON has them, for a column of bytes.
pub(super) fn bytes(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let mut text = String::with_capacity(2 + 2 * bytes.len());
    text.push_str("\\x");
    for byte in bytes {
        text.push(char::from(DIGITS[usize::from(byte >> 4)]));
        text.push(char::from(DIGITS[usize::from(byte & 15)]));
    }
    text
}

/// What rows are written with.
pub(super) struct Pen<'a> {
    pub(super) tx: &'a mut TenantTx,
    pub(super) now: Timestamp,
    pub(super) source: &'static str,
    pub(super) by: String,
    counts: BTreeMap<&'static str, u64>,
    observer: &'a dyn Observer,
}

impl<'a> Pen<'a> {
    pub(super) fn new(tx: &'a mut TenantTx, observer: &'a dyn Observer) -> Self {
        let now = tx.cx().clock().now();
        let (source, by) = (Source::of(tx.cx().actor()).word(), tx.cx().actor().to_string());
        Self { tx, now, source, by, counts: BTreeMap::new(), observer }
    }

    /// Writes rows of records.
    pub(super) async fn records(
        &mut self,
        what: &'static str,
        statement: &'static Statement,
        mut rows: Vec<Value>,
    ) -> Result<()> {
        while !rows.is_empty() {
            let chunk: Vec<Value> = rows.drain(..rows.len().min(CHUNK)).collect();
            let written = chunk.len();
            let chunk = Value::Array(chunk);
            self.tx.query(statement, &[&chunk, &self.now, &self.source, &self.by]).await?;
            self.count(what, written);
        }
        Ok(())
    }

    /// Writes rows of parts of records.
    pub(super) async fn parts(&mut self, statement: &'static Statement, mut rows: Vec<Value>) -> Result<()> {
        while !rows.is_empty() {
            let chunk = Value::Array(rows.drain(..rows.len().min(CHUNK)).collect());
            self.tx.query(statement, &[&chunk]).await?;
        }
        Ok(())
    }

    /// So many more of these are written.
    pub(super) fn count(&mut self, what: &'static str, written: usize) {
        let count = self.counts.entry(what).or_default();
        *count += written as u64;
        self.observer.wrote(what, *count);
    }

    pub(super) fn counts(self) -> BTreeMap<&'static str, u64> {
        self.counts
    }
}
