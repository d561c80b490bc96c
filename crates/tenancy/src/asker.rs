//! Whoever asked for work that goes on after their request: who they were, on what grounds they were here, and what they may do
//! by the time the work is done.

use std::{net::IpAddr, sync::Arc};

use cloister_ids::{AccountId, OperatorEntryId, SessionId};
use futures_util::future::BoxFuture;
use serde::{Deserialize, Serialize};

use crate::{Actor, OpContext, OperatorVisit, PermissionSet, Result, Tenancy, TenantEntry};

/// Somebody as a job keeps them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Asker {
    /// As audit logs have them.
    actor: String,
    /// Their account; none for callers that have none, such as tests.
    pub account: Option<AccountId>,
    /// The session they asked in; none for callers that have none.
    pub session: Option<SessionId>,
    client: Option<IpAddr>,
    permissions: Vec<String>,
    visit: Option<AskerVisit>,
}

/// On what grounds an operator was inside.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AskerVisit {
    /// Which visit.
    pub entry: OperatorEntryId,
    /// Why.
    reason: String,
    /// May also change things.
    elevated: bool,
}

/// Tells what somebody may do in a tenant now, for work that they asked for earlier.
pub trait Standings: Send + Sync + 'static {
    /// Their permissions, or why they have none there: an account that was shut, a session that was taken away, a membership or
    /// a visit that is over.
    fn now<'a>(&'a self, tenant: &'a TenantEntry, asker: &'a Asker) -> BoxFuture<'a, Result<PermissionSet>>;
}

impl Asker {
    /// Whoever makes this request.
    pub fn of(cx: &OpContext) -> Self {
        let visit = |visit: &OperatorVisit| {
            let OperatorVisit { entry, reason, elevated } = visit;
            AskerVisit { entry: *entry, reason: reason.to_string(), elevated: *elevated }
        };
        Self {
            actor: cx.actor().to_string(),
            account: cx.account(),
            session: cx.session(),
            client: cx.client(),
            permissions: cx.permissions().iter().map(str::to_owned).collect(),
            visit: cx.visit().map(visit),
        }
    }

    /// What they were allowed when they asked.
    pub fn permissions(&self) -> PermissionSet {
        PermissionSet::new(&self.permissions)
    }

    /// An operator's grounds.
    pub fn visit(&self) -> Option<&AskerVisit> {
        self.visit.as_ref()
    }

    fn actor(&self) -> Option<Actor> {
        match self.actor.split_once(':')? {
            ("account", name) => Some(Actor::Account(name.into())),
            ("operator", name) => Some(Actor::Operator(name.into())),
            _ => None,
        }
    }
}

impl Tenancy {
    /// Who is asked what somebody may do now. Until then, and on a platform without accounts, what they were allowed when they
    /// asked holds. Only the first counts.
    pub fn set_standings(&self, standings: Arc<dyn Standings>) {
        drop(self.0.standings.set(standings));
    }

    /// The context of background work, in the name of whoever asked for it: with what they were allowed then and are allowed
    /// still, and on the same grounds.
    pub async fn in_the_name_of(&self, cx: &OpContext, asker: &Asker) -> Result<OpContext> {
        let kept = asker.permissions();
        let permissions = match self.0.standings.get() {
            Some(standings) => kept.and(&standings.now(cx.tenant(), asker).await?),
            None => kept,
        };
        let actor = asker.actor().unwrap_or_else(|| cx.actor().clone());
        let named = cx.clone().in_the_name_of(actor, &permissions).coming_from(asker.client);
        let visit = |visit: &AskerVisit| {
            let AskerVisit { entry, reason, elevated } = visit;
            OperatorVisit { entry: *entry, reason: reason.as_str().into(), elevated: *elevated }
        };
        Ok(named.on_grounds(asker.account, asker.session, asker.visit.as_ref().map(visit)))
    }
}

#[cfg(test)]
mod tests {
    use super::PermissionSet;

    #[test]
    fn only_what_was_allowed_and_is_allowed_still_remains() {
        let set = |texts: &[&str]| PermissionSet::new(texts);
        for (then, now, both) in [
            (&["a.b.read", "a.c.read"][..], &["a.c.read", "a.d.read"][..], &["a.c.read"][..]),
            (&["*"], &["a.c.read"], &["a.c.read"]),
            (&["a.c.read"], &["*"], &["a.c.read"]),
            (&["*"], &["*"], &["*"]),
            (&["a.c.read:self"], &["a.c.read"], &[]),
            (&["*"], &[], &[]),
        ] {
            assert_eq!(set(then).and(&set(now)), set(both), "{then:?} {now:?}");
        }
    }
}
