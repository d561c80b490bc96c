//! Development tokens: signed by a key in the data directory, short, and named for what they are. Signing in replaces them.

use std::{collections::HashSet, path::Path, sync::Arc, time::Duration};

use anyhow::Context;
use cloister_ids::{Clock, TenantId};
use cloister_tenancy::{Actor, Authenticator, Credential, Error, ErrorKind, Identity, PermissionSet};
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation};
use serde::{Deserialize, Serialize};

use crate::logins::{secret, write_private};

const ISSUER: &str = "cloister-development";
const MAX_PERMISSIONS: usize = 100;
const MAX_BYTES: usize = 8 * 1024;

/// The longest a token may live.
pub(crate) const LONGEST: Duration = Duration::from_hours(24);

#[derive(Debug, Serialize, Deserialize)]
struct Claims {
    iss: String,
    sub: String,
    iat: i64,
    exp: i64,
    tenant: Option<TenantId>,
    permissions: Vec<String>,
}

/// Makes and checks development tokens.
pub(crate) struct DevelopmentTokens {
    encoding: EncodingKey,
    decoding: DecodingKey,
    validation: Validation,
    clock: Arc<dyn Clock>,
}

impl DevelopmentTokens {
    /// Reads the key, or makes one.
    pub(crate) fn open(data_dir: &Path, clock: Arc<dyn Clock>) -> anyhow::Result<Self> {
        let path = data_dir.join("token.key");
        let key = match std::fs::read_to_string(&path) {
            Ok(key) => key,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                let key = secret();
                write_private(&path, &key)?;
                key
            }
            Err(error) => return Err(error).with_context(|| format!("{} cannot be read", path.display())),
        };
        anyhow::ensure!(key.trim().len() >= 32, "{} is too short to be a signing key", path.display());
        let mut validation = Validation::new(Algorithm::HS256);
        validation.set_issuer(&[ISSUER]);
        validation.leeway = 0;
        // The clock is ours to give: expiry is compared below.
        validation.validate_exp = false;
        validation.required_spec_claims = HashSet::from(["exp".to_owned(), "iss".to_owned(), "sub".to_owned()]);
        let key = key.trim().as_bytes();
        Ok(Self { encoding: EncodingKey::from_secret(key), decoding: DecodingKey::from_secret(key), validation, clock })
    }

    /// A token for `actor` in `tenant` (any tenant, when none is named).
    pub(crate) fn mint(
        &self,
        actor: &str,
        tenant: Option<TenantId>,
        permissions: Vec<String>,
        lifetime: Duration,
    ) -> anyhow::Result<String> {
        anyhow::ensure!(lifetime <= LONGEST, "a token lives for at most {} hours", LONGEST.as_secs() / 3600);
        anyhow::ensure!(permissions.len() <= MAX_PERMISSIONS, "a token carries at most {MAX_PERMISSIONS} permissions");
        anyhow::ensure!(
            (1..=100).contains(&actor.chars().count()) && !actor.chars().any(char::is_control),
            "the actor's name has 1 to 100 characters"
        );
        let now = self.clock.now().as_second();
        let exp = now + i64::try_from(lifetime.as_secs())?;
        let claims = Claims { iss: ISSUER.to_owned(), sub: actor.to_owned(), iat: now, exp, tenant, permissions };
        Ok(jsonwebtoken::encode(&Header::new(Algorithm::HS256), &claims, &self.encoding)?)
    }
}

impl Authenticator for DevelopmentTokens {
    fn authenticate(&self, credential: &Credential<'_>) -> cloister_tenancy::Result<Option<Arc<Identity>>> {
        let Credential::Bearer(bearer) = credential else { return Ok(None) };
        let refused = || Error::new(ErrorKind::Unauthenticated, "token_invalid", "The token is not valid here.");
        if bearer.len() > MAX_BYTES {
            return Err(refused());
        }
        let claims = jsonwebtoken::decode::<Claims>(bearer, &self.decoding, &self.validation)
            .map_err(|error| refused().because(error))?
            .claims;
        if claims.exp <= self.clock.now().as_second() {
            return Err(Error::new(
                ErrorKind::Unauthenticated,
                "token_expired",
                "The token has expired. Get a new one.",
            ));
        }
        let permissions = PermissionSet::new(&claims.permissions);
        Ok(Some(Arc::new(Identity::new(Actor::Account(claims.sub.into()), claims.tenant, permissions))))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use cloister_ids::ManualClock;
    use jiff::{SignedDuration, Timestamp};

    fn tokens(dir: &Path, clock: &ManualClock) -> DevelopmentTokens {
        DevelopmentTokens::open(dir, Arc::new(clock.clone())).expect("the key can be made")
    }

    #[test]
    fn a_token_holds_until_it_expires_and_only_under_its_key() {
        let (dir, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let clock = ManualClock::new(Timestamp::UNIX_EPOCH + SignedDuration::from_hours(400_000));
        let ours = tokens(dir.path(), &clock);
        let token = ours.mint("alice", None, vec!["school.*".to_owned()], Duration::from_mins(1)).unwrap();
        assert_eq!(
            ours.authenticate(&Credential::Bearer(&token)).unwrap().unwrap().actor,
            Actor::Account("alice".into())
        );
        assert_eq!(
            tokens(dir.path(), &clock).authenticate(&Credential::Bearer(&token)).unwrap().unwrap().tenant,
            None,
            "the key is read again"
        );
        assert_eq!(
            tokens(other.path(), &clock).authenticate(&Credential::Bearer(&token)).unwrap_err().code(),
            "token_invalid"
        );
        let (head, _) = token.rsplit_once('.').unwrap();
        assert_eq!(ours.authenticate(&Credential::Bearer(&format!("{head}."))).unwrap_err().code(), "token_invalid");
        clock.advance(SignedDuration::from_secs(60));
        assert_eq!(ours.authenticate(&Credential::Bearer(&token)).unwrap_err().code(), "token_expired");
    }

    #[test]
    fn an_unsigned_token_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        let clock = ManualClock::new(Timestamp::UNIX_EPOCH + SignedDuration::from_hours(400_000));
        // {"alg":"none"} and claims that would otherwise be good.
        let none = "eyJhbGciOiJub25lIn0.eyJpc3MiOiJjbG9pc3Rlci1kZXZlbG9wbWVudCIsInN1YiI6ImEiLCJleHAiOjk5OTk5OTk5OTksImlhdCI6MCwicGVybWlzc2lvbnMiOlsiKiJdfQ.";
        assert_eq!(
            tokens(dir.path(), &clock).authenticate(&Credential::Bearer(none)).unwrap_err().code(),
            "token_invalid"
        );
    }
}
