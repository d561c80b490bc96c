//! The school module: a roster in OneRoster's words, and the timetable, attendance and behavior of a school.
//!
//! A folder is a resource, top to bottom: `mod.rs` its type and rules, `store.rs` all its SQL, `api.rs` its endpoints.

pub mod absence_request;
pub mod academic_record;
pub mod academic_session;
pub mod access_log_entry;
pub mod allergy;
pub mod attendance_code;
pub mod attendance_event;
pub mod attendance_rate;
pub mod attendance_register;
mod attendance_scope_store;
pub mod behavior_code;
mod behavior_scope_store;
pub mod bell_schedule;
pub mod calendar_date;
pub mod class;
pub mod class_period;
pub mod contact;
pub mod course;
pub mod custom_field;
mod date_span;
pub mod day_time;
pub mod demographics;
pub mod discipline_action;
pub mod discipline_incident;
pub mod document;
pub mod enrollment;
pub mod export;
pub mod family;
#[doc(hidden)]
pub mod fuzzing;
mod grants;
mod health;
pub mod health_alert;
pub mod health_condition;
pub mod health_visit;
pub mod immunization;
pub mod import;
pub mod incident_follow_up;
pub mod incident_letter;
pub mod incident_letter_template;
pub mod incident_participant;
mod listing;
mod media_type;
pub mod medication;
pub mod meeting;
mod name_store;
pub mod oneroster;
pub mod org;
mod page_store;
pub mod person;
pub mod person_merge;
pub mod photo;
mod presence_store;
pub mod record;
pub mod room;
mod rules;
pub mod sample;
mod schema;
mod scope;
mod scope_store;
mod scopes;
pub mod search_key;
pub mod staff_assignment;
mod store;
pub mod student_school_association;
mod term_store;
pub mod timetable;
mod unnamed_store;
mod vocabulary;
pub mod year_rollover;

use std::{future::Future, pin::Pin, sync::LazyLock};

use cloister_http::{Edge, HttpModule};
use cloister_ids::{AccountId, Id, Kind, PersonId, Uuid};
use cloister_tenancy::{
    ConstraintRule, Grant, Meter, Module, OpContext, PersonAccount, PersonStanding, Resource, Result, Role,
    SchemaChange, Scope, Tenancy, TenantTx, jobs::JobKind, sql::Statement,
};
use utoipa_axum::router::OpenApiRouter;

pub use vocabulary::{
    AttendanceCategory, CalendarEvent, ClassType, EnrollmentRole, EntryType, ExitWithdrawType, OrgType, RoleName,
    RoleType, RoomType, SessionType, Sex,
};

/// The name of the module, and the first word of its permissions.
const MODULE: &str = "school";

/// What the permissions to bring in a whole roster, and to take it out, are about.
pub const ROSTER: Resource = Resource { module: MODULE, name: "roster" };

/// The school, for tenants of the kind `school`.
#[derive(Debug, Clone, Copy, Default)]
pub struct School;

