//! An entry of the registry cannot be copied and changed into another.
// refused: E0277

use std::sync::Arc;

use cloister_ids::TenantId;
use cloister_tenancy::TenantEntry;

fn forge(entry: &Arc<TenantEntry>, id: TenantId) -> Arc<TenantEntry> {
    let mut forged = TenantEntry::clone(entry);
    forged.id = id;
    Arc::new(forged)
}

fn main() {
    let _ = forge;
}
