//! A transaction that talks as seldom as it can.

use bytes::Bytes;
use tokio_postgres::{CopyInSink, Row};

use crate::{Entry, Error, Lease, Parameters, Statement};

/// A unit of work on one connection.
///
/// BEGIN and its checks travel with the first statement, COMMIT with the last ones: a write of one statement with its audit
/// row is two round trips. Dropped without [`commit`](Self::commit) nothing of it remains: the connection is rolled back
/// behind the scenes when it stands still, and closed when an answer was still awaited.
#[derive(Debug)]
pub struct Transaction {
    lease: Lease,
    entry: Option<OwnedEntry>,
}

#[derive(Debug)]
struct OwnedEntry {
    schema: Option<std::sync::Arc<str>>,
    begin: std::sync::Arc<str>,
}

impl Transaction {
    /// Nothing is sent yet.
    pub fn new(lease: Lease, schema: Option<std::sync::Arc<str>>, begin: std::sync::Arc<str>) -> Self {
        Self { lease, entry: Some(OwnedEntry { schema, begin }) }
    }

    /// One statement.
    pub async fn query(
        &mut self,
        statement: &'static Statement,
        parameters: &Parameters<'_>,
    ) -> Result<Vec<Row>, Error> {
        let mut rows = self.query_all(&[(statement, parameters)]).await?;
        Ok(rows.pop().unwrap_or_default())
    }

    /// Several statements in one round trip; their rows in the same order.
    pub async fn query_all(&mut self, items: &[(&'static Statement, &Parameters<'_>)]) -> Result<Vec<Vec<Row>>, Error> {
        self.send(items, false).await
    }

    /// The last statements and COMMIT in one round trip.
    pub async fn commit(mut self, items: &[(&'static Statement, &Parameters<'_>)]) -> Result<Vec<Vec<Row>>, Error> {
        if self.entry.is_some() && items.is_empty() {
            return Ok(Vec::new());
        }
        self.send(items, true).await
    }

    async fn send(
        &mut self,
        items: &[(&'static Statement, &Parameters<'_>)],
        commit: bool,
    ) -> Result<Vec<Vec<Row>>, Error> {
        match self.entry.take() {
            Some(entry) => {
                let entry = Entry { schema: entry.schema.as_deref(), begin: &entry.begin };
                self.lease.begin_and(entry, items, commit).await
            }
            None => self.lease.inside(items, commit).await,
        }
    }

    /// Runs a constant text, such as the making of a temporary table.
    pub async fn batch(&mut self, text: &'static str) -> Result<(), Error> {
        if self.entry.is_some() {
            self.send(&[], false).await?;
        }
        self.lease.batch(text).await
    }

    /// Opens a COPY into a temporary table. The sink must be finished before the next statement.
    pub async fn copy_in(&mut self, text: &'static str) -> Result<CopyInSink<Bytes>, Error> {
        if self.entry.is_some() {
            self.send(&[], false).await?;
        }
        if !self.lease.is_open() {
            return Err(Error::Aborted);
        }
        self.lease.client().copy_in(text).await.map_err(Error::statement("copy"))
    }

    /// Ends it without a trace.
    pub async fn rollback(mut self) -> Result<(), Error> {
        if self.lease.is_open() { self.lease.rollback().await } else { Ok(()) }
    }
}
