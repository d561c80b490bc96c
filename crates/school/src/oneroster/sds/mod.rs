//! Microsoft School Data Sync 2.1: a folder or zip of its files becomes a OneRoster package, in bulk, and is read as one.
//!
//! What its files say and OneRoster has no place for (flags such as `freeLunch`) is left out. What OneRoster needs and its files
//! do not have follows from what they do:
//!
//! | OneRoster | from |
//! |---|---|
//! | ids of roles and enrollments | what they tie together |
//! | a person's grades and primary organisation | `roles.csv` |
//! | a person's agents | `relationships.csv`; whoever acts for somebody also has that role in the organisations where the person has one |
//! | the school of an enrollment | the class |
//! | the course of a class that has none | the class: a course of its own |
//! | one primary role in an organisation | the first one there |
//!
//! Rows stand in the order of the files they came from. Dates are taken as they are.

mod table;
mod write;

use std::{collections::HashMap, fs::File as DiskFile, io::Seek};

use zip::result::{ZipError, ZipResult};

use super::{Limits, Package, PackageError};
use table::Table;

/// Why files are not taken for those of School Data Sync.
#[derive(Debug, thiserror::Error)]
pub enum SdsError {
    /// They cannot be read.
    #[error(transparent)]
    Package(#[from] PackageError),
    /// A file is missing that there must be.
    #[error("there is no {0}, which School Data Sync 2.1 asks for")]
    FileMissing(&'static str),
    /// A column is missing that there must be.
    #[error("{file} has no column {column}")]
    ColumnMissing {
        /// The file.
        file: &'static str,
        /// Its column.
        column: &'static str,
    },
    /// What was made of them cannot be kept.
    #[error("the package made of these files cannot be written")]
    Write(#[source] ZipError),
}

impl SdsError {
    /// The stable name of this failure.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Package(error) => error.code(),
            Self::FileMissing(_) => "sds_file_missing",
            Self::ColumnMissing { .. } => "sds_column_missing",
            Self::Write(_) => "sds_not_written",
        }
    }
}

/// Makes a OneRoster package of files of School Data Sync, in an empty file that nobody else knows. Blocks.
pub fn from_sds(mut files: Package, target: DiskFile) -> Result<Package, SdsError> {
    let read = Files::read(&mut files)?;
    let mut file = write::write(&read, target).map_err(SdsError::Write)?;
    file.rewind().map_err(|error| SdsError::Write(ZipError::Io(error)))?;
    Ok(Package::from_archive(Box::new(file), Limits::default())?)
}

/// Everything there is, in memory: a district of two hundred thousand students takes some hundred megabytes.
struct Files {
    orgs: Table,
    users: Table,
    roles: Table,
    classes: Table,
    enrollments: Table,
    sessions: Table,
    courses: Table,
    demographics: Table,
    relationships: Table,
}

impl Files {
    fn read(files: &mut Package) -> Result<Self, SdsError> {
        let mut required = |name, columns: &'static [&'static str]| {
            Table::read(files, name, columns)?.ok_or(SdsError::FileMissing(name))
        };
        let orgs = required("orgs.csv", &["sourcedId", "name", "type"])?;
        let users = required("users.csv", &["sourcedId", "username"])?;
        let roles = required("roles.csv", &["userSourcedId", "orgSourcedId", "role"])?;
        let mut optional =
            |name, columns: &'static [&'static str]| Table::read(files, name, columns).map(Option::unwrap_or_default);
        Ok(Self {
            orgs,
            users,
            roles,
            classes: optional("classes.csv", &["sourcedId", "orgSourcedId", "title"])?,
            enrollments: optional("enrollments.csv", &["classSourcedId", "userSourcedId", "role"])?,
            sessions: optional("academicSessions.csv", &["sourcedId", "title", "type", "schoolYear"])?,
            courses: optional("courses.csv", &["sourcedId", "orgSourcedId", "title"])?,
            demographics: optional("demographics.csv", &["userSourcedId"])?,
            relationships: optional("relationships.csv", &["userSourcedId", "relationshipUserSourcedId"])?,
        })
    }

    /// Rows of a table by the value of a column.
    fn by<'a>(table: &'a Table, column: &str) -> HashMap<&'a str, Vec<table::Row<'a>>> {
        let mut rows: HashMap<&str, Vec<table::Row<'_>>> = HashMap::new();
        for row in table.rows() {
            rows.entry(row.get(column)).or_default().push(row);
        }
        rows
    }
}

/// The word of OneRoster for what School Data Sync calls somebody. Others become extensions.
fn role(word: &str) -> String {
    let known = match word.to_ascii_lowercase().as_str() {
        "student" => "student",
        "teacher" | "professor" | "faculty" | "lecturer" | "instructor" => "teacher",
        "parent" => "parent",
        "guardian" => "guardian",
        "relative" => "relative",
        "aide" | "teacherassistant" | "teacher assistant" => "aide",
        "proctor" => "proctor",
        "counselor" => "counselor",
        "principal" => "principal",
        "siteadministrator" | "administrator" | "schooladministrator" => "siteAdministrator",
        "districtadministrator" => "districtAdministrator",
        "systemadministrator" => "systemAdministrator",
        _ => return extended(word),
    };
    known.to_owned()
}

/// The same for what somebody is in a class.
fn role_in_class(word: &str) -> String {
    match role(word).as_str() {
        "siteAdministrator" => "administrator".to_owned(),
        known @ ("student" | "teacher" | "proctor") => known.to_owned(),
        _ => extended(word),
    }
}

/// The kind of an organisation.
fn org_type(word: &str) -> String {
    match word.to_ascii_lowercase().as_str() {
        known @ ("department" | "school" | "district" | "local" | "state" | "national") => known.to_owned(),
        _ => extended(word),
    }
}

fn extended(word: &str) -> String {
    if word.is_empty() || word.starts_with("ext:") { word.to_owned() } else { format!("ext:{word}") }
}

/// Nothing was written, or all of it.
type Written = ZipResult<DiskFile>;
