//! Packages made to harm.

use std::{
    fs,
    io::{Cursor, Write as _},
    os::unix::fs::symlink,
    path::Path,
};

use zip::{ZipWriter, write::SimpleFileOptions};

use super::fixture::{Fixture, read_bytes, read_package};
use crate::oneroster::{Limits, Mode, Package, PackageError, Settings};

fn strict() -> Settings {
    Settings::new(Mode::Strict)
}

/// Opens and reads; gives the code of the refusal.
fn refusal(bytes: Vec<u8>) -> &'static str {
    under(bytes, Limits::default())
}

fn under(bytes: Vec<u8>, limits: Limits) -> &'static str {
    let opened = Package::from_archive(Box::new(Cursor::new(bytes)), limits);
    match opened.and_then(|package| read_package(package, &strict())) {
        Ok(_) => "accepted",
        Err(error) => error.code(),
    }
}

fn zip_of(names: &[&str]) -> Vec<u8> {
    let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
    for name in names {
        writer.start_file(*name, SimpleFileOptions::default()).expect("a name");
        writer.write_all(b"x").expect("memory takes bytes");
    }
    writer.finish().expect("memory takes bytes").into_inner()
}

fn replace(bytes: &mut [u8], from: &[u8], to: &[u8]) {
    assert_eq!(from.len(), to.len());
    let places: Vec<usize> = (0..bytes.len()).filter(|&at| bytes[at..].starts_with(from)).collect();
    assert!(!places.is_empty());
    for place in places {
        bytes[place..place + to.len()].copy_from_slice(to);
    }
}

#[test]
fn names_that_lead_elsewhere_are_refused() {
    for name in ["../users.csv", "/etc/users.csv", "a/users.csv", "..", "C:users.csv", "users.csv/"] {
        assert_eq!(refusal(zip_of(&[name])), "package_unsafe_name", "{name}");
    }
    let mut bytes = zip_of(&["x!users.csv", "y?users.csv"]);
    replace(&mut bytes, b"x!users.csv", b"x\\users.csv");
    assert_eq!(refusal(bytes.clone()), "package_unsafe_name");
    replace(&mut bytes, b"x\\users.csv", b"\0\x1busers.csv");
    assert_eq!(refusal(bytes), "package_unsafe_name");
    let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
    writer.add_directory("folder", SimpleFileOptions::default()).expect("a name");
    assert_eq!(refusal(writer.finish().expect("memory takes bytes").into_inner()), "package_unsafe_name");
}

#[test]
fn links_and_repeated_names_are_refused() {
    let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
    writer.add_symlink("users.csv", "/etc/passwd", SimpleFileOptions::default()).expect("a link");
    assert_eq!(refusal(writer.finish().expect("memory takes bytes").into_inner()), "package_not_a_file");
    let mut bytes = zip_of(&["users.csv", "usera.csv"]);
    replace(&mut bytes, b"usera.csv", b"users.csv");
    assert_eq!(refusal(bytes), "package_duplicate_name");
}

#[test]
fn what_the_finder_adds_is_passed_over() {
    let mut fixture = Fixture::v1_2();
    fixture.text("__MACOSX/._users.csv", "\0\0");
    let (rows, report) = fixture.read(&Settings::new(Mode::Lenient));
    assert_eq!(rows.len(), 11);
    assert!(!report.findings.has_errors());
    assert!(report.findings.repairs().any(|repair| repair.code == "unknown_file"));
    assert!(fixture.read(&strict()).1.findings.has_errors());
}

#[test]
fn a_bomb_is_stopped_while_it_grows() {
    let mut fixture = Fixture::v1_2();
    let rows = "a,,,A,school,,\n".repeat(200_000);
    let text = format!("sourcedId,status,dateLastModified,name,type,identifier,parentSourcedId\n{rows}");
    fixture.text("orgs.csv", &text);
    let mut bytes = fixture.zip();
    assert!(bytes.len() < 40_000, "{}", bytes.len());
    assert_eq!(refusal(bytes.clone()), "package_ratio_too_large");
    let patient = Limits { ratio: 10_000, ..Limits::default() };
    assert_eq!(under(bytes.clone(), patient.clone()), "accepted");
    assert_eq!(under(bytes.clone(), Limits { entry: 1_000_000, ..patient.clone() }), "package_entry_too_large");
    assert_eq!(under(bytes.clone(), Limits { total: 1_000_000, ..patient.clone() }), "package_total_too_large");
    assert_eq!(under(bytes.clone(), Limits { rows: 1000, ..patient.clone() }), "package_too_many_rows");
    // A size that is told wrongly helps nobody.
    let told = u32::try_from(text.len()).expect("a small size").to_le_bytes();
    replace(&mut bytes, &told, &1000u32.to_le_bytes());
    assert_eq!(refusal(bytes), "package_damaged");
}

#[test]
fn reading_a_file_twice_counts_once() {
    let fixture = Fixture::v1_2();
    let size: usize = fixture.files.values().map(Vec::len).sum();
    let total = u64::try_from(size).expect("a small size");
    assert_eq!(under(fixture.zip(), Limits { total, ..Limits::default() }), "accepted");
    assert_eq!(under(fixture.zip(), Limits { total: total - 1, ..Limits::default() }), "package_total_too_large");
}

