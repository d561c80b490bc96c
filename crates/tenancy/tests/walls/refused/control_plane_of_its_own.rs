//! Whoever has the kernel cannot make the door to the control plane from it.
// refused: E0624

use cloister_tenancy::{ControlPlane, Tenancy};

fn mine(tenancy: Tenancy) -> ControlPlane {
    ControlPlane::new(tenancy)
}

fn main() {
    let _ = mine;
}
