//! What one node does, the others know: at once when they listen, and before any harm when they cannot.

use std::time::{Duration, Instant};

use cloister_tenancy::{Sources, Status, Tenancy, Tier};
use cloister_testkit::{Proxy, TestPlatform, note, operator};

/// What a suspension may take to be felt elsewhere.
const PROMPT: Duration = Duration::from_millis(500);

struct Follower {
    node: Tenancy,
    task: tokio::task::JoinHandle<()>,
    proxy: Proxy,
}

impl Drop for Follower {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Another node, which listens through a proxy.
async fn follower(platform: &TestPlatform) -> Follower {
    let proxy = platform.proxy(Duration::ZERO).await;
    let node = platform.node_on(&platform.through(&proxy)).await;
    let following = node.clone();
    let task = tokio::spawn(async move { following.follow().await });
    let follower = Follower { node, task, proxy };
    let before = follower.node.registry().generation();
    // It hears of something before it is relied upon.
    let first = platform.tenant(&format!("first-{before}"), Tier::Shared).await;
    follower.until("its first news", Duration::from_secs(5), |node| node.registry().by_id(first.id).is_some()).await;
    follower
}

impl Follower {
    async fn until(&self, what: &str, limit: Duration, done: impl Fn(&Tenancy) -> bool) -> Duration {
        let began = Instant::now();
        while !done(&self.node) {
            assert!(began.elapsed() < limit, "{what} took more than {limit:?}");
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        began.elapsed()
    }
}

fn serves(node: &Tenancy, slug: &str) -> bool {
    node.registry().resolve(&Sources { path: Some(slug), ..Sources::default() }, "localhost").is_ok()
}

#[tokio::test(flavor = "multi_thread")]
async fn suspended_on_one_node_is_refused_on_the_other_at_once() {
    let platform = TestPlatform::start().await;
    let other = follower(&platform).await;
    for tenant in platform.tenant_in_each_tier().await {
        other.until("the news of it", PROMPT, |node| serves(node, &tenant.slug.to_string())).await;
        for _ in 0..3 {
            operator::suspend(&platform.tenancy, tenant.id).await;
            other.until("the suspension", PROMPT, |node| !serves(node, &tenant.slug.to_string())).await;
            operator::resume(&platform.tenancy, tenant.id).await;
            other.until("the resumption", PROMPT, |node| serves(node, &tenant.slug.to_string())).await;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn suspended_on_one_node_is_refused_on_the_other_that_hears_nothing() {
    let platform = TestPlatform::start().await;
    let other = follower(&platform).await;
    let tenants = platform.tenant_in_each_tier().await;
    let last = &tenants[2];
    other.until("the news of it", PROMPT, |node| serves(node, &last.slug.to_string())).await;
    other.proxy.cut_listeners();
    for tenant in &tenants {
        let believed = other.node.registry().by_id(tenant.id).unwrap();
        operator::suspend(&platform.tenancy, tenant.id).await;
        let began = Instant::now();
        assert!(serves(&other.node, &tenant.slug.to_string()), "{}: it heard of it", tenant.slug);
        let cx = other.node.background(believed, cloister_tenancy::Actor::Account("tester".into()));
        let read = other.node.fetch(&cx, &note::LIST, &[]).await.unwrap_err();
        let mut tx = other.node.write(&cx).await.unwrap();
        let write = tx.query(&note::LIST, &[]).await.unwrap_err();
        assert_eq!((read.code(), write.code()), ("tenant_suspended", "tenant_suspended"), "{}", tenant.slug);
        assert!(began.elapsed() < PROMPT, "{}: {:?}", tenant.slug, began.elapsed());
        assert!(!serves(&other.node, &tenant.slug.to_string()), "{}: refused, it learnt nothing", tenant.slug);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_missed_is_caught_up_with_when_the_listener_is_back() {
    let platform = TestPlatform::start().await;
    let shut = platform.tenant("shut", Tier::Shared).await;
    let gone = platform.tenant("gone", Tier::Shared).await;
    let other = follower(&platform).await;
    other.proxy.cut_listeners();
    tokio::time::sleep(Duration::from_millis(50)).await;
    operator::suspend(&platform.tenancy, shut.id).await;
    operator::delete(&platform.tenancy, gone.id).await;
    operator::purge(&platform.tenancy, gone.id).await;
    let new = platform.tenant("new", Tier::Shared).await;
    // The name of one that is gone may be another's by now.
    let heir = platform.tenant("gone", Tier::Schema).await;
    let registry = other.node.registry();
    assert_eq!(registry.by_id(shut.id).unwrap().status, Status::Active, "it heard of it");
    assert!(registry.by_id(new.id).is_none() && registry.by_id(gone.id).is_some());
    other.proxy.hear();
    // Sooner than the registry is read again without being told to.
    other.until("catching up", Duration::from_secs(4), |node| node.registry().by_id(new.id).is_some()).await;
    other
        .until("the heir", PROMPT, |node| node.registry().by_slug("gone").is_some_and(|entry| entry.id == heir.id))
        .await;
    assert_eq!(registry.by_id(shut.id).unwrap().status, Status::Suspended);
    assert!(registry.by_id(gone.id).is_none());
    operator::resume(&platform.tenancy, shut.id).await;
    other.until("the next news", PROMPT, |node| serves(node, "shut")).await;
}

/// A reading that began earlier must not undo what a later one found, in whatever order their answers come.
#[tokio::test(flavor = "multi_thread")]
async fn what_was_read_earlier_never_replaces_what_was_read_later() {
    let platform = TestPlatform::start().await;
    let tenant = platform.tenant("busy", Tier::Shared).await;
    let other = follower(&platform).await;
    let client = platform.admin(&tenant.placement.as_ref().unwrap().database).await;
    let close = "update cloister.fence set state = 'closed' where tenant_id = $1";
    client.execute(close, &[&tenant.id.uuid()]).await.unwrap();
    other.proxy.answer_late(Duration::from_millis(20));
    for round in 0..40 {
        let on = round % 2 == 0;
        // Whoever is refused by the fence reads the tenant again.
        let readers: Vec<_> = (0..2)
            .map(|_| {
                let (node, cx) = (
                    other.node.clone(),
                    other.node.background(tenant.clone(), cloister_tenancy::Actor::Account("t".into())),
                );
                tokio::spawn(async move { node.fetch(&cx, &note::LIST, &[]).await.unwrap_err().code() })
            })
            .collect();
        // Some have asked by now, and wait for what is true at this moment.
        tokio::time::sleep(Duration::from_millis(2 * round)).await;
        platform.tenancy.set_maintenance(tenant.id, on, None, &operator::operator()).await.unwrap();
        other.node.refresh_registry().await.unwrap();
        for reader in readers {
            let code = reader.await.unwrap();
            assert!(["tenant_changing", "tenant_maintenance"].contains(&code), "{code}");
        }
        let believed = other.node.registry().by_id(tenant.id).unwrap().maintenance;
        assert_eq!(believed, on, "round {round}: an older reading won");
    }
}
