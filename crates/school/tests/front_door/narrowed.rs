//! What roles of a school's own see, to whom everything is granted that a scope can narrow: in every order the same, each as well
//! one by one, and nothing else.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Write as _,
};

use cloister_ids::{AccountId, SystemClock};
use cloister_tenancy::{Action, Module as _, Scope, Tier};
use cloister_testkit::Seen;
use serde_json::{Value, json};

use crate::{
    attendance::{Codes, entry, register},
    children::{ABOUT, Operation, School},
    house::{link, signed_in},
    id,
    timetable::{Places, meeting},
    unhurried_platform,
};

/// Two Wednesdays.
const DAYS: [&str; 2] = ["2025-10-01", "2025-10-08"];

/// Who asks, within which scope.
const READERS: [(&str, &str); 4] =
    [("teacher", "own_classes"), ("guardian", "own_children"), ("child", "self"), ("guardian", "self")];

/// To read all that the scope narrows.
fn permissions(scope: &Scope) -> Vec<String> {
    let read = scope.on.iter().filter(|(_, actions)| actions.contains(&Action::Read));
    read.map(|(resource, _)| format!("{}.{}.read:{}", resource.module, resource.name, scope.name)).collect()
}

/// Filters with what there is in this school.
type Filters = Vec<(&'static str, String)>;

struct Reader<'a> {
    school: &'a School<'a>,
    filters: &'a Filters,
    token: String,
}

/// What a row of a list is about.
fn whose(item: &Value) -> &Value {
    ["id", "student_id"].iter().find_map(|field| item.get(field)).unwrap_or(item)
}

impl Reader<'_> {
    async fn ask(&self, path: &str) -> Seen {
        self.school.office.call("GET", path.trim_start_matches("/api/v1/")).token(&self.token).send().await
    }

    /// What a list has, in whatever order; none where it is no list for the reader.
    async fn finds(&self, list: &Operation, query: &str) -> Option<Vec<Value>> {
        let mut found: Option<Vec<Value>> = None;
        for order in &list.orders {
            let mut ways = Vec::new();
            for order in [order.clone(), format!("-{order}")] {
                let path = format!("{}?limit=200&sort={order}{query}", list.path);
                let seen = self.ask(&path).await;
                if seen.status == 404 {
                    return None;
                }
                assert_eq!((seen.status, &seen.body["next_cursor"]), (200, &Value::Null), "{path}: {}", seen.text);
                ways.push(seen.body["items"].as_array().unwrap().clone());
            }
            let mut items = ways.pop().unwrap();
            items.reverse();
            assert_eq!(ways[0], items, "{} by {order}{query}", list.path);
            items.sort_by_key(Value::to_string);
            let before = found.get_or_insert_with(|| items.clone());
            assert_eq!(*before, items, "{} by {order}{query}", list.path);
        }
        found
    }

    /// How many a list has. Asked for one child, it has those of the child; asked for one record, that.
    async fn count(&self, list: &Operation, query: &str) -> Option<usize> {
        let items = self.finds(list, query).await?;
        for filter in list.queries.iter().filter(|name| ABOUT.contains(&name.as_str())) {
            for child in self.school.children.values() {
                let found = self.finds(list, &format!("{query}&{filter}={child}")).await.unwrap();
                assert!(found.iter().all(|item| items.contains(item)), "{} of {child}", list.path);
                if items.iter().any(|item| item.get(filter).is_some()) {
                    let own = items.iter().filter(|item| item[filter] == **child).count();
                    assert_eq!(found.len(), own, "{} of {child}", list.path);
                }
            }
        }
        if list.queries.iter().any(|name| name == "sourced_id") {
            for item in &items {
                let Some(sourced_id) = item["sourced_id"].as_str() else { continue };
                assert_eq!(
                    self.finds(list, &format!("&sourced_id={sourced_id}")).await.unwrap(),
                    std::slice::from_ref(item)
                );
            }
        }
        // A filter finds nothing that is not there without it.
        let all: Vec<&Value> = items.iter().map(whose).collect();
        for (filter, value) in self.filters.iter().filter(|(filter, _)| list.queries.iter().any(|name| name == filter))
        {
            let found = self.finds(list, &format!("{query}&{filter}={value}")).await.unwrap();
            assert!(found.iter().all(|item| all.contains(&whose(item))), "{} of {filter} {value}", list.path);
        }
        self.one_by_one(list, &items).await;
        Some(items.len())
    }

    /// What is listed can be read, and what was made besides, cannot; nor what hangs on it.
    async fn one_by_one(&self, list: &Operation, items: &[Value]) {
        let made = self.school.made.iter().filter(|made| made.folder == list.path).map(|made| made.id.as_str());
        let persons = self.school.children.values().filter(|_| list.path == "/api/v1/persons").map(String::as_str);
        let listed = items.iter().filter_map(|item| item["id"].as_str());
        let all: BTreeSet<&str> = made.chain(persons).chain(listed).collect();
        let reads = self.school.operations.iter().filter(|one| one.method == "GET");
        for (read, rest) in
            reads.filter_map(|one| Some((one, one.path.strip_prefix(&list.path)?.strip_prefix("/{id}")?)))
        {
            for one in all.iter().filter(|_| !rest.contains('{')) {
                let path = read.path.replace("{id}", one);
                let seen = self.ask(&path).await;
                let listed = items.iter().any(|item| item["id"] == **one);
                if !listed || rest.is_empty() {
                    assert_eq!(seen.status == 200, listed, "{path}: {}", seen.text);
                }
            }
        }
    }
}

