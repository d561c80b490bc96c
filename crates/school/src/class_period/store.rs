//! All SQL about class periods.

use cloister_http::IdempotencyKey;
use cloister_ids::{ClassPeriodId, OrgId};
use cloister_tenancy::{
    OpContext, Result, Tenancy, TenantTx,
    sql::{Row, Statement, statements},
};

use super::{ClassPeriod, ClassPeriodFields};
use crate::{
    day_time::DayTime,
    listing::Span,
    record::{Metadata, Record, found, status},
    store::delete,
    unnamed_store::{get, insert, lock, page, update},
};

macro_rules! fields {
    () => {
        "school_id, name, sequence, start_time, end_time, official_attendance_period"
    };
}

macro_rules! list {
    ($key:tt $direction:ident) => {
        page!(
            "class_period",
            fields!(),
            " and ($6::uuid is null or school_id = $6)
              and ($7::text is null or (name_search >= $7 and name_search < $8))",
            $key $direction
        )
    };
}

statements! {
    /// One.
    GET = get!("class_period", fields!());
    /// One, to be changed.
    LOCK = lock!("class_period", fields!());
    /// A new one.
    INSERT = insert!(
        "class_period",
        concat!(fields!(), ", name_search"),
        "$7, $8, $9, $10, $11, $12, $13"
    );
    /// New values.
    UPDATE = update!(
        "class_period",
        "school_id = $7, name = $8, sequence = $9, start_time = $10, end_time = $11, official_attendance_period = $12, name_search = $13"
    );
    /// Marked as deleted.
    DELETE = delete!("class_period", "id = $2");
    /// Whether something that counts uses it.
    IN_USE = "select exists (select from meeting m
        join class k on k.tenant_id = $1 and k.id = m.class_id and k.status = 'active'
        where m.tenant_id = $1 and m.class_period_id = $2 and m.status = 'active') as in_use";
    /// By their order in the day.
    LIST_BY_SEQUENCE = list!("sequence" asc);
    /// By their order in the day, backwards.
    LIST_BY_SEQUENCE_DESC = list!("sequence" desc);
    /// By name, from the first.
    LIST_BY_NAME = list!("name_search" asc);
    /// By name, from the last.
    LIST_BY_NAME_DESC = list!("name_search" desc);
    /// By last change, oldest first.
    LIST_BY_CHANGE = list!("date_last_modified" asc);
    /// By last change, newest first.
    LIST_BY_CHANGE_DESC = list!("date_last_modified" desc);
}

fn class_period(row: &Row) -> Result<ClassPeriod> {
    Ok(ClassPeriod {
        id: row.get("id"),
        fields: ClassPeriodFields {
            status: status(row)?,
            school_id: row.get("school_id"),
            name: row.get("name"),
            sequence: row.get("sequence"),
            start_time: DayTime::from_column(row.get("start_time")),
            end_time: DayTime::from_column(row.get("end_time")),
            official_attendance_period: row.get("official_attendance_period"),
            metadata: Metadata::from_row(row),
        },
        record: Record::from_row(row)?,
    })
}

pub(super) async fn get(tenancy: &Tenancy, cx: &OpContext, id: ClassPeriodId) -> Result<ClassPeriod> {
    class_period(found(&tenancy.fetch(cx, &GET, &[&id]).await?)?)
}

pub(super) async fn insert(tx: &mut TenantTx, key: Option<&IdempotencyKey>, made: &ClassPeriod) -> Result<()> {
    let ClassPeriod { id, fields, record } = made;
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
            &fields.school_id,
            &fields.name,
            &fields.sequence,
            fields.start_time.column(),
            fields.end_time.column(),
            &fields.official_attendance_period,
            &fields.name_search(),
        ],
    )
    .await
    .map(drop)
}

/// One that is kept from changing.
pub(super) async fn lock(tx: &mut TenantTx, id: ClassPeriodId) -> Result<ClassPeriod> {
    class_period(found(&tx.query(&LOCK, &[&id]).await?)?)
}

/// One that is kept from changing, and whether something uses it.
pub(super) async fn lock_to_delete(tx: &mut TenantTx, id: ClassPeriodId) -> Result<(ClassPeriod, bool)> {
    let rows = tx.query_all(&[(&LOCK, &[&id]), (&IN_USE, &[&id])]).await?;
    Ok((class_period(found(&rows[0])?)?, found(&rows[1])?.get("in_use")))
}

/// The change and the commit, in one round trip.
pub(super) async fn update(tx: TenantTx, changed: &ClassPeriod) -> Result<()> {
    let ClassPeriod { id, fields, record } = changed;
    tx.commit_with(&[(
        &UPDATE,
        &[
            id,
            &fields.status.word(),
            &record.updated_at,
            &record.updated_by,
            fields.metadata.column(),
            &fields.school_id,
            &fields.name,
            &fields.sequence,
            fields.start_time.column(),
            fields.end_time.column(),
            &fields.official_attendance_period,
            &fields.name_search(),
        ],
    )])
    .await
    .map(drop)
}

pub(super) async fn delete(tx: TenantTx, id: ClassPeriodId) -> Result<()> {
    let (now, by) = (tx.cx().clock().now(), tx.cx().actor().to_string());
    tx.commit_with(&[(&DELETE, &[&id, &now, &by])]).await.map(drop)
}

/// Which class periods.
pub(super) struct Selection {
    pub(super) span: Span,
    pub(super) school_id: Option<OrgId>,
    pub(super) name: (Option<String>, Option<String>),
}

pub(super) async fn list_by_sequence(
    tenancy: &Tenancy,
    cx: &OpContext,
    selection: &Selection,
) -> Result<Vec<ClassPeriod>> {
    list(tenancy, cx, [&LIST_BY_SEQUENCE, &LIST_BY_SEQUENCE_DESC], selection).await
}

pub(super) async fn list_by_name(tenancy: &Tenancy, cx: &OpContext, selection: &Selection) -> Result<Vec<ClassPeriod>> {
    list(tenancy, cx, [&LIST_BY_NAME, &LIST_BY_NAME_DESC], selection).await
}

pub(super) async fn list_by_change(
    tenancy: &Tenancy,
    cx: &OpContext,
    selection: &Selection,
) -> Result<Vec<ClassPeriod>> {
    list(tenancy, cx, [&LIST_BY_CHANGE, &LIST_BY_CHANGE_DESC], selection).await
}

async fn list(
    tenancy: &Tenancy,
    cx: &OpContext,
    statements: [&'static Statement; 2],
    selection: &Selection,
) -> Result<Vec<ClassPeriod>> {
    let Selection { span, school_id, name: (from, below) } = selection;
    let rows = tenancy
        .fetch(
            cx,
            span.pick(statements),
            &[&span.status, span.key(), &span.after.id, &span.limit, school_id, from, below],
        )
        .await?;
    rows.iter().map(class_period).collect()
}
