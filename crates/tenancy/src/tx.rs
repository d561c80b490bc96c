//! A unit of work on one tenant.

use std::sync::Arc;

use cloister_ids::{AuditId, JobId};
use cloister_postgres::{
    CopyIn, Parameters, Row, Statement, Transaction,
    mutation::{Guard, is_off},
    statements,
};
use jiff::Timestamp;
use serde_json::Value;

use crate::{
    Action, Error, ErrorKind, OpContext, PlatformRecord, Resource, Result, Subject, Tenancy, TenantEntry,
    audit::Noted,
    batch::{Step, Whole},
    data_key::Cell,
    door::{self, bind, is_refused_by_fence},
};

statements! {
    /// Who did what, with the mark that it is to be sealed.
    AUDIT = "with noted as (
            insert into cloister.audit (tenant_id, id, at, actor, account_id, acting_as, action, resource, resource_id,
                client, request_id, reason, changes)
            values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13))
        insert into cloister.audit_unsealed (tenant_id, audit_id, at) values ($1, $2, $3)";
    /// A job, to be carried to the queue after the commit.
    OUTBOX = "insert into cloister.outbox (tenant_id, id, kind, payload, unique_key, run_at, created_at)
        values ($1, $2, $3, $4, $5, $6, $7)";
    /// Takes a job's effect upon this transaction; no row when an earlier one has.
    INBOX = "insert into cloister.inbox (tenant_id, job_id, done_at) values ($1, $2, $3)
        on conflict do nothing returning true";
    /// Takes an idempotency key; a second taker fails, and with it everything sent behind.
    IDEMPOTENCY_TAKE = "insert into cloister.idempotency_key (tenant_id, actor, key, fingerprint, created_at)
        values ($1, $2, $3, $4, $5)";
    /// Keeps the answer to give again.
    IDEMPOTENCY_KEEP = "update cloister.idempotency_key set status = $4, body = $5, sealed = $6
        where tenant_id = $1 and actor = $2 and key = $3";
    /// The answer to give again.
    IDEMPOTENCY_READ = "select fingerprint, status, body, sealed from cloister.idempotency_key
        where tenant_id = $1 and actor = $2 and key = $3";
    /// One at a time at this work for this tenant, and more time for each of its statements.
    WORK_ALONE = "select pg_catalog.pg_try_advisory_xact_lock(
            pg_catalog.hashtextextended('cloister work ' || $2::text || ' ' || $1::uuid::text, 0)) as taken,
        pg_catalog.set_config('statement_timeout', $3::text, true)";
}

/// Statistics are of all tenants together and say little about one. Where they take thirty thousand rows for one, the planner
/// goes through all of them again for each row of the other side (measured: 16 s instead of 0.1 s). Hashing both sides is
/// never that bad. And sorts and hashes of one school's size stay in memory.
pub(crate) const MANY_ROWS: &str = "set local enable_nestloop = off; set local work_mem = '32MB'";

/// A unit of work on the tenant of its context: rows, audit and jobs commit together or not at all.
///
/// Dropped without [`commit`](Self::commit), nothing of it remains.
#[derive(Debug)]
pub struct TenantTx {
    tenancy: Tenancy,
    cx: OpContext,
    entry: Arc<TenantEntry>,
    /// None once it was refused at the door and no other was begun in its place.
    transaction: Option<Transaction>,
    begun: bool,
    records: Vec<Record>,
    left_jobs: bool,
    /// What this is a step of; then it has no transaction of its own.
    step: Option<Step>,
}

/// Something the kernel writes beside the module's rows, sent with the commit.
#[derive(Debug)]
enum Record {
    Audit(Box<Noted>),
    Job { id: JobId, kind: &'static str, payload: Value, unique_key: Option<String>, run_at: Timestamp, at: Timestamp },
    Answer { key: String, status: i32, body: Option<Value>, sealed: Option<Vec<u8>> },
}

impl TenantTx {
    pub(crate) async fn begin(tenancy: Tenancy, cx: OpContext) -> Result<Self> {
        let entry = cx.tenant.clone();
        let step = cx.whole.as_ref().map(Whole::step);
        let transaction = if step.is_some() { None } else { Some(open(&tenancy, &entry).await?) };
        let begun = step.is_some();
        Ok(Self { tenancy, cx, entry, transaction, begun, records: Vec::new(), left_jobs: false, step })
    }

    /// Begins at once, as the only one at this work for this tenant, and gives the transaction away. None when another is at it.
    pub(crate) async fn begin_alone(mut self, work: &'static str) -> Result<Option<(Transaction, Arc<TenantEntry>)>> {
        let time = self.entry.limits.large_statement_milliseconds().to_string();
        let rows = self.send(&[(&WORK_ALONE, &[&work, &time])]).await?;
        let taken = rows.concat().first().is_some_and(|row| row.get("taken"));
        Ok(self.transaction.take().filter(|_| taken).map(|transaction| (transaction, self.entry)))
    }

