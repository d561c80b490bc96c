//! Academic records: each year that a student has completed here, and the school before.

use cloister_ids::AcademicRecordId;
use cloister_tenancy::Result;
use serde_json::json;

use super::{pen::Pen, plan::Plan, store};
use crate::sample::{
    names::{PLACE_ENDS, PLACES},
    random::Random,
};

pub(super) async fn write(pen: &mut Pen<'_>, plan: &Plan) -> Result<()> {
    let clock = pen.tx.cx().clock();
    let mut random = Random::new(plan.seed ^ 0x7265_636f);
    let mut rows = Vec::new();
    for pupil in &plan.pupils {
        if pupil.from_elsewhere {
            let school = format!("{}{} School", random.pick(PLACES), random.pick(PLACE_ENDS));
            let year = pupil.begin.year();
            let (begin, end) = (jiff::civil::Date::new(year - 1, 8, 25), pupil.begin);
            let begin = begin.ok().filter(|begin| *begin < end);
            rows.push(json!({ "id": AcademicRecordId::generate(clock).uuid(), "student_id": pupil.id.uuid(),
                "school_name": school, "school_year": year, "begin_date": begin, "end_date": end,
                "result": "transferred", "notes": "Records were received by letter." }));
        }
        for (at, year) in plan.years.iter().enumerate() {
            let Some(grade) = pupil.grade(at) else { continue };
            let (begin, end) = (pupil.begin.max(year.first_day()), year.end());
            let end = pupil.exit.map_or(end, |exit| exit.date.min(end));
            // Of a year that is not over nothing can be said yet.
            if begin >= end || end > plan.today {
                continue;
            }
            let result = match pupil.exit {
                Some(exit) if exit.year == at => exit.result,
                _ => "promoted",
            };
            let upper = grade >= 9;
            let credits = (upper && result != "withdrawn").then(|| 5_000 + random.below(5) * 500);
            let average = upper.then(|| 2_000 + random.below(2_000));
            rows.push(json!({ "id": AcademicRecordId::generate(clock).uuid(), "student_id": pupil.id.uuid(),
                "school_name": plan.schools[pupil.school].name, "org_id": plan.schools[pupil.school].id.uuid(),
                "school_year": year.school_year, "grade_level": format!("{grade:02}"), "begin_date": begin,
                "end_date": end, "result": result, "credits_earned": credits, "grade_point_average": average }));
        }
    }
    pen.records("academic_records", &store::ACADEMIC_RECORDS, rows).await
}
