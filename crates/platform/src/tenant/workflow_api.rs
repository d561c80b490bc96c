//! Endpoint by which operators watch what they asked for.

use cloister_http::{Answer, Caller, Edge, Path, Problem};
use cloister_ids::{TenantId, Uuid, WorkflowId};
use cloister_tenancy::{
    Action,
    lifecycle::{State, WorkflowView},
};
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{TENANT, administer_api::sample_id};
use crate::Service;

pub(super) fn routes() -> OpenApiRouter<Edge> {
    OpenApiRouter::new().routes(routes!(workflow_read))
}

/// Something that is done to a tenant, step by step.
#[derive(Debug, Serialize, ToSchema)]
struct Workflow {
    /// Which one.
    id: WorkflowId,
    /// The tenant.
    tenant_id: TenantId,
    /// What is done: `provision`, `suspend`, `resume`, `delete` or `purge`.
    #[schema(example = "provision")]
    kind: &'static str,
    /// `running`, `undoing`, `failed` (it waits for an operator), `done` or `undone`.
    #[schema(example = "running")]
    state: &'static str,
    /// Its steps, in order.
    steps: Vec<WorkflowStep>,
    /// Tries of the present step that failed.
    attempts: u32,
    /// Why the last one failed.
    error: Option<String>,
    /// Seconds until it is tried again.
    retry_in: u64,
}

/// A step.
#[derive(Debug, Serialize, ToSchema)]
struct WorkflowStep {
    /// Its name.
    #[schema(example = "database")]
    name: &'static str,
    /// It is behind.
    is_done: bool,
}

impl From<WorkflowView> for Workflow {
    fn from(view: WorkflowView) -> Self {
        let names = view.kind.step_names();
        let is_ended = matches!(view.state, State::Done | State::Undone);
        Self {
            id: view.id,
            tenant_id: view.tenant,
            kind: view.kind.word(),
            state: view.state.word(),
            steps: names.enumerate().map(|(at, name)| WorkflowStep { name, is_done: at < view.step }).collect(),
            attempts: view.attempts,
            retry_in: if is_ended { 0 } else { view.wait.as_secs() },
            error: view.error,
        }
    }
}

/// Watch a workflow
///
/// How far it is with what an operator asked for. Of a tenant that was removed only the removal is left.
#[utoipa::path(
    get,
    path = "/platform/workflows/{id}",
    operation_id = "workflow_read",
    tag = "Platform tenants",
    params(("id" = WorkflowId, Path, description = "Which one.")),
    responses((status = 200, description = "The workflow.", body = Workflow, example = json!(sample())))
)]
async fn workflow_read(
    service: Service,
    caller: Caller,
    Path(id): Path<WorkflowId>,
) -> Result<Answer<Workflow>, Problem> {
    caller.authorize_operator(Action::Read, &TENANT)?;
    Ok(Answer(service.tenancy().workflow(id).await?.into()))
}

fn sample() -> Workflow {
    let step = |name, is_done| WorkflowStep { name, is_done };
    Workflow {
        id: WorkflowId::from_uuid(Uuid::from_u128(0x019b_8d24_4e80_7c3e_9d0a_5f2b_7c61_e4b0)),
        tenant_id: sample_id(),
        kind: "suspend",
        state: "running",
        steps: vec![step("announce", true), step("close", false), step("publish", false)],
        attempts: 0,
        error: None,
        retry_in: 0,
    }
}
