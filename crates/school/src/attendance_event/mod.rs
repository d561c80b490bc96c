//! Attendance events: what was said of a student's attendance on a day, of the whole day or of one class.
//!
//! Nothing that was said is changed. A correction is an event of its own that supersedes the one before it, and both can be
//! read. Of each day, class and period one event counts; an index of the table sees to that, whoever writes at once.

mod api;
mod list_store;
mod sight;
mod store;

use cloister_http::{IdempotencyKey, IfMatch, Versioned};
use cloister_ids::{
    AbsenceRequestId, AttendanceCodeId, AttendanceEventId, AttendanceRegisterId, ClassId, ClassPeriodId, OrgId,
    PersonId,
};
use cloister_tenancy::{Action, ConstraintRule, Error, ErrorKind, OpContext, Resource, Result, Tenancy, TenantTx};
use garde::Validate;
use jiff::{Timestamp, civil::Date};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

pub(crate) use api::routes;
pub(crate) use sight::{AttendanceSight, AttendanceWithin};
pub(crate) use store::STATEMENTS;

/// Statements of lists.
pub(crate) const LIST_STATEMENTS: &[&cloister_tenancy::sql::Statement] = list_store::STATEMENTS;

use crate::{
    attendance_code::Direction,
    day_time::DayTime,
    record::{Metadata, Record, Status},
    rules::{TEXT, clean, plausible, small},
    scope::today,
    vocabulary::AttendanceCategory,
};

/// What permissions are about.
pub const ATTENDANCE_EVENT: Resource = Resource { module: crate::MODULE, name: "attendance_event" };

/// What refused constraints mean.
pub(crate) const CONSTRAINTS: &[ConstraintRule] = &[
    ConstraintRule {
        constraint: "attendance_event_current_key",
        field: "supersedes_id",
        code: "attendance_recorded",
        message: "Something is recorded of this student, day, class and period already. To correct it, name it in supersedes_id.",
    },
    ConstraintRule {
        constraint: "attendance_event_student_fkey",
        field: "student_id",
        code: "person_unknown",
        message: "There is no such person.",
    },
    ConstraintRule {
        constraint: "attendance_event_school_fkey",
        field: "school_id",
        code: "org_unknown",
        message: "There is no such organisation.",
    },
    ConstraintRule {
        constraint: "attendance_event_class_fkey",
        field: "class_id",
        code: "class_unknown",
        message: "There is no such class.",
    },
    ConstraintRule {
        constraint: "attendance_event_class_period_fkey",
        field: "class_period_id",
        code: "class_period_unknown",
        message: "There is no such class period.",
    },
    ConstraintRule {
        constraint: "attendance_event_supersedes_fkey",
        field: "supersedes_id",
        code: "attendance_event_unknown",
        message: "There is no such attendance event.",
    },
];

/// What is said of a student's attendance: the body of a creation.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AttendanceEventFields {
    /// Of whom.
    #[garde(skip)]
    pub student_id: PersonId,
    /// In which school: of a class always that of the class, and the one that the student mainly belongs to where none is given.
    #[garde(skip)]
    pub school_id: Option<OrgId>,
    /// Of which day.
    #[garde(custom(plausible))]
    #[schema(example = "2025-10-01")]
    pub date: Date,
    /// Of which class; of the whole day where none is given.
    #[garde(skip)]
    pub class_id: Option<ClassId>,
    /// In which period of the class.
    #[garde(skip)]
    pub class_period_id: Option<ClassPeriodId>,
    /// What is said.
    #[garde(skip)]
    pub code_id: AttendanceCodeId,
    /// When the student came, of one who came late.
    #[garde(skip)]
    pub arrival_time: Option<DayTime>,
    /// When the student went, of one who went early.
    #[garde(skip)]
    pub departure_time: Option<DayTime>,
    /// Why.
    #[garde(inner(length(chars, max = TEXT), custom(clean)))]
    #[schema(max_length = 512, example = "Dentist")]
    pub reason: Option<String>,
    /// Which event this one corrects: of the same student, day, class and period, and one that counts.
    #[garde(skip)]
    pub supersedes_id: Option<AttendanceEventId>,
    /// Fields of other systems: at most 16 KiB of JSON.
    #[garde(custom(small))]
    #[serde(default)]
    #[schema(value_type = Object)]
    pub metadata: Metadata,
}

/// An attendance event as it is kept. Who recorded it, and when, is `created_by` and `created_at`.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct AttendanceEvent {
    /// Which one.
    pub id: AttendanceEventId,
    /// `tobedeleted` when it was taken back.
    pub status: Status,
    /// What is said.
    #[serde(flatten)]
    pub fields: AttendanceEventFields,
    /// What the code meant when this was recorded.
    #[serde(flatten)]
    pub meaning: Meaning,
    /// With which register it was taken.
    pub register_id: Option<AttendanceRegisterId>,
    /// Which approved request made it.
    pub absence_request_id: Option<AbsenceRequestId>,
    /// The student's given name.
    #[schema(example = "Mila")]
    pub student_given_name: String,
    /// The student's family name.
    #[schema(example = "Okafor")]
    pub student_family_name: String,
    /// What the class is called.
    #[schema(example = "Algebra A")]
    pub class_title: Option<String>,
    /// What the period is called.
    #[schema(example = "Period 3")]
    pub class_period_name: Option<String>,
    /// When it was corrected; null while it counts.
    pub superseded_at: Option<Timestamp>,
    /// Who recorded it, and when.
    #[serde(flatten)]
    pub record: Record,
}

