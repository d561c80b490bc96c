//! All SQL about calendar dates.

use cloister_http::IdempotencyKey;
use cloister_ids::{CalendarDateId, OrgId};
use cloister_tenancy::{
    OpContext, Result, Tenancy, TenantTx,
    sql::{Parameters, Row, Statement, statements},
};
use jiff::civil::Date;

use super::{CalendarDate, CalendarDateFields};
use crate::{
    listing::Span,
    record::{Metadata, Record, found, status},
    store::delete,
    unnamed_store::{get, insert, lock, page, update},
    vocabulary::CalendarEvent,
};

macro_rules! fields {
    () => {
        "school_id, date, calendar_event, is_instructional, title, cycle_day, bell_schedule_id"
    };
}

macro_rules! list {
    ($key:tt $direction:ident) => {
        page!(
            "calendar_date",
            fields!(),
            " and ($6::uuid is null or school_id = $6)
              and ($7::date is null or date >= $7)
              and ($8::date is null or date < $8)
              and ($9::text is null or calendar_event = $9)
              and ($10::boolean is null or is_instructional = $10)",
            $key $direction
        )
    };
}

statements! {
    /// One.
    GET = get!("calendar_date", fields!());
    /// One, to be changed.
    LOCK = lock!("calendar_date", fields!());
    /// A new one.
    INSERT = insert!(
        "calendar_date",
        fields!(),
        "$7, $8, $9, $10, $11, $12, $13"
    );
    /// New values.
    UPDATE = update!(
        "calendar_date",
        "school_id = $7, date = $8, calendar_event = $9, is_instructional = $10, title = $11, cycle_day = $12, bell_schedule_id = $13"
    );
    /// Whether a bell schedule counts and is one of the school: `$2` which one, `$3` school.
    FITS = "select $2::uuid is null or exists (select from bell_schedule b where b.tenant_id = $1 and b.id = $2
        and b.school_id = $3 and b.status = 'active') as fits";
    /// Marked as deleted.
    DELETE = delete!("calendar_date", "id = $2");
    /// By day, from the first.
    LIST_BY_DATE = list!("date" asc);
    /// By day, from the last.
    LIST_BY_DATE_DESC = list!("date" desc);
    /// By last change, oldest first.
    LIST_BY_CHANGE = list!("date_last_modified" asc);
    /// By last change, newest first.
    LIST_BY_CHANGE_DESC = list!("date_last_modified" desc);
}

fn calendar_date(row: &Row) -> Result<CalendarDate> {
    Ok(CalendarDate {
        id: row.get("id"),
        fields: CalendarDateFields {
            status: status(row)?,
            school_id: row.get("school_id"),
            date: row.get("date"),
            calendar_event: CalendarEvent::from_column(row.get("calendar_event")),
            is_instructional: row.get("is_instructional"),
            title: row.get("title"),
            cycle_day: row.get("cycle_day"),
            bell_schedule_id: row.get("bell_schedule_id"),
            metadata: Metadata::from_row(row),
        },
        record: Record::from_row(row)?,
    })
}

pub(super) async fn get(tenancy: &Tenancy, cx: &OpContext, id: CalendarDateId) -> Result<CalendarDate> {
    calendar_date(found(&tenancy.fetch(cx, &GET, &[&id]).await?)?)
}

/// A new one, and whether its bell schedule is one of the school.
pub(super) async fn insert(tx: &mut TenantTx, key: Option<&IdempotencyKey>, made: &CalendarDate) -> Result<bool> {
    let CalendarDate { id, fields, record } = made;
    let source = record.source.word();
    let values: &Parameters<'_> = &[
        id,
        &record.created_at,
        &source,
        fields.metadata.column(),
        &record.created_by,
        &fields.school_id,
        &fields.date,
        fields.calendar_event.column(),
        &fields.is_instructional,
        &fields.title,
        &fields.cycle_day,
        &fields.bell_schedule_id,
    ];
    let bells: &Parameters<'_> = &[&fields.bell_schedule_id, &fields.school_id];
    let rows = IdempotencyKey::query_all(key, tx, &[(&FITS, bells), (&INSERT, values)]).await?;
    Ok(found(&rows[0])?.get("fits"))
}

/// Whether the bell schedule is one of the school.
pub(super) async fn fits(tx: &mut TenantTx, fields: &CalendarDateFields) -> Result<bool> {
    Ok(found(&tx.query(&FITS, &[&fields.bell_schedule_id, &fields.school_id]).await?)?.get("fits"))
}

/// One that is kept from changing.
pub(super) async fn lock(tx: &mut TenantTx, id: CalendarDateId) -> Result<CalendarDate> {
    calendar_date(found(&tx.query(&LOCK, &[&id]).await?)?)
}

/// The change and the commit, in one round trip.
pub(super) async fn update(tx: TenantTx, changed: &CalendarDate) -> Result<()> {
    let CalendarDate { id, fields, record } = changed;
    tx.commit_with(&[(
        &UPDATE,
        &[
            id,
            &fields.status.word(),
            &record.updated_at,
            &record.updated_by,
            fields.metadata.column(),
            &fields.school_id,
            &fields.date,
            fields.calendar_event.column(),
            &fields.is_instructional,
            &fields.title,
            &fields.cycle_day,
            &fields.bell_schedule_id,
        ],
    )])
    .await
    .map(drop)
}

pub(super) async fn delete(tx: TenantTx, id: CalendarDateId) -> Result<()> {
    let (now, by) = (tx.cx().clock().now(), tx.cx().actor().to_string());
    tx.commit_with(&[(&DELETE, &[&id, &now, &by])]).await.map(drop)
}

/// Which calendar dates.
pub(super) struct Selection {
    pub(super) span: Span,
    pub(super) school_id: Option<OrgId>,
    pub(super) from: Option<Date>,
    pub(super) until: Option<Date>,
    pub(super) calendar_event: Option<CalendarEvent>,
    pub(super) is_instructional: Option<bool>,
}

pub(super) async fn list_by_date(
    tenancy: &Tenancy,
    cx: &OpContext,
    selection: &Selection,
) -> Result<Vec<CalendarDate>> {
    list(tenancy, cx, [&LIST_BY_DATE, &LIST_BY_DATE_DESC], selection).await
}

pub(super) async fn list_by_change(
    tenancy: &Tenancy,
    cx: &OpContext,
    selection: &Selection,
) -> Result<Vec<CalendarDate>> {
    list(tenancy, cx, [&LIST_BY_CHANGE, &LIST_BY_CHANGE_DESC], selection).await
}

async fn list(
    tenancy: &Tenancy,
    cx: &OpContext,
    statements: [&'static Statement; 2],
    selection: &Selection,
) -> Result<Vec<CalendarDate>> {
    let Selection { span, school_id, from, until, calendar_event, is_instructional } = selection;
    let calendar_event = calendar_event.as_ref().map(CalendarEvent::as_str);
    let rows = tenancy
        .fetch(
            cx,
            span.pick(statements),
            &[
                &span.status,
                span.key(),
                &span.after.id,
                &span.limit,
                school_id,
                from,
                until,
                &calendar_event,
                is_instructional,
            ],
        )
        .await?;
    rows.iter().map(calendar_date).collect()
}
