//! Endpoints about incident participants.

use axum::{
    body::Body,
    http::{Response, StatusCode},
};
use cloister_http::{
    Answer, Edge, IdempotencyHeader, IfMatch, Listing, MergePatch, Once, Op, Page, PageQuery, Path, Problem, Sort,
    Tagged,
};
use cloister_ids::{BehaviorCodeId, DisciplineIncidentId, IncidentParticipantId, PersonId};
use cloister_tenancy::Action;
use garde::Validate;
use jiff::civil::Date;
use serde::Deserialize;
use utoipa::IntoParams;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    INCIDENT_PARTICIPANT, IncidentParticipant, IncidentParticipantFields, Participation, sample, sample_fields, store,
};
use crate::{
    listing::{Key, Order, Position, Span, StatusFilter, StatusParameter},
    rules::plausible,
    scope::Sight,
    scopes::OWN_CLASSES,
};

/// The routes of this resource.
pub(crate) fn routes() -> OpenApiRouter<Edge> {
    OpenApiRouter::new().routes(routes!(incident_participant_list, incident_participant_create)).routes(routes!(
        incident_participant_read,
        incident_participant_update,
        incident_participant_delete
    ))
}

/// Which incident participants.
#[derive(Debug, Deserialize, Validate, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct IncidentParticipantFilter {
    #[garde(skip)]
    #[param(ignore)]
    status: Option<StatusFilter>,
    /// Only from this day on.
    #[garde(inner(custom(plausible)))]
    #[param(example = "2025-09-01")]
    from: Option<Date>,
    /// Only before this day.
    #[garde(inner(custom(plausible)))]
    #[param(example = "2026-07-01")]
    until: Option<Date>,
    /// Only of this incident.
    #[garde(skip)]
    incident_id: Option<DisciplineIncidentId>,
    /// Only of this person.
    #[garde(skip)]
    person_id: Option<PersonId>,
    /// Only with this part.
    #[garde(skip)]
    #[param(inline)]
    participation_code: Option<Participation>,
    /// Only with this behavior code.
    #[garde(skip)]
    behavior_code_id: Option<BehaviorCodeId>,
}

/// The order of the list.
#[derive(Debug, Clone, Copy)]
enum IncidentParticipantSort {
    IncidentDate,
}

impl Sort for IncidentParticipantSort {
    const ORDERS: &'static [(&'static str, Self)] = &[("incident_date", Self::IncidentDate)];
}

impl Order for IncidentParticipantSort {
    fn key(self) -> Key {
        Key::DATE
    }
}

/// The order, for the API document.
#[derive(Debug, IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "read by `Listing`; this is its description")]
struct IncidentParticipantOrder {
    /// `incident_date` (as usual); with `-` in front from the last to the first.
    #[param(pattern = "^-?incident_date$", example = "-incident_date")]
    sort: Option<String>,
}

/// A page of them.
type IncidentParticipantPage = Page<IncidentParticipant>;
/// Changes to one.
type IncidentParticipantPatch = MergePatch<IncidentParticipantFields>;

/// List incident participants
///
/// A page of those one may see, by day. A guardian sees own children, a student themself, and neither anybody else.
#[utoipa::path(
    get,
    path = "/incident_participants",
    operation_id = "incident_participant_list",
    tag = "School",
    params(StatusParameter, IncidentParticipantFilter, IncidentParticipantOrder, PageQuery),
    responses((status = 200, description = "A page of incident participants.", body = IncidentParticipantPage,
        example = json!({ "items": [sample()], "next_cursor": null })))
)]
async fn incident_participant_list(
    op: Op,
    listing: Listing<IncidentParticipantFilter, IncidentParticipantSort>,
) -> Result<Answer<IncidentParticipantPage>, Problem> {
    let Op { tenancy, cx, .. } = &op;
    let sight = Sight::of(cx, &INCIDENT_PARTICIPANT)?;
    let (tenant, what, filter) = (cx.tenant_id(), INCIDENT_PARTICIPANT.name, &listing.filter);
    let selection = store::Selection {
        span: Span::of(&listing, filter.status, tenant, what)?.on_days(filter.from, filter.until),
        from: filter.from,
        until: filter.until,
        participation_code: filter.participation_code,
        incident_id: filter.incident_id,
        person_id: filter.person_id,
        behavior_code_id: filter.behavior_code_id,
    };
    let rows = store::list_by_date(tenancy, cx, &sight, &selection).await?;
    Ok(Answer(
        listing.page(tenant, what, rows, |last| Position { key: Key::Date(last.incident_date), id: last.id.uuid() }),
    ))
}

