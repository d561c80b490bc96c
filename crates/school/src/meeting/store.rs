//! All SQL about meetings.

use cloister_http::IdempotencyKey;
use cloister_ids::{ClassId, ClassPeriodId, MeetingId, PersonId, RoomId};
use cloister_tenancy::{
    Error, OpContext, Result, Tenancy, TenantTx,
    sql::{Parameters, Row, Statement, ToSql, statements},
};
use jiff::civil::Date;

use super::{Conflict, Meeting, MeetingFields, conflict_store};
use crate::{
    day_time::DayOfWeek,
    listing::Span,
    presence_store::{self, check_named},
    record::{Metadata, Record, found, status},
    scope::{Sight, Within},
    scope_store::classes_within,
    store::delete,
    unnamed_store::{get, insert, lock, page, update},
};

macro_rules! fields {
    () => {
        "class_id, class_period_id, day_of_week, cycle_day, room_id, teacher_id, begin_date, end_date"
    };
}

macro_rules! list {
    ($key:tt $direction:ident) => {
        list!("", $key $direction)
    };
    ($rest:expr, $key:tt $direction:ident) => {
        page!(
            "meeting",
            fields!(),
            concat!(" and ($6::uuid is null or class_id = $6)
              and ($7::uuid is null or class_period_id = $7)
              and ($8::uuid is null or room_id = $8)
              and ($9::uuid is null or teacher_id = $9)
              and ($10::smallint is null or day_of_week = $10)
              and ($11::date is null or ((begin_date is null or begin_date <= $11)
                and (end_date is null or end_date > $11)))", $rest),
            $key $direction
        )
    };
}

/// Those of classes that the reader's sight of places reaches: `$12` account, `$13` day, `$14` scopes.
macro_rules! within {
    () => {
        concat!(" and class_id = any(array(", classes_within!("$12", "$13", "$14"), "))")
    };
}

statements! {
    /// One.
    GET = get!("meeting", fields!());
    /// One, to be changed.
    LOCK = lock!("meeting", fields!());
    /// A new one.
    INSERT = insert!(
        "meeting",
        fields!(),
        "$7, $8, $9, $10, $11, $12, $13, $14"
    );
    /// Keeps the timetable of the school of the class `$2` as it is until the commit: of two meetings written at once that stand
    /// against each other, the second is told. Meetings of another school, with a teacher of both, are not kept.
    TIMETABLE = "select id from org where tenant_id = $1 and id = (select k.school_id from class k
        where k.tenant_id = $1 and k.id = $2) for no key update";
    /// New values.
    UPDATE = update!(
        "meeting",
        "class_id = $7, class_period_id = $8, day_of_week = $9, cycle_day = $10, room_id = $11,
         teacher_id = $12, begin_date = $13, end_date = $14"
    );
    /// Whether the class of one counts, and its period and room are those of the school of this class.
    PLACES = "select
            k.status = 'active' as class_fits,
            exists (select from class_period d where d.tenant_id = $1 and d.id = m.class_period_id
                and d.school_id = k.school_id and d.status = 'active') as period_fits,
            m.room_id is null or exists (select from room r where r.tenant_id = $1 and r.id = m.room_id
                and r.school_id = k.school_id and r.status = 'active') as room_fits
        from meeting m join class k on k.tenant_id = $1 and k.id = m.class_id where m.tenant_id = $1 and m.id = $2";
    /// Marked as deleted.
    DELETE = delete!("meeting", "id = $2");
    /// By age.
    LIST_BY_AGE = list!("id" asc);
    /// By age, backwards.
    LIST_BY_AGE_DESC = list!("id" desc);
    /// By last change, oldest first.
    LIST_BY_CHANGE = list!("date_last_modified" asc);
    /// By last change, newest first.
    LIST_BY_CHANGE_DESC = list!("date_last_modified" desc);
    /// Those within scopes by age.
    WITHIN_BY_AGE = list!(within!(), "id" asc);
    /// Those within scopes by age, backwards.
    WITHIN_BY_AGE_DESC = list!(within!(), "id" desc);
    /// Those within scopes by last change, oldest first.
    WITHIN_BY_CHANGE = list!(within!(), "date_last_modified" asc);
    /// Those within scopes by last change, newest first.
    WITHIN_BY_CHANGE_DESC = list!(within!(), "date_last_modified" desc);
}

