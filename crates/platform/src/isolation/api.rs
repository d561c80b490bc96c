//! Endpoint by which operators see the last proof of isolation.

use cloister_http::{Answer, Caller, Edge, Problem, words};
use cloister_ids::IsolationProofId;
use cloister_tenancy::{Action, Finding, Looked, Proof, Severity};
use jiff::Timestamp;
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{ISOLATION, Made, store};
use crate::Service;

/// The routes of this folder.
pub(crate) fn routes() -> OpenApiRouter<Edge> {
    OpenApiRouter::new().routes(routes!(isolation_read))
}

words! {
    /// By the worst finding.
    pub enum IsolationState {
        /// Nothing was found.
        Clean = "clean",
        /// Something is not as it was made; no wall is open by it.
        Warning = "warning",
        /// A wall has a hole.
        Critical = "critical",
        /// There is no proof yet.
        Unknown = "unknown",
    }
}

/// What the prover found when it last walked through everything.
#[derive(Debug, Serialize, ToSchema)]
pub struct Isolation {
    /// By the worst finding; `unknown` before the first proof.
    pub state: IsolationState,
    /// Seconds since that proof began.
    pub age_seconds: Option<i64>,
    /// The proof.
    pub proof: Option<IsolationProof>,
}

/// A proof.
#[derive(Debug, Serialize, ToSchema)]
pub struct IsolationProof {
    /// Which one.
    pub id: IsolationProofId,
    /// When it began.
    pub at: Timestamp,
    /// How long it took, in milliseconds.
    pub took_ms: u64,
    /// Whether the rows themselves were looked at, and not the catalogs alone.
    pub rows: bool,
    /// How much was looked at.
    pub looked: Looked,
    /// Findings that open a wall.
    pub critical: i32,
    /// Findings that do not by themselves.
    pub warnings: i32,
    /// At most a thousand findings of a kept proof, the worst first.
    pub findings: Vec<Finding>,
}

impl Default for Isolation {
    fn default() -> Self {
        Self { state: IsolationState::Unknown, age_seconds: None, proof: None }
    }
}

impl Isolation {
    /// A proof as it is shown right after it was made.
    pub fn new(made: Made, now: Timestamp) -> Self {
        let counts = store::counts(&made.proof);
        Self::of((made, counts), now)
    }

    pub(super) fn of((made, [critical, warnings]): (Made, [i32; 2]), now: Timestamp) -> Self {
        let state = match (critical, warnings) {
            (0, 0) => IsolationState::Clean,
            (0, _) => IsolationState::Warning,
            _ => IsolationState::Critical,
        };
        let Made { id, proof: Proof { at, took_ms, looked, findings }, rows } = made;
        let age_seconds = Some(now.duration_since(at).as_secs().max(0));
        Self {
            state,
            age_seconds,
            proof: Some(IsolationProof { id, at, took_ms, rows, looked, critical, warnings, findings }),
        }
    }
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
    Ok(Answer(super::latest(&service).await?))
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
    Isolation { state: IsolationState::Critical, age_seconds: Some(95), proof: Some(proof) }
}
