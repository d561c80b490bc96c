//! Looks for a text in every row of every table of every database of a platform: what is said to be gone must not be found.

use crate::TestPlatform;

impl TestPlatform {
    /// Where any of these texts is found: `database schema.table: row`, and the names of databases and schemas.
    pub async fn traces(&self, needles: &[&str]) -> Vec<String> {
        let mut found = Vec::new();
        let has = |text: &str| needles.iter().any(|needle| text.contains(needle));
        let server = self.admin("postgres").await;
        let names = "select datname::text from pg_database where datname like $1";
        let databases = query(&server, names, &[&format!("{}\\_%", self.prefix)]).await;
        for row in databases {
            let database: String = row.get(0);
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
