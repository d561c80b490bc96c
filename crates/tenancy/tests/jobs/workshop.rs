//! A module whose jobs do what tests need, and a platform with workers.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use cloister_ids::{Clock, JobId, ManualClock, SystemClock, TenantId, Uuid};
use cloister_tenancy::{
    Error, ErrorKind, Module, Resource, Result, SchemaChange, Tenancy, TenantEntry,
    jobs::{Backoff, JobContext, JobInfo, JobKind, JobState, Priority, WorkSettings},
    sql::Statement,
};
use cloister_testkit::{Notebook, TestPlatform, TestSettings, note};
use serde_json::{Value, json};
use tokio::{sync::oneshot, task::JoinHandle};

/// What the handlers of this process did.
#[derive(Debug, Default)]
pub(crate) struct Diary {
    starts: Mutex<Vec<Start>>,
    running: Mutex<HashMap<&'static str, (usize, usize)>>,
}

#[derive(Debug, Clone)]
pub(crate) struct Start {
    pub(crate) job: JobId,
    pub(crate) tenant: Option<TenantId>,
    pub(crate) at: Instant,
    pub(crate) name: Value,
}

impl Diary {
    pub(crate) fn starts(&self) -> Vec<Start> {
        self.starts.lock().unwrap().clone()
    }

    pub(crate) fn count(&self) -> usize {
        self.starts.lock().unwrap().len()
    }

    /// The most of a kind that ran at once.
    pub(crate) fn most_at_once(&self, kind: &str) -> usize {
        self.running.lock().unwrap().get(kind).map_or(0, |(_, most)| *most)
    }

    fn begin(&self, job: &JobContext) {
        let name = job.payload::<Value>().unwrap()["name"].clone();
        let tenant = job.cx().ok().map(cloister_tenancy::OpContext::tenant_id);
        self.starts.lock().unwrap().push(Start { job: job.id(), tenant, at: Instant::now(), name });
        let mut running = self.running.lock().unwrap();
        let (now, most) = running.entry(job.kind()).or_default();
        *now += 1;
        *most = (*most).max(*now);
    }

    fn end(&self, job: &JobContext) {
        self.running.lock().unwrap().entry(job.kind()).or_default().0 -= 1;
    }
}

/// The module.
pub(crate) struct Workshop(pub(crate) Arc<Diary>);

/// Seconds between attempts, so that a test with a clock of its own knows them.
pub(crate) const BACKOFF: Backoff = Backoff { first: Duration::from_secs(100), most: Duration::from_secs(800) };

impl Module for Workshop {
    fn name(&self) -> &'static str {
        "workshop"
    }

    fn kinds(&self) -> &'static [&'static str] {
        &["school"]
    }

    fn migrations(&self) -> &'static [SchemaChange] {
        &[]
    }

    fn statements(&self) -> &'static [&'static [&'static Statement]] {
        &[]
    }

    fn resources(&self) -> &'static [Resource] {
        &[]
    }

    fn jobs(&self) -> Vec<JobKind> {
        let kind = |name: &'static str| {
            let diary = self.0.clone();
            JobKind::new(name, move |job| {
                let diary = diary.clone();
                async move {
                    diary.begin(&job);
                    let outcome = act(&job).await;
                    diary.end(&job);
                    outcome
                }
            })
            .backoff(BACKOFF)
        };
        vec![
            kind("workshop.pass"),
            kind("workshop.urgent").priority(Priority::High),
            kind("workshop.idle").priority(Priority::Low),
            kind("workshop.alone").lane_limit(1),
            kind("workshop.sleep"),
            kind("workshop.note"),
            kind("workshop.linger"),
            kind("workshop.hasty").attempts(3).timeout(Duration::from_millis(200)),
            kind("workshop.fail").attempts(3),
            kind("workshop.panic").attempts(2),
            kind("workshop.read"),
        ]
    }
}

