//! Endpoints about organisations.

use axum::{
    body::Body,
    http::{Response, StatusCode},
};
use cloister_http::{
    Answer, Edge, IdempotencyHeader, IfMatch, Listing, MergePatch, Once, Op, Page, PageQuery, Path, Problem, Sort,
    Tagged,
};
use cloister_ids::OrgId;
use cloister_tenancy::Action;
use garde::Validate;
use serde::Deserialize;
use utoipa::IntoParams;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{ORG, Org, OrgFields, sample, sample_fields, store};
use crate::{
    listing::{Key, Order, Position, RecordFilter, Span, StatusFilter, prefix},
    rules::{SOURCED_ID, searchable},
    vocabulary::OrgType,
};

/// The routes of this resource.
pub(crate) fn routes() -> OpenApiRouter<Edge> {
    OpenApiRouter::new().routes(routes!(org_list, org_create)).routes(routes!(org_read, org_update, org_delete))
}

/// Which organisations.
#[derive(Debug, Deserialize, Validate, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct OrgFilter {
    #[garde(skip)]
    #[param(ignore)]
    status: Option<StatusFilter>,
    #[garde(inner(length(chars, max = SOURCED_ID)))]
    #[param(ignore)]
    sourced_id: Option<String>,
    /// Only of this kind.
    #[garde(skip)]
    #[serde(rename = "type")]
    kind: Option<OrgType>,
    /// Only those directly below this one.
    #[garde(skip)]
    parent_id: Option<OrgId>,
    /// Only those whose name begins with this; case and accents do not matter.
    #[garde(inner(length(chars, max = 100), custom(searchable)))]
    #[param(min_length = 1, max_length = 100, example = "lind")]
    q: Option<String>,
}

/// The orders of the list.
#[derive(Debug, Clone, Copy)]
enum OrgSort {
    Name,
    DateLastModified,
}

impl Sort for OrgSort {
    const ORDERS: &'static [(&'static str, Self)] =
        &[("name", Self::Name), ("date_last_modified", Self::DateLastModified)];
}

impl Order for OrgSort {
    fn key(self) -> Key {
        match self {
            Self::Name => Key::TEXT,
            Self::DateLastModified => Key::TIME,
        }
    }
}

/// The order, for the API document.
#[derive(Debug, IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "read by `Listing`; this is its description")]
struct OrgOrder {
    /// `name` (as usual) or `date_last_modified`; with `-` in front from the last to the first.
    #[param(pattern = "^-?(name|date_last_modified)$", example = "-date_last_modified")]
    sort: Option<String>,
}

/// A page of them.
type OrgPage = Page<Org>;
/// Changes to one.
type OrgPatch = MergePatch<OrgFields>;

/// List organisations
///
/// A page of them, by name unless another order is asked for.
#[utoipa::path(
    get,
    path = "/orgs",
    operation_id = "org_list",
    tag = "School",
    params(RecordFilter, OrgFilter, OrgOrder, PageQuery),
    responses((status = 200, description = "A page of organisations.", body = OrgPage,
        example = json!({ "items": [sample()], "next_cursor": null })))
)]
async fn org_list(op: Op, listing: Listing<OrgFilter, OrgSort>) -> Result<Answer<OrgPage>, Problem> {
    let Op { tenancy, cx, .. } = &op;
    cx.authorize(Action::Read, &ORG)?;
    let (tenant, what, filter) = (cx.tenant_id(), ORG.name, &listing.filter);
    let selection = store::Selection {
        span: Span::of(&listing, filter.status, tenant, what)?,
        kind: filter.kind.clone(),
        parent_id: filter.parent_id,
        name: prefix(filter.q.as_deref()),
    };
    let rows = match (&filter.sourced_id, listing.sort) {
        (Some(sourced_id), _) => store::by_sourced_id(tenancy, cx, sourced_id).await?,
        (None, OrgSort::Name) => store::list_by_name(tenancy, cx, &selection).await?,
        (None, OrgSort::DateLastModified) => store::list_by_change(tenancy, cx, &selection).await?,
    };
    Ok(Answer(listing.page(tenant, what, rows, |last| {
        let key = match listing.sort {
            OrgSort::Name => Key::Text(last.fields.name_search()),
            OrgSort::DateLastModified => Key::Time(last.record.date_last_modified),
        };
        Position { key, id: last.id.uuid() }
    })))
}

/// Create an organisation
#[utoipa::path(
    post,
    path = "/orgs",
    operation_id = "org_create",
    tag = "School",
    extensions(("x-table" = json!(true))),
    params(IdempotencyHeader),
    request_body(content = OrgFields, example = json!(sample_fields())),
    responses((status = 201, description = "The organisation.", body = Org,
        headers(("ETag" = String, description = "Its version."), ("Location" = String, description = "Its address.")),
        example = json!(sample())))
)]
async fn org_create(op: Op, once: Once<OrgFields>) -> Result<Response<Body>, Problem> {
    op.cx.authorize(Action::Create, &ORG)?;
    let mut tx = op.tenancy.write(&op.cx).await?;
    let made = super::create(&mut tx, once.key.as_ref(), once.body).await;
    op.created(tx, once.key, made).await
}

/// Read an organisation
///
/// A deleted one too: its status tells.
#[utoipa::path(
    get,
    path = "/orgs/{id}",
    operation_id = "org_read",
    tag = "School",
    params(("id" = OrgId, Path, description = "Which one.")),
    responses((status = 200, description = "The organisation.", body = Org,
        headers(("ETag" = String, description = "Its version.")),
        example = json!(sample())))
)]
async fn org_read(op: Op, Path(id): Path<OrgId>) -> Result<Tagged<Org>, Problem> {
    Ok(Tagged(super::read(&op.tenancy, &op.cx, id).await?))
}

/// Change an organisation
///
/// A JSON merge patch: what is absent stays, what is null is removed. The status `active` brings a deleted one back.
#[utoipa::path(
    patch,
    path = "/orgs/{id}",
    operation_id = "org_update",
    tag = "School",
    params(("id" = OrgId, Path, description = "Which one."),
        ("If-Match" = String, Header, description = "The ETag you read.", example = "\"v1\"")),
    request_body(content = OrgPatch, example = json!({ "name": "Lindgren School", "identifier": null })),
    responses((status = 200, description = "The organisation as it is now.", body = Org,
        headers(("ETag" = String, description = "Its version.")),
        example = json!(sample())))
)]
async fn org_update(op: Op, Path(id): Path<OrgId>, known: IfMatch, patch: OrgPatch) -> Result<Tagged<Org>, Problem> {
    Ok(Tagged(super::update(&op.tenancy, &op.cx, id, &known, &patch).await?))
}

/// Delete an organisation
///
/// It stays readable, with the status `tobedeleted`. Refused while something belongs to it.
#[utoipa::path(
    delete,
    path = "/orgs/{id}",
    operation_id = "org_delete",
    tag = "School",
    params(("id" = OrgId, Path, description = "Which one."),
        ("If-Match" = String, Header, description = "The ETag you read.", example = "\"v1\"")),
    responses((status = 204, description = "It is deleted."))
)]
async fn org_delete(op: Op, Path(id): Path<OrgId>, known: IfMatch) -> Result<StatusCode, Problem> {
    super::delete(&op.tenancy, &op.cx, id, &known).await?;
    Ok(StatusCode::NO_CONTENT)
}
