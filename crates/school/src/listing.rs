//! Pages of a list: which records, in which order, from which position on.

use cloister_http::{Listing, Problem, Sort, words};
use cloister_ids::{TenantId, Uuid};
use cloister_tenancy::{
    Error, ErrorKind,
    sql::{Statement, ToSql},
};
use jiff::{Timestamp, civil::Date};
use serde::{Deserialize, Serialize};
use utoipa::IntoParams;

use crate::search_key;

words! {
    /// Which records a list shows.
    pub enum StatusFilter {
        /// Those that count.
        Active = "active",
        /// Deleted ones.
        ToBeDeleted = "tobedeleted",
        /// Both.
        All = "all",
    }
}

/// The parameters that every list of records has.
#[derive(Debug, IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "each filter reads them for itself; this is their description")]
pub(crate) struct RecordFilter {
    /// `active` (as usual), `tobedeleted` for deleted records, or `all`.
    #[param(inline)]
    status: Option<StatusFilter>,
    /// The one record with this `sourced_id`, whatever the other filters say.
    #[param(max_length = 255)]
    sourced_id: Option<String>,
}

/// The parameter that every list of records without a `sourced_id` has.
#[derive(Debug, IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "each filter reads it for itself; this is its description")]
pub(crate) struct StatusParameter {
    /// `active` (as usual), `tobedeleted` for deleted records, or `all`.
    #[param(inline)]
    status: Option<StatusFilter>,
}

/// The value of a sort key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Key {
    /// Names and titles in normal form.
    Text(String),
    /// Instants.
    Time(Timestamp),
    /// Days.
    Date(Date),
    /// Places in an order that somebody gave.
    Number(i32),
    /// Nothing but the id, which grows with time.
    Id,
}

impl Key {
    /// A key of this kind, whatever its value.
    pub(crate) const TEXT: Self = Self::Text(String::new());
    /// A key of this kind, whatever its value.
    pub(crate) const TIME: Self = Self::Time(Timestamp::UNIX_EPOCH);
    /// A key of this kind, whatever its value.
    pub(crate) const DATE: Self = Self::Date(FIRST_DAY);
    /// A key of this kind, whatever its value.
    pub(crate) const NUMBER: Self = Self::Number(0);

    /// Before all that occur, or behind them: where the first page begins.
    fn outermost(&self, descending: bool) -> Self {
        let (day, instant) = if descending { (LAST_DAY, LAST_INSTANT) } else { (FIRST_DAY, FIRST_INSTANT) };
        match self {
            Self::Text(_) => Self::Text(if descending { char::MAX.to_string() } else { String::new() }),
            Self::Date(_) => Self::Date(day),
            Self::Time(_) => Self::Time(instant),
            Self::Number(_) => Self::Number(if descending { i32::MAX } else { i32::MIN }),
            Self::Id => Self::Id,
        }
    }

    /// Whether PostgreSQL can compare it with a column of this kind.
    pub(crate) fn fits(&self, kind: &Self) -> bool {
        match (self, kind) {
            (Self::Text(_), Self::Text(_)) | (Self::Number(_), Self::Number(_)) | (Self::Id, Self::Id) => true,
            (Self::Date(day), Self::Date(_)) => (FIRST_DAY..=LAST_DAY).contains(day),
            (Self::Time(at), Self::Time(_)) => (FIRST_INSTANT..=LAST_INSTANT).contains(at),
            _ => false,
        }
    }
}

const FIRST_DAY: Date = Date::constant(1, 1, 1);
const LAST_DAY: Date = Date::constant(9999, 12, 31);
const FIRST_INSTANT: Timestamp = Timestamp::constant(-62_135_596_800, 0);
const LAST_INSTANT: Timestamp = Timestamp::constant(253_370_764_800, 0);

/// An order of a list.
pub(crate) trait Order: Sort {
    /// A key of the kind it sorts by, whatever its value.
    fn key(self) -> Key;
}

/// Where a record stands in a list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Position {
    /// Its sort key.
    pub(crate) key: Key,
    /// Its id, which decides among equal keys.
    pub(crate) id: Uuid,
}

/// A stretch of a list.
#[derive(Debug, Clone)]
pub(crate) struct Span {
    /// Which records; none for all.
    pub(crate) status: Option<&'static str>,
    /// Behind which record.
    pub(crate) after: Position,
    /// How many at most.
    pub(crate) limit: i64,
    descending: bool,
}

impl Span {
    /// What a client asked for.
    pub(crate) fn of<F, S: Order>(
        listing: &Listing<F, S>,
        status: Option<StatusFilter>,
        tenant: TenantId,
        what: &str,
    ) -> Result<Self, Problem> {
        let kind = listing.sort.key();
        let after = match listing.after::<Position>(tenant, what)? {
            Some(position) if position.key.fits(&kind) => position,
            Some(_) => return Err(cursor_invalid().into()),
            None => ahead_of(kind.outermost(listing.descending), listing.descending),
        };
        let status = match status.unwrap_or(StatusFilter::Active) {
            StatusFilter::All => None,
            one => Some(one.word()),
        };
        Ok(Self { status, after, limit: listing.limit(), descending: listing.descending })
    }

