//! A statement without what binds one of its tables to the tenant.

use std::collections::BTreeSet;

use super::places::{Edit, Place, Table, edited, places};

/// `left.tenant_id = right`, where it stands.
#[derive(Debug)]
struct Condition {
    from: usize,
    to: usize,
    /// Names of tables in it; the empty one where it has none.
    tables: Vec<String>,
    scope: usize,
}

/// A statement without what binds one of its tables to the tenant.
#[derive(Debug)]
pub(crate) struct Unbound {
    /// The table. In a query of its own, such as a sub-select, it is named with a word for the text of the query, so that a name is
    /// never another's when the statement changes.
    pub(crate) name: String,
    pub(crate) text: String,
    /// The statement with rows of all but its tenant where the table stands, and the same without what binds the table.
    pub(crate) emptied: Vec<[String; 2]>,
}

/// Each way to leave out what a table is bound by, of a text that reads these tables, where it is asked for `tenant`.
pub(crate) fn unbound(text: &str, tables: &[Table], tenant: &str) -> Vec<Unbound> {
    let scopes = scopes(text);
    let conditions = conditions(text, &scopes);
    let places = places(text, &scopes, tables);
    let bound: BTreeSet<(usize, &str)> =
        conditions.iter().flat_map(|c| c.tables.iter().map(move |table| (c.scope, table.as_str()))).collect();
    let mut found: Vec<Unbound> = Vec::new();
    for (scope, table) in bound {
        let left_out: Vec<&Condition> =
            conditions.iter().filter(|c| c.scope == scope && c.tables.iter().any(|other| other == table)).collect();
        let edits: Vec<Edit> =
            left_out.iter().map(|c| Edit { from: c.from, to: c.to, text: "true".to_owned() }).collect();
        let unbound = edited(text, &edits);
        if found.iter().any(|other| other.text == unbound) {
            continue;
        }
        // Where it is called like that, or where what it is compared with stands when it is a table of another query.
        let mut stands: Vec<_> = places.iter().filter(|place| place.scope == scope && place.called == table).collect();
        if stands.is_empty() {
            let compared = |called: &String| left_out.iter().any(|c| c.tables.contains(called));
            let is_here = |place: &&Place| place.scope == scope && (table.is_empty() || compared(&place.called));
            stands = places.iter().filter(is_here).collect();
        }
        let emptied = stands
            .iter()
            .map(|place| {
                let place = place.emptied(tenant);
                [edited(text, [&place]), edited(text, edits.iter().chain([&place]))]
            })
            .collect();
        let name = if table.is_empty() { "row" } else { table };
        let name = if scope == 0 { name.to_owned() } else { format!("{name}@{}", word_for(text, &scopes, scope)) };
        let twice = found.iter().filter(|other| other.name.split('#').next() == Some(&name)).count();
        let name = if twice == 0 { name } else { format!("{name}#{}", twice + 1) };
        found.push(Unbound { name, text: unbound, emptied });
    }
    found
}

/// A text with rows of all but its tenant in a place, for each place where it reads one of these tables.
pub(crate) fn emptied(text: &str, tables: &[Table], tenant: &str) -> Vec<String> {
    places(text, &scopes(text), tables).iter().map(|place| edited(text, [&place.emptied(tenant)])).collect()
}

/// The same, if it has a number of a thousand or more: rows that few make many, so that with a few rows the way for many is
/// never gone. Here two are.
pub(crate) fn soon_many(text: &str) -> Option<String> {
    let mut changed = String::new();
    let mut rest = text;
    while let Some(at) = rest.find(|c: char| c.is_ascii_digit()) {
        let before = rest[..at].chars().next_back();
        let length = rest[at..].chars().take_while(char::is_ascii_digit).count();
        let (digits, whole) = (&rest[at..at + length], !before.is_some_and(|c| is_word(c) || c == '$'));
        changed.push_str(&rest[..at]);
        match digits.parse::<u64>() {
            Ok(number) if whole && number >= 1000 => changed.push_str(&(number % 1000 + 1).to_string()),
            _ => changed.push_str(digits),
        }
        rest = &rest[at + length..];
    }
    changed.push_str(rest);
    (changed != text).then_some(changed)
}

/// A few letters that follow from the text of a query, without those in it.
fn word_for(text: &str, scopes: &[usize], scope: usize) -> String {
    let own: String = text.char_indices().filter(|(at, _)| scopes[*at] == scope).map(|(_, c)| c).collect();
    let mut hash: u32 = 0x811c_9dc5;
    for byte in own.split_whitespace().collect::<Vec<_>>().join(" ").bytes() {
        hash = (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193);
    }
    format!("{:06x}", hash & 0x00ff_ffff)
}

pub(super) fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

