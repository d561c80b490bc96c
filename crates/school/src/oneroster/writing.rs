//! Writes the CSV files of a package into a zip archive whose bytes depend on nothing but its content.
//!
//! To the letter of version 1.2, as a bulk package. Whoever writes sees to it that values are those of the standard.

use std::{
    fs::File as DiskFile,
    io::{BufWriter, Write},
};

use zip::{CompressionMethod, DateTime, ZipWriter, result::ZipResult, write::SimpleFileOptions};

use super::{File, Version, header::METADATA};

/// A package being written.
pub(crate) struct Archive {
    zip: ZipWriter<BufWriter<DiskFile>>,
}

impl Archive {
    pub(crate) fn new(file: DiskFile) -> Self {
        Self { zip: ZipWriter::new(BufWriter::new(file)) }
    }

    /// Begins a file of any name.
    fn begin(&mut self, name: &str) -> ZipResult<()> {
        // The same time in every archive, the earliest that the format knows, and the same permissions.
        let options = SimpleFileOptions::default()
            .compression_method(CompressionMethod::Deflated)
            .last_modified_time(DateTime::DEFAULT)
            .unix_permissions(0o644);
        self.zip.start_file(name, options)
    }

    /// Writes the manifest: these files are bulk, all others absent.
    pub(crate) fn manifest(&mut self, bulk: &[File], system: &str) -> ZipResult<()> {
        self.begin("manifest.csv")?;
        let mut text = String::from("propertyName,value\nmanifest.version,1.0\noneroster.version,1.2\n");
        let mut files: Vec<File> = File::of(Version::V1_2).collect();
        files.sort_by_key(|file| file.name());
        for file in files {
            let mode = if bulk.contains(&file) { "bulk" } else { "absent" };
            text.extend(["file.", file.name(), ",", mode, "\n"]);
        }
        text.extend(["source.systemName,", system, "\n"]);
        self.write(text.as_bytes())
    }

    /// Begins a data file with its header: the standard's columns, then extensions of these names.
    pub(crate) fn data_file(&mut self, file: File, extensions: &[String]) -> ZipResult<()> {
        self.begin(file.file_name())?;
        let mut header = Lines::default();
        header.bytes.extend_from_slice(b"sourcedId,status,dateLastModified");
        for column in file.columns(Version::V1_2).unwrap_or_default() {
            header.field(column.name);
        }
        for extension in extensions {
            header.field(&format!("{METADATA}{extension}"));
        }
        header.end();
        self.write(&header.bytes)
    }

    /// Begins a data file whose rows are written one by one.
    pub(crate) fn sheet(&mut self, file: File) -> ZipResult<Sheet<'_>> {
        self.data_file(file, &[])?;
        Ok(Sheet { archive: self, lines: Lines::default(), rows: 0 })
    }

    /// Goes on with the file that was begun last. The archive deflates at each call: give it more than a line at a time.
    pub(crate) fn write(&mut self, bytes: &[u8]) -> ZipResult<()> {
        self.zip.write_all(bytes)?;
        Ok(())
    }

    pub(crate) fn finish(self) -> ZipResult<DiskFile> {
        let buffered = self.zip.finish()?;
        Ok(buffered.into_inner().map_err(std::io::IntoInnerError::into_error)?)
    }
}

/// Rows of a bulk data file, as bytes.
#[derive(Debug, Default)]
pub(crate) struct Lines {
    bytes: Vec<u8>,
}

impl Lines {
    /// Begins a row: the id, then an empty status and date. Each field of its own follows, then the end.
    pub(crate) fn begin(&mut self, sourced_id: &str) {
        self.put(sourced_id);
        self.bytes.extend_from_slice(b",,");
    }

    /// The next field.
    pub(crate) fn field(&mut self, text: &str) {
        self.bytes.push(b',');
        self.put(text);
    }

    /// Ends the row.
    pub(crate) fn end(&mut self) {
        self.bytes.push(b'\n');
    }

    pub(crate) fn into_bytes(self) -> Vec<u8> {
        self.bytes
    }

    fn put(&mut self, text: &str) {
        if !text.contains([',', '"', '\n', '\r']) {
            self.bytes.extend_from_slice(text.as_bytes());
            return;
        }
        self.bytes.push(b'"');
        self.bytes.extend_from_slice(text.replace('"', "\"\"").as_bytes());
        self.bytes.push(b'"');
    }
}

/// Bytes that are deflated at once.
const ENOUGH: usize = 32 * 1024;

/// A data file being written row by row.
pub(crate) struct Sheet<'a> {
    archive: &'a mut Archive,
    lines: Lines,
    rows: u64,
}

impl Sheet<'_> {
    /// Writes a row of a bulk file: the id, empty status and date, then the file's own columns.
    pub(crate) fn row(&mut self, sourced_id: &str, own: &[&str]) -> ZipResult<()> {
        self.lines.begin(sourced_id);
        for field in own {
            self.lines.field(field);
        }
        self.lines.end();
        self.rows += 1;
        if self.lines.bytes.len() >= ENOUGH { self.flush() } else { Ok(()) }
    }

    fn flush(&mut self) -> ZipResult<()> {
        self.archive.write(&self.lines.bytes)?;
        self.lines.bytes.clear();
        Ok(())
    }

    /// Ends the file; gives the number of its rows.
    pub(crate) fn end(mut self) -> ZipResult<u64> {
        self.flush()?;
        Ok(self.rows)
    }
}
