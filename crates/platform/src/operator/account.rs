//! Who runs the platform, and in which role. There is always an admin.

use cloister_http::{Versioned, words};
use cloister_ids::{AccountId, SessionId, TenantId};
use cloister_tenancy::{ControlTx, Error, ErrorKind, Requester, Result};
use jiff::Timestamp;
use serde::Serialize;
use serde_json::json;
use utoipa::ToSchema;

use super::{OPERATOR, entry, record, store};
use crate::{Service, account, session::Ending};

words! {
    /// What an operator may do.
    pub(crate) enum OperatorRole {
        /// See the platform.
        Viewer = "viewer",
        /// Enter tenants too, and help with sign-ups.
        Support = "support",
        /// Everything.
        Admin = "admin",
    }
}

/// An operator.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct Operator {
    /// The account.
    pub(crate) id: AccountId,
    /// Its address.
    #[schema(example = "sam@platform.example")]
    pub(crate) email: Option<String>,
    /// Its name on pages.
    #[schema(example = "Sam Operator")]
    pub(crate) display_name: String,
    /// What it may do.
    pub(crate) role: OperatorRole,
    /// False when the account was shut.
    pub(crate) is_active: bool,
    /// Signs in with a second factor.
    pub(crate) has_second_factor: bool,
    /// Grows with every change of the account; the ETag.
    #[schema(example = 1)]
    pub(crate) version: i64,
    /// When the account was made.
    pub(crate) created_at: Timestamp,
}

impl Versioned for Operator {
    fn version(&self) -> i64 {
        self.version
    }
}

/// What must be forgotten by this node once the change is committed.
#[must_use]
pub(super) struct Outdated {
    sessions: Vec<SessionId>,
    visits: Vec<(AccountId, TenantId, i64)>,
}

impl Service {
    /// This node refuses what the others were told to refuse by the commit.
    pub(super) fn forget_operator(&self, outdated: Outdated) {
        let now = self.tenancy().clock().now();
        self.forget_sessions(&outdated.sessions);
        for (account, tenant, version) in outdated.visits {
            self.revocations().membership(account, tenant, version, now);
        }
    }

    pub(super) async fn operator(&self, id: AccountId) -> Result<Operator> {
        let rows = self.control().run(&store::OPERATOR, &[&id]).await?;
        rows.first().ok_or_else(Error::not_found).and_then(store::operator)
    }

    /// Makes an account that exists an operator.
    pub(super) async fn appoint(
        &self,
        tx: &mut ControlTx,
        email: &str,
        role: OperatorRole,
        by: &Requester,
    ) -> Result<Operator> {
        let found = account::by_email(self.control(), email).await?.filter(|account| account.is_active);
        let Some(found) = found else {
            let message = "No account has this address. Its person signs up or is invited first.";
            return Err(Error::field("email", "unknown_account", message));
        };
        tx.query(&store::LOCK_OPERATORS, &[&found.id]).await?;
        if account::lock(tx, found.id).await?.operator_role.is_some() {
            let message = "This account is an operator already. Change its role instead.";
            return Err(Error::new(ErrorKind::Conflict, "operator_exists", message));
        }
        set_role(tx, found.id, Some(role), self.tenancy().clock().now(), by).await?;
        tx.audit(record(by, "operator.create", OPERATOR).on(found.id).changing(json!({ "role": role })));
        let rows = tx.query(&store::OPERATOR, &[&found.id]).await?;
        rows.first().ok_or_else(Error::not_found).and_then(store::operator)
    }

    /// Gives an operator another role, or none. Their sessions end, and with them their visits.
    pub(super) async fn reappoint(
        &self,
        tx: &mut ControlTx,
        before: &Operator,
        role: Option<OperatorRole>,
        by: &Requester,
    ) -> Result<Outdated> {
        let (id, now) = (before.id, self.tenancy().clock().now());
        let (action, after) = match role {
            Some(role) => ("operator.update", json!({ "role": { "before": before.role, "after": role } })),
            None => ("operator.delete", json!({ "role": { "before": before.role, "after": null } })),
        };
        let others = tx.query(&store::OTHER_ADMINS, &[&id]).await?;
        let is_last = others.first().is_none_or(|row| row.get::<_, i64>("others") == 0);
        if before.role == OperatorRole::Admin && role != Some(OperatorRole::Admin) && is_last {
            let message = "This is the last admin. Make another one first.";
            return Err(Error::new(ErrorKind::Conflict, "last_admin", message));
        }
        set_role(tx, id, role, now, by).await?;
        let mut visits = Vec::new();
        for row in tx.query(&store::LOCK_OPEN_ENTRIES, &[&id, &now]).await? {
            let visit = store::entry(&row);
            visits.push((id, visit.tenant_id, entry::end(tx, &visit, by, now).await?));
        }
        let sessions = self.end_other_sessions(tx, id, None, Ending::Revoked).await?;
        tx.audit(record(by, action, OPERATOR).on(id).changing(after));
        Ok(Outdated { sessions, visits })
    }
}

/// An operator who is kept from changing, with every admin, until `tx` ends.
pub(super) async fn lock(tx: &mut ControlTx, id: AccountId) -> Result<Operator> {
    tx.query(&store::LOCK_OPERATORS, &[&id]).await?;
    let rows = tx.query(&store::OPERATOR, &[&id]).await?;
    rows.first().ok_or_else(Error::not_found).and_then(store::operator)
}

async fn set_role(
    tx: &mut ControlTx,
    id: AccountId,
    role: Option<OperatorRole>,
    now: Timestamp,
    by: &Requester,
) -> Result<()> {
    let role = role.map(OperatorRole::word);
    let rows = tx.query(&store::SET_ROLE, &[&id, &role, &now, &by.actor.to_string()]).await?;
    if rows.is_empty() { Err(Error::not_found()) } else { Ok(()) }
}
