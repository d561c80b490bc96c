//! A sample school is one that somebody could have entered by hand: every row passes the rules of the API when it is changed there,
//! no lesson stands against another, and what the lists and sums say fits together.

use std::collections::{HashMap, HashSet};

use cloister_school::sample::school::{SchoolSettings, SchoolSummary, make};
use cloister_tenancy::Tier;
use serde_json::{Value, json};

use crate::{Office, id, unhurried_platform};

/// Lists with the records that are in them, which can be changed one by one.
const LISTS: [(&str, &str); 30] = [
    ("orgs", "orgs"),
    ("academic_sessions", "academic_sessions"),
    ("courses", "courses"),
    ("classes", "classes"),
    ("persons", "persons"),
    ("enrollments", "enrollments"),
    ("contacts", "contacts"),
    ("families", "families"),
    ("staff_assignments", "staff_assignments"),
    ("academic_records", "academic_records"),
    ("student_school_associations", "student_school_associations"),
    ("custom_fields", "custom_fields"),
    ("class_periods", "class_periods"),
    ("bell_schedules", "bell_schedules"),
    ("calendar_dates", "calendar_dates"),
    ("rooms", "rooms"),
    ("meetings", "meetings"),
    ("attendance_codes", "attendance_codes"),
    ("absence_requests", "absence_requests"),
    ("behavior_codes", "behavior_codes"),
    ("discipline_incidents", "discipline_incidents"),
    ("incident_participants", "incident_participants"),
    ("discipline_actions", "discipline_actions"),
    ("incident_follow_ups", "incident_follow_ups"),
    ("allergies", "allergies"),
    ("health_conditions", "health_conditions"),
    ("medications", "medications"),
    ("immunizations", "immunizations"),
    ("health_visits", "health_visits"),
    ("documents", "documents"),
];
/// What is the same for the same seed, besides names.
const TOLD: [(&str, [&str; 2]); 6] = [
    ("student_school_associations", ["entry_date", "exit_withdraw_reason"]),
    ("discipline_incidents", ["incident_identifier", "description"]),
    ("allergies", ["recorded_date", "substance"]),
    ("immunizations", ["date", "lot_number"]),
    ("health_visits", ["date", "complaint"]),
    ("documents", ["title", "sha256"]),
];
/// Records of each list that are changed.
const CHANGED: usize = 12;

/// A list, page by page.
async fn whole(office: &Office<'_>, path: &str) -> Vec<Value> {
    let mut items = Vec::new();
    let mut cursor = String::new();
    loop {
        let with = if path.contains('?') { '&' } else { '?' };
        let page = office.read(&format!("{path}{with}limit=200{cursor}")).await;
        items.extend(page["items"].as_array().unwrap().iter().cloned());
        match page["next_cursor"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => return items,
        }
    }
}

fn text(record: &Value, field: &str) -> String {
    record[field].as_str().unwrap_or_else(|| panic!("{field} of {record}")).to_owned()
}

async fn check_lists(office: &Office<'_>, summary: &SchoolSummary) {
    for (path, what) in LISTS {
        let items = whole(office, path).await;
        assert!(!items.is_empty(), "{path}");
        assert_eq!(items.len() as u64, summary.records[what], "{path}");
        if what == "absence_requests" {
            continue;
        }
        let step = items.len().div_ceil(CHANGED);
        for item in items.iter().step_by(step) {
            let path = format!("{path}/{}", id(item));
            let record = office.read(&path).await;
            let change = office.change("PATCH", &path, &record).json(json!({ "metadata": { "looked_at": true } }));
            let seen = change.send().await;
            assert_eq!(seen.status, 200, "{path}: {} {record}", seen.text);
        }
    }
}

