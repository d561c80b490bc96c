//! Killed before and after each commit of each workflow, in every tier: what is begun is finished by another node, or wholly
//! undone. The list of places is the workflows' own.

use std::{
    os::unix::process::ExitStatusExt,
    process::Stdio,
    sync::Arc,
    time::{Duration, Instant},
};

use cloister_ids::{TenantId, WorkflowId};
use cloister_tenancy::{Actor, Status, Tier, lifecycle::Kind};
use cloister_testkit::{TestPlatform, TestSettings, operator};
use futures_util::{StreamExt, stream};

use crate::{
    isolation::{count, write_note},
    lifecycle::new_tenant,
};

const PREFIX: &str = "CLOISTER_TEST_PREFIX";
const WORKFLOW: &str = "CLOISTER_TEST_WORKFLOW";
/// Processes at once.
const AT_ONCE: usize = 3;

/// Not a test of its own: the process that is killed.
#[tokio::test]
async fn a_worker_to_be_killed() {
    let (Ok(prefix), Ok(workflow)) = (std::env::var(PREFIX), std::env::var(WORKFLOW)) else { return };
    let settings = TestSettings { follow: false, ..TestSettings::default() };
    let node = TestPlatform::attach(&prefix, &settings).await;
    let _ = node.finish(workflow.parse().unwrap(), &|_| {}).await;
}

/// What is to become of a tenant whose worker is killed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Way {
    /// Another worker goes on with it.
    On(Kind),
    /// Its provisioning is given up where the worker died.
    GivenUp,
    /// Its provisioning was given up before, and the worker dies on the way back.
    Back,
}

/// One tenant, one place to die.
struct Case {
    way: Way,
    place: String,
    tenant: TenantId,
    workflow: WorkflowId,
}

async fn prepare(platform: &TestPlatform, tier: Tier, number: usize, way: Way, place: String) -> Case {
    let (node, by) = (&platform.tenancy, operator::operator());
    let slug = format!("victim-{number}");
    let (tenant, made_by) = node.create_tenant(&new_tenant(&slug, tier), &by).await.unwrap();
    let workflow = match way {
        Way::On(Kind::Provision) | Way::GivenUp => made_by,
        way => {
            operator::carry_out(node, Ok(made_by)).await;
            match way {
                Way::On(Kind::Suspend) => node.suspend_tenant(tenant, Some("a test"), &by).await.unwrap(),
                Way::On(Kind::Resume) => {
                    operator::suspend(node, tenant).await;
                    node.resume_tenant(tenant, None, &by).await.unwrap()
                }
                Way::On(Kind::Delete) => node.delete_tenant(tenant, None, None, &by).await.unwrap(),
                Way::On(Kind::Purge) => {
                    operator::delete(node, tenant).await;
                    node.purge_tenant(tenant, None, &by).await.unwrap()
                }
                _ => {
                    fail(platform, tenant, made_by).await;
                    node.abandon_provisioning(tenant).await.unwrap()
                }
            }
        }
    };
    Case { way, place, tenant, workflow }
}

/// As if its last step had failed too often.
async fn fail(platform: &TestPlatform, tenant: TenantId, workflow: WorkflowId) {
    let control = platform.admin(&format!("{}_control", platform.prefix)).await;
    let text = format!(
        "update control.workflow set state = 'failed', step = least(step, 4), lease_owner = null, lease_until = null
            where id = '{}'; update control.tenant set status = 'failed' where id = '{}'",
        workflow.uuid(),
        tenant.uuid()
    );
    control.batch_execute(&text).await.unwrap();
}

/// Starts a process that kills itself at the case's place, and waits until it has.
async fn kill(prefix: &str, case: &Case) {
    let status = tokio::process::Command::new(std::env::current_exe().unwrap())
        .args(["kill::a_worker_to_be_killed", "--exact"])
        .env(PREFIX, prefix)
        .env(WORKFLOW, case.workflow.to_string())
        .env("CLOISTER_KILL_AT", &case.place)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status();
    let status = tokio::time::timeout(Duration::from_mins(1), status).await.unwrap().unwrap();
    assert_eq!(status.signal(), Some(9), "{:?} {}: {status}", case.way, case.place);
}

