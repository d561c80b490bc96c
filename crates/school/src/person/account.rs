//! The account that is tied to a person: what makes "own classes" and "own children" mean something. Accounts themselves are
//! kept elsewhere; this row has the id alone.

use cloister_ids::{AccountId, PersonId, Uuid};
use cloister_tenancy::{Action, Error, ErrorKind, OpContext, PersonAccount, PersonStanding, Result, Tenancy, TenantTx};
use serde_json::json;

use super::{PERSON, account_store as store};

/// Ties an account to a person, as part of `tx`. One round trip. False when there is no such person, or a deleted one.
/// To tie the same again changes nothing.
///
/// It asks for no permission: whoever accepts an invitation has none yet. That they may is for the caller to see to.
pub async fn link_account(tx: &mut TenantTx, person: PersonId, account: AccountId) -> Result<bool> {
    let Some(linked) = store::link(tx, person, account).await? else { return Ok(false) };
    if linked.account != Some(account) {
        return Err(Error::new(
            ErrorKind::Conflict,
            "person_has_account",
            "Another account is tied to this person. Untie it first.",
        ));
    }
    note(tx, person, linked.changed);
    Ok(true)
}

/// Unties whatever account is tied to a person, deleted or not. One round trip. False when there is no such person.
pub async fn unlink_account(tx: &mut TenantTx, person: PersonId) -> Result<bool> {
    let Some(unlinked) = store::unlink(tx, person).await? else { return Ok(false) };
    note(tx, person, unlinked.changed);
    Ok(true)
}

fn note(tx: &mut TenantTx, person: PersonId, changed: bool) {
    if changed {
        tx.audit(Action::Update, &PERSON, Some(person.uuid()), Some(json!({ "fields": ["account_id"] })));
    }
}

/// Persons with an account, deleted ones too, in the order of their ids: at most `limit` of those behind `after`.
pub(crate) async fn accounts(
    tenancy: &Tenancy,
    cx: &OpContext,
    after: Option<Uuid>,
    limit: i64,
) -> Result<Vec<PersonAccount>> {
    store::accounts(tenancy, cx, after, limit.clamp(1, MOST)).await
}

/// How these persons stand, deleted ones too, and whoever has the account besides. One round trip.
pub(crate) async fn standings(
    tenancy: &Tenancy,
    cx: &OpContext,
    persons: &[Uuid],
    account: Option<AccountId>,
) -> Result<Vec<PersonStanding>> {
    store::standings(tenancy, cx, persons, account).await
}

/// Persons at once.
const MOST: i64 = 1000;
