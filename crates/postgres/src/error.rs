//! What PostgreSQL refused, sorted by what a caller can do about it.

use std::time::Duration;

use tokio_postgres::error::SqlState;

/// SQLSTATE values of our own, raised by functions in the database.
pub mod sqlstate {
    /// The placement is not open for this tenant at the epoch the node believes in.
    pub const FENCE_CLOSED: &str = "CLF01";
    /// A move, suspension or restore holds the placement right now.
    pub const FENCE_BUSY: &str = "CLF02";
    /// `current_schema()` is not the placement's.
    pub const FENCE_SCHEMA: &str = "CLF03";
}

/// A failed exchange with PostgreSQL. The text is for the log; it may contain values.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// No connection could be opened.
    #[error(transparent)]
    Connect(#[from] crate::ConnectError),
    /// Every connection of the budget stayed busy.
    #[error("all {budget} connections stayed busy for {waited:?}")]
    Exhausted {
        /// How many there are.
        budget: usize,
        /// How long the caller waited.
        waited: Duration,
    },
    /// The server refused a statement, or the connection broke while it ran.
    #[error("{statement}: {}", describe(source))]
    Statement {
        /// Name of the statement.
        statement: &'static str,
        /// What the driver said.
        #[source]
        source: tokio_postgres::Error,
    },
    /// COMMIT was answered by ROLLBACK, or the transaction was used after it had failed.
    #[error("the transaction had already failed")]
    Aborted,
}

fn describe(error: &tokio_postgres::Error) -> String {
    match error.as_db_error() {
        Some(db) => {
            let mut text = format!("{} ({})", db.message(), db.code().code());
            for (word, part) in
                [("detail", db.detail()), ("hint", db.hint()), ("where", db.where_()), ("constraint", db.constraint())]
            {
                if let Some(part) = part {
                    text.push_str(&format!(", {word}: {part}"));
                }
            }
            text
        }
        None => match std::error::Error::source(error) {
            Some(cause) => format!("{error}: {cause}"),
            None => error.to_string(),
        },
    }
}

impl Error {
    pub(crate) fn statement(statement: &'static str) -> impl FnOnce(tokio_postgres::Error) -> Self {
        move |source| Self::Statement { statement, source }
    }

    /// The SQLSTATE, when the server gave one.
    pub fn sqlstate(&self) -> Option<&SqlState> {
        match self {
            Self::Statement { source, .. } => source.code(),
            _ => None,
        }
    }

    /// True for this SQLSTATE.
    pub fn is(&self, code: &str) -> bool {
        self.sqlstate().is_some_and(|state| state.code() == code)
    }

    /// The violated constraint, without the shard suffix a distributed engine appends (`person_key_102008`).
    pub fn constraint(&self) -> Option<&str> {
        let Self::Statement { source, .. } = self else { return None };
        let name = source.as_db_error()?.constraint()?;
        match name.rsplit_once('_') {
            Some((stem, digits)) if digits.len() > 4 && digits.bytes().all(|b| b.is_ascii_digit()) => Some(stem),
            _ => Some(name),
        }
    }

    /// The same work may succeed a moment later: a lost connection, a restart, a deadlock, a lock not granted.
    pub fn is_transient(&self) -> bool {
        match self {
            Self::Connect(error) => error.is_transient(),
            Self::Exhausted { .. } => true,
            Self::Aborted => false,
            Self::Statement { source, .. } => match source.code() {
                None => {
                    source.is_closed()
                        || std::error::Error::source(source)
                            .is_some_and(<dyn std::error::Error + 'static>::is::<std::io::Error>)
                }
                Some(code) => {
                    let class = &code.code()[..2];
                    class == "08"
                        || class == "53" && *code != SqlState::DISK_FULL
                        || [
                            SqlState::T_R_SERIALIZATION_FAILURE,
                            SqlState::T_R_DEADLOCK_DETECTED,
                            SqlState::LOCK_NOT_AVAILABLE,
                            SqlState::ADMIN_SHUTDOWN,
                            SqlState::CRASH_SHUTDOWN,
                            SqlState::CANNOT_CONNECT_NOW,
                            SqlState::READ_ONLY_SQL_TRANSACTION,
                        ]
                        .contains(code)
                }
            },
        }
    }

    /// A prepared statement outlived a change of its tables; preparing it anew mends that.
    pub(crate) fn is_stale_plan(&self) -> bool {
        // 0A000 also names unsupported features, which would fail again: one retry is harmless.
        self.is("0A000")
    }
}
