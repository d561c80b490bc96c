//! Lists: filters, orders, search by name and pages.

use cloister_tenancy::Tier;
use serde_json::{Value, json};

use crate::{
    Office,
    house::{Accounts, House},
    id, platform,
};

const NAMES: [(&str, &str); 8] = [
    ("Zoë", "Müller"),
    ("Łukasz", "Nowak"),
    ("Anne-Marie", "O’Brien"),
    ("anna", "müller"),
    ("Ángel", "de la Cruz"),
    ("Müzeyyen", "Aksoy"),
    ("Li", "Wei"),
    ("İnci", "Strauß"),
];

fn names(items: &[Value]) -> Vec<String> {
    items.iter().map(|item| item["given_name"].as_str().unwrap().to_owned()).collect()
}

async fn all(office: &Office<'_>, path: &str, limit: usize) -> Vec<Value> {
    let mut found: Vec<Value> = Vec::new();
    let mut cursor = String::new();
    loop {
        let glue = if path.contains('?') { '&' } else { '?' };
        let page = office.read(&format!("{path}{glue}limit={limit}{cursor}")).await;
        found.extend(page["items"].as_array().unwrap().clone());
        match page["next_cursor"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => return found,
        }
        assert!(found.len() < 100, "the pages never end");
    }
}

#[tokio::test]
async fn persons_are_sorted_and_searched_alike_in_every_tier() {
    let (platform, door) = platform().await;
    for tenant in platform.tenant_in_each_tier().await {
        let office = Office { door: &door, tenant: &tenant };
        for (given, family) in NAMES {
            office.person(given, family).await;
        }
        let by_name = ["Müzeyyen", "Ángel", "anna", "Zoë", "Łukasz", "Anne-Marie", "İnci", "Li"];
        for limit in [1, 3, 8, 200] {
            assert_eq!(names(&all(&office, "persons", limit).await), by_name);
            let mut down = names(&all(&office, "persons?sort=-name", limit).await);
            down.reverse();
            assert_eq!(down, by_name);
            let made: Vec<&str> = NAMES.iter().map(|(given, _)| *given).collect();
            assert_eq!(names(&all(&office, "persons?sort=date_last_modified", limit).await), made);
        }
        for (typed, found) in [
            ("mul", &["anna", "Zoë"][..]),
            ("M%C3%9CLLER+Z", &["Zoë"]),
            ("zoe+m", &["Zoë"]),
            ("mu", &["Müzeyyen", "anna", "Zoë"]),
            ("obrien", &["Anne-Marie"]),
            ("o'brien", &["Anne-Marie"]),
            ("anne+mar", &["Anne-Marie"]),
            ("lukasz", &["Łukasz"]),
            ("strauss", &["İnci"]),
            ("inci", &["İnci"]),
            ("de+la", &["Ángel"]),
            ("cruz", &[]),
            ("%25", &[]),
        ] {
            for limit in [1, 200] {
                assert_eq!(names(&all(&office, &format!("persons?q={typed}"), limit).await), found, "{typed}");
            }
            let mut down = names(&all(&office, &format!("persons?q={typed}&sort=-name"), 1).await);
            down.reverse();
            assert_eq!(down, found, "{typed}");
        }
    }
}

