//! Behavior codes: the words of a tenant for what somebody did, well or badly, and what each counts for.

mod api;
mod store;

use cloister_http::{IdempotencyKey, IfMatch, MergePatch, Versioned, words};
use cloister_ids::BehaviorCodeId;
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
};

/// What permissions are about.
pub const BEHAVIOR_CODE: Resource = Resource { module: crate::MODULE, name: "behavior_code" };

/// What refused constraints mean.
pub(crate) const CONSTRAINTS: &[ConstraintRule] = &[ConstraintRule {
    constraint: "behavior_code_short_name_key",
    field: "short_name",
    code: "short_name_taken",
    message: "Another behavior code that counts has this short name.",
}];

words! {
    /// How much something matters.
    pub enum Severity {
        /// Something to praise.
        Positive = "positive",
        /// A slip.
        Minor = "minor",
        /// Something that has consequences.
        Major = "major",
        /// Something grave.
        Critical = "critical",
    }
}

/// The most and, negative, the least points that something counts for.
pub(crate) const MOST_POINTS: i32 = 1000;

/// What is known of a behavior code: the body of a creation, and what a patch changes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct BehaviorCodeFields {
    /// Whether it counts.
    #[garde(skip)]
    #[serde(default)]
    pub status: Status,
    /// What is written in lists: one to sixteen characters, unique among the codes that count.
    #[garde(length(chars, max = 16), custom(clean))]
    #[schema(min_length = 1, max_length = 16, example = "FI")]
    pub short_name: String,
    /// What it means.
    #[garde(length(chars, max = TEXT), custom(clean))]
    #[schema(min_length = 1, max_length = 512, example = "Fighting")]
    pub title: String,
    /// How much it matters.
    #[garde(skip)]
    pub severity: Severity,
    /// What it counts for, unless another number is said: below zero for what is bad, above for what is good.
    #[garde(range(min = -MOST_POINTS, max = MOST_POINTS))]
    #[schema(minimum = -1000, maximum = 1000, example = -5)]
    pub points: i32,
    /// Fields of other systems: at most 16 KiB of JSON.
    #[garde(custom(small))]
    #[serde(default)]
    #[schema(value_type = Object)]
    pub metadata: Metadata,
}

/// A behavior code as it is kept.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct BehaviorCode {
    /// Which one.
    pub id: BehaviorCodeId,
    /// What is known of it.
    #[serde(flatten)]
    pub fields: BehaviorCodeFields,
    /// Who made and changed it, and when.
    #[serde(flatten)]
    pub record: Record,
}

impl Versioned for BehaviorCode {
    fn version(&self) -> i64 {
        self.record.version
    }
}

impl BehaviorCodeFields {
    /// The title as it is searched and sorted.
    fn title_search(&self) -> String {
        search_key::of(&self.title)
    }
}

/// Makes a behavior code, as part of `tx`. Two round trips with the commit.
async fn create(tx: &mut TenantTx, key: Option<&IdempotencyKey>, fields: BehaviorCodeFields) -> Result<BehaviorCode> {
    tx.cx().authorize(Action::Create, &BEHAVIOR_CODE)?;
    check_new(fields.status)?;
    let code = BehaviorCode { id: BehaviorCodeId::generate(tx.cx().clock()), fields, record: Record::new(tx.cx()) };
    store::insert(tx, key, &code).await?;
    tx.audit(Action::Create, &BEHAVIOR_CODE, code.id, None);
    Ok(code)
}

/// One behavior code, deleted or not. One round trip.
async fn read(tenancy: &Tenancy, cx: &OpContext, id: BehaviorCodeId) -> Result<BehaviorCode> {
    cx.authorize(Action::Read, &BEHAVIOR_CODE)?;
    store::get(tenancy, cx, id).await
}

/// Changes a behavior code that is still as the caller knows it. Two round trips.
async fn update(
    tenancy: &Tenancy,
    cx: &OpContext,
    id: BehaviorCodeId,
    known: &IfMatch,
    patch: &MergePatch<BehaviorCodeFields>,
) -> Result<BehaviorCode> {
    cx.authorize(Action::Update, &BEHAVIOR_CODE)?;
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
    let after = BehaviorCode { id, fields, record: before.record.changed(cx) };
    tx.audit(Action::Update, &BEHAVIOR_CODE, id, Some(changes.into()));
    store::update(tx, &after).await?;
    Ok(after)
}

/// Deletes a behavior code that is still as the caller knows it. Two round trips.
async fn delete(tenancy: &Tenancy, cx: &OpContext, id: BehaviorCodeId, known: &IfMatch) -> Result<()> {
    cx.authorize(Action::Delete, &BEHAVIOR_CODE)?;
    let mut tx = tenancy.write(cx).await?;
    let before = store::lock(&mut tx, id).await?;
    known.check(&before)?;
    if before.fields.status == Status::ToBeDeleted {
        return tx.rollback().await;
    }
    tx.audit(Action::Delete, &BEHAVIOR_CODE, id, None);
    store::delete(tx, id).await
}

fn sample_fields() -> BehaviorCodeFields {
    BehaviorCodeFields {
        status: Status::Active,
        short_name: "FI".to_owned(),
        title: "Fighting".to_owned(),
        severity: Severity::Major,
        points: -5,
        metadata: Metadata::default(),
    }
}

fn sample() -> BehaviorCode {
    BehaviorCode { id: crate::sample_id(), fields: sample_fields(), record: Record::sample() }
}
