//! Incidents: who tells of them, who hears of them, and who never does.

use serde_json::{Value, json};

use crate::{
    Office,
    house::{Accounts, House},
    id, mistakes, unhurried_platform,
};

/// Ways to fight and to help.
async fn code(office: &Office<'_>, short_name: &str, severity: &str, points: i32) -> Value {
    let body = json!({"short_name": short_name, "title": format!("Code {short_name}"), "severity": severity, "points": points});
    office.make("behavior_codes", body).await
}

fn incident(school: &Value, date: &str, participants: &Value) -> Value {
    json!({"school_id": school["id"], "incident_date": date, "incident_time": "10:40", "incident_location": "hallway",
        "location_description": "East wing", "description": "Quin Child and Mila fought.\nQuin began.",
        "participants": participants})
}

fn part(person: &str, part: &str, code: &Value) -> Value {
    json!({"person_id": person, "participation_code": part, "behavior_code_id": code["id"], "note": "Quin Child began"})
}

async fn count(house: &House<'_>, role: &str, path: &str) -> usize {
    house.by(role, "GET", path).expect(200).await["items"].as_array().unwrap().len()
}

#[tokio::test]
async fn an_incident_comes_with_its_participants_and_everybody_hears_their_own_in_every_tier() {
    let (platform, door) = unhurried_platform().await;
    let accounts = Accounts::new();
    for tenant in platform.tenant_in_each_tier().await {
        let house = House::new(&platform, &door, &tenant, &accounts).await;
        let office = &house.office;
        let school = &house.frame.school;
        let (mila, quin) = (house.person("Mila"), house.person("Quin"));
        let fight = code(office, "FI", "major", -5).await;
        let both = json!([part(mila, "perpetrator", &fight), part(quin, "victim", &fight)]);
        let made = house.by("staff", "POST", "discipline_incidents").json(incident(school, "2025-10-14", &both));
        let made = made.expect(201).await;
        assert_eq!((&made["incident_time"], &made["participants"]), (&json!("10:40"), &Value::Null));
        let parts = office.list(&format!("incident_participants?incident_id={}", id(&made))).await;
        assert_eq!(parts.len(), 2);
        let of = |person: &str| parts.iter().find(|one| one["person_id"] == json!(person)).unwrap();
        let (own, other) = (of(mila), of(quin));
        assert_eq!(
            (&own["points"], &own["severity"], &own["incident_date"]),
            (&json!(-5), &json!("major"), &json!("2025-10-14"))
        );

        // Of the two only Mila is theirs.
        for role in ["teacher", "guardian", "student"] {
            assert_eq!(count(&house, role, "incident_participants").await, 1, "{role}");
            assert_eq!(count(&house, role, &format!("incident_participants?incident_id={}", id(&made))).await, 1);
            assert_eq!(count(&house, role, &format!("incident_participants?person_id={quin}")).await, 0, "{role}");
            let seen = house.by(role, "GET", &format!("incident_participants/{}", id(own))).expect(200).await;
            let staff = role == "teacher";
            assert_eq!(seen["note"], if staff { json!("Quin Child began") } else { Value::Null }, "{role}");
            house.by(role, "GET", &format!("incident_participants/{}", id(other))).refused(404, "not_found").await;
            let points = house.by(role, "GET", "behavior_points").expect(200).await;
            let one = json!([{"student_id": mila, "recorded": 1, "positive": 0, "negative": 1, "points": -5}]);
            assert_eq!(points["items"], one, "{role}");
            let change = house.by(role, "PATCH", &format!("incident_participants/{}", id(own)));
            change.header("if-match", "\"v1\"").json(json!({"points": 0})).refused(403, "permission_denied").await;
        }
        for role in ["guardian", "student"] {
            house.by(role, "GET", "discipline_incidents").refused(404, "not_found").await;
            house.by(role, "GET", &format!("discipline_incidents/{}", id(&made))).refused(404, "not_found").await;
            for accept in ["text/csv", "application/json"] {
                let seen = house.by(role, "GET", "incident_participants").header("accept", accept).send().await;
                assert_eq!(seen.status, 200, "{}", seen.text);
                assert!(!seen.text.contains("Quin") && !seen.text.contains(quin), "{role}: {}", seen.text);
            }
        }
        assert_eq!(count(&house, "teacher", &format!("discipline_incidents?student_id={mila}")).await, 1);
        assert_eq!(count(&house, "teacher", &format!("discipline_incidents?student_id={quin}")).await, 0);
        assert_eq!(count(&house, "staff", &format!("discipline_incidents?student_id={quin}")).await, 1);
        assert_eq!(count(&house, "staff", "behavior_points").await, 2);

        // A teacher reports under their own name what students taught were in.
        let report = |body: Value| house.by("teacher", "POST", "discipline_incidents").json(body);
        let refusal = report(incident(school, "2025-10-15", &both)).expect(422).await;
        assert_eq!(mistakes(&refusal), [("participants[1].person_id", "person_unknown")]);
        assert_eq!(count(&house, "staff", "discipline_incidents").await, 1, "all of it or nothing");
        let alone = json!([part(mila, "perpetrator", &fight)]);
        let reported = report(incident(school, "2025-10-15", &alone)).expect(201).await;
        assert_eq!(reported["reporter_id"], json!(house.person("Tess")));
        let mut secret = incident(school, "2025-10-15", &alone);
        secret["confidential"] = json!(true);
        assert_eq!(mistakes(&report(secret).expect(422).await), [("confidential", "confidential_by_office")]);
        let mut numbered = incident(school, "2025-10-15", &alone);
        numbered["incident_identifier"] = json!("2025-117");
        assert_eq!(mistakes(&report(numbered).expect(422).await), [("incident_identifier", "identifier_by_office")]);
        let mut for_cole = incident(school, "2025-10-15", &alone);
        for_cole["reporter_id"] = json!(house.person("Cole"));
        assert_eq!(mistakes(&report(for_cole).expect(422).await), [("reporter_id", "reporter_is_another")]);
        // What they reported they see whole, also when the office adds somebody else's student.
        let added = json!({"incident_id": reported["id"], "person_id": quin, "participation_code": "witness"});
        let add = house.by("teacher", "POST", "incident_participants").json(added.clone()).expect(422).await;
        assert_eq!(mistakes(&add), [("person_id", "person_unknown")]);
        office.make("incident_participants", added).await;
        let seen = count(&house, "teacher", &format!("incident_participants?incident_id={}", id(&reported))).await;
        assert_eq!(seen, 2);
        // To an incident that they did not report they add nobody.
        let foreign = json!({"incident_id": made["id"], "person_id": mila, "participation_code": "witness"});
        let add = house.by("teacher", "POST", "incident_participants").json(foreign).expect(422).await;
        assert_eq!(mistakes(&add), [("incident_id", "discipline_incident_unknown")]);
        for role in ["guardian", "student"] {
            let body = incident(school, "2025-10-15", &json!([]));
            house.by(role, "POST", "discipline_incidents").json(body).refused(403, "permission_denied").await;
        }

        // A confidential incident is gone for everybody who does not see all, with all that hangs on it.
        let path = format!("discipline_incidents/{}", id(&made));
        let action = json!({"student_id": mila, "incident_id": made["id"], "discipline": "detention",
            "discipline_date": "2025-10-20", "responsibility_school_id": school["id"], "note": "Apart from Quin"});
        let action = house.by("staff", "POST", "discipline_actions").json(action).expect(201).await;
        let hidden = |role: &'static str, open: bool| {
            let (house, own, action, path) = (&house, &own, &action, &path);
            async move {
                let status = if open { 200 } else { 404 };
                let mut paths =
                    vec![format!("incident_participants/{}", id(own)), format!("discipline_actions/{}", id(action))];
                if role == "teacher" {
                    paths.push(path.clone());
                }
                for path in paths {
                    assert_eq!(house.by(role, "GET", &path).send().await.status, status, "{role} {path}");
                }
                assert_eq!(count(house, role, "discipline_actions").await, usize::from(open), "{role}");
                let points = house.by(role, "GET", "behavior_points").expect(200).await;
                assert_eq!(points["items"][0]["points"], if open { -10 } else { -5 }, "{role}");
            }
        };
        let seen = house.by("guardian", "GET", &format!("discipline_actions/{}", id(&action))).expect(200).await;
        assert_eq!(seen["note"], Value::Null);
        let seen = house.by("teacher", "GET", &format!("discipline_actions/{}", id(&action))).expect(200).await;
        assert_eq!(seen["note"], "Apart from Quin");
        for role in ["teacher", "guardian", "student"] {
            hidden(role, true).await;
        }
        let made = office.change("PATCH", &path, &made).json(json!({"confidential": true})).expect(200).await;
        for role in ["teacher", "guardian", "student"] {
            hidden(role, false).await;
        }
        assert_eq!(house.by("staff", "GET", &path).expect(200).await["confidential"], true);
        let made = office.change("PATCH", &path, &made).json(json!({"confidential": false})).expect(200).await;
        for role in ["teacher", "guardian", "student"] {
            hidden(role, true).await;
        }

        // Moved to another day, its participants move with it; deleted, nothing of it counts.
        let made = office.change("PATCH", &path, &made).json(json!({"incident_date": "2025-11-03"})).expect(200).await;
        let moved = office.read(&format!("incident_participants/{}", id(own))).await;
        assert_eq!((&moved["incident_date"], &moved["version"]), (&json!("2025-11-03"), &json!(2)));
        office.change("DELETE", &path, &made).expect(204).await;
        for role in ["teacher", "guardian", "student"] {
            hidden(role, false).await;
        }
        let points = office.list(&format!("behavior_points?student_id={mila}&term_id={}", id(&house.frame.term))).await;
        assert_eq!((&points[0]["recorded"], &points[0]["points"]), (&json!(1), &json!(-5)));

        // Custody decides anew each time.
        let contact = house.contact("Gus");
        let relation = office.read(&format!("contacts/{contact}")).await;
        let change = office.change("PATCH", &format!("contacts/{contact}"), &relation);
        change.json(json!({"custody": "restricted"})).expect(200).await;
        assert_eq!(count(&house, "guardian", "incident_participants").await, 0);
        assert_eq!(count(&house, "guardian", "discipline_actions").await, 0);
        assert_eq!(count(&house, "guardian", "behavior_points").await, 0);
        let placement = tenant.placement.as_ref().unwrap();
        let text = "select count(*) from cloister.audit where tenant_id = $1 and resource = $2 and action = $3";
        let admin = platform.admin(&placement.database).await;
        for (resource, action, times) in [
            ("discipline_incident", "create", 2),
            ("discipline_incident", "update", 3),
            ("discipline_incident", "delete", 1),
            ("incident_participant", "create", 4),
            ("discipline_action", "create", 1),
        ] {
            let resource = format!("school.{resource}");
            let row = admin.query_one(text, &[&tenant.id.uuid(), &resource, &action]).await.unwrap();
            assert_eq!(row.get::<_, i64>(0), times, "{resource} {action}");
        }
        // Who was in it, and what happened, is not in the log.
        let text = "select count(*) from cloister.audit where tenant_id = $1 and changes::text like '%Quin%'";
        assert_eq!(admin.query_one(text, &[&tenant.id.uuid()]).await.unwrap().get::<_, i64>(0), 0);
    }
}
