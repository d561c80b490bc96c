//! A package that is a zip archive.
//!
//! The zip library is lenient where archives are: it looks further back for a directory when the last one does not
//! parse, and it takes a directory of any length into memory. So the end record is read here first, and only an
//! archive whose directory is short, ends where the end record begins, and is the only candidate, reaches the library.

use std::{
    collections::BTreeSet,
    io::{Read, SeekFrom},
};

use zip::{CompressionMethod, ZipArchive, result::ZipError};

use super::{ArchiveBytes, Entry, Limits, PackageError};

const FIRST_RECORD: [u8; 4] = *b"PK\x03\x04";
const END_RECORD: [u8; 4] = *b"PK\x05\x06";
const END_RECORD_LENGTH: usize = 22;
const ENTRY_HEADER: [u8; 4] = *b"PK\x01\x02";
const ENTRY_HEADER_LENGTH: usize = 46;
const FINDER_FOLDER: &[u8] = b"__MACOSX/";
const LONGEST_COMMENT: usize = 65_535;
/// Name, extra field and comment of a directory entry may be 64 KiB each; names of a roster are not.
const DIRECTORY_ENTRY_LENGTH: usize = 1024;

pub(super) struct Archive {
    zip: ZipArchive<Box<dyn ArchiveBytes>>,
}

impl Archive {
    pub(super) fn open(
        mut bytes: Box<dyn ArchiveBytes>,
        limits: &Limits,
    ) -> Result<(Self, Vec<Entry>, Vec<String>), PackageError> {
        check_directory(&mut *bytes, limits)?;
        let mut zip = ZipArchive::new(bytes).map_err(|error| refuse("", error))?;
        let mut entries = Vec::with_capacity(zip.len());
        let mut passed_over = Vec::new();
        for index in 0..zip.len() {
            let raw = zip.by_index_data(index).map_err(|error| refuse("", error))?;
            // What the Finder adds to an archive says nothing about the roster, and its folder is the Finder's habit.
            if raw.name_raw().starts_with(FINDER_FOLDER) {
                passed_over.push(shown(raw.name_raw()));
            } else {
                entries.push(entry(&zip, index)?);
            }
        }
        if zip.has_overlapping_entries().map_err(|error| refuse("", error))? {
            return Err(PackageError::Overlap);
        }
        Ok((Self { zip }, entries, passed_over))
    }

    pub(super) fn read<'a>(&'a mut self, index: usize, name: &str) -> Result<Box<dyn Read + 'a>, PackageError> {
        Ok(Box::new(self.zip.by_index(index).map_err(|error| refuse(name, error))?))
    }
}

fn entry(zip: &ZipArchive<Box<dyn ArchiveBytes>>, index: usize) -> Result<Entry, PackageError> {
    let file = zip.by_index_data(index).map_err(|error| refuse("", error))?;
    let shown = || shown(file.name_raw());
    // What kind of thing it is comes first: a link named like a roster file is still a link.
    if file.is_symlink() || file.unix_mode().is_some_and(|mode| !matches!(mode & 0o170_000, 0 | 0o100_000 | 0o040_000))
    {
        return Err(PackageError::NotAFile { name: shown() });
    }
    let Ok(name) = std::str::from_utf8(file.name_raw()) else {
        return Err(PackageError::UnsafeName { name: shown() });
    };
    if file.is_dir() {
        return Err(PackageError::UnsafeName { name: shown() });
    }
    if file.encrypted() || !matches!(file.compression(), CompressionMethod::Stored | CompressionMethod::Deflated) {
        return Err(PackageError::Encoding { name: shown() });
    }
    Ok(Entry { name: name.to_owned(), index, stored: Some(file.compressed_size()), declared: file.size(), spent: 0 })
}