/// Whoever is there today goes on from the last year, and whoever left is told why.
async fn check_times_at_schools(office: &Office<'_>, students: usize) {
    let times = whole(office, "student_school_associations").await;
    let (open, over): (Vec<_>, Vec<_>) = times.iter().partition(|time| time["exit_withdraw_date"].is_null());
    assert_eq!(open.len(), students, "one that is open for each student of today");
    let goes_on = |time: &&Value| time["exit_withdraw_type"] == "promoted";
    let (over, left): (Vec<_>, Vec<_>) = over.into_iter().partition(goes_on);
    assert!(over.len() > students && !left.is_empty());
    assert!(left.iter().all(|time| time["exit_withdraw_reason"].is_string()), "{left:?}");

    let years = whole(office, "academic_sessions").await;
    let years = years.iter().filter(|session| session["type"] == "schoolYear");
    let last = years.max_by_key(|year| year["school_year"].as_i64()).unwrap();
    let ends = last["school_year"].as_i64().unwrap();
    let next = json!({"title": "The next year", "type": "schoolYear", "start_date": format!("{ends}-08-25"),
        "end_date": format!("{}-06-20", ends + 1), "school_year": ends + 1});
    let next = office.make("academic_sessions", next).await;
    let schools = whole(office, "orgs?type=school").await;
    let plan = json!({"school_id": schools[0]["id"], "from_session_id": last["id"], "to_session_id": next["id"]});
    let plan = office.make("year_rollovers", plan).await;
    let number = |outcome: &str| usize::try_from(plan[outcome].as_u64().unwrap()).unwrap();
    assert_eq!((number("promoted") + number("graduating"), number("undecided")), (students, 0), "{plan}");
    assert_eq!(plan["graduating_grades"], json!(["12"]));
    let mut planned = whole(office, &format!("year_rollover_students?year_rollover_id={}", id(&plan))).await;
    for student in &planned {
        let person = office.read(&format!("persons/{}", student["student_id"].as_str().unwrap())).await;
        assert_eq!((&person["enabled_user"], &person["grades"][0]), (&json!(true), &student["grade_level"]));
        let grade: u32 = student["grade_level"].as_str().unwrap().parse().unwrap();
        let next = if grade < 12 { json!(format!("{:02}", grade + 1)) } else { Value::Null };
        assert_eq!((&student["next_grade_level"], &student["problem"]), (&next, &Value::Null));
    }
    planned.sort_by_key(|student| student["student_id"].to_string());
    planned.dedup_by_key(|student| student["student_id"].clone());
    assert_eq!(planned.len(), students, "each once");
    office.change("DELETE", &format!("year_rollovers/{}", id(&plan)), &plan).expect(204).await;
}

/// Who missed which days, as far as it stands now.
async fn absences(office: &Office<'_>) -> HashSet<(String, String)> {
    let events = whole(office, "attendance_events?direction=out&whole_day=true").await;
    let absences: HashSet<_> = events.iter().map(|event| (text(event, "student_id"), text(event, "date"))).collect();
    assert!(!absences.is_empty());
    absences
}

