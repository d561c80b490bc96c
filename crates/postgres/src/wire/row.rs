//! Rows of an answer.

use std::{fmt, io, ops::Range, sync::Arc};

use fallible_iterator::FallibleIterator;
use postgres_protocol::message::backend::DataRowBody;
use smallvec::SmallVec;
use tokio_postgres::types::{FromSql, Type, WrongType};

/// A column of an answer.
#[derive(Debug)]
pub struct Column {
    pub(super) name: Box<str>,
    pub(super) kind: Type,
}

impl Column {
    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }
}

/// A row of an answer.
#[derive(Clone)]
pub struct Row {
    columns: Arc<[Column]>,
    body: DataRowBody,
    cells: SmallVec<[Cell; 16]>,
}

/// Where a value lies in its row; nowhere when it is null.
#[derive(Clone, Copy)]
struct Cell {
    start: u32,
    end: u32,
}

impl Cell {
    const NULL: Self = Self { start: u32::MAX, end: 0 };
}

impl fmt::Debug for Row {
    /// Names only: values do not belong into a log.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.columns.iter().map(Column::name)).finish()
    }
}

/// A column's place or name.
pub trait RowIndex: fmt::Debug {
    #[doc(hidden)]
    fn place(&self, columns: &[Column]) -> Option<usize>;
}

impl RowIndex for usize {
    fn place(&self, columns: &[Column]) -> Option<usize> {
        (*self < columns.len()).then_some(*self)
    }
}

impl RowIndex for str {
    fn place(&self, columns: &[Column]) -> Option<usize> {
        columns.iter().position(|column| *column.name == *self)
    }
}

impl<T: RowIndex + ?Sized> RowIndex for &T {
    fn place(&self, columns: &[Column]) -> Option<usize> {
        (**self).place(columns)
    }
}

/// Why a value could not be had.
#[derive(Debug, thiserror::Error)]
enum ValueError {
    #[error("there is no such column")]
    Missing,
    #[error("{0}")]
    Unreadable(Box<dyn std::error::Error + Sync + Send>),
}

impl Row {
    pub(super) fn new(columns: Arc<[Column]>, body: DataRowBody) -> io::Result<Self> {
        let invalid = |what: &'static str| io::Error::new(io::ErrorKind::InvalidData, what);
        let mut cells = SmallVec::with_capacity(columns.len());
        let mut ranges = body.ranges();
        while let Some(range) = ranges.next()? {
            cells.push(match range {
                None => Cell::NULL,
                Some(Range { start, end }) => match (start.try_into(), end.try_into()) {
                    (Ok(start), Ok(end)) => Cell { start, end },
                    _ => return Err(invalid("a row of more than 4 GiB")),
                },
            });
        }
        if cells.len() != columns.len() {
            return Err(invalid("a row of another width than described"));
        }
        Ok(Self { columns, body, cells })
    }

    /// The columns.
    pub fn columns(&self) -> &[Column] {
        &self.columns
    }

    /// How many columns there are.
    pub fn len(&self) -> usize {
        self.cells.len()
    }

    /// True without columns.
    pub fn is_empty(&self) -> bool {
        self.cells.is_empty()
    }

    /// A value, by the column's name or place.
    ///
    /// # Panics
    ///
    /// When the statement has no such column, or one of another type: a mistake in this program, not in what was sent to it.
    #[expect(clippy::panic, reason = "statements and the code that reads their rows are tested together")]
    pub fn get<'a, I: RowIndex, T: FromSql<'a>>(&'a self, index: I) -> T {
        match self.value(&index) {
            Ok(value) => value,
            Err(error) => panic!("column {index:?} of a row: {error}"),
        }
    }

    fn value<'a, T: FromSql<'a>>(&'a self, index: &impl RowIndex) -> Result<T, ValueError> {
        let place = index.place(&self.columns).ok_or(ValueError::Missing)?;
        let kind = &self.columns[place].kind;
        if !T::accepts(kind) {
            return Err(ValueError::Unreadable(Box::new(WrongType::new::<T>(kind.clone()))));
        }
        let Cell { start, end } = self.cells[place];
        // Null ends before it starts.
        let bytes = self.body.buffer().get(start as usize..end as usize);
        T::from_sql_nullable(kind, bytes).map_err(ValueError::Unreadable)
    }
}
