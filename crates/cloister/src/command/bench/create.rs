//! From the request for a tenant to the tenant in use.

use std::time::Instant;

use cloister_tenancy::{NewTenant, Tier};

use super::{Bound, Context, Figure, measure::median};
use crate::{command::tenant::finish, installation::operator};

pub(crate) async fn measure(bench: &Context<'_>) -> anyhow::Result<Vec<Figure>> {
    let tenancy = &bench.platform.tenancy;
    let count = if bench.quick { 5 } else { 15 };
    let mut figures = Vec::new();
    for (tier, bound) in [(Tier::Shared, 0.05), (Tier::Schema, 0.3), (Tier::Database, 0.3)] {
        let mut times = Vec::new();
        for number in 0..=count {
            let slug = format!("made-{tier}-{number}");
            let new = NewTenant::new(slug.parse()?, slug, "school", tier);
            let begun = Instant::now();
            let (id, workflow) = tenancy.create_tenant(&new, &operator()).await?;
            finish(tenancy, workflow).await?;
            // The first one also makes what all of its tier share, such as the template database.
            if number > 0 {
                times.push(begun.elapsed().as_secs_f64());
            }
            let by = operator();
            finish(tenancy, tenancy.delete_tenant(id, None, None, &by).await?).await?;
            finish(tenancy, tenancy.purge_tenant(id, None, &by).await?).await?;
        }
        let worst = times.iter().copied().fold(0.0, f64::max);
        figures.push(Figure {
            name: format!("create/{tier}"),
            value: median(times),
            unit: "s",
            note: format!("median of {count}, worst {worst:.3} s"),
            required: Some(Bound::AtMost(bound)),
        });
    }
    Ok(figures)
}
