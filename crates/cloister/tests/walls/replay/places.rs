//! The places where a statement reads a table, and the statement as if its tenant had no rows there.
//!
//! What is given to a tenant is given to the whole of a statement: where a table is read in two places, neither can be left without
//! rows while the other has them. So that each holds by itself, a statement is asked as well with rows of everybody else alone in
//! one place: what is bound there finds nothing, and what is not finds what is another's.

use super::rewrite::is_word;

/// `from table called`, `join table called`, or `using table called`.
#[derive(Debug, PartialEq)]
pub(crate) struct Place {
    /// Where the table stands, with what it is called.
    from: usize,
    to: usize,
    table: String,
    pub(crate) called: String,
    pub(crate) scope: usize,
}

impl Place {
    /// What to put there for it to have no rows of one tenant, as an edit of the text.
    pub(crate) fn emptied(&self, of: &str) -> Edit {
        let Self { from, to, table, called, .. } = self;
        let text = format!("(select * from {table} where tenant_id <> '{of}') {called}");
        Edit { from: *from, to: *to, text }
    }
}

/// A part of a text and what to put in its place.
#[derive(Debug, Clone)]
pub(crate) struct Edit {
    pub(crate) from: usize,
    pub(crate) to: usize,
    pub(crate) text: String,
}

/// A text with edits, none of which touches another.
pub(crate) fn edited<'a>(text: &str, edits: impl IntoIterator<Item = &'a Edit>) -> String {
    let mut edits: Vec<&Edit> = edits.into_iter().collect();
    edits.sort_by_key(|edit| edit.from);
    let mut all = text.to_owned();
    for edit in edits.iter().rev() {
        all.replace_range(edit.from..edit.to, &edit.text);
    }
    all
}

/// Words that follow a table and are not what it is called.
const NO_NAMES: [&str; 19] = [
    "cross", "except", "for", "full", "group", "having", "inner", "join", "left", "limit", "natural", "offset", "on",
    "order", "right", "set", "union", "using", "where",
];

/// Where a text reads one of these tables; `scopes` says of each byte which query it belongs to.
pub(crate) fn places(text: &str, scopes: &[usize], tables: &[String]) -> Vec<Place> {
    let words = words(text);
    let mut found = Vec::new();
    for (at, (_, word)) in words.iter().enumerate() {
        let follows_delete = at > 0 && words[at - 1].1 == "delete";
        if !["from", "join", "using"].contains(word) || follows_delete {
            continue;
        }
        let mut next = at + 1;
        while let Some((from, table)) = words.get(next).filter(|(_, word)| tables.iter().any(|table| table == word)) {
            let mut to = from + table.len();
            let mut called = *table;
            if let Some((begin, name)) = words.get(next + 1)
                && text[to..*begin].trim().is_empty()
                && !NO_NAMES.contains(name)
            {
                (called, to) = (*name, begin + name.len());
                next += 1;
            }
            let (table, called) = ((*table).to_owned(), called.to_owned());
            found.push(Place { from: *from, to, table, called, scope: scopes[*from] });
            next += 1;
            // `from a x, b y`
            if !text[to..].trim_start().starts_with(',') {
                break;
            }
        }
    }
    found
}

/// The words of a text, each with where it begins.
fn words(text: &str) -> Vec<(usize, &str)> {
    let mut found = Vec::new();
    let mut begin = None;
    for (at, c) in text.char_indices().chain([(text.len(), ' ')]) {
        match begin {
            None if is_word(c) => begin = Some(at),
            Some(from) if !is_word(c) => {
                found.push((from, &text[from..at]));
                begin = None;
            }
            _ => {}
        }
    }
    found
}
