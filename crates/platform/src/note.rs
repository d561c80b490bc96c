//! What is done in the control plane and concerns a tenant stands in the tenant's own audit log too: a job carries it there,
//! once, as no transaction spans two databases.

use cloister_ids::{AccountId, RequestId, TenantId};
use cloister_tenancy::{
    ControlTx, Error, OpContext, PlatformRecord, Requester, Resource, Result, Subject,
    jobs::{JobContext, JobKind, NewJob},
};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::operator;

const KIND: &str = "platform.audit_note";

#[derive(Debug, Serialize, Deserialize)]
struct Note {
    actor: String,
    account: Option<AccountId>,
    acting_as: Option<String>,
    action: String,
    resource: String,
    resource_id: Option<String>,
    client: Option<std::net::IpAddr>,
    request: Option<RequestId>,
    reason: Option<String>,
    changes: Option<Value>,
}

pub(crate) fn jobs() -> Vec<JobKind> {
    vec![JobKind::new(KIND, |job: JobContext| async move { write(&job).await })]
}

/// What somebody does from within a tenant: with an operator's capacity and reason, where it is one.
pub(crate) fn within(cx: &OpContext, action: &'static str, resource: Resource) -> PlatformRecord {
    let mut record = PlatformRecord::new(cx, action, resource).of(cx.tenant_id());
    record.acting_as = cx.visit().map(|visit| operator::capacity(visit.elevated).to_owned());
    record.because(cx.visit().map(|visit| &*visit.reason))
}

/// Leaves an act to be written into the tenant's audit log alone: for what the kernel writes into the platform's by itself.
pub(crate) async fn tenant_only(tx: &mut ControlTx, tenant: TenantId, record: &PlatformRecord) -> Result<()> {
    let note = Note {
        actor: record.actor.clone(),
        account: record.account,
        acting_as: record.acting_as.clone(),
        action: record.action.to_string(),
        resource: record.resource.clone(),
        resource_id: record.resource_id.clone().into_text(),
        client: record.client,
        request: record.request,
        reason: record.reason.clone(),
        changes: record.changes.clone(),
    };
    let payload = serde_json::to_value(note).map_err(Error::internal)?;
    tx.enqueue(NewJob { kind: KIND, tenant: Some(tenant), payload, unique_key: None, run_at: None }).await
}

/// Writes an act into the platform's audit log with `tx`, and leaves it to be written into the tenant's.
pub(crate) async fn both(tx: &mut ControlTx, tenant: TenantId, mut record: PlatformRecord) -> Result<()> {
    record.tenant = Some(tenant);
    tenant_only(tx, tenant, &record).await?;
    tx.audit(record);
    Ok(())
}

async fn write(job: &JobContext) -> Result<()> {
    let note: Note = job.payload()?;
    let Some(mut tx) = job.first_delivery().await? else { return Ok(()) };
    // From the command line there was no request: the job's own stands for it.
    let request = note.request.or(Some(job.cx()?.request()));
    let by = Requester { account: note.account, client: note.client, request, ..job.cx()?.into() };
    let mut record = PlatformRecord::new(by, "platform.note", note.resource);
    record.actor = note.actor;
    record.action = note.action.into();
    record.acting_as = note.acting_as;
    record.resource_id = note.resource_id.as_deref().map_or_else(Subject::default, Subject::text);
    record.reason = note.reason;
    record.changes = note.changes;
    tx.audit_record(record);
    tx.commit().await
}
