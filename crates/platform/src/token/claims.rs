//! What an access token says: who, where, by which session, and what they may do.

use std::sync::Arc;

use cloister_ids::{AccountId, OperatorEntryId, SessionId, TenantId};
use cloister_tenancy::{Actor, Identity, OperatorVisit, PermissionSet};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// The claims of an access token. Names of registered claims are RFC 7519's.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Claims {
    /// The account.
    pub(crate) sub: AccountId,
    /// The session.
    pub(crate) sid: SessionId,
    /// The tenant; none outside of every tenant.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) ten: Option<TenantId>,
    /// Version of the tenant's roles that the permissions were read at.
    pub(crate) rv: i64,
    /// Permissions within the tenant.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) prm: Vec<String>,
    /// Permissions of an operator on the platform.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) opr: Vec<String>,
    /// An operator's visit to the tenant.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) vis: Option<VisitClaim>,
    /// Issued at, seconds since 1970.
    pub(crate) iat: i64,
    /// No longer good from then on.
    pub(crate) exp: i64,
}

/// On what grounds an operator is inside.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct VisitClaim {
    /// Which visit.
    pub(crate) entry: OperatorEntryId,
    /// Why.
    pub(crate) reason: String,
    /// May change things.
    pub(crate) elevated: bool,
}

/// A credential that was found good, as memory keeps it.
#[derive(Debug)]
pub(crate) struct Verified {
    /// Who it is for the kernel.
    pub(crate) identity: Arc<Identity>,
    /// Version of the tenant's roles that the permissions were read at.
    pub(crate) roles_version: i64,
    /// No longer good from then on.
    pub(crate) expires_at: Timestamp,
    /// For a cookie, the host it belongs to.
    pub(crate) host: Option<Box<str>>,
}

impl Claims {
    /// What memory keeps of it.
    pub(crate) fn verified(self, host: Option<&str>) -> Verified {
        let (account, session) = (self.sub, self.sid);
        let visit = |VisitClaim { entry, reason, elevated }| OperatorVisit { entry, reason: reason.into(), elevated };
        let visit = self.vis.map(visit);
        let actor = match visit {
            Some(_) => Actor::Operator(account.to_string().into()),
            None => Actor::Account(account.to_string().into()),
        };
        let identity = Identity {
            actor,
            tenant: self.ten,
            permissions: PermissionSet::new(&self.prm),
            account: Some(account),
            session: Some(session),
            operator: PermissionSet::new(&self.opr),
            visit,
        };
        Verified {
            identity: Arc::new(identity),
            roles_version: self.rv,
            expires_at: Timestamp::from_second(self.exp).unwrap_or(Timestamp::MIN),
            host: host.map(Into::into),
        }
    }
}