/// Reads the end record at the end of the file and holds it against the limits.
fn check_directory(bytes: &mut dyn ArchiveBytes, limits: &Limits) -> Result<(), PackageError> {
    let failed = |source| PackageError::Io { name: "archive".to_owned(), source };
    let length = bytes.seek(SeekFrom::End(0)).map_err(failed)?;
    if length > limits.archive {
        return Err(PackageError::ArchiveTooLarge { limit: limits.archive });
    }
    let tail_length = length.min((END_RECORD_LENGTH + LONGEST_COMMENT) as u64);
    let tail_start = length - tail_length;
    bytes.seek(SeekFrom::Start(tail_start)).map_err(failed)?;
    let mut tail = Vec::new();
    bytes.take(tail_length).read_to_end(&mut tail).map_err(failed)?;
    let at = tail.windows(END_RECORD.len()).rposition(|window| window == END_RECORD);
    let Some(at) = at else {
        let mut first = Vec::new();
        bytes.seek(SeekFrom::Start(0)).map_err(failed)?;
        bytes.take(FIRST_RECORD.len() as u64).read_to_end(&mut first).map_err(failed)?;
        return Err(if first == FIRST_RECORD { PackageError::CutOff } else { PackageError::NotAnArchive });
    };
    let record = &tail[at..];
    if record.len() < END_RECORD_LENGTH {
        return Err(PackageError::CutOff);
    }
    let short = |offset: usize| u16::from_le_bytes([record[offset], record[offset + 1]]);
    let long = |offset: usize| u64::from(u32::from_le_bytes([0, 1, 2, 3].map(|step| record[offset + step])));
    let (disk, directory_disk, here, count) = (short(4), short(6), short(8), short(10));
    let (directory_length, directory_start, comment) = (long(12), long(16), usize::from(short(20)));
    if record.len() != END_RECORD_LENGTH + comment {
        return Err(PackageError::UnusualArchive("something follows its end"));
    }
    if count == u16::MAX || directory_length == u64::from(u32::MAX) || directory_start == u64::from(u32::MAX) {
        return Err(PackageError::UnusualArchive("it is in the zip64 form, for sizes no roster has"));
    }
    if disk != 0 || directory_disk != 0 || here != count {
        return Err(PackageError::UnusualArchive("it is split in parts"));
    }
    if usize::from(count) > limits.entries {
        return Err(PackageError::TooManyEntries { limit: limits.entries });
    }
    if directory_length > (limits.entries * DIRECTORY_ENTRY_LENGTH) as u64 {
        return Err(PackageError::UnusualArchive("its directory is longer than the names in it need"));
    }
    if directory_start + directory_length != tail_start + at as u64 {
        return Err(PackageError::UnusualArchive("something precedes it or its directory"));
    }
    bytes.seek(SeekFrom::Start(directory_start)).map_err(failed)?;
    let mut directory = Vec::new();
    bytes.take(directory_length).read_to_end(&mut directory).map_err(failed)?;
    check_entries(&directory, count)
}

/// Walks the directory: it holds as many entries as the end record says, and no name twice. (The library keeps the
/// last of two equal names and forgets the first.)
fn check_entries(directory: &[u8], count: u16) -> Result<(), PackageError> {
    let mut rest = directory;
    let mut names = BTreeSet::new();
    for _ in 0..count {
        let Some((header, after)) = rest.split_at_checked(ENTRY_HEADER_LENGTH) else {
            return Err(PackageError::UnusualArchive("its directory is cut off"));
        };
        if !header.starts_with(&ENTRY_HEADER) {
            return Err(PackageError::UnusualArchive("its directory is damaged"));
        }
        let short = |offset: usize| usize::from(u16::from_le_bytes([header[offset], header[offset + 1]]));
        let (name, extra, comment) = (short(28), short(30), short(32));
        let (Some(name), Some(next)) = (after.get(..name), after.get(name + extra + comment..)) else {
            return Err(PackageError::UnusualArchive("its directory is cut off"));
        };
        if !names.insert(name) {
            return Err(PackageError::DuplicateName { name: shown(name) });
        }
        rest = next;
    }
    if rest.is_empty() { Ok(()) } else { Err(PackageError::UnusualArchive("its directory holds more than it says")) }
}

/// A name for a message: short, and nothing in it that a terminal would obey.
fn shown(name: &[u8]) -> String {
    String::from_utf8_lossy(name).chars().filter(|c| !c.is_control()).take(80).collect()
}

fn refuse(name: &str, error: ZipError) -> PackageError {
    match error {
        ZipError::Io(source) => PackageError::from_read(name, source),
        ZipError::UnsupportedArchive(_) => PackageError::Encoding { name: name.to_owned() },
        other => PackageError::Damaged { name: name.to_owned(), source: std::io::Error::other(other) },
    }
}
