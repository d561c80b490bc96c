//! Which tenant a request is about: every source that names one must name the same, nothing has precedence, and the answer
//! comes from memory.

use std::{fmt::Write, sync::Arc, time::Duration};

use cloister_ids::TenantId;
use cloister_tenancy::{ErrorKind, NewTenant, Refusal, Sources, Tenancy, TenantEntry, Tier};
use cloister_testkit::{TestPlatform, operator};

const BASE: &str = "localhost";

/// The slug of the tenant that was found, or the code of the refusal.
fn answer(node: &Tenancy, sources: &Sources<'_>) -> String {
    match node.registry().resolve(sources, BASE) {
        Ok(entry) => entry.slug.to_string(),
        Err(refusal) => refusal.error().code().to_owned(),
    }
}

fn by_host(host: &str) -> Sources<'_> {
    Sources { host: Some(host), ..Sources::default() }
}

async fn with_domain(platform: &TestPlatform, slug: &str, domain: &str) -> Arc<TenantEntry> {
    let mut new = NewTenant::new(slug.parse().unwrap(), slug, "school", Tier::Shared);
    new.domains = vec![domain.to_owned()];
    let asked = platform.tenancy.create_tenant(&new, &operator::operator()).await;
    let id = asked.as_ref().unwrap().0;
    operator::carry_out(&platform.tenancy, asked.map(|(_, workflow)| workflow)).await;
    platform.tenancy.registry().by_id(id).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn sources_that_name_a_tenant_must_agree() {
    let platform = TestPlatform::start().await;
    let alpha = with_domain(&platform, "alpha", "alpha.example").await;
    let beta = with_domain(&platform, "beta", "beta.example").await;
    let (alpha_id, beta_id, nobody) =
        (alpha.id.to_string(), beta.id.to_string(), TenantId::generate(&**platform.tenancy.clock()));
    let hosts = [
        None,
        Some("localhost"),
        Some("alpha.localhost"),
        Some("alpha.example"),
        Some("beta.localhost"),
        Some("gone.localhost"),
    ];
    let paths = [None, Some("alpha"), Some("beta"), Some("gone")];
    let headers = [None, Some("alpha"), Some(alpha_id.as_str()), Some("beta"), Some(beta_id.as_str()), Some("gone")];
    let tokens = [None, Some(alpha.id), Some(beta.id), Some(nobody)];
    let mut tried = 0;
    for host in hosts {
        for path in paths {
            for header in headers {
                for token in tokens {
                    let named = [
                        host.filter(|host| *host != "localhost").map(|host| host.split('.').next().unwrap_or("")),
                        path,
                        header.map(|text| {
                            if text == alpha_id {
                                "alpha"
                            } else if text == beta_id {
                                "beta"
                            } else {
                                text
                            }
                        }),
                        token.map(|id| {
                            if id == alpha.id {
                                "alpha"
                            } else if id == beta.id {
                                "beta"
                            } else {
                                "gone"
                            }
                        }),
                    ];
                    let named: std::collections::BTreeSet<&str> = named.into_iter().flatten().collect();
                    let expected = match (named.len(), named.first()) {
                        (0, _) => "tenant_required",
                        (1, Some(&"gone")) => "tenant_unknown",
                        (1, Some(slug)) => slug,
                        // One that does not exist beside one that does says no more than two that do.
                        _ => "tenant_mismatch",
                    };
                    let sources = Sources { host, path, header, token };
                    assert_eq!(answer(&platform.tenancy, &sources), expected, "{sources:?}");
                    tried += 1;
                }
            }
        }
    }
    assert_eq!(tried, 6 * 4 * 6 * 4);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_installations_own_hosts_name_no_tenant_and_lookalikes_name_nobody() {
    let platform = TestPlatform::start().await;
    let alpha = with_domain(&platform, "alpha", "alpha.example").await;
    let node = &platform.tenancy;
    for common in ["localhost", "www.localhost", "api.localhost", "ops.localhost", "127.0.0.1", "10.1.2.3", "[::1]"] {
        assert_eq!(answer(node, &by_host(common)), "tenant_required", "{common}");
        let beside = Sources { header: Some("alpha"), ..by_host(common) };
        assert_eq!(answer(node, &beside), "alpha", "{common}");
    }
    for stranger in [
        "Alpha.localhost",
        "alpha.localhost.",
        ".localhost",
        "alpha..localhost",
        "x.alpha.localhost",
        "alphalocalhost",
        "alpha-.localhost",
        "xn--alph-0ra.localhost",
        "alphä.localhost",
        "alpha.localhost.evil.example",
        "evil.alpha.example",
        "alpha.example.",
        "alpha.examples",
        "127.0.0.1.evil.example",
        "localhost.evil.example",
        "",
    ] {
        assert_eq!(answer(node, &by_host(stranger)), "tenant_unknown", "{stranger}");
    }
    let upper = alpha.id.to_string().to_uppercase();
    let account = alpha.id.to_string().replacen("ten_", "acc_", 1);
    let bare = alpha.id.bare().clone();
    for stranger in ["Alpha", " alpha", "alpha ", "alpha/", "%61lpha", "", &upper, &account, &bare] {
        for sources in [
            Sources { header: Some(stranger), ..Sources::default() },
            Sources { path: Some(stranger), ..Sources::default() },
        ] {
            assert_eq!(answer(node, &sources), "tenant_unknown", "{sources:?}");
        }
    }
    // The path takes slugs alone: an address with an id in it would be a second name for the same page.
    let by_id = Sources { path: Some(&alpha.id.to_string()), ..Sources::default() };
    assert_eq!(answer(node, &by_id), "tenant_unknown");
}

async fn until(what: &str, mut done: impl FnMut() -> bool) {
    for _ in 0..500 {
        if done() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("{what} did not come about");
}

#[tokio::test(flavor = "multi_thread")]
async fn each_state_has_an_answer_of_its_own_and_the_deleted_one_that_of_the_unknown() {
    let platform = TestPlatform::start().await;
    let node = &platform.tenancy;
    let ask = |slug: &str| node.registry().resolve(&by_host(&format!("{slug}.localhost")), BASE);

    let new = NewTenant::new("unready".parse().unwrap(), "Unready", "school", Tier::Shared);
    node.create_tenant(&new, &operator::operator()).await.unwrap();
    until("the news of it", || node.registry().by_slug("unready").is_some()).await;
    let refused = ask("unready").unwrap_err();
    assert_eq!(refused, Refusal::NotReady);
    assert_eq!((refused.error().kind(), refused.error().code()), (ErrorKind::Unavailable, "tenant_not_ready"));
    assert!(refused.error().retry_hint().is_some());

    let mut lost = NewTenant::new("lost".parse().unwrap(), "Lost", "school", Tier::Shared);
    lost.region = "nowhere".to_owned();
    let (_, workflow) = node.create_tenant(&lost, &operator::operator()).await.unwrap();
    node.finish(workflow, &|_| {}).await.unwrap();
    until("its failure", || node.registry().by_slug("lost").is_some_and(|entry| entry.status.word() == "failed")).await;
    assert_eq!(ask("lost").unwrap_err(), Refusal::NotReady);

    let shut = platform.tenant("shut", Tier::Shared).await;
    operator::suspend(node, shut.id).await;
    let refused = ask("shut").unwrap_err();
    assert_eq!((refused.error().kind(), refused.error().code()), (ErrorKind::Forbidden, "tenant_suspended"));

    let upkeep = platform.tenant("upkeep", Tier::Shared).await;
    node.set_maintenance(upkeep.id, true, Some("Back at noon."), &operator::operator()).await.unwrap();
    let refused = ask("upkeep").unwrap_err();
    assert_eq!((refused.error().kind(), refused.error().code()), (ErrorKind::Unavailable, "tenant_maintenance"));
    assert_eq!(refused.error().message(), "Back at noon.");
    assert!(refused.error().retry_hint().is_some());
    node.set_maintenance(upkeep.id, false, None, &operator::operator()).await.unwrap();
    assert!(ask("upkeep").is_ok());

    let gone = platform.tenant("gone", Tier::Shared).await;
    operator::delete(node, gone.id).await;
    let deleted = ask("gone").unwrap_err().error();
    let never = ask("never-was").unwrap_err().error();
    let body =
        |error: &cloister_tenancy::Error| (error.kind(), error.code(), error.message().to_owned(), error.retry_hint());
    assert_eq!(body(&deleted), body(&never), "a deleted tenant can be told from one that never was");
    operator::purge(node, gone.id).await;
    assert_eq!(body(&ask("gone").unwrap_err().error()), body(&never));
    assert!(node.registry().by_id(gone.id).is_none(), "the name is gone and the entry is not");
}

fn explained(node: &Tenancy, sources: &Sources<'_>) -> String {
    let (steps, outcome) = node.registry().explain(sources, BASE);
    let mut text = String::new();
    for step in steps {
        let _ = writeln!(text, "{} {:?}: {}", step.source, step.value, step.finding);
    }
    let _ = match outcome {
        Ok(entry) => write!(text, "=> {}", entry.slug),
        Err(refusal) => write!(text, "=> {}", refusal.error().code()),
    };
    text
}

#[tokio::test(flavor = "multi_thread")]
async fn the_search_can_be_told_step_by_step() {
    let platform = TestPlatform::start().await;
    let alpha = with_domain(&platform, "alpha", "alpha.example").await;
    let beta = platform.tenant("beta", Tier::Shared).await;
    operator::suspend(&platform.tenancy, beta.id).await;
    let tell = |sources: &Sources<'_>| {
        explained(&platform.tenancy, sources)
            .replace(&alpha.id.to_string(), "ten_alpha")
            .replace(&beta.id.to_string(), "ten_beta")
    };
    let all =
        Sources { host: Some("alpha.example"), path: Some("alpha"), header: Some("alpha"), token: Some(alpha.id) };
    insta::assert_snapshot!(tell(&all), @r#"
    host "alpha.example": names alpha (ten_alpha)
    path "alpha": names alpha (ten_alpha)
    header "alpha": names alpha (ten_alpha)
    token "ten_alpha": names alpha (ten_alpha)
    status "active": requests are served
    => alpha
    "#);
    let shut = Sources { host: Some("ops.localhost"), header: Some("beta"), ..Sources::default() };
    insta::assert_snapshot!(tell(&shut), @r#"
    host "ops.localhost": belongs to the installation and names no tenant
    header "beta": names beta (ten_beta)
    status "suspended": refused with tenant_suspended: This tenant is suspended. Its owner can ask the operator of the platform why.
    => tenant_suspended
    "#);
    let two = Sources { host: Some("alpha.localhost"), token: Some(beta.id), ..Sources::default() };
    insta::assert_snapshot!(tell(&two), @r#"
    host "alpha.localhost": names alpha (ten_alpha)
    token "ten_beta": names beta (ten_beta): another than before
    => tenant_mismatch
    "#);
    let half = Sources { host: Some("alpha.localhost"), path: Some("nobody"), ..Sources::default() };
    insta::assert_snapshot!(tell(&half), @r#"
    host "alpha.localhost": names alpha (ten_alpha)
    path "nobody": no tenant has this
    => tenant_mismatch
    "#);
    insta::assert_snapshot!(tell(&by_host("school.example")), @r#"
    host "school.example": no tenant has this
    => tenant_unknown
    "#);
    insta::assert_snapshot!(tell(&by_host("localhost")), @r#"
    host "localhost": belongs to the installation and names no tenant
    => tenant_required
    "#);
}

#[tokio::test(flavor = "multi_thread")]
async fn resolving_asks_no_database() {
    let platform = TestPlatform::start().await;
    with_domain(&platform, "alpha", "alpha.example").await;
    let proxy = platform.proxy(Duration::from_millis(1)).await;
    let node = platform.node_on(&platform.through(&proxy)).await;
    proxy.take_bursts();
    for host in ["alpha.localhost", "alpha.example", "nobody.localhost", "localhost"] {
        for _ in 0..100 {
            answer(&node, &by_host(host));
            explained(&node, &by_host(host));
        }
    }
    tokio::time::sleep(Duration::from_millis(50)).await;
    assert_eq!(proxy.take_bursts(), 0);
    // And it goes on when no database can be reached.
    proxy.cut();
    assert_eq!(answer(&node, &by_host("alpha.example")), "alpha");
}
