//! Access tokens: signed, short, and remembered once verified.

mod api;
mod claims;
mod keys;
pub(crate) mod store;

use std::{sync::Arc, time::Duration};

use cloister_tenancy::mutation::{Guard, is_off};
use jiff::SignedDuration;
use moka::sync::Cache;
use sha2::{Digest, Sha256};

pub(crate) use api::routes;
pub(crate) use claims::{Claims, Verified, VisitClaim};
pub(crate) use keys::SigningKeys;

/// How long an access token is good.
pub(crate) const LIFETIME: SignedDuration = SignedDuration::from_mins(15);

/// Credentials remembered at a time.
const REMEMBERED: u64 = 100_000;

/// Credentials that were found good, by their hash: verifying a signature costs as much as a query.
#[derive(Debug)]
pub(crate) struct Memory(Cache<[u8; 32], Arc<Verified>>);

impl Default for Memory {
    fn default() -> Self {
        Self(Cache::builder().max_capacity(REMEMBERED).time_to_idle(Duration::from_mins(20)).build())
    }
}

impl Memory {
    /// What a credential is remembered by.
    pub(crate) fn key(credential: &str) -> [u8; 32] {
        let whole = !is_off(Guard::CredentialMemory);
        let bytes = credential.as_bytes();
        Sha256::digest(if whole { bytes } else { &bytes[..bytes.len().min(16)] }).into()
    }

    pub(crate) fn get(&self, key: &[u8; 32]) -> Option<Arc<Verified>> {
        self.0.get(key)
    }

    pub(crate) fn forget(&self, key: &[u8; 32]) {
        self.0.invalidate(key);
    }

    pub(crate) fn put(&self, key: [u8; 32], verified: Arc<Verified>) {
        self.0.insert(key, verified);
    }
}
