//! Attendance: codes, registers, corrections that keep what was before, and rates made of all of it.

use cloister_tenancy::Tier;
use cloister_testkit::{Call, FrontDoor};
use serde_json::{Value, json};
use tokio::task::JoinSet;

use crate::{
    Frame, Office, http_modules, id, mistakes, platform,
    timetable::{Places, first_period},
};

pub(crate) const DAY: &str = "2025-10-01";

/// A tenant's codes.
pub(crate) struct Codes {
    pub(crate) present: Value,
    pub(crate) late: Value,
    pub(crate) absent: Value,
    pub(crate) excused: Value,
    /// Counts in no rate.
    pub(crate) excursion: Value,
}

impl Codes {
    pub(crate) async fn new(office: &Office<'_>) -> Self {
        let code =
            async |short: &str, title: &str, category: &str, direction: &str, excused: bool, reportable: bool| {
                let body = json!({"short_name": short, "title": title, "category": category, "direction": direction,
                "excused": excused, "reportable": reportable, "future_allowed": excused});
                office.make("attendance_codes", body).await
            };
        Self {
            present: code("P", "Present", "present", "in", false, true).await,
            late: code("L", "Late", "late", "in", false, true).await,
            absent: code("UA", "Unexcused absence", "absent", "out", false, true).await,
            excused: code("EA", "Excused absence", "absent", "out", true, true).await,
            excursion: code("X", "Excursion", "present", "in", false, false).await,
        }
    }
}

pub(crate) fn entry(student: &Value, code: &Value) -> Value {
    json!({"student_id": student["id"], "code_id": code["id"]})
}

pub(crate) fn register(class: &Value, date: &str) -> String {
    format!("attendance_registers/{}/{date}", id(class))
}

pub(crate) async fn place(office: &Office<'_>, class: &Value, person: &Value, role: &str) -> Value {
    office.make("enrollments", json!({"class_id": class["id"], "person_id": person["id"], "role": role})).await
}

async fn homeroom(office: &Office<'_>, frame: &Frame) -> Value {
    let body = json!({"title": "Homeroom 7a", "class_type": "homeroom", "course_id": frame.course["id"],
        "school_id": frame.school["id"], "term_ids": [frame.term["id"]]});
    office.make("classes", body).await
}

