//! Staff assignments: who has which post, where, and since when. What somebody may do follows from roles and places in classes,
//! and not from a post.

mod api;
mod store;

use cloister_http::{IdempotencyKey, IfMatch, MergePatch, Versioned, invalid};
use cloister_ids::{OrgId, PersonId, StaffAssignmentId};
use cloister_tenancy::{Action, Changes, ConstraintRule, Error, OpContext, Resource, Result, Tenancy, TenantTx};
use garde::Validate;
use jiff::civil::Date;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

pub(crate) use api::routes;
pub(crate) use store::STATEMENTS;

use crate::{
    presence_store::check_return,
    record::{Metadata, Record, Status, check_change, check_new},
    rules::{TEXT, after, clean, plausible, small},
    scope::{Sight, authorize_change},
    vocabulary::StaffClassification,
};

/// What permissions are about.
pub const STAFF_ASSIGNMENT: Resource = Resource { module: crate::MODULE, name: "staff_assignment" };

/// What refused constraints mean.
pub(crate) const CONSTRAINTS: &[ConstraintRule] = &[
    ConstraintRule {
        constraint: "staff_assignment_person_fkey",
        field: "person_id",
        code: "person_unknown",
        message: "There is no such person.",
    },
    ConstraintRule {
        constraint: "staff_assignment_org_fkey",
        field: "org_id",
        code: "org_unknown",
        message: "There is no such organisation.",
    },
];

/// What is known of a post: the body of a creation, and what a patch changes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct StaffAssignmentFields {
    /// Whether it counts.
    #[garde(skip)]
    #[serde(default)]
    pub status: Status,
    /// Who. Never changes.
    #[garde(skip)]
    pub person_id: PersonId,
    /// Where. Never changes.
    #[garde(skip)]
    pub org_id: OrgId,
    /// What the post is called.
    #[garde(inner(length(chars, max = TEXT), custom(clean)))]
    #[schema(min_length = 1, max_length = 512, example = "Head of Mathematics")]
    pub position_title: Option<String>,
    /// What kind of post it is.
    #[garde(skip)]
    pub staff_classification: StaffClassification,
    /// Which part of a whole post it is, in steps of 0.0001.
    #[garde(range(min = 0.0, max = 1.0), inner(custom(in_steps)))]
    #[schema(minimum = 0.0, maximum = 1.0, example = 0.8)]
    pub full_time_equivalency: Option<f64>,
    /// Its first day.
    #[garde(custom(plausible))]
    #[schema(example = "2025-08-01")]
    pub begin_date: Date,
    /// The first day after it.
    #[garde(inner(custom(plausible)), custom(after(Some(self.begin_date))))]
    #[schema(example = "2026-07-01")]
    pub end_date: Option<Date>,
    /// Fields of other systems: at most 16 KiB of JSON.
    #[garde(custom(small))]
    #[serde(default)]
    #[schema(value_type = Object)]
    pub metadata: Metadata,
}

/// A post as it is kept.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct StaffAssignment {
    /// Which one.
    pub id: StaffAssignmentId,
    /// What is known of it.
    #[serde(flatten)]
    pub fields: StaffAssignmentFields,
    /// Who made and changed it, and when.
    #[serde(flatten)]
    pub record: Record,
}

impl Versioned for StaffAssignment {
    fn version(&self) -> i64 {
        self.record.version
    }
}

/// Steps of a whole post.
const STEPS: f64 = 10_000.0;

impl StaffAssignmentFields {
    /// Parts of a whole post as the column counts them. The rules have seen to its bounds.
    #[expect(clippy::cast_possible_truncation, reason = "between 0 and the steps of a whole")]
    fn steps(&self) -> Option<i32> {
        self.full_time_equivalency.map(|part| (part * STEPS).round() as i32)
    }
}

/// The part of a whole post that a column counts.
fn part(steps: i32) -> f64 {
    f64::from(steps) / STEPS
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "rules are handed value and context by reference")]
fn in_steps(part: &f64, (): &()) -> garde::Result {
    let steps = part * STEPS;
    if (steps - steps.round()).abs() < 1e-6 {
        return Ok(());
    }
    Err(invalid("too_fine", "Use at most four decimals."))
}

