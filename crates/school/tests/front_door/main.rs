//! The school through the front door, on a real PostgreSQL, in every tier.
#![expect(clippy::unwrap_used, reason = "a test may stop where it stands")]

mod absence;
mod academic_records;
mod accounts;
mod attendance;
mod attendance_kept;
mod attendance_lessons;
mod attendance_scopes;
mod behavior;
mod behavior_letters;
mod children;
mod contacts;
mod custody;
mod custom_fields;
mod demographics;
mod document;
mod document_files;
mod documents;
mod enrollment;
mod export;
mod families;
mod health;
mod health_sight;
mod house;
mod import_bounds;
mod imports;
mod imports_left;
mod listing;
mod matrix;
mod merges;
mod merges_kept;
mod merges_left;
mod merges_race;
mod mismatch;
mod narrowed;
mod person;
mod photos;
mod plans;
mod plans_attendance;
mod plans_behavior;
mod plans_documents;
mod plans_health;
mod plans_within;
mod plans_years;
mod records;
mod round_trips;
mod samples;
mod scopes;
mod table_columns;
mod table_imports;
mod table_imports_by_id;
mod table_imports_kept;
mod tables_of_lists;
mod timetable;
mod timetable_terms;
mod two_scopes;
mod walls;
mod year_rollover;
mod year_rollover_changed;
mod year_rollover_interrupted;
mod years;

use std::sync::Arc;

use cloister_http::{EdgeSettings, HttpModule, RateSettings};
use cloister_school::School;
use cloister_tenancy::{Module, TenantEntry};
use cloister_testkit::{FrontDoor, TestPlatform, TestSettings};
use serde_json::{Value, json};

fn http_modules() -> Vec<Arc<dyn HttpModule>> {
    vec![Arc::new(School)]
}

async fn platform() -> (TestPlatform, FrontDoor) {
    let modules: Vec<Arc<dyn Module>> = vec![Arc::new(cloister_testkit::Notebook), Arc::new(School)];
    let platform = TestPlatform::with(TestSettings { modules, ..TestSettings::default() }).await;
    let door = FrontDoor::new(&platform.tenancy, &http_modules());
    (platform, door)
}

/// The same where more is asked than anybody may in so short a time.
async fn unhurried_platform() -> (TestPlatform, FrontDoor) {
    let (platform, _) = platform().await;
    let settings = EdgeSettings { rates: RateSettings::UNLIMITED, ..EdgeSettings::default() };
    let door = FrontDoor::with(&platform.tenancy, &http_modules(), settings, None);
    (platform, door)
}

/// One school as its administrator sees it.
struct Office<'a> {
    door: &'a FrontDoor,
    tenant: &'a TenantEntry,
}

impl Office<'_> {
    fn call(&self, method: &str, path: &str) -> cloister_testkit::Call {
        self.door.within(self.tenant, method, &format!("/api/v1/{path}"))
    }

    async fn make(&self, path: &str, body: Value) -> Value {
        self.call("POST", path).json(body).expect(201).await
    }

    async fn read(&self, path: &str) -> Value {
        self.call("GET", path).expect(200).await
    }

    /// Sends a change meant for the version in `record`.
    fn change(&self, method: &str, path: &str, record: &Value) -> cloister_testkit::Call {
        self.call(method, path).header("if-match", &format!("\"v{}\"", record["version"]))
    }

    async fn list(&self, path: &str) -> Vec<Value> {
        self.read(path).await["items"].as_array().unwrap().clone()
    }

    /// A district, a school, a term, a course and a class.
    async fn frame(&self) -> Frame {
        let district = self.make("orgs", json!({"name": "Norrland District", "type": "district"})).await;
        let school = json!({"name": "Lindgren School", "type": "school", "parent_id": district["id"]});
        let school = self.make("orgs", school).await;
        let term = json!({"title": "Fall 2025", "type": "term", "start_date": "2025-09-01", "end_date": "2026-02-01",
            "school_year": 2026});
        let term = self.make("academic_sessions", term).await;
        let course = json!({"title": "Algebra", "org_id": school["id"], "school_year_id": term["id"]});
        let course = self.make("courses", course).await;
        let class = json!({"title": "Algebra A", "class_type": "scheduled", "course_id": course["id"],
            "school_id": school["id"], "term_ids": [term["id"]]});
        let class = self.make("classes", class).await;
        Frame { district, school, term, course, class }
    }

    async fn person(&self, given: &str, family: &str) -> Value {
        self.make("persons", json!({"given_name": given, "family_name": family})).await
    }
}

struct Frame {
    district: Value,
    school: Value,
    term: Value,
    course: Value,
    class: Value,
}

fn id(record: &Value) -> &str {
    record["id"].as_str().unwrap()
}

/// Field and code of each mistake that a refusal names.
fn mistakes(refusal: &Value) -> Vec<(&str, &str)> {
    let errors = refusal["errors"].as_array().map_or(&[][..], Vec::as_slice);
    errors.iter().map(|error| (error["field"].as_str().unwrap(), error["code"].as_str().unwrap())).collect()
}
