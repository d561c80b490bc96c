//! Signing in: the same answer and the same time for whoever is unknown and whoever is wrong.

use cloister_http::Visitor;
use cloister_tenancy::{Error, ErrorKind, Result, TenantEntry};
use jiff::SignedDuration;
use secrecy::{ExposeSecret, SecretString};
use serde_json::json;

use super::{Entrance, Session, issue, store};
use crate::{
    Service,
    account::{self, Account, Standing},
    attempts::Keys,
    mfa,
    password::needs_rehash,
    secret,
};

/// A second factor must be given within so long, …
const CHALLENGE: SignedDuration = SignedDuration::from_mins(5);
/// … in so many tries.
const TRIES: i32 = 5;

/// Who somebody says they are.
#[derive(Debug, Clone, Copy)]
pub(super) enum Claimed<'a> {
    Email(&'a str),
    Username(&'a str),
}

/// How a sign-in goes on.
pub(super) enum Outcome {
    /// Signed in.
    In(Box<In>),
    /// The password is right and a second factor is asked for.
    Challenge(String),
}

/// Somebody who has shown who they are.
pub(super) struct In {
    pub(super) account: Account,
    pub(super) second_factor: bool,
}

impl Service {
    /// Looks at a name and a password.
    pub(super) async fn recognise(
        &self,
        visitor: &Visitor,
        claimed: Claimed<'_>,
        password: SecretString,
    ) -> Result<Outcome> {
        let tenant = visitor.tenant.as_deref();
        let at = tenant.map(|tenant| tenant.id);
        let (found, home, name) = match (claimed, tenant) {
            (Claimed::Email(email), _) => {
                (account::by_email(self.control(), email).await?, None, account::email_key(email))
            }
            (Claimed::Username(name), Some(tenant)) => {
                let found = account::by_username(self.control(), tenant.id, name).await?;
                (found, Some(tenant.id), account::username_key(name))
            }
            (Claimed::Username(_), None) => {
                let message = "A username is known only within its tenant: sign in at the tenant's own address.";
                return Err(Error::field("username", "tenant_required", message));
            }
        };
        let now = self.tenancy().clock().now();
        // Asked for nobody too, so that the time is the same.
        let device = issue::device_hash(visitor);
        let account = found.as_ref().map(|account| account.id);
        let is_known = !self.control().run(&store::KNOWS_DEVICE, &[&account, &device]).await?.is_empty();
        let keys = Keys::new(self.keyring(), home, &name, visitor.client, is_known.then_some(device.as_slice()))?;
        let known = found.as_ref().and_then(|account| account.password_hash.clone());
        let right = self.verify_counted(&keys, password.clone(), known.clone(), at).await?;
        let Some(found) = found.filter(|account| right && account.is_active) else {
            metrics::counter!("cloister_sign_ins_total", "outcome" => "refused").increment(1);
            return Err(account::not_recognised());
        };
        if let Some(old) = known.filter(|hash| needs_rehash(hash)) {
            let new = self.passwords().hash(SecretString::from(password.expose_secret().to_owned()), at).await?;
            self.control().run(&account::store::REHASH, &[&found.id, &old, &new]).await?;
        }
        if mfa::is_on(self.control(), found.id).await? {
            let challenge = secret::generate()?;
            let details = json!({ "host": visitor.host });
            let with: &cloister_tenancy::sql::Parameters<'_> =
                &[&secret::hash(&challenge), &"second_factor", &found.id, &details, &now, &(now + CHALLENGE)];
            self.control().run(&store::INSERT_CODE, with).await?;
            return Ok(Outcome::Challenge(challenge));
        }
        Ok(Outcome::In(Box::new(In { account: found, second_factor: false })))
    }

    /// The second step: a code from an app, or a recovery code.
    pub(super) async fn answer_challenge(&self, visitor: &Visitor, challenge: &str, code: &str) -> Result<In> {
        let now = self.tenancy().clock().now();
        let hash = secret::hash(challenge);
        let over = || {
            let message = "This sign-in took too long or had too many wrong codes. Begin again.";
            Error::new(ErrorKind::Unauthenticated, "challenge_over", message)
        };
        let rows = self.control().run(&store::TRY_CODE, &[&hash, &"second_factor", &now, &TRIES]).await?;
        let row = rows.first().ok_or_else(over)?;
        let details: serde_json::Value = row.get("details");
        if details["host"].as_str() != visitor.host.as_deref() {
            return Err(over());
        }
        let account = account::by_id(self.control(), row.get("account_id")).await?;
        if !mfa::accept_counted(self, account.id, visitor.client, code).await? {
            metrics::counter!("cloister_sign_ins_total", "outcome" => "second_factor_refused").increment(1);
            return Err(Error::new(ErrorKind::Unauthenticated, "code_invalid", "This code is not right."));
        }
        if self.control().run(&store::TAKE_CODE, &[&hash, &"second_factor", &now]).await?.is_empty() {
            return Err(over());
        }
        Ok(In { account, second_factor: true })
    }
}

/// Where somebody who was recognised goes in.
pub(super) struct Admitted<'a> {
    pub(super) session: Session,
    pub(super) standing: Standing,
    pub(super) inside: Option<Entrance<'a>>,
    /// Why not into the tenant, in a stable word: there is something to do first.
    pub(super) needs: Option<&'static str>,
}

/// What may be mended by whoever is signed in: without a session nobody could.
const MENDABLE: &[&str] = &["second_factor_required", "password_expired", "password_too_weak_here"];

impl Service {
    /// What somebody recognised may do at this place. Who does not belong is refused.
    pub(super) async fn find_entrance<'a>(
        &self,
        account: &Account,
        tenant: Option<&'a TenantEntry>,
        second_factor: bool,
    ) -> Result<(Standing, Option<Entrance<'a>>, Option<&'static str>)> {
        let standing = Standing::read(self.control(), account.id, tenant.map(|tenant| tenant.id)).await?;
        let Some(tenant) = tenant else {
            let needs = standing.must_change_password.then_some("password_expired");
            return Ok((standing, None, needs));
        };
        let now = self.tenancy().clock().now();
        match standing.enter(self.tenancy(), tenant, second_factor, now) {
            Ok(permissions) => Ok((standing, Some(Entrance { tenant, permissions }), None)),
            Err(error) if MENDABLE.contains(&error.code()) => Ok((standing, None, Some(error.code()))),
            Err(error) => Err(error),
        }
    }
}
