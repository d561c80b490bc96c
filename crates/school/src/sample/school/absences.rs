//! Absences that guardians asked for, and what the school decided.

use std::collections::HashMap;

use cloister_ids::AbsenceRequestId;
use cloister_tenancy::Result;
use jiff::{ToSpan, civil::Date};
use serde_json::json;

use super::{
    attendance::{Codes, at},
    pen::Pen,
    plan::Plan,
    store,
};
use crate::sample::random::Random;

/// The days of absences that were approved, by student: which request, and when it was decided.
pub(super) type Planned = HashMap<(usize, Date), (AbsenceRequestId, jiff::Timestamp)>;

const REASONS: [&str; 6] = [
    "Wedding in the family",
    "Religious holiday",
    "Orthodontist",
    "Sports competition",
    "Visit to grandparents abroad",
    "Interview at another school",
];

pub(super) async fn write(pen: &mut Pen<'_>, plan: &Plan, codes: &Codes) -> Result<Planned> {
    let clock = pen.tx.cx().clock();
    let mut random = Random::new(plan.seed ^ 0x6162_7365);
    let (mut rows, mut planned) = (Vec::new(), Planned::new());
    for place in &plan.places {
        let year = &plan.years[place.section.year];
        let days: Vec<Date> = (year.days.iter())
            .filter(|day| day.is_instructional && place.from <= day.date && day.date < place.to)
            .map(|day| day.date)
            .collect();
        if days.len() < 30 || !random.permille(350) {
            continue;
        }
        let first = days[10 + random.below(u32::try_from(days.len() - 12).unwrap_or(1)) as usize];
        let length = 1 + i64::from(random.small(3));
        let Ok(end) = first.checked_add(length.days()) else { continue };
        let Ok(asked) = first.checked_sub(10.days()) else { continue };
        let Ok(decided) = first.checked_sub(8.days()) else { continue };
        let (asked_at, decided_at) = (at(asked, 19, 30), at(decided, 9, 0));
        // Nobody has asked yet for what is too far away, and nobody asks twice for a day.
        let is_asked = |day: &&Date| planned.contains_key(&(place.pupil, **day));
        if asked_at > pen.now || end > place.to || days.iter().any(|day| first <= *day && *day < end && is_asked(&day))
        {
            continue;
        }
        let id = AbsenceRequestId::generate(clock);
        let state = if decided_at > pen.now {
            "requested"
        } else if random.permille(850) {
            "approved"
        } else {
            "declined"
        };
        let is_decided = state != "requested";
        if state == "approved" {
            let of_request = days.iter().filter(|day| first <= **day && **day < end);
            planned.extend(of_request.map(|day| ((place.pupil, *day), (id, decided_at))));
        }
        rows.push(json!({ "id": id.uuid(), "student_id": plan.pupils[place.pupil].id.uuid(), "begin_date": first,
            "end_date": end, "reason": random.pick(&REASONS), "state": state,
            "code_id": (state == "approved").then(|| codes.planned), "note": (state == "declined").then_some("There is an examination on that day."),
            "asked_at": asked_at, "decided_at": is_decided.then_some(decided_at) }));
    }
    pen.records("absence_requests", &store::REQUESTS, rows).await?;
    Ok(planned)
}
