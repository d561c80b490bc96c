//! The control plane's door is the kernel's own.
// refused: E0603

use cloister_tenancy::control::ControlTx;

fn look(_: ControlTx) {}

fn main() {
    let _ = look;
}
