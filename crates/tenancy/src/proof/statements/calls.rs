//! What a statement calls, by PostgreSQL's own account of it: it is made the body of a temporary function, whose tree is read.

use std::collections::{BTreeSet, HashMap};

use cloister_postgres::{Statement, Type};

use super::{
    Outcome, Session,
    plan::Tables,
    query::{Account, account},
    tree::Tree,
};
use crate::{door, ledger::PLUMBING_SCHEMA, proof::place_store};

/// A statement that can be prepared, with the types of its parameters.
pub(super) type Ready = (&'static Statement, Vec<Type>);

/// Functions of the server that may give another answer each time, or that settings have a part in, and that look at no rows,
/// speak to nobody and change nothing. Of those that always give the same for the same, all may be called. Before one is
/// added here, its description must have been read: `query_to_xml` runs any text as a statement.
const HARMLESS: &[&str] = &[
    "age",
    "array_agg",
    "array_to_json",
    "array_to_string",
    "clock_timestamp",
    "concat",
    "concat_ws",
    "current_setting",
    "date_part",
    "date_trunc",
    "extract",
    "format",
    "gen_random_uuid",
    "json_agg",
    "json_build_array",
    "json_build_object",
    "json_object_agg",
    "jsonb_agg",
    "jsonb_build_array",
    "jsonb_build_object",
    "jsonb_object_agg",
    "jsonb_to_record",
    "jsonb_to_recordset",
    "make_timestamptz",
    "now",
    "overlaps",
    "random",
    "row_to_json",
    "statement_timestamp",
    "string_agg",
    "timezone",
    "to_char",
    "to_date",
    "to_json",
    "to_jsonb",
    "to_number",
    "to_timestamp",
    "to_tsquery",
    "to_tsvector",
    "transaction_timestamp",
];

pub(super) fn listed(types: &[Type]) -> String {
    let names = types.iter().map(|kind| format!("\"{}\".\"{}\"", kind.schema(), kind.name()));
    names.collect::<Vec<_>>().join(", ")
}

impl Session<'_> {
    /// Tells of calls that are not known to be harmless, and gives what was read. What is not in it could not be read.
    pub(super) async fn accounts(&mut self, ready: &[Ready], tables: &Tables) -> Outcome<HashMap<usize, Account>> {
        let maker = |(at, (statement, types)): (usize, &Ready)| {
            let (types, text) = (listed(types), statement.sql());
            format!(
                "create function pg_temp.account_{at}({types}) returns void language sql begin atomic {text}\n; end"
            )
        };
        let makers: Vec<String> = ready.iter().enumerate().map(maker).collect();
        self.run("savepoint attempt").await?;
        if self.run(&format!("{}; release attempt", makers.join("; "))).await.is_err() {
            self.run(super::UNDO).await?;
            for ((statement, _), maker) in ready.iter().zip(&makers) {
                self.attempt(statement, maker).await?;
            }
        }
        let mut accounts = HashMap::new();
        for row in self.client.query(place_store::TREES.sql(), &[]).await? {
            let (name, text): (&str, &str) = (row.get(0), row.get(1));
            let at = name.strip_prefix("account_").and_then(|at| at.parse().ok());
            if let (Some(at), Some(tree)) = (at, Tree::read(text)) {
                accounts.insert(at, account(&tree, &tables.columns));
            }
        }
        let called: Vec<u32> = accounts
            .values()
            .flat_map(|account| &account.calls)
            .copied()
            .collect::<BTreeSet<_>>()
            .into_iter()
            .collect();
        let rows = self.client.query(place_store::CALLED.sql(), &[&called]).await?;
        let known: HashMap<u32, (String, String, bool)> =
            rows.iter().map(|row| (row.get(0), (row.get(1), row.get(2), row.get(3)))).collect();
        for (at, (statement, _)) in ready.iter().enumerate() {
            let Some(account) = accounts.get(&at) else {
                self.blame(statement, "is of a form that cannot be looked through");
                continue;
            };
            if account.moves {
                self.blame(statement, "moves rows to another tenant");
            }
            for call in &account.calls {
                match known.get(call) {
                    Some((_, _, true)) => {}
                    Some((schema, name, _)) if schema == "pg_catalog" => {
                        if !HARMLESS.contains(&name.as_str()) {
                            self.blame(statement, format!("calls {name}"));
                        }
                    }
                    // The two that let a request in, as they are called at the door.
                    Some((schema, ..))
                        if schema == PLUMBING_SCHEMA
                            && door::STATEMENTS.iter().any(|of| std::ptr::eq(*of, *statement)) => {}
                    Some((schema, name, _)) => self.blame(statement, format!("calls {schema}.{name}")),
                    None => self.blame(statement, "calls a function that is not there"),
                }
            }
        }
        Ok(accounts)
    }
}
