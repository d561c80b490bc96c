//! What may be asked for as part of a larger unit of work in the control plane: the request, whatever else is written about it
//! and the answer that is kept for an idempotency key commit together.

use std::time::Duration;

use cloister_ids::{DomainId, TenantId, WorkflowId};
use jiff::civil::Date;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{
    definition::{Kind, State},
    requests::refused,
};
use crate::{
    Actor, ControlTx, Error, ErrorKind, FieldError, NewTenant, PlatformRecord, Requester, Result, Status, Tenancy,
    Tenant,
    audit::{Beginning, platform_store},
    control::{RegistryTx, store},
};

/// What a tenant can be asked to go through.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TenantAct {
    /// Shut; everything is kept.
    Suspend,
    /// Opened again, also within the days of grace.
    Resume,
    /// Shut and marked to be removed after the days of grace: these, or the installation's.
    Delete {
        /// How long it is kept.
        grace: Option<Duration>,
    },
    /// Removed for good.
    Purge,
}

impl TenantAct {
    fn kind(self) -> Kind {
        match self {
            Self::Suspend => Kind::Suspend,
            Self::Resume => Kind::Resume,
            Self::Delete { .. } => Kind::Delete,
            Self::Purge => Kind::Purge,
        }
    }

    /// The states it may be asked for in.
    fn from(self) -> &'static [Status] {
        match self {
            Self::Suspend => &[Status::Active, Status::Suspended],
            Self::Resume => &[Status::Suspended, Status::Deleted, Status::Active],
            Self::Delete { .. } => &[Status::Active, Status::Suspended, Status::Deleted],
            Self::Purge => &[Status::Deleted, Status::Purging],
        }
    }

    fn input(self) -> Value {
        match self {
            Self::Delete { grace: Some(grace) } => json!({ "grace_seconds": grace.as_secs() }),
            _ => json!({}),
        }
    }
}

/// What may be changed about a tenant while it lives.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "the fields are those of NewTenant, where they are described")]
pub struct TenantFields {
    pub display_name: String,
    pub legal_name: Option<String>,
    pub plan: String,
    pub locale: String,
    pub time_zone: String,
    pub contact_name: Option<String>,
    pub contact_email: Option<String>,
    pub contact_phone: Option<String>,
    pub address: Option<String>,
    pub trial_start_date: Option<Date>,
    pub trial_end_date: Option<Date>,
    pub maintenance: bool,
    pub maintenance_message: Option<String>,
}

impl From<&Tenant> for TenantFields {
    fn from(tenant: &Tenant) -> Self {
        let tenant = tenant.clone();
        Self {
            display_name: tenant.display_name,
            legal_name: tenant.legal_name,
            plan: tenant.plan,
            locale: tenant.locale,
            time_zone: tenant.time_zone,
            contact_name: tenant.contact_name,
            contact_email: tenant.contact_email,
            contact_phone: tenant.contact_phone,
            address: tenant.address,
            trial_start_date: tenant.trial_start_date,
            trial_end_date: tenant.trial_end_date,
            maintenance: tenant.maintenance,
            maintenance_message: tenant.maintenance_message,
        }
    }
}

impl Tenancy {
    pub(super) async fn record_tenant(
        &self,
        tx: &mut RegistryTx,
        new: &NewTenant,
        requester: Requester,
    ) -> Result<(TenantId, WorkflowId)> {
        self.validate(new)?;
        let clock = &*self.0.clock;
        let (id, at, by) = (TenantId::generate(clock), clock.now(), requester.actor.to_string());
        let slug = new.slug.as_str();
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
        let workflow = WorkflowId::generate(clock);
        let origin = requester.origin();
        let changes = json!({ "slug": slug, "tier": new.tier, "kind": new.kind, "workflow": workflow });
        let noted =
            PlatformRecord::new(requester, "tenant.create", "tenant").of(id).on(id).changing(changes).noted(clock);
        let notice = id.uuid().to_string();
        let beginning = Beginning::of(id.uuid(), self.sealer(), at)?;
        tx.query_all(&[
            (
                &store::INSERT_WORKFLOW,
                &[
                    &workflow,
                    &Kind::Provision.word(),
                    &id,
                    &json!({}),
                    &by,
                    &origin,
                    &None::<String>,
                    &at,
                    &[Status::Pending.word()].as_slice(),
                ],
            ),
            (&platform_store::BEGIN, &beginning.parameters()),
            (&store::AUDIT, &noted.parameters()),
            (&store::NOTIFY, &[&notice]),
        ])
        .await
        .map_err(|error| refused(error, &new.slug))?;
        Ok((id, workflow))
    }

    pub(super) async fn record_abandon(&self, tx: &mut RegistryTx, tenant: &Tenant) -> Result<WorkflowId> {
        if !matches!(tenant.status, Status::Failed | Status::Pending | Status::Preparing) {
            return Err(Error::new(
                ErrorKind::Conflict,
                "tenant_state_conflict",
                format!("A tenant that is {} cannot be abandoned.", tenant.status),
            ));
        }
        self.record_restart(tx, tenant.id, State::Undoing).await
    }

