//! Passwords, hashed with Argon2id by a few threads of low priority: a flood of sign-ins takes neither every core nor all
//! memory, and who comes when the room is full is told so at once. No tenant's crowd fills the room: each has its own queue and
//! at most half of the threads.

mod phc;
mod threads;

use std::{sync::Arc, time::Duration};

use cloister_ids::TenantId;
use cloister_tenancy::{Error, ErrorKind, Full, Gate, GateSettings, Holder, Result, Share};
use secrecy::{ExposeSecret, SecretBox, SecretString};
use unicode_normalization::{IsNormalized, UnicodeNormalization, is_nfc_quick};

pub use phc::needs_rehash;
use threads::{Task, Threads};

/// Of the threads, for the people of one tenant, and for all who are at no tenant's door.
const SHARE: Share = Share::percent(50);
/// Whose those are. No tenant has this number.
const NOBODYS: u128 = 1;

/// The longest password that is looked at, in bytes.
pub const MAX_BYTES: usize = 1024;

/// How many hashes are made at once, and how many callers may wait for their turn.
#[derive(Debug, Clone, Copy)]
pub struct PasswordSettings {
    /// Hashes at once. Each holds [`MEMORY_KIB`](phc::MEMORY_KIB) KiB meanwhile.
    pub threads: usize,
    /// Callers of one tenant that may wait.
    pub queue: usize,
    /// How long a caller waits for its turn; the hash itself is not counted.
    pub wait: Duration,
}

impl Default for PasswordSettings {
    fn default() -> Self {
        let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        // Two at least: while one tenant's crowd keeps one busy, another's people find one free.
        Self { threads: cores.saturating_sub(1).max(2), queue: 64, wait: Duration::from_secs(2) }
    }
}

/// Hashes and verifies passwords. Cheap to clone; the threads end with the last clone.
#[derive(Debug, Clone)]
pub struct Passwords(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    threads: Threads,
    /// Who is served, and who waits.
    gate: Gate,
    /// A hash that nobody knows a password for, of the same cost as all others.
    nobody: String,
}

/// A text in the form that is hashed.
type Normal = SecretBox<String>;

impl Passwords {
    /// Starts the threads.
    pub fn start(settings: PasswordSettings) -> Result<Self> {
        let threads = settings.threads.max(1);
        Ok(Self(Arc::new(Inner {
            threads: Threads::start(threads)?,
            gate: Gate::new(GateSettings { places: threads, kept: 0, queue: settings.queue, wait: settings.wait }),
            nobody: phc::of_nobody()?,
        })))
    }

    /// What is kept of a password: a text that names its own parameters and salt. It is done for somebody of this tenant, or of
    /// none.
    pub async fn hash(&self, password: SecretString, of: Option<TenantId>) -> Result<String> {
        let password = normal(&password).ok_or_else(|| {
            Error::field(
                "password",
                "password_too_long",
                format!("A password has at least one and at most {MAX_BYTES} bytes."),
            )
        })?;
        self.turn(of, move || phc::hash(password.expose_secret().as_bytes())).await
    }

    /// Whether it is the password that was hashed. Without a hash, for an account that does not exist or has no password, it
    /// takes as long and says no.
    pub async fn verify(&self, password: SecretString, hash: Option<String>, of: Option<TenantId>) -> Result<bool> {
        // Its length is no secret to whoever sent it: a quick answer says nothing about the account.
        let Some(password) = normal(&password) else { return Ok(false) };
        let known = hash.is_some();
        let hash = hash.unwrap_or_else(|| self.0.nobody.clone());
        let matches = self.turn(of, move || phc::verify(password.expose_secret().as_bytes(), &hash)).await?;
        Ok(matches && known)
    }

    /// Runs `work` when it is its turn.
    async fn turn<T: Send + 'static>(
        &self,
        of: Option<TenantId>,
        work: impl FnOnce() -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let inner = &self.0;
        let key = of.map_or(NOBODYS, |tenant| tenant.uuid().as_u128());
        let place = inner.gate.enter(Holder::new(key, SHARE)).await.map_err(busy)?;
        let (answer, answered) = tokio::sync::oneshot::channel();
        // The place goes with the work: a caller that leaves does not let another in before its hash is done.
        let task: Task = Box::new(move || {
            let held = place;
            if answer.is_closed() {
                return;
            }
            let outcome = work();
            drop(held);
            // Nobody may be left to hear it.
            let _ = answer.send(outcome);
        });
        inner.threads.give(task)?;
        answered.await.map_err(|_| Error::internal("a password thread gave no answer"))?
    }
}

fn busy(why: Full) -> Error {
    metrics::counter!("cloister_sign_in_busy_total").increment(1);
    Error::new(
        ErrorKind::Unavailable,
        "sign_in_busy",
        "Too many people are signing in right now. Try again in a few seconds.",
    )
    .retry_after(Duration::from_secs(2))
    .because(why)
}

/// One form for all spellings of the same characters: keyboards differ in how they send `é`. `None` if it is empty or too
/// long to look at.
fn normal(password: &SecretString) -> Option<Normal> {
    let password = password.expose_secret();
    if password.is_empty() || password.len() > MAX_BYTES {
        return None;
    }
    // Room for the longest outcome from the start, so that no copy is left behind by growing.
    let mut text = String::with_capacity(3 * password.len());
    if is_nfc_quick(password.chars()) == IsNormalized::Yes {
        text.push_str(password);
    } else {
        text.extend(password.nfc());
    }
    Some(SecretBox::new(Box::new(text)))
}

#[cfg(test)]
mod tests;
