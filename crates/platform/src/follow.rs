//! What a node does beside the requests: hears of revocations and new keys, and throws away what is over.

use std::time::Duration;

use cloister_tenancy::{Heard, Result};
use jiff::SignedDuration;
use tokio::sync::Notify;

use crate::{Service, attempt_store, idempotency, revocation, session::store as sessions};

/// Between two readings when nothing is heard: a notification may be lost.
const POLL: Duration = Duration::from_secs(5);
/// Between two rounds of throwing away.
const TIDY_EVERY: u32 = 720;

impl Service {
    /// Keeps up with the other nodes until dropped.
    pub async fn follow(&self) {
        let told = Notify::new();
        let hear = self.control().listen(&["cloister_revocation"], |heard| {
            if heard == Heard::Lost {
                self.set_control_plane_away(true);
            }
            told.notify_one();
        });
        let read = async {
            let mut round = 0u32;
            loop {
                let _ = tokio::time::timeout(POLL, told.notified()).await;
                let now = self.tenancy().clock().now();
                let caught_up = self.revocations().catch_up(self.control(), now).await;
                self.set_control_plane_away(caught_up.is_err());
                self.revocations().sweep(now);
                if caught_up.is_ok() && round.is_multiple_of(6) {
                    self.log("signing keys", self.read_keys_again().await);
                }
                if caught_up.is_ok() && round.is_multiple_of(6) {
                    self.log("failed sign-ups", crate::signup::count_failed(self).await);
                }
                if caught_up.is_ok() && round.is_multiple_of(TIDY_EVERY) {
                    self.log("what is over", self.throw_away().await);
                }
                round = round.wrapping_add(1);
            }
        };
        tokio::select! {
            () = hear => {}
            () = read => {}
        }
    }

    #[expect(clippy::unused_self, reason = "reads as what the node does")]
    fn log(&self, what: &'static str, outcome: Result<()>) {
        if let Err(error) = outcome {
            tracing::warn!(error = error.log(), "{what} could not be looked after");
        }
    }

    /// Rows that nobody needs any more. Harmless on many nodes at once.
    async fn throw_away(&self) -> Result<()> {
        let now = self.tenancy().clock().now();
        let (day, month) = (now - SignedDuration::from_hours(25), now - SignedDuration::from_hours(24 * 30));
        let control = self.control();
        control.run(&revocation::store::FORGET, &[&day]).await?;
        control.run(&sessions::FORGET_CODES, &[&day]).await?;
        control.run(&sessions::FORGET, &[&month]).await?;
        attempt_store::sweep(control, now, 10_000).await?;
        control.run(&idempotency::store::FORGET, &[&(now - SignedDuration::from_hours(24 * 7))]).await?;
        Ok(())
    }
}
