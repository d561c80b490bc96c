//! What PostgreSQL refused, sorted by what a caller can do about it.

use std::{fmt, io, time::Duration};

use fallible_iterator::FallibleIterator;
use postgres_protocol::message::backend::ErrorResponseBody;
use tokio_postgres::error::{DbError, SqlState};

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
    /// Whoever asked has as many connections as its share allows, and none came back in time.
    #[error("no connection within the share of whoever asked became free in {waited:?}")]
    Busy {
        /// How long the caller waited.
        waited: Duration,
    },
    /// The server refused a statement, or the connection broke while it ran.
    #[error("{statement}: {source}")]
    Statement {
        /// Name of the statement.
        statement: &'static str,
        /// Why.
        #[source]
        source: Cause,
    },
    /// COMMIT was answered by ROLLBACK, or the transaction was used after it had failed.
    #[error("the transaction had already failed")]
    Aborted,
}

/// Why an exchange failed.
#[derive(Debug, thiserror::Error)]
pub enum Cause {
    /// The server refused it.
    #[error(transparent)]
    Refused(Box<Refused>),
    /// The connection broke.
    #[error("the connection was lost: {0}")]
    Lost(#[from] io::Error),
    /// A parameter that cannot be sent.
    #[error("{0}")]
    Value(Box<dyn std::error::Error + Send + Sync>),
    /// The driver's own, such as a certificate that is not trusted.
    #[error("{}", with_reason(.0))]
    Driver(#[source] tokio_postgres::Error),
}

fn with_reason(error: &tokio_postgres::Error) -> String {
    std::error::Error::source(error).map_or_else(|| error.to_string(), |source| format!("{error}: {source}"))
}

impl From<tokio_postgres::Error> for Cause {
    fn from(error: tokio_postgres::Error) -> Self {
        match error.as_db_error() {
            Some(refused) => Self::Refused(Box::new(refused.into())),
            None => Self::Driver(error),
        }
    }
}

impl From<Refused> for Cause {
    fn from(refused: Refused) -> Self {
        Self::Refused(Box::new(refused))
    }
}

impl Cause {
    /// The SQLSTATE, when the server gave one.
    pub fn code(&self) -> Option<&SqlState> {
        match self {
            Self::Refused(refused) => Some(&refused.code),
            _ => None,
        }
    }

    /// The connection is gone, or was never there.
    fn is_lost(&self) -> bool {
        match self {
            Self::Lost(_) => true,
            Self::Driver(error) => {
                error.is_closed()
                    || std::error::Error::source(error).is_some_and(<dyn std::error::Error>::is::<io::Error>)
            }
            _ => false,
        }
    }
}

/// The server's own words. They may name values.
#[derive(Debug)]
pub struct Refused {
    code: SqlState,
    message: String,
    detail: Option<String>,
    hint: Option<String>,
    place: Option<String>,
    constraint: Option<String>,
}

impl Refused {
    pub(crate) fn read(body: &ErrorResponseBody) -> io::Result<Self> {
        let (mut code, mut message) = (SqlState::INTERNAL_ERROR, String::new());
        let (mut detail, mut hint, mut place, mut constraint) = (None, None, None, None);
        let mut fields = body.fields();
        while let Some(field) = fields.next()? {
            let value = String::from_utf8_lossy(field.value_bytes()).into_owned();
            match field.type_() {
                b'C' => code = SqlState::from_code(&value),
                b'M' => message = value,
                b'D' => detail = Some(value),
                b'H' => hint = Some(value),
                b'W' => place = Some(value),
                b'n' => constraint = Some(value),
                _ => {}
            }
        }
        Ok(Self { code, message, detail, hint, place, constraint })
    }
}

impl From<&DbError> for Refused {
    fn from(error: &DbError) -> Self {
        Self {
            code: error.code().clone(),
            message: error.message().to_owned(),
            detail: error.detail().map(str::to_owned),
            hint: error.hint().map(str::to_owned),
            place: error.where_().map(str::to_owned),
            constraint: error.constraint().map(str::to_owned),
        }
    }
}

impl std::error::Error for Refused {}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({})", self.message, self.code.code())?;
        let parts =
            [("detail", &self.detail), ("hint", &self.hint), ("where", &self.place), ("constraint", &self.constraint)];
        for (word, part) in parts {
            if let Some(part) = part {
                write!(f, ", {word}: {part}")?;
            }
        }
        Ok(())
    }
}

impl Error {
    /// What became of a statement that was run by hand, with its name.
    pub fn statement<C: Into<Cause>>(statement: &'static str) -> impl FnOnce(C) -> Self {
        move |source| Self::Statement { statement, source: source.into() }
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
        let Self::Statement { source: Cause::Refused(refused), .. } = self else { return None };
        let name = refused.constraint.as_deref()?;
        match name.rsplit_once('_') {
            Some((stem, digits)) if digits.len() > 4 && digits.bytes().all(|b| b.is_ascii_digit()) => Some(stem),
            _ => Some(name),
        }
    }

    /// The same work may succeed a moment later: a lost connection, a restart, a deadlock, a lock not granted.
    pub fn is_transient(&self) -> bool {
        match self {
            Self::Connect(error) => error.is_transient(),
            Self::Exhausted { .. } | Self::Busy { .. } => true,
            Self::Aborted => false,
            Self::Statement { source, .. } => match source.code() {
                None => source.is_lost(),
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