#[tokio::test]
async fn a_register_is_taken_corrected_and_counted_in_every_tier() {
    let (platform, door) = platform().await;
    for tenant in platform.tenant_in_each_tier().await {
        let office = Office { door: &door, tenant: &tenant };
        let frame = office.frame().await;
        let codes = Codes::new(&office).await;
        let (ada, ben) = (office.person("Ada", "Aho").await, office.person("Ben", "Berg").await);
        for student in [&ben, &ada] {
            place(&office, &frame.class, student, "student").await;
        }
        let path = register(&frame.class, DAY);

        // Before it is taken it can be read: who is in the class, by name, and that nothing is said of them yet.
        let sheet = office.read(&path).await;
        assert_eq!((&sheet["taken"], &sheet["version"], &sheet["whole_day"]), (&Value::Null, &json!(0), &json!(false)));
        let students: Vec<&Value> =
            sheet["entries"].as_array().unwrap().iter().map(|line| &line["student_id"]).collect();
        assert_eq!(students, [&ada["id"], &ben["id"]]);

        // One request takes it; the same again changes nothing.
        let late = json!({"student_id": ben["id"], "code_id": codes.late["id"], "arrival_time": "08:40",
            "reason": "Bus was late"});
        let body = json!({"entries": [entry(&ada, &codes.present), late]});
        let taken = office.call("PUT", &path).json(body.clone()).expect(200).await;
        assert_eq!((&taken["version"], &taken["taken"]["late"]), (&json!(1), &json!(true)));
        assert_eq!(taken["entries"][1]["arrival_time"], "08:40");
        assert_eq!(office.call("PUT", &path).json(body).expect(200).await, taken);
        assert_eq!(office.read(&path).await, taken);

        // Taken again with something else it corrects, for whoever knows what is there.
        let body = json!({"entries": [entry(&ada, &codes.absent), {
            "student_id": ben["id"], "code_id": codes.late["id"], "arrival_time": "08:40", "reason": "Bus was late"}]});
        let again = office.call("PUT", &path).json(body.clone());
        again.clone().refused(428, "precondition_required").await;
        again.clone().header("if-match", "\"v7\"").refused(412, "version_mismatch").await;
        let corrected = again.header("if-match", "\"v1\"").expect(200).await;
        assert_eq!(corrected["version"], 2);
        assert_eq!(corrected["taken"]["taken_at"], taken["taken"]["taken_at"]);
        assert_eq!(corrected["entries"][1], taken["entries"][1], "what did not change is not recorded again");
        assert_ne!(corrected["entries"][0]["event_id"], taken["entries"][0]["event_id"]);

        // What was said before stays readable, and does not count.
        let event = corrected["entries"][0]["event_id"].as_str().unwrap();
        let history = office.list(&format!("attendance_events/{event}/history")).await;
        let said: Vec<&Value> = history.iter().map(|event| &event["code_id"]).collect();
        assert_eq!(said, [&codes.absent["id"], &codes.present["id"]]);
        assert_eq!(history[0]["supersedes_id"], history[1]["id"]);
        assert_eq!(history[0]["superseded_at"], Value::Null);
        assert_ne!(history[1]["superseded_at"], Value::Null);
        let of_ada = format!("attendance_events?student_id={}", id(&ada));
        assert_eq!(office.list(&of_ada).await.len(), 1);
        assert_eq!(office.list(&format!("{of_ada}&history=true")).await.len(), 2);

        let rates = office.list(&format!("attendance_rates?class_id={}", id(&frame.class))).await;
        assert_eq!(rates[0]["student_id"], ada["id"]);
        assert_eq!((&rates[0]["absent"], &rates[0]["attendance_rate"]), (&json!(1), &json!(0)));
        assert_eq!((&rates[1]["late"], &rates[1]["attendance_rate"]), (&json!(1), &json!(10_000)));
        let class = office.read(&format!("classes/{}/attendance_rate", id(&frame.class))).await;
        assert_eq!(
            (&class["recorded"], &class["absent"], &class["attendance_rate"]),
            (&json!(2), &json!(1), &json!(5000))
        );
        // Of whole days nothing was said.
        let days = office.list(&format!("attendance_rates?student_id={}", id(&ada))).await;
        assert!(days.iter().all(|rate| rate["attendance_rate"] == Value::Null));

        let registers = office.list("attendance_registers").await;
        assert_eq!(registers.len(), 1);
        assert_eq!((&registers[0]["id"], &registers[0]["version"]), (&corrected["taken"]["id"], &json!(2)));
    }
}

