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
