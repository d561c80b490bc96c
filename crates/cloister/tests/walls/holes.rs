//! Every hole that can be made in what stands around a table, one at a time.

use cloister_tenancy::Rights;

use crate::catalog::{Key, Table};

/// A guard taken away.
pub(crate) struct Hole {
    /// What is gone.
    pub(crate) name: String,
    pub(crate) sql: String,
    /// The table that is tried.
    pub(crate) table: usize,
    /// What the application login may do there: where a right stands before the guard, it was given first.
    pub(crate) rights: Rights,
}

const EVERYTHING: &str = "select, insert, update, delete";

/// Of every table. `rights` are the declared ones.
pub(crate) fn all(tables: &[Table], rights: &[Rights], application: &str) -> Vec<Hole> {
    let mut holes = Vec::new();
    for (at, table) in tables.iter().enumerate() {
        let path = table.path();
        let mut hole = |what: &str, sql: String, rights: Rights| {
            holes.push(Hole { name: format!("table/{}/{what}", table.title()), sql, table: at, rights });
        };
        let declared = rights[at];
        let give = format!("grant {EVERYTHING} on {path} to \"{application}\";");
        hole("policy_dropped", format!("drop policy application on {path}"), declared);
        hole("using_true", format!("{give} alter policy application on {path} using (true)"), Rights::Write);
        hole("with_check_true", format!("{give} alter policy application on {path} with check (true)"), Rights::Write);
        let open = format!("alter policy application on {path} using (true) with check (true)");
        hole("policy_true", open, declared);
        hole("system_policy_for_everybody", format!("alter policy system on {path} to public"), declared);
        hole("row_security_off", format!("alter table {path} disable row level security"), declared);
        hole("owned_by_the_application", format!("alter table {path} owner to \"{application}\""), declared);
        let missing: &[&str] = match declared {
            Rights::Write => &["truncate", "trigger"],
            Rights::Append => &["update", "delete", "truncate", "trigger"],
            Rights::Read => &["insert", "update", "delete", "truncate", "trigger"],
        };
        for right in missing {
            hole(&format!("grant_{right}"), format!("grant {right} on {path} to \"{application}\""), declared);
            hole(&format!("grant_{right}_to_everybody"), format!("grant {right} on {path} to public"), declared);
        }
        for pointer in &table.pointers {
            let sql = format!("alter table {path} drop constraint \"{}\"", pointer.name);
            hole(&format!("foreign_key/{}", pointer.name), sql, declared);
        }
        for key in &table.keys {
            if let Some(sql) = without_tenant(table, key) {
                hole(&format!("key/{}", key.name), sql, declared);
            }
        }
    }
    for (what, sql) in [
        ("bypasses_row_security", format!("alter role \"{application}\" bypassrls")),
        ("is_superuser", format!("alter role \"{application}\" superuser")),
    ] {
        holes.push(Hole { name: format!("login/{what}"), sql, table: 0, rights: rights[0] });
    }
    let mut schemas: Vec<&str> = tables.iter().map(|table| table.schema.as_str()).collect();
    schemas.dedup();
    for schema in schemas {
        let table = tables.iter().position(|table| table.schema == schema).unwrap_or_default();
        let sql = format!("grant create on schema \"{schema}\" to \"{application}\"");
        holes.push(Hole { name: format!("schema/{schema}/grant_create"), sql, table, rights: rights[table] });
    }
    holes
}

/// The key over all tenants. Our rows make room for it; the trial makes them anew. None where the tenant is all of it.
fn without_tenant(table: &Table, key: &Key) -> Option<String> {
    let columns: Vec<&str> = key.columns.iter().map(String::as_str).filter(|column| *column != "tenant_id").collect();
    if columns.is_empty() || key.columns.len() == columns.len() {
        return None;
    }
    let path = table.path();
    let drop = if key.constraint {
        format!("alter table {path} drop constraint \"{}\" cascade", key.name)
    } else {
        format!("drop index \"{}\".\"{}\"", table.schema, key.name)
    };
    let of = key.of.as_deref().map_or_else(String::new, |of| format!(" where {of}"));
    // An exclusion without the tenant forbids at least what is the same.
    let index = format!("create unique index \"{}_alone\" on {path} ({}){of}", key.name, columns.join(", "));
    let room = format!(
        "set local session_replication_role = replica;
         delete from {path} where tenant_id = current_setting('walls.ours')::uuid;
         set local session_replication_role = origin"
    );
    Some(format!("{room}; {drop}; {index}"))
}
