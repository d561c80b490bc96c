//! Proofs of isolation: made when a node starts and once an hour, kept, and shown to operators.

mod api;
mod store;

use std::time::Duration;

use cloister_ids::IsolationProofId;
use cloister_tenancy::{
    Depth, Finding, FleetProgress, PlatformRecord, Proof, Requester, Resource, Result, Severity, jobs::JobKind,
    sql::Statement,
};
use serde_json::json;

pub(crate) use api::routes;
pub use api::{Isolation, IsolationProof, IsolationState};

use crate::{MODULE, Service, service::Slot, upkeep::Upkeep};

pub(crate) const STATEMENTS: &[&Statement] = store::STATEMENTS;
/// What the prover found.
pub(crate) const ISOLATION: Resource = Resource { module: MODULE, name: "isolation" };
/// Findings of each severity that a log is told by name.
const LOGGED: usize = 20;

/// Once an hour.
pub(crate) const UPKEEP: Upkeep =
    Upkeep { kind: "platform.isolation", when: "41 * * * *", timeout: Duration::from_mins(30) };

pub(crate) fn jobs(slot: &Slot) -> Vec<JobKind> {
    vec![UPKEEP.job(slot, prove_again)]
}

async fn prove_again(service: Service) -> Result<()> {
    let made = prove(&service, Depth::Catalog, &()).await?;
    tell(&made.proof);
    keep(&service, &made).await
}

/// A proof by its name.
#[derive(Debug, Clone)]
pub struct Made {
    /// Which one.
    pub id: IsolationProofId,
    /// What was found.
    pub proof: Proof,
    /// Whether the rows themselves were looked at.
    pub rows: bool,
}

/// Walks through everything. Changes nothing.
pub async fn prove(service: &Service, depth: Depth, progress: &FleetProgress) -> Result<Made> {
    let proof = service.tenancy().prove(depth, progress).await?;
    let id = IsolationProofId::generate(&**service.tenancy().clock());
    Ok(Made { id, proof, rows: depth == Depth::Rows })
}

/// Keeps a proof for operators to see.
pub async fn keep(service: &Service, made: &Made) -> Result<()> {
    store::insert(service.control(), made, service.tenancy().clock().now()).await
}

/// The last proof that was kept, and its age.
pub async fn latest(service: &Service) -> Result<Isolation> {
    let kept = store::latest(service.control()).await?;
    Ok(kept.map_or_else(Isolation::default, |kept| Isolation::of(kept, service.tenancy().clock().now())))
}

/// Sets the gauges by the last proof, whichever node made it.
pub async fn gauge(service: &Service) -> Result<()> {
    let Some(tally) = store::tally(service.control()).await? else { return Ok(()) };
    for (severity, count) in [(Severity::Critical, tally.critical), (Severity::Warning, tally.warnings)] {
        metrics::gauge!("cloister_isolation_findings", "severity" => severity.name()).set(f64::from(count));
    }
    let age = service.tenancy().clock().now().duration_since(tally.at);
    metrics::gauge!("cloister_isolation_age_seconds").set(age.as_secs_f64().max(0.0));
    Ok(())
}

/// Tells the log: the holes as errors, the rest as warnings.
pub fn tell(proof: &Proof) {
    let of = |severity| proof.findings.iter().filter(move |finding| finding.severity == severity);
    for Finding { code, cluster, database, object, detail, .. } in of(Severity::Critical).take(LOGGED) {
        tracing::error!(code, cluster, database, object, detail, "a wall has a hole");
    }
    for Finding { code, cluster, database, object, detail, .. } in of(Severity::Warning).take(LOGGED) {
        tracing::warn!(
            code,
            cluster,
            database,
            object,
            detail,
            "something is not as it was made; no wall is open by it"
        );
    }
    let (critical, warnings) = (of(Severity::Critical).count(), of(Severity::Warning).count());
    let more = critical.saturating_sub(LOGGED) + warnings.saturating_sub(LOGGED);
    if more > 0 {
        tracing::warn!(critical, warnings, "and {more} more; `cloister doctor isolation` tells them all");
    }
}

/// Notes that a node serves although there are holes, who wanted it, and why.
pub async fn serve_despite(service: &Service, by: impl Into<Requester>, reason: &str, proof: &Proof) -> Result<()> {
    let holes: Vec<_> = proof.critical().take(50).map(|f| json!({ "code": f.code, "object": f.object })).collect();
    let record = PlatformRecord::new(by, "isolation.override", ISOLATION)
        .because(Some(reason))
        .changing(json!({ "critical": proof.critical().count(), "holes": holes }));
    let mut tx = service.control().begin().await?;
    tx.audit(record);
    tx.commit().await
}