impl Module for School {
    fn name(&self) -> &'static str {
        MODULE
    }

    fn kinds(&self) -> &'static [&'static str] {
        &["school"]
    }

    fn migrations(&self) -> &'static [SchemaChange] {
        schema::CHANGES
    }

    fn statements(&self) -> &'static [&'static [&'static Statement]] {
        static ALL: LazyLock<Vec<&[&Statement]>> = LazyLock::new(|| {
            let resources = [
                org::STATEMENTS,
                academic_session::STATEMENTS,
                course::STATEMENTS,
                class::STATEMENTS,
                person::STATEMENTS[0],
                person::STATEMENTS[1],
                person::STATEMENTS[2],
                person::STATEMENTS[3],
                person::STATEMENTS[4],
                contact::STATEMENTS[0],
                contact::STATEMENTS[1],
                family::STATEMENTS[0],
                family::STATEMENTS[1],
                staff_assignment::STATEMENTS,
                academic_record::STATEMENTS,
                custom_field::STATEMENTS[0],
                custom_field::STATEMENTS[1],
                person_merge::STATEMENTS[0],
                person_merge::STATEMENTS[1],
                person_merge::STATEMENTS[2],
                person_merge::STATEMENTS[3],
                person_merge::STATEMENTS[4],
                person_merge::STATEMENTS[5],
                presence_store::STATEMENTS,
                enrollment::STATEMENTS,
                enrollment::MOVE_STATEMENTS,
                student_school_association::STATEMENTS[0],
                student_school_association::STATEMENTS[1],
                year_rollover::STATEMENTS[0],
                year_rollover::STATEMENTS[1],
                year_rollover::STATEMENTS[2],
                demographics::STATEMENTS,
                class_period::STATEMENTS,
                calendar_date::STATEMENTS,
                bell_schedule::STATEMENTS,
                room::STATEMENTS,
                meeting::STATEMENTS,
                meeting::CONFLICT_STATEMENTS,
                timetable::STATEMENTS,
                attendance_code::STATEMENTS,
                attendance_event::STATEMENTS,
                attendance_event::LIST_STATEMENTS,
                attendance_register::STATEMENTS,
                attendance_register::LIST_STATEMENTS,
                attendance_register::MISSING_STATEMENTS,
                attendance_rate::STATEMENTS,
                absence_request::STATEMENTS,
                document::STATEMENTS[0],
                document::STATEMENTS[1],
                photo::STATEMENTS,
                behavior_code::STATEMENTS,
                discipline_incident::STATEMENTS,
                incident_participant::STATEMENTS[0],
                incident_participant::STATEMENTS[1],
                incident_participant::STATEMENTS[2],
                discipline_action::STATEMENTS,
                incident_follow_up::STATEMENTS,
                incident_letter_template::STATEMENTS,
                incident_letter::STATEMENTS[0],
                incident_letter::STATEMENTS[1],
                allergy::STATEMENTS,
                health_condition::STATEMENTS,
                medication::STATEMENTS,
                immunization::STATEMENTS,
                health_visit::STATEMENTS,
                health_alert::STATEMENTS,
                access_log_entry::STATEMENTS,
                sample::school::STATEMENTS,
            ];
            let resources = resources.into_iter();
            resources.chain(import::statements()).chain(export::statements()).collect()
        });
        &ALL
    }

    fn roles(&self) -> &'static [Role] {
        grants::ROLES
    }

    fn grants(&self) -> &'static [Grant] {
        grants::GRANTS
    }

    fn scopes(&self) -> &'static [Scope] {
        scopes::SCOPES
    }

    fn resources(&self) -> &'static [Resource] {
        &[
            org::ORG,
            academic_session::ACADEMIC_SESSION,
            course::COURSE,
            class::CLASS,
            person::PERSON,
            contact::CONTACT,
            family::FAMILY,
            staff_assignment::STAFF_ASSIGNMENT,
            academic_record::ACADEMIC_RECORD,
            custom_field::CUSTOM_FIELD,
            custom_field::CUSTOM_VALUE,
            person_merge::PERSON_MERGE,
            enrollment::ENROLLMENT,
            student_school_association::STUDENT_SCHOOL_ASSOCIATION,
            year_rollover::YEAR_ROLLOVER,
            demographics::DEMOGRAPHICS,
            class_period::CLASS_PERIOD,
            calendar_date::CALENDAR_DATE,
            bell_schedule::BELL_SCHEDULE,
            room::ROOM,
            meeting::MEETING,
            attendance_code::ATTENDANCE_CODE,
            attendance_event::ATTENDANCE_EVENT,
            attendance_register::ATTENDANCE_REGISTER,
            absence_request::ABSENCE_REQUEST,
            document::DOCUMENT,
            behavior_code::BEHAVIOR_CODE,
            discipline_incident::DISCIPLINE_INCIDENT,
            incident_participant::INCIDENT_PARTICIPANT,
            discipline_action::DISCIPLINE_ACTION,
            incident_follow_up::INCIDENT_FOLLOW_UP,
            incident_letter_template::INCIDENT_LETTER_TEMPLATE,
            incident_letter::INCIDENT_LETTER,
            allergy::ALLERGY,
            health_condition::HEALTH_CONDITION,
            medication::MEDICATION,
            immunization::IMMUNIZATION,
            health_visit::HEALTH_VISIT,
            health_alert::HEALTH_ALERT,
            access_log_entry::ACCESS_LOG_ENTRY,
            ROSTER,
        ]
    }

    fn closed_to_operators(&self) -> &'static [Resource] {
        grants::CLOSED_TO_OPERATORS
    }

    fn constraints(&self) -> &'static [ConstraintRule] {
        static ALL: LazyLock<Vec<ConstraintRule>> = LazyLock::new(|| {
            [
                org::CONSTRAINTS,
                academic_session::CONSTRAINTS,
                course::CONSTRAINTS,
                class::CONSTRAINTS,
                person::CONSTRAINTS,
                contact::CONSTRAINTS,
                family::CONSTRAINTS,
                staff_assignment::CONSTRAINTS,
                academic_record::CONSTRAINTS,
                custom_field::CONSTRAINTS,
                person_merge::CONSTRAINTS,
                enrollment::CONSTRAINTS,
                student_school_association::CONSTRAINTS,
                year_rollover::CONSTRAINTS,
                demographics::CONSTRAINTS,
                class_period::CONSTRAINTS,
                calendar_date::CONSTRAINTS,
                bell_schedule::CONSTRAINTS,
                room::CONSTRAINTS,
                meeting::CONSTRAINTS,
                attendance_code::CONSTRAINTS,
                attendance_event::CONSTRAINTS,
                attendance_register::CONSTRAINTS,
                document::CONSTRAINTS,
                behavior_code::CONSTRAINTS,
                discipline_incident::CONSTRAINTS,
                incident_participant::CONSTRAINTS,
                discipline_action::CONSTRAINTS,
                incident_follow_up::CONSTRAINTS,
                incident_letter_template::CONSTRAINTS,
                incident_letter::CONSTRAINTS,
                allergy::CONSTRAINTS,
                health_condition::CONSTRAINTS,
                medication::CONSTRAINTS,
                immunization::CONSTRAINTS,
                health_visit::CONSTRAINTS,
            ]
            .concat()
        });
        &ALL
    }

    fn meters(&self) -> &'static [Meter] {
        static ALL: [Meter; 3] = [
            Meter { name: "students", count: &person::COUNT_STUDENTS },
            Meter { name: "staff", count: &person::COUNT_STAFF },
            Meter { name: "storage", count: &document::COUNT_BYTES },
        ];
        &ALL
    }

    fn jobs(&self) -> Vec<JobKind> {
        import::jobs().into_iter().chain(year_rollover::jobs()).collect()
    }

    fn link_account<'a>(
        &'a self,
        tx: &'a mut TenantTx,
        person: Uuid,
        account: Option<AccountId>,
    ) -> Pin<Box<dyn Future<Output = Result<bool>> + Send + 'a>> {
        let person = PersonId::from_uuid(person);
        match account {
            Some(account) => Box::pin(person::link_account(tx, person, account)),
            None => Box::pin(person::unlink_account(tx, person)),
        }
    }

    fn accounts<'a>(
        &'a self,
        tenancy: &'a Tenancy,
        cx: &'a OpContext,
        after: Option<Uuid>,
        limit: i64,
    ) -> Pin<Box<dyn Future<Output = Result<Vec<PersonAccount>>> + Send + 'a>> {
        Box::pin(person::accounts(tenancy, cx, after, limit))
    }

    fn persons<'a>(
        &'a self,
        tenancy: &'a Tenancy,
        cx: &'a OpContext,
        persons: &'a [Uuid],
        account: Option<AccountId>,
    ) -> Pin<Box<dyn Future<Output = Result<Vec<PersonStanding>>> + Send + 'a>> {
        Box::pin(person::standings(tenancy, cx, persons, account))
    }
}

