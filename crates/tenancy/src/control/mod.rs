//! The door to the control plane. Its users are registry, lifecycle, fleet work and jobs, and by [`ControlPlane`] the room that
//! keeps accounts.

mod line;
mod plane;
pub(crate) mod store;

pub use line::{Account, on_account, on_account_of};
pub use plane::{ControlPlane, ControlTx, Heard};

use std::sync::{Arc, LazyLock};

use cloister_postgres::{Entry, Error, FairPool, Holder, Isolation, Lease, Parameters, Row, Statement, Transaction};

/// The schema of the control plane's tables.
pub(crate) const SCHEMA: &str = "control";

static SCHEMA_NAME: LazyLock<Arc<str>> = LazyLock::new(|| Arc::from(SCHEMA));

/// The control plane's database, entered as the application.
#[derive(Debug, Clone)]
pub(crate) struct Control {
    pool: FairPool,
    database: Arc<str>,
}

impl Control {
    pub(crate) fn new(pool: FairPool, database: Arc<str>) -> Self {
        Self { pool, database }
    }

    pub(crate) fn pool(&self) -> &FairPool {
        &self.pool
    }

    pub(crate) fn database(&self) -> &Arc<str> {
        &self.database
    }

    async fn lease(&self) -> Result<Lease, Error> {
        self.pool.lease(Holder::HOUSE.for_account(line::line()), &self.database, Some(SCHEMA)).await
    }

    /// One statement in a transaction of its own: one round trip.
    pub(crate) async fn run(&self, statement: &'static Statement, with: &Parameters<'_>) -> Result<Vec<Row>, Error> {
        self.lease().await?.run(Entry::plain(Some(SCHEMA)), statement, with).await
    }

    /// Several statements that see the same state, in one round trip.
    pub(crate) async fn snapshot(
        &self,
        items: &[(&'static Statement, &Parameters<'_>)],
    ) -> Result<Vec<Vec<Row>>, Error> {
        let entry = Entry { isolation: Isolation::Snapshot, ..Entry::plain(Some(SCHEMA)) };
        self.lease().await?.run_all(entry, items).await
    }

    /// A unit of work.
    pub(crate) async fn begin(&self) -> Result<RegistryTx, Error> {
        Ok(RegistryTx(Transaction::new(self.lease().await?, Some(SCHEMA_NAME.clone()), None)))
    }
}

/// A unit of work in the control plane.
#[derive(Debug)]
pub(crate) struct RegistryTx(Transaction);

impl RegistryTx {
    pub(crate) async fn query(
        &mut self,
        statement: &'static Statement,
        with: &Parameters<'_>,
    ) -> Result<Vec<Row>, Error> {
        self.0.query(statement, with).await
    }

    /// Several statements in one round trip; their rows in the same order.
    pub(crate) async fn query_all(
        &mut self,
        items: &[(&'static Statement, &Parameters<'_>)],
    ) -> Result<Vec<Vec<Row>>, Error> {
        self.0.query_all(items).await
    }

    /// The last statements and COMMIT, in one round trip.
    pub(crate) async fn commit(self, last: &[(&'static Statement, &Parameters<'_>)]) -> Result<Vec<Vec<Row>>, Error> {
        self.0.commit(last).await
    }
}
