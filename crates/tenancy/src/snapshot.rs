//! Reading a tenant as it was at one moment, with as many statements as that takes.

use cloister_postgres::{Parameters, Row, Statement, Transaction};

use crate::{
    Error, OpContext, Result, Tenancy,
    door::{bind, enter_long_read, is_refused_by_fence},
    tx::MANY_ROWS,
};

/// A tenant as it was when this was begun: every statement sees the same rows, whoever writes meanwhile. It cannot write.
///
/// It holds a connection of the tenant's share, and keeps the database from clearing away old rows, until it is dropped:
/// whoever has one works without pause and waits for no client.
#[derive(Debug)]
pub struct TenantSnapshot {
    tenancy: Tenancy,
    cx: OpContext,
    transaction: Transaction,
}

impl Tenancy {
    /// Looks at the context's tenant as it is now. Each statement may take as long as one of an import, and is planned like one:
    /// what came in a moment ago is in no statistics yet.
    pub async fn snapshot(&self, cx: &OpContext) -> Result<TenantSnapshot> {
        if cx.whole.is_some() {
            return Err(Error::internal("a step of a larger work looks at what that work has done, not at one moment"));
        }
        let mut entry = cx.tenant.clone();
        let mut first = true;
        loop {
            let (lease, placement) = self.enter(&entry).await?;
            let enter = Some(enter_long_read(&entry, placement));
            let mut transaction = Transaction::snapshot(lease, Some(placement.schema.clone()), enter);
            match transaction.query_all(&[]).await {
                Ok(_) => {
                    transaction.batch(MANY_ROWS).await.map_err(|error| self.explain(error))?;
                    return Ok(TenantSnapshot { tenancy: self.clone(), cx: cx.clone(), transaction });
                }
                Err(error) if is_refused_by_fence(&error) => {
                    // Its connection is given back before another is asked for.
                    drop(transaction);
                    entry = self.after_refusal(cx, &entry, first, error).await?;
                    first = false;
                }
                Err(error) => return Err(self.explain(error)),
            }
        }
    }
}

impl TenantSnapshot {
    /// Runs a statement. `$1` is the tenant; `parameters` begin at `$2`.
    pub async fn query(&mut self, statement: &'static Statement, parameters: &Parameters<'_>) -> Result<Vec<Row>> {
        self.tenancy.assert_registered(statement);
        let bound = bind(&self.cx.tenant.id, parameters);
        self.transaction.query(statement, &bound).await.map_err(|error| self.tenancy.explain(error))
    }

    /// Gives its connection back at once.
    pub async fn end(self) -> Result<()> {
        Ok(self.transaction.rollback().await?)
    }
}
