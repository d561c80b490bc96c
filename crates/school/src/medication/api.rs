//! Endpoints about medications.

use axum::{
    body::Body,
    http::{Response, StatusCode},
};
use cloister_http::{
    Answer, Edge, IdempotencyHeader, IfMatch, Listing, MergePatch, Once, Op, Page, PageQuery, Path, Problem, Tagged,
};
use cloister_ids::MedicationId;
use cloister_tenancy::Action;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{MEDICATION, Medication, MedicationFields, sample, sample_fields};
use crate::{
    health::{self, HealthFilter, HealthOrder, HealthSort},
    listing::StatusParameter,
};

/// The routes of this resource.
pub(crate) fn routes() -> OpenApiRouter<Edge> {
    OpenApiRouter::new().routes(routes!(medication_list, medication_create)).routes(routes!(
        medication_read,
        medication_update,
        medication_delete
    ))
}

/// A page of them.
type MedicationPage = Page<Medication>;
/// Changes to one.
type MedicationPatch = MergePatch<MedicationFields>;

/// List medications
///
/// A page of those one may see, by first day unless another order is asked for. What they tell is kept sealed and cannot be searched.
/// Each one that is shown is noted in the access log.
#[utoipa::path(
    get,
    path = "/medications",
    operation_id = "medication_list",
    tag = "School",
    params(StatusParameter, HealthFilter, HealthOrder, PageQuery),
    responses((status = 200, description = "A page of medications.", body = MedicationPage,
        example = json!({ "items": [sample()], "next_cursor": null })))
)]
async fn medication_list(
    op: Op,
    listing: Listing<HealthFilter, HealthSort>,
) -> Result<Answer<MedicationPage>, Problem> {
    health::list::<MedicationFields, Medication>(&op, &listing).await.map(Answer)
}

/// Create a medication
#[utoipa::path(
    post,
    path = "/medications",
    operation_id = "medication_create",
    tag = "School",
    params(IdempotencyHeader),
    request_body(content = MedicationFields, example = json!(sample_fields())),
    responses((status = 201, description = "The medication.", body = Medication,
        headers(("ETag" = String, description = "Its version."), ("Location" = String, description = "Its address.")),
        example = json!(sample())))
)]
async fn medication_create(op: Op, once: Once<MedicationFields>) -> Result<Response<Body>, Problem> {
    op.cx.authorize(Action::Create, &MEDICATION)?;
    let mut tx = op.tenancy.write(&op.cx).await?;
    let made = health::create(&mut tx, once.key.as_ref(), once.body).await;
    op.created_sealed(tx, once.key, made.map(Medication::from)).await
}

/// Read a medication
///
/// A deleted one too: its status tells. That it was read is noted in the access log.
#[utoipa::path(
    get,
    path = "/medications/{id}",
    operation_id = "medication_read",
    tag = "School",
    params(("id" = MedicationId, Path, description = "Which one.")),
    responses((status = 200, description = "The medication.", body = Medication,
        headers(("ETag" = String, description = "Its version.")),
        example = json!(sample())))
)]
async fn medication_read(op: Op, Path(id): Path<MedicationId>) -> Result<Tagged<Medication>, Problem> {
    let kept = health::read::<MedicationFields>(&op.tenancy, &op.cx, id).await?;
    Ok(Tagged(kept.into()))
}

/// Change a medication
///
/// A JSON merge patch: what is absent stays, what is null is removed. The status `active` brings a deleted one back. The
/// student stays.
#[utoipa::path(
    patch,
    path = "/medications/{id}",
    operation_id = "medication_update",
    tag = "School",
    params(("id" = MedicationId, Path, description = "Which one."),
        ("If-Match" = String, Header, description = "The ETag you read.", example = "\"v1\"")),
    request_body(content = MedicationPatch, example = json!({ "dose": "2 puffs", "end_date": "2026-07-01" })),
    responses((status = 200, description = "The medication as it is now.", body = Medication,
        headers(("ETag" = String, description = "Its version.")),
        example = json!(sample())))
)]
async fn medication_update(
    op: Op,
    Path(id): Path<MedicationId>,
    known: IfMatch,
    patch: MedicationPatch,
) -> Result<Tagged<Medication>, Problem> {
    let kept = health::update(&op.tenancy, &op.cx, id, &known, &patch).await?;
    Ok(Tagged(kept.into()))
}

/// Delete a medication
///
/// It stays readable, with the status `tobedeleted`.
#[utoipa::path(
    delete,
    path = "/medications/{id}",
    operation_id = "medication_delete",
    tag = "School",
    params(("id" = MedicationId, Path, description = "Which one."),
        ("If-Match" = String, Header, description = "The ETag you read.", example = "\"v1\"")),
    responses((status = 204, description = "It is deleted."))
)]
async fn medication_delete(op: Op, Path(id): Path<MedicationId>, known: IfMatch) -> Result<StatusCode, Problem> {
    health::delete::<MedicationFields>(&op.tenancy, &op.cx, id, &known).await?;
    Ok(StatusCode::NO_CONTENT)
}
