//! Endpoints about attendance codes.

use axum::{
    body::Body,
    http::{Response, StatusCode},
};
use cloister_http::{
    Answer, Edge, IdempotencyHeader, IfMatch, Listing, MergePatch, Once, Op, Page, PageQuery, Path, Problem, Sort,
    Tagged,
};
use cloister_ids::AttendanceCodeId;
use cloister_tenancy::Action;
use garde::Validate;
use serde::Deserialize;
use utoipa::IntoParams;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{ATTENDANCE_CODE, AttendanceCode, AttendanceCodeFields, sample, sample_fields, store};
use crate::{
    listing::{Key, Order, Position, Span, StatusFilter, StatusParameter, prefix},
    rules::searchable,
    vocabulary::AttendanceCategory,
};

/// The routes of this resource.
pub(crate) fn routes() -> OpenApiRouter<Edge> {
    OpenApiRouter::new().routes(routes!(attendance_code_list, attendance_code_create)).routes(routes!(
        attendance_code_read,
        attendance_code_update,
        attendance_code_delete
    ))
}

/// Which attendance codes.
#[derive(Debug, Deserialize, Validate, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct AttendanceCodeFilter {
    #[garde(skip)]
    #[param(ignore)]
    status: Option<StatusFilter>,
    /// Only of this category.
    #[garde(skip)]
    category: Option<AttendanceCategory>,
    /// Only those whose title begins with this; case and accents do not matter.
    #[garde(inner(length(chars, max = 100), custom(searchable)))]
    #[param(min_length = 1, max_length = 100, example = "a")]
    q: Option<String>,
}

/// The orders of the list.
#[derive(Debug, Clone, Copy)]
enum AttendanceCodeSort {
    Title,
    DateLastModified,
}

impl Sort for AttendanceCodeSort {
    const ORDERS: &'static [(&'static str, Self)] =
        &[("title", Self::Title), ("date_last_modified", Self::DateLastModified)];
}

impl Order for AttendanceCodeSort {
    fn key(self) -> Key {
        match self {
            Self::Title => Key::TEXT,
            Self::DateLastModified => Key::TIME,
        }
    }
}

/// The order, for the API document.
#[derive(Debug, IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "read by `Listing`; this is its description")]
struct AttendanceCodeOrder {
    /// `title` (as usual) or `date_last_modified`; with `-` in front from the last to the first.
    #[param(pattern = "^-?(title|date_last_modified)$", example = "-date_last_modified")]
    sort: Option<String>,
}

/// A page of them.
type AttendanceCodePage = Page<AttendanceCode>;
/// Changes to one.
type AttendanceCodePatch = MergePatch<AttendanceCodeFields>;

/// List attendance codes
///
/// A page of them, by title unless another order is asked for.
#[utoipa::path(
    get,
    path = "/attendance_codes",
    operation_id = "attendance_code_list",
    tag = "School",
    params(StatusParameter, AttendanceCodeFilter, AttendanceCodeOrder, PageQuery),
    responses((status = 200, description = "A page of attendance codes.", body = AttendanceCodePage,
        example = json!({ "items": [sample()], "next_cursor": null })))
)]
async fn attendance_code_list(
    op: Op,
    listing: Listing<AttendanceCodeFilter, AttendanceCodeSort>,
) -> Result<Answer<AttendanceCodePage>, Problem> {
    let Op { tenancy, cx, .. } = &op;
    cx.authorize(Action::Read, &ATTENDANCE_CODE)?;
    let (tenant, what, filter) = (cx.tenant_id(), ATTENDANCE_CODE.name, &listing.filter);
    let selection = store::Selection {
        span: Span::of(&listing, filter.status, tenant, what)?,
        category: filter.category.clone(),
        title: prefix(filter.q.as_deref()),
    };
    let rows = match listing.sort {
        AttendanceCodeSort::Title => store::list_by_title(tenancy, cx, &selection).await?,
        AttendanceCodeSort::DateLastModified => store::list_by_change(tenancy, cx, &selection).await?,
    };
    Ok(Answer(listing.page(tenant, what, rows, |last| {
        let key = match listing.sort {
            AttendanceCodeSort::Title => Key::Text(last.fields.title_search()),
            AttendanceCodeSort::DateLastModified => Key::Time(last.record.date_last_modified),
        };
        Position { key, id: last.id.uuid() }
    })))
}

