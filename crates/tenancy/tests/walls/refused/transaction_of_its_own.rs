//! A unit of work comes from the kernel alone.
// refused: E0624

use cloister_tenancy::{OpContext, Tenancy, TenantTx};

async fn mine(tenancy: Tenancy, cx: OpContext) {
    let _ = TenantTx::begin(tenancy, cx).await;
}

fn main() {
    let _ = mine;
}
