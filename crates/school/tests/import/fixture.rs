//! Packages made line by line, and a platform to bring them into.

use std::{collections::BTreeMap, fmt::Write as _, io::Write as _, sync::Arc};

use cloister_school::{
    School,
    import::{ImportReport, ImportSettings, import},
    oneroster::{File, Limits, Package, Severity, Version},
};
use cloister_tenancy::{Module, Result, TenantEntry};
use cloister_testkit::{TestPlatform, TestSettings};
use zip::{ZipWriter, write::SimpleFileOptions};

/// A platform whose tenants are schools.
pub(crate) async fn platform() -> TestPlatform {
    let modules: Vec<Arc<dyn Module>> = vec![Arc::new(School)];
    TestPlatform::with(TestSettings { modules, ..TestSettings::default() }).await
}

/// Brings a package in, as somebody with every permission.
pub(crate) async fn bring(
    platform: &TestPlatform,
    tenant: &Arc<TenantEntry>,
    package: &Fixture,
    settings: &ImportSettings,
) -> Result<ImportReport> {
    import(&platform.tenancy, &platform.cx(tenant), package.open(), settings, &()).await
}

/// Files of a package by name.
#[derive(Debug, Clone)]
pub(crate) struct Fixture {
    pub(crate) version: Version,
    pub(crate) mode: &'static str,
    pub(crate) files: BTreeMap<File, Vec<String>>,
    /// Names of extension columns.
    pub(crate) extensions: BTreeMap<File, Vec<String>>,
}

impl Fixture {
    /// Nothing but a manifest.
    pub(crate) fn new(version: Version, mode: &'static str) -> Self {
        Self { version, mode, files: BTreeMap::new(), extensions: BTreeMap::new() }
    }

    /// A district with a school, a year with a term, a course, two classes, a teacher, two students and a guardian.
    pub(crate) fn school() -> Self {
        let mut package = Self::new(Version::V1_2, "bulk");
        package
            .rows(File::Orgs, &["district,,,North District,district,,", "school,,,North School,school,17,district"])
            .rows(
                File::AcademicSessions,
                &[
                    "year,,,2025/26,schoolYear,2025-08-01,2026-07-01,,2026",
                    "autumn,,,Autumn,term,2025-08-01,2025-12-20,year,2026",
                ],
            )
            .rows(File::Courses, &["algebra,,,year,Algebra,ALG,\"09,10\",school,Mathematics,MATH"])
            .rows(
                File::Classes,
                &[
                    "class-a,,,Algebra A,09,algebra,A,scheduled,Room 1,school,\"year,autumn\",Mathematics,MATH,1",
                    "class-b,,,Algebra B,09,algebra,B,scheduled,,school,year,,,",
                ],
            )
            .rows(
                File::Users,
                &[
                    "tina,,,true,tina,\"{LDAP:tina},{SIS:7}\",Tina,Tutor,,,tina@school.example,,,,,,,,,,school,",
                    "sam,,,true,sam,,Sam,O'Neill,,,,,,grace,09,,,,,,school,they/them",
                    "kim,,,true,kim,,Kim,Łukasz,,,,,,\"grace,sam\",09,,,,,,school,",
                    "grace,,,false,grace,,Grace,Scholar,,,,,,,,,,,,,,",
                ],
            )
            .rows(
                File::Roles,
                &[
                    "role-tina,,,tina,primary,teacher,2025-08-01,,school,",
                    "role-sam,,,sam,primary,student,2025-08-01,2026-07-01,school,",
                    "role-kim,,,kim,primary,student,2025-08-01,2026-07-01,school,",
                    "role-grace,,,grace,primary,guardian,,,school,",
                ],
            )
            .rows(
                File::Enrollments,
                &[
                    "enr-tina,,,class-a,school,tina,teacher,true,2025-08-01,2026-07-01",
                    "enr-sam,,,class-a,school,sam,student,false,2025-08-01,2026-07-01",
                    "enr-kim,,,class-a,school,kim,student,false,2025-08-01,2026-07-01",
                    "enr-kim-b,,,class-b,school,kim,student,false,,",
                ],
            )
            .rows(
                File::Demographics,
                &["sam,,,2010-02-28,other,,true,,,,,false,NZ,,Wellington,", "kim,,,2010-03-01,female,,,,,,,,,,,"],
            );
        package
    }

    /// Sets the rows of a file.
    pub(crate) fn rows(&mut self, file: File, rows: &[&str]) -> &mut Self {
        self.files.insert(file, rows.iter().map(|row| (*row).to_owned()).collect());
        self
    }

