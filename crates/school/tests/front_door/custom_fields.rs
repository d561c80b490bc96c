//! Fields of a school's own: what they are, what is in them, and who is found by them.

use cloister_tenancy::Tier;
use serde_json::{Value, json};

use crate::{
    Office,
    house::{Accounts, House},
    id, mistakes, platform,
};

async fn field(office: &Office<'_>, resource: &str, name: &str, besides: Value) -> Value {
    let mut body = json!({"resource": resource, "name": name, "title": name});
    for (key, value) in besides.as_object().unwrap() {
        body[key] = value.clone();
    }
    office.make("custom_fields", body).await
}

#[tokio::test]
async fn values_are_typed_and_replaced_together_in_every_tier() {
    let (platform, door) = platform().await;
    for tenant in platform.tenant_in_each_tier().await {
        let office = Office { door: &door, tenant: &tenant };
        let frame = office.frame().await;
        let mila = office.person("Mila", "Okafor").await;
        field(&office, "person", "bus", json!({"type": "choice", "choices": ["North", "South"]})).await;
        field(&office, "person", "size", json!({"type": "number"})).await;
        field(&office, "person", "since", json!({"type": "date"})).await;
        field(&office, "person", "swims", json!({"type": "boolean", "required": true})).await;
        let note = field(&office, "person", "note", json!({"type": "text"})).await;
        field(&office, "class", "key", json!({"type": "text"})).await;
        let path = format!("persons/{}/custom_values", id(&mila));
        let before = office.read(&path).await;
        assert_eq!(before, json!({"version": 1, "values": {}}));
        let put = |known: &Value, values: Value| office.change("PUT", &path, known).json(json!({"values": values}));
        office.call("PUT", &path).json(json!({"values": {}})).refused(428, "precondition_required").await;

        let wrong = json!({"bus": "East", "size": "1", "since": "2025-02-30", "note": 5, "key": "a"});
        let mut told = mistakes(&put(&before, wrong).expect(422).await)
            .into_iter()
            .map(|(field, code)| format!("{field} {code}"))
            .collect::<Vec<_>>();
        told.sort();
        assert_eq!(
            told,
            [
                "values.bus unknown_choice",
                "values.key custom_field_unknown",
                "values.note type_mismatch",
                "values.since type_mismatch",
                "values.size type_mismatch",
                "values.swims required",
            ]
        );
        let values = json!({"bus": "North", "size": 1.5, "since": "2025-09-01", "swims": false, "note": "Ünder"});
        let first = put(&before, values.clone()).expect(200).await;
        assert_eq!(first, json!({"version": 2, "values": values}));
        assert_eq!(office.read(&path).await, first);
        assert_eq!(office.read(&format!("persons/{}", id(&mila))).await["version"], 2, "they are a part of the person");
        assert_eq!(put(&first, values).expect(200).await, first, "the same again is no change");
        put(&before, json!({"swims": true})).refused(412, "version_mismatch").await;
        let fewer = put(&first, json!({"swims": true, "note": null, "size": -2})).expect(200).await;
        assert_eq!(fewer, json!({"version": 3, "values": {"swims": true, "size": -2.0}}));

        // A deleted field keeps what is in it.
        let noted = put(&fewer, json!({"swims": true, "note": "Stays"})).expect(200).await;
        let note_path = format!("custom_fields/{}", id(&note));
        office.change("DELETE", &note_path, &note).expect(204).await;
        assert_eq!(office.read(&path).await["values"], json!({"swims": true}));
        put(&noted, json!({"swims": false})).expect(200).await;
        let gone = office.read(&note_path).await;
        office.change("PATCH", &note_path, &gone).json(json!({"status": "active"})).expect(200).await;
        assert_eq!(office.read(&path).await["values"], json!({"swims": false, "note": "Stays"}));

        // Other kinds of records have fields of their own.
        let path = format!("classes/{}/custom_values", id(&frame.class));
        let class = json!({"values": {"key": "K 12"}});
        let put = office.change("PUT", &path, &frame.class).json(class).expect(200).await;
        assert_eq!(put, json!({"version": 2, "values": {"key": "K 12"}}));
        for path in [format!("orgs/{}", id(&frame.school)), format!("courses/{}", id(&frame.course))] {
            let values = office.read(&format!("{path}/custom_values")).await;
            assert_eq!(values["values"], json!({}), "{path}");
        }
        let nobody = "persons/per_01jd4kqvm6e8x9t3c5z7b2n0fa/custom_values";
        office.call("GET", nobody).refused(404, "not_found").await;
    }
}

