//! One operation after the other: the rightful actor, then everybody else, then the rightful actor again.

use std::sync::Arc;

use cloister_tenancy::{TenantEntry, Tier};
use cloister_testkit::Seen;

use crate::{
    ask::Place,
    coverage,
    crowd::Crowd,
    document::{About, Operation},
    ledger::{Ledger, differences},
    open,
    probe::{Probe, Rule},
    recipe::{Ready, prepare},
    town::Town,
    world::World,
};

/// What came of an operation.
pub(crate) enum Outcome {
    /// The rightful actor got what it is for. Faults of what the others got.
    Walked(Vec<String>),
    /// The rightful actor did not.
    NotCovered(String),
}

/// Sends the operation as everybody.
async fn walk(world: &World, ledger: &Ledger, operation: &Arc<Operation>, whole: bool) -> Outcome {
    match attempt(world, ledger, operation, whole).await {
        Ok(faults) => Outcome::Walked(faults),
        Err(error) => Outcome::NotCovered(error),
    }
}

async fn attempt(
    world: &World,
    ledger: &Ledger,
    operation: &Arc<Operation>,
    whole: bool,
) -> Result<Vec<String>, String> {
    world.renew_all().await?;
    if operation.about() == About::Anybody {
        return open::walk(world, ledger, operation).await;
    }
    let town = world.town(operation);
    let first = prepare(world, operation, &town.own).await?;
    let done = first.carry_out(world).await?;
    let ready = prepare(world, operation, &town.own).await?;
    // Of what is the platform's there is no other tenant's.
    let other =
        if operation.about() == About::Tenant { prepare(world, operation, &town.other).await? } else { ready.clone() };
    world.renew_all().await?;
    let mut crowd = Crowd::new(world, town, operation, &ready, &other);
    crowd.cursor = cursor(world, &ready).await;
    let probes = if whole { crowd.gather() } else { crowd.within() };
    // Each is sent twice.
    world.contradict(town.kind, 2 * probes.iter().filter(|probe| probe.rule == Rule::Mismatch).count());
    let mut faults = send(world, ledger, &probes).await;
    let mut again = async |ready: &Ready, whose: &str| {
        if let Err(error) = ready.carry_out(world).await {
            faults.push(format!("{whose} could not do it any more after strangers had tried: {error}"));
        }
    };
    again(&ready, "the rightful actor").await;
    if operation.about() == About::Tenant {
        again(&other, "the other tenant's owner").await;
        if operation.takes("Idempotency-Key") {
            faults.extend(repeated(world, town, &first, &done).await);
        }
    }
    Ok(faults)
}

/// Where the rightful owner's list goes on after its first item.
async fn cursor(world: &World, ready: &Ready) -> Option<String> {
    if !ready.ask.operation.takes("limit") || ready.ask.operation.about() != About::Tenant {
        return None;
    }
    let mut ask = ready.ask.clone();
    ask.query.push(("limit".to_owned(), "1".to_owned()));
    let seen = ask.send(&world.door, ready.token.as_deref(), None).await;
    seen.body["next_cursor"].as_str().map(str::to_owned)
}

/// Another tenant's owner repeats, in their own place, what was done here, with the key under which its answer is kept. They
/// may do the same for themselves; the answer is not theirs.
async fn repeated(world: &World, town: &Town, first: &Ready, done: &Seen) -> Option<String> {
    let place = Place::host(town.other.tenant.slug.as_str());
    let seen = first.ask.send(&world.door, Some(&town.other.owner.token()), Some(&place)).await;
    // What the address names, an answer may repeat.
    let is_new = |made: &&str| !first.ask.address().contains(*made);
    let made = done.body["id"].as_str().filter(is_new).filter(|made| seen.text.contains(*made));
    let again = seen.header("idempotency-replayed");
    (made.is_some() || again.is_some())
        .then(|| format!("another tenant's owner with a key that was used: {} {}", seen.status, seen.text))
}

