//! All SQL about attendance events.
//!
//! That one event counts of each student, day, class and period is held by a unique index over those that do. So a correction
//! first marks what it corrects and then inserts, in one round trip, and of two at once the second is refused.

use cloister_http::IdempotencyKey;
use cloister_ids::{AttendanceEventId, ClassId, OrgId, PersonId};
use cloister_tenancy::{
    Error, OpContext, Result, Tenancy, TenantTx,
    sql::{Parameters, Row, Statement, ToSql, statements},
};
use jiff::civil::{Date, Time};

use super::{AttendanceEvent, AttendanceEventFields, AttendanceSight, AttendanceWithin, Meaning};
use crate::{
    attendance_code::Direction,
    attendance_scope_store::attendance_within,
    day_time::DayTime,
    listing::Span,
    presence_store::{self, check_present},
    record::{Metadata, Record, found, status},
    scope_store::in_force,
    store::delete,
    unnamed_store::{get, head, lock, page},
    vocabulary::AttendanceCategory,
};

macro_rules! fields {
    () => {
        "student_id, school_id, date, class_id, class_period_id, code_id, category, direction, excused, reportable,
         arrival_time, departure_time, reason, register_id, supersedes_id, superseded_at, absence_request_id"
    };
}

/// `$6` and `$7` the days, `$8` the school, `$9` category, `$10` direction, `$11` whether only what is of the whole day, or only
/// what is of classes; `$12` whether corrected ones too, `$13` student and `$14` class.
macro_rules! list {
    ($rest:expr, $key:literal $direction:ident) => {
        page!(
            "attendance_event",
            fields!(),
            concat!(
                " and ($6::date is null or date >= $6) and ($7::date is null or date < $7)
                  and ($8::uuid is null or school_id = $8) and ($9::text is null or category = $9)
                  and ($10::text is null or direction = $10)
                  and ($11::boolean is null or (class_id is null) = $11)
                  and ($12::boolean or superseded_at is null)",
                $rest
            ),
            $key $direction
        )
    };
}

macro_rules! list_within {
    ($key:literal $direction:ident) => {
        list!(
            concat!(
                " and status = 'active' and ($13::uuid is null or student_id = $13) and ($14::uuid is null or class_id = $14)",
                attendance_within!("student_id", "class_id", "$15", "$16", "$17", "$18")
            ),
            $key $direction
        )
    };
}

