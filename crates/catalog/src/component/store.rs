//! All SQL about components. `$1` is the tenant in every statement, bound by the kernel.

use cloister_http::{IdempotencyKey, SearchRange, Span};
use cloister_ids::ComponentId;
use cloister_tenancy::{
    Error, OpContext, Result, Tenancy, TenantTx,
    sql::{Row, Statement, ToSql, statements},
};
use jiff::Timestamp;
use serde_json::{Map, Value};

use super::{Component, ComponentFields, ComponentKind, Lifecycle};

/// What is read of a component, always in these words.
macro_rules! columns {
    () => {
        "id, key, name, description, kind, lifecycle, owner, repository_url, metadata, version, \
         created_at, created_by, updated_at, updated_by"
    };
}

/// One list statement: a range of the column it is sorted by, so that an index walks straight to the page.
macro_rules! list {
    ($column:literal, $direction:literal) => {
        concat!(
            "select ",
            columns!(),
            " from component where tenant_id = $1 and deleted_at is null
                and ($2::text is null or kind = $2) and ($3::text is null or lifecycle = $3)
                and name_search >= $4 and name_search < $5
                and (",
            $column,
            ", id) > ($6, $7) and (",
            $column,
            ", id) < ($8, $9) order by ",
            $column,
            " ",
            $direction,
            ", id ",
            $direction,
            " limit $10"
        )
    };
}

statements! {
    /// A new component.
    INSERT = "insert into component (tenant_id, id, key, name, name_search, description, kind, lifecycle, owner,
            repository_url, metadata, version, created_at, created_by, updated_at, updated_by)
        values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16)";
    /// One component.
    GET = concat!("select ", columns!(), " from component where tenant_id = $1 and id = $2 and deleted_at is null");
    /// One component, kept from changing until the transaction ends.
    LOCK = concat!(
        "select ", columns!(), " from component
            where tenant_id = $1 and id = $2 and deleted_at is null for no key update"
    );
    /// Everything that can change.
    UPDATE = "update component set key = $3, name = $4, name_search = $5, description = $6, kind = $7, lifecycle = $8,
            owner = $9, repository_url = $10, metadata = $11, version = $12, updated_at = $13, updated_by = $14
        where tenant_id = $1 and id = $2";
    /// Hides a component.
    DELETE = "update component set version = $3, updated_at = $4, updated_by = $5, deleted_at = $4, deleted_by = $5
        where tenant_id = $1 and id = $2";
    /// By name, from the first.
    LIST_BY_NAME = list!("name_search", "asc");
    /// By name, from the last.
    LIST_BY_NAME_DESC = list!("name_search", "desc");
    /// By age, oldest first.
    LIST_BY_CREATED_AT = list!("created_at", "asc");
    /// By age, newest first.
    LIST_BY_CREATED_AT_DESC = list!("created_at", "desc");
}

fn component(row: &Row) -> Result<Component> {
    Ok(Component {
        id: row.get("id"),
        fields: ComponentFields {
            key: row.get("key"),
            name: row.get("name"),
            description: row.get("description"),
            kind: row.get::<_, &str>("kind").parse().map_err(Error::internal)?,
            lifecycle: row.get::<_, &str>("lifecycle").parse().map_err(Error::internal)?,
            owner: row.get("owner"),
            repository_url: row.get("repository_url"),
            metadata: match row.get("metadata") {
                Value::Object(metadata) => metadata,
                _ => Map::new(),
            },
        },
        version: row.get("version"),
        created_at: row.get("created_at"),
        created_by: row.get("created_by"),
        updated_at: row.get("updated_at"),
        updated_by: row.get("updated_by"),
    })
}

fn only(rows: &[Row]) -> Result<Component> {
    rows.first().ok_or_else(Error::not_found).and_then(component)
}

