//! What is one's own begins and ends: with dates, with deletion, with the account; and no filter looks past it.

use std::sync::Arc;

use cloister_ids::{AccountId, ManualClock, SystemClock};
use cloister_school::School;
use cloister_tenancy::{Module, Tier};
use cloister_testkit::{FrontDoor, TestPlatform, TestSettings, token};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use crate::{
    house::{Accounts, House, names, permissions, signed_in},
    http_modules, id, platform,
};

/// These words as permissions.
fn words(words: &[&str]) -> Vec<String> {
    words.iter().map(|word| (*word).to_owned()).collect()
}

#[tokio::test]
async fn a_place_counts_from_its_first_day_to_the_day_before_its_end_on_both_sides() {
    let clock = ManualClock::new("2025-10-14T23:00:00Z".parse::<Timestamp>().unwrap());
    let modules: Vec<Arc<dyn Module>> = vec![Arc::new(School)];
    let platform =
        TestPlatform::with(TestSettings { modules, clock: Arc::new(clock.clone()), ..TestSettings::default() }).await;
    let door = FrontDoor::new(&platform.tenancy, &http_modules());
    let accounts = Accounts::new();
    let tenant = platform.tenant("north", Tier::Shared).await;
    let house = House::new(&platform, &door, &tenant, &accounts).await;
    let dates = async |name: &str, begin: Option<&str>, end: Option<&str>| {
        let path = format!("enrollments/{}", house.place(name));
        let place = house.office.read(&path).await;
        let dates = json!({"begin_date": begin, "end_date": end});
        house.office.change("PATCH", &path, &place).json(dates).expect(200).await;
    };
    let sees = async |wanted: u16| {
        for path in [
            format!("persons/{}", house.person("Mila")),
            format!("persons/{}/agents", house.person("Mila")),
            format!("persons/{}/roles", house.person("Mila")),
        ] {
            house.by("teacher", "GET", &path).expect(wanted).await;
        }
        let listed = house.names("teacher", "persons").await;
        assert_eq!(listed.contains(&"Mila".to_owned()), wanted == 200, "{listed:?}");
        assert!(listed.contains(&"Tess".to_owned()), "oneself always");
    };
    let both = [("Tess", 404), ("Mila", 404)];
    for (name, outside) in both {
        for (begin, end, wanted) in [
            (Some("2025-10-15"), None, outside),
            (Some("2025-10-14"), None, 200),
            (None, Some("2025-10-15"), 200),
            (None, Some("2025-10-14"), outside),
            (Some("2025-09-01"), Some("2026-02-01"), 200),
        ] {
            dates(name, begin, end).await;
            sees(wanted).await;
        }
        dates(name, None, None).await;
    }

    // The day passes, and nobody has to do anything for it.
    dates("Tess", None, Some("2025-10-15")).await;
    sees(200).await;
    let place = format!("enrollments/{}", house.place("Mila"));
    house.by("teacher", "GET", &place).expect(200).await;
    clock.advance(SignedDuration::from_hours(2));
    sees(404).await;
    house.by("teacher", "GET", &place).refused(404, "not_found").await;
    // A former teacher keeps what is about themselves.
    let own = house.by("teacher", "GET", "enrollments").expect(200).await;
    assert_eq!(own["items"].as_array().unwrap().iter().map(id).collect::<Vec<_>>(), [house.place("Tess")]);

    // Only whoever teaches a class has it as their own.
    dates("Tess", None, None).await;
    sees(200).await;
    let path = format!("enrollments/{}", house.place("Tess"));
    let teaching = house.office.read(&path).await;
    house.office.change("PATCH", &path, &teaching).json(json!({"role": "proctor"})).expect(200).await;
    sees(404).await;
}

