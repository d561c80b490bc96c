//! Academic records: which years a student spent at which school, here or elsewhere, and how they ended. Marks and report cards are
//! another matter.

mod api;
mod store;

use cloister_http::{IdempotencyKey, IfMatch, MergePatch, Versioned, invalid};
use cloister_ids::{AcademicRecordId, OrgId, PersonId};
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
    vocabulary::AcademicResult,
};

/// What permissions are about.
pub const ACADEMIC_RECORD: Resource = Resource { module: crate::MODULE, name: "academic_record" };

/// What refused constraints mean.
pub(crate) const CONSTRAINTS: &[ConstraintRule] = &[
    ConstraintRule {
        constraint: "academic_record_student_fkey",
        field: "student_id",
        code: "person_unknown",
        message: "There is no such person.",
    },
    ConstraintRule {
        constraint: "academic_record_org_fkey",
        field: "org_id",
        code: "org_unknown",
        message: "There is no such organisation.",
    },
];

/// Characters of notes.
const NOTES: usize = 2000;

/// What is known of a year: the body of a creation, and what a patch changes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AcademicRecordFields {
    /// Whether it counts.
    #[garde(skip)]
    #[serde(default)]
    pub status: Status,
    /// Whose. Never changes.
    #[garde(skip)]
    pub student_id: PersonId,
    /// The school, as it was called then.
    #[garde(length(chars, max = TEXT), custom(clean))]
    #[schema(min_length = 1, max_length = 512, example = "Birch Lane Primary")]
    pub school_name: String,
    /// The same, where it is an organisation of this tenant.
    #[garde(skip)]
    pub org_id: Option<OrgId>,
    /// The year in which the school year ended.
    #[garde(range(min = 1900, max = 2200))]
    #[schema(minimum = 1900, maximum = 2200, example = 2025)]
    pub school_year: i32,
    /// The grade the student was in.
    #[garde(inner(length(chars, max = TEXT), custom(clean)))]
    #[schema(min_length = 1, max_length = 512, example = "03")]
    pub grade_level: Option<String>,
    /// The first day there in that year.
    #[garde(inner(custom(plausible)))]
    #[schema(example = "2024-09-01")]
    pub begin_date: Option<Date>,
    /// The first day after it.
    #[garde(inner(custom(plausible)), custom(after(self.begin_date)))]
    #[schema(example = "2025-07-01")]
    pub end_date: Option<Date>,
    /// How it ended.
    #[garde(skip)]
    pub result: Option<AcademicResult>,
    /// Credits earned in it, in steps of 0.001.
    #[garde(range(min = 0.0, max = 1000.0), inner(custom(in_thousandths)))]
    #[schema(minimum = 0.0, maximum = 1000.0, example = 6.5)]
    pub credits_earned: Option<f64>,
    /// The average of its marks, on the scale of that school, in steps of 0.001.
    #[garde(range(min = 0.0, max = 1000.0), inner(custom(in_thousandths)))]
    #[schema(minimum = 0.0, maximum = 1000.0, example = 3.75)]
    pub grade_point_average: Option<f64>,
    /// What else should be known.
    #[garde(inner(length(chars, max = NOTES), custom(clean)))]
    #[schema(min_length = 1, max_length = 2000)]
    pub notes: Option<String>,
    /// Fields of other systems: at most 16 KiB of JSON.
    #[garde(custom(small))]
    #[serde(default)]
    #[schema(value_type = Object)]
    pub metadata: Metadata,
}

/// A year as it is kept.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct AcademicRecord {
    /// Which one.
    pub id: AcademicRecordId,
    /// What is known of it.
    #[serde(flatten)]
    pub fields: AcademicRecordFields,
    /// Who made and changed it, and when.
    #[serde(flatten)]
    pub record: Record,
}

impl Versioned for AcademicRecord {
    fn version(&self) -> i64 {
        self.record.version
    }
}

/// A number as a column counts it. The rules have seen to its bounds.
#[expect(clippy::cast_possible_truncation, reason = "between 0 and a million")]
fn thousandths(number: f64) -> i32 {
    (number * 1000.0).round() as i32
}

/// The number that a column counts.
fn number(thousandths: i32) -> f64 {
    f64::from(thousandths) / 1000.0
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "rules are handed value and context by reference")]
fn in_thousandths(number: &f64, (): &()) -> garde::Result {
    let steps = number * 1000.0;
    if (steps - steps.round()).abs() < 1e-6 {
        return Ok(());
    }
    Err(invalid("too_fine", "Use at most three decimals."))
}

