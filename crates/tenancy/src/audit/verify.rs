//! Looks through a chain from its beginning to its end and names the first entry that is not as it was noted.

use std::{fmt, sync::Arc};

use cloister_ids::{AuditId, ClusterId, TenantId, Uuid};
use cloister_postgres::{Entry, Parameters, Row, Statement};
use jiff::{SignedDuration, Timestamp};
use serde::Serialize;

use super::{
    chain::{self, End, Head, Kept, Mac, PLATFORM},
    platform_store, store,
};
use crate::{Error, Result, Tenancy, control, ledger::PLUMBING_SCHEMA};

/// Entries read at once.
const PAGE: i64 = 1000;
/// An entry is sealed in the order of its time, give or take what one unit of work and two nodes' clocks may take. One dated
/// further back was put in later.
const SLACK: SignedDuration = SignedDuration::from_hours(1);

/// In what way a chain is broken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ChainFault {
    /// The entry or its seal is not what it was.
    Altered,
    /// The entry, or its place in the chain, is gone.
    Missing,
    /// The entry was put in beside the program.
    Inserted,
    /// The entry stands where another one stood.
    Reordered,
    /// The end of the chain is not where it was.
    Cut,
}

impl fmt::Display for ChainFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Altered => "altered",
            Self::Missing => "missing",
            Self::Inserted => "inserted",
            Self::Reordered => "reordered",
            Self::Cut => "cut",
        })
    }
}

/// The first place where a chain is broken.
#[derive(Debug, Clone, Serialize)]
pub struct ChainFinding {
    /// In what way.
    pub fault: ChainFault,
    /// The place in the chain; none for an entry outside of it.
    pub seq: Option<i64>,
    /// The entry, where there is one.
    pub audit_id: Option<AuditId>,
    /// In a sentence.
    pub message: String,
}

/// What was seen of a chain.
#[derive(Debug, Clone, Serialize)]
pub struct ChainReport {
    /// Whose log it is over; the platform's own without one.
    pub tenant: Option<TenantId>,
    /// Entries that were found as they were noted.
    pub sound: i64,
    /// Entries that wait for their seal. Until then nothing shows whether they were altered.
    pub waiting: i64,
    /// Since when the eldest of them waits.
    pub waiting_since: Option<Timestamp>,
    /// The seal of the last entry, as hexadecimal digits. Kept elsewhere, it shows later whether the whole log was exchanged.
    pub end: String,
    /// Where it is broken.
    pub finding: Option<ChainFinding>,
}

/// A log and where it lies.
enum Log {
    Tenant { tenant: Uuid, cluster: ClusterId, database: Arc<str> },
    Platform,
}

impl Log {
    fn chain(&self) -> Uuid {
        match self {
            Self::Tenant { tenant, .. } => *tenant,
            Self::Platform => PLATFORM,
        }
    }

    async fn run(
        &self,
        tenancy: &Tenancy,
        (within, platform): (&'static Statement, &'static Statement),
        with: &Parameters<'_>,
    ) -> Result<Vec<Row>> {
        match self {
            Self::Platform => Ok(tenancy.0.control.run(platform, with).await?),
            Self::Tenant { tenant, cluster, database } => {
                let bound: Vec<_> = std::iter::once(tenant as _).chain(with.iter().copied()).collect();
                let mut lease = tenancy.doors(*cluster)?.system.lease(database, Some(PLUMBING_SCHEMA)).await?;
                Ok(lease.run(Entry::plain(Some(PLUMBING_SCHEMA)), within, &bound).await?)
            }
        }
    }
}

impl Tenancy {
    /// Looks through the chain over a tenant's audit log. None where the tenant has no place for one, or none any more.
    pub async fn verify_audit(&self, tenant: TenantId) -> Result<Option<ChainReport>> {
        let rows = self.0.control.run(&control::store::PLACEMENT, &[&tenant]).await?;
        let Some(row) = rows.first() else { return Ok(None) };
        let log = Log::Tenant {
            tenant: tenant.uuid(),
            cluster: row.get("cluster_id"),
            database: row.get::<_, &str>("name").into(),
        };
        let report = self.look_through(&log).await;
        // A tenant may have gone while it was looked at.
        if self.0.control.run(&control::store::PLACEMENT, &[&tenant]).await?.is_empty() {
            return Ok(None);
        }
        Ok(Some(ChainReport { tenant: Some(tenant), ..report? }))
    }

    /// Looks through the chain over the platform's own audit log.
    pub async fn verify_platform_audit(&self) -> Result<ChainReport> {
        self.look_through(&Log::Platform).await
    }

    async fn look_through(&self, log: &Log) -> Result<ChainReport> {
        let chain = log.chain();
        // First what is known of the end: the chain grows meanwhile, and reaches at least that far.
        let head = self.heads(&[chain]).await?.remove(&chain);
        let mut walk = Walk { tenancy: self, log, end: End::beginning(), head: None, latest: Timestamp::MIN };
        if let Some(head) = &head
            && head.is_ours(self.sealer(), chain)?
        {
            walk.head = Some(head.end.clone());
        }
        let mut finding = walk.go().await?;
        if finding.is_none() {
            finding = self.look_at_end(log, head, &walk.end)?;
        }
        let none: &Parameters<'_> = &[];
        if finding.is_none() {
            let rows = log.run(self, (&store::INSERTED, &platform_store::INSERTED), none).await?;
            finding = rows.first().map(|row| ChainFinding {
                fault: ChainFault::Inserted,
                seq: None,
                audit_id: Some(row.get("id")),
                message: "This entry was put into the log by somebody else than the program.".to_owned(),
            });
        }
        let rows = log.run(self, (&store::WAITING, &platform_store::WAITING), none).await?;
        let waiting = rows.first().ok_or_else(|| Error::internal("no counts"))?;
        Ok(ChainReport {
            tenant: None,
            sound: walk.end.seq,
            waiting: waiting.get("entries"),
            waiting_since: waiting.get("since"),
            end: walk.end.hash.iter().map(|byte| format!("{byte:02x}")).collect(),
            finding,
        })
    }

