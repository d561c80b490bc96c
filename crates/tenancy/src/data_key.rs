//! Keys of tenants, and what columns keep sealed under them.
//!
//! A tenant's keys lie in the control plane, wrapped by the installation's own key, and come to every node with the tenant's entry:
//! sealing and opening ask no database. They are the first that goes when a tenant is removed; from then on a backup of its
//! database tells nothing of what was sealed.

use std::{fmt, sync::Arc, sync::OnceLock};

use aws_lc_rs::{
    aead::{AES_256_GCM, Aad, NONCE_LEN, Nonce, RandomizedNonceKey},
    rand,
};
use cloister_ids::TenantId;
use secrecy::{ExposeSecret, zeroize::Zeroizing};

use crate::{Error, KeyWrapper, OpContext, Result, Tenancy};

/// The version of the key that a tenant begins with.
pub(crate) const FIRST_KEY: i16 = 1;

/// Where a sealed value is kept. It opens nowhere else: not in another column, row or table, nor for another tenant.
#[derive(Debug, Clone, Copy)]
pub struct Cell<'a> {
    /// The table.
    pub table: &'a str,
    /// The row's key, without the tenant.
    pub row: &'a [&'a [u8]],
    /// The column.
    pub column: &'a str,
}

impl Cell<'_> {
    /// What is authenticated beside the value: each part preceded by its length, so that no two cells say the same.
    fn about(&self, tenant: TenantId, version: u8) -> Vec<u8> {
        let id = tenant.uuid();
        let fixed =
            [b"cloister column 1".as_slice(), &[version], id.as_bytes(), self.table.as_bytes(), self.column.as_bytes()];
        let mut about = Vec::with_capacity(192);
        for part in fixed.iter().chain(self.row) {
            about.extend_from_slice(&(part.len() as u64).to_be_bytes());
            about.extend_from_slice(part);
        }
        about
    }
}

/// A key of 256 bits that seals by AES-GCM, each time with a nonce of its own.
pub struct DataKey(RandomizedNonceKey);

impl fmt::Debug for DataKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("DataKey")
    }
}

impl DataKey {
    /// From its bytes.
    pub fn new(bytes: &[u8; 32]) -> Result<Self> {
        let key = RandomizedNonceKey::new(&AES_256_GCM, bytes);
        Ok(Self(key.map_err(|_| Error::internal("a data key could not be used"))?))
    }

    /// Encrypts and authenticates. What is `about` one thing does not open as another.
    pub fn seal(&self, about: &[u8], plain: &[u8]) -> Result<Vec<u8>> {
        let mut sealed = plain.to_vec();
        let nonce = self.0.seal_in_place_append_tag(Aad::from(about), &mut sealed);
        let nonce = nonce.map_err(|_| Error::internal("a value could not be sealed"))?;
        Ok([nonce.as_ref().as_slice(), &sealed].concat())
    }

    /// What [`seal`](Self::seal) was given.
    pub fn open(&self, about: &[u8], sealed: &[u8]) -> Result<Vec<u8>> {
        let (nonce, rest) = sealed.split_at_checked(NONCE_LEN).ok_or_else(closed)?;
        let nonce = Nonce::try_assume_unique_for_key(nonce).map_err(|_| closed())?;
        let mut rest = rest.to_vec();
        Ok(self.0.open_in_place(nonce, Aad::from(about), &mut rest).map_err(|_| closed())?.to_vec())
    }
}

fn closed() -> Error {
    Error::internal("a sealed value does not open: another key, an altered value, or one from another place")
}

/// A tenant's keys as they were read, each opened when it is first needed.
pub(crate) struct DataKeys {
    tenant: TenantId,
    /// By version; the last one seals.
    wrapped: Box<[(i16, Vec<u8>)]>,
    opened: Box<[OnceLock<DataKey>]>,
    wrapper: Arc<dyn KeyWrapper>,
}

impl fmt::Debug for DataKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "DataKeys({})", self.wrapped.len())
    }
}

impl PartialEq for DataKeys {
    fn eq(&self, other: &Self) -> bool {
        self.tenant == other.tenant && self.wrapped == other.wrapped
    }
}

impl Eq for DataKeys {}

impl DataKeys {
    pub(crate) fn new(tenant: TenantId, wrapped: Box<[(i16, Vec<u8>)]>, wrapper: Arc<dyn KeyWrapper>) -> Self {
        let opened = wrapped.iter().map(|_| OnceLock::new()).collect();
        Self { tenant, wrapped, opened, wrapper }
    }

    fn key(&self, at: usize) -> Result<&DataKey> {
        let destroyed = || Error::internal("the tenant has no such data key");
        let (slot, (_, wrapped)) = self.opened.get(at).zip(self.wrapped.get(at)).ok_or_else(destroyed)?;
        if let Some(key) = slot.get() {
            return Ok(key);
        }
        let bytes = self.wrapper.unwrap(self.tenant, wrapped)?;
        let key = DataKey::new(bytes.expose_secret())?;
        Ok(slot.get_or_init(|| key))
    }

    fn seal(&self, cell: &Cell<'_>, plain: &[u8]) -> Result<Vec<u8>> {
        let newest = self.wrapped.last().and_then(|(version, _)| u8::try_from(*version).ok());
        let version = newest.ok_or_else(|| Error::internal("the tenant has no data key"))?;
        let sealed = self.key(self.wrapped.len() - 1)?.seal(&cell.about(self.tenant, version), plain)?;
        Ok([&[version], sealed.as_slice()].concat())
    }

