//! No connection is lent to module code.
// refused: E0624

use cloister_tenancy::{OpContext, Tenancy};

async fn lend(tenancy: &Tenancy, cx: &OpContext) {
    let _ = tenancy.enter(cx.tenant()).await;
}

fn main() {
    let _ = lend;
}
