//! A roster of about thirty thousand enrolments, imported by the command that an operator would use.

use cloister_school::sample::{self, SampleSettings};
use cloister_tenancy::Tier;

use super::{Bound, Context, Figure, process};
use crate::{command::tenant::finish, installation::operator};

/// With these many students the sample has a little more than 30,000 enrolments.
const STUDENTS: u32 = 4_000;

pub(crate) async fn measure(bench: &Context<'_>) -> anyhow::Result<Vec<Figure>> {
    let tenancy = &bench.platform.tenancy;
    let package = bench.configuration.data_dir.join("bench-roster.zip");
    let summary = sample::write(&SampleSettings::new(7, STUDENTS), &package)?;
    let mut figures = Vec::new();
    for tier in Tier::ALL {
        let slug = format!("import-{tier}");
        if let Ok(before) = tenancy.find_tenant(&slug).await {
            let by = operator();
            finish(tenancy, tenancy.delete_tenant(before.id, None, None, &by).await?).await?;
            finish(tenancy, tenancy.purge_tenant(before.id, None, &by).await?).await?;
        }
        super::fixture::tenant(bench, &slug, *tier).await?;
        for act in ["first", "again"] {
            let data_dir = bench.configuration.data_dir.display().to_string();
            let path = package.display().to_string();
            let arguments =
                ["--data-dir", &data_dir, "--output", "json", "import", "oneroster", "--tenant", &slug, &path];
            let command = process::ourselves(&arguments)?;
            let taken = tokio::task::spawn_blocking(move || process::run(command)).await??;
            anyhow::ensure!(taken.status.success(), "the import ended with {}: {}", taken.status, taken.stdout);
            let note = format!("{} enrolments, whole command", summary.enrollments);
            let first = act == "first";
            figures.push(Figure {
                name: format!("import/{tier}/{act}"),
                value: taken.time.as_secs_f64(),
                unit: "s",
                note: note.clone(),
                required: first.then_some(Bound::AtMost(10.0)),
            });
            figures.push(Figure {
                name: format!("import/{tier}/{act}/memory"),
                value: taken.peak as f64 / 1e6,
                unit: "MB",
                note,
                required: Some(Bound::AtMost(200.0)),
            });
        }
    }
    std::fs::remove_file(&package)?;
    Ok(figures)
}