/// Everybody in an incident was there, what they did counts what its code says, and something is still to be done.
async fn check_behavior(office: &Office<'_>, absences: &HashSet<(String, String)>) {
    let incidents = whole(office, "discipline_incidents").await;
    let numbers: HashSet<_> = incidents.iter().map(|incident| text(incident, "incident_identifier")).collect();
    assert_eq!(numbers.len(), incidents.len());
    let confidential = incidents.iter().filter(|incident| incident["confidential"] == true).count();
    assert!((1..incidents.len()).contains(&confidential), "{confidential} of {}", incidents.len());
    let codes = whole(office, "behavior_codes").await;
    let points: HashMap<_, _> = codes.iter().map(|code| (text(code, "id"), code["points"].as_i64().unwrap())).collect();
    let participants = whole(office, "incident_participants").await;
    for one in &participants {
        let (who, day) = (text(one, "person_id"), text(one, "incident_date"));
        assert!(!absences.contains(&(who, day)), "{one}");
        let expected = one["behavior_code_id"].as_str().map_or(0, |code| points[code]);
        assert_eq!((one["points"].as_i64().unwrap(), expected == 0), (expected, one["severity"].is_null()), "{one}");
    }
    let did: HashSet<_> = participants.iter().filter(|one| one["participation_code"] == "perpetrator").collect();
    let did: HashSet<_> = did.iter().map(|one| (text(one, "incident_id"), text(one, "person_id"))).collect();
    assert_eq!(did.len(), incidents.len(), "one of each incident");
    assert!(participants.iter().any(|one| one["participation_code"] == "victim"));
    for action in whole(office, "discipline_actions").await {
        assert!(did.contains(&(text(&action, "incident_id"), text(&action, "student_id"))), "{action}");
    }
    let tasks = whole(office, "incident_follow_ups").await;
    let done = tasks.iter().filter(|task| task["completed"] == true).count();
    assert!((1..tasks.len()).contains(&done), "{done} of {}", tasks.len());
    let points = whole(office, "behavior_points").await;
    assert!(points.iter().any(|one| one["points"].as_i64() < Some(0)), "{points:?}");
}

/// What is sealed opens, nobody comes to the health office who was not there, and teachers are told what they must know.
async fn check_health(office: &Office<'_>, absences: &HashSet<(String, String)>) {
    for visit in whole(office, "health_visits").await {
        assert!(!absences.contains(&(text(&visit, "student_id"), text(&visit, "date"))), "{visit}");
        assert!(text(&visit, "seen_by").starts_with("Nurse "));
        assert_eq!(visit["guardian_informed_at"].is_null(), visit["guardian_informed_how"].is_null(), "{visit}");
    }
    for allergy in whole(office, "allergies").await {
        assert!(!text(&allergy, "substance").is_empty() && allergy["severity"].is_string(), "{allergy}");
    }
    let medications = whole(office, "medications").await;
    assert!(medications.iter().all(|one| one["given_at_school"] == true && !text(one, "schedule").is_empty()));
    let immunizations = whole(office, "immunizations").await;
    let vaccinated: HashSet<_> = immunizations.iter().map(|one| text(one, "student_id")).collect();
    assert!(vaccinated.len() >= 40, "{} students", vaccinated.len());
    assert!(immunizations.iter().any(|one| !one["exemption"].is_null()));
    assert!(!whole(office, "health_alerts").await.is_empty());
}

