//! Attendance codes: the words of a tenant for what can be said of somebody's attendance, and what each means in reports.

mod api;
mod store;

use cloister_http::{IdempotencyKey, IfMatch, MergePatch, Versioned, words};
use cloister_ids::AttendanceCodeId;
use cloister_tenancy::{Action, Changes, ConstraintRule, OpContext, Resource, Result, Tenancy, TenantTx};
use garde::Validate;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

pub(crate) use api::routes;
pub(crate) use store::STATEMENTS;

use crate::{
    record::{Metadata, Record, Status, check_change, check_new},
    rules::{TEXT, clean, small},
    search_key,
    vocabulary::AttendanceCategory,
};

/// What permissions are about.
pub const ATTENDANCE_CODE: Resource = Resource { module: crate::MODULE, name: "attendance_code" };

/// What refused constraints mean.
pub(crate) const CONSTRAINTS: &[ConstraintRule] = &[ConstraintRule {
    constraint: "attendance_code_short_name_key",
    field: "short_name",
    code: "short_name_taken",
    message: "Another attendance code that counts has this short name.",
}];

words! {
    /// Whether somebody counts as being at school.
    pub enum Direction {
        /// At school, or wherever the school sent them.
        In = "in",
        /// Not at school.
        Out = "out",
    }
}

/// What is known of an attendance code: the body of a creation, and what a patch changes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AttendanceCodeFields {
    /// Whether it counts.
    #[garde(skip)]
    #[serde(default)]
    pub status: Status,
    /// What is written in a register: one to sixteen characters, unique among the codes that count.
    #[garde(length(chars, max = 16), custom(clean))]
    #[schema(min_length = 1, max_length = 16, example = "UA")]
    pub short_name: String,
    /// What it means.
    #[garde(length(chars, max = TEXT), custom(clean))]
    #[schema(min_length = 1, max_length = 512, example = "Unexcused absence")]
    pub title: String,
    /// How reports sum it up.
    #[garde(skip)]
    pub category: AttendanceCategory,
    /// Whether the student counts as being at school. Rates are made of this.
    #[garde(skip)]
    pub direction: Direction,
    /// Whether the school accepts the reason.
    #[garde(skip)]
    pub excused: bool,
    /// Whether it counts in rates and in reports to authorities. One that does not is for the school alone.
    #[garde(skip)]
    pub reportable: bool,
    /// Whether it may be entered for days to come, as planned absences are.
    #[garde(skip)]
    pub future_allowed: bool,
    /// Fields of other systems: at most 16 KiB of JSON.
    #[garde(custom(small))]
    #[serde(default)]
    #[schema(value_type = Object)]
    pub metadata: Metadata,
}

/// An attendance code as it is kept.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct AttendanceCode {
    /// Which one.
    pub id: AttendanceCodeId,
    /// What is known of it.
    #[serde(flatten)]
    pub fields: AttendanceCodeFields,
    /// Who made and changed it, and when.
    #[serde(flatten)]
    pub record: Record,
}

impl Versioned for AttendanceCode {
    fn version(&self) -> i64 {
        self.record.version
    }
}

impl AttendanceCodeFields {
    /// The title as it is searched and sorted.
    fn title_search(&self) -> String {
        search_key::of(&self.title)
    }
}

/// Makes an attendance code, as part of `tx`. Two round trips with the commit.
async fn create(
    tx: &mut TenantTx,
    key: Option<&IdempotencyKey>,
    fields: AttendanceCodeFields,
) -> Result<AttendanceCode> {
    tx.cx().authorize(Action::Create, &ATTENDANCE_CODE)?;
    check_new(fields.status)?;
    let code = AttendanceCode { id: AttendanceCodeId::generate(tx.cx().clock()), fields, record: Record::new(tx.cx()) };
    store::insert(tx, key, &code).await?;
    tx.audit(Action::Create, &ATTENDANCE_CODE, code.id, None);
    Ok(code)
}

/// One attendance code, deleted or not. One round trip.
async fn read(tenancy: &Tenancy, cx: &OpContext, id: AttendanceCodeId) -> Result<AttendanceCode> {
    cx.authorize(Action::Read, &ATTENDANCE_CODE)?;
    store::get(tenancy, cx, id).await
}

/// Changes an attendance code that is still as the caller knows it. Two round trips.
async fn update(
    tenancy: &Tenancy,
    cx: &OpContext,
    id: AttendanceCodeId,
    known: &IfMatch,
    patch: &MergePatch<AttendanceCodeFields>,
) -> Result<AttendanceCode> {
    cx.authorize(Action::Update, &ATTENDANCE_CODE)?;
    let mut tx = tenancy.write(cx).await?;
    let before = store::lock(&mut tx, id).await?;
    known.check(&before)?;
    let fields = patch.apply(&before.fields)?;
    check_change((None, before.fields.status), (None, fields.status))?;
    if fields == before.fields {
        tx.rollback().await?;
        return Ok(before);
    }
    let changes = Changes::between(&before.fields, &fields)?;
    let after = AttendanceCode { id, fields, record: before.record.changed(cx) };
    tx.audit(Action::Update, &ATTENDANCE_CODE, id, Some(changes.into()));
    store::update(tx, &after).await?;
    Ok(after)
}

/// Deletes an attendance code that is still as the caller knows it. Two round trips.
async fn delete(tenancy: &Tenancy, cx: &OpContext, id: AttendanceCodeId, known: &IfMatch) -> Result<()> {
    cx.authorize(Action::Delete, &ATTENDANCE_CODE)?;
    let mut tx = tenancy.write(cx).await?;
    let before = store::lock(&mut tx, id).await?;
    known.check(&before)?;
    if before.fields.status == Status::ToBeDeleted {
        return tx.rollback().await;
    }
    tx.audit(Action::Delete, &ATTENDANCE_CODE, id, None);
    store::delete(tx, id).await
}

fn sample_fields() -> AttendanceCodeFields {
    AttendanceCodeFields {
        status: Status::Active,
        short_name: "UA".to_owned(),
        title: "Unexcused absence".to_owned(),
        category: AttendanceCategory::ABSENT,
        direction: Direction::Out,
        excused: false,
        reportable: true,
        future_allowed: false,
        metadata: Metadata::default(),
    }
}

fn sample() -> AttendanceCode {
    AttendanceCode { id: crate::sample_id(), fields: sample_fields(), record: Record::sample() }
}
