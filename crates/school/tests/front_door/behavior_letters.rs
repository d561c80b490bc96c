//! Letters to families, what is still to do about incidents, and what becomes of all of it when two records are one.

use serde_json::{Value, json};

use crate::{
    Office,
    house::{Accounts, House},
    id, mistakes, platform, unhurried_platform,
};

async fn incident(office: &Office<'_>, school: &Value, parts: &[(&str, &str)]) -> Value {
    let parts: Vec<Value> =
        parts.iter().map(|(person, part)| json!({"person_id": person, "participation_code": part})).collect();
    let body = json!({"school_id": school["id"], "incident_date": "2025-10-14", "incident_location": "hallway",
        "description": "Quin Child and Mila fought.", "participants": parts});
    office.make("discipline_incidents", body).await
}

async fn part_of(office: &Office<'_>, incident: &Value, person: &str) -> Value {
    let path = format!("incident_participants?incident_id={}&person_id={person}", id(incident));
    office.list(&path).await.remove(0)
}

async fn template(office: &Office<'_>, name: &str, body: &str) -> Value {
    office.make("incident_letter_templates", json!({"name": name, "body": body})).await
}

const TEXT: &str = "To the guardians of {{student_name}}:\n{{message}}\n{{incident_date}}, {{incident_location}}, {{participation}}, \
    {{behavior}}, {{points}}\n{{actions}}\n{{school_name}}";