fn meeting(row: &Row) -> Result<Meeting> {
    Ok(Meeting {
        id: row.get("id"),
        fields: MeetingFields {
            status: status(row)?,
            class_id: row.get("class_id"),
            class_period_id: row.get("class_period_id"),
            day_of_week: row.get::<_, Option<i16>>("day_of_week").and_then(DayOfWeek::of),
            cycle_day: row.get("cycle_day"),
            room_id: row.get("room_id"),
            teacher_id: row.get("teacher_id"),
            begin_date: row.get("begin_date"),
            end_date: row.get("end_date"),
            metadata: Metadata::from_row(row),
        },
        record: Record::from_row(row)?,
    })
}

pub(super) async fn get(tenancy: &Tenancy, cx: &OpContext, id: MeetingId) -> Result<Meeting> {
    meeting(found(&tenancy.fetch(cx, &GET, &[&id]).await?)?)
}

/// Whether the class counts, and period and room are of its school.
pub(super) struct Places {
    class_fits: bool,
    period_fits: bool,
    room_fits: bool,
}

impl Places {
    pub(super) fn check(&self) -> Result<()> {
        if !self.class_fits {
            return Err(Error::field("class_id", "class_unknown", "There is no such class that counts."));
        }
        if !self.period_fits {
            let message = "Name a class period of the school of the class.";
            return Err(Error::field("class_period_id", "class_period_unknown", message));
        }
        if !self.room_fits {
            return Err(Error::field("room_id", "room_unknown", "Name a room of the school of the class."));
        }
        Ok(())
    }
}

/// `rows` are of what keeps the timetable, of the write, and of what it asks then.
fn written(rows: &[Vec<Row>]) -> Result<(Places, Vec<Conflict>)> {
    let places = found(&rows[2])?;
    let places = Places {
        class_fits: places.get("class_fits"),
        period_fits: places.get("period_fits"),
        room_fits: places.get("room_fits"),
    };
    Ok((places, rows[3].iter().map(conflict_store::conflict).collect::<Result<_>>()?))
}

/// A new one; whether its places fit, and what stands against it.
pub(super) async fn insert(
    tx: &mut TenantTx,
    key: Option<&IdempotencyKey>,
    made: &Meeting,
) -> Result<(Places, Vec<Conflict>)> {
    let Meeting { id, fields, record } = made;
    let (source, day) = (record.source.word(), fields.day_of_week.map(DayOfWeek::number));
    let values: &Parameters<'_> = &[
        id,
        &record.created_at,
        &source,
        fields.metadata.column(),
        &record.created_by,
        &fields.class_id,
        &fields.class_period_id,
        &day,
        &fields.cycle_day,
        &fields.room_id,
        &fields.teacher_id,
        &fields.begin_date,
        &fields.end_date,
    ];
    let which: &Parameters<'_> = &[id];
    let class: &Parameters<'_> = &[&fields.class_id];
    let teachers: Vec<_> = fields.teacher_id.into_iter().collect();
    let present: &Parameters<'_> = &[&teachers];
    let items = [
        (&presence_store::PRESENT, present),
        (&TIMETABLE, class),
        (&INSERT, values),
        (&PLACES, which),
        (&conflict_store::OF_MEETING, which),
    ];
    let rows = IdempotencyKey::query_all(key, tx, &items).await?;
    check_named(&rows[0], fields.teacher_id, None, "teacher_id")?;
    written(&rows[1..])
}

/// One that is kept from changing, and those who may become its teacher, who are kept from leaving.
pub(super) async fn lock(tx: &mut TenantTx, id: MeetingId, named: &[PersonId]) -> Result<(Meeting, Vec<Row>)> {
    let mut rows = tx.query_all(&[(&presence_store::PRESENT, &[&named]), (&LOCK, &[&id])]).await?;
    Ok((meeting(found(&rows[1])?)?, rows.swap_remove(0)))
}

