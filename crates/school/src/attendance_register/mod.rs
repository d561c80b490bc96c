//! Attendance registers: the attendance of a class on a day, taken at once for all who have a place in it.
//!
//! A register of a homeroom without a period is the attendance of the day; any other is that of a class, in a period where one
//! is named. Taking it again with other entries corrects: what was said before stays readable as attendance events.

mod api;
mod list_store;
pub mod missing;
mod missing_store;
mod sheet;
mod store;

use cloister_http::{IfMatch, Problem, Versioned};
use cloister_ids::{
    AttendanceCodeId, AttendanceEventId, AttendanceRegisterId, ClassId, ClassPeriodId, OrgId, PersonId,
};
use cloister_tenancy::{Action, ConstraintRule, Error, ErrorKind, OpContext, Resource, Result, Tenancy};
use garde::Validate;
use jiff::{Timestamp, civil::Date};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

pub(crate) use api::routes;
pub(crate) use store::STATEMENTS;

/// Statements of lists.
pub(crate) const LIST_STATEMENTS: &[&cloister_tenancy::sql::Statement] = list_store::STATEMENTS;

/// Statements that find missing registers.
pub(crate) const MISSING_STATEMENTS: &[&cloister_tenancy::sql::Statement] = missing_store::STATEMENTS;

use crate::{
    day_time::DayTime,
    rules::{TEXT, between, clean, plausible},
    scope::{Sight, sight_for_change, today},
    scopes::OWN_CLASSES,
};

/// What permissions are about.
pub const ATTENDANCE_REGISTER: Resource = Resource { module: crate::MODULE, name: "attendance_register" };

/// Students of a register at most.
const STUDENTS: usize = 500;

/// What refused constraints mean.
pub(crate) const CONSTRAINTS: &[ConstraintRule] = &[ConstraintRule {
    constraint: "attendance_register_class_period_fkey",
    field: "class_period_id",
    code: "class_period_unknown",
    message: "There is no such class period.",
}];

/// What is said of one student.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RegisterEntry {
    /// Of whom.
    #[garde(skip)]
    pub student_id: PersonId,
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
    #[schema(max_length = 512, example = "Bus was late")]
    pub reason: Option<String>,
}

/// A register as it is taken: an entry for each student who has a place in the class on the day, and for nobody else.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AttendanceRegisterFields {
    /// What is said of each.
    #[garde(dive, custom(between(0, STUDENTS)), custom(once_each))]
    #[schema(max_items = 500)]
    pub entries: Vec<RegisterEntry>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "rules are handed value and context by reference")]
fn once_each(entries: &[RegisterEntry], (): &()) -> garde::Result {
    let students: Vec<PersonId> = entries.iter().map(|entry| entry.student_id).collect();
    crate::rules::distinct(&students, &())
}

/// Which register of a class and day.
#[derive(Debug, Clone, Copy, Deserialize, Validate, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct OfPeriod {
    /// In which period of the class. Without one, the register is that of the class on this day; of a homeroom, that of the day.
    #[garde(skip)]
    class_period_id: Option<ClassPeriodId>,
}

/// Which register.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Slot {
    class_id: ClassId,
    date: Date,
    class_period_id: Option<ClassPeriodId>,
}

impl Slot {
    /// Of a day that somebody meant: on any other there is no register.
    fn of(class_id: ClassId, date: Date, class_period_id: Option<ClassPeriodId>) -> Result<Self> {
        plausible(&date, &()).map_err(|_| Error::not_found())?;
        Ok(Self { class_id, date, class_period_id })
    }
}

/// That a register was taken.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Taking {
    /// Which register.
    pub id: AttendanceRegisterId,
    /// When it was first taken.
    pub taken_at: Timestamp,
    /// By whom.
    #[schema(example = "account:ada")]
    pub taken_by: String,
    /// Whether that was on a later day.
    pub late: bool,
    /// When it was last corrected, as a whole or in one entry.
    pub updated_at: Timestamp,
    /// By whom.
    #[schema(example = "account:ada")]
    pub updated_by: String,
}