fn conditions(text: &str, scopes: &[usize]) -> Vec<Condition> {
    let mut found = Vec::new();
    for (at, word) in text.match_indices("tenant_id") {
        let before = &text[..at];
        let after = &text[at + word.len()..];
        if before.ends_with(is_word) || after.starts_with(is_word) {
            continue;
        }
        let (from, left) = match before.strip_suffix('.') {
            Some(rest) => {
                let name = rest.len() - rest.chars().rev().take_while(|c| is_word(*c)).count();
                (name, rest[name..].to_owned())
            }
            None => (at, String::new()),
        };
        let Some(rest) = after.trim_start().strip_prefix('=') else { continue };
        let right = rest.trim_start();
        let length = right.chars().take_while(|c| is_word(*c) || *c == '.' || *c == '$').count();
        let begin = text.len() - right.len();
        let mut to = begin + length;
        let mut tables = vec![left];
        let (operand, cast) = (&right[..length], right[length..].strip_prefix("::uuid"));
        if cast.is_some() {
            to += "::uuid".len();
        }
        match operand.split_once('.') {
            Some((table, "tenant_id" | "id")) => tables.push(table.to_owned()),
            None if operand.starts_with('$') => {}
            _ => continue,
        }
        // An assignment is no condition.
        if text[..from].trim_end().ends_with(" set") {
            continue;
        }
        found.push(Condition { from, to, tables, scope: scopes[at] });
    }
    found
}

/// For each byte, which query it belongs to: 0 is the whole, each parenthesised one has a number of its own.
fn scopes(text: &str) -> Vec<usize> {
    let (mut scopes, mut open, mut last) = (Vec::with_capacity(text.len()), vec![0], 0);
    for (at, byte) in text.bytes().enumerate() {
        match byte {
            b'(' => {
                let inside = text[at + 1..].trim_start();
                let is_query =
                    ["select", "insert", "update", "delete", "with"].iter().any(|word| inside.starts_with(word));
                if is_query {
                    last += 1;
                }
                open.push(if is_query { last } else { *open.last().unwrap_or(&0) });
            }
            b')' if open.len() > 1 => drop(open.pop()),
            _ => {}
        }
        scopes.push(*open.last().unwrap_or(&0));
    }
    scopes
}

#[cfg(test)]
mod tests {
    use super::{Table, emptied, soon_many, unbound};

    #[test]
    fn each_table_is_let_go_where_it_is_bound() {
        let texts = |sql: &str| {
            unbound(sql, &[], "").iter().map(|one| format!("{}: {}", one.name, one.text)).collect::<Vec<_>>()
        };
        assert_eq!(
            texts("select a from t where tenant_id = $1 and id = $2"),
            ["row: select a from t where true and id = $2"]
        );
        assert_eq!(
            texts("select a from c join t on t.tenant_id = c.tenant_id and t.id = c.t where c.tenant_id = $1"),
            [
                "c: select a from c join t on true and t.id = c.t where true",
                "t: select a from c join t on true and t.id = c.t where c.tenant_id = $1",
            ]
        );
        assert_eq!(
            texts("select a from c where tenant_id = $1 and exists (select from t where t.tenant_id = $1)"),
            [
                "row: select a from c where true and exists (select from t where t.tenant_id = $1)",
                "t@50a686: select a from c where tenant_id = $1 and exists (select from t where true)",
            ]
        );
        let twice =
            "select exists (select from t where t.tenant_id = $1) or exists (select from t where t.tenant_id = $1)";
        assert_eq!(texts(twice).len(), 2);
        assert_eq!(
            texts(twice)[1].split(": ").next().unwrap(),
            format!("{}#2", texts(twice)[0].split(": ").next().unwrap())
        );
        assert!(
            texts("insert into t (tenant_id, id) values ($1, $2) on conflict (tenant_id, id) do nothing").is_empty()
        );
    }

    #[test]
    fn each_table_is_emptied_where_it_stands() {
        let sql = "select a from t x, lateral (select from u where tenant_id = $1) y
            where x.tenant_id = $1 and exists (select from t k where k.tenant_id = x.tenant_id and k.a = x.a)";
        let columns = [("id".to_owned(), "uuid".to_owned()), ("version".to_owned(), "integer".to_owned())];
        let tables = [Table::new("t", &columns), Table::new("u", &columns)];
        let none = |table: &str, called: &str| {
            let version = "case v when 1 then \"version\" + 1::smallint else \"version\" end as \"version\"";
            let others =
                format!("from {table} cross join generate_series(0, 3) v where tenant_id < 'me' or tenant_id > 'me'");
            format!("(select \"id\", {version} {others}) {called}")
        };
        let all = emptied(sql, &tables, "me");
        assert_eq!(all.len(), 3);
        assert_eq!(all[0], sql.replace("t x", &none("t", "x")));
        assert_eq!(all[1], sql.replace("from u", &format!("from {}", none("u", "u"))));
        assert_eq!(all[2], sql.replace("t k", &none("t", "k")));

        let unbound = unbound(sql, &tables, "me");
        let names: Vec<&str> = unbound.iter().filter_map(|one| one.name.split('@').next()).collect();
        assert_eq!(names, ["x", "row", "k"]);
        let k = &unbound[2].emptied;
        assert_eq!(k.len(), 1);
        assert_eq!(k[0], [all[2].clone(), all[2].replace("k.tenant_id = x.tenant_id", "true")]);
        // What is deleted from is no place: it cannot be read from a query.
        assert!(emptied("delete from t where tenant_id = $1", &tables, "me").is_empty());
    }

    #[test]
    fn few_rows_are_many() {
        assert_eq!(
            soon_many("select a, $1001 from t1000 order by a limit 1001 offset 64").as_deref(),
            Some("select a, $1001 from t1000 order by a limit 2 offset 64")
        );
        assert_eq!(soon_many("select count(*) <= 1000 from t").as_deref(), Some("select count(*) <= 1 from t"));
        assert_eq!(soon_many("select 64"), None);
    }
}
