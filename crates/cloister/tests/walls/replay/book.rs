//! What other tests did, as they wrote it down.

use std::{collections::HashMap, path::Path};

/// One test's work with the database.
#[derive(Debug, Default)]
pub(crate) struct Book {
    /// How long what was written down is.
    bytes: usize,
    pub(crate) test: String,
    /// By the name of the statement.
    pub(crate) texts: HashMap<String, String>,
    pub(crate) transactions: Vec<Work>,
}

/// A transaction, in the order in which they ended.
#[derive(Debug)]
pub(crate) struct Work {
    pub(crate) database: String,
    pub(crate) acts: Vec<Act>,
    pub(crate) committed: bool,
}

#[derive(Debug)]
pub(crate) enum Act {
    Run { statement: String, values: Vec<Value> },
    Say(String),
    Copy { text: String, lines: Vec<u8> },
}

/// A parameter, as it was sent.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Value {
    pub(crate) kind: u32,
    pub(crate) bytes: Option<Vec<u8>>,
}

/// Bytes that a test may have brought in by COPY. Whoever brings in more is about quantity, of which nothing is learnt here that
/// a few rows do not show.
const MOST_COPIED: usize = 100_000;

impl Book {
    fn copied(&self) -> usize {
        let acts = self.transactions.iter().flat_map(|work| &work.acts);
        acts.map(|act| if let Act::Copy { lines, .. } = act { lines.len() } else { 0 }).sum()
    }
}

fn bytes(hex: &str) -> Vec<u8> {
    (0..hex.len() / 2).map(|at| u8::from_str_radix(&hex[at * 2..at * 2 + 2], 16).unwrap()).collect()
}

fn text(hex: &str) -> String {
    String::from_utf8(bytes(hex)).unwrap()
}

fn value(field: &str) -> Value {
    let (kind, bytes_of) = field.split_once(':').map_or((field, None), |(kind, hex)| (kind, Some(bytes(hex))));
    Value { kind: kind.parse().unwrap(), bytes: bytes_of }
}

/// Bytes from which a book is large: each look at something in it takes long, as there is so much of everything.
const LARGE: usize = 1024 * 1024;

/// Every book in a folder, those first that tell of most: what they show need not be looked for in the others. Large ones come last.
pub(crate) fn read(folder: &Path) -> Vec<Book> {
    let mut books: Vec<Book> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| open(&std::fs::read_to_string(entry.unwrap().path()).unwrap()))
        .collect();
    books.retain(|book| !book.test.is_empty() && book.copied() <= MOST_COPIED);
    books.sort_by(|a, b| (a.bytes > LARGE, b.texts.len(), &a.test).cmp(&(b.bytes > LARGE, a.texts.len(), &b.test)));
    books
}

fn open(whole: &str) -> Book {
    let mut book = Book { bytes: whole.len(), ..Book::default() };
    let mut work: Option<Work> = None;
    for line in whole.lines() {
        let mut fields = line.split('\t');
        let (kind, first) = (fields.next().unwrap_or_default(), fields.next().unwrap_or_default());
        match kind {
            "test" => fields.next().unwrap_or_default().clone_into(&mut book.test),
            "text" => drop(book.texts.insert(first.to_owned(), text(fields.next().unwrap_or_default()))),
            "begin" => work = Some(Work { database: first.to_owned(), acts: Vec::new(), committed: false }),
            "kept" | "undone" => {
                if let Some(work) = work.take() {
                    book.transactions.push(Work { committed: kind == "kept", ..work });
                }
            }
            _ => {
                let Some(work) = &mut work else { continue };
                match kind {
                    "run" => {
                        work.acts.push(Act::Run { statement: first.to_owned(), values: fields.map(value).collect() });
                    }
                    "say" => work.acts.push(Act::Say(text(first))),
                    "copy" => work.acts.push(Act::Copy { text: text(first), lines: Vec::new() }),
                    "lines" => {
                        if let Some(Act::Copy { lines, .. }) = work.acts.last_mut() {
                            lines.extend(bytes(first));
                        }
                    }
                    _ => {}
                }
            }
        }
    }
    book
}
