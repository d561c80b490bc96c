//! Tables that are taken back although something was entered since that leans on what they made.

use cloister_tenancy::Tier;
use serde_json::{Value, json};

use crate::{
    Office,
    attendance::Codes,
    id,
    imports::Working,
    table_imports::{bring, query, undo},
    unhurried_platform,
};

const PUPILS: &str = "Nummer;Vorname;Nachname;Geburtsdatum\n1;Mila;Okafor;23.4.2015\n2;Zoë;Berg;1.2.2016\n";

async fn names(office: &Office<'_>, list: &str) -> Vec<String> {
    let word = |record: &Value| record["given_name"].as_str().or(record["name"].as_str()).unwrap().to_owned();
    office.list(list).await.iter().map(word).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pupil_who_was_marked_stays_in_every_tier() {
    let (platform, door) = unhurried_platform().await;
    let _working = Working::start(&platform.tenancy);
    for tenant in platform.tenant_in_each_tier().await {
        let office = Office { door: &door, tenant: &tenant };
        let codes = Codes::new(&office).await;
        let school = office.make("orgs", json!({"name": "North", "type": "school"})).await;
        let mapping = json!({"columns": {"Nummer": "identifier"},
            "constants": {"roles.role": "student", "roles.role_type": "primary", "roles.org_id": school["id"]}});
        let run = bring(&office, &query("persons", &mapping, ""), PUPILS).await;
        assert_eq!(run["state"], "applied", "{run}");
        let [mila] = office.list("persons?q=okafor").await.try_into().unwrap();
        let event = json!({"student_id": mila["id"], "school_id": school["id"], "date": "2025-10-01",
            "code_id": codes.absent["id"]});
        office.make("attendance_events", event).await;
        let refused = undo(&office, &run).json(json!({})).refused(409, "import_changed_since").await;
        assert!(refused["message"].as_str().or(refused["detail"].as_str()).unwrap().starts_with("1 "), "{refused}");
        assert_eq!(names(&office, "persons").await, ["Zoë", "Mila"]);
        undo(&office, &run).json(json!({"keep_changed": true})).expect(200).await;
        assert_eq!(names(&office, "persons").await, ["Mila"]);
        let mila = office.read(&format!("persons/{}", id(&mila))).await;
        assert_eq!(mila["roles"][0]["role"], "student");
        let beside = office.read(&format!("persons/{}/demographics", id(&mila))).await;
        assert_eq!(beside["birth_date"], "2015-04-23");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_school_stays_with_what_it_is_part_of() {
    let (platform, door) = unhurried_platform().await;
    let _working = Working::start(&platform.tenancy);
    let tenant = platform.tenant("north", Tier::Shared).await;
    let office = Office { door: &door, tenant: &tenant };
    let first = "sourced_id,name,type\na,Alpha,district\n";
    bring(&office, "resource=orgs", first).await;
    let mapping = json!({"columns": {"parent": "parent_id:sourced_id"}});
    let second = "sourced_id,name,type,parent\nb,Beta,district,a\nc,Gamma,school,\nd,Delta,school,\n";
    let run = bring(&office, &query("orgs", &mapping, ""), second).await;
    assert_eq!(run["report"]["files"][0]["created"], 3, "{run}");
    let orgs = office.list("orgs").await;
    let of = |name: &str| orgs.iter().find(|org| org["name"] == name).unwrap();
    // Somebody moves Gamma below Beta, and enters a room there.
    let moved = office.change("PATCH", &format!("orgs/{}", id(of("Gamma"))), of("Gamma"));
    moved.json(json!({"parent_id": of("Beta")["id"]})).expect(200).await;
    office.make("rooms", json!({"school_id": of("Gamma")["id"], "room_number": "1", "room_type": "classroom"})).await;
    undo(&office, &run).json(json!({})).refused(409, "import_changed_since").await;
    undo(&office, &run).json(json!({"keep_changed": true})).expect(200).await;
    assert_eq!(names(&office, "orgs").await, ["Alpha", "Beta", "Gamma"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pupil_who_was_changed_keeps_all_that_came_with_them() {
    let (platform, door) = unhurried_platform().await;
    let _working = Working::start(&platform.tenancy);
    for tenant in platform.tenant_in_each_tier().await {
        let office = Office { door: &door, tenant: &tenant };
        let school = office.make("orgs", json!({"name": "North", "type": "school"})).await;
        let field = json!({"resource": "person", "name": "bus_line", "title": "Bus", "type": "text"});
        office.make("custom_fields", field).await;
        let table = "Nummer;Vorname;Nachname;Geburtsdatum;bus_line\n1;Mila;Okafor;23.4.2015;7\n2;Zoë;Berg;1.2.2016;8\n";
        let mapping = json!({"columns": {"Nummer": "identifier"},
            "constants": {"roles.role": "student", "roles.role_type": "primary", "roles.org_id": school["id"]}});
        let run = bring(&office, &query("persons", &mapping, ""), table).await;
        assert_eq!(run["report"]["files"][0]["created"], 2, "{run}");
        let [mila] = office.list("persons?q=okafor").await.try_into().unwrap();
        let [zoe] = office.list("persons?q=berg").await.try_into().unwrap();
        let at = |person: &Value, beside: &str| format!("persons/{}/{beside}", id(person));
        let patch = office.change("PATCH", &format!("persons/{}", id(&mila)), &mila);
        patch.json(json!({"email": "mila@home.example"})).expect(200).await;
        // One record, however much of it came in the table.
        let refused = undo(&office, &run).json(json!({})).refused(409, "import_changed_since").await;
        let told = refused["message"].as_str().or(refused["detail"].as_str()).unwrap();
        assert!(told.starts_with("1 record was "), "{told}");
        undo(&office, &run).json(json!({"keep_changed": true})).expect(200).await;
        assert_eq!(names(&office, "persons").await, ["Mila"]);
        let now = office.read(&format!("persons/{}", id(&mila))).await;
        assert_eq!((&now["email"], &now["roles"][0]["role"]), (&json!("mila@home.example"), &json!("student")));
        assert_eq!(office.read(&at(&mila, "demographics")).await["birth_date"], "2015-04-23");
        assert_eq!(office.read(&at(&mila, "custom_values")).await["values"], json!({"bus_line": "7"}));
        office.call("GET", &at(&zoe, "demographics")).expect(404).await;
    }
}