#[tokio::test]
async fn persons_are_found_by_role_organisation_and_class() {
    let (platform, door) = platform().await;
    let tenant = platform.tenant("north", Tier::Schema).await;
    let office = Office { door: &door, tenant: &tenant };
    let frame = office.frame().await;
    let person = async |given: &str, role: &str, org: &Value| {
        let aide = json!({"role": "aide", "role_type": "secondary", "org_id": org["id"]});
        let role = json!({"role": role, "role_type": "primary", "org_id": org["id"]});
        let body = json!({"given_name": given, "family_name": "Berg", "roles": [role, aide]});
        office.make("persons", body).await
    };
    let ada = person("Ada", "student", &frame.school).await;
    person("Bo", "student", &frame.district).await;
    let cy = person("Cy", "teacher", &frame.school).await;
    office.person("Di", "Berg").await;
    for (who, role) in [(&ada, "student"), (&cy, "teacher")] {
        let place = json!({"class_id": frame.class["id"], "person_id": who["id"], "role": role});
        office.make("enrollments", place).await;
    }
    let (school, class) = (id(&frame.school), id(&frame.class));
    for (query, found) in [
        (String::new(), &["Ada", "Bo", "Cy", "Di"][..]),
        ("?role=student".to_owned(), &["Ada", "Bo"]),
        (format!("?org_id={school}"), &["Ada", "Cy"]),
        (format!("?role=student&org_id={school}"), &["Ada"]),
        (format!("?role=student&org_id={school}&q=berg+b"), &[]),
        ("?role=student&q=bo".to_owned(), &["Bo"]),
        ("?role=student&q=berg&sort=-name".to_owned(), &["Bo", "Ada"]),
        ("?role=student&sort=-date_last_modified".to_owned(), &["Bo", "Ada"]),
        (format!("?class_id={class}"), &["Ada", "Cy"]),
        (format!("?class_id={class}&role=teacher"), &["Cy"]),
        (format!("?class_id={class}&q=ad"), &["Ada"]),
        (format!("?class_id={class}&q=berg&sort=-date_last_modified"), &["Cy", "Ada"]),
        ("?role=principal".to_owned(), &[]),
    ] {
        assert_eq!(names(&all(&office, &format!("persons{query}"), 1).await), found, "{query}");
        // The same, with all that they are, in every order.
        let mut wanted: Option<Vec<(String, Value)>> = None;
        for order in ["name", "-name", "date_last_modified", "-date_last_modified"] {
            let query = query.split("&sort=").next().unwrap();
            let glue = if query.is_empty() { '?' } else { '&' };
            let items = office.list(&format!("persons{query}{glue}sort={order}")).await;
            let mut items: Vec<_> = items.iter().map(|one| (id(one).to_owned(), one["roles"].clone())).collect();
            items.sort_by(|one, other| one.0.cmp(&other.0));
            assert_eq!(items.len(), found.len(), "{query} {order}");
            assert_eq!(wanted.get_or_insert_with(|| items.clone()), &items, "{query} {order}");
        }
    }
    let of_class = office.list(&format!("persons?class_id={class}&role=teacher")).await;
    assert_eq!(of_class[0]["roles"], json!(["aide", "teacher"]));
    let refusal = office.call("GET", &format!("persons?class_id={class}&org_id={school}"));
    assert_eq!(refusal.refused(400, "query_invalid").await["errors"][0]["field"], "org_id");
    for query in ["role=pupil", "q=", "q=-", "sort=age", "limit=0", "status=gone", "colour=red"] {
        office.call("GET", &format!("persons?{query}")).refused(400, "query_invalid").await;
    }
}

#[tokio::test]
async fn the_frame_of_a_school_is_narrowed_and_sorted() {
    let (platform, door) = platform().await;
    let tenant = platform.tenant("north", Tier::Database).await;
    let office = Office { door: &door, tenant: &tenant };
    let frame = office.frame().await;
    let year = json!({"title": "2024/25", "type": "schoolYear", "start_date": "2024-08-01", "end_date": "2025-08-01",
        "school_year": 2025});
    let year = office.make("academic_sessions", year).await;
    let part = json!({"title": "Autumn", "type": "term", "start_date": "2024-08-01", "end_date": "2025-01-01",
        "school_year": 2025, "parent_id": year["id"]});
    office.make("academic_sessions", part).await;
    office.make("courses", json!({"title": "Écologie", "org_id": frame.district["id"]})).await;
    let text = |items: Vec<Value>, field: &str| -> Vec<String> {
        items.iter().map(|item| item[field].as_str().unwrap().to_owned()).collect()
    };
    let (district, school, term, course) = (id(&frame.district), id(&frame.school), id(&frame.term), id(&frame.course));
    for (path, field, found) in [
        ("orgs".to_owned(), "name", &["Lindgren School", "Norrland District"][..]),
        ("orgs?sort=-name".to_owned(), "name", &["Norrland District", "Lindgren School"]),
        ("orgs?sort=date_last_modified".to_owned(), "name", &["Norrland District", "Lindgren School"]),
        ("orgs?type=school".to_owned(), "name", &["Lindgren School"]),
        (format!("orgs?parent_id={district}"), "name", &["Lindgren School"]),
        ("orgs?q=norr".to_owned(), "name", &["Norrland District"]),
        ("academic_sessions".to_owned(), "title", &["2024/25", "Autumn", "Fall 2025"]),
        ("academic_sessions?sort=-start_date".to_owned(), "title", &["Fall 2025", "Autumn", "2024/25"]),
        ("academic_sessions?sort=title".to_owned(), "title", &["2024/25", "Autumn", "Fall 2025"]),
        ("academic_sessions?sort=-date_last_modified".to_owned(), "title", &["Autumn", "2024/25", "Fall 2025"]),
        ("academic_sessions?type=term".to_owned(), "title", &["Autumn", "Fall 2025"]),
        ("academic_sessions?school_year=2026".to_owned(), "title", &["Fall 2025"]),
        (format!("academic_sessions?parent_id={}", id(&year)), "title", &["Autumn"]),
        ("academic_sessions?on=2025-08-01".to_owned(), "title", &[]),
        ("academic_sessions?on=2024-12-31&q=aut".to_owned(), "title", &["Autumn"]),
        ("courses".to_owned(), "title", &["Algebra", "Écologie"]),
        ("courses?sort=-title".to_owned(), "title", &["Écologie", "Algebra"]),
        ("courses?q=eco".to_owned(), "title", &["Écologie"]),
        (format!("courses?org_id={school}"), "title", &["Algebra"]),
        (format!("courses?school_year_id={term}"), "title", &["Algebra"]),
        (format!("classes?school_id={school}&course_id={course}&term_id={term}&q=alg"), "title", &["Algebra A"]),
        (format!("classes?school_id={district}"), "title", &[]),
        ("classes?sort=-date_last_modified".to_owned(), "title", &["Algebra A"]),
    ] {
        for limit in [1, 200] {
            assert_eq!(text(all(&office, &path, limit).await, field), found, "{path}");
        }
    }
}

