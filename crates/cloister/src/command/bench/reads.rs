//! A page of twenty: raw, and through the door of each tier.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use cloister_ids::TenantId;
use cloister_tenancy::OpContext;
use tokio::sync::Semaphore;

use super::{
    Bound, Context, Figure,
    fixture::Rosters,
    measure::{self, Work, work},
    store,
};

/// Plain connections, as many as the kernel has, entered as the owner: no policy, no transaction, no tenant set.
pub(crate) struct Raw {
    free: Mutex<Vec<(tokio_postgres::Client, tokio_postgres::Statement)>>,
    permits: Semaphore,
    tenant: TenantId,
}

impl Raw {
    pub(crate) async fn open(bench: &Context<'_>, cx: &OpContext) -> anyhow::Result<Arc<Self>> {
        let owner = bench.platform.cluster(bench.configuration).await?.owner;
        let owner = owner.ok_or_else(|| anyhow::anyhow!("the owner login is needed"))?;
        let Some(place) = cx.tenant().placement.clone() else { anyhow::bail!("no placement") };
        let mut free = Vec::new();
        for _ in 0..bench.configuration.database.connections {
            let client = owner.connect(&place.database).await?;
            client.batch_execute(&format!("set search_path = \"{}\"", place.schema)).await?;
            let statement = client.prepare(store::PAGE.sql()).await?;
            free.push((client, statement));
        }
        let permits = Semaphore::new(free.len());
        Ok(Arc::new(Self { free: Mutex::new(free), permits, tenant: cx.tenant_id() }))
    }

    pub(crate) async fn page(&self) -> anyhow::Result<Vec<tokio_postgres::Row>> {
        self.page_of(self.tenant).await
    }

    /// The page of any tenant whose rows lie in the same place.
    pub(crate) async fn page_of(&self, tenant: TenantId) -> anyhow::Result<Vec<tokio_postgres::Row>> {
        let _permit = self.permits.acquire().await?;
        let taken = self.free.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let Some((client, statement)) = taken else { anyhow::bail!("no connection is free") };
        let rows = client.query(&statement, &[&tenant]).await;
        self.free.lock().unwrap_or_else(PoisonError::into_inner).push((client, statement));
        Ok(rows?)
    }
}

pub(crate) async fn measure(bench: &Context<'_>, rosters: &Rosters) -> anyhow::Result<Vec<Figure>> {
    let Some(first) = rosters.tiers.first().and_then(|(_, contexts)| contexts.first()) else { return Ok(Vec::new()) };
    let raw = Raw::open(bench, first).await?;
    let mut names = vec!["raw".to_owned()];
    let mut contenders: Vec<Work> = vec![work(move |_| {
        let raw = raw.clone();
        async move { full(raw.page().await?.len()) }
    })];
    for (tier, contexts) in &rosters.tiers {
        names.push(tier.to_string());
        contenders.push(through_the_door(bench, contexts.iter().take(1)));
    }
    for (tier, contexts) in &rosters.tiers {
        names.push(format!("{tier} in turns"));
        contenders.push(through_the_door(bench, contexts.iter()));
    }
    let (rounds, slice) = if bench.quick { (3, 300) } else { (7, 500) };
    let mut figures = Vec::new();
    for callers in [1, 8, 64] {
        let results = measure::compare(callers, rounds, Duration::from_millis(slice), &contenders).await?;
        for (at, (rate, ratio)) in results.into_iter().enumerate() {
            let required = match (names[at].as_str(), callers) {
                ("shared" | "database", _) => Some(Bound::AtLeast(0.6)),
                ("schema", _) => Some(Bound::AtLeast(0.45)),
                _ => None,
            };
            let note = match names[at].strip_suffix(" in turns") {
                Some(_) => format!("{rate:.0}/s, {} tenants", super::fixture::EACH),
                None => format!("{rate:.0}/s"),
            };
            let name = format!("read/{}/{callers}", names[at].replace(' ', "-"));
            figures.push(Figure { name, value: ratio, unit: "of raw", note, required });
        }
    }
    Ok(figures)
}

fn through_the_door<'a>(bench: &Context<'_>, contexts: impl Iterator<Item = &'a OpContext>) -> Work {
    let (tenancy, contexts) = (bench.platform.tenancy.clone(), contexts.cloned().collect::<Arc<[OpContext]>>());
    work(move |turn| {
        let (tenancy, contexts) = (tenancy.clone(), contexts.clone());
        async move {
            let cx = &contexts[usize::try_from(turn)? % contexts.len()];
            full(tenancy.fetch(cx, &store::PAGE, &[]).await?.len())
        }
    })
}

/// A page that is not full would be cheaper than what is claimed.
pub(crate) fn full(rows: usize) -> anyhow::Result<()> {
    anyhow::ensure!(rows == 20, "a page had {rows} rows");
    Ok(())
}
