//! What may be asked for: make a tenant, shut it, open it, delete it, look at it.

use cloister_ids::{TenantId, WorkflowId};
use cloister_postgres::Row;
use serde_json::json;

use super::{
    act::TenantAct,
    definition::{Kind, State},
    provision::schema_name,
    record,
};
use crate::{
    Actor, Error, ErrorKind, NewTenant, PlatformRecord, Requester, Result, Slug, Status, Tenancy, Tenant, Tier,
    control::store,
    ledger::{SHARED_SCHEMA, SINGLE_SCHEMA},
    plan,
};

/// What making a tenant would do.
#[derive(Debug, Clone, serde::Serialize)]
pub struct Plan {
    /// Name in addresses.
    pub slug: String,
    /// How its rows would be kept apart.
    pub tier: Tier,
    /// Its modules.
    pub modules: Vec<&'static str>,
    /// The schema its rows would be in.
    pub schema: String,
    /// The steps that would be taken.
    pub steps: Vec<&'static str>,
}

/// Which tenants to list.
#[derive(Debug, Clone, Default)]
pub struct TenantFilter {
    /// In this state only.
    pub status: Option<Status>,
    /// In this tier only.
    pub tier: Option<Tier>,
    /// Only those whose slug begins with this, or whose name has it somewhere.
    pub query: Option<String>,
    /// From the last slug to the first.
    pub descending: bool,
    /// Behind this slug.
    pub after: String,
    /// At most so many.
    pub limit: i64,
}

impl Tenancy {
    /// What [`create_tenant`](Self::create_tenant) would do; refuses what it would refuse.
    pub async fn plan_tenant(&self, new: &NewTenant) -> Result<Plan> {
        self.validate(new)?;
        if !self.0.control.run(&store::TENANT_BY_SLUG, &[&new.slug.as_str()]).await?.is_empty() {
            return Err(slug_taken(&new.slug));
        }
        let schema = match new.tier {
            Tier::Shared => SHARED_SCHEMA.to_owned(),
            Tier::Schema => format!("{}…", &schema_name(TenantId::generate(&*self.0.clock))[..4]),
            Tier::Database => SINGLE_SCHEMA.to_owned(),
        };
        let modules =
            self.0.modules.iter().filter(|m| m.kinds().contains(&new.kind.as_str())).map(|m| m.name()).collect();
        let steps = Kind::Provision.step_names().collect();
        Ok(Plan { slug: new.slug.to_string(), tier: new.tier, modules, schema, steps })
    }

    /// Records a tenant and the workflow that makes it. The slug is taken from here on.
    pub async fn create_tenant(&self, new: &NewTenant, by: impl Into<Requester>) -> Result<(TenantId, WorkflowId)> {
        let mut tx = self.0.control.begin().await?;
        let (id, workflow) = record::tenant(self, &mut tx, new, by.into(), true).await?;
        tx.commit(&[]).await?;
        self.0.workflows.notify_one();
        let workflow = workflow.ok_or_else(|| Error::internal("the making of a tenant was not recorded"))?;
        Ok((id, workflow))
    }

    /// Shuts a tenant; everything is kept.
    pub async fn suspend_tenant(
        &self,
        id: TenantId,
        reason: Option<&str>,
        by: impl Into<Requester>,
    ) -> Result<WorkflowId> {
        self.request(TenantAct::Suspend, id, reason, by.into()).await
    }

    /// Opens a suspended tenant again, or brings one back within its days of grace.
    pub async fn resume_tenant(
        &self,
        id: TenantId,
        reason: Option<&str>,
        by: impl Into<Requester>,
    ) -> Result<WorkflowId> {
        self.request(TenantAct::Resume, id, reason, by.into()).await
    }

    /// Shuts a tenant and marks it to be removed after the days of grace.
    pub async fn delete_tenant(
        &self,
        id: TenantId,
        grace: Option<std::time::Duration>,
        reason: Option<&str>,
        by: impl Into<Requester>,
    ) -> Result<WorkflowId> {
        self.request(TenantAct::Delete { grace }, id, reason, by.into()).await
    }

    /// Removes a deleted tenant for good, without waiting for the end of its days of grace.
    pub async fn purge_tenant(
        &self,
        id: TenantId,
        reason: Option<&str>,
        by: impl Into<Requester>,
    ) -> Result<WorkflowId> {
        self.request(TenantAct::Purge, id, reason, by.into()).await
    }

    /// Starts the removal of tenants whose days of grace are over.
    pub async fn purge_due(&self) -> Result<usize> {
        let now = self.0.clock.now();
        let due = self.0.control.run(&store::PURGE_DUE, &[&now, &20i64]).await?;
        for row in &due {
            let by = Actor::System("grace");
            if let Err(error) = self.purge_tenant(row.get("id"), None, &by).await {
                tracing::warn!(error = error.log(), "a deleted tenant could not be removed yet");
            }
        }
        Ok(due.len())
    }

    /// Sets a failed workflow going again.
    pub async fn retry_workflow(&self, tenant: TenantId) -> Result<WorkflowId> {
        self.restart(tenant, State::Running).await
    }

    /// Turns a failed provisioning round: everything it made is removed, and the tenant with it.
    pub async fn abandon_provisioning(&self, tenant: TenantId) -> Result<WorkflowId> {
        record::may_abandon(self.tenant(tenant).await?.status)?;
        self.restart(tenant, State::Undoing).await
    }