statements! {
    /// One.
    GET = get!("attendance_event", fields!());
    /// One within scopes.
    GET_WITHIN = concat!(
        get!("attendance_event", fields!()),
        " and status = 'active'",
        attendance_within!("student_id", "class_id", "$3", "$4", "$5", "$6")
    );
    /// One, to be changed.
    LOCK = lock!("attendance_event", fields!());
    /// All of the same student, day, class and period, newest first.
    HISTORY = concat!("select id, ", head!(), ", ", fields!(), " from attendance_event e
        where e.tenant_id = $1 and (e.student_id, e.date) in (
            select o.student_id, o.date from attendance_event o where o.tenant_id = $1 and o.id = $2)
        and exists (select from attendance_event o where o.tenant_id = $1 and o.id = $2
            and o.class_id is not distinct from e.class_id and o.class_period_id is not distinct from e.class_period_id)
        order by e.created_at desc, e.id desc limit 200");
    /// The same within scopes.
    HISTORY_WITHIN = concat!("select id, ", head!(), ", ", fields!(), " from attendance_event e
        where e.tenant_id = $1 and e.status = 'active' and (e.student_id, e.date) in (
            select o.student_id, o.date from attendance_event o
            where o.tenant_id = $1 and o.id = $2 and o.status = 'active')
        and exists (select from attendance_event o where o.tenant_id = $1 and o.id = $2
            and o.class_id is not distinct from e.class_id and o.class_period_id is not distinct from e.class_period_id)",
        attendance_within!("e.student_id", "e.class_id", "$3", "$4", "$5", "$6"),
        " order by e.created_at desc, e.id desc limit 200");
    /// What decides whether an event can be: `$2` student, `$3` class, `$4` day, `$5` period, `$6` code.
    FACTS = concat!("select
        exists (select from enrollment e where e.tenant_id = $1 and e.person_id = $2 and e.class_id = $3
            and e.role = 'student' and ", in_force!("e", "$4"), ") as has_place,
        exists (select from class_period d join class k on k.tenant_id = $1 and k.id = $3 and k.school_id = d.school_id
            where d.tenant_id = $1 and d.id = $5 and d.status = 'active') as period_fits,
        (select c.future_allowed from attendance_code c
            where c.tenant_id = $1 and c.id = $6 and c.status = 'active') as future_allowed");
    /// Marks as corrected what counts: `$2` which one, `$3` time, `$4` actor; `$5` to `$8` student, day, class and period.
    SUPERSEDE = "update attendance_event set superseded_at = $3, date_last_modified = $3, updated_at = $3, updated_by = $4,
            version = version + 1
        where tenant_id = $1 and id = $2 and status = 'active' and superseded_at is null
            and student_id = $5 and date = $6 and class_id is not distinct from $7
            and class_period_id is not distinct from $8
        returning id";
    /// A new one, if what it corrects was marked a moment ago, with what its code means now, in the school of the class or of the student unless one is given.
    INSERT = concat!("insert into attendance_event (tenant_id, id, ", head!(), ", ", fields!(), ")
        select $1, $2, 'active', $3, $4, $5, 1, $3, $6, $3, $6,
            $7::uuid, s.school_id, $9::date, $10::uuid, $11::uuid, c.id, c.category, c.direction, c.excused, c.reportable,
            $13::time, $14::time, $15::text, $16::uuid, $17::uuid, null::timestamptz, null::uuid
        from attendance_code c
        cross join lateral (select coalesce($8::uuid,
            (select k.school_id from class k where k.tenant_id = $1 and k.id = $10),
            (select p.primary_org_id from person p where p.tenant_id = $1 and p.id = $7)) as school_id) s
        where c.tenant_id = $1 and c.id = $12 and c.status = 'active' and s.school_id is not null
            and ($17::uuid is null or exists (select from attendance_event o
                where o.tenant_id = $1 and o.id = $17 and o.superseded_at = $3))
        returning id, ", head!(), ", ", fields!());
    /// Taken back.
    DELETE = delete!("attendance_event", "id = $2");
    /// All by day.
    ALL_BY_DATE = list!("", "date" asc);
    /// All by day, from the last.
    ALL_BY_DATE_DESC = list!("", "date" desc);
    /// Those of a student by day.
    STUDENT_BY_DATE = list!(" and student_id = $13 and ($14::uuid is null or class_id = $14)", "date" asc);
    /// Those of a student by day, from the last.
    STUDENT_BY_DATE_DESC = list!(" and student_id = $13 and ($14::uuid is null or class_id = $14)", "date" desc);
    /// Those of a class by day.
    CLASS_BY_DATE = list!(" and class_id = $13", "date" asc);
    /// Those of a class by day, from the last.
    CLASS_BY_DATE_DESC = list!(" and class_id = $13", "date" desc);
    /// Those within scopes by day.
    WITHIN_BY_DATE = list_within!("date" asc);
    /// Those within scopes by day, from the last.
    WITHIN_BY_DATE_DESC = list_within!("date" desc);
}

fn event(row: &Row) -> Result<AttendanceEvent> {
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
    let facts: &Parameters<'_> = &[student_id, class_id, date, class_period_id, code_id];
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
        &None::<cloister_ids::AttendanceRegisterId>,
        supersedes_id,
    ];
    let student = vec![*student_id];
    let steps: [(&'static Statement, &Parameters<'_>); 4] =
        [(&presence_store::PRESENT, &[&student]), (&FACTS, facts), (&SUPERSEDE, corrected), (&INSERT, made)];
    let rows = IdempotencyKey::query_all(key, tx, &steps).await?;
    check_present(&rows[0], *student_id, "student_id")?;
    let told = found(&rows[1])?;
    Ok(Made {
        facts: Facts {
            has_place: told.get("has_place"),
            period_fits: told.get("period_fits"),
            future_allowed: told.get("future_allowed"),
        },
        superseded: !rows[2].is_empty(),
        event: rows[3].first().map(event).transpose()?,
    })
}

/// One that is kept from changing.
pub(super) async fn lock(tx: &mut TenantTx, id: AttendanceEventId) -> Result<AttendanceEvent> {
    event(found(&tx.query(&LOCK, &[&id]).await?)?)
}

pub(super) async fn delete(tx: TenantTx, id: AttendanceEventId) -> Result<()> {
    let (now, by) = (tx.cx().clock().now(), tx.cx().actor().to_string());
    tx.commit_with(&[(&DELETE, &[&id, &now, &by])]).await.map(drop)
}

/// Which attendance events.
pub(super) struct Selection {
    pub(super) span: Span,
    pub(super) from: Option<Date>,
    pub(super) until: Option<Date>,
    pub(super) school_id: Option<OrgId>,
    pub(super) student_id: Option<PersonId>,
    pub(super) class_id: Option<ClassId>,
    pub(super) category: Option<AttendanceCategory>,
    pub(super) direction: Option<Direction>,
    pub(super) whole_day: Option<bool>,
    pub(super) history: bool,
}

pub(super) async fn list_by_date(
    tenancy: &Tenancy,
    cx: &OpContext,
    sight: &AttendanceSight,
    selection: &Selection,
) -> Result<Vec<AttendanceEvent>> {
    let Selection { span, from, until, school_id, student_id, class_id, category, direction, whole_day, history } =
        selection;
    let (category, direction) =
        (category.as_ref().map(AttendanceCategory::as_str), direction.as_ref().map(|direction| direction.word()));
    let mut parameters: Vec<&(dyn ToSql + Sync)> = vec![
        &span.status,
        span.key(),
        &span.after.id,
        &span.limit,
        from,
        until,
        school_id,
        &category,
        &direction,
        whole_day,
        history,
    ];
    let statements: [&'static Statement; 2] = match (sight, student_id, class_id) {
        (AttendanceSight::Within(AttendanceWithin { account, on, family, teaching }), student, class) => {
            parameters.extend([student as &(dyn ToSql + Sync), class, account, on, family, teaching]);
            [&WITHIN_BY_DATE, &WITHIN_BY_DATE_DESC]
        }
        // Of one student there are few: the class is looked for among them.
        (AttendanceSight::All, Some(student), class) => {
            parameters.extend([student as &(dyn ToSql + Sync), class]);
            [&STUDENT_BY_DATE, &STUDENT_BY_DATE_DESC]
        }
        (AttendanceSight::All, None, Some(class)) => {
            parameters.push(class);
            [&CLASS_BY_DATE, &CLASS_BY_DATE_DESC]
        }
        (AttendanceSight::All, None, None) => [&ALL_BY_DATE, &ALL_BY_DATE_DESC],
    };
    tenancy.fetch(cx, span.pick(statements), &parameters).await?.iter().map(event).collect()
}
