//! One of everything that a tenant keeps, made through the front door.

use std::cell::Cell;

use bytes::Bytes;
use cloister_testkit::Call;
use serde_json::{Value, json};

use crate::asking::Asker;

/// A day on which attendance was taken.
const DAY: &str = "2025-10-01";

/// Makes one of everything that a tenant of this kind keeps. `word` is in what it has to give once.
pub(crate) async fn fill(asker: &Asker<'_>, word: &str) {
    let maker = Maker { asker, word, made: Cell::default() };
    let role = json!({ "name": "librarian", "display_name": "Librarian", "inherits": [], "permissions": [] });
    maker.post("tenant/roles", role).await;
    let guest = json!({ "email": format!("{word}guest@home.example"), "display_name": "Guest", "roles": ["admin"] });
    maker.post("tenant/invitations", guest).await;
    if &*asker.tenant.kind == "company" {
        let component = json!({ "key": "shop", "name": "Shop", "kind": "service", "lifecycle": "production",
            "description": "Sells", "owner": "team", "repository_url": "https://git.example/shop", "metadata": {"a": "b"} });
        maker.post("components", component).await;
        return;
    }
    let member = json!({ "username": "mei.tanaka", "display_name": "Mei Tanaka", "roles": ["student"] });
    maker.post("tenant/members", member).await;
    let school = maker.roster().await;
    maker.families(&school).await;
    maker.documents(&school).await;
    let period = maker.days(&school).await;
    maker.attendance(&school, &period).await;
    maker.years(&school).await;
    maker.behavior(&school).await;
    maker.health(&school).await;
    // Last, so that the one who stays has everything already.
    maker.merge(&school).await;
}

/// Sends what is to be made.
struct Maker<'a> {
    asker: &'a Asker<'a>,
    word: &'a str,
    /// How much was, so that every idempotency key is new.
    made: Cell<usize>,
}

/// What the rest of a school's records are about.
struct Pupils {
    org: Value,
    class: Value,
    student: Value,
}

