//! All SQL about attendance registers.
//!
//! Whoever takes a register locks the class first, by a statement of its own: of two at once, the second sees what the first
//! has written. Whoever corrects a single entry changes the version of its register before the entry, so it waits for whoever
//! takes the register meanwhile.
//!
//! What was taken stays as it was, whatever becomes of the roster: a register that was taken holds all of whom it said
//! something, though their place, the class or they themselves be gone since, and whether it was of the whole day is kept.

use cloister_ids::{AttendanceCodeId, AttendanceEventId, AttendanceRegisterId, ClassId, OrgId};
use cloister_tenancy::{
    Error, OpContext, Result, Tenancy, TenantTx,
    sql::{Parameters, Row, Statement, ToSql, statements},
};
use jiff::{
    Timestamp,
    civil::{Date, Time},
};

use super::{
    AttendanceRegister, SheetEntry, Slot, Taking,
    sheet::{Codes, NewEvent},
};
use crate::{
    day_time::DayTime,
    record::{Metadata, Record, Status, found},
    scope::{Sight, Within},
    scope_store::{classes_taught, in_force, one_within},
    unnamed_store::head,
};

macro_rules! fields {
    () => {
        "class_id, school_id, date, class_period_id, taken_at, taken_by, late"
    };
}

pub(super) use fields;

macro_rules! taken {
    () => {
        concat!(
            "select id, version, updated_at, updated_by, whole_day, ",
            fields!(),
            " from attendance_register where tenant_id = $1 and class_id = $2 and date = $3
                and class_period_id is not distinct from $4"
        )
    };
}

macro_rules! class {
    () => {
        "select id, school_id, class_type, status, title from class where tenant_id = $1 and id = $2"
    };
}

/// Whether the person `p` has a place as student in the class `$2` on the day `$3`.
macro_rules! has_place {
    () => {
        concat!(
            "exists (select from enrollment s where s.tenant_id = $1 and s.class_id = $2 and s.person_id = p.id
                and s.role = 'student' and ",
            in_force!("s", "$3"),
            ") and p.status = 'active'"
        )
    };
}

/// The columns of events `$v` of the student `p` that the register shows: `w` tells whether it is of the whole day.
macro_rules! of_slot {
    ($v:literal) => {
        concat!(
            $v,
            ".tenant_id = $1 and ",
            $v,
            ".student_id = p.id and ",
            $v,
            ".date = $3 and ",
            $v,
            ".class_period_id is not distinct from $4
                and ",
            $v,
            ".class_id is not distinct from case when w.whole_day then null else $2::uuid end"
        )
    };
}

