//! All SQL about the platform's own audit log.

use cloister_ids::TenantId;
use cloister_tenancy::{
    ControlPlane, Result,
    sql::{Statement, statements},
};

use super::{
    PlatformAuditEntry, Selection, Wanted,
    store::{columns, entry, wanted},
};

macro_rules! list {
    ($which:literal, $direction:literal) => {
        concat!(
            "select ",
            columns!(),
            ", tenant_id from audit where ",
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
    LIST_DESC = list!("($1::uuid is null or tenant_id = $1) and ($6::text is null or actor = $6) and ($9::text is null or resource_id = $9)", "desc");
    /// The same from the first.
    LIST = list!("($1::uuid is null or tenant_id = $1) and ($6::text is null or actor = $6) and ($9::text is null or resource_id = $9)", "asc");
    /// What concerns one tenant, from the last.
    LIST_BY_TENANT_DESC = list!("tenant_id = $1 and ($6::text is null or actor = $6) and ($9::text is null or resource_id = $9)", "desc");
    /// The same from the first.
    LIST_BY_TENANT = list!("tenant_id = $1 and ($6::text is null or actor = $6) and ($9::text is null or resource_id = $9)", "asc");
    /// What one actor did, from the last.
    LIST_BY_ACTOR_DESC = list!("($1::uuid is null or tenant_id = $1) and actor = $6 and ($9::text is null or resource_id = $9)", "desc");
    /// The same from the first.
    LIST_BY_ACTOR = list!("($1::uuid is null or tenant_id = $1) and actor = $6 and ($9::text is null or resource_id = $9)", "asc");
    /// What was done to one thing, from the last.
    LIST_BY_SUBJECT_DESC = list!("($1::uuid is null or tenant_id = $1) and ($6::text is null or actor = $6) and resource_id = $9", "desc");
    /// The same from the first.
    LIST_BY_SUBJECT = list!("($1::uuid is null or tenant_id = $1) and ($6::text is null or actor = $6) and resource_id = $9", "asc");
}

pub(super) async fn list(
    control: &ControlPlane,
    tenant: Option<TenantId>,
    selection: &Selection,
) -> Result<Vec<PlatformAuditEntry>> {
    let Selection { wanted, above, below, descending, limit } = selection;
    let Wanted { actor, action, resource, resource_id, request, from, to } = wanted;
    let [forward, backward]: [&'static Statement; 2] = match (resource_id, actor, tenant) {
        (Some(_), _, _) => [&LIST_BY_SUBJECT, &LIST_BY_SUBJECT_DESC],
        (None, Some(_), _) => [&LIST_BY_ACTOR, &LIST_BY_ACTOR_DESC],
        (None, None, Some(_)) => [&LIST_BY_TENANT, &LIST_BY_TENANT_DESC],
        (None, None, None) => [&LIST, &LIST_DESC],
    };
    let statement = if *descending { backward } else { forward };
    let rows = control
        .run(statement, &[&tenant, above, below, from, to, actor, action, resource, resource_id, request, limit])
        .await?;
    Ok(rows.iter().map(|row| PlatformAuditEntry { entry: entry(row), tenant_id: row.get("tenant_id") }).collect())
}
