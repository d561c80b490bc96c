//! Attendance: the codes, a register of each homeroom and day with what it said of everybody, corrections, and in upper grades the
//! registers of each class of the last week.

use std::collections::{BTreeMap, HashMap, HashSet};

use cloister_ids::{AttendanceCodeId, AttendanceEventId, AttendanceRegisterId, ClassId, Uuid};
use cloister_tenancy::{Error, Result};
use jiff::{Timestamp, ToSpan, civil::Date};
use serde_json::{Value, json};

use super::{
    absences::Planned,
    calendar::House,
    classes::{Class, Topic},
    events::{Event, Events},
    pen::Pen,
    plan::{Place, Plan, SectionKey},
    presence::Missed,
    store, timetable,
};
use crate::{sample::random::Random, search_key};

/// The codes that a sample uses.
#[derive(Debug, Clone, Copy)]
pub(super) struct Codes {
    present: Uuid,
    late: Uuid,
    unexcused: Uuid,
    excused: Uuid,
    pub(super) planned: Uuid,
}

/// Short name, title, category, direction, whether excused, whether for days to come.
const CODES: [(&str, &str, &str, &str, bool, bool); 6] = [
    ("P", "Present", "present", "in", true, false),
    ("L", "Late", "late", "in", false, false),
    ("UA", "Unexcused absence", "absent", "out", false, false),
    ("EA", "Excused absence", "absent", "out", true, false),
    ("PA", "Planned absence", "absent", "out", true, true),
    ("ED", "Left early", "early_departure", "in", true, false),
];

/// School days whose classes have registers of their own.
const LAST_DAYS: usize = 5;
const REASONS: [&str; 5] = ["Cold", "Fever", "Doctor's appointment", "Stomach ache", "Family matter"];

pub(super) async fn write_codes(pen: &mut Pen<'_>) -> Result<Codes> {
    let clock = pen.tx.cx().clock();
    let rows = CODES.iter().map(|(short, title, category, direction, excused, future)| {
        json!({ "id": AttendanceCodeId::generate(clock).uuid(), "short_name": short, "title": title,
            "title_search": search_key::of(title), "category": category, "direction": direction, "excused": excused,
            "reportable": true, "future_allowed": future })
    });
    let rows = rows.collect();
    pen.records("attendance_codes", &store::CODES, rows).await?;
    let names: Vec<&str> = CODES.iter().map(|(short, ..)| *short).collect();
    let there = pen.tx.query(&store::CODES_THERE, &[&names]).await?;
    let there: HashMap<String, Uuid> = there.iter().map(|row| (row.get("short_name"), row.get("id"))).collect();
    let code = |name: &str| there.get(name).copied().ok_or_else(|| Error::internal("an attendance code was not made"));
    Ok(Codes {
        present: code("P")?,
        late: code("L")?,
        unexcused: code("UA")?,
        excused: code("EA")?,
        planned: code("PA")?,
    })
}

/// A register that was taken, and when.
type Register = (AttendanceRegisterId, Timestamp);

/// How attendance is taken.
struct Taken<'a> {
    plan: &'a Plan,
    codes: &'a Codes,
    planned: &'a Planned,
    now: Timestamp,
    /// The days of which it was taken.
    days: HashSet<Date>,
    /// The last of them, on which every class has a register.
    last: Vec<Date>,
    /// Of each class and day.
    registers: HashMap<(ClassId, Date), Register>,
}

/// A section with its classes and who is in it.
type Section<'a> = (Vec<&'a Class>, Vec<&'a Place>);

