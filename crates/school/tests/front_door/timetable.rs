//! Days, periods, rooms and meetings; what stands against a meeting; and timetables.

use cloister_tenancy::Tier;
use serde_json::{Value, json};

use crate::{
    Frame, Office,
    house::{Accounts, House},
    id, mistakes, platform,
};

/// A Wednesday.
pub(crate) const DAY: &str = "2025-10-01";

/// Periods and rooms of a school.
pub(crate) struct Places {
    pub(crate) first: Value,
    pub(crate) second: Value,
    pub(crate) room: Value,
    pub(crate) other_room: Value,
}

impl Places {
    pub(crate) async fn new(office: &Office<'_>, frame: &Frame) -> Self {
        let room = async |number: &str| {
            let body = json!({"school_id": frame.school["id"], "room_number": number, "room_type": "classroom",
                "capacity": 28});
            office.make("rooms", body).await
        };
        Self {
            first: first_period(office, &frame.school).await,
            second: period(office, &frame.school, 2, "08:50", "09:35").await,
            room: room("B 204").await,
            other_room: room("B 205").await,
        }
    }
}

/// The period that every school here begins its days with.
pub(crate) async fn first_period(office: &Office<'_>, school: &Value) -> Value {
    period(office, school, 1, "08:00", "08:45").await
}

async fn period(office: &Office<'_>, school: &Value, sequence: u8, start: &str, end: &str) -> Value {
    let body = json!({"school_id": school["id"], "name": format!("Period {sequence}"), "sequence": sequence,
        "start_time": start, "end_time": end});
    office.make("class_periods", body).await
}

pub(crate) fn meeting(class: &Value, period: &Value, room: &Value, day: &str) -> Value {
    json!({"class_id": class["id"], "class_period_id": period["id"], "room_id": room["id"], "day_of_week": day})
}

pub(crate) async fn class(office: &Office<'_>, frame: &Frame, title: &str) -> Value {
    let body = json!({"title": title, "class_type": "scheduled", "course_id": frame.course["id"],
        "school_id": frame.school["id"], "term_ids": [frame.term["id"]]});
    office.make("classes", body).await
}