    /// Who works, and for whom.
    pub fn cx(&self) -> &OpContext {
        &self.cx
    }

    /// Runs a statement. `$1` is the tenant; `parameters` begin at `$2`.
    pub async fn query(&mut self, statement: &'static Statement, parameters: &Parameters<'_>) -> Result<Vec<Row>> {
        let mut rows = self.query_all(&[(statement, parameters)]).await?;
        Ok(rows.pop().unwrap_or_default())
    }

    /// Runs statements in one round trip; their rows in the same order.
    pub async fn query_all(&mut self, items: &[(&'static Statement, &Parameters<'_>)]) -> Result<Vec<Vec<Row>>> {
        for (statement, _) in items {
            self.tenancy.assert_registered(statement);
        }
        self.send(items).await
    }

    async fn send(&mut self, items: &[(&'static Statement, &Parameters<'_>)]) -> Result<Vec<Vec<Row>>> {
        let tenant = self.cx.tenant.id;
        let bound: Vec<_> = items.iter().map(|(statement, with)| (*statement, bind(&tenant, with))).collect();
        let items: Vec<(&'static Statement, &Parameters<'_>)> =
            bound.iter().map(|(statement, with)| (*statement, with.as_slice())).collect();
        if let Some(step) = &mut self.step {
            return step.query(&items).await.map_err(|error| self.tenancy.explain(error));
        }
        let mut first = true;
        loop {
            let begun = std::mem::replace(&mut self.begun, true);
            match transaction(&mut self.transaction)?.query_all(&items).await {
                Ok(rows) => return Ok(rows),
                Err(error) if !begun && is_refused_by_fence(&error) => {
                    // Refused at the door: nothing happened, so it can be begun again where the tenant is now. To find out
                    // where that is takes a connection: this one is given back first, or the last two would wait for each other.
                    self.transaction = None;
                    self.entry = self.tenancy.after_refusal(&self.cx, &self.entry, first, error).await?;
                    self.transaction = Some(open(&self.tenancy, &self.entry).await?);
                    self.begun = false;
                    first = false;
                }
                Err(error) => return Err(self.tenancy.explain(error)),
            }
        }
    }

    /// Notes who did what to which row; written with the commit. Who, from where, in which request and, of an operator on a
    /// visit, why, is taken from the context. `changes` says what was before and after, without secrets.
    pub fn audit(&mut self, action: Action, on: &Resource, about: impl Into<Subject>, changes: Option<Value>) {
        self.audit_act(action.word(), on, about, changes);
    }

    /// The same for an act that has a word of its own, such as `member.invite`.
    pub fn audit_act(
        &mut self,
        action: &'static str,
        on: &Resource,
        about: impl Into<Subject>,
        changes: Option<Value>,
    ) {
        let record = Noted::within(&self.cx, action, on.to_string()).on(about);
        let record = PlatformRecord { changes, ..record };
        self.records.push(Record::Audit(Box::new(record.noted(self.cx.clock()))));
    }

    /// Notes an act that somebody else did, in another database: a job carries it here.
    pub fn audit_record(&mut self, record: PlatformRecord) {
        self.records.push(Record::Audit(Box::new(record.noted(self.cx.clock()))));
    }

    /// Notes what the kernel itself saw the actor do; written with the commit.
    pub(crate) fn note(&mut self, action: &'static str, resource: &'static str, at: Timestamp, changes: Value) {
        let record = Noted::within(&self.cx, action, resource.to_owned()).changing(changes);
        self.records.push(Record::Audit(Box::new(record.noted_as(AuditId::generate(self.cx.clock()), at))));
    }

    /// Leaves a job; it runs only if this commits, once, some time after `run_at` (now, when none is given). A second one of
    /// the same kind and key is dropped while the first waits. Refuses a payload of more than 64 KiB and a key of more than
    /// 200 characters.
    pub fn enqueue(
        &mut self,
        kind: &'static str,
        payload: Value,
        unique_key: Option<String>,
        run_at: Option<Timestamp>,
    ) -> Result<()> {
        crate::jobs::queue::check_size(&payload, unique_key.as_deref())?;
        let id = JobId::generate(self.cx.clock());
        let at = self.cx.clock().now();
        self.left_jobs = true;
        self.records.push(Record::Job { id, kind, payload, unique_key, run_at: run_at.unwrap_or(at), at });
        Ok(())
    }