    async fn restart(&self, tenant: TenantId, state: State) -> Result<WorkflowId> {
        let mut tx = self.0.control.begin().await?;
        let id = record::restart(self, &mut tx, tenant, state).await?;
        tx.commit(&[]).await?;
        self.0.workflows.notify_one();
        Ok(id)
    }

    async fn request(
        &self,
        act: TenantAct,
        tenant: TenantId,
        reason: Option<&str>,
        by: Requester,
    ) -> Result<WorkflowId> {
        let asked = record::Asked::new(self, act.kind(), tenant, act.from(), act.input(), reason, &by)?;
        let recorded = self.0.control.run(&store::INSERT_WORKFLOW, &asked.parameters()).await;
        if recorded.map_err(record::busy)?.is_empty() {
            return Err(asked.refusal(self.tenant(tenant).await?.status));
        }
        self.0.workflows.notify_one();
        Ok(asked.id)
    }

    /// A tenant with all that is known of it.
    pub async fn tenant(&self, id: TenantId) -> Result<Tenant> {
        let rows = self.0.control.run(&store::TENANT, &[&id]).await?;
        rows.first().map(read).ok_or_else(Error::not_found)
    }

    /// A tenant by slug or id.
    pub async fn find_tenant(&self, name: &str) -> Result<Tenant> {
        let rows = match name.parse::<TenantId>() {
            Ok(id) => self.0.control.run(&store::TENANT, &[&id]).await?,
            Err(_) => self.0.control.run(&store::TENANT_BY_SLUG, &[&name]).await?,
        };
        rows.first().map(read).ok_or_else(|| {
            Error::new(ErrorKind::NotFound, "tenant_unknown", "There is no tenant with this slug or id.")
        })
    }

    /// Tenants in the order of their slugs.
    pub async fn list_tenants(&self, filter: &TenantFilter) -> Result<Vec<Tenant>> {
        let (status, tier) = (filter.status.map(Status::word), filter.tier.map(Tier::word));
        let limit = filter.limit.clamp(1, 1000);
        let statement = if filter.descending { &store::TENANTS_DESC } else { &store::TENANTS };
        let rows = self.0.control.run(statement, &[&filter.after, &status, &tier, &limit, &filter.query]).await?;
        Ok(rows.iter().map(read).collect())
    }

    /// Closes a tenant for maintenance, or ends it.
    pub async fn set_maintenance(
        &self,
        id: TenantId,
        on: bool,
        message: Option<&str>,
        by: impl Into<Requester>,
    ) -> Result<()> {
        let requester = by.into();
        let (at, by) = (self.0.clock.now(), requester.actor.to_string());
        let mut tx = self.0.control.begin().await?;
        let rows = tx.query(&store::SET_MAINTENANCE, &[&id, &on, &message, &at, &by]).await?;
        if rows.is_empty() {
            return Err(Error::not_found());
        }
        let changes = json!({ "maintenance": on, "message": message });
        let record = PlatformRecord::new(requester, "tenant.maintenance", "tenant").of(id).on(id).changing(changes);
        let noted = record.noted(&*self.0.clock);
        let text = id.uuid().to_string();
        tx.commit(&[(&store::AUDIT, &noted.parameters()), (&store::NOTIFY, &[&text])]).await?;
        self.reread(id).await?;
        Ok(())
    }
}

pub(super) fn slug_taken(slug: &Slug) -> Error {
    Error::new(ErrorKind::Conflict, "slug_taken", format!("The slug `{slug}` is taken; choose another."))
}

/// Holds a tenant to a plan that there is.
pub(super) const PLAN_KEY: &str = "tenant_plan_fkey";

pub(super) fn refused(error: cloister_postgres::Error, slug: &Slug) -> Error {
    match error.constraint() {
        Some("tenant_slug_key") => slug_taken(slug).because(error),
        Some(PLAN_KEY) => plan::unknown().because(error),
        Some("domain_host_key") => {
            Error::new(ErrorKind::Conflict, "domain_taken", "One of the domains is in use.").because(error)
        }
        _ => error.into(),
    }
}

fn read(row: &Row) -> Tenant {
    Tenant {
        id: row.get("id"),
        slug: Slug::known(row.get("slug")),
        display_name: row.get("display_name"),
        legal_name: row.get("legal_name"),
        kind: row.get("kind"),
        status: row.get::<_, &str>("status").parse().unwrap_or(Status::Suspended),
        tier: row.get::<_, &str>("tier").parse().unwrap_or(Tier::Shared),
        plan: row.get("plan"),
        region: row.get("region"),
        locale: row.get("locale"),
        time_zone: row.get("time_zone"),
        contact_name: row.get("contact_name"),
        contact_email: row.get("contact_email"),
        contact_phone: row.get("contact_phone"),
        address: row.get("address"),
        trial_start_date: row.get("trial_start_date"),
        trial_end_date: row.get("trial_end_date"),
        demo: row.get("demo"),
        maintenance: row.get("maintenance"),
        maintenance_message: row.get("maintenance_message"),
        limits: serde_json::from_value(row.get("limits")).unwrap_or_default(),
        suspended_reason: row.get("suspended_reason"),
        purge_after: row.get("purge_after"),
        domains: row.get("domains"),
        database: row.get("database_name"),
        schema: row.get("schema_name"),
        epoch: row.get("epoch"),
        version: row.get("version"),
        created_at: row.get("created_at"),
        created_by: row.get("created_by"),
        updated_at: row.get("updated_at"),
        updated_by: row.get("updated_by"),
        deleted_at: row.get("deleted_at"),
        deleted_by: row.get("deleted_by"),
        workflow: row.get("workflow_id"),
    }
}
