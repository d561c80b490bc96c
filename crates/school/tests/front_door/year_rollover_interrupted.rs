//! A rollover that is killed half way goes on behind the last mark, and does nothing twice.

use std::time::{Duration, Instant};

use cloister_tenancy::Tier;
use serde_json::json;

use crate::{
    Office, id,
    imports::Working,
    unhurried_platform,
    year_rollover::{Years, act, ended},
};

/// More than one batch.
const STUDENTS: i64 = 230;

#[tokio::test(flavor = "multi_thread")]
async fn killed_half_way_it_goes_on_and_does_nothing_twice() {
    let (platform, door) = unhurried_platform().await;
    let tenant = platform.tenant("north", Tier::Shared).await;
    let office = Office { door: &door, tenant: &tenant };
    let years = Years::new(&office).await;
    let mut last = None;
    for number in 0..STUDENTS {
        let (person, time) = years.student(&office, &format!("S{number}"), json!({"entry_grade_level": "05"})).await;
        last = Some((person, time));
    }
    let (person, time) = last.unwrap();
    let mut wish = years.wish();
    wish["graduating_grades"] = json!(["06"]);
    let plan = office.make("year_rollovers", wish).await;
    act(&office, &plan, "apply", json!({})).expect(200).await;

    // Somebody holds the last student's record: the batch with it cannot end.
    let placement = tenant.placement.as_ref().unwrap();
    let mut admin = platform.admin(&placement.database).await;
    let held = admin.transaction().await.unwrap();
    let text =
        format!("select id from \"{}\".person where tenant_id = $1 and sourced_id = $2 for update", placement.schema);
    let sourced = person["sourced_id"].as_str().unwrap();
    assert_eq!(held.query(&text, &[&tenant.id, &sourced]).await.unwrap().len(), 1);
    let working = Working::start(&platform.tenancy);
    let path = format!("year_rollovers/{}", id(&plan));
    let deadline = Instant::now() + Duration::from_secs(30);
    while office.read(&path).await["done"] != json!(200) {
        assert!(Instant::now() < deadline, "{}", office.read(&path).await);
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    drop(working);
    held.rollback().await.unwrap();
    let half = office.read(&path).await;
    assert_eq!((half["state"].as_str(), half["done"].as_i64()), (Some("applying"), Some(200)));
    act(&office, &plan, "undo", json!({})).refused(409, "rollover_running").await;
    act(&office, &plan, "apply", json!({})).refused(409, "rollover_running").await;
    // Of those still to come, one is changed meanwhile: they are left out, and marked.
    let address = format!("student_school_associations/{}", id(&time));
    let patch = json!({"next_year_grade_level": "07"});
    office.change("PATCH", &address, &time).json(patch).expect(200).await;

    let _working = Working::start(&platform.tenancy);
    let done = ended(&office, &plan).await;
    assert_eq!((done["state"].as_str(), done["done"].as_i64()), (Some("applied"), Some(STUDENTS - 1)), "{done}");
    let skipped =
        office.list(&format!("year_rollover_students?q=child&year_rollover_id={}&limit=200", id(&plan))).await;
    assert!(skipped.iter().all(|student| student["state"] == "done" || student["problem"] == "changed_since"));
    let count = format!(
        "select count(*), count(distinct student_id) from \"{}\".student_school_association
            where tenant_id = $1 and entry_date = '2026-08-17' and status = 'active'",
        placement.schema
    );
    let row = admin.query_one(&count, &[&tenant.id]).await.unwrap();
    assert_eq!((row.get::<_, i64>(0), row.get::<_, i64>(1)), (STUDENTS - 1, STUDENTS - 1));
    act(&office, &plan, "undo", json!({})).expect(200).await;
    assert_eq!(admin.query_one(&count, &[&tenant.id]).await.unwrap().get::<_, i64>(0), 0);
}