pub(super) async fn insert(tx: &mut TenantTx, key: Option<&IdempotencyKey>, component: &Component) -> Result<()> {
    let Component { id, fields, version, created_at, created_by, updated_at, updated_by } = component;
    let ComponentFields { key: own_key, name, description, kind, lifecycle, owner, repository_url, metadata } = fields;
    let (search, metadata) = (fields.name_search(), Value::Object(metadata.clone()));
    IdempotencyKey::query(
        key,
        tx,
        &INSERT,
        &[
            id,
            own_key,
            name,
            &search,
            description,
            &kind.word(),
            &lifecycle.word(),
            owner,
            repository_url,
            &metadata,
            version,
            created_at,
            created_by,
            updated_at,
            updated_by,
        ],
    )
    .await
    .map(drop)
}

pub(super) async fn get(tenancy: &Tenancy, cx: &OpContext, id: ComponentId) -> Result<Component> {
    only(&tenancy.fetch(cx, &GET, &[&id]).await?)
}

pub(super) async fn lock(tx: &mut TenantTx, id: ComponentId) -> Result<Component> {
    only(&tx.query(&LOCK, &[&id]).await?)
}

/// The change and the commit, in one round trip. The row is locked, so nobody can have been faster.
pub(super) async fn update(tx: TenantTx, component: &Component) -> Result<()> {
    let Component { id, fields, version, updated_at, updated_by, .. } = component;
    let ComponentFields { key, name, description, kind, lifecycle, owner, repository_url, metadata } = fields;
    let (search, metadata) = (fields.name_search(), Value::Object(metadata.clone()));
    tx.commit_with(&[(
        &UPDATE,
        &[
            id,
            key,
            name,
            &search,
            description,
            &kind.word(),
            &lifecycle.word(),
            owner,
            repository_url,
            &metadata,
            version,
            updated_at,
            updated_by,
        ],
    )])
    .await
    .map(drop)
}

pub(super) async fn delete(tx: TenantTx, id: ComponentId, version: i64, at: Timestamp, by: &str) -> Result<()> {
    tx.commit_with(&[(&DELETE, &[&id, &version, &at, &by])]).await.map(drop)
}

/// Which components, and where the page before ended.
pub(super) struct Selection {
    pub(super) kind: Option<ComponentKind>,
    pub(super) lifecycle: Option<Lifecycle>,
    pub(super) search: SearchRange,
    pub(super) descending: bool,
    pub(super) limit: i64,
}

/// Where a component stands in the order by name.
pub(super) type ByName = (String, ComponentId);
/// Where a component stands in the order by age.
pub(super) type ByAge = (Timestamp, ComponentId);

pub(super) async fn list_by_name(
    tenancy: &Tenancy,
    cx: &OpContext,
    selection: &Selection,
    after: Option<ByName>,
) -> Result<Vec<Component>> {
    let Selection { search: SearchRange { from, to }, descending, .. } = selection;
    let after = after.map(|(name, id)| (name, id.uuid()));
    let span = Span::new(from.clone(), to.clone(), after, *descending);
    let statement = if *descending { &LIST_BY_NAME_DESC } else { &LIST_BY_NAME };
    list(tenancy, cx, statement, selection, &span).await
}

pub(super) async fn list_by_age(
    tenancy: &Tenancy,
    cx: &OpContext,
    selection: &Selection,
    after: Option<ByAge>,
) -> Result<Vec<Component>> {
    let after = after.map(|(at, id)| (at, id.uuid()));
    let span = Span::new(Timestamp::UNIX_EPOCH, Timestamp::MAX, after, selection.descending);
    let statement = if selection.descending { &LIST_BY_CREATED_AT_DESC } else { &LIST_BY_CREATED_AT };
    list(tenancy, cx, statement, selection, &span).await
}

async fn list<K: ToSql + Sync>(
    tenancy: &Tenancy,
    cx: &OpContext,
    statement: &'static Statement,
    selection: &Selection,
    span: &Span<K>,
) -> Result<Vec<Component>> {
    let Selection { kind, lifecycle, search, limit, .. } = selection;
    let (kind, lifecycle) = (kind.map(ComponentKind::word), lifecycle.map(Lifecycle::word));
    let Span { from, from_id, to, to_id } = span;
    let rows = tenancy
        .fetch(cx, statement, &[&kind, &lifecycle, &search.from, &search.to, from, from_id, to, to_id, limit])
        .await?;
    rows.iter().map(component).collect()
}
