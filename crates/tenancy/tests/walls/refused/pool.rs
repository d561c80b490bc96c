//! The kernel's pools are its own.
// refused: E0616

use cloister_tenancy::Tenancy;

fn pools(tenancy: &Tenancy) {
    let _ = &tenancy.0;
}

fn main() {
    let _ = pools;
}
