//! All SQL about bell schedules.

use cloister_http::IdempotencyKey;
use cloister_ids::{BellScheduleId, ClassPeriodId, OrgId};
use cloister_tenancy::{
    OpContext, Result, Tenancy, TenantTx,
    sql::{Parameters, Row, Statement, ToSql, statements},
};
use jiff::civil::Time;

use super::{BellSchedule, BellScheduleFields, BellSchedulePeriod};
use crate::{
    day_time::DayTime,
    listing::Span,
    record::{Metadata, Record, found, status},
    store::delete,
    unnamed_store::{get, insert, lock, page, update},
};

macro_rules! written {
    () => {
        "school_id, name"
    };
}

/// One column of the periods, in the order in which they are held.
macro_rules! periods {
    ($column:literal) => {
        concat!(
            ", array(select p.",
            $column,
            " from bell_schedule_period p where p.tenant_id = $1 and p.bell_schedule_id = bell_schedule.id
                order by p.start_time, p.class_period_id) as ",
            $column,
            "s"
        )
    };
}

macro_rules! fields {
    () => {
        concat!(written!(), periods!("class_period_id"), periods!("start_time"), periods!("end_time"))
    };
}

macro_rules! list {
    ($key:tt $direction:ident) => {
        page!(
            "bell_schedule",
            fields!(),
            " and ($6::uuid is null or school_id = $6)
              and ($7::text is null or (name_search >= $7 and name_search < $8))",
            $key $direction
        )
    };
}

statements! {
    /// One.
    GET = get!("bell_schedule", fields!());
    /// One, to be changed.
    LOCK = lock!("bell_schedule", fields!());
    /// A new one.
    INSERT = insert!(
        "bell_schedule",
        concat!(written!(), ", name_search"),
        "$7, $8, $9"
    );
    /// New values.
    UPDATE = update!(
        "bell_schedule",
        "school_id = $7, name = $8, name_search = $9"
    );
    /// A period that is held.
    INSERT_PERIOD = "insert into bell_schedule_period (tenant_id, bell_schedule_id, class_period_id, start_time, end_time)
        values ($1, $2, $3, $4, $5)";
    /// No period any more.
    DELETE_PERIODS = "delete from bell_schedule_period where tenant_id = $1 and bell_schedule_id = $2";
    /// Those of the periods `$2` that count and are of the school `$3`.
    FITTING = "select d.id from class_period d where d.tenant_id = $1 and d.id = any($2::uuid[]) and d.school_id = $3
        and d.status = 'active'";
    /// Marked as deleted.
    DELETE = delete!("bell_schedule", "id = $2");
    /// Whether something that counts uses it.
    IN_USE = "select exists (select from calendar_date d
        where d.tenant_id = $1 and d.bell_schedule_id = $2 and d.status = 'active') as in_use";
    /// By name, from the first.
    LIST_BY_NAME = list!("name_search" asc);
    /// By name, from the last.
    LIST_BY_NAME_DESC = list!("name_search" desc);
    /// By last change, oldest first.
    LIST_BY_CHANGE = list!("date_last_modified" asc);
    /// By last change, newest first.
    LIST_BY_CHANGE_DESC = list!("date_last_modified" desc);
}

fn periods(row: &Row) -> Vec<BellSchedulePeriod> {
    let times = |column: &str| row.get::<_, Vec<Time>>(column).into_iter().map(DayTime::from_column);
    let held = row.get::<_, Vec<ClassPeriodId>>("class_period_ids").into_iter();
    held.zip(times("start_times").zip(times("end_times")))
        .map(|(class_period_id, (start_time, end_time))| BellSchedulePeriod { class_period_id, start_time, end_time })
        .collect()
}

/// A period of a bell schedule, as parameters.
type PeriodItem<'a> = [&'a (dyn ToSql + Sync); 4];

fn period_items<'a>(id: &'a BellScheduleId, periods: &'a [BellSchedulePeriod]) -> Vec<PeriodItem<'a>> {
    let item = |period: &'a BellSchedulePeriod| -> PeriodItem<'a> {
        [id, &period.class_period_id, period.start_time.column(), period.end_time.column()]
    };
    periods.iter().map(item).collect()
}

fn bell_schedule(row: &Row) -> Result<BellSchedule> {
    Ok(BellSchedule {
        id: row.get("id"),
        fields: BellScheduleFields {
            status: status(row)?,
            school_id: row.get("school_id"),
            name: row.get("name"),
            periods: periods(row),
            metadata: Metadata::from_row(row),
        },
        record: Record::from_row(row)?,
    })
}

