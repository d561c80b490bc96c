//! Courses: what is taught, whoever teaches it and whenever.

mod api;
mod store;

use cloister_http::{IdempotencyKey, IfMatch, MergePatch, Versioned};
use cloister_ids::{AcademicSessionId, CourseId, OrgId};
use cloister_tenancy::{
    Action, Changes, ConstraintRule, Error, ErrorKind, OpContext, Resource, Result, Tenancy, TenantTx,
};
use garde::Validate;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

pub(crate) use api::routes;
pub(crate) use store::STATEMENTS;

use crate::{
    record::{Metadata, Record, Status, check_change, check_new},
    rules::{ITEMS, SOURCED_ID, TEXT, at_most, beside, clean, small},
    search_key,
};

/// What permissions are about.
pub const COURSE: Resource = Resource { module: crate::MODULE, name: "course" };

/// What refused constraints mean.
pub(crate) const CONSTRAINTS: &[ConstraintRule] = &[
    ConstraintRule {
        constraint: "course_sourced_id_key",
        field: "sourced_id",
        code: "sourced_id_taken",
        message: "Another course has this sourced_id.",
    },
    ConstraintRule {
        constraint: "course_org_fkey",
        field: "org_id",
        code: "org_unknown",
        message: "There is no such organisation.",
    },
    ConstraintRule {
        constraint: "course_school_year_fkey",
        field: "school_year_id",
        code: "academic_session_unknown",
        message: "There is no such academic session.",
    },
];

/// What is known of a course: the body of a creation, and what a patch changes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CourseFields {
    /// Its name in the system that feeds it, unique within the tenant; its own id where none is given. Never changes.
    #[garde(inner(length(chars, max = SOURCED_ID), custom(clean)))]
    #[schema(max_length = 255, example = "course-alg-1")]
    pub sourced_id: Option<String>,
    /// Whether it counts.
    #[garde(skip)]
    #[serde(default)]
    pub status: Status,
    /// Its title.
    #[garde(length(chars, max = TEXT), custom(clean))]
    #[schema(min_length = 1, max_length = 512, example = "Algebra I")]
    pub title: String,
    /// A short name.
    #[garde(inner(length(chars, max = TEXT), custom(clean)))]
    #[schema(max_length = 512, example = "ALG-1")]
    pub course_code: Option<String>,
    /// Who offers it.
    #[garde(skip)]
    pub org_id: OrgId,
    /// In which school year.
    #[garde(skip)]
    pub school_year_id: Option<AcademicSessionId>,
    /// For which grades.
    #[garde(custom(at_most(ITEMS)), inner(length(chars, max = TEXT), custom(clean)))]
    #[serde(default)]
    #[schema(example = json!(["09"]))]
    pub grades: Vec<String>,
    /// Its subjects in words.
    #[garde(custom(at_most(ITEMS)), inner(length(chars, max = TEXT), custom(clean)))]
    #[serde(default)]
    #[schema(example = json!(["mathematics"]))]
    pub subjects: Vec<String>,
    /// The same subjects in codes, in the same order.
    #[garde(custom(at_most(ITEMS)), inner(length(chars, max = TEXT), custom(clean)), custom(beside(&self.subjects)))]
    #[serde(default)]
    #[schema(example = json!(["101"]))]
    pub subject_codes: Vec<String>,
    /// Fields of other systems: at most 16 KiB of JSON.
    #[garde(custom(small))]
    #[serde(default)]
    #[schema(value_type = Object)]
    pub metadata: Metadata,
}

/// A course as it is kept.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct Course {
    /// Which one.
    pub id: CourseId,
    /// What is known of it.
    #[serde(flatten)]
    pub fields: CourseFields,
    /// Who made and changed it, and when.
    #[serde(flatten)]
    pub record: Record,
}

impl Versioned for Course {
    fn version(&self) -> i64 {
        self.record.version
    }
}

impl CourseFields {
    /// The title as it is searched and sorted.
    fn title_search(&self) -> String {
        search_key::of(&self.title)
    }

    fn head(&self) -> (Option<&str>, Status) {
        (self.sourced_id.as_deref(), self.status)
    }
}

/// Makes a course, as part of `tx`. Two round trips with the commit.
async fn create(tx: &mut TenantTx, key: Option<&IdempotencyKey>, mut fields: CourseFields) -> Result<Course> {
    tx.cx().authorize(Action::Create, &COURSE)?;
    check_new(fields.status)?;
    let id = CourseId::generate(tx.cx().clock());
    fields.sourced_id.get_or_insert_with(|| id.to_string());
    let course = Course { id, fields, record: Record::new(tx.cx()) };
    store::insert(tx, key, &course).await?;
    tx.audit(Action::Create, &COURSE, id, None);
    Ok(course)
}

/// One course, deleted or not. One round trip.
async fn read(tenancy: &Tenancy, cx: &OpContext, id: CourseId) -> Result<Course> {
    cx.authorize(Action::Read, &COURSE)?;
    store::get(tenancy, cx, id).await
}

/// Changes a course that is still as the caller knows it. Two round trips.
async fn update(
    tenancy: &Tenancy,
    cx: &OpContext,
    id: CourseId,
    known: &IfMatch,
    patch: &MergePatch<CourseFields>,
) -> Result<Course> {
    cx.authorize(Action::Update, &COURSE)?;
    let mut tx = tenancy.write(cx).await?;
    let before = store::lock(&mut tx, id).await?;
    known.check(&before)?;
    let mut fields = patch.apply(&before.fields)?;
    check_change(before.fields.head(), fields.head())?;
    fields.sourced_id.clone_from(&before.fields.sourced_id);
    if fields == before.fields {
        tx.rollback().await?;
        return Ok(before);
    }
    let changes = Changes::between(&before.fields, &fields)?;
    let after = Course { id, fields, record: before.record.changed(cx) };
    tx.audit(Action::Update, &COURSE, id, Some(changes.into()));
    store::update(tx, &after).await?;
    Ok(after)
}

/// Deletes a course that is still as the caller knows it and of which there are no classes. Two round trips.
async fn delete(tenancy: &Tenancy, cx: &OpContext, id: CourseId, known: &IfMatch) -> Result<()> {
    cx.authorize(Action::Delete, &COURSE)?;
    let mut tx = tenancy.write(cx).await?;
    let (before, in_use) = store::lock_to_delete(&mut tx, id).await?;
    known.check(&before)?;
    if before.fields.status == Status::ToBeDeleted {
        return tx.rollback().await;
    }
    if in_use {
        let message = "There are classes of this course. Delete them first.";
        return Err(Error::new(ErrorKind::Conflict, "course_in_use", message));
    }
    tx.audit(Action::Delete, &COURSE, id, None);
    store::delete(tx, id).await
}

fn sample_fields() -> CourseFields {
    CourseFields {
        sourced_id: Some("course-alg-1".to_owned()),
        status: Status::Active,
        title: "Algebra I".to_owned(),
        course_code: Some("ALG-1".to_owned()),
        org_id: crate::sample_id(),
        school_year_id: Some(crate::sample_id()),
        grades: vec!["09".to_owned()],
        subjects: vec!["mathematics".to_owned()],
        subject_codes: vec!["101".to_owned()],
        metadata: Metadata::default(),
    }
}

fn sample() -> Course {
    Course { id: crate::sample_id(), fields: sample_fields(), record: Record::sample() }
}
