//! To the letter: what the standard says, one rule a test.

use super::fixture::{Fixture, listing};
use crate::oneroster::{File, FileMode, Mode, RoleType, Row, Settings, Version};

fn strict(fixture: &Fixture) -> (Vec<Row>, String) {
    let (rows, report) = fixture.read(&Settings::new(Mode::Strict));
    (rows, listing(&report.findings))
}

/// The findings of a sound package after one change.
fn after(name: &str, from: &str, to: &str) -> String {
    strict(Fixture::v1_2().change(name, from, to)).1
}

#[test]
fn a_sound_package_is_read_whole() {
    let (rows, text) = strict(&Fixture::v1_2());
    assert_eq!(text, "");
    assert_eq!(rows.len(), 11);
    let Some(Row::User(student)) = rows.iter().find(|row| matches!(row, Row::User(user) if user.username == "sam"))
    else {
        panic!("no student in {rows:?}")
    };
    assert_eq!(student.grades, ["09"]);
    assert_eq!(student.pronouns.as_deref(), Some("they/them"));
    assert_eq!(student.primary_org_sourced_id.as_deref(), Some("school-1"));
    assert!(!format!("{rows:?}").contains("hunter2"), "a password is never kept");
}

#[test]
fn a_manifest_alone_means_no_change() {
    let mut fixture = Fixture::default();
    fixture.manifest(Version::V1_2, FileMode::Bulk);
    let (rows, report) = fixture.read(&Settings::new(Mode::Strict));
    assert_eq!(listing(&report.findings), "");
    assert_eq!(rows, []);
    assert_eq!(report.plan.mode(File::Users), FileMode::Absent);
}

#[test]
fn users_of_1_1_bring_their_roles() {
    let (rows, text) = strict(&Fixture::v1_1());
    assert_eq!(text, "");
    let roles: Vec<_> =
        rows.iter().filter_map(|row| if let Row::Role(role) = row { Some(role) } else { None }).collect();
    let ids: Vec<_> = roles.iter().map(|role| role.base.sourced_id.as_str()).collect();
    assert_eq!(
        ids,
        ["teacher-1:school-1:siteAdministrator", "student-1:school-1:student", "student-1:school-2:student"]
    );
    assert!(roles.iter().all(|role| role.derived && role.role_type == RoleType::Primary));
    let orgs: Vec<_> =
        rows.iter().filter_map(|row| if let Row::User(user) = row { Some(user) } else { None }).collect();
    assert_eq!(orgs[0].primary_org_sourced_id.as_deref(), Some("school-1"));
    assert_eq!(orgs[1].primary_org_sourced_id, None);
    assert_eq!(orgs[1].agent_sourced_ids, ["guardian-1"]);
}

