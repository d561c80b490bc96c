//! Endpoints that list audit entries.

use cloister_http::{Answer, Caller, Edge, Listing, Op, Page, PageQuery, Problem, Sort};
use cloister_ids::{AuditId, TenantId, Uuid};
use cloister_tenancy::Action;
use utoipa::IntoParams;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    AUDIT, AuditEntry, PlatformAuditEntry, Selection, export_api,
    filter::{AuditFilter, PlatformAuditFilter},
    platform_store, sample, store,
};
use crate::Service;

/// The routes of this folder.
pub(crate) fn routes() -> OpenApiRouter<Edge> {
    OpenApiRouter::new().routes(routes!(audit_list)).merge(export_api::routes()).routes(routes!(platform_audit_list))
}

/// The one order there is, and its reverse.
#[derive(Debug, Clone, Copy)]
struct Newest;

impl Sort for Newest {
    const ORDERS: &'static [(&'static str, Self)] = &[("newest", Self)];
}

/// The order, for the API document.
#[derive(Debug, IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "read by `Listing`; this is its description")]
struct AuditOrder {
    /// `newest` first (as usual), or with `-` in front the oldest.
    #[param(pattern = "^-?newest$", example = "-newest")]
    sort: Option<String>,
}

/// A page of a tenant's log.
type AuditEntryPage = Page<AuditEntry>;
/// A page of the platform's.
type PlatformAuditEntryPage = Page<PlatformAuditEntry>;

/// List audit entries
///
/// What was done in this tenant, by whom and when, the newest first.
#[utoipa::path(
    get,
    path = "/audit",
    operation_id = "audit_list",
    tag = "Audit",
    params(AuditFilter, AuditOrder, PageQuery),
    responses((status = 200, description = "A page of entries.", body = AuditEntryPage,
        example = json!({ "items": [sample()], "next_cursor": null })))
)]
async fn audit_list(op: Op, listing: Listing<AuditFilter, Newest>) -> Result<Answer<AuditEntryPage>, Problem> {
    let Op { tenancy, cx, .. } = &op;
    cx.authorize(Action::Read, &AUDIT)?;
    let (tenant, what) = (cx.tenant_id(), AUDIT.name);
    let after = listing.after::<(AuditId,)>(tenant, what)?.map(|(id,)| id);
    let (limit, newest_first) = (listing.limit(), !listing.descending);
    let rows = store::list(tenancy, cx, &Selection::new(listing.filter.wanted(), after, newest_first, limit)).await?;
    Ok(Answer(listing.page(tenant, what, rows, |last| (last.id,))))
}

/// List the platform's audit entries
///
/// What was done to tenants and accounts and outside of every tenant, the newest first. For operators.
#[utoipa::path(
    get,
    path = "/platform/audit",
    operation_id = "platform_audit_list",
    tag = "Audit",
    params(PlatformAuditFilter, AuditOrder, PageQuery),
    responses((status = 200, description = "A page of entries.", body = PlatformAuditEntryPage,
        example = json!({ "items": [platform_sample()], "next_cursor": null })))
)]
async fn platform_audit_list(
    caller: Caller,
    service: Service,
    listing: Listing<PlatformAuditFilter, Newest>,
) -> Result<Answer<PlatformAuditEntryPage>, Problem> {
    caller.authorize_operator(Action::Read, &AUDIT)?;
    // Of no tenant: a cursor from here fits no tenant's list.
    let (nobody, what) = (TenantId::from_uuid(Uuid::nil()), AUDIT.name);
    let after = listing.after::<(AuditId,)>(nobody, what)?.map(|(id,)| id);
    let (limit, newest_first) = (listing.limit(), !listing.descending);
    let selection = Selection::new(listing.filter.wanted(), after, newest_first, limit);
    let rows = platform_store::list(service.control(), listing.filter.tenant_id, &selection).await?;
    Ok(Answer(listing.page(nobody, what, rows, |last| (last.entry.id,))))
}

fn platform_sample() -> PlatformAuditEntry {
    let tenant = TenantId::from_uuid(Uuid::from_u128(0x019b_8d24_4e80_7c3e_9d0a_5f2b_7c61_0009));
    let entry = AuditEntry {
        actor: "operator:ada".to_owned(),
        account_id: None,
        action: "tenant.suspend".to_owned(),
        resource: Some("tenant".to_owned()),
        resource_id: Some(tenant.to_string()),
        reason: Some("Asked for by the school's head.".to_owned()),
        changes: None,
        ..sample()
    };
    PlatformAuditEntry { entry, tenant_id: Some(tenant) }
}
