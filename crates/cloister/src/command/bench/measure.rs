//! Closed loops of callers, run in turns.

use std::{
    future::Future,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

/// Something to be done again and again; the number tells callers and turns apart.
pub(crate) type Work = Arc<dyn Fn(u64) -> Pin<Box<dyn Future<Output = anyhow::Result<()>> + Send>> + Send + Sync>;

/// Wraps a closure as [`Work`].
pub(crate) fn work<F, R>(act: F) -> Work
where
    F: Fn(u64) -> R + Send + Sync + 'static,
    R: Future<Output = anyhow::Result<()>> + Send + 'static,
{
    Arc::new(move |turn| Box::pin(act(turn)))
}

/// How often a second `callers` callers get it done within `time`. Before it they do so for a while unmeasured: contenders
/// take connections from each other, and opening one is not what is compared.
async fn rate(callers: usize, time: Duration, work: &Work) -> anyhow::Result<f64> {
    turns(callers, time / 2, work).await?;
    turns(callers, time, work).await
}

/// Has `callers` callers do it for a while, unmeasured.
pub(crate) async fn warm(callers: usize, time: Duration, work: &Work) -> anyhow::Result<()> {
    turns(callers, time, work).await.map(drop)
}

async fn turns(callers: usize, time: Duration, work: &Work) -> anyhow::Result<f64> {
    let turns = Arc::new(AtomicU64::new(0));
    let begun = Instant::now();
    let until = begun + time;
    let mut tasks = tokio::task::JoinSet::new();
    for _ in 0..callers {
        let (work, turns) = (work.clone(), turns.clone());
        tasks.spawn(async move {
            let mut done = 0u64;
            while Instant::now() < until {
                work(turns.fetch_add(1, Ordering::Relaxed)).await?;
                done += 1;
            }
            anyhow::Ok(done)
        });
    }
    let mut done = 0;
    while let Some(ended) = tasks.join_next().await {
        done += ended??;
    }
    Ok(done as f64 / begun.elapsed().as_secs_f64())
}

/// Runs the contenders in turns and gives, for each, the median rate and the median of its ratios to the first.
pub(crate) async fn compare(
    callers: usize,
    rounds: usize,
    slice: Duration,
    contenders: &[Work],
) -> anyhow::Result<Vec<(f64, f64)>> {
    let mut rates = vec![Vec::new(); contenders.len()];
    let mut ratios = vec![Vec::new(); contenders.len()];
    for _ in 0..rounds {
        let mut first = None;
        for (at, work) in contenders.iter().enumerate() {
            let rate = rate(callers, slice, work).await?;
            let base = *first.get_or_insert(rate);
            rates[at].push(rate);
            ratios[at].push(rate / base);
        }
    }
    Ok(rates.into_iter().zip(ratios).map(|(rates, ratios)| (median(rates), median(ratios))).collect())
}

/// The middle one.
pub(crate) fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}
