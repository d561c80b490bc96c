//! Setting a password: what is asked of it, and what is kept.

use cloister_http::Visitor;
use cloister_ids::{AccountId, TenantId};
use cloister_tenancy::{ControlTx, Error, Result};
use secrecy::{ExposeSecret, SecretString};

use super::{Account, NewPassword, Standing, store};
use crate::{
    Service,
    attempts::Attempt,
    device,
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
        let strength = policy::check_password(field, policy, password.expose_secret(), names)?;
        let length = i16::try_from(password.expose_secret().chars().count().min(32)).unwrap_or(32);
        let hash = self.passwords().hash(password).await?;
        Ok(NewPassword { hash, strength: strength.into(), length, must_change: false })
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
        let network = visitor.client.map_or_else(String::new, device::network);
        let attempt = Attempt::of(self.keyring(), &format!("account {}", account.id), &network)?;
        let now = self.tenancy().clock().now();
        attempt.check(self.control(), now).await?;
        if self.passwords().verify(password, account.password_hash.clone()).await? {
            return attempt.succeeded(self.control()).await;
        }
        attempt.failed(self.control(), now).await?;
        Err(Error::field("current_password", "password_wrong", "This is not the password until now."))
    }
}