#[test]
fn a_byte_order_mark_is_tolerated() {
    let mut fixture = Fixture::v1_2();
    for name in ["users.csv", "manifest.csv"] {
        let bytes = fixture.files[name].clone();
        fixture.files.insert(name.to_owned(), [b"\xEF\xBB\xBF".as_slice(), &bytes].concat());
    }
    let (rows, text) = strict(&fixture);
    assert_eq!(rows.len(), 11);
    insta::assert_snapshot!(text, @r#"
    repair byte_order_mark manifest.csv x1
    repair byte_order_mark users.csv x1
    "#);
}

#[test]
fn line_ends_may_be_of_either_kind_and_the_last_may_be_missing() {
    let mut fixture = Fixture::v1_2();
    for (name, bytes) in &mut fixture.files {
        let text = String::from_utf8(bytes.clone()).expect("fixtures are text");
        let text = if name == "users.csv" { text.trim_end().to_owned() } else { text.replace('\n', "\r\n") };
        *bytes = text.into_bytes();
    }
    assert_eq!(strict(&fixture).1, "");
}

#[test]
fn the_manifest_is_held_to_the_letter() {
    let manifest = |from: &str, to: &str| after("manifest.csv", from, to);
    insta::assert_snapshot!(manifest("propertyName,value", "propertyName,propertyValue"), @r#"error manifest_header manifest.csv:1 = "propertyName,propertyValue" | propertyName,value"#);
    insta::assert_snapshot!(manifest("manifest.version,1.0", "manifest.version,1"), @r#"error manifest_version manifest.csv:2 manifest.version = "1" | 1.0"#);
    insta::assert_snapshot!(manifest("oneroster.version,1.2", "oneroster.version,2.0"), @r#"error oneroster_version_unsupported manifest.csv:3 oneroster.version = "2.0" | 1.1 or 1.2"#);
    insta::assert_snapshot!(manifest("oneroster.version,1.2\n", ""), @r#"error oneroster_version_missing manifest.csv oneroster.version | 1.1 or 1.2"#);
    insta::assert_snapshot!(manifest("file.results,absent\n", ""), @r#"error manifest_file_unstated manifest.csv file.results | absent, bulk or delta"#);
    insta::assert_snapshot!(manifest("file.results,absent", "file.results,Absent"), @r#"error manifest_value_case manifest.csv:15 file.results = "Absent" | absent, bulk or delta"#);
    insta::assert_snapshot!(manifest("file.results,absent", "file.results,maybe"), @r#"error manifest_value_unknown manifest.csv:15 file.results = "maybe" | absent, bulk or delta"#);
    insta::assert_snapshot!(manifest("file.results,absent", "file.results,bulk"), @r#"error file_missing results.csv | the file, or absent in the manifest"#);
    insta::assert_snapshot!(manifest("file.results,absent", "file.results,absent\nfile.results,absent"), @r#"error manifest_property_repeated manifest.csv:16 file.results = "absent" | each property once"#);
    insta::assert_snapshot!(manifest("file.results,absent", "file.results,absent\nfile.orgs,absent"), @r#"error manifest_property_contradictory manifest.csv:16 file.orgs = "absent" | -"#);
    insta::assert_snapshot!(manifest("file.results,absent", "file.results,absent\nfile.pets,absent"), @r#"error manifest_property_unknown manifest.csv:16 file.pets = "absent" | a property of the standard such as file.users"#);
    insta::assert_snapshot!(manifest("file.results,absent", "file.results,absent,x"), @r#"
    error manifest_row manifest.csv:15 | propertyName,value
    error manifest_file_unstated manifest.csv file.results | absent, bulk or delta
    "#);
    insta::assert_snapshot!(manifest("file.orgs,bulk", "file.orgs,absent"), @r#"
    error file_marked_absent orgs.csv | no such file, or bulk or delta in the manifest
    error target_file_missing courses.csv orgSourcedId | orgs.csv in the package
    error target_file_missing classes.csv schoolSourcedId | orgs.csv in the package
    error target_file_missing roles.csv orgSourcedId | orgs.csv in the package
    error target_file_missing enrollments.csv schoolSourcedId | orgs.csv in the package
    "#);
}

#[test]
fn files_are_those_of_the_standard() {
    let mut fixture = Fixture::v1_2();
    fixture.text("pets.csv", "a\nb\n");
    let users = fixture.files.remove("users.csv").expect("users are there");
    fixture.files.insert("Users.csv".to_owned(), users);
    insta::assert_snapshot!(strict(&fixture).1, @r#"
    error file_name_case Users.csv = "Users.csv" | users.csv
    error unknown_file pets.csv | only files of the standard
    "#);
    let mut fixture = Fixture::v1_2();
    fixture.text("USERS.csv", "x\n");
    insta::assert_snapshot!(strict(&fixture).1, @r#"error file_name_repeated USERS.csv | users.csv"#);
    let mut fixture = Fixture::v1_1();
    fixture.rows(File::Roles, Version::V1_2, &["role-1,,,teacher-1,primary,teacher,,,school-1,"]);
    insta::assert_snapshot!(strict(&fixture).1, @r#"error unknown_file roles.csv | only files of OneRoster 1.1"#);
}

#[test]
fn headers_are_exact() {
    insta::assert_snapshot!(after("orgs.csv", "name,type", "type,name"), @r#"error header_order orgs.csv:1 | sourcedId,status,dateLastModified,name,type,identifier,parentSourcedId"#);
    insta::assert_snapshot!(after("orgs.csv", "sourcedId,status", "sourcedid,status"), @r#"error header_spelling orgs.csv:1 sourcedId = "sourcedid" | sourcedId"#);
    insta::assert_snapshot!(after("orgs.csv", ",identifier", ",colour"), @r#"
    error header_column_missing orgs.csv:1 identifier | a column named identifier
    error header_column_unknown orgs.csv:1 colour = "colour" | metadata.colour
    "#);
    insta::assert_snapshot!(after("orgs.csv", "name,type", "name,name"), @r#"error header_column_repeated orgs.csv:1 name = "name" | -"#);
    insta::assert_snapshot!(after("orgs.csv", "name,", "nickname,"), @r#"
    error header_column_required orgs.csv:1 name | a column named name
    error header_column_unknown orgs.csv:1 nickname = "nickname" | metadata.nickname
    "#);
    insta::assert_snapshot!(after("orgs.csv", "parentSourcedId\nschool-1,,,North School,school,,", "parentSourcedId,\nschool-1,,,North School,school,,,"), @r#"error header_column_empty orgs.csv:1 | a name for each column"#);
    insta::assert_snapshot!(after("orgs.csv", "identifier,parentSourcedId\nschool-1,,,North School,school,", "identifier,metadata.a,parentSourcedId\nschool-1,,,North School,school,,x"), @r#"error header_metadata_place orgs.csv:1 metadata.a = "metadata.a" | metadata columns after all columns of the standard"#);
    insta::assert_snapshot!(after("orgs.csv", "sourcedId,status,dateLastModified,name,type,identifier,parentSourcedId", "sourcedId;status;dateLastModified;name;type;identifier;parentSourcedId"), @r#"error header_separator orgs.csv:1 | sourcedId,status,dateLastModified,name,type,identifier,parentSourcedId"#);
}

#[test]
fn extension_columns_at_the_right_are_kept() {
    let mut fixture = Fixture::v1_2();
    fixture.change(
        "orgs.csv",
        "parentSourcedId\nschool-1,,,North School,school,,",
        "parentSourcedId,metadata.boarding,metadata.wifiPassword\nschool-1,,,North School,school,,,yes,hunter2",
    );
    let (rows, text) = strict(&fixture);
    assert_eq!(text, "");
    assert!(matches!(&rows[0], Row::Org(org) if org.base.metadata == [("boarding".to_owned(), "yes".to_owned())]));
}

#[test]
fn rows_are_sound_csv() {
    insta::assert_snapshot!(after("orgs.csv", "North School", "North \"N\" School"), @r#"error csv_quote orgs.csv:2 name | a field with quotes in it is quoted, and the quotes doubled"#);
    insta::assert_snapshot!(after("orgs.csv", "North School", "\"North\" School"), @r#"error csv_quote orgs.csv:2 name | a field with quotes in it is quoted, and the quotes doubled"#);
    insta::assert_snapshot!(after("orgs.csv", "North School", "\"North School"), @r#"error csv_unterminated_quote orgs.csv:2 | a closing quote; a quote inside a field is doubled"#);
    insta::assert_snapshot!(after("orgs.csv", "North School", "\"North\r\nSchool\""), @r#"error csv_carriage_return orgs.csv:2 name | no carriage return inside a field"#);
    insta::assert_snapshot!(after("orgs.csv", "North School", "North, School"), @r#"error row_long orgs.csv:2 | 7 fields, not 8"#);
    insta::assert_snapshot!(after("orgs.csv", "North School,", ""), @r#"error row_short orgs.csv:2 | 7 fields, not 6"#);
    insta::assert_snapshot!(after("orgs.csv", "\nschool-1", "\n\nschool-1"), @r#"error blank_line orgs.csv:2 | no such line"#);
    insta::assert_snapshot!(after("orgs.csv", "\nschool-1", "\rschool-1"), @r#"error csv_bare_return orgs.csv:1 | a line feed at the end of each row"#);
    assert_eq!(after("orgs.csv", "North School", "\"North \"\"N\"\",\nSchool\""), "");
}

#[test]
fn text_is_utf_8_without_control_characters() {
    let mut fixture = Fixture::v1_2();
    fixture.files.insert(
        "orgs.csv".to_owned(),
        b"sourcedId,status,dateLastModified,name,type,identifier,parentSourcedId\nschool-1,,,Caf\xe9,school,a\0b,\n"
            .to_vec(),
    );
    insta::assert_snapshot!(strict(&fixture).1, @r#"
    error encoding orgs.csv:2 name = "Café" | UTF-8
    error control_character orgs.csv:2 identifier = "a�b" | -
    "#);
    fixture.files.insert("orgs.csv".to_owned(), b"\xFF\xFEs\0o\0".to_vec());
    insta::assert_snapshot!(strict(&fixture).1, @r#"error encoding_utf16 orgs.csv | UTF-8; in Excel, save as CSV UTF-8"#);
}

#[test]
fn a_data_file_has_rows() {
    let mut fixture = Fixture::v1_2();
    fixture.rows(File::Demographics, Version::V1_2, &[]);
    fixture.text("roles.csv", "");
    insta::assert_snapshot!(strict(&fixture).1, @r#"
    error no_data_rows roles.csv | a header and at least one row; without rows, absent in the manifest
    error no_data_rows demographics.csv | a header and at least one row; without rows, absent in the manifest
    "#);
}

#[test]
fn bulk_rows_have_no_lifecycle_and_delta_rows_have() {
    insta::assert_snapshot!(after("orgs.csv", "school-1,,", "school-1,active,2025-01-01T00:00:00Z"), @r#"
    error bulk_lifecycle orgs.csv:2 status = "active" | nothing
    error bulk_lifecycle orgs.csv:2 dateLastModified = "2025-01-01T00:00:00Z" | nothing
    "#);
    let mut delta = Fixture::default();
    delta.rows(
        File::Orgs,
        Version::V1_2,
        &[
            "a,active,2025-01-02T03:04:05.006Z,A,school,,",
            "b,,,B,school,,",
            "c,inactive,2025-01-02,C,school,,",
            "d,tobedeleted,2025-01-02T03:04:05+02:00,D,school,,",
            "e,tobedeleted,2025-01-02T03:04:05Z,,,,",
        ],
    );
    delta.manifest(Version::V1_2, FileMode::Delta);
    let (rows, text) = strict(&delta);
    insta::assert_snapshot!(text, @r#"
    error delta_status_missing orgs.csv:3 status | active or tobedeleted
    error delta_date_missing orgs.csv:3 dateLastModified | when the record was changed, such as 2025-08-31T12:00:00Z
    error status_inactive orgs.csv:4 status = "inactive" | active, tobedeleted
    error datetime_form orgs.csv:4 dateLastModified = "2025-01-02" | a time such as 2025-08-31T12:00:00Z
    error required_value_missing orgs.csv:6 name | a value
    error required_value_missing orgs.csv:6 type | a value
    "#);
    let read: Vec<_> = rows
        .iter()
        .map(|row| match row {
            Row::Org(org) => format!("{} {:?} {:?}", org.base.sourced_id, org.base.status, org.base.date_last_modified),
            Row::Rejected(row) => format!("rejected {:?}", row.sourced_id),
            other => format!("{other:?}"),
        })
        .collect();
    insta::assert_debug_snapshot!(read, @r#"
    [
        "a Active Some(2025-01-02T03:04:05.006Z)",
        "rejected Some(\"b\")",
        "rejected Some(\"c\")",
        "d ToBeDeleted Some(2025-01-02T01:04:05Z)",
        "rejected Some(\"e\")",
    ]
    "#);
}

#[test]
fn a_bulk_set_is_complete() {
    let mut fixture = Fixture::v1_2();
    fixture.files.remove("courses.csv");
    fixture.manifest(Version::V1_2, FileMode::Bulk);
    insta::assert_snapshot!(strict(&fixture).1, @r#"error target_file_missing classes.csv courseSourcedId | courses.csv in the package"#);
}

#[test]
fn values_are_of_their_types() {
    insta::assert_snapshot!(after("users.csv", ",true,tina", ",TRUE,tina"), @r#"error boolean_spelling users.csv:2 enabledUser = "TRUE" | true or false"#);
    insta::assert_snapshot!(after("users.csv", ",true,tina", ",,tina"), @r#"error required_value_missing users.csv:2 enabledUser | a value"#);
    insta::assert_snapshot!(after("users.csv", "{LDAP:tina}", "tina"), @r#"error user_id_form users.csv:2 userIds = "tina" | {Type:Id}"#);
    insta::assert_snapshot!(after("users.csv", "teacher-1", "teacher 1"), @r#"error guid_characters users.csv:2 sourcedId = "teacher 1" | letters, digits and . - _ / @"#);
    insta::assert_snapshot!(after("users.csv", "teacher-1", &"x".repeat(256)), @r#"error guid_too_long users.csv:2 sourcedId = "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx…" | at most 255 characters"#);
    insta::assert_snapshot!(after("users.csv", "Tutor", &"x".repeat(513)), @r#"error text_too_long users.csv:2 familyName = "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx…" | at most 512 characters"#);
    insta::assert_snapshot!(after("classes.csv", "scheduled", "Scheduled"), @r#"error value_spelling classes.csv:2 classType = "Scheduled" | homeroom, scheduled, or ext:<word>"#);
    insta::assert_snapshot!(after("classes.csv", "scheduled", "lecture"), @r#"error value_extension classes.csv:2 classType = "lecture" | homeroom, scheduled, or ext:<word>"#);
    insta::assert_snapshot!(after("roles.csv", "primary", "main"), @r#"error value_not_allowed roles.csv:2 roleType = "main" | primary, secondary"#);
    insta::assert_snapshot!(after("roles.csv", "2024-08-01", "1/05/2024"), @r#"error date_ambiguous roles.csv:2 beginDate = "1/05/2024" | 2024-05-01 or 2024-01-05; or say whether the day or the month comes first"#);
    insta::assert_snapshot!(after("roles.csv", "2024-08-01", "2024-02-30"), @r#"error date_invalid roles.csv:2 beginDate = "2024-02-30" | a date such as 2025-08-31"#);
    insta::assert_snapshot!(after("roles.csv", "2024-08-01", "0024-08-01"), @r#"error date_out_of_range roles.csv:2 beginDate = "0024-08-01" | a year from 1900 to 2200"#);
    insta::assert_snapshot!(after("academicSessions.csv", "06-15,,2025", "06-15,,2024-2025"), @r#"error year_form academicSessions.csv:2 schoolYear = "2024-2025" | the year in which the school year ends, such as 2026"#);
    insta::assert_snapshot!(after("academicSessions.csv", "06-15,,2025", "06-15,,soon"), @r#"error year_invalid academicSessions.csv:2 schoolYear = "soon" | the year in which the school year ends, such as 2026"#);
    assert_eq!(after("classes.csv", "scheduled", "ext:lecture"), "");
    assert_eq!(after("classes.csv", ",09,", ",\"09,10\","), "");
}

#[test]
fn a_row_makes_sense_in_itself() {
    insta::assert_snapshot!(after("orgs.csv", "school,,", "school,,school-1"), @r#"error parent_is_self orgs.csv:2 parentSourcedId = "school-1" | another record's sourcedId, or nothing"#);
    insta::assert_snapshot!(after("academicSessions.csv", "2025-06-15", "2024-06-15"), @r#"error period_reversed academicSessions.csv:2 endDate = "2024-06-15" | a date after 2024-08-01"#);
    insta::assert_snapshot!(after("academicSessions.csv", "2025-06-15", "2024-08-01"), @r#"error period_empty academicSessions.csv:2 endDate = "2024-08-01" | a date after 2024-08-01"#);
    insta::assert_snapshot!(after("academicSessions.csv", "06-15,,2025", "06-15,,2024"), @r#"warning school_year_mismatch academicSessions.csv:2 schoolYear = "2024" | 2025"#);
    insta::assert_snapshot!(after("classes.csv", "Mathematics,MATH", "\"Mathematics,Physics\",\"MATH\""), @r#"error list_lengths classes.csv:2 subjectCodes = "MATH" | 2 codes, in the order of the subjects"#);
    insta::assert_snapshot!(after("enrollments.csv", "student,false", "student,true"), @r#"warning primary_not_teacher enrollments.csv:3 primary = "true" | false"#);
    insta::assert_snapshot!(after("users.csv", "school.example,,,,", "school.example,,,teacher-1,"), @r#"warning agent_is_self users.csv:2 agentSourcedIds = "teacher-1" | -"#);
}

#[test]
fn files_that_are_not_imported_are_checked_and_counted() {
    let mut fixture = Fixture::v1_2();
    fixture.rows(File::Categories, Version::V1_2, &["category-1,,,Homework,20", "category-2,,,Tests,much"]);
    fixture.manifest(Version::V1_2, FileMode::Bulk);
    let (rows, report) = fixture.read(&Settings::new(Mode::Strict));
    assert_eq!(rows.len(), 11, "nothing of it is handed on");
    insta::assert_snapshot!(listing(&report.findings), @r#"error integer_invalid categories.csv:3 weight = "much" | a whole number"#);
    let summary = report.files.last().expect("categories were read");
    assert_eq!((summary.rows, summary.ignored, summary.rejected), (2, 1, 1));
}

#[test]
fn issues_are_counted_in_full_and_kept_in_part() {
    let mut fixture = Fixture::v1_2();
    let rows: Vec<String> = (0..50).map(|n| format!("o-{n},,,Name,shop,,")).collect();
    let rows: Vec<&str> = rows.iter().map(String::as_str).collect();
    fixture.rows(File::Orgs, Version::V1_2, &rows);
    let (_, report) = fixture.read(&Settings { issues_kept: 3, ..Settings::new(Mode::Strict) });
    assert_eq!(report.findings.issues().len(), 3);
    let counts: Vec<_> = report.findings.counts().map(|count| (count.code, count.count)).collect();
    assert_eq!(counts, [("value_extension", 50)]);
}
