//! Academic sessions: school years, semesters, terms and grading periods, one within the other.

mod api;
mod store;

use cloister_http::{IdempotencyKey, IfMatch, MergePatch, Versioned};
use cloister_ids::AcademicSessionId;
use cloister_tenancy::{
    Action, Changes, ConstraintRule, Error, ErrorKind, OpContext, Resource, Result, Tenancy, TenantTx,
};
use garde::Validate;
use jiff::civil::Date;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

pub(crate) use api::routes;
pub(crate) use store::STATEMENTS;

use crate::{
    record::{Metadata, Record, Status, check_change, check_new},
    rules::{SOURCED_ID, TEXT, after, clean, plausible, small},
    search_key,
    vocabulary::SessionType,
};

/// What permissions are about.
pub const ACADEMIC_SESSION: Resource = Resource { module: crate::MODULE, name: "academic_session" };

/// What refused constraints mean.
pub(crate) const CONSTRAINTS: &[ConstraintRule] = &[
    ConstraintRule {
        constraint: "academic_session_sourced_id_key",
        field: "sourced_id",
        code: "sourced_id_taken",
        message: "Another academic session has this sourced_id.",
    },
    ConstraintRule {
        constraint: "academic_session_parent_fkey",
        field: "parent_id",
        code: "academic_session_unknown",
        message: "There is no such academic session.",
    },
];

/// What is known of an academic session: the body of a creation, and what a patch changes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AcademicSessionFields {
    /// Its name in the system that feeds it, unique within the tenant; its own id where none is given. Never changes.
    #[garde(inner(length(chars, max = SOURCED_ID), custom(clean)))]
    #[schema(max_length = 255, example = "2025-fall")]
    pub sourced_id: Option<String>,
    /// Whether it counts.
    #[garde(skip)]
    #[serde(default)]
    pub status: Status,
    /// Its title.
    #[garde(length(chars, max = TEXT), custom(clean))]
    #[schema(min_length = 1, max_length = 512, example = "Fall 2025")]
    pub title: String,
    /// School year, term and so on.
    #[garde(skip)]
    #[serde(rename = "type")]
    pub kind: SessionType,
    /// Its first day.
    #[garde(custom(plausible))]
    #[schema(example = "2025-09-01")]
    pub start_date: Date,
    /// The first day after it.
    #[garde(custom(plausible), custom(ends_after(self.start_date)))]
    #[schema(example = "2026-01-31")]
    pub end_date: Date,
    /// The year in which the school year ends.
    #[garde(range(min = 1900, max = 2200))]
    #[schema(minimum = 1900, maximum = 2200, example = 2026)]
    pub school_year: i32,
    /// The session it is a part of.
    #[garde(skip)]
    pub parent_id: Option<AcademicSessionId>,
    /// Fields of other systems: at most 16 KiB of JSON.
    #[garde(custom(small))]
    #[serde(default)]
    #[schema(value_type = Object)]
    pub metadata: Metadata,
}

/// An academic session as it is kept.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct AcademicSession {
    /// Which one.
    pub id: AcademicSessionId,
    /// What is known of it.
    #[serde(flatten)]
    pub fields: AcademicSessionFields,
    /// Who made and changed it, and when.
    #[serde(flatten)]
    pub record: Record,
}

impl Versioned for AcademicSession {
    fn version(&self) -> i64 {
        self.record.version
    }
}

impl AcademicSessionFields {
    /// The title as it is searched and sorted.
    fn title_search(&self) -> String {
        search_key::of(&self.title)
    }

    fn head(&self) -> (Option<&str>, Status) {
        (self.sourced_id.as_deref(), self.status)
    }
}

fn ends_after(begin: Date) -> impl FnOnce(&Date, &()) -> garde::Result {
    move |end, ()| after(Some(begin))(&Some(*end), &())
}

/// Makes an academic session, as part of `tx`. Two round trips with the commit.
async fn create(
    tx: &mut TenantTx,
    key: Option<&IdempotencyKey>,
    mut fields: AcademicSessionFields,
) -> Result<AcademicSession> {
    tx.cx().authorize(Action::Create, &ACADEMIC_SESSION)?;
    check_new(fields.status)?;
    let id = AcademicSessionId::generate(tx.cx().clock());
    fields.sourced_id.get_or_insert_with(|| id.to_string());
    let session = AcademicSession { id, fields, record: Record::new(tx.cx()) };
    store::insert(tx, key, &session).await?;
    tx.audit(Action::Create, &ACADEMIC_SESSION, id, None);
    Ok(session)
}

/// One academic session, deleted or not. One round trip.
async fn read(tenancy: &Tenancy, cx: &OpContext, id: AcademicSessionId) -> Result<AcademicSession> {
    cx.authorize(Action::Read, &ACADEMIC_SESSION)?;
    store::get(tenancy, cx, id).await
}

/// Changes an academic session that is still as the caller knows it. Two round trips.
async fn update(
    tenancy: &Tenancy,
    cx: &OpContext,
    id: AcademicSessionId,
    known: &IfMatch,
    patch: &MergePatch<AcademicSessionFields>,
) -> Result<AcademicSession> {
    cx.authorize(Action::Update, &ACADEMIC_SESSION)?;
    let mut tx = tenancy.write(cx).await?;
    let new_parent = patch.changes()["parent_id"].as_str().and_then(|id| id.parse().ok());
    let (before, below) = store::lock(&mut tx, id, new_parent).await?;
    known.check(&before)?;
    let mut fields = patch.apply(&before.fields)?;
    check_change(before.fields.head(), fields.head())?;
    fields.sourced_id.clone_from(&before.fields.sourced_id);
    if below {
        return Err(Error::field("parent_id", "parent_below", "An academic session cannot be a part of itself."));
    }
    if fields == before.fields {
        tx.rollback().await?;
        return Ok(before);
    }
    let changes = Changes::between(&before.fields, &fields)?;
    let after = AcademicSession { id, fields, record: before.record.changed(cx) };
    tx.audit(Action::Update, &ACADEMIC_SESSION, id, Some(changes.into()));
    store::update(tx, &after).await?;
    Ok(after)
}

/// Deletes an academic session that is still as the caller knows it and to which nothing belongs. Two round trips.
async fn delete(tenancy: &Tenancy, cx: &OpContext, id: AcademicSessionId, known: &IfMatch) -> Result<()> {
    cx.authorize(Action::Delete, &ACADEMIC_SESSION)?;
    let mut tx = tenancy.write(cx).await?;
    let (before, in_use) = store::lock_to_delete(&mut tx, id).await?;
    known.check(&before)?;
    if before.fields.status == Status::ToBeDeleted {
        return tx.rollback().await;
    }
    if in_use {
        return Err(Error::new(
            ErrorKind::Conflict,
            "academic_session_in_use",
            "Other sessions, courses or classes belong to this academic session. Delete or move them first.",
        ));
    }
    tx.audit(Action::Delete, &ACADEMIC_SESSION, id, None);
    store::delete(tx, id).await
}

fn sample_fields() -> AcademicSessionFields {
    AcademicSessionFields {
        sourced_id: Some("2025-fall".to_owned()),
        status: Status::Active,
        title: "Fall 2025".to_owned(),
        kind: SessionType::TERM,
        start_date: Date::constant(2025, 9, 1),
        end_date: Date::constant(2026, 1, 31),
        school_year: 2026,
        parent_id: None,
        metadata: Metadata::default(),
    }
}

fn sample() -> AcademicSession {
    AcademicSession { id: crate::sample_id(), fields: sample_fields(), record: Record::sample() }
}
