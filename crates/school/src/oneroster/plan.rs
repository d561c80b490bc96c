//! What will be read: the manifest's word held against the files that are there.

use serde::Serialize;

use super::{
    Settings,
    contents::Contents,
    date::{DateEvidence, DateOrder},
    deviation::{
        BYTE_ORDER_MARK, FILE_MARKED_ABSENT, MANIFEST_MISSING, NO_DATA_ROWS, TARGET_FILE_MISSING, UNKNOWN_FILE,
        USERS_VERSION,
    },
    finding::{Findings, Mode, Place},
    header::{Layout, read_header},
    manifest::{FileMode, Manifest, read_manifest, refuse_utf16},
    package::{Package, PackageError},
    record::{Opening, Record, RecordReader},
    schema::{Columns, File, Kind, Version, fold},
};

/// A file that will be read.
#[derive(Debug, Clone, Serialize)]
pub struct PlannedFile {
    /// Which file it is.
    pub file: File,
    /// Its name as in the package.
    pub name: String,
    /// Bulk or delta.
    pub mode: FileMode,
    /// Whether rows can be found in it. When not, an error says why; its CSV is still looked at for further faults.
    pub readable: bool,
    /// The version whose columns it has.
    pub version: Version,
    #[serde(skip)]
    pub(crate) entry: usize,
    #[serde(skip)]
    pub(crate) layout: Option<Layout>,
}

/// What a package holds, known before its rows are read.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Plan {
    /// The version of the standard; nothing when the package cannot be understood at all.
    pub version: Option<Version>,
    /// The files that will be read, in this order. What is not here is absent: nothing changes on its account.
    pub files: Vec<PlannedFile>,
    /// The sending system's name.
    pub source_system_name: Option<String>,
    /// The sending system's code.
    pub source_system_code: Option<String>,
    /// The order of day and month in dates that do not tell it themselves (lenient mode only).
    pub date_order: Option<DateOrder>,
}

impl Plan {
    /// What a file is.
    pub fn mode(&self, file: File) -> FileMode {
        self.files.iter().find(|planned| planned.file == file).map_or(FileMode::Absent, |planned| planned.mode)
    }

    /// Whether roles are derived from the rows of `users.csv`, as in 1.1. Then the roles that follow a user are all the
    /// roles of that user, also in a delta.
    pub fn roles_follow_users(&self) -> bool {
        self.files.iter().any(|planned| planned.file == File::Users && planned.version == Version::V1_1)
    }
}

/// Reads the manifest, the headers and, in lenient mode, the dates.
pub(crate) fn plan(package: &mut Package, settings: &Settings, findings: &mut Findings) -> Result<Plan, PackageError> {
    let names: Vec<String> = package.names().map(str::to_owned).collect();
    let contents = Contents::find(package, findings);
    let manifest = match contents.manifest {
        Some(entry) => {
            let opened = RecordReader::new(package.read(entry)?)?;
            match read_manifest(opened, &names[entry], findings)? {
                Ok(manifest) => manifest,
                Err(_) => return Ok(Plan::default()),
            }
        }
        None => match assume_manifest(package, &contents, findings)? {
            Some(manifest) => manifest,
            None => return Ok(Plan::default()),
        },
    };
    let users_version = users_version(package, &contents, &manifest, &names, findings)?;
    // Users in the form of 1.2 mean a package of 1.2, with roles; users in the form of 1.1 bring their roles along.
    let version = if users_version == Version::V1_2 { Version::V1_2 } else { manifest.version };
    let modes = settle_modes(version, &manifest, &contents, &names, findings);
    let mut plan = Plan {
        version: Some(version),
        source_system_name: manifest.system_name,
        source_system_code: manifest.system_code,
        ..Plan::default()
    };
    check_targets(version, &modes, findings);
    for (file, mode) in modes.into_iter().filter(|(_, mode)| *mode != FileMode::Absent) {
        let Some(&entry) = contents.files.get(&file) else { continue };
        let version = if file == File::Users { users_version } else { version };
        let Some(columns) = file.columns(version) else { continue };
        let mut planned =
            PlannedFile { file, name: names[entry].clone(), mode, readable: false, version, entry, layout: None };
        match look_inside(package, &planned, Columns::new(columns), findings)? {
            Inside::Rows(layout) => {
                planned.readable = true;
                planned.layout = layout;
                plan.files.push(planned);
            }
            Inside::Unreadable => plan.files.push(planned),
            Inside::Empty => {}
        }
    }
    plan.date_order = settings.date_order;
    if settings.mode == Mode::Lenient && plan.date_order.is_none() {
        plan.date_order = learn_date_order(package, &plan.files, findings)?;
    }
    Ok(plan)
}

