//! The places where a statement reads a table, and the statement with the rows of others in one of them.
//!
//! What is given to a tenant is given to the whole of a statement: where a table is read in two places, neither can be without
//! rows while the other has them. So that each holds by itself, a statement is asked as well with rows of everybody else alone in
//! one place, as they are and with other things in them: what is bound there finds nothing, and what is not finds what is another's.

use super::rewrite::is_word;

/// A table of tenants.
#[derive(Debug)]
pub(crate) struct Table {
    pub(crate) name: String,
    /// Its columns as they are, and by `v` with other things in them.
    columns: String,
}

impl Table {
    /// Of columns and their types.
    pub(crate) fn new(name: &str, columns: &[(String, String)]) -> Self {
        let column = |(column, kind): &(String, String)| {
            let (v, other) = match kind.as_str() {
                _ if column == "status" => {
                    (2, "case \"status\" when 'active' then 'tobedeleted' else 'active' end".to_owned())
                }
                "boolean" => (1, format!("not \"{column}\"")),
                "smallint" | "integer" | "bigint" => (1, format!("\"{column}\" + 1::smallint")),
                "date" => (3, format!("\"{column}\" + 1")),
                "timestamp with time zone" => (3, format!("\"{column}\" + interval '1 day'")),
                _ => return format!("\"{column}\""),
            };
            format!("case v when {v} then {other} else \"{column}\" end as \"{column}\"")
        };
        Self { name: name.to_owned(), columns: columns.iter().map(column).collect::<Vec<_>>().join(", ") }
    }
}

/// `from table called`, `join table called`, or `using table called`.
#[derive(Debug)]
pub(crate) struct Place<'a> {
    /// Where the table stands, with what it is called.
    from: usize,
    to: usize,
    table: &'a Table,
    pub(crate) called: String,
    pub(crate) scope: usize,
}

impl Place<'_> {
    /// What to put there for it to have rows of all but one tenant, as an edit of the text.
    pub(crate) fn emptied(&self, of: &str) -> Edit {
        let Self { from, to, table, called, .. } = self;
        let Table { name, columns } = table;
        let others =
            format!("from {name} cross join generate_series(0, 3) v where tenant_id < '{of}' or tenant_id > '{of}'");
        let text = format!("(select {columns} {others}) {called}");
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
const NO_NAMES: &str = "as cross except fetch for full group having inner intersect join left limit natural offset on order \
     returning right set tablesample union using where window";

/// Where a text reads one of these tables; `scopes` says of each byte which query it belongs to.
pub(crate) fn places<'a>(text: &str, scopes: &[usize], tables: &'a [Table]) -> Vec<Place<'a>> {
    let words = words(text);
    let mut found = Vec::new();
    for (at, (_, word)) in words.iter().enumerate() {
        let follows_delete = at > 0 && words[at - 1].1 == "delete";
        if !["from", "join", "using"].contains(word) || follows_delete {
            continue;
        }
        let mut next = at + 1;
        while let Some((from, mut called)) = words.get(next).copied()
            && let Some(table) = tables.iter().find(|table| table.name == called)
        {
            let mut to = from + called.len();
            if let Some((begin, name)) = words.get(next + 1)
                && text[to..*begin].trim().is_empty()
                && !NO_NAMES.split(' ').any(|word| word == *name)
            {
                (called, to) = (*name, begin + name.len());
                next += 1;
            }
            found.push(Place { from, to, table, called: called.to_owned(), scope: scopes[from] });
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
