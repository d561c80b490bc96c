//! Participants: somebody's part in an incident, what they did there by the school's own words, and what it counts for. Praise
//! counts above zero.
//!
//! A family sees the part of its own child and nobody else's; notes, which may name others, are for staff.

mod api;
mod new_store;
mod points;
mod points_store;
mod store;

use cloister_http::{Edge, IdempotencyKey, IfMatch, MergePatch, Versioned, words};
use cloister_ids::{BehaviorCodeId, DisciplineIncidentId, IncidentParticipantId, PersonId};
use cloister_tenancy::{
    Action, Changes, ConstraintRule, Error, OpContext, Resource, Result, Tenancy, TenantTx,
    sql::{Row, Statement},
};
use garde::Validate;
use jiff::civil::Date;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;

pub(crate) use new_store::{InsertItem, check_new_one, words_of};
pub use points::BehaviorPoints;

use crate::{
    behavior_code::{BehaviorSeverity, MOST_POINTS},
    presence_store::check_return,
    record::{Metadata, Record, Status, check_change, check_new},
    rules::{paragraphs, small},
    scope::{Sight, authorize_change},
    scopes::OWN_CLASSES,
};

/// What permissions are about.
pub const INCIDENT_PARTICIPANT: Resource = Resource { module: crate::MODULE, name: "incident_participant" };

/// Every statement about participants.
pub(crate) const STATEMENTS: [&[&Statement]; 3] = [store::STATEMENTS, new_store::STATEMENTS, points_store::STATEMENTS];

/// What refused constraints mean.
pub(crate) const CONSTRAINTS: &[ConstraintRule] = &[ConstraintRule {
    constraint: "incident_participant_key",
    field: "person_id",
    code: "incident_participant_exists",
    message: "This person has this part in the incident already. Change that one.",
}];

/// The routes of this resource.
pub(crate) fn routes() -> OpenApiRouter<Edge> {
    api::routes().merge(points::routes())
}

/// Characters of a note.
const NOTE: usize = 2000;

words! {
    /// The part that somebody has in an incident.
    pub enum Participation {
        /// Did it.
        Perpetrator = "perpetrator",
        /// It was done to them.
        Victim = "victim",
        /// Saw it.
        Witness = "witness",
        /// Told of it.
        Reporter = "reporter",
        /// Anything else.
        Other = "other",
    }
}

/// Who was in a new incident.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewParticipant {
    /// Who.
    #[garde(skip)]
    pub person_id: PersonId,
    /// With which part.
    #[garde(skip)]
    pub participation_code: Participation,
    /// What they did.
    #[garde(skip)]
    pub behavior_code_id: Option<BehaviorCodeId>,
    /// What it counts for; what the code says, or nothing, where none are given.
    #[garde(range(min = -MOST_POINTS, max = MOST_POINTS))]
    #[schema(minimum = -1000, maximum = 1000, example = -5)]
    pub points: Option<i32>,
    /// For staff alone.
    #[garde(inner(length(chars, max = NOTE), custom(paragraphs)))]
    #[schema(min_length = 1, max_length = 2000, example = "Says that the other began.")]
    pub note: Option<String>,
}

impl NewParticipant {
    /// The same in an incident.
    pub(crate) fn of(self, incident_id: DisciplineIncidentId) -> IncidentParticipantFields {
        let Self { person_id, participation_code, behavior_code_id, points, note } = self;
        IncidentParticipantFields {
            status: Status::Active,
            incident_id,
            person_id,
            participation_code,
            behavior_code_id,
            points,
            note,
            metadata: Metadata::default(),
        }
    }
}

/// What is known of a participant: the body of a creation, and what a patch changes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct IncidentParticipantFields {
    /// Whether it counts.
    #[garde(skip)]
    #[serde(default)]
    pub status: Status,
    /// The incident. Never changes.
    #[garde(skip)]
    pub incident_id: DisciplineIncidentId,
    /// Who. Never changes.
    #[garde(skip)]
    pub person_id: PersonId,
    /// With which part.
    #[garde(skip)]
    pub participation_code: Participation,
    /// What they did.
    #[garde(skip)]
    pub behavior_code_id: Option<BehaviorCodeId>,
    /// What it counts for; what the code says, or nothing, where none are given.
    #[garde(range(min = -MOST_POINTS, max = MOST_POINTS))]
    #[schema(minimum = -1000, maximum = 1000, example = -5)]
    pub points: Option<i32>,
    /// For staff alone: a family reads null.
    #[garde(inner(length(chars, max = NOTE), custom(paragraphs)))]
    #[schema(min_length = 1, max_length = 2000, example = "Says that the other began.")]
    pub note: Option<String>,
    /// Fields of other systems: at most 16 KiB of JSON. For staff alone: a family reads none.
    #[garde(custom(small))]
    #[serde(default)]
    #[schema(value_type = Object)]
    pub metadata: Metadata,
}

/// A participant as it is kept.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct IncidentParticipant {
    /// Which one.
    pub id: IncidentParticipantId,
    /// What is known of it.
    #[serde(flatten)]
    pub fields: IncidentParticipantFields,
    /// The day of the incident.
    #[schema(example = "2025-10-14")]
    pub incident_date: Date,
    /// How much the behavior code mattered when it was given.
    pub severity: Option<BehaviorSeverity>,
    /// Who made and changed it, and when.
    #[serde(flatten)]
    pub record: Record,
}

/// Fields whose values the audit log keeps.
const NOT_PERSONAL: &[&str] = &["status", "participation_code", "points"];

