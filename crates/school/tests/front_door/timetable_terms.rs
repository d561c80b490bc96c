//! Meetings in the terms of their classes, the registers that they make due, schools that name what is their own, and whose meetings
//! are seen by whom.

use cloister_tenancy::Tier;
use serde_json::{Value, json};

use crate::{
    Frame, Office,
    attendance::{Codes, entry, place},
    house::{Accounts, House},
    id, mistakes, platform,
    timetable::{DAY, Places, class, first_period, kinds, meeting},
};

#[tokio::test]
async fn classes_are_held_in_their_terms_and_while_they_count_in_every_tier() {
    let (platform, door) = platform().await;
    for tenant in platform.tenant_in_each_tier().await {
        let office = Office { door: &door, tenant: &tenant };
        let frame = office.frame().await;
        let places = Places::new(&office, &frame).await;
        let spring = json!({"title": "Spring 2026", "type": "term", "start_date": "2026-02-01", "end_date": "2026-07-01",
            "school_year": 2026});
        let spring = office.make("academic_sessions", spring).await;
        let in_spring = json!({"title": "Botany", "class_type": "scheduled", "course_id": frame.course["id"],
            "school_id": frame.school["id"], "term_ids": [spring["id"]]});
        let in_spring = office.make("classes", in_spring).await;
        let in_fall = class(&office, &frame, "Biology B").await;
        let ada = office.person("Ada", "Aho").await;
        for class in [&in_spring, &in_fall] {
            office
                .make("enrollments", json!({"class_id": class["id"], "person_id": ada["id"], "role": "student"}))
                .await;
        }
        // The same room at the same time, but never in the same term.
        let fall = office.make("meetings", meeting(&in_fall, &places.first, &places.room, "wednesday")).await;
        let spring_meeting = meeting(&in_spring, &places.first, &places.room, "wednesday");
        assert_eq!(kinds(&office.make("meetings?strict=true", spring_meeting).await), Vec::<&str>::new());
        assert_eq!(office.list("timetable/conflicts").await, Vec::<Value>::new());

        // A register is due of either class in its own term.
        for date in [DAY, "2026-03-04"] {
            let day = json!({"school_id": frame.school["id"], "date": date, "is_instructional": true,
                "calendar_event": "instructional"});
            office.make("calendar_dates", day).await;
        }
        for (from, until, class, title) in
            [("2025-09-29", "2025-10-06", &in_fall, "Biology B"), ("2026-03-02", "2026-03-09", &in_spring, "Botany")]
        {
            let due = office.list(&format!("attendance_registers/missing?from={from}&until={until}")).await;
            let due: Vec<_> =
                due.iter().map(|due| (&due["class_id"], &due["class_title"], &due["class_period_name"])).collect();
            assert_eq!(due, [(&class["id"], &json!(title), &json!("Period 1"))]);
        }

        // A class that is over stands against nothing and holds nothing.
        let conflict = office.make("meetings", meeting(&frame.class, &places.first, &places.room, "wednesday")).await;
        assert_eq!(kinds(&conflict), ["room"]);
        office.change("DELETE", &format!("rooms/{}", id(&places.room)), &places.room).refused(409, "room_in_use").await;
        for class in [&in_fall, &in_spring] {
            let class = office.read(&format!("classes/{}", id(class))).await;
            office.change("DELETE", &format!("classes/{}", id(&class)), &class).expect(204).await;
        }
        assert_eq!(office.list("timetable/conflicts").await, Vec::<Value>::new());
        let again = office.change("PATCH", &format!("meetings/{}", id(&conflict)), &conflict).json(json!({}));
        assert_eq!(kinds(&again.expect(200).await), Vec::<&str>::new());
        let of_nothing = meeting(&in_fall, &places.second, &places.room, "monday");
        let refusal = office.call("POST", "meetings").json(of_nothing).expect(422).await;
        assert_eq!(mistakes(&refusal), [("class_id", "class_unknown")]);
        office.change("DELETE", &format!("meetings/{}", id(&conflict)), &conflict).expect(204).await;
        assert_eq!(office.read(&format!("meetings/{}", id(&fall))).await["status"], "active");
        office.change("DELETE", &format!("rooms/{}", id(&places.room)), &places.room).expect(204).await;
        office.change("DELETE", &format!("class_periods/{}", id(&places.first)), &places.first).expect(204).await;
    }
}

