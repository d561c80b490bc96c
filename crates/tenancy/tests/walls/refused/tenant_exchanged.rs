//! The tenant of a context stays what it was.
// refused: E0616

use std::sync::Arc;

use cloister_tenancy::{OpContext, TenantEntry};

fn exchange(cx: &mut OpContext, other: Arc<TenantEntry>) {
    cx.tenant = other;
}

fn main() {
    let _ = exchange;
}
