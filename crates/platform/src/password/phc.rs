//! Argon2id with the parameters of OWASP's password storage cheat sheet, kept as PHC strings.

use argon2::{
    Algorithm, Argon2, Params, PasswordHash, PasswordHasher, PasswordVerifier, Version,
    password_hash::Error as HashError,
};
use base64::{Engine, engine::general_purpose::STANDARD_NO_PAD};
use cloister_tenancy::{Error, Result};

use crate::secret;

/// Memory of one hash, in KiB.
pub(super) const MEMORY_KIB: u32 = 19 * 1024;
/// Passes over the memory.
pub(super) const PASSES: u32 = 2;
/// Lanes.
pub(super) const LANES: u32 = 1;

/// What a kept hash may ask for at most: a row that came from elsewhere must not take the machine down.
const MOST: (u32, u32, u32) = (64 * 1024, 8, 4);

fn argon2() -> Result<Argon2<'static>> {
    let params = Params::new(MEMORY_KIB, PASSES, LANES, None)
        .map_err(|error| Error::internal(format!("Argon2 does not take its parameters: {error}")))?;
    Ok(Argon2::new(Algorithm::Argon2id, Version::V0x13, params))
}

pub(super) fn hash(password: &[u8]) -> Result<String> {
    let salt = secret::random::<16>()?;
    let hash = argon2()?
        .hash_password_with_salt(password, &salt)
        .map_err(|error| Error::internal(format!("a password could not be hashed: {error}")))?;
    Ok(hash.to_string())
}

pub(super) fn verify(password: &[u8], hash: &str) -> Result<bool> {
    let parsed = parse(hash).ok_or_else(|| Error::internal("a kept password hash is not one of ours"))?;
    match argon2()?.verify_password(password, &parsed) {
        Ok(()) => Ok(true),
        Err(HashError::PasswordInvalid) => Ok(false),
        Err(error) => Err(Error::internal(format!("a password could not be verified: {error}"))),
    }
}

/// A hash of no password that anybody knows: salt and outcome are random.
pub(super) fn of_nobody() -> Result<String> {
    let (salt, outcome) = (secret::random::<16>()?, secret::random::<32>()?);
    Ok(format!(
        "$argon2id$v=19$m={MEMORY_KIB},t={PASSES},p={LANES}${}${}",
        STANDARD_NO_PAD.encode(salt),
        STANDARD_NO_PAD.encode(outcome)
    ))
}

/// Whether a hash was made with other parameters than ours are now: hash the password again when it was verified.
pub fn needs_rehash(hash: &str) -> bool {
    parse(hash)
        .and_then(|parsed| Params::try_from(&parsed).ok())
        .is_none_or(|params| (params.m_cost(), params.t_cost(), params.p_cost()) != (MEMORY_KIB, PASSES, LANES))
}

/// An Argon2id hash, with parameters within bounds.
fn parse(hash: &str) -> Option<PasswordHash> {
    let parsed = PasswordHash::new(hash).ok()?;
    let params = Params::try_from(&parsed).ok()?;
    let (memory, passes, lanes) = MOST;
    let ours = parsed.algorithm.as_str() == Algorithm::Argon2id.as_str()
        && parsed.version == Some(Version::V0x13.into())
        && parsed.salt.is_some()
        && parsed.hash.is_some()
        && params.m_cost() <= memory
        && params.t_cost() <= passes
        && params.p_cost() <= lanes;
    ours.then_some(parsed)
}
