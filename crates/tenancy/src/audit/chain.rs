//! The chain over an audit log: each entry is sealed under a key that is in no database, together with the seal before it. An
//! entry that was altered, taken out, put in or moved no longer fits.
//!
//! A seal has two parts. `entry` is over the row alone, `hash` over the one before, the place and `entry`: so it can be told
//! whether a row was altered or only stands elsewhere.

use cloister_ids::Uuid;
use cloister_postgres::{Row, ToSql};
use jiff::Timestamp;

use crate::{AuditSealer, Result};

/// A seal.
pub(super) type Mac = [u8; 32];

/// What the first entry follows.
pub(super) const BEGINNING: Mac = [0; 32];

/// The chain of the platform's own log; a tenant's has the tenant's id.
pub(super) const PLATFORM: Uuid = Uuid::nil();

/// What is forgotten of the platform's entries about a tenant that is gone.
const DETAIL: [&str; 3] = ["resource_id", "client", "changes"];

/// An entry as it lies in its table, as far as it is sealed.
#[derive(Debug, Clone)]
pub(super) struct Kept {
    /// Who did what when: never changed.
    head: Vec<u8>,
    /// On what, from where, with which changes: in the platform's log, forgotten with the tenant it is about. None when
    /// nothing of it is there.
    detail: Option<Vec<u8>>,
    pub(super) at: Timestamp,
}

/// Values written one after the other so that no two lists of values give the same bytes.
#[derive(Default)]
struct Bytes(Vec<u8>);

impl Bytes {
    fn put(&mut self, value: Option<&[u8]>) {
        match value {
            None => self.0.push(0),
            Some(bytes) => {
                self.0.push(1);
                self.0.extend_from_slice(&(bytes.len() as u64).to_be_bytes());
                self.0.extend_from_slice(bytes);
            }
        }
    }

    fn put_text(&mut self, row: &Row, column: &str) {
        self.put(row.get::<_, Option<&str>>(column).map(str::as_bytes));
    }

    fn put_id(&mut self, row: &Row, column: &str) {
        self.put(row.get::<_, Option<Uuid>>(column).as_ref().map(|id| id.as_bytes().as_slice()));
    }
}

impl Kept {
    /// The entry in a row that has its columns; none when the row has a mark or a seal of an entry that is gone.
    pub(super) fn read(row: &Row) -> Option<Self> {
        let at: Timestamp = row.get::<_, Option<Timestamp>>("at")?;
        let (mut head, mut detail) = (Bytes::default(), Bytes::default());
        for column in ["tenant_id", "audit_id", "account_id", "request_id"] {
            head.put_id(row, column);
        }
        head.put(Some(&at.as_microsecond().to_be_bytes()));
        for column in ["actor", "acting_as", "action", "resource", "reason"] {
            head.put_text(row, column);
        }
        for column in DETAIL {
            detail.put_text(row, column);
        }
        let is_there = DETAIL.iter().any(|column| row.get::<_, Option<&str>>(*column).is_some());
        Some(Self { head: head.0, detail: is_there.then_some(detail.0), at })
    }

    /// The seal of the part that may be forgotten.
    pub(super) fn detail(&self, sealer: &dyn AuditSealer) -> Result<Option<Mac>> {
        self.detail.as_ref().map(|detail| sealer.mac(&[b"audit detail 1", &self.head, detail])).transpose()
    }

    /// The seal of the row, by that of its detail.
    pub(super) fn entry(&self, sealer: &dyn AuditSealer, detail: Option<&[u8]>) -> Result<Mac> {
        sealer.mac(&[b"audit entry 1", &self.head, detail.unwrap_or_default()])
    }
}

/// The seal of an entry that was taken out before it was sealed: its place in the chain says so for good.
pub(super) fn absent(sealer: &dyn AuditSealer, audit: Uuid) -> Result<Mac> {
    sealer.mac(&[b"audit absent 1", audit.as_bytes()])
}

/// What joins an entry to the one before it.
pub(super) fn link(sealer: &dyn AuditSealer, chain: Uuid, before: &[u8], seq: i64, entry: &[u8]) -> Result<Mac> {
    sealer.mac(&[b"audit link 1", chain.as_bytes(), before, &seq.to_be_bytes(), entry])
}

/// Where a chain ends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct End {
    pub(super) seq: i64,
    pub(super) hash: Vec<u8>,
}

impl End {
    pub(super) fn beginning() -> Self {
        Self { seq: 0, hash: BEGINNING.to_vec() }
    }

    /// The seal of what the control plane knows of the end.
    pub(super) fn mac(&self, sealer: &dyn AuditSealer, chain: Uuid) -> Result<Mac> {
        sealer.mac(&[b"audit head 1", chain.as_bytes(), &self.seq.to_be_bytes(), &self.hash])
    }
}

/// A chain without an entry, as it is made known to the control plane: with a tenant, or with the platform's first entry.
#[derive(Debug)]
pub(crate) struct Beginning {
    chain: Uuid,
    end: End,
    mac: Vec<u8>,
    at: Timestamp,
}

impl Beginning {
    pub(crate) fn of(chain: Uuid, sealer: &dyn AuditSealer, at: Timestamp) -> Result<Self> {
        let end = End::beginning();
        let mac = end.mac(sealer, chain)?.to_vec();
        Ok(Self { chain, end, mac, at })
    }

    /// For the statement that begins a chain.
    pub(crate) fn parameters(&self) -> [&(dyn ToSql + Sync); 5] {
        [&self.chain, &self.end.seq, &self.end.hash, &self.mac, &self.at]
    }
}

/// What the control plane knows of a chain's end: so it is noticed when the end was cut off.
#[derive(Debug, Clone)]
pub(super) struct Head {
    pub(super) end: End,
    mac: Vec<u8>,
}

impl Head {
    pub(super) fn read(row: &Row) -> Self {
        Self { end: End { seq: row.get("seq"), hash: row.get("hash") }, mac: row.get("mac") }
    }

    pub(super) fn is_ours(&self, sealer: &dyn AuditSealer, chain: Uuid) -> Result<bool> {
        // Whoever is here holds the key: there is nobody from whom the time of a comparison could be kept.
        Ok(self.end.mac(sealer, chain)?.as_slice() == self.mac)
    }
}
