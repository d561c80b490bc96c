//! Who calls: from memory, else from the signature, else from the control plane.

use std::sync::Arc;

use cloister_tenancy::{
    Authenticator, Credential, Error, ErrorKind, Identity, Result,
    mutation::{Guard, is_off},
};
use futures_util::future::BoxFuture;
use jiff::{SignedDuration, Timestamp};

use crate::{
    Service, session,
    token::{Memory, Verified},
};

/// While the control plane is away nobody can renew anything: what expired meanwhile stays good for so long.
const GRACE: SignedDuration = SignedDuration::from_hours(4);

/// Longer than any token of ours.
const MAX_TOKEN: usize = 8 * 1024;

fn refused(code: &'static str, message: &'static str) -> Error {
    Error::new(ErrorKind::Unauthenticated, code, message)
}

fn invalid() -> Error {
    refused("token_invalid", "The token is not valid here. Sign in again.")
}

impl Service {
    /// A credential that memory knows: may it still be used?
    fn admit(&self, known: &Verified, now: Timestamp) -> Result<Arc<Identity>> {
        if let Some(code) = self.revocations().refuse(known) {
            return Err(match code {
                "session_ended" => refused(code, "This session is over. Sign in again."),
                _ => refused(code, "Your rights here have changed. Get a new token by POST /api/v1/sessions/refresh."),
            });
        }
        let late = now.duration_since(known.expires_at);
        // An operator's visit ends when its tenant was told it would.
        let is_own = known.identity.visit.is_none();
        let is_over = late >= SignedDuration::ZERO && !(is_own && self.is_control_plane_away() && late < GRACE);
        if is_over && !is_off(Guard::TokenExpiry) {
            return Err(refused(
                "token_expired",
                "The token has expired. Get a new one by POST /api/v1/sessions/refresh.",
            ));
        }
        Ok(known.identity.clone())
    }

    /// Forgets that a credential was found good, as if it came for the first time: for measurements.
    #[doc(hidden)]
    pub fn forget_credential(&self, credential: &str) {
        self.memory().forget(&Memory::key(credential));
    }

    fn read_token(&self, token: &str) -> Result<Option<Arc<Identity>>> {
        if token.len() > MAX_TOKEN {
            return Err(invalid());
        }
        let now = self.tenancy().clock().now();
        let key = Memory::key(token);
        if let Some(known) = self.memory().get(&key) {
            return self.admit(&known, now).map(Some);
        }
        let Some(claims) = self.keys().read(token, now).map_err(|error| invalid().because(error))? else {
            return Ok(None);
        };
        let verified = Arc::new(claims.verified(None));
        let identity = self.admit(&verified, now)?;
        self.memory().put(key, verified);
        Ok(Some(identity))
    }

    fn recall_cookie(&self, secret: &str, host: &str) -> Result<Option<Arc<Identity>>> {
        let now = self.tenancy().clock().now();
        let key = Memory::key(secret);
        let Some(known) = self.memory().get(&key) else { return Ok(None) };
        if known.host.as_deref() != Some(host) && !is_off(Guard::CookieHostRemembered) {
            return Err(session::over());
        }
        match self.admit(&known, now) {
            Ok(identity) => Ok(Some(identity)),
            // What is old or outdated is read again; what is over is over.
            Err(error) if error.code() == "session_ended" => Err(error),
            Err(_) => Ok(None),
        }
    }
}

impl Authenticator for Service {
    fn authenticate(&self, credential: &Credential<'_>) -> Result<Option<Arc<Identity>>> {
        match credential {
            Credential::Bearer(token) => self.read_token(token),
            Credential::Cookie { secret, host } => self.recall_cookie(secret, host),
        }
    }

    fn look_up<'a>(&'a self, credential: Credential<'a>) -> BoxFuture<'a, Result<Arc<Identity>>> {
        Box::pin(async move {
            match credential {
                Credential::Bearer(token) => {
                    // A key that another node made: read once in a while, whoever asks.
                    self.read_keys_again().await?;
                    self.read_token(token)?.ok_or_else(invalid)
                }
                Credential::Cookie { secret, host } => {
                    let verified = self.read_cookie(secret, host).await?;
                    let identity = self.admit(&verified, self.tenancy().clock().now())?;
                    self.memory().put(Memory::key(secret), verified);
                    Ok(identity)
                }
            }
        })
    }
}
