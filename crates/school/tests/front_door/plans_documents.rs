//! How PostgreSQL answers what is asked of documents, among many rows: by an index, and reading no more than is shown.

use cloister_ids::{AccountId, SystemClock};

use crate::{
    plans::{NIL, enter, named, plan, run, two_large_schools, words},
    plans_within::TEACH,
};

/// Two documents of each of 20,000 persons of two schools; one in a hundred ends within the year.
const FILL: &str = "
    insert into document (tenant_id, id, status, date_last_modified, source, metadata, version, created_at, created_by,
            updated_at, updated_by, person_id, document_type, title, title_search, expires_on, audiences)
        select p.tenant_id, gen_random_uuid(), 'active', p.date_last_modified, 'manual', '{}', 1, now(), 'x', now(), 'x', p.id,
            case n when 1 then 'residence_permit' else 'report' end, md5(p.id::text || n), md5(p.id::text || n),
            case when (hashtext(p.sourced_id) + n) % 100 = 0 then date '2026-01-01' + (hashtext(p.sourced_id) & 255)
                else date '9999-12-31' end,
            case n when 1 then array['guardians', 'teachers'] else array['self'] end
        from person p cross join generate_series(1, 2) n";

#[tokio::test]
async fn lists_of_documents_are_brought_by_an_index_and_touch_no_more_than_they_show() {
    let (_platform, north, client) = two_large_schools().await;
    client.batch_execute(TEACH).await.unwrap();
    client.batch_execute(FILL).await.unwrap();
    let account = AccountId::generate(&SystemClock);
    let text = "update person p set account_id = $1 from teacher_of t where p.tenant_id = t.tenant_id and p.id = t.id";
    client.execute(text, &[&account.uuid()]).await.unwrap();
    client.batch_execute("vacuum analyze person, contact, enrollment, document").await.unwrap();
    for (name, index) in [
        ("document::store::ALL_BY_TITLE", "document_by_title"),
        ("document::store::ALL_BY_TITLE_DESC", "document_by_title"),
        ("document::store::ALL_BY_EXPIRY", "document_by_expiry"),
        ("document::store::ALL_BY_EXPIRY_DESC", "document_by_expiry"),
        ("document::store::ALL_BY_CHANGE", "document_by_modification"),
        ("document::store::ALL_BY_AGE", "document_pkey"),
        ("document::store::PERSON_BY_AGE", "document_by_person"),
        ("document::store::PERSON_BY_EXPIRY", "document_by_person"),
        ("document::store::COUNT", "document_by_person"),
        ("document::store::GET", "document_pkey"),
    ] {
        let plan = plan(&client, named(name)).await;
        let used = words(&plan, "Index Name");
        let kinds = words(&plan, "Node Type");
        assert!(used.contains(&index), "{name}: {plan}");
        assert!(!kinds.contains(&"Seq Scan"), "{name}: {plan}");
    }
    enter(&client, &north).await;
    let reader = format!("'{}', '2025-10-15', '{{own_classes,own_children,self}}'", account.uuid());
    for (name, with, bound) in [
        // What ends soon: 21 rows of four hundred, of 40,000.
        (
            "document::store::ALL_BY_EXPIRY",
            format!("'active', '0001-01-01', '{NIL}', 21, null, '2026-06-01', '', '\u{10ffff}'"),
            100.0,
        ),
        // What begins so.
        (
            "document::store::ALL_BY_TITLE",
            format!("'active', '', '{NIL}', 21, null, '9999-12-31', 'abc', 'abc\u{10ffff}'"),
            100.0,
        ),
        // Those of 200 students taught, three children and oneself.
        (
            "document::store::WITHIN_BY_EXPIRY",
            format!("'active', '0001-01-01', '{NIL}', 21, null, '9999-12-31', '', '\u{10ffff}', null, {reader}"),
            6_000.0,
        ),
    ] {
        let ran = run(&client, &north, name, &with).await;
        assert!(!ran.found.is_empty(), "{name}");
        assert!(ran.touched < bound, "{name} touched {}: {}", ran.touched, ran.plan);
    }
}
