//! Rows in every table, made up from what the catalog says of it, so that a new table has some too.
//!
//! Two a tenant: the second is there for rows that must not point at the same one twice. Values follow from table, column and
//! tenant, so no two tenants share any; what a check allows is found by trying the words in it.

use std::collections::HashMap;

use cloister_ids::TenantId;
use tokio_postgres::Client;

use crate::{
    catalog::{Column, Pointer, Table},
    literal,
};

/// What an optional column may be.
const NOTHING: &str = "null";

/// Fills every table for both tenants.
pub(crate) async fn fill(client: &Client, tables: &[Table], tenants: [TenantId; 2]) {
    // Rows point at rows that are made later.
    client.batch_execute("set session_replication_role = replica").await.unwrap();
    for table in tables {
        let words = words(table);
        for (at, tenant) in tenants.iter().enumerate() {
            for number in 0..2 {
                insert(client, tables, table, &words, &format!("{at}{number}"), *tenant).await;
            }
        }
    }
    client.batch_execute("set session_replication_role = origin").await.unwrap();
    for table in tables {
        assert_whole(client, table).await;
    }
}

/// By column: what checks and the conditions of indexes say it may be.
fn words(table: &Table) -> HashMap<String, Vec<String>> {
    let mut words: HashMap<String, Vec<String>> = HashMap::new();
    for column in &table.columns {
        let conditions = table.keys.iter().filter_map(|key| key.of.as_deref());
        for part in conditions.flat_map(|of| of.split(" AND ")).filter(|part| part.contains(column.name.as_str())) {
            let allowed = words.entry(column.name.clone()).or_default();
            if part.contains(&format!("{} IS NOT NULL", column.name)) {
                allowed.push("present".to_owned());
            } else {
                allowed.extend(quoted(part));
            }
        }
    }
    for check in &table.checks {
        for column in &check.columns {
            words.entry(column.clone()).or_default().extend(quoted(&check.says));
        }
    }
    words
}

/// The texts in quotes.
fn quoted(text: &str) -> Vec<String> {
    text.split('\'').skip(1).step_by(2).filter(|word| !word.is_empty()).map(|word| format!("'{word}'")).collect()
}

/// The foreign key that a column is part of, and where in it.
fn pointer_of<'a>(table: &'a Table, column: &str) -> Option<(&'a Pointer, usize)> {
    table.pointers.iter().find_map(|pointer| Some((pointer, pointer.columns.iter().position(|name| name == column)?)))
}

/// What a column may be that points at a row. None when it stays empty.
fn pointed(tables: &[Table], table: &Table, (pointer, at): (&Pointer, usize), who: &str) -> Option<[String; 2]> {
    if pointer.to == table.path().replace('"', "") {
        return None;
    }
    let (tenant, number) = who.split_at(1);
    let to = tables.iter().find(|other| other.path().replace('"', "") == pointer.to)?;
    let row = |number: &str| made_up(to, &pointer.to_columns[at], &format!("{tenant}{number}"));
    let other = if number == "0" { "1" } else { "0" };
    Some([row(number), row(other)])
}

/// What a column may be, the likeliest first. None when it stays empty.
fn candidates(tables: &[Table], table: &Table, column: &Column, words: &[String], who: &str) -> Option<Vec<String>> {
    if let Some(pointer) = pointer_of(table, &column.name) {
        let mut found = pointed(tables, table, pointer, who)?.to_vec();
        if !column.required {
            found.insert(1, NOTHING.to_owned());
        }
        return Some(found);
    }
    let keyed = table.keys.iter().any(|key| key.columns.contains(&column.name));
    let present = words.iter().any(|word| word == "present");
    let text = made_up(table, &column.name, who);
    let mut found: Vec<String> = words.iter().filter(|word| *word != "present").cloned().collect();
    let plain: &[&str] = match column.kind.as_str() {
        "uuid" => &[],
        "boolean" => &["true", "false"],
        "jsonb" => &["'{}'", "'[]'"],
        "bytea" => &["decode(repeat('ab', 32), 'hex')", "'\\x00'"],
        // Two of them, for what begins and ends.
        "date" | "timestamp with time zone" => &["'2026-01-01'", "'2026-01-02'"],
        "time without time zone" => &["'08:00'", "'09:00'"],
        "text" => &["'a'", "'1'"],
        kind if kind.ends_with("[]") => &["'{}'"],
        _ if who.ends_with('0') => &["1", "2000", "0"],
        _ => &["2", "2001", "0"],
    };
    match column.kind.as_str() {
        "text" => {
            // One of its own, unless only some words are allowed.
            found.insert(if keyed || found.is_empty() { 0 } else { found.len() }, format!("({text})::text"));
            if keyed {
                found.push(format!("'w{who}'"));
            }
        }
        "uuid" => {
            // Or what a pointer beside it is, where a check compares them.
            let checks = table.checks.iter().filter(|check| check.columns.contains(&column.name));
            let beside = checks.flat_map(|check| &check.columns).filter_map(|other| pointer_of(table, other));
            let beside = beside.filter_map(|pointer| pointed(tables, table, pointer, who));
            found = std::iter::once(text).chain(beside.flatten()).collect();
        }
        _ => found.clear(),
    }
    found.extend(plain.iter().map(|text| (*text).to_owned()));
    if !(column.required || keyed || present) {
        // Left out, unless a check wants it for what the others are.
        found.insert(0, NOTHING.to_owned());
    }
    Some(found)
}

