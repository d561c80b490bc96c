//! Callers who come at a pace of their own, whether they are answered or not: what people do, and what floods do.

use std::{
    future::Future,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use http_body_util::Full;
use hyper::body::Bytes;
use hyper_util::{
    client::legacy::{Client, connect::HttpConnector},
    rt::TokioExecutor,
};
use tokio::{sync::Semaphore, task::JoinSet};

/// A client with connections of its own.
pub(super) type HttpClient = Client<HttpConnector, Full<Bytes>>;

/// What one caller does; the number tells turns apart. True when it was done, false when it was refused for want of room.
pub(super) type Act =
    Arc<dyn Fn(HttpClient, u64) -> Pin<Box<dyn Future<Output = anyhow::Result<bool>> + Send>> + Send + Sync>;

/// Wraps a closure as [`Act`].
pub(super) fn act<F, R>(with: F) -> Act
where
    F: Fn(HttpClient, u64) -> R + Send + Sync + 'static,
    R: Future<Output = anyhow::Result<bool>> + Send + 'static,
{
    Arc::new(move |client, turn| Box::pin(with(client, turn)))
}

/// What came of it.
#[derive(Debug, Default)]
pub(super) struct Seen {
    /// How long each took that was done, in milliseconds.
    pub(super) delays: Vec<f64>,
    /// Those that were refused.
    pub(super) refused: u64,
    /// Those whose caller did not come, because too many waited for an answer.
    pub(super) unsent: u64,
}

impl Seen {
    pub(super) fn add(&mut self, other: Self) {
        self.delays.extend(other.delays);
        self.refused += other.refused;
        self.unsent += other.unsent;
    }

    /// The delay that this part of them did not exceed.
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "an index within the values")]
    pub(super) fn quantile(&mut self, at: f64) -> f64 {
        self.delays.sort_by(f64::total_cmp);
        let index = ((self.delays.len() as f64 * at) as usize).min(self.delays.len().saturating_sub(1));
        self.delays.get(index).copied().unwrap_or(f64::NAN)
    }
}

/// Callers at work, on a thread of their own: what they cost themselves is not the server's.
pub(super) struct Paced {
    stop: Arc<AtomicBool>,
    thread: std::thread::JoinHandle<anyhow::Result<Seen>>,
}

/// Answers that are awaited at the end.
const PATIENCE: Duration = Duration::from_secs(30);

impl Paced {
    /// So many a second from now on, of whom at most `most` wait for an answer at a time.
    pub(super) fn start(act: &Act, rate: f64, most: usize) -> anyhow::Result<Self> {
        let (act, stop) = (act.clone(), Arc::new(AtomicBool::new(false)));
        let stopped = stop.clone();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let thread = std::thread::Builder::new().name("callers".to_owned());
        let thread = thread.spawn(move || runtime.block_on(come(&act, rate, most, &stopped)))?;
        Ok(Self { stop, thread })
    }

    /// Tells them to stop, and waits for what they still wait for.
    pub(super) async fn stop(self) -> anyhow::Result<Seen> {
        self.stop.store(true, Ordering::Relaxed);
        let joined = tokio::task::spawn_blocking(move || self.thread.join()).await?;
        joined.map_err(|_| anyhow::anyhow!("the callers panicked"))?
    }

    /// Lets them come for a while.
    pub(super) async fn during(self, time: Duration) -> anyhow::Result<Seen> {
        tokio::time::sleep(time).await;
        self.stop().await
    }
}

async fn come(act: &Act, rate: f64, most: usize, stop: &AtomicBool) -> anyhow::Result<Seen> {
    let client: HttpClient = Client::builder(TokioExecutor::new()).build_http();
    let (gap, places) = (Duration::from_secs_f64(1.0 / rate), Arc::new(Semaphore::new(most)));
    let (mut seen, mut calls, mut turn) = (Seen::default(), JoinSet::new(), 0);
    let mut next = Instant::now();
    while !stop.load(Ordering::Relaxed) {
        tokio::time::sleep_until(next.into()).await;
        while next <= Instant::now() {
            next += gap;
            turn += 1;
            let Ok(place) = places.clone().try_acquire_owned() else {
                seen.unsent += 1;
                continue;
            };
            let call = act(client.clone(), turn);
            calls.spawn(async move {
                let begun = Instant::now();
                let done = call.await;
                drop(place);
                done.map(|done| done.then(|| begun.elapsed().as_secs_f64() * 1e3))
            });
        }
        while let Some(ended) = calls.try_join_next() {
            note(&mut seen, ended??);
        }
    }
    let rest = async {
        while let Some(ended) = calls.join_next().await {
            note(&mut seen, ended??);
        }
        anyhow::Ok(())
    };
    tokio::time::timeout(PATIENCE, rest).await??;
    Ok(seen)
}

fn note(seen: &mut Seen, answered: Option<f64>) {
    match answered {
        Some(delay) => seen.delays.push(delay),
        None => seen.refused += 1,
    }
}
