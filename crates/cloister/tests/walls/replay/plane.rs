//! The rows of many tenants, and what there would be if one of them had other rows.

use std::{
    cell::RefCell,
    fmt::Write as _,
    hash::{DefaultHasher, Hash, Hasher},
};

use cloister_ids::Uuid;

use super::{places::Table, session::Session};

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
    /// The functions there are beside these tables.
    functions: Vec<String>,
    /// Temporary tables that there are now.
    stage: RefCell<Vec<String>>,
}

/// Which rows the other tenant is given before it asks.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Given {
    Nothing,
    /// The same rows, under its own name.
    Everything,
    /// The same without those of one table.
    AllBut(String),
    /// The same without a single row of one table.
    AllButOne(String),
    /// Some of them, others by this number.
    Some(usize),
    /// Rows with the same ids, each with what is another's, by this number: ids are a tenant's own, and what has one here may be
    /// anything there.
    Mixed(usize),
    /// Of each table by chance, with this number: none, all, some, or mixed.
    Chance(usize),
}

impl Given {
    /// What of one table.
    fn of(&self, table: &str) -> Self {
        let Self::Chance(number) = self else { return self.clone() };
        let mut hash = DefaultHasher::new();
        (table, number).hash(&mut hash);
        let drawn = usize::try_from(hash.finish() % 1000).unwrap_or_default();
        match drawn % 5 {
            0 => Self::Nothing,
            1 => Self::Everything,
            2 => Self::Some(drawn),
            _ => Self::Mixed(drawn),
        }
    }
}

/// The words of a text.
fn words(text: &str) -> Vec<&str> {
    text.split(|c: char| !(c.is_alphanumeric() || c == '_')).collect()
}

impl Rows {
    fn copy(&self, given: &Given, of: Uuid, to: Uuid) -> String {
        self.copy_as(&self.others.join(", "), given, of, to)
    }

    fn copy_as(&self, columns: &str, given: &Given, of: Uuid, to: Uuid) -> String {
        let Self { path, tenant, others, .. } = self;
        let separator = if others.is_empty() { "" } else { ", " };
        let which = match given {
            Given::Some(number) => format!(" and ('x' || left(md5(t::text || '{number}'), 2))::bit(8)::int % 4 > 0"),
            _ => String::new(),
        };
        format!(
            "insert into {path} ({tenant}{separator}{}) select '{to}'{separator}{columns} from {path} t
                where {tenant} = '{of}'{which};",
            others.join(", ")
        )
    }

    /// Of the control plane keys are not the tenant's own: ids are made anew, and what cannot be there twice is not.
    fn copy_anew(&self, given: &Given, of: Uuid, to: Uuid) -> String {
        let columns: Vec<&str> = self
            .others
            .iter()
            .map(|column| match column.as_str() {
                "\"id\"" => "md5(id::text || 'again')::uuid",
                "\"slug\"" => "slug || '-again'",
                column => column,
            })
            .collect();
        self.copy_as(&columns.join(", "), given, of, to)
    }

    /// The first column is what a row is known by; all else of it is another row's.
    fn mix(&self, number: usize, of: Uuid, to: Uuid) -> String {
        let Self { path, tenant, others, .. } = self;
        let [key, rest @ ..] = others.as_slice() else { return self.copy(&Given::Everything, of, to) };
        if rest.is_empty() {
            return self.copy(&Given::Everything, of, to);
        }
        let rest = rest.join(", ");
        // Some are left out.
        let which = if number.is_multiple_of(2) { "" } else { " where mixed_place % 4 > 0" };
        format!(
            "insert into {path} ({tenant}, {key}, {rest}) select '{to}', {key}, {rest}
                from (select {key}, row_number() over (order by md5({key}::text || '{number}')) as mixed_place
                    from {path} where {tenant} = '{of}') a
                join (select {rest}, row_number() over (order by md5(t::text || '{number}')) as mixed_place
                    from {path} t where {tenant} = '{of}') b using (mixed_place){which} on conflict do nothing;"
        )
    }
}

impl Plane {
    pub(crate) async fn new(session: Session, schemas: &[&str]) -> Self {
        // Rows are given and taken without regard to what points at them: foreign keys are tried by themselves, elsewhere. And
        // changing this on the way would have every statement planned anew.
        session
            .must(
                "set session_replication_role = replica; set plan_cache_mode = force_generic_plan; set jit = off;
                set enable_seqscan = off",
            )
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
        let text = "select distinct p.proname::text from pg_proc p join pg_namespace n on n.oid = p.pronamespace
            where n.nspname = any ($1)";
        let functions = session.client().query(text, &[&schemas]).await.unwrap().iter().map(|row| row.get(0)).collect();
        Self { session, tables, functions, stage: RefCell::default() }
    }

    /// Every table, for the places where statements read it.
    pub(crate) async fn tables(&self) -> Vec<Table> {
        let text = "select array_agg(a.attname::text order by a.attnum),
                array_agg(format_type(a.atttypid, null) order by a.attnum)
            from pg_attribute a where a.attrelid = $1::text::regclass and a.attnum > 0 and not a.attisdropped";
        let mut tables = Vec::new();
        for Rows { path, name, .. } in &self.tables {
            let row = self.session.client().query_one(text, &[path]).await.unwrap();
            let (names, types): (Vec<String>, Vec<String>) = (row.get(0), row.get(1));
            tables.push(Table::new(name, &names.into_iter().zip(types).collect::<Vec<_>>()));
        }
        tables
    }

