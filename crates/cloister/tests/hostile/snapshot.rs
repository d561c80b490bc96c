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

/// Whose rows are looked at.
pub(crate) enum Whose {
    /// Everybody's, and those that are nobody's.
    All,
    /// Those of the tenants with these ids.
    Of(Vec<String>),
}

/// Of every database of the installation, as the administrator sees it.
pub(crate) async fn take(prefix: &str, whose: &Whose) -> Snapshot {
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
            let of = match whose {
                Whose::All => String::new(),
                Whose::Of(ids) if of_tenant => format!("where tenant_id in ('{}')", ids.join("', '")),
                Whose::Of(ids) if name == "control.tenant" => format!("where id in ('{}')", ids.join("', '")),
                Whose::Of(_) => continue,
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

/// The ids of all tenants but one, as rows have them.
pub(crate) async fn neighbours(prefix: &str, slug: &str) -> Whose {
    let look = admin_server().connect(&format!("{prefix}_control")).await.unwrap();
    let rows = look.query("select id::text from control.tenant where slug <> $1", &[&slug]).await.unwrap();
    assert!(rows.len() >= 3);
    Whose::Of(rows.iter().map(|row| row.get(0)).collect())
}

/// Nothing is other than it was. What is new since, such as another tenant's database, is no concern of whoever was there.
pub(crate) fn same(before: &Snapshot, after: &Snapshot, chapter: &str) {
    let changed: Vec<_> = before.iter().filter(|(name, state)| after.get(*name) != Some(state)).collect();
    assert!(changed.is_empty(), "{chapter} changed {changed:?}");
}
