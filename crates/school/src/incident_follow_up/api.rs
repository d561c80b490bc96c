//! Endpoints about incident follow-ups.

use axum::{
    body::Body,
    http::{Response, StatusCode},
};
use cloister_http::{
    Answer, Edge, IdempotencyHeader, IfMatch, Listing, MergePatch, Once, Op, Page, PageQuery, Path, Problem, Sort,
    Tagged,
};
use cloister_ids::{DisciplineIncidentId, IncidentFollowUpId, PersonId};
use cloister_tenancy::Action;
use garde::Validate;
use jiff::civil::Date;
use serde::Deserialize;
use utoipa::IntoParams;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{INCIDENT_FOLLOW_UP, IncidentFollowUp, IncidentFollowUpFields, sample, sample_fields, store};
use crate::{
    listing::{Key, Order, Position, Span, StatusFilter, StatusParameter},
    rules::plausible,
    scope::Sight,
    scopes::SELF,
};

/// The routes of this resource.
pub(crate) fn routes() -> OpenApiRouter<Edge> {
    OpenApiRouter::new().routes(routes!(incident_follow_up_list, incident_follow_up_create)).routes(routes!(
        incident_follow_up_read,
        incident_follow_up_update,
        incident_follow_up_delete
    ))
}

/// Which incident follow-ups.
#[derive(Debug, Deserialize, Validate, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct IncidentFollowUpFilter {
    #[garde(skip)]
    #[param(ignore)]
    status: Option<StatusFilter>,
    /// Only those due on this day or later.
    #[garde(inner(custom(plausible)))]
    #[param(example = "2025-09-01")]
    from: Option<Date>,
    /// Only those due before this day: with today and `completed=false`, those that are overdue.
    #[garde(inner(custom(plausible)))]
    #[param(example = "2026-07-01")]
    until: Option<Date>,
    /// Only of this incident.
    #[garde(skip)]
    incident_id: Option<DisciplineIncidentId>,
    /// Only those that this person has to do.
    #[garde(skip)]
    assigned_to_id: Option<PersonId>,
    /// Only those that are done, or only those that are still to do.
    #[garde(skip)]
    completed: Option<bool>,
}

/// The order of the list.
#[derive(Debug, Clone, Copy)]
enum IncidentFollowUpSort {
    DueDate,
}

impl Sort for IncidentFollowUpSort {
    const ORDERS: &'static [(&'static str, Self)] = &[("due_date", Self::DueDate)];
}

impl Order for IncidentFollowUpSort {
    fn key(self) -> Key {
        Key::DATE
    }
}

/// The order, for the API document.
#[derive(Debug, IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "read by `Listing`; this is its description")]
struct IncidentFollowUpOrder {
    /// `due_date` (as usual); with `-` in front from the last to the first.
    #[param(pattern = "^-?due_date$", example = "-due_date")]
    sort: Option<String>,
}

/// A page of them.
type IncidentFollowUpPage = Page<IncidentFollowUp>;
/// Changes to one.
type IncidentFollowUpPatch = MergePatch<IncidentFollowUpFields>;

/// List incident follow-ups
///
/// A page of those one may see, by the day on which they are due: the office all, somebody else those that are theirs to do.
#[utoipa::path(
    get,
    path = "/incident_follow_ups",
    operation_id = "incident_follow_up_list",
    tag = "School",
    params(StatusParameter, IncidentFollowUpFilter, IncidentFollowUpOrder, PageQuery),
    responses((status = 200, description = "A page of incident follow-ups.", body = IncidentFollowUpPage,
        example = json!({ "items": [sample()], "next_cursor": null })))
)]
async fn incident_follow_up_list(
    op: Op,
    listing: Listing<IncidentFollowUpFilter, IncidentFollowUpSort>,
) -> Result<Answer<IncidentFollowUpPage>, Problem> {
    let Op { tenancy, cx, .. } = &op;
    let sight = Sight::to(cx, Action::Read, &INCIDENT_FOLLOW_UP, &[SELF])?;
    let (tenant, what, filter) = (cx.tenant_id(), INCIDENT_FOLLOW_UP.name, &listing.filter);
    let selection = store::Selection {
        span: Span::of(&listing, filter.status, tenant, what)?.on_days(filter.from, filter.until),
        from: filter.from,
        until: filter.until,
        completed: filter.completed,
        incident_id: filter.incident_id,
        assigned_to_id: filter.assigned_to_id,
    };
    let rows = store::list_by_due(tenancy, cx, &sight, &selection).await?;
    Ok(Answer(
        listing.page(tenant, what, rows, |last| Position { key: Key::Date(last.fields.due_date), id: last.id.uuid() }),
    ))
}

