//! Endpoints by which operators make, list, read and change tenants.

use axum::{
    body::Body,
    http::{Response, StatusCode, header},
    response::IntoResponse,
};
use cloister_http::{
    Answer, Caller, Edge, IdempotencyHeader, IfMatch, Listing, MergePatch, Once, Page, PageQuery, Path, Problem, Sort,
    Tagged,
};
use cloister_ids::{TenantId, Uuid, WorkflowId};
use cloister_tenancy::{Action, Error, NewTenant, Result, Status, Tier, lifecycle::TenantFilter};
use garde::Validate;
use serde::Deserialize;
use utoipa::IntoParams;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    TENANT,
    administer::{Accepted, Asked},
    view::{NewPlatformTenant, PlatformTenant, PlatformTenantFields},
};
use crate::{Service, idempotency, operator::requester};

pub(super) fn routes() -> OpenApiRouter<Edge> {
    OpenApiRouter::new()
        .routes(routes!(platform_tenant_list, platform_tenant_create))
        .routes(routes!(platform_tenant_read, platform_tenant_update))
}

/// Which tenants.
#[derive(Debug, Deserialize, Validate, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct TenantQuery {
    /// Only in this state.
    #[garde(skip)]
    #[param(inline)]
    status: Option<Status>,
    /// Only in this tier.
    #[garde(skip)]
    #[param(inline)]
    tier: Option<Tier>,
    /// Only those whose slug begins with this, or whose name has it somewhere.
    #[garde(inner(length(chars, min = 1, max = 100)))]
    #[param(min_length = 1, max_length = 100, example = "north")]
    q: Option<String>,
}

#[derive(Debug, Clone, Copy)]
struct BySlug;

impl Sort for BySlug {
    const ORDERS: &'static [(&'static str, Self)] = &[("slug", Self)];
}

/// The order, for the API document.
#[derive(Debug, IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "read by `Listing`; this is its description")]
struct TenantOrder {
    /// `slug` (as usual); `-slug` from the last to the first.
    #[param(pattern = "^-?slug$", example = "slug")]
    sort: Option<String>,
}

type PlatformTenantPage = Page<PlatformTenant>;
type PlatformTenantPatch = MergePatch<PlatformTenantFields>;

/// 202, with the address of the workflow.
pub(super) fn accepted(asked: Asked) -> Result<Response<Body>, Problem> {
    let (accepted, again) = match asked {
        Asked::Now(accepted) => (accepted, false),
        Asked::Before(earlier) => (serde_json::from_value::<Accepted>(earlier.body).map_err(Error::internal)?, true),
    };
    let location = format!("/api/v1/platform/workflows/{}", accepted.workflow_id);
    let response = (StatusCode::ACCEPTED, [(header::LOCATION, location)], Answer(accepted)).into_response();
    Ok(if again { idempotency::replayed(response) } else { response })
}

/// List tenants
#[utoipa::path(
    get,
    path = "/platform/tenants",
    operation_id = "platform_tenant_list",
    tag = "Platform tenants",
    params(TenantQuery, TenantOrder, PageQuery),
    responses((status = 200, description = "A page of tenants.", body = PlatformTenantPage,
        example = json!({ "items": [sample()], "next_cursor": null })))
)]
async fn platform_tenant_list(
    service: Service,
    caller: Caller,
    listing: Listing<TenantQuery, BySlug>,
) -> Result<Answer<PlatformTenantPage>, Problem> {
    caller.authorize_operator(Action::Read, &TENANT)?;
    // The list is nobody's in particular.
    let nobody = TenantId::from_uuid(Uuid::nil());
    let filter = TenantFilter {
        status: listing.filter.status,
        tier: listing.filter.tier,
        query: listing.filter.q.clone(),
        descending: listing.descending,
        after: listing.after(nobody, "platform_tenant")?.unwrap_or_default(),
        limit: listing.limit(),
    };
    let tenants: Vec<PlatformTenant> =
        service.tenancy().list_tenants(&filter).await?.into_iter().map(PlatformTenant::from).collect();
    Ok(Answer(listing.page(nobody, "platform_tenant", tenants, |last| last.slug.clone())))
}