statements! {
    /// The class, deleted or not.
    CLASS = class!();
    /// The class, if it is within scopes.
    CLASS_WITHIN = concat!(class!(), one_within!(classes_taught!("$3", "$4", "$5")));
    /// The same, and keeps others from taking its registers.
    LOCK_CLASS = concat!(class!(), " for no key update");
    /// The same, if it is within scopes.
    LOCK_CLASS_WITHIN = concat!(class!(), one_within!(classes_taught!("$3", "$4", "$5")), " for no key update");
    /// Those with a place as student in the class `$2` on the day `$3`, kept from leaving, in the order in which all lock persons.
    STUDENTS = concat!("select p.id from person p where p.tenant_id = $1 and p.id = any(array(
            select s.person_id from enrollment s
            where s.tenant_id = $1 and s.class_id = $2 and s.role = 'student' and ", in_force!("s", "$3"), "))
        order by p.id for share");
    /// Whether a period is one of the school of the class, and what the calendar says of the day: `$2` class, `$3` day,
    /// `$4` period.
    DAY = "select
        $4::uuid is null or exists (select from class_period d join class k on k.tenant_id = $1 and k.id = $2
            and k.school_id = d.school_id where d.tenant_id = $1 and d.id = $4 and d.status = 'active') as period_fits,
        (select c.is_instructional from calendar_date c join class k on k.tenant_id = $1 and k.id = $2
            and k.school_id = c.school_id
            where c.tenant_id = $1 and c.date = $3 and c.status = 'active') as instructional,
        (select d.name from class_period d where d.tenant_id = $1 and d.id = $4) as class_period_name";
    /// The register, if it was taken.
    GET = taken!();
    /// The same, and keeps others from correcting it.
    LOCK = concat!(taken!(), " for no key update");
    /// By name, all with a place as student in the class on the day and all of whom the register says something, and what is said
    /// of each: `$2` class, `$3` day, `$4` period. What a homeroom without a period says is of the whole day, and of no class.
    SHEET = concat!("select p.id as student_id, p.given_name, p.family_name, v.id as event_id, v.code_id, v.arrival_time, v.departure_time, v.reason, ",
            has_place!(), " as has_place,
            (select coalesce(sum(o.version), 0)::bigint from attendance_event o where ", of_slot!("o"), ") as said
        from person p
        join (select coalesce((select g.whole_day from attendance_register g where g.tenant_id = $1 and g.class_id = $2
                and g.date = $3 and g.class_period_id is not distinct from $4),
            k.class_type = 'homeroom' and $4::uuid is null) as whole_day
            from class k where k.tenant_id = $1 and k.id = $2) w on true
        left join attendance_event v on ", of_slot!("v"), " and v.status = 'active' and v.superseded_at is null
        where p.tenant_id = $1 and p.id = any(array(
                select s.person_id from enrollment s where s.tenant_id = $1 and s.class_id = $2 and s.role = 'student'
                    and ", in_force!("s", "$3"), "
                union all
                select r.student_id from attendance_register g join attendance_event r on r.tenant_id = $1
                    and r.register_id = g.id and r.status = 'active' and r.superseded_at is null
                    where g.tenant_id = $1 and g.class_id = $2 and g.date = $3
                        and g.class_period_id is not distinct from $4))
            and (p.status = 'active' or v.register_id is not null)
        order by p.name_search, p.id");
    /// Those of the codes `$2` that count.
    CODES = "select id from attendance_code
        where tenant_id = $1 and id = any($2::uuid[]) and status = 'active'";
    /// A register that is taken for the first time: `$14` its version, which goes on from what was said before.
    INSERT = concat!("insert into attendance_register (tenant_id, id, ", head!(), ", ", fields!(), ", whole_day)
        values ($1, $2, 'active', $3, $4, $5, $14, $3, $6, $3, $6, $7, $8, $9, $10, $11, $12, $13, $15)");
    /// What was said before and stays is the register's from now on: `$2` register, `$3` time, `$4` actor, `$5` which events.
    ADOPT = "update attendance_event set register_id = $2, date_last_modified = $3, updated_at = $3, updated_by = $4,
            version = version + 1
        where tenant_id = $1 and id = any($5::uuid[]) and register_id is null";
    /// Taken again.
    UPDATE = "update attendance_register set version = version + 1, date_last_modified = $3, updated_at = $3, updated_by = $4
        where tenant_id = $1 and id = $2";
    /// Marks an event as corrected: `$2` which one, `$3` time, `$4` actor.
    SUPERSEDE = "update attendance_event set superseded_at = $3, date_last_modified = $3, updated_at = $3, updated_by = $4,
            version = version + 1
        where tenant_id = $1 and id = $2 and status = 'active' and superseded_at is null";
    /// A new event, with what its code means now.
    RECORD = concat!("insert into attendance_event (tenant_id, id, ", head!(), ",
            student_id, school_id, date, class_id, class_period_id, code_id, category, direction, excused, reportable,
            arrival_time, departure_time, reason, register_id, supersedes_id)
        select $1, $2, 'active', $3, $4, $5, 1, $3, $6, $3, $6,
            $7::uuid, $8::uuid, $9::date, $10::uuid, $11::uuid, c.id, c.category, c.direction, c.excused, c.reportable,
            $13::time, $14::time, $15::text, $16::uuid, $17::uuid
        from attendance_code c where c.tenant_id = $1 and c.id = $12");
}

/// That it was taken, from a row of a register.
pub(super) fn taking(row: &Row) -> Taking {
    Taking {
        id: row.get("id"),
        taken_at: row.get("taken_at"),
        taken_by: row.get("taken_by"),
        late: row.get("late"),
        updated_at: row.get("updated_at"),
        updated_by: row.get("updated_by"),
    }
}

fn line(row: &Row) -> SheetEntry {
    let time = |column: &str| row.get::<_, Option<Time>>(column).map(DayTime::from_column);
    SheetEntry {
        student_id: row.get("student_id"),
        student_given_name: row.get("given_name"),
        student_family_name: row.get("family_name"),
        code_id: row.get("code_id"),
        arrival_time: time("arrival_time"),
        departure_time: time("departure_time"),
        reason: row.get("reason"),
        event_id: row.get("event_id"),
        has_place: row.get("has_place"),
    }
}

/// From the rows of class, day, register and sheet. What came of a class that is not seen goes no further than here.
fn register(rows: &[Vec<Row>], slot: &Slot) -> Result<(AttendanceRegister, Option<bool>)> {
    let (class, day) = (found(&rows[0])?, found(&rows[1])?);
    if !day.get::<_, bool>("period_fits") {
        let message = "Name a class period of the school of the class.";
        return Err(Error::field("class_period_id", "class_period_unknown", message));
    }
    let taken = rows[2].first();
    let homeroom = class.get::<_, &str>("class_type") == "homeroom";
    // It would count beside the register of the day. One from before the class became a homeroom stays.
    if homeroom && slot.class_period_id.is_some() && taken.is_none() {
        let message = "The register of a homeroom is that of the day: leave class_period_id out.";
        return Err(Error::field("class_period_id", "homeroom_without_period", message));
    }
    // Of a class that is gone there are the registers that were taken, and no others.
    if taken.is_none() && class.get::<_, &str>("status") != Status::Active.word() {
        return Err(Error::not_found());
    }
    let register = AttendanceRegister {
        class_id: slot.class_id,
        school_id: taken.unwrap_or(class).get("school_id"),
        date: slot.date,
        class_period_id: slot.class_period_id,
        class_title: class.get("title"),
        class_period_name: day.get("class_period_name"),
        whole_day: taken.map_or(homeroom && slot.class_period_id.is_none(), |row| row.get("whole_day")),
        taken: taken.map(taking),
        version: taken
            .map_or_else(|| rows[3].iter().map(|row| row.get::<_, i64>("said")).sum(), |row| row.get("version")),
        entries: rows[3].iter().map(line).collect(),
    };
    Ok((register, day.get("instructional")))
}

pub(super) async fn get(tenancy: &Tenancy, cx: &OpContext, sight: &Sight, slot: &Slot) -> Result<AttendanceRegister> {
    let Slot { class_id, date, class_period_id } = slot;
    let day: &Parameters<'_> = &[class_id, date, class_period_id];
    let of_day = |class| [class, (&DAY, day), (&GET, day), (&SHEET, day)];
    let rows = match sight {
        Sight::All => {
            let class: &Parameters<'_> = &[class_id];
            tenancy.fetch_all(cx, &of_day((&CLASS, class))).await?
        }
        Sight::Within(Within { account, on, scopes, .. }) => {
            let class: &Parameters<'_> = &[class_id, account, on, scopes];
            tenancy.fetch_all(cx, &of_day((&CLASS_WITHIN, class))).await?
        }
    };
    register(&rows, slot).map(|(register, _)| register)
}

/// A register that nobody else takes meanwhile.
pub(super) struct Opened {
    pub(super) register: AttendanceRegister,
    /// What the calendar says; none when it says nothing of the day.
    pub(super) instructional: Option<bool>,
    pub(super) codes: Codes,
}

pub(super) async fn open(tx: &mut TenantTx, sight: &Sight, slot: &Slot, codes: &[AttendanceCodeId]) -> Result<Opened> {
    let Slot { class_id, date, class_period_id } = slot;
    let day: &Parameters<'_> = &[class_id, date, class_period_id];
    let codes: &Parameters<'_> = &[&codes];
    let students: &Parameters<'_> = &[class_id, date];
    let of_day = |class| [class, (&DAY, day), (&LOCK, day), (&STUDENTS, students), (&SHEET, day), (&CODES, codes)];
    let mut rows = match sight {
        Sight::All => {
            let class: &Parameters<'_> = &[class_id];
            tx.query_all(&of_day((&LOCK_CLASS, class))).await?
        }
        Sight::Within(Within { account, on, scopes, .. }) => {
            let class: &Parameters<'_> = &[class_id, account, on, scopes];
            tx.query_all(&of_day((&LOCK_CLASS_WITHIN, class))).await?
        }
    };
    rows.remove(3);
    let (register, instructional) = register(&rows, slot)?;
    let codes = rows[4].iter().map(|row| row.get("id")).collect();
    Ok(Opened { register, instructional, codes })
}

/// The parameters of a new event.
struct EventRow<'a> {
    new: &'a NewEvent,
    arrival: Option<&'a Time>,
    departure: Option<&'a Time>,
}

