//! An import that is taken back although something was entered since that leans on what it made.

use std::sync::Arc;

use cloister_http::HttpModule;
use cloister_ids::{ClassId, OrgId, PersonId, Uuid};
use cloister_school::{
    School,
    import::{ImportSettings, last, take_back},
    oneroster::File,
};
use cloister_tenancy::TenantEntry;
use cloister_testkit::{FrontDoor, TestPlatform};
use serde_json::{Value, json};

use crate::fixture::{Fixture, bring, dump, platform};

/// A school that was brought in, and somebody who enters things there.
struct Desk<'a> {
    platform: &'a TestPlatform,
    tenant: &'a Arc<TenantEntry>,
    door: &'a FrontDoor,
}

impl Desk<'_> {
    async fn id(&self, table: &str, sourced_id: &str) -> Uuid {
        let rows = dump(self.platform, self.tenant, table, "sourced_id, id").await;
        rows.iter().find_map(|row| row.strip_prefix(&format!("{sourced_id}|"))).unwrap().parse().unwrap()
    }

    async fn person(&self, sourced_id: &str) -> PersonId {
        PersonId::from_uuid(self.id("person", sourced_id).await)
    }

    async fn make(&self, path: &str, body: Value) -> Value {
        self.door.within(self.tenant, "POST", &format!("/api/v1/{path}")).json(body).expect(201).await
    }

    /// Marks somebody absent in a class.
    async fn mark(&self, student: &str, class: &str) {
        let code = json!({"short_name": "UA", "title": "Absent", "category": "absent", "direction": "out",
            "excused": false, "reportable": true, "future_allowed": false});
        let code = self.make("attendance_codes", code).await;
        let event = json!({"student_id": self.person(student).await, "code_id": code["id"], "date": "2025-10-01",
            "school_id": OrgId::from_uuid(self.id("org", "school").await),
            "class_id": ClassId::from_uuid(self.id("class", class).await)});
        self.make("attendance_events", event).await;
    }

    /// Enters a time at the school.
    async fn time_at_school(&self, student: &str) -> Value {
        let time = json!({"student_id": self.person(student).await, "entry_date": "2025-08-18",
            "school_id": OrgId::from_uuid(self.id("org", "school").await)});
        self.make("student_school_associations", time).await
    }

    /// What counts, of each table.
    async fn counting(&self) -> Vec<String> {
        let mut all = Vec::new();
        for table in ["org", "academic_session", "course", "class", "person", "person_role", "enrollment"] {
            all.extend(self.of(table, "t.sourced_id").await);
        }
        let whose = |column: &str| format!("(select p.sourced_id from {{}}.person p where p.id = t.{column})");
        let schema = format!("\"{}\"", self.tenant.placement.as_ref().unwrap().schema);
        let whose = |column: &str| whose(column).replace("{}", &schema);
        all.extend(self.of("demographics", &whose("person_id")).await);
        all.extend(self.of("contact", &format!("{}, {}", whose("student_id"), whose("contact_id"))).await);
        all
    }

    async fn of(&self, table: &str, columns: &str) -> Vec<String> {
        let rows = dump(self.platform, self.tenant, table, &format!("status, {columns}")).await;
        rows.iter().filter_map(|row| row.strip_prefix("active|")).map(|row| format!("{table} {row}")).collect()
    }

    /// Takes the last import back: how many records are told of, and that nothing happened until they may stay.
    async fn take_back(&self) -> String {
        let cx = self.platform.cx(self.tenant);
        let run = last(&self.platform.tenancy, &cx).await.unwrap().unwrap();
        let before = self.counting().await;
        let refused = take_back(&self.platform.tenancy, &cx, run.id, false).await;
        let told = match refused {
            Ok(_) => "nothing".to_owned(),
            Err(error) => {
                assert_eq!(error.code(), "import_changed_since");
                assert_eq!(self.counting().await, before);
                take_back(&self.platform.tenancy, &cx, run.id, true).await.unwrap();
                error.message().split(' ').next().unwrap().to_owned()
            }
        };
        let placement = self.tenant.placement.as_ref().unwrap();
        let text = "select changes ->> 'changed_since' from cloister.audit
            where tenant_id = $1 and action = 'import.undo' order by id desc limit 1";
        let client = self.platform.admin(&placement.database).await;
        let noted: String = client.query_one(text, &[&self.tenant.id]).await.unwrap().get(0);
        assert_eq!(noted, told.replace("nothing", "0"));
        told
    }
}

fn door(platform: &TestPlatform) -> FrontDoor {
    let modules: Vec<Arc<dyn HttpModule>> = vec![Arc::new(School)];
    FrontDoor::new(&platform.tenancy, &modules)
}