#[tokio::test]
async fn a_homeroom_tells_of_the_day() {
    let (platform, door) = platform().await;
    let tenant = platform.tenant("north", Tier::Schema).await;
    let office = Office { door: &door, tenant: &tenant };
    let frame = office.frame().await;
    let codes = Codes::new(&office).await;
    let homeroom = homeroom(&office, &frame).await;
    let ada = json!([{"role": "student", "role_type": "primary", "org_id": frame.school["id"]}]);
    let ada = office.make("persons", json!({"given_name": "Ada", "family_name": "Aho", "roles": ada})).await;
    place(&office, &homeroom, &ada, "student").await;
    // The office knows of the dentist before the homeroom meets.
    let event = json!({"student_id": ada["id"], "school_id": frame.school["id"], "date": DAY,
        "code_id": codes.excused["id"], "reason": "Dentist"});
    let event = office.make("attendance_events", event).await;
    let sheet = office.read(&register(&homeroom, DAY)).await;
    assert_eq!(sheet["whole_day"], true);
    assert_eq!((&sheet["taken"], &sheet["entries"][0]["event_id"]), (&Value::Null, &event["id"]));
    // It is taken once a day.
    let period = Places::new(&office, &frame).await.first;
    let of_period = format!("{}?class_period_id={}", register(&homeroom, DAY), id(&period));
    let body = json!({"entries": [entry(&ada, &codes.present)]});
    let refusal = office.call("PUT", &of_period).json(body).expect(422).await;
    assert_eq!(mistakes(&refusal), [("class_period_id", "homeroom_without_period")]);
    // Taking it as it is leaves the office's entry; the register counts as taken.
    let body = json!({"entries": [{"student_id": ada["id"], "code_id": codes.excused["id"], "reason": "Dentist"}]});
    let taken = office.call("PUT", &register(&homeroom, DAY)).json(body).expect(200).await;
    assert_eq!(taken["entries"][0]["event_id"], event["id"]);
    let body = json!({"entries": [entry(&ada, &codes.present)]});
    office.call("PUT", &register(&homeroom, "2025-10-02")).json(body).expect(200).await;

    let rate = |path: String| {
        let office = &office;
        async move {
            let rate = &office.list(&path).await[0];
            (rate["recorded"].clone(), rate["absent_excused"].clone(), rate["attendance_rate"].clone())
        }
    };
    let of_ada = format!("attendance_rates?student_id={}", id(&ada));
    assert_eq!(rate(of_ada.clone()).await, (json!(2), json!(1), json!(5000)));
    assert_eq!(rate(format!("{of_ada}&from=2025-10-02")).await, (json!(1), json!(0), json!(10_000)));
    assert_eq!(rate(format!("{of_ada}&until=2025-10-02")).await, (json!(1), json!(1), json!(0)));
    assert_eq!(rate(format!("{of_ada}&term_id={}", id(&frame.term))).await, (json!(2), json!(1), json!(5000)));
    let spring = json!({"title": "Spring 2026", "type": "term", "start_date": "2026-02-01", "end_date": "2026-07-01",
        "school_year": 2026});
    let spring = office.make("academic_sessions", spring).await;
    assert_eq!(rate(format!("{of_ada}&term_id={}", id(&spring))).await, (json!(0), json!(0), Value::Null));
    let of_school = format!("attendance_rates?school_id={}", id(&frame.school));
    assert_eq!(rate(of_school).await, (json!(2), json!(1), json!(5000)));
    let class = office.read(&format!("classes/{}/attendance_rate", id(&homeroom))).await;
    assert_eq!((&class["recorded"], &class["attendance_rate"]), (&json!(2), &json!(5000)));

    // Half of the days missed is a habit, unless the bar is higher or there is too little to tell.
    let chronic = async |query: &str| office.list(&format!("attendance_rates/chronic?{query}")).await.len();
    assert_eq!(chronic("").await, 1);
    assert_eq!(chronic("threshold=5000").await, 1);
    assert_eq!(chronic("threshold=5001").await, 0);
    assert_eq!(chronic("min_recorded=3").await, 0);
    assert_eq!(chronic("from=2025-10-02").await, 0);
    office.call("GET", "attendance_rates/chronic?threshold=0").refused(400, "query_invalid").await;

    // What counts in no rate, and what a code means from now on, change nothing of what was.
    let body = json!({"entries": [entry(&ada, &codes.excursion)]});
    office.call("PUT", &register(&homeroom, "2025-10-03")).json(body).expect(200).await;
    let patch = json!({"direction": "in"});
    let path = format!("attendance_codes/{}", id(&codes.excused));
    office.change("PATCH", &path, &codes.excused).json(patch).expect(200).await;
    assert_eq!(rate(of_ada).await, (json!(2), json!(1), json!(5000)));
}