#[tokio::test]
async fn what_a_school_names_is_its_own() {
    let (platform, door) = platform().await;
    let tenant = platform.tenant("north", Tier::Schema).await;
    let office = Office { door: &door, tenant: &tenant };
    let frame = office.frame().await;
    let places = Places::new(&office, &frame).await;
    let codes = Codes::new(&office).await;
    let (here, there) = (&frame.school["id"], &frame.district["id"]);
    let elsewhere = first_period(&office, &frame.district).await;
    let bells = |school: &Value, name: &str, period: &Value| {
        json!({"school_id": school, "name": name, "periods": [
            {"class_period_id": period["id"], "start_time": "09:00", "end_time": "09:30"}]})
    };
    let refused = async |call: cloister_testkit::Call| {
        let refusal = call.expect(422).await;
        let (field, code) = mistakes(&refusal)[0];
        format!("{field} {code}")
    };
    let post = |path: &str, body: Value| office.call("POST", path).json(body);
    assert_eq!(refused(post("bell_schedules", bells(here, "Short", &elsewhere))).await, "periods class_period_unknown");
    let short = office.make("bell_schedules", bells(here, "Short", &places.first)).await;
    let path = format!("bell_schedules/{}", id(&short));
    let patch = json!({"periods": bells(here, "Short", &elsewhere)["periods"]});
    assert_eq!(refused(office.change("PATCH", &path, &short).json(patch)).await, "periods class_period_unknown");
    let patch = json!({"periods": bells(here, "Short", &places.second)["periods"]});
    office.change("PATCH", &path, &short).json(patch).expect(200).await;
    let foreign = office.make("bell_schedules", bells(there, "Short", &elsewhere)).await;
    let gone = office.make("bell_schedules", bells(here, "Long", &places.first)).await;
    office.change("DELETE", &format!("bell_schedules/{}", id(&gone)), &gone).expect(204).await;

    let day = |date: &str, bells: &Value| {
        json!({"school_id": here, "date": date, "calendar_event": "instructional", "is_instructional": true,
            "bell_schedule_id": bells["id"]})
    };
    let known = office.make("calendar_dates", day(DAY, &short)).await;
    for strange in [&foreign, &gone] {
        let created = post("calendar_dates", day("2025-10-02", strange));
        assert_eq!(refused(created).await, "bell_schedule_id bell_schedule_unknown");
        let path = format!("calendar_dates/{}", id(&known));
        let changed = office.change("PATCH", &path, &known).json(json!({"bell_schedule_id": strange["id"]}));
        assert_eq!(refused(changed).await, "bell_schedule_id bell_schedule_unknown");
    }
    // What is said in a class is said in its school.
    let ada = office.person("Ada", "Aho").await;
    let place = json!({"class_id": frame.class["id"], "person_id": ada["id"], "role": "student"});
    office.make("enrollments", place).await;
    let mut event = json!({"student_id": ada["id"], "school_id": there, "class_id": frame.class["id"], "date": DAY,
        "code_id": codes.present["id"]});
    let refusal = office.call("POST", "attendance_events").json(event.clone()).expect(422).await;
    assert_eq!(mistakes(&refusal), [("school_id", "school_not_of_class")]);
    event["school_id"] = Value::Null;
    assert_eq!(office.make("attendance_events", event).await["school_id"], *here);
}

#[tokio::test]
async fn the_meetings_of_a_teacher_are_seen_as_far_as_places_are() {
    let (platform, door) = platform().await;
    let accounts = Accounts::new();
    let tenant = platform.tenant("north", Tier::Database).await;
    let house = House::new(&platform, &door, &tenant, &accounts).await;
    let (office, frame) = (&house.office, &house.frame);
    let places = Places::new(office, frame).await;
    for (class, name, day) in [(&frame.class, "Tess", "monday"), (&house.other_class, "Cole", "monday")] {
        let room = if name == "Tess" { &places.room } else { &places.other_room };
        let mut body = meeting(class, &places.first, room, day);
        body["teacher_id"] = house.persons[name]["id"].clone();
        office.make("meetings", body).await;
    }
    for (role, name, count) in [
        ("staff", "Tess", 1),
        ("staff", "Cole", 1),
        ("teacher", "Tess", 1),
        ("teacher", "Cole", 0),
        ("guardian", "Tess", 1),
        ("guardian", "Cole", 0),
        ("student", "Cole", 0),
    ] {
        for sort in ["created_at", "-created_at", "date_last_modified", "-date_last_modified"] {
            let path = format!("meetings?teacher_id={}&sort={sort}", house.person(name));
            let page = house.by(role, "GET", &path).expect(200).await;
            assert_eq!(page["items"].as_array().unwrap().len(), count, "{role} {name}");
        }
    }
}

