//! `manifest.csv`: which version, and which files are absent, bulk or delta.

use std::collections::BTreeMap;

use serde::Serialize;

use super::{
    deviation::{
        BLANK_LINE, BYTE_ORDER_MARK, CSV_QUOTE, EMPTY_ROW, MANIFEST_FILE_UNSTATED, MANIFEST_HEADER,
        MANIFEST_PROPERTY_CASE, MANIFEST_PROPERTY_REPEATED, MANIFEST_PROPERTY_UNKNOWN, MANIFEST_VALUE_CASE,
        MANIFEST_VERSION, ONEROSTER_VERSION_SPELLING,
    },
    finding::{Findings, Mode, Place, Refused},
    package::PackageError,
    record::{Opening, Record, RecordReader},
    schema::{File, Version, fold},
    text::read_text,
};

/// What a file of the package is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum FileMode {
    /// Not there: nothing changes.
    Absent,
    /// The whole set: what is missing from it is deleted.
    Bulk,
    /// Changes only.
    Delta,
}

/// What the manifest says.
#[derive(Debug, Clone)]
pub(crate) struct Manifest {
    pub(crate) version: Version,
    /// Files it makes a statement on.
    pub(crate) stated: BTreeMap<File, FileMode>,
    pub(crate) system_name: Option<String>,
    pub(crate) system_code: Option<String>,
}

const VERSION: &str = "oneroster.version";
const MANIFEST_VERSION_PROPERTY: &str = "manifest.version";
const SYSTEM_NAME: &str = "source.systemName";
const SYSTEM_CODE: &str = "source.systemCode";

/// A property as it stands in the file.
struct Property {
    value: String,
    line: u64,
}

/// Reads the manifest. Without a version nothing in the package can be understood.
pub(crate) fn read_manifest(
    opened: (RecordReader<'_>, Opening),
    file: &str,
    findings: &mut Findings,
) -> Result<Result<Manifest, Refused>, PackageError> {
    let (mut reader, opening) = opened;
    match opening {
        Opening::Utf16 => return Ok(Err(refuse_utf16(file, findings))),
        Opening::ByteOrderMark => findings.repaired(&BYTE_ORDER_MARK, Place::file(file), None),
        Opening::Plain => {}
    }
    let mut record = Record::default();
    if !reader.read(&mut record)? {
        let message = "the manifest is empty";
        return Ok(Err(findings.error("manifest_empty", Place::file(file), None, message, Some(HEADER.into()))));
    }
    if check_header(&record, file, findings).is_err() && findings.mode() == Mode::Lenient {
        return Ok(Err(Refused));
    }
    let mut properties = BTreeMap::new();
    while reader.read(&mut record)? {
        // Each fault is noted; those that matter leave the property out, and its absence is noted in turn.
        let _ = read_property(&record, file, &mut properties, findings);
    }
    Ok(understand(&properties, file, findings))
}

const HEADER: &str = "propertyName,value";

pub(crate) fn refuse_utf16(file: &str, findings: &mut Findings) -> Refused {
    let message = "the file is UTF-16";
    findings.error(
        "encoding_utf16",
        Place::file(file),
        None,
        message,
        Some("UTF-8; in Excel, save as CSV UTF-8".into()),
    )
}

fn check_header(record: &Record, file: &str, findings: &mut Findings) -> Result<(), Refused> {
    let names: Vec<_> = record.fields().map(String::from_utf8_lossy).collect();
    if names == ["propertyName", "value"] {
        return Ok(());
    }
    let place = Place::line(file, record.line);
    let shown = names.join(",");
    if names.len() < 2 || fold(&names[0]) != "propertyname" {
        let message = "the manifest does not begin with its header";
        return Err(findings.error("manifest_header", place, Some(&shown), message, Some(HEADER.into())));
    }
    findings.deviation(&MANIFEST_HEADER, place, Some(&shown), Some(HEADER.into()))
}

fn read_property(
    record: &Record,
    file: &str,
    properties: &mut BTreeMap<&'static str, Property>,
    findings: &mut Findings,
) -> Result<(), Refused> {
    let place = Place::line(file, record.line);
    if record.oddities.unterminated {
        let message = "a quote is not closed before the file ends";
        return Err(findings.error("csv_unterminated_quote", place, None, message, None));
    }
    if record.oddities.stray_quote.is_some() {
        findings.deviation(&CSV_QUOTE, place, None, None)?;
    }
    if record.is_blank_line() {
        return findings.deviation(&BLANK_LINE, place, None, None);
    }
    if record.is_empty_row() {
        return findings.deviation(&EMPTY_ROW, place, None, None);
    }
    let surplus = record.fields().skip(2).any(|field| !field.is_empty());
    if record.len() < 2 || surplus || (record.len() > 2 && findings.mode() == Mode::Strict) {
        let message = "a row of the manifest has a name and a value";
        return Err(findings.error("manifest_row", place, None, message, Some(HEADER.into())));
    }
    let name = read_text(record.field(0).unwrap_or_default(), place, findings)?;
    let value = read_text(record.field(1).unwrap_or_default(), place, findings)?;
    let place = place.column(&name);
    let Some(known) = known_property(&name) else {
        let expected = "a property of the standard such as file.users";
        return findings.deviation(&MANIFEST_PROPERTY_UNKNOWN, place, Some(&value), Some(expected.into()));
    };
    if known != name {
        findings.deviation(&MANIFEST_PROPERTY_CASE, place, Some(&name), Some(known.into()))?;
    }
    if let Some(before) = properties.get(known) {
        if before.value == value {
            return findings.deviation(
                &MANIFEST_PROPERTY_REPEATED,
                place,
                Some(&value),
                Some("each property once".into()),
            );
        }
        let message = "the manifest gives this property twice, with two values";
        return Err(findings.error("manifest_property_contradictory", place, Some(&value), message, None));
    }
    properties.insert(known, Property { value: value.into_owned(), line: record.line });
    Ok(())
}

fn known_property(name: &str) -> Option<&'static str> {
    let files = File::ALL.iter().map(|file| file.property());
    let mut known = files.chain([VERSION, MANIFEST_VERSION_PROPERTY, SYSTEM_NAME, SYSTEM_CODE]);
    let folded = fold(name);
    known.find(|known| fold(known) == folded)
}