/// Makes a staff assignment, as part of `tx`. Two round trips with the commit.
async fn create(
    tx: &mut TenantTx,
    key: Option<&IdempotencyKey>,
    fields: StaffAssignmentFields,
) -> Result<StaffAssignment> {
    tx.cx().authorize(Action::Create, &STAFF_ASSIGNMENT)?;
    check_new(fields.status)?;
    let id = StaffAssignmentId::generate(tx.cx().clock());
    let made = StaffAssignment { id, fields, record: Record::new(tx.cx()) };
    store::insert(tx, key, &made).await?;
    tx.audit(Action::Create, &STAFF_ASSIGNMENT, id, None);
    Ok(made)
}

/// One staff assignment, deleted or not. One round trip.
async fn read(tenancy: &Tenancy, cx: &OpContext, id: StaffAssignmentId) -> Result<StaffAssignment> {
    let sight = Sight::of(cx, &STAFF_ASSIGNMENT)?;
    store::get(tenancy, cx, &sight, id).await
}

/// Changes a staff assignment that is still as the caller knows it. Two round trips.
async fn update(
    tenancy: &Tenancy,
    cx: &OpContext,
    id: StaffAssignmentId,
    known: &IfMatch,
    patch: &MergePatch<StaffAssignmentFields>,
) -> Result<StaffAssignment> {
    authorize_change(cx, Action::Update, &STAFF_ASSIGNMENT, read(tenancy, cx, id)).await?;
    let mut tx = tenancy.write(cx).await?;
    let (before, person) = store::lock(&mut tx, id).await?;
    known.check(&before)?;
    let fields = patch.apply(&before.fields)?;
    check_change((None, before.fields.status), (None, fields.status))?;
    check_return(&person, before.fields.person_id, "person_id", before.fields.status, fields.status)?;
    for (field, stays) in
        [("person_id", fields.person_id == before.fields.person_id), ("org_id", fields.org_id == before.fields.org_id)]
    {
        if !stays {
            let message = "A post of another person or in another organisation is another staff assignment.";
            return Err(Error::field(field, "staff_assignment_moved", message));
        }
    }
    if fields == before.fields {
        tx.rollback().await?;
        return Ok(before);
    }
    let changes = Changes::between(&before.fields, &fields)?;
    let after = StaffAssignment { id, fields, record: before.record.changed(cx) };
    tx.audit(Action::Update, &STAFF_ASSIGNMENT, id, Some(changes.into()));
    store::update(tx, &after).await?;
    Ok(after)
}

/// Deletes a staff assignment that is still as the caller knows it. Two round trips.
async fn delete(tenancy: &Tenancy, cx: &OpContext, id: StaffAssignmentId, known: &IfMatch) -> Result<()> {
    authorize_change(cx, Action::Delete, &STAFF_ASSIGNMENT, read(tenancy, cx, id)).await?;
    let mut tx = tenancy.write(cx).await?;
    let (before, _) = store::lock(&mut tx, id).await?;
    known.check(&before)?;
    if before.fields.status == Status::ToBeDeleted {
        return tx.rollback().await;
    }
    tx.audit(Action::Delete, &STAFF_ASSIGNMENT, id, None);
    store::delete(tx, id).await
}

fn sample_fields() -> StaffAssignmentFields {
    StaffAssignmentFields {
        status: Status::Active,
        person_id: crate::sample_id(),
        org_id: crate::sample_id(),
        position_title: Some("Head of Mathematics".to_owned()),
        staff_classification: StaffClassification::TEACHER,
        full_time_equivalency: Some(0.8),
        begin_date: Date::constant(2025, 8, 1),
        end_date: None,
        metadata: Metadata::default(),
    }
}

fn sample() -> StaffAssignment {
    StaffAssignment { id: crate::sample_id(), fields: sample_fields(), record: Record::sample() }
}

#[cfg(test)]
mod tests {
    use super::{StaffAssignmentFields, in_steps, part, sample_fields};

    #[test]
    fn parts_of_a_post_come_back_as_they_were() {
        for steps in 0..=10_000 {
            let whole = StaffAssignmentFields { full_time_equivalency: Some(part(steps)), ..sample_fields() };
            assert!(in_steps(&part(steps), &()).is_ok());
            assert_eq!(whole.steps(), Some(steps));
        }
        assert!(in_steps(&0.333_33, &()).is_err());
    }
}
