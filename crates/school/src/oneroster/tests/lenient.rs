//! What real files contain, and how it is read.

use super::fixture::{Fixture, listing};
use crate::oneroster::{File, FileMode, Mode, RecordStatus, Row, Settings, Version};

fn lenient(fixture: &Fixture) -> (Vec<Row>, String) {
    let (rows, report) = fixture.read(&Settings::new(Mode::Lenient));
    (rows, listing(&report.findings))
}

fn after(name: &str, from: &str, to: &str) -> String {
    lenient(Fixture::v1_2().change(name, from, to)).1
}

#[test]
fn a_sound_package_needs_no_repair() {
    for fixture in [Fixture::v1_2(), Fixture::v1_1()] {
        assert_eq!(lenient(&fixture).1, "");
    }
}

#[test]
fn a_manifest_from_a_spreadsheet_is_read() {
    let mut fixture = Fixture::v1_2();
    fixture
        .change("manifest.csv", "propertyName,value", "propertyName,propertyValue")
        .change("manifest.csv", "manifest.version,1.0", "manifest.version,1")
        .change("manifest.csv", "file.results,absent", "file.results,")
        .change("manifest.csv", "file.orgs,bulk", "file.orgs,Bulk,")
        .change("manifest.csv", "file.roles,bulk\n", "")
        .change("manifest.csv", "file.users,bulk", "file.Users,bulk");
    let (rows, text) = lenient(&fixture);
    assert_eq!(rows.len(), 11);
    insta::assert_snapshot!(text, @r#"
    repair manifest_file_unstated manifest.csv file.roles x2
    repair manifest_header manifest.csv:1 = "propertyName,propertyValue" x1
    repair manifest_property_case manifest.csv:8 file.Users = "file.Users" x1
    repair manifest_value_case manifest.csv:4 file.orgs = "Bulk" x1
    repair manifest_version manifest.csv:2 manifest.version = "1" x1
    "#);
}

#[test]
fn what_the_manifest_gets_wrong_stays_wrong() {
    insta::assert_snapshot!(after("manifest.csv", "file.results,absent", "file.results,bulk"), @r#"warning file_missing results.csv | the file, or absent in the manifest"#);
    insta::assert_snapshot!(after("manifest.csv", "file.results,absent", "file.results,maybe"), @r#"error manifest_value_unknown manifest.csv:15 file.results = "maybe" | absent, bulk or delta"#);
    insta::assert_snapshot!(after("manifest.csv", "oneroster.version,1.2", "oneroster.version,1.0"), @r#"error oneroster_version_unsupported manifest.csv:3 oneroster.version = "1.0" | 1.1 or 1.2"#);
    insta::assert_snapshot!(after("manifest.csv", "propertyName,value\n", ""), @r#"error manifest_header manifest.csv:1 = "manifest.version,1.0" | propertyName,value"#);
    insta::assert_snapshot!(after("manifest.csv", "file.orgs,bulk", "file.orgs,absent"), @r#"
    repair target_file_missing classes.csv schoolSourcedId x1
    repair target_file_missing courses.csv orgSourcedId x1
    repair target_file_missing enrollments.csv schoolSourcedId x1
    repair file_marked_absent orgs.csv x1
    repair target_file_missing roles.csv orgSourcedId x1
    "#);
}

#[test]
fn a_package_without_a_manifest_is_taken_for_a_full_set() {
    for mut fixture in [Fixture::v1_1(), Fixture::v1_2()] {
        let version = fixture.read(&Settings::new(Mode::Strict)).1.plan.version;
        fixture.files.remove("manifest.csv");
        let (rows, report) = fixture.read(&Settings::new(Mode::Lenient));
        assert!(rows.len() >= 11, "{rows:?}");
        assert_eq!(report.plan.version, version);
        assert_eq!(report.plan.mode(File::Orgs), FileMode::Bulk);
        assert_eq!(listing(&report.findings), "repair manifest_missing manifest.csv x1\n");
    }
    assert_eq!(
        lenient(&Fixture::default()).1.lines().next(),
        Some("error package_empty manifest.csv | manifest.csv, as in OneRoster 1.1 and 1.2")
    );
}

#[test]
fn users_of_the_other_version_are_recognised() {
    let mut fixture = Fixture::v1_1();
    fixture.manifest(Version::V1_2, FileMode::Bulk);
    let (rows, text) = lenient(&fixture);
    insta::assert_snapshot!(text, @r#"repair users_version users.csv x1"#);
    assert_eq!(rows.iter().filter(|row| matches!(row, Row::Role(role) if role.derived)).count(), 3);

    let mut fixture = Fixture::v1_2();
    fixture.manifest(Version::V1_1, FileMode::Bulk);
    let (rows, text) = lenient(&fixture);
    insta::assert_snapshot!(text, @r#"repair users_version users.csv x1"#);
    assert_eq!(rows.iter().filter(|row| matches!(row, Row::Role(role) if !role.derived)).count(), 2);
}

#[test]
fn misspelt_misplaced_and_foreign_columns_are_found() {
    let mut fixture = Fixture::v1_2();
    fixture
        .change("users.csv", "dateLastModified", "dataLastModified")
        .change("users.csv", "preferredGivenName", "prefferedGivenName")
        .change("users.csv", "primaryOrgSourcedId,pronouns", "pronouns,primaryOrgSourcedId,,,")
        .change("users.csv", ",school-1,\nstudent-1", ",she/her,school-1,,\nstudent-1")
        .change("users.csv", ",school-1,they/them\n", ",they/them,school-1\n")
        .change("orgs.csv", "name,type,identifier", "name,ext_vendor_id,ext_vendor_password,type,metadata.a")
        .change("orgs.csv", "North School,school,", "North School,7,hunter2,school,x");
    let profiles = "sourcedId,status,dateLastModified,userSourcedId\nx,,,student-1\n";
    fixture.text("userprofiles.csv", profiles);
    fixture.change("manifest.csv", "file.userProfiles,absent", "file.userProfiles,bulk");
    let (rows, text) = lenient(&fixture);
    insta::assert_snapshot!(text, @r#"
    repair header_column_missing orgs.csv:1 identifier x1
    repair header_column_unknown orgs.csv:1 ext_vendor_id = "ext_vendor_id" x2
    repair header_metadata_place orgs.csv:1 metadata.a = "metadata.a" x1
    repair file_name_case userprofiles.csv = "userprofiles.csv" x1
    repair header_column_empty users.csv:1 x3
    repair header_order users.csv:1 x1
    repair header_spelling users.csv:1 dateLastModified = "dataLastModified" x2
    repair row_short users.csv:2 x2
    "#);
    assert!(!format!("{rows:?}{text}").contains("hunter2"));
    let Row::Org(org) = &rows[0] else { panic!("{rows:?}") };
    let metadata = [("ext_vendor_id".to_owned(), "7".to_owned()), ("a".to_owned(), "x".to_owned())];
    assert_eq!(org.base.metadata, metadata);
    let pronouns: Vec<_> =
        rows.iter().filter_map(|row| if let Row::User(user) = row { user.pronouns.clone() } else { None }).collect();
    assert_eq!(pronouns, ["she/her", "they/them"]);
}

#[test]
fn names_of_columns_of_older_versions_are_known() {
    let mut fixture = Fixture::v1_1();
    fixture
        .change("users.csv", "userIds", "userId")
        .change("users.csv", "agentSourcedIds", "agents")
        .change("classes.csv", "title,grades", "title,grade")
        .change("classes.csv", "termSourcedIds", "termSourcedId");
    let (rows, text) = lenient(&fixture);
    insta::assert_snapshot!(text, @r#"
    repair header_spelling classes.csv:1 grades = "grade" x2
    repair header_spelling users.csv:1 userIds = "userId" x2
    "#);
    assert!(matches!(&rows[3], Row::Class(class) if class.grades == ["09"]), "{:?}", rows[3]);
}

#[test]
fn a_missing_required_column_cannot_be_repaired() {
    insta::assert_snapshot!(after("orgs.csv", "name,type", "nickname,type"), @r#"
    error header_column_required orgs.csv:1 name | a column named name
    repair header_column_unknown orgs.csv:1 nickname = "nickname" x1
    "#);
}

#[test]
fn spreadsheet_rows_are_read() {
    let mut fixture = Fixture::v1_2();
    fixture.text(
        "orgs.csv",
        "\u{feff}sourcedId,status,dateLastModified,name,type,identifier,parentSourcedId\r\n\
         a,,, North School ,School,,,,\r\n\
         a2,,,A2,school,,,,\r\n\
         \r\n\
         ,,,,,,\r\n\
         b,,,The \"B\" School,school\r\n\
         c,,,\"Two\r\nLines\",SCHOOL,x\u{1}y,\r\n\
         d,,,D,kindergarten,,",
    );
    let (rows, text) = lenient(&fixture);
    insta::assert_snapshot!(text, @r#"
    repair blank_line orgs.csv:4 x1
    repair byte_order_mark orgs.csv x1
    repair control_character orgs.csv:7 identifier = "x�y" x1
    repair csv_carriage_return orgs.csv:7 name x1
    repair csv_quote orgs.csv:6 name x1
    repair empty_row orgs.csv:5 x1
    repair row_long orgs.csv:2 x2
    repair row_short orgs.csv:6 x1
    repair surrounding_space orgs.csv:2 name = " North School " x1
    repair value_extension orgs.csv:9 type = "kindergarten" x1
    repair value_spelling orgs.csv:2 type = "School" x2
    "#);
    let orgs: Vec<_> = rows
        .iter()
        .filter_map(|row| {
            if let Row::Org(org) = row {
                Some((org.base.line, org.name.as_str(), org.kind.as_str(), org.identifier.as_deref()))
            } else {
                None
            }
        })
        .collect();
    insta::assert_debug_snapshot!(orgs, @r#"
    [
        (
            2,
            "North School",
            "school",
            None,
        ),
        (
            3,
            "A2",
            "school",
            None,
        ),
        (
            6,
            "The \"B\" School",
            "school",
            None,
        ),
        (
            7,
            "Two\nLines",
            "school",
            Some(
                "xy",
            ),
        ),
        (
            9,
            "D",
            "ext:kindergarten",
            None,
        ),
    ]
    "#);
}

#[test]
fn text_of_old_windows_programs_is_read() {
    let mut fixture = Fixture::v1_2();
    let bytes = b"sourcedId,status,dateLastModified,name,type,identifier,parentSourcedId\nschool-1,,,\xc9cole Ren\xe9e,school,,\n";
    fixture.files.insert("orgs.csv".to_owned(), bytes.to_vec());
    let (rows, text) = lenient(&fixture);
    insta::assert_snapshot!(text, @r#"repair encoding orgs.csv:2 name = "École Renée" x1"#);
    assert!(matches!(&rows[0], Row::Org(org) if org.name == "École Renée"));
}

#[test]
fn files_without_rows_remove_nothing() {
    let mut fixture = Fixture::v1_2();
    fixture.rows(File::Demographics, Version::V1_2, &[]);
    fixture.text("courses.csv", "");
    let (_, report) = fixture.read(&Settings::new(Mode::Lenient));
    insta::assert_snapshot!(listing(&report.findings), @r#"
    repair no_data_rows courses.csv x1
    repair no_data_rows demographics.csv x1
    "#);
    assert_eq!(report.plan.mode(File::Demographics), FileMode::Absent);
    assert_eq!(report.plan.mode(File::Courses), FileMode::Absent);
}

#[test]
fn bulk_rows_with_a_lifecycle_are_read() {
    let mut fixture = Fixture::v1_2();
    fixture.rows(
        File::Orgs,
        Version::V1_2,
        &[
            "a,active,1/05/2023,A,school,,",
            "b,inactive,2023-05-01,B,school,,",
            "c,tobedeleted,,C,school,,",
            "d,tobedeleted,,,,,",
        ],
    );
    let (rows, text) = lenient(&fixture);
    insta::assert_snapshot!(text, @r#"
    repair bulk_lifecycle orgs.csv:2 status = "active" x6
    repair deleted_row_incomplete orgs.csv:5 x1
    repair status_inactive orgs.csv:3 status = "inactive" x1
    "#);
    let read: Vec<_> = rows[..4]
        .iter()
        .map(|row| match row {
            Row::Org(org) => (org.base.sourced_id.as_str(), org.base.status, org.base.date_last_modified),
            Row::Removed(row) => (row.base.sourced_id.as_str(), row.base.status, row.base.date_last_modified),
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(
        read,
        [
            ("a", RecordStatus::Active, None),
            ("b", RecordStatus::ToBeDeleted, None),
            ("c", RecordStatus::ToBeDeleted, None),
            ("d", RecordStatus::ToBeDeleted, None)
        ]
    );
}

#[test]
fn delta_rows_without_a_lifecycle_are_read() {
    let mut fixture = Fixture::default();
    fixture.rows(File::Orgs, Version::V1_2, &["a,,,A,school,,", "b,Active,2023-05-01 09:30,B,school,,"]);
    fixture.manifest(Version::V1_2, FileMode::Delta);
    let (rows, text) = lenient(&fixture);
    insta::assert_snapshot!(text, @r#"
    repair datetime_form orgs.csv:3 dateLastModified = "2023-05-01 09:30" x1
    repair delta_date_missing orgs.csv:2 dateLastModified x1
    repair delta_status_missing orgs.csv:2 status x1
    repair value_spelling orgs.csv:3 status = "Active" x1
    "#);
    assert!(matches!(&rows[1], Row::Org(org) if org.base.date_last_modified == "2023-05-01T09:30:00Z".parse().ok()));
}

#[test]
fn words_and_booleans_are_read_for_what_they_mean() {
    let mut fixture = Fixture::v1_2();
    fixture
        .change("users.csv", ",true,tina", ",TRUE,tina")
        .change("users.csv", ",true,sam", ",1,sam")
        .change("users.csv", "{LDAP:tina}", "tina")
        .change("users.csv", "teacher-1", "teacher 1")
        .change("classes.csv", "scheduled", "Scheduled")
        .change("roles.csv", "teacher,2024", "Professor,2024")
        .change("roles.csv", "role-2,,,student-1,primary", "role-2,,,student-1,Primary")
        .change("academicSessions.csv", "schoolYear,2024", "School Year,2024")
        .change("academicSessions.csv", "06-15,,2025", "06-15,,2024-25");
    let (rows, text) = lenient(&fixture);
    assert_eq!(rows.len(), 11);
    insta::assert_snapshot!(text, @r#"
    repair value_spelling academicSessions.csv:2 type = "School Year" x1
    repair year_form academicSessions.csv:2 schoolYear = "2024-25" x1
    repair value_spelling classes.csv:2 classType = "Scheduled" x1
    repair value_extension roles.csv:2 role = "Professor" x1
    repair value_spelling roles.csv:3 roleType = "Primary" x1
    repair boolean_spelling users.csv:2 enabledUser = "TRUE" x2
    repair guid_characters users.csv:2 sourcedId = "teacher 1" x1
    repair user_id_form users.csv:2 userIds = "tina" x1
    "#);
}

#[test]
fn a_bad_row_is_reported_and_the_others_are_read() {
    let mut fixture = Fixture::v1_2();
    fixture.rows(
        File::Orgs,
        Version::V1_2,
        &["a,,,A,school,,", ",,,B,school,,", "c,,,,school,,", "d,,,D,school,,,extra", "e,,,E, school,school,,"],
    );
    let (rows, report) = fixture.read(&Settings::new(Mode::Lenient));
    insta::assert_snapshot!(listing(&report.findings), @r#"
    error required_value_missing orgs.csv:3 sourcedId | a value
    error required_value_missing orgs.csv:4 name | a value
    error row_fields orgs.csv:5 | 7 fields, not 8
    error row_fields orgs.csv:6 | 7 fields, not 8
    "#);
    let rejected: Vec<_> = rows
        .iter()
        .filter_map(|row| if let Row::Rejected(row) = row { Some((row.line, row.sourced_id.as_deref())) } else { None })
        .collect();
    assert_eq!(rejected, [(3, None), (4, Some("c")), (5, None), (6, None)]);
    assert_eq!((report.files[0].rows, report.files[0].accepted, report.files[0].rejected), (5, 1, 4));
}

#[test]
fn files_that_are_not_imported_are_no_reason_to_refuse() {
    let mut fixture = Fixture::v1_2();
    fixture.rows(File::Categories, Version::V1_2, &["category-2,,,Tests,much", "x"]);
    fixture.manifest(Version::V1_2, FileMode::Bulk);
    fixture.change("categories.csv", "title", "\"name\"s").change(
        "manifest.csv",
        "file.results,absent",
        "file.results,bulk",
    );
    let (rows, report) = fixture.read(&Settings::new(Mode::Lenient));
    assert_eq!(rows.len(), 11);
    insta::assert_snapshot!(listing(&report.findings), @r#"warning file_missing results.csv | the file, or absent in the manifest"#);
    assert!(report.findings.issues().iter().any(|issue| issue.code == "file_ignored"));
}
