//! Endpoints about photographs.

use axum::{
    body::Body,
    http::{HeaderValue, Response, StatusCode, header},
};
use cloister_http::{Edge, IfMatch, Op, Path, Problem, Tagged, Upload};
use cloister_ids::PersonId;
use cloister_tenancy::{Error, Result};
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{LARGEST, PersonPhoto, sample};
use crate::{
    document::{NOT_KEPT, POLICY},
    media_type::PICTURES,
};

/// The routes of this resource.
pub(crate) fn routes() -> OpenApiRouter<Edge> {
    OpenApiRouter::new().routes(routes!(person_photo_read, person_photo_replace, person_photo_delete))
}

/// The bytes of a picture.
#[derive(ToSchema)]
#[schema(value_type = String, format = Binary)]
#[expect(dead_code, reason = "the form of a body, for the API document")]
struct Picture(Vec<u8>);

/// Read a person's photograph
///
/// Whoever may see the person may see it.
#[utoipa::path(
    get,
    path = "/persons/{id}/photo",
    operation_id = "person_photo_read",
    tag = "School",
    params(("id" = PersonId, Path, description = "Whose.")),
    responses((status = 200, description = "The picture.",
        content((Picture = "image/jpeg", example = "…"), (Picture = "image/png", example = "…"),
            (Picture = "image/webp", example = "…")),
        headers(("ETag" = String, description = "Its version."))))
)]
async fn person_photo_read(op: Op, Path(id): Path<PersonId>) -> Result<Response<Body>, Problem> {
    let (photo, bytes) = super::read(&op.tenancy, &op.cx, id).await?;
    let mut response = Response::new(Body::from(bytes));
    let headers = response.headers_mut();
    let version = format!("\"v{}\"", photo.version);
    for (name, value) in [(header::CONTENT_TYPE, &photo.media_type), (header::ETAG, &version)] {
        headers.insert(name, HeaderValue::from_str(value).map_err(Error::internal)?);
    }
    headers.insert(header::CONTENT_DISPOSITION, HeaderValue::from_static("inline"));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(header::CONTENT_SECURITY_POLICY, POLICY);
    headers.insert(header::CACHE_CONTROL, NOT_KEPT);
    Ok(response)
}

/// Put in a person's photograph
///
/// The picture itself as the body: JPEG, PNG or WebP, of 2 MiB and 8192 points on each side at most. Where there is one
/// already, `If-Match` is needed.
#[utoipa::path(
    put,
    path = "/persons/{id}/photo",
    operation_id = "person_photo_replace",
    tag = "School",
    params(("id" = PersonId, Path, description = "Whose."),
        ("If-Match" = Option<String>, Header, description = "The ETag you read, if there was one.", example = "\"v1\"")),
    request_body(
        description = "The picture.",
        content((Picture = "image/jpeg", example = json!("…")), (Picture = "image/png", example = json!("…")),
            (Picture = "image/webp", example = json!("…")))
    ),
    responses((status = 200, description = "What is known of it.", body = PersonPhoto,
        headers(("ETag" = String, description = "Its version.")),
        example = json!(sample())))
)]
async fn person_photo_replace(
    op: Op,
    Path(id): Path<PersonId>,
    known: Result<IfMatch, Problem>,
    upload: Upload,
) -> Result<Tagged<PersonPhoto>, Problem> {
    super::authorize(&op.tenancy, &op.cx, id).await?;
    let target = tokio::task::spawn_blocking(tempfile::tempfile).await.map_err(Error::internal)?;
    let names = PICTURES.map(|kind| kind.name);
    let received = upload.receive(&names, LARGEST, target.map_err(Error::internal)?).await?;
    Ok(Tagged(super::replace(&op.tenancy, &op.cx, id, known, received).await?))
}

/// Erase a person's photograph
///
/// Nothing of it remains.
#[utoipa::path(
    delete,
    path = "/persons/{id}/photo",
    operation_id = "person_photo_delete",
    tag = "School",
    params(("id" = PersonId, Path, description = "Whose."),
        ("If-Match" = String, Header, description = "The ETag you read.", example = "\"v1\"")),
    responses((status = 204, description = "It is erased."))
)]
async fn person_photo_delete(op: Op, Path(id): Path<PersonId>, known: IfMatch) -> Result<StatusCode, Problem> {
    super::erase(&op.tenancy, &op.cx, id, &known).await?;
    Ok(StatusCode::NO_CONTENT)
}
