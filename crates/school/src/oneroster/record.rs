//! Reads RFC 4180 records one by one, bounded, and notes what is not to the letter.
//!
//! The usual CSV readers take a stray quote or a lone carriage return for data without a word, and grow a field for as
//! long as a quote stays open. Here each oddity is noted beside the record, and each length has its bound.

use std::io::Read;

use super::package::{Metered, PackageError};

/// One record: its fields as bytes, and what was odd about them.
#[derive(Debug, Default)]
pub(crate) struct Record {
    bytes: Vec<u8>,
    ends: Vec<usize>,
    /// The physical line it begins on, from 1.
    pub(crate) line: u64,
    pub(crate) oddities: Oddities,
}

/// Departures from RFC 4180 in one record. Where a field is named, it is the first of its kind.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Oddities {
    /// A quote in a field that does not begin with one, or text after the closing quote.
    pub(crate) stray_quote: Option<usize>,
    /// A carriage return inside a quoted field.
    pub(crate) carriage_return: Option<usize>,
    /// The record ends with a carriage return that no line feed follows.
    pub(crate) bare_return: bool,
    /// The file ends inside quotes.
    pub(crate) unterminated: bool,
}

impl Record {
    pub(crate) const fn len(&self) -> usize {
        self.ends.len()
    }

    pub(crate) fn field(&self, index: usize) -> Option<&[u8]> {
        let end = *self.ends.get(index)?;
        let start = if index == 0 { 0 } else { self.ends[index - 1] };
        self.bytes.get(start..end)
    }

    pub(crate) fn fields(&self) -> impl Iterator<Item = &[u8]> {
        (0..self.len()).map(|index| self.field(index).unwrap_or_default())
    }

    /// A line with nothing on it.
    pub(crate) const fn is_blank_line(&self) -> bool {
        self.ends.len() == 1 && self.bytes.is_empty()
    }

    /// A line of nothing but separators and spaces.
    pub(crate) fn is_empty_row(&self) -> bool {
        self.bytes.iter().all(u8::is_ascii_whitespace)
    }

    fn clear(&mut self, line: u64) {
        self.bytes.clear();
        self.ends.clear();
        self.line = line;
        self.oddities = Oddities::default();
    }
}

/// What the first bytes of a file say about its encoding.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Opening {
    Plain,
    /// A UTF-8 byte order mark, which is dropped.
    ByteOrderMark,
    /// A UTF-16 byte order mark: nothing in this file can be read.
    Utf16,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    FieldStart,
    Plain,
    Quoted,
    /// A carriage return inside quotes; a line feed may follow.
    QuotedReturn,
    /// A quote inside quotes: the end of the field, or the first of a pair.
    QuoteInQuoted,
    /// A carriage return outside quotes.
    Return,
    /// The record is complete.
    Done,
}

const BUFFER: usize = 64 * 1024;

/// Reads the records of one file.
pub(crate) struct RecordReader<'a> {
    input: Metered<'a>,
    buffer: Vec<u8>,
    position: usize,
    ended: bool,
    line: u64,
    rows: u64,
}

impl<'a> RecordReader<'a> {
    /// Begins to read, dropping a byte order mark.
    pub(crate) fn new(input: Metered<'a>) -> Result<(Self, Opening), PackageError> {
        let mut reader =
            Self { input, buffer: Vec::with_capacity(BUFFER), position: 0, ended: false, line: 1, rows: 0 };
        // A reader may give one byte at a time; the mark needs three.
        while reader.buffer.len() < 3 && !reader.ended {
            reader.fill_more()?;
        }
        let opening = match reader.buffer.as_slice() {
            [0xEF, 0xBB, 0xBF, ..] => {
                reader.position = 3;
                Opening::ByteOrderMark
            }
            [0xFF, 0xFE, ..] | [0xFE, 0xFF, ..] => Opening::Utf16,
            _ => Opening::Plain,
        };
        Ok((reader, opening))
    }

    fn fill_more(&mut self) -> Result<(), PackageError> {
        if self.position == self.buffer.len() {
            self.buffer.clear();
            self.position = 0;
        }
        let start = self.buffer.len();
        self.buffer.resize(BUFFER.max(start + 1), 0);
        let read = loop {
            match self.input.read(&mut self.buffer[start..]) {
                Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
                other => break other,
            }
        };
        let name = self.input.name();
        let count = read.map_err(|error| PackageError::from_read(name, error))?;
        self.buffer.truncate(start + count);
        self.ended = count == 0;
        Ok(())
    }

