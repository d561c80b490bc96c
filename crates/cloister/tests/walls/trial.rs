//! What one tenant tries on another's rows, with statements as careless and as hostile as a program's never are.
//!
//! Everything happens inside one transaction of the administrator, who becomes the application login for a statement: so that
//! a hole made in it is gone with it.

use cloister_ids::TenantId;
use cloister_tenancy::Rights;
use tokio_postgres::{Client, error::DbError};

use crate::{
    catalog::{Pointer, Table},
    literal,
};

/// Whoever tries, and on whom.
pub(crate) struct Trial<'a> {
    pub(crate) client: &'a Client,
    pub(crate) application: &'a str,
    pub(crate) ours: TenantId,
    pub(crate) theirs: TenantId,
}

/// What a statement came to, and what it left of the other tenant's rows.
struct Tried {
    outcome: Result<u64, DbError>,
    left: String,
}

impl Tried {
    fn is(&self, code: &str) -> bool {
        matches!(&self.outcome, Err(error) if error.code().code() == code)
    }
}

fn says(outcome: &Result<u64, DbError>) -> String {
    match outcome {
        Ok(rows) => format!("{rows} rows"),
        Err(error) => format!("{} {}", error.code().code(), error.message()),
    }
}

/// The row-level security or a right refused it.
const REFUSED: &str = "42501";

