//! What the columns of a table are taken for, and which of them is told where something is wrong.

use cloister_tenancy::Tier;
use serde_json::{Value, json};

use crate::{
    Office, id,
    imports::Working,
    table_imports::{bring, issues, query},
    unhurried_platform,
};

#[tokio::test(flavor = "multi_thread")]
async fn a_column_that_is_headed_by_a_field_needs_no_mapping() {
    let (platform, door) = unhurried_platform().await;
    let _working = Working::start(&platform.tenancy);
    let tenant = platform.tenant("north", Tier::Shared).await;
    let office = Office { door: &door, tenant: &tenant };
    let school = office.make("orgs", json!({"name": "North", "type": "school"})).await;
    let field = json!({"resource": "person", "name": "bus_line", "title": "Bus", "type": "text"});
    office.make("custom_fields", field).await;
    let head =
        "given_name,family_name,roles.role,roles.role_type,roles.org_id,demographics.birth_date,custom_values.bus_line";
    let table = format!("{head}\nMila,Okafor,student,primary,{},2015-04-23,7\n", id(&school));
    let by_name = format!("{}\nZoë,Berg,student,primary,North,2016-02-01,8\n", head.replace("org_id", "org_id:name"));
    for (table, head) in [(table, head.to_owned()), (by_name, head.replace("org_id", "org_id:name"))] {
        let run = bring(&office, &query("persons", &json!({"key": []}), ""), table).await;
        assert_eq!((&run["state"], issues(&run)), (&json!("applied"), Vec::new()), "{run}");
        for name in head.split(',') {
            assert_eq!(run["report"]["columns"][name], name, "{run}");
        }
    }
    for person in office.list("persons").await {
        let person = office.read(&format!("persons/{}", id(&person))).await;
        assert_eq!((&person["roles"][0]["role"], &person["roles"][0]["org_id"]), (&json!("student"), &school["id"]));
        let beside = async |name: &str| office.read(&format!("persons/{}/{name}", id(&person))).await;
        assert_ne!(beside("demographics").await["birth_date"], Value::Null);
        assert_ne!(beside("custom_values").await["values"]["bus_line"], Value::Null);
    }
    // A name that looks like one and is none is left out as before.
    let run = bring(&office, "resource=orgs", "name,type,roles.colour,parent_id:colour\nSouth,school,red,red\n").await;
    assert_eq!(
        issues(&run),
        ["1 roles.colour column_left_out", "1 parent_id:colour column_left_out", "1 - key_missing"]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_missing_is_told_by_its_own_name() {
    let (platform, door) = unhurried_platform().await;
    let _working = Working::start(&platform.tenancy);
    let tenant = platform.tenant("north", Tier::Shared).await;
    let office = Office { door: &door, tenant: &tenant };
    office.make("orgs", json!({"name": "North", "type": "school"})).await;
    let mapping = json!({"columns": {"Nummer": "identifier", "Schule": "roles.org_id:name"},
        "constants": {"roles.role": "student"}});
    let table = "Nummer;Vorname;Nachname;Schule\n1;Mila;Okafor;North\n";
    let run = bring(&office, &query("persons", &mapping, ""), table).await;
    assert_eq!(issues(&run), ["2 roles.role_type missing"], "{run}");
}
