//! All SQL about organisations.

use cloister_ids::OrgId;
use cloister_tenancy::{
    OpContext, Result, Tenancy, TenantTx,
    sql::{Row, statements},
};

use super::{Org, OrgDetails, OrgList, OrgSort};
use crate::{
    listing::Span,
    record::{Head, Stamp, found},
    store::{delete, get, insert, lock, page, update},
    vocabulary::OrgType,
};

macro_rules! fields {
    () => {
        "name, name_search, type, identifier, parent_id"
    };
}

macro_rules! list {
    ($key:literal $direction:ident) => {
        page!(
            "org",
            fields!(),
            " and ($6::text is null or type = $6) and ($7::uuid is null or parent_id = $7)
              and ($8::text is null or (name_search >= $8 and name_search < $9))",
            $key $direction
        )
    };
}

statements! {
    /// One.
    GET = get!("org", fields!());
    /// One, to be changed.
    LOCK = lock!("org", fields!());
    /// A new one.
    INSERT = insert!("org", fields!(), "$8, $9, $10, $11, $12");
    /// New values.
    UPDATE = update!("org", "name = $7, name_search = $8, type = $9, identifier = $10, parent_id = $11");
    /// Marked as deleted.
    DELETE = delete!("org", "id = $2");
    /// Whether something that counts hangs on it.
    IN_USE = "select
        exists (select from org o where o.tenant_id = $1 and o.parent_id = $2 and o.status = 'active')
        or exists (select from course c where c.tenant_id = $1 and c.org_id = $2 and c.status = 'active')
        or exists (select from class c where c.tenant_id = $1 and c.school_id = $2 and c.status = 'active')
        or exists (select from person_role r where r.tenant_id = $1 and r.org_id = $2 and r.status = 'active')
        as in_use";
    /// Whether `$2` is `$3` or stands above it. `union` ends the walk even where rows already form a circle.
    IS_ABOVE = "with recursive upwards as (
            select o.id, o.parent_id from org o where o.tenant_id = $1 and o.id = $3
            union
            select o.id, o.parent_id from upwards u join org o on o.tenant_id = $1 and o.id = u.parent_id
        )
        select exists (select from upwards where id = $2) as is_above";
    /// A page by name.
    BY_NAME = list!("name_search" asc);
    /// The same backwards.
    BY_NAME_DESCENDING = list!("name_search" desc);
    /// A page by last change.
    BY_MODIFICATION = list!("date_last_modified" asc);
    /// The same backwards.
    BY_MODIFICATION_DESCENDING = list!("date_last_modified" desc);
}

fn from_row(row: &Row) -> Org {
    Org {
        head: Head::from_row(row),
        name_search: row.get("name_search"),
        details: OrgDetails {
            name: row.get("name"),
            kind: OrgType::from_column(row.get("type")),
            identifier: row.get("identifier"),
            parent_id: row.get("parent_id"),
            metadata: row.get("metadata"),
        },
    }
}

/// One, deleted or not.
pub async fn get(tenancy: &Tenancy, cx: &OpContext, id: OrgId) -> Result<Org> {
    Ok(from_row(found(&tenancy.fetch(cx, &GET, &[&id]).await?)?))
}

/// A page.
pub async fn list(tenancy: &Tenancy, cx: &OpContext, list: &OrgList) -> Result<Vec<Org>> {
    let statement = list.span.pick(match list.sort {
        OrgSort::Name => [&BY_NAME, &BY_NAME_DESCENDING],
        OrgSort::DateLastModified => [&BY_MODIFICATION, &BY_MODIFICATION_DESCENDING],
    });
    let Span { status, after, limit, .. } = &list.span;
    let (from, below) = list.name.clone().unzip();
    let kind = list.kind.as_ref().map(OrgType::as_str);
    let rows = tenancy
        .fetch(
            cx,
            statement,
            &[&status.column(), after.key.parameter(), &after.id, limit, &kind, &list.parent_id, &from, &below],
        )
        .await?;
    Ok(rows.iter().map(from_row).collect())
}

/// Writes a new one.
pub async fn insert(tx: &mut TenantTx, org: &Org) -> Result<()> {
    let Org { head, details, name_search } = org;
    tx.query(
        &INSERT,
        &[
            &head.id,
            &head.sourced_id,
            &head.created_at,
            head.source.column(),
            &details.metadata,
            &head.created_by,
            &details.name,
            name_search,
            details.kind.column(),
            &details.identifier,
            &details.parent_id,
        ],
    )
    .await
    .map(drop)
}

/// One to be changed by this transaction, and whether `new_parent` stands below it.
pub async fn lock(tx: &mut TenantTx, id: OrgId, new_parent: Option<OrgId>) -> Result<(Org, bool)> {
    let rows = tx.query_all(&[(&LOCK, &[&id]), (&IS_ABOVE, &[&id, &new_parent])]).await?;
    Ok((from_row(found(&rows[0])?), found(&rows[1])?.get("is_above")))
}

/// One to be deleted by this transaction, and whether something hangs on it.
pub async fn lock_to_delete(tx: &mut TenantTx, id: OrgId) -> Result<(Org, bool)> {
    let rows = tx.query_all(&[(&LOCK, &[&id]), (&IN_USE, &[&id])]).await?;
    Ok((from_row(found(&rows[0])?), found(&rows[1])?.get("in_use")))
}

/// Writes new values and commits.
pub async fn commit_update(tx: TenantTx, org: &Org) -> Result<()> {
    let Org { head, details, name_search } = org;
    tx.commit_with(&[(
        &UPDATE,
        &[
            &head.id,
            head.status.column(),
            &head.updated_at,
            &head.updated_by,
            &details.metadata,
            &details.name,
            name_search,
            details.kind.column(),
            &details.identifier,
            &details.parent_id,
        ],
    )])
    .await
    .map(drop)
}

/// Marks it as deleted and commits.
pub async fn commit_delete(tx: TenantTx, id: OrgId, stamp: &Stamp) -> Result<()> {
    tx.commit_with(&[(&DELETE, &[&id, &stamp.at, &stamp.by])]).await.map(drop)
}
