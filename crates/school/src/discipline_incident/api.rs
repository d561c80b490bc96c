//! Endpoints about discipline incidents.

use axum::{
    body::Body,
    http::{Response, StatusCode},
};
use cloister_http::{
    Answer, Edge, IdempotencyHeader, IfMatch, Listing, MergePatch, Once, Op, Page, PageQuery, Path, Problem, Sort,
    Tagged,
};
use cloister_ids::{DisciplineIncidentId, OrgId, PersonId};
use cloister_tenancy::Action;
use garde::Validate;
use jiff::civil::Date;
use serde::Deserialize;
use utoipa::IntoParams;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{DISCIPLINE_INCIDENT, DisciplineIncident, DisciplineIncidentFields, sample, sample_fields, store};
use crate::{
    listing::{Key, Order, Position, Span, StatusFilter, StatusParameter},
    rules::{clean, plausible},
    scope::Sight,
    scopes::OWN_CLASSES,
};

/// The routes of this resource.
pub(crate) fn routes() -> OpenApiRouter<Edge> {
    OpenApiRouter::new().routes(routes!(discipline_incident_list, discipline_incident_create)).routes(routes!(
        discipline_incident_read,
        discipline_incident_update,
        discipline_incident_delete
    ))
}

/// Which discipline incidents.
#[derive(Debug, Deserialize, Validate, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct DisciplineIncidentFilter {
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
    /// Only of this school.
    #[garde(skip)]
    school_id: Option<OrgId>,
    /// Only those that this student had a part in, as far as one may see who had.
    #[garde(skip)]
    student_id: Option<PersonId>,
    /// Only the one with this identifier.
    #[garde(inner(length(chars, max = 64), custom(clean)))]
    #[param(min_length = 1, max_length = 64)]
    incident_identifier: Option<String>,
    /// Only those that are confidential, or only those that are not.
    #[garde(skip)]
    confidential: Option<bool>,
}

/// The order of the list.
#[derive(Debug, Clone, Copy)]
enum DisciplineIncidentSort {
    IncidentDate,
}

impl Sort for DisciplineIncidentSort {
    const ORDERS: &'static [(&'static str, Self)] = &[("incident_date", Self::IncidentDate)];
}

impl Order for DisciplineIncidentSort {
    fn key(self) -> Key {
        Key::DATE
    }
}

/// The order, for the API document.
#[derive(Debug, IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "read by `Listing`; this is its description")]
struct DisciplineIncidentOrder {
    /// `incident_date` (as usual); with `-` in front from the last to the first.
    #[param(pattern = "^-?incident_date$", example = "-incident_date")]
    sort: Option<String>,
}

/// A page of them.
type DisciplineIncidentPage = Page<DisciplineIncident>;
/// Changes to one.
type DisciplineIncidentPatch = MergePatch<DisciplineIncidentFields>;

/// List discipline incidents
///
/// A page of those one may see, by day. Who was in them is told by their participants.
#[utoipa::path(
    get,
    path = "/discipline_incidents",
    operation_id = "discipline_incident_list",
    tag = "School",
    params(StatusParameter, DisciplineIncidentFilter, DisciplineIncidentOrder, PageQuery),
    responses((status = 200, description = "A page of discipline incidents.", body = DisciplineIncidentPage,
        example = json!({ "items": [sample()], "next_cursor": null })))
)]
async fn discipline_incident_list(
    op: Op,
    listing: Listing<DisciplineIncidentFilter, DisciplineIncidentSort>,
) -> Result<Answer<DisciplineIncidentPage>, Problem> {
    let Op { tenancy, cx, .. } = &op;
    let sight = super::sight(cx, listing.filter.student_id.is_some())?;
    let (tenant, what, filter) = (cx.tenant_id(), DISCIPLINE_INCIDENT.name, &listing.filter);
    let selection = store::Selection {
        span: Span::of(&listing, filter.status, tenant, what)?.on_days(filter.from, filter.until),
        from: filter.from,
        until: filter.until,
        confidential: filter.confidential,
        school_id: filter.school_id,
        student_id: filter.student_id,
        incident_identifier: filter.incident_identifier.as_deref(),
    };
    let rows = store::list_by_date(tenancy, cx, &sight, &selection).await?;
    Ok(Answer(
        listing.page(tenant, what, rows, |last| Position {
            key: Key::Date(last.fields.incident_date),
            id: last.id.uuid(),
        }),
    ))
}