/// What a code means.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct Meaning {
    /// How reports sum it up.
    pub category: AttendanceCategory,
    /// Whether the student counts as being at school.
    pub direction: Direction,
    /// Whether the school accepts the reason.
    pub excused: bool,
    /// Whether it counts in rates.
    pub reportable: bool,
}

impl Versioned for AttendanceEvent {
    fn version(&self) -> i64 {
        self.record.version
    }
}

/// What is refused because of what is said and not of how.
fn check(fields: &AttendanceEventFields, facts: &store::Facts, superseded: bool, today: Date) -> Result<()> {
    if fields.class_period_id.is_some() && fields.class_id.is_none() {
        let message = "A period is one of a class: name the class too.";
        return Err(Error::field("class_period_id", "class_missing", message));
    }
    // What was said is corrected whatever became of the place since.
    if fields.class_id.is_some() && !facts.has_place && !superseded {
        let message = "The student has no place in this class on this day.";
        return Err(Error::field("student_id", "student_not_in_class", message));
    }
    if !facts.school_fits {
        let message = "Leave the school out, or name that of the class.";
        return Err(Error::field("school_id", "school_not_of_class", message));
    }
    if fields.class_period_id.is_some() && !facts.period_fits {
        let message = "Name a class period of the school of the class.";
        return Err(Error::field("class_period_id", "class_period_unknown", message));
    }
    match facts.future_allowed {
        None => {
            Err(Error::field("code_id", "attendance_code_unknown", "There is no such attendance code that counts."))
        }
        Some(false) if fields.date > today => {
            let message = "This attendance code cannot be entered for days to come.";
            Err(Error::field("code_id", "code_not_for_future", message))
        }
        Some(_) => Ok(()),
    }
}

/// Records an event, as part of `tx`. Two round trips with the commit.
async fn create(
    tx: &mut TenantTx,
    key: Option<&IdempotencyKey>,
    fields: AttendanceEventFields,
) -> Result<AttendanceEvent> {
    tx.cx().authorize(Action::Create, &ATTENDANCE_EVENT)?;
    let id = AttendanceEventId::generate(tx.cx().clock());
    let (record, today) = (Record::new(tx.cx()), today(tx.cx()));
    let store::Made { facts, superseded, event } = store::insert(tx, key, id, &fields, &record).await?;
    check(&fields, &facts, superseded, today)?;
    if fields.supersedes_id.is_some() && !superseded {
        return Err(Error::new(
            ErrorKind::Conflict,
            "attendance_event_superseded",
            "What you correct does not count any more, or is about another student, day, class or period. Read it again.",
        ));
    }
    let event = event.ok_or_else(|| {
        Error::field("school_id", "school_missing", "Name the school: neither a class nor the student tells which.")
    })?;
    tx.audit(Action::Create, &ATTENDANCE_EVENT, id, None);
    Ok(event)
}

/// One event, whether it counts or not. One round trip.
async fn read(tenancy: &Tenancy, cx: &OpContext, id: AttendanceEventId) -> Result<AttendanceEvent> {
    let sight = AttendanceSight::of(cx)?;
    store::get(tenancy, cx, &sight, id).await
}

/// All that was ever said of the same student, day, class and period, newest first. One round trip.
async fn history(tenancy: &Tenancy, cx: &OpContext, id: AttendanceEventId) -> Result<Vec<AttendanceEvent>> {
    let sight = AttendanceSight::of(cx)?;
    let events = store::history(tenancy, cx, &sight, id).await?;
    if events.is_empty() { Err(Error::not_found()) } else { Ok(events) }
}

/// Takes an event back that is still as the caller knows it. Two round trips.
async fn delete(tenancy: &Tenancy, cx: &OpContext, id: AttendanceEventId, known: &IfMatch) -> Result<()> {
    crate::scope::authorize_change(cx, Action::Delete, &ATTENDANCE_EVENT, read(tenancy, cx, id)).await?;
    let mut tx = tenancy.write(cx).await?;
    let before = store::lock(&mut tx, id).await?;
    known.check(&before)?;
    if before.status == Status::ToBeDeleted {
        return tx.rollback().await;
    }
    if before.superseded_at.is_some() {
        return Err(Error::new(
            ErrorKind::Conflict,
            "attendance_event_superseded",
            "This was corrected since. Take back the event that counts.",
        ));
    }
    tx.audit(Action::Delete, &ATTENDANCE_EVENT, id, None);
    store::delete(tx, &before).await
}

fn sample_fields() -> AttendanceEventFields {
    AttendanceEventFields {
        student_id: crate::sample_id(),
        school_id: Some(crate::sample_id()),
        date: Date::constant(2025, 10, 1),
        class_id: None,
        class_period_id: None,
        code_id: crate::sample_id(),
        arrival_time: None,
        departure_time: None,
        reason: Some("Dentist".to_owned()),
        supersedes_id: None,
        metadata: Metadata::default(),
    }
}

fn sample() -> AttendanceEvent {
    AttendanceEvent {
        id: crate::sample_id(),
        status: Status::Active,
        fields: sample_fields(),
        meaning: Meaning {
            category: AttendanceCategory::ABSENT,
            direction: Direction::Out,
            excused: true,
            reportable: true,
        },
        register_id: None,
        absence_request_id: None,
        student_given_name: "Mila".to_owned(),
        student_family_name: "Okafor".to_owned(),
        class_title: None,
        class_period_name: None,
        superseded_at: None,
        record: Record::sample(),
    }
}