#[tokio::test]
async fn what_is_deleted_or_untied_is_nobodys_own() {
    let (platform, door) = platform().await;
    let accounts = Accounts::new();
    for tenant in platform.tenant_in_each_tier().await {
        let house = House::new(&platform, &door, &tenant, &accounts).await;
        let (mila, gus) = (format!("persons/{}", house.person("Mila")), format!("persons/{}", house.person("Gus")));
        let demographics = words(&["school.demographics.read:own_children", "school.demographics.read:self"]);
        let of_child = format!("{mila}/demographics");
        house.with("guardian", &demographics, "GET", &of_child).expect(200).await;

        // No longer acting for her.
        let record = house.office.read(&mila).await;
        let ines = json!({"agent_ids": [house.person("Ines")]});
        house.office.change("PUT", &format!("{mila}/agents"), &record).json(ines).expect(200).await;
        house.by("guardian", "GET", &mila).refused(404, "not_found").await;
        house.with("guardian", &demographics, "GET", &of_child).refused(404, "not_found").await;
        assert_eq!(house.names("guardian", "persons").await, ["Gus"]);
        let record = house.office.read(&mila).await;
        let both = json!({"agent_ids": [house.person("Ines"), house.person("Gus")]});
        house.office.change("PUT", &format!("{mila}/agents"), &record).json(both).expect(200).await;
        house.by("guardian", "GET", &mila).expect(200).await;

        // A deleted place.
        let place = format!("enrollments/{}", house.place("Mila"));
        house.by("student", "GET", &place).expect(200).await;
        let record = house.office.read(&place).await;
        house.office.change("DELETE", &place, &record).expect(204).await;
        for role in ["teacher", "guardian", "student"] {
            house.by(role, "GET", &place).refused(404, "not_found").await;
            let listed = house.by(role, "GET", "enrollments?status=all").expect(200).await;
            assert!(listed["items"].as_array().unwrap().iter().all(|item| item["id"] != house.places["Mila"]["id"]));
        }
        house.by("teacher", "GET", &mila).refused(404, "not_found").await;

        // A deleted guardian sees nobody any more, until brought back.
        let record = house.office.read(&gus).await;
        house.office.change("DELETE", &gus, &record).expect(204).await;
        house.by("guardian", "GET", &mila).refused(404, "not_found").await;
        assert_eq!(house.names("guardian", "persons").await, Vec::<String>::new());
        let record = house.office.read(&gus).await;
        house.office.change("PATCH", &gus, &record).json(json!({"status": "active"})).expect(200).await;
        house.by("guardian", "GET", &mila).expect(200).await;

        // A deleted child, who can be read by the office alone; and a deleted guardian.
        let record = house.office.read(&mila).await;
        house.office.change("DELETE", &mila, &record).expect(204).await;
        assert_eq!(house.office.read(&mila).await["status"], "tobedeleted");
        for path in [&mila, &format!("{mila}/roles"), &format!("{mila}/agents")] {
            house.by("guardian", "GET", path).refused(404, "not_found").await;
            house.by("student", "GET", path).refused(404, "not_found").await;
        }
        house.with("guardian", &demographics, "GET", &of_child).refused(404, "not_found").await;
        let contact = format!("contacts/{}", house.contact("Gus"));
        house.by("guardian", "GET", &contact).refused(404, "not_found").await;
        assert_eq!(house.by("guardian", "GET", "contacts").expect(200).await["items"], json!([]));
        let all = house.by("guardian", "GET", "persons?status=all").expect(200).await;
        assert_eq!(names(&all), ["Gus"]);
        house.by("guardian", "GET", &gus).expect(200).await;
        let record = house.office.read(&gus).await;
        house.office.change("DELETE", &gus, &record).expect(204).await;
        house.by("guardian", "GET", &gus).refused(404, "not_found").await;
        assert_eq!(house.names("guardian", "persons").await, Vec::<String>::new());
    }
}

