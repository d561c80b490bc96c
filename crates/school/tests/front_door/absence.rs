//! Absences that are asked for: by whom, for whom, and what becomes of them.

use serde_json::{Value, json};

use crate::{
    Office,
    attendance::{Codes, entry},
    house::{Accounts, House},
    id, mistakes, platform,
};

fn request(student: &str, begin: &str, end: &str) -> Value {
    json!({"student_id": student, "begin_date": begin, "end_date": end, "reason": "Wedding of the aunt"})
}

#[tokio::test]
async fn a_guardian_asks_and_the_office_decides_in_every_tier() {
    let (platform, door) = platform().await;
    let accounts = Accounts::new();
    for tenant in platform.tenant_in_each_tier().await {
        let house = House::new(&platform, &door, &tenant, &accounts).await;
        let office = &house.office;
        let codes = Codes::new(office).await;
        let (mila, quin) = (house.person("Mila"), house.person("Quin"));
        let ask = |role: &str, student: &str| {
            house.by(role, "POST", "absence_requests").json(request(student, "2025-10-02", "2025-10-08"))
        };
        // Another family's child is nobody.
        let refusal = ask("guardian", quin).expect(422).await;
        assert_eq!(mistakes(&refusal), [("student_id", "person_unknown")]);
        for role in ["teacher", "student"] {
            ask(role, mila).refused(403, "permission_denied").await;
        }
        let asked = ask("guardian", mila).expect(201).await;
        assert_eq!((&asked["state"], &asked["decided_at"]), (&json!("requested"), &Value::Null));
        let other = ask("staff", quin).expect(201).await;
        let path = |request: &Value| format!("absence_requests/{}", id(request));
        for (role, sees) in [("guardian", 1), ("student", 1), ("teacher", 1), ("staff", 2)] {
            let page = house.by(role, "GET", "absence_requests?state=requested").expect(200).await;
            assert_eq!(page["items"].as_array().unwrap().len(), sees, "{role}");
            house.by(role, "GET", &path(&asked)).expect(200).await;
            if role != "staff" {
                house.by(role, "GET", &path(&other)).refused(404, "not_found").await;
            }
        }

        // Something is said of one day already, and the calendar knows a holiday and a day to make up for it.
        let school = &house.frame.school["id"];
        let seen =
            json!({"student_id": mila, "school_id": school, "date": "2025-10-06", "code_id": codes.present["id"]});
        office.make("attendance_events", seen).await;
        for (date, is_instructional) in [("2025-10-03", false), ("2025-10-04", true)] {
            let day = json!({"school_id": school, "date": date, "is_instructional": is_instructional,
                "calendar_event": if is_instructional { "make_up" } else { "holiday" }});
            office.make("calendar_dates", day).await;
        }
        let decide = |role: &str, request: &Value, version: u8, body: Value| {
            let call = house.by(role, "PUT", &format!("{}/decision", path(request)));
            call.header("if-match", &format!("\"v{version}\"")).json(body)
        };
        let yes = json!({"verdict": "approved", "code_id": codes.excused["id"], "note": "Enjoy"});
        for role in ["guardian", "student", "teacher"] {
            decide(role, &asked, 1, yes.clone()).refused(403, "permission_denied").await;
            decide(role, &other, 1, yes.clone()).refused(404, "not_found").await;
        }
        for (body, fault) in [
            (json!({"verdict": "approved"}), ("code_id", "code_missing")),
            (json!({"verdict": "declined", "code_id": codes.excused["id"]}), ("code_id", "code_not_needed")),
        ] {
            let refusal = decide("staff", &asked, 1, body).expect(422).await;
            assert_eq!(mistakes(&refusal), [fault]);
        }
        decide("staff", &asked, 7, yes.clone()).refused(412, "version_mismatch").await;
        let decided = decide("staff", &asked, 1, yes.clone()).expect(200).await;
        assert_eq!(
            (&decided["state"], &decided["note"], &decided["version"]),
            (&json!("approved"), &json!("Enjoy"), &json!(2))
        );
        decide("staff", &asked, 2, yes).refused(409, "absence_request_decided").await;
        let days = office.list(&format!("attendance_events?student_id={mila}")).await;
        let days: Vec<(&str, bool)> =
            days.iter().map(|day| (day["date"].as_str().unwrap(), day["absence_request_id"] == asked["id"])).collect();
        assert_eq!(days, [("2025-10-02", true), ("2025-10-04", true), ("2025-10-06", false), ("2025-10-07", true)]);

        // Who asked may take it back while nobody decided.
        let withdraw = |role: &str, request: &Value, version: u8| {
            house.by(role, "DELETE", &path(request)).header("if-match", &format!("\"v{version}\""))
        };
        withdraw("guardian", &asked, 2).refused(409, "absence_request_decided").await;
        withdraw("guardian", &other, 1).refused(404, "not_found").await;
        withdraw("student", &asked, 2).refused(403, "permission_denied").await;
        let again = house.by("guardian", "POST", "absence_requests").json(request(mila, "2025-11-03", "2025-11-04"));
        let again = again.expect(201).await;
        withdraw("guardian", &again, 1).expect(204).await;
        house.by("guardian", "GET", &path(&again)).refused(404, "not_found").await;
        assert_eq!(office.read(&path(&again)).await["status"], "tobedeleted");
        let no = json!({"verdict": "declined", "note": "There is an examination"});
        assert_eq!(decide("staff", &other, 1, no).expect(200).await["state"], "declined");
        assert_eq!(office.list(&format!("attendance_events?student_id={quin}")).await, Vec::<Value>::new());
        assert_eq!(office.list("absence_requests?state=requested").await, Vec::<Value>::new());
    }
}

