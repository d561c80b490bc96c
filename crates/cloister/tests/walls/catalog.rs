//! What the database says there is: tables of tenants, with their keys.

use tokio_postgres::{Client, Row};

/// A table that has a tenant.
#[derive(Debug, Clone)]
pub(crate) struct Table {
    pub(crate) schema: String,
    pub(crate) name: String,
    pub(crate) columns: Vec<Column>,
    pub(crate) keys: Vec<Key>,
    pub(crate) pointers: Vec<Pointer>,
    pub(crate) checks: Vec<Check>,
}

#[derive(Debug, Clone)]
pub(crate) struct Column {
    pub(crate) name: String,
    /// As PostgreSQL writes it, such as `text[]`.
    pub(crate) kind: String,
    pub(crate) required: bool,
}

/// What there may be only once: a unique index or an exclusion.
#[derive(Debug, Clone)]
pub(crate) struct Key {
    pub(crate) name: String,
    pub(crate) columns: Vec<String>,
    /// Of which rows.
    pub(crate) of: Option<String>,
    /// There is a constraint behind the index.
    pub(crate) constraint: bool,
}

/// A foreign key.
#[derive(Debug, Clone)]
pub(crate) struct Pointer {
    pub(crate) name: String,
    pub(crate) columns: Vec<String>,
    /// As it is written.
    pub(crate) to: String,
    pub(crate) to_columns: Vec<String>,
}

/// What holds within each row.
#[derive(Debug, Clone)]
pub(crate) struct Check {
    pub(crate) name: String,
    pub(crate) columns: Vec<String>,
    /// As PostgreSQL writes it.
    pub(crate) says: String,
}

impl Table {
    /// As it is written in SQL.
    pub(crate) fn path(&self) -> String {
        format!("\"{}\".\"{}\"", self.schema, self.name)
    }

    /// As it is called in a report: tables of modules by their name alone.
    pub(crate) fn title(&self) -> String {
        if self.schema == "cloister" { format!("cloister.{}", self.name) } else { self.name.clone() }
    }

    /// The columns beside the tenant, separated by commas.
    pub(crate) fn others(&self) -> String {
        let names = self.columns.iter().map(|column| column.name.as_str()).filter(|name| *name != "tenant_id");
        names.map(|name| format!("\"{name}\"")).collect::<Vec<_>>().join(", ")
    }
}

/// Tables of tenants in the kernel's schema and in `schema`.
pub(crate) async fn tables(client: &Client, schema: &str) -> Vec<Table> {
    let text =
        "select c.oid, n.nspname::text, c.relname::text from pg_class c join pg_namespace n on n.oid = c.relnamespace
        where c.relkind in ('r', 'p') and n.nspname in ('cloister', $1) and exists (
            select from pg_attribute a where a.attrelid = c.oid and a.attname = 'tenant_id' and not a.attisdropped)
        order by n.nspname = 'cloister', c.relname";
    let mut tables = Vec::new();
    for row in client.query(text, &[&schema]).await.unwrap() {
        let of: u32 = row.get(0);
        tables.push(Table {
            schema: row.get(1),
            name: row.get(2),
            columns: columns(client, of).await,
            keys: keys(client, of).await,
            pointers: pointers(client, of).await,
            checks: checks(client, of).await,
        });
    }
    assert!(tables.len() > 10, "the tables of tenants are elsewhere: {tables:?}");
    tables
}

async fn columns(client: &Client, of: u32) -> Vec<Column> {
    let text = "select attname::text, format_type(atttypid, atttypmod), attnotnull from pg_attribute
        where attrelid = $1 and attnum > 0 and not attisdropped order by attnum";
    let column = |row: &Row| Column { name: row.get(0), kind: row.get(1), required: row.get(2) };
    client.query(text, &[&of]).await.unwrap().iter().map(column).collect()
}

async fn keys(client: &Client, of: u32) -> Vec<Key> {
    let text = "select c.relname::text,
            array(select pg_get_indexdef(i.indexrelid, at, false) from generate_series(1, i.indnkeyatts) at),
            pg_get_expr(i.indpred, i.indrelid),
            exists (select from pg_constraint where conindid = i.indexrelid and conrelid = i.indrelid)
        from pg_index i join pg_class c on c.oid = i.indexrelid
        where i.indrelid = $1 and (i.indisunique or i.indisexclusion) order by 1";
    let key = |row: &Row| Key { name: row.get(0), columns: row.get(1), of: row.get(2), constraint: row.get(3) };
    client.query(text, &[&of]).await.unwrap().iter().map(key).collect()
}

async fn pointers(client: &Client, of: u32) -> Vec<Pointer> {
    let text = "select conname::text, format('%I.%I', n.nspname, r.relname),
            array(select attname::text from unnest(conkey) with ordinality k (num, at)
                join pg_attribute on attrelid = conrelid and attnum = num order by at),
            array(select attname::text from unnest(confkey) with ordinality k (num, at)
                join pg_attribute on attrelid = confrelid and attnum = num order by at)
        from pg_constraint join pg_class r on r.oid = confrelid join pg_namespace n on n.oid = r.relnamespace
        where conrelid = $1 and contype = 'f' order by 1";
    let pointer = |row: &Row| Pointer { name: row.get(0), to: row.get(1), columns: row.get(2), to_columns: row.get(3) };
    client.query(text, &[&of]).await.unwrap().iter().map(pointer).collect()
}

async fn checks(client: &Client, of: u32) -> Vec<Check> {
    let text = "select conname::text, pg_get_constraintdef(oid),
            array(select attname::text from unnest(conkey) with ordinality k (num, at)
                join pg_attribute on attrelid = conrelid and attnum = num order by at)
        from pg_constraint where conrelid = $1 and contype = 'c' order by 1";
    let check = |row: &Row| Check { name: row.get(0), says: row.get(1), columns: row.get(2) };
    client.query(text, &[&of]).await.unwrap().iter().map(check).collect()
}
