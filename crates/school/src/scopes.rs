//! The scopes that permissions in a school can be narrowed to, and what each can narrow.

use cloister_tenancy::{Action, Resource, Scope};

use crate::{
    absence_request::ABSENCE_REQUEST,
    academic_record::ACADEMIC_RECORD,
    allergy::ALLERGY,
    attendance_event::ATTENDANCE_EVENT,
    attendance_register::ATTENDANCE_REGISTER,
    class::CLASS,
    contact::CONTACT,
    demographics::DEMOGRAPHICS,
    discipline_action::DISCIPLINE_ACTION,
    discipline_incident::DISCIPLINE_INCIDENT,
    document::DOCUMENT,
    enrollment::ENROLLMENT,
    grants::{ENTER, READ, RECORD, REPORT},
    health_alert::HEALTH_ALERT,
    health_condition::HEALTH_CONDITION,
    health_visit::HEALTH_VISIT,
    immunization::IMMUNIZATION,
    incident_follow_up::INCIDENT_FOLLOW_UP,
    incident_letter::INCIDENT_LETTER,
    incident_participant::INCIDENT_PARTICIPANT,
    medication::MEDICATION,
    person::PERSON,
    staff_assignment::STAFF_ASSIGNMENT,
    student_school_association::STUDENT_SCHOOL_ASSOCIATION,
};

/// Those who have a place in a class that the actor teaches today, such places, and such classes.
pub(crate) const OWN_CLASSES: &str = "own_classes";
/// Those for whom the actor acts today and whose data they may see, their places, and their classes.
pub(crate) const OWN_CHILDREN: &str = "own_children";
/// The actor, their own places, and their own classes.
pub(crate) const SELF: &str = "self";

/// Resources of which rows can be a teacher's own: with what is between two persons, which is nobody's alone, and the registers of
/// own classes, which they also take. Writing takes the permission for all but here and for absences of own children.
const NARROWED_TO_CLASSES: &[(Resource, &[Action])] = &[
    (PERSON, READ),
    (CONTACT, READ),
    (ACADEMIC_RECORD, READ),
    (DEMOGRAPHICS, READ),
    (ENROLLMENT, READ),
    (STUDENT_SCHOOL_ASSOCIATION, READ),
    (CLASS, READ),
    (ATTENDANCE_EVENT, READ),
    (ATTENDANCE_REGISTER, ENTER),
    (ABSENCE_REQUEST, READ),
    (DOCUMENT, READ),
    (DISCIPLINE_INCIDENT, REPORT),
    (INCIDENT_PARTICIPANT, REPORT),
    (DISCIPLINE_ACTION, READ),
    (HEALTH_CONDITION, READ),
    (ALLERGY, READ),
    (MEDICATION, READ),
    (IMMUNIZATION, READ),
    (HEALTH_VISIT, READ),
    (HEALTH_ALERT, READ),
];

/// The same for whoever acts for children, who may also ask for absences of these, and take that back.
const NARROWED_TO_CHILDREN: &[(Resource, &[Action])] = &[
    (PERSON, READ),
    (CONTACT, READ),
    (ACADEMIC_RECORD, READ),
    (DEMOGRAPHICS, READ),
    (ENROLLMENT, READ),
    (STUDENT_SCHOOL_ASSOCIATION, READ),
    (CLASS, READ),
    (ATTENDANCE_EVENT, READ),
    (ABSENCE_REQUEST, RECORD),
    (DOCUMENT, READ),
    (INCIDENT_PARTICIPANT, READ),
    (DISCIPLINE_ACTION, READ),
    (INCIDENT_LETTER, READ),
    (HEALTH_CONDITION, READ),
    (ALLERGY, READ),
    (MEDICATION, READ),
    (IMMUNIZATION, READ),
    (HEALTH_VISIT, READ),
    (HEALTH_ALERT, READ),
];

/// The same for oneself, with posts, which are the person's own alone.
const NARROWED_TO_ONESELF: &[(Resource, &[Action])] = &[
    (PERSON, READ),
    (STAFF_ASSIGNMENT, READ),
    (ACADEMIC_RECORD, READ),
    (DEMOGRAPHICS, READ),
    (ENROLLMENT, READ),
    (STUDENT_SCHOOL_ASSOCIATION, READ),
    (CLASS, READ),
    (ATTENDANCE_EVENT, READ),
    (ABSENCE_REQUEST, READ),
    (DOCUMENT, READ),
    (INCIDENT_PARTICIPANT, READ),
    (DISCIPLINE_ACTION, READ),
    (INCIDENT_FOLLOW_UP, ENTER),
    (HEALTH_CONDITION, READ),
    (ALLERGY, READ),
    (MEDICATION, READ),
    (IMMUNIZATION, READ),
    (HEALTH_VISIT, READ),
    (HEALTH_ALERT, READ),
];

/// How permissions can be narrowed.
pub(crate) const SCOPES: &[Scope] = &[
    Scope {
        name: OWN_CLASSES,
        title: "own classes",
        description: "Classes in which one has a place as teacher that counts today (from its first day until the day before its end), \
            the places in them, the persons whose place there counts today, the contacts of these persons, the registers of these \
            classes, the attendance of these persons on whole days and in these classes and the absences asked for them, their academic \
            records, of the students among them the time at school of today, the documents that are for teachers, their health, and \
            their parts in incidents, with these incidents and what was done about the students, and incidents that one reported \
            oneself.",
        on: NARROWED_TO_CLASSES,
    },
    Scope {
        name: OWN_CHILDREN,
        title: "own children",
        description: "The persons for whom one acts as parent, guardian or other contact today, as long as custody and access to their \
            data allow it, their places, their classes, their times at schools, their academic records, their attendance and the absences \
            asked for them, their health, their documents that are for guardians, their parts in incidents, what was done about these \
            and approved letters about them, and one's own relation to them. Asking for absences takes custody that is not restricted.",
        on: NARROWED_TO_CHILDREN,
    },
    Scope {
        name: SELF,
        title: "oneself",
        description: "The person whose account one is signed in with, their places, their classes, their times at schools, their academic \
            records, their attendance and the absences asked for them, their health, their posts, their documents that are for \
            themselves, their parts in incidents, what was done about these, and the follow-ups that are theirs to do.",
        on: NARROWED_TO_ONESELF,
    },
];
