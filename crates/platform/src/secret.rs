//! Opaque secrets: random texts that are handed out once and kept as hashes.

use aws_lc_rs::rand;
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use cloister_tenancy::{Error, Result};
use sha2::{Digest, Sha256};

/// A new secret: 256 random bits as 43 characters that need no quoting anywhere.
pub(crate) fn generate() -> Result<String> {
    Ok(URL_SAFE_NO_PAD.encode(random::<32>()?))
}

/// Random bytes from the system.
pub(crate) fn random<const N: usize>() -> Result<[u8; N]> {
    let mut bytes = [0; N];
    rand::fill(&mut bytes).map_err(|_| Error::internal("the system has no random bytes"))?;
    Ok(bytes)
}

/// What is kept of a secret, and what it is found by. A random secret needs no slow hash.
pub(crate) fn hash(secret: &str) -> Vec<u8> {
    Sha256::digest(secret.as_bytes()).to_vec()
}