#[tokio::test]
async fn without_an_account_that_is_tied_to_a_person_nothing_is_ones_own() {
    let (platform, door) = platform().await;
    let accounts = Accounts::new();
    let tenant = platform.tenant("north", Tier::Shared).await;
    let house = House::new(&platform, &door, &tenant, &accounts).await;
    let teacher = permissions("teacher");
    let granted: Vec<&str> = teacher.iter().map(String::as_str).collect();
    for token in [
        signed_in(AccountId::generate(&SystemClock), &tenant, &teacher),
        token("somebody", Some(&tenant), &granted),
        // A scope that no statement knows reaches nothing.
        signed_in(
            accounts.of("teacher"),
            &tenant,
            &words(&["school.person.read:own_school", "school.enrollment.read:"]),
        ),
    ] {
        for (path, places) in [("persons", &house.persons), ("enrollments", &house.places)] {
            let page = house.office.call("GET", path).token(&token).expect(200).await;
            assert_eq!(page["items"], json!([]), "{path}");
            for record in places.values() {
                let call = house.office.call("GET", &format!("{path}/{}", id(record))).token(&token);
                call.refused(404, "not_found").await;
            }
        }
    }
    // An account of another tenant's person is nobody here.
    let other = platform.tenant("south", Tier::Shared).await;
    let theirs = Accounts::new();
    House::new(&platform, &door, &other, &theirs).await;
    let theirs = signed_in(theirs.of("student"), &tenant, &permissions("student"));
    let page = house.office.call("GET", "persons").token(&theirs).expect(200).await;
    assert_eq!(page["items"], json!([]));
}

