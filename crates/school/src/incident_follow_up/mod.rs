//! Follow-ups: what is still to be done about an incident, by when and by whom. Whoever has to do one says what came of it, and
//! that it is done; everything else about it is the office's.

mod api;
mod store;

use cloister_http::{IdempotencyKey, IfMatch, MergePatch, Versioned};
use cloister_ids::{DisciplineIncidentId, IncidentFollowUpId, PersonId};
use cloister_tenancy::{Action, Changes, ConstraintRule, Error, OpContext, Resource, Result, Tenancy, TenantTx};
use garde::Validate;
use jiff::{Timestamp, civil::Date};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

pub(crate) use api::routes;
pub(crate) use store::STATEMENTS;

use crate::{
    presence_store::{check_named, named_in},
    record::{Metadata, Record, Status, check_change, check_new},
    rules::{paragraphs, plausible, small},
    scope::{Sight, authorize_change, sight_for_change},
    scopes::SELF,
};

/// What permissions are about.
pub const INCIDENT_FOLLOW_UP: Resource = Resource { module: crate::MODULE, name: "incident_follow_up" };

/// What refused constraints mean.
pub(crate) const CONSTRAINTS: &[ConstraintRule] = &[ConstraintRule {
    constraint: "incident_follow_up_assignee_fkey",
    field: "assigned_to_id",
    code: "person_unknown",
    message: "There is no such person.",
}];

/// Characters of what is to be done, and of what came of it.
const TEXT: usize = 2000;

/// What is known of a follow-up: the body of a creation, and what a patch changes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct IncidentFollowUpFields {
    /// Whether it counts.
    #[garde(skip)]
    #[serde(default)]
    pub status: Status,
    /// The incident. Never changes.
    #[garde(skip)]
    pub incident_id: DisciplineIncidentId,
    /// By when.
    #[garde(custom(plausible))]
    #[schema(example = "2025-10-28")]
    pub due_date: Date,
    /// Who has to do it.
    #[garde(skip)]
    pub assigned_to_id: Option<PersonId>,
    /// What is to be done.
    #[garde(length(chars, max = TEXT), custom(paragraphs))]
    #[schema(min_length = 1, max_length = 2000, example = "Talk with both of them together.")]
    pub task: String,
    /// What came of it.
    #[garde(inner(length(chars, max = TEXT), custom(paragraphs)))]
    #[schema(min_length = 1, max_length = 2000, example = "They shook hands.")]
    pub outcome: Option<String>,
    /// Whether it is done.
    #[garde(skip)]
    #[serde(default)]
    pub completed: bool,
    /// Fields of other systems: at most 16 KiB of JSON.
    #[garde(custom(small))]
    #[serde(default)]
    #[schema(value_type = Object)]
    pub metadata: Metadata,
}

/// A follow-up as it is kept.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct IncidentFollowUp {
    /// Which one.
    pub id: IncidentFollowUpId,
    /// What is known of it.
    #[serde(flatten)]
    pub fields: IncidentFollowUpFields,
    /// When it was done.
    pub completed_at: Option<Timestamp>,
    /// Who said so.
    #[schema(example = "account:ada")]
    pub completed_by: Option<String>,
    /// Who made and changed it, and when.
    #[serde(flatten)]
    pub record: Record,
}

/// Fields whose values the audit log keeps.
const NOT_PERSONAL: &[&str] = &["status", "due_date", "completed"];

impl Versioned for IncidentFollowUp {
    fn version(&self) -> i64 {
        self.record.version
    }
}

impl IncidentFollowUp {
    /// With who said that it is done, and when: whoever says so first.
    fn of(
        id: IncidentFollowUpId,
        fields: IncidentFollowUpFields,
        record: Record,
        before: (Option<Timestamp>, Option<String>),
    ) -> Self {
        let (completed_at, completed_by) = match (fields.completed, before) {
            (false, _) => (None, None),
            (true, (Some(at), by)) => (Some(at), by),
            (true, (None, _)) => (Some(record.updated_at), Some(record.updated_by.clone())),
        };
        Self { id, fields, completed_at, completed_by, record }
    }
}

