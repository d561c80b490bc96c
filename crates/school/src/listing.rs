//! Pages of a list: which records, in which order, from which position on.

use cloister_ids::Uuid;
use cloister_tenancy::sql::{Statement, ToSql};
use jiff::{Timestamp, civil::Date};

use crate::record::Status;

/// Which records a list shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum StatusFilter {
    /// Those that count.
    #[default]
    Active,
    /// Deleted ones.
    ToBeDeleted,
    /// Both.
    All,
}

impl StatusFilter {
    pub(crate) fn column(self) -> Option<&'static str> {
        match self {
            Self::Active => Some(Status::Active.as_str()),
            Self::ToBeDeleted => Some(Status::ToBeDeleted.as_str()),
            Self::All => None,
        }
    }
}

/// From the least to the greatest, or back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Direction {
    /// A to Z, old to new.
    #[default]
    Ascending,
    /// Z to A, new to old.
    Descending,
}

/// The value of a sort key.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Key {
    /// Names and titles in normal form.
    Text(String),
    /// Instants.
    Time(Timestamp),
    /// Days.
    Date(Date),
}

/// What a sort key is made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeyKind {
    /// Names and titles in normal form.
    Text,
    /// Instants.
    Time,
    /// Days.
    Date,
}

impl Key {
    /// A key before all that occur, or behind all of them: where the first page begins.
    fn outermost(kind: KeyKind, direction: Direction) -> Self {
        let first = direction == Direction::Ascending;
        let day = if first { Date::constant(1, 1, 1) } else { Date::constant(9999, 12, 31) };
        match kind {
            KeyKind::Text => Self::Text(if first { String::new() } else { char::MAX.to_string() }),
            KeyKind::Date => Self::Date(day),
            KeyKind::Time => Self::Time(if first { FIRST_INSTANT } else { LAST_INSTANT }),
        }
    }

    fn kind(&self) -> KeyKind {
        match self {
            Self::Text(_) => KeyKind::Text,
            Self::Time(_) => KeyKind::Time,
            Self::Date(_) => KeyKind::Date,
        }
    }

    pub(crate) fn parameter(&self) -> &(dyn ToSql + Sync) {
        match self {
            Self::Text(text) => text,
            Self::Time(time) => time,
            Self::Date(date) => date,
        }
    }
}

const FIRST_INSTANT: Timestamp = Timestamp::constant(-62_135_596_800, 0);
const LAST_INSTANT: Timestamp = Timestamp::constant(253_370_764_800, 0);

/// Where a page begins: behind the record with this key and id.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Position {
    /// Its sort key.
    pub key: Key,
    /// Its id, which decides among equal keys.
    pub id: Uuid,
}

impl Position {
    /// The position asked for, or where the list begins. None when it was made for a list sorted by something else.
    pub fn or_outermost(asked: Option<Self>, kind: KeyKind, direction: Direction) -> Option<Self> {
        match asked {
            Some(position) if position.key.kind() != kind => None,
            Some(position) => Some(position),
            None => Some(Self {
                key: Key::outermost(kind, direction),
                id: if direction == Direction::Ascending { Uuid::nil() } else { Uuid::max() },
            }),
        }
    }
}

/// A stretch of a list.
#[derive(Debug, Clone)]
pub struct Span {
    /// Which records.
    pub status: StatusFilter,
    /// Which way.
    pub direction: Direction,
    /// Behind which record.
    pub after: Position,
    /// How many at most.
    pub limit: i64,
}

impl Span {
    /// One of two statements that differ in direction.
    pub(crate) fn pick(&self, statements: [&'static Statement; 2]) -> &'static Statement {
        let [ascending, descending] = statements;
        match self.direction {
            Direction::Ascending => ascending,
            Direction::Descending => descending,
        }
    }
}