/// A student of a register, and what is said of them. Something may be said before the register is taken: that an absence is
/// planned, for example.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct SheetEntry {
    /// Who.
    pub student_id: PersonId,
    /// The student's given name.
    #[schema(example = "Mila")]
    pub student_given_name: String,
    /// The student's family name.
    #[schema(example = "Okafor")]
    pub student_family_name: String,
    /// What is said; null where nothing is yet.
    pub code_id: Option<AttendanceCodeId>,
    /// When the student came.
    pub arrival_time: Option<DayTime>,
    /// When the student went.
    pub departure_time: Option<DayTime>,
    /// Why.
    #[schema(example = "Bus was late")]
    pub reason: Option<String>,
    /// The attendance event that says it.
    pub event_id: Option<AttendanceEventId>,
    /// Whether the student has a place in the class on this day, as the roster says now. Of whom that is no longer so, what was
    /// said when the register was taken stays, and may be left out when it is taken again.
    pub has_place: bool,
}

/// The register of a class on a day.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct AttendanceRegister {
    /// Of which class.
    pub class_id: ClassId,
    /// In which school.
    pub school_id: OrgId,
    /// On which day.
    #[schema(example = "2025-10-01")]
    pub date: Date,
    /// In which period.
    pub class_period_id: Option<ClassPeriodId>,
    /// What the class is called.
    #[schema(example = "Algebra A")]
    pub class_title: String,
    /// What the period is called.
    #[schema(example = "Period 3")]
    pub class_period_name: Option<String>,
    /// Whether it is the attendance of the day, as a homeroom takes it.
    pub whole_day: bool,
    /// By whom it was taken, and when; null while it is not.
    pub taken: Option<Taking>,
    /// Grows whenever it is taken, and whenever anything is said of one of the students or taken back; 0 while nothing ever was.
    /// The ETag.
    #[schema(example = 1)]
    pub version: i64,
    /// All who have a place in the class on this day, and all of whom something was said with this register, by name.
    pub entries: Vec<SheetEntry>,
}

impl Versioned for AttendanceRegister {
    fn version(&self) -> i64 {
        self.version
    }
}

/// A register in a list: that it was taken.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct AttendanceRegisterSummary {
    /// Of which class.
    pub class_id: ClassId,
    /// In which school.
    pub school_id: OrgId,
    /// On which day.
    #[schema(example = "2025-10-01")]
    pub date: Date,
    /// In which period.
    pub class_period_id: Option<ClassPeriodId>,
    /// What the class is called.
    #[schema(example = "Algebra A")]
    pub class_title: String,
    /// What the period is called.
    #[schema(example = "Period 3")]
    pub class_period_name: Option<String>,
    /// By whom it was taken, and when.
    #[serde(flatten)]
    pub taken: Taking,
    /// Grows whenever it is taken, and whenever one of its entries is corrected.
    #[schema(example = 1)]
    pub version: i64,
}

/// The register of a class on a day, taken or not. One round trip.
async fn read(tenancy: &Tenancy, cx: &OpContext, slot: &Slot) -> Result<AttendanceRegister> {
    let sight = Sight::to(cx, Action::Read, &ATTENDANCE_REGISTER, &[OWN_CLASSES])?;
    store::get(tenancy, cx, &sight, slot).await
}

