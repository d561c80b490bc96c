//! Shutting a tenant and opening it again: suspension, deletion with its days of grace, and the way back.

use serde_json::{Value, json};

use super::{
    definition::{Step, StepContext},
    fence,
};
use crate::{
    Error, ErrorKind, PlatformRecord, Result,
    audit::Noted,
    control::{RegistryTx, store},
};
use cloister_ids::AuditId;
use cloister_postgres::{Parameters, Statement};

/// Nodes are told first, so that people get the reason; the fence then stops whoever was not reached.
pub(crate) const SUSPEND: &[Step] = &[
    Step { name: "announce", run: |cx| Box::pin(announce_suspension(cx)), undo: None },
    Step { name: "close", run: |cx| Box::pin(fence::close(cx)), undo: None },
    Step { name: "publish", run: |cx| Box::pin(publish(cx)), undo: None },
];

pub(crate) const RESUME: &[Step] = &[
    Step { name: "open", run: |cx| Box::pin(fence::open(cx)), undo: None },
    Step { name: "admit", run: |cx| Box::pin(admit(cx)), undo: None },
];

pub(crate) const DELETE: &[Step] = &[
    Step { name: "announce", run: |cx| Box::pin(announce_deletion(cx)), undo: None },
    Step { name: "close", run: |cx| Box::pin(fence::close(cx)), undo: None },
    Step { name: "publish", run: |cx| Box::pin(publish(cx)), undo: None },
];

impl StepContext {
    /// A workflow has one entry in the audit log, however often its step is repeated: its id is the workflow's.
    pub(crate) fn noted(&self, action: &'static str, changes: Value) -> Noted {
        let record = PlatformRecord {
            actor: self.requested_by.clone(),
            account: self.origin.account,
            acting_as: None,
            action: action.into(),
            tenant: Some(self.tenant),
            resource: "tenant".to_owned(),
            resource_id: self.tenant.into(),
            client: self.origin.client,
            request: self.origin.request,
            reason: self.reason.clone(),
            changes: Some(changes),
        };
        record.noted_as(AuditId::from_uuid(self.workflow.uuid()), self.tenancy.0.clock.now())
    }

    /// Commits a change of the registry with its audit row and the notice to every node.
    pub(crate) async fn commit_with_audit(
        &self,
        tx: RegistryTx,
        change: &[(&'static Statement, &Parameters<'_>)],
        action: &'static str,
        changes: Value,
    ) -> Result<()> {
        let text = self.tenant.uuid().to_string();
        let noted = self.noted(action, changes);
        let audit = noted.parameters();
        let mut items = change.to_vec();
        items.push((&store::AUDIT, &audit));
        let notice: &Parameters<'_> = &[&text];
        items.push((&store::NOTIFY, notice));
        let mut tx = tx;
        let rows = match change.split_first() {
            Some((first, _)) => {
                let rows = tx.query(first.0, first.1).await?;
                tx.commit(&items[1..]).await?;
                rows
            }
            None => tx.commit(&items).await.map(|rows| rows.concat())?,
        };
        if rows.is_empty() && !change.is_empty() {
            return Err(Error::new(
                ErrorKind::Conflict,
                "tenant_state_conflict",
                "The tenant is in a state that does not allow this.",
            ));
        }
        Ok(())
    }
}

async fn announce_suspension(cx: &StepContext) -> Result<()> {
    let at = cx.tenancy.0.clock.now();
    let tx = cx.tenancy.0.control.begin().await?;
    let change: &Parameters<'_> = &[&cx.tenant, &cx.reason, &at, &cx.requested_by];
    cx.commit_with_audit(tx, &[(&store::SET_SUSPENDED, change)], "tenant.suspend", json!({})).await?;
    cx.tenancy.reread(cx.tenant).await?;
    Ok(())
}

async fn announce_deletion(cx: &StepContext) -> Result<()> {
    let at = cx.tenancy.0.clock.now();
    let grace = cx.input.get("grace_seconds").and_then(Value::as_u64).unwrap_or(cx.tenancy.0.grace.as_secs());
    let purge_after = at + jiff::SignedDuration::from_secs(i64::try_from(grace).unwrap_or(0));
    let tx = cx.tenancy.0.control.begin().await?;
    let change: &Parameters<'_> = &[&cx.tenant, &purge_after, &at, &cx.requested_by];
    let note = json!({ "purge_after": purge_after });
    cx.commit_with_audit(tx, &[(&store::SET_DELETED, change)], "tenant.delete", note).await?;
    cx.tenancy.reread(cx.tenant).await?;
    Ok(())
}

/// The epoch changed with the fence: nodes learn it without having to be refused first.
async fn publish(cx: &StepContext) -> Result<()> {
    cx.tenancy.0.control.run(&store::TOUCH, &[&cx.tenant]).await?;
    cx.tenancy.0.control.run(&store::NOTIFY, &[&cx.tenant.uuid().to_string()]).await?;
    cx.tenancy.reread(cx.tenant).await?;
    Ok(())
}

async fn admit(cx: &StepContext) -> Result<()> {
    let at = cx.tenancy.0.clock.now();
    let tx = cx.tenancy.0.control.begin().await?;
    let change: &Parameters<'_> = &[&cx.tenant, &at, &cx.requested_by];
    cx.commit_with_audit(tx, &[(&store::SET_ACTIVE, change)], "tenant.resume", json!({})).await?;
    cx.tenancy.reread(cx.tenant).await?;
    cx.tenancy.wake_jobs(cx.tenant).await
}
