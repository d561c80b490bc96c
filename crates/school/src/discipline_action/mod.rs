//! Actions: what a school does about a student's behavior, from a warning to an expulsion, because of an incident or of more than
//! one. A family sees those about its own child, without the notes, which are for staff.

mod api;
mod store;

use cloister_http::{IdempotencyKey, IfMatch, MergePatch, Versioned, invalid};
use cloister_ids::{DisciplineActionId, DisciplineIncidentId, OrgId, PersonId};
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
    rules::{paragraphs, plausible, small},
    scope::{Sight, authorize_change},
    vocabulary::Discipline,
};

/// What permissions are about.
pub const DISCIPLINE_ACTION: Resource = Resource { module: crate::MODULE, name: "discipline_action" };

/// What refused constraints mean.
pub(crate) const CONSTRAINTS: &[ConstraintRule] = &[
    ConstraintRule {
        constraint: "discipline_action_student_fkey",
        field: "student_id",
        code: "person_unknown",
        message: "There is no such person.",
    },
    ConstraintRule {
        constraint: "discipline_action_incident_fkey",
        field: "incident_id",
        code: "discipline_incident_unknown",
        message: "There is no such incident that counts.",
    },
    ConstraintRule {
        constraint: "discipline_action_school_fkey",
        field: "responsibility_school_id",
        code: "org_unknown",
        message: "There is no such organisation.",
    },
];

/// Days that an action lasts at most.
const DAYS: i32 = 1000;
/// Characters of a note.
const NOTE: usize = 2000;

/// What is known of an action: the body of a creation, and what a patch changes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct DisciplineActionFields {
    /// Whether it counts.
    #[garde(skip)]
    #[serde(default)]
    pub status: Status,
    /// Whom it is about. Never changes.
    #[garde(skip)]
    pub student_id: PersonId,
    /// The incident that it is because of, if it is one.
    #[garde(skip)]
    pub incident_id: Option<DisciplineIncidentId>,
    /// What is done.
    #[garde(skip)]
    pub discipline: Discipline,
    /// Its first day.
    #[garde(custom(plausible))]
    #[schema(example = "2025-10-20")]
    pub discipline_date: Date,
    /// How many days it is meant to last.
    #[garde(range(min = 0, max = DAYS))]
    #[schema(minimum = 0, maximum = 1000, example = 2)]
    pub discipline_action_length: Option<i32>,
    /// How many days it lasted.
    #[garde(range(min = 0, max = DAYS))]
    #[schema(minimum = 0, maximum = 1000, example = 1)]
    pub actual_discipline_action_length: Option<i32>,
    /// The school that answers for it.
    #[garde(skip)]
    pub responsibility_school_id: OrgId,
    /// When it is looked at again: not before its first day.
    #[garde(inner(custom(plausible)), custom(not_before(self.discipline_date)))]
    #[schema(example = "2025-11-03")]
    pub review_date: Option<Date>,
    /// Whether it is over.
    #[garde(skip)]
    #[serde(default)]
    pub done: bool,
    /// For staff alone: a family reads null.
    #[garde(inner(length(chars, max = NOTE), custom(paragraphs)))]
    #[schema(min_length = 1, max_length = 2000, example = "Helps in the library.")]
    pub note: Option<String>,
    /// Fields of other systems: at most 16 KiB of JSON. For staff alone: a family reads none.
    #[garde(custom(small))]
    #[serde(default)]
    #[schema(value_type = Object)]
    pub metadata: Metadata,
}

fn not_before(begin: Date) -> impl FnOnce(&Option<Date>, &()) -> garde::Result {
    move |review, ()| match review {
        Some(review) if *review < begin => Err(invalid("review_before_begin", "Review it on its first day or later.")),
        _ => Ok(()),
    }
}

/// An action as it is kept.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct DisciplineAction {
    /// Which one.
    pub id: DisciplineActionId,
    /// What is known of it.
    #[serde(flatten)]
    pub fields: DisciplineActionFields,
    /// Who made and changed it, and when.
    #[serde(flatten)]
    pub record: Record,
}

/// Fields whose values the audit log keeps.
const NOT_PERSONAL: &[&str] = &["status", "discipline", "discipline_date", "done"];

impl Versioned for DisciplineAction {
    fn version(&self) -> i64 {
        self.record.version
    }
}

