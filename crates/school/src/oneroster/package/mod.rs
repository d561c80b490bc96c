//! A package as it lies on disk: a zip archive or a folder, opened with distrust and read as streams.
//!
//! Nothing is ever unpacked to disk, no name of an entry is ever used as a path except the checked plain names of a
//! folder's own listing, and every byte that comes out is counted against [`Limits`].

mod archive;
mod error;
mod folder;
mod limits;
mod metered;

use std::{
    collections::BTreeSet,
    fs,
    io::{Read, Seek},
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

pub use error::PackageError;
pub use limits::Limits;
pub(crate) use metered::Metered;

/// Bytes of an archive, wherever they come from.
pub trait ArchiveBytes: Read + Seek + Send {}
impl<T: Read + Seek + Send> ArchiveBytes for T {}

enum Source {
    Archive(archive::Archive),
    Folder(folder::Folder),
}

/// A file of the package.
#[derive(Debug, Clone)]
pub(crate) struct Entry {
    /// Its plain name, no folders.
    pub(crate) name: String,
    /// Its place in the archive's directory.
    index: usize,
    /// Bytes it takes in the archive.
    stored: Option<u64>,
    /// Bytes it says to have when decompressed; used for nothing but progress and early refusal.
    declared: u64,
    /// The most bytes that one reading of it has given so far.
    spent: u64,
}

/// An opened package.
pub struct Package {
    source: Source,
    entries: Vec<Entry>,
    /// Files that a system program added for itself; they are never read.
    passed_over: Vec<String>,
    limits: Limits,
    progress: Arc<AtomicU64>,
}

impl std::fmt::Debug for Package {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Package").field("entries", &self.entries).finish_non_exhaustive()
    }
}

impl Package {
    /// Opens a zip archive or a folder.
    pub fn open(path: &Path, limits: Limits) -> Result<Self, PackageError> {
        let name = || path.display().to_string();
        let metadata = match fs::metadata(path) {
            Ok(metadata) => metadata,
            Err(source) if source.kind() == std::io::ErrorKind::NotFound => return Err(PackageError::NotFound),
            Err(source) => return Err(PackageError::Io { name: name(), source }),
        };
        if metadata.is_dir() {
            let (folder, entries) = folder::Folder::open(path, &limits)?;
            return Self::checked(Source::Folder(folder), entries, Vec::new(), limits);
        }
        if !metadata.is_file() {
            return Err(PackageError::NotAFile { name: name() });
        }
        let file = fs::File::open(path).map_err(|source| PackageError::Io { name: name(), source })?;
        Self::from_archive(Box::new(file), limits)
    }

    /// Opens a zip archive from any bytes, such as an upload.
    pub fn from_archive(bytes: Box<dyn ArchiveBytes>, limits: Limits) -> Result<Self, PackageError> {
        let (archive, entries, passed_over) = archive::Archive::open(bytes, &limits)?;
        Self::checked(Source::Archive(archive), entries, passed_over, limits)
    }

    fn checked(
        source: Source,
        entries: Vec<Entry>,
        passed_over: Vec<String>,
        limits: Limits,
    ) -> Result<Self, PackageError> {
        if entries.len() > limits.entries {
            return Err(PackageError::TooManyEntries { limit: limits.entries });
        }
        let mut names = BTreeSet::new();
        for entry in &entries {
            check_name(&entry.name)?;
            if !names.insert(entry.name.as_str()) {
                return Err(PackageError::DuplicateName { name: entry.name.clone() });
            }
            if entry.declared > limits.entry {
                return Err(PackageError::EntryTooLarge { name: entry.name.clone(), limit: limits.entry });
            }
        }
        if entries.iter().fold(0u64, |sum, entry| sum.saturating_add(entry.declared)) > limits.total {
            return Err(PackageError::TotalTooLarge { limit: limits.total });
        }
        Ok(Self { source, entries, passed_over, limits, progress: Arc::default() })
    }

    /// The names of the files in it.
    pub fn names(&self) -> impl ExactSizeIterator<Item = &str> {
        self.entries.iter().map(|entry| entry.name.as_str())
    }

    /// Files in it that a system program added for itself. They are never read.
    pub fn passed_over(&self) -> &[String] {
        &self.passed_over
    }

    /// The bounds it is read under.
    pub const fn limits(&self) -> &Limits {
        &self.limits
    }

    /// A counter of the decompressed bytes read so far, to be watched from another thread.
    pub fn progress(&self) -> Arc<AtomicU64> {
        Arc::clone(&self.progress)
    }

    /// What [`Package::progress`] will reach when each file has been read once, as far as the package tells the truth.
    pub fn declared_bytes(&self) -> u64 {
        self.entries.iter().fold(0, |sum, entry| sum.saturating_add(entry.declared))
    }

    /// Sets the progress back to nothing, between two passes over the package.
    pub(crate) fn restart_progress(&self) {
        self.progress.store(0, Ordering::Relaxed);
    }

    /// Reads a file from its beginning.
    pub(crate) fn read(&mut self, index: usize) -> Result<Metered<'_>, PackageError> {
        let others = self.entries.iter().enumerate().filter(|(other, _)| *other != index);
        let spent_elsewhere = others.fold(0u64, |sum, (_, entry)| sum.saturating_add(entry.spent));
        let entry = &mut self.entries[index];
        let input: Box<dyn Read + '_> = match &mut self.source {
            Source::Archive(archive) => archive.read(entry.index, &entry.name)?,
            Source::Folder(folder) => folder.read(&entry.name)?,
        };
        Ok(Metered {
            input,
            name: &entry.name,
            stored: entry.stored,
            elsewhere: spent_elsewhere,
            longest: &mut entry.spent,
            read: 0,
            limits: &self.limits,
            progress: &self.progress,
        })
    }
}

/// A name is plain when it cannot mean a place, on any system.
fn check_name(name: &str) -> Result<(), PackageError> {
    let plain = !name.is_empty()
        && name.len() <= 255
        && name != "."
        && name != ".."
        && !name.contains(['/', '\\', ':'])
        && !name.chars().any(char::is_control);
    if plain {
        return Ok(());
    }
    let shown: String = name.chars().filter(|c| !c.is_control()).take(80).collect();
    Err(PackageError::UnsafeName { name: shown })
}
