//! The rows of many tenants, and what there would be if one of them had other rows.

use std::fmt::Write as _;

use cloister_ids::Uuid;

use super::session::Session;

/// A table whose rows are a tenant's.
#[derive(Debug)]
struct Rows {
    path: String,
    name: String,
    /// What the tenant is called there.
    tenant: &'static str,
    others: Vec<String>,
}

/// One of the two kinds of databases: the tables of tenants, or the control plane.
pub(crate) struct Plane {
    pub(crate) session: Session,
    tables: Vec<Rows>,
}

/// Which rows the other tenant is given before it asks.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Given {
    Nothing,
    /// The same rows, under its own name.
    Everything,
    /// The same without those of one table.
    AllBut(String),
    /// Some of them, others by this number.
    Some(usize),
}

impl Plane {
    pub(crate) async fn new(session: Session, schemas: &[&str]) -> Self {
        // Rows are given and taken without regard to what points at them: foreign keys are tried by themselves, elsewhere. And
        // changing this on the way would have every statement planned anew.
        session
            .must("set session_replication_role = replica; set plan_cache_mode = force_generic_plan; set jit = off")
            .await;
        let text = "select format('%I.%I', n.nspname, c.relname), c.relname::text,
                array(select a.attname::text from pg_attribute a where a.attrelid = c.oid and a.attnum > 0
                    and not a.attisdropped and a.attidentity = '' order by a.attnum)
            from pg_class c join pg_namespace n on n.oid = c.relnamespace
            where c.relkind in ('r', 'p') and n.nspname = any ($1) order by 1";
        let schemas: Vec<&str> = schemas.to_vec();
        let mut tables = Vec::new();
        for row in session.client().query(text, &[&schemas]).await.unwrap() {
            let (path, name, columns): (String, String, Vec<String>) = (row.get(0), row.get(1), row.get(2));
            let tenant = match () {
                () if columns.iter().any(|column| column == "tenant_id") => "tenant_id",
                () if path == "control.tenant" => "id",
                () => continue,
            };
            let others =
                columns.into_iter().filter(|column| column != tenant).map(|column| format!("\"{column}\"")).collect();
            tables.push(Rows { path, name, tenant, others });
        }
        Self { session, tables }
    }

    /// Every table.
    pub(crate) fn all(&self) -> Vec<String> {
        self.tables.iter().map(|table| table.name.clone()).collect()
    }

    /// The tables that a text names.
    pub(crate) fn named(&self, text: &str) -> Vec<String> {
        let words: Vec<&str> = text.split(|c: char| !(c.is_alphanumeric() || c == '_')).collect();
        self.tables
            .iter()
            .filter(|table| words.contains(&table.name.as_str()))
            .map(|table| table.name.clone())
            .collect()
    }

    /// Gives `to` copies of rows of `of` in these tables, whatever points at what, in a savepoint `look`.
    pub(crate) async fn give(&self, given: &Given, of: Uuid, to: Uuid, among: &[String]) {
        let mut all = "savepoint look;".to_owned();
        let of_these = self.tables.iter().filter(|table| among.contains(&table.name));
        let mut again = Vec::new();
        let which = match given {
            Given::Some(number) => format!(" and ('x' || left(md5(t::text || '{number}'), 2))::bit(8)::int % 4 > 0"),
            _ => String::new(),
        };
        for table in of_these.filter(|table| match given {
            Given::Nothing => false,
            Given::Everything | Given::Some(_) => true,
            Given::AllBut(name) => *name != table.name,
        }) {
            let (path, tenant, others) = (&table.path, table.tenant, table.others.join(", "));
            let separator = if others.is_empty() { "" } else { ", " };
            let copy = |columns: &str| {
                format!(
                    "insert into {path} ({tenant}{separator}{others}) select '{to}'{separator}{columns} from {path} t where {tenant} = '{of}'{which};"
                )
            };
            if path.starts_with("control.") {
                // Their keys are not the tenant's own: ids are made anew, and what cannot be there twice is not.
                let columns: Vec<String> = table
                    .others
                    .iter()
                    .map(|column| match column.as_str() {
                        "\"id\"" => "md5(id::text || 'again')::uuid".to_owned(),
                        "\"slug\"" => "slug || '-again'".to_owned(),
                        column => column.to_owned(),
                    })
                    .collect();
                again.push(copy(&columns.join(", ")));
            } else {
                all.push_str(&copy(&others));
            }
        }
        self.session.must(&all).await;
        for text in again {
            self.session.attempt(&text).await;
        }
    }

    /// Leaves no rows in these tables but those of `of`.
    pub(crate) async fn leave_only(&self, of: Uuid, among: &[String]) {
        let mut text = String::new();
        for Rows { path, tenant, .. } in self.tables.iter().filter(|table| among.contains(&table.name)) {
            write!(text, "delete from {path} where {tenant} <> '{of}';").unwrap();
        }
        self.session.must(&text).await;
    }

    /// A statement for the rows of one tenant, and those of all others, in the tables that a text names, so that a change of either shows.
    pub(crate) fn print(&self, of: Uuid, named_in: &str) -> Option<String> {
        let (mut text, named) = (String::new(), self.named(named_in));
        for Rows { path, tenant, .. } in self.tables.iter().filter(|table| named.contains(&table.name)) {
            let begin = if text.is_empty() { "" } else { " union all " };
            write!(text, "{begin}select {tenant} = '{of}' as own, '{path} ' || t::text as line from {path} t").unwrap();
        }
        let print = format!(
            "select coalesce(md5(string_agg(line, '|' order by line) filter (where own)), ''),
                coalesce(md5(string_agg(line, '|' order by line) filter (where not own)), '') from ({text}) rows"
        );
        (!text.is_empty()).then_some(print)
    }
}
