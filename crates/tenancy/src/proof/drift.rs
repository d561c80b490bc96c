//! Compares what a schema is with what the migrations of this program make.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    code,
    finding::{Code, Finding, Place},
    rule::Broken,
};

/// What is said about one thing: kind of fact, table, and item of it.
pub(super) type Key = (String, String, String);
/// Facts of one schema.
pub(super) type Facts = BTreeMap<Key, String>;

/// What differs, apart from what `told` has explained already.
pub(super) fn compare(place: Place<'_>, space: &str, expected: &Facts, found: &Facts, told: &[Broken]) -> Vec<Finding> {
    let told: BTreeSet<(&str, &str, &str)> = told
        .iter()
        .filter(|broken| broken.space == space)
        .flat_map(|broken| broken.explains.iter().map(|kind| (*kind, broken.object.as_str(), broken.item.as_str())))
        .collect();
    // A finding about no item in particular explains them all.
    let is_told =
        |(kind, object, item): &Key| [item.as_str(), ""].iter().any(|item| told.contains(&(kind, object, *item)));
    let relation =
        |facts: &Facts, object: &str| facts.contains_key(&("relation".to_owned(), object.to_owned(), String::new()));
    let mut findings = Vec::new();
    let keys: BTreeSet<&Key> = expected.keys().chain(found.keys()).collect();
    for key in keys {
        let (kind, object, item) = key;
        let (should, is) = (expected.get(key), found.get(key));
        if should == is || is_told(key) {
            continue;
        }
        // Of a table that is missing or too many, that alone is told.
        if kind != "relation" && !object.is_empty() && relation(expected, object) != relation(found, object) {
            continue;
        }
        let code = code_of(kind, should, is);
        let path: Vec<&str> = [space, object, item].into_iter().filter(|part| !part.is_empty()).collect();
        let detail = match (should, is) {
            (Some(should), None) => format!("the {kind} is missing: {should}"),
            (None, Some(is)) => format!("the {kind} should not be there: {is}"),
            (Some(should), Some(is)) => format!("the {kind} is `{is}`, and should be `{should}`"),
            (None, None) => continue,
        };
        findings.push(place.finding(code, path.join("."), detail, mend(space, key, should, is)));
    }
    findings
}

fn code_of(kind: &str, should: Option<&String>, is: Option<&String>) -> &'static Code {
    let text = should.or(is).map_or("", String::as_str);
    match kind {
        "relation" if should.is_none() && (text.contains("table")) => &code::TABLE_UNDECLARED,
        "relation" if is.is_none() => &code::TABLE_MISSING,
        "owner" | "schema" => &code::OWNED_BY_STRANGER,
        // On where it should be off it shuts the rows away, and lets nobody at them.
        "row security"
            if should.is_some_and(|should| should.ends_with("enabled"))
                && is.is_some_and(|is| is.ends_with("disabled")) =>
        {
            &code::ROW_SECURITY_OFF
        }
        "relation" | "row security" => &code::TABLE_DRIFT,
        "column" => &code::COLUMN_DRIFT,
        "constraint" if text.starts_with("CHECK") => &code::CHECK_DRIFT,
        "constraint" => &code::KEY_DRIFT,
        "index" => &code::INDEX_DRIFT,
        "policy" => &code::POLICY_DRIFT,
        "grant" | "schema grant" | "column grant" | "function grant" => &code::GRANT_DRIFT,
        "function" => &code::FUNCTION_DRIFT,
        "trigger" | "rule" => &code::TRIGGER,
        "trigger of a key" => &code::TRIGGER_DISABLED,
        "publication" => &code::PUBLISHED,
        _ => &code::OBJECT_DRIFT,
    }
}

fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

fn grantee_of(name: &str) -> String {
    if name == "public" { name.to_owned() } else { quoted(name) }
}

/// Where no statement can be named.
const UNTOLD: &str = "-- make it by hand as the program's migrations do";

/// `forced`, where it is, stands before `enabled` or `disabled`.
fn row_security(table: &str, should: &str, is: &str) -> String {
    let word = |text: &str| if text.ends_with("enabled") { "enable" } else { "disable" };
    let force = |text: &str| if text.starts_with("forced") { "force" } else { "no force" };
    let parts = [(word(should), word(is)), (force(should), force(is))];
    let wrong = parts.into_iter().filter(|(should, is)| should != is);
    let mended: Vec<String> =
        wrong.map(|(word, _)| format!("alter table {table} {word} row level security;")).collect();
    mended.join(" ")
}