/// Writes it, and tells which days students missed.
pub(super) async fn write(
    pen: &mut Pen<'_>,
    plan: &Plan,
    houses: &[House],
    classes: &[Class],
    codes: &Codes,
    planned: &Planned,
) -> Result<Missed> {
    let mut days: Vec<Date> = plan.years.iter().flat_map(|year| year.taught(plan.today)).collect();
    days.sort_unstable();
    let wanted = plan.attendance_days.map_or(days.len(), |days| usize::try_from(days).unwrap_or(usize::MAX));
    days.drain(..days.len().saturating_sub(wanted));
    let last = days.iter().skip(days.len().saturating_sub(LAST_DAYS)).copied().collect();
    let days = days.into_iter().collect();
    let mut taken = Taken { plan, codes, planned, now: pen.now, days, last, registers: HashMap::new() };
    let mut sections: BTreeMap<SectionKey, Section<'_>> = BTreeMap::new();
    for class in classes {
        sections.entry(class.section).or_default().0.push(class);
    }
    for place in &plan.places {
        sections.entry(place.section).or_default().1.push(place);
    }
    // All registers come before the first event: how PostgreSQL looks for the register of an event it decides once, and by how
    // many there are then.
    let mut random = Random::new(plan.seed ^ 0x7265_6769);
    for (key, section) in &sections {
        let rows = taken.registers(pen, houses, *key, section, &mut random);
        pen.records("attendance_registers", &store::REGISTERS, rows).await?;
    }
    write_planned(pen, plan, codes, planned).await?;
    let mut missed: Missed = planned.keys().copied().collect();
    let mut random = Random::new(plan.seed ^ 0x6174_7465);
    for (key, (classes, places)) in &sections {
        let Some(homeroom) = classes.iter().find(|class| class.topic == Topic::Homeroom) else { continue };
        let (mut events, mut missing) = (Events::default(), HashSet::new());
        for day in plan.years[key.year].taught(plan.today) {
            if let Some(register) = taken.registers.get(&(homeroom.id, day)) {
                taken.homeroom(pen, *key, day, *register, places, &mut random, &mut events, &mut missing);
            }
        }
        for class in classes.iter().filter(|class| class.topic != Topic::Homeroom) {
            taken.class(pen, class, houses, places, &missing, &mut events);
        }
        events.write(pen).await?;
        missed.extend(missing);
    }
    Ok(missed)
}

/// What approved requests have entered: the whole day, of days to come too.
async fn write_planned(pen: &mut Pen<'_>, plan: &Plan, codes: &Codes, planned: &Planned) -> Result<()> {
    let mut days: Vec<_> = planned.iter().collect();
    days.sort_unstable_by_key(|(day, _)| **day);
    let mut events = Events::default();
    for ((pupil, date), (request, decided)) in days {
        let pupil = &plan.pupils[*pupil];
        let id = AttendanceEventId::generate(pen.tx.cx().clock());
        let event = Event::new(id, *decided, pupil.id, plan.schools[pupil.school].id, *date, codes.planned);
        events.push(Event { request: Some(request.uuid()), ..event });
    }
    events.write(pen).await
}

