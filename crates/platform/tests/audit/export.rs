//! Files.

use cloister_tenancy::{Action, Tier};
use serde_json::{Value, json};

use crate::{AUDIT, house, items, note};

#[tokio::test(flavor = "multi_thread")]
async fn a_log_is_exported_whole_and_that_it_was_is_noted() {
    let (platform, door) = house().await;
    let tenant = platform.tenant("north", Tier::Shared).await;
    let other = platform.tenant("south", Tier::Shared).await;
    note(&platform, &other, "eve", Action::Create, 1, "of somebody else").await;
    note(&platform, &tenant, "ada", Action::Create, 1, "first, \"quoted\"").await;
    let admin = platform.admin(&tenant.placement.as_ref().unwrap().database).await;
    // More than are read at once.
    let many = "insert into cloister.audit (tenant_id, id, at, actor, action, resource, request_id, reason)
        select $1, ('0190' || lpad(to_hex(n), 4, '0') || '-0000-7000-8000-000000000000')::uuid, now() - interval '1 hour',
            'account:bob', 'update', 'notebook.note', gen_random_uuid(), '=HYPERLINK(\"http://evil.example\")'
        from generate_series(1, 1234) n";
    admin.execute(many, &[&tenant.id.uuid()]).await.unwrap();

    let seen = door.within(&tenant, "GET", &format!("{AUDIT}/export?format=ndjson")).send().await;
    assert_eq!((seen.status, seen.header("content-type")), (200, Some("application/x-ndjson")));
    let lines: Vec<Value> = seen.text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert!(lines.len() >= 1235, "{}", lines.len());
    let mut ids: Vec<&str> = lines.iter().map(|line| line["id"].as_str().unwrap()).collect();
    ids.dedup();
    assert_eq!(ids.len(), lines.len(), "an entry twice");
    assert!(ids.is_sorted(), "not the oldest first");
    assert!(!seen.text.contains("somebody else"));

    let seen = door.within(&tenant, "GET", &format!("{AUDIT}/export?actor=account:bob")).send().await;
    assert_eq!((seen.status, seen.header("content-type")), (200, Some("text/csv; charset=utf-8")));
    assert_eq!(seen.header("content-disposition"), Some("attachment; filename=\"audit-north.csv\""));
    assert_eq!(seen.header("cache-control"), Some("no-store"));
    let lines: Vec<&str> = seen.text.split_terminator("\r\n").collect();
    assert_eq!(lines.len(), 1 + 1234);
    assert!(lines[0].starts_with("id,at,actor,"));
    let guarded = "\"'=HYPERLINK(\"\"http://evil.example\"\")\"";
    assert!(lines[1..].iter().all(|line| line.contains(guarded)), "{}", lines[1]);

    let noted = door.within(&tenant, "GET", &format!("{AUDIT}?action=export&sort=-newest")).expect(200).await;
    let asked: Vec<&Value> = items(&noted).iter().map(|entry| &entry["changes"]).collect();
    assert_eq!(asked, [&json!({ "format": "ndjson" }), &json!({ "format": "csv", "actor": "account:bob" })]);
    door.within(&tenant, "GET", &format!("{AUDIT}/export?format=xml")).refused(400, "query_invalid").await;
}
