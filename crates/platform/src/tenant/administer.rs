//! What operators ask for about tenants. Each request is one unit of work: the workflow, the audit rows, and the answer that is
//! kept for an idempotency key.

use cloister_http::{IdempotencyKey, Problem};
use cloister_ids::{TenantId, WorkflowId};
use cloister_tenancy::{
    Changes, ControlTx, Error, ErrorKind, PlatformRecord, Requester, Result, Tenant,
    lifecycle::{TenantAct, TenantFields},
};
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::ToSchema;

use super::{TENANT, store};
use crate::{
    Service,
    idempotency::{self, Earlier},
    note, operator,
};

/// Something that was asked for and is being done.
#[derive(Debug, Clone, Copy, Serialize, Deserialize, ToSchema)]
#[schema(as = WorkflowBegun)]
pub(super) struct Accepted {
    /// The tenant.
    pub(super) tenant_id: TenantId,
    /// What is being done: `GET /platform/workflows/{id}` tells how far it is.
    pub(super) workflow_id: WorkflowId,
}

/// What came of a request.
pub(super) enum Asked {
    Now(Accepted),
    /// The same was asked with the same key.
    Before(Earlier),
}

/// How somebody made sure that it is this tenant they mean.
#[derive(Debug, Clone, Copy)]
pub(super) enum Confirmation<'a> {
    /// It takes none.
    Needless,
    /// By name, if anybody would lose something.
    WithMembers(Option<&'a str>),
    /// By name.
    ByName(&'a str),
}

/// Which of its steps somebody asks for.
#[derive(Debug, Clone, Copy)]
pub(super) enum Wanted {
    Act(TenantAct),
    /// What failed is tried again.
    Retry,
    /// What failed to be made is removed.
    Abandon,
}

impl Wanted {
    /// What audit logs call it.
    fn action(self) -> &'static str {
        match self {
            Self::Act(TenantAct::Suspend) => "tenant.suspend",
            Self::Act(TenantAct::Resume) => "tenant.resume",
            Self::Act(TenantAct::Delete { .. }) => "tenant.delete",
            Self::Act(TenantAct::Purge) => "tenant.purge",
            Self::Retry => "tenant.retry",
            Self::Abandon => "tenant.abandon",
        }
    }
}

/// Something asked for about a tenant.
pub(super) struct Request<'a> {
    pub(super) tenant: TenantId,
    pub(super) wanted: Wanted,
    pub(super) reason: Option<&'a str>,
    pub(super) confirmation: Confirmation<'a>,
    pub(super) key: Option<&'a IdempotencyKey>,
}

/// What an operator did to a tenant.
fn record(by: &Requester, action: &'static str, tenant: TenantId) -> PlatformRecord {
    operator::record(by, action, TENANT).of(tenant).on(tenant)
}

impl Service {
    /// Asks the kernel for something and notes it where the kernel does not.
    pub(super) async fn ask(&self, request: Request<'_>, by: &Requester) -> Result<Asked, Problem> {
        let Request { tenant: id, wanted, reason, confirmation, key } = request;
        let tenant = self.tenancy().tenant(id).await?;
        let mut tx = self.control().begin().await?;
        let scope = by.actor.to_string();
        if let Some(earlier) = idempotency::take(&mut tx, self, &scope, key).await? {
            return Ok(Asked::Before(earlier));
        }
        let workflow_id = match wanted {
            Wanted::Act(act) => tx.ask_tenant(act, id, reason, by).await?,
            Wanted::Retry => tx.retry_workflow(id).await?,
            Wanted::Abandon => tx.abandon_provisioning(tenant.id).await?,
        };
        // Its row is locked by now: nobody becomes a member between this look and the commit.
        confirm(&mut tx, &tenant, confirmation).await?;
        let record = record(by, wanted.action(), id).because(reason);
        match wanted {
            // The workflow writes into the platform's log by itself; a tenant that goes has no use for a note.
            Wanted::Act(TenantAct::Purge) => {}
            Wanted::Act(_) => note::tenant_only(&mut tx, id, &record).await?,
            Wanted::Retry | Wanted::Abandon => tx.audit(record.changing(json!({ "workflow": workflow_id }))),
        }
        let accepted = Accepted { tenant_id: id, workflow_id };
        idempotency::keep(&mut tx, &scope, key, axum::http::StatusCode::ACCEPTED, &accepted).await?;
        tx.commit().await?;
        Ok(Asked::Now(accepted))
    }

    /// Changes a tenant that is still as `before` says. Every node is told.
    pub(super) async fn change_tenant(
        &self,
        before: &Tenant,
        fields: &TenantFields,
        by: &Requester,
        record: PlatformRecord,
    ) -> Result<Tenant> {
        let mut tx = self.control().begin().await?;
        let changes = Changes::between(&TenantFields::from(before), fields)?;
        tx.update_tenant(before, fields, by).await?;
        note::both(&mut tx, before.id, record.changing(changes.into())).await?;
        tx.commit().await?;
        self.tenancy().refresh_registry().await?;
        self.tenancy().tenant(before.id).await
    }

    /// The same by an operator.
    pub(super) async fn administer_tenant(
        &self,
        before: &Tenant,
        fields: &TenantFields,
        by: &Requester,
    ) -> Result<Tenant> {
        self.change_tenant(before, fields, by, record(by, "tenant.update", before.id)).await
    }
}

async fn confirm(tx: &mut ControlTx, tenant: &Tenant, confirmation: Confirmation<'_>) -> Result<()> {
    let slug = tenant.slug.as_str();
    let named = match confirmation {
        Confirmation::Needless => return Ok(()),
        Confirmation::WithMembers(named) => named,
        Confirmation::ByName(named) => Some(named),
    };
    match named {
        Some(named) if named == slug => Ok(()),
        Some(_) => Err(Error::field("confirm", "confirm_mismatch", "Give the tenant's slug, letter by letter.")),
        None => {
            let rows = tx.query(&store::MEMBERS, &[&tenant.id]).await?;
            match rows.first().map_or(0, |row| row.get::<_, i64>("members")) {
                0 => Ok(()),
                count => {
                    let message =
                        format!("{count} accounts belong to this tenant. To shut them out, confirm by its slug.");
                    Err(Error::new(ErrorKind::Conflict, "members_exist", message))
                }
            }
        }
    }
}