/// What takes more than its example: a teacher, a homeroom and a class of somebody else's, registers that were taken and that were
/// not, what is on file for teachers, what the teacher reported of a stranger, a letter, and a family.
async fn furnish(school: &School<'_>, teacher: &Value) -> Filters {
    let (office, frame) = (&school.office, &school.frame);
    let other = json!({"title": "Biology B", "class_type": "scheduled", "course_id": frame.course["id"],
        "school_id": frame.school["id"], "term_ids": [frame.term["id"]]});
    let other = office.make("classes", other).await;
    let (codes, places) = (Codes::new(office).await, Places::new(office, frame).await);
    for (class, room) in [(&frame.class, &places.room), (&other, &places.other_room)] {
        office.make("meetings", meeting(class, &places.first, room, "wednesday")).await;
    }
    let homeroom = json!({"title": "Homeroom", "class_type": "homeroom", "course_id": frame.course["id"],
        "school_id": frame.school["id"], "term_ids": [frame.term["id"]]});
    let homeroom = office.make("classes", homeroom).await;
    for class in [&frame.class, &homeroom] {
        let place = json!({"class_id": class["id"], "person_id": teacher["id"], "role": "teacher"});
        office.make("enrollments", place).await;
    }
    for (name, child) in &school.children {
        let end = (*name == "Left").then_some("2026-01-10");
        let place = json!({"class_id": homeroom["id"], "person_id": child, "role": "student",
            "begin_date": "2025-09-01", "end_date": end});
        office.make("enrollments", place).await;
    }
    let bells = json!({"school_id": frame.school["id"], "name": "Short",
        "periods": [{"class_period_id": places.first["id"], "start_time": "08:00", "end_time": "08:30"}]});
    let bells = office.make("bell_schedules", bells).await;
    for (date, bells) in DAYS.into_iter().zip([&Value::Null, &bells["id"]]) {
        let day = json!({"school_id": frame.school["id"], "date": date, "is_instructional": true,
            "calendar_event": "instructional", "bell_schedule_id": bells});
        office.make("calendar_dates", day).await;
    }
    let entries: Vec<_> =
        school.children.values().map(|child| entry(&json!({ "id": child }), &codes.present)).collect();
    let path = format!("attendance_registers/{}/{}?class_period_id={}", id(&frame.class), DAYS[0], id(&places.first));
    office.call("PUT", &path).json(json!({ "entries": entries.clone() })).expect(200).await;
    let whole = register(&homeroom, DAYS[1]);
    office.call("PUT", &whole).json(json!({ "entries": entries })).expect(200).await;
    for child in school.children.values() {
        let document =
            json!({"person_id": child, "title": "Plan", "document_type": "other", "audiences": ["teachers"]});
        office.make("documents", document).await;
    }
    let stranger = office.person("Far", "Stranger").await;
    let incident = json!({"school_id": frame.school["id"], "incident_date": "2025-10-14", "incident_location": "hallway",
        "description": "They fought.", "reporter_id": teacher["id"],
        "participants": [{"person_id": stranger["id"], "participation_code": "perpetrator"}]});
    office.make("discipline_incidents", incident).await;
    let template = json!({"name": "Notice", "body": "To the guardians of {{student_name}}: {{message}}"});
    let template = office.make("incident_letter_templates", template).await;
    let part = office.list(&format!("incident_participants?person_id={}", school.children["Own"])).await.remove(0);
    let letter = json!({"participant_id": part["id"], "template_id": template["id"], "message": "Please come."});
    let letter = office.make("incident_letters", letter).await;
    let approve = office.change("PATCH", &format!("incident_letters/{}", id(&letter)), &letter);
    approve.json(json!({"state": "approved"})).expect(200).await;
    let members: Vec<&String> = school.children.values().collect();
    office.make("families", json!({"name": "Everybody", "member_ids": members})).await;
    vec![
        ("class_id", id(&frame.class).to_owned()),
        ("class_id", id(&homeroom).to_owned()),
        ("school_id", id(&frame.school).to_owned()),
        ("term_id", id(&frame.term).to_owned()),
        ("student_id", id(&stranger).to_owned()),
    ]
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_scope_narrows_is_the_same_in_every_order_and_one_by_one() {
    let (platform, door) = unhurried_platform().await;
    let tenant = platform.tenant("north", Tier::Shared).await;
    let school = School::new(&door, &tenant).await;
    let teacher = school.office.person("Tess", "Adult").await;
    let filters = furnish(&school, &teacher).await;
    let persons = BTreeMap::from([
        ("teacher", id(&teacher).to_owned()),
        ("guardian", id(&school.guardian).to_owned()),
        ("child", school.children["Own"].clone()),
    ]);
    let mut accounts = BTreeMap::new();
    for (who, person) in &persons {
        let account = AccountId::generate(&SystemClock);
        link(&platform, &tenant, &json!({ "id": person }), account).await;
        accounts.insert(*who, account);
    }
    let mut table = format!("{:<32}{}\n", "", READERS.map(|(who, _)| format!("{who:>13}")).concat());
    writeln!(table, "{:<32}{}", "", READERS.map(|(_, scope)| format!("{scope:>13}")).concat()).unwrap();
    for list in school.operations.iter().filter(|one| one.method == "GET" && !one.orders.is_empty()) {
        let mut line = String::new();
        let mut readers = 0;
        for (who, scope) in READERS {
            let scope = cloister_school::School.scopes().iter().find(|one| one.name == scope).unwrap();
            let token = signed_in(accounts[who], &tenant, &permissions(scope));
            let reader = Reader { school: &school, filters: &filters, token };
            // Usually those of the last days are looked for.
            let of_days = if list.path.ends_with("/missing") { "&from=2025-09-29&until=2025-10-13" } else { "" };
            let count = reader.count(list, of_days).await;
            readers += count.iter().len();
            write!(line, "{:>13}", count.map_or_else(|| "-".to_owned(), |count| count.to_string())).unwrap();
        }
        if readers == 0 {
            continue;
        }
        writeln!(table, "{:<32}{line}", list.path.trim_start_matches("/api/v1/")).unwrap();
    }
    insta::assert_snapshot!(table, @r"
                                          teacher     guardian        child     guardian
                                      own_classes own_children         self         self
    absence_requests                            8            3            1            0
    academic_records                            8            3            1            0
    allergies                                   8            3            1            0
    attendance_events                          24            9            3            0
    attendance_rates                            8            3            1            0
    attendance_rates/chronic                    8            3            1            0
    attendance_registers                        2            -            -            -
    attendance_registers/missing                2            -            -            -
    behavior_points                             8            3            1            0
    classes                                     2            2            2            0
    contacts                                    8            3            -            -
    discipline_actions                          8            3            1            0
    discipline_incidents                        2            -            -            -
    documents                                   8            3            1            0
    enrollments                                20            6            2            0
    health_alerts                              16            6            2            0
    health_conditions                           8            3            1            0
    health_visits                               8            3            1            0
    immunizations                               8            3            1            0
    incident_follow_ups                         -            -            0            1
    incident_letters                            -            1            -            -
    incident_participants                       9            3            1            0
    medications                                 8            3            1            0
    persons                                     9            3            1            1
    staff_assignments                           -            -            1            0
    student_school_associations                 8            3            1            0
    ");
}