fn cases() -> Vec<(Way, String)> {
    let on = Kind::ALL.iter().flat_map(|kind| kind.kill_points().into_iter().map(|place| (Way::On(*kind), place)));
    let given_up = Kind::Provision.kill_points().into_iter().map(|place| (Way::GivenUp, place));
    let back = Kind::Provision.kill_points().into_iter().map(|place| (Way::Back, place));
    on.chain(given_up).chain(back).collect()
}

async fn everything_killed_is_finished_or_undone(tier: Tier) {
    let settings = TestSettings { follow: false, ..TestSettings::default() };
    let platform = Arc::new(TestPlatform::with(settings).await);
    let all = cases();
    assert!(all.len() >= 70, "the workflows' own list has shrunk to {}", all.len());
    let cases: Vec<Case> = stream::iter(all.into_iter().enumerate())
        .map(async |(number, (way, place))| prepare(&platform, tier, number, way, place).await)
        .buffer_unordered(AT_ONCE)
        .collect()
        .await;
    stream::iter(&cases).for_each_concurrent(AT_ONCE, |case| kill(&platform.prefix, case)).await;
    for case in cases.iter().filter(|case| case.way == Way::GivenUp) {
        fail(&platform, case.tenant, case.workflow).await;
        platform.tenancy.abandon_provisioning(case.tenant).await.unwrap();
    }
    // A node that knows nothing of them takes over when the dead have been silent for long enough.
    let fresh = platform.second_node().await;
    let control = platform.admin(&format!("{}_control", platform.prefix)).await;
    let left = "select count(*) from control.workflow where state in ('running', 'undoing')";
    let began = Instant::now();
    while control.query_one(left, &[]).await.unwrap().get::<_, i64>(0) > 0 {
        assert!(began.elapsed() < Duration::from_mins(1), "something is never finished");
        if fresh.tend_workflows().await.unwrap() == 0 {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }
    let mut gone = Vec::new();
    for case in &cases {
        assert_end(&platform, case, &mut gone).await;
    }
    let ids: Vec<String> = gone.iter().flat_map(|id: &TenantId| [id.uuid().to_string(), id.bare().clone()]).collect();
    let needles: Vec<&str> = ids.iter().map(String::as_str).collect();
    let kept = ["control.audit: ", "control.workflow: ", "control.removed_tenant: "];
    let traces = platform.traces(&needles).await;
    let left: Vec<_> = traces.iter().filter(|row| !kept.iter().any(|table| row.contains(table))).collect();
    assert!(left.is_empty() && !traces.is_empty(), "{left:#?}");
}

async fn assert_end(platform: &TestPlatform, case: &Case, gone: &mut Vec<TenantId>) {
    let Case { way, place, tenant, workflow } = case;
    let (node, told) = (&platform.tenancy, format!("{way:?} {place}"));
    let expected = match way {
        Way::On(Kind::Provision | Kind::Resume) => Some(Status::Active),
        Way::On(Kind::Suspend) => Some(Status::Suspended),
        Way::On(Kind::Delete) => Some(Status::Deleted),
        _ => None,
    };
    let Some(expected) = expected else {
        assert!(node.tenant(*tenant).await.is_err(), "{told}: it is still there");
        gone.push(*tenant);
        return;
    };
    let found = node.tenant(*tenant).await.unwrap();
    assert_eq!((found.status, found.workflow), (expected, None), "{told}");
    node.refresh_registry().await.unwrap();
    let entry = node.registry().by_id(*tenant).unwrap();
    let cx = node.background(entry, Actor::Account("tester".into()));
    if expected == Status::Active {
        assert_eq!(count(node, &cx).await, 1, "{told}: not what provisioning puts in");
        write_note(node, &cx, "in use").await;
    } else {
        assert!(
            node.write(&cx).await.unwrap().query(&cloister_testkit::note::COUNT, &[]).await.is_err(),
            "{told}: open"
        );
    }
    // However often a step was repeated, it is told once that it happened.
    let control = platform.admin(&format!("{}_control", platform.prefix)).await;
    let text = "select action from control.audit where id = $1";
    let rows = control.query(text, &[&workflow.uuid()]).await.unwrap();
    assert_eq!(rows.len(), 1, "{told}: entries in the audit log");
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_anywhere_in_the_shared_tier() {
    everything_killed_is_finished_or_undone(Tier::Shared).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_anywhere_in_the_schema_tier() {
    everything_killed_is_finished_or_undone(Tier::Schema).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_anywhere_in_the_database_tier() {
    everything_killed_is_finished_or_undone(Tier::Database).await;
}
