//! A tenant that floods does not hurt the others: its share of the connections, its queue, and the time of its statements.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use cloister_ids::{RequestId, SystemClock};
use cloister_tenancy::{
    Account, Class, NewPlan, OpContext, PlanFields, Rate, Result, Tenancy, TenantEntry, Tier, lifecycle::TenantFields,
    on_account,
};
use cloister_testkit::{TestPlatform, TestSettings, note};
use tokio::task::JoinSet;

/// What a quiet tenant's act may take, whatever another one does.
const BOUND: Duration = Duration::from_secs(1);
/// How long each act of a flood keeps its connection: so long that whoever waits behind the flood waits for longer than the
/// bound.
const HELD: f64 = 0.4;
const CROWD: usize = 64;
/// Those who give up cost the server a new connection each time: few of them are a flood, and keep a processor busy.
const QUITTERS: usize = 12;
const SLOWLY: Duration = Duration::from_secs(5);

async fn read_long(tenancy: &Tenancy, cx: &OpContext) -> Result<()> {
    tenancy.fetch(cx, &note::LINGER, &[&HELD]).await.map(drop)
}

async fn write_long(tenancy: &Tenancy, cx: &OpContext) -> Result<()> {
    let mut tx = tenancy.write(cx).await?;
    let id = RequestId::generate(&SystemClock).uuid();
    tx.query(&note::INSERT, &[&id, &"loud", &None::<String>]).await?;
    tx.query(&note::LINGER, &[&HELD]).await?;
    tx.commit().await
}

/// As an import does: one at a time is let in, the others are refused, and all take a connection to find that out.
async fn work_on_many(tenancy: &Tenancy, cx: &OpContext) -> Result<()> {
    let mut tx = tenancy.write(cx).await?;
    if tx.begin_large("flood").await? {
        tx.query(&note::LINGER, &[&HELD]).await?;
    }
    tx.rollback().await
}

/// Comes, and goes away in the middle of a statement: the connection is of no use until the server is done with it.
async fn give_up(tenancy: &Tenancy, cx: &OpContext) -> Result<()> {
    let _ = tokio::time::timeout(Duration::from_millis(100), tenancy.fetch(cx, &note::LINGER, &[&HELD])).await;
    Ok(())
}

/// A read and a write of somebody who has nothing to do with it.
async fn quietly(tenancy: &Tenancy, cx: &OpContext) -> Duration {
    let begun = Instant::now();
    tenancy.fetch(cx, &note::COUNT, &[]).await.expect("a quiet tenant's read is not refused");
    let mut tx = tenancy.write(cx).await.expect("nor is its write");
    let id = RequestId::generate(&SystemClock).uuid();
    tx.query(&note::INSERT, &[&id, &"quiet", &None::<String>]).await.unwrap();
    tx.commit().await.unwrap();
    begun.elapsed()
}

type Begin = fn(&Tenancy, &OpContext) -> Flood;

/// Keeps callers at it, each again and again, until it is dropped.
struct Flood {
    stop: Arc<AtomicBool>,
    done: Arc<AtomicUsize>,
    callers: JoinSet<()>,
}

impl Flood {
    fn of<F, R>(crowd: usize, tenancy: &Tenancy, cx: &OpContext, act: F) -> Self
    where
        F: Fn(Tenancy, OpContext) -> R + Copy + Send + 'static,
        R: Future<Output = Result<()>> + Send,
    {
        let (stop, done) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicUsize::new(0)));
        let mut callers = JoinSet::new();
        for _ in 0..crowd {
            let (tenancy, cx, stop, done) = (tenancy.clone(), cx.clone(), stop.clone(), done.clone());
            callers.spawn(async move {
                while !stop.load(Ordering::Relaxed) {
                    match act(tenancy.clone(), cx.clone()).await {
                        Ok(()) => drop(done.fetch_add(1, Ordering::Relaxed)),
                        Err(error) => {
                            assert_eq!(error.code(), "busy", "{error:?}");
                            tokio::time::sleep(Duration::from_millis(5)).await;
                        }
                    }
                }
            });
        }
        Self { stop, done, callers }
    }

    async fn end(mut self) {
        self.stop.store(true, Ordering::Relaxed);
        while let Some(ended) = self.callers.join_next().await {
            ended.unwrap();
        }
        assert!(self.done.load(Ordering::Relaxed) > 0, "the flood got nothing done: it was none");
    }
}

