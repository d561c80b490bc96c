//! School years with their parts, days, periods, forms of the day and rooms.

use std::collections::HashMap;

use cloister_ids::{BellScheduleId, CalendarDateId, ClassPeriodId, RoomId};
use cloister_tenancy::Result;
use serde_json::{Value, json};

use super::{
    pen::Pen,
    plan::{Plan, YEARS},
    store,
};
use crate::search_key;

/// Where and when classes of a school can meet.
#[derive(Debug)]
pub(super) struct House {
    /// Homeroom, and the periods after it.
    pub(super) periods: Vec<ClassPeriodId>,
    /// A room for each section, with its number.
    pub(super) rooms: Vec<(RoomId, String)>,
}

/// Periods after homeroom.
pub(super) const PERIODS: usize = 7;
/// When each begins: homeroom, then the others; and when they do on a short day. Homeroom ends after a quarter of an hour, or
/// ten minutes, others after 45 minutes, or 30.
const BEGINS: [&str; PERIODS + 1] = ["08:00", "08:20", "09:10", "10:10", "11:00", "12:30", "13:20", "14:10"];
const ENDS: [&str; PERIODS + 1] = ["08:15", "09:05", "09:55", "10:55", "11:45", "13:15", "14:05", "14:55"];
const SHORT_BEGINS: [&str; PERIODS + 1] = ["08:00", "08:15", "08:50", "09:25", "10:00", "10:35", "11:10", "11:45"];
const SHORT_ENDS: [&str; PERIODS + 1] = ["08:10", "08:45", "09:20", "09:55", "10:30", "11:05", "11:40", "12:15"];

pub(super) async fn write(pen: &mut Pen<'_>, plan: &Plan) -> Result<Vec<House>> {
    pen.records("academic_sessions", &store::SESSIONS, sessions(plan)).await?;
    let mut houses = Vec::with_capacity(plan.schools.len());
    for (number, school) in plan.schools.iter().enumerate() {
        let clock = pen.tx.cx().clock();
        let periods: Vec<ClassPeriodId> = BEGINS.iter().map(|_| ClassPeriodId::generate(clock)).collect();
        let short = BellScheduleId::generate(clock);
        let named = |at: usize| if at == 0 { "Homeroom".to_owned() } else { format!("Period {at}") };
        let of_period = |(at, id): (usize, &ClassPeriodId)| {
            json!({ "id": id.uuid(), "school_id": school.id.uuid(), "name": named(at),
                "name_search": search_key::of(&named(at)), "sequence": at, "start_time": BEGINS[at],
                "end_time": ENDS[at], "official_attendance_period": at == 0 })
        };
        let rows = periods.iter().enumerate().map(of_period).collect();
        let shortened = periods.iter().enumerate().map(|(at, id)| {
            json!({ "bell_schedule_id": short.uuid(), "class_period_id": id.uuid(), "start_time": SHORT_BEGINS[at],
                "end_time": SHORT_ENDS[at] })
        });
        let shortened = shortened.collect();
        let schedule = json!({ "id": short.uuid(), "school_id": school.id.uuid(), "name": "Short day",
            "name_search": search_key::of("Short day") });
        let days = plan.years.iter().flat_map(|year| &year.days).map(|day| {
            json!({ "id": CalendarDateId::generate(clock).uuid(), "school_id": school.id.uuid(), "date": day.date,
                "calendar_event": day.event, "is_instructional": day.is_instructional, "title": day.title,
                "bell_schedule_id": day.is_short.then(|| short.uuid()) })
        });
        let days = days.collect();
        let sections = (0..YEARS).map(|year| plan.sections_in(year, number).len()).max().unwrap_or(0);
        let rooms: Vec<(RoomId, String)> =
            (0..sections).map(|at| (RoomId::generate(clock), format!("{}{:02}", 1 + at / 20, 1 + at % 20))).collect();
        let mut of_rooms: Vec<Value> =
            rooms.iter().map(|(id, number)| room(*id, school.id, number, "classroom", 30)).collect();
        for (name, kind, capacity) in [
            ("Science lab", "laboratory", 28),
            ("Sports hall", "gymnasium", 120),
            ("Library", "library", 60),
            ("Main hall", "auditorium", 400),
        ] {
            of_rooms.push(room(RoomId::generate(clock), school.id, name, kind, capacity));
        }
        pen.records("class_periods", &store::PERIODS, rows).await?;
        pen.records("bell_schedules", &store::BELL_SCHEDULES, vec![schedule]).await?;
        pen.parts(&store::BELL_SCHEDULE_PERIODS, shortened).await?;
        pen.records("calendar_dates", &store::CALENDAR_DATES, days).await?;
        pen.records("rooms", &store::ROOMS, of_rooms).await?;
        houses.push(House { periods, rooms });
    }
    Ok(houses)
}

fn sessions(plan: &Plan) -> Vec<Value> {
    let mut rows = Vec::new();
    for year in &plan.years {
        let sessions = year.calendar.sessions.iter().zip(&year.session_ids);
        let ids: HashMap<&str, _> = sessions.clone().map(|(session, id)| (session.id.as_str(), id.uuid())).collect();
        rows.extend(sessions.map(|(session, id)| {
            json!({ "id": id.uuid(), "sourced_id": id.to_string(), "title": session.title,
                "title_search": search_key::of(&session.title), "type": session.kind, "start_date": session.start,
                "end_date": session.end, "school_year": year.school_year,
                "parent_id": session.parent.as_ref().and_then(|parent| ids.get(parent.as_str())) })
        }));
    }
    rows
}

fn room(id: RoomId, school: cloister_ids::OrgId, number: &str, kind: &str, capacity: u16) -> Value {
    json!({ "id": id.uuid(), "school_id": school.uuid(), "room_number": number,
        "room_number_search": search_key::of(number), "room_type": kind, "capacity": capacity })
}
