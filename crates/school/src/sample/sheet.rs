//! Writes the CSV files of a package into a zip archive whose bytes depend on nothing but its content.

use std::{
    fs::File as DiskFile,
    io::{BufWriter, Write},
};

use zip::{CompressionMethod, DateTime, ZipWriter, result::ZipResult, write::SimpleFileOptions};

use crate::oneroster::{File, Version};

/// A package being written.
pub(super) struct Archive {
    zip: ZipWriter<BufWriter<DiskFile>>,
}

impl Archive {
    pub(super) fn new(file: DiskFile) -> Self {
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
    pub(super) fn manifest(&mut self, bulk: &[File], system: &str) -> ZipResult<()> {
        self.begin("manifest.csv")?;
        let mut text = String::from("propertyName,value\nmanifest.version,1.0\noneroster.version,1.2\n");
        let mut files: Vec<File> = File::of(Version::V1_2).collect();
        files.sort_by_key(|file| file.name());
        for file in files {
            let mode = if bulk.contains(&file) { "bulk" } else { "absent" };
            text.extend(["file.", file.name(), ",", mode, "\n"]);
        }
        text.extend(["source.systemName,", system, "\n"]);
        self.zip.write_all(text.as_bytes())?;
        Ok(())
    }

    /// Begins a data file with its header.
    pub(super) fn sheet(&mut self, file: File) -> ZipResult<Sheet<'_>> {
        self.begin(file.file_name())?;
        let own = file.columns(Version::V1_2).unwrap_or_default();
        let mut sheet = Sheet { zip: &mut self.zip, line: Vec::new(), rows: 0 };
        let names: Vec<&str> = own.iter().map(|column| column.name).collect();
        sheet.line.extend_from_slice(b"sourcedId,status,dateLastModified");
        sheet.finish_line(&names)?;
        Ok(sheet)
    }

    pub(super) fn finish(self) -> ZipResult<DiskFile> {
        let buffered = self.zip.finish()?;
        Ok(buffered.into_inner().map_err(std::io::IntoInnerError::into_error)?)
    }
}

/// The archive deflates at each call: give it more than a line at a time.
const ENOUGH: usize = 32 * 1024;

/// A data file being written.
pub(super) struct Sheet<'a> {
    zip: &'a mut ZipWriter<BufWriter<DiskFile>>,
    line: Vec<u8>,
    rows: u64,
}

impl Sheet<'_> {
    /// Writes a row of a bulk file: the id, empty status and date, then the file's own columns.
    pub(super) fn row(&mut self, sourced_id: &str, own: &[&str]) -> ZipResult<()> {
        self.field(sourced_id);
        self.line.extend_from_slice(b",,");
        self.rows += 1;
        self.finish_line(own)
    }

    fn finish_line(&mut self, fields: &[&str]) -> ZipResult<()> {
        for field in fields {
            self.line.push(b',');
            self.field(field);
        }
        self.line.push(b'\n');
        if self.line.len() >= ENOUGH {
            self.flush()?;
        }
        Ok(())
    }

    fn field(&mut self, text: &str) {
        if !text.contains([',', '"', '\n', '\r']) {
            self.line.extend_from_slice(text.as_bytes());
            return;
        }
        self.line.push(b'"');
        self.line.extend_from_slice(text.replace('"', "\"\"").as_bytes());
        self.line.push(b'"');
    }

    fn flush(&mut self) -> ZipResult<()> {
        self.zip.write_all(&self.line)?;
        self.line.clear();
        Ok(())
    }

    /// Ends the file; gives the number of its rows.
    pub(super) fn end(mut self) -> ZipResult<u64> {
        self.flush()?;
        Ok(self.rows)
    }
}
