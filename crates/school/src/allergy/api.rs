//! Endpoints about allergies.

use axum::{
    body::Body,
    http::{Response, StatusCode},
};
use cloister_http::{
    Answer, Edge, IdempotencyHeader, IfMatch, Listing, MergePatch, Once, Op, Page, PageQuery, Path, Problem, Tagged,
};
use cloister_ids::AllergyId;
use cloister_tenancy::Action;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{ALLERGY, Allergy, AllergyFields, sample, sample_fields};
use crate::{
    health::{self, HealthFilter, HealthOrder, HealthSort},
    listing::StatusParameter,
};

/// The routes of this resource.
pub(crate) fn routes() -> OpenApiRouter<Edge> {
    OpenApiRouter::new().routes(routes!(allergy_list, allergy_create)).routes(routes!(
        allergy_read,
        allergy_update,
        allergy_delete
    ))
}

/// A page of them.
type AllergyPage = Page<Allergy>;
/// Changes to one.
type AllergyPatch = MergePatch<AllergyFields>;

/// List allergies
///
/// A page of those one may see, by the day they were recorded unless another order is asked for. What they tell is kept sealed and cannot be searched.
/// Each one that is shown is noted in the access log.
#[utoipa::path(
    get,
    path = "/allergies",
    operation_id = "allergy_list",
    tag = "School",
    params(StatusParameter, HealthFilter, HealthOrder, PageQuery),
    responses((status = 200, description = "A page of allergies.", body = AllergyPage,
        example = json!({ "items": [sample()], "next_cursor": null })))
)]
async fn allergy_list(op: Op, listing: Listing<HealthFilter, HealthSort>) -> Result<Answer<AllergyPage>, Problem> {
    health::list::<AllergyFields, Allergy>(&op, &listing).await.map(Answer)
}

/// Create an allergy
#[utoipa::path(
    post,
    path = "/allergies",
    operation_id = "allergy_create",
    tag = "School",
    params(IdempotencyHeader),
    request_body(content = AllergyFields, example = json!(sample_fields())),
    responses((status = 201, description = "The allergy.", body = Allergy,
        headers(("ETag" = String, description = "Its version."), ("Location" = String, description = "Its address.")),
        example = json!(sample())))
)]
async fn allergy_create(op: Op, once: Once<AllergyFields>) -> Result<Response<Body>, Problem> {
    op.cx.authorize(Action::Create, &ALLERGY)?;
    let mut tx = op.tenancy.write(&op.cx).await?;
    let made = health::create(&mut tx, once.key.as_ref(), once.body).await;
    op.created_sealed(tx, once.key, made.map(Allergy::from)).await
}

/// Read an allergy
///
/// A deleted one too: its status tells. That it was read is noted in the access log.
#[utoipa::path(
    get,
    path = "/allergies/{id}",
    operation_id = "allergy_read",
    tag = "School",
    params(("id" = AllergyId, Path, description = "Which one.")),
    responses((status = 200, description = "The allergy.", body = Allergy,
        headers(("ETag" = String, description = "Its version.")),
        example = json!(sample())))
)]
async fn allergy_read(op: Op, Path(id): Path<AllergyId>) -> Result<Tagged<Allergy>, Problem> {
    let kept = health::read::<AllergyFields>(&op.tenancy, &op.cx, id).await?;
    Ok(Tagged(kept.into()))
}

/// Change an allergy
///
/// A JSON merge patch: what is absent stays, what is null is removed. The status `active` brings a deleted one back. The
/// student stays.
#[utoipa::path(
    patch,
    path = "/allergies/{id}",
    operation_id = "allergy_update",
    tag = "School",
    params(("id" = AllergyId, Path, description = "Which one."),
        ("If-Match" = String, Header, description = "The ETag you read.", example = "\"v1\"")),
    request_body(content = AllergyPatch, example = json!({ "severity": "severe", "alert": true })),
    responses((status = 200, description = "The allergy as it is now.", body = Allergy,
        headers(("ETag" = String, description = "Its version.")),
        example = json!(sample())))
)]
async fn allergy_update(
    op: Op,
    Path(id): Path<AllergyId>,
    known: IfMatch,
    patch: AllergyPatch,
) -> Result<Tagged<Allergy>, Problem> {
    let kept = health::update(&op.tenancy, &op.cx, id, &known, &patch).await?;
    Ok(Tagged(kept.into()))
}

/// Delete an allergy
///
/// It stays readable, with the status `tobedeleted`.
#[utoipa::path(
    delete,
    path = "/allergies/{id}",
    operation_id = "allergy_delete",
    tag = "School",
    params(("id" = AllergyId, Path, description = "Which one."),
        ("If-Match" = String, Header, description = "The ETag you read.", example = "\"v1\"")),
    responses((status = 204, description = "It is deleted."))
)]
async fn allergy_delete(op: Op, Path(id): Path<AllergyId>, known: IfMatch) -> Result<StatusCode, Problem> {
    health::delete::<AllergyFields>(&op.tenancy, &op.cx, id, &known).await?;
    Ok(StatusCode::NO_CONTENT)
}