#[tokio::test]
async fn records_are_found_by_searchable_values() {
    let (platform, door) = platform().await;
    for tenant in platform.tenant_in_each_tier().await {
        let office = Office { door: &door, tenant: &tenant };
        let bus = field(&office, "person", "bus", json!({"type": "text", "searchable": true})).await;
        let plain = field(&office, "person", "note", json!({"type": "text"})).await;
        let mut persons = Vec::new();
        for (name, line) in [("Mila", "Nørd 1"), ("Tom", "South"), ("Zoe", "nord 2"), ("Gone", "Nord 3")] {
            let person = office.person(name, "Okafor").await;
            let values = json!({"values": {"bus": line, "note": "x"}});
            office
                .change("PUT", &format!("persons/{}/custom_values", id(&person)), &person)
                .json(values)
                .expect(200)
                .await;
            persons.push(person);
        }
        let path = format!("persons/{}", id(&persons[3]));
        let gone = office.read(&path).await;
        office.change("DELETE", &path, &gone).expect(204).await;
        let list = async |query: &str| {
            let items = office.list(&format!("custom_fields/{}/matches{query}", id(&bus))).await;
            items.iter().map(|item| item["record_id"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
        };
        let [mila, tom, zoe] = [id(&persons[0]), id(&persons[1]), id(&persons[2])];
        assert_eq!(list("").await, [mila, zoe, tom]);
        assert_eq!(list("?q=NORD").await, [mila, zoe]);
        assert_eq!(list("?q=south").await, [tom]);
        let found = office.read(&format!("custom_fields/{}/matches?q=s", id(&bus))).await;
        assert_eq!(found, json!({"items": [{"record_id": tom, "value": "South"}], "next_cursor": null}));
        // Page by page, from either end.
        for (order, wanted) in [("value", [mila, zoe, tom]), ("-value", [tom, zoe, mila])] {
            let matches = format!("custom_fields/{}/matches?limit=1&sort={order}", id(&bus));
            assert_eq!(list(&format!("?limit=3&sort={order}")).await, wanted);
            let (mut found, mut cursor) = (Vec::new(), String::new());
            loop {
                let page = office.read(&format!("{matches}{cursor}")).await;
                found.extend(page["items"].as_array().unwrap().iter().map(|item| item["record_id"].clone()));
                let Some(next) = page["next_cursor"].as_str() else { break };
                cursor = format!("&cursor={next}");
            }
            assert_eq!(found, wanted, "{order}");
        }
        let refusal = office.call("GET", &format!("custom_fields/{}/matches", id(&plain))).expect(422).await;
        assert_eq!(mistakes(&refusal), [("id", "custom_field_not_searchable")]);
        // What was entered before a field became searchable is found too.
        let path = format!("custom_fields/{}", id(&plain));
        office.change("PATCH", &path, &plain).json(json!({"searchable": true})).expect(200).await;
        assert_eq!(office.list(&format!("{path}/matches?q=x")).await.len(), 3);
        let nothing = "custom_fields/cuf_01jd4kqvm6e8x9t3c5z7b2n0fa/matches";
        office.call("GET", nothing).refused(404, "not_found").await;
    }
}

#[tokio::test]
async fn records_of_every_kind_are_found_by_their_values() {
    let (platform, door) = platform().await;
    let tenant = platform.tenant("north", Tier::Shared).await;
    let office = Office { door: &door, tenant: &tenant };
    let frame = office.frame().await;
    let person = office.person("Mila", "Okafor").await;
    for (resource, path, record) in [
        ("person", "persons", &person),
        ("org", "orgs", &frame.school),
        ("course", "courses", &frame.course),
        ("class", "classes", &frame.class),
    ] {
        let code = field(&office, resource, "code", json!({"type": "text", "searchable": true})).await;
        let path = format!("{path}/{}", id(record));
        let values = json!({"values": {"code": "North 1"}});
        office.change("PUT", &format!("{path}/custom_values"), record).json(values).expect(200).await;
        let queries = ["?sort=value", "?sort=-value", "?q=north&sort=value", "?q=north&sort=-value"];
        let found = async |query: &str| {
            let matches = office.list(&format!("custom_fields/{}/matches{query}", id(&code))).await;
            matches.iter().map(|item| item["record_id"].clone()).collect::<Vec<_>>()
        };
        for query in queries {
            assert_eq!(found(query).await, [record["id"].clone()], "{resource}{query}");
        }
    }
}

#[tokio::test]
async fn what_a_field_is_stays_and_bad_ones_are_refused() {
    let (platform, door) = platform().await;
    let tenant = platform.tenant("north", Tier::Shared).await;
    let office = Office { door: &door, tenant: &tenant };
    let bus = field(&office, "person", "bus", json!({"type": "text"})).await;
    let same = json!({"resource": "person", "name": "bus", "title": "Other", "type": "date"});
    office.call("POST", "custom_fields").json(same.clone()).refused(409, "name_taken").await;
    field(&office, "org", "bus", json!({"type": "date"})).await;
    let path = format!("custom_fields/{}", id(&bus));
    for (name, value) in [("resource", json!("org")), ("name", json!("other")), ("type", json!("date"))] {
        let refusal = office.change("PATCH", &path, &bus).json(json!({name: value})).expect(422).await;
        assert_eq!(mistakes(&refusal), [(name, "custom_field_fixed")]);
    }
    for (name, value, code) in [
        ("name", json!("Bus"), "name_invalid"),
        ("name", json!("1st"), "name_invalid"),
        ("title", json!(" "), "blank"),
        ("choices", json!(["a"]), "choices_mismatch"),
        ("choices", json!(["a", "a"]), "given_twice"),
        ("searchable", json!(true), "type_not_searchable"),
    ] {
        let mut body = json!({"resource": "course", "name": "n", "title": "N", "type": "number"});
        body[name] = value;
        let refusal = office.call("POST", "custom_fields").json(body).expect(422).await;
        assert_eq!(mistakes(&refusal), [(name, code)]);
    }
    let items = office.list("custom_fields?resource=person&q=b").await;
    assert_eq!(items.iter().map(id).collect::<Vec<_>>(), [id(&bus)]);
}

#[tokio::test]
async fn values_are_for_the_office() {
    let (platform, door) = platform().await;
    let accounts = Accounts::new();
    let tenant = platform.tenant("north", Tier::Shared).await;
    let house = House::new(&platform, &door, &tenant, &accounts).await;
    let bus = field(&house.office, "person", "bus", json!({"type": "text", "searchable": true})).await;
    let path = format!("persons/{}/custom_values", house.person("Mila"));
    for (role, read, write, make) in
        [("staff", 200, 412, 403), ("teacher", 404, 404, 403), ("guardian", 404, 404, 403), ("student", 404, 404, 403)]
    {
        assert_eq!(house.by(role, "GET", &path).send().await.status, read, "{role}");
        let matches = format!("custom_fields/{}/matches", id(&bus));
        assert_eq!(house.by(role, "GET", &matches).send().await.status, read, "{role}");
        let put = house.by(role, "PUT", &path).header("if-match", "\"v99\"").json(json!({"values": {}}));
        assert_eq!(put.send().await.status, write, "{role}");
        let body = json!({"resource": "person", "name": "mine", "title": "Mine", "type": "text"});
        assert_eq!(house.by(role, "POST", "custom_fields").json(body).send().await.status, make, "{role}");
    }
}
