//! Bell schedules: forms of the school day in which periods are not at their usual times.

mod api;
mod store;

use cloister_http::{IdempotencyKey, IfMatch, MergePatch, Versioned};
use cloister_ids::{BellScheduleId, ClassPeriodId, OrgId};
use cloister_tenancy::{
    Action, Changes, ConstraintRule, Error, ErrorKind, OpContext, Resource, Result, Tenancy, TenantTx,
};
use garde::Validate;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

pub(crate) use api::routes;
pub(crate) use store::STATEMENTS;

use crate::{
    day_time::{DayTime, later_than},
    record::{Metadata, Record, Status, check_change, check_new},
    rules::{TEXT, between, clean, small},
    search_key,
};

/// What permissions are about.
pub const BELL_SCHEDULE: Resource = Resource { module: crate::MODULE, name: "bell_schedule" };

/// What refused constraints mean.
pub(crate) const CONSTRAINTS: &[ConstraintRule] = &[
    ConstraintRule {
        constraint: "bell_schedule_school_fkey",
        field: "school_id",
        code: "org_unknown",
        message: "There is no such organisation.",
    },
    ConstraintRule {
        constraint: "bell_schedule_name_key",
        field: "name",
        code: "bell_schedule_name_taken",
        message: "Another bell schedule of this school has this name.",
    },
    ConstraintRule {
        constraint: "bell_schedule_period_class_period_fkey",
        field: "periods",
        code: "class_period_unknown",
        message: "There is no such class period.",
    },
];

/// When a period is held.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct BellSchedulePeriod {
    /// Which period.
    #[garde(skip)]
    pub class_period_id: ClassPeriodId,
    /// When it begins.
    #[garde(skip)]
    pub start_time: DayTime,
    /// When it ends.
    #[garde(custom(later_than(Some(self.start_time))))]
    pub end_time: DayTime,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "rules are handed value and context by reference")]
fn once_each(periods: &[BellSchedulePeriod], (): &()) -> garde::Result {
    let named: Vec<ClassPeriodId> = periods.iter().map(|period| period.class_period_id).collect();
    crate::rules::distinct(&named, &())
}

/// What is known of a bell schedule: the body of a creation, and what a patch changes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct BellScheduleFields {
    /// Whether it counts.
    #[garde(skip)]
    #[serde(default)]
    pub status: Status,
    /// Of which school. Never changes.
    #[garde(skip)]
    pub school_id: OrgId,
    /// Its name, unique within the school.
    #[garde(length(chars, max = TEXT), custom(clean))]
    #[schema(min_length = 1, max_length = 512, example = "Short day")]
    pub name: String,
    /// The periods that are held, and when. A period that is not named is not held on such days.
    #[garde(dive, custom(between(1, 50)), custom(once_each))]
    #[schema(min_items = 1, max_items = 50)]
    pub periods: Vec<BellSchedulePeriod>,
    /// Fields of other systems: at most 16 KiB of JSON.
    #[garde(custom(small))]
    #[serde(default)]
    #[schema(value_type = Object)]
    pub metadata: Metadata,
}

/// A bell schedule as it is kept.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct BellSchedule {
    /// Which one.
    pub id: BellScheduleId,
    /// What is known of it.
    #[serde(flatten)]
    pub fields: BellScheduleFields,
    /// Who made and changed it, and when.
    #[serde(flatten)]
    pub record: Record,
}

impl Versioned for BellSchedule {
    fn version(&self) -> i64 {
        self.record.version
    }
}

impl BellScheduleFields {
    /// The name as it is searched and sorted.
    fn name_search(&self) -> String {
        search_key::of(&self.name)
    }
}

fn strange_period() -> Error {
    Error::field("periods", "class_period_unknown", "Name class periods of this school that count.")
}

