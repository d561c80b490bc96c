//! Who may do what, asked through the door by everybody with a role, about what is their own, about what is not, and about
//! another tenant's.

use std::fmt::Write as _;

use serde_json::{Value, json};

use crate::{
    house::{Accounts, House, ROLES},
    id, unhurried_platform,
};

/// What is asked: its name, method, path, and a body.
type Question = (String, &'static str, String, Option<Value>);

/// The same questions about one child, their place, their class and their parts.
fn about(whose: &str, child: &str, contact: &str, place: &str, class: &str, questions: &mut Vec<Question>) {
    let mut ask =
        |name: &str, method, path: String, body| questions.push((format!("{name} {whose}"), method, path, body));
    for (part, path) in [("person", ""), ("roles", "/roles"), ("agents", "/agents"), ("demographics", "/demographics")]
    {
        ask(&format!("see {part}"), "GET", format!("persons/{child}{path}"), None);
    }
    ask("see siblings", "GET", format!("persons/{child}/siblings"), None);
    ask("see custom values", "GET", format!("persons/{child}/custom_values"), None);
    ask("see contact", "GET", format!("contacts/{contact}"), None);
    ask("see place", "GET", format!("enrollments/{place}"), None);
    ask("see class", "GET", format!("classes/{class}"), None);
    ask("change person", "PATCH", format!("persons/{child}"), Some(json!({"pronouns": "she/her"})));
    ask("change roles", "PUT", format!("persons/{child}/roles"), Some(json!({"roles": []})));
    ask("change agents", "PUT", format!("persons/{child}/agents"), Some(json!({"agent_ids": []})));
    ask("change demographics", "PUT", format!("persons/{child}/demographics"), Some(json!({"sex": "male"})));
    ask("change custom values", "PUT", format!("persons/{child}/custom_values"), Some(json!({"values": {}})));
    ask("change contact", "PATCH", format!("contacts/{contact}"), Some(json!({"custody": "full"})));
    ask("change place", "PATCH", format!("enrollments/{place}"), Some(json!({"end_date": "2030-01-01"})));
    ask("change class", "PATCH", format!("classes/{class}"), Some(json!({"location": "Room 1"})));
    ask("delete person", "DELETE", format!("persons/{child}"), None);
    ask("erase demographics", "DELETE", format!("persons/{child}/demographics"), None);
    ask("delete contact", "DELETE", format!("contacts/{contact}"), None);
    ask("delete place", "DELETE", format!("enrollments/{place}"), None);
    ask("delete class", "DELETE", format!("classes/{class}"), None);
}

/// A line a question, a column a role: the status of the answer. A change or deletion is meant for a version that there never
/// was, so that nothing changes: 412 is for those who may.
async fn matrix(house: &House<'_>, elsewhere: &House<'_>) -> String {
    let mut questions = Vec::new();
    let (child, contact, place) = (house.person("Mila"), house.contact("Gus"), house.place("Mila"));
    about("own", child, contact, place, id(&house.frame.class), &mut questions);
    // Her other parent's, which a teacher sees and he does not.
    questions.push((
        "see other parent's contact".to_owned(),
        "GET",
        format!("contacts/{}", house.contact("Ines")),
        None,
    ));
    let (child, contact, place) = (house.person("Quin"), house.contact("Hal"), house.place("Quin"));
    about("other", child, contact, place, id(&house.other_class), &mut questions);
    // The same accounts are tied to persons there.
    let (child, contact, place) = (elsewhere.person("Mila"), elsewhere.contact("Gus"), elsewhere.place("Mila"));
    about("elsewhere", child, contact, place, id(&elsewhere.frame.class), &mut questions);
    for path in [
        "persons",
        "contacts",
        "families",
        "staff_assignments",
        "academic_records",
        "custom_fields",
        "person_merges",
        "enrollments",
        "classes",
        "courses",
        "academic_sessions",
        "orgs",
    ] {
        questions.push((format!("list {path}"), "GET", path.to_owned(), None));
    }
    questions.push(("take out roster".to_owned(), "GET", "roster/export".to_owned(), None));
    let frame = &house.frame;
    let place = json!({"class_id": frame.class["id"], "person_id": house.persons["Ines"]["id"], "role": "proctor",
        "begin_date": "2031-01-01", "end_date": "2031-01-02"});
    let class = json!({"title": "C", "class_type": "homeroom", "course_id": frame.course["id"],
        "school_id": frame.school["id"], "term_ids": [frame.term["id"]]});
    for (what, path, body) in [
        ("make person", "persons", json!({"given_name": "New", "family_name": "Person"})),
        ("make place", "enrollments", place),
        ("make class", "classes", class),
        (
            "make year",
            "academic_records",
            json!({"student_id": house.person("Mila"), "school_name": "S",
            "school_year": 2024}),
        ),
        ("make family", "families", json!({"name": "F"})),
        (
            "make post",
            "staff_assignments",
            json!({"person_id": house.persons["Tess"]["id"],
            "org_id": frame.school["id"], "staff_classification": "teacher", "begin_date": "2025-08-01"}),
        ),
        ("make org", "orgs", json!({"name": "O", "type": "department"})),
    ] {
        questions.push((what.to_owned(), "POST", path.to_owned(), Some(body)));
    }

    let mut table = format!("{:<30}{}\n", "", ROLES.map(|role| format!("{role:>10}")).concat());
    for (name, method, path, body) in questions {
        write!(table, "{name:<30}").unwrap();
        for role in ROLES {
            let mut call = house.by(role, method, &path);
            if method != "POST" {
                call = call.header("if-match", "\"v999\"");
            }
            if let Some(body) = &body {
                call = call.json(body.clone());
            }
            let seen = call.send().await;
            let cell = match seen.body["items"].as_array() {
                Some(items) => format!("{} ({})", seen.status, items.len()),
                None => seen.status.to_string(),
            };
            write!(table, "{cell:>10}").unwrap();
            // Made only to see whether one may.
            if seen.status == 201 {
                let delete = house.office.change("DELETE", &format!("{path}/{}", id(&seen.body)), &seen.body);
                delete.expect(204).await;
            }
        }
        table.push('\n');
    }
    table
}

#[tokio::test(flavor = "multi_thread")]
async fn each_role_does_what_it_is_granted_and_no_more_in_every_tier() {
    let (platform, door) = unhurried_platform().await;
    let accounts = Accounts::new();
    let tenants = platform.tenant_in_each_tier().await;
    let elsewhere = platform.tenant("elsewhere", cloister_tenancy::Tier::Shared).await;
    let elsewhere = House::new(&platform, &door, &elsewhere, &accounts).await;
    let mut tables = Vec::new();
    for tenant in &tenants {
        let house = House::new(&platform, &door, tenant, &accounts).await;
        tables.push(matrix(&house, &elsewhere).await);
    }
    insta::assert_snapshot!(tables[0], @r#"
                                       owner     admin     staff   teacher  guardian   student
    see person own                       200       200       200       200       200       200
    see roles own                        200       200       200       200       200       200
    see agents own                       200       200       200       200       200       200
    see demographics own                 200       200       200       404       404       404
    see siblings own                     200       200       200       200       200       200
    see custom values own                200       200       200       404       404       404
    see contact own                      200       200       200       200       200       404
    see place own                        200       200       200       200       200       200
    see class own                        200       200       200       200       200       200
    change person own                    412       412       412       403       403       403
    change roles own                     412       412       412       403       403       403
    change agents own                    412       412       412       403       403       403
    change demographics own              412       412       412       404       404       404
    change custom values own             412       412       412       404       404       404
    change contact own                   412       412       412       403       403       404
    change place own                     412       412       412       403       403       403
    change class own                     412       412       412       403       403       403
    delete person own                    412       412       412       403       403       403
    erase demographics own               412       412       403       404       404       404
    delete contact own                   412       412       412       403       403       404
    delete place own                     412       412       412       403       403       403
    delete class own                     412       412       412       403       403       403
    see other parent's contact           200       200       200       200       404       404
    see person other                     200       200       200       404       404       404
    see roles other                      200       200       200       404       404       404
    see agents other                     200       200       200       404       404       404
    see demographics other               200       200       200       404       404       404
    see siblings other                   200       200       200       404       404       404
    see custom values other              200       200       200       404       404       404
    see contact other                    200       200       200       404       404       404
    see place other                      200       200       200       404       404       404
    see class other                      200       200       200       200       200       200
    change person other                  412       412       412       404       404       404
    change roles other                   412       412       412       404       404       404
    change agents other                  412       412       412       404       404       404
    change demographics other            412       412       412       404       404       404
    change custom values other           412       412       412       404       404       404
    change contact other                 412       412       412       404       404       404
    change place other                   412       412       412       404       404       404
    change class other                   412       412       412       403       403       403
    delete person other                  412       412       412       404       404       404
    erase demographics other             412       412       403       404       404       404
    delete contact other                 412       412       412       404       404       404
    delete place other                   412       412       412       404       404       404
    delete class other                   412       412       412       403       403       403
    see person elsewhere                 404       404       404       404       404       404
    see roles elsewhere                  404       404       404       404       404       404
    see agents elsewhere                 404       404       404       404       404       404
    see demographics elsewhere           404       404       404       404       404       404
    see siblings elsewhere               404       404       404       404       404       404
    see custom values elsewhere          404       404       404       404       404       404
    see contact elsewhere                404       404       404       404       404       404
    see place elsewhere                  404       404       404       404       404       404
    see class elsewhere                  404       404       404       404       404       404
    change person elsewhere              404       404       404       404       404       404
    change roles elsewhere               404       404       404       404       404       404
    change agents elsewhere              404       404       404       404       404       404
    change demographics elsewhere        404       404       404       404       404       404
    change custom values elsewhere       404       404       404       404       404       404
    change contact elsewhere             404       404       404       404       404       404
    change place elsewhere               404       404       404       404       404       404
    change class elsewhere               404       404       404       404       404       404
    delete person elsewhere              404       404       404       404       404       404
    erase demographics elsewhere         404       404       404       404       404       404
    delete contact elsewhere             404       404       404       404       404       404
    delete place elsewhere               404       404       404       404       404       404
    delete class elsewhere               404       404       404       404       404       404
    list persons                     200 (7)   200 (7)   200 (7)   200 (2)   200 (2)   200 (1)
    list contacts                    200 (3)   200 (3)   200 (3)   200 (2)   200 (1)       404
    list families                    200 (0)   200 (0)   200 (0)       404       404       404
    list staff_assignments           200 (0)   200 (0)   200 (0)   200 (0)       404       404
    list academic_records            200 (0)   200 (0)   200 (0)       404   200 (0)   200 (0)
    list custom_fields               200 (0)   200 (0)   200 (0)       404       404       404
    list person_merges               200 (0)   200 (0)   200 (0)       404       404       404
    list enrollments                 200 (4)   200 (4)   200 (4)   200 (2)   200 (1)   200 (1)
    list classes                     200 (2)   200 (2)   200 (2)   200 (2)   200 (2)   200 (2)
    list courses                     200 (1)   200 (1)   200 (1)   200 (1)   200 (1)   200 (1)
    list academic_sessions           200 (1)   200 (1)   200 (1)   200 (1)   200 (1)   200 (1)
    list orgs                        200 (2)   200 (2)   200 (2)   200 (2)   200 (2)   200 (2)
    take out roster                      200       200       404       404       404       404
    make person                          201       201       201       403       403       403
    make place                           201       201       201       403       403       403
    make class                           201       201       201       403       403       403
    make year                            201       201       201       403       403       403
    make family                          201       201       201       403       403       403
    make post                            201       201       403       403       403       403
    make org                             201       201       403       403       403       403
    "#);
    assert!(tables.iter().all(|table| *table == tables[0]), "{}", tables.join("\n"));
}