    /// Whether the chain ends where the control plane says, or behind it.
    fn look_at_end(&self, log: &Log, head: Option<Head>, end: &End) -> Result<Option<ChainFinding>> {
        let finding = |fault, seq, message: &str| {
            Ok(Some(ChainFinding { fault, seq, audit_id: None, message: message.to_owned() }))
        };
        let Some(head) = head else {
            // The platform's own chain begins with its first entry.
            if matches!(log, Log::Platform) && end.seq == 0 {
                return Ok(None);
            }
            let message = "The control plane no longer knows where this chain ended: its end may have been cut off.";
            return finding(ChainFault::Cut, Some(end.seq), message);
        };
        if !head.is_ours(self.sealer(), log.chain())? {
            let message = "What the control plane knows of this chain's end was altered: it may have been cut off.";
            return finding(ChainFault::Cut, Some(head.end.seq), message);
        }
        if head.end.seq > end.seq {
            let message = format!("The chain went on to {} and ends before this one now.", head.end.seq);
            return finding(ChainFault::Cut, Some(end.seq + 1), &message);
        }
        Ok(None)
    }
}

/// On the way along a chain.
struct Walk<'a> {
    tenancy: &'a Tenancy,
    log: &'a Log,
    /// As far as it was found in order.
    end: End,
    /// What the control plane knows of the end.
    head: Option<End>,
    /// The latest time of an entry so far.
    latest: Timestamp,
}

impl Walk<'_> {
    async fn go(&mut self) -> Result<Option<ChainFinding>> {
        loop {
            let statements = (&store::CHAIN, &platform_store::CHAIN);
            let rows = self.log.run(self.tenancy, statements, &[&self.end.seq, &PAGE]).await?;
            for row in &rows {
                if let Some(finding) = self.step(row).await? {
                    return Ok(Some(finding));
                }
            }
            if i64::try_from(rows.len()).is_ok_and(|count| count < PAGE) {
                return Ok(None);
            }
        }
    }

    async fn step(&mut self, row: &Row) -> Result<Option<ChainFinding>> {
        let (seq, audit): (i64, AuditId) = (row.get("seq"), row.get("audit_id"));
        let wanted = self.end.seq + 1;
        let found = |fault, message: String| {
            Ok(Some(ChainFinding { fault, seq: Some(wanted), audit_id: Some(audit), message }))
        };
        if seq != wanted {
            let message = format!("The seals from here to {} were taken out of the chain.", seq - 1);
            let finding = ChainFinding { fault: ChainFault::Missing, seq: Some(wanted), audit_id: None, message };
            return Ok(Some(finding));
        }
        let sealer = self.tenancy.sealer();
        let (entry, hash): (&[u8], &[u8]) = (row.get("entry"), row.get("hash"));
        let kept = Kept::read(row);
        let Some(kept) = kept else {
            let early = entry == chain::absent(sealer, audit.uuid())?.as_slice();
            let when = if early { " before it was sealed" } else { "" };
            return found(ChainFault::Missing, format!("This entry was taken out of the log{when}."));
        };
        let (detail, is_whole) = self.detail(row, &kept)?;
        if !is_whole || kept.entry(sealer, detail.as_deref())?.as_slice() != entry {
            let own = kept.entry(sealer, kept.detail(sealer)?.as_ref().map(Mac::as_slice))?.to_vec();
            let with = (&store::PLACE_OF, &platform_store::PLACE_OF);
            let elsewhere = self.log.run(self.tenancy, with, &[&own]).await?;
            return match elsewhere.first() {
                Some(row) => {
                    let place: i64 = row.get("seq");
                    found(ChainFault::Reordered, format!("This entry was sealed at place {place} of the chain."))
                }
                None => found(ChainFault::Altered, "This entry, or its seal, is not what it was.".to_owned()),
            };
        }
        if chain::link(sealer, self.log.chain(), &self.end.hash, seq, entry)?.as_slice() != hash {
            let message = "This entry does not follow the one before it: one of them stood elsewhere.";
            return found(ChainFault::Reordered, message.to_owned());
        }
        if kept.at < self.latest.saturating_sub(SLACK).unwrap_or(Timestamp::MIN) {
            let message = "This entry is dated before others that were sealed earlier: it was put in later.";
            return found(ChainFault::Inserted, message.to_owned());
        }
        self.latest = self.latest.max(kept.at);
        self.end = End { seq, hash: hash.to_vec() };
        if self.head.as_ref().is_some_and(|head| head.seq == seq && head.hash != self.end.hash) {
            return found(ChainFault::Altered, "The control plane knows another seal of this entry.".to_owned());
        }
        Ok(None)
    }

    /// The seal of an entry's detail, and whether the detail is as it was. What the platform's log says of a tenant is
    /// forgotten with the tenant; the seal stays.
    fn detail(&self, row: &Row, kept: &Kept) -> Result<(Option<Vec<u8>>, bool)> {
        let now = kept.detail(self.tenancy.sealer())?.map(|mac| mac.to_vec());
        if matches!(self.log, Log::Tenant { .. }) {
            return Ok((now, true));
        }
        let then: Option<Vec<u8>> = row.get("detail");
        let is_forgotten = now.is_none() && row.get("forgotten");
        let is_whole = is_forgotten || then == now;
        Ok((then, is_whole))
    }
}
