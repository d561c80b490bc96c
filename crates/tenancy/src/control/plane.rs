//! The door to the control plane for the room that keeps accounts: the same database as the registry, and no way from there
//! to a tenant's rows.

use cloister_postgres::{Event, Listener, Parameters, Row, Statement};

use super::RegistryTx;
use crate::{PlatformRecord, Result, Tenancy, audit::Noted, jobs::NewJob};

/// The control plane, for the room that keeps accounts, sessions and memberships. Made by
/// [`Tenancy::start_with_control`] alone.
#[derive(Debug, Clone)]
pub struct ControlPlane(Tenancy);

/// A unit of work in the control plane: rows, audit and jobs commit together or not at all.
#[derive(Debug)]
pub struct ControlTx {
    inner: RegistryTx,
    tenancy: Tenancy,
    left_jobs: bool,
    left_workflows: bool,
    records: Vec<Noted>,
}

/// What a listener of the control plane tells.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Heard {
    /// Listening from now on: what was told before is lost, and must be read.
    Connected,
    /// Something was told on the channel.
    Told(String),
    /// The connection broke; another is being opened.
    Lost,
}

impl ControlPlane {
    pub(crate) fn new(tenancy: Tenancy) -> Self {
        Self(tenancy)
    }

    /// The kernel it belongs to.
    pub fn tenancy(&self) -> &Tenancy {
        &self.0
    }

    /// One statement in a transaction of its own: one round trip.
    pub async fn run(&self, statement: &'static Statement, with: &Parameters<'_>) -> Result<Vec<Row>> {
        self.0.assert_registered(statement);
        self.0.0.control.run(statement, with).await.map_err(|error| self.0.explain(error))
    }

    /// Several statements that see the same state, in one round trip.
    pub async fn snapshot(&self, items: &[(&'static Statement, &Parameters<'_>)]) -> Result<Vec<Vec<Row>>> {
        for (statement, _) in items {
            self.0.assert_registered(statement);
        }
        self.0.0.control.snapshot(items).await.map_err(|error| self.0.explain(error))
    }

    /// Begins a unit of work. Nothing is sent before its first statement.
    pub async fn begin(&self) -> Result<ControlTx> {
        let inner = self.0.0.control.begin().await?;
        Ok(ControlTx { inner, tenancy: self.0.clone(), left_jobs: false, left_workflows: false, records: Vec::new() })
    }

    /// Calls `hear` with whatever is told on these channels, until dropped.
    pub async fn listen(&self, channels: &'static [&'static str], mut hear: impl FnMut(Heard) + Send) {
        let control = &self.0.0.control;
        let mut listener = Listener::start(control.pool().server().clone(), control.database().to_string(), channels);
        while let Some(event) = listener.next().await {
            hear(match event {
                Event::Connected => Heard::Connected,
                Event::Notified { payload, .. } => Heard::Told(payload),
                Event::Lost => Heard::Lost,
            });
        }
    }
}

impl ControlTx {
    /// Runs a statement.
    pub async fn query(&mut self, statement: &'static Statement, with: &Parameters<'_>) -> Result<Vec<Row>> {
        self.tenancy.assert_registered(statement);
        self.inner.query(statement, with).await.map_err(|error| self.tenancy.explain(error))
    }

    /// Several statements in one round trip; their rows in the same order.
    pub async fn query_all(&mut self, items: &[(&'static Statement, &Parameters<'_>)]) -> Result<Vec<Vec<Row>>> {
        for (statement, _) in items {
            self.tenancy.assert_registered(statement);
        }
        self.inner.query_all(items).await.map_err(|error| self.tenancy.explain(error))
    }

    /// Leaves a job in the queue; it runs only if this commits.
    pub async fn enqueue(&mut self, job: NewJob) -> Result<()> {
        self.tenancy.clone().put_new(&mut self.inner, job).await?;
        self.left_jobs = true;
        Ok(())
    }

    /// Notes who did what on the platform; written with the commit.
    pub fn audit(&mut self, record: PlatformRecord) {
        self.records.push(record.noted(&*self.tenancy.0.clock));
    }

    /// What the lifecycle of tenants records in. Whoever waits for workflows is told after the commit.
    pub(crate) fn registry(&mut self) -> (Tenancy, &mut RegistryTx) {
        self.left_workflows = true;
        (self.tenancy.clone(), &mut self.inner)
    }

    /// Commits.
    pub async fn commit(self) -> Result<()> {
        self.commit_with(&[]).await.map(drop)
    }

    /// The last statements and COMMIT in one round trip.
    pub async fn commit_with(self, last: &[(&'static Statement, &Parameters<'_>)]) -> Result<Vec<Vec<Row>>> {
        for (statement, _) in last {
            self.tenancy.assert_registered(statement);
        }
        let Self { inner, tenancy, left_jobs, left_workflows, records } = self;
        let notes: Vec<_> = records.iter().map(Noted::parameters).collect();
        let mut items = last.to_vec();
        items.extend(notes.iter().map(|with| (&super::store::AUDIT, with.as_slice())));
        if left_jobs {
            items.push((&crate::jobs::store::NOTIFY, &[]));
        }
        let mut rows = inner.commit(&items).await.map_err(|error| tenancy.explain(error))?;
        rows.truncate(last.len());
        if left_workflows {
            tenancy.0.workflows.notify_one();
        }
        Ok(rows)
    }
}
