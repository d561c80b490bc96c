//! Each thing that somebody changed since a rollover stands against taking it back, and is told.

use cloister_tenancy::Tier;
use serde_json::{Value, json};

use crate::{
    Office, id,
    imports::Working,
    unhurried_platform,
    year_rollover::{Years, act, ended},
};

/// Who was changed, by every way to ask, and of how many it is known.
async fn changed(office: &Office<'_>, plan: &Value) -> Vec<String> {
    let mut found: Option<Vec<String>> = None;
    for of in ["", "&outcome=promoted", "&q=child"] {
        for rollover in [String::new(), format!("&year_rollover_id={}", id(plan))] {
            for order in ["name", "-name"] {
                let list = async |which: &str| {
                    let path = format!("year_rollover_students?sort={order}{rollover}{of}{which}");
                    let mut students = office.list(&path).await;
                    students.sort_by_key(|student| student["given_name"].to_string());
                    students
                };
                let all = list("").await;
                for (which, wanted) in [("&changed=true", true), ("&changed=false", false)] {
                    let some: Vec<_> = all.iter().filter(|student| student["changed"] == wanted).cloned().collect();
                    assert_eq!(list(which).await, some, "{rollover}{of}{order}");
                }
                for student in &all {
                    assert_eq!(office.read(&format!("year_rollover_students/{}", id(student))).await, *student);
                }
                let of_all = all.iter().filter(|student| student["changed"] == true);
                let names = of_all.map(|student| student["given_name"].as_str().unwrap().to_owned()).collect();
                if of.is_empty() {
                    assert_eq!(*found.get_or_insert_with(|| Vec::clone(&names)), names, "{rollover}{order}");
                }
            }
        }
    }
    found.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_was_changed_since_is_told_and_stands_against_undo() {
    let (platform, door) = unhurried_platform().await;
    let _working = Working::start(&platform.tenancy);
    let tenant = platform.tenant("north", Tier::Shared).await;
    let office = Office { door: &door, tenant: &tenant };
    let years = Years::new(&office).await;
    let mut times = Vec::new();
    for name in ["Ada", "Ben", "Cam", "Dee"] {
        times.push(years.student(&office, name, json!({"entry_grade_level": "05"})).await);
    }
    // Eve is in the highest grade, and graduates.
    let (eve, _) = years.student(&office, "Eve", json!({"entry_grade_level": "06"})).await;
    // A class that goes on.
    let choir = json!({"title": "Choir", "class_type": "scheduled", "course_id": years.class["course_id"],
        "school_id": years.school["id"], "term_ids": [years.from["id"], years.to["id"]]});
    let choir = office.make("classes", choir).await;
    let singing = json!({"class_id": choir["id"], "person_id": times[0].0["id"], "role": "student"});
    let singing = office.make("enrollments", singing).await;
    let plan = office.make("year_rollovers", years.wish()).await;
    act(&office, &plan, "apply", json!({})).expect(200).await;
    let plan = ended(&office, &plan).await;
    assert_eq!(plan["state"], "applied");
    assert_eq!(changed(&office, &plan).await, Vec::<String>::new());
    assert_eq!(office.read(&format!("enrollments/{}", id(&singing))).await, singing);

    let place = async |of: &Value| {
        let path = format!("enrollments?person_id={}&class_id={}", id(of), id(&years.class));
        let [place] = office.list(&path).await.try_into().unwrap();
        place
    };
    let refused = async |wanted: &[&str]| {
        assert_eq!(changed(&office, &plan).await, wanted);
        act(&office, &plan, "undo", json!({})).refused(409, "rollover_changed_since").await;
    };
    // A place that ended.
    let ben = place(&times[1].0).await;
    let patch = office.change("PATCH", &format!("enrollments/{}", id(&ben)), &ben);
    patch.json(json!({"begin_date": "2025-09-01"})).expect(200).await;
    refused(&["Ben"]).await;
    // One that would share days with it.
    let cam = place(&times[2].0).await;
    let again = json!({"class_id": cam["class_id"], "person_id": cam["person_id"], "role": "student",
        "begin_date": "2026-09-01"});
    office.make("enrollments", again).await;
    refused(&["Ben", "Cam"]).await;
    // The line of the next year.
    let next = format!("student_school_associations?student_id={}&on=2026-09-01", id(&times[3].0));
    let [next] = office.list(&next).await.try_into().unwrap();
    let patch = office.change("PATCH", &format!("student_school_associations/{}", id(&next)), &next);
    patch.json(json!({"entry_grade_level": "07"})).expect(200).await;
    refused(&["Ben", "Cam", "Dee"]).await;
    // One at the same school, of somebody who had left it.
    let back = json!({"student_id": eve["id"], "school_id": years.school["id"], "entry_date": "2026-09-01",
        "entry_grade_level": "06"});
    office.make("student_school_associations", back).await;
    refused(&["Ben", "Cam", "Dee", "Eve"]).await;
    // Those stay, the rest is taken back.
    let undone = act(&office, &plan, "undo", json!({"keep_changed": true})).expect(200).await;
    assert_eq!((undone["state"].as_str(), undone["done"].as_i64()), (Some("undone"), Some(4)));
    let before = office.read(&format!("student_school_associations/{}", id(&times[0].1))).await;
    assert_eq!(before["exit_withdraw_date"], Value::Null);
    assert_eq!(place(&times[0].0).await["end_date"], Value::Null);
}
