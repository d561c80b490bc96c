//! All SQL about attendance events.
//!
//! That one event counts of each student, day, class and period is held by a unique index over those that do. So a correction
//! first marks what it corrects and then inserts, in one round trip, and of two at once the second is refused. Before either it
//! gives another version to the register that shows the entry, so that whoever takes that register knows.

use cloister_http::IdempotencyKey;
use cloister_ids::AttendanceEventId;
use cloister_tenancy::{
    Error, OpContext, Result, Tenancy, TenantTx,
    sql::{Parameters, Row, Statement, statements},
};
use jiff::civil::Time;

use super::{AttendanceEvent, AttendanceEventFields, AttendanceSight, AttendanceWithin, Meaning};
use crate::{
    attendance_code::Direction,
    attendance_scope_store::attendance_within,
    day_time::DayTime,
    name_store::{class_names, student_names},
    presence_store::{self, check_present},
    record::{Metadata, Record, found, status},
    scope_store::in_force,
    store::delete,
    unnamed_store::{get, head, lock},
    vocabulary::AttendanceCategory,
};

macro_rules! fields {
    () => {
        "student_id, school_id, date, class_id, class_period_id, code_id, category, direction, excused, reportable,
         arrival_time, departure_time, reason, register_id, supersedes_id, superseded_at, absence_request_id"
    };
}

/// What is shown: the columns, and the names of student, class and period.
macro_rules! shown {
    ($of:literal) => {
        concat!(fields!(), ", ", student_names!($of), ", ", class_names!($of))
    };
}

pub(super) use {fields, shown};

/// The registers `g` that show what is said of the student `$2` on the day `$3`, in the class `$4` and period `$5`; of the whole
/// day without a class.
macro_rules! registers {
    ($student:literal, $date:literal, $class:literal, $period:literal) => {
        concat!(
            "select g.id from attendance_register g where g.tenant_id = $1 and g.date = ",
            $date,
            "::date and g.whole_day = (",
            $class,
            "::uuid is null) and g.class_period_id is not distinct from ",
            $period,
            "::uuid and g.class_id = any(case when ",
            $class,
            "::uuid is null then array(select e.class_id from enrollment e where e.tenant_id = $1 and e.person_id = ",
            $student,
            "::uuid and e.role = 'student' and ",
            in_force!("e", $date),
            ") else array[",
            $class,
            "::uuid] end)"
        )
    };
}

