//! Setting a password: what is asked of it, and what is kept.

use cloister_http::Visitor;
use cloister_ids::{AccountId, TenantId};
use cloister_tenancy::{ControlTx, Error, ErrorKind, Result};
use secrecy::{ExposeSecret, SecretString};

use super::{Account, NewPassword, Standing, store};
use crate::{
    Service, attempt_store,
    attempts::{Decision, Keys},
    policy::{self, PasswordPolicy},
};

impl Service {
    /// What is asked of an account's password: by the platform, by the tenant that manages it, and by the one it is in.
    pub(crate) async fn policy_for(&self, account: &Account, tenant: Option<TenantId>) -> Result<PasswordPolicy> {
        match account.home.or(tenant) {
            Some(tenant) => Ok(Standing::read(self.control(), account.id, Some(tenant)).await?.policy),
            None => Ok(PasswordPolicy::default()),
        }
    }

    /// Refuses a password that the policy refuses, and hashes one that it takes. `field` is what the API calls it.
    pub(crate) async fn accept_password(
        &self,
        field: &'static str,
        policy: &PasswordPolicy,
        account: &Account,
        password: SecretString,
    ) -> Result<NewPassword> {
        let names = [account.email.as_deref(), account.username.as_deref(), Some(account.display_name.as_str())];
        let names: Vec<&str> = names.into_iter().flatten().collect();
        self.accept_password_of(field, policy, &names, password).await
    }

    /// The same for an account that is yet to be made, whose person has these names.
    pub(crate) async fn accept_password_of(
        &self,
        field: &'static str,
        policy: &PasswordPolicy,
        names: &[&str],
        password: SecretString,
    ) -> Result<NewPassword> {
        let (rules, about) = (policy.clone(), names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>());
        let given = password.clone();
        // Judging a long password takes a while, which other requests must not wait for.
        let judge = move || {
            let about: Vec<&str> = about.iter().map(String::as_str).collect();
            policy::check_password(field, &rules, given.expose_secret(), &about)
        };
        let strength = tokio::task::spawn_blocking(judge).await.map_err(Error::internal)??;
        let length = i16::try_from(password.expose_secret().chars().count().min(32)).unwrap_or(32);
        let hash = self.passwords().hash(password, None).await?;
        Ok(NewPassword { hash, strength: strength.into(), length, must_change: false })
    }

    /// Tries a password at a tenant's door or at no tenant's, counted as a failure unless it is right.
    pub(crate) async fn verify_counted(
        &self,
        keys: &Keys,
        password: SecretString,
        hash: Option<String>,
        at: Option<TenantId>,
    ) -> Result<bool> {
        self.counted(keys, self.passwords().verify(password, hash, at)).await
    }

    /// Tries something that could be guessed, counted as a failure unless it is right: whoever tries too often must wait.
    pub(crate) async fn counted(&self, keys: &Keys, attempt: impl Future<Output = Result<bool>>) -> Result<bool> {
        let now = self.tenancy().clock().now();
        if let Decision::Wait(wait) =
            attempt_store::admit(self.control(), keys, &PasswordPolicy::default(), now).await?
        {
            metrics::counter!("cloister_sign_ins_total", "outcome" => "locked").increment(1);
            let message = "There were too many wrong attempts. Wait. Whoever forgot a password sets a new one by mail.";
            return Err(Error::new(ErrorKind::TooMany, "sign_in_locked", message).retry_after(wait));
        }
        match attempt.await {
            Ok(right) => {
                if right {
                    attempt_store::succeeded(self.control(), keys).await?;
                }
                Ok(right)
            }
            Err(error) => {
                attempt_store::not_tried(self.control(), keys).await?;
                Err(error)
            }
        }
    }

    /// Keeps a new password, as part of `tx`.
    pub(crate) async fn set_password(
        &self,
        tx: &mut ControlTx,
        account: AccountId,
        new: &NewPassword,
        by: &str,
    ) -> Result<()> {
        let now = self.tenancy().clock().now();
        let with: &cloister_tenancy::sql::Parameters<'_> =
            &[&account, &new.hash, &now, &new.strength, &new.length, &new.must_change, &by];
        tx.query(&store::SET_PASSWORD, with).await?;
        Ok(())
    }

    /// Whoever is signed in shows once more who they are. Wrong passwords count as failed sign-ins.
    pub(crate) async fn confirm_password(
        &self,
        account: &Account,
        visitor: &Visitor,
        password: SecretString,
    ) -> Result<()> {
        let at = visitor.tenant.as_ref().map(|tenant| tenant.id);
        let keys = Keys::new(self.keyring(), account.home, &account.id.to_string(), visitor.client, None)?;
        if self.verify_counted(&keys, password, account.password_hash.clone(), at).await? {
            return Ok(());
        }
        Err(Error::field("current_password", "password_wrong", "This is not the password until now."))
    }
}
