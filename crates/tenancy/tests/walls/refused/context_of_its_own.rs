//! Who acts for which tenant was decided before module code runs.
// refused: E0451

use std::sync::Arc;

use cloister_tenancy::{OpContext, TenantEntry};

fn mine(cx: OpContext, other: Arc<TenantEntry>) -> OpContext {
    OpContext { tenant: other, ..cx }
}

fn main() {
    let _ = mine;
}
