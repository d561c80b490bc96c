//! Rules within one row.
//!
//! Rules between rows are left to the database, where the rows of a package lie side by side in temporary tables:
//! that a sourcedId is used once in its file, that a reference leads to a record of the package or of the tenant, that
//! the sourcedId of demographics is a user's, that a person has one primary role in an org. Here they would need all
//! ids of a package in memory.

use jiff::civil::Date;

use super::{
    deviation::{LIST_LENGTHS, PERIOD_EMPTY},
    finding::{Findings, Place, Refused},
    row::Row,
};

/// Checks a row that has been read.
pub(crate) fn check(row: &Row, place: Place<'_>, findings: &mut Findings) -> Result<(), Refused> {
    match row {
        Row::Org(org) => {
            let parent = org.parent_sourced_id.as_deref();
            not_own_parent(&org.base.sourced_id, parent, place, findings)
        }
        Row::AcademicSession(session) => {
            let parent = session.parent_sourced_id.as_deref();
            not_own_parent(&session.base.sourced_id, parent, place, findings)?;
            period(Some(session.start_date), Some(session.end_date), place, findings)?;
            let last_day = session.end_date.yesterday().unwrap_or(session.end_date);
            if session.kind == "schoolYear" && last_day.year() != session.school_year {
                let message = "a school year is named by the year in which it ends";
                let expected = last_day.year().to_string();
                let value = session.school_year.to_string();
                let place = place.column("schoolYear");
                findings.warning("school_year_mismatch", place, Some(&value), message, Some(expected.into()));
            }
            Ok(())
        }
        Row::Course(course) => same_length(&course.subjects, &course.subject_codes, place, findings),
        Row::Class(class) => same_length(&class.subjects, &class.subject_codes, place, findings),
        Row::User(user) => {
            if user.agent_sourced_ids.contains(&user.base.sourced_id) {
                let message = "a person is named as a relation of themselves";
                let place = place.column("agentSourcedIds");
                findings.warning("agent_is_self", place, Some(&user.base.sourced_id), message, None);
            }
            Ok(())
        }
        Row::Role(role) => period(role.begin_date, role.end_date, place, findings),
        Row::Enrollment(enrollment) => {
            if enrollment.primary == Some(true) && enrollment.role != "teacher" {
                let message = "only a teacher can be the primary one of a class";
                let place = place.column("primary");
                findings.warning("primary_not_teacher", place, Some("true"), message, Some("false".into()));
            }
            period(enrollment.begin_date, enrollment.end_date, place, findings)
        }
        Row::Demographics(_) | Row::Removed(_) | Row::Rejected(_) => Ok(()),
    }
}

fn not_own_parent(own: &str, parent: Option<&str>, place: Place<'_>, findings: &mut Findings) -> Result<(), Refused> {
    if parent != Some(own) {
        return Ok(());
    }
    let message = "the record is its own parent";
    let expected = Some("another record's sourcedId, or nothing".into());
    Err(findings.error("parent_is_self", place.column("parentSourcedId"), parent, message, expected))
}

fn period(begin: Option<Date>, end: Option<Date>, place: Place<'_>, findings: &mut Findings) -> Result<(), Refused> {
    let (Some(begin), Some(end)) = (begin, end) else { return Ok(()) };
    let place = place.column("endDate");
    let value = end.to_string();
    let expected = || Some(format!("a date after {begin}").into());
    if end < begin {
        let message = "the period ends before it begins";
        return Err(findings.error("period_reversed", place, Some(&value), message, expected()));
    }
    if end == begin {
        findings.deviation(&PERIOD_EMPTY, place, Some(&value), expected())?;
    }
    Ok(())
}

fn same_length(
    subjects: &[String],
    codes: &[String],
    place: Place<'_>,
    findings: &mut Findings,
) -> Result<(), Refused> {
    if subjects.is_empty() || codes.is_empty() || subjects.len() == codes.len() {
        return Ok(());
    }
    let expected = format!("{} codes, in the order of the subjects", subjects.len());
    findings.deviation(&LIST_LENGTHS, place.column("subjectCodes"), Some(&codes.join(",")), Some(expected.into()))
}
