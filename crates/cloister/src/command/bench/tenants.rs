//! Whether requests grow slower with the number of tenants.

use std::{sync::Arc, time::Duration};

use cloister_ids::{Id, Uuid};
use cloister_tenancy::{Actor, OpContext};

use super::{
    Bound, Context, Figure,
    measure::{self, Work, work},
    reads::full,
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
        contenders.push(reads(bench, &control, count).await?);
    }
    // Each backend meets each page of shared memory for the first time once; what is asked is how reads go on after that.
    if let Some(most) = contenders.last() {
        measure::warm(8, Duration::from_secs(if bench.quick { 1 } else { 15 }), most).await?;
    }
    let (rounds, slice) = if bench.quick { (3, 200) } else { (15, 400) };
    let results = measure::compare(8, rounds, Duration::from_millis(slice), &contenders).await?;
    Ok(COUNTS
        .iter()
        .zip(results)
        .map(|(count, (rate, ratio))| Figure {
            name: format!("tenants/{count}"),
            value: 1.0 / ratio,
            unit: "× time of 10",
            note: format!("{rate:.0}/s, {} tenants in all", tenancy.registry().len()),
            required: (*count == COUNTS[2]).then_some(Bound::AtMost(1.1)),
        })
        .collect())
}

async fn reads(bench: &Context<'_>, control: &tokio_postgres::Client, count: i32) -> anyhow::Result<Work> {
    let rows = control.query(store::TENANT_IDS, &[&count]).await?;
    let tenancy = bench.platform.tenancy.clone();
    let contexts: Arc<[OpContext]> = rows
        .iter()
        .filter_map(|row| tenancy.registry().by_id(Id::from_uuid(row.get::<_, Uuid>(0))))
        .map(|entry| tenancy.background(entry, Actor::Account("bench".into())))
        .collect();
    anyhow::ensure!(contexts.len() == usize::try_from(count)?, "only {} of {count} tenants are known", contexts.len());
    Ok(work(move |turn| {
        let (tenancy, contexts) = (tenancy.clone(), contexts.clone());
        async move {
            // A large odd stride visits them all without order.
            let cx = &contexts[(usize::try_from(turn)? * 7_919) % contexts.len()];
            full(tenancy.fetch(cx, &store::PAGE, &[]).await?.len())
        }
    }))
}
