//! Conditions of sub-selects that stand with the same text in several statements: written once, they are one guard.

use std::collections::HashMap;

use super::report::Guard;

/// What a condition in a sub-select is known by: its table and the word for the text of the sub-select, which is in no other
/// text. None for the conditions of a statement itself.
fn text_of(name: &str) -> Option<&str> {
    let condition = name.strip_prefix("statement/")?.rsplit('/').next()?;
    let condition = condition.split('#').next()?;
    condition.contains('@').then_some(condition)
}

/// Whatever is noticed in one statement counts for the same text in the others, and says so.
pub(crate) fn count_once(guards: &mut [Guard]) {
    let mut noticed: HashMap<String, String> = HashMap::new();
    for guard in guards.iter().filter(|guard| guard.killed_by.is_some()) {
        if let Some(text) = text_of(&guard.name) {
            noticed.entry(text.to_owned()).or_insert_with(|| guard.name.clone());
        }
    }
    for guard in guards.iter_mut().filter(|guard| guard.killed_by.is_none()) {
        let other = text_of(&guard.name).and_then(|text| noticed.get(text));
        guard.killed_by = other.map(|other| format!("the same text, noticed as {other}"));
    }
}

#[cfg(test)]
mod tests {
    use super::{Guard, count_once};

    #[test]
    fn what_is_written_once_counts_once_and_nothing_else_does() {
        let guard = |name: &str, by: Option<&str>| Guard {
            name: name.to_owned(),
            killed_by: by.map(str::to_owned),
            otherwise: String::new(),
        };
        let mut guards = [
            guard("statement/a::LIST/r@123abc", Some("a test")),
            guard("statement/b::LIST/r@123abc#2", None),
            guard("statement/b::LIST/r@654abc", None),
            guard("statement/b::LIST/s@123abc", None),
            guard("statement/a::LIST/row", Some("a test")),
            guard("statement/b::LIST/row", None),
        ];
        count_once(&mut guards);
        let noticed: Vec<bool> = guards.iter().map(|guard| guard.killed_by.is_some()).collect();
        assert_eq!(noticed, [true, true, false, false, true, false]);
    }
}
