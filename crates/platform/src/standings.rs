//! What somebody may do now who asked for background work earlier: the same as a token of theirs would say if they got one now.

use std::sync::Weak;

use cloister_tenancy::{Asker, Error, PermissionSet, Result, Standings, TenantEntry};
use futures_util::future::BoxFuture;

use crate::{Service, account::Standing, service::Inner, session};

/// Asks the control plane. The kernel holds it, and must not keep what holds the kernel.
pub(crate) struct Here(pub(crate) Weak<Inner>);

impl Standings for Here {
    fn now<'a>(&'a self, tenant: &'a TenantEntry, asker: &'a Asker) -> BoxFuture<'a, Result<PermissionSet>> {
        Box::pin(async move {
            let service = self.0.upgrade().map(Service).ok_or_else(|| Error::unavailable("the node is stopping"))?;
            // Whoever has no account has no membership that could have ended: work of the installation itself.
            let Some(account) = asker.account else { return Ok(asker.permissions()) };
            if let Some(id) = asker.session {
                // Whoever ended a session of theirs from another one, or changed the password, wants nothing more done by it. Whoever
                // signed out has gone home, and what they asked for goes on, for longer than a session lasts if need be. Sessions
                // are kept for a month behind their last day: of one that is not there nothing is known, so it is refused.
                let kept = service.control().run(&session::store::NOT_TAKEN_AWAY, &[&id, &account]).await?;
                if kept.is_empty() {
                    return Err(session::over());
                }
            }
            if let Some(visit) = asker.visit() {
                return service.still_inside(tenant, account, visit).await;
            }
            let standing = Standing::read(service.control(), account, Some(tenant.id)).await?;
            // The session had a second factor when it asked, where one was wanted; nobody is there to give it again.
            let now = service.tenancy().clock().now();
            Ok(PermissionSet::new(standing.enter(service.tenancy(), tenant, true, now)?))
        })
    }
}
