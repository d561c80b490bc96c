//! What a row is, file by file. Names are the standard's.

use jiff::{Timestamp, civil::Date};
use serde::Serialize;

use crate::oneroster::File;

/// Whether a record exists.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum RecordStatus {
    /// It does.
    Active,
    /// It is deleted, and may be purged.
    ToBeDeleted,
}

impl RecordStatus {
    /// As the standard spells it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::ToBeDeleted => "tobedeleted",
        }
    }
}

/// What every row has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RowBase {
    /// The sender's id: at most 255 characters, unique in its file and tenant.
    pub sourced_id: String,
    /// Whether the record exists. Rows of a bulk file are active unless they say otherwise.
    pub status: RecordStatus,
    /// When the sender last changed it; never there in a bulk file.
    pub date_last_modified: Option<Timestamp>,
    /// Extension columns with a value: name without `metadata.`, value. No column of passwords is among them.
    pub metadata: Vec<(String, String)>,
    /// The physical line the row begins on.
    pub line: u64,
}

/// A row of `orgs.csv`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OrgRow {
    /// What every row has.
    pub base: RowBase,
    /// Its name.
    pub name: String,
    /// department, school, district, local, state, national or `ext:…`.
    pub kind: String,
    /// A code people know it by.
    pub identifier: Option<String>,
    /// The org it belongs to.
    pub parent_sourced_id: Option<String>,
}

/// A row of `academicSessions.csv`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AcademicSessionRow {
    /// What every row has.
    pub base: RowBase,
    /// Its title.
    pub title: String,
    /// gradingPeriod, semester, schoolYear, term or `ext:…`.
    pub kind: String,
    /// Its first day.
    pub start_date: Date,
    /// The day after its last.
    pub end_date: Date,
    /// The session it lies in.
    pub parent_sourced_id: Option<String>,
    /// The year in which the school year ends.
    pub school_year: i16,
}

/// A row of `courses.csv`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CourseRow {
    /// What every row has.
    pub base: RowBase,
    /// The school year it is given in.
    pub school_year_sourced_id: Option<String>,
    /// Its title.
    pub title: String,
    /// A code people know it by.
    pub course_code: Option<String>,
    /// The grades it is for.
    pub grades: Vec<String>,
    /// The org that gives it.
    pub org_sourced_id: String,
    /// Its subjects.
    pub subjects: Vec<String>,
    /// The subjects' codes, in the same order.
    pub subject_codes: Vec<String>,
}

/// A row of `classes.csv`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClassRow {
    /// What every row has.
    pub base: RowBase,
    /// Its title.
    pub title: String,
    /// The grades in it.
    pub grades: Vec<String>,
    /// The course it teaches.
    pub course_sourced_id: String,
    /// A code people know it by.
    pub class_code: Option<String>,
    /// homeroom, scheduled or `ext:…`.
    pub class_type: String,
    /// Where it meets.
    pub location: Option<String>,
    /// The school it is in.
    pub school_sourced_id: String,
    /// The sessions it meets in, at least one.
    pub term_sourced_ids: Vec<String>,
    /// Its subjects.
    pub subjects: Vec<String>,
    /// The subjects' codes, in the same order.
    pub subject_codes: Vec<String>,
    /// The periods of the day it meets in.
    pub periods: Vec<String>,
}

/// An id that a person has in another system.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct UserId {
    /// The system.
    #[serde(rename = "type")]
    pub kind: String,
    /// The id in it.
    pub identifier: String,
}

/// A row of `users.csv`. Passwords are dropped at reading.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UserRow {
    /// What every row has.
    pub base: RowBase,
    /// Whether the person may sign in.
    pub enabled_user: bool,
    /// The name to sign in with.
    pub username: String,
    /// Ids in other systems.
    pub user_ids: Vec<UserId>,
    /// First name.
    pub given_name: String,
    /// Last name.
    pub family_name: String,
    /// Names between.
    pub middle_name: Option<String>,
    /// A number people know the person by.
    pub identifier: Option<String>,
    /// Electronic mail.
    pub email: Option<String>,
    /// Number for text messages.
    pub sms: Option<String>,
    /// Number for calls.
    pub phone: Option<String>,
    /// The people with a relation to this one: for a student, the guardians.
    pub agent_sourced_ids: Vec<String>,
    /// The grades a student is in.
    pub grades: Vec<String>,
    /// One id for the person across systems.
    pub user_master_identifier: Option<String>,
    /// The first name the person goes by.
    pub preferred_given_name: Option<String>,
    /// The middle name the person goes by.
    pub preferred_middle_name: Option<String>,
    /// The last name the person goes by.
    pub preferred_family_name: Option<String>,
    /// The org the person mainly belongs to. In 1.1, which does not say, the only org if there is one.
    pub primary_org_sourced_id: Option<String>,
    /// Pronouns.
    pub pronouns: Option<String>,
}