async fn act(job: &JobContext) -> Result<()> {
    let payload: Value = job.payload()?;
    let pause = Duration::from_millis(payload["ms"].as_u64().unwrap_or(0));
    match job.kind() {
        "workshop.note" => {
            if let Some(mut tx) = job.first_delivery().await? {
                let id = cloister_ids::RequestId::generate(&SystemClock).uuid();
                tx.query(&note::INSERT, &[&id, &"by a job", &None::<String>]).await?;
                tx.commit().await?;
            }
            Ok(())
        }
        "workshop.linger" => {
            let seconds = pause.as_secs_f64();
            job.tenancy().fetch(job.cx()?, &note::LINGER, &[&seconds]).await.map(drop)
        }
        "workshop.fail" if u64::from(job.attempt()) < payload["until"].as_u64().unwrap_or(u64::MAX) => {
            Err(Error::internal(format!("attempt {} was to fail", job.attempt())))
        }
        "workshop.panic" => panic!("this handler was to panic"),
        "workshop.read" => job.payload::<Vec<String>>().map(drop),
        "workshop.alone" | "workshop.sleep" | "workshop.hasty" => {
            tokio::time::sleep(pause).await;
            Ok(())
        }
        _ => Ok(()),
    }
}

/// A platform whose tenants have the workshop.
pub(crate) struct Shop {
    pub(crate) platform: TestPlatform,
    pub(crate) diary: Arc<Diary>,
    pub(crate) clock: Option<ManualClock>,
}

pub(crate) fn test_settings(diary: &Arc<Diary>, clock: Arc<dyn Clock>) -> TestSettings {
    TestSettings {
        modules: vec![Arc::new(Notebook), Arc::new(Workshop(diary.clone()))],
        clock,
        ..TestSettings::default()
    }
}

impl Shop {
    pub(crate) async fn open() -> Self {
        let diary = Arc::new(Diary::default());
        let platform = TestPlatform::with(test_settings(&diary, Arc::new(SystemClock))).await;
        Self { platform, diary, clock: None }
    }

    /// With a clock that only the test moves.
    pub(crate) async fn open_by_hand() -> Self {
        let clock = ManualClock::new(SystemClock.now());
        let diary = Arc::new(Diary::default());
        let platform = TestPlatform::with(test_settings(&diary, Arc::new(clock.clone()))).await;
        Self { platform, diary, clock: Some(clock) }
    }

    pub(crate) fn tenancy(&self) -> &Tenancy {
        &self.platform.tenancy
    }

    pub(crate) fn advance(&self, seconds: i64) {
        self.clock.as_ref().unwrap().advance(jiff::SignedDuration::from_secs(seconds));
    }

    pub(crate) fn worker(&self) -> Working {
        Working::start(self.tenancy().clone(), quick())
    }

    /// Leaves a job as a request would: in a tenant's transaction.
    pub(crate) async fn leave(&self, tenant: &Arc<TenantEntry>, kind: &'static str, payload: Value) {
        self.leave_keyed(tenant, kind, payload, None).await;
    }

    pub(crate) async fn leave_keyed(
        &self,
        tenant: &Arc<TenantEntry>,
        kind: &'static str,
        payload: Value,
        key: Option<&str>,
    ) {
        let mut tx = self.tenancy().write(&self.platform.cx(tenant)).await.unwrap();
        tx.enqueue(kind, payload, key.map(str::to_owned), None).unwrap();
        tx.commit().await.unwrap();
    }

    /// All jobs in the queue but the kernel's own, in the order they were made.
    pub(crate) async fn queue(&self) -> Vec<JobInfo> {
        let client = self.control().await;
        let rows = client.query("select id from job where kind not like 'kernel.%' order by id", &[]).await.unwrap();
        let mut jobs = Vec::new();
        for row in rows {
            match self.tenancy().job(row.get("id")).await {
                Ok(job) => jobs.push(job),
                // Forgotten since they were listed.
                Err(error) => assert_eq!(error.kind(), ErrorKind::NotFound, "{error:?}"),
            }
        }
        jobs
    }

    pub(crate) async fn only_job(&self) -> JobInfo {
        let mut jobs = self.queue().await;
        assert_eq!(jobs.len(), 1, "{jobs:?}");
        jobs.pop().unwrap()
    }

