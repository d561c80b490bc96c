//! Looks at every row of every table of every database of a platform: what is said to be gone must not be found, and what a
//! tenant wrote must be in no row of another.

use cloister_ids::Uuid;

use crate::TestPlatform;

/// A row that belongs to a tenant.
#[derive(Debug, Clone)]
pub struct TenantRow {
    /// To which.
    pub tenant: Uuid,
    /// The schema and table it is in.
    pub place: String,
    /// All of it.
    pub text: String,
}

/// Schema and name of every table of a database whose rows belong to tenants.
pub async fn tenant_tables(client: &tokio_postgres::Client) -> Vec<(String, String)> {
    let tables = "select n.nspname::text, c.relname::text from pg_attribute a join pg_class c on c.oid = a.attrelid
        join pg_namespace n on n.oid = c.relnamespace
        where a.attname = 'tenant_id' and c.relkind in ('r', 'p') and n.nspname !~ '^(pg_|information_schema)'
        order by 1, 2";
    query(client, tables, &[]).await.iter().map(|row| (row.get(0), row.get(1))).collect()
}

/// Every row of such a table that belongs to one. `client` must be past all walls.
pub async fn tenant_rows(client: &tokio_postgres::Client, schema: &str, table: &str) -> Vec<TenantRow> {
    let rows = format!("select tenant_id, t::text from \"{schema}\".\"{table}\" t where tenant_id is not null");
    let row = |row: &tokio_postgres::Row| TenantRow {
        tenant: row.get(0),
        place: format!("{schema}.{table}"),
        text: row.get(1),
    };
    query(client, &rows, &[]).await.iter().map(row).collect()
}

impl TestPlatform {
    /// The names of all its databases.
    pub async fn databases(&self) -> Vec<String> {
        let server = self.admin("postgres").await;
        let names = "select datname::text from pg_database where datname like $1";
        let databases = query(&server, names, &[&format!("{}\\_%", self.prefix)]).await;
        databases.iter().map(|row| row.get(0)).collect()
    }

    /// Every row that belongs to a tenant, in whichever database and schema is wanted.
    pub async fn tenant_rows(&self, is_wanted: impl Fn(&str, &str) -> bool) -> Vec<TenantRow> {
        let mut found = Vec::new();
        for database in self.databases().await {
            // Schemas of the kernel are in every database; whoever wants none of these wants nothing there.
            if !is_wanted(&database, "cloister") {
                continue;
            }
            let client = self.admin(&database).await;
            let tables = tenant_tables(&client).await;
            for (schema, table) in tables.into_iter().filter(|(schema, _)| is_wanted(&database, schema)) {
                found.extend(tenant_rows(&client, &schema, &table).await);
            }
        }
        found
    }

    /// Where any of these texts is found: `database schema.table: row`, and the names of databases and schemas.
    pub async fn traces(&self, needles: &[&str]) -> Vec<String> {
        let mut found = Vec::new();
        let has = |text: &str| needles.iter().any(|needle| text.contains(needle));
        for database in self.databases().await {
            found.extend(has(&database).then(|| format!("the database {database}")));
            let client = self.admin(&database).await;
            let tables =
                "select n.nspname::text, c.relname::text from pg_class c join pg_namespace n on n.oid = c.relnamespace
                where c.relkind in ('r', 'p', 'm') and n.nspname !~ '^(pg_|information_schema)'";
            for table in query(&client, tables, &[]).await {
                let (schema, table): (String, String) = (table.get(0), table.get(1));
                let rows = query(&client, &format!("select t::text from \"{schema}\".\"{table}\" t"), &[]).await;
                for row in rows.iter().map(|row| row.get::<_, String>(0)).filter(|row| has(row)) {
                    found.push(format!("{} {schema}.{table}: {row}", database.trim_start_matches(&self.prefix)));
                }
            }
            let schemas = query(&client, "select nspname::text from pg_namespace", &[]).await;
            let schemas = schemas.iter().map(|row| row.get::<_, String>(0)).filter(|name| has(name));
            found.extend(schemas.map(|schema| format!("the schema {schema} in {database}")));
        }
        found
    }
}

async fn query(
    client: &tokio_postgres::Client,
    text: &str,
    with: &[&(dyn tokio_postgres::types::ToSql + Sync)],
) -> Vec<tokio_postgres::Row> {
    client.query(text, with).await.unwrap_or_else(|error| panic!("{text}: {error:?}"))
}
