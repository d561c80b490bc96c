//! Endpoints about components.

use axum::{
    body::Body,
    http::{Response, StatusCode},
};
use cloister_http::{
    Answer, Edge, IdempotencyHeader, IfMatch, Listing, MergePatch, Once, Op, Page, PageQuery, Path, Problem,
    SearchRange, Sort, Tagged,
};
use cloister_ids::ComponentId;
use cloister_tenancy::Action;
use garde::Validate;
use serde::Deserialize;
use utoipa::IntoParams;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{COMPONENT, Component, ComponentFields, ComponentKind, Lifecycle, store};

/// The routes of this resource.
pub(crate) fn routes() -> OpenApiRouter<Edge> {
    OpenApiRouter::new().routes(routes!(component_list, component_create)).routes(routes!(
        component_read,
        component_update,
        component_delete
    ))
}

/// Which components.
#[derive(Debug, Deserialize, Validate, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct ComponentFilter {
    /// Only of this kind.
    #[garde(skip)]
    kind: Option<ComponentKind>,
    /// Only this far along.
    #[garde(skip)]
    lifecycle: Option<Lifecycle>,
    /// Only those whose name begins with this; case and accents do not matter.
    #[garde(inner(length(chars, min = 1, max = 100)))]
    #[param(min_length = 1, max_length = 100, example = "pay")]
    q: Option<String>,
}

/// The orders of the list.
#[derive(Debug, Clone, Copy)]
enum ComponentSort {
    Name,
    CreatedAt,
}

impl Sort for ComponentSort {
    const ORDERS: &'static [(&'static str, Self)] = &[("name", Self::Name), ("created_at", Self::CreatedAt)];
}

/// The order, for the API document.
#[derive(Debug, IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "read by `Listing`; this is its description")]
struct ComponentOrder {
    /// `name` (as usual) or `created_at`; with `-` in front from the last to the first.
    #[param(pattern = "^-?(name|created_at)$", example = "-created_at")]
    sort: Option<String>,
}

/// A page of them.
type ComponentPage = Page<Component>;
/// Changes to one.
type ComponentPatch = MergePatch<ComponentFields>;

/// List components
///
/// A page of them, by name unless another order is asked for.
#[utoipa::path(
    get,
    path = "/components",
    operation_id = "component_list",
    tag = "Catalog",
    params(ComponentFilter, ComponentOrder, PageQuery),
    responses((status = 200, description = "A page of components.", body = ComponentPage,
        example = json!({ "items": [sample()], "next_cursor": null })))
)]
async fn component_list(
    op: Op,
    listing: Listing<ComponentFilter, ComponentSort>,
) -> Result<Answer<ComponentPage>, Problem> {
    let Op { tenancy, cx, .. } = &op;
    cx.authorize(Action::Read, &COMPONENT)?;
    let selection = store::Selection {
        kind: listing.filter.kind,
        lifecycle: listing.filter.lifecycle,
        search: SearchRange::of(listing.filter.q.as_deref()),
        descending: listing.descending,
        limit: listing.limit(),
    };
    let (tenant, what) = (cx.tenant_id(), COMPONENT.name);
    let page = match listing.sort {
        ComponentSort::Name => {
            let rows = store::list_by_name(tenancy, cx, &selection, listing.after(tenant, what)?).await?;
            listing.page(tenant, what, rows, |last| (last.fields.name_search(), last.id))
        }
        ComponentSort::CreatedAt => {
            let rows = store::list_by_age(tenancy, cx, &selection, listing.after(tenant, what)?).await?;
            listing.page(tenant, what, rows, |last| (last.created_at, last.id))
        }
    };
    Ok(Answer(page))
}

/// Create a component
#[utoipa::path(
    post,
    path = "/components",
    operation_id = "component_create",
    tag = "Catalog",
    params(IdempotencyHeader),
    request_body(content = ComponentFields, example = json!(sample_fields())),
    responses((status = 201, description = "The component.", body = Component,
        headers(("ETag" = String, description = "Its version."), ("Location" = String, description = "Its address.")),
        example = json!(sample())))
)]
async fn component_create(op: Op, once: Once<ComponentFields>) -> Result<Response<Body>, Problem> {
    op.cx.authorize(Action::Create, &COMPONENT)?;
    let mut tx = op.tenancy.write(&op.cx).await?;
    let made = super::create(&mut tx, once.key.as_ref(), once.body).await;
    op.created(tx, once.key, made).await
}

/// Read a component
#[utoipa::path(
    get,
    path = "/components/{id}",
    operation_id = "component_read",
    tag = "Catalog",
    params(("id" = ComponentId, Path, description = "Which one.")),
    responses((status = 200, description = "The component.", body = Component,
        headers(("ETag" = String, description = "Its version.")),
        example = json!(sample())))
)]
async fn component_read(op: Op, Path(id): Path<ComponentId>) -> Result<Tagged<Component>, Problem> {
    Ok(Tagged(super::read(&op.tenancy, &op.cx, id).await?))
}

/// Change a component
///
/// A JSON merge patch: what is absent stays, what is null is removed.
#[utoipa::path(
    patch,
    path = "/components/{id}",
    operation_id = "component_update",
    tag = "Catalog",
    params(("id" = ComponentId, Path, description = "Which one."),
        ("If-Match" = String, Header, description = "The ETag you read.", example = "\"v1\"")),
    request_body(content = ComponentPatch,
        example = json!({ "lifecycle": "deprecated", "repository_url": null })),
    responses((status = 200, description = "The component as it is now.", body = Component,
        headers(("ETag" = String, description = "Its version.")),
        example = json!(sample())))
)]
async fn component_update(
    op: Op,
    Path(id): Path<ComponentId>,
    known: IfMatch,
    patch: ComponentPatch,
) -> Result<Tagged<Component>, Problem> {
    Ok(Tagged(super::update(&op.tenancy, &op.cx, id, &known, &patch).await?))
}

/// Delete a component
#[utoipa::path(
    delete,
    path = "/components/{id}",
    operation_id = "component_delete",
    tag = "Catalog",
    params(("id" = ComponentId, Path, description = "Which one."),
        ("If-Match" = String, Header, description = "The ETag you read.", example = "\"v1\"")),
    responses((status = 204, description = "It is gone."))
)]
async fn component_delete(op: Op, Path(id): Path<ComponentId>, known: IfMatch) -> Result<StatusCode, Problem> {
    super::delete(&op.tenancy, &op.cx, id, &known).await?;
    Ok(StatusCode::NO_CONTENT)
}

fn sample_fields() -> ComponentFields {
    ComponentFields {
        key: "payment-gateway".to_owned(),
        name: "Payment Gateway".to_owned(),
        description: Some("Takes card payments for the web shop.".to_owned()),
        kind: ComponentKind::Service,
        lifecycle: Lifecycle::Production,
        owner: Some("team-payments".to_owned()),
        repository_url: Some("https://git.example/shop/payment-gateway".to_owned()),
        metadata: serde_json::Map::from_iter([("on_call".to_owned(), "+1 555 0100".into())]),
    }
}

fn sample() -> Component {
    let at = jiff::Timestamp::constant(1_767_603_600, 0);
    Component {
        id: ComponentId::from_uuid(cloister_ids::Uuid::from_u128(0x019b_8d24_4e80_7c3e_9d0a_5f2b_7c61_e4a8)),
        fields: sample_fields(),
        version: 1,
        created_at: at,
        created_by: "account:ada".to_owned(),
        updated_at: at,
        updated_by: "account:ada".to_owned(),
    }
}
