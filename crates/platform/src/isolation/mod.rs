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

use crate::{MODULE, Service, service::Slot, upkeep::Upkeep};

pub(crate) const STATEMENTS: &[&Statement] = store::STATEMENTS;
/// What the prover found.
pub(crate) const ISOLATION: Resource = Resource { module: MODULE, name: "isolation" };

/// Once an hour.
pub(crate) const UPKEEP: Upkeep =
    Upkeep { kind: "platform.isolation", when: "41 * * * *", timeout: Duration::from_mins(30) };

pub(crate) fn jobs(slot: &Slot) -> Vec<JobKind> {
    vec![UPKEEP.job(slot, prove_again)]
}

async fn prove_again(service: Service) -> Result<()> {
    prove(&service, Depth::Catalog, &()).await.map(drop)
}

/// Walks through everything, keeps what was found, and tells the log and the metrics.
pub async fn prove(service: &Service, depth: Depth, progress: &FleetProgress) -> Result<Proof> {
    let proof = service.tenancy().prove(depth, progress).await?;
    for (severity, name) in [(Severity::Critical, "critical"), (Severity::Warning, "warning")] {
        let of_kind: Vec<&Finding> = proof.findings.iter().filter(|finding| finding.severity == severity).collect();
        metrics::gauge!("cloister_isolation_findings", "severity" => name).set(of_kind.len() as f64);
        for Finding { code, cluster, database, object, detail, .. } in of_kind.into_iter().take(20) {
            tracing::error!(code, severity = name, cluster, database, object, detail, "a wall has a hole");
        }
    }
    let clock = service.tenancy().clock();
    let id = IsolationProofId::generate(&**clock);
    store::insert(service.control(), id, &proof, depth == Depth::Rows, clock.now()).await?;
    Ok(proof)
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