/// Makes a follow-up, as part of `tx`. Two round trips with the commit.
async fn create(
    tx: &mut TenantTx,
    key: Option<&IdempotencyKey>,
    fields: IncidentFollowUpFields,
) -> Result<IncidentFollowUp> {
    tx.cx().authorize(Action::Create, &INCIDENT_FOLLOW_UP)?;
    check_new(fields.status)?;
    let id = IncidentFollowUpId::generate(tx.cx().clock());
    let made = IncidentFollowUp::of(id, fields, Record::new(tx.cx()), (None, None));
    if !store::insert(tx, key, &made).await? {
        let message = "There is no such incident that counts.";
        return Err(Error::field("incident_id", "discipline_incident_unknown", message));
    }
    tx.audit(Action::Create, &INCIDENT_FOLLOW_UP, id, None);
    Ok(made)
}

/// One follow-up, deleted or not. One round trip.
async fn read(tenancy: &Tenancy, cx: &OpContext, id: IncidentFollowUpId) -> Result<IncidentFollowUp> {
    let sight = Sight::to(cx, Action::Read, &INCIDENT_FOLLOW_UP, &[SELF])?;
    store::get(tenancy, cx, &sight, id).await
}

/// Changes a follow-up that is still as the caller knows it. Two round trips.
async fn update(
    tenancy: &Tenancy,
    cx: &OpContext,
    id: IncidentFollowUpId,
    known: &IfMatch,
    patch: &MergePatch<IncidentFollowUpFields>,
) -> Result<IncidentFollowUp> {
    let sight = sight_for_change(cx, Action::Update, &INCIDENT_FOLLOW_UP, &[SELF], read(tenancy, cx, id)).await?;
    let mut tx = tenancy.write(cx).await?;
    let named = named_in(&patch.changes(), "assigned_to_id", 1);
    let (before, present) = store::lock(&mut tx, &sight, id, &named).await?;
    known.check(&before)?;
    let fields = patch.apply(&before.fields)?;
    check_change((None, before.fields.status), (None, fields.status))?;
    if fields.incident_id != before.fields.incident_id {
        let message = "What is to be done about another incident is another follow-up.";
        return Err(Error::field("incident_id", "incident_follow_up_moved", message));
    }
    if let Sight::Within(_) = sight {
        let theirs = IncidentFollowUpFields {
            outcome: fields.outcome.clone(),
            completed: fields.completed,
            ..before.fields.clone()
        };
        if fields != theirs {
            let message =
                "You may say what came of it, and whether it is done: change `outcome` and `completed` alone.";
            return Err(Error::field("outcome", "incident_follow_up_of_office", message));
        }
    }
    if fields == before.fields {
        tx.rollback().await?;
        return Ok(before);
    }
    check_named(&present, fields.assigned_to_id, before.fields.assigned_to_id, "assigned_to_id")?;
    let changes = Changes::between(&before.fields, &fields)?.showing_only(NOT_PERSONAL);
    let completed = (before.completed_at, before.completed_by);
    let after = IncidentFollowUp::of(id, fields, before.record.changed(cx), completed);
    tx.audit(Action::Update, &INCIDENT_FOLLOW_UP, id, Some(changes.into()));
    store::update(tx, &after).await?;
    Ok(after)
}

/// Deletes a follow-up that is still as the caller knows it. Two round trips.
async fn delete(tenancy: &Tenancy, cx: &OpContext, id: IncidentFollowUpId, known: &IfMatch) -> Result<()> {
    authorize_change(cx, Action::Delete, &INCIDENT_FOLLOW_UP, read(tenancy, cx, id)).await?;
    let mut tx = tenancy.write(cx).await?;
    let (before, _) = store::lock(&mut tx, &Sight::All, id, &[]).await?;
    known.check(&before)?;
    if before.fields.status == Status::ToBeDeleted {
        return tx.rollback().await;
    }
    tx.audit(Action::Delete, &INCIDENT_FOLLOW_UP, id, None);
    store::delete(tx, id).await
}

fn sample_fields() -> IncidentFollowUpFields {
    IncidentFollowUpFields {
        status: Status::Active,
        incident_id: crate::sample_id(),
        due_date: Date::constant(2025, 10, 28),
        assigned_to_id: Some(crate::sample_id()),
        task: "Talk with both of them together.".to_owned(),
        outcome: None,
        completed: false,
        metadata: Metadata::default(),
    }
}

fn sample() -> IncidentFollowUp {
    IncidentFollowUp::of(crate::sample_id(), sample_fields(), Record::sample(), (None, None))
}
