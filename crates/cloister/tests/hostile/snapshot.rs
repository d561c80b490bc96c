//! Everything that an installation keeps, table by table: to see that nothing was written.

use std::collections::BTreeMap;

use cloister_testkit::admin_server;

/// Tables that change by themselves, or by being asked. Each is about attempts and background work, none is a tenant's.
const RESTLESS: &[&str] = &[
    // Who tried what, which is to be written down.
    "control.sign_in_failure",
    "control.session",
    "control.refresh_token",
    "control.known_device",
    "control.audit",
    "control.audit_unsealed",
    "control.audit_chain",
    "control.audit_head",
    "cloister.audit",
    "cloister.audit_unsealed",
    "cloister.audit_chain",
    // What runs in the background.
    "control.cron",
    "control.job",
    "control.job_lane",
    "cloister.inbox",
    "cloister.outbox",
    "control.idempotency_key",
    "control.signing_key",
];

/// For each table its rows, condensed.
pub(crate) type Snapshot = BTreeMap<String, String>;

const TABLES: &str = "select n.nspname::text, c.relname::text,
        exists (select from pg_attribute a where a.attrelid = c.oid and a.attname = 'tenant_id')
    from pg_class c join pg_namespace n on n.oid = c.relnamespace
    where c.relkind in ('r', 'p') and n.nspname not in ('pg_catalog', 'information_schema', 'pg_toast') order by 1, 2";

/// Of every database of the installation, as the administrator sees it; without the rows of one tenant, when it is named.
pub(crate) async fn take(prefix: &str, without: Option<&str>) -> Snapshot {
    let server = admin_server();
    let admin = server.connect("postgres").await.unwrap();
    let databases = "select datname::text from pg_database where starts_with(datname, $1) order by 1";
    let mut all = Snapshot::new();
    let names: Vec<String> = admin.query(databases, &[&prefix]).await.unwrap().iter().map(|row| row.get(0)).collect();
    assert!(names.len() >= 3, "{names:?}");
    for database in names {
        let look = server.connect(&database).await.unwrap();
        for row in look.query(TABLES, &[]).await.unwrap() {
            let (schema, table, of_tenant): (String, String, bool) = (row.get(0), row.get(1), row.get(2));
            let name = format!("{schema}.{table}");
            if RESTLESS.contains(&name.as_str()) {
                continue;
            }
            let of = match without {
                Some(id) if of_tenant => format!("where tenant_id <> '{id}'"),
                _ => String::new(),
            };
            let sql = format!(
                "select count(*)::text || ' rows ' || coalesce(md5(string_agg(md5(t::text), '' order by md5(t::text))), '-')
                    from \"{schema}\".\"{table}\" t {of}"
            );
            let state: String = look.query_one(&sql, &[]).await.unwrap().get(0);
            all.insert(format!("{database}:{name}"), state);
        }
    }
    all
}

/// The id of a tenant, as rows have it.
pub(crate) async fn tenant(prefix: &str, slug: &str) -> String {
    let look = admin_server().connect(&format!("{prefix}_control")).await.unwrap();
    look.query_one("select id::text from control.tenant where slug = $1", &[&slug]).await.unwrap().get(0)
}

/// Nothing is other than it was.
pub(crate) fn same(before: &Snapshot, after: &Snapshot, chapter: &str) {
    let names = before.keys().chain(after.keys());
    let mut changed: Vec<_> = names.filter(|name| before.get(*name) != after.get(*name)).collect();
    changed.sort();
    changed.dedup();
    assert!(changed.is_empty(), "{chapter} changed {changed:?}");
}
