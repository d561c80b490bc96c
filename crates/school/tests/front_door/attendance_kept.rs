//! What becomes of attendance when what is around it changes: a register that was taken stays as it was, whoever corrects a single
//! entry is heard, and rates count what was, on days of instruction that have come.

use std::sync::Arc;

use cloister_ids::ManualClock;
use cloister_school::School;
use cloister_tenancy::{Module, NewTenant, Tier};
use cloister_testkit::{FrontDoor, TestPlatform, TestSettings};
use jiff::Timestamp;
use serde_json::{Value, json};

use crate::{
    Frame, Office,
    attendance::{Codes, DAY, entry, place, register},
    http_modules, id, mistakes, platform,
};

async fn homeroom(office: &Office<'_>, frame: &Frame, title: &str, term: &Value) -> Value {
    let body = json!({"title": title, "class_type": "homeroom", "course_id": frame.course["id"],
        "school_id": frame.school["id"], "term_ids": [term["id"]]});
    office.make("classes", body).await
}

async fn student(office: &Office<'_>, frame: &Frame, given: &str) -> Value {
    let roles = json!([{"role": "student", "role_type": "primary", "org_id": frame.school["id"]}]);
    office.make("persons", json!({"given_name": given, "family_name": "Berg", "roles": roles})).await
}

fn whole_day(frame: &Frame, student: &Value, date: &str, code: &Value) -> Value {
    json!({"student_id": student["id"], "school_id": frame.school["id"], "date": date, "code_id": code["id"]})
}

/// Each student of a register, what is said, and whether they have a place.
fn lines(sheet: &Value) -> Vec<(Value, Value, bool)> {
    let entries = sheet["entries"].as_array().unwrap().iter();
    entries.map(|line| (line["student_id"].clone(), line["code_id"].clone(), line["has_place"] == true)).collect()
}

