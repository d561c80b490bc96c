//! Reads a plan: does every scan of a tenant table, and every row put into one, name the tenant?

use std::collections::HashMap;

use serde_json::Value;

use super::condition::implies;

/// Tables with a `tenant_id`, by schema and name, with its place among the columns; and tables that are the same for all.
#[derive(Debug, Default)]
pub(super) struct Tables {
    pub(super) of_tenants: HashMap<(String, String), usize>,
    /// The same by the table's own number, counted from one.
    pub(super) columns: HashMap<u32, i16>,
    pub(super) reference: Vec<(String, String)>,
}

/// Looks through a plan in which the tenant is the parameter `tenant`, such as `$9`. `rows_are_its_tenants` is what was read in
/// the query tree about rows that the plan does not show.
pub(super) fn faults(plan: &Value, tables: &Tables, tenant: &str, rows_are_its_tenants: bool) -> Vec<String> {
    let mut reader = Reader { tables, tenant, rows_are_its_tenants, faults: Vec::new() };
    reader.node(plan);
    reader.faults
}

struct Reader<'a> {
    tables: &'a Tables,
    tenant: &'a str,
    rows_are_its_tenants: bool,
    faults: Vec<String>,
}

/// Functions whose rows are made of their arguments alone. Others look at tables or at the server, and the plan does not
/// show which: a view of the server's state may be nothing but such a function, as `pg_stat_activity` is from version 17 on.
const OF_ARGUMENTS: &[&str] =
    &["unnest", "generate_series", "jsonb_each_text", "jsonb_to_record", "jsonb_to_recordset"];

fn word<'a>(node: &'a Value, key: &str) -> &'a str {
    node.get(key).and_then(Value::as_str).unwrap_or("")
}

fn children(node: &Value) -> &[Value] {
    node.get("Plans").and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

impl Reader<'_> {
    fn node(&mut self, node: &Value) {
        if !word(node, "Relation Name").is_empty() {
            self.relation(node);
        }
        let function = word(node, "Function Name");
        let harmless = function.is_empty() || word(node, "Schema") == "pg_catalog" && OF_ARGUMENTS.contains(&function);
        if !harmless {
            self.faults.push(format!("reads the rows of {function}, which may show what is not the tenant's"));
        }
        for child in children(node) {
            self.node(child);
        }
    }

    fn relation(&mut self, node: &Value) {
        let (schema, name) = (word(node, "Schema"), word(node, "Relation Name"));
        if schema.starts_with("pg_temp") {
            return;
        }
        let key = (schema.to_owned(), name.to_owned());
        let writes = word(node, "Node Type") == "ModifyTable";
        if self.tables.reference.contains(&key) {
            if writes {
                self.faults.push(format!("writes {name}, which is the same for all tenants"));
            }
            return;
        }
        let Some(column) = self.tables.of_tenants.get(&key).copied() else {
            self.faults.push(format!("touches {schema}.{name}, which is no table of tenants"));
            return;
        };
        if !writes {
            self.scan(node, name);
            return;
        }
        match word(node, "Operation") {
            // What they change was found by a scan below, which is looked at by itself.
            "Update" | "Delete" => {}
            "Insert" => self.insert(node, name, column),
            other => self.faults.push(format!("does {other} on {name}, which cannot be checked")),
        }
    }

    fn scan(&mut self, node: &Value, name: &str) {
        let alias = word(node, "Alias");
        let held = [format!("{alias}.tenant_id"), format!("\"{alias}\".tenant_id")].iter().any(|column| {
            let wanted = format!("{column} = {}", self.tenant);
            ["Index Cond", "Recheck Cond", "Filter"].iter().any(|key| implies(word(node, key), &wanted))
        });
        if !held {
            self.faults.push(format!("{} of {name} ({alias}) is not held to tenant_id = $1", word(node, "Node Type")));
        }
    }

    /// The row that is put in: its `tenant_id` is the parameter, or comes from rows that are held to it.
    fn insert(&mut self, node: &Value, name: &str, column: usize) {
        let source = children(node).iter().find(|child| word(child, "Parent Relationship") == "Outer");
        let value = source
            .and_then(|source| source.get("Output"))
            .and_then(|output| output.get(column))
            .and_then(Value::as_str)
            .unwrap_or("");
        let bare = value.trim_matches(['(', ')']);
        let named = bare == self.tenant
            || bare.ends_with(".tenant_id") && source.is_some_and(|source| self.is_from_tenant_rows(source, bare))
            // The plan does not show the rows of a list.
            || value.contains("VALUES") && self.rows_are_its_tenants;
        if !named {
            self.faults.push(format!("puts a row into {name} whose tenant_id is `{value}` and not $1"));
        }
    }

    fn is_from_tenant_rows(&self, node: &Value, value: &str) -> bool {
        let key = (word(node, "Schema").to_owned(), word(node, "Relation Name").to_owned());
        let here = self.tables.of_tenants.contains_key(&key)
            && value.strip_suffix(".tenant_id").is_some_and(|alias| alias.trim_matches('"') == word(node, "Alias"));
        here || children(node).iter().any(|child| self.is_from_tenant_rows(child, value))
    }
}
