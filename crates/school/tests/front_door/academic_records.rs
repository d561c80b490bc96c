//! Earlier years of students: who reads them, how they are found, and what is refused.

use cloister_tenancy::Tier;
use serde_json::{Value, json};

use crate::{
    Office,
    house::{Accounts, House},
    id, mistakes, platform,
};

#[tokio::test]
async fn the_family_reads_them_and_teachers_do_not() {
    let (platform, door) = platform().await;
    let accounts = Accounts::new();
    let tenant = platform.tenant("north", Tier::Shared).await;
    let house = House::new(&platform, &door, &tenant, &accounts).await;
    let mut years = Vec::new();
    for name in ["Mila", "Quin"] {
        let year = json!({"student_id": house.person(name), "school_name": "Birch Lane", "school_year": 2024});
        years.push(house.office.make("academic_records", year).await);
    }
    let [own, other] = years.try_into().unwrap();
    for (role, of_own, of_other, listed) in [
        ("staff", 200, 200, Some(2)),
        ("teacher", 404, 404, None),
        ("guardian", 200, 404, Some(1)),
        ("student", 200, 404, Some(1)),
    ] {
        for (year, wanted) in [(&own, of_own), (&other, of_other)] {
            let seen = house.by(role, "GET", &format!("academic_records/{}", id(year))).send().await;
            assert_eq!(seen.status, wanted, "{role}");
        }
        let seen = house.by(role, "GET", "academic_records").send().await;
        assert_eq!(seen.body["items"].as_array().map(Vec::len), listed, "{role}");
        // Asked for by another's id, nothing is told.
        let of_quin = format!("academic_records?student_id={}", house.person("Quin"));
        let seen = house.by(role, "GET", &of_quin).send().await;
        let wanted = listed.map(|listed| usize::from(listed == 2));
        assert_eq!(seen.body["items"].as_array().map(Vec::len), wanted, "{role}");
    }
    // A role of the school's own may be narrowed to own classes.
    let counsellor = ["school.academic_record.read:own_classes".to_owned()];
    let page = house.with("teacher", &counsellor, "GET", "academic_records").expect(200).await;
    assert_eq!(page["items"].as_array().unwrap().iter().map(id).collect::<Vec<_>>(), [id(&own)]);
    // Deleted, or of somebody who was, they are the office's alone.
    let path = format!("academic_records/{}", id(&own));
    house.office.change("DELETE", &path, &own).expect(204).await;
    house.by("guardian", "GET", &path).refused(404, "not_found").await;
    let gone = house.office.read(&path).await;
    house.office.change("PATCH", &path, &gone).json(json!({"status": "active"})).expect(200).await;
    house.by("guardian", "GET", &path).expect(200).await;
    let mila = format!("persons/{}", house.person("Mila"));
    let record = house.office.read(&mila).await;
    house.office.change("DELETE", &mila, &record).expect(204).await;
    house.by("guardian", "GET", &path).refused(404, "not_found").await;
    house.office.read(&path).await;
}

#[tokio::test]
async fn they_are_found_by_student_year_and_result_and_bad_values_are_refused() {
    let (platform, door) = platform().await;
    for tenant in platform.tenant_in_each_tier().await {
        let office = Office { door: &door, tenant: &tenant };
        let (mila, tom) = (office.person("Mila", "Okafor").await, office.person("Tom", "Okafor").await);
        let make = async |student: &Value, year: i32, result: &str| {
            let body = json!({"student_id": student["id"], "school_name": "S", "school_year": year, "result": result});
            office.make("academic_records", body).await["id"].clone()
        };
        let a = make(&mila, 2023, "promoted").await;
        let b = make(&mila, 2024, "transferred").await;
        let c = make(&tom, 2024, "promoted").await;
        for (query, wanted) in [
            (String::new(), vec![&a, &b, &c]),
            ("?sort=-created_at&limit=2".to_owned(), vec![&c, &b]),
            (format!("?student_id={}", id(&mila)), vec![&a, &b]),
            ("?school_year=2024".to_owned(), vec![&b, &c]),
            ("?result=promoted&sort=-date_last_modified".to_owned(), vec![&c, &a]),
        ] {
            let items = office.list(&format!("academic_records{query}")).await;
            assert_eq!(items.iter().map(|item| &item["id"]).collect::<Vec<_>>(), wanted, "{query}");
        }
        for (field, value) in [
            ("school_year", json!(1899)),
            ("credits_earned", json!(-1)),
            ("credits_earned", json!(0.000_1)),
            ("grade_point_average", json!(1001)),
            ("school_name", json!("")),
            ("end_date", json!("2023-09-01")),
        ] {
            let mut body = json!({"student_id": mila["id"], "school_name": "S", "school_year": 2024,
                "begin_date": "2023-09-01"});
            body[field] = value.clone();
            let refusal = office.call("POST", "academic_records").json(body).expect(422).await;
            assert_eq!(mistakes(&refusal)[0].0, field, "{value}: {refusal}");
        }
    }
}
