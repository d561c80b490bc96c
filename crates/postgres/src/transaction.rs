//! A transaction that talks as seldom as it can.

use std::{fmt, sync::Arc};

use smallvec::SmallVec;

use crate::{CopyIn, Entry, Error, Isolation, Lease, Parameters, Row, Statement, ToSql, connection::Item};

/// A unit of work on one connection.
///
/// BEGIN and its checks travel with the first statement, COMMIT with the last ones: a write of one statement with its audit
/// row is two round trips. Dropped without [`commit`](Self::commit) nothing of it remains: the connection is rolled back
/// behind the scenes when it stands still, and closed when an answer was still awaited.
#[derive(Debug)]
pub struct Transaction {
    lease: Lease,
    entry: Option<OwnedEntry>,
    isolation: Isolation,
}

/// What a transaction is entered by, kept until its first statement.
struct OwnedEntry {
    schema: Option<Arc<str>>,
    enter: Option<Enter>,
}

/// A statement that lets a transaction in, and what it is run with.
pub type Enter = (&'static Statement, Vec<Box<dyn ToSql + Send + Sync>>);

impl fmt::Debug for OwnedEntry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let enter = self.enter.as_ref().map(|(statement, _)| statement.name());
        f.debug_struct("OwnedEntry").field("schema", &self.schema).field("enter", &enter).finish()
    }
}

impl Transaction {
    /// Nothing is sent yet.
    pub fn new(lease: Lease, schema: Option<Arc<str>>, enter: Option<Enter>) -> Self {
        Self { lease, entry: Some(OwnedEntry { schema, enter }), isolation: Isolation::ReadCommitted }
    }

    /// One that only reads, and whose statements all see the same state. Nothing is sent yet.
    pub fn snapshot(lease: Lease, schema: Option<Arc<str>>, enter: Option<Enter>) -> Self {
        Self { isolation: Isolation::Snapshot, ..Self::new(lease, schema, enter) }
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
    pub async fn query_all(&mut self, items: &[Item<'_>]) -> Result<Vec<Vec<Row>>, Error> {
        self.send(items, false).await
    }

    /// The last statements and COMMIT in one round trip.
    pub async fn commit(mut self, items: &[Item<'_>]) -> Result<Vec<Vec<Row>>, Error> {
        if self.entry.is_some() && items.is_empty() {
            return Ok(Vec::new());
        }
        self.send(items, true).await
    }

    async fn send(&mut self, items: &[Item<'_>], commit: bool) -> Result<Vec<Vec<Row>>, Error> {
        let Some(OwnedEntry { schema, enter }) = self.entry.take() else {
            return self.lease.inside(items, commit).await;
        };
        let isolation = self.isolation;
        let Some((statement, values)) = &enter else {
            let entry = Entry { schema: schema.as_deref(), enter: None, isolation };
            return self.lease.begin_and(entry, items, commit).await;
        };
        let values: SmallVec<[&(dyn ToSql + Sync); 4]> = values.iter().map(|value| &**value as _).collect();
        let entry = Entry { schema: schema.as_deref(), enter: Some((statement, &values)), isolation };
        self.lease.begin_and(entry, items, commit).await
    }

    /// Runs a constant text, such as the making of a temporary table.
    pub async fn batch(&mut self, text: &'static str) -> Result<(), Error> {
        self.ensure_begun().await?;
        self.lease.batch(text).await
    }

    /// Opens a COPY into a temporary table.
    pub async fn copy_in(&mut self, text: &'static str) -> Result<CopyIn<'_>, Error> {
        self.ensure_begun().await?;
        self.lease.copy_in(text).await
    }

    async fn ensure_begun(&mut self) -> Result<(), Error> {
        if self.entry.is_some() {
            self.send(&[], false).await?;
        }
        Ok(())
    }

    /// Marks the end of a step, and the beginning of the next: from now on, what fails takes back only what was done behind the
    /// last mark.
    pub async fn mark(&mut self) -> Result<(), Error> {
        self.ensure_begun().await?;
        self.lease.mark().await
    }

    /// Takes back what was done behind the last mark.
    pub async fn rollback_to_mark(&mut self) -> Result<(), Error> {
        if self.lease.is_open() { self.lease.rollback_to_mark().await } else { Err(Error::Aborted) }
    }

    /// Ends it without a trace.
    pub async fn rollback(mut self) -> Result<(), Error> {
        if self.lease.is_open() { self.lease.rollback().await } else { Ok(()) }
    }
}
