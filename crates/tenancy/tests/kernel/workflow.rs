//! Recorded workflows: tried again with growing pauses, handed to an operator, turned round, and worked on by one at a time.

use std::{
    future::Future,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use cloister_ids::{TenantId, Uuid, WorkflowId};
use cloister_tenancy::{
    Error, Module, Resource, Result, SchemaChange, Status, TenantTx, Tier,
    lifecycle::{Kind, State},
    sql::Statement,
};
use cloister_testkit::{Notebook, TestPlatform, TestSettings, operator};

use crate::{isolation::count, lifecycle::new_tenant};

/// How the seeding of a tenant goes.
#[derive(Debug, Default)]
struct Mood {
    /// So many more times it fails, with an error that may pass.
    failures: AtomicUsize,
    /// It fails with one that will not.
    hopeless: AtomicUsize,
    /// It takes so many milliseconds.
    takes: AtomicUsize,
    /// So often it was done to the end.
    done: AtomicUsize,
}

struct Moody(Arc<Mood>);

impl Module for Moody {
    fn name(&self) -> &'static str {
        "moody"
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

    fn seed<'a>(&'a self, _: &'a mut TenantTx) -> Pin<Box<dyn Future<Output = Result<()>> + Send + 'a>> {
        Box::pin(async {
            let takes = self.0.takes.load(Ordering::SeqCst);
            tokio::time::sleep(Duration::from_millis(takes as u64)).await;
            if self.0.hopeless.load(Ordering::SeqCst) > 0 {
                return Err(Error::field("seed", "hopeless", "It will never do."));
            }
            if self.0.failures.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1)).is_ok() {
                return Err(Error::unavailable("not in the mood"));
            }
            self.0.done.fetch_add(1, Ordering::SeqCst);
            Ok(())
        })
    }
}

async fn moody() -> (TestPlatform, Arc<Mood>) {
    let mood = Arc::new(Mood::default());
    let modules: Vec<Arc<dyn Module>> = vec![Arc::new(Notebook), Arc::new(Moody(mood.clone()))];
    (TestPlatform::with(TestSettings { modules, ..TestSettings::default() }).await, mood)
}

async fn ask_for(platform: &TestPlatform, slug: &str, tier: Tier) -> (TenantId, WorkflowId) {
    platform.tenancy.create_tenant(&new_tenant(slug, tier), &operator::operator()).await.unwrap()
}

