//! The one door to a tenant's rows: it binds the tenant, passes the fence and forgets both afterwards.

use std::sync::Arc;

use cloister_postgres::{
    Enter, Entry, Isolation, Lease, Parameters, Row, Statement,
    mutation::{Guard, is_off},
    sqlstate, statements,
};
use smallvec::SmallVec;

use crate::{Error, ErrorKind, OpContext, Placement, Refusal, Result, Tenancy, TenantEntry, TenantTx};

statements! {
    /// Lets a reader in: names the tenant and the time of a statement until the transaction ends, and raises unless the fence
    /// agrees.
    ENTER_READ = "select cloister.enter_read($1, $2, $3, $4)";
    /// Lets a writer in, who holds off a move, suspension or restore until the transaction ends.
    ENTER_WRITE = "select cloister.enter_write($1, $2, $3, $4)";
}

/// Parameters with the tenant in front: `$1` is bound here and nowhere else.
pub(crate) type Bound<'a> = SmallVec<[&'a (dyn cloister_postgres::ToSql + Sync); 16]>;

pub(crate) fn bind<'a>(tenant: &'a cloister_ids::TenantId, parameters: &'a Parameters<'a>) -> Bound<'a> {
    let mut bound = Bound::with_capacity(parameters.len() + 1);
    bound.push(if is_off(Guard::TenantBound) { first(*tenant) } else { tenant });
    bound.extend_from_slice(parameters);
    bound
}

/// The tenant that this process asked about first, whoever is asked about now: what a value left over would be.
pub(crate) fn first(tenant: cloister_ids::TenantId) -> &'static cloister_ids::TenantId {
    static FIRST: std::sync::OnceLock<cloister_ids::TenantId> = std::sync::OnceLock::new();
    FIRST.get_or_init(|| tenant)
}

/// What lets a writer in at a placement as this node believes it to be.
pub(crate) fn enter_write(entry: &TenantEntry, placement: &Placement) -> Enter {
    let time = entry.limits.statement_milliseconds();
    let schema = placement.schema.to_string();
    (&ENTER_WRITE, vec![Box::new(entry.id), Box::new(placement.epoch), Box::new(schema), Box::new(time)])
}

/// What lets somebody in who reads for long, at a placement as this node believes it to be.
pub(crate) fn enter_long_read(entry: &TenantEntry, placement: &Placement) -> Enter {
    let time = entry.limits.large_statement_milliseconds();
    let schema = placement.schema.to_string();
    (&ENTER_READ, vec![Box::new(entry.id), Box::new(placement.epoch), Box::new(schema), Box::new(time)])
}

/// The database said that what this node believes about the placement is not so.
pub(crate) fn is_refused_by_fence(error: &cloister_postgres::Error) -> bool {
    [sqlstate::FENCE_CLOSED, sqlstate::FENCE_BUSY, sqlstate::FENCE_SCHEMA].iter().any(|code| error.is(code))
}

fn for_reading<'a>(placement: &'a Placement, believed: &'a Parameters<'a>) -> Entry<'a> {
    let enter = Some((&ENTER_READ, believed));
    Entry { schema: Some(&placement.schema), enter, isolation: Isolation::ReadCommitted }
}

impl Tenancy {
    /// Reads rows of the context's tenant: fence, statement and the end of the transaction in one round trip. `$1` is the tenant;
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
        if let Some(whole) = &cx.whole {
            let mut rows = whole.read(&[(statement, &bound)]).await.map_err(|error| self.explain(error))?;
            return Ok(rows.pop().unwrap_or_default());
        }
        let mut first = true;
        loop {
            let (mut lease, placement) = self.enter(&entry).await?;
            let time = entry.limits.statement_milliseconds();
            let believed: &Parameters<'_> = &[&entry.id, &placement.epoch, &&*placement.schema, &time];
            match lease.run(for_reading(placement, believed), statement, &bound).await {
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
        if let Some(whole) = &cx.whole {
            return whole.read(&items).await.map_err(|error| self.explain(error));
        }
        let mut entry = cx.tenant.clone();
        let mut first = true;
        loop {
            let (mut lease, placement) = self.enter(&entry).await?;
            let time = entry.limits.statement_milliseconds();
            let believed: &Parameters<'_> = &[&entry.id, &placement.epoch, &&*placement.schema, &time];
            match lease.run_all(for_reading(placement, believed), &items).await {
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
        let lease = doors.application.lease(entry.holder(), &placement.database, Some(&placement.schema)).await?;
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
        if !matches!(cx.actor(), crate::Actor::System(_)) {
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
                metrics::counter!("cloister_statements_stopped_total").increment(1);
                let message = "This took longer than one step may and was stopped. Nothing of it remains.";
                Error::new(ErrorKind::Unavailable, "too_slow", message).because(error)
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