    /// The same of a list by day that shows the days from `from` until before `until` alone. An index begins at one bound, the
    /// position, and would go through all days before the first that is asked for.
    pub(crate) fn on_days(mut self, from: Option<Date>, until: Option<Date>) -> Self {
        let Key::Date(day) = self.after.key else { return self };
        let bound = if self.descending { until.filter(|until| day >= *until) } else { from.filter(|from| day < *from) };
        if let Some(bound) = bound {
            // No record has this id, so none of the first day is left out, and none of the day after the last comes in.
            self.after = Position { key: Key::Date(bound), id: Uuid::nil() };
        }
        self
    }

    /// One of two statements that differ in direction.
    pub(crate) fn pick(&self, [ascending, descending]: [&'static Statement; 2]) -> &'static Statement {
        if self.descending { descending } else { ascending }
    }

    /// The key to begin behind, as a parameter.
    pub(crate) fn key(&self) -> &(dyn ToSql + Sync) {
        match &self.after.key {
            Key::Text(text) => text,
            Key::Time(time) => time,
            Key::Date(date) => date,
            Key::Number(number) => number,
            Key::Id => &self.after.id,
        }
    }
}

/// No record has either id.
fn ahead_of(key: Key, descending: bool) -> Position {
    Position { key, id: if descending { Uuid::max() } else { Uuid::nil() } }
}

/// What no page of ours gave.
pub(crate) fn cursor_invalid() -> Error {
    let message = "This cursor is not from this listing and order. Begin again without one.";
    Error::new(ErrorKind::Malformed, "cursor_invalid", message)
}

/// Bounds of what begins with a typed text; none when nothing searchable was typed.
pub(crate) fn prefix(typed: Option<&str>) -> (Option<String>, Option<String>) {
    typed.and_then(search_key::prefix).unzip()
}

#[cfg(test)]
mod tests {
    use jiff::{Timestamp, civil::date};

    use cloister_ids::Uuid;

    use super::{Key, Position, Span, ahead_of};

    #[test]
    fn a_list_of_days_begins_where_it_is_asked_to() {
        let (first, last) = (date(2025, 9, 1), date(2025, 10, 1));
        let on = |key: Key, id: Uuid, descending: bool, from, until| {
            Span { status: None, after: Position { key, id }, limit: 1, descending }.on_days(from, until).after
        };
        let begin = |descending: bool, from, until| {
            let Position { key, id } = ahead_of(Key::DATE.outermost(descending), descending);
            on(key, id, descending, from, until)
        };
        let bound = |day| Position { key: Key::Date(day), id: Uuid::nil() };
        assert_eq!(begin(false, Some(first), Some(last)), bound(first));
        // Behind this, backwards, is the day before.
        assert_eq!(begin(true, Some(first), Some(last)), bound(last));
        for descending in [false, true] {
            let all = ahead_of(Key::DATE.outermost(descending), descending);
            let (from, until) = if descending { (Some(first), None) } else { (None, Some(last)) };
            assert_eq!((begin(descending, None, None), begin(descending, from, until)), (all.clone(), all));
            // A page that is not the first goes on where the one before it ended, on the first day and the last too.
            for day in [first, date(2025, 9, 2), date(2025, 9, 30)] {
                let at = Position { key: Key::Date(day), id: Uuid::max() };
                assert_eq!(on(at.key.clone(), at.id, descending, Some(first), Some(last)), at);
            }
            assert_eq!(on(Key::Number(7), Uuid::nil(), descending, Some(first), Some(last)).key, Key::Number(7));
        }
        // A cursor from outside of the days that are asked for.
        let day = Key::Date(date(2025, 8, 1));
        assert_eq!(on(day, Uuid::max(), false, Some(first), Some(last)), bound(first));
        let day = Key::Date(date(2025, 10, 1));
        assert_eq!(on(day, Uuid::max(), true, Some(first), Some(last)), bound(last));
    }

    #[test]
    fn every_key_lies_between_the_outermost() {
        for key in [
            Key::Text("muller".to_owned()),
            Key::Date(date(2025, 9, 1)),
            Key::Number(7),
            Key::Time(Timestamp::constant(1_767_603_600, 0)),
        ] {
            let (first, last) = (key.outermost(false), key.outermost(true));
            assert!(first.fits(&key) && last.fits(&key), "{key:?}");
            let between = match (&first, &key, &last) {
                (Key::Text(first), Key::Text(key), Key::Text(last)) => first < key && key < last,
                (Key::Date(first), Key::Date(key), Key::Date(last)) => first < key && key < last,
                (Key::Time(first), Key::Time(key), Key::Time(last)) => first < key && key < last,
                (Key::Number(first), Key::Number(key), Key::Number(last)) => first < key && key < last,
                _ => false,
            };
            assert!(between, "{key:?}");
        }
    }

    #[test]
    fn a_key_of_another_kind_or_out_of_bounds_does_not_fit() {
        let day = Key::Date(date(2025, 9, 1));
        assert!(!Key::Text(String::new()).fits(&day));
        assert!(!Key::Date(date(-5000, 1, 1)).fits(&day));
        assert!(!Key::Time(Timestamp::MIN).fits(&Key::Time(Timestamp::UNIX_EPOCH)));
    }
}