#[tokio::test]
async fn of_two_meetings_written_at_once_one_stands() {
    let (platform, door) = platform().await;
    let tenant = platform.tenant("north", Tier::Shared).await;
    let office = Office { door: &door, tenant: &tenant };
    let frame = office.frame().await;
    let places = Places::new(&office, &frame).await;
    let other = class(&office, &frame, "Biology B").await;
    for day in ["monday", "tuesday", "wednesday", "thursday", "friday"] {
        let strict = |class: &Value| {
            office.call("POST", "meetings?strict=true").json(meeting(class, &places.first, &places.room, day)).send()
        };
        let (one, two) = tokio::join!(strict(&frame.class), strict(&other));
        let mut told = [one.status, two.status];
        told.sort_unstable();
        assert_eq!(told, [201, 409], "{day}");
    }
}

#[tokio::test]
async fn that_a_teacher_should_be_in_two_schools_at_once_is_told_to_either() {
    let (platform, door) = platform().await;
    let tenant = platform.tenant("north", Tier::Shared).await;
    let office = Office { door: &door, tenant: &tenant };
    let frame = office.frame().await;
    let south = json!({"name": "South School", "type": "school", "parent_id": frame.district["id"]});
    let south = Frame { school: office.make("orgs", south).await, ..office.frame().await };
    let there = class(&office, &south, "Botany").await;
    let cole = office.person("Cole", "Adult").await;
    for class in [&frame.class, &there] {
        place(&office, class, &cole, "teacher").await;
    }
    let (here, away) = (Places::new(&office, &frame).await, Places::new(&office, &south).await);
    let older = office.make("meetings", meeting(&frame.class, &here.first, &here.room, "monday")).await;
    let younger = office.make("meetings", meeting(&there, &away.first, &away.room, "monday")).await;
    assert_eq!(kinds(&younger), ["teacher"]);
    let of = |school: &Value| format!("?school_id={}", id(school));
    for (query, told, other) in [
        (String::new(), &older, &younger),
        (of(&frame.school), &older, &younger),
        (of(&south.school), &younger, &older),
    ] {
        let conflicts = office.list(&format!("timetable/conflicts{query}")).await;
        assert_eq!(conflicts.len(), 1, "{query}: {conflicts:?}");
        assert_eq!(
            (&conflicts[0]["meeting_id"], &conflicts[0]["conflicts"][0]["meeting_id"]),
            (&told["id"], &other["id"])
        );
    }
}