    /// Takes a job's effect upon this transaction. False when an earlier delivery already had it.
    pub async fn first_delivery(&mut self, job: JobId) -> Result<bool> {
        let now = self.cx.clock().now();
        Ok(!self.send(&[(&INBOX, &[&job, &now])]).await?.concat().is_empty())
    }

    /// Runs `statement` only if nobody used this idempotency key before. Otherwise fails with `idempotency_key_used`, after
    /// which [`Tenancy::earlier_answer`] has what was answered then.
    pub async fn query_once(
        &mut self,
        key: &str,
        fingerprint: &str,
        statement: &'static Statement,
        parameters: &Parameters<'_>,
    ) -> Result<Vec<Row>> {
        let mut rows = self.query_all_once(key, fingerprint, &[(statement, parameters)]).await?;
        Ok(rows.pop().unwrap_or_default())
    }

    /// The same with several statements in one round trip.
    pub async fn query_all_once(
        &mut self,
        key: &str,
        fingerprint: &str,
        statements: &[(&'static Statement, &Parameters<'_>)],
    ) -> Result<Vec<Vec<Row>>> {
        for (statement, _) in statements {
            self.tenancy.assert_registered(statement);
        }
        let (actor, now) = (holder(&self.cx), self.cx.clock().now());
        let take: &Parameters<'_> = &[&actor, &key, &fingerprint, &now];
        let items: Vec<_> = std::iter::once((&IDEMPOTENCY_TAKE, take)).chain(statements.iter().copied()).collect();
        let mut rows = self
            .send(&items)
            .await
            .map_err(|error| if is_taken(&error) { key_used().because(error) } else { error })?;
        rows.remove(0);
        Ok(rows)
    }

    /// Keeps the answer for whoever sends the same idempotency key again; written with the commit.
    pub fn remember(&mut self, key: &str, status: u16, body: Value) {
        let (key, status) = (key.to_owned(), i32::from(status));
        self.records.push(Record::Answer { key, status, body: Some(body), sealed: None });
    }

    /// The same for an answer that tells what columns keep sealed: it is kept sealed as well.
    pub fn remember_sealed(&mut self, key: &str, status: u16, body: &Value) -> Result<()> {
        let plain = serde_json::to_vec(body).map_err(Error::internal)?;
        let sealed = Some(self.cx.seal(&kept_answer(&[holder(&self.cx).as_bytes(), key.as_bytes()]), &plain)?);
        let (key, status) = (key.to_owned(), i32::from(status));
        self.records.push(Record::Answer { key, status, body: None, sealed });
        Ok(())
    }

    /// Makes ready for a piece of work on many rows at once, which a tenant can have one of at a time. False when another
    /// transaction is at it: nothing waits. The lock and the settings end with the transaction.
    pub async fn begin_large(&mut self, work: &'static str) -> Result<bool> {
        let time = self.entry.limits.large_statement_milliseconds().to_string();
        let rows = self.send(&[(&WORK_ALONE, &[&work, &time])]).await?;
        let taken = rows.concat().first().is_some_and(|row| row.get("taken"));
        if taken {
            transaction(&mut self.transaction)?.batch(MANY_ROWS).await.map_err(|error| self.tenancy.explain(error))?;
        }
        Ok(taken)
    }

    /// Makes a temporary table, dropped at the commit. The application login may create nothing else.
    pub async fn stage(&mut self, statement: &'static Statement) -> Result<()> {
        self.tenancy.assert_registered(statement);
        self.ensure_begun().await?;
        transaction(&mut self.transaction)?.batch(statement.sql()).await.map_err(|error| self.tenancy.explain(error))
    }

