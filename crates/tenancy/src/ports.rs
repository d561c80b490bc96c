//! What the kernel needs from outside and does not own.

use std::sync::Arc;

use cloister_ids::{AccountId, OperatorEntryId, SessionId, TenantId};
use futures_util::future::BoxFuture;
use secrecy::SecretBox;

use crate::{Actor, OpContext, PermissionSet, Result};

/// Who a credential says is calling.
#[derive(Debug, Clone)]
pub struct Identity {
    /// Who.
    pub actor: Actor,
    /// The tenant the credential is for: one of the sources that must agree.
    pub tenant: Option<TenantId>,
    /// What they may do there.
    pub permissions: PermissionSet,
    /// Their account; none for callers that have none, such as tests.
    pub account: Option<AccountId>,
    /// The session the credential belongs to.
    pub session: Option<SessionId>,
    /// What they may do with the platform itself, outside of every tenant.
    pub operator: PermissionSet,
    /// An operator within a tenant: on what grounds.
    pub visit: Option<OperatorVisit>,
}

/// On what grounds an operator is inside a tenant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OperatorVisit {
    /// Which visit.
    pub entry: OperatorEntryId,
    /// Why, as the tenant reads it in its audit log.
    pub reason: Arc<str>,
    /// May also change things.
    pub elevated: bool,
}

impl Identity {
    /// Somebody who has these permissions in a tenant, and nothing else.
    pub fn new(actor: Actor, tenant: Option<TenantId>, permissions: PermissionSet) -> Self {
        let (account, session, operator, visit) = (None, None, PermissionSet::default(), None);
        Self { actor, tenant, permissions, account, session, operator, visit }
    }
}

/// How a caller proves who they are.
#[derive(Debug, Clone, Copy)]
pub enum Credential<'a> {
    /// `Authorization: Bearer …`.
    Bearer(&'a str),
    /// The cookie of a browser's session with one host.
    Cookie {
        /// Its value.
        secret: &'a str,
        /// The host it was sent to.
        host: &'a str,
    },
}

/// Tells who a credential belongs to. It is asked on every request.
pub trait Authenticator: Send + Sync + 'static {
    /// The caller, from memory, or `unauthenticated`. None when memory cannot tell: [`look_up`](Self::look_up) can.
    fn authenticate(&self, credential: &Credential<'_>) -> Result<Option<Arc<Identity>>>;

    /// The caller, asking the control plane.
    fn look_up<'a>(&'a self, _credential: Credential<'a>) -> BoxFuture<'a, Result<Arc<Identity>>> {
        Box::pin(std::future::ready(Err(crate::Error::new(
            crate::ErrorKind::Unauthenticated,
            "unauthenticated",
            "This is not valid here. Sign in again.",
        ))))
    }
}

/// The key under which audit logs are sealed. It is in no database: who can write to all of them still cannot make a seal.
pub trait AuditSealer: Send + Sync + 'static {
    /// A message authentication code of 256 bits over these parts. Lists of parts that differ give different codes, also where
    /// the parts joined are the same.
    fn mac(&self, parts: &[&[u8]]) -> Result<[u8; 32]>;
}

/// The installation's own key, under which the data keys of tenants are kept. It is in no database: whoever has all of them
/// still opens no data key.
pub trait KeyWrapper: Send + Sync + 'static {
    /// Seals a data key of this tenant.
    fn wrap(&self, tenant: TenantId, key: &[u8; 32]) -> Result<Vec<u8>>;

    /// What [`wrap`](Self::wrap) was given for the same tenant.
    fn unwrap(&self, tenant: TenantId, wrapped: &[u8]) -> Result<SecretBox<[u8; 32]>>;
}

/// Tells whether a tenant may have one more of something.
pub trait Limits: Send + Sync + 'static {
    /// Refuses when `more` of `meter` would go over the tenant's plan.
    fn check(&self, cx: &OpContext, meter: &'static str, current: i64, more: i64) -> Result<()>;
}

/// A platform without plans: nothing is limited.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoLimits;

impl Limits for NoLimits {
    fn check(&self, _: &OpContext, _: &'static str, _: i64, _: i64) -> Result<()> {
        Ok(())
    }
}