/// Create an attendance code
#[utoipa::path(
    post,
    path = "/attendance_codes",
    operation_id = "attendance_code_create",
    tag = "School",
    extensions(("x-table" = json!(true))),
    params(IdempotencyHeader),
    request_body(content = AttendanceCodeFields, example = json!(sample_fields())),
    responses((status = 201, description = "The attendance code.", body = AttendanceCode,
        headers(("ETag" = String, description = "Its version."), ("Location" = String, description = "Its address.")),
        example = json!(sample())))
)]
async fn attendance_code_create(op: Op, once: Once<AttendanceCodeFields>) -> Result<Response<Body>, Problem> {
    op.cx.authorize(Action::Create, &ATTENDANCE_CODE)?;
    let mut tx = op.tenancy.write(&op.cx).await?;
    let made = super::create(&mut tx, once.key.as_ref(), once.body).await;
    op.created(tx, once.key, made).await
}

/// Read an attendance code
///
/// A deleted one too: its status tells.
#[utoipa::path(
    get,
    path = "/attendance_codes/{id}",
    operation_id = "attendance_code_read",
    tag = "School",
    params(("id" = AttendanceCodeId, Path, description = "Which one.")),
    responses((status = 200, description = "The attendance code.", body = AttendanceCode,
        headers(("ETag" = String, description = "Its version.")),
        example = json!(sample())))
)]
async fn attendance_code_read(op: Op, Path(id): Path<AttendanceCodeId>) -> Result<Tagged<AttendanceCode>, Problem> {
    Ok(Tagged(super::read(&op.tenancy, &op.cx, id).await?))
}

/// Change an attendance code
///
/// A JSON merge patch: what is absent stays, what is null is removed. The status `active` brings a deleted one back. What was
/// recorded keeps the meaning that the code had then.
#[utoipa::path(
    patch,
    path = "/attendance_codes/{id}",
    operation_id = "attendance_code_update",
    tag = "School",
    params(("id" = AttendanceCodeId, Path, description = "Which one."),
        ("If-Match" = String, Header, description = "The ETag you read.", example = "\"v1\"")),
    request_body(content = AttendanceCodePatch, example = json!({ "excused": true })),
    responses((status = 200, description = "The attendance code as it is now.", body = AttendanceCode,
        headers(("ETag" = String, description = "Its version.")),
        example = json!(sample())))
)]
async fn attendance_code_update(
    op: Op,
    Path(id): Path<AttendanceCodeId>,
    known: IfMatch,
    patch: AttendanceCodePatch,
) -> Result<Tagged<AttendanceCode>, Problem> {
    Ok(Tagged(super::update(&op.tenancy, &op.cx, id, &known, &patch).await?))
}

/// Delete an attendance code
///
/// It stays readable, with the status `tobedeleted`, and what was recorded with it stays as it is. Nothing new can be recorded
/// with it.
#[utoipa::path(
    delete,
    path = "/attendance_codes/{id}",
    operation_id = "attendance_code_delete",
    tag = "School",
    params(("id" = AttendanceCodeId, Path, description = "Which one."),
        ("If-Match" = String, Header, description = "The ETag you read.", example = "\"v1\"")),
    responses((status = 204, description = "It is deleted."))
)]
async fn attendance_code_delete(
    op: Op,
    Path(id): Path<AttendanceCodeId>,
    known: IfMatch,
) -> Result<StatusCode, Problem> {
    super::delete(&op.tenancy, &op.cx, id, &known).await?;
    Ok(StatusCode::NO_CONTENT)
}
