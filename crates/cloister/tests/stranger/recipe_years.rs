//! Recipes for years at schools: students who come, leave and move, and schools that go from one year to the next.

use std::sync::Arc;

use cloister_ids::YearRolloverId;
use cloister_school::year_rollover::carry_out;
use cloister_tenancy::Actor;
use serde_json::{Value, json};

use crate::{
    answer::text,
    document::Operation,
    recipe::{Ready, about, plain, prepare as ready_for},
    town::Home,
    world::World,
};

const TIMES: &str = "/api/v1/student_school_associations";

/// What the operation needs, where it is one of these.
pub(crate) async fn prepare(world: &World, operation: &Arc<Operation>, home: &Home) -> Result<Option<Ready>, String> {
    let id = match operation.id.as_str() {
        "student_school_association_create" => {
            let mut ready = plain(world, operation, home, &home.things);
            // A student is at a school once at a time, and these will leave.
            let student = text(&make(world, home, "person_create").await?, "id")?;
            if let Some(body) = &mut ready.ask.body {
                body["student_id"] = json!(student);
                body["school_id"] = json!(home.things.get("org"));
                body["exit_withdraw_date"] = json!("2026-07-01");
                body["exit_withdraw_type"] = json!("moved");
            }
            return Ok(Some(ready));
        }
        "year_rollover_create" => {
            let mut ready = plain(world, operation, home, &home.things);
            ready.ask.body = Some(school_with_students(world, home).await?);
            return Ok(Some(ready));
        }
        "enrollment_move" => {
            let place = make(world, home, "enrollment_create").await?;
            let year = year(world, home, 2025).await?;
            let body = json!({ "title": "Algebra", "class_type": "scheduled", "course_id": home.things.get("crs"),
                "school_id": place["school_id"], "term_ids": [year] });
            let class = home.make(world, "/api/v1/classes", body).await?;
            let mut ready = about(world, operation, home, &home.things, vec![text(&place, "id")?]).await?;
            ready.ask.body = Some(json!({ "to_class_id": class["id"], "on": "2025-11-03" }));
            return Ok(Some(ready));
        }
        "student_school_association_withdraw" => time(world, home, home.things.get("org").map(String::as_str)).await?,
        "student_school_association_withdraw_undo" => {
            let left = make(world, home, "student_school_association_withdraw").await?;
            text(&left, "id")?
        }
        "year_rollover_apply" => text(&make(world, home, "year_rollover_create").await?, "id")?,
        "year_rollover_undo" => {
            let going = text(&make(world, home, "year_rollover_apply").await?, "id")?;
            let rollover: YearRolloverId = going.parse().map_err(|_| "no id of a rollover".to_owned())?;
            let cx = world.platform.tenancy.background(home.tenant.clone(), Actor::System("stranger"));
            carry_out(&world.platform.tenancy, &cx, rollover).await.map_err(|error| error.log())?;
            going
        }
        "year_rollover_student_read" | "year_rollover_student_update" => {
            let rollover = text(&make(world, home, "year_rollover_create").await?, "id")?;
            let path = format!("/api/v1/year_rollover_students?year_rollover_id={rollover}");
            let page = world.door.call("GET", &path).header("host", &home.host()).token(&home.owner.token());
            text(&page.send().await.body["items"][0], "id")?
        }
        _ => return Ok(None),
    };
    about(world, operation, home, &home.things, vec![id]).await.map(Some)
}

async fn make(world: &World, home: &Home, id: &str) -> Result<Value, String> {
    let maker = world.document.operation(id).ok_or_else(|| format!("no {id}"))?;
    Ok(Box::pin(ready_for(world, maker, home)).await?.carry_out(world).await?.body)
}

/// Somebody who is at a school.
async fn time(world: &World, home: &Home, school: Option<&str>) -> Result<String, String> {
    let student = make(world, home, "person_create").await?;
    let body = json!({ "student_id": student["id"], "school_id": school, "entry_date": "2025-09-01",
        "entry_grade_level": "05" });
    text(&home.make(world, TIMES, body).await?, "id")
}

/// The school year that begins in this calendar year.
async fn year(world: &World, home: &Home, begin: i32) -> Result<String, String> {
    let end = begin + 1;
    let body = json!({ "title": format!("Year {end}"), "type": "schoolYear", "start_date": format!("{begin}-08-01"),
        "end_date": format!("{end}-07-01"), "school_year": end });
    text(&home.make(world, "/api/v1/academic_sessions", body).await?, "id")
}

/// A school that nobody else changes, with two students and two years.
async fn school_with_students(world: &World, home: &Home) -> Result<Value, String> {
    let school = make(world, home, "org_create").await?;
    let school = text(&school, "id")?;
    for _ in 0..2 {
        time(world, home, Some(&school)).await?;
    }
    let (from, to) = (year(world, home, 2025).await?, year(world, home, 2026).await?);
    Ok(json!({ "school_id": school, "from_session_id": from, "to_session_id": to, "graduating_grades": ["06"] }))
}