#[tokio::test]
async fn a_register_that_was_taken_stays_as_it_was_in_every_tier() {
    let (platform, door) = platform().await;
    for tenant in platform.tenant_in_each_tier().await {
        let office = Office { door: &door, tenant: &tenant };
        let frame = office.frame().await;
        let codes = Codes::new(&office).await;
        let class = homeroom(&office, &frame, "Homeroom 7a", &frame.term).await;
        let (ada, ben) = (student(&office, &frame, "Ada").await, student(&office, &frame, "Ben").await);
        place(&office, &class, &ada, "student").await;
        let of_ben = place(&office, &class, &ben, "student").await;
        // Ben's absence was known before, and stays as the office entered it.
        office.make("attendance_events", whole_day(&frame, &ben, DAY, &codes.excused)).await;
        let body = json!({"entries": [entry(&ada, &codes.present), entry(&ben, &codes.excused)]});
        let path = register(&class, DAY);
        let taken = office.call("PUT", &path).json(body.clone()).expect(200).await;
        assert_eq!(office.read(&path).await, taken);
        let rate_path = format!("classes/{}/attendance_rate", id(&class));
        let list_path = format!("attendance_rates?class_id={}", id(&class));
        let rate = async || {
            let rate = office.read(&rate_path).await;
            (rate["recorded"].clone(), rate["absent"].clone())
        };
        let listed = async || {
            let rates = office.list(&list_path).await;
            rates.iter().map(|rate| (rate["student_given_name"].clone(), rate["recorded"].clone())).collect::<Vec<_>>()
        };
        // The rates of a homeroom are those of its days.
        assert_eq!(rate().await, (json!(2), json!(1)));
        assert_eq!(listed().await, [(json!("Ada"), json!(1)), (json!("Ben"), json!(1))]);
        let chronic = format!("attendance_rates/chronic?class_id={}", id(&class));
        assert_eq!(office.list(&chronic).await.len(), 1);

        // Ben's place was a mistake, and goes. What was said of him when the register was taken stays, and nobody must repeat it.
        office.change("DELETE", &format!("enrollments/{}", id(&of_ben)), &of_ben).expect(204).await;
        let there = |ada_has_place: bool, said: &Value| {
            [
                (ada["id"].clone(), said["id"].clone(), ada_has_place),
                (ben["id"].clone(), codes.excused["id"].clone(), false),
            ]
        };
        assert_eq!(lines(&office.read(&path).await), there(true, &codes.present));
        assert_eq!(rate().await, (json!(2), json!(1)));
        assert_eq!(listed().await, [(json!("Ada"), json!(1)), (json!("Ben"), json!(1))]);
        let body = json!({"entries": [entry(&ada, &codes.late)]});
        let corrected = office.change("PUT", &path, &taken).json(body.clone()).expect(200).await;
        assert_eq!(lines(&corrected), there(true, &codes.late));

        // What the class is called by another kind changes nothing of what was.
        let class_path = format!("classes/{}", id(&class));
        let patch = office.change("PATCH", &class_path, &class).json(json!({"class_type": "scheduled"}));
        let class = patch.expect(200).await;
        let sheet = office.read(&path).await;
        assert_eq!((&sheet["whole_day"], &sheet["entries"]), (&json!(true), &corrected["entries"]));
        assert_eq!(office.call("PUT", &path).json(body).expect(200).await, sheet);
        assert_eq!(office.list("attendance_events").await.len(), 2);
        let next = office.read(&register(&class, "2025-10-02")).await;
        assert_eq!(next["whole_day"], false, "from now on it is a class");

        // A class that is over: its registers can be read and mended, and no others are.
        let class = office.read(&class_path).await;
        office.change("DELETE", &class_path, &class).expect(204).await;
        assert_eq!(lines(&office.read(&path).await), there(false, &codes.late));
        assert_eq!(rate().await, (json!(2), json!(1)));
        assert_eq!(listed().await.len(), 2);
        office.call("GET", &register(&class, "2025-10-02")).refused(404, "not_found").await;
        let nothing = json!({"entries": []});
        office.call("PUT", &register(&class, "2025-10-02")).json(nothing).refused(404, "not_found").await;
        let body = json!({"entries": [entry(&ada, &codes.absent)]});
        let mended = office.change("PUT", &path, &sheet).json(body).expect(200).await;
        assert_eq!(lines(&mended), there(false, &codes.absent));
        // So can a single entry be, and a person who is gone is in it all the same.
        let event =
            office.read(&format!("attendance_events/{}", mended["entries"][0]["event_id"].as_str().unwrap())).await;
        let mut body = whole_day(&frame, &ada, DAY, &codes.late);
        body["supersedes_id"] = event["id"].clone();
        office.make("attendance_events", body).await;
        for person in [&ada, &ben] {
            let person = office.read(&format!("persons/{}", id(person))).await;
            office.change("DELETE", &format!("persons/{}", id(&person)), &person).expect(204).await;
        }
        assert_eq!(lines(&office.read(&path).await), there(false, &codes.late));
    }
}

