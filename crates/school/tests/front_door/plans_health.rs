//! How PostgreSQL answers what is asked of health records, alerts and the access log, among many rows: by an index, and touching no
//! more than is shown.

use cloister_ids::{AccountId, SystemClock};
use serde_json::Value;

use crate::{
    plans::{NIL, enter, named, nodes, plan, run, two_large_schools, words},
    plans_within::TEACH,
};

/// The kinds, each with the day it is about and the rest of its columns in clear.
const KINDS: [(&str, &str, &str, &str); 5] = [
    ("allergy", "recorded_date", ", alert", ", hashtext(p.sourced_id) % 10 = 0"),
    ("health_condition", "recorded_date", ", alert", ", hashtext(p.sourced_id) % 10 = 1"),
    ("medication", "begin_date", "", ""),
    ("immunization", "date", "", ""),
    ("health_visit", "date", "", ""),
];

/// Two records of this kind of each of 20,000 students of two schools.
fn fill((table, date, columns, values): (&str, &str, &str, &str)) -> String {
    format!(
        "insert into {table} (tenant_id, id, status, date_last_modified, source, version, created_at, created_by, updated_at,
                updated_by, student_id, sealed, {date}{columns})
            select p.tenant_id, gen_random_uuid(), 'active', p.date_last_modified, 'manual', 1, now(), 'x', now(), 'x', p.id,
                decode(repeat('00', 100), 'hex'), date '2020-01-01' + (hashtext(p.sourced_id || n) & 2047){values}
            from person p cross join generate_series(1, 2) n;
         vacuum analyze {table};"
    )
}

/// Three entries about each of them, by one of two hundred readers.
const FILL_LOG: &str = "
    insert into access_log_entry (tenant_id, id, at, actor, account_id, action, resource, resource_id, student_id, request_id)
        select p.tenant_id, gen_random_uuid(), now() - n * interval '1 day', 'x',
            md5(((hashtext(p.sourced_id) & 65535) + n) % 200 || '')::uuid, 'read', 'allergy', 'x', p.id, gen_random_uuid()
        from person p cross join generate_series(1, 3) n";

#[tokio::test]
async fn lists_of_health_are_brought_by_an_index_and_touch_no_more_than_they_show() {
    let (_platform, north, client) = two_large_schools().await;
    client.batch_execute(TEACH).await.unwrap();
    for kind in KINDS {
        for statement in fill(kind).split_inclusive(';') {
            client.batch_execute(statement).await.unwrap();
        }
    }
    client.batch_execute(FILL_LOG).await.unwrap();
    let text = "select count(distinct account_id) from access_log_entry";
    assert_eq!(client.query_one(text, &[]).await.unwrap().get::<_, i64>(0), 200);
    let account = AccountId::generate(&SystemClock);
    let text = "update person p set account_id = $1 from teacher_of t where p.tenant_id = t.tenant_id and p.id = t.id";
    assert_eq!(client.execute(text, &[&account.uuid()]).await.unwrap(), 2);
    client.batch_execute("vacuum analyze person, contact, enrollment, access_log_entry").await.unwrap();
    let text = "select student_id::text, account_id::text from access_log_entry where tenant_id = $1 limit 1";
    let row = client.query_one(text, &[&north.id.uuid()]).await.unwrap();
    let (student, saw): (String, String) = (row.get(0), row.get(1));

    let mut by_index = vec![
        ("health_alert::store::ALL".to_owned(), "allergy_alert".to_owned()),
        ("health_alert::store::ALL_DESC".to_owned(), "health_condition_alert".to_owned()),
        ("access_log_entry::store::ALL_DESC".to_owned(), "access_log_entry_pkey".to_owned()),
        ("access_log_entry::store::STUDENT_DESC".to_owned(), "access_log_entry_by_student".to_owned()),
        ("access_log_entry::store::READER_DESC".to_owned(), "access_log_entry_by_account".to_owned()),
    ];
    for (kind, ..) in KINDS {
        for (name, index) in [
            ("ALL_BY_DATE", "by_date"),
            ("ALL_BY_DATE_DESC", "by_date"),
            ("ALL_BY_CHANGE", "by_modification"),
            ("STUDENT_BY_DATE", "by_student"),
            ("STUDENT_BY_CHANGE_DESC", "by_student"),
            ("GET", "pkey"),
        ] {
            by_index.push((format!("{kind}::store::{name}"), format!("{kind}_{index}")));
        }
    }
    for (name, index) in by_index {
        let plan = plan(&client, named(&name)).await;
        assert!(words(&plan, "Index Name").contains(&index.as_str()), "{name}: {plan}");
        // There are few merges.
        let whole = |node: &&Value| node["Node Type"] == "Seq Scan" && node["Relation Name"] != "person_merge";
        assert!(!nodes(&plan).iter().any(whole), "{name}: {plan}");
    }

    enter(&client, &north).await;
    let scopes = "'{own_classes,own_children,self}'";
    let reader = format!("'{}', '2025-10-15', {scopes}", account.uuid());
    let last = NIL.replace('0', "f");
    let any = format!("'{NIL}', '{last}'");
    let mut asked = vec![
        ("health_alert::store::ALL".to_owned(), format!("'{NIL}', 21, '2025-10-15', null"), 200.0),
        ("health_alert::store::ALL_DESC".to_owned(), format!("'{last}', 21, '2025-10-15', null"), 200.0),
        (
            "health_alert::store::WITHIN".to_owned(),
            format!("'{NIL}', 21, '2025-10-15', null, '{}', {scopes}", account.uuid()),
            8_000.0,
        ),
        (
            "access_log_entry::store::ALL_DESC".to_owned(),
            format!("'{last}', 21, null, null, null, null, null, {any}"),
            200.0,
        ),
        (
            "access_log_entry::store::READER".to_owned(),
            format!("'{NIL}', 21, null, null, null, '{saw}', null, {any}"),
            200.0,
        ),
        (
            "access_log_entry::store::STUDENT_DESC".to_owned(),
            format!("'{last}', 21, null, null, null, null, '{student}', {any}"),
            200.0,
        ),
    ];
    for (kind, ..) in KINDS {
        let page = |key: &str| format!("'active', '{key}', '{NIL}', 21, null, null");
        for (name, with, bound) in [
            ("ALL_BY_DATE", page("2021-10-05"), 200.0),
            ("ALL_BY_CHANGE", page("-infinity"), 200.0),
            ("STUDENT_BY_DATE", format!("{}, '{student}'", page("0001-01-01")), 100.0),
            // Those of 200 students taught, three children and oneself.
            ("WITHIN_BY_DATE", format!("{}, null, {reader}", page("0001-01-01")), 6_000.0),
        ] {
            asked.push((format!("{kind}::store::{name}"), with, bound));
        }
    }
    for (name, with, bound) in asked {
        let ran = run(&client, &north, &name, &with).await;
        assert!(!ran.found.is_empty(), "{name}");
        assert!(ran.touched < bound, "{name} touched {}: {}", ran.touched, ran.plan);
    }
}
