//! All SQL that ties accounts to persons.

use cloister_ids::{AccountId, PersonId, Uuid};
use cloister_tenancy::{
    OpContext, PersonAccount, PersonStanding, Result, Tenancy, TenantTx,
    sql::{Row, statements},
};

use crate::record::{Status, status};

statements! {
    /// Ties an account to a person who has none.
    LINK = "update person set account_id = $3, version = version + 1, updated_at = $4, updated_by = $5
        where tenant_id = $1 and id = $2 and status = 'active' and account_id is null returning true";
    /// What is tied now.
    LINKED = "select account_id from person where tenant_id = $1 and id = $2 and status = 'active'";
    /// Unties it.
    UNLINK = "update person set account_id = null, version = version + 1, updated_at = $3, updated_by = $4
        where tenant_id = $1 and id = $2 and account_id is not null returning true";
    /// Whether the person is there.
    PERSON = "select account_id from person where tenant_id = $1 and id = $2";
    /// How these persons stand, and whoever has an account besides.
    STANDINGS = "select id, status, account_id from person where tenant_id = $1 and id = any($2)
        union select id, status, account_id from person where tenant_id = $1 and account_id = $3";
    /// Who has one, behind a person.
    ACCOUNTS = "select id, account_id from person
        where tenant_id = $1 and account_id is not null and id > $2 order by id limit $3";
}

pub(super) async fn standings(
    tenancy: &Tenancy,
    cx: &OpContext,
    persons: &[Uuid],
    account: Option<AccountId>,
) -> Result<Vec<PersonStanding>> {
    let rows = tenancy.fetch(cx, &STANDINGS, &[&persons, &account]).await?;
    let standing = |row: &Row| -> Result<PersonStanding> {
        let is_there = status(row)? == Status::Active;
        Ok(PersonStanding { person: row.get("id"), is_there, account: row.get("account_id") })
    };
    rows.iter().map(standing).collect()
}

/// What is tied to a person after a change, and whether the change changed anything.
pub(super) struct Linked {
    pub(super) account: Option<AccountId>,
    pub(super) changed: bool,
}

/// From the rows of a change and of what is there after it.
fn linked(rows: &[Vec<Row>]) -> Option<Linked> {
    let account = rows[1].first()?.get("account_id");
    Some(Linked { account, changed: !rows[0].is_empty() })
}

pub(super) async fn link(tx: &mut TenantTx, person: PersonId, account: AccountId) -> Result<Option<Linked>> {
    let (now, by) = (tx.cx().clock().now(), tx.cx().actor().to_string());
    let rows = tx.query_all(&[(&LINK, &[&person, &account, &now, &by]), (&LINKED, &[&person])]).await?;
    Ok(linked(&rows))
}

pub(super) async fn unlink(tx: &mut TenantTx, person: PersonId) -> Result<Option<Linked>> {
    let (now, by) = (tx.cx().clock().now(), tx.cx().actor().to_string());
    let rows = tx.query_all(&[(&UNLINK, &[&person, &now, &by]), (&PERSON, &[&person])]).await?;
    Ok(linked(&rows))
}

pub(super) async fn accounts(
    tenancy: &Tenancy,
    cx: &OpContext,
    after: Option<Uuid>,
    limit: i64,
) -> Result<Vec<PersonAccount>> {
    let rows = tenancy.fetch(cx, &ACCOUNTS, &[&after.unwrap_or_else(Uuid::nil), &limit]).await?;
    Ok(rows.iter().map(|row| PersonAccount { person: row.get("id"), account: row.get("account_id") }).collect())
}