impl Versioned for IncidentParticipant {
    fn version(&self) -> i64 {
        self.record.version
    }
}

/// A new one, before the store has told the rest.
pub(crate) fn made(cx: &OpContext, fields: IncidentParticipantFields) -> IncidentParticipant {
    IncidentParticipant {
        id: IncidentParticipantId::generate(cx.clock()),
        fields,
        incident_date: Date::MIN,
        severity: None,
        record: Record::new(cx),
    }
}

fn code_unknown() -> Error {
    Error::field("behavior_code_id", "behavior_code_unknown", "There is no such behavior code that counts.")
}

/// Adds somebody to an incident, as part of `tx`. Two round trips with the commit.
async fn create(
    tx: &mut TenantTx,
    key: Option<&IdempotencyKey>,
    fields: IncidentParticipantFields,
) -> Result<IncidentParticipant> {
    let sight = Sight::to(tx.cx(), Action::Create, &INCIDENT_PARTICIPANT, &[OWN_CLASSES])?;
    check_new(fields.status)?;
    let participant = new_store::insert(tx, key, &sight, made(tx.cx(), fields)).await?;
    tx.audit(Action::Create, &INCIDENT_PARTICIPANT, participant.id, None);
    Ok(participant)
}

/// One participant, deleted or not. One round trip.
async fn read(tenancy: &Tenancy, cx: &OpContext, id: IncidentParticipantId) -> Result<IncidentParticipant> {
    let sight = Sight::of(cx, &INCIDENT_PARTICIPANT)?;
    store::get(tenancy, cx, &sight, id).await
}

/// Changes a participant that is still as the caller knows it. Two round trips, three when the behavior code is another.
async fn update(
    tenancy: &Tenancy,
    cx: &OpContext,
    id: IncidentParticipantId,
    known: &IfMatch,
    patch: &MergePatch<IncidentParticipantFields>,
) -> Result<IncidentParticipant> {
    authorize_change(cx, Action::Update, &INCIDENT_PARTICIPANT, read(tenancy, cx, id)).await?;
    let mut tx = tenancy.write(cx).await?;
    let (before, person) = store::lock(&mut tx, id).await?;
    known.check(&before)?;
    let mut fields = patch.apply(&before.fields)?;
    check_change((None, before.fields.status), (None, fields.status))?;
    check_return(&person, before.fields.person_id, "person_id", before.fields.status, fields.status)?;
    for (field, stays) in [
        ("incident_id", fields.incident_id == before.fields.incident_id),
        ("person_id", fields.person_id == before.fields.person_id),
    ] {
        if !stays {
            let message = "Somebody else's part, or a part in another incident, is another incident participant.";
            return Err(Error::field(field, "incident_participant_moved", message));
        }
    }
    let mut severity = before.severity;
    let other_code = fields.behavior_code_id != before.fields.behavior_code_id;
    let usual = match fields.behavior_code_id {
        Some(code) if other_code || fields.points.is_none() => {
            let meaning = store::meaning(&mut tx, code).await?;
            if other_code {
                severity = Some(meaning.as_ref().ok_or_else(code_unknown)?.0);
            }
            meaning.map(|(_, points)| points)
        }
        Some(_) => None,
        None => {
            severity = None;
            None
        }
    };
    fields.points = Some(fields.points.or(usual).unwrap_or_default());
    if fields == before.fields {
        tx.rollback().await?;
        return Ok(before);
    }
    let changes = Changes::between(&before.fields, &fields)?.showing_only(NOT_PERSONAL);
    let after = IncidentParticipant { fields, severity, record: before.record.changed(cx), ..before };
    tx.audit(Action::Update, &INCIDENT_PARTICIPANT, id, Some(changes.into()));
    store::update(tx, &after).await?;
    Ok(after)
}

/// Deletes a participant that is still as the caller knows it. Two round trips.
async fn delete(tenancy: &Tenancy, cx: &OpContext, id: IncidentParticipantId, known: &IfMatch) -> Result<()> {
    authorize_change(cx, Action::Delete, &INCIDENT_PARTICIPANT, read(tenancy, cx, id)).await?;
    let mut tx = tenancy.write(cx).await?;
    let (before, _) = store::lock(&mut tx, id).await?;
    known.check(&before)?;
    if before.fields.status == Status::ToBeDeleted {
        return tx.rollback().await;
    }
    tx.audit(Action::Delete, &INCIDENT_PARTICIPANT, id, None);
    store::delete(tx, id).await
}

fn sample_fields() -> IncidentParticipantFields {
    IncidentParticipantFields {
        status: Status::Active,
        incident_id: crate::sample_id(),
        person_id: crate::sample_id(),
        participation_code: Participation::Perpetrator,
        behavior_code_id: Some(crate::sample_id()),
        points: Some(-5),
        note: Some("Says that the other began.".to_owned()),
        metadata: Metadata::default(),
    }
}

fn sample() -> IncidentParticipant {
    IncidentParticipant {
        id: crate::sample_id(),
        fields: sample_fields(),
        incident_date: Date::constant(2025, 10, 14),
        severity: Some(BehaviorSeverity::Major),
        record: Record::sample(),
    }
}

/// Refuses somebody who is not there, or not for this reader, whatever became of the incident. `at`: which of a list it was.
pub(crate) fn check_persons(answers: &[Vec<Row>], at: usize) -> Result<()> {
    let facts = answers.first().and_then(|rows| rows.first());
    if facts.is_some_and(|facts| facts.get("person_known")) {
        return Ok(());
    }
    Err(Error::field(&format!("participants[{at}].person_id"), "person_unknown", "There is no such person."))
}