#[tokio::test]
async fn what_is_outside_answers_as_what_does_not_exist() {
    let (platform, door) = platform().await;
    let accounts = Accounts::new();
    let tenant = platform.tenant("north", Tier::Shared).await;
    let house = House::new(&platform, &door, &tenant, &accounts).await;
    let ask = async |method: &str, path: &str| {
        let call = house.by("teacher", method, path).header("if-match", "\"v1\"");
        let call = if method == "PATCH" { call.json(json!({})) } else { call };
        let mut seen = call.send().await;
        for changing in ["instance", "request_id"] {
            seen.body.as_object_mut().unwrap().remove(changing);
        }
        (seen.status, seen.body)
    };
    for (path, other, nobody) in [
        ("persons", house.person("Quin"), "per_01jd4kqvm6e8x9t3c5z7b2n0fa"),
        ("enrollments", house.place("Quin"), "enr_01jd4kqvm6e8x9t3c5z7b2n0fa"),
    ] {
        for method in ["GET", "PATCH", "DELETE"] {
            let outside = ask(method, &format!("{path}/{other}")).await;
            assert_eq!(outside.0, 404);
            assert_eq!(outside, ask(method, &format!("{path}/{nobody}")).await, "{method} {path}");
        }
        for sourced_id in [other, nobody] {
            let page = house.by("teacher", "GET", &format!("{path}?sourced_id={sourced_id}")).expect(200).await;
            assert_eq!(page["items"], json!([]), "its sourced_id is its id");
        }
    }
    let own = house.by("teacher", "GET", &format!("persons?sourced_id={}", house.person("Mila"))).expect(200).await;
    assert_eq!(names(&own), ["Mila"]);
    let own = house.by("teacher", "GET", &format!("enrollments?sourced_id={}", house.place("Mila"))).expect(200).await;
    assert_eq!(own["items"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn no_filter_tells_of_places_that_one_may_not_see() {
    let (platform, door) = platform().await;
    let accounts = Accounts::new();
    let tenant = platform.tenant("north", Tier::Shared).await;
    let house = House::new(&platform, &door, &tenant, &accounts).await;
    let (class, other) = (id(&house.frame.class), id(&house.other_class));
    // Mila is in the other class too: her teacher there may know, her teacher here learns it from no answer.
    let place = json!({"class_id": other, "person_id": house.person("Mila"), "role": "student"});
    house.office.make("enrollments", place).await;
    let titles = async |role: &str, path: &str| {
        let page = house.by(role, "GET", path).expect(200).await;
        let titles = page["items"].as_array().unwrap().iter().map(|item| item["title"].as_str().unwrap().to_owned());
        titles.collect::<Vec<_>>()
    };
    let of_mila = format!("classes?person_id={}", house.person("Mila"));
    let of_quin = format!("classes?person_id={}", house.person("Quin"));
    assert_eq!(titles("staff", &of_mila).await, ["Algebra A", "Biology B"]);
    assert_eq!(titles("teacher", &of_mila).await, ["Algebra A"]);
    assert_eq!(titles("guardian", &of_mila).await, ["Algebra A", "Biology B"]);
    assert_eq!(titles("student", &of_mila).await, ["Algebra A", "Biology B"]);
    assert_eq!(titles("staff", &of_quin).await, ["Biology B"]);
    for role in ["teacher", "guardian", "student"] {
        assert_eq!(titles(role, &of_quin).await, Vec::<String>::new(), "{role}");
    }
    for (path, staff, teacher, guardian) in [
        (format!("persons?class_id={class}"), vec!["Tess", "Mila"], vec!["Tess", "Mila"], vec!["Mila"]),
        (format!("persons?class_id={class}&role=student"), vec!["Mila"], vec!["Mila"], vec!["Mila"]),
        (format!("persons?class_id={class}&role=teacher"), vec!["Tess"], vec!["Tess"], vec![]),
        (format!("persons?class_id={other}"), vec!["Cole", "Mila", "Quin"], vec![], vec!["Mila"]),
        ("persons?role=student".to_owned(), vec!["Mila", "Quin"], vec!["Mila"], vec!["Mila"]),
        ("persons?q=mil".to_owned(), vec!["Mila"], vec!["Mila"], vec!["Mila"]),
        ("persons?q=qui".to_owned(), vec!["Quin"], vec![], vec![]),
        (
            format!("persons?org_id={}", id(&house.frame.school)),
            vec!["Cole", "Gus", "Hal", "Ines", "Tess", "Mila", "Quin"],
            vec!["Tess", "Mila"],
            vec!["Gus", "Mila"],
        ),
    ] {
        assert_eq!(house.names("staff", &path).await, staff, "{path}");
        assert_eq!(house.names("teacher", &path).await, teacher, "{path}");
        assert_eq!(house.names("guardian", &path).await, guardian, "{path}");
    }
    // Whoever may see persons or classes, and no places at all, may not ask by them.
    let classes = words(&["school.class.read", "school.person.read"]);
    house.with("staff", &classes, "GET", "classes").expect(200).await;
    house.with("staff", &classes, "GET", &of_mila).refused(404, "not_found").await;
    house.with("staff", &classes, "GET", &format!("persons?class_id={class}")).refused(404, "not_found").await;
    // Whoever may see every person, and places in own classes alone, learns by a class no more than these.
    let mixed = words(&["school.person.read", "school.enrollment.read:own_classes"]);
    let by_class = async |class: &str| {
        names(&house.with("teacher", &mixed, "GET", &format!("persons?class_id={class}")).expect(200).await)
    };
    assert_eq!(by_class(class).await, ["Tess", "Mila"]);
    assert_eq!(by_class(other).await, Vec::<String>::new());
    assert_eq!(names(&house.with("teacher", &mixed, "GET", "persons").expect(200).await).len(), 7);

    for (query, teacher, guardian) in [
        (String::new(), 2, 2),
        (format!("?class_id={class}"), 2, 1),
        (format!("?class_id={other}"), 0, 1),
        (format!("?person_id={}", house.person("Mila")), 1, 2),
        (format!("?class_id={other}&person_id={}", house.person("Mila")), 0, 1),
        (format!("?person_id={}", house.person("Quin")), 0, 0),
        ("?role=teacher".to_owned(), 1, 0),
    ] {
        let path = format!("enrollments{query}");
        for (role, wanted) in [("teacher", teacher), ("guardian", guardian)] {
            let page = house.by(role, "GET", &path).expect(200).await;
            assert_eq!(page["items"].as_array().unwrap().len(), wanted, "{role} {path}");
        }
    }
}

#[tokio::test]
async fn classes_and_demographics_can_be_narrowed_too() {
    let (platform, door) = platform().await;
    let accounts = Accounts::new();
    let tenant = platform.tenant("north", Tier::Schema).await;
    let house = House::new(&platform, &door, &tenant, &accounts).await;
    for (role, scope) in [("teacher", "own_classes"), ("guardian", "own_children"), ("student", "self")] {
        let class = words(&[&format!("school.class.read:{scope}")]);
        let page = house.with(role, &class, "GET", "classes").expect(200).await;
        assert_eq!(page["items"].as_array().unwrap().iter().map(id).collect::<Vec<_>>(), [id(&house.frame.class)]);
        house.with(role, &class, "GET", &format!("classes/{}", id(&house.frame.class))).expect(200).await;
        let other = format!("classes/{}", id(&house.other_class));
        house.with(role, &class, "GET", &other).refused(404, "not_found").await;
        let path = format!("classes?sourced_id={}", house.other_class["sourced_id"].as_str().unwrap());
        assert_eq!(house.with(role, &class, "GET", &path).expect(200).await["items"], json!([]));

        let facts = words(&[&format!("school.demographics.read:{scope}")]);
        let of = |name: &str| format!("persons/{}/demographics", house.person(name));
        house.with(role, &facts, "GET", &of("Mila")).expect(200).await;
        house.with(role, &facts, "GET", &of("Quin")).refused(404, "not_found").await;
        // A narrowed permission to write reaches nothing.
        let write = words(&[&format!("school.demographics.*:{scope}"), &format!("school.person.*:{scope}")]);
        let put = house.with(role, &write, "PUT", &of("Mila")).header("if-match", "\"v1\"").json(json!({}));
        put.refused(403, "permission_denied").await;
        let put = house.with(role, &write, "PUT", &of("Quin")).header("if-match", "\"v1\"").json(json!({}));
        put.refused(404, "not_found").await;
        let person = house.office.read(&format!("persons/{}", house.person("Mila"))).await;
        let patch = house.with(role, &write, "PATCH", &format!("persons/{}", id(&person)));
        let patch = patch.header("if-match", &format!("\"v{}\"", person["version"])).json(json!({"phone": "1"}));
        patch.refused(403, "permission_denied").await;
    }
}

#[tokio::test]
async fn a_teacher_reaches_parents_and_one_parent_does_not_learn_of_the_other() {
    let (platform, door) = platform().await;
    let accounts = Accounts::new();
    let tenant = platform.tenant("north", Tier::Shared).await;
    let house = House::new(&platform, &door, &tenant, &accounts).await;
    // Cole is in class A as well, and acts for a child of his own.
    let place = json!({"class_id": house.frame.class["id"], "person_id": house.person("Cole"), "role": "proctor"});
    house.office.make("enrollments", place).await;
    let quin = house.office.read(&format!("persons/{}", house.person("Quin"))).await;
    let agents = json!({"agent_ids": [house.person("Cole"), house.person("Hal")]});
    house.office.change("PUT", &format!("persons/{}/agents", id(&quin)), &quin).json(agents).expect(200).await;

    for (role, person, agents, agent_of) in [
        ("staff", "Mila", vec!["Gus", "Ines"], vec![]),
        ("teacher", "Mila", vec!["Gus", "Ines"], vec![]),
        ("guardian", "Mila", vec!["Gus"], vec![]),
        ("student", "Mila", vec![], vec![]),
        ("guardian", "Gus", vec![], vec!["Mila"]),
        ("staff", "Cole", vec![], vec!["Quin"]),
        ("teacher", "Cole", vec![], vec![]),
    ] {
        let path = format!("persons/{}", house.person(person));
        let told = house.by(role, "GET", &format!("{path}/agents")).expect(200).await;
        let given = |side: &str| {
            let side = told[side].as_array().unwrap();
            side.iter().map(|item| item["given_name"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
        };
        assert_eq!(given("agents"), agents, "{role} {person}");
        assert_eq!(given("agent_of"), agent_of, "{role} {person}");
        let record = house.by(role, "GET", &path).expect(200).await;
        let ids: Vec<&Value> = agents.iter().map(|name| &house.persons[name]["id"]).collect();
        assert_eq!(record["agent_ids"], json!(ids), "{role} {person}");
        assert_eq!(told["version"], record["version"]);
    }
}