/// What stands against one that stays as it is.
pub(super) async fn conflicts(tx: &mut TenantTx, id: MeetingId) -> Result<Vec<Conflict>> {
    tx.query(&conflict_store::OF_MEETING, &[&id]).await?.iter().map(conflict_store::conflict).collect()
}

/// The change; whether its places fit, and what stands against it.
pub(super) async fn update(tx: &mut TenantTx, changed: &Meeting) -> Result<(Places, Vec<Conflict>)> {
    let Meeting { id, fields, record } = changed;
    let (status, day) = (fields.status.word(), fields.day_of_week.map(DayOfWeek::number));
    let values: &Parameters<'_> = &[
        id,
        &status,
        &record.updated_at,
        &record.updated_by,
        fields.metadata.column(),
        &fields.class_id,
        &fields.class_period_id,
        &day,
        &fields.cycle_day,
        &fields.room_id,
        &fields.teacher_id,
        &fields.begin_date,
        &fields.end_date,
    ];
    let which: &Parameters<'_> = &[id];
    let class: &Parameters<'_> = &[&fields.class_id];
    let items = [(&TIMETABLE, class), (&UPDATE, values), (&PLACES, which), (&conflict_store::OF_MEETING, which)];
    written(&tx.query_all(&items).await?)
}

pub(super) async fn delete(tx: TenantTx, id: MeetingId) -> Result<()> {
    let (now, by) = (tx.cx().clock().now(), tx.cx().actor().to_string());
    tx.commit_with(&[(&DELETE, &[&id, &now, &by])]).await.map(drop)
}

/// Which meetings.
pub(super) struct Selection {
    pub(super) span: Span,
    pub(super) class_id: Option<ClassId>,
    pub(super) class_period_id: Option<ClassPeriodId>,
    pub(super) room_id: Option<RoomId>,
    pub(super) teacher_id: Option<PersonId>,
    pub(super) day_of_week: Option<DayOfWeek>,
    pub(super) on: Option<Date>,
}

pub(super) async fn list_by_age(
    tenancy: &Tenancy,
    cx: &OpContext,
    sight: &Sight,
    selection: &Selection,
) -> Result<Vec<Meeting>> {
    let statements = match sight {
        Sight::All => [&LIST_BY_AGE, &LIST_BY_AGE_DESC],
        Sight::Within(_) => [&WITHIN_BY_AGE, &WITHIN_BY_AGE_DESC],
    };
    list(tenancy, cx, statements, sight, selection).await
}

pub(super) async fn list_by_change(
    tenancy: &Tenancy,
    cx: &OpContext,
    sight: &Sight,
    selection: &Selection,
) -> Result<Vec<Meeting>> {
    let statements = match sight {
        Sight::All => [&LIST_BY_CHANGE, &LIST_BY_CHANGE_DESC],
        Sight::Within(_) => [&WITHIN_BY_CHANGE, &WITHIN_BY_CHANGE_DESC],
    };
    list(tenancy, cx, statements, sight, selection).await
}

async fn list(
    tenancy: &Tenancy,
    cx: &OpContext,
    statements: [&'static Statement; 2],
    sight: &Sight,
    selection: &Selection,
) -> Result<Vec<Meeting>> {
    let Selection { span, class_id, class_period_id, room_id, teacher_id, day_of_week, on } = selection;
    let day_of_week = day_of_week.map(DayOfWeek::number);
    let mut parameters: Vec<&(dyn ToSql + Sync)> = vec![
        &span.status,
        span.key(),
        &span.after.id,
        &span.limit,
        class_id,
        class_period_id,
        room_id,
        teacher_id,
        &day_of_week,
        on,
    ];
    if let Sight::Within(Within { account, on, places, .. }) = sight {
        parameters.extend([account as &(dyn ToSql + Sync), on, places]);
    }
    tenancy.fetch(cx, span.pick(statements), &parameters).await?.iter().map(meeting).collect()
}
