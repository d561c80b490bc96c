//! A package that is a folder of CSV files.

use std::{
    fs,
    io::{self, Read},
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
};

use super::{Entry, Limits, PackageError};

pub(super) struct Folder {
    path: PathBuf,
}

impl Folder {
    pub(super) fn open(path: &Path, limits: &Limits) -> Result<(Self, Vec<Entry>), PackageError> {
        let failed = |source| PackageError::Io { name: path.display().to_string(), source };
        let mut entries = Vec::new();
        for item in fs::read_dir(path).map_err(failed)? {
            let item = item.map_err(failed)?;
            if entries.len() == limits.entries {
                return Err(PackageError::TooManyEntries { limit: limits.entries });
            }
            let name = item.file_name();
            let Some(name) = name.to_str() else {
                return Err(PackageError::UnsafeName { name: name.to_string_lossy().chars().take(80).collect() });
            };
            // Does not follow a link: what is looked at is the link itself.
            let metadata = item.metadata().map_err(failed)?;
            if metadata.is_dir() {
                return Err(PackageError::UnsafeName { name: format!("{name}/") });
            }
            if !metadata.is_file() {
                return Err(PackageError::NotAFile { name: name.to_owned() });
            }
            let length = metadata.len();
            entries.push(Entry { name: name.to_owned(), index: 0, stored: None, declared: length, spent: 0 });
        }
        // The listing's order is the file system's whim; reports should not be.
        entries.sort_by(|a, b| a.name.cmp(&b.name));
        Ok((Self { path: path.to_owned() }, entries))
    }

    pub(super) fn read(&self, name: &str) -> Result<Box<dyn Read>, PackageError> {
        let failed = |source: io::Error| PackageError::Io { name: name.to_owned(), source };
        let path = self.path.join(name);
        let listed = fs::symlink_metadata(&path).map_err(failed)?;
        if !listed.is_file() {
            return Err(PackageError::NotAFile { name: name.to_owned() });
        }
        let file = fs::File::open(&path).map_err(failed)?;
        let opened = file.metadata().map_err(failed)?;
        // The name was made to lead elsewhere between the look and the opening.
        if (opened.dev(), opened.ino()) != (listed.dev(), listed.ino()) {
            return Err(PackageError::NotAFile { name: name.to_owned() });
        }
        Ok(Box::new(file))
    }
}
