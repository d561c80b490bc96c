//! A record that was merged or deleted: nothing lands on it, it says where it went, and how it comes back.

use cloister_tenancy::Tier;
use serde_json::{Value, json};

use crate::{
    Office,
    attendance::Codes,
    house::{Accounts, House},
    id,
    merges_kept::Merging,
    mistakes, platform,
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
        // Each of these left before.
        let place = merging.place(&frame.class, &merged, None, None).await;
        let contact = merging.contact(&merged, &other, json!({"custody": "none"})).await;
        let acting = merging.contact(&other, &merged, json!({})).await;
        let year = json!({"student_id": merged["id"], "school_name": "Birch Lane", "school_year": 2024});
        let year = office.make("academic_records", year).await;
        let post = json!({"person_id": merged["id"], "org_id": frame.school["id"], "staff_classification": "other",
            "begin_date": "2025-08-01"});
        let post = office.make("staff_assignments", post).await;
        let mut left = Vec::new();
        for (path, record, field) in [
            ("enrollments", &place, "person_id"),
            ("academic_records", &year, "student_id"),
            ("staff_assignments", &post, "person_id"),
        ] {
            let path = format!("{path}/{}", id(record));
            office.change("DELETE", &path, record).expect(204).await;
            left.push((path, field));
        }
        let _ = (contact, acting);
        merging.merge(&kept, &merged).await;

        let gone = merged["id"].clone();
        let class = &frame.class["id"];
        for (path, body, field) in [
            ("enrollments", json!({"class_id": class, "person_id": gone, "role": "student"}), "person_id"),
            ("contacts", json!({"student_id": gone, "contact_id": kept["id"], "relation": "parent"}), "student_id"),
            ("contacts", json!({"student_id": kept["id"], "contact_id": gone, "relation": "parent"}), "contact_id"),
            ("academic_records", json!({"student_id": gone, "school_name": "B", "school_year": 2023}), "student_id"),
            (
                "staff_assignments",
                json!({"person_id": gone, "org_id": frame.school["id"], "staff_classification": "other",
                    "begin_date": "2024-08-01"}),
                "person_id",
            ),
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
            (
                "student_school_associations",
                json!({"student_id": gone, "school_id": frame.school["id"], "entry_date": "2025-09-01",
                    "entry_grade_level": "05"}),
                "student_id",
            ),
            (
                "documents",
                json!({"person_id": gone, "document_type": "report", "title": "A report", "audiences": []}),
                "person_id",
            ),
            (
                "discipline_actions",
                json!({"student_id": gone, "discipline": "warning", "discipline_date": "2025-10-06",
                    "responsibility_school_id": frame.school["id"]}),
                "student_id",
            ),
            (
                "allergies",
                json!({"student_id": gone, "recorded_date": "2025-10-06", "substance": "Peanut"}),
                "student_id",
            ),
        ] {
            let refusal = office.call("POST", path).json(body).expect(422).await;
            assert_eq!(mistakes(&refusal), [(field, "person_deleted")], "{path}");
        }
        for (path, field) in left {
            let record = office.read(&path).await;
            let call = office.change("PATCH", &path, &record).json(json!({"status": "active"}));
            assert_eq!(mistakes(&call.expect(422).await), [(field, "person_deleted")], "{path}");
        }
        let photo = office
            .call("PUT", &format!("persons/{}/photo", gone.as_str().unwrap()))
            .file("image/png", crate::photos::png(1, 1));
        assert_eq!(mistakes(&photo.expect(422).await), [("id", "person_deleted")]);
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
            assert_eq!(mistakes(&call.expect(422).await), [("id", "person_deleted")]);
        }
        // A class that was deleted takes nobody either.
        let class = format!("classes/{}", id(&frame.class));
        let record = office.read(&class).await;
        office.change("DELETE", &class, &record).expect(204).await;
        let body = json!({"class_id": frame.class["id"], "person_id": kept["id"], "role": "student"});
        let refusal = office.call("POST", "enrollments").json(body).expect(422).await;
        assert_eq!(mistakes(&refusal), [("class_id", "class_deleted")]);
    }
}
