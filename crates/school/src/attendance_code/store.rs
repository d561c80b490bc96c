//! All SQL about attendance codes.

use cloister_http::IdempotencyKey;
use cloister_ids::AttendanceCodeId;
use cloister_tenancy::{
    Error, OpContext, Result, Tenancy, TenantTx,
    sql::{Row, Statement, statements},
};

use super::{AttendanceCode, AttendanceCodeFields, Direction};
use crate::{
    listing::Span,
    record::{Metadata, Record, found, status},
    store::delete,
    unnamed_store::{get, insert, lock, page, update},
    vocabulary::AttendanceCategory,
};

macro_rules! fields {
    () => {
        "short_name, title, category, direction, excused, reportable, future_allowed"
    };
}

macro_rules! list {
    ($key:tt $direction:ident) => {
        page!(
            "attendance_code",
            fields!(),
            " and ($6::text is null or category = $6)
              and ($7::text is null or (title_search >= $7 and title_search < $8))",
            $key $direction
        )
    };
}

statements! {
    /// One.
    GET = get!("attendance_code", fields!());
    /// One, to be changed.
    LOCK = lock!("attendance_code", fields!());
    /// A new one.
    INSERT = insert!(
        "attendance_code",
        concat!(fields!(), ", title_search"),
        "$7, $8, $9, $10, $11, $12, $13, $14"
    );
    /// New values.
    UPDATE = update!(
        "attendance_code",
        "short_name = $7, title = $8, category = $9, direction = $10, excused = $11, reportable = $12, future_allowed = $13, title_search = $14"
    );
    /// Marked as deleted.
    DELETE = delete!("attendance_code", "id = $2");
    /// By title, from the first.
    LIST_BY_TITLE = list!("title_search" asc);
    /// By title, from the last.
    LIST_BY_TITLE_DESC = list!("title_search" desc);
    /// By last change, oldest first.
    LIST_BY_CHANGE = list!("date_last_modified" asc);
    /// By last change, newest first.
    LIST_BY_CHANGE_DESC = list!("date_last_modified" desc);
}

/// The direction in a row.
pub(crate) fn direction(row: &Row) -> Result<Direction> {
    row.get::<_, &str>("direction").parse().map_err(Error::internal)
}

fn code(row: &Row) -> Result<AttendanceCode> {
    Ok(AttendanceCode {
        id: row.get("id"),
        fields: AttendanceCodeFields {
            status: status(row)?,
            short_name: row.get("short_name"),
            title: row.get("title"),
            category: AttendanceCategory::from_column(row.get("category")),
            direction: direction(row)?,
            excused: row.get("excused"),
            reportable: row.get("reportable"),
            future_allowed: row.get("future_allowed"),
            metadata: Metadata::from_row(row),
        },
        record: Record::from_row(row)?,
    })
}

pub(super) async fn get(tenancy: &Tenancy, cx: &OpContext, id: AttendanceCodeId) -> Result<AttendanceCode> {
    code(found(&tenancy.fetch(cx, &GET, &[&id]).await?)?)
}

pub(super) async fn insert(tx: &mut TenantTx, key: Option<&IdempotencyKey>, made: &AttendanceCode) -> Result<()> {
    let AttendanceCode { id, fields, record } = made;
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
            fields.category.column(),
            &fields.direction.word(),
            &fields.excused,
            &fields.reportable,
            &fields.future_allowed,
            &fields.title_search(),
        ],
    )
    .await
    .map(drop)
}

/// One that is kept from changing.
pub(super) async fn lock(tx: &mut TenantTx, id: AttendanceCodeId) -> Result<AttendanceCode> {
    code(found(&tx.query(&LOCK, &[&id]).await?)?)
}

/// The change and the commit, in one round trip.
pub(super) async fn update(tx: TenantTx, changed: &AttendanceCode) -> Result<()> {
    let AttendanceCode { id, fields, record } = changed;
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
            fields.category.column(),
            &fields.direction.word(),
            &fields.excused,
            &fields.reportable,
            &fields.future_allowed,
            &fields.title_search(),
        ],
    )])
    .await
    .map(drop)
}

pub(super) async fn delete(tx: TenantTx, id: AttendanceCodeId) -> Result<()> {
    let (now, by) = (tx.cx().clock().now(), tx.cx().actor().to_string());
    tx.commit_with(&[(&DELETE, &[&id, &now, &by])]).await.map(drop)
}

/// Which attendance codes.
pub(super) struct Selection {
    pub(super) span: Span,
    pub(super) category: Option<AttendanceCategory>,
    pub(super) title: (Option<String>, Option<String>),
}

pub(super) async fn list_by_title(
    tenancy: &Tenancy,
    cx: &OpContext,
    selection: &Selection,
) -> Result<Vec<AttendanceCode>> {
    list(tenancy, cx, [&LIST_BY_TITLE, &LIST_BY_TITLE_DESC], selection).await
}

pub(super) async fn list_by_change(
    tenancy: &Tenancy,
    cx: &OpContext,
    selection: &Selection,
) -> Result<Vec<AttendanceCode>> {
    list(tenancy, cx, [&LIST_BY_CHANGE, &LIST_BY_CHANGE_DESC], selection).await
}

async fn list(
    tenancy: &Tenancy,
    cx: &OpContext,
    statements: [&'static Statement; 2],
    selection: &Selection,
) -> Result<Vec<AttendanceCode>> {
    let Selection { span, category, title: (from, below) } = selection;
    let category = category.as_ref().map(AttendanceCategory::as_str);
    let rows = tenancy
        .fetch(
            cx,
            span.pick(statements),
            &[&span.status, span.key(), &span.after.id, &span.limit, &category, from, below],
        )
        .await?;
    rows.iter().map(code).collect()
}
