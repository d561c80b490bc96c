//! Student school associations: when a student came to a school and left it, in which grade, and why. A year at a school is one
//! of its own, so that history is never rewritten.

mod api;
mod exit;
mod exit_api;
pub(crate) mod exit_store;
mod store;

use cloister_http::{IdempotencyKey, IfMatch, MergePatch, Versioned, invalid};
use cloister_ids::{OrgId, PersonId, StudentSchoolAssociationId};
use cloister_tenancy::{
    Action, Changes, ConstraintRule, Error, ErrorKind, OpContext, Resource, Result, Tenancy, TenantTx, sql::Statement,
};
use garde::Validate;
use jiff::civil::Date;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;

pub use exit::{Withdrawal, WithdrawalUndo};

use crate::{
    date_span::{self, DateSpan},
    presence_store::check_return,
    record::{Metadata, Record, Status, check_change, check_new},
    rules::{TEXT, after, clean, plausible, small},
    scope::{Sight, authorize_change},
    vocabulary::{EntryType, ExitWithdrawType},
};

/// What permissions are about. Whoever may change one may withdraw the student, which ends places in classes too.
pub const STUDENT_SCHOOL_ASSOCIATION: Resource = Resource { module: crate::MODULE, name: "student_school_association" };

/// Every statement about them.
pub(crate) const STATEMENTS: [&[&Statement]; 2] = [store::STATEMENTS, exit_store::STATEMENTS];

/// The routes of this resource.
pub(crate) fn routes() -> OpenApiRouter<cloister_http::Edge> {
    api::routes().merge(exit_api::routes())
}

/// What refused constraints mean.
pub(crate) const CONSTRAINTS: &[ConstraintRule] = &[
    ConstraintRule {
        constraint: "student_school_association_student_fkey",
        field: "student_id",
        code: "person_unknown",
        message: "There is no such person.",
    },
    ConstraintRule {
        constraint: "student_school_association_school_fkey",
        field: "school_id",
        code: "org_unknown",
        message: "There is no such organisation.",
    },
    ConstraintRule {
        constraint: "student_school_association_next_year_school_fkey",
        field: "next_year_school_id",
        code: "org_unknown",
        message: "There is no such organisation.",
    },
];

/// Fields whose values the audit log keeps. Why somebody left is personal.
const NOT_PERSONAL: &[&str] = &[
    "status",
    "entry_date",
    "entry_grade_level",
    "entry_type",
    "exit_withdraw_date",
    "exit_withdraw_type",
    "primary_school",
    "repeat_grade_indicator",
    "next_year_school_id",
    "next_year_grade_level",
];

/// Characters of a reason.
pub(crate) const REASON: usize = 2000;

/// What is known of a student's time at a school: the body of a creation, and what a patch changes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct StudentSchoolAssociationFields {
    /// Whether it counts.
    #[garde(skip)]
    #[serde(default)]
    pub status: Status,
    /// Who. Never changes.
    #[garde(skip)]
    pub student_id: PersonId,
    /// At which school. Never changes.
    #[garde(skip)]
    pub school_id: OrgId,
    /// The first day there.
    #[garde(custom(plausible))]
    #[schema(example = "2025-09-01")]
    pub entry_date: Date,
    /// The grade entered.
    #[garde(inner(length(chars, max = TEXT), custom(clean)))]
    #[schema(min_length = 1, max_length = 512, example = "05")]
    pub entry_grade_level: Option<String>,
    /// How the student came.
    #[garde(skip)]
    pub entry_type: Option<EntryType>,
    /// The first day on which the student is no longer there.
    #[garde(inner(custom(plausible)), custom(after(Some(self.entry_date))))]
    #[schema(example = "2026-07-01")]
    pub exit_withdraw_date: Option<Date>,
    /// How it ended.
    #[garde(custom(only_of_the_ended(self.exit_withdraw_date)))]
    pub exit_withdraw_type: Option<ExitWithdrawType>,
    /// Why, in words.
    #[garde(inner(length(chars, max = REASON), custom(clean)), custom(only_of_the_ended(self.exit_withdraw_date)))]
    #[schema(min_length = 1, max_length = 2000, example = "The family moved to Uppsala.")]
    pub exit_withdraw_reason: Option<String>,
    /// Whether it is the student's main school.
    #[garde(skip)]
    #[serde(default = "yes")]
    #[schema(default = true)]
    pub primary_school: bool,
    /// Whether the student entered to repeat a grade.
    #[garde(skip)]
    #[serde(default)]
    #[schema(default = false)]
    pub repeat_grade_indicator: bool,
    /// The school of the next year, where it is decided and another.
    #[garde(skip)]
    pub next_year_school_id: Option<OrgId>,
    /// The grade of the next year, where it is decided. The grade of this year says that it is repeated.
    #[garde(inner(length(chars, max = TEXT), custom(clean)))]
    #[schema(min_length = 1, max_length = 512, example = "06")]
    pub next_year_grade_level: Option<String>,
    /// Fields of other systems: at most 16 KiB of JSON.
    #[garde(custom(small))]
    #[serde(default)]
    #[schema(value_type = Object)]
    pub metadata: Metadata,
}

fn yes() -> bool {
    true
}

fn only_of_the_ended<T>(end: Option<Date>) -> impl FnOnce(&Option<T>, &()) -> garde::Result {
    move |value, ()| match (value, end) {
        (Some(_), None) => Err(invalid("exit_date_missing", "Say with the exit_withdraw_date when it ended.")),
        _ => Ok(()),
    }
}

