//! The rows of the package.

use std::{
    collections::{HashMap, HashSet},
    fs::File as DiskFile,
};

use zip::result::ZipResult;

use super::{Files, Written, org_type, role, role_in_class, table::Row};
use crate::oneroster::{Archive, File, legal_sourced_id};

/// Writes all files that have rows.
pub(super) fn write(files: &Files, target: DiskFile) -> Written {
    let mut there = vec![File::Orgs, File::Users, File::Roles];
    let classes = [
        (File::AcademicSessions, !files.sessions.is_empty()),
        (File::Courses, !files.courses.is_empty() || !files.classes.is_empty()),
        (File::Classes, !files.classes.is_empty()),
        (File::Enrollments, !files.enrollments.is_empty()),
        (File::Demographics, !files.demographics.is_empty()),
    ];
    there.extend(classes.into_iter().filter(|(_, there)| *there).map(|(file, _)| file));
    let mut archive = Archive::new(target);
    archive.manifest(&there, "Microsoft School Data Sync")?;
    for file in there {
        match file {
            File::Orgs => orgs(files, &mut archive)?,
            File::AcademicSessions => sessions(files, &mut archive)?,
            File::Courses => courses(files, &mut archive)?,
            File::Classes => classes_held(files, &mut archive)?,
            File::Users => users(files, &mut archive)?,
            File::Roles => roles(files, &mut archive)?,
            File::Enrollments => enrollments(files, &mut archive)?,
            _ => demographics(files, &mut archive)?,
        }
    }
    archive.finish()
}

fn orgs(files: &Files, archive: &mut Archive) -> ZipResult<()> {
    let mut sheet = archive.sheet(File::Orgs)?;
    for row in files.orgs.rows() {
        let kind = org_type(row.get("type"));
        sheet.row(row.get("sourcedId"), &[row.get("name"), &kind, "", row.get("parentSourcedId")])?;
    }
    sheet.end().map(drop)
}

fn sessions(files: &Files, archive: &mut Archive) -> ZipResult<()> {
    let mut sheet = archive.sheet(File::AcademicSessions)?;
    for row in files.sessions.rows() {
        let own = ["title", "type", "startDate", "endDate", "parentSourcedId", "schoolYear"].map(|name| row.get(name));
        sheet.row(row.get("sourcedId"), &own)?;
    }
    sheet.end().map(drop)
}

/// The course of a class that has none.
fn own_course(class: &str) -> String {
    format!("{class}.course")
}

fn courses(files: &Files, archive: &mut Archive) -> ZipResult<()> {
    let mut sheet = archive.sheet(File::Courses)?;
    for row in files.courses.rows() {
        let own = [
            row.get("schoolYearSourcedId"),
            row.get("title"),
            row.get("code"),
            row.get("grade"),
            row.get("orgSourcedId"),
            row.get("subject"),
            "",
        ];
        sheet.row(row.get("sourcedId"), &own)?;
    }
    for row in files.classes.rows().filter(|row| row.get("courseSourcedId").is_empty()) {
        let own = ["", row.get("title"), row.get("code"), "", row.get("orgSourcedId"), "", ""];
        sheet.row(&own_course(row.get("sourcedId")), &own)?;
    }
    sheet.end().map(drop)
}

fn classes_held(files: &Files, archive: &mut Archive) -> ZipResult<()> {
    let mut sheet = archive.sheet(File::Classes)?;
    for row in files.classes.rows() {
        let id = row.get("sourcedId");
        let course = match row.get("courseSourcedId") {
            "" => own_course(id),
            course => course.to_owned(),
        };
        let (code, school, terms) = (row.get("code"), row.get("orgSourcedId"), row.get("sessionSourcedIds"));
        sheet.row(id, &[row.get("title"), "", &course, code, "scheduled", "", school, terms, "", "", ""])?;
    }
    sheet.end().map(drop)
}

/// Each once, in order.
fn distinct<'a>(values: impl Iterator<Item = &'a str>) -> Vec<&'a str> {
    let mut seen = Vec::new();
    for value in values.filter(|value| !value.is_empty()) {
        if !seen.contains(&value) {
            seen.push(value);
        }
    }
    seen
}

fn is_true(text: &str) -> bool {
    matches!(text.to_ascii_lowercase().as_str(), "true" | "1" | "yes")
}

/// The organisation of the role that is marked as primary, or else of the first.
fn primary_org<'a>(roles: &[Row<'a>]) -> &'a str {
    let marked = roles.iter().find(|row| is_true(row.get("isPrimary")));
    marked.or(roles.first()).map_or("", |row| row.get("orgSourcedId"))
}