/// Makes an academic record, as part of `tx`. Two round trips with the commit.
async fn create(
    tx: &mut TenantTx,
    key: Option<&IdempotencyKey>,
    fields: AcademicRecordFields,
) -> Result<AcademicRecord> {
    tx.cx().authorize(Action::Create, &ACADEMIC_RECORD)?;
    check_new(fields.status)?;
    let id = AcademicRecordId::generate(tx.cx().clock());
    let made = AcademicRecord { id, fields, record: Record::new(tx.cx()) };
    store::insert(tx, key, &made).await?;
    tx.audit(Action::Create, &ACADEMIC_RECORD, id, None);
    Ok(made)
}

/// One academic record, deleted or not. One round trip.
async fn read(tenancy: &Tenancy, cx: &OpContext, id: AcademicRecordId) -> Result<AcademicRecord> {
    let sight = Sight::of(cx, &ACADEMIC_RECORD)?;
    store::get(tenancy, cx, &sight, id).await
}

/// Changes an academic record that is still as the caller knows it. Two round trips.
async fn update(
    tenancy: &Tenancy,
    cx: &OpContext,
    id: AcademicRecordId,
    known: &IfMatch,
    patch: &MergePatch<AcademicRecordFields>,
) -> Result<AcademicRecord> {
    authorize_change(cx, Action::Update, &ACADEMIC_RECORD, read(tenancy, cx, id)).await?;
    let mut tx = tenancy.write(cx).await?;
    let (before, person) = store::lock(&mut tx, id).await?;
    known.check(&before)?;
    let fields = patch.apply(&before.fields)?;
    check_change((None, before.fields.status), (None, fields.status))?;
    check_return(&person, before.fields.student_id, "student_id", before.fields.status, fields.status)?;
    if fields.student_id != before.fields.student_id {
        let message = "A year of another student is another academic record.";
        return Err(Error::field("student_id", "academic_record_moved", message));
    }
    if fields == before.fields {
        tx.rollback().await?;
        return Ok(before);
    }
    let changes = Changes::between(&before.fields, &fields)?.showing_only(&["status", "school_year", "result"]);
    let after = AcademicRecord { id, fields, record: before.record.changed(cx) };
    tx.audit(Action::Update, &ACADEMIC_RECORD, id, Some(changes.into()));
    store::update(tx, &after).await?;
    Ok(after)
}

/// Deletes an academic record that is still as the caller knows it. Two round trips.
async fn delete(tenancy: &Tenancy, cx: &OpContext, id: AcademicRecordId, known: &IfMatch) -> Result<()> {
    authorize_change(cx, Action::Delete, &ACADEMIC_RECORD, read(tenancy, cx, id)).await?;
    let mut tx = tenancy.write(cx).await?;
    let (before, _) = store::lock(&mut tx, id).await?;
    known.check(&before)?;
    if before.fields.status == Status::ToBeDeleted {
        return tx.rollback().await;
    }
    tx.audit(Action::Delete, &ACADEMIC_RECORD, id, None);
    store::delete(tx, id).await
}

fn sample_fields() -> AcademicRecordFields {
    AcademicRecordFields {
        status: Status::Active,
        student_id: crate::sample_id(),
        school_name: "Birch Lane Primary".to_owned(),
        org_id: None,
        school_year: 2025,
        grade_level: Some("03".to_owned()),
        begin_date: Some(Date::constant(2024, 9, 1)),
        end_date: Some(Date::constant(2025, 7, 1)),
        result: Some(AcademicResult::PROMOTED),
        credits_earned: Some(6.5),
        grade_point_average: None,
        notes: None,
        metadata: Metadata::default(),
    }
}

fn sample() -> AcademicRecord {
    AcademicRecord { id: crate::sample_id(), fields: sample_fields(), record: Record::sample() }
}

#[cfg(test)]
mod tests {
    use super::{in_thousandths, number, thousandths};

    #[test]
    fn numbers_come_back_as_they_were() {
        for steps in (0..=1_000_000).step_by(7) {
            assert!(in_thousandths(&number(steps), &()).is_ok());
            assert_eq!(thousandths(number(steps)), steps);
        }
        assert!(in_thousandths(&2.000_5, &()).is_err());
    }
}
