//! Endpoints by which operators shut tenants, open them again and remove them. Each answers at once with a workflow.

use axum::{body::Body, http::Response};
use cloister_http::{Caller, Edge, IdempotencyHeader, IfMatch, Once, Path, Problem, Query};
use cloister_ids::TenantId;
use cloister_tenancy::{Action, lifecycle::TenantAct};
use garde::Validate;
use serde::Deserialize;
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    TENANT,
    administer::{Accepted, Confirmation, Request, Wanted},
    administer_api::{accepted, sample_accepted},
    view::PlatformTenant,
};
use crate::{Service, operator::requester};

pub(super) fn routes() -> OpenApiRouter<Edge> {
    OpenApiRouter::new()
        .routes(routes!(platform_tenant_provision))
        .routes(routes!(platform_tenant_abandon))
        .routes(routes!(platform_tenant_suspend))
        .routes(routes!(platform_tenant_resume))
        .routes(routes!(platform_tenant_delete))
        .routes(routes!(platform_tenant_purge))
}

/// Nothing more to say: `{}`.
#[derive(Debug, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
struct Plainly {}

/// Why a tenant is shut.
#[derive(Debug, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
struct Suspension {
    /// Why. It stands in both audit logs.
    #[garde(length(chars, min = 1, max = 500))]
    #[schema(min_length = 1, max_length = 500, example = "The invoice of March is not paid.")]
    reason: String,
}

/// Why a tenant is opened again.
#[derive(Debug, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
struct Resumption {
    /// Why. It stands in both audit logs.
    #[garde(inner(length(chars, min = 1, max = 500)))]
    #[schema(min_length = 1, max_length = 500, example = "Paid.")]
    reason: Option<String>,
}

/// That it is this tenant which is removed for good.
#[derive(Debug, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
struct Purge {
    /// The tenant's slug.
    #[garde(length(chars, min = 1, max = 63))]
    #[schema(min_length = 1, max_length = 63, example = "north")]
    confirm: String,
    /// Why.
    #[garde(inner(length(chars, min = 1, max = 500)))]
    #[schema(min_length = 1, max_length = 500, example = "They asked for it in writing.")]
    reason: Option<String>,
}

/// How a tenant is deleted.
#[derive(Debug, Deserialize, Validate, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct Deletion {
    /// Days it is kept; the installation's own number when left out.
    #[garde(inner(range(min = 0, max = 3650)))]
    #[param(minimum = 0, maximum = 3650, example = 30)]
    grace_days: Option<u16>,
    /// The tenant's slug: needed while accounts belong to it.
    #[garde(inner(length(chars, min = 1, max = 63)))]
    #[param(min_length = 1, max_length = 63, example = "north")]
    confirm: Option<String>,
    /// Why.
    #[garde(inner(length(chars, min = 1, max = 500)))]
    #[param(min_length = 1, max_length = 500)]
    reason: Option<String>,
}

/// Try again what failed
///
/// Sets a workflow of the tenant going again that failed: its making as well as any other.
#[utoipa::path(
    post,
    path = "/platform/tenants/{id}/provision",
    operation_id = "platform_tenant_provision",
    tag = "Platform tenants",
    params(("id" = TenantId, Path, description = "Which one."), IdempotencyHeader),
    request_body(content = Plainly, example = json!({})),
    responses((status = 202, description = "It goes on.", body = Accepted,
        headers(("Location" = String, description = "The workflow's address.")), example = json!(sample_accepted())))
)]
async fn platform_tenant_provision(
    service: Service,
    caller: Caller,
    Path(tenant): Path<TenantId>,
    once: Once<Plainly>,
) -> Result<Response<Body>, Problem> {
    caller.authorize_operator(Action::Update, &TENANT)?;
    let (wanted, key) = (Wanted::Retry, once.key.as_ref());
    let request = Request { tenant, wanted, reason: None, confirmation: Confirmation::Needless, key };
    accepted(service.ask(request, &requester(&caller)?).await?)
}

/// Abandon a tenant that could not be made
///
/// Everything made for it is removed, and its slug is free again: in the end neither tenant nor workflow is there.
#[utoipa::path(
    post,
    path = "/platform/tenants/{id}/abandon",
    operation_id = "platform_tenant_abandon",
    tag = "Platform tenants",
    params(("id" = TenantId, Path, description = "Which one."), IdempotencyHeader),
    request_body(content = Plainly, example = json!({})),
    responses((status = 202, description = "It is being removed.", body = Accepted,
        headers(("Location" = String, description = "The workflow's address.")), example = json!(sample_accepted())))
)]
async fn platform_tenant_abandon(
    service: Service,
    caller: Caller,
    Path(tenant): Path<TenantId>,
    once: Once<Plainly>,
) -> Result<Response<Body>, Problem> {
    caller.authorize_operator(Action::Delete, &TENANT)?;
    let (wanted, key) = (Wanted::Abandon, once.key.as_ref());
    let request = Request { tenant, wanted, reason: None, confirmation: Confirmation::Needless, key };
    accepted(service.ask(request, &requester(&caller)?).await?)
}

