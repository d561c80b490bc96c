//! Endpoints about demographics.

use axum::http::StatusCode;
use cloister_http::{Edge, IfMatch, Json, Op, Path, Problem, Tagged};
use cloister_ids::PersonId;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{Demographics, DemographicsFields, sample, sample_fields};

/// The routes of this resource.
pub(crate) fn routes() -> OpenApiRouter<Edge> {
    OpenApiRouter::new().routes(routes!(demographics_read, demographics_replace, demographics_delete))
}

/// Read a person's demographics
#[utoipa::path(
    get,
    path = "/persons/{id}/demographics",
    operation_id = "demographics_read",
    tag = "School",
    params(("id" = PersonId, Path, description = "Whose.")),
    responses((status = 200, description = "What is known.", body = Demographics,
        headers(("ETag" = String, description = "Their version.")),
        example = json!(sample())))
)]
async fn demographics_read(op: Op, Path(id): Path<PersonId>) -> Result<Tagged<Demographics>, Problem> {
    Ok(Tagged(super::read(&op.tenancy, &op.cx, id).await?))
}

/// Enter or replace a person's demographics
///
/// What is left out is no longer known. Where there are some already, `If-Match` is needed.
#[utoipa::path(
    put,
    path = "/persons/{id}/demographics",
    operation_id = "demographics_replace",
    tag = "School",
    params(("id" = PersonId, Path, description = "Whose."),
        ("If-Match" = Option<String>, Header, description = "The ETag you read, if there was one.", example = "\"v1\"")),
    request_body(content = DemographicsFields, example = json!(sample_fields())),
    responses((status = 200, description = "What is known now.", body = Demographics,
        headers(("ETag" = String, description = "Their version.")),
        example = json!(sample())))
)]
async fn demographics_replace(
    op: Op,
    Path(id): Path<PersonId>,
    known: Result<IfMatch, Problem>,
    Json(fields): Json<DemographicsFields>,
) -> Result<Tagged<Demographics>, Problem> {
    Ok(Tagged(super::replace(&op.tenancy, &op.cx, id, known, fields).await?))
}

/// Erase a person's demographics
///
/// Nothing of them stays readable.
#[utoipa::path(
    delete,
    path = "/persons/{id}/demographics",
    operation_id = "demographics_delete",
    tag = "School",
    params(("id" = PersonId, Path, description = "Whose."),
        ("If-Match" = String, Header, description = "The ETag you read.", example = "\"v1\"")),
    responses((status = 204, description = "They are erased."))
)]
async fn demographics_delete(op: Op, Path(id): Path<PersonId>, known: IfMatch) -> Result<StatusCode, Problem> {
    super::erase(&op.tenancy, &op.cx, id, &known).await?;
    Ok(StatusCode::NO_CONTENT)
}
