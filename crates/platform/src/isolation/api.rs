//! Endpoint by which operators see the last proof of isolation.

use cloister_http::{Answer, Caller, Edge, Problem};
use cloister_ids::IsolationProofId;
use cloister_tenancy::{Action, Finding, Looked, Severity};
use jiff::Timestamp;
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{ISOLATION, store};
use crate::Service;

/// The routes of this folder.
pub(crate) fn routes() -> OpenApiRouter<Edge> {
    OpenApiRouter::new().routes(routes!(isolation_read))
}

/// What the prover found when it last walked through everything.
#[derive(Debug, Serialize, ToSchema)]
struct Isolation {
    /// `clean`, `warning` or `critical`, by the worst finding; `unknown` before the first proof.
    #[schema(example = "clean")]
    state: &'static str,
    /// Seconds since that proof began.
    age_seconds: Option<i64>,
    /// The proof.
    proof: Option<IsolationProof>,
}

/// A proof.
#[derive(Debug, Serialize, ToSchema)]
struct IsolationProof {
    /// Which one.
    id: IsolationProofId,
    /// When it began.
    at: Timestamp,
    /// How long it took, in milliseconds.
    took_ms: u64,
    /// Whether the rows themselves were looked at, and not the catalogs alone.
    rows: bool,
    /// How much was looked at.
    looked: Looked,
    /// Findings that open a wall.
    critical: i32,
    /// Findings that do not by themselves.
    warnings: i32,
    /// At most a thousand findings, the worst first.
    findings: Vec<Finding>,
}

/// See the proof of isolation
///
/// What the prover found when it last walked through every database: when a node started, on its hourly schedule, or by
/// `cloister doctor isolation`. For operators.
#[utoipa::path(
    get,
    path = "/platform/isolation",
    operation_id = "isolation_read",
    tag = "Platform isolation",
    responses((status = 200, description = "The last proof.", body = Isolation, example = json!(sample())))
)]
async fn isolation_read(service: Service, caller: Caller) -> Result<Answer<Isolation>, Problem> {
    caller.authorize_operator(Action::Read, &ISOLATION)?;
    let Some(kept) = store::latest(service.control()).await? else {
        return Ok(Answer(Isolation { state: "unknown", age_seconds: None, proof: None }));
    };
    let age = service.tenancy().clock().now().duration_since(kept.proof.at).as_secs().max(0);
    let state = match (kept.critical, kept.warnings) {
        (0, 0) => "clean",
        (0, _) => "warning",
        _ => "critical",
    };
    let proof = IsolationProof {
        id: kept.id,
        at: kept.proof.at,
        took_ms: kept.proof.took_ms,
        rows: kept.rows_too,
        looked: kept.proof.looked,
        critical: kept.critical,
        warnings: kept.warnings,
        findings: kept.proof.findings,
    };
    Ok(Answer(Isolation { state, age_seconds: Some(age), proof: Some(proof) }))
}

fn sample() -> Isolation {
    let at = Timestamp::from_second(1_790_000_000).unwrap_or_default();
    let finding = Finding {
        code: "row_security_off".to_owned(),
        severity: Severity::Critical,
        cluster: "main".to_owned(),
        database: "cloister_shared".to_owned(),
        object: "shared.person".to_owned(),
        detail: "row security is disabled".to_owned(),
        why: "the second wall is down: a statement that forgets the tenant reaches every tenant's rows".to_owned(),
        mend: "alter table shared.person enable row level security;".to_owned(),
    };
    let looked = Looked { clusters: 1, databases: 3, schemas: 7, tables: 91, placements: 4, statements: 212 };
    let id = IsolationProofId::from_uuid(cloister_ids::Uuid::from_u128(0x019b_8d24_4e80_7c3e_9d0a_5f2b_7c61_0044));
    let proof =
        IsolationProof { id, at, took_ms: 412, rows: false, looked, critical: 1, warnings: 0, findings: vec![finding] };
    Isolation { state: "critical", age_seconds: Some(95), proof: Some(proof) }
}
