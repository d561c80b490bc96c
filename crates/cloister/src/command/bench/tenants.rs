//! Whether requests grow slower with the number of tenants.

use std::{sync::Arc, time::Duration};

use cloister_ids::{Id, Uuid};
use cloister_tenancy::{Actor, OpContext};

use super::{
    Bound, Context, Figure,
    measure::{self, Work, work},
    reads::{Raw, full},
    store,
};

/// So many tenants of the shared tier, a read going to any of them.
const COUNTS: [i32; 3] = [10, 1_000, 10_000];

pub(crate) async fn measure(bench: &Context<'_>) -> anyhow::Result<Vec<Figure>> {
    let tenancy = &bench.platform.tenancy;
    let owner = bench.platform.cluster(bench.configuration).await?.owner;
    let owner = owner.ok_or_else(|| anyhow::anyhow!("the owner login is needed"))?;
    let prefix = &bench.configuration.database.prefix;
    let (control, shared) =
        (owner.connect(&format!("{prefix}_control")).await?, owner.connect(&format!("{prefix}_shared")).await?);
    let [_, _, most] = COUNTS;
    if tenancy.registry().by_slug(&format!("bench-{most}")).is_none() {
        shared.execute(store::MANY_FENCES, &[&1i32, &most]).await?;
        shared.execute(store::MANY_PERSONS, &[&1i32, &most]).await?;
        shared.batch_execute("vacuum analyze shared.person, cloister.fence").await?;
        control.execute(store::MANY_TENANTS, &[&1i32, &most]).await?;
        tenancy.refresh_registry().await?;
    }
    let mut contenders = Vec::new();
    for count in COUNTS {
        contenders.push(reads(bench, known(bench, &control, count).await?));
    }
    // What the machine's caches alone make of it: the same rows, read without isolation.
    let (few, many) = (known(bench, &control, COUNTS[0]).await?, known(bench, &control, most).await?);
    let raw = Raw::open(bench, &few[0]).await?;
    contenders.extend([raw_reads(&raw, few), raw_reads(&raw, many)]);
    // Each backend meets each page of shared memory for the first time once; what is asked is how reads go on after that.
    for most in [&contenders[2], &contenders[4]] {
        measure::warm(8, Duration::from_secs(if bench.quick { 1 } else { 15 }), most).await?;
    }
    let (rounds, slice) = if bench.quick { (3, 200) } else { (15, 400) };
    let results = measure::compare(8, rounds, Duration::from_millis(slice), &contenders).await?;
    let (raw_few, raw_many) = (results[3].0, results[4].0);
    let figures = COUNTS.iter().zip(&results).map(|(count, (rate, ratio))| Figure {
        name: format!("tenants/{count}"),
        value: 1.0 / *ratio,
        unit: "× time of 10",
        note: format!("{rate:.0}/s, {} tenants in all", tenancy.registry().len()),
        required: None,
    });
    let (raw, door) = (raw_few / raw_many, results[0].0 / results[2].0);
    let raw_figure = Figure {
        name: format!("tenants/raw/{most}"),
        value: raw,
        unit: "× time of 10",
        note: format!("{raw_many:.0}/s, the same rows without isolation"),
        required: None,
    };
    let growth = Figure {
        name: format!("tenants/isolation/{most}"),
        value: door / raw,
        unit: "× growth of raw",
        note: "what isolation adds to what the machine's caches do".to_owned(),
        required: Some(Bound::AtMost(1.1)),
    };
    Ok(figures.chain([raw_figure, growth]).collect())
}

/// The first of them.
async fn known(bench: &Context<'_>, control: &tokio_postgres::Client, count: i32) -> anyhow::Result<Arc<[OpContext]>> {
    let rows = control.query(store::TENANT_IDS, &[&count]).await?;
    let tenancy = &bench.platform.tenancy;
    let contexts: Arc<[OpContext]> = rows
        .iter()
        .filter_map(|row| tenancy.registry().by_id(Id::from_uuid(row.get::<_, Uuid>(0))))
        .map(|entry| tenancy.background(entry, Actor::Account("bench".into())))
        .collect();
    anyhow::ensure!(contexts.len() == usize::try_from(count)?, "only {} of {count} tenants are known", contexts.len());
    Ok(contexts)
}

/// A large odd stride visits them all without order.
fn any_of(contexts: &[OpContext], turn: u64) -> anyhow::Result<&OpContext> {
    Ok(&contexts[(usize::try_from(turn)? * 7_919) % contexts.len()])
}

fn raw_reads(raw: &Arc<Raw>, contexts: Arc<[OpContext]>) -> Work {
    let raw = raw.clone();
    work(move |turn| {
        let (raw, contexts) = (raw.clone(), contexts.clone());
        async move { full(raw.page_of(any_of(&contexts, turn)?.tenant_id()).await?.len()) }
    })
}

fn reads(bench: &Context<'_>, contexts: Arc<[OpContext]>) -> Work {
    let tenancy = bench.platform.tenancy.clone();
    work(move |turn| {
        let (tenancy, contexts) = (tenancy.clone(), contexts.clone());
        async move { full(tenancy.fetch(any_of(&contexts, turn)?, &store::PAGE, &[]).await?.len()) }
    })
}
