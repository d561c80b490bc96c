//! Tenants with a thousand persons each, one for each tier and some more to take turns with.

use std::sync::Arc;

use cloister_tenancy::{Actor, NewTenant, OpContext, TenantEntry, Tier};

use super::{Context, store};
use crate::{command::tenant::finish, installation::operator};

/// Tenants of a tier, with contexts to read as.
pub(crate) struct Rosters {
    pub(crate) tiers: Vec<(Tier, Vec<OpContext>)>,
}

/// How many tenants of a tier take turns.
pub(crate) const EACH: usize = 8;

/// Made once; later runs find them.
pub(crate) async fn rosters(bench: &Context<'_>) -> anyhow::Result<Rosters> {
    let owner = bench.platform.cluster(bench.configuration).await?.owner;
    let owner = owner.ok_or_else(|| anyhow::anyhow!("the owner login is needed"))?;
    let mut tiers = Vec::new();
    for tier in Tier::ALL {
        let mut contexts = Vec::new();
        for number in 0..EACH {
            let entry = tenant(bench, &format!("read-{tier}-{number}"), *tier).await?;
            let Some(place) = entry.placement.clone() else { anyhow::bail!("{} has no placement", entry.slug) };
            let client = owner.connect(&place.database).await?;
            client.batch_execute(&format!("set search_path = \"{}\"", place.schema)).await?;
            if client.execute(store::PERSONS, &[&entry.id]).await? > 0 {
                client.batch_execute("vacuum analyze person").await?;
            }
            contexts.push(bench.platform.tenancy.background(entry, Actor::Account("bench".into())));
        }
        tiers.push((*tier, contexts));
    }
    Ok(Rosters { tiers })
}

/// A tenant in use.
pub(crate) async fn tenant(bench: &Context<'_>, slug: &str, tier: Tier) -> anyhow::Result<Arc<TenantEntry>> {
    let tenancy = &bench.platform.tenancy;
    if let Some(entry) = tenancy.registry().by_slug(slug) {
        return Ok(entry);
    }
    let new = NewTenant::new(slug.parse()?, slug, "school", tier);
    let (id, workflow) = tenancy.create_tenant(&new, &operator()).await?;
    finish(tenancy, workflow).await?;
    tenancy.registry().by_id(id).ok_or_else(|| anyhow::anyhow!("{slug} was made and cannot be found"))
}
