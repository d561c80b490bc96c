//! All SQL about behavior codes.

use cloister_http::IdempotencyKey;
use cloister_ids::BehaviorCodeId;
use cloister_tenancy::{
    Error, OpContext, Result, Tenancy, TenantTx,
    sql::{Row, Statement, statements},
};

use super::{BehaviorCode, BehaviorCodeFields, BehaviorSeverity};
use crate::{
    listing::Span,
    record::{Metadata, Record, found, status},
    store::delete,
    unnamed_store::{get, insert, lock, page, update},
};

macro_rules! fields {
    () => {
        "short_name, title, severity, points"
    };
}

macro_rules! list {
    ($key:tt $direction:ident) => {
        page!(
            "behavior_code",
            fields!(),
            " and ($6::text is null or severity = $6)
              and ($7::text is null or (title_search >= $7 and title_search < $8))",
            $key $direction
        )
    };
}

statements! {
    /// One.
    GET = get!("behavior_code", fields!());
    /// One, to be changed.
    LOCK = lock!("behavior_code", fields!());
    /// A new one.
    INSERT = insert!(
        "behavior_code",
        concat!(fields!(), ", title_search"),
        "$7, $8, $9, $10, $11"
    );
    /// New values.
    UPDATE = update!(
        "behavior_code",
        "short_name = $7, title = $8, severity = $9, points = $10, title_search = $11"
    );
    /// Marked as deleted.
    DELETE = delete!("behavior_code", "id = $2");
    /// By title, from the first.
    LIST_BY_TITLE = list!("title_search" asc);
    /// By title, from the last.
    LIST_BY_TITLE_DESC = list!("title_search" desc);
    /// By last change, oldest first.
    LIST_BY_CHANGE = list!("date_last_modified" asc);
    /// By last change, newest first.
    LIST_BY_CHANGE_DESC = list!("date_last_modified" desc);
}

fn code(row: &Row) -> Result<BehaviorCode> {
    Ok(BehaviorCode {
        id: row.get("id"),
        fields: BehaviorCodeFields {
            status: status(row)?,
            short_name: row.get("short_name"),
            title: row.get("title"),
            severity: row.get::<_, &str>("severity").parse().map_err(Error::internal)?,
            points: row.get("points"),
            metadata: Metadata::from_row(row),
        },
        record: Record::from_row(row)?,
    })
}

pub(super) async fn get(tenancy: &Tenancy, cx: &OpContext, id: BehaviorCodeId) -> Result<BehaviorCode> {
    code(found(&tenancy.fetch(cx, &GET, &[&id]).await?)?)
}

pub(super) async fn insert(tx: &mut TenantTx, key: Option<&IdempotencyKey>, made: &BehaviorCode) -> Result<()> {
    let BehaviorCode { id, fields, record } = made;
    IdempotencyKey::query(
        key,
        tx,
        &INSERT,
        &[
            id,
            &record.created_at,
            &record.source.word(),
            fields.metadata.column(),
            &record.created_by,
            &fields.short_name,
            &fields.title,
            &fields.severity.word(),
            &fields.points,
            &fields.title_search(),
        ],
    )
    .await
    .map(drop)
}

/// One that is kept from changing.
pub(super) async fn lock(tx: &mut TenantTx, id: BehaviorCodeId) -> Result<BehaviorCode> {
    code(found(&tx.query(&LOCK, &[&id]).await?)?)
}

/// The change and the commit, in one round trip.
pub(super) async fn update(tx: TenantTx, changed: &BehaviorCode) -> Result<()> {
    let BehaviorCode { id, fields, record } = changed;
    tx.commit_with(&[(
        &UPDATE,
        &[
            id,
            &fields.status.word(),
            &record.updated_at,
            &record.updated_by,
            fields.metadata.column(),
            &fields.short_name,
            &fields.title,
            &fields.severity.word(),
            &fields.points,
            &fields.title_search(),
        ],
    )])
    .await
    .map(drop)
}

pub(super) async fn delete(tx: TenantTx, id: BehaviorCodeId) -> Result<()> {
    let (now, by) = (tx.cx().clock().now(), tx.cx().actor().to_string());
    tx.commit_with(&[(&DELETE, &[&id, &now, &by])]).await.map(drop)
}

/// Which behavior codes.
pub(super) struct Selection {
    pub(super) span: Span,
    pub(super) severity: Option<BehaviorSeverity>,
    pub(super) title: (Option<String>, Option<String>),
}

pub(super) async fn list_by_title(
    tenancy: &Tenancy,
    cx: &OpContext,
    selection: &Selection,
) -> Result<Vec<BehaviorCode>> {
    list(tenancy, cx, [&LIST_BY_TITLE, &LIST_BY_TITLE_DESC], selection).await
}

pub(super) async fn list_by_change(
    tenancy: &Tenancy,
    cx: &OpContext,
    selection: &Selection,
) -> Result<Vec<BehaviorCode>> {
    list(tenancy, cx, [&LIST_BY_CHANGE, &LIST_BY_CHANGE_DESC], selection).await
}

async fn list(
    tenancy: &Tenancy,
    cx: &OpContext,
    statements: [&'static Statement; 2],
    selection: &Selection,
) -> Result<Vec<BehaviorCode>> {
    let Selection { span, severity, title: (from, below) } = selection;
    let severity = severity.map(BehaviorSeverity::word);
    let rows = tenancy
        .fetch(
            cx,
            span.pick(statements),
            &[&span.status, span.key(), &span.after.id, &span.limit, &severity, from, below],
        )
        .await?;
    rows.iter().map(code).collect()
}