#[tokio::test]
async fn one_entry_counts_of_each_day() {
    let (platform, door) = platform().await;
    let tenant = platform.tenant("north", Tier::Shared).await;
    let office = Office { door: &door, tenant: &tenant };
    let frame = office.frame().await;
    let codes = Codes::new(&office).await;
    let ada = office.person("Ada", "Aho").await;
    let say = |code: &Value, supersedes: Option<&Value>| {
        let body = json!({"student_id": ada["id"], "school_id": frame.school["id"], "date": DAY, "code_id": code["id"],
            "supersedes_id": supersedes.map(|event| event["id"].clone())});
        office.call("POST", "attendance_events").json(body)
    };
    let first = say(&codes.absent, None).expect(201).await;
    say(&codes.present, None).refused(409, "attendance_recorded").await;
    let second = say(&codes.excused, Some(&first)).expect(201).await;
    assert_eq!((&second["excused"], &second["supersedes_id"]), (&json!(true), &first["id"]));
    say(&codes.present, Some(&first)).refused(409, "attendance_event_superseded").await;

    let path = |event: &Value| format!("attendance_events/{}", id(event));
    let before = office.read(&path(&first)).await;
    assert_eq!((&before["status"], &before["version"]), (&json!("active"), &json!(2)));
    office.change("DELETE", &path(&first), &before).refused(409, "attendance_event_superseded").await;
    office.change("DELETE", &path(&second), &second).expect(204).await;
    assert_eq!(office.read(&path(&second)).await["status"], "tobedeleted");
    // Taken back, nothing is said of the day, and something may be.
    say(&codes.present, Some(&second)).refused(409, "attendance_event_superseded").await;
    say(&codes.present, None).expect(201).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn of_many_who_record_at_once_one_wins() {
    let (platform, _) = platform().await;
    let tenant = platform.tenant("north", Tier::Shared).await;
    let proxy = platform.proxy(std::time::Duration::from_millis(20)).await;
    let door = FrontDoor::new(&platform.node_on(&platform.through(&proxy)).await, &http_modules());
    let office = Office { door: &door, tenant: &tenant };
    let frame = office.frame().await;
    let codes = Codes::new(&office).await;
    let ada = office.person("Ada", "Aho").await;
    place(&office, &frame.class, &ada, "student").await;
    let at_once = async |calls: Vec<Call>| {
        let tries: JoinSet<u16> = calls.into_iter().map(|call| async move { call.send().await.status }).collect();
        let mut statuses = tries.join_all().await;
        statuses.sort_unstable();
        statuses
    };
    assert_eq!(at_once(vec![office.call("GET", "orgs"); 4]).await, [200; 4]);
    let body =
        json!({"student_id": ada["id"], "school_id": frame.school["id"], "date": DAY, "code_id": codes.absent["id"]});
    let record = office.call("POST", "attendance_events").json(body);
    assert_eq!(at_once(vec![record; 4]).await, [201, 409, 409, 409]);
    // Registers of one class wait for each other: who says the same changes nothing, who says something else must know.
    let take =
        |code: &Value| office.call("PUT", &register(&frame.class, DAY)).json(json!({"entries": [entry(&ada, code)]}));
    assert_eq!(at_once(vec![take(&codes.present); 4]).await, [200; 4]);
    assert_eq!(at_once(vec![take(&codes.present), take(&codes.absent)]).await, [200, 428]);
    assert_eq!(office.list(&format!("attendance_events?class_id={}", id(&frame.class))).await.len(), 1);
}

#[tokio::test]
async fn a_register_names_everybody_in_the_class_on_that_day() {
    let (platform, door) = platform().await;
    let tenant = platform.tenant("north", Tier::Database).await;
    let office = Office { door: &door, tenant: &tenant };
    let frame = office.frame().await;
    let codes = Codes::new(&office).await;
    let (ada, ben, cy) =
        (office.person("Ada", "Aho").await, office.person("Ben", "Berg").await, office.person("Cy", "Cox").await);
    place(&office, &frame.class, &ada, "student").await;
    place(&office, &frame.class, &cy, "teacher").await;
    let gone = json!({"class_id": frame.class["id"], "person_id": ben["id"], "role": "student",
        "end_date": DAY});
    office.make("enrollments", gone).await;
    let put = |path: &str, entries: Value| office.call("PUT", path).json(json!({"entries": entries}));
    let path = register(&frame.class, DAY);
    let refused = async |entries: Value| {
        let refusal = put(&path, entries).expect(422).await;
        mistakes(&refusal).into_iter().map(|(field, code)| format!("{field} {code}")).collect::<Vec<_>>()
    };
    assert_eq!(refused(json!([])).await, ["entries students_missing"]);
    let message = put(&path, json!([])).expect(422).await["errors"][0]["message"].to_string();
    assert!(message.contains("Ada Aho"), "{message}");
    assert_eq!(
        refused(json!([entry(&ada, &codes.present), entry(&ben, &codes.present)])).await,
        ["entries[1].student_id student_not_in_class"],
        "the end is the first day outside"
    );
    assert_eq!(
        refused(json!([entry(&ada, &codes.present), entry(&cy, &codes.present)])).await,
        ["entries[1].student_id student_not_in_class"]
    );
    let twice = json!([entry(&ada, &codes.present), entry(&ada, &codes.late)]);
    assert_eq!(refused(twice).await, ["entries given_twice"]);
    let unknown = json!([{"student_id": ada["id"], "code_id": "atc_01jd4kqvm6e8x9t3c5z7b2n0fa"}]);
    assert_eq!(refused(unknown).await, ["entries[0].code_id attendance_code_unknown"]);
    // A code that was retired is offered no more.
    office.change("DELETE", &format!("attendance_codes/{}", id(&codes.late)), &codes.late).expect(204).await;
    assert_eq!(refused(json!([entry(&ada, &codes.late)])).await, ["entries[0].code_id attendance_code_unknown"]);

    // No register of a day to come, of a day without instruction, of a period of another school, of no class.
    let everybody = json!([entry(&ada, &codes.present)]);
    let refusal = put(&register(&frame.class, "2190-01-05"), everybody.clone()).expect(422).await;
    assert_eq!(mistakes(&refusal), [("date", "register_in_future")]);
    let holiday = json!({"school_id": frame.school["id"], "date": DAY, "calendar_event": "holiday",
        "is_instructional": false});
    let holiday = office.make("calendar_dates", holiday).await;
    put(&path, everybody.clone()).refused(409, "day_not_instructional").await;
    let day = format!("calendar_dates/{}", id(&holiday));
    let patch = json!({"calendar_event": "make_up", "is_instructional": true});
    office.change("PATCH", &day, &holiday).json(patch).expect(200).await;
    let elsewhere = first_period(&office, &frame.district).await;
    let in_period = |period: &Value| format!("{path}?class_period_id={}", id(period));
    let refusal = put(&in_period(&elsewhere), everybody.clone()).expect(422).await;
    assert_eq!(mistakes(&refusal), [("class_period_id", "class_period_unknown")]);
    let here = first_period(&office, &frame.school).await;
    put(&in_period(&here), everybody.clone()).expect(200).await;
    // The register without a period is another one.
    assert_eq!(office.read(&path).await["taken"], Value::Null);
    put(&path, everybody.clone()).expect(200).await;
    for nothing in [
        "attendance_registers/cls_01jd4kqvm6e8x9t3c5z7b2n0fa/2025-10-01",
        &register(&frame.class, "0025-10-01"),
        &register(&frame.class, "today"),
    ] {
        put(nothing, everybody.clone()).refused(404, "not_found").await;
    }
}

#[tokio::test]
async fn what_is_planned_may_be_entered_ahead() {
    let (platform, door) = platform().await;
    let tenant = platform.tenant("north", Tier::Shared).await;
    let office = Office { door: &door, tenant: &tenant };
    let frame = office.frame().await;
    let codes = Codes::new(&office).await;
    let ada = office.person("Ada", "Aho").await;
    let record = async |change: Value, status: u16| {
        let mut body = json!({"student_id": ada["id"], "school_id": frame.school["id"], "date": DAY,
            "code_id": codes.present["id"]});
        for (field, value) in change.as_object().unwrap() {
            body[field] = value.clone();
        }
        let answer = office.call("POST", "attendance_events").json(body).expect(status).await;
        mistakes(&answer).first().map(|(field, code)| format!("{field} {code}"))
    };
    let ahead = "2190-01-05";
    assert_eq!(record(json!({"date": ahead}), 422).await.unwrap(), "code_id code_not_for_future");
    assert_eq!(record(json!({"date": ahead, "code_id": codes.excused["id"]}), 201).await, None);
    let class = &frame.class["id"];
    for (change, fault) in [
        (json!({"school_id": null}), "school_id school_missing"),
        (json!({"class_id": class}), "student_id student_not_in_class"),
        (json!({"student_id": "per_01jd4kqvm6e8x9t3c5z7b2n0fa"}), "student_id person_unknown"),
        (json!({"code_id": "atc_01jd4kqvm6e8x9t3c5z7b2n0fa"}), "code_id attendance_code_unknown"),
        (json!({"school_id": "org_01jd4kqvm6e8x9t3c5z7b2n0fa"}), "school_id org_unknown"),
        (json!({"date": "0025-10-01"}), "date date_implausible"),
        (json!({"arrival_time": "8:40"}), "arrival_time invalid_value"),
        (json!({"reason": " "}), "reason blank"),
    ] {
        assert_eq!(record(change.clone(), 422).await.as_deref(), Some(fault), "{change}");
    }
}