#[tokio::test]
async fn a_cursor_is_good_for_its_own_list_alone() {
    let (platform, door) = platform().await;
    let (tenant, other) = (platform.tenant("north", Tier::Shared).await, platform.tenant("south", Tier::Shared).await);
    let office = Office { door: &door, tenant: &tenant };
    office.frame().await;
    let cursor = office.read("orgs?limit=1").await["next_cursor"].as_str().unwrap().to_owned();
    office.call("GET", &format!("orgs?cursor={cursor}")).expect(200).await;
    let elsewhere = Office { door: &door, tenant: &other };
    elsewhere.call("GET", &format!("orgs?cursor={cursor}")).refused(400, "cursor_invalid").await;
    for query in ["courses?", "orgs?sort=-name&", "orgs?sort=date_last_modified&"] {
        office.call("GET", &format!("{query}cursor={cursor}")).refused(400, "cursor_invalid").await;
    }
}

#[tokio::test]
async fn narrowed_lists_page_like_others() {
    let (platform, door) = platform().await;
    let accounts = Accounts::new();
    for tenant in platform.tenant_in_each_tier().await {
        let house = House::new(&platform, &door, &tenant, &accounts).await;
        for n in 0..5 {
            let pupil = house.office.person(&format!("Pupil {n}"), "Row").await;
            house.office.person(&format!("Stranger {n}"), "Row").await;
            let place = json!({"class_id": house.frame.class["id"], "person_id": pupil["id"], "role": "student"});
            house.office.make("enrollments", place).await;
        }
        for path in ["persons", "enrollments"] {
            for sort in ["", "sort=date_last_modified", "sort=-date_last_modified", "q=row", "role=student"] {
                if path == "enrollments" && sort.starts_with('q') {
                    continue;
                }
                let whole = house.by("teacher", "GET", &format!("{path}?{sort}&limit=100")).expect(200).await;
                let whole = whole["items"].as_array().unwrap().clone();
                assert!(whole.len() >= 5 - usize::from(sort == "role=student") * 4, "{path} {sort}");
                let (mut found, mut cursor) = (Vec::new(), String::new());
                loop {
                    let path = format!("{path}?{sort}&limit=2{cursor}");
                    let page = house.by("teacher", "GET", &path).expect(200).await;
                    found.extend(page["items"].as_array().unwrap().clone());
                    let Some(next) = page["next_cursor"].as_str() else { break };
                    cursor = format!("&cursor={next}");
                    assert!(found.len() < 20, "the pages never end");
                }
                assert_eq!(found, whole, "{path} {sort}");
            }
        }
        let by_name = house.names("teacher", "persons").await;
        assert_eq!(by_name, ["Tess", "Mila", "Pupil 0", "Pupil 1", "Pupil 2", "Pupil 3", "Pupil 4"]);
        let mut down = house.names("teacher", "persons?sort=-name").await;
        down.reverse();
        assert_eq!(down, by_name);
    }
}
