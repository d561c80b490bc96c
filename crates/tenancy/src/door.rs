//! The one door to a tenant's rows: it binds the tenant, passes the fence and forgets both afterwards.

use std::{fmt::Write, sync::Arc};

use cloister_postgres::{Entry, Lease, Parameters, Row, Statement, sqlstate};
use smallvec::SmallVec;

use crate::{Error, ErrorKind, OpContext, Placement, Refusal, Result, Tenancy, TenantEntry, TenantTx};

/// Whether a transaction may write.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mode {
    Read,
    Write,
}

/// Parameters with the tenant in front: `$1` is bound here and nowhere else.
pub(crate) type Bound<'a> = SmallVec<[&'a (dyn cloister_postgres::ToSql + Sync); 16]>;

pub(crate) fn bind<'a>(tenant: &'a cloister_ids::TenantId, parameters: &'a Parameters<'a>) -> Bound<'a> {
    let mut bound = Bound::with_capacity(parameters.len() + 1);
    bound.push(tenant);
    bound.extend_from_slice(parameters);
    bound
}

/// The text that begins a tenant's transaction (READ COMMITTED, which every session of ours defaults to) and raises unless the fence agrees. Made of an id, a number and a schema
/// name that the registry holds to `[a-z0-9_]`.
pub(crate) fn begin(entry: &TenantEntry, placement: &Placement, mode: Mode) -> String {
    let mut text = String::with_capacity(160);
    let (begin, enter) = match mode {
        Mode::Read => ("begin read only", "enter_read"),
        Mode::Write => ("begin", "enter_write"),
    };
    let _ = write!(
        text,
        "{begin};select cloister.{enter}('{}',{},'{}')",
        entry.id.uuid(),
        placement.epoch,
        placement.schema
    );
    text
}

/// The database said that what this node believes about the placement is not so.
pub(crate) fn is_refused_by_fence(error: &cloister_postgres::Error) -> bool {
    [sqlstate::FENCE_CLOSED, sqlstate::FENCE_BUSY, sqlstate::FENCE_SCHEMA].iter().any(|code| error.is(code))
}

impl Tenancy {
    /// Reads rows of the context's tenant: BEGIN, fence, statement and COMMIT in one round trip. `$1` is the tenant;
    /// `parameters` begin at `$2`.
    pub async fn fetch(
        &self,
        cx: &OpContext,
        statement: &'static Statement,
        parameters: &Parameters<'_>,
    ) -> Result<Vec<Row>> {
        self.assert_registered(statement);
        let mut entry = cx.tenant.clone();
        let bound = bind(&cx.tenant.id, parameters);
        let mut first = true;
        loop {
            let (mut lease, placement) = self.enter(&entry).await?;
            let text = begin(&entry, placement, Mode::Read);
            let entry_point = Entry { schema: Some(&placement.schema), begin: &text };
            match lease.run(entry_point, statement, &bound).await {
                Ok(rows) => return Ok(rows),
                Err(error) if is_refused_by_fence(&error) => {
                    drop(lease);
                    entry = self.after_refusal(cx, &entry, first, error).await?;
                    first = false;
                }
                Err(error) => return Err(self.explain(error)),
            }
        }
    }

    /// Reads with several statements in one round trip; their rows in the same order.
    pub async fn fetch_all(
        &self,
        cx: &OpContext,
        items: &[(&'static Statement, &Parameters<'_>)],
    ) -> Result<Vec<Vec<Row>>> {
        let bound: Vec<_> = items.iter().map(|(statement, with)| (*statement, bind(&cx.tenant.id, with))).collect();
        let items: Vec<(&'static Statement, &Parameters<'_>)> =
            bound.iter().map(|(statement, with)| (*statement, with.as_slice())).collect();
        for (statement, _) in &items {
            self.assert_registered(statement);
        }
        let mut entry = cx.tenant.clone();
        let mut first = true;
        loop {
            let (mut lease, placement) = self.enter(&entry).await?;
            let text = begin(&entry, placement, Mode::Read);
            let entry_point = Entry { schema: Some(&placement.schema), begin: &text };
            match lease.run_all(entry_point, &items).await {
                Ok(rows) => return Ok(rows),
                Err(error) if is_refused_by_fence(&error) => {
                    drop(lease);
                    entry = self.after_refusal(cx, &entry, first, error).await?;
                    first = false;
                }
                Err(error) => return Err(self.explain(error)),
            }
        }
    }