#[tokio::test]
async fn a_letter_tells_a_family_of_its_own_child_alone_in_every_tier() {
    let (platform, door) = unhurried_platform().await;
    let accounts = Accounts::new();
    for tenant in platform.tenant_in_each_tier().await {
        let house = House::new(&platform, &door, &tenant, &accounts).await;
        let office = &house.office;
        let school = &house.frame.school;
        let (mila, quin) = (house.person("Mila"), house.person("Quin"));
        let incident = incident(office, school, &[(mila, "perpetrator"), (quin, "victim")]).await;
        for (student, days) in [(mila, 2), (quin, 7)] {
            let action = json!({"student_id": student, "incident_id": incident["id"], "discipline": "in_school_suspension",
                "discipline_date": "2025-10-20", "discipline_action_length": days, "responsibility_school_id": school["id"]});
            office.make("discipline_actions", action).await;
        }
        let template = template(office, "Notice", TEXT).await;
        let (own, other) = (part_of(office, &incident, mila).await, part_of(office, &incident, quin).await);
        let write = |role: &str, part: &Value, message: &str| {
            let body = json!({"participant_id": part["id"], "template_id": template["id"], "message": message});
            house.by(role, "POST", "incident_letters").json(body)
        };
        for role in ["teacher", "guardian", "student"] {
            write(role, &own, "x").refused(403, "permission_denied").await;
        }
        for (named, word) in [
            ("Please speak with Quin.", "Quin"),
            ("QUIN CHILD was hurt", "QUIN CHILD"),
            ("She hit Child, Quin", "Child, Quin"),
            ("Quin\u{200b}s bag, it is QUÍN’s", "Quin\u{200b}s"),
        ] {
            let refusal = write("staff", &own, named).expect(422).await;
            assert_eq!(mistakes(&refusal), [("message", "letter_names_another")], "{named}");
            let told = refusal["errors"][0]["message"].as_str().unwrap();
            assert!(told.starts_with(&format!("“{word}” ")), "{told}");
        }
        // A template that names somebody is to blame itself, whether a message was sent or not.
        let naming = self::template(office, "Quin", "{{student_name}} and Quin\n{{message}}").await;
        for message in [Value::Null, json!("Please come.")] {
            let body = json!({"participant_id": own["id"], "template_id": naming["id"], "message": message});
            let refusal = house.by("staff", "POST", "incident_letters").json(body).expect(422).await;
            assert_eq!(mistakes(&refusal), [("template_id", "letter_names_another")], "{message}");
        }
        let letter = write("staff", &own, "Please come on Monday.").expect(201).await;
        assert_eq!(
            letter["body"],
            "To the guardians of Mila Child:\nPlease come on Monday.\n2025-10-14, hallway, perpetrator, , 0\n\
             in school suspension, 2025-10-20, 2 d\nLindgren School"
        );
        let path = format!("incident_letters/{}", id(&letter));
        // Her other parent lost access since.
        let ines = house.contact("Ines");
        let relation = office.read(&format!("contacts/{ines}")).await;
        assert_eq!(letter["recipients"].as_array().unwrap().len(), 2);
        let change = office.change("PATCH", &format!("contacts/{ines}"), &relation);
        change.json(json!({"custody": "none"})).expect(200).await;

        // A draft is the office's.
        house.by("guardian", "GET", &path).refused(404, "not_found").await;
        let change = |letter: &Value, body: Value| {
            let call = house.by("staff", "PATCH", &path);
            call.header("if-match", &format!("\"v{}\"", letter["version"])).json(body)
        };
        let refusal = change(&letter, json!({"body": "Quin says otherwise."})).expect(422).await;
        assert_eq!(mistakes(&refusal), [("body", "letter_names_another")]);
        let refusal = change(&letter, json!({"printed": true})).expect(422).await;
        assert_eq!(mistakes(&refusal), [("printed", "letter_not_approved")]);
        let approved = change(&letter, json!({"state": "approved"})).expect(200).await;
        let gus = json!([{"person_id": house.person("Gus"), "name": "Gus Adult", "email": "Gus@home.example", "by_mail": true}]);
        assert_eq!(approved["recipients"], gus);
        assert_ne!(approved["approved_at"], Value::Null);
        change(&approved, json!({"body": "Other"})).refused(409, "letter_approved").await;
        let sent = change(&approved, json!({"printed": true, "sent": true})).expect(200).await;
        assert_ne!((&sent["printed_at"], &sent["sent_at"]), (&Value::Null, &Value::Null));
        let refusal = change(&sent, json!({"sent": false})).expect(422).await;
        assert_eq!(mistakes(&refusal), [("sent", "letter_mark_stays")]);

        let other = write("staff", &other, "Please come on Tuesday.").expect(201).await;
        let approve = house.by("staff", "PATCH", &format!("incident_letters/{}", id(&other)));
        approve.header("if-match", "\"v1\"").json(json!({"state": "approved"})).expect(200).await;
        for accept in ["application/json", "text/csv"] {
            let seen = house.by("guardian", "GET", "incident_letters").header("accept", accept).send().await;
            assert!(seen.status == 200 && seen.text.contains("Mila Child"), "{}", seen.text);
            for hidden in ["Quin", "Hal", "Ines", "Tuesday", quin] {
                assert!(!seen.text.contains(hidden), "{hidden}: {}", seen.text);
            }
        }
        let text = house.by("guardian", "GET", &format!("{path}/text")).send().await;
        assert_eq!((text.status, text.header("content-type")), (200, Some("text/plain; charset=utf-8")));
        assert!(
            text.text.starts_with("Gus Adult\nGus@home.example\n\nTo the guardians of Mila Child:"),
            "{}",
            text.text
        );
        for role in ["teacher", "student"] {
            for path in [path.clone(), format!("{path}/text")] {
                house.by(role, "GET", &path).refused(404, "not_found").await;
            }
        }
        house.by("guardian", "GET", &format!("incident_letters/{}", id(&other))).refused(404, "not_found").await;
        house.by("guardian", "GET", &format!("incident_letters/{}/text", id(&other))).refused(404, "not_found").await;

        // Whoever no longer acts for the child reads nothing more.
        let contact = house.contact("Gus");
        let relation = office.read(&format!("contacts/{contact}")).await;
        let change = office.change("PATCH", &format!("contacts/{contact}"), &relation);
        change.json(json!({"begin_date": "2020-01-01", "end_date": "2021-01-01"})).expect(200).await;
        house.by("guardian", "GET", &path).refused(404, "not_found").await;
        assert_eq!(house.by("guardian", "GET", "incident_letters").expect(200).await["items"], json!([]));
        let letter = write("staff", &own, "Please come.").expect(201).await;
        assert_eq!(letter["recipients"], json!([]));
        let approve = house.by("staff", "PATCH", &format!("incident_letters/{}", id(&letter)));
        approve
            .header("if-match", "\"v1\"")
            .json(json!({"state": "approved"}))
            .refused(409, "letter_without_recipient")
            .await;
    }
}

