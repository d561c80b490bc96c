//! Who may do what in a school: its roles, and the one table of grants.
//!
//! The same table as a page for people: `docs/school/permissions.md`, written by `make codegen`. Reasons for what is not
//! granted:
//! - Demographics are for the office and those above. A teacher teaches without them, and a family asks the office, which
//!   looks who is asking.
//! - The office enters demographics, but only owner and administrator erase them: nothing remains to tell what was there.
//! - Bringing in a whole roster can change every record at once, and taking it out tells everything of everybody at once, so
//!   both stay with owner and administrator.
//! - Attendance is recorded and corrected by the office. A teacher takes the registers of own classes, and that alone is
//!   writing which is narrowed: who has a place as teacher today answers for it. Families see what was recorded.
//! - What attendance codes mean decides every rate, so owner and administrator alone change them.
//! - Contacts are kept by the office. A teacher sees those of the students taught, with what must be known before a child is handed
//!   over; a guardian sees their own relation and not the other parent's; a student sees none.
//! - Families are the office's own order of things: what a family or a teacher may know of them is told by contacts and siblings.
//! - Posts are kept by owner and administrator and read by the office; everybody on the staff reads their own.
//! - What became of a student in earlier years is for the office and the family. A teacher meets a student without it.
//! - Documents are kept by the office. Each says who else may see it: teachers of the student, guardians who act for the student, the
//!   person it is about. An order of a court never does: what follows from it is told by contacts. A photograph is seen by whoever
//!   sees the person.
//! - What a school writes down in fields of its own is for the office. Which fields there are, owner and administrator decide.
//! - A student's times at schools are kept by the office. A teacher sees only the one of today, not how earlier ones ended.
//! - A whole school goes into its next year by owner or administrator: it changes everybody at once. The office reads the plan.
//! - Health is the health office's: a role of its own, which sees persons, contacts, classes, places in them and absence requests, and keeps
//!   what is known of health. The office does without; what a teacher must know of those taught is an alert, with a name and what to do, and nothing else.
//! - Owner and administrator keep health too: a small school has no health office, and nobody gives a role that may do more than
//!   they. What they read is in the access log, which they alone read.
//! - A family reads what is kept of their child, and a student what is kept of them; who else read it is not theirs to see yet.
//! - Two persons are merged by owner and administrator: it changes many records at once, and lets one account see what two did.
//! - Incidents are kept by the office. A teacher reports those of students taught, and sees these students' parts in incidents and
//!   whatever they reported themselves; who else was in it, the office knows. A family sees its child's part, what the school did about
//!   it and letters that were approved, and never anybody else's. What is confidential is for the office and those above.
//! - What behavior codes mean decides points, and templates what is written to families, so owner and administrator alone change them.
//! - A follow-up is the office's, and of whoever has to do it, who may say that it is done.
//! - Teachers see whoever has a place in their classes, other teachers included, and nobody else's names.

use cloister_tenancy::{Action, Grant, Resource, Role};

use crate::{
    ROSTER,
    absence_request::ABSENCE_REQUEST,
    academic_record::ACADEMIC_RECORD,
    academic_session::ACADEMIC_SESSION,
    access_log_entry::ACCESS_LOG_ENTRY,
    allergy::ALLERGY,
    attendance_code::ATTENDANCE_CODE,
    attendance_event::ATTENDANCE_EVENT,
    attendance_register::ATTENDANCE_REGISTER,
    behavior_code::BEHAVIOR_CODE,
    bell_schedule::BELL_SCHEDULE,
    calendar_date::CALENDAR_DATE,
    class::CLASS,
    class_period::CLASS_PERIOD,
    contact::CONTACT,
    course::COURSE,
    custom_field::{CUSTOM_FIELD, CUSTOM_VALUE},
    demographics::DEMOGRAPHICS,
    discipline_action::DISCIPLINE_ACTION,
    discipline_incident::DISCIPLINE_INCIDENT,
    document::DOCUMENT,
    enrollment::ENROLLMENT,
    family::FAMILY,
    health_alert::HEALTH_ALERT,
    health_condition::HEALTH_CONDITION,
    health_visit::HEALTH_VISIT,
    immunization::IMMUNIZATION,
    incident_follow_up::INCIDENT_FOLLOW_UP,
    incident_letter::INCIDENT_LETTER,
    incident_letter_template::INCIDENT_LETTER_TEMPLATE,
    incident_participant::INCIDENT_PARTICIPANT,
    medication::MEDICATION,
    meeting::MEETING,
    org::ORG,
    person::PERSON,
    person_merge::PERSON_MERGE,
    room::ROOM,
    scopes::{OWN_CHILDREN, OWN_CLASSES, SELF},
    staff_assignment::STAFF_ASSIGNMENT,
    student_school_association::STUDENT_SCHOOL_ASSOCIATION,
    year_rollover::YEAR_ROLLOVER,
};

