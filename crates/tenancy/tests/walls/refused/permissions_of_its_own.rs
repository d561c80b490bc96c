//! Nobody gives themselves permissions.
// refused: E0615

use cloister_tenancy::{OpContext, PermissionSet};

fn promote(cx: &mut OpContext) {
    cx.permissions = PermissionSet::all();
}

fn main() {
    let _ = promote;
}