#[tokio::test]
async fn whose_custody_is_restricted_may_be_let_see_a_child_and_does_not_speak_for_it() {
    let (platform, door) = platform().await;
    let accounts = Accounts::new();
    for tenant in platform.tenant_in_each_tier().await {
        let house = House::new(&platform, &door, &tenant, &accounts).await;
        let mila = house.person("Mila");
        // The other parent, by way of the office.
        let asked = house.office.make("absence_requests", request(mila, "2025-10-02", "2025-10-08")).await;
        let path = format!("absence_requests/{}", id(&asked));
        let gus = format!("contacts/{}", house.contact("Gus"));
        let custody = async |custody: &str| {
            let contact = house.office.read(&gus).await;
            let change = json!({"custody": custody, "child_data_access": true});
            house.office.change("PATCH", &gus, &contact).json(change).expect(200).await;
        };
        let ask = || house.by("guardian", "POST", "absence_requests").json(request(mila, "2025-11-03", "2025-11-04"));
        let withdraw = || house.by("guardian", "DELETE", &path).header("if-match", "\"v1\"");
        custody("restricted").await;
        house.by("guardian", "GET", &path).expect(200).await;
        assert_eq!(mistakes(&ask().expect(422).await), [("student_id", "person_unknown")]);
        withdraw().refused(403, "child_not_spoken_for").await;
        custody("shared").await;
        ask().expect(201).await;
        withdraw().expect(204).await;
    }
}

