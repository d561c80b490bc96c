//! From rows of the reader to lines of COPY. The order of values is the order of columns in `store`.

use cloister_ids::{AcademicSessionId, ClassId, Clock, CourseId, EnrollmentId, OrgId, PersonId, RoleId, Uuid};
use serde_json::{Map, Value, json};

use super::copy_line::CopyLine;
use crate::{
    oneroster::{
        AcademicSessionRow, ClassRow, CourseRow, DemographicsRow, EnrollmentRow, File, OrgRow, RecordStatus, RoleRow,
        Row, RowBase, UserRow,
    },
    search_key,
};

/// Writes one row to the lines of its kind. Rejected rows without a name have no line: nothing can be said of them.
pub(super) fn write(row: &Row, line: &mut CopyLine, clock: &dyn Clock, out: &mut Vec<u8>) {
    line.clear();
    let (number, id) = match row {
        Row::Org(row) => (org(row, line), Some(OrgId::generate(clock).uuid())),
        Row::AcademicSession(row) => (session(row, line), Some(AcademicSessionId::generate(clock).uuid())),
        Row::Course(row) => (course(row, line), Some(CourseId::generate(clock).uuid())),
        Row::Class(row) => (class(row, line), Some(ClassId::generate(clock).uuid())),
        Row::User(row) => (person(row, line), Some(PersonId::generate(clock).uuid())),
        Row::Role(row) => (role(row, line), Some(RoleId::generate(clock).uuid())),
        Row::Enrollment(row) => (enrollment(row, line), Some(EnrollmentId::generate(clock).uuid())),
        Row::Demographics(row) => (demographics(row, line), None::<Uuid>),
        Row::Removed(row) => {
            head(&row.base, line);
            blanks(row.file, line);
            (row.base.line, None)
        }
        Row::Rejected(row) => {
            let Some(sourced_id) = &row.sourced_id else { return };
            line.text("rejected").nothing().text(sourced_id).text("{}");
            blanks(row.file, line);
            (row.line, None)
        }
    };
    line.write_to(out, number, id);
}

/// The file whose lines a row belongs to.
pub(super) fn file_of(row: &Row) -> File {
    match row {
        Row::Org(_) => File::Orgs,
        Row::AcademicSession(_) => File::AcademicSessions,
        Row::Course(_) => File::Courses,
        Row::Class(_) => File::Classes,
        Row::User(_) => File::Users,
        Row::Role(_) => File::Roles,
        Row::Enrollment(_) => File::Enrollments,
        Row::Demographics(_) => File::Demographics,
        Row::Removed(row) => row.file,
        Row::Rejected(row) => row.file,
    }
}

/// Columns of a kind behind `metadata`, for rows that say no more than a name.
fn blanks(file: File, line: &mut CopyLine) {
    let count = match file {
        File::Orgs => 5,
        File::AcademicSessions | File::Enrollments | File::Roles => 7,
        File::Courses => 8,
        File::Classes => 12,
        File::Users => 20,
        File::Demographics => 14,
        _ => 0,
    };
    for _ in 0..count {
        line.nothing();
    }
}

fn head(base: &RowBase, line: &mut CopyLine) -> u64 {
    let state = match base.status {
        RecordStatus::Active => "active",
        RecordStatus::ToBeDeleted => "removed",
    };
    let metadata: Map<String, Value> =
        base.metadata.iter().map(|(name, value)| (name.clone(), Value::String(value.clone()))).collect();
    line.text(state).plain(base.date_last_modified).text(&base.sourced_id).text(&Value::Object(metadata).to_string());
    base.line
}

fn org(row: &OrgRow, line: &mut CopyLine) -> u64 {
    let number = head(&row.base, line);
    line.text(&row.name).text(&search_key::of(&row.name)).text(&row.kind).maybe(row.identifier.as_deref());
    line.maybe(row.parent_sourced_id.as_deref());
    number
}

fn session(row: &AcademicSessionRow, line: &mut CopyLine) -> u64 {
    let number = head(&row.base, line);
    line.text(&row.title).text(&search_key::of(&row.title)).text(&row.kind);
    line.plain(Some(row.start_date)).plain(Some(row.end_date)).plain(Some(row.school_year));
    line.maybe(row.parent_sourced_id.as_deref());
    number
}

fn course(row: &CourseRow, line: &mut CopyLine) -> u64 {
    let number = head(&row.base, line);
    line.text(&row.title).text(&search_key::of(&row.title)).maybe(row.course_code.as_deref());
    line.list(&row.grades).list(&row.subjects).list(&row.subject_codes);
    line.text(&row.org_sourced_id).maybe(row.school_year_sourced_id.as_deref());
    number
}

fn class(row: &ClassRow, line: &mut CopyLine) -> u64 {
    let number = head(&row.base, line);
    line.text(&row.title).text(&search_key::of(&row.title)).maybe(row.class_code.as_deref());
    line.text(&row.class_type).maybe(row.location.as_deref());
    line.list(&row.grades).list(&row.subjects).list(&row.subject_codes).list(&row.periods);
    line.list(&row.term_sourced_ids).text(&row.course_sourced_id).text(&row.school_sourced_id);
    number
}

fn person(row: &UserRow, line: &mut CopyLine) -> u64 {
    let number = head(&row.base, line);
    let (by_family, by_given) = search_key::of_person(&row.given_name, &row.family_name);
    line.text(&row.username).plain(Some(row.enabled_user));
    line.text(&row.given_name).maybe(row.middle_name.as_deref()).text(&row.family_name);
    line.maybe(row.preferred_given_name.as_deref()).maybe(row.preferred_middle_name.as_deref());
    line.maybe(row.preferred_family_name.as_deref()).maybe(row.pronouns.as_deref());
    line.text(&by_family).text(&by_given);
    line.maybe(row.identifier.as_deref()).maybe(row.email.as_deref());
    line.maybe(row.sms.as_deref()).maybe(row.phone.as_deref());
    line.text(&json!(row.user_ids).to_string()).maybe(row.user_master_identifier.as_deref());
    line.list(&row.grades).list(&row.agent_sourced_ids).maybe(row.primary_org_sourced_id.as_deref());
    number
}

fn role(row: &RoleRow, line: &mut CopyLine) -> u64 {
    let number = head(&row.base, line);
    line.text(&row.role).text(row.role_type.as_str()).plain(row.begin_date).plain(row.end_date);
    line.maybe(row.user_profile_sourced_id.as_deref()).text(&row.user_sourced_id).text(&row.org_sourced_id);
    number
}

fn enrollment(row: &EnrollmentRow, line: &mut CopyLine) -> u64 {
    let number = head(&row.base, line);
    line.text(&row.role).plain(row.primary).plain(row.begin_date).plain(row.end_date);
    line.text(&row.class_sourced_id).text(&row.school_sourced_id).text(&row.user_sourced_id);
    number
}

fn demographics(row: &DemographicsRow, line: &mut CopyLine) -> u64 {
    let number = head(&row.base, line);
    line.plain(row.birth_date).maybe(row.sex.as_deref());
    for answer in [
        row.american_indian_or_alaska_native,
        row.asian,
        row.black_or_african_american,
        row.native_hawaiian_or_other_pacific_islander,
        row.white,
        row.demographic_race_two_or_more_races,
        row.hispanic_or_latino_ethnicity,
    ] {
        line.plain(answer);
    }
    line.maybe(row.country_of_birth_code.as_deref()).maybe(row.state_of_birth_abbreviation.as_deref());
    line.maybe(row.city_of_birth.as_deref()).maybe(row.public_school_residence_status.as_deref());
    line.text(&row.base.sourced_id);
    number
}
