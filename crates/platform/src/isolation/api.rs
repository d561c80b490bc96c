//! Endpoint by which operators see the last proof of isolation.

use cloister_http::{Answer, Caller, Edge, Problem, words};
use cloister_ids::IsolationProofId;
use cloister_tenancy::{Action, Finding, Looked, Proof, Severity};
use jiff::{SignedDuration, Timestamp};
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{ISOLATION, Made, store};
use crate::Service;

/// The routes of this folder.
pub(crate) fn routes() -> OpenApiRouter<Edge> {
    OpenApiRouter::new().routes(routes!(isolation_read))
}

/// It is looked every hour: what is as old as this has missed some.
const STALE: SignedDuration = SignedDuration::from_hours(3);

words! {
    /// By the worst finding.
    pub enum IsolationState {
        /// Nothing was found.
        Clean = "clean",
        /// Something is not as it was made; no wall is open by it.
        Warning = "warning",
        /// A wall has a hole.
        Critical = "critical",
        /// Nothing was found, and that is more than three hours ago: no node looks any more.
        Stale = "stale",
        /// There is no proof yet.
        Unknown = "unknown",
    }
}

/// What the prover found when it last walked through everything.
#[derive(Debug, Serialize, ToSchema)]
pub struct Isolation {
    /// By the worst finding; `unknown` before the first proof, `stale` when none was made for three hours.
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
        let age = now.duration_since(made.proof.at);
        let state = match (critical, warnings) {
            (0, 0) if age > STALE => IsolationState::Stale,
            (0, 0) => IsolationState::Clean,
            (0, _) => IsolationState::Warning,
            _ => IsolationState::Critical,
        };
        let Made { id, proof: Proof { at, took_ms, looked, findings }, rows } = made;
        let age_seconds = Some(age.as_secs().max(0));
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

#[cfg(test)]
mod tests {
    use cloister_ids::{IsolationProofId, Uuid};
    use cloister_tenancy::{Looked, Proof};
    use jiff::{SignedDuration, Timestamp};

    use super::{Isolation, IsolationState, Made, STALE};

    #[test]
    fn a_clean_proof_grows_stale_and_a_hole_stays_one() {
        let at = Timestamp::UNIX_EPOCH;
        let state = |counts, age: SignedDuration| {
            let proof = Proof { at, took_ms: 1, looked: Looked::default(), findings: Vec::new() };
            let made = Made { id: IsolationProofId::from_uuid(Uuid::nil()), proof, rows: false };
            Isolation::of((made, counts), at + age).state
        };
        let later = STALE + SignedDuration::from_secs(1);
        assert_eq!(state([0, 0], STALE), IsolationState::Clean);
        assert_eq!(state([0, 0], later), IsolationState::Stale);
        assert_eq!(state([0, 2], later), IsolationState::Warning);
        assert_eq!(state([1, 2], later), IsolationState::Critical);
    }
}
