//! What a sample is worth: the strict reader takes it without a word, and it hangs together.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    ops::ControlFlow,
    path::Path,
};

use super::{SampleError, SampleSettings, SampleSummary, write};
use crate::oneroster::{Limits, Mode, Package, Report, Row, Settings, read};

fn sample(settings: &SampleSettings) -> (SampleSummary, Vec<u8>) {
    let folder = tempfile::tempdir().expect("a folder for the sample");
    let target = folder.path().join("sample.zip");
    let summary = write(settings, &target).expect("the sample is written");
    let bytes = std::fs::read(&target).expect("the sample is there");
    assert_eq!(std::fs::read_dir(folder.path()).expect("the folder").count(), 1, "nothing else is left behind");
    (summary, bytes)
}

fn read_strictly(bytes: Vec<u8>) -> (Vec<Row>, Report) {
    let package =
        Package::from_archive(Box::new(std::io::Cursor::new(bytes)), Limits::default()).expect("the sample opens");
    let mut rows = Vec::new();
    let report = read(package, &Settings::new(Mode::Strict), &mut |row| {
        rows.push(row);
        ControlFlow::Continue(())
    });
    (rows, report.expect("the sample reads"))
}

#[test]
fn samples_of_all_sizes_are_to_the_letter() {
    for students in [1, 2, 24, 25, 26, 77, 325, 900, 901, 2500] {
        let (summary, bytes) = sample(&SampleSettings::new(7, students));
        let (rows, report) = read_strictly(bytes);
        assert_eq!(report.findings.issues(), [], "{students} students");
        assert_eq!(report.findings.repairs().count(), 0, "{students} students");
        assert_eq!(summary.demographics, u64::from(students));
        let all = summary.orgs
            + summary.academic_sessions
            + summary.courses
            + summary.classes
            + summary.users
            + summary.roles
            + summary.enrollments
            + summary.demographics;
        assert_eq!(rows.len() as u64, all, "{students} students");
        check_whole(&rows);
    }
}

/// Every reference leads to a row, no id is used twice, and nobody is in a class twice at a time.
fn check_whole(rows: &[Row]) {
    let mut ids: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    let mut usernames = BTreeSet::new();
    for row in rows {
        let (kind, base) = match row {
            Row::Org(row) => ("org", &row.base),
            Row::AcademicSession(row) => ("session", &row.base),
            Row::Course(row) => ("course", &row.base),
            Row::Class(row) => ("class", &row.base),
            Row::User(row) => {
                assert!(usernames.insert(&row.username), "{} is used twice", row.username);
                ("user", &row.base)
            }
            Row::Role(row) => ("role", &row.base),
            Row::Enrollment(row) => ("enrollment", &row.base),
            Row::Demographics(row) => ("demographics", &row.base),
            Row::Removed(_) | Row::Rejected(_) => panic!("{row:?}"),
        };
        assert!(ids.entry(kind).or_default().insert(&base.sourced_id), "{kind} {} is used twice", base.sourced_id);
    }
    let has = |kind: &str, id: &str| assert!(ids[kind].contains(id), "there is no {kind} {id}");
    let mut places: HashMap<(&str, &str), Vec<_>> = HashMap::new();
    for row in rows {
        match row {
            Row::Org(row) => row.parent_sourced_id.iter().for_each(|id| has("org", id)),
            Row::AcademicSession(row) => row.parent_sourced_id.iter().for_each(|id| has("session", id)),
            Row::Course(row) => has("org", &row.org_sourced_id),
            Row::Class(row) => {
                has("course", &row.course_sourced_id);
                has("org", &row.school_sourced_id);
                row.term_sourced_ids.iter().for_each(|id| has("session", id));
            }
            Row::User(row) => {
                row.agent_sourced_ids.iter().for_each(|id| has("user", id));
                row.primary_org_sourced_id.iter().for_each(|id| has("org", id));
            }
            Row::Role(row) => {
                has("user", &row.user_sourced_id);
                has("org", &row.org_sourced_id);
            }
            Row::Enrollment(row) => {
                has("class", &row.class_sourced_id);
                has("user", &row.user_sourced_id);
                has("org", &row.school_sourced_id);
                let place = places.entry((&row.class_sourced_id, &row.user_sourced_id)).or_default();
                place.push((row.begin_date, row.end_date));
            }
            Row::Demographics(row) => has("user", &row.base.sourced_id),
            Row::Removed(_) | Row::Rejected(_) => {}
        }
    }
    for (who, spans) in &mut places {
        spans.sort();
        assert!(spans.windows(2).all(|pair| pair[0].1 <= pair[1].0), "{who:?} overlaps: {spans:?}");
    }
}