/// Sends all, and looks whether anything was written; if so, one by one for whose it was.
async fn send(world: &World, ledger: &Ledger, probes: &[Probe]) -> Vec<String> {
    let mut faults = Vec::new();
    let before = ledger.page().await;
    for probe in probes {
        faults.extend(probe.fault(world).await);
    }
    let written = differences(&before, &ledger.page().await);
    if written.is_empty() {
        return faults;
    }
    let mut found = false;
    for probe in probes {
        let before = ledger.page().await;
        drop(probe.fault(world).await);
        let written = differences(&before, &ledger.page().await);
        if !written.is_empty() {
            found = true;
            faults.push(format!("{}: wrote to {}", probe.who, written.join(", ")));
        }
    }
    if !found {
        faults.push(format!("somebody wrote to {}", written.join(", ")));
    }
    faults
}

/// How often a tenant's own audit log says that one of its people named another tenant.
async fn mismatches(world: &World, tenant: &TenantEntry) -> i64 {
    let admin = world.platform.admin(&tenant.placement.as_ref().unwrap().database).await;
    let text = "select coalesce(sum((changes->>'times')::bigint), 0)::bigint from cloister.audit
        where tenant_id = $1 and action = 'tenant_mismatch'";
    admin.query_one(text, &[&tenant.id.uuid()]).await.unwrap().get(0)
}

#[expect(clippy::print_stderr, reason = "whoever asked for it looks there")]
fn show(id: &str, time: std::time::Duration) {
    eprintln!("{:>6} ms  {id}", time.as_millis());
}

async fn walk_all(world: &World, whole: bool, wanted: impl Fn(&Operation) -> bool) -> coverage::Walked {
    let ledger = Ledger::open(&world.platform).await;
    let mut walked = coverage::Walked::default();
    for operation in world.document.operations.iter().filter(|operation| wanted(operation)) {
        let begun = std::time::Instant::now();
        let outcome = walk(world, &ledger, operation, whole).await;
        if std::env::var_os("CLOISTER_TEST_TIMES").is_some() {
            show(&operation.id, begun.elapsed());
        }
        walked.note(&operation.id, outcome);
    }
    // Whoever named two tenants stands in the log of their own, and in no other.
    for town in &world.towns {
        let mut waited = 0;
        let sent = world.contradictions(town.kind);
        while waited < 200 && mismatches(world, &town.other.tenant).await < sent {
            waited += 1;
            tokio::time::sleep(std::time::Duration::from_millis(100)).await;
        }
        let noted = mismatches(world, &town.other.tenant).await;
        if sent == 0 || noted < sent {
            let slug = &town.other.tenant.slug;
            walked.fault(format!("{sent} requests named another tenant than {slug}, whose audit log has {noted}"));
        }
        if mismatches(world, &town.own.tenant).await > 0 {
            walked.fault(format!("the audit log of {} tells of others' attempts", town.own.tenant.slug));
        }
    }
    walked
}

#[tokio::test(flavor = "multi_thread")]
async fn every_operation_answers_strangers_as_if_nothing_were_there() {
    let world = World::open(Tier::Shared, &[]).await;
    let walked = walk_all(&world, true, |_| true).await;
    walked.insist_on_all(&world.document);
}

/// What lies in the tenant's own placement, where that is another one.
async fn in_tier(tier: Tier) {
    let world = World::open(tier, &[]).await;
    let is_there = |operation: &Operation| operation.module != "platform" || operation.id.starts_with("audit_");
    let wanted = |operation: &Operation| operation.about() == About::Tenant && is_there(operation);
    walk_all(&world, false, wanted).await.insist();
}

#[tokio::test(flavor = "multi_thread")]
async fn in_the_schema_tier_too() {
    in_tier(Tier::Schema).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn in_the_database_tier_too() {
    in_tier(Tier::Database).await;
}