pub(crate) const READ: &[Action] = &[Action::Read];
const KEEP: &[Action] = &[Action::Create, Action::Read, Action::Update, Action::Delete];
pub(crate) const ENTER: &[Action] = &[Action::Read, Action::Update];
const ENTER_AND_ERASE: &[Action] = &[Action::Read, Action::Update, Action::Delete];
pub(crate) const REPORT: &[Action] = &[Action::Create, Action::Read];
pub(crate) const RECORD: &[Action] = &[Action::Create, Action::Read, Action::Delete];
const MERGE: &[Action] = &[Action::Create, Action::Read, Action::Delete];
const WHOLE: &[Action] = &[Action::Read, Action::Import, Action::Export];

const OWNER: &str = "owner";
const ADMIN: &str = "admin";
const STAFF: &str = "staff";
const NURSE: &str = "nurse";
const TEACHER: &str = "teacher";
const GUARDIAN: &str = "guardian";
const STUDENT: &str = "student";

/// The roles of a school, besides owner and administrator, which every tenant has.
pub(crate) const ROLES: &[Role] = &[
    Role {
        name: STAFF,
        title: "Staff",
        description: "Works in the office: keeps persons, classes and places in them.",
    },
    Role {
        name: NURSE,
        title: "Health office",
        description: "Looks after health: keeps conditions, allergies, medications, vaccinations and visits.",
    },
    Role { name: TEACHER, title: "Teacher", description: "Teaches classes, and sees who is in them." },
    Role { name: GUARDIAN, title: "Guardian", description: "Acts for children of the school, and sees theirs." },
    Role { name: STUDENT, title: "Student", description: "Learns at the school, and sees what is their own." },
];

/// What no operator on a visit sees: who runs the platform has no business with anybody's health, nor with who read of it.
pub(crate) const CLOSED_TO_OPERATORS: &[Resource] =
    &[HEALTH_CONDITION, ALLERGY, MEDICATION, IMMUNIZATION, HEALTH_VISIT, HEALTH_ALERT, ACCESS_LOG_ENTRY];

