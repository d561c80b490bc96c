//! Calendar dates: what each day of a school is, above all whether there is instruction.

mod api;
mod store;

use cloister_http::{IdempotencyKey, IfMatch, MergePatch, Versioned};
use cloister_ids::{BellScheduleId, CalendarDateId, OrgId};
use cloister_tenancy::{Action, Changes, ConstraintRule, Error, OpContext, Resource, Result, Tenancy, TenantTx};
use garde::Validate;
use jiff::civil::Date;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

pub(crate) use api::routes;
pub(crate) use store::STATEMENTS;

use crate::{
    record::{Metadata, Record, Status, check_change, check_new},
    rules::{TEXT, clean, plausible, small},
    vocabulary::CalendarEvent,
};

/// What permissions are about.
pub const CALENDAR_DATE: Resource = Resource { module: crate::MODULE, name: "calendar_date" };

/// What refused constraints mean.
pub(crate) const CONSTRAINTS: &[ConstraintRule] = &[
    ConstraintRule {
        constraint: "calendar_date_school_fkey",
        field: "school_id",
        code: "org_unknown",
        message: "There is no such organisation.",
    },
    ConstraintRule {
        constraint: "calendar_date_bell_schedule_fkey",
        field: "bell_schedule_id",
        code: "bell_schedule_unknown",
        message: "There is no such bell schedule.",
    },
    ConstraintRule {
        constraint: "calendar_date_day_key",
        field: "date",
        code: "calendar_date_taken",
        message: "This school has said already what this day is. Change that entry instead.",
    },
];

/// What is known of a calendar date: the body of a creation, and what a patch changes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CalendarDateFields {
    /// Whether it counts.
    #[garde(skip)]
    #[serde(default)]
    pub status: Status,
    /// Of which school. Never changes.
    #[garde(skip)]
    pub school_id: OrgId,
    /// Which day. Never changes.
    #[garde(custom(plausible))]
    #[schema(example = "2025-12-24")]
    pub date: Date,
    /// What the day is.
    #[garde(skip)]
    pub calendar_event: CalendarEvent,
    /// Whether there is instruction: only on such days registers are taken.
    #[garde(skip)]
    pub is_instructional: bool,
    /// What it is called.
    #[garde(inner(length(chars, max = TEXT), custom(clean)))]
    #[schema(max_length = 512, example = "Christmas Eve")]
    pub title: Option<String>,
    /// Which day of a rotating timetable it is, such as `A` or `3`.
    #[garde(inner(length(chars, max = 16), custom(clean)))]
    #[schema(max_length = 16, example = "B")]
    pub cycle_day: Option<String>,
    /// Which bell schedule holds, where the periods are not at their usual times.
    #[garde(skip)]
    pub bell_schedule_id: Option<BellScheduleId>,
    /// Fields of other systems: at most 16 KiB of JSON.
    #[garde(custom(small))]
    #[serde(default)]
    #[schema(value_type = Object)]
    pub metadata: Metadata,
}

/// A calendar date as it is kept.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct CalendarDate {
    /// Which one.
    pub id: CalendarDateId,
    /// What is known of it.
    #[serde(flatten)]
    pub fields: CalendarDateFields,
    /// Who made and changed it, and when.
    #[serde(flatten)]
    pub record: Record,
}

impl Versioned for CalendarDate {
    fn version(&self) -> i64 {
        self.record.version
    }
}

fn strange_bells() -> Error {
    Error::field("bell_schedule_id", "bell_schedule_unknown", "Name a bell schedule of this school that counts.")
}

/// Makes a calendar date, as part of `tx`. Two round trips with the commit.
async fn create(tx: &mut TenantTx, key: Option<&IdempotencyKey>, fields: CalendarDateFields) -> Result<CalendarDate> {
    tx.cx().authorize(Action::Create, &CALENDAR_DATE)?;
    check_new(fields.status)?;
    let calendar_date =
        CalendarDate { id: CalendarDateId::generate(tx.cx().clock()), fields, record: Record::new(tx.cx()) };
    if !store::insert(tx, key, &calendar_date).await? {
        return Err(strange_bells());
    }
    tx.audit(Action::Create, &CALENDAR_DATE, calendar_date.id, None);
    Ok(calendar_date)
}

/// One calendar date, deleted or not. One round trip.
async fn read(tenancy: &Tenancy, cx: &OpContext, id: CalendarDateId) -> Result<CalendarDate> {
    cx.authorize(Action::Read, &CALENDAR_DATE)?;
    store::get(tenancy, cx, id).await
}

/// Changes a calendar date that is still as the caller knows it. Two round trips, and one more for another bell schedule.
async fn update(
    tenancy: &Tenancy,
    cx: &OpContext,
    id: CalendarDateId,
    known: &IfMatch,
    patch: &MergePatch<CalendarDateFields>,
) -> Result<CalendarDate> {
    cx.authorize(Action::Update, &CALENDAR_DATE)?;
    let mut tx = tenancy.write(cx).await?;
    let before = store::lock(&mut tx, id).await?;
    known.check(&before)?;
    let fields = patch.apply(&before.fields)?;
    check_change((None, before.fields.status), (None, fields.status))?;
    if fields.school_id != before.fields.school_id {
        return Err(Error::field("school_id", "school_fixed", "The school cannot be changed: make another one there."));
    }
    if fields.date != before.fields.date {
        return Err(Error::field(
            "date",
            "date_fixed",
            "The day cannot be changed: delete this entry and make another one.",
        ));
    }
    if fields == before.fields {
        tx.rollback().await?;
        return Ok(before);
    }
    if fields.bell_schedule_id != before.fields.bell_schedule_id && !store::fits(&mut tx, &fields).await? {
        return Err(strange_bells());
    }
    let changes = Changes::between(&before.fields, &fields)?;
    let after = CalendarDate { id, fields, record: before.record.changed(cx) };
    tx.audit(Action::Update, &CALENDAR_DATE, id, Some(changes.into()));
    store::update(tx, &after).await?;
    Ok(after)
}

/// Deletes a calendar date that is still as the caller knows it. Two round trips.
async fn delete(tenancy: &Tenancy, cx: &OpContext, id: CalendarDateId, known: &IfMatch) -> Result<()> {
    cx.authorize(Action::Delete, &CALENDAR_DATE)?;
    let mut tx = tenancy.write(cx).await?;
    let before = store::lock(&mut tx, id).await?;
    known.check(&before)?;
    if before.fields.status == Status::ToBeDeleted {
        return tx.rollback().await;
    }
    tx.audit(Action::Delete, &CALENDAR_DATE, id, None);
    store::delete(tx, id).await
}

fn sample_fields() -> CalendarDateFields {
    CalendarDateFields {
        status: Status::Active,
        school_id: crate::sample_id(),
        date: Date::constant(2025, 12, 24),
        calendar_event: CalendarEvent::HOLIDAY,
        is_instructional: false,
        title: Some("Christmas Eve".to_owned()),
        cycle_day: None,
        bell_schedule_id: None,
        metadata: Metadata::default(),
    }
}

fn sample() -> CalendarDate {
    CalendarDate { id: crate::sample_id(), fields: sample_fields(), record: Record::sample() }
}
