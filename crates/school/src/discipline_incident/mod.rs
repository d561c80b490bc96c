//! Incidents: something that happened at a school, well or badly, and that is worth remembering. Who was in it is told by its
//! participants; what came of it by actions, follow-ups and letters. Each of these is a permission of its own.
//!
//! Of a confidential incident nobody hears but those who may see all: neither of it nor of anything that hangs on it.

mod api;
mod samples;
mod store;

use cloister_http::{IdempotencyKey, IfMatch, MergePatch, Versioned, invalid};
use cloister_ids::{DisciplineIncidentId, OrgId, PersonId};
use cloister_tenancy::{
    Action, Changes, ConstraintRule, Error, ErrorKind, OpContext, Resource, Result, Tenancy, TenantTx,
};
use garde::Validate;
use jiff::civil::Date;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

pub(crate) use api::routes;
use samples::{sample, sample_fields};
pub(crate) use store::STATEMENTS;

use crate::{
    day_time::DayTime,
    incident_participant::{self, INCIDENT_PARTICIPANT, NewParticipant},
    presence_store::{check_named, named_in},
    record::{Metadata, Record, Status, check_change, check_new},
    rules::{TEXT, at_most, clean, paragraphs, plausible, small},
    scope::{ALL, Sight, Within, authorize_change, today},
    scopes::OWN_CLASSES,
    vocabulary::IncidentLocation,
};

/// What permissions are about.
pub const DISCIPLINE_INCIDENT: Resource = Resource { module: crate::MODULE, name: "discipline_incident" };

/// What refused constraints mean.
pub(crate) const CONSTRAINTS: &[ConstraintRule] = &[
    ConstraintRule {
        constraint: "discipline_incident_identifier_key",
        field: "incident_identifier",
        code: "incident_identifier_taken",
        message: "Another incident that counts has this identifier.",
    },
    ConstraintRule {
        constraint: "discipline_incident_school_fkey",
        field: "school_id",
        code: "org_unknown",
        message: "There is no such organisation.",
    },
    ConstraintRule {
        constraint: "discipline_incident_reporter_fkey",
        field: "reporter_id",
        code: "person_unknown",
        message: "There is no such person.",
    },
];

/// Participants that are given with a new incident.
const PARTICIPANTS: usize = 50;
/// Characters of a description.
const DESCRIPTION: usize = 8000;
/// Characters of identifiers and case numbers.
const NUMBER: usize = 64;

/// What is known of an incident: the body of a creation, and what a patch changes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct DisciplineIncidentFields {
    /// Whether it counts.
    #[garde(skip)]
    #[serde(default)]
    pub status: Status,
    /// The number by which the school speaks of it, unique among the incidents that count.
    #[garde(inner(length(chars, max = NUMBER), custom(clean)))]
    #[schema(min_length = 1, max_length = 64, example = "2025-117")]
    pub incident_identifier: Option<String>,
    /// At which school.
    #[garde(skip)]
    pub school_id: OrgId,
    /// On which day.
    #[garde(custom(plausible))]
    #[schema(example = "2025-10-14")]
    pub incident_date: Date,
    /// At what time.
    #[garde(skip)]
    pub incident_time: Option<DayTime>,
    /// Where.
    #[garde(skip)]
    pub incident_location: IncidentLocation,
    /// Where precisely.
    #[garde(inner(length(chars, max = TEXT), custom(clean)))]
    #[schema(min_length = 1, max_length = 512, example = "Stairs of the east wing")]
    pub location_description: Option<String>,
    /// Who on the staff reported it: always themself, where a teacher does.
    #[garde(skip)]
    pub reporter_id: Option<PersonId>,
    /// What happened, for staff alone. A family never reads it.
    #[garde(length(chars, max = DESCRIPTION), custom(paragraphs))]
    #[schema(min_length = 1, max_length = 8000, example = "Two students fought on the stairs.")]
    pub description: String,
    /// Whether the police was told.
    #[garde(skip)]
    #[serde(default)]
    pub reported_to_law_enforcement: bool,
    /// The number that the police gave it.
    #[garde(inner(length(chars, max = NUMBER), custom(clean)))]
    #[schema(min_length = 1, max_length = 64, example = "K-4711")]
    pub case_number: Option<String>,
    /// What it cost, in the smallest unit of the school's money.
    #[garde(range(min = 0, max = i32::MAX))]
    #[schema(minimum = 0, maximum = 2_147_483_647, example = 12500)]
    pub incident_cost: Option<i32>,
    /// Whether nobody hears of it but those who may see all incidents.
    #[garde(skip)]
    #[serde(default)]
    pub confidential: bool,
    /// Of a new incident: who was in it. Afterwards they are read, added and changed as incident participants.
    #[garde(custom(at_most(PARTICIPANTS)), custom(each_once), dive)]
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schema(max_items = 50)]
    pub participants: Vec<NewParticipant>,
    /// Fields of other systems: at most 16 KiB of JSON.
    #[garde(custom(small))]
    #[serde(default)]
    #[schema(value_type = Object)]
    pub metadata: Metadata,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "rules are handed value and context by reference")]
