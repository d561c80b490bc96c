//! Shutting, deleting, bringing back and removing for good.

use std::{sync::Arc, time::Duration};

use cloister_ids::{Clock, ManualClock, SystemClock};
use cloister_tenancy::{Action, ErrorKind, Status, Tier};
use cloister_testkit::{NOTE, TestPlatform, TestSettings, note, operator};
use serde_json::json;

use crate::{
    isolation::{count, fresh, write_note},
    lifecycle::new_tenant,
};

#[tokio::test(flavor = "multi_thread")]
async fn a_tenant_is_shut_and_opened_with_everything_kept() {
    let platform = TestPlatform::start().await;
    let node = &platform.tenancy;
    for tenant in platform.tenant_in_each_tier().await {
        write_note(node, &platform.cx(&tenant), "kept").await;
        operator::suspend(node, tenant.id).await;
        let shut = node.tenant(tenant.id).await.unwrap();
        assert_eq!((shut.status, shut.suspended_reason.as_deref()), (Status::Suspended, Some("a test")));
        operator::suspend(node, tenant.id).await;
        operator::resume(node, tenant.id).await;
        let open = node.tenant(tenant.id).await.unwrap();
        assert_eq!((open.status, open.suspended_reason), (Status::Active, None));
        // In the days of grace as well.
        operator::delete(node, tenant.id).await;
        let deleted = node.tenant(tenant.id).await.unwrap();
        assert_eq!(deleted.status, Status::Deleted);
        assert!(deleted.purge_after > deleted.deleted_at && deleted.deleted_by.as_deref() == Some("operator:test"));
        operator::resume(node, tenant.id).await;
        let back = node.tenant(tenant.id).await.unwrap();
        assert_eq!((back.status, back.purge_after, back.deleted_at), (Status::Active, None, None));
        let now = node.registry().by_id(tenant.id).unwrap();
        assert_eq!(count(node, &platform.cx(&now)).await, 2, "{}", tenant.slug);
        assert!(now.placement.as_ref().unwrap().epoch >= 5, "each closing and opening is an epoch of its own");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_state_does_not_allow_is_refused() {
    let platform = TestPlatform::start().await;
    let (node, by) = (&platform.tenancy, operator::operator());
    let tenant = platform.tenant("some", Tier::Shared).await;
    let refused = node.purge_tenant(tenant.id, None, &by).await.unwrap_err();
    assert_eq!((refused.kind(), refused.code()), (ErrorKind::Conflict, "tenant_state_conflict"));
    assert_eq!(node.retry_workflow(tenant.id).await.unwrap_err().code(), "nothing_failed");
    assert_eq!(node.abandon_provisioning(tenant.id).await.unwrap_err().code(), "tenant_state_conflict");
    operator::delete(node, tenant.id).await;
    assert_eq!(node.suspend_tenant(tenant.id, None, &by).await.unwrap_err().code(), "tenant_state_conflict");
    operator::purge(node, tenant.id).await;
    let gone = [
        node.resume_tenant(tenant.id, None, &by).await,
        node.delete_tenant(tenant.id, None, None, &by).await,
        node.purge_tenant(tenant.id, None, &by).await,
        node.suspend_tenant(tenant.id, None, &by).await,
    ];
    for refused in gone {
        assert_eq!(refused.unwrap_err().kind(), ErrorKind::NotFound);
    }
    let long = "x".repeat(501);
    let other = platform.tenant("other", Tier::Shared).await;
    assert_eq!(node.suspend_tenant(other.id, Some(&long), &by).await.unwrap_err().fields()[0].field, "reason");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_purge_leaves_nothing_but_that_it_happened() {
    let platform = TestPlatform::start().await;
    let node = &platform.tenancy;
    for tier in Tier::ALL {
        let beside = platform.tenant(&format!("beside-{tier}"), *tier).await;
        let mut new = new_tenant(&format!("vanishing-{tier}"), *tier);
        new.display_name = format!("Evanescent-{tier}");
        new.contact_email = Some(format!("head@evanescent-{tier}.example"));
        new.domains = vec![format!("evanescent-{tier}.example")];
        let (id, workflow) = node.create_tenant(&new, &operator::operator()).await.unwrap();
        operator::carry_out(node, Ok(workflow)).await;
        let entry = node.registry().by_id(id).unwrap();
        // Something in every table that a tenant can have something in.
        let cx = platform.cx(&entry);
        let note = fresh();
        let mut tx = node.write(&cx).await.unwrap();
        tx.query_once("key", "print", &note::INSERT, &[&note, &format!("evanescent-{tier}"), &None::<String>])
            .await
            .unwrap();
        tx.first_delivery(cloister_ids::JobId::generate(&SystemClock)).await.unwrap();
        tx.audit(Action::Create, &NOTE, Some(note), Some(json!({ "body": format!("evanescent-{tier}") })));
        tx.enqueue("test.job", json!({ "of": format!("evanescent-{tier}") }), None, None).unwrap();
        tx.remember("key", 201, json!({ "of": format!("evanescent-{tier}") }));
        tx.commit().await.unwrap();
        let names = [format!("Evanescent-{tier}"), format!("evanescent-{tier}"), format!("vanishing-{tier}")];
        let ids = [id.uuid().to_string(), id.bare().clone()];
        let needles: Vec<&str> = ids.iter().chain(&names).map(String::as_str).collect();
        let place = entry.placement.clone().unwrap();
        let before = platform.traces(&needles).await;
        for table in [
            "note",
            "fence",
            "outbox",
            "inbox",
            "idempotency_key",
            "cloister.audit",
            "control.tenant",
            "control.domain",
        ] {
            assert!(before.iter().any(|row| row.contains(table)), "{tier}: nothing was there in {table}");
        }
        operator::delete(node, id).await;
        let asked = node.purge_tenant(id, None, &operator::operator()).await;
        operator::carry_out(node, asked).await;
        let left: Vec<_> = platform
            .traces(&needles)
            .await
            .into_iter()
            .filter(|row| {
                // That it happened, under the bare id.
                let kept = ["control.audit: ", "control.workflow: ", "control.removed_tenant: "];
                names.iter().any(|name| row.contains(name)) || !kept.iter().any(|table| row.contains(table))
            })
            .collect();
        assert!(left.is_empty(), "{tier}: {left:#?}");
        if *tier == Tier::Database {
            let there = "select count(*) from pg_database where datname = $1";
            let client = platform.admin("postgres").await;
            assert_eq!(client.query_one(there, &[&&*place.database]).await.unwrap().get::<_, i64>(0), 0);
        }
        assert_eq!(count(node, &platform.cx(&beside)).await, 1, "{tier}: what was another's is gone as well");
        // The names are free again.
        let (again, workflow) = node.create_tenant(&new, &operator::operator()).await.unwrap();
        operator::carry_out(node, Ok(workflow)).await;
        assert_ne!(again, id);
        assert_eq!(count(node, &platform.cx(&node.registry().by_id(again).unwrap())).await, 1);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_days_of_grace_are_kept_and_then_end() {
    let clock = ManualClock::new(SystemClock.now());
    let settings = TestSettings { clock: Arc::new(clock.clone()), ..TestSettings::default() };
    let platform = TestPlatform::with(settings).await;
    let (node, by) = (&platform.tenancy, operator::operator());
    let usual = platform.tenant("usual", Tier::Shared).await;
    let short = platform.tenant("short", Tier::Schema).await;
    operator::delete(node, usual.id).await;
    let asked = node.delete_tenant(short.id, Some(Duration::from_mins(1)), None, &by).await;
    operator::carry_out(node, asked).await;
    assert_eq!(node.purge_due().await.unwrap(), 0, "too early");
    clock.advance(jiff::SignedDuration::from_secs(61));
    assert_eq!(node.purge_due().await.unwrap(), 1);
    // A second look while it is being removed asks for nothing more.
    let _ = node.purge_due().await.unwrap();
    while node.tend_workflows().await.unwrap() > 0 {}
    assert_eq!(node.tenant(short.id).await.unwrap_err().kind(), ErrorKind::NotFound);
    assert_eq!(node.tenant(usual.id).await.unwrap().status, Status::Deleted);
    clock.advance(jiff::SignedDuration::from_secs(3600));
    assert_eq!(node.purge_due().await.unwrap(), 1);
    while node.tend_workflows().await.unwrap() > 0 {}
    assert_eq!(node.tenant(usual.id).await.unwrap_err().kind(), ErrorKind::NotFound);
    assert_eq!(node.purge_due().await.unwrap(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn one_thing_at_a_time_is_done_to_a_tenant() {
    let platform = TestPlatform::start().await;
    let (node, by) = (&platform.tenancy, operator::operator());
    let tenant = platform.tenant("busy", Tier::Shared).await;
    let first = node.suspend_tenant(tenant.id, None, &by).await.unwrap();
    let second = node.delete_tenant(tenant.id, None, None, &by).await.unwrap_err();
    assert_eq!((second.kind(), second.code()), (ErrorKind::Conflict, "tenant_busy"));
    operator::carry_out(node, Ok(first)).await;
    operator::delete(node, tenant.id).await;
}

/// Whatever operators ask for at once, nothing is left that nobody can get rid of.
#[tokio::test(flavor = "multi_thread")]
async fn requests_at_once_leave_no_workflow_stuck() {
    let platform = Arc::new(TestPlatform::start().await);
    let second = platform.second_node().await;
    let mut tenants = Vec::new();
    for number in 0..4 {
        tenants.push(platform.tenant(&format!("pulled-{number}"), Tier::Shared).await.id);
    }
    let operators = (0..8usize).map(|number| {
        let (tenants, by) = (tenants.clone(), operator::operator());
        let node = if number % 2 == 0 { platform.tenancy.clone() } else { second.clone() };
        tokio::spawn(async move {
            for round in 0..25 {
                let id = tenants[(number + round) % tenants.len()];
                let asked = match (number * 3 + round) % 4 {
                    0 => node.suspend_tenant(id, None, &by).await,
                    1 => node.resume_tenant(id, None, &by).await,
                    2 => node.delete_tenant(id, None, None, &by).await,
                    _ if round % 8 == 7 => node.purge_tenant(id, None, &by).await,
                    _ => node.resume_tenant(id, None, &by).await,
                };
                match asked {
                    Ok(workflow) => drop(node.finish(workflow, &|_| {}).await),
                    Err(error) => {
                        assert!([ErrorKind::Conflict, ErrorKind::NotFound].contains(&error.kind()), "{error:?}");
                    }
                }
            }
        })
    });
    for operator in futures_util::future::join_all(operators).await {
        operator.unwrap();
    }
    while platform.tenancy.tend_workflows().await.unwrap() > 0 {}
    let control = platform.admin(&format!("{}_control", platform.prefix)).await;
    let stuck =
        "select string_agg(w.kind || ' ' || w.state || ' ' || coalesce(w.error, ''), '; ') from control.workflow w
        where w.state not in ('done', 'undone')";
    assert_eq!(control.query_one(stuck, &[]).await.unwrap().get::<_, Option<String>>(0), None);
    let orphans = "select count(*) from control.workflow w where w.kind <> 'purge'
        and not exists (select from control.tenant t where t.id = w.tenant_id)";
    assert_eq!(control.query_one(orphans, &[]).await.unwrap().get::<_, i64>(0), 0, "a workflow of nobody");
}
