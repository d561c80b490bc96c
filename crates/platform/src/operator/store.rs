//! All SQL about operators and their visits.

use cloister_ids::{AccountId, OperatorEntryId, TenantId};
use cloister_tenancy::{
    ControlPlane, ControlTx, Error, Result,
    sql::{Row, statements},
};
use jiff::Timestamp;

use super::{account::Operator, entry::Entry};

macro_rules! entry_columns {
    () => {
        "select e.id, e.tenant_id, t.slug, e.account_id, a.display_name, e.session_id, e.reason, e.elevated, e.created_at,
             e.expires_at, e.ended_at
         from operator_entry e join tenant t on t.id = e.tenant_id join account a on a.id = e.account_id "
    };
}

macro_rules! operator_columns {
    () => {
        "select a.id, a.email, a.display_name, a.operator_role, a.status, a.version, a.created_at,
             exists (select from totp f where f.account_id = a.id and f.confirmed_at is not null) as has_second_factor
         from account a "
    };
}

statements! {
    /// A new visit.
    INSERT_ENTRY = "insert into operator_entry (id, account_id, tenant_id, session_id, reason, elevated, created_at, expires_at)
        values ($1, $2, $3, $4, $5, $6, $7, $8)";
    /// One visit, kept from changing until the transaction ends.
    LOCK_ENTRY = concat!(entry_columns!(), "where e.id = $1 for no key update of e");
    /// Visits, the newest first, behind one of them. Ids grow with time.
    ENTRIES_NEWEST = concat!(
        entry_columns!(),
        "where ($1::uuid is null or e.id < $1) and ($2::uuid is null or e.account_id = $2)
             and ($3::uuid is null or e.tenant_id = $3)
             and ($4::timestamptz is null or (e.ended_at is null and e.expires_at > $4))
         order by e.id desc limit $5"
    );
    /// Visits, the oldest first, behind one of them.
    ENTRIES_OLDEST = concat!(
        entry_columns!(),
        "where ($1::uuid is null or e.id > $1) and ($2::uuid is null or e.account_id = $2)
             and ($3::uuid is null or e.tenant_id = $3)
             and ($4::timestamptz is null or (e.ended_at is null and e.expires_at > $4))
         order by e.id limit $5"
    );
    /// How many visits of an account are under way.
    OPEN_ENTRIES = "select count(*) as open from operator_entry where account_id = $1 and ended_at is null and expires_at > $2";
    /// Whether a visit of an operator to a tenant is under way still, and whether they may change things there.
    STILL_INSIDE = "select elevated from operator_entry
        where id = $1 and account_id = $2 and tenant_id = $3 and ended_at is null and expires_at > $4";
    /// A visit is over.
    END_ENTRY = "update operator_entry set ended_at = $2 where id = $1 and ended_at is null returning id";
    /// Visits of an account that are under way, kept from changing until the transaction ends.
    LOCK_OPEN_ENTRIES = concat!(
        entry_columns!(),
        "where e.account_id = $1 and e.ended_at is null and e.expires_at > $2 order by e.id for no key update of e"
    );
    /// Whom a tenant's owners are, as far as mail reaches them.
    OWNERS = "select a.id, a.email, a.locale from membership m join account a on a.id = m.account_id
        where m.tenant_id = $1 and 'owner' = any(m.roles) and m.status = 'active' and a.status = 'active'
            and a.email is not null
        order by m.id limit 20";

    /// Operators in the order of their accounts, behind one of them.
    OPERATORS = concat!(
        operator_columns!(),
        "where a.operator_role is not null and ($1::uuid is null or a.id > $1) order by a.id limit $2"
    );
    /// The same from the last to the first.
    OPERATORS_DESC = concat!(
        operator_columns!(),
        "where a.operator_role is not null and ($1::uuid is null or a.id < $1) order by a.id desc limit $2"
    );
    /// One operator.
    OPERATOR = concat!(operator_columns!(), "where a.operator_role is not null and a.id = $1");
    /// Whoever is admin or is spoken of, kept from changing until the transaction ends, always in the same order: of two who
    /// take each other's role away, the second sees what the first did.
    LOCK_OPERATORS = "select id from account
        where id = $1 or (operator_role = 'admin' and status = 'active') order by id for no key update";
    /// How many admins there are beside one.
    OTHER_ADMINS = "select count(*) as others from account where operator_role = 'admin' and status = 'active' and id <> $1";
    /// An operator's role; null takes it away.
    SET_ROLE = "update account set operator_role = $2, version = version + 1, updated_at = $3, updated_by = $4
        where id = $1 and tenant_id is null returning version";
}

pub(super) fn entry(row: &Row) -> Entry {
    Entry {
        id: row.get("id"),
        tenant_id: row.get("tenant_id"),
        tenant: row.get("slug"),
        account_id: row.get("account_id"),
        operator: row.get("display_name"),
        reason: row.get("reason"),
        elevated: row.get("elevated"),
        created_at: row.get("created_at"),
        expires_at: row.get("expires_at"),
        ended_at: row.get("ended_at"),
    }
}

/// One visit, kept from changing until `tx` ends.
pub(super) async fn lock_entry(tx: &mut ControlTx, id: OperatorEntryId) -> Result<Entry> {
    tx.query(&LOCK_ENTRY, &[&id]).await?.first().map(entry).ok_or_else(Error::not_found)
}

/// Which visits.
#[derive(Debug, Default)]
pub(super) struct Selection {
    pub(super) account: Option<AccountId>,
    pub(super) tenant: Option<TenantId>,
    /// Only those under way then.
    pub(super) open_at: Option<Timestamp>,
    pub(super) oldest_first: bool,
    pub(super) after: Option<OperatorEntryId>,
    pub(super) limit: i64,
}

pub(super) async fn entries(control: &ControlPlane, selection: Selection) -> Result<Vec<Entry>> {
    let Selection { account, tenant, open_at, oldest_first, after, limit } = selection;
    let statement = if oldest_first { &ENTRIES_OLDEST } else { &ENTRIES_NEWEST };
    let rows = control.run(statement, &[&after, &account, &tenant, &open_at, &limit]).await?;
    Ok(rows.iter().map(entry).collect())
}

pub(super) fn operator(row: &Row) -> Result<Operator> {
    Ok(Operator {
        id: row.get("id"),
        email: row.get("email"),
        display_name: row.get("display_name"),
        role: row.get::<_, &str>("operator_role").parse().map_err(Error::internal)?,
        is_active: row.get::<_, &str>("status") == "active",
        has_second_factor: row.get("has_second_factor"),
        version: row.get("version"),
        created_at: row.get("created_at"),
    })
}
