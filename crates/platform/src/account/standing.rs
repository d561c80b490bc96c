//! What an account is in a tenant at one moment: everything that a token is made of.

use cloister_ids::{AccountId, TenantId};
use cloister_tenancy::{ControlPlane, ControlTx, Error, ErrorKind, Result, TenantEntry, sql::Row};
use jiff::{SignedDuration, Timestamp};

use super::store;
use crate::{
    policy::{PasswordPolicy, PolicyOverrides},
    role::{self, OwnRole},
};

/// An account, and its place in a tenant when it has one.
#[derive(Debug, Clone)]
pub(crate) struct Standing {
    pub(crate) account: AccountId,
    /// For mails; none for an account that a tenant manages.
    pub(crate) email: Option<String>,
    pub(crate) locale: String,
    pub(crate) display_name: String,
    pub(crate) operator_role: Option<String>,
    pub(crate) must_change_password: bool,
    is_active: bool,
    password_changed_at: Option<Timestamp>,
    password_strength: Option<i16>,
    password_length: Option<i16>,
    /// Roles in the tenant; none without a membership that is in force.
    pub(crate) roles: Option<Vec<String>>,
    own_roles: Vec<OwnRole>,
    /// Of the tenant's roles.
    pub(crate) roles_version: i64,
    /// The tenant's rules, over the platform's.
    pub(crate) policy: PasswordPolicy,
}

impl Standing {
    /// Reads it. One round trip.
    pub(crate) async fn read(control: &ControlPlane, account: AccountId, tenant: Option<TenantId>) -> Result<Self> {
        Self::of_rows(&control.run(&store::STANDING, &[&account, &tenant]).await?)
    }

    /// The same within a unit of work.
    pub(crate) async fn read_in(tx: &mut ControlTx, account: AccountId, tenant: Option<TenantId>) -> Result<Self> {
        Self::of_rows(&tx.query(&store::STANDING, &[&account, &tenant]).await?)
    }

    fn of_rows(rows: &[Row]) -> Result<Self> {
        let standing = rows.first().map(Self::of).transpose()?;
        standing.filter(|standing| standing.is_active).ok_or_else(|| {
            Error::new(ErrorKind::Unauthenticated, "account_disabled", "This account is not in use any more.")
        })
    }

    fn of(row: &Row) -> Result<Self> {
        let overrides: Option<serde_json::Value> = row.get("policy");
        let overrides = overrides.map_or_else(|| Ok(PolicyOverrides::default()), PolicyOverrides::from_json)?;
        let in_force = row.get::<_, Option<&str>>("membership_status") == Some("active");
        Ok(Self {
            account: row.get("id"),
            email: row.get("email"),
            locale: row.get("locale"),
            display_name: row.get("display_name"),
            operator_role: row.get("operator_role"),
            must_change_password: row.get("must_change_password"),
            is_active: row.get::<_, &str>("status") == "active",
            password_changed_at: row.get("password_changed_at"),
            password_strength: row.get("password_strength"),
            password_length: row.get("password_length"),
            roles: row.get::<_, Option<Vec<String>>>("roles").filter(|_| in_force),
            own_roles: serde_json::from_value(row.get("own_roles")).map_err(Error::internal)?,
            roles_version: row.get("roles_version"),
            policy: overrides.over(&PasswordPolicy::default()),
        })
    }

    /// What the account may do in `tenant`, which it was read for. Refuses who does not belong, and who does not keep the
    /// rules of the tenant: an account of the platform obeys them when it enters.
    pub(crate) fn enter(
        &self,
        tenancy: &cloister_tenancy::Tenancy,
        tenant: &TenantEntry,
        has_second_factor: bool,
        now: Timestamp,
    ) -> Result<Vec<String>> {
        let Some(roles) = &self.roles else {
            let message = "This account does not belong here.";
            return Err(Error::new(ErrorKind::Forbidden, "membership_required", message));
        };
        if !has_second_factor && self.policy.asks_second_factor(roles) {
            let message = "Your role here needs a second factor. Set one up for your account, and sign in with it.";
            return Err(Error::new(ErrorKind::Forbidden, "second_factor_required", message));
        }
        if self.must_change_password || self.password_is_old(now) {
            let message = "The password must be changed before you go on.";
            return Err(Error::new(ErrorKind::Forbidden, "password_expired", message));
        }
        if self.password_is_weak() {
            let message = "This place asks for a stronger password than yours. Change it before you go on.";
            return Err(Error::new(ErrorKind::Forbidden, "password_too_weak_here", message));
        }
        Ok(role::permissions(tenancy, tenant, roles, &self.own_roles))
    }

    fn password_is_old(&self, now: Timestamp) -> bool {
        let limit = self.policy.max_age_days.map(|days| SignedDuration::from_hours(24 * i64::from(days)));
        matches!((limit, self.password_changed_at), (Some(limit), Some(at)) if now.duration_since(at) > limit)
    }

    fn password_is_weak(&self) -> bool {
        let short =
            self.password_length.is_some_and(|length| i64::from(length) < i64::from(self.policy.min_length).min(32));
        short || self.password_strength.is_some_and(|score| score < i16::from(self.policy.min_strength))
    }
}
