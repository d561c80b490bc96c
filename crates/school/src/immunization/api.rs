//! Endpoints about immunizations.

use axum::{
    body::Body,
    http::{Response, StatusCode},
};
use cloister_http::{
    Answer, Edge, IdempotencyHeader, IfMatch, Listing, MergePatch, Once, Op, Page, PageQuery, Path, Problem, Tagged,
};
use cloister_ids::ImmunizationId;
use cloister_tenancy::Action;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{IMMUNIZATION, Immunization, ImmunizationFields, sample, sample_fields};
use crate::{
    health::{self, HealthFilter, HealthOrder, HealthSort},
    listing::StatusParameter,
};

/// The routes of this resource.
pub(crate) fn routes() -> OpenApiRouter<Edge> {
    OpenApiRouter::new().routes(routes!(immunization_list, immunization_create)).routes(routes!(
        immunization_read,
        immunization_update,
        immunization_delete
    ))
}

/// A page of them.
type ImmunizationPage = Page<Immunization>;
/// Changes to one.
type ImmunizationPatch = MergePatch<ImmunizationFields>;

/// List immunizations
///
/// A page of those one may see, by day unless another order is asked for. What they tell is kept sealed and cannot be searched.
/// Each one that is shown is noted in the access log.
#[utoipa::path(
    get,
    path = "/immunizations",
    operation_id = "immunization_list",
    tag = "School",
    params(StatusParameter, HealthFilter, HealthOrder, PageQuery),
    responses((status = 200, description = "A page of immunizations.", body = ImmunizationPage,
        example = json!({ "items": [sample()], "next_cursor": null })))
)]
async fn immunization_list(
    op: Op,
    listing: Listing<HealthFilter, HealthSort>,
) -> Result<Answer<ImmunizationPage>, Problem> {
    health::list::<ImmunizationFields, Immunization>(&op, &listing).await.map(Answer)
}

/// Create an immunization
#[utoipa::path(
    post,
    path = "/immunizations",
    operation_id = "immunization_create",
    tag = "School",
    params(IdempotencyHeader),
    request_body(content = ImmunizationFields, example = json!(sample_fields())),
    responses((status = 201, description = "The immunization.", body = Immunization,
        headers(("ETag" = String, description = "Its version."), ("Location" = String, description = "Its address.")),
        example = json!(sample())))
)]
async fn immunization_create(op: Op, once: Once<ImmunizationFields>) -> Result<Response<Body>, Problem> {
    op.cx.authorize(Action::Create, &IMMUNIZATION)?;
    let mut tx = op.tenancy.write(&op.cx).await?;
    let made = health::create(&mut tx, once.key.as_ref(), once.body).await;
    op.created_sealed(tx, once.key, made.map(Immunization::from)).await
}

/// Read an immunization
///
/// A deleted one too: its status tells. That it was read is noted in the access log.
#[utoipa::path(
    get,
    path = "/immunizations/{id}",
    operation_id = "immunization_read",
    tag = "School",
    params(("id" = ImmunizationId, Path, description = "Which one.")),
    responses((status = 200, description = "The immunization.", body = Immunization,
        headers(("ETag" = String, description = "Its version.")),
        example = json!(sample())))
)]
async fn immunization_read(op: Op, Path(id): Path<ImmunizationId>) -> Result<Tagged<Immunization>, Problem> {
    let kept = health::read::<ImmunizationFields>(&op.tenancy, &op.cx, id).await?;
    Ok(Tagged(kept.into()))
}

/// Change an immunization
///
/// A JSON merge patch: what is absent stays, what is null is removed. The status `active` brings a deleted one back. The
/// student stays.
#[utoipa::path(
    patch,
    path = "/immunizations/{id}",
    operation_id = "immunization_update",
    tag = "School",
    params(("id" = ImmunizationId, Path, description = "Which one."),
        ("If-Match" = String, Header, description = "The ETag you read.", example = "\"v1\"")),
    request_body(content = ImmunizationPatch, example = json!({ "lot_number": "A1234" })),
    responses((status = 200, description = "The immunization as it is now.", body = Immunization,
        headers(("ETag" = String, description = "Its version.")),
        example = json!(sample())))
)]
async fn immunization_update(
    op: Op,
    Path(id): Path<ImmunizationId>,
    known: IfMatch,
    patch: ImmunizationPatch,
) -> Result<Tagged<Immunization>, Problem> {
    let kept = health::update(&op.tenancy, &op.cx, id, &known, &patch).await?;
    Ok(Tagged(kept.into()))
}

/// Delete an immunization
///
/// It stays readable, with the status `tobedeleted`.
#[utoipa::path(
    delete,
    path = "/immunizations/{id}",
    operation_id = "immunization_delete",
    tag = "School",
    params(("id" = ImmunizationId, Path, description = "Which one."),
        ("If-Match" = String, Header, description = "The ETag you read.", example = "\"v1\"")),
    responses((status = 204, description = "It is deleted."))
)]
async fn immunization_delete(op: Op, Path(id): Path<ImmunizationId>, known: IfMatch) -> Result<StatusCode, Problem> {
    health::delete::<ImmunizationFields>(&op.tenancy, &op.cx, id, &known).await?;
    Ok(StatusCode::NO_CONTENT)
}
