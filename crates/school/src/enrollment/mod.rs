//! Enrollments: the dated place of a person in a class, as student, teacher or otherwise.

mod api;
mod moving;
mod moving_api;
mod moving_store;
mod store;

use cloister_http::{IdempotencyKey, IfMatch, MergePatch, Versioned, invalid};
use cloister_ids::{ClassId, EnrollmentId, OrgId, PersonId};
use cloister_tenancy::{
    Action, Changes, ConstraintRule, Error, ErrorKind, OpContext, Resource, Result, Tenancy, TenantTx,
};
use garde::Validate;
use jiff::civil::Date;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

pub use moving::{EnrollmentMove, EnrollmentMoveFields};
pub(crate) use moving_store::STATEMENTS as MOVE_STATEMENTS;
pub(crate) use store::STATEMENTS;

/// The routes of this resource.
pub(crate) fn routes() -> utoipa_axum::router::OpenApiRouter<cloister_http::Edge> {
    api::routes().merge(moving_api::routes())
}

use crate::{
    date_span::{self, DateSpan},
    presence_store::check_return,
    record::{Metadata, Record, Status, check_change, check_new},
    rules::{SOURCED_ID, after, clean, plausible, small},
    scope::{Sight, authorize_change},
    vocabulary::EnrollmentRole,
};

/// What permissions are about.
pub const ENROLLMENT: Resource = Resource { module: crate::MODULE, name: "enrollment" };

/// What refused constraints mean.
pub(crate) const CONSTRAINTS: &[ConstraintRule] = &[
    ConstraintRule {
        constraint: "enrollment_sourced_id_key",
        field: "sourced_id",
        code: "sourced_id_taken",
        message: "Another enrollment has this sourced_id.",
    },
    ConstraintRule {
        constraint: "enrollment_person_fkey",
        field: "person_id",
        code: "person_unknown",
        message: "There is no such person.",
    },
    ConstraintRule {
        constraint: "enrollment_school_fkey",
        field: "school_id",
        code: "org_unknown",
        message: "There is no such organisation.",
    },
];

/// What is known of an enrollment: the body of a creation, and what a patch changes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct EnrollmentFields {
    /// Its name in the system that feeds it, unique within the tenant; its own id where none is given. Never changes.
    #[garde(inner(length(chars, max = SOURCED_ID), custom(clean)))]
    #[schema(max_length = 255, example = "enr-88121")]
    pub sourced_id: Option<String>,
    /// Whether it counts.
    #[garde(skip)]
    #[serde(default)]
    pub status: Status,
    /// In which class. Never changes.
    #[garde(skip)]
    pub class_id: ClassId,
    /// In which school; the school of the class where none is given.
    #[garde(skip)]
    pub school_id: Option<OrgId>,
    /// Who. Never changes.
    #[garde(skip)]
    pub person_id: PersonId,
    /// Student, teacher and so on.
    #[garde(skip)]
    pub role: EnrollmentRole,
    /// Among the teachers of a class, whether this one answers for it.
    #[garde(custom(only_teachers(&self.role)))]
    pub primary: Option<bool>,
    /// Its first day.
    #[garde(inner(custom(plausible)))]
    #[schema(example = "2025-09-01")]
    pub begin_date: Option<Date>,
    /// The first day after it.
    #[garde(inner(custom(plausible)), custom(after(self.begin_date)))]
    #[schema(example = "2026-07-01")]
    pub end_date: Option<Date>,
    /// Fields of other systems: at most 16 KiB of JSON.
    #[garde(custom(small))]
    #[serde(default)]
    #[schema(value_type = Object)]
    pub metadata: Metadata,
}

/// An enrollment as it is kept.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct Enrollment {
    /// Which one.
    pub id: EnrollmentId,
    /// What is known of it.
    #[serde(flatten)]
    pub fields: EnrollmentFields,
    /// Who made and changed it, and when.
    #[serde(flatten)]
    pub record: Record,
}

impl Versioned for Enrollment {
    fn version(&self) -> i64 {
        self.record.version
    }
}

impl EnrollmentFields {
    fn span(&self) -> DateSpan {
        (self.begin_date, self.end_date)
    }

    fn head(&self) -> (Option<&str>, Status) {
        (self.sourced_id.as_deref(), self.status)
    }
}

fn only_teachers(role: &EnrollmentRole) -> impl FnOnce(&Option<bool>, &()) -> garde::Result + '_ {
    move |primary, ()| {
        if *primary == Some(true) && *role != EnrollmentRole::TEACHER {
            return Err(invalid("primary_not_teacher", "Only a teacher can be the primary one of a class."));
        }
        Ok(())
    }
}

