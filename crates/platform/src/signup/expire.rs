//! What nobody confirms is removed, and forgotten in time.

use std::time::Duration;

use cloister_ids::{SignupId, Uuid};
use cloister_tenancy::{Actor, ErrorKind, Result};
use jiff::SignedDuration;

use super::store;
use crate::{Service, upkeep::Upkeep};

/// Six times an hour.
pub(crate) const UPKEEP: Upkeep =
    Upkeep { kind: "platform.signup_expire", when: "*/10 * * * *", timeout: Duration::from_mins(10) };
/// At a time.
const LIMIT: i64 = 200;
/// After its end, that there was a sign-up is kept for so long: whoever asked may come back and wonder.
const KEPT: SignedDuration = SignedDuration::from_hours(30 * 24);

pub(super) async fn expire(service: Service) -> Result<()> {
    let now = service.tenancy().clock().now();
    let mut after = SignupId::from_uuid(Uuid::nil());
    loop {
        let rows = service.control().run(&store::OVERDUE, &[&now, &after, &LIMIT]).await?;
        let Some(last) = rows.last() else { break };
        after = last.get("id");
        for row in &rows {
            match end(&service, row.get("id")).await {
                // Something else is being done to its tenant: in the next round.
                Err(error) if error.kind() == ErrorKind::Conflict => {
                    tracing::info!(error = error.log(), "a sign-up that nobody confirmed cannot be ended yet");
                }
                other => other?,
            }
        }
    }
    service.control().run(&store::FORGET, &[&(now - KEPT)]).await.map(drop)
}

/// Ends one, and its tenant with it. The name is free again when the tenant is gone.
async fn end(service: &Service, id: SignupId) -> Result<()> {
    let now = service.tenancy().clock().now();
    let mut tx = service.control().begin().await?;
    // Whoever confirms it at this moment and this wait for each other, and the second finds nothing to do.
    let rows = tx.query(&store::EXPIRE, &[&id, &now]).await?;
    let Some(row) = rows.first() else { return Ok(()) };
    if let Some(tenant) = row.get("tenant_id") {
        let by = Actor::System("signup");
        tx.discard_tenant(tenant, Some("Nobody confirmed the sign-up."), &by).await?;
    }
    tx.commit().await?;
    metrics::counter!("cloister_signups_expired_total").increment(1);
    Ok(())
}
