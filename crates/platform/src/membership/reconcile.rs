//! Compares who is who in the control plane with what a tenant's persons carry, and mends what differs: after a restore of
//! either, or after a job that was lost. What it mends stands in the tenant's audit log.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use cloister_ids::{AccountId, TenantId, Uuid};
use cloister_tenancy::{
    Error, OpContext, Result,
    jobs::{JobContext, JobKind, NewJob, Priority},
};
use serde_json::Value;

use super::{link, store};
use crate::{
    Service, role,
    service::{Slot, opened},
    upkeep::Upkeep,
};

/// One tenant's.
const KIND: &str = "platform.reconcile_accounts";
/// Leaves the job for every tenant in use, once a night.
pub(crate) const UPKEEP: Upkeep =
    Upkeep { kind: "platform.reconcile_every_tenant", when: "41 2 * * *", timeout: Duration::from_mins(15) };
/// Persons at once.
const PAGE: i64 = 500;

pub(super) fn kind(slot: &Slot) -> JobKind {
    let slot = slot.clone();
    let run = move |job: JobContext| {
        let slot = slot.clone();
        async move { reconcile(&opened(&slot)?, job.cx()?).await }
    };
    JobKind::new(KIND, run).attempts(5).priority(Priority::Low).lane_limit(1).timeout(Duration::from_mins(15))
}

fn job(tenant: TenantId) -> NewJob {
    let unique_key = Some(tenant.to_string());
    NewJob { kind: KIND, tenant: Some(tenant), payload: Value::Null, unique_key, run_at: None }
}

impl Service {
    /// Leaves a job that compares a tenant's persons with its members and mends what differs: after a restore or a move.
    pub async fn reconcile_accounts(&self, tenant: TenantId) -> Result<()> {
        self.tenancy().enqueue(job(tenant)).await.map(drop)
    }
}

pub(super) async fn ask_all(service: Service) -> Result<()> {
    let mut after = TenantId::from_uuid(Uuid::nil());
    loop {
        let rows = service.control().run(&store::TENANTS_IN_USE, &[&after, &PAGE]).await?;
        let Some(last) = rows.last() else { return Ok(()) };
        after = last.get("id");
        let mut tx = service.control().begin().await?;
        for row in &rows {
            tx.enqueue(job(row.get("id"))).await?;
        }
        tx.commit().await?;
    }
}

/// Persons and their accounts, as far as they were read: up to `until`, or to the end.
struct Stretch {
    pairs: BTreeMap<Uuid, AccountId>,
    until: Option<Uuid>,
}

impl Stretch {
    fn new(pairs: Vec<(Uuid, AccountId)>) -> Self {
        let full = i64::try_from(pairs.len()).is_ok_and(|count| count >= PAGE);
        let until = pairs.last().filter(|_| full).map(|(person, _)| *person);
        Self { pairs: pairs.into_iter().collect(), until }
    }

    /// Both, as far as both were read.
    fn and(mut self, other: Self) -> Self {
        self.until = self.until.into_iter().chain(other.until).min();
        self.pairs.extend(other.pairs);
        self
    }
}

async fn members(service: &Service, cx: &OpContext, after: Uuid) -> Result<Stretch> {
    let rows = service.control().run(&store::WITH_PERSON, &[&cx.tenant_id(), &after, &PAGE]).await?;
    Ok(Stretch::new(rows.iter().map(|row| (row.get("person_id"), row.get("account_id"))).collect()))
}

async fn persons(service: &Service, cx: &OpContext, after: Uuid) -> Result<Stretch> {
    let mut all = Stretch::new(Vec::new());
    for module in role::modules(service.tenancy(), cx.tenant()) {
        let page = module.accounts(service.tenancy(), cx, Some(after), PAGE).await?;
        all = all.and(Stretch::new(page.iter().map(|tied| (tied.person, tied.account)).collect()));
    }
    Ok(all)
}

async fn reconcile(service: &Service, cx: &OpContext) -> Result<()> {
    let mut after = Uuid::nil();
    loop {
        let (members, persons) = (members(service, cx, after).await?, persons(service, cx, after).await?);
        let until = members.until.into_iter().chain(persons.until).min();
        let within = |person: &&Uuid| until.is_none_or(|until| **person <= until);
        let all: BTreeSet<Uuid> = members.pairs.keys().chain(persons.pairs.keys()).filter(within).copied().collect();
        for person in all {
            let (here, there) = (members.pairs.get(&person), persons.pairs.get(&person));
            if here != there {
                mend(service, cx, person, here, there).await?;
            }
        }
        match until {
            Some(until) if until > after => after = until,
            Some(_) => return Err(Error::internal("persons do not come in the order of their ids")),
            None => return Ok(()),
        }
    }
}

/// A member without a person, whose account a person carries, is that person: the control plane had forgotten. In every
/// other case the control plane is right, and the job that ties accounts puts the person's row right.
async fn mend(
    service: &Service,
    cx: &OpContext,
    person: Uuid,
    here: Option<&AccountId>,
    there: Option<&AccountId>,
) -> Result<()> {
    let (tenant, now, by) = (cx.tenant_id(), cx.clock().now(), cx.actor().to_string());
    let mut tx = service.control().begin().await?;
    if let (None, Some(account)) = (here, there) {
        tx.query(&store::RECALL_PERSON, &[&tenant, &person, account, &now, &by]).await?;
    }
    let payload = serde_json::to_value(link::Link { person, mends: true }).map_err(Error::internal)?;
    let unique_key = Some(format!("mend {person}"));
    tx.enqueue(NewJob { kind: link::KIND, tenant: Some(tenant), payload, unique_key, run_at: None }).await?;
    tx.commit().await
}
