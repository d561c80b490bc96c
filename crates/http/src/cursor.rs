//! Where a page ended, in a form that only the listing it came from takes back.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use cloister_ids::TenantId;
use cloister_tenancy::mutation::{Guard, is_off};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::Problem;

/// Longer than any of ours.
const MAX_LENGTH: usize = 2048;
const CHECK: usize = 8;

/// The sort key and id of a page's last row, as given by the client.
///
/// It carries a position and no power: what may be seen is decided anew for every page. The check in it only keeps a cursor
/// from being used with another listing, another order or another tenant, where it would skip rows.
#[derive(Debug, Clone, PartialEq)]
pub struct Cursor(Value);

fn check(tenant: TenantId, listing: &str, sort: &str, payload: &[u8]) -> [u8; CHECK] {
    let mut hash = Sha256::new();
    if !is_off(Guard::CursorTenant) {
        hash.update(tenant.uuid().as_bytes());
    }
    for part in [listing.as_bytes(), sort.as_bytes(), payload] {
        hash.update((part.len() as u64).to_be_bytes());
        hash.update(part);
    }
    let digest = hash.finalize();
    std::array::from_fn(|at| digest[at])
}

fn refused() -> Problem {
    Problem::malformed("cursor_invalid", "This cursor is not from this listing and order. Begin again without one.")
}

impl Cursor {
    /// The text for a client to send back.
    pub(crate) fn encode(tenant: TenantId, listing: &str, sort: &str, position: &impl Serialize) -> Option<String> {
        let payload = serde_json::to_vec(position).ok()?;
        let mut bytes = check(tenant, listing, sort, &payload).to_vec();
        bytes.extend_from_slice(&payload);
        Some(URL_SAFE_NO_PAD.encode(bytes))
    }

    /// Takes it back.
    pub(crate) fn decode(tenant: TenantId, listing: &str, sort: &str, text: &str) -> Result<Self, Problem> {
        if text.len() > MAX_LENGTH {
            return Err(refused());
        }
        let bytes = URL_SAFE_NO_PAD.decode(text).map_err(|_| refused())?;
        let (sum, payload) = bytes.split_at_checked(CHECK).ok_or_else(refused)?;
        if sum != check(tenant, listing, sort, payload) {
            return Err(refused());
        }
        serde_json::from_slice(payload).map(Self).map_err(|_| refused())
    }

    /// The position, as the listing wrote it.
    pub fn position<P: DeserializeOwned>(&self) -> Result<P, Problem> {
        P::deserialize(&self.0).map_err(|_| refused())
    }
}

#[cfg(test)]
mod tests {
    use cloister_ids::{SystemClock, TenantId};

    use super::Cursor;

    #[test]
    fn a_cursor_comes_back_whole_and_only_to_its_listing() {
        let (tenant, other) = (TenantId::generate(&SystemClock), TenantId::generate(&SystemClock));
        let text = Cursor::encode(tenant, "component", "-name", &("zebra", 7)).unwrap();
        assert!(text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_'), "{text}");
        let back = Cursor::decode(tenant, "component", "-name", &text).unwrap();
        assert_eq!(back.position::<(String, i32)>().unwrap(), ("zebra".to_owned(), 7));
        assert!(back.position::<(i32, i32)>().is_err());

        assert!(Cursor::decode(tenant, "component", "name", &text).is_err());
        assert!(Cursor::decode(tenant, "team", "-name", &text).is_err());
        assert!(Cursor::decode(other, "component", "-name", &text).is_err());
    }

    #[test]
    fn a_changed_cursor_is_refused() {
        let tenant = TenantId::generate(&SystemClock);
        let text = Cursor::encode(tenant, "component", "name", &("a", 1)).unwrap();
        for at in 0..text.len() {
            let mut changed = text.clone().into_bytes();
            changed[at] = if changed[at] == b'A' { b'B' } else { b'A' };
            let changed = String::from_utf8(changed).unwrap();
            let refusal = Cursor::decode(tenant, "component", "name", &changed).unwrap_err();
            assert_eq!(refusal.error().code(), "cursor_invalid");
        }
        for text in ["", "AAAA", "not base64!", &"A".repeat(5000)] {
            assert!(Cursor::decode(tenant, "component", "name", text).is_err());
        }
    }
}