/// A place in force at the same time as another.
fn overlaps() -> Error {
    Error::new(
        ErrorKind::Conflict,
        "enrollment_overlaps",
        "This person already has a place with this role in this class on some of these days.",
    )
}

/// Makes an enrollment, as part of `tx`. Two round trips with the commit.
async fn create(tx: &mut TenantTx, key: Option<&IdempotencyKey>, mut fields: EnrollmentFields) -> Result<Enrollment> {
    tx.cx().authorize(Action::Create, &ENROLLMENT)?;
    check_new(fields.status)?;
    let id = EnrollmentId::generate(tx.cx().clock());
    fields.sourced_id.get_or_insert_with(|| id.to_string());
    let mut enrollment = Enrollment { id, fields, record: Record::new(tx.cx()) };
    let made = store::insert(tx, key, &enrollment).await?;
    if !made.class_known {
        return Err(Error::field("class_id", "class_unknown", "There is no such class."));
    }
    enrollment.fields.school_id = Some(made.school_id.ok_or_else(overlaps)?);
    tx.audit(Action::Create, &ENROLLMENT, id, None);
    Ok(enrollment)
}

/// One enrollment, deleted or not. One round trip.
async fn read(tenancy: &Tenancy, cx: &OpContext, id: EnrollmentId) -> Result<Enrollment> {
    let sight = Sight::of(cx, &ENROLLMENT)?;
    store::get(tenancy, cx, &sight, id).await
}

/// Changes an enrollment that is still as the caller knows it. Two round trips.
async fn update(
    tenancy: &Tenancy,
    cx: &OpContext,
    id: EnrollmentId,
    known: &IfMatch,
    patch: &MergePatch<EnrollmentFields>,
) -> Result<Enrollment> {
    authorize_change(cx, Action::Update, &ENROLLMENT, read(tenancy, cx, id)).await?;
    let mut tx = tenancy.write(cx).await?;
    let (before, others, person) = store::lock(&mut tx, id).await?;
    known.check(&before)?;
    let mut fields = patch.apply(&before.fields)?;
    check_change(before.fields.head(), fields.head())?;
    fields.sourced_id.clone_from(&before.fields.sourced_id);
    check_return(&person, before.fields.person_id, "person_id", before.fields.status, fields.status)?;
    fields.school_id = fields.school_id.or(before.fields.school_id);
    for (field, stays) in [
        ("person_id", fields.person_id == before.fields.person_id),
        ("class_id", fields.class_id == before.fields.class_id),
    ] {
        if !stays {
            let message = "A place of another person or in another class is another enrollment.";
            return Err(Error::field(field, "enrollment_moved", message));
        }
    }
    if fields == before.fields {
        tx.rollback().await?;
        return Ok(before);
    }
    let clashes = |other: &store::Other| other.role == fields.role && date_span::overlap(other.span, fields.span());
    if others.iter().any(clashes) {
        return Err(overlaps());
    }
    let changes = Changes::between(&before.fields, &fields)?;
    let after = Enrollment { id, fields, record: before.record.changed(cx) };
    tx.audit(Action::Update, &ENROLLMENT, id, Some(changes.into()));
    store::update(tx, &after).await?;
    Ok(after)
}

/// Deletes an enrollment that is still as the caller knows it. Two round trips.
async fn delete(tenancy: &Tenancy, cx: &OpContext, id: EnrollmentId, known: &IfMatch) -> Result<()> {
    authorize_change(cx, Action::Delete, &ENROLLMENT, read(tenancy, cx, id)).await?;
    let mut tx = tenancy.write(cx).await?;
    let (before, ..) = store::lock(&mut tx, id).await?;
    known.check(&before)?;
    if before.fields.status == Status::ToBeDeleted {
        return tx.rollback().await;
    }
    tx.audit(Action::Delete, &ENROLLMENT, id, None);
    store::delete(tx, id).await
}

fn sample_fields() -> EnrollmentFields {
    EnrollmentFields {
        sourced_id: Some("enr-88121".to_owned()),
        status: Status::Active,
        class_id: crate::sample_id(),
        school_id: Some(crate::sample_id()),
        person_id: crate::sample_id(),
        role: EnrollmentRole::STUDENT,
        primary: None,
        begin_date: Some(Date::constant(2025, 9, 1)),
        end_date: None,
        metadata: Metadata::default(),
    }
}

fn sample() -> Enrollment {
    Enrollment { id: crate::sample_id(), fields: sample_fields(), record: Record::sample() }
}