#[test]
fn long_fields_rows_and_many_columns_are_refused() {
    let org = |name: &str| {
        let mut fixture = Fixture::v1_2();
        fixture.change("orgs.csv", "North School", name);
        fixture.zip()
    };
    assert_eq!(refusal(org(&"x".repeat(65_536))), "accepted");
    assert_eq!(refusal(org(&"x".repeat(65_537))), "package_field_too_long");
    assert_eq!(refusal(org(&format!("\"{}", "x\n".repeat(40_000)))), "package_field_too_long");
    let long = format!("{},", "x".repeat(60_000)).repeat(5);
    assert_eq!(refusal(org(&long)), "package_row_too_long");
    assert_eq!(refusal(org(&",".repeat(300))), "package_too_many_columns");
}

#[test]
fn many_files_are_refused() {
    let names: Vec<String> = (0..65).map(|number| format!("{number}.csv")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    assert_eq!(refusal(zip_of(&names)), "package_too_many_entries");
    assert_eq!(refusal(zip_of(&names[..64])), "accepted");
}

#[test]
fn archives_that_are_not_plain_are_refused() {
    assert_eq!(refusal(Vec::new()), "package_not_an_archive");
    assert_eq!(refusal(b"sourcedId,status\n".to_vec()), "package_not_an_archive");
    let bytes = Fixture::v1_2().zip();
    for left in [10, bytes.len() / 2, bytes.len() - 40, bytes.len() - 5] {
        assert_eq!(refusal(bytes[..left].to_vec()), "package_cut_off", "{left} of {}", bytes.len());
    }
    assert_eq!(refusal([b"#!/bin/sh\n".as_slice(), &bytes].concat()), "package_unusual_archive");
    assert_eq!(refusal([&bytes, b"more".as_slice()].concat()), "package_unusual_archive");
    assert_eq!(under(bytes.clone(), Limits { archive: 100, ..Limits::default() }), "package_too_large");
    // A wrong checksum is noticed.
    let mut damaged = bytes.clone();
    damaged[60] ^= 0xFF;
    assert!(matches!(refusal(damaged), "package_damaged" | "package_io"));
    let mut unknown = bytes;
    // The method of compression, in the local header and in the directory.
    let local = [b"PK\x03\x04".as_slice(), &[20, 0, 0, 0, 8, 0]].concat();
    if unknown.starts_with(&local) {
        unknown[8] = 12;
    }
    assert_ne!(refusal(unknown), "package_io");
}

#[test]
fn files_that_share_bytes_are_refused() {
    let bytes = zip_of(&["users.csv", "roles.csv"]);
    // The directory's second entry is made to point to the first file.
    let directory = bytes.windows(4).position(|window| window == b"PK\x01\x02").expect("a directory");
    let second = directory + 46 + "users.csv".len();
    let mut shared = bytes.clone();
    shared[second + 42..second + 46].copy_from_slice(&0u32.to_le_bytes());
    assert_eq!(refusal(shared), "package_overlap");
}

fn folder_of(fixture: &Fixture, folder: &Path) {
    for (name, bytes) in &fixture.files {
        fs::write(folder.join(name), bytes).expect("the file is written");
    }
}

#[test]
fn a_folder_is_as_good_as_an_archive_and_no_less_watched() {
    let folder = tempfile::tempdir().expect("a folder");
    folder_of(&Fixture::v1_2(), folder.path());
    let open = || Package::open(folder.path(), Limits::default());
    let (rows, _) = read_package(open().expect("it opens"), &strict()).expect("it reads");
    assert_eq!(rows, Fixture::v1_2().read(&strict()).0);

    let code = || open().map_err(|error: PackageError| error.code()).err();
    symlink("/etc/passwd", folder.path().join("results.csv")).expect("a link");
    assert_eq!(code(), Some("package_not_a_file"));
    fs::remove_file(folder.path().join("results.csv")).expect("the link goes");
    fs::create_dir(folder.path().join("more")).expect("a folder");
    assert_eq!(code(), Some("package_unsafe_name"));
    fs::remove_dir(folder.path().join("more")).expect("the folder goes");
    for number in 0..64 {
        fs::write(folder.path().join(format!("{number}.csv")), "").expect("a file");
    }
    assert_eq!(code(), Some("package_too_many_entries"));
}

#[test]
fn a_link_put_in_place_of_a_file_is_noticed() {
    let folder = tempfile::tempdir().expect("a folder");
    folder_of(&Fixture::v1_2(), folder.path());
    let package = Package::open(folder.path(), Limits::default()).expect("it opens");
    let users = folder.path().join("users.csv");
    fs::rename(&users, folder.path().join("elsewhere")).expect("the file moves");
    symlink("elsewhere", &users).expect("a link");
    let refused = read_package(package, &strict()).map_err(|error| error.code()).err();
    assert_eq!(refused, Some("package_not_a_file"));
}

#[test]
fn a_path_to_nothing_is_refused() {
    let refused = Package::open(Path::new("/nonexistent/package.zip"), Limits::default());
    assert_eq!(refused.map_err(|error| error.code()).err(), Some("package_not_found"));
    let device = Package::open(Path::new("/dev/null"), Limits::default());
    assert_eq!(device.map_err(|error| error.code()).err(), Some("package_not_a_file"));
}

#[test]
fn what_is_shown_holds_nothing_that_a_terminal_obeys() {
    let mut fixture = Fixture::v1_2();
    fixture.change("orgs.csv", "North School,school", "North School,\u{1b}[31mred");
    let (_, report) = read_bytes(fixture.zip(), &strict()).expect("it reads");
    assert!(!format!("{:?}", report.findings.issues()).contains('\u{1b}'));
    let shown = report.findings.issues().iter().find_map(|issue| issue.value.clone());
    assert_eq!(shown.as_deref(), Some("\u{FFFD}[31mred"));
}
