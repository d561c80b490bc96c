//! On whose account the control plane is asked: who floods it waits behind itself.

use std::{cell::Cell, future::Future};

use cloister_ids::TenantId;

tokio::task_local! {
    static ACCOUNT: Cell<Account>;
}

/// On whose account something is done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Account {
    /// The installation's own, as is everything that nobody says more of.
    House,
    /// Those of whom nobody knows yet for which tenant they come.
    Visitors,
    /// A tenant's.
    Tenant(TenantId),
}

/// What this does in the control plane is on that account, until [`on_account_of`] says otherwise.
pub async fn on_account<F: Future>(account: Account, work: F) -> F::Output {
    ACCOUNT.scope(Cell::new(account), work).await
}

/// From now on within [`on_account`] it is on this tenant's account.
pub fn on_account_of(tenant: TenantId) {
    let _ = ACCOUNT.try_with(|account| account.set(Account::Tenant(tenant)));
}

/// The line that those of one account wait in.
pub(super) fn line() -> u128 {
    match ACCOUNT.try_with(Cell::get).unwrap_or(Account::House) {
        Account::House => 0,
        Account::Visitors => 1,
        Account::Tenant(tenant) => tenant.uuid().as_u128(),
    }
}