impl Trial<'_> {
    async fn run(&self, text: &str) {
        self.client.batch_execute(text).await.unwrap_or_else(|error| panic!("{text}: {error:?}"));
    }

    async fn number(&self, text: &str) -> i64 {
        self.client.query_one(text, &[]).await.unwrap_or_else(|error| panic!("{text}: {error:?}")).get(0)
    }

    /// Their rows of a table, so that a change shows.
    async fn rows_of_theirs(&self, table: &Table) -> String {
        let text = format!(
            "select coalesce(md5(string_agg(t::text, '|' order by t::text)), '') from {} t where tenant_id = {}",
            table.path(),
            literal(self.theirs)
        );
        self.client.query_one(&text, &[]).await.unwrap().get(0)
    }

    async fn count(&self, table: &Table, tenant: TenantId) -> i64 {
        self.number(&format!("select count(*) from {} where tenant_id = {}", table.path(), literal(tenant))).await
    }

    /// Runs a statement, and undoes it. `entered` is the tenant as whom the application login runs it; none for the
    /// administrator, past row security, with foreign keys in force only if `pointers`.
    async fn attempt(&self, table: &Table, entered: Option<&str>, pointers: bool, texts: &[&str]) -> Tried {
        self.run("savepoint attempt").await;
        let role = if pointers { "origin" } else { "replica" };
        self.run(&format!("set local session_replication_role = {role}")).await;
        if let Some(tenant) = entered {
            self.run(&format!(
                "set local role \"{}\"; select set_config('cloister.tenant_id', '{tenant}', true)",
                self.application
            ))
            .await;
        }
        let mut outcome = Ok(0);
        for text in texts {
            outcome = match self.client.execute(*text, &[]).await {
                Ok(count) => Ok(count),
                Err(error) => match error.as_db_error() {
                    Some(error) => Err(error.clone()),
                    None => panic!("{text}: {error}"),
                },
            };
            if outcome.is_err() {
                break;
            }
        }
        if outcome.is_err() {
            self.run("rollback to attempt").await;
        }
        self.run("reset role").await;
        let left = self.rows_of_theirs(table).await;
        self.run("rollback to attempt; release attempt").await;
        Tried { outcome, left }
    }

    /// The first thing that is wrong with a table, in the words of what was tried.
    pub(crate) async fn fault(&self, table: &Table, rights: Rights) -> Option<String> {
        if let Some(fault) = self.keys(table).await {
            return Some(fault);
        }
        if let Some(fault) = self.reach(table, rights).await {
            return Some(fault);
        }
        for pointer in &table.pointers {
            if let Some(fault) = self.point(table, pointer).await {
                return Some(fault);
            }
        }
        None
    }

    /// Without a predicate only our rows are there, and none can be made theirs.
    async fn reach(&self, table: &Table, rights: Rights) -> Option<String> {
        let (path, title) = (table.path(), table.title());
        let (ours, theirs) = (self.ours.uuid().to_string(), literal(self.theirs));
        let entered = Some(ours.as_str());
        let own = u64::try_from(self.count(table, self.ours).await).unwrap();
        let before = self.rows_of_theirs(table).await;
        let wrong = |what: &str, tried: &Tried| Some(format!("{what} {title}: {}", says(&tried.outcome)));

        let read = format!("select tenant_id from {path}");
        let tried = self.attempt(table, entered, false, &[&read]).await;
        if tried.outcome != Ok(own) {
            return wrong("reading", &tried);
        }
        let tried = self.attempt(table, Some(""), false, &[&read]).await;
        if tried.outcome != Ok(0) {
            return wrong("reading before entering", &tried);
        }
        let update = format!("update {path} set tenant_id = tenant_id");
        let delete = format!("delete from {path}");
        let move_out = format!("update {path} set tenant_id = {theirs}");
        let others = table.others();
        let columns = if others.is_empty() { String::new() } else { format!(", {others}") };
        let insert = format!("insert into {path} (tenant_id{columns}) select {theirs}{columns} from {path}");
        let (writes, adds) = (rights == Rights::Write, rights != Rights::Read);
        for (what, text) in [("updating", &update), ("deleting from", &delete)] {
            let tried = self.attempt(table, entered, false, &[text]).await;
            let right = if writes { tried.outcome == Ok(own) } else { tried.is(REFUSED) };
            if !right || tried.left != before {
                return wrong(what, &tried);
            }
        }
        for (what, text, may) in [("inserting into", &insert, adds), ("moving a row of", &move_out, writes)] {
            let tried = self.attempt(table, entered, false, &[text]).await;
            let why = if may { "row-level security" } else { "permission denied" };
            let right =
                matches!(&tried.outcome, Err(error) if error.code().code() == REFUSED && error.message().contains(why));
            if !right || tried.left != before {
                return wrong(what, &tried);
            }
        }
        let trigger = format!(
            "create trigger walls after insert on {path} for each row
                execute function pg_catalog.suppress_redundant_updates_trigger()"
        );
        for (what, text) in [("emptying", format!("truncate {path}")), ("watching", trigger)] {
            let tried = self.attempt(table, entered, false, &[&text]).await;
            if !tried.is(REFUSED) {
                return wrong(what, &tried);
            }
        }
        None
    }

    /// Whatever they have, we may have too, and are told nothing.
    async fn keys(&self, table: &Table) -> Option<String> {
        let (path, others) = (table.path(), table.others());
        if others.is_empty() {
            return None;
        }
        let (ours, theirs) = (literal(self.ours), literal(self.theirs));
        let make_room = format!("delete from {path} where tenant_id = {ours}");
        let copy = format!(
            "insert into {path} (tenant_id, {others}) select {ours}, {others} from {path} where tenant_id = {theirs}"
        );
        let tried = self.attempt(table, None, false, &[&make_room, &copy]).await;
        let wanted = u64::try_from(self.count(table, self.theirs).await).unwrap();
        (tried.outcome != Ok(wanted) || wanted == 0)
            .then(|| format!("having the same keys in {}: {}", table.title(), says(&tried.outcome)))
    }

    /// Our rows point at none of theirs.
    async fn point(&self, table: &Table, pointer: &Pointer) -> Option<String> {
        let pairs: Vec<_> =
            pointer.columns.iter().zip(&pointer.to_columns).filter(|(from, _)| *from != "tenant_id").collect();
        let from: Vec<String> = pairs.iter().map(|(from, _)| format!("\"{from}\"")).collect();
        let to: Vec<String> = pairs.iter().map(|(_, to)| format!("\"{to}\"")).collect();
        let (ours, theirs) = (literal(self.ours), literal(self.theirs));
        // One row: more of them could not all point at the same one where a key forbids it.
        let text = format!(
            "update {0} set ({1}) = (select {2} from {3} where tenant_id = {theirs} order by 1 limit 1)
                where ctid = any (array(select ctid from {0} where tenant_id = {ours} limit 1))",
            table.path(),
            from.join(", "),
            to.join(", "),
            pointer.to
        );
        let text = if from.len() == 1 {
            text.replace(&format!("set ({})", from[0]), &format!("set {}", from[0]))
        } else {
            text
        };
        // A check on the columns would refuse the row first, and nothing would be learned of the pointer.
        let checks =
            table.checks.iter().filter(|check| check.columns.iter().any(|name| pointer.columns.contains(name)));
        let mut texts: Vec<String> =
            checks.map(|check| format!("alter table {} drop constraint \"{}\"", table.path(), check.name)).collect();
        texts.push(text);
        let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
        let tried = self.attempt(table, None, true, &texts).await;
        let refused = matches!(&tried.outcome, Err(error)
            if error.code().code() == "23503" && error.constraint() == Some(pointer.name.as_str()));
        (!refused).then(|| format!("pointing from {} by {}: {}", table.title(), pointer.name, says(&tried.outcome)))
    }

    /// Nothing can be made in the schemas of tables.
    pub(crate) async fn making(&self, table: &Table) -> Option<String> {
        let text = format!("create table \"{}\".walls ()", table.schema);
        let tried = self.attempt(table, Some(&self.ours.uuid().to_string()), false, &[&text]).await;
        (!tried.is(REFUSED)).then(|| format!("making a table in {}: {}", table.schema, says(&tried.outcome)))
    }
}