    /// Adds extension columns to the header of a file; rows have their values behind their own.
    pub(crate) fn extend(&mut self, file: File, names: &[&str]) -> &mut Self {
        let columns = names.iter().map(|name| format!("\"metadata.{name}\"")).collect();
        self.extensions.insert(file, columns);
        self
    }

    /// Changes a text within a file; it must be there.
    pub(crate) fn change(&mut self, file: File, from: &str, to: &str) -> &mut Self {
        let rows = self.files.get_mut(&file).expect("the file is there");
        let row = rows.iter_mut().find(|row| row.contains(from)).expect("the text is there");
        *row = row.replacen(from, to, 1);
        self
    }

    /// Leaves out the rows that begin with this.
    pub(crate) fn without(&mut self, file: File, beginning: &str) -> &mut Self {
        let rows = self.files.get_mut(&file).expect("the file is there");
        let before = rows.len();
        rows.retain(|row| !row.starts_with(beginning));
        assert!(rows.len() < before, "no row begins with {beginning}");
        self
    }

    /// Adds a row.
    pub(crate) fn add(&mut self, file: File, row: &str) -> &mut Self {
        self.files.entry(file).or_default().push(row.to_owned());
        self
    }

    /// As an archive in memory, opened.
    pub(crate) fn open(&self) -> Package {
        let mut writer = ZipWriter::new(std::io::Cursor::new(Vec::new()));
        let mut put = |name: &str, text: &str| {
            writer.start_file(name, SimpleFileOptions::default()).unwrap();
            writer.write_all(text.as_bytes()).unwrap();
        };
        let mut manifest = format!(
            "propertyName,value\nmanifest.version,1.0\noneroster.version,{}\nsource.systemName,Test\n",
            self.version.as_str()
        );
        for file in File::of(self.version) {
            let mode = if self.files.contains_key(&file) { self.mode } else { "absent" };
            writeln!(manifest, "file.{},{mode}", file.name()).unwrap();
        }
        put("manifest.csv", &manifest);
        for (file, rows) in &self.files {
            let columns = file.columns(self.version).unwrap_or_default().iter().map(|column| column.name);
            let extensions = self.extensions.get(file).into_iter().flatten().map(String::as_str);
            let common = ["sourcedId", "status", "dateLastModified"];
            let header: Vec<&str> = common.into_iter().chain(columns).chain(extensions).collect();
            put(file.file_name(), &format!("{}\n{}\n", header.join(","), rows.join("\n")));
        }
        let bytes = writer.finish().unwrap();
        Package::from_archive(Box::new(bytes), Limits::default()).unwrap()
    }
}

/// The counts of a report, a file a line.
pub(crate) fn counts(report: &ImportReport) -> String {
    let mut text = String::new();
    for file in &report.files {
        write!(text, "{}", file.file.name()).unwrap();
        for (name, count) in [
            ("created", file.created),
            ("changed", file.changed),
            ("unchanged", file.unchanged),
            ("removed", file.removed),
            ("kept", file.kept),
            ("skipped", file.skipped),
        ] {
            if count > 0 {
                write!(text, " {name} {count}").unwrap();
            }
        }
        text.push('\n');
    }
    text
}

/// Errors and warnings, one a line.
pub(crate) fn issues(report: &ImportReport) -> String {
    let mut text = String::new();
    for issue in report.issues.iter().filter(|issue| issue.severity != Severity::Info) {
        let severity = if issue.severity == Severity::Error { "error" } else { "warning" };
        let line = issue.line.map(|line| format!(":{line}")).unwrap_or_default();
        let column = issue.column.as_deref().unwrap_or("-");
        let value = issue.value.as_deref().unwrap_or("-");
        let expected = issue.expected.as_deref().unwrap_or("-");
        writeln!(text, "{severity} {} {}{line} {column} = {value} | {expected}", issue.code, issue.file).unwrap();
    }
    text
}

/// What is in a table of a tenant, seen past all walls: a line a row, made of `columns`.
pub(crate) async fn dump(platform: &TestPlatform, tenant: &TenantEntry, table: &str, columns: &str) -> Vec<String> {
    let placement = tenant.placement.as_ref().unwrap();
    let client = platform.admin(&placement.database).await;
    let text = format!(
        "select concat_ws('|', {columns}) from \"{}\".{table} t where tenant_id = $1 order by 1",
        placement.schema
    );
    client.query(&text, &[&tenant.id]).await.unwrap().iter().map(|row| row.get(0)).collect()
}
