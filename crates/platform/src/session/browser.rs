//! Who a cookie belongs to, asked of the control plane when memory does not know.

use std::sync::Arc;

use cloister_tenancy::{
    Result,
    mutation::{Guard, is_off},
};

use super::{Entrance, Session, over, store};
use crate::{Service, account::Standing, secret, token::Verified};

impl Service {
    /// What memory keeps of a cookie, for as long as of an access token.
    pub(crate) async fn read_cookie(&self, cookie: &str, host: &str) -> Result<Arc<Verified>> {
        let rows = self.control().run(&store::COOKIE, &[&secret::hash(cookie)]).await?;
        let row = rows.first().ok_or_else(over)?;
        let session = Session::from(row);
        let now = self.tenancy().clock().now();
        let elsewhere = row.get::<_, &str>("host") != host && !is_off(Guard::CookieHostRead);
        if elsewhere || !session.is_open(now) {
            return Err(over());
        }
        let tenant = self.tenant_of_credential(row.get("tenant_id"))?;
        let standing = Standing::read(self.control(), session.account, tenant.as_deref().map(|t| t.id)).await?;
        let inside = match &tenant {
            Some(tenant) => {
                let permissions = standing.enter(self.tenancy(), tenant, session.has_second_factor, now)?;
                Some(Entrance { tenant, permissions })
            }
            None => None,
        };
        let claims = self.claims(&standing, &session, inside.as_ref());
        self.control().run(&store::TOUCH, &[&session.id, &now]).await?;
        Ok(Arc::new(claims.verified(Some(host))))
    }
}
