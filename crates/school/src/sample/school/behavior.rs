//! Incidents: who was in them, what each part counts for, what the school did, and what is still to be done.

use std::collections::{BTreeMap, HashMap};

use cloister_ids::{
    BehaviorCodeId, DisciplineActionId, DisciplineIncidentId, IncidentFollowUpId, IncidentParticipantId, PersonId, Uuid,
};
use cloister_tenancy::{Error, Result};
use jiff::{Timestamp, ToSpan, civil::Date};
use serde_json::{Value, json};

use super::{
    behavior_cases::{CASES, CODES, Case},
    classes::{Class, Topic},
    pen::Pen,
    plan::{Place, Plan, SectionKey},
    presence::{Missed, Presence},
    staff::Work,
    store,
};
use crate::{sample::random::Random, search_key};

/// Incidents of a thousand students in a whole year, and of a small school at least.
const RATE: usize = 50;
const LEAST: usize = 5;

/// A code of the tenant: which, how much it matters, and what it counts for.
type Code = (Uuid, String, i32);

async fn write_codes(pen: &mut Pen<'_>) -> Result<HashMap<String, Code>> {
    let clock = pen.tx.cx().clock();
    let rows = CODES.iter().map(|(short, title, severity, points)| {
        json!({ "id": BehaviorCodeId::generate(clock).uuid(), "short_name": short, "title": title,
            "title_search": search_key::of(title), "severity": severity, "points": points })
    });
    let rows = rows.collect();
    pen.records("behavior_codes", &store::BEHAVIOR_CODES, rows).await?;
    let names: Vec<&str> = CODES.iter().map(|(short, ..)| *short).collect();
    let there = pen.tx.query(&store::BEHAVIOR_CODES_THERE, &[&names]).await?;
    let code = |row: &cloister_tenancy::sql::Row| (row.get("id"), row.get("severity"), row.get("points"));
    Ok(there.iter().map(|row| (row.get("short_name"), code(row))).collect())
}

/// Something that happened.
struct Incident<'a> {
    case: &'static Case,
    place: &'a Place,
    date: Date,
    minute: i8,
}

pub(super) async fn write(pen: &mut Pen<'_>, plan: &Plan, classes: &[Class], missed: &Missed) -> Result<()> {
    let codes = write_codes(pen).await?;
    let presence = Presence { plan, missed };
    let mut random = Random::new(plan.seed ^ 0x6265_6861);
    let mut sections: BTreeMap<SectionKey, Vec<&Place>> = BTreeMap::new();
    for place in &plan.places {
        sections.entry(place.section).or_default().push(place);
    }
    let incidents = incidents(&presence, &mut random);
    let teachers = classes.iter().filter(|class| class.topic == Topic::Homeroom);
    let teachers = teachers.map(|class| (class.section, class.teacher)).collect();
    let (now, by) = (pen.now, pen.by.clone());
    let mut written = Written {
        presence: &presence,
        codes: &codes,
        sections: &sections,
        teachers,
        now,
        by: &by,
        incidents: Vec::new(),
        participants: Vec::new(),
        actions: Vec::new(),
        follow_ups: Vec::new(),
    };
    for (number, incident) in incidents {
        written.add(pen, &number, &incident, &mut random)?;
    }
    written.leave_one_open();
    let Written { mut incidents, participants, actions, follow_ups, .. } = written;
    // Beside another sample, or the school's own incidents, numbers may be taken: then it goes without.
    let numbers: Vec<&str> = incidents.iter().filter_map(|row| row["incident_identifier"].as_str()).collect();
    let taken = pen.tx.query(&store::INCIDENT_IDENTIFIERS_TAKEN, &[&numbers]).await?;
    let taken: Vec<String> = taken.iter().map(|row| row.get("incident_identifier")).collect();
    for row in &mut incidents {
        if row["incident_identifier"].as_str().is_some_and(|number| taken.iter().any(|one| one == number)) {
            row["incident_identifier"] = Value::Null;
        }
    }
    pen.records("discipline_incidents", &store::INCIDENTS, incidents).await?;
    pen.records("incident_participants", &store::PARTICIPANTS, participants).await?;
    pen.records("discipline_actions", &store::ACTIONS, actions).await?;
    pen.records("incident_follow_ups", &store::FOLLOW_UPS, follow_ups).await
}