#[tokio::test]
async fn what_is_still_to_do_is_done_by_whoever_has_to() {
    let (platform, door) = unhurried_platform().await;
    let accounts = Accounts::new();
    for tenant in platform.tenant_in_each_tier().await {
        let house = House::new(&platform, &door, &tenant, &accounts).await;
        let office = &house.office;
        let incident = incident(office, &house.frame.school, &[]).await;
        let task = |whose: &str, due: &str| json!({"incident_id": incident["id"], "due_date": due, "assigned_to_id": house.person(whose), "task": "Talk\nwith both"});
        let own = office.make("incident_follow_ups", task("Tess", "2025-10-28")).await;
        let other = office.make("incident_follow_ups", task("Cole", "2025-10-20")).await;
        let list = async |role: &str, query: &str| {
            let page = house.by(role, "GET", &format!("incident_follow_ups{query}")).expect(200).await;
            page["items"].as_array().unwrap().iter().map(|one| one["id"].clone()).collect::<Vec<_>>()
        };
        assert_eq!(list("staff", "?completed=false").await, [other["id"].clone(), own["id"].clone()]);
        assert_eq!(list("staff", "?completed=false&until=2025-10-28").await, [other["id"].clone()]);
        assert_eq!(list("teacher", "").await, [own["id"].clone()]);
        for role in ["guardian", "student"] {
            house.by(role, "GET", "incident_follow_ups").refused(404, "not_found").await;
        }
        let change = |role: &str, one: &Value, version: u8, body: Value| {
            let call = house.by(role, "PATCH", &format!("incident_follow_ups/{}", id(one)));
            call.header("if-match", &format!("\"v{version}\"")).json(body)
        };
        change("teacher", &other, 1, json!({"completed": true})).refused(404, "not_found").await;
        let refusal = change("teacher", &own, 1, json!({"due_date": "2026-01-01"})).expect(422).await;
        assert_eq!(mistakes(&refusal), [("outcome", "incident_follow_up_of_office")]);
        let done =
            change("teacher", &own, 1, json!({"outcome": "They shook hands.", "completed": true})).expect(200).await;
        assert_ne!((&done["completed_at"], &done["completed_by"]), (&Value::Null, &Value::Null));
        assert_eq!(list("staff", "?completed=false").await, [other["id"].clone()]);
        assert_eq!(list("staff", "?completed=true").await, [own["id"].clone()]);
        let again = change("staff", &own, 2, json!({"outcome": "They shook hands again."})).expect(200).await;
        assert_eq!(again["completed_at"], done["completed_at"], "who did it first did it");
        let open = change("staff", &own, 3, json!({"completed": false})).expect(200).await;
        assert_eq!((&open["completed_at"], &open["completed_by"]), (&Value::Null, &Value::Null));
        let delete = house.by("teacher", "DELETE", &format!("incident_follow_ups/{}", id(&own)));
        delete.header("if-match", "\"v4\"").refused(403, "permission_denied").await;
        // Of a confidential incident not even whoever has to do something hears.
        let path = format!("discipline_incidents/{}", id(&incident));
        office.change("PATCH", &path, &incident).json(json!({"confidential": true})).expect(200).await;
        assert_eq!(list("teacher", "").await, Vec::<Value>::new());
    }
}

