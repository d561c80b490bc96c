//! Endpoints about the files of documents.

use axum::{
    body::{Body, Bytes},
    http::{HeaderName, HeaderValue, Response, StatusCode, header},
};
use base64::{Engine, engine::general_purpose::STANDARD};
use cloister_http::{Edge, IfMatch, Op, Path, Problem, Query, Tagged, Upload};
use cloister_ids::DocumentId;
use cloister_tenancy::{Error, Result};
use futures_util::stream;
use garde::Validate;
use serde::Deserialize;
use tokio::io::AsyncReadExt;
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    Document, file,
    file_name::{LONGEST, attachment, plain},
    samples::sample,
};
use crate::rules::clean;

/// The routes of this folder's files.
pub(super) fn routes() -> OpenApiRouter<Edge> {
    OpenApiRouter::new().routes(routes!(document_file_read, document_file_replace, document_file_delete))
}

/// Bytes that are read and sent at once.
const PART: usize = 64 * 1024;

/// For what comes from people and is shown by browsers: nothing in it runs, loads anything or is part of a page of ours.
pub(crate) const POLICY: HeaderValue = HeaderValue::from_static(
    "default-src 'none'; sandbox; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
);
/// Kept by nobody on the way.
pub(crate) const NOT_KEPT: HeaderValue = HeaderValue::from_static("private, no-store");

/// How the file is called.
#[derive(Debug, Deserialize, Validate, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct FileWish {
    /// Its name, without a path, ending as files of its media type do.
    #[garde(length(chars, max = LONGEST), custom(clean), custom(plain))]
    #[param(min_length = 1, max_length = 255, example = "residence-permit.pdf")]
    file_name: String,
}

/// The bytes of a file.
#[derive(ToSchema)]
#[schema(value_type = String, format = Binary)]
#[expect(dead_code, reason = "the form of a body, for the API document")]
struct DocumentFile(Vec<u8>);

/// Read a document's file
///
/// Always as an attachment: a browser keeps it and shows nothing of it. That it was asked for is noted in the audit log, with
/// who asked. The ETag is the document's version; `Repr-Digest` has the SHA-256 of the file.
#[utoipa::path(
    get,
    path = "/documents/{id}/file",
    operation_id = "document_file_read",
    tag = "School",
    params(("id" = DocumentId, Path, description = "Which document.")),
    responses((status = 200, description = "The file, with the media type it was put in with.",
        content((DocumentFile = "application/pdf", example = "%PDF-1.7"), (DocumentFile = "image/jpeg", example = "…"),
            (DocumentFile = "image/png", example = "…"), (DocumentFile = "image/webp", example = "…"),
            (DocumentFile = "text/plain", example = "…"),
            (DocumentFile = "application/vnd.openxmlformats-officedocument.wordprocessingml.document", example = "…"),
            (DocumentFile = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", example = "…"),
            (DocumentFile = "application/vnd.oasis.opendocument.text", example = "…"),
            (DocumentFile = "application/vnd.oasis.opendocument.spreadsheet", example = "…")),
        headers(("ETag" = String, description = "The document's version."),
            ("Repr-Digest" = String, description = "The SHA-256 of the file."),
            ("Content-Disposition" = String, description = "An attachment, with its name."))))
)]
async fn document_file_read(op: Op, Path(id): Path<DocumentId>) -> Result<Response<Body>, Problem> {
    let file::Taken { document, file } = file::take(&op.tenancy, &op.cx, id).await?;
    let parts = stream::try_unfold(tokio::fs::File::from_std(file), async |mut file| {
        let mut part = Vec::with_capacity(PART);
        let read = file.read_buf(&mut part).await?;
        Ok::<_, std::io::Error>((read > 0).then(|| (Bytes::from(part), file)))
    });
    let mut response = Response::new(Body::from_stream(parts));
    let headers = response.headers_mut();
    let media_type = document.media_type.as_deref().unwrap_or("application/octet-stream");
    let media_type = if media_type == "text/plain" { "text/plain; charset=utf-8" } else { media_type };
    let name = attachment(document.file_name.as_deref().unwrap_or("file"));
    let digest = digest(document.sha256.as_deref().unwrap_or_default());
    let version = format!("\"v{}\"", document.record.version);
    for (header, value) in [
        (header::CONTENT_TYPE, media_type),
        (header::CONTENT_DISPOSITION, &name),
        (header::ETAG, &version),
        (HeaderName::from_static("repr-digest"), &digest),
    ] {
        headers.insert(header, HeaderValue::from_str(value).map_err(Error::internal)?);
    }
    headers.insert(header::CONTENT_LENGTH, HeaderValue::from(document.byte_size.unwrap_or_default()));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(header::CONTENT_SECURITY_POLICY, POLICY);
    headers.insert(header::CACHE_CONTROL, NOT_KEPT);
    Ok(response)
}