#[tokio::test]
async fn registers_that_are_due_and_were_not_taken_are_listed() {
    let (platform, door) = platform().await;
    let accounts = Accounts::new();
    for tenant in platform.tenant_in_each_tier().await {
        let house = House::new(&platform, &door, &tenant, &accounts).await;
        let (office, frame) = (&house.office, &house.frame);
        let codes = Codes::new(office).await;
        let places = Places::new(office, frame).await;
        office.make("meetings", meeting(&frame.class, &places.first, &places.room, "wednesday")).await;
        office.make("meetings", meeting(&frame.class, &places.second, &places.room, "thursday")).await;
        office.make("meetings", meeting(&house.other_class, &places.first, &places.other_room, "wednesday")).await;
        // Nobody has a place in it.
        let empty = class(office, frame, "Empty").await;
        office.make("meetings", meeting(&empty, &places.second, &places.room, "wednesday")).await;
        let homeroom = json!({"title": "Homeroom", "class_type": "homeroom", "course_id": frame.course["id"],
            "school_id": frame.school["id"], "term_ids": [frame.term["id"]]});
        let homeroom = office.make("classes", homeroom).await;
        let place = json!({"class_id": homeroom["id"], "person_id": house.person("Quin"), "role": "student"});
        office.make("enrollments", place).await;
        let pages = async |role: &str, query: &str| {
            let (mut pages, mut cursor) = (Vec::new(), String::new());
            loop {
                let path = format!("attendance_registers/missing?from=2025-09-29&until=2025-10-06{query}{cursor}");
                let page = house.by(role, "GET", &path).expect(200).await;
                let of = |item: &Value| (item["date"].as_str().unwrap().to_owned(), item["class_id"].clone());
                pages.push(page["items"].as_array().unwrap().iter().map(of).collect::<Vec<_>>());
                let Some(next) = page["next_cursor"].as_str() else { return pages };
                cursor = format!("&cursor={next}");
            }
        };
        let missing = async |role: &str, query: &str| pages(role, query).await.concat();
        assert_eq!(missing("staff", "").await, [], "of days of which the calendar says nothing, nothing is due");
        for (date, is_instructional) in [(DAY, true), ("2025-10-02", true), ("2025-10-03", false)] {
            let day = json!({"school_id": frame.school["id"], "date": date, "is_instructional": is_instructional,
                "calendar_event": if is_instructional { "instructional" } else { "holiday" }});
            office.make("calendar_dates", day).await;
        }
        let due = missing("staff", "").await;
        let of = |date: &str, class: &Value| (date.to_owned(), class["id"].clone());
        let wanted = [
            of(DAY, &frame.class),
            of(DAY, &house.other_class),
            of(DAY, &homeroom),
            of("2025-10-02", &frame.class),
            of("2025-10-02", &homeroom),
        ];
        assert_eq!(due.len(), wanted.len(), "{due:?}");
        assert!(wanted.iter().all(|register| due.contains(register)), "{due:?}");
        assert_eq!(missing("teacher", "").await, [of(DAY, &frame.class), of("2025-10-02", &frame.class)]);
        assert_eq!(missing("staff", &format!("&class_id={}", id(&homeroom))).await.len(), 2);
        assert_eq!(missing("staff", "&class_type=homeroom").await, [of(DAY, &homeroom), of("2025-10-02", &homeroom)]);
        assert_eq!(missing("staff", "&class_type=scheduled").await.len(), 3);
        for query in ["", "&sort=-date"] {
            let whole = pages("staff", query).await;
            assert_eq!(whole.len(), 1, "{query}");
            let by_two = pages("staff", &format!("&limit=2{query}")).await;
            assert_eq!(by_two.concat(), whole.concat(), "{query}");
            assert_eq!(by_two.iter().map(Vec::len).collect::<Vec<_>>(), [2, 2, 1], "{query}");
        }
        let mut backwards = missing("staff", "&sort=-date").await;
        backwards.reverse();
        assert_eq!(backwards, due);
        // A cursor goes on where it stands, also among other days.
        let path = |days: &str| format!("attendance_registers/missing?limit=4&{days}");
        let page = office.call("GET", &path("from=2025-09-29&until=2025-10-06")).expect(200).await;
        let cursor = page["next_cursor"].as_str().unwrap();
        for (days, left) in [("from=2025-10-02&until=2025-10-03", 1), ("from=2025-10-03&until=2025-10-06", 0)] {
            let page = office.call("GET", &format!("{}&cursor={cursor}", path(days))).expect(200).await;
            assert_eq!(page["items"].as_array().unwrap().len(), left, "{days}");
        }
        // Taken, it is due no more.
        let path = format!("attendance_registers/{}/{DAY}?class_period_id={}", id(&frame.class), id(&places.first));
        let body = json!({"entries": [entry(&house.persons["Mila"], &codes.present)]});
        house.by("teacher", "PUT", &path).json(body).expect(200).await;
        assert_eq!(missing("teacher", "").await, [of("2025-10-02", &frame.class)]);
        for role in ["guardian", "student"] {
            house.by(role, "GET", "attendance_registers/missing").refused(404, "not_found").await;
        }
        let long = "attendance_registers/missing?from=2025-01-01&until=2025-10-06";
        let refusal = office.call("GET", long).expect(422).await;
        assert_eq!(mistakes(&refusal), [("until", "too_many_days")]);
    }
}