    /// Reads the next record into `record`; false at the end of the file.
    pub(crate) fn read(&mut self, record: &mut Record) -> Result<bool, PackageError> {
        record.clear(self.line);
        let mut state = State::FieldStart;
        let mut started = false;
        loop {
            if self.position == self.buffer.len() {
                if !self.ended {
                    self.fill_more()?;
                }
                if self.ended {
                    return self.finish(record, state, started);
                }
            }
            started = true;
            state = match state {
                State::FieldStart if self.buffer[self.position] == b'"' => {
                    self.position += 1;
                    State::Quoted
                }
                State::FieldStart | State::Plain => self.plain(record)?,
                State::Quoted => self.quoted(record)?,
                State::QuotedReturn => {
                    if self.buffer[self.position] == b'\n' {
                        self.position += 1;
                    }
                    self.push(record, b"\n")?;
                    self.line += 1;
                    State::Quoted
                }
                State::QuoteInQuoted => match self.buffer[self.position] {
                    b'"' => {
                        self.position += 1;
                        self.push(record, b"\"")?;
                        State::Quoted
                    }
                    // The separators mean here what they mean after an unquoted field.
                    b',' | b'\r' | b'\n' => State::Plain,
                    _ => {
                        let field = record.len();
                        record.oddities.stray_quote.get_or_insert(field);
                        State::Plain
                    }
                },
                State::Return => {
                    if self.buffer[self.position] == b'\n' {
                        self.position += 1;
                    } else {
                        record.oddities.bare_return = true;
                    }
                    self.line += 1;
                    State::Done
                }
                State::Done => State::Done,
            };
            if state == State::Done {
                return self.complete();
            }
        }
    }

    fn plain(&mut self, record: &mut Record) -> Result<State, PackageError> {
        let chunk = &self.buffer[self.position..];
        let stop = chunk.iter().position(|byte| matches!(byte, b',' | b'"' | b'\r' | b'\n'));
        let length = stop.unwrap_or(chunk.len());
        self.push_from_buffer(record, length)?;
        let Some(_) = stop else { return Ok(State::Plain) };
        let byte = self.buffer[self.position];
        self.position += 1;
        match byte {
            b'"' => {
                let field = record.len();
                record.oddities.stray_quote.get_or_insert(field);
                self.push(record, b"\"")?;
                Ok(State::Plain)
            }
            b',' => {
                self.end_field(record)?;
                Ok(State::FieldStart)
            }
            b'\r' => {
                self.end_field(record)?;
                Ok(State::Return)
            }
            _ => {
                self.end_field(record)?;
                self.line += 1;
                Ok(State::Done)
            }
        }
    }

    fn quoted(&mut self, record: &mut Record) -> Result<State, PackageError> {
        let chunk = &self.buffer[self.position..];
        let stop = chunk.iter().position(|byte| matches!(byte, b'"' | b'\r' | b'\n'));
        let length = stop.unwrap_or(chunk.len());
        self.push_from_buffer(record, length)?;
        let Some(_) = stop else { return Ok(State::Quoted) };
        let byte = self.buffer[self.position];
        self.position += 1;
        match byte {
            b'"' => Ok(State::QuoteInQuoted),
            b'\r' => {
                let field = record.len();
                record.oddities.carriage_return.get_or_insert(field);
                Ok(State::QuotedReturn)
            }
            _ => {
                self.line += 1;
                self.push(record, b"\n")?;
                Ok(State::Quoted)
            }
        }
    }

    fn finish(&mut self, record: &mut Record, state: State, started: bool) -> Result<bool, PackageError> {
        if !started {
            return Ok(false);
        }
        match state {
            State::Return => record.oddities.bare_return = true,
            State::Quoted | State::QuotedReturn => {
                record.oddities.unterminated = true;
                self.end_field(record)?;
            }
            State::FieldStart | State::Plain | State::QuoteInQuoted => self.end_field(record)?,
            State::Done => {}
        }
        self.complete()
    }

    fn complete(&mut self) -> Result<bool, PackageError> {
        self.rows += 1;
        let limit = self.input.limits().rows;
        if self.rows > limit {
            return Err(PackageError::TooManyRows { name: self.input.name().to_owned(), limit });
        }
        Ok(true)
    }

    fn end_field(&self, record: &mut Record) -> Result<(), PackageError> {
        record.ends.push(record.bytes.len());
        let limit = self.input.limits().columns;
        if record.ends.len() > limit {
            let name = self.input.name().to_owned();
            return Err(PackageError::TooManyColumns { name, line: record.line, limit });
        }
        Ok(())
    }

    fn push_from_buffer(&mut self, record: &mut Record, length: usize) -> Result<(), PackageError> {
        self.check_room(record, length)?;
        record.bytes.extend_from_slice(&self.buffer[self.position..self.position + length]);
        self.position += length;
        Ok(())
    }

    fn push(&self, record: &mut Record, bytes: &[u8]) -> Result<(), PackageError> {
        self.check_room(record, bytes.len())?;
        record.bytes.extend_from_slice(bytes);
        Ok(())
    }

    fn check_room(&self, record: &Record, more: usize) -> Result<(), PackageError> {
        let limits = self.input.limits();
        let field = record.bytes.len() - record.ends.last().copied().unwrap_or(0) + more;
        if field <= limits.field && record.bytes.len() + more <= limits.row {
            return Ok(());
        }
        let (name, line) = (self.input.name().to_owned(), record.line);
        Err(if field > limits.field {
            PackageError::FieldTooLong { name, line, limit: limits.field }
        } else {
            PackageError::RowTooLong { name, line, limit: limits.row }
        })
    }
}