#[tokio::test]
async fn whoever_takes_a_register_knows_what_was_corrected_meanwhile() {
    let (platform, door) = platform().await;
    let tenant = platform.tenant("north", Tier::Schema).await;
    let office = Office { door: &door, tenant: &tenant };
    let frame = office.frame().await;
    let codes = Codes::new(&office).await;
    let homeroom = homeroom(&office, &frame, "Homeroom 7a", &frame.term).await;
    let ben = student(&office, &frame, "Ben").await;
    for (class, day) in [(&homeroom, true), (&frame.class, false)] {
        place(&office, class, &ben, "student").await;
        let path = register(class, DAY);
        let put = |code: &Value| office.call("PUT", &path).json(json!({"entries": [entry(&ben, code)]}));
        let say = |code: &Value, supersedes: &Value| {
            let mut body = whole_day(&frame, &ben, DAY, code);
            if !day {
                body["class_id"] = class["id"].clone();
            }
            body["supersedes_id"] = supersedes.clone();
            office.call("POST", "attendance_events").json(body)
        };
        let version = async || office.read(&path).await["version"].as_i64().unwrap();
        assert_eq!(version().await, 0);
        // Something is said before the register is taken, after the teacher has read it.
        let planned = say(&codes.excused, &Value::Null).expect(201).await;
        put(&codes.present).refused(428, "precondition_required").await;
        put(&codes.present).header("if-match", "\"v0\"").refused(412, "version_mismatch").await;
        assert_eq!(office.read(&path).await["entries"][0]["event_id"], planned["id"]);
        let read = version().await;
        let taken = put(&codes.present).header("if-match", &format!("\"v{read}\"")).expect(200).await;
        assert!(taken["version"].as_i64().unwrap() > read);

        // A correction of one entry, what is taken back, and what is said anew: each is another version.
        let mut known = taken["version"].as_i64().unwrap();
        let stale = async |known: &mut i64| {
            put(&codes.absent).header("if-match", &format!("\"v{known}\"")).refused(412, "version_mismatch").await;
            *known = version().await;
        };
        let corrected = say(&codes.late, &taken["entries"][0]["event_id"]).expect(201).await;
        assert_eq!(corrected["register_id"], taken["taken"]["id"]);
        stale(&mut known).await;
        office.change("DELETE", &format!("attendance_events/{}", id(&corrected)), &corrected).expect(204).await;
        assert_eq!(office.read(&path).await["entries"][0]["event_id"], Value::Null);
        stale(&mut known).await;
        if day {
            // An absence that is approved says it of the day.
            let request = json!({"student_id": ben["id"], "begin_date": "2025-09-30", "end_date": "2025-10-03",
                "reason": "Wedding of the aunt"});
            let request = office.make("absence_requests", request).await;
            let yes = json!({"verdict": "approved", "code_id": codes.excused["id"]});
            office
                .change("PUT", &format!("absence_requests/{}/decision", id(&request)), &request)
                .json(yes)
                .expect(200)
                .await;
        } else {
            let anew = say(&codes.late, &Value::Null).expect(201).await;
            assert_eq!(anew["register_id"], taken["taken"]["id"]);
        }
        stale(&mut known).await;
        // What somebody else's day says is of no concern here.
        let cy = student(&office, &frame, "Cy").await;
        office.make("attendance_events", whole_day(&frame, &cy, DAY, &codes.excused)).await;
        assert_eq!(version().await, known);
        put(&codes.absent).header("if-match", &format!("\"v{known}\"")).expect(200).await;
    }
}

#[tokio::test]
async fn a_retired_code_does_not_stand_in_the_way() {
    let (platform, door) = platform().await;
    let tenant = platform.tenant("north", Tier::Shared).await;
    let office = Office { door: &door, tenant: &tenant };
    let frame = office.frame().await;
    let codes = Codes::new(&office).await;
    let (ada, ben) = (student(&office, &frame, "Ada").await, student(&office, &frame, "Ben").await);
    for student in [&ada, &ben] {
        place(&office, &frame.class, student, "student").await;
    }
    let path = register(&frame.class, DAY);
    let take = |ada_is: &Value, ben_is: &Value, known: &str| {
        let body = json!({"entries": [entry(&ada, ada_is), entry(&ben, ben_is)]});
        office.call("PUT", &path).header("if-match", known).json(body)
    };
    take(&codes.present, &codes.late, "\"v0\"").expect(200).await;
    office.change("DELETE", &format!("attendance_codes/{}", id(&codes.late)), &codes.late).expect(204).await;
    take(&codes.absent, &codes.late, "\"v1\"").expect(200).await;
    let refusal = take(&codes.late, &codes.late, "\"v2\"").expect(422).await;
    assert_eq!(mistakes(&refusal), [("entries[0].code_id", "attendance_code_unknown")]);
}

