//! All SQL about a tenant's own audit log. `$1` is the tenant in every statement, bound by the kernel.

use cloister_tenancy::{
    OpContext, Result, Tenancy,
    sql::{Row, Statement, statements},
};

use super::{AuditEntry, Selection, Wanted};

/// What is read of an entry.
macro_rules! columns {
    () => {
        "id, at, actor, account_id, acting_as, action, resource, resource_id, client, request_id, reason, changes"
    };
}
pub(super) use columns;

/// What is wanted beside what an index is walked by.
macro_rules! wanted {
    () => {
        "and id > $2 and id < $3 and ($4::timestamptz is null or at >= $4) and ($5::timestamptz is null or at < $5)
            and ($7::text is null or action = $7) and ($8::text is null or resource = $8)
            and ($10::uuid is null or request_id = $10) "
    };
}
pub(super) use wanted;

macro_rules! list {
    ($which:literal, $direction:literal) => {
        concat!(
            "select ",
            columns!(),
            " from cloister.audit where tenant_id = $1 and ",
            $which,
            " ",
            wanted!(),
            "order by id ",
            $direction,
            " limit $11"
        )
    };
}

statements! {
    /// Whatever it is, from the last.
    LIST_DESC = list!("($6::text is null or actor = $6) and ($9::text is null or resource_id = $9)", "desc");
    /// The same from the first.
    LIST = list!("($6::text is null or actor = $6) and ($9::text is null or resource_id = $9)", "asc");
    /// What one actor did, from the last.
    LIST_BY_ACTOR_DESC = list!("actor = $6 and ($9::text is null or resource_id = $9)", "desc");
    /// The same from the first.
    LIST_BY_ACTOR = list!("actor = $6 and ($9::text is null or resource_id = $9)", "asc");
    /// What was done to one thing, from the last.
    LIST_BY_SUBJECT_DESC = list!("($6::text is null or actor = $6) and resource_id = $9", "desc");
    /// The same from the first.
    LIST_BY_SUBJECT = list!("($6::text is null or actor = $6) and resource_id = $9", "asc");
}

pub(super) fn entry(row: &Row) -> AuditEntry {
    AuditEntry {
        id: row.get("id"),
        at: row.get("at"),
        actor: row.get("actor"),
        account_id: row.get("account_id"),
        acting_as: row.get("acting_as"),
        action: row.get("action"),
        resource: row.get("resource"),
        resource_id: row.get("resource_id"),
        client: row.get("client"),
        request_id: row.get("request_id"),
        reason: row.get("reason"),
        changes: row.get("changes"),
    }
}

pub(super) async fn list(tenancy: &Tenancy, cx: &OpContext, selection: &Selection) -> Result<Vec<AuditEntry>> {
    let Selection { wanted, above, below, descending, limit } = selection;
    let Wanted { actor, action, resource, resource_id, request, from, to } = wanted;
    let statement: &'static Statement = match (resource_id, actor, descending) {
        (Some(_), _, true) => &LIST_BY_SUBJECT_DESC,
        (Some(_), _, false) => &LIST_BY_SUBJECT,
        (None, Some(_), true) => &LIST_BY_ACTOR_DESC,
        (None, Some(_), false) => &LIST_BY_ACTOR,
        (None, None, true) => &LIST_DESC,
        (None, None, false) => &LIST,
    };
    let rows = tenancy
        .fetch(cx, statement, &[above, below, from, to, actor, action, resource, resource_id, request, limit])
        .await?;
    Ok(rows.iter().map(entry).collect())
}