/// A student's time at a school as it is kept.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct StudentSchoolAssociation {
    /// Which one.
    pub id: StudentSchoolAssociationId,
    /// What is known of it.
    #[serde(flatten)]
    pub fields: StudentSchoolAssociationFields,
    /// Who made and changed it, and when.
    #[serde(flatten)]
    pub record: Record,
}

impl Versioned for StudentSchoolAssociation {
    fn version(&self) -> i64 {
        self.record.version
    }
}

impl StudentSchoolAssociationFields {
    fn span(&self) -> DateSpan {
        (Some(self.entry_date), self.exit_withdraw_date)
    }
}

/// A time at the same school as another.
fn overlaps() -> Error {
    Error::new(
        ErrorKind::Conflict,
        "student_school_association_overlaps",
        "This student is already at this school on some of these days.",
    )
}

/// Makes one, as part of `tx`. Two round trips with the commit.
async fn create(
    tx: &mut TenantTx,
    key: Option<&IdempotencyKey>,
    fields: StudentSchoolAssociationFields,
) -> Result<StudentSchoolAssociation> {
    tx.cx().authorize(Action::Create, &STUDENT_SCHOOL_ASSOCIATION)?;
    check_new(fields.status)?;
    let id = StudentSchoolAssociationId::generate(tx.cx().clock());
    let made = StudentSchoolAssociation { id, fields, record: Record::new(tx.cx()) };
    if !store::insert(tx, key, &made).await? {
        return Err(overlaps());
    }
    tx.audit(Action::Create, &STUDENT_SCHOOL_ASSOCIATION, id, None);
    Ok(made)
}

/// One, deleted or not. One round trip.
async fn read(tenancy: &Tenancy, cx: &OpContext, id: StudentSchoolAssociationId) -> Result<StudentSchoolAssociation> {
    let sight = Sight::of(cx, &STUDENT_SCHOOL_ASSOCIATION)?;
    store::get(tenancy, cx, &sight, id).await
}

/// Changes one that is still as the caller knows it. Two round trips.
async fn update(
    tenancy: &Tenancy,
    cx: &OpContext,
    id: StudentSchoolAssociationId,
    known: &IfMatch,
    patch: &MergePatch<StudentSchoolAssociationFields>,
) -> Result<StudentSchoolAssociation> {
    authorize_change(cx, Action::Update, &STUDENT_SCHOOL_ASSOCIATION, read(tenancy, cx, id)).await?;
    let mut tx = tenancy.write(cx).await?;
    let (before, others, student) = store::lock(&mut tx, id).await?;
    known.check(&before)?;
    let fields = patch.apply(&before.fields)?;
    check_change((None, before.fields.status), (None, fields.status))?;
    check_return(&student, before.fields.student_id, "student_id", before.fields.status, fields.status)?;
    for (field, stays) in [
        ("student_id", fields.student_id == before.fields.student_id),
        ("school_id", fields.school_id == before.fields.school_id),
    ] {
        if !stays {
            let message = "A time of another student or at another school is another association.";
            return Err(Error::field(field, "student_school_association_moved", message));
        }
    }
    if fields == before.fields {
        tx.rollback().await?;
        return Ok(before);
    }
    if others.iter().any(|other| date_span::overlap(*other, fields.span())) {
        return Err(overlaps());
    }
    let changes = Changes::between(&before.fields, &fields)?.showing_only(NOT_PERSONAL);
    let after = StudentSchoolAssociation { id, fields, record: before.record.changed(cx) };
    tx.audit(Action::Update, &STUDENT_SCHOOL_ASSOCIATION, id, Some(changes.into()));
    store::update(tx, &after).await?;
    Ok(after)
}

/// Deletes one that is still as the caller knows it. Two round trips.
async fn delete(tenancy: &Tenancy, cx: &OpContext, id: StudentSchoolAssociationId, known: &IfMatch) -> Result<()> {
    authorize_change(cx, Action::Delete, &STUDENT_SCHOOL_ASSOCIATION, read(tenancy, cx, id)).await?;
    let mut tx = tenancy.write(cx).await?;
    let (before, ..) = store::lock(&mut tx, id).await?;
    known.check(&before)?;
    if before.fields.status == Status::ToBeDeleted {
        return tx.rollback().await;
    }
    tx.audit(Action::Delete, &STUDENT_SCHOOL_ASSOCIATION, id, None);
    store::delete(tx, id).await
}

fn sample_fields() -> StudentSchoolAssociationFields {
    StudentSchoolAssociationFields {
        status: Status::Active,
        student_id: crate::sample_id(),
        school_id: crate::sample_id(),
        entry_date: Date::constant(2025, 9, 1),
        entry_grade_level: Some("05".to_owned()),
        entry_type: Some(EntryType::ORIGINAL),
        exit_withdraw_date: None,
        exit_withdraw_type: None,
        exit_withdraw_reason: None,
        primary_school: true,
        repeat_grade_indicator: false,
        next_year_school_id: None,
        next_year_grade_level: None,
        metadata: Metadata::default(),
    }
}

fn sample() -> StudentSchoolAssociation {
    StudentSchoolAssociation { id: crate::sample_id(), fields: sample_fields(), record: Record::sample() }
}