/// Create an incident participant
///
/// A teacher adds students taught to incidents that they reported themselves.
#[utoipa::path(
    post,
    path = "/incident_participants",
    operation_id = "incident_participant_create",
    tag = "School",
    extensions(("x-table" = json!(true))),
    params(IdempotencyHeader),
    request_body(content = IncidentParticipantFields, example = json!(sample_fields())),
    responses((status = 201, description = "The incident participant.", body = IncidentParticipant,
        headers(("ETag" = String, description = "Its version."), ("Location" = String, description = "Its address.")),
        example = json!(sample())))
)]
async fn incident_participant_create(op: Op, once: Once<IncidentParticipantFields>) -> Result<Response<Body>, Problem> {
    Sight::to(&op.cx, Action::Create, &INCIDENT_PARTICIPANT, &[OWN_CLASSES])?;
    let mut tx = op.tenancy.write(&op.cx).await?;
    let made = super::create(&mut tx, once.key.as_ref(), once.body).await;
    op.created(tx, once.key, made).await
}

/// Read an incident participant
///
/// A deleted one too: its status tells. Notes are for staff: a family reads none.
#[utoipa::path(
    get,
    path = "/incident_participants/{id}",
    operation_id = "incident_participant_read",
    tag = "School",
    params(("id" = IncidentParticipantId, Path, description = "Which one.")),
    responses((status = 200, description = "The incident participant.", body = IncidentParticipant,
        headers(("ETag" = String, description = "Its version.")),
        example = json!(sample())))
)]
async fn incident_participant_read(
    op: Op,
    Path(id): Path<IncidentParticipantId>,
) -> Result<Tagged<IncidentParticipant>, Problem> {
    Ok(Tagged(super::read(&op.tenancy, &op.cx, id).await?))
}

/// Change an incident participant
///
/// A JSON merge patch: what is absent stays, what is null is removed. The status `active` brings a deleted one back. Whose part it is, and in which incident, stays.
#[utoipa::path(
    patch,
    path = "/incident_participants/{id}",
    operation_id = "incident_participant_update",
    tag = "School",
    params(("id" = IncidentParticipantId, Path, description = "Which one."),
        ("If-Match" = String, Header, description = "The ETag you read.", example = "\"v1\"")),
    request_body(content = IncidentParticipantPatch, example = json!({ "points": -3 })),
    responses((status = 200, description = "The incident participant as it is now.", body = IncidentParticipant,
        headers(("ETag" = String, description = "Its version.")),
        example = json!(sample())))
)]
async fn incident_participant_update(
    op: Op,
    Path(id): Path<IncidentParticipantId>,
    known: IfMatch,
    patch: IncidentParticipantPatch,
) -> Result<Tagged<IncidentParticipant>, Problem> {
    Ok(Tagged(super::update(&op.tenancy, &op.cx, id, &known, &patch).await?))
}

/// Delete an incident participant
///
/// It stays readable for whoever sees all, with the status `tobedeleted`, and counts no more.
#[utoipa::path(
    delete,
    path = "/incident_participants/{id}",
    operation_id = "incident_participant_delete",
    tag = "School",
    params(("id" = IncidentParticipantId, Path, description = "Which one."),
        ("If-Match" = String, Header, description = "The ETag you read.", example = "\"v1\"")),
    responses((status = 204, description = "It is deleted."))
)]
async fn incident_participant_delete(
    op: Op,
    Path(id): Path<IncidentParticipantId>,
    known: IfMatch,
) -> Result<StatusCode, Problem> {
    super::delete(&op.tenancy, &op.cx, id, &known).await?;
    Ok(StatusCode::NO_CONTENT)
}