#[tokio::test]
async fn whoever_was_marked_stays_with_all_that_this_leans_on_in_every_tier() {
    let platform = platform().await;
    let door = door(&platform);
    for tenant in platform.tenant_in_each_tier().await {
        bring(&platform, &tenant, &Fixture::school(), &ImportSettings::default()).await.unwrap();
        let school = Desk { platform: &platform, tenant: &tenant, door: &door };
        school.mark("sam", "class-a").await;
        // Sam, who acts for him, the class, its course, its terms, the school and the district.
        assert_eq!(school.take_back().await, "8", "{}", tenant.tier);
        assert_eq!(
            school.counting().await,
            [
                "org district",
                "org school",
                "academic_session autumn",
                "academic_session year",
                "course algebra",
                "class class-a",
                "person grace",
                "person sam",
                "person_role role-grace",
                "person_role role-sam",
                "enrollment enr-sam",
                "demographics sam",
                "contact sam|grace",
            ],
            "{}",
            tenant.tier
        );
    }
}

#[tokio::test]
async fn a_time_at_a_school_keeps_its_student_and_nothing_beside() {
    let platform = platform().await;
    let door = door(&platform);
    for tenant in platform.tenant_in_each_tier().await {
        bring(&platform, &tenant, &Fixture::school(), &ImportSettings::default()).await.unwrap();
        let school = Desk { platform: &platform, tenant: &tenant, door: &door };
        school.time_at_school("kim").await;
        assert_eq!(school.take_back().await, "5", "Kim, both who act for Kim, school and district: {}", tenant.tier);
        let left = school.counting().await;
        for gone in ["person tina", "class class-a", "enrollment enr-kim", "course algebra", "academic_session year"] {
            assert!(!left.contains(&gone.to_owned()), "{gone}: {left:?}");
        }
        for there in ["person kim", "person_role role-kim", "demographics kim", "contact kim|sam", "contact kim|grace"]
        {
            assert!(left.contains(&there.to_owned()), "{there}: {left:?}");
        }
    }
}

#[tokio::test]
async fn a_withdrawal_keeps_the_places_it_ended_and_a_family_its_members() {
    let platform = platform().await;
    let door = door(&platform);
    for tenant in platform.tenant_in_each_tier().await {
        bring(&platform, &tenant, &Fixture::school(), &ImportSettings::default()).await.unwrap();
        let school = Desk { platform: &platform, tenant: &tenant, door: &door };
        let time = school.time_at_school("kim").await;
        let path = format!("/api/v1/student_school_associations/{}/withdraw", time["id"].as_str().unwrap());
        let body = json!({"exit_withdraw_date": "2025-11-03", "exit_withdraw_type": "moved"});
        door.within(&tenant, "POST", &path).json(body).expect(200).await;
        let family = json!({"name": "Tutor", "member_ids": [school.person("tina").await]});
        school.make("families", family).await;
        school.take_back().await;
        let left = school.counting().await;
        for there in ["person kim", "enrollment enr-kim", "enrollment enr-kim-b", "class class-a", "person tina"] {
            assert!(left.contains(&there.to_owned()), "{there}: {left:?}");
        }
        for gone in ["enrollment enr-sam", "enrollment enr-tina"] {
            assert!(!left.contains(&gone.to_owned()), "{gone}: {left:?}");
        }
    }
}

#[tokio::test]
async fn whoever_came_back_with_the_import_stays_when_something_was_entered_since() {
    let platform = platform().await;
    let door = door(&platform);
    for tenant in platform.tenant_in_each_tier().await {
        let school = Desk { platform: &platform, tenant: &tenant, door: &door };
        let settings = ImportSettings { removal_threshold: 100, ..ImportSettings::default() };
        bring(&platform, &tenant, &Fixture::school(), &settings).await.unwrap();
        // Marked before Sam left: what leant on him then is no reason.
        school.mark("sam", "class-a").await;
        let mut without = Fixture::school();
        without
            .without(File::Users, "sam")
            .change(File::Users, "\"grace,sam\"", "grace")
            .without(File::Roles, "role-sam")
            .without(File::Enrollments, "enr-sam")
            .without(File::Demographics, "sam");
        bring(&platform, &tenant, &without, &settings).await.unwrap();
        bring(&platform, &tenant, &Fixture::school(), &settings).await.unwrap();
        assert_eq!(school.take_back().await, "nothing", "{}", tenant.tier);
        assert!(!school.counting().await.contains(&"person sam".to_owned()));

        bring(&platform, &tenant, &Fixture::school(), &settings).await.unwrap();
        school.time_at_school("sam").await;
        assert_eq!(school.take_back().await, "1", "{}", tenant.tier);
        let left = school.counting().await;
        for there in ["person sam", "person_role role-sam", "demographics sam", "contact sam|grace"] {
            assert!(left.contains(&there.to_owned()), "{there}: {left:?}");
        }
    }
}