/// What all events of a register share.
struct Shared<'a> {
    at: &'a Timestamp,
    by: &'a String,
    source: &'static str,
    metadata: Metadata,
    school_id: &'a OrgId,
    date: &'a Date,
    class_id: Option<ClassId>,
    register_id: &'a AttendanceRegisterId,
}

/// The register, what is corrected, what is new, and the commit, in one round trip.
pub(super) async fn save(
    tx: TenantTx,
    register: &AttendanceRegister,
    taken: &Taking,
    first: bool,
    new: &[NewEvent],
) -> Result<()> {
    let AttendanceRegister { class_id, school_id, date, class_period_id, whole_day, version, .. } = register;
    let shared = Shared {
        at: &taken.updated_at,
        by: &taken.updated_by,
        source: Record::new(tx.cx()).source.word(),
        metadata: Metadata::default(),
        school_id,
        date,
        class_id: (!whole_day).then_some(*class_id),
        register_id: &taken.id,
    };
    let inserted: &Parameters<'_> = &[
        &taken.id,
        &taken.taken_at,
        &shared.source,
        shared.metadata.column(),
        &taken.taken_by,
        class_id,
        school_id,
        date,
        class_period_id,
        &taken.taken_at,
        &taken.taken_by,
        &taken.late,
        version,
        whole_day,
    ];
    let stays = |id: &&AttendanceEventId| new.iter().all(|new| new.id != **id);
    let kept: Vec<AttendanceEventId> =
        register.entries.iter().filter_map(|line| line.event_id.as_ref()).filter(stays).copied().collect();
    let adopted: &Parameters<'_> = &[&taken.id, shared.at, shared.by, &kept];
    let updated: &Parameters<'_> = &[&taken.id, shared.at, shared.by];
    let rows: Vec<EventRow<'_>> = new
        .iter()
        .map(|new| EventRow {
            new,
            arrival: new.entry.arrival_time.as_ref().map(DayTime::column),
            departure: new.entry.departure_time.as_ref().map(DayTime::column),
        })
        .collect();
    let corrected: Vec<[&(dyn ToSql + Sync); 3]> = rows
        .iter()
        .filter_map(|row| row.new.supersedes.as_ref())
        .map(|id| [id as &(dyn ToSql + Sync), shared.at, shared.by])
        .collect();
    let recorded: Vec<[&(dyn ToSql + Sync); 16]> = rows
        .iter()
        .map(|row| {
            let EventRow { new: NewEvent { id, supersedes, entry }, arrival, departure } = row;
            [
                id as &(dyn ToSql + Sync),
                shared.at,
                &shared.source,
                shared.metadata.column(),
                shared.by,
                &entry.student_id,
                shared.school_id,
                shared.date,
                &shared.class_id,
                class_period_id,
                &entry.code_id,
                arrival,
                departure,
                &entry.reason,
                shared.register_id,
                supersedes,
            ]
        })
        .collect();
    let mut items: Vec<(&'static Statement, &Parameters<'_>)> =
        vec![if first { (&INSERT, inserted) } else { (&UPDATE, updated) }];
    if !kept.is_empty() {
        items.push((&ADOPT, adopted));
    }
    items.extend(corrected.iter().map(|with| (&SUPERSEDE as &'static Statement, with.as_slice())));
    items.extend(recorded.iter().map(|with| (&RECORD as &'static Statement, with.as_slice())));
    tx.commit_with(&items).await.map(drop)
}
