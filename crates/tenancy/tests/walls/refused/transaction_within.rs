//! The transaction beneath a unit of work, which would bind any parameter as `$1`, stays beneath it.
// refused: E0616

use cloister_tenancy::TenantTx;

fn beneath(tx: &mut TenantTx) {
    let _ = &mut tx.transaction;
}

fn main() {
    let _ = beneath;
}
