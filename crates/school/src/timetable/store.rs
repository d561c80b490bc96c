//! All SQL about timetables: the meetings of a class, person or room are few, and found by an index.

use cloister_ids::{ClassId, PersonId, RoomId};
use cloister_tenancy::{
    OpContext, Result, Tenancy,
    sql::{Row, statements},
};
use jiff::civil::Date;

use super::Lesson;
use crate::{
    day_time::{DayOfWeek, DayTime},
    scope::{Sight, Within},
    scope_store::{in_force, places_asked_for},
    term_store::terms,
};

/// The meetings that `$from` finds as `m` and `$which` narrows, in force on the day `$3`, also by the terms of their class; with
/// `$4`, those held on that day.
macro_rules! lessons {
    ($from:literal, $which:expr) => {
        concat!(
            "select m.id as meeting_id, m.class_id, k.title as class_title, m.day_of_week, m.cycle_day, m.class_period_id,
                d.name as class_period_name, m.room_id, r.room_number, m.teacher_id,
                case when $4::boolean then coalesce(b.start_time, d.start_time) else d.start_time end as start_time,
                case when $4::boolean then coalesce(b.end_time, d.end_time) else d.end_time end as end_time
             from ", $from, "
             join class k on k.tenant_id = $1 and k.id = m.class_id and k.status = 'active'
             join class_period d on d.tenant_id = $1 and d.id = m.class_period_id
             left join room r on r.tenant_id = $1 and r.id = m.room_id
             left join calendar_date c on c.tenant_id = $1 and c.school_id = k.school_id and c.date = $3::date
                and c.status = 'active'
             left join bell_schedule_period b on b.tenant_id = $1 and b.bell_schedule_id = c.bell_schedule_id
                and b.class_period_id = m.class_period_id
             where m.tenant_id = $1 and ", in_force!("m", "$3"), $which, "
                and exists (select from (", terms!("m.class_id"), ") span where span.begins <= $3::date and span.ends > $3::date)
                and (not $4::boolean or (coalesce(c.is_instructional, true)
                    and (m.day_of_week = extract(isodow from $3::date)::int or m.cycle_day = c.cycle_day)
                    and (c.bell_schedule_id is null or b.class_period_id is not null)))
             order by m.day_of_week, m.cycle_day, start_time, d.sequence, m.id limit 500"
        )
    };
}

/// Of the person `$2`, with a place in the class on the day: of a class with several teachers, the meetings of this one.
macro_rules! of_person {
    ($places:expr) => {
        lessons!(
            "meeting m",
            concat!(
                " and exists (select from enrollment e where e.tenant_id = $1 and e.person_id = $2 and e.class_id = m.class_id
                    and (e.role <> 'teacher' or m.teacher_id is null or m.teacher_id = e.person_id) and ",
                in_force!("e", "$3"),
                $places,
                ")"
            )
        )
    };
}

statements! {
    /// Of a class.
    OF_CLASS = lessons!("meeting m", " and m.class_id = $2");
    /// Of a room.
    OF_ROOM = lessons!("meeting m", " and m.room_id = $2");
    /// Of a person.
    OF_PERSON = of_person!("");
    /// Of a person, as far as their places are within scopes.
    OF_PERSON_WITHIN = of_person!(places_asked_for!("$5", "$6", "$7"));
}

fn lesson(row: &Row) -> Lesson {
    Lesson {
        meeting_id: row.get("meeting_id"),
        class_id: row.get("class_id"),
        class_title: row.get("class_title"),
        day_of_week: row.get::<_, Option<i16>>("day_of_week").and_then(DayOfWeek::of),
        cycle_day: row.get("cycle_day"),
        class_period_id: row.get("class_period_id"),
        class_period_name: row.get("class_period_name"),
        start_time: DayTime::from_column(row.get("start_time")),
        end_time: DayTime::from_column(row.get("end_time")),
        room_id: row.get("room_id"),
        room_number: row.get("room_number"),
        teacher_id: row.get("teacher_id"),
    }
}

pub(super) async fn of_class(
    tenancy: &Tenancy,
    cx: &OpContext,
    class: ClassId,
    on: Date,
    day_only: bool,
) -> Result<Vec<Lesson>> {
    let rows = tenancy.fetch(cx, &OF_CLASS, &[&class, &on, &day_only]).await?;
    Ok(rows.iter().map(lesson).collect())
}

pub(super) async fn of_room(
    tenancy: &Tenancy,
    cx: &OpContext,
    room: RoomId,
    on: Date,
    day_only: bool,
) -> Result<Vec<Lesson>> {
    let rows = tenancy.fetch(cx, &OF_ROOM, &[&room, &on, &day_only]).await?;
    Ok(rows.iter().map(lesson).collect())
}

pub(super) async fn of_person(
    tenancy: &Tenancy,
    cx: &OpContext,
    sight: &Sight,
    person: PersonId,
    on: Date,
    day_only: bool,
) -> Result<Vec<Lesson>> {
    let rows = match sight {
        Sight::All => tenancy.fetch(cx, &OF_PERSON, &[&person, &on, &day_only]).await?,
        Sight::Within(Within { account, on: today, places, .. }) => {
            tenancy.fetch(cx, &OF_PERSON_WITHIN, &[&person, &on, &day_only, account, today, places]).await?
        }
    };
    Ok(rows.iter().map(lesson).collect())
}