/// An id for this column of this row: the same wherever it is asked for.
fn made_up(table: &Table, column: &str, who: &str) -> String {
    format!("md5('{} {column} {who}')::uuid", table.title())
}

async fn insert(
    client: &Client,
    tables: &[Table],
    table: &Table,
    words: &HashMap<String, Vec<String>>,
    who: &str,
    tenant: TenantId,
) {
    let mut values: Vec<(&str, Vec<String>, usize)> = Vec::new();
    for column in table.columns.iter().filter(|column| column.name != "tenant_id") {
        let allowed = words.get(&column.name).map_or(&[][..], Vec::as_slice);
        if let Some(candidates) = candidates(tables, table, column, allowed, who) {
            values.push((&column.name, candidates, 0));
        }
    }
    for _ in 0..500 {
        let names: Vec<String> = values.iter().map(|(name, ..)| format!(", \"{name}\"")).collect();
        let row: Vec<String> = values.iter().map(|(_, candidates, at)| format!(", {}", candidates[*at])).collect();
        let text = format!(
            "insert into {} (tenant_id{}) values ({}{}) on conflict do nothing",
            table.path(),
            names.concat(),
            literal(tenant),
            row.concat()
        );
        let Err(error) = client.batch_execute(&text).await else { return };
        let db = error.as_db_error().unwrap_or_else(|| panic!("{error}"));
        assert_eq!(db.code().code(), "23514", "{text}: {db}");
        let broken = table.checks.iter().find(|check| Some(check.name.as_str()) == db.constraint());
        let broken = broken.map_or(&[][..], |check| &check.columns);
        let mut broken = values.iter_mut().filter(|(name, ..)| broken.iter().any(|column| column == name));
        // Like the wheels of a counter: the next of the first column; of the one after it when that one has come around.
        let turned = broken.any(|(_, candidates, at)| {
            *at = (*at + 1) % candidates.len();
            *at > 0
        });
        assert!(turned, "nothing that was tried keeps {}: {text}", db.message());
    }
    panic!("no row of {} could be made up", table.title());
}

/// What was made up is what the table would have taken: every row points at one of its own tenant, and every key has a row
/// that it is about.
async fn assert_whole(client: &Client, table: &Table) {
    for pointer in &table.pointers {
        let on: Vec<String> = pointer
            .columns
            .iter()
            .zip(&pointer.to_columns)
            .map(|(from, to)| format!("t.\"{to}\" = f.\"{from}\""))
            .collect();
        let set: Vec<String> = pointer.columns.iter().map(|column| format!("f.\"{column}\" is not null")).collect();
        let text = format!(
            "select count(*) from {} f where {} and not exists (select from {} t where {})",
            table.path(),
            set.join(" and "),
            pointer.to,
            on.join(" and ")
        );
        let lost: i64 = client.query_one(&text, &[]).await.unwrap().get(0);
        assert_eq!(lost, 0, "{} of {}", pointer.name, table.title());
    }
    for key in &table.keys {
        let of = key.of.as_deref().unwrap_or("true");
        let text = format!("select count(distinct tenant_id) from {} where {of}", table.path());
        let about: i64 = client.query_one(&text, &[]).await.unwrap().get(0);
        assert!(about >= 2, "no row was made up that {} is about", key.name);
    }
}