/// What each role may do. What is not here is denied.
pub(crate) const GRANTS: &[Grant] = &[
    Grant::all(OWNER, ORG, KEEP),
    Grant::all(OWNER, ACADEMIC_SESSION, KEEP),
    Grant::all(OWNER, COURSE, KEEP),
    Grant::all(OWNER, CLASS, KEEP),
    Grant::all(OWNER, PERSON, KEEP),
    Grant::all(OWNER, CONTACT, KEEP),
    Grant::all(OWNER, FAMILY, KEEP),
    Grant::all(OWNER, STAFF_ASSIGNMENT, KEEP),
    Grant::all(OWNER, ACADEMIC_RECORD, KEEP),
    Grant::all(OWNER, CUSTOM_FIELD, KEEP),
    Grant::all(OWNER, CUSTOM_VALUE, ENTER),
    Grant::all(OWNER, PERSON_MERGE, MERGE),
    Grant::all(OWNER, ENROLLMENT, KEEP),
    Grant::all(OWNER, STUDENT_SCHOOL_ASSOCIATION, KEEP),
    Grant::all(OWNER, YEAR_ROLLOVER, KEEP),
    Grant::all(OWNER, DEMOGRAPHICS, ENTER_AND_ERASE),
    Grant::all(OWNER, ROSTER, WHOLE),
    Grant::all(OWNER, CALENDAR_DATE, KEEP),
    Grant::all(OWNER, CLASS_PERIOD, KEEP),
    Grant::all(OWNER, BELL_SCHEDULE, KEEP),
    Grant::all(OWNER, ROOM, KEEP),
    Grant::all(OWNER, MEETING, KEEP),
    Grant::all(OWNER, ATTENDANCE_CODE, KEEP),
    Grant::all(OWNER, ATTENDANCE_EVENT, RECORD),
    Grant::all(OWNER, ATTENDANCE_REGISTER, ENTER),
    Grant::all(OWNER, ABSENCE_REQUEST, KEEP),
    Grant::all(OWNER, DOCUMENT, KEEP),
    Grant::all(OWNER, BEHAVIOR_CODE, KEEP),
    Grant::all(OWNER, DISCIPLINE_INCIDENT, KEEP),
    Grant::all(OWNER, INCIDENT_PARTICIPANT, KEEP),
    Grant::all(OWNER, DISCIPLINE_ACTION, KEEP),
    Grant::all(OWNER, INCIDENT_FOLLOW_UP, KEEP),
    Grant::all(OWNER, INCIDENT_LETTER_TEMPLATE, KEEP),
    Grant::all(OWNER, INCIDENT_LETTER, KEEP),
    Grant::all(OWNER, HEALTH_CONDITION, KEEP),
    Grant::all(OWNER, ALLERGY, KEEP),
    Grant::all(OWNER, MEDICATION, KEEP),
    Grant::all(OWNER, IMMUNIZATION, KEEP),
    Grant::all(OWNER, HEALTH_VISIT, KEEP),
    Grant::all(OWNER, HEALTH_ALERT, READ),
    Grant::all(OWNER, ACCESS_LOG_ENTRY, READ),
    Grant::all(ADMIN, ORG, KEEP),
    Grant::all(ADMIN, ACADEMIC_SESSION, KEEP),
    Grant::all(ADMIN, COURSE, KEEP),
    Grant::all(ADMIN, CLASS, KEEP),
    Grant::all(ADMIN, PERSON, KEEP),
    Grant::all(ADMIN, CONTACT, KEEP),
    Grant::all(ADMIN, FAMILY, KEEP),
    Grant::all(ADMIN, STAFF_ASSIGNMENT, KEEP),
    Grant::all(ADMIN, ACADEMIC_RECORD, KEEP),
    Grant::all(ADMIN, CUSTOM_FIELD, KEEP),
    Grant::all(ADMIN, CUSTOM_VALUE, ENTER),
    Grant::all(ADMIN, PERSON_MERGE, MERGE),
    Grant::all(ADMIN, ENROLLMENT, KEEP),
    Grant::all(ADMIN, STUDENT_SCHOOL_ASSOCIATION, KEEP),
    Grant::all(ADMIN, YEAR_ROLLOVER, KEEP),
    Grant::all(ADMIN, DEMOGRAPHICS, ENTER_AND_ERASE),
    Grant::all(ADMIN, ROSTER, WHOLE),
    Grant::all(ADMIN, CALENDAR_DATE, KEEP),
    Grant::all(ADMIN, CLASS_PERIOD, KEEP),
    Grant::all(ADMIN, BELL_SCHEDULE, KEEP),
    Grant::all(ADMIN, ROOM, KEEP),
    Grant::all(ADMIN, MEETING, KEEP),
    Grant::all(ADMIN, ATTENDANCE_CODE, KEEP),
    Grant::all(ADMIN, ATTENDANCE_EVENT, RECORD),
    Grant::all(ADMIN, ATTENDANCE_REGISTER, ENTER),
    Grant::all(ADMIN, ABSENCE_REQUEST, KEEP),
    Grant::all(ADMIN, DOCUMENT, KEEP),
    Grant::all(ADMIN, BEHAVIOR_CODE, KEEP),
    Grant::all(ADMIN, DISCIPLINE_INCIDENT, KEEP),
    Grant::all(ADMIN, INCIDENT_PARTICIPANT, KEEP),
    Grant::all(ADMIN, DISCIPLINE_ACTION, KEEP),
    Grant::all(ADMIN, INCIDENT_FOLLOW_UP, KEEP),
    Grant::all(ADMIN, INCIDENT_LETTER_TEMPLATE, KEEP),
    Grant::all(ADMIN, INCIDENT_LETTER, KEEP),
    Grant::all(ADMIN, HEALTH_CONDITION, KEEP),
    Grant::all(ADMIN, ALLERGY, KEEP),
    Grant::all(ADMIN, MEDICATION, KEEP),
    Grant::all(ADMIN, IMMUNIZATION, KEEP),
    Grant::all(ADMIN, HEALTH_VISIT, KEEP),
    Grant::all(ADMIN, HEALTH_ALERT, READ),
    Grant::all(ADMIN, ACCESS_LOG_ENTRY, READ),
    Grant::all(STAFF, ORG, READ),
    Grant::all(STAFF, ACADEMIC_SESSION, READ),
    Grant::all(STAFF, COURSE, READ),
    Grant::all(STAFF, CLASS, KEEP),
    Grant::all(STAFF, PERSON, KEEP),
    Grant::all(STAFF, CONTACT, KEEP),
    Grant::all(STAFF, FAMILY, KEEP),
    Grant::all(STAFF, STAFF_ASSIGNMENT, READ),
    Grant::all(STAFF, ACADEMIC_RECORD, KEEP),
    Grant::all(STAFF, CUSTOM_FIELD, READ),
    Grant::all(STAFF, CUSTOM_VALUE, ENTER),
    Grant::all(STAFF, PERSON_MERGE, READ),
    Grant::all(STAFF, ENROLLMENT, KEEP),
    Grant::all(STAFF, STUDENT_SCHOOL_ASSOCIATION, KEEP),
    Grant::all(STAFF, YEAR_ROLLOVER, READ),
    Grant::all(STAFF, DEMOGRAPHICS, ENTER),
    Grant::all(STAFF, CALENDAR_DATE, KEEP),
    Grant::all(STAFF, CLASS_PERIOD, KEEP),
    Grant::all(STAFF, BELL_SCHEDULE, KEEP),
    Grant::all(STAFF, ROOM, KEEP),
    Grant::all(STAFF, MEETING, KEEP),
    Grant::all(STAFF, ATTENDANCE_CODE, READ),
    Grant::all(STAFF, ATTENDANCE_EVENT, RECORD),
    Grant::all(STAFF, ATTENDANCE_REGISTER, ENTER),
    Grant::all(STAFF, ABSENCE_REQUEST, KEEP),
    Grant::all(STAFF, DOCUMENT, KEEP),
    Grant::all(STAFF, BEHAVIOR_CODE, READ),
    Grant::all(STAFF, DISCIPLINE_INCIDENT, KEEP),
    Grant::all(STAFF, INCIDENT_PARTICIPANT, KEEP),
    Grant::all(STAFF, DISCIPLINE_ACTION, KEEP),
    Grant::all(STAFF, INCIDENT_FOLLOW_UP, KEEP),
    Grant::all(STAFF, INCIDENT_LETTER_TEMPLATE, READ),
    Grant::all(STAFF, INCIDENT_LETTER, KEEP),
    Grant::all(NURSE, ORG, READ),
    Grant::all(NURSE, ACADEMIC_SESSION, READ),
    Grant::all(NURSE, COURSE, READ),
    Grant::all(NURSE, CLASS, READ),
    Grant::all(NURSE, PERSON, READ),
    Grant::all(NURSE, CONTACT, READ),
    Grant::all(NURSE, ENROLLMENT, READ),
    Grant::all(NURSE, CALENDAR_DATE, READ),
    Grant::all(NURSE, CLASS_PERIOD, READ),
    Grant::all(NURSE, BELL_SCHEDULE, READ),
    Grant::all(NURSE, ROOM, READ),
    Grant::all(NURSE, MEETING, READ),
    Grant::all(NURSE, ATTENDANCE_CODE, READ),
    Grant::all(NURSE, ABSENCE_REQUEST, READ),
    Grant::all(NURSE, HEALTH_CONDITION, KEEP),
    Grant::all(NURSE, ALLERGY, KEEP),
    Grant::all(NURSE, MEDICATION, KEEP),
    Grant::all(NURSE, IMMUNIZATION, KEEP),
    Grant::all(NURSE, HEALTH_VISIT, KEEP),
    Grant::all(NURSE, HEALTH_ALERT, READ),
    Grant::all(TEACHER, ORG, READ),
    Grant::all(TEACHER, ACADEMIC_SESSION, READ),
    Grant::all(TEACHER, COURSE, READ),
    Grant::all(TEACHER, CLASS, READ),
    Grant::within(OWN_CLASSES, TEACHER, PERSON, READ),
    Grant::within(SELF, TEACHER, PERSON, READ),
    Grant::within(OWN_CLASSES, TEACHER, CONTACT, READ),
    Grant::within(OWN_CLASSES, TEACHER, ENROLLMENT, READ),
    Grant::within(OWN_CLASSES, TEACHER, STUDENT_SCHOOL_ASSOCIATION, READ),
    Grant::within(SELF, TEACHER, ENROLLMENT, READ),
    Grant::all(TEACHER, CALENDAR_DATE, READ),
    Grant::all(TEACHER, CLASS_PERIOD, READ),
    Grant::all(TEACHER, BELL_SCHEDULE, READ),
    Grant::all(TEACHER, ROOM, READ),
    Grant::all(TEACHER, MEETING, READ),
    Grant::all(TEACHER, ATTENDANCE_CODE, READ),
    Grant::within(OWN_CLASSES, TEACHER, ATTENDANCE_EVENT, READ),
    Grant::within(OWN_CLASSES, TEACHER, ATTENDANCE_REGISTER, ENTER),
    Grant::within(OWN_CLASSES, TEACHER, ABSENCE_REQUEST, READ),
    Grant::all(TEACHER, BEHAVIOR_CODE, READ),
    Grant::within(OWN_CLASSES, TEACHER, DISCIPLINE_INCIDENT, REPORT),
    Grant::within(OWN_CLASSES, TEACHER, INCIDENT_PARTICIPANT, REPORT),
    Grant::within(OWN_CLASSES, TEACHER, DISCIPLINE_ACTION, READ),
    Grant::within(SELF, TEACHER, INCIDENT_FOLLOW_UP, ENTER),
    Grant::within(OWN_CLASSES, TEACHER, HEALTH_ALERT, READ),
    Grant::within(SELF, TEACHER, STAFF_ASSIGNMENT, READ),
    Grant::within(OWN_CLASSES, TEACHER, DOCUMENT, READ),
    Grant::within(SELF, TEACHER, DOCUMENT, READ),
    Grant::all(GUARDIAN, ORG, READ),
    Grant::all(GUARDIAN, ACADEMIC_SESSION, READ),
    Grant::all(GUARDIAN, COURSE, READ),
    Grant::all(GUARDIAN, CLASS, READ),
    Grant::within(OWN_CHILDREN, GUARDIAN, PERSON, READ),
    Grant::within(SELF, GUARDIAN, PERSON, READ),
    Grant::within(OWN_CHILDREN, GUARDIAN, CONTACT, READ),
    Grant::within(OWN_CHILDREN, GUARDIAN, ENROLLMENT, READ),
    Grant::within(OWN_CHILDREN, GUARDIAN, STUDENT_SCHOOL_ASSOCIATION, READ),
    Grant::all(GUARDIAN, CALENDAR_DATE, READ),
    Grant::all(GUARDIAN, CLASS_PERIOD, READ),
    Grant::all(GUARDIAN, BELL_SCHEDULE, READ),
    Grant::all(GUARDIAN, ROOM, READ),
    Grant::all(GUARDIAN, MEETING, READ),
    Grant::all(GUARDIAN, ATTENDANCE_CODE, READ),
    Grant::within(OWN_CHILDREN, GUARDIAN, ATTENDANCE_EVENT, READ),
    Grant::within(OWN_CHILDREN, GUARDIAN, ABSENCE_REQUEST, RECORD),
    Grant::all(GUARDIAN, BEHAVIOR_CODE, READ),
    Grant::within(OWN_CHILDREN, GUARDIAN, INCIDENT_PARTICIPANT, READ),
    Grant::within(OWN_CHILDREN, GUARDIAN, DISCIPLINE_ACTION, READ),
    Grant::within(OWN_CHILDREN, GUARDIAN, INCIDENT_LETTER, READ),
    Grant::within(OWN_CHILDREN, GUARDIAN, ACADEMIC_RECORD, READ),
    Grant::within(OWN_CHILDREN, GUARDIAN, DOCUMENT, READ),
    Grant::within(SELF, GUARDIAN, DOCUMENT, READ),
    Grant::within(OWN_CHILDREN, GUARDIAN, HEALTH_CONDITION, READ),
    Grant::within(OWN_CHILDREN, GUARDIAN, ALLERGY, READ),
    Grant::within(OWN_CHILDREN, GUARDIAN, MEDICATION, READ),
    Grant::within(OWN_CHILDREN, GUARDIAN, IMMUNIZATION, READ),
    Grant::within(OWN_CHILDREN, GUARDIAN, HEALTH_VISIT, READ),
    Grant::all(STUDENT, ORG, READ),
    Grant::all(STUDENT, ACADEMIC_SESSION, READ),
    Grant::all(STUDENT, COURSE, READ),
    Grant::all(STUDENT, CLASS, READ),
    Grant::within(SELF, STUDENT, PERSON, READ),
    Grant::within(SELF, STUDENT, ENROLLMENT, READ),
    Grant::within(SELF, STUDENT, STUDENT_SCHOOL_ASSOCIATION, READ),
    Grant::all(STUDENT, CALENDAR_DATE, READ),
    Grant::all(STUDENT, CLASS_PERIOD, READ),
    Grant::all(STUDENT, BELL_SCHEDULE, READ),
    Grant::all(STUDENT, ROOM, READ),
    Grant::all(STUDENT, MEETING, READ),
    Grant::all(STUDENT, ATTENDANCE_CODE, READ),
    Grant::within(SELF, STUDENT, ATTENDANCE_EVENT, READ),
    Grant::within(SELF, STUDENT, ABSENCE_REQUEST, READ),
    Grant::all(STUDENT, BEHAVIOR_CODE, READ),
    Grant::within(SELF, STUDENT, INCIDENT_PARTICIPANT, READ),
    Grant::within(SELF, STUDENT, DISCIPLINE_ACTION, READ),
    Grant::within(SELF, STUDENT, ACADEMIC_RECORD, READ),
    Grant::within(SELF, STUDENT, DOCUMENT, READ),
    Grant::within(SELF, STUDENT, HEALTH_CONDITION, READ),
    Grant::within(SELF, STUDENT, ALLERGY, READ),
    Grant::within(SELF, STUDENT, MEDICATION, READ),
    Grant::within(SELF, STUDENT, IMMUNIZATION, READ),
    Grant::within(SELF, STUDENT, HEALTH_VISIT, READ),
];

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::{GRANTS, OWNER};
    use crate::School;
    use crate::scopes::SCOPES;
    use cloister_tenancy::Module;

    #[test]
    fn every_grant_is_one_that_statements_understand() {
        for grant in GRANTS {
            assert!(School.resources().contains(&grant.resource), "{grant:?}");
            let Some(name) = grant.scope else { continue };
            let scope = SCOPES.iter().find(|scope| scope.name == name).unwrap_or_else(|| panic!("{grant:?}"));
            let understood = scope.on.iter().find(|(resource, _)| *resource == grant.resource);
            let (_, actions) = understood.unwrap_or_else(|| panic!("{grant:?}"));
            assert!(grant.actions.iter().all(|action| actions.contains(action)), "{grant:?}");
        }
    }

    #[test]
    fn nothing_is_granted_twice_and_the_owner_has_everything() {
        let mut seen = HashSet::new();
        for grant in GRANTS {
            for permission in grant.permissions() {
                assert!(seen.insert((grant.role, permission)), "{grant:?}");
            }
        }
        for resource in School.resources() {
            assert!(GRANTS.iter().any(|grant| grant.role == OWNER && grant.resource == *resource), "{resource}");
        }
    }
}