/// The control plane is one for all: more of one tenant ask it at once than may wait, and nobody else is turned away.
#[tokio::test(flavor = "multi_thread")]
async fn whoever_floods_the_control_plane_waits_behind_itself() {
    let platform = TestPlatform::start().await;
    let tenants = platform.tenant_in_each_tier().await;
    let [loud, quiet] = [Account::Tenant(tenants[0].id), Account::Tenant(tenants[1].id)];
    let ask = move |tenancy: Tenancy, _| async move { on_account(loud, tenancy.ready()).await };
    let flood = Flood::of(600, &platform.tenancy, &platform.cx(&tenants[0]), ask);
    for _ in 0..50 {
        for account in [quiet, Account::Visitors, Account::House] {
            on_account(account, platform.tenancy.ready()).await.expect("nobody else is turned away");
        }
    }
    flood.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_a_tenant_floods_with_others_are_answered_at_once() {
    let platform = TestPlatform::start().await;
    let tenancy = &platform.tenancy;
    let quiet: Vec<_> = platform.tenant_in_each_tier().await.iter().map(|tenant| platform.cx(tenant)).collect();
    for tier in Tier::ALL {
        let loud = platform.cx(&platform.tenant(&format!("loud-{tier}"), *tier).await);
        let floods: [(&str, Duration, Begin); 4] = [
            ("reads", BOUND, |t, cx| {
                Flood::of(CROWD, t, cx, async |t: Tenancy, cx: OpContext| read_long(&t, &cx).await)
            }),
            ("writes", BOUND, |t, cx| {
                Flood::of(CROWD, t, cx, async |t: Tenancy, cx: OpContext| write_long(&t, &cx).await)
            }),
            ("imports", BOUND, |t, cx| {
                Flood::of(CROWD, t, cx, async |t: Tenancy, cx: OpContext| work_on_many(&t, &cx).await)
            }),
            ("quitters", SLOWLY, |t, cx| {
                Flood::of(QUITTERS, t, cx, async |t: Tenancy, cx: OpContext| give_up(&t, &cx).await)
            }),
        ];
        for (name, bound, begin) in floods {
            let flood = begin(tenancy, &loud);
            tokio::time::sleep(Duration::from_millis(100)).await;
            let mut worst = Duration::ZERO;
            for _ in 0..2 {
                for cx in &quiet {
                    worst = worst.max(quietly(tenancy, cx).await);
                }
            }
            assert!(worst < bound, "{tier}, {name}: {worst:?}");
            flood.end().await;
        }
    }
}

/// The limits of a tenant, as an operator sets them.
async fn give(platform: &TestPlatform, tenant: &TenantEntry, limits: &[(&str, &str)]) {
    let before = platform.tenancy.tenant(tenant.id).await.unwrap();
    let limits = limits.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned())).collect();
    let fields = TenantFields { limits, ..TenantFields::from(&before) };
    let mut tx = platform.control.begin().await.unwrap();
    tx.update_tenant(&before, &fields, &cloister_tenancy::Actor::Operator("test".into())).await.unwrap();
    tx.commit().await.unwrap();
    platform.tenancy.refresh_registry().await.unwrap();
}

