//! Builds packages, sound ones and dirty ones.

use std::{
    collections::BTreeMap,
    fmt::Write as _,
    io::{Cursor, Write as _},
    ops::ControlFlow,
};

use zip::{ZipWriter, write::SimpleFileOptions};

use crate::oneroster::{
    File, FileMode, Findings, Limits, Package, PackageError, Report, Row, Settings, Severity, Version, read,
    schema::COMMON,
};

/// A package in memory: files by name.
#[derive(Debug, Clone, Default)]
pub(super) struct Fixture {
    pub(super) files: BTreeMap<String, Vec<u8>>,
}

impl Fixture {
    /// A sound bulk package of version 1.2: a school, a year, a course, a class, a teacher, a student.
    pub(super) fn v1_2() -> Self {
        let mut fixture = Self::default();
        fixture.rows(File::Orgs, Version::V1_2, &["school-1,,,North School,school,,"]);
        fixture.rows(File::AcademicSessions, Version::V1_2, &["year,,,2025,schoolYear,2024-08-01,2025-06-15,,2025"]);
        fixture.rows(File::Courses, Version::V1_2, &["course-1,,,year,Algebra,ALG,09,school-1,Mathematics,MATH"]);
        fixture.rows(
            File::Classes,
            Version::V1_2,
            &["class-1,,,Algebra A,09,course-1,A,scheduled,Room 1,school-1,year,Mathematics,MATH,1"],
        );
        fixture.rows(
            File::Users,
            Version::V1_2,
            &[
                "teacher-1,,,true,tina,{LDAP:tina},Tina,Tutor,,,tina@school.example,,,,,,,,,,school-1,",
                "student-1,,,true,sam,,Sam,Scholar,,,,,,,09,hunter2,,,,,school-1,they/them",
            ],
        );
        fixture.rows(
            File::Roles,
            Version::V1_2,
            &[
                "role-1,,,teacher-1,primary,teacher,2024-08-01,,school-1,",
                "role-2,,,student-1,primary,student,2024-08-01,2025-06-15,school-1,",
            ],
        );
        fixture.rows(
            File::Enrollments,
            Version::V1_2,
            &[
                "enrollment-1,,,class-1,school-1,teacher-1,teacher,true,2024-08-01,2025-06-15",
                "enrollment-2,,,class-1,school-1,student-1,student,false,2024-08-01,2025-06-15",
            ],
        );
        fixture.rows(
            File::Demographics,
            Version::V1_2,
            &["student-1,,,2010-02-28,other,,true,,,,,false,NZ,,Wellington,"],
        );
        fixture.manifest(Version::V1_2, FileMode::Bulk);
        fixture
    }

    /// A sound bulk package of version 1.1.
    pub(super) fn v1_1() -> Self {
        let mut fixture = Self::v1_2();
        fixture.files.remove("roles.csv");
        fixture.rows(
            File::Users,
            Version::V1_1,
            &[
                "teacher-1,,,true,school-1,administrator,tina,,Tina,Tutor,,,,,,,,",
                "student-1,,,true,\"school-1,school-2\",student,sam,,Sam,Scholar,,,,,,guardian-1,09,hunter2",
            ],
        );
        fixture.manifest(Version::V1_1, FileMode::Bulk);
        fixture
    }

    /// The header of a file and these rows.
    pub(super) fn rows(&mut self, file: File, version: Version, rows: &[&str]) {
        let columns = COMMON.iter().chain(file.columns(version).unwrap_or_default());
        let header = columns.map(|column| column.name).collect::<Vec<_>>().join(",");
        let text = std::iter::once(header.as_str()).chain(rows.iter().copied()).collect::<Vec<_>>().join("\n");
        self.text(file.file_name(), &format!("{text}\n"));
    }

    /// A manifest that tells the truth about the files, in this mode.
    pub(super) fn manifest(&mut self, version: Version, mode: FileMode) {
        let mode = if mode == FileMode::Delta { "delta" } else { "bulk" };
        let mut text = format!("propertyName,value\nmanifest.version,1.0\noneroster.version,{}\n", version.as_str());
        for file in File::of(version) {
            let value = if self.files.contains_key(file.file_name()) { mode } else { "absent" };
            writeln!(text, "file.{},{value}", file.name()).expect("a string takes text");
        }
        self.text("manifest.csv", &text);
    }

    pub(super) fn text(&mut self, name: &str, text: &str) {
        self.files.insert(name.to_owned(), text.as_bytes().to_vec());
    }

    /// Changes a text within a file; it must be there.
    pub(super) fn change(&mut self, name: &str, from: &str, to: &str) -> &mut Self {
        let text = String::from_utf8(self.files[name].clone()).expect("fixtures are text");
        assert!(text.contains(from), "{name} has no {from:?}");
        self.text(name, &text.replacen(from, to, 1));
        self
    }

    pub(super) fn zip(&self) -> Vec<u8> {
        let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
        for (name, bytes) in &self.files {
            writer.start_file(name.as_str(), SimpleFileOptions::default()).expect("a name of a fixture");
            writer.write_all(bytes).expect("memory takes bytes");
        }
        writer.finish().expect("memory takes bytes").into_inner()
    }

    pub(super) fn read(&self, settings: &Settings) -> (Vec<Row>, Report) {
        read_bytes(self.zip(), settings).expect("the package opens")
    }
}

/// Opens and reads a package in memory.
pub(super) fn read_bytes(bytes: Vec<u8>, settings: &Settings) -> Result<(Vec<Row>, Report), PackageError> {
    read_package(Package::from_archive(Box::new(Cursor::new(bytes)), Limits::default())?, settings)
}

pub(super) fn read_package(package: Package, settings: &Settings) -> Result<(Vec<Row>, Report), PackageError> {
    let mut rows = Vec::new();
    let report = read(package, settings, &mut |row| {
        rows.push(row);
        ControlFlow::Continue(())
    })?;
    Ok((rows, report))
}

/// Errors and warnings, one a line, for snapshots.
pub(super) fn listing(findings: &Findings) -> String {
    let mut text = String::new();
    for issue in findings.issues().iter().filter(|issue| issue.severity != Severity::Info) {
        let line = issue.line.map(|line| format!(":{line}")).unwrap_or_default();
        let column = issue.column.as_deref().map(|column| format!(" {column}")).unwrap_or_default();
        let value = issue.value.as_deref().map(|value| format!(" = {value:?}")).unwrap_or_default();
        let severity = if issue.severity == Severity::Error { "error" } else { "warning" };
        let expected = issue.expected.as_deref().unwrap_or("-");
        writeln!(text, "{severity} {} {}{line}{column}{value} | {expected}", issue.code, issue.file)
            .expect("a string takes text");
    }
    for repair in findings.repairs() {
        let line = repair.first.line.map(|line| format!(":{line}")).unwrap_or_default();
        let column = repair.first.column.as_deref().map(|column| format!(" {column}")).unwrap_or_default();
        let value = repair.first.value.as_deref().map(|value| format!(" = {value:?}")).unwrap_or_default();
        writeln!(text, "repair {} {}{line}{column}{value} x{}", repair.code, repair.file, repair.count)
            .expect("a string takes text");
    }
    text
}
