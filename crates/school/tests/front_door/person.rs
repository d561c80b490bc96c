//! Persons with their roles and with those who act for them.

use cloister_tenancy::Tier;
use serde_json::{Value, json};

use crate::{Office, id, mistakes, platform};

fn role(role: &str, role_type: &str, org: &Value) -> Value {
    json!({"role": role, "role_type": role_type, "org_id": org["id"]})
}

#[tokio::test]
async fn roles_are_replaced_as_a_whole() {
    let (platform, door) = platform().await;
    for tenant in platform.tenant_in_each_tier().await {
        let office = Office { door: &door, tenant: &tenant };
        let frame = office.frame().await;
        let person = office.person("Astrid", "Ericsson").await;
        let roles = format!("persons/{}/roles", id(&person));
        assert_eq!(office.read(&roles).await, json!({"version": 1, "roles": []}));
        let wanted =
            json!({"roles": [role("teacher", "primary", &frame.school), role("aide", "secondary", &frame.school)]});
        office.call("PUT", &roles).json(wanted.clone()).refused(428, "precondition_required").await;
        let first = office.change("PUT", &roles, &person).json(wanted).expect(200).await;
        assert_eq!(first["version"], 2);
        assert_eq!(office.read(&roles).await, first);
        // The same again is no change.
        let same = office.change("PUT", &roles, &first).json(json!({"roles": first["roles"]})).expect(200).await;
        assert_eq!(same, first);

        // The two change places: one must make room before the other takes it.
        let mut swapped = first["roles"].clone();
        swapped[0]["role_type"] = json!("secondary");
        swapped[1]["role_type"] = json!("primary");
        let swapped = office.change("PUT", &roles, &first).json(json!({"roles": swapped})).expect(200).await;
        let types = |roles: &Value| -> Vec<(String, String)> {
            let text = |value: &Value| value.as_str().unwrap().to_owned();
            let mut types: Vec<_> =
                roles.as_array().unwrap().iter().map(|r| (text(&r["role"]), text(&r["role_type"]))).collect();
            types.sort();
            types
        };
        let pair = |a: &str, b: &str| (a.to_owned(), b.to_owned());
        assert_eq!(types(&swapped["roles"]), [pair("aide", "primary"), pair("teacher", "secondary")]);

        // One goes and another takes the primary place it had.
        let teacher = swapped["roles"].as_array().unwrap().iter().find(|r| r["role"] == "teacher").unwrap().clone();
        let next = json!({"roles": [teacher, role("principal", "primary", &frame.school)]});
        let next = office.change("PUT", &roles, &swapped).json(next).expect(200).await;
        assert_eq!(types(&next["roles"]), [pair("principal", "primary"), pair("teacher", "secondary")]);

        // The person shows them, and a patch can change them too.
        let address = format!("persons/{}", id(&person));
        let read = office.read(&address).await;
        assert_eq!((&read["version"], types(&read["roles"])), (&next["version"], types(&next["roles"])));
        let patched = office.change("PATCH", &address, &read).json(json!({"roles": []})).expect(200).await;
        assert_eq!(patched["roles"], json!([]));
        office.change("PUT", &roles, &read).json(json!({"roles": []})).refused(412, "version_mismatch").await;
    }
}

