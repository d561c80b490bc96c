//! Marks every text that a tenant has, in whatever table, with a word of its own: from the catalog, so that a new column is
//! marked without anybody remembering.

use std::collections::{BTreeMap, BTreeSet};

use cloister_ids::Uuid;
use cloister_testkit::TestPlatform;
use serde_json::{Value, json};
use tokio_postgres::Client;

/// Columns that say who somebody is or where something goes: changed, the tenant would be another, or nobody.
const LEFT: &[&str] = &[
    // Slugs are public, and the others choose what the tenant is.
    "tenant.slug",
    "tenant.kind",
    "tenant.plan",
    "tenant.region",
    "tenant.locale",
    "tenant.time_zone",
    "fence.schema_name",
    "placement.schema_name",
    // Jobs are done by their kind; one that is unknown would be set aside.
    "job.kind",
    "outbox.kind",
    // How a roster comes in, in words of the program's own: by any other the run could not be read.
    "import_run.settings",
];

/// What was marked.
#[derive(Debug, Default)]
pub(crate) struct Marked {
    /// `schema.table.column` of each column that holds the word now.
    pub(crate) columns: BTreeSet<String>,
    /// Columns that take no such word, and what said so.
    pub(crate) refused: BTreeMap<String, String>,
    /// Tables in which this tenant has nothing: `database/schema.table`.
    pub(crate) empty: BTreeSet<String>,
}

/// A column that holds text in some form.
struct Column {
    schema: String,
    table: String,
    name: String,
    form: String,
}

/// Marks all that `tenant` has. `word` is of lower-case letters and digits; the number of the column follows it.
pub(crate) async fn mark(platform: &TestPlatform, tenant: Uuid, word: &str) -> Marked {
    let mut marked = Marked::default();
    for database in platform.databases().await {
        let client = platform.admin(&database).await;
        for column in columns(&client).await {
            let Column { schema, table, name, .. } = &column;
            let owner = if table == "tenant" { "id" } else { "tenant_id" };
            let whole = format!("{database}/{schema}.{table}");
            if marked.empty.contains(&whole) {
                continue;
            }
            let there = format!("select exists (select from \"{schema}\".\"{table}\" where {owner} = $1)");
            if !client.query_one(&there, &[&tenant]).await.unwrap().get::<_, bool>(0) {
                marked.empty.insert(whole);
                continue;
            }
            let place = format!("{schema}.{table}.{name}");
            let own = format!("{word}x{}x", marked.columns.len() + marked.refused.len());
            match mark_column(&client, &column, owner, tenant, &own).await {
                Ok(()) => drop(marked.columns.insert(place)),
                Err(why) => drop(marked.refused.insert(place, why)),
            }
        }
    }
    marked
}

/// Text, lists of it and JSON, in tables where rows have a tenant, and in the table of tenants.
async fn columns(client: &Client) -> Vec<Column> {
    let text = "select n.nspname::text, c.relname::text, a.attname::text, format_type(a.atttypid, null)
        from pg_attribute a join pg_class c on c.oid = a.attrelid join pg_namespace n on n.oid = c.relnamespace
        where c.relkind in ('r', 'p') and n.nspname !~ '^(pg_|information_schema)' and a.attnum > 0
        and not a.attisdropped and a.attgenerated = ''
        and a.atttypid in ('text'::regtype, 'varchar'::regtype, 'text[]'::regtype, 'jsonb'::regtype)
        and ((n.nspname = 'control' and c.relname = 'tenant') or exists (select from pg_attribute t
            where t.attrelid = c.oid and t.attname = 'tenant_id' and not t.attisdropped))
        order by 1, 2, 3";
    let rows = client.query(text, &[]).await.unwrap();
    rows.iter()
        .map(|row| Column { schema: row.get(0), table: row.get(1), name: row.get(2), form: row.get(3) })
        .filter(|column| !LEFT.contains(&format!("{}.{}", column.table, column.name).as_str()))
        .collect()
}

async fn mark_column(client: &Client, column: &Column, owner: &str, tenant: Uuid, word: &str) -> Result<(), String> {
    let Column { schema, table, name, form } = column;
    let value = match form.as_str() {
        "jsonb" => return mark_json(client, column, owner, tenant, word).await,
        "text[]" => "array[$2::text || n]",
        _ => "$2::text || n",
    };
    // Where the text is bound to have a certain form, such as an address of mail or of the web.
    let mut refusal = String::new();
    for form in [word.to_owned(), format!("{word}@mail.example"), format!("https://{word}.example/")] {
        let text = format!(
            "update \"{schema}\".\"{table}\" t set \"{name}\" = {value} from
                (select ctid, row_number() over () as n from \"{schema}\".\"{table}\" where {owner} = $1) o
            where t.ctid = o.ctid"
        );
        match client.execute(&text, &[&tenant, &form]).await {
            Ok(_) => return Ok(()),
            Err(error) => {
                let database = error.as_db_error().unwrap_or_else(|| panic!("{text}: {error}"));
                refusal = database.message().to_owned();
            }
        }
    }
    Err(refusal)
}

/// Every text within a value becomes the word; an object without any gets one.
async fn mark_json(client: &Client, column: &Column, owner: &str, tenant: Uuid, word: &str) -> Result<(), String> {
    let Column { schema, table, name, .. } = column;
    let read = format!("select ctid::text, \"{name}\" from \"{schema}\".\"{table}\" where {owner} = $1");
    let write = format!("update \"{schema}\".\"{table}\" set \"{name}\" = $2 where ctid = $1::text::tid");
    for (at, row) in client.query(&read, &[&tenant]).await.unwrap().iter().enumerate() {
        let Some(before) = row.get::<_, Option<Value>>(1) else { continue };
        let mut value = before;
        replace(&mut value, &format!("{word}{at}"));
        if let Value::Object(fields) = &mut value {
            fields.insert("note".to_owned(), json!(format!("{word}{at}")));
        }
        let ctid: String = row.get(0);
        if let Err(error) = client.execute(&write, &[&ctid, &value]).await {
            return Err(error.as_db_error().map_or_else(|| error.to_string(), |error| error.message().to_owned()));
        }
    }
    Ok(())
}

fn replace(value: &mut Value, word: &str) {
    match value {
        Value::String(text) => word.clone_into(text),
        Value::Array(items) => items.iter_mut().for_each(|item| replace(item, word)),
        Value::Object(fields) => fields.values_mut().for_each(|field| replace(field, word)),
        _ => {}
    }
}