/// SQL that makes it as it should be, where one statement or two can.
fn mend(space: &str, (kind, object, item): &Key, should: Option<&String>, is: Option<&String>) -> String {
    let table = format!("{}.{}", quoted(space), quoted(object));
    let item_name = quoted(item);
    let right = |verb: &str, word: &str, what: &str| {
        let (grantee, privilege) = item.rsplit_once(' ').unwrap_or((item, "all"));
        format!("{verb} {privilege} on {what} {word} {};", grantee_of(grantee))
    };
    // The function's name ends with its arguments.
    let execute = |verb: &str, word: &str| match item.split_once(") ") {
        Some((function, grantee)) => {
            format!("{verb} execute on function {}.{function}) {word} {};", quoted(space), grantee_of(grantee))
        }
        None => UNTOLD.to_owned(),
    };
    // What may be passed on and should not be.
    let passed = should.is_some_and(|should| should == "false") && is.is_some_and(|is| is == "true");
    let give =
        |what: &str| if passed { right("revoke grant option for", "from", what) } else { right("grant", "to", what) };
    let remove = match kind.as_str() {
        "relation" => format!("-- look what it holds, then: drop table {table};"),
        "column" => format!("alter table {table} drop column {item_name};"),
        "constraint" => format!("alter table {table} drop constraint {item_name};"),
        "index" => format!("drop index {}.{item_name};", quoted(space)),
        "policy" => format!("drop policy {item_name} on {table};"),
        "grant" => right("revoke", "from", &table),
        "schema grant" => right("revoke", "from", &format!("schema {}", quoted(space))),
        "trigger" => format!("drop trigger {item_name} on {table};"),
        "trigger of a key" => format!("alter table {table} enable trigger all;"),
        "rule" => format!("drop rule {item_name} on {table};"),
        "function" => format!("drop function {}.{item};", quoted(space)),
        "function grant" => execute("revoke", "from"),
        "type" => format!("drop type {}.{item_name};", quoted(space)),
        _ => UNTOLD.to_owned(),
    };
    let Some(should) = should else { return remove };
    let at = format!("set search_path = {}, pg_catalog;", quoted(space));
    let make = match kind.as_str() {
        "schema" => format!("alter schema {} owner to {};", quoted(space), quoted(should)),
        "owner" => format!("alter table {table} owner to {};", quoted(should)),
        "row security" => row_security(&table, should, is.map_or("", String::as_str)),
        "column" if is.is_some() => format!("-- alter table {table} alter column {item_name} …: {should}"),
        "column" => format!("alter table {table} add column {item_name} {should};"),
        "constraint" => format!("{at} alter table {table} add constraint {item_name} {should};"),
        "index" => format!("{at} {should};"),
        "policy" => format!("create policy {item_name} on {table} {should};"),
        "grant" => give(&table),
        "schema grant" => give(&format!("schema {}", quoted(space))),
        "function grant" => execute("grant", "to"),
        // As it was made: the text lies in the program's migrations.
        "function" => "-- make the function again from the program's migrations".to_owned(),
        "relation" if is.is_none() => "-- restore the table from a backup, or make the place again".to_owned(),
        _ => UNTOLD.to_owned(),
    };
    let both = is.is_some() && matches!(kind.as_str(), "constraint" | "index" | "policy");
    if both { format!("{remove} {make}") } else { make }
}

#[cfg(test)]
mod tests {
    use super::{Facts, Place, compare};

    fn facts(of: &[(&str, &str, &str, &str)]) -> Facts {
        of.iter()
            .map(|(kind, object, item, text)| {
                ((kind.to_string(), object.to_string(), item.to_string()), text.to_string())
            })
            .collect()
    }

    #[test]
    fn a_missing_column_is_told_with_what_makes_it_and_a_missing_table_once() {
        let place = Place { cluster: "main", database: "x_shared" };
        let expected = facts(&[
            ("relation", "note", "", "table"),
            ("column", "note", "body", "text not null"),
            ("relation", "gone", "", "table"),
            ("column", "gone", "id", "uuid"),
        ]);
        let found = facts(&[("relation", "note", "", "table")]);
        let told = compare(place, "shared", &expected, &found, &[]);
        let told: Vec<_> = told.iter().map(|f| (f.code.as_str(), f.object.as_str(), f.mend.as_str())).collect();
        assert_eq!(
            told,
            [
                (
                    "drift_column",
                    "shared.note.body",
                    "alter table \"shared\".\"note\" add column \"body\" text not null;"
                ),
                ("table_missing", "shared.gone", "-- restore the table from a backup, or make the place again"),
            ]
        );
    }

    #[test]
    fn who_may_execute_a_function_is_quoted_as_it_must_be() {
        let place = Place { cluster: "main", database: "x_shared" };
        let found = facts(&[("function grant", "", "enter(uuid, text) data-reader", "false")]);
        let told = compare(place, "cloister", &Facts::new(), &found, &[]);
        let mends: Vec<_> = told.iter().map(|finding| finding.mend.as_str()).collect();
        assert_eq!(mends, ["revoke execute on function \"cloister\".enter(uuid, text) from \"data-reader\";"]);
        let public = facts(&[("function grant", "", "enter(uuid, text) public", "false")]);
        let told = compare(place, "cloister", &Facts::new(), &public, &[]);
        assert_eq!(told[0].mend, "revoke execute on function \"cloister\".enter(uuid, text) from public;");
    }
}
