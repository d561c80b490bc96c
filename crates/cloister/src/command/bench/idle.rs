//! What a server takes that serves nobody, beside its PostgreSQL.

use std::time::Duration;

use super::{Bound, Context, Figure, process};

pub(crate) async fn measure(bench: &Context<'_>) -> anyhow::Result<Vec<Figure>> {
    let data_dir = bench.configuration.data_dir.with_extension("idle").display().to_string();
    let mut child = process::ourselves(&["--data-dir", &data_dir, "serve", "--listen", "127.0.0.1:0"])?.spawn()?;
    // It has settled when it holds no more than a moment ago.
    let mut last = 0;
    let mut resident = None;
    for _ in 0..60 {
        tokio::time::sleep(Duration::from_millis(500)).await;
        let now = process::memory(&child, "VmRSS:").unwrap_or(0);
        if now > 10_000_000 && now == last {
            resident = Some(now);
            break;
        }
        last = now;
    }
    let id = i32::try_from(child.id())?;
    if let Some(id) = rustix::process::Pid::from_raw(id) {
        rustix::process::kill_process(id, rustix::process::Signal::TERM)?;
    }
    let status = tokio::task::spawn_blocking(move || child.wait()).await??;
    anyhow::ensure!(status.success(), "the idle server ended with {status}");
    std::fs::remove_dir_all(&data_dir)?;
    let resident = resident.ok_or_else(|| anyhow::anyhow!("the idle server did not settle"))?;
    Ok(vec![Figure {
        name: "idle/memory".to_owned(),
        value: resident as f64 / 1e6,
        unit: "MB",
        note: "resident, without PostgreSQL".to_owned(),
        required: Some(Bound::AtMost(60.0)),
    }])
}
