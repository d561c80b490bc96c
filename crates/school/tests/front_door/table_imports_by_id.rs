//! Rows that name their record by its id, in lists that nobody looks through.

use cloister_tenancy::Tier;
use serde_json::json;

use crate::{
    Office,
    attendance::Codes,
    id,
    imports::Working,
    table_imports::{bring, issues},
    unhurried_platform,
};

/// As many as several schools have in a year, and more than an import reads. What they refer to is there, and not looked up again.
const MANY: &str = "set session_replication_role = replica;
    insert into shared.attendance_event
    select f.* from shared.attendance_event e cross join generate_series(1, 200000) n cross join lateral
        jsonb_populate_record(e, jsonb_build_object('id', gen_random_uuid(), 'status', 'tobedeleted', 'number', n)) f";

#[tokio::test(flavor = "multi_thread")]
async fn attendance_comes_back_and_is_corrected_however_much_of_it_there_is() {
    let (platform, door) = unhurried_platform().await;
    let _working = Working::start(&platform.tenancy);
    let tenant = platform.tenant("north", Tier::Shared).await;
    let office = Office { door: &door, tenant: &tenant };
    let codes = Codes::new(&office).await;
    let school = office.make("orgs", json!({"name": "North", "type": "school"})).await;
    let student = office.person("Mila", "Okafor").await;
    let event = json!({"student_id": student["id"], "school_id": school["id"], "date": "2025-10-01",
        "code_id": codes.absent["id"], "reason": "Dentist"});
    let event = office.make("attendance_events", event).await;
    let client = platform.admin(&tenant.placement.as_ref().unwrap().database).await;
    client.batch_execute(MANY).await.unwrap();
    let table = office.call("GET", "attendance_events").header("accept", "text/csv").send().await.text;
    assert_eq!(table.lines().count(), 2, "{table}");
    let run = bring(&office, "resource=attendance_events", table.clone()).await;
    assert_eq!((&run["state"], &run["failure"]), (&json!("applied"), &json!(null)), "{run}");
    assert_eq!(run["report"]["files"][0]["unchanged"], 1, "{run}");
    // What was recorded stays recorded: a row that says something else is no correction.
    let run = bring(&office, "resource=attendance_events", table.replace("Dentist", "Doctor")).await;
    assert_eq!(issues(&run), ["2 id record_fixed"], "{run}");
    let correction = format!(
        "id,supersedes_id,student_id,school_id,date,code_id,reason\n,{},{},{},2025-10-01,{},Doctor\n",
        id(&event),
        id(&student),
        id(&school),
        id(&codes.absent)
    );
    let run = bring(&office, "resource=attendance_events", correction).await;
    assert_eq!((&run["report"]["files"][0]["created"], issues(&run)), (&json!(1), Vec::new()), "{run}");
    // An id that nothing has, of another kind, or that would lead elsewhere.
    for other in [id(&student), "x", "../orgs", "atd_00000000000000000000000000"] {
        let run = bring(&office, "resource=attendance_events", table.replace(id(&event), other)).await;
        assert_eq!(issues(&run), ["2 id id_unknown"], "{other}: {run}");
    }
}