/// Files come back as what they are said to be, and an order of a court is named by the contact whom it restricts.
async fn check_documents(office: &Office<'_>, summary: &SchoolSummary) {
    let documents = whole(office, "documents").await;
    let with_file: Vec<_> = documents.iter().filter(|one| one["file_name"].is_string()).collect();
    assert_eq!(with_file.len() as u64, summary.records["document_files"]);
    assert!((1..documents.len()).contains(&with_file.len()));
    let mut kinds = HashSet::new();
    for document in &with_file {
        let kind = text(document, "media_type");
        if !kinds.insert(kind.clone()) {
            continue;
        }
        let seen = office.call("GET", &format!("documents/{}/file", id(document))).send().await;
        assert_eq!((seen.status, seen.header("content-type")), (200, Some(&*kind)), "{}", seen.text);
        assert_eq!(seen.bytes.len() as u64, document["byte_size"].as_u64().unwrap());
        let begins: &[u8] = if kind == "image/png" { b"\x89PNG" } else { b"%PDF-" };
        assert!(seen.bytes.starts_with(begins), "{document}");
    }
    assert_eq!(kinds.len(), 2);
    let audiences: HashSet<_> = documents.iter().map(|one| one["audiences"].to_string()).collect();
    assert!(audiences.len() >= 4, "{audiences:?}");
    assert!(documents.iter().any(|one| one["expires_on"].is_string()));
    let orders = documents.iter().filter(|one| one["document_type"] == "court_order");
    let orders: HashMap<_, _> = orders.map(|one| (text(one, "id"), text(one, "person_id"))).collect();
    let named: Vec<_> = whole(office, "contacts").await;
    let named: HashMap<_, _> = (named.iter())
        .filter(|contact| contact["court_order_document_id"].is_string())
        .map(|contact| (text(contact, "court_order_document_id"), text(contact, "student_id")))
        .collect();
    assert!(!orders.is_empty());
    assert_eq!(named, orders, "each is named for its own student");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sample_school_could_have_been_entered_by_hand_in_every_tier() {
    let (platform, door) = unhurried_platform().await;
    for (tenant, tier) in platform.tenant_in_each_tier().await.iter().zip(Tier::ALL) {
        let cx = platform.cx(tenant);
        // Three whole years in one of them; the others have a few weeks.
        let attendance_days = (*tier != Tier::Shared).then_some(40);
        let settings = SchoolSettings { attendance_days, ..SchoolSettings::new(3, 40) };
        let summary =
            make(&platform.tenancy, &cx, &settings, &()).await.unwrap_or_else(|e| panic!("{tier}: {}", e.log()));
        let office = Office { door: &door, tenant };
        check_lists(&office, &summary).await;
        check_times_at_schools(&office, 40).await;
        let absences = absences(&office).await;
        check_behavior(&office, &absences).await;
        check_health(&office, &absences).await;
        check_documents(&office, &summary).await;
        assert_eq!(summary.people.len(), 6, "{:?}", summary.people);

        // As PostgreSQL does by itself within a minute. Until then it knows nothing of so many new rows, and a page of conflicts
        // takes as long as one statement may.
        let database = &tenant.placement.as_ref().unwrap().database;
        platform.admin(database).await.batch_execute("analyze").await.unwrap();
        // No teacher, room or class in two places.
        assert_eq!(whole(&office, "timetable/conflicts").await, Vec::<Value>::new());
        // Whoever was there was seen on most days.
        let rates = whole(&office, "attendance_rates").await;
        let recorded = rates.iter().filter(|rate| rate["recorded"].as_i64().unwrap() > 25).count();
        assert!(recorded >= 38, "{recorded} of {} students have attendance", rates.len());
        for rate in rates.iter().filter(|rate| rate["recorded"].as_i64().unwrap() > 25) {
            assert!(rate["attendance_rate"].as_i64().unwrap() > 6_000, "{rate}");
        }
        // A register says something of everybody in the class, and can be taken again as it is.
        let registers = whole(&office, "attendance_registers").await;
        assert_eq!(registers.len() as u64, summary.records["attendance_registers"]);
        for register in registers.iter().step_by(registers.len().div_ceil(CHANGED)) {
            let period = register["class_period_id"].as_str().map(|id| format!("?class_period_id={id}"));
            let (class, date) = (register["class_id"].as_str().unwrap(), register["date"].as_str().unwrap());
            let path = format!("attendance_registers/{class}/{date}{}", period.unwrap_or_default());
            let sheet = office.read(&path).await;
            let mut entries = sheet["entries"].as_array().unwrap().clone();
            assert!(!entries.is_empty(), "{path}");
            for entry in &mut entries {
                let entry = entry.as_object_mut().unwrap();
                for shown in ["event_id", "student_given_name", "student_family_name", "has_place"] {
                    entry.remove(shown);
                }
            }
            let again = office.change("PUT", &path, &sheet).json(json!({ "entries": entries })).expect(200).await;
            assert_eq!(again["version"], sheet["version"], "{path}");
        }
        let again = make(&platform.tenancy, &cx, &settings, &()).await.unwrap_err();
        assert_eq!(again.code(), "tenant_not_empty");
        let beside = SchoolSettings { add: true, attendance_days: Some(3), ..SchoolSettings::new(4, 12) };
        make(&platform.tenancy, &cx, &beside, &()).await.unwrap_or_else(|e| panic!("{tier}: {}", e.log()));
    }
}

#[tokio::test]
async fn the_same_seed_and_day_give_the_same_school() {
    let (platform, door) = unhurried_platform().await;
    let mut names = Vec::new();
    for slug in ["one", "two"] {
        let tenant = platform.tenant(slug, Tier::Shared).await;
        let settings = SchoolSettings { attendance_days: Some(2), ..SchoolSettings::new(9, 30) };
        let summary = make(&platform.tenancy, &platform.cx(&tenant), &settings, &()).await.unwrap();
        let office = Office { door: &door, tenant: &tenant };
        let persons = whole(&office, "persons").await;
        let told = persons.iter().map(|one| format!("{} {}", one["username"], one["grades"])).collect::<Vec<_>>();
        let mut happened = Vec::new();
        for (path, fields) in TOLD {
            let records = whole(&office, path).await;
            let told = records.iter().map(|one| fields.map(|field| one[field].to_string()).join(" "));
            let from = happened.len();
            happened.extend(told);
            happened[from..].sort();
        }
        names.push((told, happened, summary.records));
    }
    let two = names.pop();
    assert_eq!(names.pop(), two);
    for students in [0, SchoolSettings::MOST_STUDENTS + 1] {
        let tenant = platform.tenancy.registry().by_slug("one").unwrap();
        let settings = SchoolSettings::new(1, students);
        let refused = make(&platform.tenancy, &platform.cx(&tenant), &settings, &()).await.unwrap_err();
        assert_eq!(refused.fields()[0].code, "sample_students");
    }
}

#[tokio::test]
async fn what_a_school_has_already_a_sample_keeps_and_uses() {
    let (platform, door) = unhurried_platform().await;
    let tenant = platform.tenant("north", Tier::Shared).await;
    let office = Office { door: &door, tenant: &tenant };
    let body = json!({"short_name": "P", "title": "There", "category": "present", "direction": "in", "excused": false,
        "reportable": true, "future_allowed": false});
    let present = office.make("attendance_codes", body).await;
    let body = json!({"short_name": "HO", "title": "Helping", "severity": "positive", "points": 1});
    let helped = office.make("behavior_codes", body).await;
    let body = json!({"resource": "person", "name": "locker", "title": "Box", "type": "text"});
    let locker = office.make("custom_fields", body).await;
    let settings =
        |seed: u64| SchoolSettings { add: seed > 1, attendance_days: Some(2), ..SchoolSettings::new(seed, 4) };
    make(&platform.tenancy, &platform.cx(&tenant), &settings(1), &()).await.unwrap();
    let numbers = async || -> Vec<String> {
        let incidents = whole(&office, "discipline_incidents").await;
        incidents.iter().filter_map(|one| one["incident_identifier"].as_str()).map(str::to_owned).collect()
    };
    let first = numbers().await;
    assert!(!first.is_empty());
    // A second one beside the first has the same codes and fields, and no number twice.
    make(&platform.tenancy, &platform.cx(&tenant), &settings(2), &()).await.unwrap();
    let both = numbers().await;
    assert_eq!(both.iter().collect::<HashSet<_>>().len(), both.len(), "{both:?}");
    assert!(first.iter().all(|number| both.contains(number)), "{both:?}");
    for (path, own, name) in [
        ("attendance_codes", &present, "short_name"),
        ("behavior_codes", &helped, "short_name"),
        ("custom_fields", &locker, "name"),
    ] {
        let list = whole(&office, path).await;
        assert!(list.contains(own), "{list:?}");
        assert_eq!(list.iter().map(|one| one[name].as_str()).collect::<HashSet<_>>().len(), list.len(), "{list:?}");
    }
    let events = whole(&office, "attendance_events").await;
    assert!(events.iter().any(|event| event["code_id"] == present["id"]), "the school's own code is used");
}
