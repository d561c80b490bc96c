//! Why a package cannot be read at all. Faults inside its files are [`Issue`](crate::oneroster::Issue)s instead.

use std::io;

/// The whole package is refused.
#[derive(Debug, thiserror::Error)]
pub enum PackageError {
    /// The path leads to neither a file nor a folder.
    #[error("there is no package at this path")]
    NotFound,
    /// A file that is not a zip archive.
    #[error("this is not a zip archive; expected a `.zip` file or a folder with the CSV files in it")]
    NotAnArchive,
    /// The beginning of a zip archive.
    #[error("this zip archive is cut off: its end is missing; was it copied or sent whole?")]
    CutOff,
    /// A zip archive that this reader does not take apart: split, zip64, with something before or after it.
    #[error("this zip archive is not plain: {0}; make it again with an ordinary zip program")]
    UnusualArchive(&'static str),
    /// The archive is damaged.
    #[error("the archive is damaged in `{name}`")]
    Damaged {
        /// The file in the package.
        name: String,
        /// What the decoder said.
        #[source]
        source: io::Error,
    },
    /// A file that needs a password or a method other than DEFLATE.
    #[error("`{name}` is encrypted or compressed in a way other than DEFLATE")]
    Encoding {
        /// The file in the package.
        name: String,
    },
    /// A name that could lead out of the package, or a folder inside it.
    #[error("the name `{name}` is not allowed: all files lie at the root of the package, without folders")]
    UnsafeName {
        /// The name, cut short.
        name: String,
    },
    /// A symbolic link, a device, a pipe.
    #[error("`{name}` is not an ordinary file")]
    NotAFile {
        /// The file in the package.
        name: String,
    },
    /// Two files of one name.
    #[error("the package has two files named `{name}`")]
    DuplicateName {
        /// The file in the package.
        name: String,
    },
    /// Files that share bytes of the archive.
    #[error("files of this archive overlap: it was made to deceive")]
    Overlap,
    /// The package file is too large.
    #[error("the package is larger than {limit} bytes")]
    ArchiveTooLarge {
        /// The bound.
        limit: u64,
    },
    /// Too many files.
    #[error("the package has more than {limit} files")]
    TooManyEntries {
        /// The bound.
        limit: usize,
    },
    /// One file is too large after decompression.
    #[error("`{name}` is larger than {limit} bytes")]
    EntryTooLarge {
        /// The file in the package.
        name: String,
        /// The bound.
        limit: u64,
    },
    /// All files together are too large after decompression.
    #[error("the files of the package are together larger than {limit} bytes")]
    TotalTooLarge {
        /// The bound.
        limit: u64,
    },
    /// A file grows beyond reason when decompressed.
    #[error("`{name}` grows more than {limit} times when decompressed: a zip bomb")]
    RatioTooLarge {
        /// The file in the package.
        name: String,
        /// The bound.
        limit: u64,
    },
    /// A field is too long, often because a quote is missing.
    #[error("`{name}` line {line}: a field is longer than {limit} bytes; is a closing quote missing?")]
    FieldTooLong {
        /// The file in the package.
        name: String,
        /// The line the row begins on.
        line: u64,
        /// The bound.
        limit: usize,
    },
    /// A row is too long.
    #[error("`{name}` line {line}: the row is longer than {limit} bytes")]
    RowTooLong {
        /// The file in the package.
        name: String,
        /// The line the row begins on.
        line: u64,
        /// The bound.
        limit: usize,
    },
    /// A row has too many fields.
    #[error("`{name}` line {line}: the row has more than {limit} fields")]
    TooManyColumns {
        /// The file in the package.
        name: String,
        /// The line the row begins on.
        line: u64,
        /// The bound.
        limit: usize,
    },
    /// A file has too many rows.
    #[error("`{name}` has more than {limit} rows")]
    TooManyRows {
        /// The file in the package.
        name: String,
        /// The bound.
        limit: u64,
    },
    /// The file system failed.
    #[error("`{name}` cannot be read")]
    Io {
        /// The file or folder.
        name: String,
        /// What the system said.
        #[source]
        source: io::Error,
    },
}

impl PackageError {
    /// The stable name of this refusal.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::NotFound => "package_not_found",
            Self::NotAnArchive => "package_not_an_archive",
            Self::CutOff => "package_cut_off",
            Self::UnusualArchive(_) => "package_unusual_archive",
            Self::Damaged { .. } => "package_damaged",
            Self::Encoding { .. } => "package_encoding",
            Self::UnsafeName { .. } => "package_unsafe_name",
            Self::NotAFile { .. } => "package_not_a_file",
            Self::DuplicateName { .. } => "package_duplicate_name",
            Self::Overlap => "package_overlap",
            Self::ArchiveTooLarge { .. } => "package_too_large",
            Self::TooManyEntries { .. } => "package_too_many_entries",
            Self::EntryTooLarge { .. } => "package_entry_too_large",
            Self::TotalTooLarge { .. } => "package_total_too_large",
            Self::RatioTooLarge { .. } => "package_ratio_too_large",
            Self::FieldTooLong { .. } => "package_field_too_long",
            Self::RowTooLong { .. } => "package_row_too_long",
            Self::TooManyColumns { .. } => "package_too_many_columns",
            Self::TooManyRows { .. } => "package_too_many_rows",
            Self::Io { .. } => "package_io",
        }
    }

    /// Takes back the refusal that was carried through `Read`, or names the file the system failed on.
    pub(crate) fn from_read(name: &str, error: io::Error) -> Self {
        match error.downcast::<Self>() {
            Ok(refusal) => refusal,
            Err(error) => match error.kind() {
                io::ErrorKind::InvalidData | io::ErrorKind::UnexpectedEof | io::ErrorKind::InvalidInput => {
                    Self::Damaged { name: name.to_owned(), source: error }
                }
                _ => Self::Io { name: name.to_owned(), source: error },
            },
        }
    }
}