fn each_once(participants: &[NewParticipant], (): &()) -> garde::Result {
    let mut seen = std::collections::HashSet::new();
    if participants.iter().all(|one| seen.insert((one.person_id, one.participation_code))) {
        return Ok(());
    }
    Err(invalid("given_twice", "Name each person once with each part."))
}

/// An incident as it is kept.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct DisciplineIncident {
    /// Which one.
    pub id: DisciplineIncidentId,
    /// What is known of it.
    #[serde(flatten)]
    pub fields: DisciplineIncidentFields,
    /// Who made and changed it, and when.
    #[serde(flatten)]
    pub record: Record,
}

/// Fields whose values the audit log keeps. What happened is personal.
const NOT_PERSONAL: &[&str] = &["status", "school_id", "incident_date", "confidential", "reported_to_law_enforcement"];

impl Versioned for DisciplineIncident {
    fn version(&self) -> i64 {
        self.record.version
    }
}

/// How far a reader of the list sees. Whoever asks for a student's incidents hears who was in them: they see by that as far as
/// they see participants.
fn sight(cx: &OpContext, of_student: bool) -> Result<Sight> {
    let sight = Sight::of(cx, &DISCIPLINE_INCIDENT)?;
    if !of_student {
        return Ok(sight);
    }
    match sight {
        Sight::All => {
            cx.authorize(Action::Read, &INCIDENT_PARTICIPANT)?;
            Ok(Sight::All)
        }
        Sight::Within(within) => {
            let places = match Sight::of(cx, &INCIDENT_PARTICIPANT)? {
                Sight::All => vec![ALL],
                Sight::Within(Within { scopes, .. }) => scopes,
            };
            Ok(Sight::Within(Within { places, ..within }))
        }
    }
}

/// Refuses what is still to come.
fn check_date(cx: &OpContext, date: Date) -> Result<()> {
    if date > today(cx) {
        let message = "An incident is something that happened: give today or a day before.";
        return Err(Error::field("incident_date", "incident_in_future", message));
    }
    Ok(())
}