#[tokio::test]
async fn rates_count_days_of_instruction_that_have_come_each_once() {
    let (platform, door) = platform().await;
    let tenant = platform.tenant("north", Tier::Shared).await;
    let office = Office { door: &door, tenant: &tenant };
    let frame = office.frame().await;
    let codes = Codes::new(&office).await;
    let spring = json!({"title": "Spring 2026", "type": "term", "start_date": "2026-02-01", "end_date": "2026-07-01",
        "school_year": 2026});
    let spring = office.make("academic_sessions", spring).await;
    let (fall_room, spring_room) =
        (homeroom(&office, &frame, "Fall", &frame.term).await, homeroom(&office, &frame, "Spring", &spring).await);
    let ada = student(&office, &frame, "Ada").await;
    let of_fall = place(&office, &fall_room, &ada, "student").await;
    place(&office, &spring_room, &ada, "student").await;
    for (date, code) in [(DAY, &codes.absent), ("2025-10-02", &codes.present), ("2026-03-02", &codes.present)] {
        office.make("attendance_events", whole_day(&frame, &ada, date, code)).await;
    }
    office.make("attendance_events", whole_day(&frame, &ada, "2190-01-05", &codes.excused)).await;
    let sums = |rate: Value| (rate["recorded"].clone(), rate["absent"].clone());
    let of_ada = async |query: &str| {
        let path = format!("attendance_rates?student_id={}{query}", id(&ada));
        sums(office.list(&path).await[0].clone())
    };
    let of_class = async |class: &Value, query: &str| {
        sums(office.read(&format!("classes/{}/attendance_rate{query}", id(class))).await)
    };
    // An absence that is planned is none yet.
    for until in ["", "&until=2199-01-01"] {
        assert_eq!(of_ada(until).await, (json!(3), json!(1)), "{until}");
    }
    assert_eq!(office.list("attendance_rates/chronic?threshold=3400&until=2199-01-01").await, Vec::<Value>::new());
    // Places without dates are those of the terms of the class.
    assert_eq!(of_class(&fall_room, "").await, (json!(2), json!(1)));
    assert_eq!(of_class(&spring_room, "?until=2199-01-01").await, (json!(1), json!(0)));
    assert_eq!(of_ada(&format!("&class_id={}", id(&spring_room))).await, (json!(1), json!(0)));

    // A place that came in twice, as imports may bring it, counts once.
    let client = platform.admin(&tenant.placement.as_ref().unwrap().database).await;
    let doubled = "insert into shared.enrollment select e.tenant_id, gen_random_uuid(), e.sourced_id || '-twice', e.status,
        e.date_last_modified, 'import', e.metadata, e.version, e.created_at, e.created_by, e.updated_at, e.updated_by, e.class_id,
        e.school_id, e.person_id, e.role, e.is_primary, e.begin_date, e.end_date
        from shared.enrollment e where e.class_id = $1 and e.tenant_id = $2";
    let class = id(&fall_room).parse::<cloister_ids::ClassId>().unwrap().uuid();
    assert_eq!(client.execute(doubled, &[&class, &tenant.id.uuid()]).await.unwrap(), 1);
    assert_eq!(of_class(&fall_room, "").await, (json!(2), json!(1)));
    let sheet = office.read(&register(&fall_room, "2025-10-06")).await;
    assert_eq!(sheet["entries"].as_array().unwrap().len(), 1);
    let body = json!({"entries": [entry(&ada, &codes.present)]});
    office.call("PUT", &register(&fall_room, "2025-10-06")).json(body).expect(200).await;
    assert_eq!(of_class(&fall_room, "").await, (json!(3), json!(1)));

    // What a register says of a day without instruction does not count.
    let off = json!({"school_id": frame.school["id"], "date": "2025-10-06", "calendar_event": "holiday",
        "is_instructional": false});
    let off = office.make("calendar_dates", off).await;
    assert_eq!(of_class(&fall_room, "").await, (json!(2), json!(1)));
    assert_eq!(of_class(&fall_room, &format!("?term_id={}", id(&frame.term))).await, (json!(2), json!(1)));
    office.change("DELETE", &format!("calendar_dates/{}", id(&off)), &off).expect(204).await;
    assert_eq!(of_class(&fall_room, &format!("?term_id={}", id(&frame.term))).await, (json!(3), json!(1)));

    // A day that became a holiday is no absence, for this school.
    let holiday = |school: &Value| {
        json!({"school_id": school["id"], "date": DAY, "calendar_event": "emergency",
        "is_instructional": false, "title": "Snow"})
    };
    office.make("calendar_dates", holiday(&frame.district)).await;
    assert_eq!(of_ada("").await, (json!(4), json!(1)));
    let holiday = office.make("calendar_dates", holiday(&frame.school)).await;
    assert_eq!(of_ada("").await, (json!(3), json!(0)));
    assert_eq!(of_class(&fall_room, "").await, (json!(2), json!(0)));
    office.change("DELETE", &format!("calendar_dates/{}", id(&holiday)), &holiday).expect(204).await;
    assert_eq!(of_ada("").await, (json!(4), json!(1)));
    assert_eq!(of_fall["status"], "active");
}

