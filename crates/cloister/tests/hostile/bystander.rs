//! Somebody of another school, who goes on working while others attack.

use std::{
    net::SocketAddr,
    time::{Duration, Instant},
};

use tokio::task::JoinHandle;

use crate::{
    house::{request, sign_in},
    wire::{Heard, send},
};

/// Far more than is ever needed on a machine that does little else, and far less than an attack that works would cost.
const PATIENCE: Duration = Duration::from_secs(5);

/// Asks again and again, on connections of their own.
pub(crate) struct Bystander(
    JoinHandle<()>,
    tokio::sync::oneshot::Sender<()>,
    tokio::sync::oneshot::Receiver<Vec<Duration>>,
);

impl Bystander {
    /// The owner of lakeside, who looks at a list.
    pub(crate) async fn begin(address: SocketAddr) -> Self {
        let token = sign_in(address, "/t/lakeside", "owner@lakeside.example").await;
        let (stop, mut stopped) = tokio::sync::oneshot::channel();
        let (tell, told) = tokio::sync::oneshot::channel();
        let task = tokio::spawn(async move {
            let mut times = Vec::new();
            while stopped.try_recv() == Err(tokio::sync::oneshot::error::TryRecvError::Empty) {
                let asked = Instant::now();
                let text = request("GET", "/t/lakeside/api/v1/persons?limit=1", &token, &[], None);
                match send(address, text.as_bytes()).await {
                    Heard::Answer(answer) if answer.status == 200 => times.push(asked.elapsed()),
                    heard => panic!("the bystander is turned away: {}", heard.brief()),
                }
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
            let _ = tell.send(times);
        });
        Self(task, stop, told)
    }

    /// Every one of the answers came, and quickly.
    pub(crate) async fn end(self) {
        let Self(task, stop, told) = self;
        let _ = stop.send(());
        task.await.unwrap();
        let mut times = told.await.unwrap();
        times.sort();
        assert!(times.len() >= 3, "the bystander was answered {} times alone", times.len());
        let (middle, worst) = (times[times.len() / 2], times[times.len() - 1]);
        assert!(worst < PATIENCE, "the bystander waited {worst:?}, usually {middle:?}");
    }
}
