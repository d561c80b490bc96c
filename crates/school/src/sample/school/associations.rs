//! Times at schools: a year is one of its own, as a year rollover would have written them. The last one is still open.

use cloister_ids::StudentSchoolAssociationId;
use cloister_tenancy::Result;
use serde_json::json;

use super::{pen::Pen, plan::Plan, store};
use crate::sample::random::Random;

/// Why somebody left, in words, by how it is called.
const REASONS: [(&str, [&str; 3]); 3] = [
    ("graduated", ["Goes on to college.", "Begins an apprenticeship.", "Takes a year to travel and work."]),
    (
        "transferred",
        ["The family moved away.", "Goes to a school with more music.", "Goes to a school nearer to home."],
    ),
    ("withdrawn", ["Is taught at home from now on.", "The family went abroad.", "The parents gave no reason."]),
];

pub(super) async fn write(pen: &mut Pen<'_>, plan: &Plan) -> Result<()> {
    let clock = pen.tx.cx().clock();
    let mut random = Random::new(plan.seed ^ 0x6173_736f);
    let mut rows = Vec::new();
    for pupil in &plan.pupils {
        for (at, year) in plan.years.iter().enumerate() {
            let Some(grade) = pupil.grade(at) else { continue };
            let entry = year.first_day().max(pupil.begin);
            if entry >= year.end() || pupil.exit.is_some_and(|exit| exit.year < at || exit.date <= entry) {
                continue;
            }
            let entry_type = match (entry == pupil.begin, pupil.from_elsewhere) {
                (true, true) => "transfer",
                (true, false) => "original",
                // They were here before the sample begins.
                (false, _) => "next_year",
            };
            let left = pupil.exit.filter(|exit| exit.year == at);
            // Who goes on is there until the next year begins.
            let next = plan.years.get(at + 1).map(|next| (next.first_day(), "promoted"));
            let exit = left.map(|exit| (exit.date, exit.result)).or(next);
            let reasons = left.and_then(|exit| REASONS.iter().find(|(result, _)| *result == exit.result));
            rows.push(json!({ "id": StudentSchoolAssociationId::generate(clock).uuid(),
                "student_id": pupil.id.uuid(), "school_id": plan.schools[pupil.school].id.uuid(), "entry_date": entry,
                "entry_grade_level": format!("{grade:02}"), "entry_type": entry_type,
                "exit_withdraw_date": exit.map(|(date, _)| date), "exit_withdraw_type": exit.map(|(_, how)| how),
                "exit_withdraw_reason": reasons.map(|(_, reasons)| random.pick(reasons)), "primary_school": true,
                "repeat_grade_indicator": false }));
        }
    }
    pen.records("student_school_associations", &store::ASSOCIATIONS, rows).await
}
