//! Classes: one taking of a course, in a school, in some terms.

mod api;
mod store;

use cloister_http::{IdempotencyKey, IfMatch, MergePatch, Versioned};
use cloister_ids::{AcademicSessionId, ClassId, CourseId, OrgId};
use cloister_tenancy::{Action, Changes, ConstraintRule, OpContext, Resource, Result, Tenancy, TenantTx};
use garde::Validate;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

pub(crate) use api::routes;
pub(crate) use store::STATEMENTS;

use crate::{
    record::{Metadata, Record, Status, check_change, check_new},
    rules::{ITEMS, SOURCED_ID, TEXT, at_most, beside, between, clean, distinct, small},
    scope::{Sight, authorize_change},
    search_key,
    vocabulary::ClassType,
};

/// What permissions are about.
pub const CLASS: Resource = Resource { module: crate::MODULE, name: "class" };

/// What refused constraints mean.
pub(crate) const CONSTRAINTS: &[ConstraintRule] = &[
    ConstraintRule {
        constraint: "class_sourced_id_key",
        field: "sourced_id",
        code: "sourced_id_taken",
        message: "Another class has this sourced_id.",
    },
    ConstraintRule {
        constraint: "class_course_fkey",
        field: "course_id",
        code: "course_unknown",
        message: "There is no such course.",
    },
    ConstraintRule {
        constraint: "class_school_fkey",
        field: "school_id",
        code: "org_unknown",
        message: "There is no such organisation.",
    },
    ConstraintRule {
        constraint: "class_term_academic_session_fkey",
        field: "term_ids",
        code: "academic_session_unknown",
        message: "There is no such academic session.",
    },
];

/// What is known of a class: the body of a creation, and what a patch changes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ClassFields {
    /// Its name in the system that feeds it, unique within the tenant; its own id where none is given. Never changes.
    #[garde(inner(length(chars, max = SOURCED_ID), custom(clean)))]
    #[schema(max_length = 255, example = "class-alg-1-a")]
    pub sourced_id: Option<String>,
    /// Whether it counts.
    #[garde(skip)]
    #[serde(default)]
    pub status: Status,
    /// Its title.
    #[garde(length(chars, max = TEXT), custom(clean))]
    #[schema(min_length = 1, max_length = 512, example = "Algebra I, group A")]
    pub title: String,
    /// A short name.
    #[garde(inner(length(chars, max = TEXT), custom(clean)))]
    #[schema(max_length = 512, example = "ALG-1-A")]
    pub class_code: Option<String>,
    /// Homeroom or scheduled.
    #[garde(skip)]
    pub class_type: ClassType,
    /// Where it is held.
    #[garde(inner(length(chars, max = TEXT), custom(clean)))]
    #[schema(max_length = 512, example = "Room 11")]
    pub location: Option<String>,
    /// What is taught.
    #[garde(skip)]
    pub course_id: CourseId,
    /// In which school.
    #[garde(skip)]
    pub school_id: OrgId,
    /// In which terms it is held, in the order of their ids.
    #[garde(custom(between(1, TERMS)), custom(distinct))]
    #[schema(min_items = 1, max_items = 50)]
    pub term_ids: Vec<AcademicSessionId>,
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
    /// In which periods of the day.
    #[garde(custom(at_most(ITEMS)), inner(length(chars, max = TEXT), custom(clean)))]
    #[serde(default)]
    #[schema(example = json!(["2"]))]
    pub periods: Vec<String>,
    /// Fields of other systems: at most 16 KiB of JSON.
    #[garde(custom(small))]
    #[serde(default)]
    #[schema(value_type = Object)]
    pub metadata: Metadata,
}

/// Terms of a class.
const TERMS: usize = 50;

/// A class as it is kept.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct Class {
    /// Which one.
    pub id: ClassId,
    /// What is known of it.
    #[serde(flatten)]
    pub fields: ClassFields,
    /// Who made and changed it, and when.
    #[serde(flatten)]
    pub record: Record,
}

