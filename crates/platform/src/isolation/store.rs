//! All SQL about proofs of isolation.

use cloister_tenancy::{ControlPlane, Finding, Looked, Proof, Result, Severity, sql::statements};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, from_value, json};

use super::Made;

/// Findings that are kept of one proof: whoever has more has the same hole everywhere.
const KEPT: usize = 1000;
/// How long a proof is kept.
const AGE: SignedDuration = SignedDuration::from_hours(90 * 24);

statements! {
    /// Keeps a proof, and forgets old ones.
    INSERT = "with old as (delete from isolation_proof where at < $9)
        insert into isolation_proof (id, at, took_ms, rows_too, critical, warnings, looked, findings)
        values ($1, $2, $3, $4, $5, $6, $7, $8)";
    /// The newest.
    LATEST = "select id, at, took_ms, rows_too, critical, warnings, looked, findings from isolation_proof
        order by at desc limit 1";
    /// What the gauges show of it.
    TALLY = "select at, critical, warnings from isolation_proof order by at desc limit 1";
}

/// How many findings the newest proof has.
#[derive(Debug, Clone, Copy)]
pub(super) struct Tally {
    pub(super) at: Timestamp,
    pub(super) critical: i32,
    pub(super) warnings: i32,
}

/// Critical findings and warnings.
pub(super) fn counts(proof: &Proof) -> [i32; 2] {
    [Severity::Critical, Severity::Warning].map(|severity| {
        let found = proof.findings.iter().filter(|finding| finding.severity == severity).count();
        i32::try_from(found).unwrap_or(i32::MAX)
    })
}

pub(super) async fn insert(control: &ControlPlane, made: &Made, now: Timestamp) -> Result<()> {
    let Made { id, proof, rows } = made;
    let took = i64::try_from(proof.took_ms).unwrap_or(i64::MAX);
    let [critical, warnings] = counts(proof);
    let kept: Vec<&Finding> = proof.findings.iter().take(KEPT).collect();
    let (looked, findings) = (json!(proof.looked), json!(kept));
    let with: &cloister_tenancy::sql::Parameters<'_> =
        &[id, &proof.at, &took, rows, &critical, &warnings, &looked, &findings, &(now - AGE)];
    control.run(&INSERT, with).await.map(drop)
}

pub(super) async fn tally(control: &ControlPlane) -> Result<Option<Tally>> {
    let rows = control.run(&TALLY, &[]).await?;
    Ok(rows.first().map(|row| Tally {
        at: row.get("at"),
        critical: row.get("critical"),
        warnings: row.get("warnings"),
    }))
}

/// The newest, with how many findings it had before they were cut to what is kept.
pub(super) async fn latest(control: &ControlPlane) -> Result<Option<(Made, [i32; 2])>> {
    let rows = control.run(&LATEST, &[]).await?;
    Ok(rows.first().map(|row| {
        let (looked, findings): (Value, Value) = (row.get("looked"), row.get("findings"));
        let proof = Proof {
            at: row.get("at"),
            took_ms: u64::try_from(row.get::<_, i64>("took_ms")).unwrap_or(0),
            looked: from_value::<Looked>(looked).unwrap_or_default(),
            findings: from_value::<Vec<Finding>>(findings).unwrap_or_default(),
        };
        let made = Made { id: row.get("id"), proof, rows: row.get("rows_too") };
        (made, [row.get("critical"), row.get("warnings")])
    }))
}