fn now(platform: &TestPlatform, tenant: &TenantEntry) -> OpContext {
    platform.cx(&platform.tenancy.registry().by_id(tenant.id).unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_statement_that_takes_too_long_is_stopped_and_harms_nobody() {
    // One connection: whatever one tenant leaves behind in it, the next one would meet.
    let platform = TestPlatform::with(TestSettings { budget: 1, ..TestSettings::default() }).await;
    let tenancy = &platform.tenancy;
    for tenant in platform.tenant_in_each_tier().await {
        let other = platform.cx(&platform.tenant(&format!("other-{}", tenant.tier), Tier::Shared).await);
        give(&platform, &tenant, &[("statement_timeout", "200ms"), ("import_timeout", "1s")]).await;
        let cx = now(&platform, &tenant);
        let begun = Instant::now();
        let error = tenancy.fetch(&cx, &note::LINGER, &[&20f64]).await.unwrap_err();
        assert_eq!(error.code(), "too_slow", "{error:?}");
        assert!(begun.elapsed() < Duration::from_secs(3), "{:?}", begun.elapsed());
        // A unit of work goes as a whole.
        let mut tx = tenancy.write(&cx).await.unwrap();
        let id = RequestId::generate(&SystemClock).uuid();
        tx.query(&note::INSERT, &[&id, &"too slow", &None::<String>]).await.unwrap();
        assert_eq!(tx.query(&note::LINGER, &[&20f64]).await.unwrap_err().code(), "too_slow");
        drop(tx);
        assert!(tenancy.fetch(&cx, &note::GET, &[&id]).await.unwrap().is_empty());
        // Work on many rows has a bound of its own.
        let mut tx = tenancy.write(&cx).await.unwrap();
        assert!(tx.begin_large("work").await.unwrap());
        tx.query(&note::LINGER, &[&0.5f64]).await.unwrap();
        assert_eq!(tx.query(&note::LINGER, &[&20f64]).await.unwrap_err().code(), "too_slow");
        drop(tx);
        // The next one in the same session has its own time, and so has the tenant when it is given more.
        tenancy.fetch(&other, &note::LINGER, &[&0.4f64]).await.unwrap();
        give(&platform, &tenant, &[]).await;
        tenancy.fetch(&now(&platform, &tenant), &note::LINGER, &[&0.4f64]).await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tenants_queue_is_bounded_and_whoever_comes_on_top_is_told_at_once() {
    let platform = TestPlatform::start().await;
    let loud = platform.cx(&platform.tenant("loud", Tier::Shared).await);
    let quiet = platform.cx(&platform.tenant("quiet", Tier::Shared).await);
    let mut callers = JoinSet::new();
    for _ in 0..400 {
        let (tenancy, cx) = (platform.tenancy.clone(), loud.clone());
        callers.spawn(async move {
            let begun = Instant::now();
            let refused = tenancy.fetch(&cx, &note::LINGER, &[&0.1f64]).await.err();
            (refused, begun.elapsed())
        });
    }
    tokio::time::sleep(Duration::from_millis(50)).await;
    assert!(quietly(&platform.tenancy, &quiet).await < BOUND);
    let mut refused = 0;
    while let Some(ended) = callers.join_next().await {
        if let (Some(error), took) = ended.unwrap() {
            assert_eq!((error.code(), error.retry_hint()), ("busy", Some(Duration::from_secs(1))), "{error:?}");
            assert!(took < BOUND, "refused after {took:?}");
            refused += 1;
        }
    }
    // Six are inside and 256 wait.
    assert!((100..=138).contains(&refused), "{refused} were refused");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plan_changed_on_one_node_holds_on_another_within_a_second() {
    let platform = TestPlatform::start().await;
    let [of_plan, with_own] =
        [platform.tenant("plain", Tier::Shared).await, platform.tenant("own", Tier::Schema).await];
    let other = platform.second_node().await;
    let following = tokio::spawn({
        let other = other.clone();
        async move { other.follow().await }
    });
    let by = cloister_tenancy::Actor::Operator("test".into());
    let fields = |read: &str| PlanFields {
        title: "Tiny".to_owned(),
        limits: [("read".to_owned(), read.to_owned()), ("connections".to_owned(), "10%".to_owned())].into(),
    };
    let mut tx = platform.control.begin().await.unwrap();
    let plan = tx.create_plan(&NewPlan { name: "tiny".to_owned(), fields: fields("7/1s") }, &by).await.unwrap();
    for (tenant, limits) in [(&of_plan, &[][..]), (&with_own, &[("read", "9/1s")][..])] {
        let before = platform.tenancy.tenant(tenant.id).await.unwrap();
        let limits = limits.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned())).collect();
        let fields = TenantFields { plan: "tiny".to_owned(), limits, ..TenantFields::from(&before) };
        tx.update_tenant(&before, &fields, &by).await.unwrap();
    }
    tx.commit().await.unwrap();
    let read = |tenant: &TenantEntry| other.registry().by_id(tenant.id).and_then(|now| now.limits.rate(Class::Read));
    let until = async |plain: Rate, own: Rate| {
        let begun = Instant::now();
        while (read(&of_plan), read(&with_own)) != (Some(plain), Some(own)) {
            assert!(begun.elapsed() < BOUND, "{:?} {:?}", read(&of_plan), read(&with_own));
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    until(Rate::new(7, 1), Rate::new(9, 1)).await;
    assert_eq!(other.registry().by_id(with_own.id).unwrap().limits.share().as_percent(), 10);
    let mut tx = platform.control.begin().await.unwrap();
    tx.update_plan(&plan, &fields("3/1s"), &by).await.unwrap();
    tx.commit().await.unwrap();
    until(Rate::new(3, 1), Rate::new(9, 1)).await;
    // Changed meanwhile, and a plan that is not there.
    let mut tx = platform.control.begin().await.unwrap();
    assert_eq!(tx.update_plan(&plan, &fields("4/1s"), &by).await.unwrap_err().code(), "version_mismatch");
    drop(tx);
    let before = platform.tenancy.tenant(of_plan.id).await.unwrap();
    let fields = TenantFields { plan: "none-such".to_owned(), ..TenantFields::from(&before) };
    let mut tx = platform.control.begin().await.unwrap();
    let error = tx.update_tenant(&before, &fields, &by).await.unwrap_err();
    assert_eq!(error.fields()[0].code, "plan_unknown");
    following.abort();
}
