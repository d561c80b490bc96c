//! Single entries of attendance of a lesson or a day: they are in the register that was taken of it, and say which lesson it is.

use serde_json::{Value, json};

use crate::{
    attendance::{Codes, DAY, entry, place, register},
    house::{Accounts, House},
    id, mistakes, platform,
    timetable::first_period,
};

/// What a register says of each student.
fn said(sheet: &Value) -> Vec<(&Value, &Value)> {
    sheet["entries"].as_array().unwrap().iter().map(|line| (&line["student_id"], &line["code_id"])).collect()
}

#[tokio::test]
async fn whoever_came_later_is_entered_in_the_register_that_was_taken_in_every_tier() {
    let (platform, door) = platform().await;
    let accounts = Accounts::new();
    for tenant in platform.tenant_in_each_tier().await {
        let house = House::new(&platform, &door, &tenant, &accounts).await;
        let (office, frame) = (&house.office, &house.frame);
        let codes = Codes::new(office).await;
        let mila = &house.persons["Mila"];
        let ben = office.person("Ben", "Berg").await;
        let (here, elsewhere) =
            (first_period(office, &frame.school).await, first_period(office, &frame.district).await);
        let body = json!({"title": "Homeroom 7a", "class_type": "homeroom", "course_id": frame.course["id"],
            "school_id": frame.school["id"], "term_ids": [frame.term["id"]]});
        let homeroom = office.make("classes", body).await;
        place(office, &homeroom, mila, "student").await;

        let lesson = format!("{}?class_period_id={}", register(&frame.class, DAY), id(&here));
        let day = register(&homeroom, DAY);
        for path in [&lesson, &day] {
            let body = json!({"entries": [entry(mila, &codes.late)]});
            let taken = office.call("PUT", path).json(body).expect(200).await;
            assert_eq!(said(&taken), [(&mila["id"], &codes.late["id"])]);
        }
        let event = office.list(&format!("attendance_events?class_id={}", id(&frame.class))).await.remove(0);
        assert_eq!(event["class_period_name"], "Period 1");
        for role in ["guardian", "student", "teacher"] {
            let seen = house.by(role, "GET", &format!("attendance_events/{}", id(&event))).expect(200).await;
            assert_eq!(seen["class_period_name"], "Period 1", "{role}");
        }

        // Ben comes afterwards.
        for class in [&frame.class, &homeroom] {
            place(office, class, &ben, "student").await;
        }
        let of_lesson = |period: &Value| {
            json!({"student_id": ben["id"], "school_id": frame.school["id"], "date": DAY, "class_id": frame.class["id"],
                "class_period_id": period["id"], "code_id": codes.absent["id"]})
        };
        let refusal = office.call("POST", "attendance_events").json(of_lesson(&elsewhere)).expect(422).await;
        assert_eq!(mistakes(&refusal), [("class_period_id", "class_period_unknown")]);
        let of_day = json!({"student_id": ben["id"], "school_id": frame.school["id"], "date": DAY,
            "code_id": codes.absent["id"]});
        for (path, body) in [(&lesson, of_lesson(&here)), (&day, of_day)] {
            let before = office.read(path).await;
            let entered = office.make("attendance_events", body).await;
            let after = office.read(path).await;
            let both = [(&mila["id"], &codes.late["id"]), (&ben["id"], &codes.absent["id"])];
            let mut lines = said(&after);
            lines.sort_by_key(|(student, _)| *student != &mila["id"]);
            assert_eq!(lines, both);
            assert!(after["version"].as_i64() > before["version"].as_i64(), "whoever took it hears of that");
            // What is not true is taken back.
            let event = format!("attendance_events/{}", id(&entered));
            office.change("DELETE", &event, &entered).expect(204).await;
            let left = office.read(path).await;
            assert!(!said(&left).contains(&both[1]), "{left}");
        }
        for order in ["date", "-date"] {
            for (query, count) in [("status=tobedeleted", 2), ("whole_day=false", 1), ("whole_day=true", 1)] {
                let events = office.list(&format!("attendance_events?{query}&sort={order}")).await;
                assert_eq!(events.len(), count, "{query} by {order}");
            }
        }
    }
}
