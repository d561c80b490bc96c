//! Tables that come in: tried, brought in and taken back, by the rules of the API.

use axum::body::Bytes;
use cloister_tenancy::Tier;
use cloister_testkit::Call;
use serde_json::{Value, json};

use crate::{
    Office, id,
    imports::{Working, ended},
    unhurried_platform,
};

/// An address with a mapping in it.
pub(crate) fn query(resource: &str, mapping: &Value, more: &str) -> String {
    let mapping = mapping.to_string();
    let mapping: String = mapping.bytes().map(|byte| format!("%{byte:02x}")).collect();
    format!("resource={resource}&mapping={mapping}{more}")
}

fn sent(office: &Office<'_>, query: &str, table: impl Into<Bytes>) -> Call {
    office.call("POST", &format!("roster/imports?format=table&{query}")).file("text/csv", table.into())
}

pub(crate) async fn bring(office: &Office<'_>, query: &str, table: impl Into<Bytes>) -> Value {
    ended(office, &sent(office, query, table).expect(201).await).await
}

/// How it ended, with what was done to how many rows.
fn counts(run: &Value) -> (String, [i64; 4]) {
    let counts = &run["report"]["files"][0];
    let count = |name: &str| counts[name].as_i64().unwrap();
    let state = run["state"].as_str().unwrap().to_owned();
    (state, [count("created"), count("changed"), count("unchanged"), count("skipped")])
}

/// Line, column and code of what is wrong.
pub(crate) fn issues(run: &Value) -> Vec<String> {
    let issues = run["report"]["issues"].as_array().unwrap();
    let word = |value: &Value| value.as_str().unwrap_or("-").to_owned();
    issues
        .iter()
        .map(|issue| format!("{} {} {}", issue["line"], word(&issue["column"]), word(&issue["code"])))
        .collect()
}

async fn people(office: &Office<'_>) -> Vec<String> {
    let listed = office.list("persons").await;
    let text = |person: &Value, name: &str| person[name].as_str().unwrap_or("-").to_owned();
    listed
        .iter()
        .map(|p| format!("{} {} {}", text(p, "given_name"), text(p, "family_name"), text(p, "identifier")))
        .collect()
}

pub(crate) fn undo(office: &Office<'_>, run: &Value) -> Call {
    office.call("POST", &format!("roster/imports/{}/undo", id(run)))
}

const PUPILS: &str = "Schülernummer;Vorname;Nachname;E-Mail;Schule;Klasse\r\n\
    20417;Mila;Okafor;mila@home.example;North;4b\r\n\
    20418;Zoë;Müller;;North;4b\r\n";

