//! Demographics: apart from the person, and with a permission of their own.

use cloister_testkit::token;
use serde_json::{Value, json};

use crate::{Office, id, mistakes, platform};

#[tokio::test]
async fn they_are_entered_replaced_and_erased_in_every_tier() {
    let (platform, door) = platform().await;
    for tenant in platform.tenant_in_each_tier().await {
        let office = Office { door: &door, tenant: &tenant };
        let person = office.person("Mila", "Okafor").await;
        let address = format!("persons/{}/demographics", id(&person));
        office.call("GET", &address).refused(404, "not_found").await;
        let body = json!({"birth_date": "2015-04-23", "sex": "female", "asian": false, "city_of_birth": "Lagos"});
        let made = office.call("PUT", &address).json(body).send().await;
        assert_eq!((made.status, made.header("etag")), (200, Some("\"v1\"")), "{}", made.body);
        let made = made.body;
        assert_eq!((&made["person_id"], &made["sourced_id"]), (&person["id"], &person["sourced_id"]));
        assert_eq!(
            (&made["birth_date"], &made["asian"], &made["white"]),
            (&json!("2015-04-23"), &json!(false), &Value::Null)
        );
        assert_eq!(office.read(&address).await, made);

        let next = json!({"sex": "ext:nonbinary"});
        office.call("PUT", &address).json(next.clone()).refused(428, "precondition_required").await;
        let put = office.call("PUT", &address).json(next);
        put.clone().header("if-match", "\"v7\"").refused(412, "version_mismatch").await;
        let next = put.header("if-match", "\"v1\"").expect(200).await;
        assert_eq!((&next["version"], &next["birth_date"]), (&json!(2), &Value::Null));
        for (field, value, code) in [
            ("birth_date", json!("1700-01-01"), "date_implausible"),
            ("birth_date", json!("yesterday"), "invalid_value"),
            ("sex", json!("f"), "invalid_value"),
            ("asian", json!("yes"), "wrong_type"),
            ("city_of_birth", json!(""), "blank"),
            ("religion", json!("x"), "unknown_field"),
        ] {
            let refusal = office.change("PUT", &address, &next).json(json!({ field: value })).expect(422).await;
            assert!(mistakes(&refusal).contains(&(field, code)), "{refusal}");
        }

        office.call("DELETE", &address).refused(428, "precondition_required").await;
        office.change("DELETE", &address, &made).refused(412, "version_mismatch").await;
        office.change("DELETE", &address, &next).expect(204).await;
        office.call("GET", &address).refused(404, "not_found").await;
        office.change("DELETE", &address, &next).refused(404, "not_found").await;
        // Who still has the page open does not bring back what was erased.
        office.change("PUT", &address, &next).json(json!({"sex": "female"})).refused(412, "version_mismatch").await;
        office.call("GET", &address).refused(404, "not_found").await;
        let nobody = "persons/per_01jd4kqvm6e8x9t3c5z7b2n0fa/demographics";
        office.call("PUT", nobody).json(json!({})).refused(404, "not_found").await;
    }
}

#[tokio::test]
async fn whoever_may_see_persons_may_not_see_these() {
    let (platform, door) = platform().await;
    let tenant = platform.tenant("north", cloister_tenancy::Tier::Shared).await;
    let office = Office { door: &door, tenant: &tenant };
    let person = office.person("Mila", "Okafor").await;
    let address = format!("persons/{}/demographics", id(&person));
    office.call("PUT", &address).json(json!({"sex": "female"})).expect(200).await;
    let teacher = token("teacher", Some(&tenant), &["school.person.*"]);
    office.call("GET", &format!("persons/{}", id(&person))).token(&teacher).expect(200).await;
    for method in ["GET", "PUT", "DELETE"] {
        let call = office.call(method, &address).token(&teacher).header("if-match", "\"v1\"");
        let call = if method == "PUT" { call.json(json!({})) } else { call };
        call.refused(404, "not_found").await;
    }
    let reader = token("nurse", Some(&tenant), &["school.demographics.read"]);
    office.call("GET", &address).token(&reader).expect(200).await;
    let put = office.call("PUT", &address).token(&reader).header("if-match", "\"v1\"").json(json!({}));
    put.refused(403, "permission_denied").await;
}
