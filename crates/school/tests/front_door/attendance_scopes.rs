//! Who sees and records what of attendance: teachers own classes, families their own, the office all.

use serde_json::{Value, json};

use crate::{
    attendance::{Codes, DAY, entry, place, register},
    house::{Accounts, House},
    id, platform,
};

#[tokio::test]
async fn everybody_sees_of_attendance_what_is_theirs() {
    let (platform, door) = platform().await;
    let accounts = Accounts::new();
    for tenant in platform.tenant_in_each_tier().await {
        let house = House::new(&platform, &door, &tenant, &accounts).await;
        let office = &house.office;
        let codes = Codes::new(office).await;
        let (own, other) = (&house.frame.class, &house.other_class);
        let (mila, quin) = (&house.persons["Mila"], &house.persons["Quin"]);
        // Mila is in the other class too, and her teacher here learns nothing of that.
        place(office, other, mila, "student").await;
        let of_own = json!({"entries": [entry(mila, &codes.present)]});
        let of_other = json!({"entries": [entry(mila, &codes.absent), entry(quin, &codes.absent)]});
        office.call("PUT", &register(other, DAY)).json(of_other.clone()).expect(200).await;
        for (student, code) in [(mila, &codes.late), (quin, &codes.late)] {
            let day = json!({"student_id": student["id"], "school_id": house.frame.school["id"], "date": DAY,
                "code_id": code["id"]});
            office.make("attendance_events", day).await;
        }

        // A teacher takes the registers of own classes; others do not exist.
        house.by("teacher", "GET", &register(own, DAY)).expect(200).await;
        house.by("teacher", "PUT", &register(own, DAY)).json(of_own.clone()).expect(200).await;
        house.by("teacher", "GET", &register(other, DAY)).refused(404, "not_found").await;
        house.by("teacher", "PUT", &register(other, DAY)).json(of_other.clone()).refused(404, "not_found").await;
        for role in ["guardian", "student"] {
            for class in [own, other] {
                house.by(role, "GET", &register(class, DAY)).refused(404, "not_found").await;
                house.by(role, "PUT", &register(class, DAY)).json(of_own.clone()).refused(404, "not_found").await;
            }
            house.by(role, "GET", &format!("classes/{}/attendance_rate", id(own))).refused(404, "not_found").await;
        }
        let rate = |class: &Value| house.by("teacher", "GET", &format!("classes/{}/attendance_rate", id(class)));
        assert_eq!(rate(own).expect(200).await["recorded"], 1);
        rate(other).refused(404, "not_found").await;
        let registers = house.by("teacher", "GET", "attendance_registers").expect(200).await;
        assert_eq!(registers["items"].as_array().unwrap().len(), 1);

        // Mila: the day, class A and class B. Quin: the day and class B.
        for (role, query, seen) in [
            ("staff", String::new(), 5),
            ("teacher", String::new(), 2),
            ("guardian", String::new(), 3),
            ("student", String::new(), 3),
            ("teacher", format!("?class_id={}", id(other)), 0),
            ("guardian", format!("?class_id={}", id(other)), 1),
            ("student", format!("?student_id={}", id(quin)), 0),
            ("guardian", format!("?student_id={}", id(mila)), 3),
            ("teacher", "?whole_day=true".to_owned(), 1),
        ] {
            let page = house.by(role, "GET", &format!("attendance_events{query}")).expect(200).await;
            assert_eq!(page["items"].as_array().unwrap().len(), seen, "{role} {query}");
        }
        let all = office.list("attendance_events").await;
        for event in &all {
            let of_mila = event["student_id"] == mila["id"];
            let taught = of_mila && event["class_id"] != other["id"];
            for (role, sees) in [("teacher", taught), ("guardian", of_mila), ("student", of_mila)] {
                for path in
                    [format!("attendance_events/{}", id(event)), format!("attendance_events/{}/history", id(event))]
                {
                    let seen = house.by(role, "GET", &path).send().await;
                    assert_eq!(seen.status, if sees { 200 } else { 404 }, "{role} {path} {event}");
                }
                let delete = house.by(role, "DELETE", &format!("attendance_events/{}", id(event)));
                let seen = delete.header("if-match", "\"v1\"").send().await;
                assert_eq!(seen.status, if sees { 403 } else { 404 }, "{role} deletes {event}");
            }
        }
        for role in ["teacher", "guardian", "student"] {
            let page = house.by(role, "GET", "attendance_rates").expect(200).await;
            let students: Vec<&Value> =
                page["items"].as_array().unwrap().iter().map(|rate| &rate["student_id"]).collect();
            assert_eq!(students, [&mila["id"]], "{role}");
            let page = house.by(role, "GET", "attendance_rates?of_classes=true").expect(200).await;
            let recorded = if role == "teacher" { 1 } else { 2 };
            assert_eq!(page["items"][0]["recorded"], recorded, "{role}");
            let body = json!({"student_id": mila["id"], "date": "2025-10-02", "code_id": codes.present["id"]});
            house.by(role, "POST", "attendance_events").json(body).refused(403, "permission_denied").await;
        }

        // Who is in a class is told by places: nobody learns by a filter that Mila is in a class of others.
        let everything = ["school.attendance_event.read", "school.enrollment.read:own_classes"].map(str::to_owned);
        for list in ["attendance_rates", "attendance_rates/chronic"] {
            // Mila was absent there.
            let of = |class: &Value| format!("{list}?class_id={}", id(class));
            let students = async |call: cloister_testkit::Call| {
                let page = call.expect(200).await;
                let rates = page["items"].as_array().unwrap().iter();
                rates.map(|rate| rate["student_id"].clone()).collect::<Vec<_>>()
            };
            assert_eq!(students(house.by("teacher", "GET", &of(other))).await, Vec::<Value>::new(), "{list}");
            assert_eq!(
                students(house.with("teacher", &everything, "GET", &of(other))).await,
                Vec::<Value>::new(),
                "{list}"
            );
            for role in ["guardian", "student"] {
                assert_eq!(students(house.by(role, "GET", &of(other))).await, [mila["id"].clone()], "{role} {list}");
            }
            assert_eq!(students(house.by("staff", "GET", &of(other))).await.len(), 2, "{list}");
        }
        for role in ["teacher", "guardian", "student"] {
            let own_rate = format!("attendance_rates?class_id={}", id(own));
            let page = house.by(role, "GET", &own_rate).expect(200).await;
            assert_eq!(page["items"][0]["student_id"], mila["id"], "{role}");
        }
        let seen = house.with("teacher", &everything, "GET", &format!("attendance_rates?class_id={}", id(own)));
        assert_eq!(seen.expect(200).await["items"][0]["recorded"], 1);

        // A permission to take registers within a scope of families reaches no class.
        let odd = ["school.attendance_register.*:self", "school.attendance_register.*:own_children"].map(str::to_owned);
        for role in ["guardian", "student"] {
            house.with(role, &odd, "PUT", &register(own, DAY)).json(of_own.clone()).refused(404, "not_found").await;
        }
        // Whoever may only read registers is told so.
        let readers = ["school.attendance_register.read:own_classes".to_owned()];
        let put = house.with("teacher", &readers, "PUT", &register(own, DAY)).json(of_own.clone());
        put.refused(403, "permission_denied").await;
        let put = house.with("teacher", &readers, "PUT", &register(other, DAY)).json(of_other);
        put.refused(404, "not_found").await;

        // Who has left the school has left these too, though places and relations be there still.
        let asked = json!({"student_id": mila["id"], "begin_date": "2025-11-03", "end_date": "2025-11-04",
            "reason": "Wedding"});
        let asked = office.make("absence_requests", asked).await;
        let event = office.list(&format!("attendance_events?student_id={}&whole_day=true", id(mila))).await[0].clone();
        let paths = [format!("attendance_events/{}", id(&event)), format!("absence_requests/{}", id(&asked))];
        let lists = ["attendance_events", "absence_requests"];
        for (wanted, count) in [(200, 1), (404, 0)] {
            for role in ["teacher", "guardian"] {
                for path in &paths {
                    house.by(role, "GET", path).expect(wanted).await;
                }
                for list in lists {
                    let page = house.by(role, "GET", list).expect(200).await;
                    assert!(page["items"].as_array().unwrap().len() >= count, "{role} {list}");
                    assert_eq!(page["items"].as_array().unwrap().is_empty(), count == 0, "{role} {list}");
                }
            }
            let mila = office.read(&format!("persons/{}", id(mila))).await;
            if wanted == 200 {
                office.change("DELETE", &format!("persons/{}", id(&mila)), &mila).expect(204).await;
                // Her places go with her; the one in class A is brought back, as an import may.
                let place = office.read(&format!("enrollments/{}", house.place("Mila"))).await;
                let back = office.change("PATCH", &format!("enrollments/{}", id(&place)), &place);
                back.json(json!({"status": "active"})).send().await;
            }
        }
    }
}