#[tokio::test]
async fn a_person_has_one_primary_role_in_an_organisation() {
    let (platform, door) = platform().await;
    let tenant = platform.tenant("north", Tier::Shared).await;
    let office = Office { door: &door, tenant: &tenant };
    let frame = office.frame().await;
    let primary = |org: &Value| role("teacher", "primary", org);
    let body = |roles: Value| json!({"given_name": "Astrid", "family_name": "Ericsson", "roles": roles});
    let twice = body(json!([primary(&frame.school), primary(&frame.school)]));
    let refusal = office.call("POST", "persons").json(twice).expect(422).await;
    assert_eq!(mistakes(&refusal), [("roles[1].role_type", "primary_role_taken")]);
    let made = office.make("persons", body(json!([primary(&frame.school), primary(&frame.district)]))).await;
    let mut roles = made["roles"].clone();
    roles[1]["id"] = roles[0]["id"].clone();
    roles[1]["sourced_id"] = roles[0]["sourced_id"].clone();
    let address = format!("persons/{}/roles", id(&made));
    let refusal = office.change("PUT", &address, &made).json(json!({"roles": roles})).expect(422).await;
    assert_eq!(mistakes(&refusal), [("roles[1].id", "given_twice")]);
    let mut roles = made["roles"].clone();
    roles[0]["end_date"] = json!("2025-01-01");
    roles[0]["begin_date"] = json!("2025-01-01");
    roles[1]["sourced_id"] = json!("renamed");
    let refusal = office.change("PUT", &address, &made).json(json!({"roles": roles})).expect(422).await;
    assert_eq!(mistakes(&refusal), [("roles[0].end_date", "end_not_after_begin")]);
    roles[0]["end_date"] = json!(null);
    let refusal = office.change("PUT", &address, &made).json(json!({"roles": roles})).expect(422).await;
    assert_eq!(mistakes(&refusal), [("roles[1].sourced_id", "sourced_id_fixed")]);
    let many = vec![role("aide", "secondary", &frame.school); 51];
    let refusal = office.change("PUT", &address, &made).json(json!({"roles": many})).expect(422).await;
    assert_eq!(mistakes(&refusal), [("roles", "too_many")]);
}

#[tokio::test]
async fn relations_are_told_both_ways() {
    let (platform, door) = platform().await;
    for tenant in platform.tenant_in_each_tier().await {
        let office = Office { door: &door, tenant: &tenant };
        let (child, mother, father) = (
            office.person("Mila", "Okafor").await,
            office.person("Ada", "Okafor").await,
            office.person("Ben", "Okafor").await,
        );
        let address = format!("persons/{}/agents", id(&child));
        let put =
            |record: &Value, agents: Value| office.change("PUT", &address, record).json(json!({"agent_ids": agents}));
        let both = put(&child, json!([father["id"], mother["id"]])).expect(200).await;
        assert_eq!(both["version"], 2);
        let read = office.read(&address).await;
        let names = |people: &Value| -> Vec<String> {
            people.as_array().unwrap().iter().map(|p| p["given_name"].as_str().unwrap().to_owned()).collect()
        };
        assert_eq!((names(&read["agents"]), names(&read["agent_of"])), (vec!["Ada".into(), "Ben".into()], vec![]));
        let hers = office.read(&format!("persons/{}/agents", id(&mother))).await;
        assert_eq!((names(&hers["agents"]), names(&hers["agent_of"])), (vec![], vec!["Mila".to_owned()]));
        let one = put(&both, json!([mother["id"]])).expect(200).await;
        assert_eq!(one["agent_ids"], json!([mother["id"]]));
        assert_eq!(office.read(&format!("persons/{}", id(&child))).await["agent_ids"], json!([mother["id"]]));
        assert_eq!(office.read(&format!("persons/{}/agents", id(&father))).await["agent_of"], json!([]));
        let refusal = put(&one, json!([child["id"]])).expect(422).await;
        assert_eq!(mistakes(&refusal), [("agent_ids[0]", "agent_is_self")]);
        office.call("GET", "persons/per_01jd4kqvm6e8x9t3c5z7b2n0fa/agents").refused(404, "not_found").await;
    }
}