/// All of them with their numbers, day by day.
fn incidents<'a>(presence: &Presence<'a>, random: &mut Random) -> Vec<(String, Incident<'a>)> {
    let plan = presence.plan;
    let mut all = Vec::new();
    let mut drawn = 0;
    for (at, year) in plan.years.iter().enumerate() {
        let lessons = year.days.iter().filter(|day| day.is_instructional).count().max(1);
        let taught = year.taught(plan.today).count();
        let mut of_year = Vec::new();
        for school in 0..plan.schools.len() {
            let there = |place: &&Place| (place.section.year, place.section.school) == (at, school);
            let places: Vec<&Place> = plan.places.iter().filter(there).collect();
            if places.is_empty() {
                continue;
            }
            let whole = (places.len() * RATE / 1000).max(LEAST);
            for _ in 0..(whole * taught).div_ceil(lessons) {
                let place = *random.pick(&places);
                let case = CASES.get(drawn).unwrap_or_else(|| any_case(random));
                let Some(date) = presence.some_day(place, random) else { continue };
                let minute = random.small(60).cast_signed();
                drawn += 1;
                of_year.push(Incident { case, place, date, minute });
            }
        }
        of_year.sort_by_key(|one| (one.date, one.case.hour, one.minute));
        let numbered = of_year.into_iter().enumerate();
        all.extend(numbered.map(|(number, one)| (format!("{}-{:03}", year.ends_in, number + 1), one)));
    }
    all
}

fn any_case(random: &mut Random) -> &'static Case {
    let mut drawn = random.below(CASES.iter().map(|case| case.share).sum());
    for case in &CASES {
        if drawn < case.share {
            return case;
        }
        drawn -= case.share;
    }
    &CASES[0]
}

/// Rows that wait, and what they are made from.
struct Written<'a> {
    presence: &'a Presence<'a>,
    codes: &'a HashMap<String, Code>,
    sections: &'a BTreeMap<SectionKey, Vec<&'a Place>>,
    /// Who has each section.
    teachers: HashMap<SectionKey, PersonId>,
    now: Timestamp,
    by: &'a str,
    incidents: Vec<Value>,
    participants: Vec<Value>,
    actions: Vec<Value>,
    follow_ups: Vec<Value>,
}

