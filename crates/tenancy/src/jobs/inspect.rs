//! What an operator may see of the queue and do with its dead letters, and what the lifecycle of a tenant asks of it.

use cloister_ids::{JobId, TenantId};
use cloister_postgres::{Parameters, Row, Statement};
use jiff::Timestamp;
use serde::Serialize;
use serde_json::Value;

use super::store;
use crate::{Error, ErrorKind, PlatformRecord, Requester, Result, Tenancy, control};

/// Where a job is in its life.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum JobState {
    /// It waits, for its time or for a worker.
    Ready,
    /// A worker has it.
    Running,
    /// It is done.
    Done,
    /// It failed as often as it may, and waits for somebody to decide.
    Dead,
}

/// A job, as an operator sees it.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[expect(missing_docs, reason = "the fields are the columns of the queue's table, where they are described")]
pub struct JobInfo {
    pub id: JobId,
    pub tenant: Option<TenantId>,
    pub kind: String,
    pub payload: Value,
    pub state: JobState,
    pub run_at: Timestamp,
    pub attempts: i32,
    pub max_attempts: i32,
    pub unique_key: Option<String>,
    pub created_at: Timestamp,
    pub started_at: Option<Timestamp>,
    pub finished_at: Option<Timestamp>,
    pub last_error: Option<String>,
}

/// How many jobs there are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct JobCounts {
    /// Waiting for a worker or their time.
    pub ready: i64,
    /// Of them, those whose time has come.
    pub due: i64,
    /// In the hands of a worker.
    pub running: i64,
    /// Dead.
    pub dead: i64,
}

impl JobInfo {
    fn read(row: &Row) -> Self {
        Self {
            id: row.get("id"),
            tenant: row.get("tenant_id"),
            kind: row.get("kind"),
            payload: row.get("payload"),
            state: match row.get("state") {
                "running" => JobState::Running,
                "done" => JobState::Done,
                "dead" => JobState::Dead,
                _ => JobState::Ready,
            },
            run_at: row.get("run_at"),
            attempts: row.get("attempts"),
            max_attempts: row.get("max_attempts"),
            unique_key: row.get("unique_key"),
            created_at: row.get("created_at"),
            started_at: row.get("started_at"),
            finished_at: row.get("finished_at"),
            last_error: row.get("last_error"),
        }
    }
}

impl Tenancy {
    /// One job.
    pub async fn job(&self, id: JobId) -> Result<JobInfo> {
        let rows = self.0.control.run(&store::JOB, &[&id]).await?;
        rows.first().map(JobInfo::read).ok_or_else(Error::not_found)
    }

    /// A page of dead jobs, youngest first, of one tenant or of all, before one of them; at most 1000.
    pub async fn dead_jobs(&self, tenant: Option<TenantId>, before: Option<JobId>, limit: u16) -> Result<Vec<JobInfo>> {
        let rows = self.0.control.run(&store::DEAD_JOBS, &[&tenant, &before, &i64::from(limit.clamp(1, 1000))]).await?;
        Ok(rows.iter().map(JobInfo::read).collect())
    }

    /// Sets a dead job going again, with all its attempts before it.
    pub async fn retry_job(&self, by: impl Into<Requester>, id: JobId) -> Result<()> {
        let now = self.0.clock.now();
        self.decide(by.into(), "job.retry", id, &store::RETRY, &[&id, &now]).await
    }

    /// Gives up a dead job for good.
    pub async fn discard_job(&self, by: impl Into<Requester>, id: JobId) -> Result<()> {
        self.decide(by.into(), "job.discard", id, &store::DISCARD, &[&id]).await
    }

    async fn decide(
        &self,
        by: Requester,
        action: &'static str,
        id: JobId,
        statement: &'static Statement,
        parameters: &Parameters<'_>,
    ) -> Result<()> {
        let mut tx = self.0.control.begin().await?;
        let rows = tx.query(statement, parameters).await?;
        let row = rows
            .first()
            .ok_or_else(|| Error::new(ErrorKind::NotFound, "job_not_dead", "There is no dead job of this id."))?;
        let (kind, tenant): (String, Option<TenantId>) = (row.get("kind"), row.get("tenant_id"));
        let record = PlatformRecord::new(by, action, "job").on(id).changing(serde_json::json!({ "kind": kind }));
        let noted = PlatformRecord { tenant, ..record }.noted(&*self.0.clock);
        tx.commit(&[(&control::store::AUDIT, &noted.parameters()), (&store::NOTIFY, &[])]).await?;
        Ok(())
    }

    /// How many jobs there are.
    pub async fn job_counts(&self) -> Result<JobCounts> {
        let rows = self.0.control.run(&store::COUNTS, &[&self.0.clock.now()]).await?;
        let row = rows.first().ok_or_else(|| Error::internal("no counts"))?;
        Ok(JobCounts {
            ready: row.get("ready"),
            due: row.get("due"),
            running: row.get("running"),
            dead: row.get("dead"),
        })
    }

    /// Lets the jobs of a tenant that is open again go on at once, rather than when somebody looks again.
    pub async fn wake_jobs(&self, tenant: TenantId) -> Result<()> {
        let mut tx = self.0.control.begin().await?;
        tx.query(&store::UNHOLD, &[&tenant, &self.0.clock.now()]).await?;
        tx.commit(&[(&store::NOTIFY, &[])]).await?;
        Ok(())
    }

    /// Forgets the jobs and the schedule of a tenant that is gone.
    pub async fn forget_jobs(&self, tenant: TenantId) -> Result<()> {
        let mut tx = self.0.control.begin().await?;
        tx.query(&store::FORGET_CRON, &[&tenant]).await?;
        tx.commit(&[(&store::FORGET_JOBS, &[&tenant])]).await?;
        Ok(())
    }
}