    fn open(&self, cell: &Cell<'_>, sealed: &[u8]) -> Result<Vec<u8>> {
        let (version, rest) = sealed.split_first().ok_or_else(closed)?;
        let at = self.wrapped.iter().position(|(known, _)| *known == i16::from(*version)).ok_or_else(closed)?;
        self.key(at)?.open(&cell.about(self.tenant, *version), rest)
    }
}

impl OpContext {
    /// Seals a value for one place under the newest key of the tenant. A byte in front says which key that is.
    pub fn seal(&self, cell: &Cell<'_>, plain: &[u8]) -> Result<Vec<u8>> {
        self.tenant.keys.seal(cell, plain)
    }

    /// What [`seal`](Self::seal) was given for the same place. Asks nobody.
    pub fn open(&self, cell: &Cell<'_>, sealed: &[u8]) -> Result<Vec<u8>> {
        self.tenant.keys.open(cell, sealed)
    }
}

impl Tenancy {
    /// A new key for a tenant, wrapped. Its bytes are kept nowhere else.
    pub(crate) fn new_data_key(&self, tenant: TenantId) -> Result<Vec<u8>> {
        let mut bytes = Zeroizing::new([0; 32]);
        rand::fill(&mut *bytes).map_err(|_| Error::internal("a data key could not be made"))?;
        self.0.wrapper.wrap(tenant, &bytes)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use cloister_ids::{SystemClock, TenantId};
    use secrecy::SecretBox;

    use super::{Cell, DataKey, DataKeys};
    use crate::{KeyWrapper, Result};

    /// Keeps keys under one that everybody can read.
    struct Plain;

    impl KeyWrapper for Plain {
        fn wrap(&self, tenant: TenantId, key: &[u8; 32]) -> Result<Vec<u8>> {
            DataKey::new(&[7; 32])?.seal(tenant.uuid().as_bytes(), key)
        }

        fn unwrap(&self, tenant: TenantId, wrapped: &[u8]) -> Result<SecretBox<[u8; 32]>> {
            let plain = DataKey::new(&[7; 32])?.open(tenant.uuid().as_bytes(), wrapped)?;
            Ok(SecretBox::new(Box::new(plain.try_into().unwrap())))
        }
    }

    fn keys(tenant: TenantId, keys: &[(i16, [u8; 32])]) -> DataKeys {
        let wrapped = keys.iter().map(|(version, key)| (*version, Plain.wrap(tenant, key).unwrap()));
        DataKeys::new(tenant, wrapped.collect(), Arc::new(Plain))
    }

    #[test]
    fn what_is_sealed_for_a_cell_opens_there_and_nowhere_else() {
        let (ours, theirs) = (TenantId::generate(&SystemClock), TenantId::generate(&SystemClock));
        let mine = keys(ours, &[(1, [1; 32])]);
        let cell = Cell { table: "allergy", row: &[b"one"], column: "sealed" };
        let sealed = mine.seal(&cell, b"peanuts").unwrap();
        assert_eq!(mine.open(&cell, &sealed).unwrap(), b"peanuts");
        assert_ne!(sealed, mine.seal(&cell, b"peanuts").unwrap(), "never twice alike");
        for elsewhere in [
            Cell { table: "medication", ..cell },
            Cell { row: &[b"two"], ..cell },
            Cell { row: &[b"o", b"ne"], ..cell },
            Cell { column: "notes", ..cell },
            // The same bytes in a row, parted otherwise.
            Cell { table: "allergys", column: "ealed", ..cell },
        ] {
            assert!(mine.open(&elsewhere, &sealed).is_err(), "{elsewhere:?}");
        }
        // Another tenant, though it had the very same key.
        assert!(keys(theirs, &[(1, [1; 32])]).open(&cell, &sealed).is_err());
        assert!(keys(ours, &[(1, [2; 32])]).open(&cell, &sealed).is_err(), "another key");
        assert!(keys(ours, &[]).open(&cell, &sealed).is_err() && keys(ours, &[]).seal(&cell, b"x").is_err(), "no key");
        for at in 0..sealed.len() {
            let mut altered = sealed.clone();
            altered[at] ^= 1;
            assert!(mine.open(&cell, &altered).is_err(), "byte {at}");
            assert!(mine.open(&cell, &sealed[..at]).is_err(), "cut at {at}");
        }
    }

    #[test]
    fn older_keys_open_and_the_newest_seals() {
        let tenant = TenantId::generate(&SystemClock);
        let cell = Cell { table: "allergy", row: &[b"one"], column: "sealed" };
        let old = keys(tenant, &[(1, [1; 32])]).seal(&cell, b"peanuts").unwrap();
        let both = keys(tenant, &[(1, [1; 32]), (2, [2; 32])]);
        let new = both.seal(&cell, b"peanuts").unwrap();
        assert_eq!((old[0], new[0]), (1, 2));
        assert_eq!(
            (both.open(&cell, &old).unwrap(), both.open(&cell, &new).unwrap()),
            (b"peanuts".to_vec(), b"peanuts".to_vec())
        );
        let mut claimed = old;
        claimed[0] = 2;
        assert!(both.open(&cell, &claimed).is_err());
    }

    #[test]
    fn an_error_tells_no_secret() {
        let tenant = TenantId::generate(&SystemClock);
        let cell = Cell { table: "allergy", row: &[b"one"], column: "sealed" };
        let mine = keys(tenant, &[(1, [1; 32])]);
        let sealed = mine.seal(&cell, b"peanuts").unwrap();
        let error = mine.open(&Cell { column: "other", ..cell }, &sealed).unwrap_err();
        assert_eq!(error.kind(), crate::ErrorKind::Internal);
        assert!(!error.log().contains("peanuts") && !format!("{mine:?}").contains("7, 7"));
    }
}