    /// Every table.
    pub(crate) fn all(&self) -> Vec<String> {
        self.tables.iter().map(|table| table.name.clone()).collect()
    }

    /// The tables that a text names.
    pub(crate) fn named(&self, text: &str) -> Vec<String> {
        let words = words(text);
        self.tables
            .iter()
            .filter(|table| words.contains(&table.name.as_str()))
            .map(|table| table.name.clone())
            .collect()
    }

    /// A text was said; it may have made a temporary table.
    pub(crate) fn heard(&self, text: &str) {
        if let Some(rest) = text.strip_prefix("create temporary table ") {
            let name = rest.split([' ', '(']).next().unwrap_or_default();
            self.stage.borrow_mut().push(name.to_owned());
        }
    }

    /// There are no temporary tables.
    pub(crate) fn is_clear(&self) -> bool {
        self.stage.borrow().is_empty()
    }

    /// Takes away the temporary tables, if there are any, as the end of their transaction did.
    pub(crate) async fn clear(&self) {
        let stage = self.stage.take();
        if stage.is_empty() {
            return;
        }
        let paths: Vec<String> = stage.iter().map(|name| format!("pg_temp.{name}")).collect();
        self.session.must(&format!("drop table if exists {}", paths.join(", "))).await;
        self.session.forget();
    }

    /// Whether a text calls one of the functions.
    pub(crate) fn calls(&self, text: &str) -> bool {
        words(text).iter().any(|word| self.functions.iter().any(|function| function == word))
    }

    /// Gives `to` copies of rows of `of` in these tables, whatever points at what, in a savepoint `look`.
    pub(crate) async fn give(&self, given: &Given, of: Uuid, to: Uuid, among: &[String]) {
        let mut all = "savepoint look;".to_owned();
        let (mut again, mut plainly) = (Vec::new(), Vec::new());
        for table in self.tables.iter().filter(|table| among.contains(&table.name)) {
            let given = &given.of(&table.name);
            match given {
                Given::Nothing => continue,
                Given::AllBut(name) if *name == table.name => continue,
                _ => {}
            }
            match given {
                _ if table.path.starts_with("control.") => again.push(table.copy_anew(given, of, to)),
                Given::Mixed(number) => {
                    again.push(table.mix(*number, of, to));
                    plainly.push(table.copy(&Given::Everything, of, to));
                }
                _ => all.push_str(&table.copy(given, of, to)),
            }
        }
        self.session.must(&all).await;
        if !plainly.is_empty() && self.session.attempt(&again.concat()).await {
            return;
        }
        for (at, text) in again.iter().enumerate() {
            // Where what is mixed breaks a rule of the table, the rows come as they are.
            if !self.session.attempt(text).await
                && let Some(plain) = plainly.get(at)
            {
                self.session.must(plain).await;
            }
        }
    }

    /// Some rows of a tenant in one table, each as a text that takes it away.
    pub(crate) async fn each_away(&self, table: &str, of: Uuid, most: i64) -> Vec<String> {
        let Some(Rows { path, tenant, .. }) = self.tables.iter().find(|rows| rows.name == table) else {
            return Vec::new();
        };
        let text =
            format!("select ctid::text from {path} t where {tenant} = '{of}' order by md5(t::text) limit {most}");
        let rows = self.session.client().query(&text, &[]).await.unwrap();
        rows.iter().map(|row| format!("delete from {path} where ctid = '{}'", row.get::<_, String>(0))).collect()
    }

    /// Leaves no rows in these tables but those of `of`.
    pub(crate) async fn leave_only(&self, of: Uuid, among: &[String]) {
        let mut text = String::new();
        for Rows { path, tenant, .. } in self.tables.iter().filter(|table| among.contains(&table.name)) {
            // Of indexes: rows of `of` that were taken away again are in the way by the thousand.
            write!(text, "delete from {path} where {tenant} < '{of}' or {tenant} > '{of}';").unwrap();
        }
        self.session.must(&text).await;
    }

    /// A statement for the rows of one tenant, and those of all others, in the tables that a text names, so that a change of
    /// either shows. What is on the stage is whoever asks's.
    pub(crate) fn print(&self, of: Uuid, named_in: &str) -> Option<String> {
        let (mut text, named) = (String::new(), self.named(named_in));
        for Rows { path, tenant, .. } in self.tables.iter().filter(|table| named.contains(&table.name)) {
            let begin = if text.is_empty() { "" } else { " union all " };
            write!(text, "{begin}select {tenant} = '{of}' as own, '{path} ' || t::text as line from {path} t").unwrap();
        }
        for name in self.stage.borrow().iter().filter(|name| words(named_in).contains(&name.as_str())) {
            let begin = if text.is_empty() { "" } else { " union all " };
            write!(text, "{begin}select true as own, '{name} ' || t::text as line from pg_temp.{name} t").unwrap();
        }
        let print = format!(
            "select coalesce(md5(string_agg(line, '|' order by line) filter (where own)), ''),
                coalesce(md5(string_agg(line, '|' order by line) filter (where not own)), '') from ({text}) rows"
        );
        (!text.is_empty()).then_some(print)
    }
}
