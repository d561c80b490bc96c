//! The installation's own key, which is in no database: what is sealed or signed under it is worth nothing to whoever has only
//! the rows.

use std::fmt;

use aws_lc_rs::{
    aead::{AES_256_GCM, Aad, NONCE_LEN, Nonce, RandomizedNonceKey},
    constant_time, hkdf, hmac,
};
use cloister_ids::TenantId;
use cloister_tenancy::{Error, KeyWrapper, Result};
use secrecy::{ExposeSecret, SecretBox, zeroize::Zeroizing};

/// What a derived key is for. Each has a key of its own, so that one use says nothing about another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// Private halves of token signing keys.
    SigningKey,
    /// Secrets of authenticator apps.
    Totp,
    /// Mails that wait to be sent.
    Mail,
    /// The chain over audit rows.
    Audit,
    /// Names of people and addresses that failed to sign in.
    SignIn,
    /// Answers to sign-ups, kept for whoever sends an idempotency key again: the status address in them is a secret.
    Signup,
    /// Data keys of tenants.
    DataKey,
}

impl Purpose {
    const fn word(self) -> &'static [u8] {
        match self {
            Self::SigningKey => b"cloister signing key 1",
            Self::Totp => b"cloister totp 1",
            Self::Mail => b"cloister mail 1",
            Self::Audit => b"cloister audit 1",
            Self::SignIn => b"cloister sign-in 1",
            Self::Signup => b"cloister sign-up 1",
            Self::DataKey => b"cloister data key 1",
        }
    }
}

/// 256 bits, the same on every node.
pub struct Keyring(SecretBox<[u8; 32]>);

impl fmt::Debug for Keyring {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Keyring")
    }
}

struct Bytes32;

impl hkdf::KeyType for Bytes32 {
    fn len(&self) -> usize {
        32
    }
}

impl Keyring {
    /// From the bytes of the key file.
    pub fn new(root: [u8; 32]) -> Self {
        Self(SecretBox::new(Box::new(root)))
    }

    fn derive(&self, purpose: Purpose) -> Result<[u8; 32]> {
        let failed = |_| Error::internal("a key could not be derived");
        let mut key = [0; 32];
        let extracted = hkdf::Salt::new(hkdf::HKDF_SHA256, b"cloister").extract(self.0.expose_secret());
        extracted.expand(&[purpose.word()], Bytes32).and_then(|okm| okm.fill(&mut key)).map_err(failed)?;
        Ok(key)
    }

    /// Encrypts and authenticates. `context` names the row: what was sealed for one row opens in no other.
    pub fn seal(&self, purpose: Purpose, context: &[u8], plain: &[u8]) -> Result<Vec<u8>> {
        let failed = |_| Error::internal("a secret could not be sealed");
        let key = RandomizedNonceKey::new(&AES_256_GCM, &self.derive(purpose)?).map_err(failed)?;
        let mut sealed = plain.to_vec();
        let nonce = key.seal_in_place_append_tag(Aad::from(context), &mut sealed).map_err(failed)?;
        Ok([nonce.as_ref().as_slice(), &sealed].concat())
    }

    /// What [`seal`](Self::seal) was given.
    pub fn unseal(&self, purpose: Purpose, context: &[u8], sealed: &[u8]) -> Result<Vec<u8>> {
        let failed = || Error::internal("a sealed secret does not open: another key file, or an altered row");
        let (nonce, rest) = sealed.split_at_checked(NONCE_LEN).ok_or_else(failed)?;
        let nonce = Nonce::try_assume_unique_for_key(nonce).map_err(|_| failed())?;
        let key = RandomizedNonceKey::new(&AES_256_GCM, &self.derive(purpose)?).map_err(|_| failed())?;
        let mut rest = rest.to_vec();
        Ok(key.open_in_place(nonce, Aad::from(context), &mut rest).map_err(|_| failed())?.to_vec())
    }

    /// HMAC-SHA256 over parts, each preceded by its length.
    pub fn mac(&self, purpose: Purpose, parts: &[&[u8]]) -> Result<[u8; 32]> {
        let key = hmac::Key::new(hmac::HMAC_SHA256, &self.derive(purpose)?);
        let mut context = hmac::Context::with_key(&key);
        for part in parts {
            context.update(&(part.len() as u64).to_be_bytes());
            context.update(part);
        }
        let mut mac = [0; 32];
        mac.copy_from_slice(context.sign().as_ref());
        Ok(mac)
    }
}

/// Data keys of tenants are kept under the installation's key.
impl KeyWrapper for Keyring {
    fn wrap(&self, tenant: TenantId, key: &[u8; 32]) -> Result<Vec<u8>> {
        self.seal(Purpose::DataKey, tenant.uuid().as_bytes(), key)
    }

    fn unwrap(&self, tenant: TenantId, wrapped: &[u8]) -> Result<SecretBox<[u8; 32]>> {
        let plain = Zeroizing::new(self.unseal(Purpose::DataKey, tenant.uuid().as_bytes(), wrapped)?);
        let key = <[u8; 32]>::try_from(plain.as_slice()).map_err(|_| Error::internal("a data key is not 32 bytes"))?;
        Ok(SecretBox::new(Box::new(key)))
    }
}

/// Compares secrets in a time that says nothing about where they differ.
pub fn same(a: &[u8], b: &[u8]) -> bool {
    constant_time::verify_slices_are_equal(a, b).is_ok()
}

#[cfg(test)]
mod tests {
    use super::{Keyring, Purpose, same};

    #[test]
    fn what_is_sealed_opens_under_its_key_for_its_row_and_as_it_was() {
        let (ours, other) = (Keyring::new([1; 32]), Keyring::new([2; 32]));
        let sealed = ours.seal(Purpose::Totp, b"acc_1", b"secret").unwrap();
        assert_eq!(ours.unseal(Purpose::Totp, b"acc_1", &sealed).unwrap(), b"secret");
        assert_ne!(sealed, ours.seal(Purpose::Totp, b"acc_1", b"secret").unwrap(), "never twice alike");
        assert!(ours.unseal(Purpose::Totp, b"acc_2", &sealed).is_err(), "another row");
        assert!(ours.unseal(Purpose::Mail, b"acc_1", &sealed).is_err(), "another purpose");
        assert!(other.unseal(Purpose::Totp, b"acc_1", &sealed).is_err(), "another key");
        for at in 0..sealed.len() {
            let mut altered = sealed.clone();
            altered[at] ^= 1;
            assert!(ours.unseal(Purpose::Totp, b"acc_1", &altered).is_err(), "byte {at}");
            assert!(ours.unseal(Purpose::Totp, b"acc_1", &sealed[..at]).is_err(), "cut at {at}");
        }
    }

    #[test]
    fn a_mac_tells_its_parts_apart() {
        let ours = Keyring::new([1; 32]);
        let mac = |parts: &[&[u8]]| ours.mac(Purpose::Audit, parts).unwrap();
        assert!(same(&mac(&[b"ab", b"c"]), &mac(&[b"ab", b"c"])));
        assert!(!same(&mac(&[b"ab", b"c"]), &mac(&[b"a", b"bc"])));
    }
}