/// Without a manifest a package is of version 1.0, which the strict reader does not take. The lenient reader takes what
/// is there for a full set, in the form that `users.csv` has.
fn assume_manifest(
    package: &mut Package,
    contents: &Contents,
    findings: &mut Findings,
) -> Result<Option<Manifest>, PackageError> {
    let place = Place::file("manifest.csv");
    let expected = || Some("manifest.csv, as in OneRoster 1.1 and 1.2".into());
    if findings.deviation(&MANIFEST_MISSING, place, None, expected()).is_err() {
        return Ok(None);
    }
    if !contents.files.keys().any(|file| file.is_roster()) {
        findings.error("package_empty", place, None, "the package has no file of the standard", expected());
        return Ok(None);
    }
    let version = match contents.files.get(&File::Users) {
        Some(&users) => sniff_users(package, users)?.unwrap_or(Version::V1_1),
        None if contents.files.contains_key(&File::Roles) => Version::V1_2,
        None => Version::V1_1,
    };
    let stated = contents.files.keys().map(|file| (*file, FileMode::Bulk)).collect();
    Ok(Some(Manifest { version, stated, system_name: None, system_code: None }))
}

/// The version whose columns `users.csv` has: 1.1 has the role and the orgs in it.
fn sniff_users(package: &mut Package, entry: usize) -> Result<Option<Version>, PackageError> {
    let (mut reader, _) = RecordReader::new(package.read(entry)?)?;
    let mut record = Record::default();
    if !reader.read(&mut record)? {
        return Ok(None);
    }
    let names: Vec<String> = record.fields().map(|field| fold(&String::from_utf8_lossy(field))).collect();
    let has = |name: &str| names.iter().any(|other| other == name);
    Ok(match (has("username"), has("role") && (has("orgsourcedids") || has("orgsourcedid"))) {
        (true, true) => Some(Version::V1_1),
        (true, false) => Some(Version::V1_2),
        (false, _) => None,
    })
}

fn users_version(
    package: &mut Package,
    contents: &Contents,
    manifest: &Manifest,
    names: &[String],
    findings: &mut Findings,
) -> Result<Version, PackageError> {
    let stated = manifest.version;
    let Some(&users) = contents.files.get(&File::Users) else { return Ok(stated) };
    if manifest.stated.get(&File::Users) == Some(&FileMode::Absent) {
        return Ok(stated);
    }
    let roles = contents.files.contains_key(&File::Roles);
    let found = match (stated, sniff_users(package, users)?) {
        (Version::V1_2, Some(Version::V1_1)) if !roles => Version::V1_1,
        (Version::V1_1, Some(Version::V1_2)) if roles => Version::V1_2,
        _ => return Ok(stated),
    };
    let expected = format!("the columns of OneRoster {}", stated.as_str());
    let place = Place::file(&names[users]);
    let decided = findings.deviation(&USERS_VERSION, place, None, Some(expected.into()));
    Ok(decided.map_or(stated, |()| found))
}

/// Holds what the manifest says of each file against what is there.
fn settle_modes(
    version: Version,
    manifest: &Manifest,
    contents: &Contents,
    names: &[String],
    findings: &mut Findings,
) -> Vec<(File, FileMode)> {
    let any_delta = manifest.stated.values().any(|mode| *mode == FileMode::Delta);
    let unstated = if any_delta { FileMode::Delta } else { FileMode::Bulk };
    let mut modes = Vec::new();
    for (file, entry) in File::ALL.iter().map(|file| (*file, contents.files.get(file))) {
        let name = entry.map_or(file.file_name(), |&entry| names[entry].as_str());
        let place = Place::file(name);
        if file.columns(version).is_none() {
            if entry.is_some() {
                let expected = format!("only files of OneRoster {}", version.as_str());
                let _ = findings.deviation(&UNKNOWN_FILE, place, None, Some(expected.into()));
            }
            continue;
        }
        let mode = match (manifest.stated.get(&file), entry) {
            (Some(FileMode::Absent), Some(_)) => {
                let expected = "no such file, or bulk or delta in the manifest";
                let _ = findings.deviation(&FILE_MARKED_ABSENT, place, None, Some(expected.into()));
                FileMode::Absent
            }
            (Some(FileMode::Bulk | FileMode::Delta), None) => {
                let message = "the manifest promises a file that is not in the package";
                let expected = Some("the file, or absent in the manifest".into());
                if file.is_roster() || findings.mode() == Mode::Strict {
                    findings.error("file_missing", place, None, message, expected);
                } else {
                    findings.warning("file_missing", place, None, message, expected);
                }
                FileMode::Absent
            }
            (Some(mode), _) => *mode,
            (None, Some(_)) => unstated,
            (None, None) => FileMode::Absent,
        };
        modes.push((file, mode));
    }
    modes
}

