//! Endpoints about health conditions.

use axum::{
    body::Body,
    http::{Response, StatusCode},
};
use cloister_http::{
    Answer, Edge, IdempotencyHeader, IfMatch, Listing, MergePatch, Once, Op, Page, PageQuery, Path, Problem, Tagged,
};
use cloister_ids::HealthConditionId;
use cloister_tenancy::Action;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{HEALTH_CONDITION, HealthCondition, HealthConditionFields, sample, sample_fields};
use crate::{
    health::{self, HealthFilter, HealthOrder, HealthSort},
    listing::StatusParameter,
};

/// The routes of this resource.
pub(crate) fn routes() -> OpenApiRouter<Edge> {
    OpenApiRouter::new().routes(routes!(health_condition_list, health_condition_create)).routes(routes!(
        health_condition_read,
        health_condition_update,
        health_condition_delete
    ))
}

/// A page of them.
type HealthConditionPage = Page<HealthCondition>;
/// Changes to one.
type HealthConditionPatch = MergePatch<HealthConditionFields>;

/// List health conditions
///
/// A page of those one may see, by the day they were recorded unless another order is asked for. What they tell is kept sealed and cannot be searched.
/// Each one that is shown is noted in the access log.
#[utoipa::path(
    get,
    path = "/health_conditions",
    operation_id = "health_condition_list",
    tag = "School",
    params(StatusParameter, HealthFilter, HealthOrder, PageQuery),
    responses((status = 200, description = "A page of health conditions.", body = HealthConditionPage,
        example = json!({ "items": [sample()], "next_cursor": null })))
)]
async fn health_condition_list(
    op: Op,
    listing: Listing<HealthFilter, HealthSort>,
) -> Result<Answer<HealthConditionPage>, Problem> {
    health::list::<HealthConditionFields, HealthCondition>(&op, &listing).await.map(Answer)
}

/// Create a health condition
#[utoipa::path(
    post,
    path = "/health_conditions",
    operation_id = "health_condition_create",
    tag = "School",
    params(IdempotencyHeader),
    request_body(content = HealthConditionFields, example = json!(sample_fields())),
    responses((status = 201, description = "The health condition.", body = HealthCondition,
        headers(("ETag" = String, description = "Its version."), ("Location" = String, description = "Its address.")),
        example = json!(sample())))
)]
async fn health_condition_create(op: Op, once: Once<HealthConditionFields>) -> Result<Response<Body>, Problem> {
    op.cx.authorize(Action::Create, &HEALTH_CONDITION)?;
    let mut tx = op.tenancy.write(&op.cx).await?;
    let made = health::create(&mut tx, once.key.as_ref(), once.body).await;
    op.created_sealed(tx, once.key, made.map(HealthCondition::from)).await
}

/// Read a health condition
///
/// A deleted one too: its status tells. That it was read is noted in the access log.
#[utoipa::path(
    get,
    path = "/health_conditions/{id}",
    operation_id = "health_condition_read",
    tag = "School",
    params(("id" = HealthConditionId, Path, description = "Which one.")),
    responses((status = 200, description = "The health condition.", body = HealthCondition,
        headers(("ETag" = String, description = "Its version.")),
        example = json!(sample())))
)]
async fn health_condition_read(op: Op, Path(id): Path<HealthConditionId>) -> Result<Tagged<HealthCondition>, Problem> {
    let kept = health::read::<HealthConditionFields>(&op.tenancy, &op.cx, id).await?;
    Ok(Tagged(kept.into()))
}

/// Change a health condition
///
/// A JSON merge patch: what is absent stays, what is null is removed. The status `active` brings a deleted one back. The
/// student stays.
#[utoipa::path(
    patch,
    path = "/health_conditions/{id}",
    operation_id = "health_condition_update",
    tag = "School",
    params(("id" = HealthConditionId, Path, description = "Which one."),
        ("If-Match" = String, Header, description = "The ETag you read.", example = "\"v1\"")),
    request_body(content = HealthConditionPatch, example = json!({ "severity": "moderate", "alert": true })),
    responses((status = 200, description = "The health condition as it is now.", body = HealthCondition,
        headers(("ETag" = String, description = "Its version.")),
        example = json!(sample())))
)]
async fn health_condition_update(
    op: Op,
    Path(id): Path<HealthConditionId>,
    known: IfMatch,
    patch: HealthConditionPatch,
) -> Result<Tagged<HealthCondition>, Problem> {
    let kept = health::update(&op.tenancy, &op.cx, id, &known, &patch).await?;
    Ok(Tagged(kept.into()))
}

/// Delete a health condition
///
/// It stays readable, with the status `tobedeleted`.
#[utoipa::path(
    delete,
    path = "/health_conditions/{id}",
    operation_id = "health_condition_delete",
    tag = "School",
    params(("id" = HealthConditionId, Path, description = "Which one."),
        ("If-Match" = String, Header, description = "The ETag you read.", example = "\"v1\"")),
    responses((status = 204, description = "It is deleted."))
)]
async fn health_condition_delete(
    op: Op,
    Path(id): Path<HealthConditionId>,
    known: IfMatch,
) -> Result<StatusCode, Problem> {
    health::delete::<HealthConditionFields>(&op.tenancy, &op.cx, id, &known).await?;
    Ok(StatusCode::NO_CONTENT)
}
