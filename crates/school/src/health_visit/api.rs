//! Endpoints about health visits.

use axum::{
    body::Body,
    http::{Response, StatusCode},
};
use cloister_http::{
    Answer, Edge, IdempotencyHeader, IfMatch, Listing, MergePatch, Once, Op, Page, PageQuery, Path, Problem, Tagged,
};
use cloister_ids::HealthVisitId;
use cloister_tenancy::Action;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{HEALTH_VISIT, HealthVisit, HealthVisitFields, sample, sample_fields};
use crate::{
    health::{self, HealthFilter, HealthOrder, HealthSort},
    listing::StatusParameter,
};

/// The routes of this resource.
pub(crate) fn routes() -> OpenApiRouter<Edge> {
    OpenApiRouter::new().routes(routes!(health_visit_list, health_visit_create)).routes(routes!(
        health_visit_read,
        health_visit_update,
        health_visit_delete
    ))
}

/// A page of them.
type HealthVisitPage = Page<HealthVisit>;
/// Changes to one.
type HealthVisitPatch = MergePatch<HealthVisitFields>;

/// List health visits
///
/// A page of those one may see, by day unless another order is asked for. What they tell is kept sealed and cannot be searched.
/// Each one that is shown is noted in the access log.
#[utoipa::path(
    get,
    path = "/health_visits",
    operation_id = "health_visit_list",
    tag = "School",
    params(StatusParameter, HealthFilter, HealthOrder, PageQuery),
    responses((status = 200, description = "A page of health visits.", body = HealthVisitPage,
        example = json!({ "items": [sample()], "next_cursor": null })))
)]
async fn health_visit_list(
    op: Op,
    listing: Listing<HealthFilter, HealthSort>,
) -> Result<Answer<HealthVisitPage>, Problem> {
    health::list::<HealthVisitFields, HealthVisit>(&op, &listing).await.map(Answer)
}

/// Create a health visit
#[utoipa::path(
    post,
    path = "/health_visits",
    operation_id = "health_visit_create",
    tag = "School",
    params(IdempotencyHeader),
    request_body(content = HealthVisitFields, example = json!(sample_fields())),
    responses((status = 201, description = "The health visit.", body = HealthVisit,
        headers(("ETag" = String, description = "Its version."), ("Location" = String, description = "Its address.")),
        example = json!(sample())))
)]
async fn health_visit_create(op: Op, once: Once<HealthVisitFields>) -> Result<Response<Body>, Problem> {
    op.cx.authorize(Action::Create, &HEALTH_VISIT)?;
    let mut tx = op.tenancy.write(&op.cx).await?;
    let made = health::create(&mut tx, once.key.as_ref(), once.body).await;
    op.created_sealed(tx, once.key, made.map(HealthVisit::from)).await
}

/// Read a health visit
///
/// A deleted one too: its status tells. That it was read is noted in the access log.
#[utoipa::path(
    get,
    path = "/health_visits/{id}",
    operation_id = "health_visit_read",
    tag = "School",
    params(("id" = HealthVisitId, Path, description = "Which one.")),
    responses((status = 200, description = "The health visit.", body = HealthVisit,
        headers(("ETag" = String, description = "Its version.")),
        example = json!(sample())))
)]
async fn health_visit_read(op: Op, Path(id): Path<HealthVisitId>) -> Result<Tagged<HealthVisit>, Problem> {
    let kept = health::read::<HealthVisitFields>(&op.tenancy, &op.cx, id).await?;
    Ok(Tagged(kept.into()))
}

/// Change a health visit
///
/// A JSON merge patch: what is absent stays, what is null is removed. The status `active` brings a deleted one back. The
/// student stays.
#[utoipa::path(
    patch,
    path = "/health_visits/{id}",
    operation_id = "health_visit_update",
    tag = "School",
    params(("id" = HealthVisitId, Path, description = "Which one."),
        ("If-Match" = String, Header, description = "The ETag you read.", example = "\"v1\"")),
    request_body(content = HealthVisitPatch, example = json!({ "outcome": "sent_home" })),
    responses((status = 200, description = "The health visit as it is now.", body = HealthVisit,
        headers(("ETag" = String, description = "Its version.")),
        example = json!(sample())))
)]
async fn health_visit_update(
    op: Op,
    Path(id): Path<HealthVisitId>,
    known: IfMatch,
    patch: HealthVisitPatch,
) -> Result<Tagged<HealthVisit>, Problem> {
    let kept = health::update(&op.tenancy, &op.cx, id, &known, &patch).await?;
    Ok(Tagged(kept.into()))
}

/// Delete a health visit
///
/// It stays readable, with the status `tobedeleted`.
#[utoipa::path(
    delete,
    path = "/health_visits/{id}",
    operation_id = "health_visit_delete",
    tag = "School",
    params(("id" = HealthVisitId, Path, description = "Which one."),
        ("If-Match" = String, Header, description = "The ETag you read.", example = "\"v1\"")),
    responses((status = 204, description = "It is deleted."))
)]
async fn health_visit_delete(op: Op, Path(id): Path<HealthVisitId>, known: IfMatch) -> Result<StatusCode, Problem> {
    health::delete::<HealthVisitFields>(&op.tenancy, &op.cx, id, &known).await?;
    Ok(StatusCode::NO_CONTENT)
}
