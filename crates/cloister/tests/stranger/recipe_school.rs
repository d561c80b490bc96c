//! Recipes for what a school does about two things at once, or about days: registers, timetables, decisions.

use std::sync::Arc;

use jiff::{ToSpan, civil::date, tz::TimeZone};
use serde_json::{Value, json};

use crate::{
    answer::text,
    document::Operation,
    fill::fill,
    recipe::{Ready, plain, prepare as ready_for},
    town::Home,
    world::World,
};

/// A day on which registers are taken.
const DAY: &str = "2025-10-01";

/// What the operation needs, where it is one of these.
pub(crate) async fn prepare(world: &World, operation: &Arc<Operation>, home: &Home) -> Result<Option<Ready>, String> {
    let mut ready = plain(world, operation, home, &home.things);
    match operation.id.as_str() {
        "timetable_read" => {
            let class = home.things.get("cls").ok_or("no class")?;
            ready.ask.query = vec![("class_id".to_owned(), class.clone())];
        }
        "attendance_register_read" | "attendance_register_take" => {
            let (class, student) = class_of_one(world, home).await?;
            ready.ask.params = vec![class, DAY.to_owned()];
            let period = home.things.get("prd").ok_or("no class period")?;
            ready.ask.query = vec![("class_period_id".to_owned(), period.clone())];
            if let Some(body) = &mut ready.ask.body {
                *body = json!({ "entries": [{ "student_id": student, "code_id": home.things.get("atc") }] });
            }
        }
        "absence_request_decide" => {
            let asked = make(world, home, "absence_request_create").await?;
            ready.ask.params = vec![text(&asked, "id")?];
            ready.ask.headers.push(("if-match".to_owned(), format!("\"v{}\"", asked["version"])));
        }
        _ => return Ok(None),
    }
    Ok(Some(ready))
}

async fn make(world: &World, home: &Home, id: &str) -> Result<Value, String> {
    let maker = world.document.operation(id).ok_or_else(|| format!("no {id}"))?;
    Ok(Box::pin(ready_for(world, maker, home)).await?.carry_out(world).await?.body)
}

/// Somebody who has a place in the class there is.
pub(crate) async fn student(world: &World, home: &Home) -> Result<String, String> {
    text(&make(world, home, "enrollment_create").await?, "person_id")
}

/// A class with one student.
async fn class_of_one(world: &World, home: &Home) -> Result<(String, String), String> {
    let class = text(&make(world, home, "class_create").await?, "id")?;
    let student = text(&make(world, home, "person_create").await?, "id")?;
    let example = world.document.at("POST", "/api/v1/enrollments").and_then(|operation| operation.body.clone());
    let mut place = fill(&example.unwrap_or_default(), &home.things, world.number());
    place["class_id"] = json!(class);
    place["person_id"] = json!(student);
    home.make(world, "/api/v1/enrollments", place).await?;
    Ok((class, student))
}

/// Says of some days that there is instruction: of the last week, and of one in autumn 2025. So registers are due, of a class too
/// whose term goes on until now.
pub(crate) async fn days_of_instruction(world: &World, home: &Home) -> Result<(), String> {
    let today = world.platform.tenancy.clock().now().to_zoned(TimeZone::UTC).date();
    let week = |last: jiff::civil::Date| (0..7_i64).filter_map(move |back| last.checked_sub(back.days()).ok());
    for day in week(today).chain(week(date(2025, 10, 5))) {
        let body = json!({ "school_id": home.things.get("org"), "date": day, "calendar_event": "instructional",
            "is_instructional": true });
        home.make(world, "/api/v1/calendar_dates", body).await?;
    }
    let example = |path: &str| {
        let body = world.document.at("POST", path).and_then(|operation| operation.body.clone());
        fill(&body.unwrap_or_default(), &home.things, world.number())
    };
    let until = today.checked_add(30.days()).map_err(|error| error.to_string())?;
    let mut term = example("/api/v1/academic_sessions");
    term["end_date"] = json!(until);
    let term = home.make(world, "/api/v1/academic_sessions", term).await?;
    let mut class = example("/api/v1/classes");
    class["term_ids"] = json!([term["id"]]);
    let class = home.make(world, "/api/v1/classes", class).await?;
    let student = text(&make(world, home, "person_create").await?, "id")?;
    for (path, person) in [("/api/v1/enrollments", Some(student)), ("/api/v1/meetings", None)] {
        let mut body = example(path);
        body["class_id"] = class["id"].clone();
        if let Some(person) = person {
            body["person_id"] = json!(person);
            body["begin_date"] = Value::Null;
            body["end_date"] = Value::Null;
        }
        home.make(world, path, body).await?;
    }
    Ok(())
}

/// What is not made but taken, such as a register, is taken a few times.
pub(crate) async fn take(world: &World, list: &Operation, home: &Home, times: usize) -> Result<(), String> {
    let below = format!("{}/{{", list.path);
    let mut operations = world.document.operations.iter();
    let Some(taken) = operations.find(|one| one.method == "PUT" && one.path.starts_with(&below)) else { return Ok(()) };
    for _ in 0..times {
        ready_for(world, taken, home).await?.carry_out(world).await?;
    }
    Ok(())
}