/// What is refused because of whom and what it is about.
fn check(facts: &store::Facts) -> Result<()> {
    if !facts.student_known {
        return Err(Error::field("student_id", "person_unknown", "There is no such person."));
    }
    if !facts.incident_known {
        let message = "There is no such incident that counts.";
        return Err(Error::field("incident_id", "discipline_incident_unknown", message));
    }
    if !facts.takes_part {
        let message = "The student had no part in this incident: add them to it first.";
        return Err(Error::field("student_id", "student_not_in_incident", message));
    }
    Ok(())
}

/// Makes an action, as part of `tx`. Two round trips with the commit.
async fn create(
    tx: &mut TenantTx,
    key: Option<&IdempotencyKey>,
    fields: DisciplineActionFields,
) -> Result<DisciplineAction> {
    tx.cx().authorize(Action::Create, &DISCIPLINE_ACTION)?;
    check_new(fields.status)?;
    let id = DisciplineActionId::generate(tx.cx().clock());
    let made = DisciplineAction { id, fields, record: Record::new(tx.cx()) };
    check(&store::insert(tx, key, &made).await?)?;
    tx.audit(Action::Create, &DISCIPLINE_ACTION, id, None);
    Ok(made)
}

/// One action, deleted or not. One round trip.
async fn read(tenancy: &Tenancy, cx: &OpContext, id: DisciplineActionId) -> Result<DisciplineAction> {
    let sight = Sight::of(cx, &DISCIPLINE_ACTION)?;
    store::get(tenancy, cx, &sight, id).await
}

/// Changes an action that is still as the caller knows it. Two round trips, three when the incident is another.
async fn update(
    tenancy: &Tenancy,
    cx: &OpContext,
    id: DisciplineActionId,
    known: &IfMatch,
    patch: &MergePatch<DisciplineActionFields>,
) -> Result<DisciplineAction> {
    authorize_change(cx, Action::Update, &DISCIPLINE_ACTION, read(tenancy, cx, id)).await?;
    let mut tx = tenancy.write(cx).await?;
    let (before, student) = store::lock(&mut tx, id).await?;
    known.check(&before)?;
    let fields = patch.apply(&before.fields)?;
    check_change((None, before.fields.status), (None, fields.status))?;
    check_return(&student, before.fields.student_id, "student_id", before.fields.status, fields.status)?;
    if fields.student_id != before.fields.student_id {
        let message = "What is done about another student is another discipline action.";
        return Err(Error::field("student_id", "discipline_action_moved", message));
    }
    if fields == before.fields {
        tx.rollback().await?;
        return Ok(before);
    }
    if fields.incident_id != before.fields.incident_id {
        check(&store::facts(&mut tx, &fields).await?)?;
    }
    let changes = Changes::between(&before.fields, &fields)?.showing_only(NOT_PERSONAL);
    let after = DisciplineAction { id, fields, record: before.record.changed(cx) };
    tx.audit(Action::Update, &DISCIPLINE_ACTION, id, Some(changes.into()));
    store::update(tx, &after).await?;
    Ok(after)
}

/// Deletes an action that is still as the caller knows it. Two round trips.
async fn delete(tenancy: &Tenancy, cx: &OpContext, id: DisciplineActionId, known: &IfMatch) -> Result<()> {
    authorize_change(cx, Action::Delete, &DISCIPLINE_ACTION, read(tenancy, cx, id)).await?;
    let mut tx = tenancy.write(cx).await?;
    let (before, _) = store::lock(&mut tx, id).await?;
    known.check(&before)?;
    if before.fields.status == Status::ToBeDeleted {
        return tx.rollback().await;
    }
    tx.audit(Action::Delete, &DISCIPLINE_ACTION, id, None);
    store::delete(tx, id).await
}

fn sample_fields() -> DisciplineActionFields {
    DisciplineActionFields {
        status: Status::Active,
        student_id: crate::sample_id(),
        incident_id: Some(crate::sample_id()),
        discipline: Discipline::DETENTION,
        discipline_date: Date::constant(2025, 10, 20),
        discipline_action_length: Some(2),
        actual_discipline_action_length: None,
        responsibility_school_id: crate::sample_id(),
        review_date: Some(Date::constant(2025, 11, 3)),
        done: false,
        note: Some("Helps in the library.".to_owned()),
        metadata: Metadata::default(),
    }
}

fn sample() -> DisciplineAction {
    DisciplineAction { id: crate::sample_id(), fields: sample_fields(), record: Record::sample() }
}