statements! {
    /// One.
    GET = get!("attendance_event", shown!("attendance_event"));
    /// One within scopes.
    GET_WITHIN = concat!(
        get!("attendance_event", shown!("attendance_event")),
        " and status = 'active'",
        attendance_within!("student_id", "class_id", "$3", "$4", "$5", "$6")
    );
    /// One, to be changed.
    LOCK = lock!("attendance_event", shown!("attendance_event"));
    /// All of the same student, day, class and period, newest first.
    HISTORY = concat!("select id, ", head!(), ", ", shown!("e"), " from attendance_event e
        where e.tenant_id = $1 and (e.student_id, e.date) in (
            select o.student_id, o.date from attendance_event o where o.tenant_id = $1 and o.id = $2)
        and exists (select from attendance_event o where o.tenant_id = $1 and o.id = $2
            and o.class_id is not distinct from e.class_id and o.class_period_id is not distinct from e.class_period_id)
        order by e.created_at desc, e.id desc limit 200");
    /// The same within scopes.
    HISTORY_WITHIN = concat!("select id, ", head!(), ", ", shown!("e"), " from attendance_event e
        where e.tenant_id = $1 and e.status = 'active' and (e.student_id, e.date) in (
            select o.student_id, o.date from attendance_event o
            where o.tenant_id = $1 and o.id = $2 and o.status = 'active')
        and exists (select from attendance_event o where o.tenant_id = $1 and o.id = $2
            and o.class_id is not distinct from e.class_id and o.class_period_id is not distinct from e.class_period_id)",
        attendance_within!("e.student_id", "e.class_id", "$3", "$4", "$5", "$6"),
        " order by e.created_at desc, e.id desc limit 200");
    /// What decides whether an event can be: `$2` student, `$3` class, `$4` day, `$5` period, `$6` code,
    /// `$7` school.
    FACTS = concat!("select
        exists (select from enrollment e where e.tenant_id = $1 and e.person_id = $2 and e.class_id = $3
            and e.role = 'student' and ", in_force!("e", "$4"), ") as has_place,
        exists (select from class_period d join class k on k.tenant_id = $1 and k.id = $3 and k.school_id = d.school_id
            where d.tenant_id = $1 and d.id = $5 and d.status = 'active') as period_fits,
        $7::uuid is null or $3::uuid is null
            or exists (select from class k where k.tenant_id = $1 and k.id = $3 and k.school_id = $7) as school_fits,
        (select c.future_allowed from attendance_code c
            where c.tenant_id = $1 and c.id = $6 and c.status = 'active') as future_allowed");
    /// Marks as corrected what counts: `$2` which one, `$3` time, `$4` actor; `$5` to `$8` student, day, class and period.
    SUPERSEDE = "update attendance_event set superseded_at = $3, date_last_modified = $3, updated_at = $3, updated_by = $4,
            version = version + 1
        where tenant_id = $1 and id = $2 and status = 'active' and superseded_at is null
            and student_id = $5 and date = $6 and class_id is not distinct from $7
            and class_period_id is not distinct from $8
        returning id";
    /// A new one, if what it corrects was marked a moment ago, with what its code means now, in the school of the class, or else in
    /// the one that is given, or that of the student; and in the register that shows it, where one was taken.
    INSERT = concat!("insert into attendance_event (tenant_id, id, ", head!(), ", ", fields!(), ")
        select $1, $2, 'active', $3, $4, $5, 1, $3, $6, $3, $6,
            $7::uuid, s.school_id, $9::date, $10::uuid, $11::uuid, c.id, c.category, c.direction, c.excused, c.reportable,
            $13::time, $14::time, $15::text, coalesce(
                (select o.register_id from attendance_event o where o.tenant_id = $1 and o.id = $16),
                (", registers!("$7", "$9", "$10", "$11"), " order by g.id limit 1)),
            $16::uuid, null::timestamptz, null::uuid
        from attendance_code c
        cross join lateral (select coalesce((select k.school_id from class k where k.tenant_id = $1 and k.id = $10), $8::uuid,
            (select p.primary_org_id from person p where p.tenant_id = $1 and p.id = $7)) as school_id) s
        where c.tenant_id = $1 and c.id = $12 and c.status = 'active' and s.school_id is not null
            and ($16::uuid is null or exists (select from attendance_event o
                where o.tenant_id = $1 and o.id = $16 and o.superseded_at = $3))
        returning id, ", head!(), ", ", shown!("attendance_event"));
    /// Another version for the registers that show the entry, and for that of the event `$8`: `$2` to `$5` student, day, class and
    /// period, `$6` time, `$7` actor.
    REGISTERS = concat!("update attendance_register set version = version + 1, date_last_modified = $6, updated_at = $6, updated_by = $7
        where tenant_id = $1 and id = any(array(", registers!("$2", "$3", "$4", "$5"), "
            union all select o.register_id from attendance_event o where o.tenant_id = $1 and o.id = $8))");
    /// Keeps the register of one from being taken meanwhile.
    LOCK_REGISTER = "select g.id from attendance_register g where g.tenant_id = $1 and g.id = (select o.register_id
        from attendance_event o where o.tenant_id = $1 and o.id = $2) for no key update";
    /// Taken back.
    DELETE = delete!("attendance_event", "id = $2");
}

/// An event from a row of what is shown.
pub(super) fn event(row: &Row) -> Result<AttendanceEvent> {
    let time = |column: &str| row.get::<_, Option<Time>>(column).map(DayTime::from_column);
    Ok(AttendanceEvent {
        id: row.get("id"),
        status: status(row)?,
        fields: AttendanceEventFields {
            student_id: row.get("student_id"),
            school_id: row.get("school_id"),
            date: row.get("date"),
            class_id: row.get("class_id"),
            class_period_id: row.get("class_period_id"),
            code_id: row.get("code_id"),
            arrival_time: time("arrival_time"),
            departure_time: time("departure_time"),
            reason: row.get("reason"),
            supersedes_id: row.get("supersedes_id"),
            metadata: Metadata::from_row(row),
        },
        meaning: Meaning {
            category: AttendanceCategory::from_column(row.get("category")),
            direction: row.get::<_, &str>("direction").parse::<Direction>().map_err(Error::internal)?,
            excused: row.get("excused"),
            reportable: row.get("reportable"),
        },
        register_id: row.get("register_id"),
        absence_request_id: row.get("absence_request_id"),
        student_given_name: row.get("student_given_name"),
        student_family_name: row.get("student_family_name"),
        class_title: row.get("class_title"),
        class_period_name: row.get("class_period_name"),
        superseded_at: row.get("superseded_at"),
        record: Record::from_row(row)?,
    })
}

pub(super) async fn get(
    tenancy: &Tenancy,
    cx: &OpContext,
    sight: &AttendanceSight,
    id: AttendanceEventId,
) -> Result<AttendanceEvent> {
    let rows = match sight {
        AttendanceSight::All => tenancy.fetch(cx, &GET, &[&id]).await?,
        AttendanceSight::Within(AttendanceWithin { account, on, family, teaching }) => {
            tenancy.fetch(cx, &GET_WITHIN, &[&id, account, on, family, teaching]).await?
        }
    };
    event(found(&rows)?)
}

pub(super) async fn history(
    tenancy: &Tenancy,
    cx: &OpContext,
    sight: &AttendanceSight,
    id: AttendanceEventId,
) -> Result<Vec<AttendanceEvent>> {
    let rows = match sight {
        AttendanceSight::All => tenancy.fetch(cx, &HISTORY, &[&id]).await?,
        AttendanceSight::Within(AttendanceWithin { account, on, family, teaching }) => {
            tenancy.fetch(cx, &HISTORY_WITHIN, &[&id, account, on, family, teaching]).await?
        }
    };
    rows.iter().map(event).collect()
}

/// What decides whether an event can be.
pub(super) struct Facts {
    pub(super) has_place: bool,
    pub(super) period_fits: bool,
    /// Of a class it is the school that counts, whatever else is said.
    pub(super) school_fits: bool,
    /// Of the code; none when there is no such code that counts.
    pub(super) future_allowed: Option<bool>,
}

/// What came of an insert.
pub(super) struct Made {
    pub(super) facts: Facts,
    /// Whether what it names was there to be corrected.
    pub(super) superseded: bool,
    /// None when nothing was written.
    pub(super) event: Option<AttendanceEvent>,
}

pub(super) async fn insert(
    tx: &mut TenantTx,
    key: Option<&IdempotencyKey>,
    id: AttendanceEventId,
    fields: &AttendanceEventFields,
    record: &Record,
) -> Result<Made> {
    let AttendanceEventFields {
        student_id, school_id, date, class_id, class_period_id, code_id, supersedes_id, ..
    } = fields;
    let (at, by) = (&record.created_at, &record.created_by);
    let facts: &Parameters<'_> = &[student_id, class_id, date, class_period_id, code_id, school_id];
    let corrected: &Parameters<'_> = &[supersedes_id, at, by, student_id, date, class_id, class_period_id];
    let source = record.source.word();
    let (arrival, departure) =
        (fields.arrival_time.as_ref().map(DayTime::column), fields.departure_time.as_ref().map(DayTime::column));
    let made: &Parameters<'_> = &[
        &id,
        at,
        &source,
        fields.metadata.column(),
        by,
        student_id,
        school_id,
        date,
        class_id,
        class_period_id,
        code_id,
        &arrival,
        &departure,
        &fields.reason,
        supersedes_id,
    ];
    let student = vec![*student_id];
    let registers: &Parameters<'_> = &[student_id, date, class_id, class_period_id, at, by, supersedes_id];
    let steps: [(&'static Statement, &Parameters<'_>); 5] = [
        (&presence_store::PRESENT, &[&student]),
        (&FACTS, facts),
        (&REGISTERS, registers),
        (&SUPERSEDE, corrected),
        (&INSERT, made),
    ];
    let rows = IdempotencyKey::query_all(key, tx, &steps).await?;
    check_present(&rows[0], *student_id, "student_id")?;
    let told = found(&rows[1])?;
    Ok(Made {
        facts: Facts {
            has_place: told.get("has_place"),
            period_fits: told.get("period_fits"),
            school_fits: told.get("school_fits"),
            future_allowed: told.get("future_allowed"),
        },
        superseded: !rows[3].is_empty(),
        event: rows[4].first().map(event).transpose()?,
    })
}

/// One that is kept from changing.
pub(super) async fn lock(tx: &mut TenantTx, id: AttendanceEventId) -> Result<AttendanceEvent> {
    let rows = tx.query_all(&[(&LOCK_REGISTER, &[&id]), (&LOCK, &[&id])]).await?;
    event(found(&rows[1])?)
}

pub(super) async fn delete(tx: TenantTx, gone: &AttendanceEvent) -> Result<()> {
    let (now, by) = (tx.cx().clock().now(), tx.cx().actor().to_string());
    let AttendanceEvent {
        id, fields: AttendanceEventFields { student_id, date, class_id, class_period_id, .. }, ..
    } = gone;
    let registers: &Parameters<'_> = &[student_id, date, class_id, class_period_id, &now, &by, id];
    tx.commit_with(&[(&REGISTERS, registers), (&DELETE, &[id, &now, &by])]).await.map(drop)
}