/// Create a discipline incident
///
/// With its participants, all at once or not at all. A teacher reports what students taught were in, under their own name.
#[utoipa::path(
    post,
    path = "/discipline_incidents",
    operation_id = "discipline_incident_create",
    tag = "School",
    extensions(("x-table" = json!(true))),
    params(IdempotencyHeader),
    request_body(content = DisciplineIncidentFields, example = json!(sample_fields())),
    responses((status = 201, description = "The discipline incident.", body = DisciplineIncident,
        headers(("ETag" = String, description = "Its version."), ("Location" = String, description = "Its address.")),
        example = json!(sample())))
)]
async fn discipline_incident_create(op: Op, once: Once<DisciplineIncidentFields>) -> Result<Response<Body>, Problem> {
    Sight::to(&op.cx, Action::Create, &DISCIPLINE_INCIDENT, &[OWN_CLASSES])?;
    let mut tx = op.tenancy.write(&op.cx).await?;
    let made = super::create(&mut tx, once.key.as_ref(), once.body).await;
    op.created(tx, once.key, made).await
}

/// Read a discipline incident
///
/// A deleted one too: its status tells.
#[utoipa::path(
    get,
    path = "/discipline_incidents/{id}",
    operation_id = "discipline_incident_read",
    tag = "School",
    params(("id" = DisciplineIncidentId, Path, description = "Which one.")),
    responses((status = 200, description = "The discipline incident.", body = DisciplineIncident,
        headers(("ETag" = String, description = "Its version.")),
        example = json!(sample())))
)]
async fn discipline_incident_read(
    op: Op,
    Path(id): Path<DisciplineIncidentId>,
) -> Result<Tagged<DisciplineIncident>, Problem> {
    Ok(Tagged(super::read(&op.tenancy, &op.cx, id).await?))
}

/// Change a discipline incident
///
/// A JSON merge patch: what is absent stays, what is null is removed. The status `active` brings a deleted one back. Participants are changed by themselves; they keep to the day of the incident.
#[utoipa::path(
    patch,
    path = "/discipline_incidents/{id}",
    operation_id = "discipline_incident_update",
    tag = "School",
    params(("id" = DisciplineIncidentId, Path, description = "Which one."),
        ("If-Match" = String, Header, description = "The ETag you read.", example = "\"v1\"")),
    request_body(content = DisciplineIncidentPatch, example = json!({ "location_description": "Behind the gymnasium" })),
    responses((status = 200, description = "The discipline incident as it is now.", body = DisciplineIncident,
        headers(("ETag" = String, description = "Its version.")),
        example = json!(sample())))
)]
async fn discipline_incident_update(
    op: Op,
    Path(id): Path<DisciplineIncidentId>,
    known: IfMatch,
    patch: DisciplineIncidentPatch,
) -> Result<Tagged<DisciplineIncident>, Problem> {
    Ok(Tagged(super::update(&op.tenancy, &op.cx, id, &known, &patch).await?))
}

/// Delete a discipline incident
///
/// It stays readable for whoever sees all, with the status `tobedeleted`. What is known of it counts no more, and is there again when it comes back.
#[utoipa::path(
    delete,
    path = "/discipline_incidents/{id}",
    operation_id = "discipline_incident_delete",
    tag = "School",
    params(("id" = DisciplineIncidentId, Path, description = "Which one."),
        ("If-Match" = String, Header, description = "The ETag you read.", example = "\"v1\"")),
    responses((status = 204, description = "It is deleted."))
)]
async fn discipline_incident_delete(
    op: Op,
    Path(id): Path<DisciplineIncidentId>,
    known: IfMatch,
) -> Result<StatusCode, Problem> {
    super::delete(&op.tenancy, &op.cx, id, &known).await?;
    Ok(StatusCode::NO_CONTENT)
}