/// Takes a register if it is still as the caller knows it. Whoever takes it first need not know it, unless something else is said
/// already, such as an absence that was planned. Sent twice, it changes nothing the second time. Two round trips.
async fn take(
    tenancy: &Tenancy,
    cx: &OpContext,
    slot: &Slot,
    known: Result<IfMatch, Problem>,
    fields: &AttendanceRegisterFields,
) -> Result<AttendanceRegister, Problem> {
    let reading = read(tenancy, cx, slot);
    let sight = sight_for_change(cx, Action::Update, &ATTENDANCE_REGISTER, &[OWN_CLASSES], reading).await?;
    let mut tx = tenancy.write(cx).await?;
    let codes: Vec<AttendanceCodeId> = fields.entries.iter().map(|entry| entry.code_id).collect();
    let opened = store::open(&mut tx, &sight, slot, &codes).await?;
    if slot.date > today(cx) {
        return Err(Error::field("date", "register_in_future", "A register is taken on its day or later.").into());
    }
    if opened.instructional == Some(false) {
        let message = "There is no instruction on this day, as the calendar of the school says.";
        return Err(Error::new(ErrorKind::Conflict, "day_not_instructional", message).into());
    }
    let before = opened.register;
    let changed = sheet::compare(&before.entries, &fields.entries, &opened.codes)?;
    if before.taken.is_some() && changed.is_empty() {
        tx.rollback().await?;
        return Ok(before);
    }
    let said = |entry: &RegisterEntry| {
        let line = before.entries.iter().find(|line| line.student_id == entry.student_id);
        line.is_some_and(|line| line.event_id.is_some())
    };
    match known {
        Ok(known) => known.check(&before)?,
        Err(unknown) if before.taken.is_some() || changed.iter().any(said) => return Err(unknown),
        Err(_) => {}
    }
    let (now, by) = (cx.clock().now(), cx.actor().to_string());
    let first = before.taken.is_none();
    let taken = match before.taken.clone() {
        Some(taken) => Taking { updated_at: now, updated_by: by, ..taken },
        None => Taking {
            id: AttendanceRegisterId::generate(cx.clock()),
            taken_at: now,
            taken_by: by.clone(),
            late: today(cx) > slot.date,
            updated_at: now,
            updated_by: by,
        },
    };
    tx.audit(if first { Action::Create } else { Action::Update }, &ATTENDANCE_REGISTER, taken.id, None);
    let mut after = AttendanceRegister { version: before.version + 1, taken: Some(taken.clone()), ..before };
    let new = sheet::write(&mut after.entries, &changed, cx.clock());
    store::save(tx, &after, &taken, first, &new).await?;
    Ok(after)
}

fn sample_taking() -> Taking {
    let at = Timestamp::constant(1_759_305_600, 0);
    Taking {
        id: crate::sample_id(),
        taken_at: at,
        taken_by: "account:ada".to_owned(),
        late: false,
        updated_at: at,
        updated_by: "account:ada".to_owned(),
    }
}

fn sample_fields() -> AttendanceRegisterFields {
    AttendanceRegisterFields {
        entries: vec![RegisterEntry {
            student_id: crate::sample_id(),
            code_id: crate::sample_id(),
            arrival_time: Some(DayTime::at(8, 40)),
            departure_time: None,
            reason: Some("Bus was late".to_owned()),
        }],
    }
}

fn sample() -> AttendanceRegister {
    AttendanceRegister {
        class_id: crate::sample_id(),
        school_id: crate::sample_id(),
        date: Date::constant(2025, 10, 1),
        class_period_id: None,
        class_title: "Homeroom 7a".to_owned(),
        class_period_name: None,
        whole_day: true,
        taken: Some(sample_taking()),
        version: 1,
        entries: vec![SheetEntry {
            student_id: crate::sample_id(),
            student_given_name: "Mila".to_owned(),
            student_family_name: "Okafor".to_owned(),
            code_id: Some(crate::sample_id()),
            arrival_time: Some(DayTime::at(8, 40)),
            departure_time: None,
            reason: Some("Bus was late".to_owned()),
            event_id: Some(crate::sample_id()),
            has_place: true,
        }],
    }
}

fn sample_summary() -> AttendanceRegisterSummary {
    AttendanceRegisterSummary {
        class_id: crate::sample_id(),
        school_id: crate::sample_id(),
        date: Date::constant(2025, 10, 1),
        class_period_id: None,
        class_title: "Homeroom 7a".to_owned(),
        class_period_name: None,
        taken: sample_taking(),
        version: 1,
    }
}