impl Taken<'_> {
    /// The registers of a section: of the homeroom each day, and of other upper classes on the last days.
    fn registers(
        &mut self,
        pen: &Pen<'_>,
        houses: &[House],
        key: SectionKey,
        (classes, places): &Section<'_>,
        random: &mut Random,
    ) -> Vec<Value> {
        let clock = pen.tx.cx().clock();
        let school = self.plan.schools[key.school].id;
        let minute = 5 + i8::try_from(key.section % 20).unwrap_or(0);
        let mut rows = Vec::new();
        for class in classes {
            let number = class.topic.period(class.is_lower, class.place);
            let is_homeroom = class.topic == Topic::Homeroom;
            let of_week = |day: Date| day.weekday().to_monday_one_offset().cast_unsigned();
            let days: Vec<Date> = if is_homeroom {
                self.plan.years[key.year].taught(self.plan.today).filter(|day| self.days.contains(day)).collect()
            } else {
                let meets = |day: &&Date| timetable::days(class).contains(&of_week(**day));
                self.last.iter().filter(|_| !class.is_lower).filter(meets).copied().collect()
            };
            for day in days.into_iter().filter(|day| (class.begin..class.end).contains(day)) {
                // Now and then somebody forgets, or does it on the next day.
                let next = day.checked_add(1.day()).unwrap_or(day);
                let is_forgotten = is_homeroom && random.permille(6);
                let is_late = is_homeroom && random.permille(15) && self.plan.at(next, 9, 0) <= self.now;
                let taken_at = match (is_homeroom, is_late) {
                    (true, true) => self.plan.at(next, 8, minute),
                    (true, false) => self.plan.at(day, 8, minute),
                    (false, _) => self.plan.at(day, 8 + i8::try_from(number).unwrap_or(0), 30),
                };
                let is_empty = !places.iter().any(|place| place.from <= day && day < place.to);
                if is_forgotten || is_empty || taken_at > self.now {
                    continue;
                }
                let id = AttendanceRegisterId::generate(clock);
                self.registers.insert((class.id, day), (id, taken_at));
                let period = (!is_homeroom).then(|| houses[key.school].periods[number].uuid());
                rows.push(
                    json!({ "id": id.uuid(), "class_id": class.id.uuid(), "school_id": school.uuid(), "date": day,
                    "class_period_id": period, "taken_at": taken_at, "late": is_late }),
                );
            }
        }
        rows
    }

    /// What the register of a homeroom said, which is that of the day.
    #[expect(clippy::too_many_arguments, reason = "one day of one section, and what it adds to")]
    fn homeroom(
        &self,
        pen: &Pen<'_>,
        section: SectionKey,
        day: Date,
        (register, taken_at): Register,
        places: &[&Place],
        random: &mut Random,
        events: &mut Events,
        missing: &mut HashSet<(usize, Date)>,
    ) {
        let (clock, school) = (pen.tx.cx().clock(), self.plan.schools[section.school].id);
        let next = day.checked_add(1.day()).unwrap_or(day);
        for place in places.iter().filter(|place| place.from <= day && day < place.to) {
            if self.planned.contains_key(&(place.pupil, day)) {
                missing.insert((place.pupil, day));
                continue;
            }
            let pupil = &self.plan.pupils[place.pupil];
            let id = AttendanceEventId::generate(clock);
            let event = Event::new(id, taken_at, pupil.id, school, day, self.codes.present);
            let event = Event { register: Some(register.uuid()), ..event };
            if random.permille(pupil.misses) {
                missing.insert((place.pupil, day));
                // What nobody knew in the morning is mostly explained later.
                let told = self.plan.at(next, 10, 30);
                let absent = Event { code: self.codes.unexcused, ..event };
                if random.permille(750) && told <= self.now {
                    let reason = Some((*random.pick(&REASONS)).to_owned());
                    let corrected = AttendanceEventId::generate(clock);
                    let excused = Event::new(corrected, told, pupil.id, school, day, self.codes.excused);
                    events.push(Event { superseded: Some(told), ..absent });
                    events.push(Event { reason, supersedes: Some(id.uuid()), ..excused });
                } else {
                    events.push(absent);
                }
            } else if random.permille(18) {
                let arrival = Some(jiff::civil::time(8, 25 + random.small(30).cast_signed(), 0, 0));
                events.push(Event { code: self.codes.late, arrival, ..event });
            } else {
                events.push(event);
            }
        }
    }

    /// What the registers of another class said on the last days.
    fn class(
        &self,
        pen: &Pen<'_>,
        class: &Class,
        houses: &[House],
        places: &[&Place],
        missing: &HashSet<(usize, Date)>,
        events: &mut Events,
    ) {
        let clock = pen.tx.cx().clock();
        let number = class.topic.period(class.is_lower, class.place);
        let key = class.section;
        let (period, school) = (houses[key.school].periods[number], self.plan.schools[key.school].id);
        for day in &self.last {
            let Some((register, taken_at)) = self.registers.get(&(class.id, *day)) else { continue };
            for place in places.iter().filter(|place| place.from <= *day && *day < place.to) {
                let pupil = &self.plan.pupils[place.pupil];
                let code =
                    if missing.contains(&(place.pupil, *day)) { self.codes.unexcused } else { self.codes.present };
                let event = Event::new(AttendanceEventId::generate(clock), *taken_at, pupil.id, school, *day, code);
                let (class, period) = (Some(class.id.uuid()), Some(period.uuid()));
                events.push(Event { class, period, register: Some(register.uuid()), ..event });
            }
        }
    }
}
