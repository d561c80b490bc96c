//! Requests as part of a unit of work: a tenant, and what is to be done to it, are recorded together with whatever else
//! belongs to them, or not at all.

use cloister_ids::{DomainId, TenantId, WorkflowId};
use cloister_postgres::ToSql;
use jiff::Timestamp;
use serde_json::{Value, json};

use super::{
    definition::{Kind, State},
    requests::refused,
};
use crate::{
    Actor, ControlTx, Error, ErrorKind, NewTenant, PlatformRecord, Requester, Result, Status, Tenancy,
    audit::{Beginning, platform_store},
    control::{RegistryTx, store},
    data_key::FIRST_KEY,
};

/// A workflow that is asked for.
pub(super) struct Asked<'a> {
    pub(super) id: WorkflowId,
    kind: &'static str,
    tenant: TenantId,
    input: Value,
    by: String,
    origin: Value,
    reason: Option<&'a str>,
    at: Timestamp,
    from: Vec<&'static str>,
}

impl<'a> Asked<'a> {
    /// Of a tenant that must be in one of these states.
    pub(super) fn new(
        tenancy: &Tenancy,
        kind: Kind,
        tenant: TenantId,
        from: &[Status],
        input: Value,
        reason: Option<&'a str>,
        by: &Requester,
    ) -> Result<Self> {
        if reason.is_some_and(|reason| reason.chars().count() > 500) {
            return Err(Error::field("reason", "length", "Give at most 500 characters."));
        }
        let clock = &*tenancy.0.clock;
        Ok(Self {
            id: WorkflowId::generate(clock),
            kind: kind.word(),
            tenant,
            input,
            by: by.actor.to_string(),
            origin: by.origin(),
            reason,
            at: clock.now(),
            from: from.iter().map(|status| status.word()).collect(),
        })
    }

    /// For the statement that records it, which answers a row when it did.
    pub(super) fn parameters(&self) -> [&(dyn ToSql + Sync); 9] {
        let Self { id, kind, tenant, input, by, origin, reason, at, from } = self;
        [id, kind, tenant, input, by, origin, reason, at, from]
    }

    /// It was not recorded: the tenant is in another state.
    pub(super) fn refusal(&self, found: Status) -> Error {
        let (kind, states) = (self.kind, self.from.join(", "));
        let message = format!("A tenant that is {found} cannot be asked to {kind}; only one that is {states} can.");
        Error::new(ErrorKind::Conflict, "tenant_state_conflict", message)
    }
}

/// Why a workflow could not be recorded.
pub(super) fn busy(error: cloister_postgres::Error) -> Error {
    if error.constraint() != Some("workflow_one_at_a_time") {
        return error.into();
    }
    let message =
        "Something else is being done to this tenant. Wait until it is finished, or retry or abandon it if it failed.";
    Error::new(ErrorKind::Conflict, "tenant_busy", message).because(error)
}