    pub(super) async fn record_restart(
        &self,
        tx: &mut RegistryTx,
        tenant: TenantId,
        state: State,
    ) -> Result<WorkflowId> {
        let at = self.0.clock.now();
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

    pub(super) async fn record_act(
        &self,
        tx: &mut RegistryTx,
        act: TenantAct,
        tenant: TenantId,
        reason: Option<&str>,
        requester: Requester,
    ) -> Result<WorkflowId> {
        if reason.is_some_and(|reason| reason.chars().count() > 500) {
            return Err(Error::field("reason", "length", "Give at most 500 characters."));
        }
        let id = WorkflowId::generate(&*self.0.clock);
        let (kind, input) = (act.kind(), act.input());
        let (at, by, origin) = (self.0.clock.now(), requester.actor.to_string(), requester.origin());
        let states: Vec<&str> = act.from().iter().map(|status| status.word()).collect();
        let recorded = tx
            .query(&store::INSERT_WORKFLOW, &[&id, &kind.word(), &tenant, &input, &by, &origin, &reason, &at, &states])
            .await
            .map_err(|error| match error.constraint() {
                Some("workflow_one_at_a_time") => Error::new(
                    ErrorKind::Conflict,
                    "tenant_busy",
                    "Something else is being done to this tenant. Wait until it is finished, or retry or abandon it if it failed.",
                )
                .because(error),
                _ => error.into(),
            })?;
        if recorded.is_empty() {
            let found = self.tenant(tenant).await?;
            let states = states.join(", ");
            return Err(Error::new(
                ErrorKind::Conflict,
                "tenant_state_conflict",
                format!("A tenant that is {} cannot be asked to {kind}; only one that is {states} can.", found.status),
            ));
        }
        Ok(id)
    }
}

impl ControlTx {
    /// [`Tenancy::create_tenant`] as part of this.
    pub async fn create_tenant(&mut self, new: &NewTenant, by: impl Into<Requester>) -> Result<(TenantId, WorkflowId)> {
        let (tx, tenancy) = self.parts();
        tenancy.record_tenant(tx, new, by.into()).await
    }

    /// Asks for something to be done to a tenant. Its row is locked from here on: nobody becomes a member meanwhile.
    pub async fn ask_tenant(
        &mut self,
        act: TenantAct,
        tenant: TenantId,
        reason: Option<&str>,
        by: impl Into<Requester>,
    ) -> Result<WorkflowId> {
        let (tx, tenancy) = self.parts();
        tenancy.record_act(tx, act, tenant, reason, by.into()).await
    }

    /// [`Tenancy::retry_workflow`] as part of this.
    pub async fn retry_workflow(&mut self, tenant: TenantId) -> Result<WorkflowId> {
        let (tx, tenancy) = self.parts();
        tenancy.record_restart(tx, tenant, State::Running).await
    }

    /// [`Tenancy::abandon_provisioning`] as part of this.
    pub async fn abandon_provisioning(&mut self, tenant: &Tenant) -> Result<WorkflowId> {
        let (tx, tenancy) = self.parts();
        tenancy.record_abandon(tx, tenant).await
    }

    /// Changes a tenant that is still of this version, and answers the next one. Every node is told with the commit. The
    /// caller writes the audit row.
    pub async fn update_tenant(
        &mut self,
        before: &Tenant,
        fields: &TenantFields,
        by: impl Into<Requester>,
    ) -> Result<i64> {
        let (tx, tenancy) = self.parts();
        tenancy.validate(&NewTenant {
            slug: before.slug.clone(),
            display_name: fields.display_name.clone(),
            legal_name: fields.legal_name.clone(),
            kind: before.kind.clone(),
            tier: before.tier,
            plan: fields.plan.clone(),
            region: before.region.clone(),
            locale: fields.locale.clone(),
            time_zone: fields.time_zone.clone(),
            contact_name: fields.contact_name.clone(),
            contact_email: fields.contact_email.clone(),
            contact_phone: fields.contact_phone.clone(),
            address: fields.address.clone(),
            trial_start_date: fields.trial_start_date,
            trial_end_date: fields.trial_end_date,
            demo: before.demo,
            domains: Vec::new(),
        })?;
        if fields.maintenance_message.as_ref().is_some_and(|text| text.trim().is_empty() || text.chars().count() > 500)
        {
            let (field, message) =
                ("maintenance_message".to_owned(), "Leave it out or give 1 to 500 characters.".to_owned());
            return Err(Error::invalid(vec![FieldError { field, code: "length".into(), message }]));
        }
        let (at, by) = (tenancy.0.clock.now(), by.into().actor.to_string());
        let rows = tx
            .query(
                &store::UPDATE_TENANT,
                &[
                    &before.id,
                    &before.version,
                    &fields.display_name.trim(),
                    &fields.legal_name,
                    &fields.plan,
                    &fields.locale,
                    &fields.time_zone,
                    &fields.contact_name,
                    &fields.contact_email,
                    &fields.contact_phone,
                    &fields.address,
                    &fields.trial_start_date,
                    &fields.trial_end_date,
                    &fields.maintenance,
                    &fields.maintenance_message,
                    &at,
                    &by,
                ],
            )
            .await?;
        let row = rows.first().ok_or_else(Error::version_mismatch)?;
        tx.query(&store::NOTIFY, &[&before.id.uuid().to_string()]).await?;
        Ok(row.get("version"))
    }
}
