//! Endpoints about families.

use axum::{
    body::Body,
    http::{Response, StatusCode},
};
use cloister_http::{
    Answer, Edge, IdempotencyHeader, IfMatch, Listing, MergePatch, Once, Op, Page, PageQuery, Path, Problem, Sort,
    Tagged,
};
use cloister_ids::{FamilyId, PersonId};
use cloister_tenancy::Action;
use garde::Validate;
use serde::Deserialize;
use utoipa::IntoParams;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{FAMILY, Family, FamilyFields, sample, sample_fields, store};
use crate::{
    listing::{Key, Order, Position, Span, StatusFilter, StatusParameter, prefix},
    rules::searchable,
};

/// The routes of this resource.
pub(crate) fn routes() -> OpenApiRouter<Edge> {
    OpenApiRouter::new().routes(routes!(family_list, family_create)).routes(routes!(
        family_read,
        family_update,
        family_delete
    ))
}

/// Which families.
#[derive(Debug, Deserialize, Validate, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct FamilyFilter {
    #[garde(skip)]
    #[param(ignore)]
    status: Option<StatusFilter>,
    /// Only those that this person belongs to.
    #[garde(skip)]
    person_id: Option<PersonId>,
    /// Only those whose name begins with this; case and accents do not matter.
    #[garde(inner(length(chars, max = 100), custom(searchable)))]
    #[param(min_length = 1, max_length = 100, example = "okaf")]
    q: Option<String>,
}

/// The orders of the list.
#[derive(Debug, Clone, Copy)]
enum FamilySort {
    Name,
    DateLastModified,
}

impl Sort for FamilySort {
    const ORDERS: &'static [(&'static str, Self)] =
        &[("name", Self::Name), ("date_last_modified", Self::DateLastModified)];
}

impl Order for FamilySort {
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
struct FamilyOrder {
    /// `name` (as usual) or `date_last_modified`; with `-` in front from the last to the first.
    #[param(pattern = "^-?(name|date_last_modified)$", example = "-date_last_modified")]
    sort: Option<String>,
}

/// A page of them.
type FamilyPage = Page<Family>;
/// Changes to one.
type FamilyPatch = MergePatch<FamilyFields>;

/// List families
///
/// A page of them, by name unless another order is asked for.
#[utoipa::path(
    get,
    path = "/families",
    operation_id = "family_list",
    tag = "School",
    params(StatusParameter, FamilyFilter, FamilyOrder, PageQuery),
    responses((status = 200, description = "A page of families.", body = FamilyPage,
        example = json!({ "items": [sample()], "next_cursor": null })))
)]
async fn family_list(op: Op, listing: Listing<FamilyFilter, FamilySort>) -> Result<Answer<FamilyPage>, Problem> {
    let Op { tenancy, cx, .. } = &op;
    cx.authorize(Action::Read, &FAMILY)?;
    let (tenant, what, filter) = (cx.tenant_id(), FAMILY.name, &listing.filter);
    let selection = store::Selection {
        span: Span::of(&listing, filter.status, tenant, what)?,
        person_id: filter.person_id,
        name: prefix(filter.q.as_deref()),
    };
    let rows = match listing.sort {
        FamilySort::Name => store::list_by_name(tenancy, cx, &selection).await?,
        FamilySort::DateLastModified => store::list_by_change(tenancy, cx, &selection).await?,
    };
    Ok(Answer(listing.page(tenant, what, rows, |last| {
        let key = match listing.sort {
            FamilySort::Name => Key::Text(last.fields.name_search()),
            FamilySort::DateLastModified => Key::Time(last.record.date_last_modified),
        };
        Position { key, id: last.id.uuid() }
    })))
}

/// Create a family
#[utoipa::path(
    post,
    path = "/families",
    operation_id = "family_create",
    tag = "School",
    extensions(("x-table" = json!(true))),
    params(IdempotencyHeader),
    request_body(content = FamilyFields, example = json!(sample_fields())),
    responses((status = 201, description = "The family.", body = Family,
        headers(("ETag" = String, description = "Its version."), ("Location" = String, description = "Its address.")),
        example = json!(sample())))
)]
async fn family_create(op: Op, once: Once<FamilyFields>) -> Result<Response<Body>, Problem> {
    op.cx.authorize(Action::Create, &FAMILY)?;
    let mut tx = op.tenancy.write(&op.cx).await?;
    let made = super::create(&mut tx, once.key.as_ref(), once.body).await;
    op.created(tx, once.key, made).await
}

/// Read a family
///
/// A deleted one too: its status tells.
#[utoipa::path(
    get,
    path = "/families/{id}",
    operation_id = "family_read",
    tag = "School",
    params(("id" = FamilyId, Path, description = "Which one.")),
    responses((status = 200, description = "The family.", body = Family,
        headers(("ETag" = String, description = "Its version.")),
        example = json!(sample())))
)]
async fn family_read(op: Op, Path(id): Path<FamilyId>) -> Result<Tagged<Family>, Problem> {
    Ok(Tagged(super::read(&op.tenancy, &op.cx, id).await?))
}

/// Change a family
///
/// A JSON merge patch: what is absent stays, what is null is removed. The status `active` brings a deleted one back. A list of members
/// that is given replaces the one that was.
#[utoipa::path(
    patch,
    path = "/families/{id}",
    operation_id = "family_update",
    tag = "School",
    params(("id" = FamilyId, Path, description = "Which one."),
        ("If-Match" = String, Header, description = "The ETag you read.", example = "\"v1\"")),
    request_body(content = FamilyPatch, example = json!({ "name": "Okafor and Berg" })),
    responses((status = 200, description = "The family as it is now.", body = Family,
        headers(("ETag" = String, description = "Its version.")),
        example = json!(sample())))
)]
async fn family_update(
    op: Op,
    Path(id): Path<FamilyId>,
    known: IfMatch,
    patch: FamilyPatch,
) -> Result<Tagged<Family>, Problem> {
    Ok(Tagged(super::update(&op.tenancy, &op.cx, id, &known, &patch).await?))
}

/// Delete a family
///
/// It stays readable, with the status `tobedeleted`. Its members stay as they are.
#[utoipa::path(
    delete,
    path = "/families/{id}",
    operation_id = "family_delete",
    tag = "School",
    params(("id" = FamilyId, Path, description = "Which one."),
        ("If-Match" = String, Header, description = "The ETag you read.", example = "\"v1\"")),
    responses((status = 204, description = "It is deleted."))
)]
async fn family_delete(op: Op, Path(id): Path<FamilyId>, known: IfMatch) -> Result<StatusCode, Problem> {
    super::delete(&op.tenancy, &op.cx, id, &known).await?;
    Ok(StatusCode::NO_CONTENT)
}