/// A hash as RFC 9530 writes it: in base 64, between colons.
fn digest(hexadecimal: &str) -> String {
    let bytes: Vec<u8> = (0..hexadecimal.len() / 2)
        .filter_map(|at| u8::from_str_radix(hexadecimal.get(2 * at..2 * at + 2)?, 16).ok())
        .collect();
    format!("sha-256=:{}:", STANDARD.encode(bytes))
}

/// Put a file into a document
///
/// The file itself as the body, of 10 MiB at most, in place of the one there was. PDF, JPEG, PNG, WebP, plain text in UTF-8,
/// Word, Excel and OpenDocument files are taken, and only if what is in them is what the header `Content-Type` says.
#[utoipa::path(
    put,
    path = "/documents/{id}/file",
    operation_id = "document_file_replace",
    tag = "School",
    params(("id" = DocumentId, Path, description = "Which document."), FileWish,
        ("If-Match" = String, Header, description = "The document's ETag that you read.", example = "\"v1\"")),
    request_body(
        description = "The file.",
        content((DocumentFile = "application/pdf", example = json!("%PDF-1.7")),
            (DocumentFile = "image/jpeg", example = json!("…")), (DocumentFile = "image/png", example = json!("…")),
            (DocumentFile = "image/webp", example = json!("…")), (DocumentFile = "text/plain", example = json!("…")),
            (DocumentFile = "application/vnd.openxmlformats-officedocument.wordprocessingml.document", example = json!("…")),
            (DocumentFile = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", example = json!("…")),
            (DocumentFile = "application/vnd.oasis.opendocument.text", example = json!("…")),
            (DocumentFile = "application/vnd.oasis.opendocument.spreadsheet", example = json!("…")))
    ),
    responses((status = 200, description = "The document as it is now.", body = Document,
        headers(("ETag" = String, description = "Its version.")),
        example = json!(sample())))
)]
async fn document_file_replace(
    op: Op,
    Path(id): Path<DocumentId>,
    known: IfMatch,
    Query(wish): Query<FileWish>,
    upload: Upload,
) -> Result<Tagged<Document>, Problem> {
    file::authorize(&op.tenancy, &op.cx, id).await?;
    let names: Vec<&str> = file::kinds().map(|kind| kind.name).collect();
    let target = tokio::task::spawn_blocking(tempfile::tempfile).await.map_err(Error::internal)?;
    let received = upload.receive(&names, file::LARGEST, target.map_err(Error::internal)?).await?;
    Ok(Tagged(file::replace(&op.tenancy, &op.cx, id, &known, wish.file_name, received).await?))
}

/// Erase a document's file
///
/// Nothing of it remains. The document stays, and says no more that there is a file.
#[utoipa::path(
    delete,
    path = "/documents/{id}/file",
    operation_id = "document_file_delete",
    tag = "School",
    params(("id" = DocumentId, Path, description = "Which document."),
        ("If-Match" = String, Header, description = "The document's ETag that you read.", example = "\"v1\"")),
    responses((status = 204, description = "It is erased."))
)]
async fn document_file_delete(op: Op, Path(id): Path<DocumentId>, known: IfMatch) -> Result<StatusCode, Problem> {
    file::erase(&op.tenancy, &op.cx, id, &known).await?;
    Ok(StatusCode::NO_CONTENT)
}

#[cfg(test)]
mod tests {
    use super::digest;

    #[test]
    fn a_digest_is_in_base_64() {
        assert_eq!(digest("666f6f"), "sha-256=:Zm9v:");
        assert_eq!(digest("666f6f62"), "sha-256=:Zm9vYg==:");
        assert_eq!(digest("666f6f6261"), "sha-256=:Zm9vYmE=:");
        assert_eq!(digest(""), "sha-256=::");
    }
}
