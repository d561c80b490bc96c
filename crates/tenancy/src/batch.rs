//! Many units of work as one: each is a step that fails alone, and all commit together or not at all.
//!
//! A use case that is given the context of a batch does what it always does. Its transaction is a step of the batch's: what it
//! commits is there for the steps behind it, and for nobody else until the batch commits; what it drops or fails at is taken back
//! alone. So a file of many records is brought in by the very code that takes one over HTTP, and can be tried without a trace.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use cloister_postgres::{Parameters, Row, Statement, Transaction};
use tokio::sync::Mutex;

use crate::{OpContext, Result, Tenancy, TenantEntry, TenantTx};

type Items<'a> = [(&'static Statement, &'a Parameters<'a>)];
type Rows = std::result::Result<Vec<Vec<Row>>, cloister_postgres::Error>;

/// The transaction of a batch, shared by its steps.
#[derive(Debug, Clone)]
pub(crate) struct Whole(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    /// None once the batch has ended.
    transaction: Mutex<Option<Transaction>>,
    /// A step was dropped: what it did is to be taken back before anything else is done.
    abandoned: AtomicBool,
    left_jobs: AtomicBool,
}

impl Whole {
    /// A unit of work within it.
    pub(crate) fn step(&self) -> Step {
        Step { whole: self.clone(), ended: false, failed: false }
    }

    /// Reads what is there for the steps.
    pub(crate) async fn read(&self, items: &Items<'_>) -> Rows {
        let mut held = self.0.transaction.lock().await;
        let transaction = held.as_mut().ok_or(cloister_postgres::Error::Aborted)?;
        if self.0.abandoned.swap(false, Ordering::AcqRel) {
            transaction.rollback_to_mark().await?;
        }
        transaction.query_all(items).await
    }

    async fn rollback_to_mark(&self) -> std::result::Result<(), cloister_postgres::Error> {
        let mut held = self.0.transaction.lock().await;
        self.0.abandoned.store(false, Ordering::Release);
        held.as_mut().ok_or(cloister_postgres::Error::Aborted)?.rollback_to_mark().await
    }
}

/// A unit of work within a batch.
#[derive(Debug)]
pub(crate) struct Step {
    whole: Whole,
    ended: bool,
    /// A statement was refused, and what came before it in this step is taken back already.
    failed: bool,
}

impl Step {
    pub(crate) async fn query(&mut self, items: &Items<'_>) -> Rows {
        if self.failed {
            return Err(cloister_postgres::Error::Aborted);
        }
        let rows = self.whole.read(items).await;
        self.failed = rows.is_err();
        rows
    }

    pub(crate) async fn end(mut self, items: &Items<'_>, left_jobs: bool) -> Rows {
        let rows = self.query(items).await?;
        self.ended = true;
        if left_jobs {
            self.whole.0.left_jobs.store(true, Ordering::Release);
        }
        Ok(rows)
    }

    pub(crate) async fn take_back(mut self) -> std::result::Result<(), cloister_postgres::Error> {
        self.ended = true;
        self.whole.rollback_to_mark().await
    }
}

impl Drop for Step {
    fn drop(&mut self) {
        if !self.ended {
            self.whole.0.abandoned.store(true, Ordering::Release);
        }
    }
}

/// Units of work on one tenant that commit together or not at all.
///
/// Dropped without [`commit`](Self::commit), nothing of it remains. It holds a connection of the tenant's share until it ends.
#[derive(Debug)]
pub struct Batch {
    tenancy: Tenancy,
    cx: OpContext,
    entry: Arc<TenantEntry>,
    whole: Whole,
}

impl Tenancy {
    /// Begins a batch, as the only one at this work for the tenant. None when another transaction is at it: nothing waits.
    pub async fn batch(&self, cx: &OpContext, work: &'static str) -> Result<Option<Batch>> {
        let Some((mut transaction, entry)) = TenantTx::begin(self.clone(), cx.clone()).await?.begin_alone(work).await?
        else {
            return Ok(None);
        };
        transaction.mark().await.map_err(|error| self.explain(error))?;
        let inner = Inner {
            transaction: Mutex::new(Some(transaction)),
            abandoned: AtomicBool::new(false),
            left_jobs: AtomicBool::new(false),
        };
        let whole = Whole(Arc::new(inner));
        let cx = OpContext { whole: Some(whole.clone()), ..cx.clone() };
        Ok(Some(Batch { tenancy: self.clone(), cx, entry, whole }))
    }
}

impl Batch {
    /// The context that makes a use case a step of this.
    pub fn cx(&self) -> &OpContext {
        &self.cx
    }

    /// What was done since the last time this was called stays, whatever fails from now on.
    pub async fn keep(&self) -> Result<()> {
        let mut held = self.whole.0.transaction.lock().await;
        let transaction = held.as_mut().ok_or(cloister_postgres::Error::Aborted)?;
        if self.whole.0.abandoned.swap(false, Ordering::AcqRel) {
            transaction.rollback_to_mark().await?;
        }
        Ok(transaction.mark().await?)
    }

    /// Takes back what was done since something was kept.
    pub async fn take_back(&self) -> Result<()> {
        Ok(self.whole.rollback_to_mark().await?)
    }

    /// Commits all of it.
    pub async fn commit(self) -> Result<()> {
        self.keep().await?;
        let Some(transaction) = self.whole.0.transaction.lock().await.take() else {
            return Err(cloister_postgres::Error::Aborted.into());
        };
        transaction.commit(&[]).await.map_err(|error| self.tenancy.explain(error))?;
        if self.whole.0.left_jobs.load(Ordering::Acquire)
            && let Some(placement) = &self.entry.placement
        {
            self.tenancy.0.outbox.tell(placement);
        }
        Ok(())
    }

    /// Ends it without a trace, and gives its connection back at once.
    pub async fn rollback(self) -> Result<()> {
        match self.whole.0.transaction.lock().await.take() {
            Some(transaction) => Ok(transaction.rollback().await?),
            None => Ok(()),
        }
    }
}
