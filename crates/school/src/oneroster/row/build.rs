//! From checked cells to rows.

use super::sourced_id::derived_sourced_id;
use super::types::{
    AcademicSessionRow, ClassRow, CourseRow, DemographicsRow, EnrollmentRow, OrgRow, RoleRow, RoleType, Row, RowBase,
    UserId, UserRow,
};
use crate::oneroster::{File, Version, cell::Value, schema::Columns};

/// Takes values by the names of their columns.
///
/// A required value that is missing cannot occur: rows without it were refused before. Should it occur all the same,
/// the row is given up and no value invented.
struct Cells<'a> {
    columns: Columns,
    values: &'a mut [Value],
}

impl Cells<'_> {
    fn take(&mut self, column: &str) -> Value {
        let slot = self.columns.position(column).and_then(|index| self.values.get_mut(index));
        slot.map_or(Value::Empty, |value| std::mem::replace(value, Value::Empty))
    }

    fn text(&mut self, column: &str) -> Option<String> {
        if let Value::Text(text) = self.take(column) { Some(text) } else { None }
    }

    fn list(&mut self, column: &str) -> Vec<String> {
        if let Value::List(list) = self.take(column) { list } else { Vec::new() }
    }

    fn boolean(&mut self, column: &str) -> Option<bool> {
        if let Value::Boolean(value) = self.take(column) { Some(value) } else { None }
    }

    fn date(&mut self, column: &str) -> Option<jiff::civil::Date> {
        if let Value::Date(date) = self.take(column) { Some(date) } else { None }
    }

    fn year(&mut self, column: &str) -> Option<i16> {
        if let Value::Year(year) = self.take(column) { Some(year) } else { None }
    }

    fn user_ids(&mut self) -> Vec<UserId> {
        if let Value::UserIds(ids) = self.take("userIds") { ids } else { Vec::new() }
    }
}

/// A row, and the roles that a user of 1.1 brings along.
pub(crate) struct Built {
    pub(crate) row: Row,
    pub(crate) roles: Vec<RoleRow>,
}

impl From<Row> for Built {
    fn from(row: Row) -> Self {
        Self { row, roles: Vec::new() }
    }
}

/// Makes the row of a roster file; nothing for the files that are only counted.
pub(crate) fn build(
    file: File,
    version: Version,
    columns: Columns,
    base: RowBase,
    values: &mut [Value],
) -> Option<Built> {
    let mut cells = Cells { columns, values };
    let row = match file {
        File::Orgs => Row::Org(org(base, &mut cells)?),
        File::AcademicSessions => Row::AcademicSession(academic_session(base, &mut cells)?),
        File::Courses => Row::Course(course(base, &mut cells)?),
        File::Classes => Row::Class(Box::new(class(base, &mut cells)?)),
        File::Users => return user(base, version, &mut cells),
        File::Roles => Row::Role(role(base, &mut cells)?),
        File::Enrollments => Row::Enrollment(enrollment(base, &mut cells)?),
        File::Demographics => Row::Demographics(Box::new(demographics(base, &mut cells))),
        _ => return None,
    };
    Some(row.into())
}

fn org(base: RowBase, cells: &mut Cells<'_>) -> Option<OrgRow> {
    Some(OrgRow {
        base,
        name: cells.text("name")?,
        kind: cells.text("type")?,
        identifier: cells.text("identifier"),
        parent_sourced_id: cells.text("parentSourcedId"),
    })
}

fn academic_session(base: RowBase, cells: &mut Cells<'_>) -> Option<AcademicSessionRow> {
    Some(AcademicSessionRow {
        base,
        title: cells.text("title")?,
        kind: cells.text("type")?,
        start_date: cells.date("startDate")?,
        end_date: cells.date("endDate")?,
        parent_sourced_id: cells.text("parentSourcedId"),
        school_year: cells.year("schoolYear")?,
    })
}

fn course(base: RowBase, cells: &mut Cells<'_>) -> Option<CourseRow> {
    Some(CourseRow {
        base,
        school_year_sourced_id: cells.text("schoolYearSourcedId"),
        title: cells.text("title")?,
        course_code: cells.text("courseCode"),
        grades: cells.list("grades"),
        org_sourced_id: cells.text("orgSourcedId")?,
        subjects: cells.list("subjects"),
        subject_codes: cells.list("subjectCodes"),
    })
}

fn class(base: RowBase, cells: &mut Cells<'_>) -> Option<ClassRow> {
    Some(ClassRow {
        base,
        title: cells.text("title")?,
        grades: cells.list("grades"),
        course_sourced_id: cells.text("courseSourcedId")?,
        class_code: cells.text("classCode"),
        class_type: cells.text("classType")?,
        location: cells.text("location"),
        school_sourced_id: cells.text("schoolSourcedId")?,
        term_sourced_ids: cells.list("termSourcedIds"),
        subjects: cells.list("subjects"),
        subject_codes: cells.list("subjectCodes"),
        periods: cells.list("periods"),
    })
}

