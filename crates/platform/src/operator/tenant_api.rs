//! Endpoint by which a tenant sees which operators were inside.

use cloister_http::{Answer, Edge, Listing, Op, PageQuery, Problem};
use cloister_tenancy::Action;
use garde::Validate;
use serde::Deserialize;
use utoipa::IntoParams;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    OPERATOR_ENTRY,
    entry_api::{ByAge, EntryOrder, EntryPage, sample},
    store,
};
use crate::Service;

pub(super) fn routes() -> OpenApiRouter<Edge> {
    OpenApiRouter::new().routes(routes!(tenant_operator_entry_list))
}

/// Which visits.
#[derive(Debug, Deserialize, Validate, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct VisitFilter {
    /// `true` for those under way alone.
    #[garde(skip)]
    #[serde(default)]
    open: bool,
}

/// List operators' visits
///
/// Which operators of the platform entered the tenant, why, and for how long. What they did stands in the audit log.
#[utoipa::path(
    get,
    path = "/tenant/operator-entries",
    operation_id = "tenant_operator_entry_list",
    tag = "Tenant",
    params(VisitFilter, EntryOrder, PageQuery),
    responses((status = 200, description = "A page of visits.", body = EntryPage,
        example = json!({ "items": [sample()], "next_cursor": null })))
)]
async fn tenant_operator_entry_list(
    service: Service,
    op: Op,
    listing: Listing<VisitFilter, ByAge>,
) -> Result<Answer<EntryPage>, Problem> {
    op.cx.authorize(Action::Read, &OPERATOR_ENTRY)?;
    let tenant = op.cx.tenant_id();
    let selection = store::Selection {
        account: None,
        tenant: Some(tenant),
        open_at: listing.filter.open.then(|| op.cx.clock().now()),
        oldest_first: listing.descending,
        after: listing.after(tenant, OPERATOR_ENTRY.name)?,
        limit: listing.limit(),
    };
    let entries = store::entries(service.control(), selection).await?;
    Ok(Answer(listing.page(tenant, OPERATOR_ENTRY.name, entries, |last| last.id)))
}
