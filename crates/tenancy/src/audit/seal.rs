//! Seals what was noted: one batch after the other, by one sealer at a time in each database.
//!
//! Three commits, in an order that lets a sealer be killed between any two: the seals, then where the chain ends now, then
//! the marks. An entry whose mark is still there is looked at again; sealed already, it only brings the end up to date.

use std::{collections::HashMap, sync::Arc};

use cloister_ids::{ClusterId, Uuid};
use cloister_postgres::{Row, Transaction};

use super::{
    chain::{self, Beginning, End, Head, Kept, Mac, PLATFORM},
    platform_store, store,
};
use crate::{AuditSealer, Result, Tenancy, failpoint, ledger::PLUMBING_SCHEMA};

/// Entries sealed in one transaction.
const BATCH: i64 = 500;

/// An entry that waits, or had its mark left behind by a sealer that was killed.
struct Marked {
    chain: Uuid,
    audit: Uuid,
    /// None when it was taken out before it was sealed.
    kept: Option<Kept>,
    is_sealed: bool,
}

impl Marked {
    fn read(row: &Row, chain: Uuid) -> Self {
        let is_sealed = row.get::<_, Option<i64>>("seq").is_some();
        Self { chain, audit: row.get("audit_id"), kept: Kept::read(row), is_sealed }
    }
}

/// What is added to chains, column by column.
#[derive(Default)]
struct Added {
    chains: Vec<Uuid>,
    seqs: Vec<i64>,
    audits: Vec<Uuid>,
    details: Vec<Option<Vec<u8>>>,
    entries: Vec<Vec<u8>>,
    hashes: Vec<Vec<u8>>,
}

/// The ends that the control plane is told, column by column.
#[derive(Default)]
struct Ends {
    chains: Vec<Uuid>,
    seqs: Vec<i64>,
    hashes: Vec<Vec<u8>>,
    macs: Vec<Vec<u8>>,
}

/// Continues the chains of `marked`, each from its end.
fn extend(
    sealer: &dyn AuditSealer,
    marked: &[Marked],
    heads: &HashMap<Uuid, Head>,
    mut ends: HashMap<Uuid, End>,
) -> Result<(Added, Ends)> {
    let mut known: HashMap<Uuid, bool> = HashMap::new();
    let mut added = Added::default();
    for Marked { chain, audit, kept, is_sealed } in marked {
        let end = ends.entry(*chain).or_insert_with(End::beginning);
        if !known.contains_key(chain) {
            known.insert(*chain, continue_from(sealer, *chain, heads.get(chain), end)?);
        }
        if *is_sealed {
            continue;
        }
        let detail = kept.as_ref().map(|kept| kept.detail(sealer)).transpose()?.flatten();
        let entry: Mac = match kept {
            Some(kept) => kept.entry(sealer, detail.as_ref().map(Mac::as_slice))?,
            None => chain::absent(sealer, *audit)?,
        };
        let seq = end.seq + 1;
        let hash = chain::link(sealer, *chain, &end.hash, seq, &entry)?;
        *end = End { seq, hash: hash.to_vec() };
        added.chains.push(*chain);
        added.seqs.push(seq);
        added.audits.push(*audit);
        added.details.push(detail.map(|mac| mac.to_vec()));
        added.entries.push(entry.to_vec());
        added.hashes.push(hash.to_vec());
    }
    let mut now = Ends::default();
    // An end that is not ours stays as it was found: it is what shows that somebody was at it.
    for (chain, end) in ends.into_iter().filter(|(chain, _)| known.get(chain) == Some(&true)) {
        now.macs.push(end.mac(sealer, chain)?.to_vec());
        now.chains.push(chain);
        now.seqs.push(end.seq);
        now.hashes.push(end.hash);
    }
    Ok((added, now))
}

/// Where a chain goes on, by its own end and by what the control plane knows of it; false when that cannot be believed.
fn continue_from(sealer: &dyn AuditSealer, chain: Uuid, head: Option<&Head>, end: &mut End) -> Result<bool> {
    let Some(head) = head else {
        tell_broken(chain, "the control plane has lost its end");
        return Ok(false);
    };
    if !head.is_ours(sealer, chain)? {
        tell_broken(chain, "the end known to the control plane was altered");
        return Ok(false);
    }
    if head.end.seq > end.seq {
        // It goes on behind the gap, which stays for whoever looks: closing it would hide what was cut off.
        tell_broken(chain, "its end was cut off");
        *end = head.end.clone();
    }
    Ok(true)
}

fn tell_broken(chain: Uuid, what: &str) {
    metrics::counter!("cloister_audit_chains_broken_total").increment(1);
    tracing::error!(%chain, what, "the chain over an audit log is broken: run `cloister audit verify`");
}

impl Tenancy {
    pub(crate) fn sealer(&self) -> &dyn AuditSealer {
        &*self.0.sealer
    }

