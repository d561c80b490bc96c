//! Families and siblings, and the posts of staff.

use cloister_tenancy::Tier;
use serde_json::{Value, json};

use crate::{
    Office,
    house::{Accounts, House},
    id, mistakes, platform,
};

fn names(siblings: &Value) -> Vec<String> {
    let siblings = siblings["siblings"].as_array().unwrap();
    siblings.iter().map(|one| one["given_name"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn siblings_share_a_family_or_a_parent_in_every_tier() {
    let (platform, door) = platform().await;
    for tenant in platform.tenant_in_each_tier().await {
        let office = Office { door: &door, tenant: &tenant };
        let frame = office.frame().await;
        let child = async |name: &str| {
            let role = json!([{"role": "student", "role_type": "primary", "org_id": frame.school["id"]}]);
            office.make("persons", json!({"given_name": name, "family_name": "Okafor", "roles": role})).await
        };
        let (mila, tom, zoe, quin) = (child("Mila").await, child("Tom").await, child("Zoe").await, child("Quin").await);
        let (ada, worker) = (office.person("Ada", "Okafor").await, office.person("Wim", "Work").await);
        let siblings = async |of: &Value| names(&office.read(&format!("persons/{}/siblings", id(of))).await);
        assert_eq!(siblings(&mila).await, Vec::<String>::new());
        // By a parent, and not by somebody who is everybody's.
        for (student, contact, relation) in [
            (&mila, &ada, "mother"),
            (&tom, &ada, "parent"),
            (&mila, &worker, "ext:social worker"),
            (&quin, &worker, "ext:social worker"),
        ] {
            let body = json!({"student_id": student["id"], "contact_id": contact["id"], "relation": relation});
            office.make("contacts", body).await;
        }
        assert_eq!(siblings(&mila).await, ["Tom"]);
        assert_eq!(siblings(&quin).await, Vec::<String>::new());
        // Only as long as there is such a parent.
        let [contact] = office.list(&format!("contacts?student_id={}", id(&tom))).await.try_into().unwrap();
        let path = format!("contacts/{}", id(&contact));
        let over = office.change("PATCH", &path, &contact).json(json!({"end_date": "2020-01-01"})).expect(200).await;
        assert_eq!(siblings(&mila).await, Vec::<String>::new());
        assert_eq!(siblings(&tom).await, Vec::<String>::new());
        office.change("PATCH", &path, &over).json(json!({"end_date": null})).expect(200).await;
        // By a family, in which adults are nobody's siblings.
        let members = json!([mila["id"], zoe["id"], ada["id"]]);
        let family = office.make("families", json!({"name": "Okafor", "member_ids": members})).await;
        assert_eq!(siblings(&mila).await, ["Tom", "Zoe"]);
        assert_eq!(siblings(&zoe).await, ["Mila"]);
        let path = format!("families/{}", id(&family));
        office.change("DELETE", &path, &family).expect(204).await;
        assert_eq!(siblings(&mila).await, ["Tom"]);
        office.call("GET", "persons/per_01jd4kqvm6e8x9t3c5z7b2n0fa/siblings").refused(404, "not_found").await;
    }
}

#[tokio::test]
async fn siblings_are_told_of_within_ones_sight_only() {
    let (platform, door) = platform().await;
    let accounts = Accounts::new();
    let tenant = platform.tenant("north", Tier::Shared).await;
    let house = House::new(&platform, &door, &tenant, &accounts).await;
    // Quin is a half-brother: his father is not Gus, and Tess does not teach him.
    let members = json!([house.person("Mila"), house.person("Quin")]);
    house.office.make("families", json!({"name": "Child", "member_ids": members})).await;
    let path = format!("persons/{}/siblings", house.person("Mila"));
    for (role, wanted) in [("staff", vec!["Quin"]), ("teacher", vec![]), ("guardian", vec![]), ("student", vec![])] {
        let told = house.by(role, "GET", &path).expect(200).await;
        assert_eq!(names(&told), wanted, "{role}");
    }
    let contact = json!({"student_id": house.person("Quin"), "contact_id": house.person("Gus"), "relation": "stepparent", "child_data_access": true});
    house.office.make("contacts", contact).await;
    assert_eq!(names(&house.by("guardian", "GET", &path).expect(200).await), ["Quin"]);
    for role in ["teacher", "student"] {
        let path = format!("persons/{}/siblings", house.person("Quin"));
        house.by(role, "GET", &path).refused(404, "not_found").await;
    }
}

#[tokio::test]
async fn families_are_found_by_name_and_member() {
    let (platform, door) = platform().await;
    let tenant = platform.tenant("north", Tier::Schema).await;
    let office = Office { door: &door, tenant: &tenant };
    let mila = office.person("Mila", "Okafor").await;
    let a = office.make("families", json!({"name": "Øberg"})).await["id"].clone();
    let b = office.make("families", json!({"name": "Okafor", "member_ids": [mila["id"]]})).await["id"].clone();
    for (query, wanted) in [
        (String::new(), vec![&a, &b]),
        ("?sort=-name".to_owned(), vec![&b, &a]),
        ("?sort=-date_last_modified".to_owned(), vec![&b, &a]),
        ("?q=ob".to_owned(), vec![&a]),
        (format!("?person_id={}", id(&mila)), vec![&b]),
    ] {
        let items = office.list(&format!("families{query}")).await;
        assert_eq!(items.iter().map(|item| &item["id"]).collect::<Vec<_>>(), wanted, "{query}");
    }
    for (field, value, code) in [
        ("member_ids", json!([id(&mila), id(&mila)]), "given_twice"),
        ("member_ids", json!(["per_01jd4kqvm6e8x9t3c5z7b2n0fa"]), "person_unknown"),
        ("name", json!(" "), "blank"),
    ] {
        let mut body = json!({"name": "Berg"});
        body[field] = value;
        let refusal = office.call("POST", "families").json(body).expect(422).await;
        assert_eq!(mistakes(&refusal), [(field, code)]);
    }
}

#[tokio::test]
async fn a_post_is_seen_by_the_office_and_by_whoever_has_it() {
    let (platform, door) = platform().await;
    let accounts = Accounts::new();
    let tenant = platform.tenant("north", Tier::Shared).await;
    let house = House::new(&platform, &door, &tenant, &accounts).await;
    let make = async |name: &str, kind: &str, begin: &str, end: Option<&str>| {
        let body = json!({"person_id": house.person(name), "org_id": house.frame.school["id"], "begin_date": begin,
            "staff_classification": kind, "end_date": end});
        house.office.make("staff_assignments", body).await
    };
    let tess = make("Tess", "teacher", "2025-08-01", None).await;
    let before = make("Tess", "ext:trainee", "2024-08-01", Some("2025-08-01")).await;
    let cole = make("Cole", "nurse", "2023-08-01", None).await;
    let list = async |role: &str, query: &str| {
        let page = house.by(role, "GET", &format!("staff_assignments{query}")).expect(200).await;
        page["items"].as_array().unwrap().iter().map(|item| id(item).to_owned()).collect::<Vec<_>>()
    };
    let (t, b, c) = (id(&tess), id(&before), id(&cole));
    assert_eq!(list("staff", "").await, [c, b, t]);
    assert_eq!(list("staff", "?sort=-begin_date&limit=2").await, [t, b]);
    assert_eq!(list("staff", "?on=2025-08-01").await, [c, t]);
    assert_eq!(list("staff", "?staff_classification=nurse").await, [c]);
    assert_eq!(list("staff", &format!("?person_id={}", house.person("Tess"))).await, [b, t]);
    assert_eq!(list("teacher", "").await, [b, t]);
    house.by("teacher", "GET", &format!("staff_assignments/{t}")).expect(200).await;
    house.by("teacher", "GET", &format!("staff_assignments/{c}")).refused(404, "not_found").await;
    let end = json!({"end_date": "2026-07-01"});
    let change = |role: &str, post: &str| {
        house.by(role, "PATCH", &format!("staff_assignments/{post}")).header("if-match", "\"v1\"").json(end.clone())
    };
    change("teacher", t).refused(403, "permission_denied").await;
    change("teacher", c).refused(404, "not_found").await;
    change("staff", t).refused(403, "permission_denied").await;
    change("admin", t).expect(200).await;
    for (part, code) in [(json!(0.333_33), "too_fine"), (json!(1.5), "")] {
        let body = json!({"person_id": house.person("Cole"), "org_id": house.frame.school["id"],
            "begin_date": "2025-08-01", "staff_classification": "nurse", "full_time_equivalency": part});
        let refusal = house.office.call("POST", "staff_assignments").json(body).expect(422).await;
        let told = mistakes(&refusal);
        assert!(told.iter().all(|(field, is)| *field == "full_time_equivalency" && (code.is_empty() || *is == code)));
        assert_eq!(told.len(), 1, "{refusal}");
    }
}
