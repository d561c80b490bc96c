//! A school goes from one year to the next: planned, decided by hand, applied, and taken back.

use std::time::{Duration, Instant};

use cloister_tenancy::Tier;
use serde_json::{Value, json};

use crate::{Office, id, imports::Working, mistakes, unhurried_platform};

/// A school, its two years, and a class that ends with the first.
pub(crate) struct Years {
    pub(crate) school: Value,
    pub(crate) other: Value,
    pub(crate) from: Value,
    pub(crate) to: Value,
    pub(crate) class: Value,
}

impl Years {
    pub(crate) async fn new(office: &Office<'_>) -> Self {
        let school = office.make("orgs", json!({"name": "Lindgren School", "type": "school"})).await;
        let other = office.make("orgs", json!({"name": "Birch School", "type": "school"})).await;
        let year = async |title: &str, start: &str, end: &str, number: i32| {
            let body = json!({"title": title, "type": "schoolYear", "start_date": start, "end_date": end,
                "school_year": number});
            office.make("academic_sessions", body).await
        };
        let from = year("2025/26", "2025-08-18", "2026-07-01", 2026).await;
        let to = year("2026/27", "2026-08-17", "2027-07-01", 2027).await;
        let course = office.make("courses", json!({"title": "Algebra", "org_id": school["id"]})).await;
        let class = json!({"title": "Algebra", "class_type": "scheduled", "course_id": course["id"],
            "school_id": school["id"], "term_ids": [from["id"]]});
        let class = office.make("classes", class).await;
        Self { school, other, from, to, class }
    }

    /// A student with a time at the school, and what else is known of it; and a place in the class.
    pub(crate) async fn student(&self, office: &Office<'_>, name: &str, more: Value) -> (Value, Value) {
        let person =
            office.make("persons", json!({"given_name": name, "family_name": "Child", "grades": ["03"]})).await;
        let mut body = json!({"student_id": person["id"], "school_id": self.school["id"], "entry_date": "2025-08-18"});
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        let time = office.make("student_school_associations", body).await;
        let place = json!({"class_id": self.class["id"], "person_id": person["id"], "role": "student"});
        office.make("enrollments", place).await;
        (person, time)
    }

    pub(crate) fn wish(&self) -> Value {
        json!({"school_id": self.school["id"], "from_session_id": self.from["id"], "to_session_id": self.to["id"]})
    }
}