fn user(base: RowBase, version: Version, cells: &mut Cells<'_>) -> Option<Built> {
    let (orgs, roles) = match version {
        Version::V1_1 => {
            let orgs = cells.list("orgSourcedIds");
            let role = current_role(cells.text("role")?);
            let roles = orgs.iter().map(|org| derived_role(&base, org, &role)).collect();
            (orgs, roles)
        }
        Version::V1_2 => (Vec::new(), Vec::new()),
    };
    let only_org = <[String; 1]>::try_from(orgs).ok().map(|[org]| org);
    let user = UserRow {
        base,
        enabled_user: cells.boolean("enabledUser")?,
        username: cells.text("username")?,
        user_ids: cells.user_ids(),
        given_name: cells.text("givenName")?,
        family_name: cells.text("familyName")?,
        middle_name: cells.text("middleName"),
        identifier: cells.text("identifier"),
        email: cells.text("email"),
        sms: cells.text("sms"),
        phone: cells.text("phone"),
        agent_sourced_ids: cells.list("agentSourcedIds"),
        grades: cells.list("grades"),
        user_master_identifier: cells.text("userMasterIdentifier"),
        preferred_given_name: cells.text("preferredGivenName"),
        preferred_middle_name: cells.text("preferredMiddleName"),
        preferred_family_name: cells.text("preferredFamilyName"),
        primary_org_sourced_id: cells.text("primaryOrgSourcedId").or(only_org),
        pronouns: cells.text("pronouns"),
    };
    Some(Built { row: Row::User(Box::new(user)), roles })
}

/// 1.2 split the administrator of 1.1 in three. The narrowest of them is taken: it grants nothing beyond the org.
fn current_role(role: String) -> String {
    if role == "administrator" { "siteAdministrator".to_owned() } else { role }
}

fn derived_role(user: &RowBase, org: &str, role: &str) -> RoleRow {
    RoleRow {
        base: RowBase {
            sourced_id: derived_sourced_id(&[&user.sourced_id, org, role]),
            status: user.status,
            date_last_modified: user.date_last_modified,
            metadata: Vec::new(),
            line: user.line,
        },
        user_sourced_id: user.sourced_id.clone(),
        // A user of 1.1 has one role in each org, which makes it the main one there.
        role_type: RoleType::Primary,
        role: role.to_owned(),
        begin_date: None,
        end_date: None,
        org_sourced_id: org.to_owned(),
        user_profile_sourced_id: None,
        derived: true,
    }
}

fn role(base: RowBase, cells: &mut Cells<'_>) -> Option<RoleRow> {
    let role_type = match cells.text("roleType")?.as_str() {
        "primary" => RoleType::Primary,
        _ => RoleType::Secondary,
    };
    Some(RoleRow {
        base,
        user_sourced_id: cells.text("userSourcedId")?,
        role_type,
        role: cells.text("role")?,
        begin_date: cells.date("beginDate"),
        end_date: cells.date("endDate"),
        org_sourced_id: cells.text("orgSourcedId")?,
        user_profile_sourced_id: cells.text("userProfileSourcedId"),
        derived: false,
    })
}

fn enrollment(base: RowBase, cells: &mut Cells<'_>) -> Option<EnrollmentRow> {
    Some(EnrollmentRow {
        base,
        class_sourced_id: cells.text("classSourcedId")?,
        school_sourced_id: cells.text("schoolSourcedId")?,
        user_sourced_id: cells.text("userSourcedId")?,
        role: cells.text("role")?,
        primary: cells.boolean("primary"),
        begin_date: cells.date("beginDate"),
        end_date: cells.date("endDate"),
    })
}

fn demographics(base: RowBase, cells: &mut Cells<'_>) -> DemographicsRow {
    DemographicsRow {
        base,
        birth_date: cells.date("birthDate"),
        sex: cells.text("sex"),
        american_indian_or_alaska_native: cells.boolean("americanIndianOrAlaskaNative"),
        asian: cells.boolean("asian"),
        black_or_african_american: cells.boolean("blackOrAfricanAmerican"),
        native_hawaiian_or_other_pacific_islander: cells.boolean("nativeHawaiianOrOtherPacificIslander"),
        white: cells.boolean("white"),
        demographic_race_two_or_more_races: cells.boolean("demographicRaceTwoOrMoreRaces"),
        hispanic_or_latino_ethnicity: cells.boolean("hispanicOrLatinoEthnicity"),
        country_of_birth_code: cells.text("countryOfBirthCode"),
        state_of_birth_abbreviation: cells.text("stateOfBirthAbbreviation"),
        city_of_birth: cells.text("cityOfBirth"),
        public_school_residence_status: cells.text("publicSchoolResidenceStatus"),
    }
}