/// Whether a role is the main one of the person in the org.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum RoleType {
    /// It is.
    Primary,
    /// It is one beside the main one.
    Secondary,
}

impl RoleType {
    /// As the standard spells it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Primary => "primary",
            Self::Secondary => "secondary",
        }
    }
}

/// A row of `roles.csv`, or a role derived from a user of 1.1.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RoleRow {
    /// What every row has. The `sourced_id` of a derived role is made of the user, the org and the role, always alike.
    pub base: RowBase,
    /// The person.
    pub user_sourced_id: String,
    /// Main role in the org, or another.
    pub role_type: RoleType,
    /// student, teacher, guardian, … or `ext:…`.
    pub role: String,
    /// Its first day.
    pub begin_date: Option<Date>,
    /// The day after its last.
    pub end_date: Option<Date>,
    /// The org.
    pub org_sourced_id: String,
    /// The user profile that goes with it.
    pub user_profile_sourced_id: Option<String>,
    /// Made from a row of `users.csv` of version 1.1.
    pub derived: bool,
}

/// A row of `enrollments.csv`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EnrollmentRow {
    /// What every row has.
    pub base: RowBase,
    /// The class.
    pub class_sourced_id: String,
    /// The school of the class.
    pub school_sourced_id: String,
    /// The person.
    pub user_sourced_id: String,
    /// administrator, proctor, student, teacher or `ext:…`.
    pub role: String,
    /// Whether a teacher is the main one of the class.
    pub primary: Option<bool>,
    /// Its first day.
    pub begin_date: Option<Date>,
    /// The day after its last.
    pub end_date: Option<Date>,
}

/// A row of `demographics.csv`; its `sourced_id` is the person's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DemographicsRow {
    /// What every row has.
    pub base: RowBase,
    /// Date of birth.
    pub birth_date: Option<Date>,
    /// male, female, unspecified, other or `ext:…`.
    pub sex: Option<String>,
    /// As the standard names it.
    pub american_indian_or_alaska_native: Option<bool>,
    /// As the standard names it.
    pub asian: Option<bool>,
    /// As the standard names it.
    pub black_or_african_american: Option<bool>,
    /// As the standard names it.
    pub native_hawaiian_or_other_pacific_islander: Option<bool>,
    /// As the standard names it.
    pub white: Option<bool>,
    /// As the standard names it.
    pub demographic_race_two_or_more_races: Option<bool>,
    /// As the standard names it.
    pub hispanic_or_latino_ethnicity: Option<bool>,
    /// Country of birth.
    pub country_of_birth_code: Option<String>,
    /// State of birth.
    pub state_of_birth_abbreviation: Option<String>,
    /// City of birth.
    pub city_of_birth: Option<String>,
    /// Whether the pupil lives in the school's district, as a code.
    pub public_school_residence_status: Option<String>,
}

/// A row that says no more than that a record is deleted (lenient mode only).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RemovedRow {
    /// The file it is in, and so what it deletes.
    pub file: File,
    /// What every row has; its status is `ToBeDeleted`.
    pub base: RowBase,
}

/// A row that could not be read; why is among the findings.
///
/// A bulk merge must not take the record for one that is missing from the set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RejectedRow {
    /// The file it is in.
    pub file: File,
    /// The physical line the row begins on.
    pub line: u64,
    /// The record it is about, if that much could be read.
    pub sourced_id: Option<String>,
}

/// What the reader hands on. Rows come file by file in the order of [`File::ALL`]; roles of 1.1 follow their user.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Row {
    /// From `orgs.csv`.
    Org(OrgRow),
    /// From `academicSessions.csv`.
    AcademicSession(AcademicSessionRow),
    /// From `courses.csv`.
    Course(CourseRow),
    /// From `classes.csv`.
    Class(Box<ClassRow>),
    /// From `users.csv`.
    User(Box<UserRow>),
    /// From `roles.csv`, or derived.
    Role(RoleRow),
    /// From `enrollments.csv`.
    Enrollment(EnrollmentRow),
    /// From `demographics.csv`.
    Demographics(Box<DemographicsRow>),
    /// A bare deletion.
    Removed(RemovedRow),
    /// A row that could not be read.
    Rejected(RejectedRow),
}
