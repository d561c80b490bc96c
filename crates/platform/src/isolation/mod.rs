//! Proofs of isolation: made when a node starts and once an hour, kept, and shown to operators.

mod api;
mod store;

use std::time::Duration;

use cloister_ids::IsolationProofId;
use cloister_tenancy::{
    Depth, Finding, FleetProgress, PlatformRecord, Proof, Requester, Resource, Result, Severity,
    jobs::{CronEntry, JobContext, JobKind, Priority},
    sql::Statement,
};
use serde_json::json;

pub(crate) use api::routes;

use crate::{
    MODULE, Service,
    service::{Slot, opened},
};

pub(crate) const STATEMENTS: &[&Statement] = store::STATEMENTS;
/// What the prover found.
pub(crate) const ISOLATION: Resource = Resource { module: MODULE, name: "isolation" };

const KIND: &str = "platform.isolation";

pub(crate) fn jobs(slot: &Slot) -> Vec<JobKind> {
    let slot = slot.clone();
    let kind = JobKind::new(KIND, move |_: JobContext| {
        let slot = slot.clone();
        async move { prove(&opened(&slot)?, Depth::Catalog, &()).await.map(drop) }
    });
    vec![kind.attempts(3).timeout(Duration::from_mins(30)).priority(Priority::Low)]
}

/// Puts the proof on the schedule: once an hour. Doing so again changes nothing.
pub async fn schedule(service: &Service) -> Result<()> {
    let entry = CronEntry {
        name: KIND.to_owned(),
        tenant: None,
        kind: KIND.to_owned(),
        payload: json!({}),
        schedule: "41 * * * *".to_owned(),
        time_zone: "UTC".to_owned(),
        enabled: true,
    };
    service.tenancy().schedule(&entry).await
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
