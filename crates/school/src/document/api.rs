//! Endpoints about documents; `file_api` has those about their files.

use axum::{
    body::Body,
    http::{Response, StatusCode},
};
use cloister_http::{
    Answer, Edge, IdempotencyHeader, IfMatch, Listing, MergePatch, Once, Op, Page, PageQuery, Path, Problem, Sort,
    Tagged,
};
use cloister_ids::{DocumentId, PersonId};
use cloister_tenancy::Action;
use garde::Validate;
use jiff::civil::Date;
use serde::Deserialize;
use utoipa::IntoParams;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    DOCUMENT, Document, DocumentFields,
    samples::{sample, sample_fields, without_file},
    store,
};
use crate::{
    listing::{Key, Order, Position, Span, StatusFilter, StatusParameter, prefix},
    rules::{plausible, searchable},
    scope::Sight,
    vocabulary::DocumentType,
};

/// The routes of this resource.
pub(crate) fn routes() -> OpenApiRouter<Edge> {
    OpenApiRouter::new().routes(routes!(document_list, document_create)).routes(routes!(
        document_read,
        document_update,
        document_delete
    ))
}

/// Which documents.
#[derive(Debug, Deserialize, Validate, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct DocumentFilter {
    #[garde(skip)]
    #[param(ignore)]
    status: Option<StatusFilter>,
    /// Only those of this person.
    #[garde(skip)]
    person_id: Option<PersonId>,
    /// Only those of this kind.
    #[garde(skip)]
    document_type: Option<DocumentType>,
    /// Only those that expire before this day, or have expired.
    #[garde(inner(custom(plausible)))]
    #[param(example = "2027-09-01")]
    expires_before: Option<Date>,
    /// Only those whose title begins with this; case and accents do not matter.
    #[garde(inner(length(chars, max = 100), custom(searchable)))]
    #[param(min_length = 1, max_length = 100, example = "resid")]
    q: Option<String>,
}

/// The orders of the list.
#[derive(Debug, Clone, Copy)]
enum DocumentSort {
    CreatedAt,
    Title,
    ExpiresOn,
    DateLastModified,
}

impl Sort for DocumentSort {
    const ORDERS: &'static [(&'static str, Self)] = &[
        ("created_at", Self::CreatedAt),
        ("title", Self::Title),
        ("expires_on", Self::ExpiresOn),
        ("date_last_modified", Self::DateLastModified),
    ];
}

impl Order for DocumentSort {
    fn key(self) -> Key {
        match self {
            Self::CreatedAt => Key::Id,
            Self::Title => Key::TEXT,
            Self::ExpiresOn => Key::DATE,
            Self::DateLastModified => Key::TIME,
        }
    }
}

/// The order, for the API document.
#[derive(Debug, IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "read by `Listing`; this is its description")]
struct DocumentOrder {
    /// `created_at` (as usual), `title`, `expires_on` (those that do not end come last) or `date_last_modified`; with `-` in
    /// front from the last to the first.
    #[param(pattern = "^-?(created_at|title|expires_on|date_last_modified)$", example = "expires_on")]
    sort: Option<String>,
}

/// A page of them.
type DocumentPage = Page<Document>;
/// Changes to one.
type DocumentPatch = MergePatch<DocumentFields>;

/// List documents
///
/// A page of those one may see, by age unless another order is asked for. For what must be renewed soon:
/// `?expires_before=…&sort=expires_on`.
#[utoipa::path(
    get,
    path = "/documents",
    operation_id = "document_list",
    tag = "School",
    params(StatusParameter, DocumentFilter, DocumentOrder, PageQuery),
    responses((status = 200, description = "A page of documents.", body = DocumentPage,
        example = json!({ "items": [sample()], "next_cursor": null })))
)]
async fn document_list(
    op: Op,
    listing: Listing<DocumentFilter, DocumentSort>,
) -> Result<Answer<DocumentPage>, Problem> {
    let Op { tenancy, cx, .. } = &op;
    let sight = Sight::of(cx, &DOCUMENT)?;
    let (tenant, what, filter) = (cx.tenant_id(), DOCUMENT.name, &listing.filter);
    let selection = store::Selection {
        span: Span::of(&listing, filter.status, tenant, what)?,
        person_id: filter.person_id,
        document_type: filter.document_type.clone(),
        expires_before: filter.expires_before,
        title: prefix(filter.q.as_deref()),
    };
    let statements = match listing.sort {
        DocumentSort::CreatedAt => store::BY_AGE,
        DocumentSort::Title => store::BY_TITLE,
        DocumentSort::ExpiresOn => store::BY_EXPIRY,
        DocumentSort::DateLastModified => store::BY_CHANGE,
    };
    let rows = store::list(tenancy, cx, statements, &sight, &selection).await?;
    Ok(Answer(listing.page(tenant, what, rows, |last| {
        let key = match listing.sort {
            DocumentSort::CreatedAt => Key::Id,
            DocumentSort::Title => Key::Text(last.fields.title_search()),
            DocumentSort::ExpiresOn => Key::Date(last.fields.expires_on.unwrap_or(store::NEVER)),
            DocumentSort::DateLastModified => Key::Time(last.record.date_last_modified),
        };
        Position { key, id: last.id.uuid() }
    })))
}