/// Suspend a tenant
///
/// Everything is kept, and its people are shut out on every node.
#[utoipa::path(
    post,
    path = "/platform/tenants/{id}/suspend",
    operation_id = "platform_tenant_suspend",
    tag = "Platform tenants",
    params(("id" = TenantId, Path, description = "Which one."), IdempotencyHeader),
    request_body(content = Suspension, example = json!({ "reason": "The invoice of March is not paid." })),
    responses((status = 202, description = "It is being shut.", body = Accepted,
        headers(("Location" = String, description = "The workflow's address.")), example = json!(sample_accepted())))
)]
async fn platform_tenant_suspend(
    service: Service,
    caller: Caller,
    Path(tenant): Path<TenantId>,
    once: Once<Suspension>,
) -> Result<Response<Body>, Problem> {
    caller.authorize_operator(Action::Update, &TENANT)?;
    let (wanted, key) = (Wanted::Act(TenantAct::Suspend), once.key.as_ref());
    let request =
        Request { tenant, wanted, reason: Some(&once.body.reason), confirmation: Confirmation::Needless, key };
    accepted(service.ask(request, &requester(&caller)?).await?)
}

/// Resume a tenant
///
/// Opens a suspended tenant again, and brings back a deleted one within its days of grace.
#[utoipa::path(
    post,
    path = "/platform/tenants/{id}/resume",
    operation_id = "platform_tenant_resume",
    tag = "Platform tenants",
    params(("id" = TenantId, Path, description = "Which one."), IdempotencyHeader),
    request_body(content = Resumption, example = json!({ "reason": "Paid." })),
    responses((status = 202, description = "It is being opened.", body = Accepted,
        headers(("Location" = String, description = "The workflow's address.")), example = json!(sample_accepted())))
)]
async fn platform_tenant_resume(
    service: Service,
    caller: Caller,
    Path(tenant): Path<TenantId>,
    once: Once<Resumption>,
) -> Result<Response<Body>, Problem> {
    caller.authorize_operator(Action::Update, &TENANT)?;
    let (wanted, key) = (Wanted::Act(TenantAct::Resume), once.key.as_ref());
    let request =
        Request { tenant, wanted, reason: once.body.reason.as_deref(), confirmation: Confirmation::Needless, key };
    accepted(service.ask(request, &requester(&caller)?).await?)
}

/// Delete a tenant
///
/// It is shut, and removed for good after the days of grace; until then it can be resumed. While accounts belong to it, its
/// slug must be given as `confirm`.
#[utoipa::path(
    delete,
    path = "/platform/tenants/{id}",
    operation_id = "platform_tenant_delete",
    tag = "Platform tenants",
    params(("id" = TenantId, Path, description = "Which one."), Deletion,
        ("If-Match" = String, Header, description = "The ETag you read.", example = "\"v3\"")),
    responses((status = 202, description = "It is being shut.", body = Accepted,
        headers(("Location" = String, description = "The workflow's address.")), example = json!(sample_accepted())))
)]
async fn platform_tenant_delete(
    service: Service,
    caller: Caller,
    Path(tenant): Path<TenantId>,
    known: IfMatch,
    Query(how): Query<Deletion>,
) -> Result<Response<Body>, Problem> {
    caller.authorize_operator(Action::Delete, &TENANT)?;
    known.check(&PlatformTenant::from(service.tenancy().tenant(tenant).await?))?;
    let grace = how.grace_days.map(|days| std::time::Duration::from_hours(24 * u64::from(days)));
    let request = Request {
        tenant,
        wanted: Wanted::Act(TenantAct::Delete { grace }),
        reason: how.reason.as_deref(),
        confirmation: Confirmation::WithMembers(how.confirm.as_deref()),
        key: None,
    };
    accepted(service.ask(request, &requester(&caller)?).await?)
}

/// Remove a deleted tenant for good
///
/// Nothing is left of it. Only one that is deleted already can be removed.
#[utoipa::path(
    post,
    path = "/platform/tenants/{id}/purge",
    operation_id = "platform_tenant_purge",
    tag = "Platform tenants",
    params(("id" = TenantId, Path, description = "Which one."), IdempotencyHeader),
    request_body(content = Purge, example = json!({ "confirm": "north", "reason": "They asked for it in writing." })),
    responses((status = 202, description = "It is being removed.", body = Accepted,
        headers(("Location" = String, description = "The workflow's address.")), example = json!(sample_accepted())))
)]
async fn platform_tenant_purge(
    service: Service,
    caller: Caller,
    Path(tenant): Path<TenantId>,
    once: Once<Purge>,
) -> Result<Response<Body>, Problem> {
    caller.authorize_operator(Action::Delete, &TENANT)?;
    let (wanted, key) = (Wanted::Act(TenantAct::Purge), once.key.as_ref());
    let request = Request {
        tenant,
        wanted,
        reason: once.body.reason.as_deref(),
        confirmation: Confirmation::ByName(&once.body.confirm),
        key,
    };
    accepted(service.ask(request, &requester(&caller)?).await?)
}