/// Makes a bell schedule, as part of `tx`. Two round trips with the commit.
async fn create(tx: &mut TenantTx, key: Option<&IdempotencyKey>, fields: BellScheduleFields) -> Result<BellSchedule> {
    tx.cx().authorize(Action::Create, &BELL_SCHEDULE)?;
    check_new(fields.status)?;
    let bell_schedule =
        BellSchedule { id: BellScheduleId::generate(tx.cx().clock()), fields, record: Record::new(tx.cx()) };
    if !store::insert(tx, key, &bell_schedule).await? {
        return Err(strange_period());
    }
    tx.audit(Action::Create, &BELL_SCHEDULE, bell_schedule.id, None);
    Ok(bell_schedule)
}

/// One bell schedule, deleted or not. One round trip.
async fn read(tenancy: &Tenancy, cx: &OpContext, id: BellScheduleId) -> Result<BellSchedule> {
    cx.authorize(Action::Read, &BELL_SCHEDULE)?;
    store::get(tenancy, cx, id).await
}

/// Changes a bell schedule that is still as the caller knows it. Two round trips, and one more for other periods.
async fn update(
    tenancy: &Tenancy,
    cx: &OpContext,
    id: BellScheduleId,
    known: &IfMatch,
    patch: &MergePatch<BellScheduleFields>,
) -> Result<BellSchedule> {
    cx.authorize(Action::Update, &BELL_SCHEDULE)?;
    let mut tx = tenancy.write(cx).await?;
    let before = store::lock(&mut tx, id).await?;
    known.check(&before)?;
    let fields = patch.apply(&before.fields)?;
    check_change((None, before.fields.status), (None, fields.status))?;
    if fields.school_id != before.fields.school_id {
        return Err(Error::field("school_id", "school_fixed", "The school cannot be changed: make another one there."));
    }
    if fields == before.fields {
        tx.rollback().await?;
        return Ok(before);
    }
    let had = |id: &ClassPeriodId| before.fields.periods.iter().any(|period| period.class_period_id == *id);
    let new: Vec<ClassPeriodId> =
        fields.periods.iter().map(|period| period.class_period_id).filter(|id| !had(id)).collect();
    if !new.is_empty() && !store::fit(&mut tx, fields.school_id, &new).await? {
        return Err(strange_period());
    }
    let changes = Changes::between(&before.fields, &fields)?;
    let after = BellSchedule { id, fields, record: before.record.changed(cx) };
    tx.audit(Action::Update, &BELL_SCHEDULE, id, Some(changes.into()));
    store::update(tx, &after).await?;
    Ok(after)
}

/// Deletes a bell schedule that is still as the caller knows it and that nothing uses. Two round trips.
async fn delete(tenancy: &Tenancy, cx: &OpContext, id: BellScheduleId, known: &IfMatch) -> Result<()> {
    cx.authorize(Action::Delete, &BELL_SCHEDULE)?;
    let mut tx = tenancy.write(cx).await?;
    let (before, in_use) = store::lock_to_delete(&mut tx, id).await?;
    known.check(&before)?;
    if before.fields.status == Status::ToBeDeleted {
        return tx.rollback().await;
    }
    if in_use {
        return Err(Error::new(
            ErrorKind::Conflict,
            "bell_schedule_in_use",
            "Days of the calendar follow this bell schedule. Change these days first.",
        ));
    }
    tx.audit(Action::Delete, &BELL_SCHEDULE, id, None);
    store::delete(tx, id).await
}

fn sample_fields() -> BellScheduleFields {
    BellScheduleFields {
        status: Status::Active,
        school_id: crate::sample_id(),
        name: "Short day".to_owned(),
        periods: vec![BellSchedulePeriod {
            class_period_id: crate::sample_id(),
            start_time: DayTime::at(8, 0),
            end_time: DayTime::at(8, 30),
        }],
        metadata: Metadata::default(),
    }
}

fn sample() -> BellSchedule {
    BellSchedule { id: crate::sample_id(), fields: sample_fields(), record: Record::sample() }
}