#[tokio::test]
async fn what_is_refused_says_what_would_be_right() {
    let (platform, door) = unhurried_platform().await;
    let accounts = Accounts::new();
    let tenant = platform.tenant("north", cloister_tenancy::Tier::Shared).await;
    let house = House::new(&platform, &door, &tenant, &accounts).await;
    let office = &house.office;
    let school = &house.frame.school;
    let (mila, quin, tess) = (house.person("Mila"), house.person("Quin"), house.person("Tess"));
    let code = json!({"short_name": "FI", "title": "Fighting", "severity": "major", "points": -5});
    let code = office.make("behavior_codes", code).await;
    let incident = incident(office, school, &[(mila, "victim")]).await;
    let part = part_of(office, &incident, mila).await;
    let notice = template(office, "Notice", "{{message}}").await;
    let gone =
        office.make("behavior_codes", json!({"short_name": "X", "title": "X", "severity": "minor", "points": 0})).await;
    office.change("DELETE", &format!("behavior_codes/{}", id(&gone)), &gone).expect(204).await;
    let base = json!({"school_id": school["id"], "incident_date": "2025-10-14", "incident_location": "hallway",
        "description": "A fight."});
    let with = |base: &Value, field: &str, value: Value| {
        let mut body = base.clone();
        body[field] = value;
        body
    };
    let one = json!({"person_id": mila, "participation_code": "witness"});
    let action = json!({"student_id": mila, "discipline": "warning", "discipline_date": "2025-10-20",
        "responsibility_school_id": school["id"]});
    let follow_up = json!({"incident_id": incident["id"], "due_date": "2025-10-28", "task": "Talk"});
    let new_part = json!({"incident_id": incident["id"], "person_id": mila, "participation_code": "witness"});
    let letter = json!({"participant_id": part["id"], "template_id": notice["id"]});
    office.make("discipline_incidents", with(&base, "incident_identifier", json!("7"))).await;
    for (path, body, fault) in [
        (
            "discipline_incidents",
            with(&base, "incident_identifier", json!("7")),
            ("incident_identifier", "incident_identifier_taken"),
        ),
        (
            "discipline_incidents",
            with(&base, "incident_date", json!("0025-10-14")),
            ("incident_date", "date_implausible"),
        ),
        (
            "discipline_incidents",
            with(&base, "incident_date", json!("2150-10-14")),
            ("incident_date", "incident_in_future"),
        ),
        (
            "discipline_incidents",
            with(&base, "school_id", json!(cloister_ids::OrgId::generate(&cloister_ids::SystemClock))),
            ("school_id", "org_unknown"),
        ),
        ("discipline_incidents", with(&base, "description", json!(" \n")), ("description", "blank")),
        ("discipline_incidents", with(&base, "description", json!("a\u{7}")), ("description", "control_character")),
        (
            "discipline_incidents",
            with(&base, "participants", json!(vec![one.clone(); 51])),
            ("participants", "too_many"),
        ),
        ("discipline_incidents", with(&base, "participants", json!([one, one])), ("participants", "given_twice")),
        (
            "incident_participants",
            with(&new_part, "participation_code", json!("victim")),
            ("person_id", "incident_participant_exists"),
        ),
        (
            "incident_participants",
            with(&new_part, "behavior_code_id", gone["id"].clone()),
            ("behavior_code_id", "behavior_code_unknown"),
        ),
        ("incident_participants", with(&new_part, "points", json!(1001)), ("points", "range")),
        (
            "discipline_actions",
            with(&action, "review_date", json!("2025-10-19")),
            ("review_date", "review_before_begin"),
        ),
        (
            "discipline_actions",
            with(&with(&action, "student_id", json!(quin)), "incident_id", incident["id"].clone()),
            ("student_id", "student_not_in_incident"),
        ),
        (
            "discipline_actions",
            with(&action, "discipline_action_length", json!(-1)),
            ("discipline_action_length", "range"),
        ),
        ("incident_follow_ups", with(&follow_up, "task", json!("")), ("task", "length")),
        (
            "incident_letter_templates",
            json!({"name": "Other", "body": "{{description}}"}),
            ("body", "placeholder_unknown"),
        ),
        ("incident_letter_templates", json!({"name": "Other", "body": "{{message"}), ("body", "placeholder_unclosed")),
        ("incident_letter_templates", json!({"name": "notice", "body": "x"}), ("name", "name_taken")),
        ("incident_letters", letter.clone(), ("template_id", "letter_too_long")),
        (
            "behavior_codes",
            json!({"short_name": "FI", "title": "T", "severity": "minor", "points": 1}),
            ("short_name", "short_name_taken"),
        ),
    ] {
        let refusal = office.call("POST", path).json(body.clone()).send().await;
        let found = mistakes(&refusal.body);
        // What another record has already is a conflict; bounds are told in words of their own.
        let is_bound = matches!(fault.1, "range" | "length") && found.iter().any(|one| one.0 == fault.0);
        let is_conflict = refusal.status == 409 && refusal.body["code"] == fault.1;
        assert!(found.contains(&fault) || is_bound || is_conflict, "{path} {body}: {}", refusal.text);
    }
    for (path, body) in [
        ("discipline_incidents", with(&base, "incident_location", json!("moon"))),
        ("incident_participants", with(&new_part, "participation_code", json!("friend"))),
        ("discipline_actions", with(&action, "discipline", json!("flogging"))),
        ("behavior_codes", json!({"short_name": "Y", "title": "T", "severity": "huge", "points": 1})),
    ] {
        let seen = office.call("POST", path).json(body).send().await;
        assert!(matches!(seen.status, 400 | 422), "{path}: {}", seen.text);
    }
    let change = office.change("PATCH", &format!("discipline_incidents/{}", id(&incident)), &incident);
    let refusal =
        change.json(json!({"participants": [{"person_id": quin, "participation_code": "witness"}]})).expect(422).await;
    assert_eq!(mistakes(&refusal), [("participants", "participants_not_here")]);
    let change = office.change("PATCH", &format!("incident_participants/{}", id(&part)), &part);
    assert_eq!(
        mistakes(&change.json(json!({"person_id": tess})).expect(422).await),
        [("person_id", "incident_participant_moved")]
    );
    // What a code counts for is taken over when it is given, and again when none is said.
    let change = office.change("PATCH", &format!("incident_participants/{}", id(&part)), &part);
    let part = change.json(json!({"behavior_code_id": code["id"], "points": null})).expect(200).await;
    assert_eq!((&part["points"], &part["severity"]), (&json!(-5), &json!("major")));
    let path = format!("behavior_codes/{}", id(&code));
    office.change("PATCH", &path, &code).json(json!({"points": -9})).expect(200).await;
    assert_eq!(office.read(&format!("incident_participants/{}", id(&part))).await["points"], -5);
}

