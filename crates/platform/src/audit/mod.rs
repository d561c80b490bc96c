//! Audit: what was done, by whom, on whose behalf and why, as a tenant reads it of itself and an operator of the platform.

use cloister_tenancy::{AuditSealer, Result};

use crate::{Keyring, Purpose};

/// Logs are sealed under the installation's key.
impl AuditSealer for Keyring {
    fn mac(&self, parts: &[&[u8]]) -> Result<[u8; 32]> {
        Self::mac(self, Purpose::Audit, parts)
    }
}
