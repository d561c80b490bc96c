//! Every row of every database of a platform, in a number a table: whether anything was written.

use std::collections::BTreeMap;

use cloister_testkit::TestPlatform;
use tokio_postgres::Client;

/// Tables that a refusal may write to: the audit logs with their seals, which are looked at apart, and the count of wrong
/// passwords and codes.
const APART: [&str; 8] = [
    "cloister.audit",
    "cloister.audit_chain",
    "cloister.audit_unsealed",
    "control.audit",
    "control.audit_chain",
    "control.audit_head",
    "control.audit_unsealed",
    "control.sign_in_failure",
];

/// Whoever is shown what is their own is noted there, which is no refusal.
const ACCESS_LOG: &str = ".access_log_entry";

/// Looks past all walls at the tables of a platform.
pub(crate) struct Ledger {
    databases: Vec<(String, Client, String)>,
}

/// Rows of each table: how many, and a sum over what is in them.
pub(crate) type Page = BTreeMap<String, String>;

impl Ledger {
    /// Of all databases that the platform has by now.
    pub(crate) async fn open(platform: &TestPlatform) -> Self {
        let client = platform.admin("postgres").await;
        let like = format!("{}\\_%", platform.prefix);
        let names =
            client.query("select datname::text from pg_database where datname like $1", &[&like]).await.unwrap();
        let mut databases = Vec::new();
        for name in names {
            let name: String = name.get(0);
            let client = platform.admin(&name).await;
            let tables = "select format('%I.%I', schemaname, tablename) from pg_tables
                where schemaname not in ('pg_catalog', 'information_schema') order by 1";
            let tables = client.query(tables, &[]).await.unwrap();
            let sums: Vec<String> = (tables.iter())
                .map(|row| row.get::<_, String>(0))
                .filter(|table| !APART.contains(&table.as_str()) && !table.ends_with(ACCESS_LOG))
                .map(|table| {
                    format!(
                        "select '{table}', count(*)::text || ' rows, ' ||
                         coalesce(sum(hashtextextended(t::text, 0)::numeric), 0)::text from {table} t"
                    )
                })
                .collect();
            if !sums.is_empty() {
                databases.push((name, client, sums.join(" union all ")));
            }
        }
        assert!(databases.len() >= 2, "the ledger sees {} databases", databases.len());
        Self { databases }
    }

    /// As everything is now.
    pub(crate) async fn page(&self) -> Page {
        let mut page = Page::new();
        for (name, client, query) in &self.databases {
            for row in client.query(query.as_str(), &[]).await.unwrap() {
                page.insert(format!("{name}: {}", row.get::<_, &str>(0)), row.get(1));
            }
        }
        page
    }
}

/// The tables that differ.
pub(crate) fn differences(before: &Page, after: &Page) -> Vec<String> {
    let tables = after.iter().filter(|(table, sum)| before.get(*table) != Some(sum));
    tables
        .map(|(table, sum)| format!("{table} ({} → {sum})", before.get(table).map_or("none", String::as_str)))
        .collect()
}