impl Written<'_> {
    fn add(&mut self, pen: &Pen<'_>, number: &str, incident: &Incident<'_>, random: &mut Random) -> Result<()> {
        let (plan, clock) = (self.presence.plan, pen.tx.cx().clock());
        let Incident { case, place, date, minute } = incident;
        let id = DisciplineIncidentId::generate(clock);
        let told = plan.at(*date, 15, 30);
        let teacher = self.teachers.get(&place.section).copied();
        self.incidents.push(json!({ "id": id.uuid(), "made_at": told, "incident_identifier": number,
            "school_id": plan.schools[place.section.school].id.uuid(), "incident_date": date,
            "incident_time": format!("{:02}:{minute:02}", case.hour), "incident_location": case.location,
            "location_description": case.place, "reporter_id": teacher.map(PersonId::uuid),
            "description": case.description, "reported_to_law_enforcement": false, "incident_cost": case.cost,
            "confidential": case.confidential }));
        let code = self.codes.get(case.code).ok_or_else(|| Error::internal("a behavior code was not made"))?;
        let mut parts = vec![(place.pupil, "perpetrator")];
        let mates = self.sections.get(&place.section).map_or(&[][..], Vec::as_slice);
        let there = |mate: &&&Place| mate.pupil != place.pupil && self.presence.was_there(mate, *date);
        let mut mates: Vec<usize> = mates.iter().filter(there).map(|mate| mate.pupil).collect();
        random.shuffle(&mut mates);
        if case.has_victim {
            parts.extend(mates.pop().map(|pupil| (pupil, "victim")));
        }
        if random.permille(350) {
            parts.extend(mates.pop().map(|pupil| (pupil, "witness")));
        }
        for (pupil, part) in parts {
            let code = (part == "perpetrator").then_some(code);
            let note = (part == "witness").then_some("Saw it from the beginning.");
            self.participants.push(json!({ "id": IncidentParticipantId::generate(clock).uuid(), "made_at": told,
                "incident_id": id.uuid(), "incident_date": date, "person_id": plan.pupils[pupil].id.uuid(),
                "participation_code": part, "behavior_code_id": code.map(|(id, ..)| id),
                "severity": code.map(|(_, severity, _)| severity), "points": code.map_or(0, |(.., points)| *points),
                "note": note }));
        }
        self.act(pen, id, incident, told);
        self.follow_up(pen, id, incident, told, teacher, random);
        Ok(())
    }

    /// What the school does, from the next school day on.
    fn act(&mut self, pen: &Pen<'_>, id: DisciplineIncidentId, incident: &Incident<'_>, told: Timestamp) {
        let (plan, clock) = (self.presence.plan, pen.tx.cx().clock());
        let Incident { case, place, date, .. } = incident;
        let Some((discipline, length)) = case.action else { return };
        let days = &plan.years[place.section.year].days;
        let next = days.iter().find(|day| day.is_instructional && day.date > *date).map_or(*date, |day| day.date);
        let after = next.checked_add(i64::from(length.max(1)).days()).unwrap_or(next);
        let over = Some(plan.at(after, 16, 0)).filter(|over| *over <= self.now);
        let review = length > 1 && discipline != "detention";
        let review = review.then(|| next.checked_add(14.days()).ok()).flatten();
        self.actions.push(
            json!({ "id": DisciplineActionId::generate(clock).uuid(), "made_at": told, "changed_at": over,
            "student_id": plan.pupils[place.pupil].id.uuid(), "incident_id": id.uuid(), "discipline": discipline,
            "discipline_date": next, "discipline_action_length": (length > 0).then_some(length),
            "actual_discipline_action_length": over.filter(|_| length > 0).map(|_| length),
            "responsibility_school_id": plan.schools[place.section.school].id.uuid(), "review_date": review,
            "done": over.is_some() }),
        );
    }

    /// What somebody still has to do: the teacher, or the counselor where it is grave.
    fn follow_up(
        &mut self,
        pen: &Pen<'_>,
        id: DisciplineIncidentId,
        incident: &Incident<'_>,
        told: Timestamp,
        teacher: Option<PersonId>,
        random: &mut Random,
    ) {
        let (plan, clock) = (self.presence.plan, pen.tx.cx().clock());
        let Incident { case, place, date, .. } = incident;
        let Some((task, outcome)) = case.task else { return };
        let Ok(due) = date.checked_add(if case.confidential { 7.days() } else { 14.days() }) else { return };
        let Ok(day) = date.checked_add(i64::from(2 + random.small(5)).days()) else { return };
        let counselor = plan
            .employees
            .iter()
            .find(|one| one.school == place.section.school && matches!(one.work, Work::Post(_, "counselor", _)));
        let counselor = counselor.filter(|_| case.has_victim).map(|one| one.id);
        // A few are forgotten.
        let done = Some(plan.at(day, 15, 0)).filter(|done| *done <= self.now && random.permille(950));
        self.follow_ups.push(json!({ "id": IncidentFollowUpId::generate(clock).uuid(), "made_at": told,
            "changed_at": done, "incident_id": id.uuid(), "due_date": due,
            "assigned_to_id": counselor.or(teacher).map(PersonId::uuid), "task": task,
            "outcome": done.map(|_| outcome), "completed_at": done, "completed_by": done.map(|_| self.by) }));
    }

    /// Where all is done, the last is not: there is always something to do.
    fn leave_one_open(&mut self) {
        if self.follow_ups.iter().all(|row| !row["completed_at"].is_null())
            && let Some(last) = self.follow_ups.last_mut()
        {
            for field in ["changed_at", "outcome", "completed_at", "completed_by"] {
                last[field] = Value::Null;
            }
        }
    }
}
