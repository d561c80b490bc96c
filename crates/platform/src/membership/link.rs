//! The person of a tenant's roster carries the id of the account that is theirs. Who is who is decided in the control plane,
//! and a job carries it into the tenant's database, as no transaction spans both.
//!
//! The job is told of which person, and not what to do: it looks what is true when it runs, and a tenant's run one after
//! another. So the last one leaves what is true, in whatever order they came.

use std::collections::BTreeSet;

use cloister_ids::{AccountId, PersonId, TenantId, Uuid};
use cloister_tenancy::{
    ControlTx, ErrorKind, OpContext, Result, TenantTx,
    jobs::{JobContext, JobKind, NewJob, Priority},
};
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::{MEMBER, member::Member, roster::Roster, store};
use crate::{
    Service, role,
    service::{Slot, opened},
};

pub(super) const KIND: &str = "platform.link_account";

/// Whose account is to be put right.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Link {
    pub(super) person: Uuid,
    /// The two databases were compared and found to differ, of which the tenant is told.
    #[serde(default)]
    pub(super) mends: bool,
}

pub(super) fn kind(slot: &Slot) -> JobKind {
    let slot = slot.clone();
    let run = move |job: JobContext| {
        let slot = slot.clone();
        async move { run(&opened(&slot)?, &job).await }
    };
    JobKind::new(KIND, run).lane_limit(1).priority(Priority::High)
}

/// Leaves the job, as part of `tx`.
pub(super) async fn ask(tx: &mut ControlTx, tenant: TenantId, person: Uuid) -> Result<()> {
    let payload = json!({ "person": person });
    tx.enqueue(NewJob { kind: KIND, tenant: Some(tenant), payload, unique_key: None, run_at: None }).await
}

/// Leaves it for whoever a member was, for whoever carries their account, and for whoever they are now: in this order, so that
/// the account is free.
pub(super) async fn move_to(
    tx: &mut ControlTx,
    tenant: TenantId,
    member: &Member,
    roster: &Roster,
    person: Option<PersonId>,
) -> Result<()> {
    let now = person.map(PersonId::uuid);
    let before = member.fields.person_id.map(PersonId::uuid).into_iter().chain(roster.tied_to(member.account_id));
    let before: BTreeSet<Uuid> = before.filter(|before| Some(*before) != now).collect();
    for person in before.into_iter().chain(now) {
        ask(tx, tenant, person).await?;
    }
    Ok(())
}

async fn run(service: &Service, job: &JobContext) -> Result<()> {
    let Link { person, mends } = job.payload()?;
    let cx = job.cx()?;
    let tenant = cx.tenant_id();
    let Some(mut tx) = job.first_delivery().await? else { return Ok(()) };
    let rows = service.control().run(&store::OF_PERSON, &[&tenant, &person]).await?;
    let account: Option<AccountId> = rows.first().map(|row| row.get("account_id"));
    let roster = Roster::ask(service, cx, &[PersonId::from_uuid(person)], account).await?;
    if let Some(account) = account.filter(|_| !mends)
        && let Some(other) = keeper(service, cx, &roster, person, account).await?
    {
        let (now, by) = (cx.clock().now(), cx.actor().to_string());
        service.control().run(&store::FORGET_PERSON, &[&tenant, &person, &account, &now, &by]).await?;
        service.control().run(&store::RECALL_PERSON, &[&tenant, &person, &other, &now, &by]).await?;
        let told = json!({ "account_id": account, "reason": "another account is tied" });
        tx.audit_act("member.forget_person", &MEMBER, Some(person), Some(told));
        return tx.commit().await;
    }
    // Nobody is two persons: whom else the account is tied to, they are not any more.
    for former in account.into_iter().flat_map(|account| roster.tied_to(account)).filter(|former| *former != person) {
        tie(service, &mut tx, cx, former, None).await?;
    }
    let is_there = tie(service, &mut tx, cx, person, account).await?;
    if let Some(account) = account.filter(|_| !is_there) {
        // A person that was deleted may still carry it.
        tie(service, &mut tx, cx, person, None).await?;
        let (now, by) = (cx.clock().now(), cx.actor().to_string());
        service.control().run(&store::FORGET_PERSON, &[&tenant, &person, &account, &now, &by]).await?;
        let told = json!({ "account_id": account, "reason": "no such person" });
        tx.audit_act("member.forget_person", &MEMBER, Some(person), Some(told));
    } else if mends {
        tx.audit_act("member.reconcile", &MEMBER, Some(person), Some(json!({ "account_id": account })));
    }
    tx.commit().await
}

/// Another member's account that the person carries, though the control plane knows nothing of it: it was there first, and
/// nobody takes it away. Where the control plane knows the other member as somebody else, or as none, their tie is over.
async fn keeper(
    service: &Service,
    cx: &OpContext,
    roster: &Roster,
    person: Uuid,
    account: AccountId,
) -> Result<Option<AccountId>> {
    let Some(other) = roster.tied(person).filter(|tied| *tied != account) else { return Ok(None) };
    let rows = service.control().run(&store::IS_NOBODY, &[&cx.tenant_id(), &other]).await?;
    Ok((!rows.is_empty()).then_some(other))
}

/// Ties the account to the person in whichever module keeps them, or unties whatever is tied there. False when none does.
async fn tie(
    service: &Service,
    tx: &mut TenantTx,
    cx: &OpContext,
    person: Uuid,
    account: Option<AccountId>,
) -> Result<bool> {
    for module in role::modules(service.tenancy(), cx.tenant()) {
        let tied = match module.link_account(tx, person, account).await {
            // Somebody else is tied there, who is not this person any more.
            Err(error) if error.kind() == ErrorKind::Conflict => {
                module.link_account(tx, person, None).await?;
                module.link_account(tx, person, account).await?
            }
            other => other?,
        };
        if tied {
            return Ok(true);
        }
    }
    Ok(false)
}