pub(crate) fn kinds(written: &Value) -> Vec<&str> {
    written["conflicts"].as_array().unwrap().iter().map(|conflict| conflict["kind"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn what_stands_against_a_meeting_is_told_in_every_tier() {
    let (platform, door) = platform().await;
    for tenant in platform.tenant_in_each_tier().await {
        let office = Office { door: &door, tenant: &tenant };
        let frame = office.frame().await;
        let places = Places::new(&office, &frame).await;
        let (own, other) = (&frame.class, class(&office, &frame, "Biology B").await);
        let cole = office.person("Cole", "Adult").await;
        for class in [own, &other] {
            let place = json!({"class_id": class["id"], "person_id": cole["id"], "role": "teacher"});
            office.make("enrollments", place).await;
        }
        let post = |body: Value| office.call("POST", "meetings").json(body);
        let first = post(meeting(own, &places.first, &places.room, "monday")).expect(201).await;
        assert_eq!(kinds(&first), Vec::<&str>::new());
        // The same teacher has both classes; then the same room too; then the same class.
        let second = post(meeting(&other, &places.first, &places.other_room, "monday")).expect(201).await;
        assert_eq!((kinds(&second), &second["conflicts"][0]["meeting_id"]), (vec!["teacher"], &first["id"]));
        let third = post(meeting(&other, &places.first, &places.room, "monday"));
        let strict =
            office.call("POST", "meetings?strict=true").json(meeting(&other, &places.first, &places.room, "monday"));
        strict.refused(409, "meeting_conflicts").await;
        assert_eq!(office.list("meetings").await.len(), 2, "what is refused is not there");
        let third = third.expect(201).await;
        assert_eq!(kinds(&third), ["class", "room", "teacher"]);
        // Another day, another period, other weeks are free; of a rotating timetable the same day is not.
        for free in [
            meeting(&other, &places.first, &places.room, "tuesday"),
            meeting(&other, &places.second, &places.room, "monday"),
        ] {
            assert_eq!(kinds(&post(free).expect(201).await), Vec::<&str>::new());
        }
        let mut later = meeting(&other, &places.first, &places.room, "monday");
        later["begin_date"] = json!("2026-01-15");
        assert_eq!(
            kinds(&post(later.clone()).expect(201).await),
            ["class", "class", "room", "teacher"],
            "meetings without dates are in force in the terms of their class"
        );
        later["begin_date"] = json!("2026-02-01");
        assert_eq!(kinds(&post(later).expect(201).await), Vec::<&str>::new(), "when the term is over they are not");
        let on_b = json!({"class_id": own["id"], "class_period_id": places.second["id"], "cycle_day": "B"});
        assert_eq!(kinds(&post(on_b.clone()).expect(201).await), Vec::<&str>::new());
        assert_eq!(kinds(&post(on_b).expect(201).await), ["class"]);

        // Each conflict once, with the older meeting; mended, it is gone.
        let conflicts = office.list("timetable/conflicts").await;
        assert_eq!(conflicts[0]["meeting_id"], first["id"]);
        assert!(conflicts.iter().all(|item| !item["conflicts"].as_array().unwrap().is_empty()));
        // One meeting after the other: with those that nothing stands against, pages are empty.
        for (order, wanted) in
            [("created_at", conflicts.clone()), ("-created_at", conflicts.iter().rev().cloned().collect())]
        {
            let (mut found, mut pages, mut cursor) = (Vec::new(), 0, String::new());
            loop {
                let page = office.read(&format!("timetable/conflicts?limit=1&sort={order}{cursor}")).await;
                let items = page["items"].as_array().unwrap();
                assert!(items.len() <= 1);
                found.extend(items.iter().cloned());
                pages += 1;
                let Some(next) = page["next_cursor"].as_str() else { break };
                cursor = format!("&cursor={next}");
            }
            assert_eq!(found, wanted, "{order}");
            assert!(pages > wanted.len(), "{pages} pages");
        }
        for gone in [&second, &third] {
            office.change("DELETE", &format!("meetings/{}", id(gone)), gone).expect(204).await;
        }
        let left = office.list("timetable/conflicts").await;
        assert!(left.iter().all(|item| {
            item["conflicts"]
                .as_array()
                .unwrap()
                .iter()
                .all(|conflict| conflict["meeting_id"] != second["id"] && conflict["meeting_id"] != third["id"])
        }));
        let path = format!("meetings/{}?strict=true", id(&first));
        office
            .change("PATCH", &path, &first)
            .json(json!({"day_of_week": "tuesday"}))
            .refused(409, "meeting_conflicts")
            .await;
        // What changes nothing is told of what stands against it too, and refused by whoever wants none of that.
        let other_meetings = office.list(&format!("meetings?class_id={}", id(&other))).await;
        let tuesday = other_meetings.iter().find(|one| one["day_of_week"] == "tuesday").unwrap();
        let body = meeting(own, &places.first, &places.room, "tuesday");
        let against = post(body).expect(201).await;
        let path_of_it = format!("meetings/{}", id(&against));
        let same = |path: &str| office.change("PATCH", path, &against).json(json!({"day_of_week": "tuesday"}));
        let told = same(&path_of_it).expect(200).await;
        assert_eq!((kinds(&told), &told["version"]), (vec!["room", "teacher"], &json!(1)));
        assert_eq!(told["conflicts"][0]["meeting_id"], tuesday["id"]);
        same(&format!("{path_of_it}?strict=true")).refused(409, "meeting_conflicts").await;
        office.change("DELETE", &path_of_it, &against).expect(204).await;
        let patch = json!({"day_of_week": "friday", "teacher_id": cole["id"]});
        let moved = office.change("PATCH", &path, &first).json(patch).expect(200).await;
        assert_eq!((&moved["version"], kinds(&moved)), (&json!(2), vec![]));
    }
}

#[tokio::test]
async fn meetings_keep_the_rules() {
    let (platform, door) = platform().await;
    let tenant = platform.tenant("north", Tier::Shared).await;
    let office = Office { door: &door, tenant: &tenant };
    let frame = office.frame().await;
    let places = Places::new(&office, &frame).await;
    let refused = async |path: &str, body: Value| {
        let refusal = office.call("POST", path).json(body).expect(422).await;
        mistakes(&refusal).first().map(|(field, code)| format!("{field} {code}")).unwrap()
    };
    let good = meeting(&frame.class, &places.first, &places.room, "monday");
    let with = |field: &str, value: Value| {
        let mut body = good.clone();
        body[field] = value;
        body
    };
    let elsewhere = first_period(&office, &frame.district).await;
    for (body, fault) in [
        (with("cycle_day", json!("B")), "day_of_week one_day"),
        (with("day_of_week", Value::Null), "day_of_week one_day"),
        (with("day_of_week", json!("someday")), "day_of_week unknown_value"),
        (with("class_period_id", elsewhere["id"].clone()), "class_period_id class_period_unknown"),
        (with("room_id", json!("roo_01jd4kqvm6e8x9t3c5z7b2n0fa")), "room_id room_unknown"),
        (with("teacher_id", json!("per_01jd4kqvm6e8x9t3c5z7b2n0fa")), "teacher_id person_unknown"),
        (with("class_id", json!("cls_01jd4kqvm6e8x9t3c5z7b2n0fa")), "class_id class_unknown"),
    ] {
        assert_eq!(refused("meetings", body.clone()).await, fault, "{body}");
    }
    let school = &frame.school["id"];
    for (path, body, fault) in [
        (
            "class_periods",
            json!({"school_id": school, "name": "P", "sequence": 1, "start_time": "09:00",
            "end_time": "09:00"}),
            "end_time end_not_after_begin",
        ),
        (
            "class_periods",
            json!({"school_id": school, "name": "P", "sequence": 1, "start_time": "9:00",
            "end_time": "09:30"}),
            "start_time invalid_value",
        ),
        ("rooms", json!({"school_id": school, "room_number": "1", "room_type": "cellar"}), "room_type invalid_value"),
        (
            "rooms",
            json!({"school_id": school, "room_number": "1", "room_type": "library", "capacity": 0}),
            "capacity out_of_range",
        ),
        (
            "calendar_dates",
            json!({"school_id": school, "date": "0025-01-01", "calendar_event": "holiday",
            "is_instructional": false}),
            "date date_implausible",
        ),
        ("bell_schedules", json!({"school_id": school, "name": "Short", "periods": []}), "periods too_few"),
    ] {
        let refusal = office.call("POST", path).json(body.clone()).expect(422).await;
        let told = mistakes(&refusal);
        let (field, code) = fault.split_once(' ').unwrap();
        assert!(
            told.iter().any(|(at, what)| *at == field && (*what == code || code == "out_of_range")),
            "{body}: {told:?}"
        );
    }
    // One name a school, one entry a day, and nothing goes that something needs.
    let period =
        json!({"school_id": school, "name": "period 1", "sequence": 9, "start_time": "10:00", "end_time": "10:45"});
    office.call("POST", "class_periods").json(period).refused(409, "class_period_name_taken").await;
    let day = json!({"school_id": school, "date": DAY, "calendar_event": "holiday", "is_instructional": false});
    let holiday = office.make("calendar_dates", day.clone()).await;
    office.call("POST", "calendar_dates").json(day.clone()).refused(409, "calendar_date_taken").await;
    office.change("DELETE", &format!("calendar_dates/{}", id(&holiday)), &holiday).expect(204).await;
    office.make("calendar_dates", day).await;
    office.make("meetings", good).await;
    for (path, record, code) in [
        (format!("rooms/{}", id(&places.room)), &places.room, "room_in_use"),
        (format!("class_periods/{}", id(&places.first)), &places.first, "class_period_in_use"),
    ] {
        office.change("DELETE", &path, record).refused(409, code).await;
        let refusal =
            office.change("PATCH", &path, record).json(json!({"school_id": frame.district["id"]})).expect(422).await;
        assert_eq!(mistakes(&refusal), [("school_id", "school_fixed")]);
    }
}

#[tokio::test]
async fn a_timetable_follows_the_calendar_of_the_day() {
    let (platform, door) = platform().await;
    let accounts = Accounts::new();
    let tenant = platform.tenant("north", Tier::Database).await;
    let house = House::new(&platform, &door, &tenant, &accounts).await;
    let (office, frame) = (&house.office, &house.frame);
    let places = Places::new(office, frame).await;
    office.make("meetings", meeting(&frame.class, &places.first, &places.room, "wednesday")).await;
    office.make("meetings", meeting(&frame.class, &places.second, &places.room, "wednesday")).await;
    office.make("meetings", meeting(&house.other_class, &places.first, &places.other_room, "monday")).await;
    let lessons = async |role: &str, query: String| {
        let timetable = house.by(role, "GET", &format!("timetable?{query}")).expect(200).await;
        timetable["items"]
            .as_array()
            .unwrap()
            .iter()
            .map(|lesson| {
                format!(
                    "{} {}-{} {}",
                    lesson["class_title"].as_str().unwrap(),
                    lesson["start_time"].as_str().unwrap(),
                    lesson["end_time"].as_str().unwrap(),
                    lesson["room_number"].as_str().unwrap()
                )
            })
            .collect::<Vec<_>>()
    };
    let of_class = format!("class_id={}", id(&frame.class));
    let week = ["Algebra A 08:00-08:45 B 204", "Algebra A 08:50-09:35 B 204"];
    assert_eq!(lessons("staff", format!("{of_class}&on={DAY}")).await, week);
    assert_eq!(lessons("student", format!("room_id={}&on={DAY}", id(&places.room))).await, week);
    assert_eq!(lessons("staff", format!("{of_class}&on={DAY}&day_only=true")).await, week);
    assert_eq!(lessons("staff", format!("{of_class}&on=2025-10-02&day_only=true")).await, Vec::<String>::new());
    // Of a person everybody sees what they see of their places.
    for (role, name, count) in [
        ("staff", "Mila", 2),
        ("teacher", "Mila", 2),
        ("guardian", "Mila", 2),
        ("student", "Mila", 2),
        ("staff", "Quin", 1),
        ("teacher", "Quin", 0),
        ("guardian", "Quin", 0),
        ("student", "Quin", 0),
        ("teacher", "Tess", 2),
        ("guardian", "Tess", 0),
    ] {
        let query = format!("person_id={}&on={DAY}", house.person(name));
        assert_eq!(lessons(role, query).await.len(), count, "{role} {name}");
    }
    // On a short day the first period is held at its own time, and the second not at all; on a holiday nothing is.
    let short = json!({"school_id": frame.school["id"], "name": "Short day", "periods": [
        {"class_period_id": places.first["id"], "start_time": "09:00", "end_time": "09:30"}]});
    let short = office.make("bell_schedules", short).await;
    assert_eq!(short["periods"][0]["start_time"], "09:00");
    let day = json!({"school_id": frame.school["id"], "date": DAY, "calendar_event": "instructional",
        "is_instructional": true, "bell_schedule_id": short["id"]});
    let day = office.make("calendar_dates", day).await;
    for (role, whose) in [
        ("staff", of_class.clone()),
        ("staff", format!("room_id={}", id(&places.room))),
        ("staff", format!("person_id={}", house.person("Mila"))),
        ("guardian", format!("person_id={}", house.person("Mila"))),
        ("teacher", format!("person_id={}", house.person("Mila"))),
        ("student", format!("person_id={}", house.person("Mila"))),
    ] {
        let held = lessons(role, format!("{whose}&on={DAY}&day_only=true")).await;
        assert_eq!(held, ["Algebra A 09:00-09:30 B 204"], "{role} {whose}");
        // From the first day of the term of its class to the last.
        for (on, count) in [("2025-08-31", 0), ("2025-09-01", 2), ("2026-01-31", 2), ("2026-02-01", 0)] {
            assert_eq!(lessons(role, format!("{whose}&on={on}")).await.len(), count, "{role} {whose} {on}");
        }
    }
    office
        .change("DELETE", &format!("bell_schedules/{}", id(&short)), &short)
        .refused(409, "bell_schedule_in_use")
        .await;
    let patch = json!({"is_instructional": false, "calendar_event": "holiday"});
    office.change("PATCH", &format!("calendar_dates/{}", id(&day)), &day).json(patch).expect(200).await;
    assert_eq!(lessons("staff", format!("{of_class}&on={DAY}&day_only=true")).await, Vec::<String>::new());
    assert_eq!(lessons("staff", format!("{of_class}&on={DAY}")).await, week, "the week is as usual");

    for query in [String::new(), format!("{of_class}&room_id={}", id(&places.room))] {
        let refusal = office.call("GET", &format!("timetable?{query}")).expect(422).await;
        assert_eq!(mistakes(&refusal), [("class_id", "one_of_three")]);
    }
    for role in ["teacher", "guardian", "student"] {
        house.by(role, "GET", "timetable/conflicts").refused(403, "permission_denied").await;
    }
}