    /// Seals what waits in one database; answers how many entries.
    pub(crate) async fn seal(&self, cluster: ClusterId, database: &Arc<str>) -> Result<usize> {
        let system = &self.doors(cluster)?.system;
        let mut sealed = 0;
        loop {
            let lease = system.lease(database, Some(PLUMBING_SCHEMA)).await?;
            let mut there = Transaction::new(lease, Some(PLUMBING_SCHEMA.into()), None);
            let rows = there.query_all(&[(&store::SEAL_ALONE, &[]), (&store::UNSEALED, &[&BATCH])]).await?;
            let [alone, rows] = rows.as_slice() else { return Ok(sealed) };
            if rows.is_empty() || !alone.first().is_some_and(|row| row.get("taken")) {
                there.rollback().await?;
                return Ok(sealed);
            }
            let marked: Vec<Marked> = rows.iter().map(|row| Marked::read(row, row.get("tenant_id"))).collect();
            let mut chains: Vec<Uuid> = marked.iter().map(|marked| marked.chain).collect();
            chains.sort_unstable();
            chains.dedup();
            let heads = self.heads(&chains).await?;
            let ends = there.query(&store::ENDS, &[&chains]).await?;
            let ends = ends.iter().map(|row| (row.get("chain"), End { seq: row.get("seq"), hash: row.get("hash") }));
            let (added, now) = extend(self.sealer(), &marked, &heads, ends.collect())?;
            let Added { chains, seqs, audits, entries, hashes, .. } = &added;
            there.commit(&[(&store::SEAL, &[chains, seqs, audits, entries, hashes])]).await?;
            failpoint::reach("seal/sealed");
            self.follow_ends(&now).await?;
            failpoint::reach("seal/followed");
            let (tenants, audits): (Vec<Uuid>, Vec<Uuid>) =
                marked.iter().map(|marked| (marked.chain, marked.audit)).unzip();
            let lease = system.lease(database, Some(PLUMBING_SCHEMA)).await?;
            let there = Transaction::new(lease, Some(PLUMBING_SCHEMA.into()), None);
            there.commit(&[(&store::SEALED, &[&tenants, &audits])]).await?;
            sealed += self.tell_sealed(&marked, added.seqs.len());
            if i64::try_from(rows.len()).is_ok_and(|count| count < BATCH) {
                return Ok(sealed);
            }
        }
    }

    /// Seals what waits in the platform's own log; answers how many entries.
    pub(crate) async fn seal_platform(&self) -> Result<usize> {
        let control = &self.0.control;
        let mut sealed = 0;
        loop {
            let mut tx = control.begin().await?;
            let rows = tx
                .query_all(&[
                    (&platform_store::SEAL_ALONE, &[]),
                    (&platform_store::UNSEALED, &[&BATCH]),
                    (&platform_store::HEADS, &[&vec![PLATFORM]]),
                    (&platform_store::END, &[]),
                ])
                .await?;
            let [alone, rows, heads, end] = rows.as_slice() else { return Ok(sealed) };
            if rows.is_empty() || !alone.first().is_some_and(|row| row.get("taken")) {
                return Ok(sealed);
            }
            let marked: Vec<Marked> = rows.iter().map(|row| Marked::read(row, PLATFORM)).collect();
            let mut heads: HashMap<Uuid, Head> = heads.iter().map(|row| (row.get("chain"), Head::read(row))).collect();
            let end = end.first().map_or_else(End::beginning, |row| End { seq: row.get("seq"), hash: row.get("hash") });
            if heads.is_empty() && end.seq == 0 {
                // The first of all: its end is known from here on, like that of a tenant from its making.
                heads.insert(PLATFORM, self.begin_chain(PLATFORM).await?);
            }
            let (added, now) = extend(self.sealer(), &marked, &heads, HashMap::from([(PLATFORM, end)]))?;
            let Added { seqs, audits, details, entries, hashes, .. } = &added;
            tx.commit(&[(&platform_store::SEAL, &[seqs, audits, details, entries, hashes])]).await?;
            self.follow_ends(&now).await?;
            let audits: Vec<Uuid> = marked.iter().map(|marked| marked.audit).collect();
            control.run(&platform_store::SEALED, &[&audits]).await?;
            sealed += self.tell_sealed(&marked, added.seqs.len());
            if i64::try_from(rows.len()).is_ok_and(|count| count < BATCH) {
                return Ok(sealed);
            }
        }
    }

    fn tell_sealed(&self, marked: &[Marked], count: usize) -> usize {
        metrics::counter!("cloister_audit_sealed_total").increment(count as u64);
        if let Some(kept) = marked.iter().find_map(|marked| marked.kept.as_ref()) {
            let lag = self.0.clock.now().duration_since(kept.at).as_secs_f64();
            metrics::histogram!("cloister_audit_seal_lag_seconds").record(lag.max(0.0));
        }
        count
    }

    pub(super) async fn heads(&self, chains: &[Uuid]) -> Result<HashMap<Uuid, Head>> {
        let rows = self.0.control.run(&platform_store::HEADS, &[&chains]).await?;
        Ok(rows.iter().map(|row| (row.get("chain"), Head::read(row))).collect())
    }

    async fn begin_chain(&self, chain: Uuid) -> Result<Head> {
        let beginning = Beginning::of(chain, self.sealer(), self.0.clock.now())?;
        self.0.control.run(&platform_store::BEGIN, &beginning.parameters()).await?;
        let mut heads = self.heads(&[chain]).await?;
        heads.remove(&chain).ok_or_else(|| crate::Error::internal("the beginning of a chain was not kept"))
    }

    async fn follow_ends(&self, ends: &Ends) -> Result<()> {
        let Ends { chains, seqs, hashes, macs } = ends;
        let at = self.0.clock.now();
        self.0.control.run(&platform_store::FOLLOW, &[chains, seqs, hashes, macs, &at]).await?;
        Ok(())
    }

    /// Seals everything that waits, here and now: what the background work does by and by.
    pub async fn seal_audit(&self) -> Result<usize> {
        let mut sealed = self.seal_platform().await?;
        for cluster in self.0.clusters.keys() {
            for row in self.0.control.run(&crate::jobs::store::DATABASES, &[cluster]).await? {
                sealed += self.seal(*cluster, &row.get::<_, &str>("name").into()).await?;
            }
        }
        Ok(sealed)
    }
}