#[tokio::test]
async fn registers_are_of_the_day_where_the_school_is() {
    // In Sydney it is half past eight in the morning of the third, in Los Angeles half past one in the afternoon of the second.
    let clock = ManualClock::new("2025-11-02T21:30:00Z".parse::<Timestamp>().unwrap());
    let modules: Vec<Arc<dyn Module>> = vec![Arc::new(School)];
    let settings = TestSettings { modules, clock: Arc::new(clock.clone()), ..TestSettings::default() };
    let platform = TestPlatform::with(settings).await;
    let door = FrontDoor::new(&platform.tenancy, &http_modules());
    for (slug, zone, today, tomorrow, last_night) in [
        ("sydney", "Australia/Sydney", "2025-11-03", "2025-11-04", 0),
        ("angeles", "America/Los_Angeles", "2025-11-02", "2025-11-03", 4),
    ] {
        let new = NewTenant::new(slug.parse().unwrap(), "A school far away", "school", Tier::Shared);
        let tenant = platform.make(&NewTenant { time_zone: zone.to_owned(), ..new }).await;
        let office = Office { door: &door, tenant: &tenant };
        let frame = office.frame().await;
        let codes = Codes::new(&office).await;
        let class = homeroom(&office, &frame, "Homeroom", &frame.term).await;
        let ada = student(&office, &frame, "Ada").await;
        place(&office, &class, &ada, "student").await;
        for date in [today, tomorrow] {
            let day = json!({"school_id": frame.school["id"], "date": date, "is_instructional": true,
                "calendar_event": "instructional"});
            office.make("calendar_dates", day).await;
        }
        // In the evening it is tomorrow by universal time.
        clock.advance(jiff::SignedDuration::from_hours(last_night));
        let missing = office.list("attendance_registers/missing").await;
        assert_eq!(missing.iter().map(|due| &due["date"]).collect::<Vec<_>>(), [today], "{zone}");
        let body = json!({"entries": [entry(&ada, &codes.present)]});
        let taken = office.call("PUT", &register(&class, today)).json(body.clone()).expect(200).await;
        assert_eq!(taken["taken"]["late"], false, "{zone}");
        let refusal = office.call("PUT", &register(&class, tomorrow)).json(body).expect(422).await;
        assert_eq!(mistakes(&refusal), [("date", "register_in_future")]);
        let ahead = office.call("POST", "attendance_events").json(whole_day(&frame, &ada, tomorrow, &codes.absent));
        assert_eq!(mistakes(&ahead.expect(422).await), [("code_id", "code_not_for_future")]);
        // What is planned for tomorrow is no absence today.
        office.make("attendance_events", whole_day(&frame, &ada, tomorrow, &codes.excused)).await;
        let rates = office.list(&format!("attendance_rates?student_id={}", id(&ada))).await;
        assert_eq!((&rates[0]["recorded"], &rates[0]["absent"]), (&json!(1), &json!(0)), "{zone}");
    }
}