#[test]
fn a_sample_looks_like_a_school() {
    let (summary, bytes) = sample(&SampleSettings::new(42, 4000));
    insta::assert_json_snapshot!(SampleSummary { bytes: 0, ..summary }, @r#"
    {
      "orgs": 9,
      "academic_sessions": 15,
      "courses": 113,
      "classes": 1350,
      "users": 8612,
      "roles": 9833,
      "enrollments": 32519,
      "demographics": 4000,
      "bytes": 0
    }
    "#);
    let (rows, _) = read_strictly(bytes);
    let mut sizes: HashMap<&str, u32> = HashMap::new();
    let mut moved = 0;
    let mut siblings: HashMap<&[String], u32> = HashMap::new();
    for row in &rows {
        match row {
            Row::Enrollment(row) if row.role == "student" => {
                *sizes.entry(&row.class_sourced_id).or_default() += 1;
                moved += u32::from(row.class_sourced_id.ends_with("-HR") && row.end_date < "2026-06-01".parse().ok());
            }
            Row::User(row) if !row.grades.is_empty() => *siblings.entry(&row.agent_sourced_ids).or_default() += 1,
            _ => {}
        }
    }
    let mean = sizes.values().sum::<u32>() / u32::try_from(sizes.len()).expect("few classes");
    assert!((20..=26).contains(&mean), "classes have {mean} students");
    assert!((80..=240).contains(&moved), "{moved} students changed class in the year");
    let families = siblings.len();
    assert!((2200..=3000).contains(&families), "{families} families of 4000 students");
}

#[test]
fn the_same_settings_give_the_same_bytes() {
    let settings = SampleSettings::new(3, 300);
    let (_, one) = sample(&settings);
    let (_, other) = sample(&settings);
    assert!(one == other);
    let (_, seeded) = sample(&SampleSettings { seed: 4, ..settings.clone() });
    assert!(one != seeded);
    let (_, later) = sample(&SampleSettings { school_year: 2031, ..settings });
    let (rows, report) = read_strictly(later);
    assert_eq!(report.findings.issues(), []);
    assert!(matches!(&rows[2], Row::AcademicSession(row) if row.school_year == 2031), "{:?}", rows[2]);
}

#[test]
fn senseless_settings_are_refused() {
    let folder = tempfile::tempdir().expect("a folder");
    let target = folder.path().join("sample.zip");
    let code = |settings: &SampleSettings, target: &Path| write(settings, target).map_err(|error| error.code());
    let one = SampleSettings::new(1, 1);
    assert_eq!(code(&SampleSettings::new(1, 0), &target), Err("sample_students"));
    assert_eq!(code(&SampleSettings::new(1, 200_001), &target), Err("sample_students"));
    assert_eq!(code(&SampleSettings { school_year: 0, ..one.clone() }, &target), Err("sample_school_year"));
    assert_eq!(code(&one, folder.path()), Err("sample_target"));
    assert!(matches!(write(&one, &folder.path().join("no/sample.zip")), Err(SampleError::Io { .. })));
    assert_eq!(std::fs::read_dir(folder.path()).expect("the folder").count(), 0);
}
