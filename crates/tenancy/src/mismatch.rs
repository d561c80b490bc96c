//! Requests that name different tenants, kept in an audit log: that of the tenant the caller's token is for, and of no other.
//!
//! Whoever sends such requests learns nothing more and waits for nothing, and cannot make a database write much: repetitions
//! are counted in memory, within bounds, and one task of the node writes one row a caller every few seconds.

use std::{
    net::IpAddr,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use cloister_ids::{AccountId, AuditId, RequestId, TenantId};
use jiff::Timestamp;
use serde::Serialize;
use serde_json::json;

use crate::{
    Actor, Identity, OpContext, PermissionSet, PlatformRecord, Refusal, Requester, Result, Sources, Tenancy,
    control::store,
};

const ACTION: &str = "tenant_mismatch";
const RESOURCE: &str = "tenancy.request";

/// Callers whose attempts wait to be written; those of more are counted and dropped.
const MOST_CALLERS: usize = 64;
/// Different names kept of one caller's attempts.
const MOST_NAMED: usize = 8;
/// Characters kept of a name, as many as the longest host has.
const LONGEST_NAME: usize = 253;
/// Between one round of writing and the next; the first attempt is written at once.
const PAUSE: Duration = Duration::from_secs(5);
/// For one row.
const PATIENCE: Duration = Duration::from_secs(10);

/// What this node has seen and not written yet.
#[derive(Debug, Default)]
pub(crate) struct Mismatches(Mutex<Waiting>);

#[derive(Debug, Default)]
struct Waiting {
    attempts: Vec<Attempts>,
    writing: bool,
}

/// What one caller has tried since the last row about it.
#[derive(Debug)]
struct Attempts {
    /// Whose audit log it belongs to; the platform's, when the token is for no tenant that exists.
    tenant: Option<TenantId>,
    actor: Actor,
    account: Option<AccountId>,
    /// Of the first one.
    client: Option<IpAddr>,
    request: RequestId,
    first: Timestamp,
    last: Timestamp,
    times: u64,
    named: Vec<Named>,
}

/// What a request said, not what was found under it: that would tell one tenant about another.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
struct Named {
    host: Option<String>,
    path: Option<String>,
    header: Option<String>,
    token: Option<TenantId>,
}

impl Named {
    fn by(sources: &Sources<'_>) -> Self {
        let kept = |text: Option<&str>| text.map(|text| text.chars().take(LONGEST_NAME).collect());
        Self { host: kept(sources.host), path: kept(sources.path), header: kept(sources.header), token: sources.token }
    }
}

/// What became of an attempt.
#[derive(Debug, PartialEq, Eq)]
enum Kept {
    /// It will be written by the task that is at it.
    Waits,
    /// The same, and nobody is at it yet.
    Begin,
    /// Too many callers wait already.
    Dropped,
}

impl Mismatches {
    fn put(&self, seen: Attempts) -> Kept {
        let mut waiting = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let same = |one: &&mut Attempts| one.tenant == seen.tenant && one.actor == seen.actor;
        if let Some(before) = waiting.attempts.iter_mut().find(same) {
            before.times += seen.times;
            before.last = seen.last;
            for named in seen.named {
                if before.named.len() < MOST_NAMED && !before.named.contains(&named) {
                    before.named.push(named);
                }
            }
        } else if waiting.attempts.len() < MOST_CALLERS {
            waiting.attempts.push(seen);
        } else {
            return Kept::Dropped;
        }
        if std::mem::replace(&mut waiting.writing, true) { Kept::Waits } else { Kept::Begin }
    }

    /// Everything that waits; with nothing left, the task that asks has ended.
    fn take(&self) -> Vec<Attempts> {
        let mut waiting = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        waiting.writing = !waiting.attempts.is_empty();
        std::mem::take(&mut waiting.attempts)
    }
}

impl Tenancy {
    /// Notes that a caller who is known was refused with [`Refusal::Mismatch`]. Returns at once; the row is written in the
    /// background, on the runtime this is called from. A row not yet written is lost with the process: the log has it.
    pub fn note_mismatch(
        &self,
        identity: &Identity,
        sources: &Sources<'_>,
        request: RequestId,
        client: Option<IpAddr>,
    ) {
        let now = self.0.clock.now();
        let kept = self.0.mismatches.put(Attempts {
            tenant: identity.tenant.filter(|id| self.0.registry.by_id(*id).is_some()),
            actor: identity.actor.clone(),
            account: identity.account,
            client,
            request,
            first: now,
            last: now,
            times: 1,
            named: vec![Named::by(sources)],
        });
        match kept {
            Kept::Waits => {}
            Kept::Begin => drop(tokio::spawn(self.clone().write_mismatches())),
            Kept::Dropped => metrics::counter!("cloister_tenant_mismatches_not_audited_total").increment(1),
        }
    }

    async fn write_mismatches(self) {
        loop {
            let round = self.0.mismatches.take();
            if round.is_empty() {
                return;
            }
            for attempts in round {
                let lost = match tokio::time::timeout(PATIENCE, self.write_mismatch(&attempts)).await {
                    Ok(Ok(())) => continue,
                    Ok(Err(error)) => error.log(),
                    Err(_) => format!("it took longer than {PATIENCE:?}"),
                };
                metrics::counter!("cloister_tenant_mismatches_not_audited_total").increment(attempts.times);
                tracing::error!(actor = %attempts.actor, times = attempts.times, lost, "a tenant mismatch was not audited");
            }
            tokio::time::sleep(PAUSE).await;
        }
    }

    async fn write_mismatch(&self, seen: &Attempts) -> Result<()> {
        let changes = json!({ "times": seen.times, "until": seen.last, "named": seen.named });
        let Some(id) = seen.tenant else {
            let by = Requester {
                actor: seen.actor.clone(),
                account: seen.account,
                client: seen.client,
                request: Some(seen.request),
            };
            let record = PlatformRecord::new(&by, ACTION, RESOURCE).changing(changes);
            let noted = record.noted_as(AuditId::generate(&*self.0.clock), seen.first);
            self.0.control.run(&store::AUDIT, &noted.parameters()).await?;
            return Ok(());
        };
        let tenant = self.0.registry.by_id(id).ok_or_else(|| Refusal::Unknown.error())?;
        let cx = OpContext {
            who: Arc::new(Identity {
                account: seen.account,
                ..Identity::new(seen.actor.clone(), Some(tenant.id), PermissionSet::default())
            }),
            tenant,
            request: seen.request,
            client: seen.client,
            deadline: None,
            clock: self.0.clock.clone(),
            whole: None,
        };
        let mut tx = self.write(&cx).await?;
        tx.note(ACTION, RESOURCE, seen.first, changes);
        tx.commit().await
    }
}

#[cfg(test)]
mod tests {
    use cloister_ids::SystemClock;

    use super::*;

    fn attempt(actor: &str, host: &str) -> Attempts {
        let sources = Sources { host: Some(host), ..Sources::default() };
        Attempts {
            tenant: None,
            actor: Actor::Account(actor.into()),
            account: None,
            client: None,
            request: RequestId::generate(&SystemClock),
            first: Timestamp::UNIX_EPOCH,
            last: Timestamp::UNIX_EPOCH,
            times: 1,
            named: vec![Named::by(&sources)],
        }
    }

    #[test]
    fn whatever_is_tried_what_waits_is_bounded() {
        let mismatches = Mismatches::default();
        assert_eq!(mismatches.put(attempt("a", "one.localhost")), Kept::Begin);
        for host in 0..1000 {
            assert_eq!(mismatches.put(attempt("a", &format!("{host}.localhost"))), Kept::Waits);
        }
        for actor in 1..MOST_CALLERS {
            assert_eq!(mismatches.put(attempt(&actor.to_string(), &"x".repeat(5000))), Kept::Waits);
        }
        assert_eq!(mismatches.put(attempt("one too many", "one.localhost")), Kept::Dropped);
        assert_eq!(mismatches.put(attempt("a", "one.localhost")), Kept::Waits);
        let round = mismatches.take();
        assert_eq!((round.len(), round[0].times, round[0].named.len()), (MOST_CALLERS, 1002, MOST_NAMED));
        assert_eq!(round[1].named[0].host.as_deref().map(str::len), Some(LONGEST_NAME));
        assert!(mismatches.take().is_empty(), "the task ends");
        assert_eq!(mismatches.put(attempt("a", "one.localhost")), Kept::Begin, "and another begins");
    }
}
