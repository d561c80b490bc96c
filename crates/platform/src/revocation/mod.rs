//! Tokens that are refused although they have not expired: in memory on every node, told to all within a second.

pub(crate) mod store;

use std::sync::atomic::{AtomicI64, Ordering};

use cloister_ids::{AccountId, SessionId, TenantId};
use cloister_tenancy::{
    ControlPlane, Identity, Result,
    mutation::{Guard, is_off},
};
use jiff::{SignedDuration, Timestamp};

use crate::token::Verified;

/// As long as a token may live, with a control plane that is away meanwhile.
const KEPT: SignedDuration = SignedDuration::from_hours(25);
/// Rows may become visible in another order than they were numbered: this many are looked at again.
const OVERLAP: i64 = 1000;

/// What is refused.
#[derive(Debug, Default)]
pub(crate) struct Revocations {
    sessions: papaya::HashMap<SessionId, Timestamp>,
    memberships: papaya::HashMap<(AccountId, TenantId), (i64, Timestamp)>,
    tenants: papaya::HashMap<TenantId, (i64, Timestamp)>,
    seen: AtomicI64,
}

impl Revocations {
    /// A session's tokens are refused from now on.
    pub(crate) fn session(&self, id: SessionId, now: Timestamp) {
        self.sessions.pin().insert(id, now);
    }

    /// An account's tokens for a tenant from before this version are refused.
    pub(crate) fn membership(&self, account: AccountId, tenant: TenantId, version: i64, now: Timestamp) {
        let newer = |known: Option<(i64, Timestamp)>| (known.map_or(version, |(known, _)| known.max(version)), now);
        let map = self.memberships.pin();
        let known = map.get(&(account, tenant)).copied();
        map.insert((account, tenant), newer(known));
    }

    /// Every token for a tenant from before this version is refused.
    pub(crate) fn tenant(&self, tenant: TenantId, version: i64, now: Timestamp) {
        let map = self.tenants.pin();
        let known = map.get(&tenant).copied();
        map.insert(tenant, (known.map_or(version, |(known, _)| known.max(version)), now));
    }

    /// Whether a credential is refused, and in which word.
    pub(crate) fn refuse(&self, verified: &Verified) -> Option<&'static str> {
        let Identity { session, account, tenant, .. } = &*verified.identity;
        if session.is_some_and(|id| self.sessions.pin().contains_key(&id)) {
            return (!is_off(Guard::Revocation)).then_some("session_ended");
        }
        let tenant = (*tenant)?;
        let old =
            |known: Option<&(i64, Timestamp)>| known.is_some_and(|(version, _)| verified.roles_version < *version);
        let member = account.is_some_and(|account| old(self.memberships.pin().get(&(account, tenant))));
        let outdated = member || old(self.tenants.pin().get(&tenant));
        (outdated && !is_off(Guard::Revocation)).then_some("token_outdated")
    }

    /// Reads what was revoked since the last time.
    pub(crate) async fn catch_up(&self, control: &ControlPlane, now: Timestamp) -> Result<()> {
        let seen = self.seen.load(Ordering::Acquire);
        let (since, after) = match seen {
            0 => (now - KEPT, i64::MAX),
            seen => (Timestamp::MAX, seen - OVERLAP),
        };
        for row in control.run(&store::SINCE, &[&since, &after]).await? {
            let id: i64 = row.get("id");
            let (session, account) = (row.get("session_id"), row.get::<_, Option<AccountId>>("account_id"));
            match (session, account, row.get("tenant_id"), row.get("roles_version")) {
                (Some(session), ..) => self.session(session, now),
                (None, Some(account), Some(tenant), Some(version)) => self.membership(account, tenant, version, now),
                (None, None, Some(tenant), Some(version)) => self.tenant(tenant, version, now),
                _ => tracing::error!(id, "a revocation says nothing"),
            }
            self.seen.fetch_max(id, Ordering::AcqRel);
        }
        // Nothing revoked yet: from here on, by number.
        let _ = self.seen.compare_exchange(0, OVERLAP, Ordering::AcqRel, Ordering::Acquire);
        Ok(())
    }

    /// Forgets what no token outlives.
    pub(crate) fn sweep(&self, now: Timestamp) {
        let limit = now - KEPT;
        self.sessions.pin().retain(|_, at| *at > limit);
        self.memberships.pin().retain(|_, (_, at)| *at > limit);
        self.tenants.pin().retain(|_, (_, at)| *at > limit);
    }
}
