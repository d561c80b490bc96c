//! Endpoints about custom fields.

use axum::{
    body::Body,
    http::{Response, StatusCode},
};
use cloister_http::{
    Answer, Edge, IdempotencyHeader, IfMatch, Listing, MergePatch, Once, Op, Page, PageQuery, Path, Problem, Sort,
    Tagged,
};
use cloister_ids::CustomFieldId;
use cloister_tenancy::Action;
use garde::Validate;
use serde::Deserialize;
use utoipa::IntoParams;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{CUSTOM_FIELD, CustomField, CustomFieldFields, sample, sample_fields, store};
use crate::{
    listing::{Key, Order, Position, Span, StatusFilter, StatusParameter, prefix},
    rules::searchable,
    vocabulary::CustomResource,
};

/// The routes of this resource.
pub(crate) fn routes() -> OpenApiRouter<Edge> {
    OpenApiRouter::new().routes(routes!(custom_field_list, custom_field_create)).routes(routes!(
        custom_field_read,
        custom_field_update,
        custom_field_delete
    ))
}

/// Which custom fields.
#[derive(Debug, Deserialize, Validate, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct CustomFieldFilter {
    #[garde(skip)]
    #[param(ignore)]
    status: Option<StatusFilter>,
    /// Only those of this kind of record.
    #[garde(skip)]
    resource: Option<CustomResource>,
    /// Only those whose title begins with this; case and accents do not matter.
    #[garde(inner(length(chars, max = 100), custom(searchable)))]
    #[param(min_length = 1, max_length = 100, example = "bus")]
    q: Option<String>,
}

/// The orders of the list.
#[derive(Debug, Clone, Copy)]
enum CustomFieldSort {
    Title,
    DateLastModified,
}

impl Sort for CustomFieldSort {
    const ORDERS: &'static [(&'static str, Self)] =
        &[("title", Self::Title), ("date_last_modified", Self::DateLastModified)];
}

impl Order for CustomFieldSort {
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
struct CustomFieldOrder {
    /// `title` (as usual) or `date_last_modified`; with `-` in front from the last to the first.
    #[param(pattern = "^-?(title|date_last_modified)$", example = "-date_last_modified")]
    sort: Option<String>,
}

/// A page of them.
type CustomFieldPage = Page<CustomField>;
/// Changes to one.
type CustomFieldPatch = MergePatch<CustomFieldFields>;

/// List custom fields
///
/// Fields of the tenant's own: a page of them, by title unless another order is asked for.
#[utoipa::path(
    get,
    path = "/custom_fields",
    operation_id = "custom_field_list",
    tag = "School",
    params(StatusParameter, CustomFieldFilter, CustomFieldOrder, PageQuery),
    responses((status = 200, description = "A page of custom fields.", body = CustomFieldPage,
        example = json!({ "items": [sample()], "next_cursor": null })))
)]
async fn custom_field_list(
    op: Op,
    listing: Listing<CustomFieldFilter, CustomFieldSort>,
) -> Result<Answer<CustomFieldPage>, Problem> {
    let Op { tenancy, cx, .. } = &op;
    cx.authorize(Action::Read, &CUSTOM_FIELD)?;
    let (tenant, what, filter) = (cx.tenant_id(), CUSTOM_FIELD.name, &listing.filter);
    let selection = store::Selection {
        span: Span::of(&listing, filter.status, tenant, what)?,
        resource: filter.resource.clone(),
        title: prefix(filter.q.as_deref()),
    };
    let rows = match listing.sort {
        CustomFieldSort::Title => store::list_by_title(tenancy, cx, &selection).await?,
        CustomFieldSort::DateLastModified => store::list_by_change(tenancy, cx, &selection).await?,
    };
    Ok(Answer(listing.page(tenant, what, rows, |last| {
        let key = match listing.sort {
            CustomFieldSort::Title => Key::Text(last.fields.title_search()),
            CustomFieldSort::DateLastModified => Key::Time(last.record.date_last_modified),
        };
        Position { key, id: last.id.uuid() }
    })))
}

/// Create a custom field
#[utoipa::path(
    post,
    path = "/custom_fields",
    operation_id = "custom_field_create",
    tag = "School",
    extensions(("x-table" = json!(true))),
    params(IdempotencyHeader),
    request_body(content = CustomFieldFields, example = json!(sample_fields())),
    responses((status = 201, description = "The custom field.", body = CustomField,
        headers(("ETag" = String, description = "Its version."), ("Location" = String, description = "Its address.")),
        example = json!(sample())))
)]
async fn custom_field_create(op: Op, once: Once<CustomFieldFields>) -> Result<Response<Body>, Problem> {
    op.cx.authorize(Action::Create, &CUSTOM_FIELD)?;
    let mut tx = op.tenancy.write(&op.cx).await?;
    let made = super::create(&mut tx, once.key.as_ref(), once.body).await;
    op.created(tx, once.key, made).await
}

/// Read a custom field
///
/// A deleted one too: its status tells.
#[utoipa::path(
    get,
    path = "/custom_fields/{id}",
    operation_id = "custom_field_read",
    tag = "School",
    params(("id" = CustomFieldId, Path, description = "Which one.")),
    responses((status = 200, description = "The custom field.", body = CustomField,
        headers(("ETag" = String, description = "Its version.")),
        example = json!(sample())))
)]
async fn custom_field_read(op: Op, Path(id): Path<CustomFieldId>) -> Result<Tagged<CustomField>, Problem> {
    Ok(Tagged(super::read(&op.tenancy, &op.cx, id).await?))
}

/// Change a custom field
///
/// A JSON merge patch: what is absent stays, what is null is removed. The status `active` brings a deleted one back. Kind of
/// record, name and type stay. Values that no longer fit stay until they are entered anew.
#[utoipa::path(
    patch,
    path = "/custom_fields/{id}",
    operation_id = "custom_field_update",
    tag = "School",
    params(("id" = CustomFieldId, Path, description = "Which one."),
        ("If-Match" = String, Header, description = "The ETag you read.", example = "\"v1\"")),
    request_body(content = CustomFieldPatch, example = json!({ "title": "Bus line", "required": true })),
    responses((status = 200, description = "The custom field as it is now.", body = CustomField,
        headers(("ETag" = String, description = "Its version.")),
        example = json!(sample())))
)]
async fn custom_field_update(
    op: Op,
    Path(id): Path<CustomFieldId>,
    known: IfMatch,
    patch: CustomFieldPatch,
) -> Result<Tagged<CustomField>, Problem> {
    Ok(Tagged(super::update(&op.tenancy, &op.cx, id, &known, &patch).await?))
}

/// Delete a custom field
///
/// It stays readable, with the status `tobedeleted`. Its values are kept and no longer shown.
#[utoipa::path(
    delete,
    path = "/custom_fields/{id}",
    operation_id = "custom_field_delete",
    tag = "School",
    params(("id" = CustomFieldId, Path, description = "Which one."),
        ("If-Match" = String, Header, description = "The ETag you read.", example = "\"v1\"")),
    responses((status = 204, description = "It is deleted."))
)]
async fn custom_field_delete(op: Op, Path(id): Path<CustomFieldId>, known: IfMatch) -> Result<StatusCode, Problem> {
    super::delete(&op.tenancy, &op.cx, id, &known).await?;
    Ok(StatusCode::NO_CONTENT)
}
