//! Meetings: when and where a class meets, on a day of the week or of a rotating timetable, in a period.

mod api;
pub(crate) mod conflict;
pub(crate) mod conflict_store;
mod store;

use cloister_http::{IdempotencyKey, IfMatch, MergePatch, Versioned, invalid};
use cloister_ids::{ClassId, ClassPeriodId, MeetingId, PersonId, RoomId};
use cloister_tenancy::{
    Action, Changes, ConstraintRule, Error, ErrorKind, OpContext, Resource, Result, Tenancy, TenantTx,
};
use garde::Validate;
use jiff::civil::Date;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

pub(crate) use api::routes;
pub use conflict::{Conflict, ConflictKind, MeetingConflicts};
pub(crate) use store::STATEMENTS;

/// Statements of conflicts.
pub(crate) const CONFLICT_STATEMENTS: &[&cloister_tenancy::sql::Statement] = conflict_store::STATEMENTS;

use crate::{
    day_time::DayOfWeek,
    presence_store::{check_named, named_in},
    record::{Metadata, Record, Status, check_change, check_new},
    rules::{after, clean, plausible, small},
};

/// What permissions are about.
pub const MEETING: Resource = Resource { module: crate::MODULE, name: "meeting" };

/// What refused constraints mean.
pub(crate) const CONSTRAINTS: &[ConstraintRule] = &[
    ConstraintRule {
        constraint: "meeting_class_fkey",
        field: "class_id",
        code: "class_unknown",
        message: "There is no such class.",
    },
    ConstraintRule {
        constraint: "meeting_class_period_fkey",
        field: "class_period_id",
        code: "class_period_unknown",
        message: "There is no such class period.",
    },
    ConstraintRule {
        constraint: "meeting_room_fkey",
        field: "room_id",
        code: "room_unknown",
        message: "There is no such room.",
    },
    ConstraintRule {
        constraint: "meeting_teacher_fkey",
        field: "teacher_id",
        code: "person_unknown",
        message: "There is no such person.",
    },
];

/// What is known of a meeting: the body of a creation, and what a patch changes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct MeetingFields {
    /// Whether it counts.
    #[garde(skip)]
    #[serde(default)]
    pub status: Status,
    /// Which class. Never changes.
    #[garde(skip)]
    pub class_id: ClassId,
    /// In which period, one of the school of the class.
    #[garde(skip)]
    pub class_period_id: ClassPeriodId,
    /// On which day of the week. Either this or `cycle_day` is given.
    #[garde(custom(one_day(self.cycle_day.as_deref())))]
    pub day_of_week: Option<DayOfWeek>,
    /// On which day of a rotating timetable, as the calendar names them.
    #[garde(inner(length(chars, max = 16), custom(clean)))]
    #[schema(max_length = 16, example = "B")]
    pub cycle_day: Option<String>,
    /// Where.
    #[garde(skip)]
    pub room_id: Option<RoomId>,
    /// Who teaches it; all teachers of the class where none is given.
    #[garde(skip)]
    pub teacher_id: Option<PersonId>,
    /// Its first day.
    #[garde(inner(custom(plausible)))]
    #[schema(example = "2025-09-01")]
    pub begin_date: Option<Date>,
    /// The first day after it.
    #[garde(inner(custom(plausible)), custom(after(self.begin_date)))]
    #[schema(example = "2026-02-01")]
    pub end_date: Option<Date>,
    /// Fields of other systems: at most 16 KiB of JSON.
    #[garde(custom(small))]
    #[serde(default)]
    #[schema(value_type = Object)]
    pub metadata: Metadata,
}

/// A meeting as it is kept.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct Meeting {
    /// Which one.
    pub id: MeetingId,
    /// What is known of it.
    #[serde(flatten)]
    pub fields: MeetingFields,
    /// Who made and changed it, and when.
    #[serde(flatten)]
    pub record: Record,
}

impl Versioned for WrittenMeeting {
    fn version(&self) -> i64 {
        self.meeting.record.version
    }
}

/// A meeting as it was written, and what stands against it. Writing is not refused for that unless the caller asks: a timetable
/// is made step by step.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct WrittenMeeting {
    /// The meeting.
    #[serde(flatten)]
    pub meeting: Meeting,
    /// Other meetings at the same time with the same class, room or teacher.
    pub conflicts: Vec<Conflict>,
}

fn one_day(cycle_day: Option<&str>) -> impl FnOnce(&Option<DayOfWeek>, &()) -> garde::Result {
    move |day_of_week, ()| match (day_of_week, cycle_day) {
        (Some(_), None) | (None, Some(_)) => Ok(()),
        _ => Err(invalid("one_day", "Give either a day of the week or a day of the rotating timetable.")),
    }
}