/// The rollover once it has ended.
pub(crate) async fn ended(office: &Office<'_>, rollover: &Value) -> Value {
    let path = format!("year_rollovers/{}", id(rollover));
    let deadline = Instant::now() + Duration::from_mins(1);
    loop {
        let rollover = office.read(&path).await;
        if rollover["state"] != "applying" {
            return rollover;
        }
        assert!(Instant::now() < deadline, "{rollover}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

pub(crate) fn act(office: &Office<'_>, rollover: &Value, act: &str, body: Value) -> cloister_testkit::Call {
    office.call("POST", &format!("year_rollovers/{}/{act}", id(rollover))).json(body)
}

/// Given name, outcome, next grade and problem of each student, by name.
async fn outcomes(office: &Office<'_>, query: &str) -> Vec<String> {
    let told = |student: &Value| {
        let word = |field: &str| student[field].as_str().unwrap_or("-").to_owned();
        format!("{} {} {} {}", word("given_name"), word("outcome"), word("next_grade_level"), word("problem"))
    };
    office.list(&format!("year_rollover_students?{query}")).await.iter().map(told).collect()
}

/// All that a rollover could change, as the office sees it.
async fn everything(office: &Office<'_>) -> Vec<Value> {
    let mut all = office.list("student_school_associations?status=all&limit=200").await;
    all.extend(office.list("enrollments?status=all&limit=200").await);
    all
}

/// The same without versions and times.
fn meaning(all: &[Value]) -> Vec<Value> {
    let mut all = all.to_vec();
    for record in &mut all {
        for field in ["version", "updated_at", "updated_by", "date_last_modified"] {
            record.as_object_mut().unwrap().remove(field);
        }
    }
    all
}

#[tokio::test(flavor = "multi_thread")]
async fn every_student_goes_where_they_should_and_all_of_it_is_taken_back() {
    let (platform, door) = unhurried_platform().await;
    let _working = Working::start(&platform.tenancy);
    for tenant in platform.tenant_in_each_tier().await {
        let office = Office { door: &door, tenant: &tenant };
        let years = Years::new(&office).await;
        let there = |grade: &str| json!({"entry_grade_level": grade});
        years.student(&office, "Ada", there("05")).await;
        years.student(&office, "Ben", json!({"entry_grade_level": "05", "next_year_grade_level": "05"})).await;
        years.student(&office, "Cam", there("06")).await;
        let away = json!({"entry_grade_level": "05", "next_year_school_id": years.other["id"]});
        let (dee, _) = years.student(&office, "Dee", away).await;
        years.student(&office, "Eve", there("Year 9")).await;
        years.student(&office, "Fay", json!({})).await;
        let (_, gil) =
            years.student(&office, "Gil", json!({"entry_grade_level": "04", "exit_withdraw_date": "2026-12-01"})).await;
        // Who left before, and who comes later, is not part of it.
        years.student(&office, "Hal", json!({"entry_grade_level": "05", "exit_withdraw_date": "2026-05-01"})).await;
        years.student(&office, "Ivy", json!({"entry_grade_level": "05", "entry_date": "2026-08-01"})).await;
        let before = everything(&office).await;

        let plan = office.make("year_rollovers", years.wish()).await;
        let numbers = |of: &Value| {
            ["promoted", "repeating", "graduating", "leaving", "undecided", "done"]
                .map(|field| of[field].as_i64().unwrap())
        };
        assert_eq!(numbers(&plan), [2, 1, 1, 1, 2, 0]);
        assert_eq!(plan["graduating_grades"], json!(["06"]), "the highest that anybody is in");
        assert_eq!(everything(&office).await, before, "a plan changes nothing");
        let of = format!("year_rollover_id={}", id(&plan));
        assert_eq!(
            outcomes(&office, &of).await,
            [
                "Ada promoted 06 -",
                "Ben repeats 05 -",
                "Cam graduates - -",
                "Dee leaves 06 -",
                "Eve undecided - grade_unknown",
                "Fay promoted 04 -",
                "Gil undecided - exit_planned",
            ]
        );
        assert_eq!(outcomes(&office, &format!("{of}&outcome=graduates")).await, ["Cam graduates - -"]);
        assert_eq!(outcomes(&office, &format!("{of}&q=chi&limit=2")).await.len(), 2);
        assert_eq!(outcomes(&office, &format!("{of}&q=x")).await.len(), 0);
        let csv = office.call("GET", &format!("year_rollover_students?{of}")).header("accept", "text/csv").send().await;
        assert_eq!(csv.text.lines().count(), 8, "{}", csv.text);

        // Somebody decides.
        act(&office, &plan, "apply", json!({})).refused(409, "rollover_undecided").await;
        let [eve] =
            office.list(&format!("year_rollover_students?{of}&outcome=undecided&limit=1")).await.try_into().unwrap();
        let decide =
            |body: Value| office.change("PATCH", &format!("year_rollover_students/{}", id(&eve)), &eve).json(body);
        let refusal = decide(json!({"outcome": "promoted"})).expect(422).await;
        assert_eq!(mistakes(&refusal), [("next_grade_level", "grade_missing")]);
        let refusal = decide(json!({"outcome": "leaves", "next_school_id": plan["school_id"]})).expect(422).await;
        assert_eq!(mistakes(&refusal), [("next_school_id", "next_school_is_own")]);
        let eve = decide(json!({"outcome": "promoted", "next_grade_level": "Year 10"})).expect(200).await;
        assert_eq!((eve["by_hand"].as_bool(), &eve["problem"]), (Some(true), &Value::Null));
        let plan = office.read(&format!("year_rollovers/{}", id(&plan))).await;
        assert_eq!(numbers(&plan), [3, 1, 1, 1, 1, 0]);

        let wish = json!({"leave_undecided": true});
        let keyed = || act(&office, &plan, "apply", wish.clone()).header("idempotency-key", "go");
        let going = keyed().expect(200).await;
        assert_eq!(keyed().expect(200).await, going, "twice is once");
        let done = ended(&office, &plan).await;
        assert_eq!((done["state"].as_str(), numbers(&done)), (Some("applied"), [3, 1, 1, 1, 1, 6]), "{done}");
        act(&office, &plan, "apply", wish.clone()).refused(409, "rollover_not_planned").await;
        decide(json!({"outcome": "graduates"})).expect(412).await;
        office
            .change("DELETE", &format!("year_rollovers/{}", id(&plan)), &done)
            .refused(409, "rollover_not_planned")
            .await;

        let on = async |day: &str| {
            let mut all: Vec<String> = Vec::new();
            for time in office.list(&format!("student_school_associations?on={day}")).await {
                let person = office.read(&format!("persons/{}", time["student_id"].as_str().unwrap())).await;
                let word = |field: &str| time[field].as_str().unwrap_or("-").to_owned();
                let where_to = if time["school_id"] == years.school["id"] { "" } else { " elsewhere" };
                let again = if time["repeat_grade_indicator"] == json!(true) { " again" } else { "" };
                all.push(format!(
                    "{} {} {}{again}{where_to}",
                    person["given_name"].as_str().unwrap(),
                    word("entry_grade_level"),
                    word("entry_type")
                ));
            }
            all.sort();
            all
        };
        assert_eq!(
            on("2026-09-01").await,
            [
                "Ada 06 next_year",
                "Ben 05 next_year again",
                "Dee 06 transfer elsewhere",
                "Eve Year 10 next_year",
                "Fay 04 next_year",
                "Gil 04 -",
                "Ivy 05 -"
            ]
        );
        assert_eq!(on("2026-06-30").await.len(), 7);
        let ends = office.list("student_school_associations?exit_withdraw_type=graduated").await;
        assert_eq!((ends.len(), ends[0]["exit_withdraw_date"].as_str()), (1, Some("2026-07-01")));
        let places = office.list("enrollments?on=2026-09-01").await;
        let who: Vec<_> = places.iter().map(|place| place["person_id"].clone()).collect();
        assert_eq!(places.len(), 3, "of those who were left out, had left or come later: {who:?}");
        assert!(!who.contains(&dee["id"]));

        // What was changed since stands against taking it back.
        let time =
            office.list(&format!("student_school_associations?student_id={}&on=2026-09-01", id(&dee))).await[0].clone();
        let patch = json!({"entry_grade_level": "07"});
        let time = office
            .change("PATCH", &format!("student_school_associations/{}", id(&time)), &time)
            .json(patch)
            .expect(200)
            .await;
        let refusal = act(&office, &plan, "undo", json!({})).refused(409, "rollover_changed_since").await;
        let [changed] = office.list(&format!("year_rollover_students?{of}&changed=true")).await.try_into().unwrap();
        assert_eq!(changed["given_name"], "Dee");
        assert!(refusal["detail"].as_str().unwrap().contains(changed["association_id"].as_str().unwrap()), "{refusal}");
        let undone = act(&office, &plan, "undo", json!({"keep_changed": true})).header("idempotency-key", "back");
        let undone = undone.expect(200).await;
        assert_eq!((undone["state"].as_str(), undone["done"].as_i64()), (Some("undone"), Some(1)));
        act(&office, &plan, "undo", json!({})).refused(409, "rollover_undone").await;
        assert_eq!(on("2026-09-01").await.len(), 8, "all as before, but for Dee");
        assert_eq!(office.read(&format!("student_school_associations/{}", id(&time))).await, time);

        // All of it, where nothing was changed.
        let again = office.make("year_rollovers", years.wish()).await;
        let before = everything(&office).await;
        act(&office, &again, "apply", wish).expect(200).await;
        assert_eq!(ended(&office, &again).await["state"], "applied");
        act(&office, &again, "undo", json!({})).expect(200).await;
        let after = everything(&office).await;
        let after: Vec<Value> =
            after.into_iter().filter(|record| before.iter().any(|one| one["id"] == record["id"])).collect();
        assert_eq!(meaning(&after), meaning(&before));
        assert_eq!(gil["exit_withdraw_date"], "2026-12-01");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plan_that_is_older_than_the_records_is_refused() {
    let (platform, door) = unhurried_platform().await;
    let _working = Working::start(&platform.tenancy);
    let tenant = platform.tenant("north", Tier::Shared).await;
    let office = Office { door: &door, tenant: &tenant };
    let years = Years::new(&office).await;
    let (_, ada) = years.student(&office, "Ada", json!({"entry_grade_level": "05"})).await;
    years.student(&office, "Ben", json!({"entry_grade_level": "06"})).await;
    let plan = office.make("year_rollovers", years.wish()).await;
    let path = format!("student_school_associations/{}", id(&ada));
    office.change("PATCH", &path, &ada).json(json!({"next_year_grade_level": "07"})).expect(200).await;
    let refusal = act(&office, &plan, "apply", json!({})).refused(409, "rollover_stale").await;
    assert!(refusal["detail"].as_str().unwrap().contains(id(&ada)), "{refusal}");
    let [changed] = office.list("year_rollover_students?changed=true").await.try_into().unwrap();
    assert_eq!(changed["given_name"], "Ada");
    act(&office, &plan, "undo", json!({})).refused(409, "rollover_not_applied").await;
    office.change("DELETE", &format!("year_rollovers/{}", id(&plan)), &plan).expect(204).await;
    act(&office, &plan, "apply", json!({})).refused(409, "record_deleted").await;

    let plan = office.make("year_rollovers", years.wish()).await;
    let (_, new) = years.student(&office, "Cam", json!({"entry_grade_level": "05"})).await;
    let refusal = act(&office, &plan, "apply", json!({})).refused(409, "rollover_stale").await;
    assert!(refusal["detail"].as_str().unwrap().contains(id(&new)), "{refusal}");
}

#[tokio::test]
async fn what_is_wrong_with_a_plan_is_told() {
    let (platform, door) = unhurried_platform().await;
    let tenant = platform.tenant("north", Tier::Shared).await;
    let office = Office { door: &door, tenant: &tenant };
    let years = Years::new(&office).await;
    let term = json!({"title": "Fall", "type": "term", "start_date": "2026-08-17", "end_date": "2027-01-01", "school_year": 2027});
    let term = office.make("academic_sessions", term).await;
    for (field, value, code) in [
        ("school_id", json!("org_01ke6j8km0fgz9t2jz5dy63s58"), "org_unknown"),
        ("from_session_id", json!("ses_01ke6j8km0fgz9t2jz5dy63s58"), "academic_session_unknown"),
        ("to_session_id", term["id"].clone(), "not_a_school_year"),
        ("to_session_id", years.from["id"].clone(), "years_out_of_order"),
        ("next_grades", json!({"05": " "}), "blank"),
    ] {
        let mut body = years.wish();
        body[field] = value;
        let refusal = office.call("POST", "year_rollovers").json(body).expect(422).await;
        assert_eq!(mistakes(&refusal), [(field, code)]);
    }
    let many: serde_json::Map<String, Value> = (0..101).map(|grade| (format!("G{grade}"), json!("x"))).collect();
    for (field, value) in [
        ("next_grades", json!(many)),
        ("next_grades", json!([])),
        ("graduating_grades", json!([""])),
        ("more", json!(1)),
    ] {
        let mut body = years.wish();
        body[field] = value;
        let seen = office.call("POST", "year_rollovers").json(body).send().await;
        assert!(matches!(seen.status, 400 | 422), "{field}: {}", seen.text);
    }
    let plan = office.make("year_rollovers", years.wish()).await;
    assert_eq!(plan["promoted"], 0, "an empty school has an empty plan");
    for act_of in ["apply", "undo"] {
        act(&office, &json!({"id": "yro_01ke6j8km0fgz9t2jz5dy63s58"}), act_of, json!({}))
            .refused(404, "not_found")
            .await;
    }
}

/// By hand: `CLOISTER_TEST_LARGE=1` for a whole school.
#[tokio::test(flavor = "multi_thread")]
async fn a_whole_school_takes_seconds() {
    let (platform, door) = unhurried_platform().await;
    let _working = Working::start(&platform.tenancy);
    let tenant = platform.tenant("north", Tier::Shared).await;
    let office = Office { door: &door, tenant: &tenant };
    let years = Years::new(&office).await;
    let count = if std::env::var_os("CLOISTER_TEST_LARGE").is_some() { 1200 } else { 60 };
    for number in 0..count {
        years
            .student(&office, &format!("S{number}"), json!({"entry_grade_level": format!("{:02}", 1 + number % 6)}))
            .await;
    }
    let begun = Instant::now();
    let plan = office.make("year_rollovers", years.wish()).await;
    let planned = begun.elapsed();
    act(&office, &plan, "apply", json!({})).expect(200).await;
    let done = ended(&office, &plan).await;
    let applied = begun.elapsed();
    assert_eq!((done["state"].as_str(), done["done"].as_i64()), (Some("applied"), Some(count)));
    act(&office, &plan, "undo", json!({})).expect(200).await;
    let undone = begun.elapsed();
    assert!(
        undone < Duration::from_secs(10),
        "{count} students: planned {planned:?}, applied {applied:?}, undone {undone:?}"
    );
}