#[tokio::test]
async fn behavior_goes_with_the_person_when_two_records_are_one_and_comes_back() {
    let (platform, door) = platform().await;
    let tenant = platform.tenant("north", cloister_tenancy::Tier::Schema).await;
    let office = Office { door: &door, tenant: &tenant };
    let school = office.frame().await.school;
    let (kept, merged) = (office.person("Mila", "Okafor").await, office.person("Milla", "Okafor").await);
    let both =
        incident(&office, &school, &[(id(&kept), "witness"), (id(&merged), "witness"), (id(&merged), "reporter")])
            .await;
    let own = incident(&office, &school, &[(id(&merged), "perpetrator")]).await;
    let part = part_of(&office, &own, id(&merged)).await;
    let notice = template(&office, "Notice", "x").await;
    let body = json!({"participant_id": part["id"], "template_id": notice["id"]});
    let letter = office.make("incident_letters", body).await;
    let action = json!({"student_id": merged["id"], "incident_id": own["id"], "discipline": "warning",
        "discipline_date": "2025-10-20", "responsibility_school_id": school["id"]});
    let action = office.make("discipline_actions", action).await;
    let task =
        json!({"incident_id": own["id"], "due_date": "2025-10-28", "assigned_to_id": merged["id"], "task": "Talk"});
    let task = office.make("incident_follow_ups", task).await;
    let count = async |person: &Value, filter: &str| office.list(&format!("{filter}={}", id(person))).await.len();
    let all = async |person: &Value| {
        [
            count(person, "incident_participants?person_id").await,
            count(person, "discipline_actions?student_id").await,
            count(person, "incident_follow_ups?assigned_to_id").await,
            count(person, "incident_letters?student_id").await,
        ]
    };
    assert_eq!((all(&kept).await, all(&merged).await), ([1, 0, 0, 0], [3, 1, 1, 1]));
    let merge = json!({"kept_id": kept["id"], "merged_id": merged["id"], "reason": "Entered twice."});
    let merge = office.make("person_merges", merge).await;
    // The part that both had is there once.
    assert_eq!((all(&kept).await, all(&merged).await), ([3, 1, 1, 1], [0, 0, 0, 0]));
    assert_eq!(count(&both, "incident_participants?incident_id").await, 2);
    office.change("DELETE", &format!("person_merges/{}", id(&merge)), &merge).expect(204).await;
    assert_eq!((all(&kept).await, all(&merged).await), ([1, 0, 0, 0], [3, 1, 1, 1]));
    for (path, field, record) in [
        ("discipline_actions", "student_id", &action),
        ("incident_follow_ups", "assigned_to_id", &task),
        ("incident_letters", "student_id", &letter),
    ] {
        assert_eq!(office.read(&format!("{path}/{}", id(record))).await[field], merged["id"], "{path}");
    }
}
