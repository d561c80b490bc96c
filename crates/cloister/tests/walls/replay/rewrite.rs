//! A statement without what binds one of its tables to the tenant.

use std::collections::BTreeSet;

/// `left.tenant_id = right`, where it stands.
#[derive(Debug)]
struct Condition {
    from: usize,
    to: usize,
    /// Names of tables in it; the empty one where it has none.
    tables: Vec<String>,
    scope: usize,
}

/// Each way to leave out what a table is bound by: its name, and the statement without. In a query of its own, such as a
/// sub-select, a table is named with a word for the text of the query, so that a name is never another's when the statement
/// changes.
pub(crate) fn unbound(text: &str) -> Vec<(String, String)> {
    let scopes = scopes(text);
    let conditions = conditions(text, &scopes);
    let tables: BTreeSet<(usize, &str)> =
        conditions.iter().flat_map(|c| c.tables.iter().map(move |table| (c.scope, table.as_str()))).collect();
    let mut found: Vec<(String, String)> = Vec::new();
    for (scope, table) in tables {
        let mut unbound = text.to_owned();
        for condition in conditions.iter().rev() {
            if condition.scope == scope && condition.tables.iter().any(|other| other == table) {
                unbound.replace_range(condition.from..condition.to, "true");
            }
        }
        if found.iter().all(|(_, other)| *other != unbound) {
            let name = if table.is_empty() { "row" } else { table };
            let name = if scope == 0 { name.to_owned() } else { format!("{name}@{}", word_for(text, &scopes, scope)) };
            let twice = found.iter().filter(|(other, _)| other.split('#').next() == Some(&name)).count();
            found.push((if twice == 0 { name } else { format!("{name}#{}", twice + 1) }, unbound));
        }
    }
    found
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

fn is_word(c: char) -> bool {
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
    use super::{soon_many, unbound};

    #[test]
    fn each_table_is_let_go_where_it_is_bound() {
        let texts =
            |sql: &str| unbound(sql).into_iter().map(|(name, text)| format!("{name}: {text}")).collect::<Vec<_>>();
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
    fn few_rows_are_many() {
        assert_eq!(
            soon_many("select a, $1001 from t1000 order by a limit 1001 offset 64").as_deref(),
            Some("select a, $1001 from t1000 order by a limit 2 offset 64")
        );
        assert_eq!(soon_many("select count(*) <= 1000 from t").as_deref(), Some("select count(*) <= 1 from t"));
        assert_eq!(soon_many("select 64"), None);
    }
}