/// What each step came to, in order.
async fn steps(platform: &TestPlatform, workflow: WorkflowId) -> Vec<String> {
    let control = platform.admin(&format!("{}_control", platform.prefix)).await;
    let text = "select step || ' ' || outcome from control.workflow_step where workflow_id = $1 order by ordinal";
    let rows = control.query(text, &[&workflow.uuid()]).await.unwrap();
    rows.iter().map(|row| row.get(0)).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_step_that_fails_is_tried_again_after_growing_pauses() {
    let (platform, mood) = moody().await;
    mood.failures.store(3, Ordering::SeqCst);
    let began = Instant::now();
    let (id, workflow) = ask_for(&platform, "patience", Tier::Shared).await;
    operator::carry_out(&platform.tenancy, Ok(workflow)).await;
    assert!(began.elapsed() >= Duration::from_millis(200 + 400 + 800), "{:?}", began.elapsed());
    assert_eq!(
        steps(&platform, workflow).await,
        [
            "place done",
            "prepare done",
            "open done",
            "seed error",
            "seed error",
            "seed error",
            "seed done",
            "activate done"
        ]
    );
    let entry = platform.tenancy.registry().by_id(id).unwrap();
    assert_eq!(count(&platform.tenancy, &platform.cx(&entry)).await, 1, "what was seeded twice is there once");
}

#[tokio::test(flavor = "multi_thread")]
async fn one_that_keeps_failing_waits_for_an_operator_who_tries_again() {
    let (platform, mood) = moody().await;
    mood.failures.store(usize::MAX, Ordering::SeqCst);
    let (id, workflow) = ask_for(&platform, "stubborn", Tier::Schema).await;
    let end = platform.tenancy.finish(workflow, &|_| {}).await.unwrap();
    assert_eq!((end.state, end.attempts, end.step), (State::Failed, 6, 3));
    assert!(end.error.as_deref().unwrap_or("").contains("not in the mood"), "the operator is not told why: {end:?}");
    assert_eq!(platform.tenancy.tenant(id).await.unwrap().status, Status::Failed);
    // Nobody takes it up again by themselves, and nothing else can be done to the tenant meanwhile.
    assert_eq!(platform.tenancy.tend_workflows().await.unwrap(), 0);
    mood.failures.store(0, Ordering::SeqCst);
    assert_eq!(platform.tenancy.retry_workflow(id).await.unwrap(), workflow);
    operator::carry_out(&platform.tenancy, Ok(workflow)).await;
    let entry = platform.tenancy.registry().by_id(id).unwrap();
    assert_eq!(count(&platform.tenancy, &platform.cx(&entry)).await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn one_that_is_hopeless_is_abandoned_and_nothing_is_left() {
    let (platform, mood) = moody().await;
    mood.hopeless.store(1, Ordering::SeqCst);
    for tier in Tier::ALL {
        let slug = format!("hopeless-{tier}");
        let (id, workflow) = ask_for(&platform, &slug, *tier).await;
        let end = platform.tenancy.finish(workflow, &|_| {}).await.unwrap();
        assert_eq!((end.state, end.attempts), (State::Failed, 1), "what cannot pass is not tried again");
        assert_eq!(platform.tenancy.abandon_provisioning(id).await.unwrap(), workflow);
        let end = platform.tenancy.finish(workflow, &|_| {}).await.unwrap();
        assert_eq!((end.kind, end.state), (Kind::Provision, State::Undone));
        assert_gone(&platform, id, &slug).await;
    }
}

/// Nothing of a tenant is left but that it was, under its bare id.
pub(crate) async fn assert_gone(platform: &TestPlatform, id: TenantId, slug: &str) {
    let (uuid, bare) = (id.uuid().to_string(), id.bare().clone());
    let left: Vec<_> = platform
        .traces(&[&uuid, &bare, slug])
        .await
        .into_iter()
        .filter(|row| {
            let kept = ["control.audit: ", "control.workflow: ", "control.removed_tenant: "];
            row.contains(slug) || !kept.iter().any(|table| row.contains(table))
        })
        .collect();
    assert!(left.is_empty(), "{slug}: {left:#?}");
    assert!(platform.tenancy.tenant(id).await.is_err() && platform.tenancy.find_tenant(slug).await.is_err());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_slow_step_keeps_its_worker() {
    let (platform, mood) = moody().await;
    // Longer than a worker may be without a sign of life.
    mood.takes.store(2500, Ordering::SeqCst);
    let second = platform.second_node().await;
    let (_, workflow) = ask_for(&platform, "slow", Tier::Shared).await;
    let other = tokio::spawn(async move {
        loop {
            second.tend_workflows().await.unwrap();
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    });
    operator::carry_out(&platform.tenancy, Ok(workflow)).await;
    other.abort();
    assert_eq!(mood.done.load(Ordering::SeqCst), 1, "two did the same step");
    assert_eq!(steps(&platform, workflow).await.len(), 5);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_that_lost_its_hold_stops_and_the_other_goes_on() {
    let (platform, mood) = moody().await;
    mood.takes.store(1500, Ordering::SeqCst);
    let (id, workflow) = ask_for(&platform, "taken-over", Tier::Schema).await;
    let node = platform.tenancy.clone();
    let first = tokio::spawn(async move { node.finish(workflow, &|_| {}).await });
    let control = platform.admin(&format!("{}_control", platform.prefix)).await;
    let at_seed = "select step = 3 from control.workflow where id = $1";
    while !control.query_one(at_seed, &[&workflow.uuid()]).await.unwrap().get::<_, bool>(0) {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    tokio::time::sleep(Duration::from_millis(100)).await;
    // As if it had been silent for too long and another had taken it, which then falls silent as well.
    let take = "update control.workflow set lease_owner = $2, lease_until = clock_timestamp() + interval '800 ms' where id = $1";
    control.execute(take, &[&workflow.uuid(), &Uuid::nil()]).await.unwrap();
    mood.takes.store(0, Ordering::SeqCst);
    let end = first.await.unwrap().expect("who only follows a workflow is not told of its workers");
    assert_eq!(end.state, State::Done);
    assert_eq!(mood.done.load(Ordering::SeqCst), 1, "the step was done by one who no longer had it");
    let entry = platform.tenancy.registry().by_id(id).unwrap();
    assert_eq!(count(&platform.tenancy, &platform.cx(&entry)).await, 1);
}
