//! Attendance: the codes, a register of each homeroom and day with what it said of everybody, corrections, and in upper grades the
//! registers of each class of the last week.

use std::collections::{BTreeMap, HashMap, HashSet};

use cloister_ids::{AttendanceCodeId, AttendanceEventId, AttendanceRegisterId, ClassId, Uuid};
use cloister_tenancy::{Error, Result};
use jiff::{Timestamp, ToSpan, civil::Date, tz::TimeZone};
use serde_json::{Value, json};

use super::{
    absences::Planned,
    calendar::House,
    classes::{Class, Topic},
    events::{Event, Events},
    pen::Pen,
    plan::{Place, Plan, SectionKey, YEARS},
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

/// A time of a day.
pub(super) fn at(date: Date, hour: i8, minute: i8) -> Timestamp {
    date.at(hour, minute, 0, 0).to_zoned(TimeZone::UTC).map_or(Timestamp::UNIX_EPOCH, |zoned| zoned.timestamp())
}

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

/// Where and by what a section's attendance is taken.
struct Taken<'a> {
    plan: &'a Plan,
    codes: &'a Codes,
    planned: &'a Planned,
    now: Timestamp,
    /// The first day of which attendance was taken.
    first: Date,
    /// The last days, on which every class has a register.
    last: HashSet<Date>,
}

pub(super) async fn write(
    pen: &mut Pen<'_>,
    plan: &Plan,
    houses: &[House],
    classes: &[Class],
    codes: &Codes,
    planned: &Planned,
) -> Result<()> {
    let mut taught: Vec<Date> = plan.years.iter().flat_map(|year| year.taught(plan.today)).collect();
    taught.sort_unstable();
    let wanted = plan.attendance_days.map_or(taught.len(), |days| usize::try_from(days).unwrap_or(usize::MAX));
    taught.drain(..taught.len().saturating_sub(wanted));
    write_planned(pen, plan, codes, planned).await?;
    let Some(first) = taught.first().copied() else { return Ok(()) };
    let last = taught.iter().rev().take(LAST_DAYS).copied().collect();
    let taken = Taken { plan, codes, planned, now: pen.now, first, last };
    let mut sections: BTreeMap<SectionKey, (Vec<&Class>, Vec<&Place>)> = BTreeMap::new();
    for class in classes {
        sections.entry(class.section).or_default().0.push(class);
    }
    for place in &plan.places {
        sections.entry(place.section).or_default().1.push(place);
    }
    let mut random = Random::new(plan.seed ^ 0x6174_7465);
    for (section, (classes, places)) in sections {
        let Some(homeroom) = classes.iter().find(|class| class.topic == Topic::Homeroom) else { continue };
        let (mut registers, mut events) = (Vec::new(), Events::default());
        let mut missing = HashSet::new();
        for day in plan.years[section.year].taught(plan.today).filter(|day| *day >= taken.first) {
            taken.homeroom(
                pen,
                homeroom.id,
                section,
                day,
                &places,
                &mut random,
                &mut registers,
                &mut events,
                &mut missing,
            );
        }
        if section.year == YEARS - 1 {
            let house = &houses[section.school];
            for class in classes.iter().filter(|class| !class.is_lower && class.topic != Topic::Homeroom) {
                taken.class(pen, class, house, &places, &missing, &mut registers, &mut events);
            }
        }
        pen.records("attendance_registers", &store::REGISTERS, registers).await?;
        events.write(pen).await?;
    }
    Ok(())
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
    /// The register of a homeroom, which is that of the day.
    #[expect(clippy::too_many_arguments, reason = "one day of one section, and what it adds to")]
    fn homeroom(
        &self,
        pen: &Pen<'_>,
        class: ClassId,
        section: SectionKey,
        day: Date,
        places: &[&Place],
        random: &mut Random,
        registers: &mut Vec<Value>,
        events: &mut Events,
        missing: &mut HashSet<(usize, Date)>,
    ) {
        // Now and then somebody forgets, or does it on the next day.
        let next = day.checked_add(1.day()).unwrap_or(day);
        let (is_forgotten, is_late) = (random.permille(6), random.permille(15) && at(next, 9, 0) <= self.now);
        if is_forgotten {
            return;
        }
        let clock = pen.tx.cx().clock();
        let (register, school) = (AttendanceRegisterId::generate(clock), self.plan.schools[section.school].id);
        let minute = 5 + i8::try_from(section.section % 20).unwrap_or(0);
        let taken_at = if is_late { at(next, 8, minute) } else { at(day, 8, minute) };
        let mut anybody = false;
        for place in places.iter().filter(|place| place.from <= day && day < place.to) {
            anybody = true;
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
                let told = at(next, 10, 30);
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
                let arrival = Some(jiff::civil::time(8, minute + random.small(30).cast_signed(), 0, 0));
                events.push(Event { code: self.codes.late, arrival, ..event });
            } else {
                events.push(event);
            }
        }
        if anybody {
            registers.push(json!({ "id": register.uuid(), "class_id": class.uuid(), "school_id": school.uuid(),
                "date": day, "taken_at": taken_at, "late": is_late }));
        }
    }

    /// The registers of another class on the last days.
    #[expect(clippy::too_many_arguments, reason = "one class, and what it adds to")]
    fn class(
        &self,
        pen: &Pen<'_>,
        class: &Class,
        house: &House,
        places: &[&Place],
        missing: &HashSet<(usize, Date)>,
        registers: &mut Vec<Value>,
        events: &mut Events,
    ) {
        let clock = pen.tx.cx().clock();
        let number = class.topic.period(class.is_lower, class.place);
        let (period, school) = (house.periods[number], self.plan.schools[class.section.school].id);
        let mut days: Vec<Date> = self.last.iter().copied().collect();
        days.sort_unstable();
        for day in days {
            let weekday = day.weekday().to_monday_one_offset().cast_unsigned();
            if day < class.begin || day >= class.end || !timetable::days(class).contains(&weekday) {
                continue;
            }
            let register = AttendanceRegisterId::generate(clock);
            let taken_at = at(day, 8 + i8::try_from(number).unwrap_or(0), 30);
            let here: Vec<_> = places.iter().filter(|place| place.from <= day && day < place.to).collect();
            if here.is_empty() || taken_at > self.now {
                continue;
            }
            for place in here {
                let pupil = &self.plan.pupils[place.pupil];
                let code =
                    if missing.contains(&(place.pupil, day)) { self.codes.unexcused } else { self.codes.present };
                let id = AttendanceEventId::generate(clock);
                let event = Event::new(id, taken_at, pupil.id, school, day, code);
                let (class, period) = (Some(class.id.uuid()), Some(period.uuid()));
                events.push(Event { class, period, register: Some(register.uuid()), ..event });
            }
            registers.push(json!({ "id": register.uuid(), "class_id": class.id.uuid(), "school_id": school.uuid(),
                "date": day, "class_period_id": period.uuid(), "taken_at": taken_at, "late": false }));
        }
    }
}
