//! What the kernel needs from outside and does not own.

use std::sync::Arc;

use cloister_ids::TenantId;

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
}

/// Tells who a bearer token belongs to, from memory: it is asked on every request.
pub trait Authenticator: Send + Sync + 'static {
    /// The caller, or `unauthenticated`.
    fn authenticate(&self, bearer: &str) -> Result<Arc<Identity>>;
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