    /// Begins a unit of work on the context's tenant. Nothing is sent before its first statement.
    pub async fn write(&self, cx: &OpContext) -> Result<TenantTx> {
        TenantTx::begin(self.clone(), cx.clone()).await
    }

    pub(crate) async fn enter<'a>(&self, entry: &'a TenantEntry) -> Result<(Lease, &'a Placement)> {
        let placement = entry.placement.as_ref().ok_or_else(|| Refusal::NotReady.error())?;
        let doors = self.doors(placement.cluster)?;
        let lease = doors.application.lease(&placement.database, Some(&placement.schema)).await?;
        Ok((lease, placement))
    }

    /// Reads the registry again: the tenant may have moved, been suspended, or be gone. One retry, no waiting: whoever asked
    /// is told to come back.
    pub(crate) async fn after_refusal(
        &self,
        cx: &OpContext,
        believed: &TenantEntry,
        first: bool,
        error: cloister_postgres::Error,
    ) -> Result<Arc<TenantEntry>> {
        metrics::counter!("cloister_fence_refusals_total").increment(1);
        let Some(now) = self.reread(cx.tenant.id).await? else { return Err(Refusal::Unknown.error()) };
        // Background work enters tenants that are not open to requests; it lives by the fence alone.
        if !matches!(cx.actor, crate::Actor::System(_)) {
            now.admit().map_err(|refusal| refusal.error())?;
        }
        // A lock is let go, and a session in the wrong schema is replaced: the same belief may do on the second try.
        let passing = error.is(sqlstate::FENCE_BUSY) || error.is(sqlstate::FENCE_SCHEMA);
        if !first || (now.placement == believed.placement && !passing) {
            return Err(Error::new(
                ErrorKind::Unavailable,
                "tenant_changing",
                "This tenant is being changed right now. Try again in a moment.",
            )
            .retry_after(std::time::Duration::from_secs(1))
            .because(error));
        }
        Ok(now)
    }

    /// What a refused statement means to the client: a known constraint is the client's to mend.
    pub(crate) fn explain(&self, error: cloister_postgres::Error) -> Error {
        if let Some(rule) = error.constraint().and_then(|name| self.0.constraints.get(name)) {
            let unique = error.is("23505") || error.is("23P01");
            let mut known = if unique {
                Error::new(ErrorKind::Conflict, rule.code, rule.message)
            } else {
                Error::field(rule.field, rule.code, rule.message)
            };
            known = known.because(error);
            return known;
        }
        match error.sqlstate().map(|state| state.code().to_owned()).as_deref() {
            // The second wall was hit: the first one has a hole.
            Some("42501") => {
                tracing::error!(%error, "row-level security refused what the kernel let through");
                Error::internal(error)
            }
            Some("57014") => {
                Error::new(ErrorKind::Unavailable, "too_slow", "This took too long and was stopped.").because(error)
            }
            Some("22021" | "22P05") => {
                Error::new(ErrorKind::Invalid, "text_invalid", "A text holds a character that cannot be stored.")
                    .because(error)
            }
            _ => error.into(),
        }
    }

    /// Statements that no list names would escape the tests that prepare and plan each of them.
    pub(crate) fn assert_registered(&self, statement: &'static Statement) {
        debug_assert!(
            self.0.registered.contains(&(std::ptr::from_ref(statement) as usize)),
            "{} is not in its module's statements()",
            statement.name()
        );
    }
}