/// Makes an incident with its participants, as part of `tx`: the office about anybody, a teacher about students taught, as its
/// reporter. Two round trips with the commit.
async fn create(
    tx: &mut TenantTx,
    key: Option<&IdempotencyKey>,
    mut fields: DisciplineIncidentFields,
) -> Result<DisciplineIncident> {
    let sight = Sight::to(tx.cx(), Action::Create, &DISCIPLINE_INCIDENT, &[OWN_CLASSES])?;
    check_new(fields.status)?;
    check_date(tx.cx(), fields.incident_date)?;
    let participants = std::mem::take(&mut fields.participants);
    let parts = if participants.is_empty() {
        Sight::All
    } else {
        Sight::to(tx.cx(), Action::Create, &INCIDENT_PARTICIPANT, &[OWN_CLASSES])?
    };
    if matches!(sight, Sight::Within(_)) && fields.confidential {
        let message = "Report it, and the office will mark it as confidential.";
        return Err(Error::field("confidential", "confidential_by_office", message));
    }
    // Whether one is taken would tell of incidents that the reporter must not hear of.
    if matches!(sight, Sight::Within(_)) && fields.incident_identifier.is_some() {
        let message = "Leave it out: the office numbers the incidents.";
        return Err(Error::field("incident_identifier", "identifier_by_office", message));
    }
    let id = DisciplineIncidentId::generate(tx.cx().clock());
    let given = fields.reporter_id;
    let mut incident = DisciplineIncident { id, fields, record: Record::new(tx.cx()) };
    let participants: Vec<_> =
        participants.into_iter().map(|one| incident_participant::made(tx.cx(), one.of(id))).collect();
    let reporter = store::insert(tx, key, &sight, &incident, &parts, &participants).await?;
    if matches!(sight, Sight::Within(_)) {
        if reporter.is_none() {
            let message = "Your account is tied to no person of this school, who could be the reporter.";
            return Err(Error::new(ErrorKind::Conflict, "account_without_person", message));
        }
        if given.is_some() && given != reporter {
            return Err(Error::field(
                "reporter_id",
                "reporter_is_another",
                "Report under your own name, or name nobody.",
            ));
        }
        incident.fields.reporter_id = reporter;
    }
    tx.audit(Action::Create, &DISCIPLINE_INCIDENT, id, None);
    for participant in &participants {
        tx.audit(Action::Create, &INCIDENT_PARTICIPANT, participant.id, None);
    }
    Ok(incident)
}

/// One incident, deleted or not. One round trip.
async fn read(tenancy: &Tenancy, cx: &OpContext, id: DisciplineIncidentId) -> Result<DisciplineIncident> {
    let sight = Sight::of(cx, &DISCIPLINE_INCIDENT)?;
    store::get(tenancy, cx, &sight, id).await
}

/// Changes an incident that is still as the caller knows it. Two round trips.
async fn update(
    tenancy: &Tenancy,
    cx: &OpContext,
    id: DisciplineIncidentId,
    known: &IfMatch,
    patch: &MergePatch<DisciplineIncidentFields>,
) -> Result<DisciplineIncident> {
    authorize_change(cx, Action::Update, &DISCIPLINE_INCIDENT, read(tenancy, cx, id)).await?;
    let mut tx = tenancy.write(cx).await?;
    let named = named_in(&patch.changes(), "reporter_id", 1);
    let (before, present) = store::lock(&mut tx, id, &named).await?;
    known.check(&before)?;
    let fields = patch.apply(&before.fields)?;
    check_change((None, before.fields.status), (None, fields.status))?;
    if !fields.participants.is_empty() {
        let message = "Who was in it is added and changed as incident participants.";
        return Err(Error::field("participants", "participants_not_here", message));
    }
    if fields == before.fields {
        tx.rollback().await?;
        return Ok(before);
    }
    check_named(&present, fields.reporter_id, before.fields.reporter_id, "reporter_id")?;
    let changes = Changes::between(&before.fields, &fields)?.showing_only(NOT_PERSONAL);
    let moved = fields.incident_date != before.fields.incident_date;
    if moved {
        check_date(cx, fields.incident_date)?;
    }
    let after = DisciplineIncident { id, fields, record: before.record.changed(cx) };
    tx.audit(Action::Update, &DISCIPLINE_INCIDENT, id, Some(changes.into()));
    store::update(tx, &after, moved).await?;
    Ok(after)
}

/// Deletes an incident that is still as the caller knows it. Two round trips.
async fn delete(tenancy: &Tenancy, cx: &OpContext, id: DisciplineIncidentId, known: &IfMatch) -> Result<()> {
    authorize_change(cx, Action::Delete, &DISCIPLINE_INCIDENT, read(tenancy, cx, id)).await?;
    let mut tx = tenancy.write(cx).await?;
    let (before, _) = store::lock(&mut tx, id, &[]).await?;
    known.check(&before)?;
    if before.fields.status == Status::ToBeDeleted {
        return tx.rollback().await;
    }
    tx.audit(Action::Delete, &DISCIPLINE_INCIDENT, id, None);
    store::delete(tx, id).await
}