/// Create an incident follow-up
///
/// Of an incident that counts.
#[utoipa::path(
    post,
    path = "/incident_follow_ups",
    operation_id = "incident_follow_up_create",
    tag = "School",
    extensions(("x-table" = json!(true))),
    params(IdempotencyHeader),
    request_body(content = IncidentFollowUpFields, example = json!(sample_fields())),
    responses((status = 201, description = "The incident follow-up.", body = IncidentFollowUp,
        headers(("ETag" = String, description = "Its version."), ("Location" = String, description = "Its address.")),
        example = json!(sample())))
)]
async fn incident_follow_up_create(op: Op, once: Once<IncidentFollowUpFields>) -> Result<Response<Body>, Problem> {
    op.cx.authorize(Action::Create, &INCIDENT_FOLLOW_UP)?;
    let mut tx = op.tenancy.write(&op.cx).await?;
    let made = super::create(&mut tx, once.key.as_ref(), once.body).await;
    op.created(tx, once.key, made).await
}

/// Read an incident follow-up
///
/// A deleted one too: its status tells.
#[utoipa::path(
    get,
    path = "/incident_follow_ups/{id}",
    operation_id = "incident_follow_up_read",
    tag = "School",
    params(("id" = IncidentFollowUpId, Path, description = "Which one.")),
    responses((status = 200, description = "The incident follow-up.", body = IncidentFollowUp,
        headers(("ETag" = String, description = "Its version.")),
        example = json!(sample())))
)]
async fn incident_follow_up_read(
    op: Op,
    Path(id): Path<IncidentFollowUpId>,
) -> Result<Tagged<IncidentFollowUp>, Problem> {
    Ok(Tagged(super::read(&op.tenancy, &op.cx, id).await?))
}

/// Change an incident follow-up
///
/// A JSON merge patch: what is absent stays, what is null is removed. The status `active` brings a deleted one back. Whoever has to do it may say what came of it, and that it is done.
#[utoipa::path(
    patch,
    path = "/incident_follow_ups/{id}",
    operation_id = "incident_follow_up_update",
    tag = "School",
    params(("id" = IncidentFollowUpId, Path, description = "Which one."),
        ("If-Match" = String, Header, description = "The ETag you read.", example = "\"v1\"")),
    request_body(content = IncidentFollowUpPatch, example = json!({ "outcome": "They shook hands.", "completed": true })),
    responses((status = 200, description = "The incident follow-up as it is now.", body = IncidentFollowUp,
        headers(("ETag" = String, description = "Its version.")),
        example = json!(sample())))
)]
async fn incident_follow_up_update(
    op: Op,
    Path(id): Path<IncidentFollowUpId>,
    known: IfMatch,
    patch: IncidentFollowUpPatch,
) -> Result<Tagged<IncidentFollowUp>, Problem> {
    Ok(Tagged(super::update(&op.tenancy, &op.cx, id, &known, &patch).await?))
}

/// Delete an incident follow-up
///
/// It stays readable for whoever sees all, with the status `tobedeleted`.
#[utoipa::path(
    delete,
    path = "/incident_follow_ups/{id}",
    operation_id = "incident_follow_up_delete",
    tag = "School",
    params(("id" = IncidentFollowUpId, Path, description = "Which one."),
        ("If-Match" = String, Header, description = "The ETag you read.", example = "\"v1\"")),
    responses((status = 204, description = "It is deleted."))
)]
async fn incident_follow_up_delete(
    op: Op,
    Path(id): Path<IncidentFollowUpId>,
    known: IfMatch,
) -> Result<StatusCode, Problem> {
    super::delete(&op.tenancy, &op.cx, id, &known).await?;
    Ok(StatusCode::NO_CONTENT)
}