/// A bulk set is complete: what its rows must refer to is in it.
fn check_targets(version: Version, modes: &[(File, FileMode)], findings: &mut Findings) {
    let absent = |file: File| !modes.iter().any(|(other, mode)| *other == file && *mode != FileMode::Absent);
    for (file, _) in modes.iter().filter(|(_, mode)| *mode == FileMode::Bulk) {
        if !file.is_roster() && findings.mode() == Mode::Lenient {
            continue;
        }
        for column in file.columns(version).unwrap_or_default().iter().filter(|column| column.required) {
            let Some(target) = column.refers_to.filter(|target| absent(*target)) else { continue };
            let place = Place::file(file.file_name()).column(column.name);
            let expected = format!("{} in the package", target.file_name());
            let _ = findings.deviation(&TARGET_FILE_MISSING, place, None, Some(expected.into()));
        }
    }
}

/// What a first look at a file shows.
enum Inside {
    /// Rows, and where their columns are when the columns matter.
    Rows(Option<Layout>),
    /// Its header or encoding is at fault, which has been noted.
    Unreadable,
    /// No rows, which has been noted.
    Empty,
}

fn look_inside(
    package: &mut Package,
    planned: &PlannedFile,
    columns: Columns,
    findings: &mut Findings,
) -> Result<Inside, PackageError> {
    let name = planned.name.as_str();
    let place = Place::file(name);
    let (mut reader, opening) = RecordReader::new(package.read(planned.entry)?)?;
    // What is wrong with a file that is not imported is of interest only to those who asked for the letter.
    let checked = planned.file.is_roster() || findings.mode() == Mode::Strict;
    match opening {
        Opening::Utf16 if checked => {
            refuse_utf16(name, findings);
            return Ok(Inside::Unreadable);
        }
        Opening::ByteOrderMark => findings.repaired(&BYTE_ORDER_MARK, place, None),
        Opening::Utf16 | Opening::Plain => {}
    }
    let mut record = Record::default();
    let expected = || Some("a header and at least one row; without rows, absent in the manifest".into());
    if !reader.read(&mut record)? || record.is_empty_row() {
        let _ = findings.deviation(&NO_DATA_ROWS, place, None, expected());
        return Ok(Inside::Empty);
    }
    let layout = if checked { read_header(&record, columns, name, findings).map(Some) } else { Ok(None) };
    let mut widths = Vec::new();
    while widths.len() < 2 && reader.read(&mut record)? {
        if !record.is_empty_row() {
            widths.push(record.len());
        }
    }
    let Some(&width) = widths.first() else {
        let _ = findings.deviation(&NO_DATA_ROWS, place, None, expected());
        return Ok(Inside::Empty);
    };
    let Ok(mut layout) = layout else { return Ok(Inside::Unreadable) };
    if let Some(layout) = &mut layout {
        // A spreadsheet adds empty fields to all rows alike. One row alone that is too long has an unquoted comma in it,
        // and its values are in the wrong columns.
        let alike = widths.iter().all(|other| *other == width);
        layout.surplus = if alike { width.saturating_sub(layout.width) } else { 0 };
    }
    Ok(Inside::Rows(layout))
}

/// Looks through all dates of the package for one that tells the order they are written in.
fn learn_date_order(
    package: &mut Package,
    files: &[PlannedFile],
    findings: &mut Findings,
) -> Result<Option<DateOrder>, PackageError> {
    let mut evidence = DateEvidence::default();
    let mut record = Record::default();
    for planned in files.iter().filter(|planned| planned.file.is_roster()) {
        let Some(layout) = &planned.layout else { continue };
        let dated = layout.columns.iter().enumerate().filter_map(|(index, column)| {
            // In a bulk file dateLastModified is dropped, but it was written by the same hand.
            let used = match column.kind {
                Kind::Date => true,
                Kind::DateTime => planned.mode == FileMode::Delta,
                _ => return None,
            };
            Some((layout.place(index)?, used))
        });
        let fields: Vec<(usize, bool)> = dated.collect();
        let (mut reader, _) = RecordReader::new(package.read(planned.entry)?)?;
        while !fields.is_empty() && !evidence.is_contradictory() && reader.read(&mut record)? {
            for (field, used) in &fields {
                if let Some(Ok(text)) = record.field(*field).map(std::str::from_utf8) {
                    evidence.see(text, *used);
                }
            }
        }
    }
    let Some((order, witness)) = evidence.order() else { return Ok(None) };
    if evidence.is_needed() {
        let message = match order {
            DateOrder::DayFirst => "dates are read with the day first, because this one can only be meant so",
            DateOrder::MonthFirst => "dates are read with the month first, because this one can only be meant so",
        };
        let expected = Some("YYYY-MM-DD".into());
        findings.warning("date_order_assumed", Place::file("package"), Some(witness), message, expected);
    }
    Ok(Some(order))
}