fn understand(
    properties: &BTreeMap<&'static str, Property>,
    file: &str,
    findings: &mut Findings,
) -> Result<Manifest, Refused> {
    let place = |name: &'static str, property: &Property| Place::line(file, property.line).column(name);
    match properties.get(MANIFEST_VERSION_PROPERTY) {
        Some(property) if property.value == "1.0" => {}
        other => {
            let place = other.map_or(Place::file(file), |property| place(MANIFEST_VERSION_PROPERTY, property));
            let value = other.map(|property| property.value.as_str());
            // Version 1.0 is the only one there is, so what is meant is plain.
            let _ = findings.deviation(&MANIFEST_VERSION, place, value, Some("1.0".into()));
        }
    }
    let Some(property) = properties.get(VERSION) else {
        let message = "the manifest does not say which version of OneRoster the package has";
        let place = Place::file(file).column(VERSION);
        return Err(findings.error("oneroster_version_missing", place, None, message, Some("1.1 or 1.2".into())));
    };
    let version = read_version(property, place(VERSION, property), findings)?;
    let mut stated = BTreeMap::new();
    for data_file in File::ALL.iter().copied() {
        let name = data_file.property();
        let property = properties.get(name);
        if data_file.columns(version).is_none() {
            if let Some(property) = property.filter(|property| fold(&property.value) != "absent") {
                let place = place(name, property);
                let expected = format!("no file that OneRoster {} does not have", version.as_str());
                let _ =
                    findings.deviation(&MANIFEST_PROPERTY_UNKNOWN, place, Some(&property.value), Some(expected.into()));
            }
            continue;
        }
        let expected = || Some("absent, bulk or delta".into());
        match property {
            None => {
                let _ = findings.deviation(&MANIFEST_FILE_UNSTATED, Place::file(file).column(name), None, expected());
            }
            Some(property) if property.value.is_empty() => {
                let _ = findings.deviation(&MANIFEST_FILE_UNSTATED, place(name, property), None, expected());
            }
            Some(property) => {
                if let Ok(mode) = read_mode(property, place(name, property), findings) {
                    stated.insert(data_file, mode);
                }
            }
        }
    }
    let source = |name| properties.get(name).map(|property| property.value.clone()).filter(|value| !value.is_empty());
    Ok(Manifest { version, stated, system_name: source(SYSTEM_NAME), system_code: source(SYSTEM_CODE) })
}

fn read_version(property: &Property, place: Place<'_>, findings: &mut Findings) -> Result<Version, Refused> {
    let value = property.value.as_str();
    let meant = match value {
        "1.1" => return Ok(Version::V1_1),
        "1.2" => return Ok(Version::V1_2),
        _ => match value.trim_start_matches(['v', 'V']) {
            "1.1" | "1.1.0" | "1,1" | "1p1" => Version::V1_1,
            "1.2" | "1.2.0" | "1.2.1" | "1,2" | "1p2" => Version::V1_2,
            _ => {
                let message = "this version of OneRoster is not supported";
                let expected = Some("1.1 or 1.2".into());
                return Err(findings.error("oneroster_version_unsupported", place, Some(value), message, expected));
            }
        },
    };
    findings.deviation(&ONEROSTER_VERSION_SPELLING, place, Some(value), Some(meant.as_str().into()))?;
    Ok(meant)
}

fn read_mode(property: &Property, place: Place<'_>, findings: &mut Findings) -> Result<FileMode, Refused> {
    let value = property.value.as_str();
    let exact = |value: &str| match value {
        "absent" => Some(FileMode::Absent),
        "bulk" => Some(FileMode::Bulk),
        "delta" => Some(FileMode::Delta),
        _ => None,
    };
    if let Some(mode) = exact(value) {
        return Ok(mode);
    }
    let expected = Some("absent, bulk or delta".into());
    let Some(mode) = exact(&fold(value)) else {
        let message = "the manifest does not say what this file is";
        return Err(findings.error("manifest_value_unknown", place, Some(value), message, expected));
    };
    findings.deviation(&MANIFEST_VALUE_CASE, place, Some(value), expected)?;
    Ok(mode)
}