/// Create a document
///
/// Without a file, which is put in afterwards, or never: then the document says that there is one on paper.
#[utoipa::path(
    post,
    path = "/documents",
    operation_id = "document_create",
    tag = "School",
    extensions(("x-table" = json!(true))),
    params(IdempotencyHeader),
    request_body(content = DocumentFields, example = json!(sample_fields())),
    responses((status = 201, description = "The document.", body = Document,
        headers(("ETag" = String, description = "Its version."), ("Location" = String, description = "Its address.")),
        example = json!(without_file())))
)]
async fn document_create(op: Op, once: Once<DocumentFields>) -> Result<Response<Body>, Problem> {
    op.cx.authorize(Action::Create, &DOCUMENT)?;
    let mut tx = op.tenancy.write(&op.cx).await?;
    let made = super::create(&mut tx, once.key.as_ref(), once.body).await;
    op.created(tx, once.key, made).await
}

/// Read a document
///
/// What is known of it, and not its file. A deleted one too: its status tells.
#[utoipa::path(
    get,
    path = "/documents/{id}",
    operation_id = "document_read",
    tag = "School",
    params(("id" = DocumentId, Path, description = "Which one.")),
    responses((status = 200, description = "The document.", body = Document,
        headers(("ETag" = String, description = "Its version.")),
        example = json!(sample())))
)]
async fn document_read(op: Op, Path(id): Path<DocumentId>) -> Result<Tagged<Document>, Problem> {
    Ok(Tagged(super::read(&op.tenancy, &op.cx, id).await?))
}

/// Change a document
///
/// A JSON merge patch: what is absent stays, what is null is removed. The status `active` brings a deleted one back. The
/// person stays, and so does the kind of an order of a court that a contact names.
#[utoipa::path(
    patch,
    path = "/documents/{id}",
    operation_id = "document_update",
    tag = "School",
    params(("id" = DocumentId, Path, description = "Which one."),
        ("If-Match" = String, Header, description = "The ETag you read.", example = "\"v1\"")),
    request_body(content = DocumentPatch, example = json!({ "expires_on": "2031-05-14", "audiences": ["guardians"] })),
    responses((status = 200, description = "The document as it is now.", body = Document,
        headers(("ETag" = String, description = "Its version.")),
        example = json!(sample())))
)]
async fn document_update(
    op: Op,
    Path(id): Path<DocumentId>,
    known: IfMatch,
    patch: DocumentPatch,
) -> Result<Tagged<Document>, Problem> {
    Ok(Tagged(super::update(&op.tenancy, &op.cx, id, &known, &patch).await?))
}

/// Delete a document
///
/// It stays readable for the office, with the status `tobedeleted` and its file. To be rid of the file, erase that first. An
/// order of a court that a contact names cannot be deleted.
#[utoipa::path(
    delete,
    path = "/documents/{id}",
    operation_id = "document_delete",
    tag = "School",
    params(("id" = DocumentId, Path, description = "Which one."),
        ("If-Match" = String, Header, description = "The ETag you read.", example = "\"v1\"")),
    responses((status = 204, description = "It is deleted."))
)]
async fn document_delete(op: Op, Path(id): Path<DocumentId>, known: IfMatch) -> Result<StatusCode, Problem> {
    super::delete(&op.tenancy, &op.cx, id, &known).await?;
    Ok(StatusCode::NO_CONTENT)
}