#[tokio::test]
async fn a_request_keeps_the_rules() {
    let (platform, door) = platform().await;
    let accounts = Accounts::new();
    let tenant = platform.tenant("north", cloister_tenancy::Tier::Shared).await;
    let house = House::new(&platform, &door, &tenant, &accounts).await;
    let codes = Codes::new(&house.office).await;
    let mila = house.person("Mila");
    for (begin, end, fault) in [
        ("2025-10-02", "2025-10-02", ("end_date", "end_not_after_begin")),
        ("2025-10-02", "2025-10-01", ("end_date", "end_not_after_begin")),
        ("2025-10-02", "2026-10-02", ("end_date", "too_many_days")),
        ("0025-10-02", "2025-10-03", ("begin_date", "date_implausible")),
    ] {
        let call = house.by("guardian", "POST", "absence_requests").json(request(mila, begin, end));
        let refusal = call.expect(422).await;
        assert!(mistakes(&refusal).contains(&fault), "{begin} {end}");
    }
    // For days to come with a code that looks ahead alone; and a register shows what is planned.
    let asked = house.by("guardian", "POST", "absence_requests").json(request(mila, "2190-01-04", "2190-01-06"));
    let asked = asked.expect(201).await;
    let decide = |code: &Value| {
        let call = house.office.change("PUT", &format!("absence_requests/{}/decision", id(&asked)), &asked);
        call.json(json!({"verdict": "approved", "code_id": code["id"]}))
    };
    let refusal = decide(&codes.absent).expect(422).await;
    assert_eq!(mistakes(&refusal), [("code_id", "code_not_for_future")]);
    // Nobody is absent by a code of those who are there; an excursion is the school's own word.
    for at_school in [&codes.present, &codes.late] {
        let refusal = decide(at_school).expect(422).await;
        assert_eq!(mistakes(&refusal), [("code_id", "code_not_of_absence")]);
    }
    let trip = json!({"short_name": "TRIP", "title": "Excursion", "category": "ext:excursion", "direction": "in",
        "excused": true, "reportable": true, "future_allowed": true});
    let trip = house.office.make("attendance_codes", trip).await;
    let away = house.by("guardian", "POST", "absence_requests").json(request(mila, "2190-02-01", "2190-02-02"));
    let away = away.expect(201).await;
    let yes = json!({"verdict": "approved", "code_id": trip["id"]});
    let path = format!("absence_requests/{}/decision", id(&away));
    house.office.change("PUT", &path, &away).json(yes).expect(200).await;
    // The longest absence is found until its last day.
    let long = house.by("guardian", "POST", "absence_requests").json(request(mila, "2189-01-01", "2189-07-10"));
    let long = long.expect(201).await;
    for (from, until, there) in [("2189-07-09", "2189-07-10", true), ("2189-07-10", "2189-07-11", false)] {
        let found = house.office.list(&format!("absence_requests?from={from}&until={until}")).await;
        assert_eq!(found.iter().any(|one| one["id"] == long["id"]), there, "{from}");
    }
    decide(&codes.excused).expect(200).await;
    let planned = house.office.list("attendance_events?from=2190-01-01&until=2190-02-01").await;
    assert_eq!(planned.len(), 2);
    // A scheduled class says something of its own, whatever is said of the day.
    let path = format!("attendance_registers/{}/2025-10-01", id(&house.frame.class));
    let body = json!({"entries": [entry(&house.persons["Mila"], &codes.present)]});
    house.by("teacher", "PUT", &path).json(body).expect(200).await;
}

#[tokio::test]
async fn attendance_goes_with_the_person_when_two_records_are_one_and_comes_back() {
    let (platform, door) = platform().await;
    let tenant = platform.tenant("north", cloister_tenancy::Tier::Schema).await;
    let office = Office { door: &door, tenant: &tenant };
    let frame = office.frame().await;
    let codes = Codes::new(&office).await;
    let (kept, merged) = (office.person("Mila", "Okafor").await, office.person("Milla", "Okafor").await);
    let say = async |student: &Value, date: &str, code: &Value| {
        let event =
            json!({"student_id": student["id"], "school_id": frame.school["id"], "date": date, "code_id": code["id"]});
        office.make("attendance_events", event).await
    };
    let stays = say(&kept, "2025-10-01", &codes.present).await;
    say(&merged, "2025-10-01", &codes.absent).await;
    let goes = say(&merged, "2025-10-02", &codes.absent).await;
    let asked = office.make("absence_requests", request(id(&merged), "2025-11-03", "2025-11-04")).await;
    let of = async |path: &str, student: &Value| {
        let items = office.list(&format!("{path}?student_id={}", id(student))).await;
        items.iter().map(|item| item["id"].clone()).collect::<Vec<_>>()
    };
    let merge = office
        .make("person_merges", json!({"kept_id": kept["id"], "merged_id": merged["id"], "reason": "Entered twice."}))
        .await;
    assert_eq!(of("attendance_events", &kept).await, [stays["id"].clone(), goes["id"].clone()]);
    assert_eq!(of("absence_requests", &kept).await, [asked["id"].clone()]);
    assert_eq!(of("attendance_events", &merged).await, Vec::<Value>::new());
    office.change("DELETE", &format!("person_merges/{}", id(&merge)), &merge).expect(204).await;
    assert_eq!(of("attendance_events", &kept).await, [stays["id"].clone()]);
    assert_eq!(of("attendance_events", &merged).await.len(), 2);
    assert_eq!(of("absence_requests", &merged).await, [asked["id"].clone()]);
}