    /// Opens a COPY into a temporary table (row security refuses any other). It is finished before the next statement.
    pub async fn copy_in(&mut self, statement: &'static Statement) -> Result<CopyIn<'_>> {
        self.tenancy.assert_registered(statement);
        self.ensure_begun().await?;
        transaction(&mut self.transaction)?.copy_in(statement.sql()).await.map_err(|error| self.tenancy.explain(error))
    }

    async fn ensure_begun(&mut self) -> Result<()> {
        if !self.begun {
            self.send(&[]).await?;
        }
        Ok(())
    }

    /// Writes audit, jobs and kept answers, and commits: one round trip.
    pub async fn commit(self) -> Result<()> {
        self.commit_with(&[]).await.map(drop)
    }

    /// The last statements, audit, jobs and COMMIT in one round trip.
    pub async fn commit_with(mut self, last: &[(&'static Statement, &Parameters<'_>)]) -> Result<Vec<Vec<Row>>> {
        let tenant = self.cx.tenant.id;
        let nothing = last.is_empty() && self.records.is_empty();
        if !self.begun && !nothing {
            // A fence that refuses must be able to begin again, which a COMMIT already sent would not allow.
            self.ensure_begun().await?;
        }
        let keeps = self.records.iter().any(|record| matches!(record, Record::Answer { .. }));
        let actor = if keeps { holder(&self.cx) } else { String::new() };
        let mut items: Vec<(&'static Statement, door::Bound<'_>)> = Vec::with_capacity(last.len() + self.records.len());
        for (statement, with) in last {
            self.tenancy.assert_registered(statement);
            items.push((statement, bind(&tenant, with)));
        }
        for record in &self.records {
            items.push(match record {
                Record::Audit(noted) => (&AUDIT, door::Bound::from_slice(&noted.parameters_within(&tenant))),
                Record::Job { id, kind, payload, unique_key, run_at, at } => {
                    (&OUTBOX, door::Bound::from_slice(&[&tenant, id, kind, payload, unique_key, run_at, at]))
                }
                Record::Answer { key, status, body, sealed } => {
                    (&IDEMPOTENCY_KEEP, door::Bound::from_slice(&[&tenant, &actor, key, status, body, sealed]))
                }
            });
        }
        let items: Vec<(&'static Statement, &Parameters<'_>)> =
            items.iter().map(|(statement, with)| (*statement, with.as_slice())).collect();
        if let Some(step) = self.step.take() {
            let mut rows = step.end(&items, self.left_jobs).await.map_err(|error| self.tenancy.explain(error))?;
            rows.truncate(last.len());
            return Ok(rows);
        }
        let transaction = self.transaction.take().ok_or(cloister_postgres::Error::Aborted)?;
        let mut rows = transaction.commit(&items).await.map_err(|error| self.tenancy.explain(error))?;
        rows.truncate(last.len());
        if self.left_jobs
            && let Some(placement) = &self.entry.placement
        {
            self.tenancy.0.outbox.tell(placement);
        }
        Ok(rows)
    }

    /// Ends it without a trace, and gives its connection back at once.
    pub async fn rollback(self) -> Result<()> {
        if let Some(step) = self.step {
            return Ok(step.take_back().await?);
        }
        match self.transaction {
            Some(transaction) => Ok(transaction.rollback().await?),
            None => Ok(()),
        }
    }
}

fn transaction(of: &mut Option<Transaction>) -> Result<&mut Transaction> {
    Ok(of.as_mut().ok_or(cloister_postgres::Error::Aborted)?)
}

async fn open(tenancy: &Tenancy, entry: &TenantEntry) -> Result<Transaction> {
    let (lease, placement) = tenancy.enter(entry).await?;
    Ok(Transaction::new(lease, Some(placement.schema.clone()), Some(door::enter_write(entry, placement))))
}

/// Whose an idempotency key is.
fn holder(cx: &OpContext) -> String {
    if is_off(Guard::IdempotencyActor) { "anybody".to_owned() } else { cx.actor().to_string() }
}

/// Where a sealed answer is kept.
fn kept_answer<'a>(row: &'a [&'a [u8]; 2]) -> Cell<'a> {
    Cell { table: "cloister.idempotency_key", row, column: "sealed" }
}

fn key_used() -> Error {
    Error::new(ErrorKind::Conflict, "idempotency_key_used", "This Idempotency-Key was used before.")
}

fn is_taken(error: &Error) -> bool {
    std::error::Error::source(error)
        .and_then(|source| source.downcast_ref::<cloister_postgres::Error>())
        .is_some_and(|error| error.constraint() == Some("idempotency_key_pkey"))
}

/// What was answered to an earlier request with the same idempotency key.
#[derive(Debug, Clone)]
pub struct EarlierAnswer {
    /// Of the earlier request, to be compared with this one's.
    pub fingerprint: String,
    /// Status and body; none while the earlier request is still under way.
    pub answer: Option<(u16, Value)>,
}

impl Tenancy {
    /// What was answered to an earlier request of this actor with the same key.
    pub async fn earlier_answer(&self, cx: &OpContext, key: &str) -> Result<Option<EarlierAnswer>> {
        let actor = holder(cx);
        let rows = self.fetch(cx, &IDEMPOTENCY_READ, &[&actor, &key]).await?;
        let Some(row) = rows.first() else { return Ok(None) };
        let status = row.get::<_, Option<i32>>("status").and_then(|status| u16::try_from(status).ok());
        let body = match row.get::<_, Option<&[u8]>>("sealed") {
            Some(sealed) => {
                let plain = cx.open(&kept_answer(&[actor.as_bytes(), key.as_bytes()]), sealed)?;
                Some(serde_json::from_slice(&plain).map_err(Error::internal)?)
            }
            None => row.get::<_, Option<Value>>("body"),
        };
        Ok(Some(EarlierAnswer { fingerprint: row.get("fingerprint"), answer: status.zip(body) }))
    }
}