impl Versioned for Meeting {
    fn version(&self) -> i64 {
        self.record.version
    }
}

/// Makes a meeting, as part of `tx`. Two round trips with the commit.
async fn create(
    tx: &mut TenantTx,
    key: Option<&IdempotencyKey>,
    fields: MeetingFields,
    strict: bool,
) -> Result<WrittenMeeting> {
    tx.cx().authorize(Action::Create, &MEETING)?;
    check_new(fields.status)?;
    let meeting = Meeting { id: MeetingId::generate(tx.cx().clock()), fields, record: Record::new(tx.cx()) };
    let (places, conflicts) = store::insert(tx, key, &meeting).await?;
    places.check()?;
    judge(&conflicts, strict)?;
    tx.audit(Action::Create, &MEETING, meeting.id, None);
    Ok(WrittenMeeting { meeting, conflicts })
}

/// One meeting, deleted or not. One round trip.
async fn read(tenancy: &Tenancy, cx: &OpContext, id: MeetingId) -> Result<Meeting> {
    cx.authorize(Action::Read, &MEETING)?;
    store::get(tenancy, cx, id).await
}

/// Changes a meeting that is still as the caller knows it. Three round trips: what stands against it is looked for after the change.
async fn update(
    tenancy: &Tenancy,
    cx: &OpContext,
    id: MeetingId,
    known: &IfMatch,
    patch: &MergePatch<MeetingFields>,
    strict: bool,
) -> Result<WrittenMeeting> {
    cx.authorize(Action::Update, &MEETING)?;
    let mut tx = tenancy.write(cx).await?;
    let named = named_in(&patch.changes(), "teacher_id", 1);
    let (before, present) = store::lock(&mut tx, id, &named).await?;
    known.check(&before)?;
    let fields = patch.apply(&before.fields)?;
    check_change((None, before.fields.status), (None, fields.status))?;
    if fields.class_id != before.fields.class_id {
        let message = "The class cannot be changed: make another meeting for it.";
        return Err(Error::field("class_id", "class_fixed", message));
    }
    if fields == before.fields {
        let conflicts = store::conflicts(&mut tx, id).await?;
        tx.rollback().await?;
        judge(&conflicts, strict)?;
        return Ok(WrittenMeeting { meeting: before, conflicts });
    }
    check_named(&present, fields.teacher_id, before.fields.teacher_id, "teacher_id")?;
    let changes = Changes::between(&before.fields, &fields)?;
    let after = Meeting { id, fields, record: before.record.changed(cx) };
    tx.audit(Action::Update, &MEETING, id, Some(changes.into()));
    let (places, conflicts) = store::update(&mut tx, &after).await?;
    places.check()?;
    judge(&conflicts, strict)?;
    tx.commit().await?;
    Ok(WrittenMeeting { meeting: after, conflicts })
}

/// Refuses conflicts, if the caller wants none.
fn judge(conflicts: &[Conflict], strict: bool) -> Result<()> {
    let Some(first) = conflicts.first().filter(|_| strict) else { return Ok(()) };
    let message = format!(
        "At the same time the same {} has the meeting {}. Leave out `strict` to write it nevertheless.",
        first.kind.word(),
        first.meeting_id
    );
    Err(Error::new(ErrorKind::Conflict, "meeting_conflicts", message))
}

/// Deletes a meeting that is still as the caller knows it. Two round trips.
async fn delete(tenancy: &Tenancy, cx: &OpContext, id: MeetingId, known: &IfMatch) -> Result<()> {
    cx.authorize(Action::Delete, &MEETING)?;
    let mut tx = tenancy.write(cx).await?;
    let (before, _) = store::lock(&mut tx, id, &[]).await?;
    known.check(&before)?;
    if before.fields.status == Status::ToBeDeleted {
        return tx.rollback().await;
    }
    tx.audit(Action::Delete, &MEETING, id, None);
    store::delete(tx, id).await
}

fn sample_fields() -> MeetingFields {
    MeetingFields {
        status: Status::Active,
        class_id: crate::sample_id(),
        class_period_id: crate::sample_id(),
        day_of_week: Some(DayOfWeek::Monday),
        cycle_day: None,
        room_id: Some(crate::sample_id()),
        teacher_id: Some(crate::sample_id()),
        begin_date: Some(Date::constant(2025, 9, 1)),
        end_date: None,
        metadata: Metadata::default(),
    }
}

fn written_sample() -> WrittenMeeting {
    WrittenMeeting { meeting: sample(), conflicts: vec![conflict::sample()] }
}

fn sample() -> Meeting {
    Meeting { id: crate::sample_id(), fields: sample_fields(), record: Record::sample() }
}
