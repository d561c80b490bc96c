//! Which entries of a package are files of the standard.

use std::collections::BTreeMap;

use super::{
    deviation::{FILE_NAME_CASE, UNKNOWN_FILE},
    finding::{Findings, Mode, Place},
    package::Package,
    schema::File,
};

/// The data files of 1.2 and the manifest.
const MOST_FILES: usize = 22;

/// The data files and the manifest among the entries of a package.
#[derive(Debug)]
pub(crate) struct Contents {
    /// The place of the manifest among the entries.
    pub(crate) manifest: Option<usize>,
    /// The places of the data files.
    pub(crate) files: BTreeMap<File, usize>,
}

impl Contents {
    /// Finds them by name.
    pub(crate) fn find(package: &Package, findings: &mut Findings) -> Self {
        let names: Vec<&str> = package.names().collect();
        let mut contents = Self { manifest: None, files: BTreeMap::new() };
        if names.len() > MOST_FILES && findings.mode() == Mode::Strict {
            let message = "the package has more than 22 files";
            findings.error(
                "too_many_files",
                Place::file("package"),
                None,
                message,
                Some("the files of the standard only".into()),
            );
        }
        // Exact names first: a file of the right name is never displaced by one that is nearly so.
        for exact in [true, false] {
            for (entry, name) in names.iter().copied().enumerate() {
                let place = Place::file(name);
                let stem = name.strip_suffix(".csv");
                let exactly = stem == Some("manifest") || stem.and_then(File::from_name).is_some();
                if exactly != exact {
                    continue;
                }
                let lower = name.to_ascii_lowercase();
                let file = File::ALL.iter().copied().find(|file| file.file_name().to_ascii_lowercase() == lower);
                let (right, taken) = match file {
                    Some(file) => (file.file_name(), contents.files.contains_key(&file)),
                    None if lower == "manifest.csv" => ("manifest.csv", contents.manifest.is_some()),
                    None => {
                        let expected = "only files of the standard";
                        let _ = findings.deviation(&UNKNOWN_FILE, place, None, Some(expected.into()));
                        continue;
                    }
                };
                if taken {
                    let message = "two files differ only in the case of their names";
                    findings.error("file_name_repeated", place, None, message, Some(right.into()));
                    continue;
                }
                if !exact {
                    let _ = findings.deviation(&FILE_NAME_CASE, place, Some(name), Some(right.into()));
                }
                match file {
                    Some(file) => {
                        contents.files.insert(file, entry);
                    }
                    None => contents.manifest = Some(entry),
                }
            }
        }
        for name in package.passed_over() {
            let _ =
                findings.deviation(&UNKNOWN_FILE, Place::file(name), None, Some("only files of the standard".into()));
        }
        contents
    }
}
