//! What an operator does to tenants, each act carried to its end.

use cloister_ids::{TenantId, WorkflowId};
use cloister_tenancy::{
    Actor, Result, Tenancy,
    lifecycle::{State, WorkflowView},
};

/// The operator of tests.
pub fn operator() -> Actor {
    Actor::Operator("test".into())
}

/// Runs a workflow that was asked for to its end, and refuses any end but a good one.
pub async fn carry_out(tenancy: &Tenancy, asked: Result<WorkflowId>) -> WorkflowView {
    let done = async { tenancy.finish(asked?, &|_| {}).await };
    match done.await {
        Ok(end) if end.state == State::Done => end,
        Ok(end) => panic!("the workflow did not end well: {end:?}"),
        Err(error) => panic!("{}", error.log()),
    }
}

/// Shuts a tenant.
pub async fn suspend(tenancy: &Tenancy, id: TenantId) {
    carry_out(tenancy, tenancy.suspend_tenant(id, Some("a test"), &operator()).await).await;
}

/// Opens a tenant again.
pub async fn resume(tenancy: &Tenancy, id: TenantId) {
    carry_out(tenancy, tenancy.resume_tenant(id, None, &operator()).await).await;
}

/// Deletes a tenant, keeping it for the days of grace.
pub async fn delete(tenancy: &Tenancy, id: TenantId) {
    carry_out(tenancy, tenancy.delete_tenant(id, None, Some("a test"), &operator()).await).await;
}

/// Removes a deleted tenant for good.
pub async fn purge(tenancy: &Tenancy, id: TenantId) {
    carry_out(tenancy, tenancy.purge_tenant(id, None, &operator()).await).await;
}
