//! All SQL about organisations.

use cloister_http::IdempotencyKey;
use cloister_ids::OrgId;
use cloister_tenancy::{
    OpContext, Result, Tenancy, TenantTx,
    sql::{Row, Statement, statements},
};

use super::{Org, OrgFields};
use crate::{
    listing::Span,
    record::{Metadata, Record, found, status},
    store::{by_sourced_id, delete, get, insert, lock, page, update},
    vocabulary::OrgType,
};

macro_rules! fields {
    () => {
        "name, type, identifier, parent_id"
    };
}

macro_rules! list {
    ($key:tt $direction:ident) => {
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
    /// One by its name in the system that feeds it.
    BY_SOURCED_ID = by_sourced_id!("org", fields!());
    /// A new one.
    INSERT = insert!("org", concat!(fields!(), ", name_search"), "$8, $9, $10, $11, $12");
    /// New values.
    UPDATE = update!("org", "name = $7, type = $8, identifier = $9, parent_id = $10, name_search = $11");
    /// Marked as deleted.
    DELETE = delete!("org", "id = $2");
    /// Whether something that counts belongs to it.
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
    /// By name, from the first.
    LIST_BY_NAME = list!("name_search" asc);
    /// By name, from the last.
    LIST_BY_NAME_DESC = list!("name_search" desc);
    /// By last change, oldest first.
    LIST_BY_CHANGE = list!("date_last_modified" asc);
    /// By last change, newest first.
    LIST_BY_CHANGE_DESC = list!("date_last_modified" desc);
}

fn org(row: &Row) -> Result<Org> {
    Ok(Org {
        id: row.get("id"),
        fields: OrgFields {
            sourced_id: row.get("sourced_id"),
            status: status(row)?,
            name: row.get("name"),
            kind: OrgType::from_column(row.get("type")),
            identifier: row.get("identifier"),
            parent_id: row.get("parent_id"),
            metadata: Metadata::from_row(row),
        },
        record: Record::from_row(row)?,
    })
}

pub(super) async fn get(tenancy: &Tenancy, cx: &OpContext, id: OrgId) -> Result<Org> {
    org(found(&tenancy.fetch(cx, &GET, &[&id]).await?)?)
}

pub(super) async fn by_sourced_id(tenancy: &Tenancy, cx: &OpContext, sourced_id: &str) -> Result<Vec<Org>> {
    tenancy.fetch(cx, &BY_SOURCED_ID, &[&sourced_id]).await?.iter().map(org).collect()
}

pub(super) async fn insert(tx: &mut TenantTx, key: Option<&IdempotencyKey>, made: &Org) -> Result<()> {
    let Org { id, fields, record } = made;
    let OrgFields { sourced_id, name, kind, identifier, parent_id, metadata, .. } = fields;
    IdempotencyKey::query(
        key,
        tx,
        &INSERT,
        &[
            id,
            sourced_id,
            &record.created_at,
            &record.source.word(),
            metadata.column(),
            &record.created_by,
            name,
            kind.column(),
            identifier,
            parent_id,
            &fields.name_search(),
        ],
    )
    .await
    .map(drop)
}

/// One that is kept from changing, and whether `new_parent` stands below it.
pub(super) async fn lock(tx: &mut TenantTx, id: OrgId, new_parent: Option<OrgId>) -> Result<(Org, bool)> {
    let rows = tx.query_all(&[(&LOCK, &[&id]), (&IS_ABOVE, &[&id, &new_parent])]).await?;
    Ok((org(found(&rows[0])?)?, found(&rows[1])?.get("is_above")))
}

/// One that is kept from changing, and whether something belongs to it.
pub(super) async fn lock_to_delete(tx: &mut TenantTx, id: OrgId) -> Result<(Org, bool)> {
    let rows = tx.query_all(&[(&LOCK, &[&id]), (&IN_USE, &[&id])]).await?;
    Ok((org(found(&rows[0])?)?, found(&rows[1])?.get("in_use")))
}

/// The change and the commit, in one round trip.
pub(super) async fn update(tx: TenantTx, changed: &Org) -> Result<()> {
    let Org { id, fields, record } = changed;
    let OrgFields { status, name, kind, identifier, parent_id, metadata, .. } = fields;
    tx.commit_with(&[(
        &UPDATE,
        &[
            id,
            &status.word(),
            &record.updated_at,
            &record.updated_by,
            metadata.column(),
            name,
            kind.column(),
            identifier,
            parent_id,
            &fields.name_search(),
        ],
    )])
    .await
    .map(drop)
}

pub(super) async fn delete(tx: TenantTx, id: OrgId) -> Result<()> {
    let (now, by) = (tx.cx().clock().now(), tx.cx().actor().to_string());
    tx.commit_with(&[(&DELETE, &[&id, &now, &by])]).await.map(drop)
}

/// Which organisations.
pub(super) struct Selection {
    pub(super) span: Span,
    pub(super) kind: Option<OrgType>,
    pub(super) parent_id: Option<OrgId>,
    pub(super) name: (Option<String>, Option<String>),
}

pub(super) async fn list_by_name(tenancy: &Tenancy, cx: &OpContext, selection: &Selection) -> Result<Vec<Org>> {
    list(tenancy, cx, [&LIST_BY_NAME, &LIST_BY_NAME_DESC], selection).await
}

pub(super) async fn list_by_change(tenancy: &Tenancy, cx: &OpContext, selection: &Selection) -> Result<Vec<Org>> {
    list(tenancy, cx, [&LIST_BY_CHANGE, &LIST_BY_CHANGE_DESC], selection).await
}

async fn list(
    tenancy: &Tenancy,
    cx: &OpContext,
    statements: [&'static Statement; 2],
    selection: &Selection,
) -> Result<Vec<Org>> {
    let Selection { span, kind, parent_id, name: (from, below) } = selection;
    let kind = kind.as_ref().map(OrgType::as_str);
    let rows = tenancy
        .fetch(
            cx,
            span.pick(statements),
            &[&span.status, span.key(), &span.after.id, &span.limit, &kind, parent_id, from, below],
        )
        .await?;
    rows.iter().map(org).collect()
}
