//! All SQL about proofs of isolation.

use cloister_ids::IsolationProofId;
use cloister_tenancy::{ControlPlane, Finding, Looked, Proof, Result, Severity, sql::statements};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, from_value, json};

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
}

/// A proof that was kept.
#[derive(Debug, Clone)]
pub(crate) struct Kept {
    pub(crate) id: IsolationProofId,
    pub(crate) proof: Proof,
    pub(crate) rows_too: bool,
    pub(crate) critical: i32,
    pub(crate) warnings: i32,
}

pub(super) async fn insert(
    control: &ControlPlane,
    id: IsolationProofId,
    proof: &Proof,
    rows_too: bool,
    now: Timestamp,
) -> Result<()> {
    let count = |severity| {
        let found = proof.findings.iter().filter(|finding| finding.severity == severity).count();
        i32::try_from(found).unwrap_or(i32::MAX)
    };
    let took = i64::try_from(proof.took_ms).unwrap_or(i64::MAX);
    let (critical, warnings) = (count(Severity::Critical), count(Severity::Warning));
    let kept: Vec<&Finding> = proof.findings.iter().take(KEPT).collect();
    let (looked, findings) = (json!(proof.looked), json!(kept));
    let with: &cloister_tenancy::sql::Parameters<'_> =
        &[&id, &proof.at, &took, &rows_too, &critical, &warnings, &looked, &findings, &(now - AGE)];
    control.run(&INSERT, with).await.map(drop)
}

pub(super) async fn latest(control: &ControlPlane) -> Result<Option<Kept>> {
    let rows = control.run(&LATEST, &[]).await?;
    Ok(rows.first().map(|row| {
        let (looked, findings): (Value, Value) = (row.get("looked"), row.get("findings"));
        Kept {
            id: row.get("id"),
            proof: Proof {
                at: row.get("at"),
                took_ms: u64::try_from(row.get::<_, i64>("took_ms")).unwrap_or(0),
                looked: from_value::<Looked>(looked).unwrap_or_default(),
                findings: from_value::<Vec<Finding>>(findings).unwrap_or_default(),
            },
            rows_too: row.get("rows_too"),
            critical: row.get("critical"),
            warnings: row.get("warnings"),
        }
    }))
}
