//! `$1` is bound by the kernel: a tenant cannot be named in its place.
// refused: E0308

use cloister_ids::TenantId;
use cloister_tenancy::{Result, Tenancy, sql::statements};

statements! {
    /// All.
    LIST = "select id from leaf where tenant_id = $1";
}

async fn of_another(tenancy: &Tenancy, other: TenantId) -> Result<usize> {
    Ok(tenancy.fetch(&other, &LIST, &[]).await?.len())
}

fn main() {
    let _ = of_another;
}
