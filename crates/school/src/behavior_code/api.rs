//! Endpoints about behavior codes.

use axum::{
    body::Body,
    http::{Response, StatusCode},
};
use cloister_http::{
    Answer, Edge, IdempotencyHeader, IfMatch, Listing, MergePatch, Once, Op, Page, PageQuery, Path, Problem, Sort,
    Tagged,
};
use cloister_ids::BehaviorCodeId;
use cloister_tenancy::Action;
use garde::Validate;
use serde::Deserialize;
use utoipa::IntoParams;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{BEHAVIOR_CODE, BehaviorCode, BehaviorCodeFields, BehaviorSeverity, sample, sample_fields, store};
use crate::{
    listing::{Key, Order, Position, Span, StatusFilter, StatusParameter, prefix},
    rules::searchable,
};

/// The routes of this resource.
pub(crate) fn routes() -> OpenApiRouter<Edge> {
    OpenApiRouter::new().routes(routes!(behavior_code_list, behavior_code_create)).routes(routes!(
        behavior_code_read,
        behavior_code_update,
        behavior_code_delete
    ))
}

/// Which behavior codes.
#[derive(Debug, Deserialize, Validate, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct BehaviorCodeFilter {
    #[garde(skip)]
    #[param(ignore)]
    status: Option<StatusFilter>,
    /// Only so severe.
    #[garde(skip)]
    #[param(inline)]
    severity: Option<BehaviorSeverity>,
    /// Only those whose title begins with this; case and accents do not matter.
    #[garde(inner(length(chars, max = 100), custom(searchable)))]
    #[param(min_length = 1, max_length = 100, example = "a")]
    q: Option<String>,
}

/// The orders of the list.
#[derive(Debug, Clone, Copy)]
enum BehaviorCodeSort {
    Title,
    DateLastModified,
}

impl Sort for BehaviorCodeSort {
    const ORDERS: &'static [(&'static str, Self)] =
        &[("title", Self::Title), ("date_last_modified", Self::DateLastModified)];
}

impl Order for BehaviorCodeSort {
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
struct BehaviorCodeOrder {
    /// `title` (as usual) or `date_last_modified`; with `-` in front from the last to the first.
    #[param(pattern = "^-?(title|date_last_modified)$", example = "-date_last_modified")]
    sort: Option<String>,
}

/// A page of them.
type BehaviorCodePage = Page<BehaviorCode>;
/// Changes to one.
type BehaviorCodePatch = MergePatch<BehaviorCodeFields>;

/// List behavior codes
///
/// A page of them, by title unless another order is asked for.
#[utoipa::path(
    get,
    path = "/behavior_codes",
    operation_id = "behavior_code_list",
    tag = "School",
    params(StatusParameter, BehaviorCodeFilter, BehaviorCodeOrder, PageQuery),
    responses((status = 200, description = "A page of behavior codes.", body = BehaviorCodePage,
        example = json!({ "items": [sample()], "next_cursor": null })))
)]
async fn behavior_code_list(
    op: Op,
    listing: Listing<BehaviorCodeFilter, BehaviorCodeSort>,
) -> Result<Answer<BehaviorCodePage>, Problem> {
    let Op { tenancy, cx, .. } = &op;
    cx.authorize(Action::Read, &BEHAVIOR_CODE)?;
    let (tenant, what, filter) = (cx.tenant_id(), BEHAVIOR_CODE.name, &listing.filter);
    let selection = store::Selection {
        span: Span::of(&listing, filter.status, tenant, what)?,
        severity: filter.severity,
        title: prefix(filter.q.as_deref()),
    };
    let rows = match listing.sort {
        BehaviorCodeSort::Title => store::list_by_title(tenancy, cx, &selection).await?,
        BehaviorCodeSort::DateLastModified => store::list_by_change(tenancy, cx, &selection).await?,
    };
    Ok(Answer(listing.page(tenant, what, rows, |last| {
        let key = match listing.sort {
            BehaviorCodeSort::Title => Key::Text(last.fields.title_search()),
            BehaviorCodeSort::DateLastModified => Key::Time(last.record.date_last_modified),
        };
        Position { key, id: last.id.uuid() }
    })))
}

/// Create a behavior code
#[utoipa::path(
    post,
    path = "/behavior_codes",
    operation_id = "behavior_code_create",
    tag = "School",
    extensions(("x-table" = json!(true))),
    params(IdempotencyHeader),
    request_body(content = BehaviorCodeFields, example = json!(sample_fields())),
    responses((status = 201, description = "The behavior code.", body = BehaviorCode,
        headers(("ETag" = String, description = "Its version."), ("Location" = String, description = "Its address.")),
        example = json!(sample())))
)]
async fn behavior_code_create(op: Op, once: Once<BehaviorCodeFields>) -> Result<Response<Body>, Problem> {
    op.cx.authorize(Action::Create, &BEHAVIOR_CODE)?;
    let mut tx = op.tenancy.write(&op.cx).await?;
    let made = super::create(&mut tx, once.key.as_ref(), once.body).await;
    op.created(tx, once.key, made).await
}

/// Read a behavior code
///
/// A deleted one too: its status tells.
#[utoipa::path(
    get,
    path = "/behavior_codes/{id}",
    operation_id = "behavior_code_read",
    tag = "School",
    params(("id" = BehaviorCodeId, Path, description = "Which one.")),
    responses((status = 200, description = "The behavior code.", body = BehaviorCode,
        headers(("ETag" = String, description = "Its version.")),
        example = json!(sample())))
)]
async fn behavior_code_read(op: Op, Path(id): Path<BehaviorCodeId>) -> Result<Tagged<BehaviorCode>, Problem> {
    Ok(Tagged(super::read(&op.tenancy, &op.cx, id).await?))
}

/// Change a behavior code
///
/// A JSON merge patch: what is absent stays, what is null is removed. The status `active` brings a deleted one back. What was
/// recorded keeps the meaning that the code had then.
#[utoipa::path(
    patch,
    path = "/behavior_codes/{id}",
    operation_id = "behavior_code_update",
    tag = "School",
    params(("id" = BehaviorCodeId, Path, description = "Which one."),
        ("If-Match" = String, Header, description = "The ETag you read.", example = "\"v1\"")),
    request_body(content = BehaviorCodePatch, example = json!({ "points": -8 })),
    responses((status = 200, description = "The behavior code as it is now.", body = BehaviorCode,
        headers(("ETag" = String, description = "Its version.")),
        example = json!(sample())))
)]
async fn behavior_code_update(
    op: Op,
    Path(id): Path<BehaviorCodeId>,
    known: IfMatch,
    patch: BehaviorCodePatch,
) -> Result<Tagged<BehaviorCode>, Problem> {
    Ok(Tagged(super::update(&op.tenancy, &op.cx, id, &known, &patch).await?))
}

/// Delete a behavior code
///
/// It stays readable, with the status `tobedeleted`, and what was recorded with it stays as it is. Nothing new can be recorded
/// with it.
#[utoipa::path(
    delete,
    path = "/behavior_codes/{id}",
    operation_id = "behavior_code_delete",
    tag = "School",
    params(("id" = BehaviorCodeId, Path, description = "Which one."),
        ("If-Match" = String, Header, description = "The ETag you read.", example = "\"v1\"")),
    responses((status = 204, description = "It is deleted."))
)]
async fn behavior_code_delete(op: Op, Path(id): Path<BehaviorCodeId>, known: IfMatch) -> Result<StatusCode, Problem> {
    super::delete(&op.tenancy, &op.cx, id, &known).await?;
    Ok(StatusCode::NO_CONTENT)
}