pub(super) async fn get(tenancy: &Tenancy, cx: &OpContext, id: BellScheduleId) -> Result<BellSchedule> {
    bell_schedule(found(&tenancy.fetch(cx, &GET, &[&id]).await?)?)
}

/// A new one, and whether its periods are those of the school.
pub(super) async fn insert(tx: &mut TenantTx, key: Option<&IdempotencyKey>, made: &BellSchedule) -> Result<bool> {
    let BellSchedule { id, fields, record } = made;
    let (source, search) = (record.source.word(), fields.name_search());
    let values: &Parameters<'_> = &[
        id,
        &record.created_at,
        &source,
        fields.metadata.column(),
        &record.created_by,
        &fields.school_id,
        &fields.name,
        &search,
    ];
    let periods = period_items(id, &fields.periods);
    let named: Vec<ClassPeriodId> = fields.periods.iter().map(|period| period.class_period_id).collect();
    let fitting: &Parameters<'_> = &[&named, &fields.school_id];
    let mut items: Vec<(&'static Statement, &Parameters<'_>)> = vec![(&FITTING, fitting), (&INSERT, values)];
    items.extend(periods.iter().map(|with| (&INSERT_PERIOD as &'static Statement, with.as_slice())));
    let rows = IdempotencyKey::query_all(key, tx, &items).await?;
    Ok(rows[0].len() == named.len())
}

/// Whether all of these periods are those of the school.
pub(super) async fn fit(tx: &mut TenantTx, school_id: OrgId, named: &[ClassPeriodId]) -> Result<bool> {
    Ok(tx.query(&FITTING, &[&named, &school_id]).await?.len() == named.len())
}

/// One that is kept from changing.
pub(super) async fn lock(tx: &mut TenantTx, id: BellScheduleId) -> Result<BellSchedule> {
    bell_schedule(found(&tx.query(&LOCK, &[&id]).await?)?)
}

/// One that is kept from changing, and whether something uses it.
pub(super) async fn lock_to_delete(tx: &mut TenantTx, id: BellScheduleId) -> Result<(BellSchedule, bool)> {
    let rows = tx.query_all(&[(&LOCK, &[&id]), (&IN_USE, &[&id])]).await?;
    Ok((bell_schedule(found(&rows[0])?)?, found(&rows[1])?.get("in_use")))
}

/// The change and the commit, in one round trip.
pub(super) async fn update(tx: TenantTx, changed: &BellSchedule) -> Result<()> {
    let BellSchedule { id, fields, record } = changed;
    let (status, search) = (fields.status.word(), fields.name_search());
    let values: &Parameters<'_> = &[
        id,
        &status,
        &record.updated_at,
        &record.updated_by,
        fields.metadata.column(),
        &fields.school_id,
        &fields.name,
        &search,
    ];
    let gone: &Parameters<'_> = &[id];
    let periods = period_items(id, &fields.periods);
    let mut items: Vec<(&'static Statement, &Parameters<'_>)> = vec![(&UPDATE, values), (&DELETE_PERIODS, gone)];
    items.extend(periods.iter().map(|with| (&INSERT_PERIOD as &'static Statement, with.as_slice())));
    tx.commit_with(&items).await.map(drop)
}

pub(super) async fn delete(tx: TenantTx, id: BellScheduleId) -> Result<()> {
    let (now, by) = (tx.cx().clock().now(), tx.cx().actor().to_string());
    tx.commit_with(&[(&DELETE, &[&id, &now, &by])]).await.map(drop)
}

/// Which bell schedules.
pub(super) struct Selection {
    pub(super) span: Span,
    pub(super) school_id: Option<OrgId>,
    pub(super) name: (Option<String>, Option<String>),
}

pub(super) async fn list_by_name(
    tenancy: &Tenancy,
    cx: &OpContext,
    selection: &Selection,
) -> Result<Vec<BellSchedule>> {
    list(tenancy, cx, [&LIST_BY_NAME, &LIST_BY_NAME_DESC], selection).await
}

pub(super) async fn list_by_change(
    tenancy: &Tenancy,
    cx: &OpContext,
    selection: &Selection,
) -> Result<Vec<BellSchedule>> {
    list(tenancy, cx, [&LIST_BY_CHANGE, &LIST_BY_CHANGE_DESC], selection).await
}

async fn list(
    tenancy: &Tenancy,
    cx: &OpContext,
    statements: [&'static Statement; 2],
    selection: &Selection,
) -> Result<Vec<BellSchedule>> {
    let Selection { span, school_id, name: (from, below) } = selection;
    let rows = tenancy
        .fetch(
            cx,
            span.pick(statements),
            &[&span.status, span.key(), &span.after.id, &span.limit, school_id, from, below],
        )
        .await?;
    rows.iter().map(bell_schedule).collect()
}