impl HttpModule for School {
    fn routes(&self) -> OpenApiRouter<Edge> {
        OpenApiRouter::new()
            .merge(org::routes())
            .merge(academic_session::routes())
            .merge(course::routes())
            .merge(class::routes())
            .merge(person::routes())
            .merge(contact::routes())
            .merge(family::routes())
            .merge(staff_assignment::routes())
            .merge(academic_record::routes())
            .merge(custom_field::routes())
            .merge(person_merge::routes())
            .merge(enrollment::routes())
            .merge(student_school_association::routes())
            .merge(year_rollover::routes())
            .merge(demographics::routes())
            .merge(class_period::routes())
            .merge(calendar_date::routes())
            .merge(bell_schedule::routes())
            .merge(room::routes())
            .merge(meeting::routes())
            .merge(timetable::routes())
            .merge(attendance_code::routes())
            .merge(attendance_event::routes())
            .merge(attendance_register::routes())
            .merge(attendance_rate::routes())
            .merge(absence_request::routes())
            .merge(document::routes())
            .merge(photo::routes())
            .merge(behavior_code::routes())
            .merge(discipline_incident::routes())
            .merge(incident_participant::routes())
            .merge(discipline_action::routes())
            .merge(incident_follow_up::routes())
            .merge(incident_letter_template::routes())
            .merge(incident_letter::routes())
            .merge(allergy::routes())
            .merge(health_condition::routes())
            .merge(medication::routes())
            .merge(immunization::routes())
            .merge(health_visit::routes())
            .merge(health_alert::routes())
            .merge(access_log_entry::routes())
            .merge(export::routes())
            .merge(import::routes())
    }
}

/// For examples in the API document.
fn sample_id<K: Kind>() -> Id<K> {
    Id::from_uuid(Uuid::from_u128(0x019b_8d24_4e80_7c3e_9d0a_5f2b_7c61_e4a8))
}
