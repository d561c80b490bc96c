//! What a test did with the database, written down so that it can be done again elsewhere.
//!
//! With the feature `failpoints` and `CLOISTER_RECORD=<directory>`, a process writes a file there: which test it is, which
//! guards it passed, and every statement with its parameters, a transaction at a time, in the order in which they ended. A
//! line is a record, its fields are separated by tabs, and texts are in hexadecimal.

#[cfg(feature = "failpoints")]
pub(crate) use recording::{Log, passed};

#[cfg(not(feature = "failpoints"))]
pub(crate) use silence::Log;

/// Nothing: this program was built without the `failpoints` feature.
#[cfg(not(feature = "failpoints"))]
mod silence {
    use crate::connection::Item;
    use crate::wire::Prepared;

    #[derive(Debug)]
    pub(crate) struct Log;

    impl Log {
        pub(crate) fn new(_database: &str) -> Self {
            Self
        }

        #[inline]
        pub(crate) fn ran(&mut self, _item: &Item<'_>, _prepared: Option<&Prepared>) {}

        #[inline]
        pub(crate) fn said(&mut self, _text: &str) {}

        #[inline]
        pub(crate) fn copying(&mut self, _text: &str) {}

        #[inline]
        pub(crate) fn copied(&mut self, _lines: &[u8]) {}

        #[inline]
        pub(crate) fn ended(&mut self, _schema: Option<&str>, _committed: bool) {}
    }
}

#[cfg(feature = "failpoints")]
mod recording {
    use std::{
        collections::HashSet,
        fmt::Write as _,
        fs::File,
        io::Write as _,
        path::Path,
        sync::{LazyLock, Mutex, PoisonError},
    };

    use bytes::BytesMut;
    use tokio_postgres::types::IsNull;

    use crate::{connection::Item, wire::Prepared};

    /// A transaction longer than this is of a test about quantity, and is left out.
    const LONGEST: usize = 2 * 1024 * 1024;

    struct Book {
        file: File,
        known: HashSet<String>,
    }

    static BOOK: LazyLock<Option<Mutex<Book>>> = LazyLock::new(|| {
        let directory = std::env::var_os("CLOISTER_RECORD")?;
        let arguments: Vec<String> = std::env::args().collect();
        let test = arguments.iter().find(|argument| argument.contains("::")).cloned().unwrap_or_default();
        let path = Path::new(&directory).join(format!("{}.{}", std::process::id(), u64::from(rand::random::<u32>())));
        std::fs::create_dir_all(&directory).ok()?;
        let mut file = File::create(path).ok()?;
        writeln!(file, "test\t{}\t{test}", arguments.first().map_or("", String::as_str)).ok()?;
        Some(Mutex::new(Book { file, known: HashSet::new() }))
    });

    impl Book {
        /// Writes a line, the first time that it is said.
        fn once(&mut self, line: String) {
            if !self.known.contains(&line) {
                // A book that cannot be written misses something, which whoever reads it sees.
                let _ = writeln!(self.file, "{line}");
                self.known.insert(line);
            }
        }
    }

    fn book(write: impl FnOnce(&mut Book)) {
        if let Some(book) = &*BOOK {
            write(&mut book.lock().unwrap_or_else(PoisonError::into_inner));
        }
    }

    /// The test came to this guard.
    pub(crate) fn passed(guard: &str) {
        book(|book| book.once(format!("guard\t{guard}")));
    }

    fn hex(bytes: &[u8], into: &mut String) {
        for byte in bytes {
            let _ = write!(into, "{byte:02x}");
        }
    }

    /// What one connection did since its last transaction ended.
    #[derive(Debug)]
    pub(crate) struct Log {
        database: String,
        text: String,
    }

    impl Log {
        pub(crate) fn new(database: &str) -> Self {
            Self { database: database.to_owned(), text: String::new() }
        }

        fn note(&mut self, kind: &str, bytes: &[u8]) {
            if BOOK.is_some() && self.text.len() <= LONGEST {
                self.text.push_str(kind);
                self.text.push('\t');
                hex(bytes, &mut self.text);
                self.text.push('\n');
            }
        }

        /// A statement and what it was run with.
        pub(crate) fn ran(&mut self, (statement, parameters): &Item<'_>, prepared: Option<&Prepared>) {
            let (Some(prepared), true) = (prepared, BOOK.is_some() && self.text.len() <= LONGEST) else { return };
            let mut line = format!("run\t{}", statement.name());
            for (value, kind) in parameters.iter().zip(prepared.parameters()) {
                let mut bytes = BytesMut::new();
                match value.to_sql_checked(kind, &mut bytes) {
                    Ok(IsNull::No) => {
                        let _ = write!(line, "\t{}:", kind.oid());
                        hex(&bytes, &mut line);
                    }
                    _ => drop(write!(line, "\t{}", kind.oid())),
                }
            }
            self.text.push_str(&line);
            self.text.push('\n');
            book(|book| {
                let mut line = format!("text\t{}\t", statement.name());
                hex(statement.sql().as_bytes(), &mut line);
                book.once(line);
            });
        }

        /// A text of its own, such as the making of a temporary table.
        pub(crate) fn said(&mut self, text: &str) {
            self.note("say", text.as_bytes());
        }

        /// The beginning of a COPY.
        pub(crate) fn copying(&mut self, text: &str) {
            self.note("copy", text.as_bytes());
        }

        /// Its lines.
        pub(crate) fn copied(&mut self, lines: &[u8]) {
            self.note("lines", lines);
        }

        /// The end of the transaction.
        pub(crate) fn ended(&mut self, schema: Option<&str>, committed: bool) {
            if self.text.is_empty() {
                return;
            }
            let text = std::mem::take(&mut self.text);
            if text.len() > LONGEST {
                return;
            }
            let end = if committed { "kept" } else { "undone" };
            book(|book| {
                let line = format!("begin\t{}\t{}\n{text}{end}\n", self.database, schema.unwrap_or_default());
                let _ = book.file.write_all(line.as_bytes());
            });
        }
    }

    impl Drop for Log {
        fn drop(&mut self) {
            self.ended(None, false);
        }
    }
}
