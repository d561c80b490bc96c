//! What a query tree says about a statement that its plan does not: the functions it calls, the columns it sets, and each row
//! of a VALUES list.

use std::collections::{BTreeSet, HashMap};

use super::tree::Tree;

/// Numbers that PostgreSQL gives to kinds of query, of table in one, and of parameter.
const UPDATE: i64 = 2;
const INSERT: i64 = 3;
const OF_RELATION: i64 = 0;
const OF_SUBQUERY: i64 = 1;
const OF_VALUES: i64 = 5;
const GIVEN: i64 = 0;

/// What was read.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Account {
    /// Functions it calls: by name, by an operator, as an aggregate.
    pub(super) calls: BTreeSet<u32>,
    /// It sets the tenant of rows that are there.
    pub(super) moves: bool,
    /// Every row that it puts into a table of tenants has `$1` for its tenant, or the tenant of a row that is there.
    pub(super) rows_are_its_tenants: bool,
}

/// Reads a tree. `tenants` are the tables of tenants, each with the number of the column that names the tenant.
pub(super) fn account(tree: &Tree<'_>, tenants: &HashMap<u32, i16>) -> Account {
    let mut account = Account { rows_are_its_tenants: true, ..Account::default() };
    tree.walk(&mut |node| {
        for field in ["funcid", "opfuncid", "aggfnoid", "winfnoid"] {
            account.calls.extend(node.number(field).and_then(|oid| u32::try_from(oid).ok()).filter(|oid| *oid != 0));
        }
        if !node.is("QUERY") {
            return;
        }
        let Some(column) = target(node, tenants) else { return };
        let sets = |list: &[Tree<'_>]| list.iter().any(|entry| entry.number("resno") == Some(column));
        match node.number("commandType") {
            Some(UPDATE) => account.moves |= sets(node.list("targetList")),
            Some(INSERT) => {
                account.moves |= node.field("onConflict").is_some_and(|conflict| sets(conflict.list("onConflictSet")));
                account.rows_are_its_tenants &= puts(node, column, tenants) != Puts::Another;
            }
            // Deleting sets nothing. MERGE is refused by what its plan says.
            _ => {}
        }
    });
    account
}

/// The number of the column that names the tenant in the table that a query writes.
fn target(query: &Tree<'_>, tenants: &HashMap<u32, i16>) -> Option<i64> {
    let table = table(query, query.number("resultRelation")?)?;
    let relation = u32::try_from(table.number("relid")?).ok()?;
    tenants.get(&relation).map(|number| i64::from(*number))
}

fn table<'t, 'a>(query: &'t Tree<'a>, number: i64) -> Option<&'t Tree<'a>> {
    query.list("rtable").get(usize::try_from(number).ok()?.checked_sub(1)?)
}

/// What is put into the column that names the tenant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Puts {
    /// The first parameter.
    Given,
    /// The same column of rows that are there: whose they are shows in the plan.
    Found,
    /// Anything else, and what was not understood.
    Another,
}

fn puts(query: &Tree<'_>, column: i64, tenants: &HashMap<u32, i16>) -> Puts {
    // Of a union only the first arm is named.
    if query.field("setOperations").is_some_and(|arms| *arms != Tree::Word("<>")) {
        return Puts::Another;
    }
    let entry = query.list("targetList").iter().find(|entry| entry.number("resno") == Some(column));
    entry.and_then(|entry| entry.field("expr")).map_or(Puts::Another, |value| of_value(value, query, tenants))
}

fn of_value(value: &Tree<'_>, query: &Tree<'_>, tenants: &HashMap<u32, i16>) -> Puts {
    if value.is("PARAM") {
        let given = value.number("paramkind") == Some(GIVEN) && value.number("paramid") == Some(1);
        return if given { Puts::Given } else { Puts::Another };
    }
    let here = value.is("VAR") && value.number("varlevelsup") == Some(0);
    let (true, Some(number), Some(column)) = (here, value.number("varno"), value.number("varattno")) else {
        return Puts::Another;
    };
    let Some(table) = table(query, number) else { return Puts::Another };
    match table.number("rtekind") {
        Some(OF_VALUES) => {
            let at = usize::try_from(column - 1).ok();
            let given = |row: &Tree<'_>| {
                let cell = at.and_then(|at| row.parts().get(at));
                cell.is_some_and(|cell| of_value(cell, query, tenants) == Puts::Given)
            };
            if table.list("values_lists").iter().all(given) { Puts::Given } else { Puts::Another }
        }
        Some(OF_SUBQUERY) => table.field("subquery").map_or(Puts::Another, |inner| puts(inner, column, tenants)),
        Some(OF_RELATION) => {
            let relation = table.number("relid").and_then(|oid| u32::try_from(oid).ok());
            let named = relation.and_then(|oid| tenants.get(&oid)).is_some_and(|named| i64::from(*named) == column);
            if named { Puts::Found } else { Puts::Another }
        }
        _ => Puts::Another,
    }
}