    pub(crate) async fn control(&self) -> tokio_postgres::Client {
        let client = self.platform.admin(&format!("{}_control", self.platform.prefix)).await;
        client.batch_execute("set search_path = control").await.unwrap();
        client
    }

    /// Rows in the outboxes of a tenant's database.
    pub(crate) async fn outbox(&self, tenant: &TenantEntry) -> i64 {
        let client = self.platform.admin(&tenant.placement.as_ref().unwrap().database).await;
        client.query_one("select count(*) from cloister.outbox", &[]).await.unwrap().get(0)
    }

    pub(crate) async fn notes(&self, tenant: &Arc<TenantEntry>) -> i64 {
        // Provisioning wrote one.
        self.tenancy().fetch(&self.platform.cx(tenant), &note::COUNT, &[]).await.unwrap()[0].get::<_, i64>(0) - 1
    }

    /// Waits until every job is in this state.
    pub(crate) async fn until_all(&self, state: JobState, count: usize) -> Vec<JobInfo> {
        let mut last = Vec::new();
        for _ in 0..400 {
            last = self.queue().await;
            if last.len() == count && last.iter().all(|job| job.state == state) {
                return last;
            }
            tokio::time::sleep(Duration::from_millis(25)).await;
        }
        panic!("not all of {count} jobs are {state:?}: {last:#?}");
    }
}

pub(crate) async fn until(what: &str, mut holds: impl AsyncFnMut() -> bool) {
    for _ in 0..400 {
        if holds().await {
            return;
        }
        tokio::time::sleep(Duration::from_millis(25)).await;
    }
    panic!("waited in vain: {what}");
}

/// Waiting times for tests.
pub(crate) fn quick() -> WorkSettings {
    WorkSettings {
        lease: Duration::from_millis(900),
        poll: Duration::from_millis(50),
        sweep: Duration::from_millis(100),
        drain: Duration::from_secs(5),
        ..WorkSettings::default()
    }
}

/// A node at work.
pub(crate) struct Working {
    stop: Option<oneshot::Sender<()>>,
    task: JoinHandle<Result<()>>,
}

impl Working {
    pub(crate) fn start(tenancy: Tenancy, settings: WorkSettings) -> Self {
        let (stop, stopped) = oneshot::channel::<()>();
        let task = tokio::spawn(async move {
            tenancy
                .work(settings, async {
                    let _ = stopped.await;
                })
                .await
        });
        Self { stop: Some(stop), task }
    }

    /// As an orderly shutdown does.
    pub(crate) async fn stop(mut self) {
        drop(self.stop.take());
        (&mut self.task).await.unwrap().unwrap();
    }

    /// As a crash does, within this process: nothing is given back.
    pub(crate) async fn crash(self) {
        self.task.abort();
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

impl Drop for Working {
    fn drop(&mut self) {
        self.task.abort();
    }
}

pub(crate) fn named(name: &str) -> Value {
    json!({ "name": name })
}

/// Ready jobs put straight into the queue, many at once: as a relay would have carried them one batch after the other.
pub(crate) async fn flood(client: &tokio_postgres::Client, tenants: &[Uuid], each: i64, kind: &str, payload: &Value) {
    client
        .execute(
            "insert into job (id, tenant_id, lane, kind, payload, state, priority, run_at, max_attempts, created_at)
             select gen_random_uuid(), t, t, $2, $4, 'ready', 1, now() - interval '1 minute' + n * interval '1 ms', 20,
                now()
             from generate_series(1, $3::bigint) n cross join unnest($1::uuid[]) t",
            &[&tenants, &kind, &each, payload],
        )
        .await
        .unwrap();
    client
        .execute(
            "insert into job_lane (lane, turn_at, served_at) select t, '-infinity', '-infinity' from unnest($1::uuid[]) t
             on conflict (lane) do update set turn_at = job_lane.served_at",
            &[&tenants],
        )
        .await
        .unwrap();
    client.batch_execute("analyze job; analyze job_lane").await.unwrap();
}
