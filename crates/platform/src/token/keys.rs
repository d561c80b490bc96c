//! The keys that sign access tokens: made here, kept sealed in the control plane, known by every node before they sign.

use std::{
    collections::HashMap,
    sync::{Arc, PoisonError, RwLock},
};

use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use cloister_tenancy::{
    ControlPlane, Error, Result,
    mutation::{Guard, is_off},
    sql::Row,
};
use jiff::{SignedDuration, Timestamp};
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation};
use serde::Serialize;

use super::{Claims, store};
use crate::{Keyring, Purpose, secret};

/// Between a key's making and its first signature every node learns of it.
const LEAD: SignedDuration = SignedDuration::from_secs(60);

struct Key {
    id: String,
    public: Vec<u8>,
    encoding: EncodingKey,
    decoding: DecodingKey,
    signs_from: Timestamp,
    retired_at: Option<Timestamp>,
}

/// The keys this node knows.
#[derive(Default)]
pub(crate) struct SigningKeys {
    known: RwLock<Arc<HashMap<String, Arc<Key>>>>,
}

impl std::fmt::Debug for SigningKeys {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "SigningKeys({})", self.all().len())
    }
}

/// One public key, as RFC 8037 writes it.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub(crate) struct Jwk {
    /// Always `OKP`.
    kty: &'static str,
    /// Always `Ed25519`.
    crv: &'static str,
    /// Always `sig`.
    #[serde(rename = "use")]
    usage: &'static str,
    /// Always `EdDSA`.
    alg: &'static str,
    /// Names the key in the header of tokens.
    kid: String,
    /// The public key, base64url.
    x: String,
}

impl SigningKeys {
    fn all(&self) -> Arc<HashMap<String, Arc<Key>>> {
        self.known.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Reads all keys that are still believed; makes the first one.
    pub(crate) async fn load(&self, control: &ControlPlane, keyring: &Keyring, now: Timestamp) -> Result<()> {
        let mut rows = control.run(&store::KEYS, &[&now]).await?;
        if !rows.iter().any(|row| open(keyring, row.get("id"), row).is_some()) {
            // Two nodes that start at once both make one: both are believed, and the younger signs.
            make(control, keyring, now, now).await?;
            rows = control.run(&store::KEYS, &[&now]).await?;
        }
        let before = self.all();
        let mut known = HashMap::new();
        for row in &rows {
            let id: String = row.get("id");
            let retired_at: Option<Timestamp> = row.get("retired_at");
            if let Some(key) = before.get(&id).filter(|key| key.retired_at == retired_at) {
                known.insert(id, key.clone());
                continue;
            }
            // Sealed under another installation's key, or altered: such a key is not believed.
            let Some((private, public)) = open(keyring, &id, row) else {
                tracing::error!(
                    kid = id,
                    "a signing key does not open: this node holds another `key` than the one that made it"
                );
                continue;
            };
            let key = Key {
                encoding: EncodingKey::from_ed_der(&private),
                decoding: DecodingKey::from_ed_der(&public),
                public,
                signs_from: row.get("signs_from"),
                retired_at,
                id: id.clone(),
            };
            known.insert(id, Arc::new(key));
        }
        *self.known.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(known);
        Ok(())
    }

    /// Makes a key that signs as soon as every node knows it. Tokens of the older ones stay good until they expire.
    pub(crate) async fn rotate(control: &ControlPlane, keyring: &Keyring, now: Timestamp) -> Result<String> {
        let signs_from = now + LEAD;
        let id = make(control, keyring, now, signs_from).await?;
        // Some more than the life of a token, for a control plane that is away meanwhile.
        let retired_at = signs_from + SignedDuration::from_hours(25);
        control.run(&store::RETIRE_OLDER_KEYS, &[&id, &retired_at]).await?;
        Ok(id)
    }

    /// Signs with the youngest key whose time has come.
    pub(crate) fn sign(&self, claims: &Claims, now: Timestamp) -> Result<String> {
        let all = self.all();
        let key = all
            .values()
            .filter(|key| key.signs_from <= now && key.retired_at.is_none_or(|at| at > now))
            .max_by(|a, b| (a.signs_from, &a.id).cmp(&(b.signs_from, &b.id)))
            .ok_or_else(|| Error::unavailable("no signing key is known"))?;
        let mut header = Header::new(Algorithm::EdDSA);
        header.kid = Some(key.id.clone());
        jsonwebtoken::encode(&header, claims, &key.encoding).map_err(Error::internal)
    }

    /// The claims of a token whose signature is good; none when its key is not known here. Expiry is not looked at.
    pub(crate) fn read(&self, token: &str, now: Timestamp) -> Result<Option<Claims>, jsonwebtoken::errors::Error> {
        let header = jsonwebtoken::decode_header(token)?;
        let invalid = || jsonwebtoken::errors::Error::from(jsonwebtoken::errors::ErrorKind::InvalidToken);
        let id = header.kid.filter(|id| header.alg == Algorithm::EdDSA && id.len() <= 64).ok_or_else(invalid)?;
        if is_off(Guard::TokenSignature) {
            return Ok(Some(jsonwebtoken::dangerous::insecure_decode::<Claims>(token)?.claims));
        }
        let all = self.all();
        let Some(key) = all.get(&id).filter(|key| key.retired_at.is_none_or(|at| at > now)) else { return Ok(None) };
        let mut validation = Validation::new(Algorithm::EdDSA);
        // The clock is ours to give, and a control plane that is away lengthens a token's life: see the caller.
        validation.validate_exp = false;
        validation.required_spec_claims.clear();
        Ok(Some(jsonwebtoken::decode::<Claims>(token, &key.decoding, &validation)?.claims))
    }

    /// Public halves of all keys that are believed.
    pub(crate) fn jwks(&self) -> Vec<Jwk> {
        let mut keys: Vec<_> = self.all().values().cloned().collect();
        keys.sort_by_key(|key| std::cmp::Reverse(key.signs_from));
        keys.iter()
            .map(|key| Jwk {
                kty: "OKP",
                crv: "Ed25519",
                usage: "sig",
                alg: "EdDSA",
                kid: key.id.clone(),
                x: URL_SAFE_NO_PAD.encode(&key.public),
            })
            .collect()
    }
}

/// Both halves of a kept key, if it was sealed under ours and the public half is its own.
fn open(keyring: &Keyring, id: &str, row: &Row) -> Option<(Vec<u8>, Vec<u8>)> {
    let private = keyring.unseal(Purpose::SigningKey, id.as_bytes(), row.get("sealed")).ok()?;
    let public: Vec<u8> = row.get("public_key");
    let pair = Ed25519KeyPair::from_pkcs8(&private).ok()?;
    (pair.public_key().as_ref() == public).then_some((private, public))
}

async fn make(control: &ControlPlane, keyring: &Keyring, now: Timestamp, signs_from: Timestamp) -> Result<String> {
    let failed = |_| Error::internal("a signing key could not be made");
    let pair = Ed25519KeyPair::generate().map_err(failed)?;
    let private = pair.to_pkcs8v1().map_err(failed)?;
    let id = URL_SAFE_NO_PAD.encode(secret::random::<12>()?);
    let sealed = keyring.seal(Purpose::SigningKey, id.as_bytes(), private.as_ref())?;
    control.run(&store::INSERT_KEY, &[&id, &pair.public_key().as_ref(), &sealed, &now, &signs_from]).await?;
    Ok(id)
}