impl Maker<'_> {
    /// `known` is the record that is changed, where there is one.
    async fn send(&self, method: &str, path: &str, known: Option<&Value>, body: Value) -> Value {
        self.carry_out(method, path, known, |call| call.json(body)).await
    }

    /// A picture of one point, as far as its first bytes tell.
    async fn put_picture(&self, path: &str, known: Option<&Value>) {
        let picture = Bytes::from_static(b"\x89PNG\r\n\x1a\n\0\0\0\x0dIHDR\0\0\0\x01\0\0\0\x01\x08\x02\0\0\0");
        self.carry_out("PUT", path, known, |call| call.file("image/png", picture)).await;
    }

    async fn carry_out(
        &self,
        method: &str,
        path: &str,
        known: Option<&Value>,
        body: impl FnOnce(Call) -> Call,
    ) -> Value {
        let host = format!("{}.localhost", self.asker.tenant.slug);
        let call = self.asker.door.call(method, &format!("/api/v1/{path}"));
        let mut call = call.header("host", &host).token(self.asker.token);
        if method == "POST" {
            call = call.header("idempotency-key", &format!("{}-{}", self.word, self.made.replace(self.made.get() + 1)));
        }
        if let Some(known) = known {
            call = call.header("if-match", &format!("\"v{}\"", known["version"]));
        }
        let seen = body(call).send().await;
        assert!(matches!(seen.status, 200 | 201), "{method} {path}: {} {}", seen.status, seen.text);
        seen.body
    }

    async fn post(&self, path: &str, body: Value) -> Value {
        self.send("POST", path, None, body).await
    }

    /// A class in which a student has a place.
    async fn roster(&self) -> Pupils {
        let org = json!({ "name": "Lindgren", "type": "school", "identifier": "L" });
        let org = self.post("orgs", org).await["id"].clone();
        let term = json!({ "title": "Fall", "type": "term", "start_date": "2025-09-01", "end_date": "2026-02-01",
            "school_year": 2026 });
        let term = self.post("academic_sessions", term).await["id"].clone();
        let course = json!({ "title": "Algebra", "course_code": "A", "org_id": org, "grades": ["09"] });
        let course = self.post("courses", course).await["id"].clone();
        let class = json!({ "title": "Algebra A", "class_code": "A1", "class_type": "scheduled", "location": "Room 1",
            "course_id": course, "school_id": org, "term_ids": [term] });
        let class = self.post("classes", class).await["id"].clone();
        let agent = json!({ "given_name": "Gus", "family_name": "Adult", "email": "gus@home.example",
            "roles": [{ "role": "guardian", "role_type": "primary", "org_id": org }] });
        let agent = self.post("persons", agent).await["id"].clone();
        let person = json!({ "given_name": "Mila", "family_name": "Okafor", "username": "mila", "agent_ids": [agent],
            "user_ids": [{ "type": "LDAP", "identifier": "mila" }],
            "roles": [{ "role": "student", "role_type": "primary", "org_id": org }] });
        let person = self.post("persons", person).await;
        let student = person["id"].clone();
        let field = json!({ "resource": "person", "name": "bus_line", "title": "Bus line", "type": "choice",
            "choices": ["North", "South"], "searchable": true });
        self.post("custom_fields", field).await;
        let address = format!("persons/{}", student.as_str().unwrap());
        let values = json!({ "values": { "bus_line": "North" } });
        self.send("PUT", &format!("{address}/custom_values"), Some(&person), values).await;
        let place = json!({ "class_id": class, "person_id": student, "role": "student" });
        self.post("enrollments", place).await;
        let said = json!({ "sex": "female", "city_of_birth": "Lagos" });
        self.send("PUT", &format!("{address}/demographics"), None, said).await;
        Pupils { org, class, student }
    }

    /// What is known of people beside the roster.
    async fn families(&self, Pupils { org, student, .. }: &Pupils) {
        let family = json!({ "name": "Okafor", "home_language": "en", "member_ids": [student] });
        self.post("families", family).await;
        let year = json!({ "student_id": student, "school_name": "Birch Lane", "school_year": 2025, "grade_level": "03",
            "result": "promoted", "notes": "Reads a lot" });
        self.post("academic_records", year).await;
        let teacher = json!({ "given_name": "Tove", "family_name": "Berg" });
        let teacher = self.post("persons", teacher).await["id"].clone();
        let post = json!({ "person_id": teacher, "org_id": org, "position_title": "Head", "staff_classification": "teacher",
            "begin_date": "2025-08-01" });
        self.post("staff_assignments", post).await;
    }

    /// What the student has on paper, and how they look.
    async fn documents(&self, Pupils { student, .. }: &Pupils) {
        let document = json!({ "person_id": student, "document_type": "residence_permit", "title": "Residence permit",
            "expires_on": "2027-05-14", "note": "Renewed twice", "audiences": ["guardians", "self"] });
        let document = self.post("documents", document).await;
        let file = format!("documents/{}/file?file_name=permit.png", document["id"].as_str().unwrap());
        self.put_picture(&file, Some(&document)).await;
        self.put_picture(&format!("persons/{}/photo", student.as_str().unwrap()), None).await;
    }

    /// Who is at the school, and where they go next year; and somebody who left.
    async fn years(&self, Pupils { org, class, student }: &Pupils) {
        let mut years = Vec::new();
        for begin in [2025, 2026] {
            let year = json!({ "title": format!("Year {begin}"), "type": "schoolYear", "start_date": format!("{begin}-08-01"),
                "end_date": format!("{}-07-01", begin + 1), "school_year": begin + 1 });
            years.push(self.post("academic_sessions", year).await["id"].clone());
        }
        let left = json!({ "given_name": "Ivo", "family_name": "Okafor" });
        let left = self.post("persons", left).await["id"].clone();
        let place = json!({ "class_id": class, "person_id": left, "role": "student", "begin_date": "2025-09-01" });
        self.post("enrollments", place).await;
        for who in [student, &left] {
            let time = json!({ "student_id": who, "school_id": org, "entry_date": "2025-09-01", "entry_grade_level": "05",
                "entry_type": "original", "next_year_grade_level": "06" });
            let time = self.post("student_school_associations", time).await;
            if who == &left {
                let exit = json!({ "exit_withdraw_date": "2026-03-01", "exit_withdraw_type": "moved",
                    "exit_withdraw_reason": "To Uppsala" });
                let address = format!("student_school_associations/{}/withdraw", time["id"].as_str().unwrap());
                self.post(&address, exit).await;
            }
        }
        let plan = json!({ "school_id": org, "from_session_id": years[0], "to_session_id": years[1],
            "next_grades": { "05": "06" }, "graduating_grades": ["07"] });
        self.post("year_rollovers", plan).await;
    }

    /// When the class meets. The period in which it does.
    async fn days(&self, Pupils { org, class, .. }: &Pupils) -> Value {
        let period = json!({ "school_id": org, "name": "Period 3", "sequence": 3, "start_time": "10:15",
            "end_time": "11:00" });
        let period = self.post("class_periods", period).await["id"].clone();
        let bells = json!({ "school_id": org, "name": "Short day",
            "periods": [{ "class_period_id": period, "start_time": "08:00", "end_time": "08:30" }] });
        let bells = self.post("bell_schedules", bells).await["id"].clone();
        let day = json!({ "school_id": org, "date": DAY, "calendar_event": "instructional", "is_instructional": true,
            "title": "Open day", "cycle_day": "A", "bell_schedule_id": bells });
        self.post("calendar_dates", day).await;
        let room = json!({ "school_id": org, "room_number": "B 204", "room_type": "laboratory" });
        let room = self.post("rooms", room).await["id"].clone();
        let meeting = json!({ "class_id": class, "class_period_id": period, "cycle_day": "A", "room_id": room });
        self.post("meetings", meeting).await;
        period
    }

    /// Who was there, and who asked not to be.
    async fn attendance(&self, Pupils { class, student, .. }: &Pupils, period: &Value) {
        let code = json!({ "short_name": "UA", "title": "Unexcused absence", "category": "absent", "direction": "out",
            "excused": false, "reportable": true, "future_allowed": false });
        let code = self.post("attendance_codes", code).await["id"].clone();
        let (class, period) = (class.as_str().unwrap(), period.as_str().unwrap());
        let register = format!("attendance_registers/{class}/{DAY}?class_period_id={period}");
        let entries = json!({ "entries": [{ "student_id": student, "code_id": code, "reason": "Bus was late" }] });
        self.send("PUT", &register, None, entries).await;
        let request = json!({ "student_id": student, "begin_date": "2025-10-06", "end_date": "2025-10-08",
            "reason": "Wedding of the aunt" });
        let request = self.post("absence_requests", request).await;
        let decision = format!("absence_requests/{}/decision", request["id"].as_str().unwrap());
        let verdict = json!({ "verdict": "approved", "code_id": code, "note": "Enjoy the wedding" });
        self.send("PUT", &decision, Some(&request), verdict).await;
    }

    /// What the student did, and what the school did about it.
    async fn behavior(&self, Pupils { org, student, .. }: &Pupils) {
        let code = json!({ "short_name": "FI", "title": "Fighting", "severity": "major", "points": -5 });
        let code = self.post("behavior_codes", code).await["id"].clone();
        let part = json!({ "person_id": student, "participation_code": "perpetrator", "behavior_code_id": code,
            "note": "Says the other began" });
        let incident = json!({ "incident_identifier": "2025-117", "school_id": org, "incident_date": DAY,
            "incident_time": "10:40", "incident_location": "hallway", "location_description": "East wing",
            "reporter_id": student, "description": "A fight", "reported_to_law_enforcement": true,
            "case_number": "K-4711", "incident_cost": 12500, "participants": [part] });
        let incident = self.post("discipline_incidents", incident).await["id"].clone();
        let witness = json!({ "incident_id": incident, "person_id": student, "participation_code": "witness" });
        let part = self.post("incident_participants", witness).await["id"].clone();
        let action = json!({ "student_id": student, "incident_id": incident, "discipline": "detention",
            "discipline_date": "2025-10-20", "discipline_action_length": 2, "responsibility_school_id": org,
            "note": "Helps in the library" });
        self.post("discipline_actions", action).await;
        let follow_up = json!({ "incident_id": incident, "due_date": "2025-10-28", "assigned_to_id": student,
            "task": "Talk with both", "outcome": "They shook hands", "completed": true });
        self.post("incident_follow_ups", follow_up).await;
        let template = json!({ "name": "Notice", "body": "To the guardians of {{student_name}}: {{message}}" });
        let template = self.post("incident_letter_templates", template).await["id"].clone();
        let letter = json!({ "participant_id": part, "template_id": template, "message": "Please come" });
        let letter = self.post("incident_letters", letter).await;
        let address = format!("incident_letters/{}", letter["id"].as_str().unwrap());
        let approved = json!({ "state": "approved", "printed": true, "sent": true });
        self.send("PATCH", &address, Some(&letter), approved).await;
    }

    /// What is known of the student's health, and that somebody looked.
    async fn health(&self, Pupils { student, .. }: &Pupils) {
        let allergy = json!({ "student_id": student, "recorded_date": "2025-09-01", "alert": true, "substance": "Peanuts",
            "reaction": "Swelling", "severity": "severe", "action_plan": "Pen from the office", "notes": "Since birth" });
        self.post("allergies", allergy).await;
        let condition = json!({ "student_id": student, "recorded_date": "2025-09-01", "alert": true, "name": "Asthma",
            "code": "J45", "code_system": "ICD-10", "action_plan": "Inhaler" });
        self.post("health_conditions", condition).await;
        let medication = json!({ "student_id": student, "begin_date": "2025-09-01", "name": "Salbutamol", "dose": "1 puff",
            "schedule": "Before sport", "authorised_by": "Dr. Lind" });
        self.post("medications", medication).await;
        let dose = json!({ "student_id": student, "date": "2021-05-12", "vaccine": "Measles", "lot_number": "A1234" });
        self.post("immunizations", dose).await;
        let visit = json!({ "student_id": student, "date": "2025-10-06", "complaint": "Fell in the yard" });
        self.post("health_visits", visit).await;
    }

    /// The student was entered twice.
    async fn merge(&self, Pupils { org, class, student }: &Pupils) {
        let twin = json!({ "given_name": "Mila", "family_name": "Okafor",
            "roles": [{ "role": "student", "role_type": "primary", "org_id": org }] });
        let twin = self.post("persons", twin).await["id"].clone();
        self.post("enrollments", json!({ "class_id": class, "person_id": twin, "role": "student" })).await;
        let merge = json!({ "kept_id": student, "merged_id": twin, "reason": "Entered twice" });
        self.post("person_merges", merge).await;
    }
}
