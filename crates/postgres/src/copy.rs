//! A COPY that a borrower carries out piece by piece.

use bytes::Bytes;

use crate::{Connection, Error};

/// Rows on their way into a temporary table. Dropped before [`finish`](Self::finish), the connection is not used again.
#[derive(Debug)]
pub struct CopyIn<'a>(&'a mut Connection);

impl<'a> CopyIn<'a> {
    pub(crate) fn new(connection: &'a mut Connection) -> Self {
        Self(connection)
    }

    /// Sends lines in COPY's text format.
    pub async fn send(&mut self, lines: Bytes) -> Result<(), Error> {
        self.0.copy(lines).await
    }

    /// Ends it; how many rows there were.
    pub async fn finish(self) -> Result<u64, Error> {
        self.0.end_copy().await
    }
}
