//! What a roster's files may hold, read as an import reads it: entrances for the fuzzer (`fuzz/`), and for nobody else.
//!
//! Each takes whatever bytes there are, and holds what was understood to its rules: these panic when one is broken.

use std::{
    io::{Cursor, Write},
    ops::ControlFlow,
};

use zip::{CompressionMethod, ZipWriter, write::SimpleFileOptions};

use crate::oneroster::{COMMON, File, Limits, Mode, Package, Row, Settings, Version, read};

/// Bounds that a fuzzer reaches.
fn limits() -> Limits {
    Limits { archive: 1024 * 1024, entry: 4 * 1024 * 1024, total: 8 * 1024 * 1024, ..Limits::default() }
}

/// An archive: refused, or read to its end.
pub fn zip(bytes: &[u8]) {
    for mode in [Mode::Strict, Mode::Lenient] {
        if let Ok(package) = Package::from_archive(Box::new(Cursor::new(bytes.to_vec())), limits()) {
            look(package, mode);
        }
    }
}

/// One file of a package whose other files are as they should be. The first byte chooses the file and how it is read.
pub fn csv(bytes: &[u8]) {
    let Some((choice, content)) = bytes.split_first() else { return };
    let file = File::ALL[usize::from(*choice >> 2) % File::ALL.len()];
    let mode = if choice & 1 == 0 { Mode::Strict } else { Mode::Lenient };
    let version = if choice & 2 == 0 { Version::V1_2 } else { Version::V1_1 };
    let mut manifest = format!("propertyName,value\nmanifest.version,1.0\noneroster.version,{}\n", version.as_str());
    for known in File::of(version) {
        let state = if known == file { "bulk" } else { "absent" };
        manifest += &format!("file.{},{state}\n", known.name());
    }
    // Without its header a file is refused before a row of it is read: most of the time it has the right one.
    let mut rows = Vec::new();
    if !content.starts_with(b"sourcedId") && choice & 0x40 == 0 {
        let columns = COMMON.iter().chain(file.columns(version).unwrap_or_default()).map(|column| column.name);
        rows.extend_from_slice(columns.collect::<Vec<_>>().join(",").as_bytes());
        rows.push(b'\n');
    }
    rows.extend_from_slice(content);
    let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
    for (name, content) in [("manifest.csv", manifest.as_bytes()), (file.file_name(), rows.as_slice())] {
        let options = SimpleFileOptions::default().compression_method(CompressionMethod::Stored);
        if writer.start_file(name, options).is_err() || writer.write_all(content).is_err() {
            return;
        }
    }
    let Ok(archive) = writer.finish() else { return };
    if let Ok(package) = Package::from_archive(Box::new(Cursor::new(archive.into_inner())), limits()) {
        look(package, mode);
    }
}

fn look(package: Package, mode: Mode) {
    let mut rejected = 0;
    let report = read(package, &Settings::new(mode), &mut |row| {
        rejected += u64::from(matches!(row, Row::Rejected(_)));
        ControlFlow::Continue(())
    });
    let Ok(report) = report else { return };
    assert!(rejected == 0 || report.findings.has_errors(), "a row that is not handed on is explained");
    for file in &report.files {
        assert_eq!(file.rows, file.accepted + file.rejected + file.ignored, "every row became something");
    }
    let mut shown = report.findings.issues().iter().filter_map(|issue| issue.value.as_ref());
    assert!(
        shown.all(|text| text.chars().count() <= 80 && !text.contains(['\u{1b}', '\0'])),
        "what is shown is harmless"
    );
}