/// Records a tenant, and the workflow that makes it if that is to begin. The slug is taken when `tx` commits.
pub(super) async fn tenant(
    tenancy: &Tenancy,
    tx: &mut RegistryTx,
    new: &NewTenant,
    requester: Requester,
    at_once: bool,
) -> Result<(TenantId, Option<WorkflowId>)> {
    tenancy.validate(new)?;
    let clock = &*tenancy.0.clock;
    let (id, at, by) = (TenantId::generate(clock), clock.now(), requester.actor.to_string());
    let asked = if at_once {
        Some(Asked::new(tenancy, Kind::Provision, id, &[Status::Pending], json!({}), None, &requester)?)
    } else {
        None
    };
    let workflow = asked.as_ref().map(|asked| asked.id);
    let slug = new.slug.as_str();
    let changes = json!({ "slug": slug, "tier": new.tier, "kind": new.kind, "workflow": workflow });
    let noted = PlatformRecord::new(requester, "tenant.create", "tenant").of(id).on(id).changing(changes).noted(clock);
    let beginning = Beginning::of(id.uuid(), tenancy.sealer(), at)?;
    let notice = id.uuid().to_string();
    tx.query(
        &store::INSERT_TENANT,
        &[
            &id,
            &slug,
            &new.display_name.trim(),
            &new.legal_name,
            &new.kind,
            &new.tier.word(),
            &new.plan,
            &new.region,
            &new.locale,
            &new.time_zone,
            &new.contact_name,
            &new.contact_email,
            &new.contact_phone,
            &new.address,
            &new.trial_start_date,
            &new.trial_end_date,
            &new.demo,
            &at,
            &by,
        ],
    )
    .await
    .map_err(|error| refused(error, &new.slug))?;
    for host in &new.domains {
        tx.query(&store::INSERT_DOMAIN, &[&DomainId::generate(clock), &id, host, &at, &by])
            .await
            .map_err(|error| refused(error, &new.slug))?;
    }
    let wrapped = tenancy.new_data_key(id)?;
    tx.query(&store::INSERT_DATA_KEY, &[&id, &FIRST_KEY, &wrapped, &at]).await?;
    let (chain, audit) = (beginning.parameters(), noted.parameters());
    let notice: [&(dyn ToSql + Sync); 1] = [&notice];
    let recorded = asked.as_ref().map(Asked::parameters);
    let mut items: Vec<(&'static cloister_postgres::Statement, &[&(dyn ToSql + Sync)])> =
        vec![(&platform_store::BEGIN, &chain), (&store::AUDIT, &audit), (&store::NOTIFY, &notice)];
    items.extend(recorded.as_ref().map(|with| (&store::INSERT_WORKFLOW, with.as_slice())));
    tx.query_all(&items).await?;
    Ok((id, workflow))
}

/// Sets a failed workflow going again, onward or backward.
pub(super) async fn restart(
    tenancy: &Tenancy,
    tx: &mut RegistryTx,
    tenant: TenantId,
    state: State,
) -> Result<WorkflowId> {
    let at = tenancy.0.clock.now();
    let rows = tx.query(&store::RESTART_WORKFLOW, &[&tenant, &state.word(), &at]).await?;
    let Some(row) = rows.first() else {
        return Err(Error::new(ErrorKind::Conflict, "nothing_failed", "No workflow of this tenant has failed."));
    };
    if state == State::Running && row.get::<_, &str>("kind") == Kind::Provision.word() {
        // It is being made again, and only what is being made can come into use.
        let (from, by) = ([Status::Failed.word()], Actor::System("retry").to_string());
        tx.query(&store::SET_STATUS, &[&tenant, &from.as_slice(), &Status::Preparing.word(), &at, &by]).await?;
    }
    tx.query(&store::NOTIFY, &[&tenant.uuid().to_string()]).await?;
    Ok(row.get("id"))
}

/// Refuses to undo the making of a tenant that was made.
pub(super) fn may_abandon(found: Status) -> Result<()> {
    if matches!(found, Status::Failed | Status::Pending | Status::Preparing) {
        return Ok(());
    }
    let message = format!("A tenant that is {found} cannot be abandoned.");
    Err(Error::new(ErrorKind::Conflict, "tenant_state_conflict", message))
}

/// A tenant's status; none when there is no such tenant.
async fn status(tx: &mut RegistryTx, tenant: TenantId) -> Result<Option<Status>> {
    let rows = tx.query(&store::TENANT, &[&tenant]).await?;
    let word = rows.first().map(|row| row.get::<_, &str>("status").parse());
    word.transpose().map_err(Error::internal)
}

impl ControlTx {
    /// Records a tenant and the workflow that makes it, as part of this. The slug is taken from the commit on.
    pub async fn create_tenant(&mut self, new: &NewTenant, by: impl Into<Requester>) -> Result<(TenantId, WorkflowId)> {
        let (tenancy, registry) = self.registry();
        match tenant(&tenancy, registry, new, by.into(), true).await? {
            (id, Some(workflow)) => Ok((id, workflow)),
            (id, None) => Err(Error::internal(format!("the making of tenant {id} was not recorded"))),
        }
    }

    /// Records a tenant of which nothing is made until [`provision_tenant`](Self::provision_tenant).
    pub async fn reserve_tenant(&mut self, new: &NewTenant, by: impl Into<Requester>) -> Result<TenantId> {
        let (tenancy, registry) = self.registry();
        tenant(&tenancy, registry, new, by.into(), false).await.map(|(id, _)| id)
    }

    /// Records the workflow that makes a reserved tenant.
    pub async fn provision_tenant(&mut self, tenant: TenantId, by: impl Into<Requester>) -> Result<WorkflowId> {
        self.ask(Kind::Provision, tenant, &[Status::Pending], json!({}), None, by.into()).await
    }

    /// Sets a tenant's failed workflow going again.
    pub async fn retry_workflow(&mut self, tenant: TenantId) -> Result<WorkflowId> {
        let (tenancy, registry) = self.registry();
        restart(&tenancy, registry, tenant, State::Running).await
    }

    /// Turns a failed making round: everything it made is removed, and the tenant with it.
    pub async fn abandon_provisioning(&mut self, tenant: TenantId) -> Result<WorkflowId> {
        let (tenancy, registry) = self.registry();
        let found = status(registry, tenant).await?.ok_or_else(Error::not_found)?;
        may_abandon(found)?;
        restart(&tenancy, registry, tenant, State::Undoing).await
    }

    /// Ends a tenant that nobody is to use, whatever became of it: one in use is deleted without days of grace, a failed
    /// making is undone, a mere record forgotten. False when there is nothing left to end. While something else is being
    /// done to the tenant, it is refused with `tenant_busy`.
    pub async fn discard_tenant(
        &mut self,
        tenant: TenantId,
        reason: Option<&str>,
        by: impl Into<Requester>,
    ) -> Result<bool> {
        let (tenancy, registry) = self.registry();
        let (kind, from, input) = match status(registry, tenant).await? {
            None | Some(Status::Deleted | Status::Purging) => return Ok(false),
            Some(Status::Failed) => {
                return restart(&tenancy, registry, tenant, State::Undoing).await.map(|_| true);
            }
            Some(Status::Pending | Status::Preparing) => (Kind::Purge, [Status::Pending, Status::Preparing], json!({})),
            Some(Status::Active | Status::Suspended) => {
                (Kind::Delete, [Status::Active, Status::Suspended], json!({ "grace_seconds": 0 }))
            }
        };
        self.ask(kind, tenant, &from, input, reason, by.into()).await.map(|_| true)
    }

    /// Records a workflow of a tenant that is in one of these states.
    pub(super) async fn ask(
        &mut self,
        kind: Kind,
        tenant: TenantId,
        from: &[Status],
        input: Value,
        reason: Option<&str>,
        by: Requester,
    ) -> Result<WorkflowId> {
        let (tenancy, registry) = self.registry();
        let asked = Asked::new(&tenancy, kind, tenant, from, input, reason, &by)?;
        let recorded = registry.query(&store::INSERT_WORKFLOW, &asked.parameters()).await.map_err(busy)?;
        if recorded.is_empty() {
            let found = status(registry, tenant).await?.ok_or_else(Error::not_found)?;
            return Err(asked.refusal(found));
        }
        Ok(asked.id)
    }
}