fn users(files: &Files, archive: &mut Archive) -> ZipResult<()> {
    let mut sheet = archive.sheet(File::Users)?;
    let roles = Files::by(&files.roles, "userSourcedId");
    let relations = Files::by(&files.relationships, "userSourcedId");
    for row in files.users.rows() {
        let id = row.get("sourcedId");
        let roles = roles.get(id).map(Vec::as_slice).unwrap_or_default();
        let related = relations.get(id).map(Vec::as_slice).unwrap_or_default();
        let agents = distinct(related.iter().map(|row| row.get("relationshipUserSourcedId"))).join(",");
        let grades = distinct(roles.iter().map(|row| row.get("grade"))).join(",");
        let directory = row.get("activeDirectoryMatchId");
        let ids = if directory.is_empty() { String::new() } else { format!("{{ActiveDirectory:{directory}}}") };
        let username = row.get("username");
        // Somebody who has only to be matched may come without names.
        let named = |column| Some(row.get(column)).filter(|name| !name.is_empty()).unwrap_or(username);
        let own = [
            "true",
            username,
            &ids,
            named("givenName"),
            named("familyName"),
            row.get("middleName"),
            row.get("userNumber"),
            row.get("email"),
            row.get("sms"),
            row.get("phone"),
            &agents,
            &grades,
            "",
            "",
            row.get("preferredGivenName"),
            row.get("preferredMiddleName"),
            row.get("preferredFamilyName"),
            primary_org(roles),
            "",
        ];
        sheet.row(id, &own)?;
    }
    sheet.end().map(drop)
}

fn joined(parts: &[&str]) -> String {
    let parts: Vec<&str> = parts.iter().copied().filter(|part| !part.is_empty()).collect();
    legal_sourced_id(&parts.join(".")).into_owned()
}

fn roles(files: &Files, archive: &mut Archive) -> ZipResult<()> {
    let mut sheet = archive.sheet(File::Roles)?;
    // A person has one primary role in an organisation, and each id is there once.
    let (mut primary, mut written): (HashSet<(String, String)>, HashSet<String>) = (HashSet::new(), HashSet::new());
    let mut put = |id: String, user: &str, word: &str, span: (&str, &str), org: &str| {
        if !written.insert(id.clone()) {
            return Ok(());
        }
        let kind = if primary.insert((user.to_owned(), org.to_owned())) { "primary" } else { "secondary" };
        sheet.row(&id, &[user, kind, &role(word), span.0, span.1, org, ""])
    };
    for row in files.roles.rows() {
        let [user, org, word, session] =
            ["userSourcedId", "orgSourcedId", "role", "sessionSourcedId"].map(|name| row.get(name));
        let span = (row.get("roleStartDate"), row.get("roleEndDate"));
        put(joined(&[user, org, word, session]), user, word, span, org)?;
    }
    let of = Files::by(&files.roles, "userSourcedId");
    for row in files.relationships.rows() {
        let agent = row.get("relationshipUserSourcedId");
        let word = match row.get("relationshipRole").to_ascii_lowercase().as_str() {
            "parent" => "parent",
            "guardian" => "guardian",
            _ => "relative",
        };
        let roles = of.get(row.get("userSourcedId")).map(Vec::as_slice).unwrap_or_default();
        for org in distinct(roles.iter().map(|row| row.get("orgSourcedId"))) {
            put(joined(&[agent, org, word]), agent, word, ("", ""), org)?;
        }
    }
    sheet.end().map(drop)
}

fn enrollments(files: &Files, archive: &mut Archive) -> ZipResult<()> {
    let mut sheet = archive.sheet(File::Enrollments)?;
    let schools: HashMap<&str, &str> =
        files.classes.rows().map(|row| (row.get("sourcedId"), row.get("orgSourcedId"))).collect();
    for row in files.enrollments.rows() {
        let [class, user, word] = ["classSourcedId", "userSourcedId", "role"].map(|name| row.get(name));
        let school = schools.get(class).copied().unwrap_or_default();
        let own = [class, school, user, &role_in_class(word), "", row.get("beginDate"), row.get("endDate")];
        sheet.row(&joined(&[class, user, word]), &own)?;
    }
    sheet.end().map(drop)
}

/// Columns of `demographics.csv` in OneRoster that are codes in School Data Sync.
const FLAGS: [&str; 6] = [
    "americanIndianOrAlaskaNative",
    "asian",
    "blackOrAfricanAmerican",
    "nativeHawaiianOrOtherPacificIslander",
    "white",
    "demographicRaceTwoOrMoreRaces",
];

fn demographics(files: &Files, archive: &mut Archive) -> ZipResult<()> {
    let mut sheet = archive.sheet(File::Demographics)?;
    for row in files.demographics.rows() {
        let has = |codes: &str, code: &str| codes.split([',', ';']).any(|one| one.trim().eq_ignore_ascii_case(code));
        let flag = |codes: &str, code: &str| if has(codes, code) { "true" } else { "" };
        let races = FLAGS.map(|code| flag(row.get("raceCodes"), code));
        let hispanic = flag(row.get("ethnicityCodes"), "hispanicOrLatinoEthnicity");
        let own: Vec<&str> = [row.get("birthDate"), row.get("sex")]
            .into_iter()
            .chain(races)
            .chain([hispanic, row.get("birthCountry"), row.get("birthState"), row.get("birthCity"), ""])
            .collect();
        sheet.row(row.get("userSourcedId"), &own)?;
    }
    sheet.end().map(drop)
}
