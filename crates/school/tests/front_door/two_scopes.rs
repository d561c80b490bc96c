//! Persons and classes may be narrowed by one scope, and places in classes by another: a list that a filter ties to places
//! holds to both.

use cloister_tenancy::Tier;
use serde_json::{Value, json};

use crate::{
    house::{Accounts, House, names},
    id, platform,
};

/// Every order of persons, and of classes.
const OF_PERSONS: [&str; 4] = ["name", "-name", "date_last_modified", "-date_last_modified"];
const OF_CLASSES: [&str; 4] = ["title", "-title", "date_last_modified", "-date_last_modified"];

struct Reader<'a>(House<'a>);

impl Reader<'_> {
    /// What Tess finds with these two permissions, in whatever order she asks.
    async fn finds(&self, [first, second]: [&str; 2], path: &str, orders: &[&str]) -> Vec<Value> {
        let permissions = [first, second].map(|word| format!("school.{word}"));
        let mut found: Option<Vec<Value>> = None;
        for order in orders {
            let path = format!("{path}&sort={order}");
            let page = self.0.with("teacher", &permissions, "GET", &path).expect(200).await;
            let mut items = page["items"].as_array().unwrap().clone();
            items.sort_by_key(Value::to_string);
            let before = found.get_or_insert_with(|| items.clone());
            assert_eq!(*before, items, "{path}");
        }
        found.unwrap()
    }

    async fn persons(&self, permissions: [&str; 2], class: &Value) -> Vec<String> {
        let items = self.finds(permissions, &format!("persons?class_id={}", id(class)), &OF_PERSONS).await;
        let mut names = names(&json!({ "items": items }));
        names.sort();
        names
    }

    async fn classes(&self, permissions: [&str; 2], person: &str) -> Vec<String> {
        let items = self.finds(permissions, &format!("classes?person_id={person}"), &OF_CLASSES).await;
        let mut titles: Vec<_> = items.iter().map(|item| item["title"].as_str().unwrap().to_owned()).collect();
        titles.sort();
        titles
    }
}

#[tokio::test]
async fn both_scopes_hold_where_a_filter_ties_one_to_the_other() {
    let (platform, door) = platform().await;
    let accounts = Accounts::new();
    let tenant = platform.tenant("north", Tier::Shared).await;
    let house = House::new(&platform, &door, &tenant, &accounts).await;
    // Tess teaches A, where Mila and Nell are, and acts for Mila and Quin. Mila is in B besides, where Quin is.
    for (child, agents) in [("Mila", vec!["Gus", "Ines", "Tess"]), ("Quin", vec!["Hal", "Tess"])] {
        let path = format!("persons/{}", house.person(child));
        let record = house.office.read(&path).await;
        let agents: Vec<&str> = agents.into_iter().map(|agent| house.person(agent)).collect();
        let put = house.office.change("PUT", &format!("{path}/agents"), &record);
        put.json(json!({ "agent_ids": agents })).expect(200).await;
    }
    for contact in house.office.list(&format!("contacts?contact_id={}", house.person("Tess"))).await {
        let path = format!("contacts/{}", id(&contact));
        house.office.change("PATCH", &path, &contact).json(json!({"relation": "mother"})).expect(200).await;
    }
    let nell = house.office.make("persons", json!({ "given_name": "Nell", "family_name": "Child" })).await;
    for (person, class) in [(id(&nell), &house.frame.class), (house.person("Mila"), &house.other_class)] {
        let place = json!({ "class_id": class["id"], "person_id": person, "role": "student" });
        house.office.make("enrollments", place).await;
    }
    let (mila, quin, nell) = (house.person("Mila").to_owned(), house.person("Quin").to_owned(), id(&nell).to_owned());
    let (a, b) = (house.frame.class.clone(), house.other_class.clone());
    let tess = Reader(house);
    for (persons, places, in_a, in_b) in [
        ("own_classes", "own_children", vec!["Mila"], vec!["Mila"]),
        ("own_children", "own_classes", vec!["Mila"], vec![]),
        ("own_children", "own_children", vec!["Mila"], vec!["Mila", "Quin"]),
        ("own_classes", "self", vec!["Tess"], vec![]),
        ("self", "own_classes", vec!["Tess"], vec![]),
    ] {
        let permissions = [format!("person.read:{persons}"), format!("enrollment.read:{places}")];
        let permissions = [permissions[0].as_str(), permissions[1].as_str()];
        assert_eq!(tess.persons(permissions, &a).await, in_a, "{permissions:?}");
        assert_eq!(tess.persons(permissions, &b).await, in_b, "{permissions:?}");
    }
    // All places, and persons within scopes.
    assert_eq!(tess.persons(["person.read:own_classes", "enrollment.read"], &b).await, ["Mila"]);
    assert_eq!(tess.persons(["person.read:own_children", "enrollment.read"], &b).await, ["Mila", "Quin"]);

    for (classes, places, of_mila, of_quin, of_nell) in [
        ("own_classes", "own_children", vec!["Algebra A"], vec![], vec![]),
        ("own_children", "own_classes", vec!["Algebra A"], vec![], vec!["Algebra A"]),
        ("own_children", "own_children", vec!["Algebra A", "Biology B"], vec!["Biology B"], vec![]),
        ("self", "own_classes", vec!["Algebra A"], vec![], vec!["Algebra A"]),
        ("self", "own_children", vec!["Algebra A"], vec![], vec![]),
    ] {
        let permissions = [format!("class.read:{classes}"), format!("enrollment.read:{places}")];
        let permissions = [permissions[0].as_str(), permissions[1].as_str()];
        assert_eq!(tess.classes(permissions, &mila).await, of_mila, "{permissions:?}");
        assert_eq!(tess.classes(permissions, &quin).await, of_quin, "{permissions:?}");
        assert_eq!(tess.classes(permissions, &nell).await, of_nell, "{permissions:?}");
    }
    assert_eq!(tess.classes(["class.read:own_classes", "enrollment.read"], &mila).await, ["Algebra A"]);

    // Incidents of one scope and whose they are of another; all attendance, and places of one.
    let office = &tess.0.office;
    let school = &tess.0.frame.school;
    for (student, role) in [(&mila, "perpetrator"), (&nell, "victim")] {
        let incident = json!({"school_id": school["id"], "incident_date": "2025-10-14", "incident_location": "hallway",
            "description": "They fought.", "participants": [{"person_id": student, "participation_code": role}]});
        office.make("discipline_incidents", incident).await;
    }
    let incidents = ["discipline_incident.read:own_classes", "incident_participant.read:own_children"];
    let path = |student: &str| format!("discipline_incidents?student_id={student}");
    assert_eq!(tess.finds(incidents, &path(&mila), &["incident_date", "-incident_date"]).await.len(), 1);
    assert!(tess.finds(incidents, &path(&nell), &["incident_date", "-incident_date"]).await.is_empty());
    for (places, count) in [("own_children", 1), ("own_classes", 2)] {
        let places = format!("enrollment.read:{places}");
        let path = format!("attendance_rates?class_id={}", id(&a));
        let rates = tess.finds(["attendance_event.read", places.as_str()], &path, &["name", "-name"]).await;
        assert_eq!(rates.len(), count, "{places}");
    }
}