impl Versioned for Class {
    fn version(&self) -> i64 {
        self.record.version
    }
}

impl ClassFields {
    /// The title as it is searched and sorted.
    fn title_search(&self) -> String {
        search_key::of(&self.title)
    }

    fn head(&self) -> (Option<&str>, Status) {
        (self.sourced_id.as_deref(), self.status)
    }
}

/// Makes a class, as part of `tx`. Two round trips with the commit.
async fn create(tx: &mut TenantTx, key: Option<&IdempotencyKey>, mut fields: ClassFields) -> Result<Class> {
    tx.cx().authorize(Action::Create, &CLASS)?;
    check_new(fields.status)?;
    let id = ClassId::generate(tx.cx().clock());
    fields.sourced_id.get_or_insert_with(|| id.to_string());
    fields.term_ids.sort_unstable();
    let class = Class { id, fields, record: Record::new(tx.cx()) };
    store::insert(tx, key, &class).await?;
    tx.audit(Action::Create, &CLASS, id, None);
    Ok(class)
}

/// One class, deleted or not. One round trip.
async fn read(tenancy: &Tenancy, cx: &OpContext, id: ClassId) -> Result<Class> {
    let sight = Sight::of(cx, &CLASS)?;
    store::get(tenancy, cx, &sight, id).await
}

/// Changes a class that is still as the caller knows it. Two round trips.
async fn update(
    tenancy: &Tenancy,
    cx: &OpContext,
    id: ClassId,
    known: &IfMatch,
    patch: &MergePatch<ClassFields>,
) -> Result<Class> {
    authorize_change(cx, Action::Update, &CLASS, read(tenancy, cx, id)).await?;
    let mut tx = tenancy.write(cx).await?;
    let before = store::lock(&mut tx, id).await?;
    known.check(&before)?;
    let mut fields = patch.apply(&before.fields)?;
    check_change(before.fields.head(), fields.head())?;
    fields.sourced_id.clone_from(&before.fields.sourced_id);
    fields.term_ids.sort_unstable();
    if fields == before.fields {
        tx.rollback().await?;
        return Ok(before);
    }
    let terms = before.fields.term_ids.clone();
    let changes = Changes::between(&before.fields, &fields)?;
    let after = Class { id, fields, record: before.record.changed(cx) };
    tx.audit(Action::Update, &CLASS, id, Some(changes.into()));
    store::update(tx, &terms, &after).await?;
    Ok(after)
}

/// Deletes a class that is still as the caller knows it, and everybody's place in it. Two round trips.
async fn delete(tenancy: &Tenancy, cx: &OpContext, id: ClassId, known: &IfMatch) -> Result<()> {
    authorize_change(cx, Action::Delete, &CLASS, read(tenancy, cx, id)).await?;
    let mut tx = tenancy.write(cx).await?;
    let before = store::lock(&mut tx, id).await?;
    known.check(&before)?;
    if before.fields.status == Status::ToBeDeleted {
        return tx.rollback().await;
    }
    tx.audit(Action::Delete, &CLASS, id, None);
    store::delete(tx, id).await
}

fn sample_fields() -> ClassFields {
    ClassFields {
        sourced_id: Some("class-alg-1-a".to_owned()),
        status: Status::Active,
        title: "Algebra I, group A".to_owned(),
        class_code: Some("ALG-1-A".to_owned()),
        class_type: ClassType::SCHEDULED,
        location: Some("Room 11".to_owned()),
        course_id: crate::sample_id(),
        school_id: crate::sample_id(),
        term_ids: vec![crate::sample_id()],
        grades: vec!["09".to_owned()],
        subjects: vec!["mathematics".to_owned()],
        subject_codes: vec!["101".to_owned()],
        periods: vec!["2".to_owned()],
        metadata: Metadata::default(),
    }
}

fn sample() -> Class {
    Class { id: crate::sample_id(), fields: sample_fields(), record: Record::sample() }
}
