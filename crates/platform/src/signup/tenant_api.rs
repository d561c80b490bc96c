//! How one's own tenant stands, whatever state it is in.

use cloister_http::{Answer, Edge, Onlooker, Problem};
use cloister_ids::TenantId;
use cloister_tenancy::{Error, Status};
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::status::{Making, SignupStep, sample_steps};
use crate::{Service, account::Standing};

pub(super) fn routes() -> OpenApiRouter<Edge> {
    OpenApiRouter::new().routes(routes!(tenant_status))
}

/// How a tenant stands.
#[derive(Debug, Serialize, ToSchema)]
struct TenantStatus {
    /// Which one.
    id: TenantId,
    /// Its name in addresses.
    #[schema(example = "north")]
    slug: String,
    /// Its name on pages.
    #[schema(example = "North High School")]
    display_name: String,
    /// Where it is in its life.
    status: Status,
    /// It is closed for maintenance.
    #[schema(example = false)]
    maintenance: bool,
    /// Requests are served for it.
    #[schema(example = false)]
    ready: bool,
    /// It could not be made. Somebody looks at it.
    #[schema(example = false)]
    failed: bool,
    /// The steps of its making, in order.
    steps: Vec<SignupStep>,
}

/// See how one's own tenant stands
///
/// Also while it is being made or suspended, when everything else is refused. For those who belong to it.
#[utoipa::path(
    get,
    path = "/tenant/status",
    operation_id = "tenant_status",
    tag = "Sign-up",
    responses((status = 200, description = "How it stands.", body = TenantStatus, example = json!(sample())))
)]
async fn tenant_status(service: Service, onlooker: Onlooker) -> Result<Answer<TenantStatus>, Problem> {
    let Onlooker { caller, tenant } = onlooker;
    // To whoever does not belong to it, it does not exist.
    let account = caller.identity.account.ok_or_else(Error::not_found)?;
    if Standing::read(service.control(), account, Some(tenant.id)).await?.roles.is_none() {
        return Err(Error::not_found().into());
    }
    let making = Making::read(&service, Some(tenant.id), Some(tenant.status)).await?;
    Ok(Answer(TenantStatus {
        id: tenant.id,
        slug: tenant.slug.to_string(),
        display_name: tenant.display_name.to_string(),
        status: tenant.status,
        maintenance: tenant.maintenance,
        ready: tenant.admit().is_ok(),
        failed: making.failed,
        steps: making.steps,
    }))
}

fn sample() -> TenantStatus {
    TenantStatus {
        id: TenantId::from_uuid(cloister_ids::Uuid::from_u128(0x019b_8d24_4e80_7c3e_9d0a_5f2b_7c61_e4a8)),
        slug: "north".to_owned(),
        display_name: "North High School".to_owned(),
        status: Status::Preparing,
        maintenance: false,
        ready: false,
        failed: false,
        steps: sample_steps(),
    }
}
