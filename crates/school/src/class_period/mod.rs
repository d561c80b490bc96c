//! Class periods: the parts of the school day in which classes meet, in their order, with their usual times.

mod api;
mod store;

use cloister_http::{IdempotencyKey, IfMatch, MergePatch, Versioned};
use cloister_ids::{ClassPeriodId, OrgId};
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
    rules::{TEXT, clean, small},
    search_key,
};

/// What permissions are about.
pub const CLASS_PERIOD: Resource = Resource { module: crate::MODULE, name: "class_period" };

/// What refused constraints mean.
pub(crate) const CONSTRAINTS: &[ConstraintRule] = &[
    ConstraintRule {
        constraint: "class_period_school_fkey",
        field: "school_id",
        code: "org_unknown",
        message: "There is no such organisation.",
    },
    ConstraintRule {
        constraint: "class_period_name_key",
        field: "name",
        code: "class_period_name_taken",
        message: "Another class period of this school has this name.",
    },
];

/// What is known of a class period: the body of a creation, and what a patch changes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ClassPeriodFields {
    /// Whether it counts.
    #[garde(skip)]
    #[serde(default)]
    pub status: Status,
    /// Of which school. Never changes.
    #[garde(skip)]
    pub school_id: OrgId,
    /// Its name, unique within the school.
    #[garde(length(chars, max = TEXT), custom(clean))]
    #[schema(min_length = 1, max_length = 512, example = "Period 3")]
    pub name: String,
    /// Its place in the order of the day.
    #[garde(range(min = 0, max = 1000))]
    #[schema(minimum = 0, maximum = 1000, example = 3)]
    pub sequence: i32,
    /// When it usually begins.
    #[garde(skip)]
    pub start_time: DayTime,
    /// When it usually ends.
    #[garde(custom(later_than(Some(self.start_time))))]
    pub end_time: DayTime,
    /// Whether attendance of the day is taken in it.
    #[garde(skip)]
    #[serde(default)]
    pub official_attendance_period: bool,
    /// Fields of other systems: at most 16 KiB of JSON.
    #[garde(custom(small))]
    #[serde(default)]
    #[schema(value_type = Object)]
    pub metadata: Metadata,
}

/// A class period as it is kept.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct ClassPeriod {
    /// Which one.
    pub id: ClassPeriodId,
    /// What is known of it.
    #[serde(flatten)]
    pub fields: ClassPeriodFields,
    /// Who made and changed it, and when.
    #[serde(flatten)]
    pub record: Record,
}

impl Versioned for ClassPeriod {
    fn version(&self) -> i64 {
        self.record.version
    }
}

impl ClassPeriodFields {
    /// The name as it is searched and sorted.
    fn name_search(&self) -> String {
        search_key::of(&self.name)
    }
}

/// Makes a class period, as part of `tx`. Two round trips with the commit.
async fn create(tx: &mut TenantTx, key: Option<&IdempotencyKey>, fields: ClassPeriodFields) -> Result<ClassPeriod> {
    tx.cx().authorize(Action::Create, &CLASS_PERIOD)?;
    check_new(fields.status)?;
    let class_period =
        ClassPeriod { id: ClassPeriodId::generate(tx.cx().clock()), fields, record: Record::new(tx.cx()) };
    store::insert(tx, key, &class_period).await?;
    tx.audit(Action::Create, &CLASS_PERIOD, class_period.id, None);
    Ok(class_period)
}

/// One class period, deleted or not. One round trip.
async fn read(tenancy: &Tenancy, cx: &OpContext, id: ClassPeriodId) -> Result<ClassPeriod> {
    cx.authorize(Action::Read, &CLASS_PERIOD)?;
    store::get(tenancy, cx, id).await
}

/// Changes a class period that is still as the caller knows it. Two round trips.
async fn update(
    tenancy: &Tenancy,
    cx: &OpContext,
    id: ClassPeriodId,
    known: &IfMatch,
    patch: &MergePatch<ClassPeriodFields>,
) -> Result<ClassPeriod> {
    cx.authorize(Action::Update, &CLASS_PERIOD)?;
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
    let changes = Changes::between(&before.fields, &fields)?;
    let after = ClassPeriod { id, fields, record: before.record.changed(cx) };
    tx.audit(Action::Update, &CLASS_PERIOD, id, Some(changes.into()));
    store::update(tx, &after).await?;
    Ok(after)
}

/// Deletes a class period that is still as the caller knows it and that nothing uses. Two round trips.
async fn delete(tenancy: &Tenancy, cx: &OpContext, id: ClassPeriodId, known: &IfMatch) -> Result<()> {
    cx.authorize(Action::Delete, &CLASS_PERIOD)?;
    let mut tx = tenancy.write(cx).await?;
    let (before, in_use) = store::lock_to_delete(&mut tx, id).await?;
    known.check(&before)?;
    if before.fields.status == Status::ToBeDeleted {
        return tx.rollback().await;
    }
    if in_use {
        return Err(Error::new(
            ErrorKind::Conflict,
            "class_period_in_use",
            "Classes meet in this period. Delete or move these meetings first.",
        ));
    }
    tx.audit(Action::Delete, &CLASS_PERIOD, id, None);
    store::delete(tx, id).await
}

fn sample_fields() -> ClassPeriodFields {
    ClassPeriodFields {
        status: Status::Active,
        school_id: crate::sample_id(),
        name: "Period 3".to_owned(),
        sequence: 3,
        start_time: DayTime::at(10, 15),
        end_time: DayTime::at(11, 0),
        official_attendance_period: false,
        metadata: Metadata::default(),
    }
}

fn sample() -> ClassPeriod {
    ClassPeriod { id: crate::sample_id(), fields: sample_fields(), record: Record::sample() }
}