#[tokio::test(flavor = "multi_thread")]
async fn a_list_of_pupils_is_tried_brought_in_and_taken_back_in_every_tier() {
    let (platform, door) = unhurried_platform().await;
    let _working = Working::start(&platform.tenancy);
    for tenant in platform.tenant_in_each_tier().await {
        let office = Office { door: &door, tenant: &tenant };
        let school = office.make("orgs", json!({"name": "North", "type": "school"})).await;
        let mapping = json!({"columns": {"Schule": "roles.org_id:name", "Klasse": null},
            "constants": {"roles.role": "student", "roles.role_type": "primary"}});
        let tried = bring(&office, &query("persons", &mapping, "&dry_run=true"), PUPILS).await;
        assert_eq!(counts(&tried), ("dry_run".to_owned(), [2, 0, 0, 0]), "{tried}");
        assert_eq!(tried["report"]["columns"]["Vorname"], "given_name");
        assert_eq!(tried["report"]["key"], json!(["identifier"]));
        assert_eq!(tried["report"]["files"][0]["examples"][0]["label"], "Mila Okafor");
        assert_eq!(people(&office).await, Vec::<String>::new(), "nothing was changed");

        let first = bring(&office, &query("persons", &mapping, ""), PUPILS).await;
        assert_eq!(counts(&first), ("applied".to_owned(), [2, 0, 0, 0]), "{first}");
        assert_eq!(first["undoable"], true);
        assert_eq!(people(&office).await, ["Zoë Müller 20418", "Mila Okafor 20417"]);
        let [mila] = office.list("persons?q=okafor").await.try_into().unwrap();
        let mila = office.read(&format!("persons/{}", id(&mila))).await;
        assert_eq!((&mila["roles"][0]["role"], &mila["roles"][0]["org_id"]), (&json!("student"), &school["id"]));
        assert_eq!(mila["created_by"], first["created_by"], "in the name of whoever asked for it");

        // The same once more changes nothing, and leaves the one before the last.
        let again = bring(&office, &query("persons", &mapping, ""), PUPILS).await;
        assert_eq!(counts(&again), ("applied".to_owned(), [0, 0, 2, 0]), "{again}");
        assert_eq!(again["undoable"], false);
        let changed = PUPILS.replace("mila@home.example", "mila@new.example").replace("20418;Zoë", "20419;Zoë");
        let second = bring(&office, &query("persons", &mapping, ""), changed).await;
        assert_eq!(counts(&second), ("applied".to_owned(), [1, 1, 0, 0]), "{second}");
        let told = &second["report"]["files"][0]["examples"];
        let differs = json!([{"field": "email", "before": "mila@home.example", "after": "mila@new.example"}]);
        assert_eq!((&told[0]["line"], &told[0]["fields"]), (&json!(2), &differs));
        undo(&office, &first).json(json!({})).refused(409, "import_not_last").await;
        let keyed = || undo(&office, &second).json(json!({})).header("idempotency-key", "back");
        assert_eq!(keyed().expect(200).await["state"], "undone");
        assert_eq!(keyed().expect(200).await["state"], "undone", "the same answer again");
        assert_eq!(people(&office).await, ["Zoë Müller 20418", "Mila Okafor 20417"]);
        assert_eq!(office.read(&format!("persons/{}", id(&mila))).await["email"], "mila@home.example");
        undo(&office, &second).json(json!({})).refused(409, "import_undone").await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_wrong_is_told_row_by_row_and_nothing_is_changed() {
    let (platform, door) = unhurried_platform().await;
    let _working = Working::start(&platform.tenancy);
    let tenant = platform.tenant("north", Tier::Shared).await;
    let office = Office { door: &door, tenant: &tenant };
    office.make("orgs", json!({"name": "North", "type": "school"})).await;
    for name in ["Twin", "Twin"] {
        office.make("orgs", json!({"name": name, "type": "school"})).await;
    }
    let rooms = "room,school,room_type,capacity\n\
        A 1,North,classroom,30\n\
        A 2,Nowhere,classroom,30\n\
        A 3,Twin,classroom,30\n\
        A 4,North,classroom,many\n\
        A 5,North,classroom,99999\n\
        A 6,North,classroom,30,more\n\
        ,North,classroom,30\n\
        A 1,North,classroom,31\n";
    let keyed = json!({"key": ["school_id", "room_number"]});
    let refused = bring(&office, &query("rooms", &keyed, ""), rooms).await;
    assert_eq!(counts(&refused), ("refused".to_owned(), [1, 0, 0, 7]), "{refused}");
    assert_eq!(refused["report"]["refusal"]["code"], "table_has_errors");
    assert_eq!(
        issues(&refused),
        [
            "3 school reference_unknown",
            "4 school reference_ambiguous",
            "5 capacity value_not_integer",
            "6 capacity too_large",
            "7 - row_too_long",
            "8 room missing",
            "9 school, room row_repeated",
        ]
    );
    assert_eq!(office.list("rooms").await.len(), 0);
    let some = bring(&office, &query("rooms", &keyed, "&skip_bad_rows=true"), rooms).await;
    assert_eq!(counts(&some), ("applied".to_owned(), [1, 0, 0, 7]), "{some}");
    assert_eq!(office.list("rooms").await.len(), 1);
    // What the database alone knows is told of its row too, and the rows around it are done.
    let taken = "sourced_id,name,type\na,Alpha,school\nb,Beta,school\nc,Gamma,school\n";
    bring(&office, "resource=orgs", taken).await;
    let again = taken.replace("sourced_id,", "x,").replace("Beta", "Twin");
    let mapping = json!({"columns": {"x": "sourced_id"}, "key": []});
    let run = bring(&office, &query("orgs", &mapping, "&skip_bad_rows=true"), format!("{again}d,Delta,school\n")).await;
    assert_eq!(issues(&run), ["2 - sourced_id_taken", "3 - sourced_id_taken", "4 - sourced_id_taken"], "{run}");
    assert_eq!(counts(&run), ("applied".to_owned(), [1, 0, 0, 3]));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_table_of_this_list_is_refused() {
    let (platform, door) = unhurried_platform().await;
    let _working = Working::start(&platform.tenancy);
    let tenant = platform.tenant("north", Tier::Shared).await;
    let office = Office { door: &door, tenant: &tenant };
    for (asked, table, code) in [
        ("resource=wizards".to_owned(), "a\n1\n".into(), "table_resource_unknown"),
        ("resource=orgs".to_owned(), "\n".into(), "table_empty"),
        ("resource=orgs".to_owned(), "a,b\n1,2\n".into(), "table_nothing_mapped"),
        ("resource=orgs".to_owned(), "name,Name\n1,2\n".into(), "table_header_repeated"),
        ("resource=orgs".to_owned(), format!("name\n{}", "x\n".repeat(20_001)), "table_too_long"),
        ("resource=orgs".to_owned(), "PK\u{3}\u{4} is no zip".into(), "table_unreadable"),
        (query("orgs", &json!({"columns": {"b": "name"}}), ""), "a\n1\n".into(), "table_column_unknown"),
        (query("orgs", &json!({"columns": {"a": "colour"}}), ""), "a\n1\n".into(), "table_field_unknown"),
        (query("orgs", &json!({"columns": {"a": "parent_id:colour"}}), ""), "a\n1\n".into(), "table_reference_unknown"),
        (
            query("orgs", &json!({"columns": {"a": "name", "b": "name"}}), ""),
            "a,b\n1,2\n".into(),
            "table_field_repeated",
        ),
        (query("orgs", &json!({"key": ["identifier"]}), ""), "name\n1\n".into(), "table_key_unknown"),
    ] {
        let run = bring(&office, &asked, table).await;
        assert_eq!(run["state"], "refused", "{asked}: {run}");
        assert_eq!(run["report"]["refusal"]["code"], code, "{asked}");
        assert!(run["report"]["refusal"]["message"].as_str().is_some_and(|text| text.ends_with('.')), "{run}");
    }
    let post = |asked: &str| sent(&office, asked, "name\na\n");
    post("").refused(422, "validation_failed").await;
    post("resource=orgs&mapping=x").refused(422, "validation_failed").await;
    post("resource=orgs&mapping=%7B%22colour%22:1%7D").refused(422, "validation_failed").await;
    sent(&office, "resource=orgs", vec![b'x'; 16 * 1024 * 1024 + 1]).refused(413, "body_too_large").await;
    let package = office.call("POST", "roster/imports?resource=orgs").file("application/zip", Bytes::from_static(b"x"));
    package.refused(422, "validation_failed").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_table_of_ours_is_mended_in_a_spreadsheet_and_comes_back() {
    let (platform, door) = unhurried_platform().await;
    let _working = Working::start(&platform.tenancy);
    let tenant = platform.tenant("north", Tier::Shared).await;
    let office = Office { door: &door, tenant: &tenant };
    let frame = office.frame().await;
    let person = json!({"given_name": "Mila", "family_name": "=Okafor", "phone": "+49 30 1234", "grades": ["04", "05"],
        "metadata": {"a": 1}, "enabled_user": false});
    let mila = office.make("persons", person).await;
    let place =
        json!({"class_id": frame.class["id"], "person_id": mila["id"], "role": "student", "begin_date": "2025-09-01"});
    office.make("enrollments", place).await;
    for list in ["orgs", "academic_sessions", "courses", "classes", "persons", "enrollments"] {
        for form in ["text/csv", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"] {
            let table = office.call("GET", list).header("accept", form).send().await;
            assert_eq!(table.status, 200, "{list}: {}", table.text);
            let run = bring(&office, &query(list, &json!({"clear_empty": true}), ""), table.bytes.clone()).await;
            let rows = run["report"]["files"][0]["rows"].as_i64().unwrap();
            assert_eq!(counts(&run), ("applied".to_owned(), [0, 0, rows, 0]), "{list} as {form}: {run}");
            assert_eq!(issues(&run), Vec::<String>::new(), "{list} as {form}");
            assert!(rows > 0, "{list}");
        }
    }
    let table = office.call("GET", "persons").header("accept", "text/csv").send().await.text;
    let run = bring(&office, "resource=persons", table.replace("=Okafor", "=Berg")).await;
    assert_eq!(counts(&run), ("applied".to_owned(), [0, 1, 0, 0]), "{run}");
    assert_eq!(office.read(&format!("persons/{}", id(&mila))).await["family_name"], "=Berg");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_changed_since_is_not_taken_back_unseen() {
    let (platform, door) = unhurried_platform().await;
    let _working = Working::start(&platform.tenancy);
    let tenant = platform.tenant("north", Tier::Shared).await;
    let office = Office { door: &door, tenant: &tenant };
    let run = bring(&office, "resource=orgs", "name,type\nAlpha,school\nBeta,school\n").await;
    let [alpha, _] = office.list("orgs").await.try_into().unwrap();
    let patch = office.call("PATCH", &format!("orgs/{}", id(&alpha))).header("if-match", "\"v1\"");
    patch.json(json!({"identifier": "7"})).expect(200).await;
    undo(&office, &run).json(json!({})).refused(409, "import_changed_since").await;
    assert_eq!(office.list("orgs").await.len(), 2);
    undo(&office, &run).json(json!({"keep_changed": true})).expect(200).await;
    let [left] = office.list("orgs").await.try_into().unwrap();
    assert_eq!(left["id"], alpha["id"]);
    // What leans on a record that was made keeps it.
    let run = bring(&office, "resource=orgs", "name,type\nGamma,school\n").await;
    let [_, gamma] = office.list("orgs").await.try_into().unwrap();
    office.make("orgs", json!({"name": "Delta", "type": "school", "parent_id": gamma["id"]})).await;
    undo(&office, &run).json(json!({})).refused(409, "import_changed_since").await;
    assert_eq!(office.list("orgs").await.len(), 3);
    undo(&office, &run).json(json!({"keep_changed": true})).expect(200).await;
    assert_eq!(office.list("orgs").await.len(), 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_kept_beside_a_record_comes_and_goes_with_it() {
    let (platform, door) = unhurried_platform().await;
    let _working = Working::start(&platform.tenancy);
    let tenant = platform.tenant("north", Tier::Shared).await;
    let office = Office { door: &door, tenant: &tenant };
    let mila = office.make("persons", json!({"given_name": "Mila", "family_name": "Okafor", "identifier": "1"})).await;
    let put = office.call("PUT", &format!("persons/{}/demographics", id(&mila)));
    put.json(json!({"birth_date": "2015-04-23", "city_of_birth": "Lagos"})).expect(200).await;
    let table =
        "Nummer;Vorname;Nachname;Geburtsdatum;Geschlecht\n1;Mila;Okafor;24.4.2015;female\n2;Zoë;Berg;1.2.2016;\n";
    let asked = query("persons", &json!({"columns": {"Nummer": "identifier"}}), "");
    let run = bring(&office, &asked, table).await;
    assert_eq!(counts(&run), ("applied".to_owned(), [1, 1, 0, 0]), "{run}");
    assert_eq!(run["report"]["columns"]["Geburtsdatum"], "demographics.birth_date");
    let told = json!([{"field": "demographics.birth_date"}, {"field": "demographics.sex"}]);
    assert_eq!(run["report"]["files"][0]["examples"][0]["fields"], told, "which, and not what");
    let known = office.read(&format!("persons/{}/demographics", id(&mila))).await;
    assert_eq!((&known["birth_date"], &known["city_of_birth"]), (&json!("2015-04-24"), &json!("Lagos")));
    let again = bring(&office, &asked, table).await;
    assert_eq!(counts(&again), ("applied".to_owned(), [0, 0, 2, 0]), "{again}");
    let [zoe] = office.list("persons?q=berg").await.try_into().unwrap();
    assert_eq!(office.read(&format!("persons/{}/demographics", id(&zoe))).await["birth_date"], "2016-02-01");
    undo(&office, &run).json(json!({})).expect(200).await;
    let known = office.read(&format!("persons/{}/demographics", id(&mila))).await;
    assert_eq!((&known["birth_date"], &known["sex"]), (&json!("2015-04-23"), &Value::Null));
    assert_eq!(people(&office).await, ["Mila Okafor 1"]);
    let wrong = table.replace("24.4.2015", "24.4.1015");
    let refused = bring(&office, &asked, wrong).await;
    assert_eq!(issues(&refused), ["2 Geburtsdatum date_implausible"], "{refused}");
}

#[tokio::test(flavor = "multi_thread")]
async fn fields_of_ones_own_come_and_go_with_their_records() {
    let (platform, door) = unhurried_platform().await;
    let _working = Working::start(&platform.tenancy);
    let tenant = platform.tenant("north", Tier::Shared).await;
    let office = Office { door: &door, tenant: &tenant };
    for (name, kind) in [("bus_line", "text"), ("locker", "number"), ("swims", "boolean")] {
        let field = json!({"resource": "org", "name": name, "title": name, "type": kind});
        office.make("custom_fields", field).await;
    }
    let first = "identifier,name,type,bus_line,locker\n1,Alpha,school,North,7\n2,Beta,school,,\n";
    let run = bring(&office, "resource=orgs", first).await;
    assert_eq!(counts(&run), ("applied".to_owned(), [2, 0, 0, 0]), "{run}");
    assert_eq!(run["report"]["columns"]["bus_line"], "custom_values.bus_line");
    let [alpha, beta] = office.list("orgs").await.try_into().unwrap();
    let values = async |org: &Value| office.read(&format!("orgs/{}/custom_values", id(org))).await["values"].clone();
    assert_eq!(values(&alpha).await, json!({"bus_line": "North", "locker": 7.0}));
    let second = "identifier,name,swims,locker\n1,Alpha,yes,7\n2,Gamma,no,many\n";
    let refused = bring(&office, "resource=orgs", second).await;
    assert_eq!(issues(&refused), ["3 locker value_not_number"], "{refused}");
    let run = bring(&office, "resource=orgs", second.replace("many", "8")).await;
    assert_eq!(counts(&run), ("applied".to_owned(), [0, 2, 0, 0]), "{run}");
    assert_eq!(values(&alpha).await, json!({"bus_line": "North", "locker": 7.0, "swims": true}));
    undo(&office, &run).json(json!({})).expect(200).await;
    assert_eq!(values(&alpha).await, json!({"bus_line": "North", "locker": 7.0}));
    assert_eq!(values(&beta).await, json!({}));
    assert_eq!(office.read(&format!("orgs/{}", id(&beta))).await["name"], "Beta");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_table_is_looked_at_first() {
    let (platform, door) = unhurried_platform().await;
    let tenant = platform.tenant("north", Tier::Shared).await;
    let office = Office { door: &door, tenant: &tenant };
    let look = office.call("POST", "roster/table_preview?resource=persons").file("text/csv", Bytes::from(PUPILS));
    let seen = look.expect(200).await;
    let targets: Vec<_> = seen["columns"].as_array().unwrap().iter().map(|column| column["target"].clone()).collect();
    assert_eq!(json!(targets), json!(["identifier", "given_name", "family_name", "email", null, null]));
    assert_eq!((&seen["rows"], &seen["missing"]), (&json!(2), &json!([])));
    assert_eq!(seen["columns"][1]["examples"], json!(["Mila", "Zoë"]));
    let tables = office.read("roster/tables").await;
    let names: Vec<_> =
        tables["resources"].as_array().unwrap().iter().map(|known| known["resource"].as_str().unwrap()).collect();
    for name in [
        "persons",
        "contacts",
        "courses",
        "classes",
        "enrollments",
        "staff_assignments",
        "academic_records",
        "rooms",
        "calendar_dates",
        "attendance_codes",
        "attendance_events",
    ] {
        assert!(names.contains(&name), "{name} is not in {names:?}");
    }
    // What is kept sealed does not lie open in what an import leaves behind.
    for name in ["allergies", "health_conditions", "medications", "immunizations", "health_visits"] {
        assert!(!names.contains(&name), "{name} is in {names:?}");
        let look = office.call("POST", &format!("roster/table_preview?resource={name}"));
        assert_eq!(look.file("text/csv", Bytes::from(PUPILS)).send().await.status, 422, "{name}");
    }
}