#[tokio::test]
async fn a_person_is_deleted_with_roles_and_places() {
    let (platform, door) = platform().await;
    let tenant = platform.tenant("north", Tier::Shared).await;
    let office = Office { door: &door, tenant: &tenant };
    let frame = office.frame().await;
    let body =
        json!({"given_name": "Mila", "family_name": "Okafor", "roles": [role("student", "primary", &frame.school)]});
    let person = office.make("persons", body).await;
    let place = json!({"class_id": frame.class["id"], "person_id": person["id"], "role": "student"});
    let place = office.make("enrollments", place).await;
    let address = format!("persons/{}", id(&person));
    office.change("DELETE", &address, &person).expect(204).await;
    let gone = office.read(&address).await;
    assert_eq!((&gone["status"], &gone["roles"]), (&json!("tobedeleted"), &json!([])));
    assert_eq!(office.read(&format!("enrollments/{}", id(&place))).await["status"], "tobedeleted");
    assert_eq!(office.list("persons?role=student").await.len(), 0);
    // By what they were, they are found among the deleted.
    for list in ["persons?role=student&status=tobedeleted", "persons?role=student&status=all"] {
        assert_eq!(office.list(list).await.len(), 1, "{list}");
    }
    assert_eq!(office.list("persons?role=teacher&status=tobedeleted").await.len(), 0);
    // The primary place in the school is free again for the same person.
    let back = json!({"status": "active", "roles": [role("student", "primary", &frame.school)]});
    office.change("PATCH", &address, &gone).json(back).expect(200).await;
    assert_eq!(office.list("persons?role=student").await.len(), 1);
}

#[tokio::test]
async fn the_audit_log_keeps_what_is_not_personal_and_of_the_rest_that_it_changed() {
    let (platform, door) = platform().await;
    let tenant = platform.tenant("north", Tier::Shared).await;
    let office = Office { door: &door, tenant: &tenant };
    let person = office.person("Mila", "Okafor").await;
    let patch = json!({"family_name": "Secret", "phone": "+1 555 0199", "grades": ["05"]});
    office.change("PATCH", &format!("persons/{}", id(&person)), &person).json(patch).expect(200).await;
    let admin = platform.admin(&tenant.placement.clone().unwrap().database).await;
    let rows = admin
        .query("select action, changes from cloister.audit where resource = 'school.person' order by id", &[])
        .await
        .unwrap();
    let seen: Vec<(String, Option<Value>)> = rows.iter().map(|row| (row.get(0), row.get(1))).collect();
    let withheld = json!({"withheld": true});
    let grades = json!({"before": person["grades"], "after": ["05"]});
    let changes = json!({"family_name": withheld, "phone": withheld, "grades": grades});
    assert_eq!(seen, [("create".to_owned(), None), ("update".to_owned(), Some(changes))]);
}

#[tokio::test]
async fn an_address_that_no_mail_can_be_sent_to_is_refused_unless_a_roster_brought_it() {
    let (platform, door) = platform().await;
    let tenant = platform.tenant("north", Tier::Schema).await;
    let office = Office { door: &door, tenant: &tenant };
    for address in ["ada", "ada@", "@home.example", "ada @home.example"] {
        let body = json!({"given_name": "Ada", "family_name": "Berg", "email": address});
        let refusal = office.call("POST", "persons").json(body).expect(422).await;
        assert_eq!(mistakes(&refusal), [("email", "email_invalid")], "{address}");
    }
    let ada = office.person("Ada", "Berg").await;
    let path = format!("persons/{}", id(&ada));
    let refusal = office.change("PATCH", &path, &ada).json(json!({"email": "none"})).expect(422).await;
    assert_eq!(mistakes(&refusal), [("email", "email_invalid")]);
    let placement = tenant.placement.as_ref().unwrap();
    let admin = platform.admin(&placement.database).await;
    let brought = format!("update \"{}\".person set email = 'none'", placement.schema);
    assert_eq!(admin.execute(&brought, &[]).await.unwrap(), 1);
    let named = office.change("PATCH", &path, &ada).json(json!({"given_name": "Adda"})).expect(200).await;
    assert_eq!((&named["given_name"], &named["email"]), (&json!("Adda"), &json!("none")));
    let mended = json!({"email": "ada@home.example"});
    let mended = office.change("PATCH", &path, &named).json(mended).expect(200).await;
    assert_eq!(mended["email"], "ada@home.example");
    let refusal = office.change("PATCH", &path, &mended).json(json!({"email": "none"})).expect(422).await;
    assert_eq!(mistakes(&refusal), [("email", "email_invalid")]);
}
