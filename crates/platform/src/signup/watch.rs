//! Sign-ups that somebody watches: looked at a few times a second, each once, however many watch it.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use axum::response::sse::Event;
use cloister_ids::SignupId;
use cloister_tenancy::{Account, Error, ErrorKind, Result, on_account};
use futures_util::{Stream, stream};
use tokio::{
    sync::watch,
    time::{Instant, timeout_at},
};

use super::status::{self, SignupStatus};
use crate::Service;

/// Between two looks.
const EVERY: Duration = Duration::from_millis(300);
/// Watched at a time by one node.
const MOST: usize = 256;
/// A stream ends then, whatever happened. Who still wants to know asks again.
const LONGEST: Duration = Duration::from_mins(10);

/// What is watched on this node.
#[derive(Debug, Clone, Default)]
pub(crate) struct Watches(Arc<Mutex<HashMap<SignupId, watch::Sender<SignupStatus>>>>);

impl Watches {
    /// Watches a sign-up that stands like this now.
    fn watch(&self, service: &Service, secret: String, now: SignupStatus) -> Result<watch::Receiver<SignupStatus>> {
        let mut watched = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(sender) = watched.get(&now.id) {
            return Ok(sender.subscribe());
        }
        if watched.len() >= MOST {
            let message = "Too many sign-ups are being watched. Ask for the state instead, every few seconds.";
            return Err(Error::new(ErrorKind::Unavailable, "streams_exhausted", message).retry_after(EVERY * 10));
        }
        let id = now.id;
        let (sender, receiver) = watch::channel(now);
        watched.insert(id, sender.clone());
        let follow = self.clone().follow(service.clone(), secret, id, sender);
        tokio::spawn(on_account(Account::Visitors, follow));
        Ok(receiver)
    }

    /// Looks until nobody watches any more, or nothing more will happen.
    async fn follow(self, service: Service, secret: String, id: SignupId, sender: watch::Sender<SignupStatus>) {
        loop {
            tokio::time::sleep(EVERY).await;
            if self.forget(id, || sender.receiver_count() == 0) {
                return;
            }
            match status::read(&service, &secret).await {
                Ok(now) => {
                    let is_over = now.is_over();
                    sender.send_if_modified(|before| {
                        let differs = *before != now;
                        *before = now;
                        differs
                    });
                    if self.forget(id, || is_over) {
                        return;
                    }
                }
                Err(error) if error.kind() == ErrorKind::NotFound => {
                    self.forget(id, || true);
                    return;
                }
                // Those who watch go on waiting: what they know is still the last that was known.
                Err(error) => tracing::warn!(error = error.log(), "a sign-up that is watched could not be looked at"),
            }
        }
    }

    /// Watches it no longer, if that is so. Nobody can begin to watch in between.
    fn forget(&self, id: SignupId, is_so: impl FnOnce() -> bool) -> bool {
        let mut watched = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let so = is_so();
        if so {
            watched.remove(&id);
        }
        so
    }
}

/// One event for how it stands, and one for every change, until nothing more will happen.
pub(super) async fn events(
    service: &Service,
    secret: String,
) -> Result<impl Stream<Item = std::result::Result<Event, axum::Error>> + use<>> {
    let now = status::read(service, &secret).await?;
    let receiver = service.watches().watch(service, secret, now)?;
    let deadline = Instant::now() + LONGEST;
    Ok(stream::unfold(Some((receiver, true)), move |state| async move {
        let (mut receiver, first) = state?;
        if !first && !matches!(timeout_at(deadline, receiver.changed()).await, Ok(Ok(()))) {
            return None;
        }
        let now = receiver.borrow_and_update().clone();
        let next = (!now.is_over()).then_some((receiver, false));
        Some((Event::default().event("status").json_data(&now), next))
    }))
}