/// Create a tenant
///
/// Its slug is taken at once; the rest is made step by step. It has no members yet: invite its owner.
#[utoipa::path(
    post,
    path = "/platform/tenants",
    operation_id = "platform_tenant_create",
    tag = "Platform tenants",
    params(IdempotencyHeader),
    request_body(content = NewPlatformTenant, example = json!({ "slug": "north", "display_name": "North High School",
        "kind": "school", "tier": "shared", "locale": "de-CH", "time_zone": "Europe/Zurich" })),
    responses((status = 202, description = "It is being made.", body = Accepted,
        headers(("Location" = String, description = "The workflow's address.")), example = json!(sample_accepted())))
)]
async fn platform_tenant_create(
    service: Service,
    caller: Caller,
    once: Once<NewPlatformTenant>,
) -> Result<Response<Body>, Problem> {
    caller.authorize_operator(Action::Create, &TENANT)?;
    let by = requester(&caller)?;
    let new = NewTenant::try_from(once.body)?;
    let (scope, key) = (by.actor.to_string(), once.key.as_ref());
    let mut tx = service.control().begin().await?;
    if let Some(earlier) = idempotency::take(&mut tx, &service, &scope, key).await? {
        return accepted(Asked::Before(earlier));
    }
    let (tenant_id, workflow_id) = tx.create_tenant(&new, &by).await?;
    let made = Accepted { tenant_id, workflow_id };
    idempotency::keep(&mut tx, &scope, key, StatusCode::ACCEPTED, &made).await?;
    tx.commit().await?;
    service.tenancy().refresh_registry().await?;
    accepted(Asked::Now(made))
}

/// Read a tenant
#[utoipa::path(
    get,
    path = "/platform/tenants/{id}",
    operation_id = "platform_tenant_read",
    tag = "Platform tenants",
    params(("id" = TenantId, Path, description = "Which one.")),
    responses((status = 200, description = "The tenant.", body = PlatformTenant,
        headers(("ETag" = String, description = "Its version.")), example = json!(sample())))
)]
async fn platform_tenant_read(
    service: Service,
    caller: Caller,
    Path(id): Path<TenantId>,
) -> Result<Tagged<PlatformTenant>, Problem> {
    caller.authorize_operator(Action::Read, &TENANT)?;
    Ok(Tagged(service.tenancy().tenant(id).await?.into()))
}

/// Change a tenant
///
/// A JSON merge patch: what is absent stays, what is null is removed. Every node knows within a second.
#[utoipa::path(
    patch,
    path = "/platform/tenants/{id}",
    operation_id = "platform_tenant_update",
    tag = "Platform tenants",
    params(("id" = TenantId, Path, description = "Which one."),
        ("If-Match" = String, Header, description = "The ETag you read.", example = "\"v3\"")),
    request_body(content = PlatformTenantPatch,
        example = json!({ "maintenance": true, "maintenance_message": "Back at six." })),
    responses((status = 200, description = "The tenant as it is now.", body = PlatformTenant,
        headers(("ETag" = String, description = "Its version.")), example = json!(sample())))
)]
async fn platform_tenant_update(
    service: Service,
    caller: Caller,
    Path(id): Path<TenantId>,
    known: IfMatch,
    patch: PlatformTenantPatch,
) -> Result<Tagged<PlatformTenant>, Problem> {
    caller.authorize_operator(Action::Update, &TENANT)?;
    let by = requester(&caller)?;
    let before = service.tenancy().tenant(id).await?;
    let view = PlatformTenant::from(before.clone());
    known.check(&view)?;
    let fields = patch.apply(&view.fields)?;
    if fields == view.fields {
        return Ok(Tagged(view));
    }
    Ok(Tagged(service.administer_tenant(&before, &fields.into(), &by).await?.into()))
}

pub(super) fn sample_accepted() -> Accepted {
    Accepted {
        tenant_id: sample_id(),
        workflow_id: WorkflowId::from_uuid(Uuid::from_u128(0x019b_8d24_4e80_7c3e_9d0a_5f2b_7c61_e4b0)),
    }
}

pub(super) fn sample_id() -> TenantId {
    TenantId::from_uuid(Uuid::from_u128(0x019b_8d24_4e80_7c3e_9d0a_5f2b_7c61_e4a8))
}

fn sample() -> PlatformTenant {
    let at = jiff::Timestamp::constant(1_767_603_600, 0);
    PlatformTenant {
        id: sample_id(),
        slug: "north".to_owned(),
        fields: PlatformTenantFields {
            display_name: "North High School".to_owned(),
            legal_name: None,
            plan: "standard".to_owned(),
            locale: "de-CH".to_owned(),
            time_zone: "Europe/Zurich".to_owned(),
            contact_name: Some("Ada North".to_owned()),
            contact_email: Some("office@north.example".to_owned()),
            contact_phone: None,
            address: None,
            trial_start_date: None,
            trial_end_date: None,
            maintenance: false,
            maintenance_message: None,
            limits: std::collections::BTreeMap::new(),
        },
        kind: "school".to_owned(),
        status: Status::Active,
        tier: Tier::Shared,
        region: "local".to_owned(),
        demo: false,
        domains: Vec::new(),
        database: Some("cloister_shared".to_owned()),
        suspended_reason: None,
        purge_after: None,
        workflow_id: None,
        version: 3,
        created_at: at,
        created_by: "operator:sam".to_owned(),
        updated_at: at,
        updated_by: "operator:sam".to_owned(),
        deleted_at: None,
        deleted_by: None,
    }
}
