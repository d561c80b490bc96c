//! A record that was merged or deleted: nothing lands on it, it says where it went, and how it comes back.

use cloister_tenancy::Tier;
use serde_json::{Value, json};

use crate::{
    Frame, Office,
    attendance::Codes,
    house::{Accounts, House},
    id,
    merges_kept::Merging,
    mistakes, platform,
    timetable::{Places, meeting},
};

#[tokio::test]
async fn a_merged_record_says_where_it_went_and_comes_back_by_its_merge_alone() {
    let (platform, door) = platform().await;
    let accounts = Accounts::new();
    let tenant = platform.tenant("north", Tier::Shared).await;
    let house = House::new(&platform, &door, &tenant, &accounts).await;
    let office = &house.office;
    let merging = Merging { office };
    let (kept, merged) = (office.person("Mila", "Okafor").await, office.person("Milla", "Okafor").await);
    assert_eq!(merged["merged_into_id"], Value::Null);
    let merge = merging.merge(&kept, &merged).await;
    let path = format!("persons/{}", id(&merged));
    let gone = office.read(&path).await;
    assert_eq!(gone["merged_into_id"], kept["id"]);
    office.change("PATCH", &path, &gone).json(json!({"status": "active"})).refused(409, "person_merged").await;
    // Whoever sees persons and no merges is told no more than before.
    let sees = ["school.person.read".to_owned()];
    assert_eq!(house.with("admin", &sees, "GET", &path).expect(200).await["merged_into_id"], Value::Null);
    merging.undo(&merge).expect(204).await;
    assert_eq!(office.read(&path).await["merged_into_id"], Value::Null);
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_comes_back_has_what_left_with_them_in_every_tier() {
    let (platform, door) = platform().await;
    for tenant in platform.tenant_in_each_tier().await {
        let office = Office { door: &door, tenant: &tenant };
        let merging = Merging { office: &office };
        let frame = office.frame().await;
        let role = |kind: &str| json!({"role": kind, "role_type": "secondary", "org_id": frame.school["id"]});
        let body = json!({"given_name": "Mila", "family_name": "Okafor", "roles": [role("student"), role("aide")]});
        let person = office.make("persons", body).await;
        let path = format!("persons/{}", id(&person));
        // The aide's role ends before, and stays ended; so does a place.
        let roles: Vec<&Value> =
            person["roles"].as_array().unwrap().iter().filter(|role| role["role"] == "student").collect();
        let ended = merging.place(&frame.class, &person, None, Some("2025-09-01")).await;
        office.change("DELETE", &format!("enrollments/{}", id(&ended)), &ended).expect(204).await;
        let place = merging.place(&frame.class, &person, None, None).await;
        let record = office.change("PATCH", &path, &person).json(json!({"roles": roles})).expect(200).await;
        office.change("DELETE", &path, &record).expect(204).await;
        assert_eq!(merging.of("enrollments", &person).await, Vec::<String>::new());
        let gone = office.read(&path).await;
        assert_eq!(gone["roles"], json!([]));
        let back = office.change("PATCH", &path, &gone).json(json!({"status": "active"})).expect(200).await;
        let words = |person: &Value| {
            let roles = person["roles"].as_array().unwrap();
            roles.iter().map(|role| role["role"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
        };
        assert_eq!(words(&back), ["student"]);
        assert_eq!(office.read(&path).await["roles"], back["roles"]);
        assert_eq!(merging.of("enrollments", &person).await, [id(&place)]);
        // Where other roles are given, these are all.
        office.change("DELETE", &path, &back).expect(204).await;
        let gone = office.read(&path).await;
        let other = json!({"status": "active", "roles": [role("parent")]});
        let back = office.change("PATCH", &path, &gone).json(other).expect(200).await;
        assert_eq!(words(&back), ["parent"]);
        assert_eq!(words(&office.read(&path).await), ["parent"]);
    }
}

/// A record of each kind that is about this person and can be deleted and brought back, and the field that says whom.
fn records_of(person: &Value, frame: &Frame, incident: &Value) -> Vec<(&'static str, Value, &'static str)> {
    let (school, class) = (&frame.school["id"], &frame.class["id"]);
    let student = |path, rest: Value| {
        let mut body = json!({"student_id": person});
        body.as_object_mut().unwrap().extend(rest.as_object().unwrap().clone());
        (path, body, "student_id")
    };
    vec![
        ("enrollments", json!({"class_id": class, "person_id": person, "role": "student"}), "person_id"),
        student("academic_records", json!({"school_name": "Birch Lane", "school_year": 2024})),
        (
            "staff_assignments",
            json!({"person_id": person, "org_id": school, "staff_classification": "other", "begin_date": "2025-08-01"}),
            "person_id",
        ),
        student(
            "student_school_associations",
            json!({"school_id": school, "entry_date": "2025-09-01", "entry_grade_level": "05"}),
        ),
        (
            "documents",
            json!({"person_id": person, "document_type": "report", "title": "A report", "audiences": []}),
            "person_id",
        ),
        student(
            "discipline_actions",
            json!({"discipline": "warning", "discipline_date": "2025-10-06", "responsibility_school_id": school}),
        ),
        (
            "incident_participants",
            json!({"incident_id": incident["id"], "person_id": person, "participation_code": "witness"}),
            "person_id",
        ),
        student("allergies", json!({"recorded_date": "2025-10-06", "substance": "Peanut"})),
        student("health_conditions", json!({"recorded_date": "2025-10-06", "name": "Asthma"})),
        student("medications", json!({"begin_date": "2025-10-06", "name": "Salbutamol"})),
        student("immunizations", json!({"date": "2025-10-06", "vaccine": "Measles"})),
        student("health_visits", json!({"date": "2025-10-06", "complaint": "Fell in the yard"})),
    ]
}

/// A letter about this part in an incident.
async fn letter(office: &Office<'_>, part: &Value) -> Value {
    let body = json!({"name": "Notice", "body": "To the guardians of {{student_name}}"});
    let template = office.make("incident_letter_templates", body).await;
    office.make("incident_letters", json!({"participant_id": part["id"], "template_id": template["id"]})).await
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_written_onto_a_record_that_was_merged_in_every_tier() {
    let (platform, door) = platform().await;
    for tenant in platform.tenant_in_each_tier().await {
        let office = Office { door: &door, tenant: &tenant };
        let merging = Merging { office: &office };
        let frame = office.frame().await;
        let codes = Codes::new(&office).await;
        let (kept, merged, other) = (
            office.person("Mila", "Okafor").await,
            office.person("Milla", "Okafor").await,
            office.person("Ada", "Okafor").await,
        );
        let family = office.make("families", json!({"name": "Okafor", "member_ids": [kept["id"]]})).await;
        let contact = merging.contact(&merged, &other, json!({"custody": "none"})).await;
        let acting = merging.contact(&other, &merged, json!({})).await;
        let fight = json!({"school_id": frame.school["id"], "incident_date": "2025-10-06", "incident_location": "hallway",
            "description": "They fought."});
        let incident = office.make("discipline_incidents", fight.clone()).await;
        let gone = merged["id"].clone();
        let records = records_of(&gone, &frame, &incident);
        // Each of these left before.
        let mut left = Vec::new();
        for (path, body, field) in &records {
            let record = office.make(path, body.clone()).await;
            if *path == "incident_participants" {
                let letter = letter(&office, &record).await;
                left.push((format!("incident_letters/{}", id(&letter)), letter, "status"));
            }
            left.push((format!("{path}/{}", id(&record)), record, *field));
        }
        for (path, record, _) in &left {
            office.change("DELETE", path, record).expect(204).await;
        }
        let _ = (contact, acting);
        merging.merge(&kept, &merged).await;

        let others = [
            ("contacts", json!({"student_id": gone, "contact_id": kept["id"], "relation": "parent"}), "student_id"),
            ("contacts", json!({"student_id": kept["id"], "contact_id": gone, "relation": "parent"}), "contact_id"),
            ("families", json!({"name": "B", "member_ids": [other["id"], gone]}), "member_ids"),
            ("persons", json!({"given_name": "B", "family_name": "B", "agent_ids": [gone]}), "agent_ids"),
            (
                "absence_requests",
                json!({"student_id": gone, "begin_date": "2025-10-06", "end_date": "2025-10-08", "reason": "W"}),
                "student_id",
            ),
            (
                "attendance_events",
                json!({"student_id": gone, "school_id": frame.school["id"], "date": "2025-10-06",
                    "code_id": codes.absent["id"]}),
                "student_id",
            ),
        ];
        let mut reported = fight.clone();
        reported["reporter_id"] = gone.clone();
        let task = json!({"incident_id": incident["id"], "due_date": "2025-10-28", "task": "Talk."});
        let mut given = task.clone();
        given["assigned_to_id"] = gone.clone();
        let places = Places::new(&office, &frame).await;
        let meets = meeting(&frame.class, &places.first, &places.room, "wednesday");
        let mut taught = meets.clone();
        taught["teacher_id"] = gone.clone();
        let named = [
            ("discipline_incidents", reported, "reporter_id"),
            ("incident_follow_ups", given, "assigned_to_id"),
            ("meetings", taught, "teacher_id"),
        ];
        for (path, body, field) in records.into_iter().chain(others).chain(named) {
            let refusal = office.call("POST", path).json(body).expect(422).await;
            assert_eq!(mistakes(&refusal), [(field, "person_deleted")], "{path}");
        }
        let part = json!({"person_id": gone, "participation_code": "witness"});
        let mut with_them = fight.clone();
        with_them["participants"] = json!([{"person_id": kept["id"], "participation_code": "victim"}, part]);
        let refusal = office.call("POST", "discipline_incidents").json(with_them).expect(422).await;
        assert_eq!(mistakes(&refusal), [("participants[1].person_id", "person_deleted")]);
        for (path, _, field) in left {
            let record = office.read(&path).await;
            let call = office.change("PATCH", &path, &record).json(json!({"status": "active"})).send().await;
            assert_eq!((call.status, mistakes(&call.body)), (422, vec![(field, "person_deleted")]), "{path}");
        }
        for (path, body, field) in [
            ("incident_follow_ups", task, "assigned_to_id"),
            ("meetings", meets, "teacher_id"),
            ("discipline_incidents", fight, "reporter_id"),
        ] {
            let record = office.make(path, body).await;
            let call = office.change("PATCH", &format!("{path}/{}", id(&record)), &record).json(json!({field: gone}));
            assert_eq!(mistakes(&call.expect(422).await), [(field, "person_deleted")], "{path}");
        }
        let photo = office
            .call("PUT", &format!("persons/{}/photo", gone.as_str().unwrap()))
            .file("image/png", crate::photos::png(1, 1));
        photo.refused(409, "person_deleted").await;
        let member = json!({"member_ids": [kept["id"], gone]});
        let call = office.change("PATCH", &format!("families/{}", id(&family)), &family).json(member);
        assert_eq!(mistakes(&call.expect(422).await), [("member_ids", "person_deleted")]);
        let record = office.read(&format!("persons/{}", id(&other))).await;
        let path = format!("persons/{}", id(&other));
        for call in [
            office.change("PATCH", &path, &record).json(json!({"agent_ids": [gone]})),
            office.change("PUT", &format!("{path}/agents"), &record).json(json!({"agent_ids": [gone]})),
        ] {
            assert_eq!(mistakes(&call.expect(422).await), [("agent_ids", "person_deleted")]);
        }
        let path = format!("persons/{}", id(&merged));
        let record = office.read(&path).await;
        let field = json!({"resource": "person", "name": "bus", "title": "Bus", "type": "text"});
        office.make("custom_fields", field).await;
        let values = json!({"values": {"bus": "North"}});
        for call in [
            office.call("PUT", &format!("{path}/demographics")).json(json!({"sex": "female"})),
            office.change("PUT", &format!("{path}/custom_values"), &record).json(values),
        ] {
            call.refused(409, "person_deleted").await;
        }
        // Nor does somebody who was deleted come back to a school they had left.
        let at = json!({"student_id": other["id"], "school_id": frame.school["id"], "entry_date": "2025-09-01"});
        let at = office.make("student_school_associations", at).await;
        let exit = format!("student_school_associations/{}/withdraw", id(&at));
        let end = json!({"exit_withdraw_date": "2025-10-01", "exit_withdraw_type": "moved"});
        office.call("POST", &exit).json(end).expect(200).await;
        let record = office.read(&format!("persons/{}", id(&other))).await;
        office.change("DELETE", &format!("persons/{}", id(&other)), &record).expect(204).await;
        let back = office.call("POST", &format!("{exit}/undo")).json(json!({}));
        back.refused(409, "person_deleted").await;
        // A class that was deleted takes nobody either.
        let class = format!("classes/{}", id(&frame.class));
        let record = office.read(&class).await;
        office.change("DELETE", &class, &record).expect(204).await;
        let body = json!({"class_id": frame.class["id"], "person_id": kept["id"], "role": "student"});
        let refusal = office.call("POST", "enrollments").json(body).expect(422).await;
        assert_eq!(mistakes(&refusal), [("class_id", "class_deleted")]);
    }
}
