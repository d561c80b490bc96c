//! Endpoints about the parts of a person: roles, and who acts for whom. Their version is the person's.

use cloister_http::{Edge, IfMatch, Json, Op, Path, Problem, Tagged};
use cloister_ids::PersonId;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    PersonFields, Relations, role,
    summary::{PersonAgents, PersonRoles, WantedAgents, WantedRoles, relation_sample},
};

/// The routes of these parts.
pub(crate) fn routes() -> OpenApiRouter<Edge> {
    OpenApiRouter::new()
        .routes(routes!(person_roles_read, person_roles_replace))
        .routes(routes!(person_agents_read, person_agents_replace))
}

/// Read the roles of a person
#[utoipa::path(
    get,
    path = "/persons/{id}/roles",
    operation_id = "person_roles_read",
    tag = "School",
    params(("id" = PersonId, Path, description = "Which person.")),
    responses((status = 200, description = "Their roles that count.", body = PersonRoles,
        headers(("ETag" = String, description = "The person's version.")),
        example = json!({ "version": 1, "roles": [role::sample()] })))
)]
async fn person_roles_read(op: Op, Path(id): Path<PersonId>) -> Result<Tagged<PersonRoles>, Problem> {
    let person = super::read(&op.tenancy, &op.cx, id).await?;
    Ok(Tagged(PersonRoles { version: person.record.version, roles: person.fields.roles }))
}

/// Replace the roles of a person
///
/// Roles with an `id` stay, others are new, and those not named are deleted.
#[utoipa::path(
    put,
    path = "/persons/{id}/roles",
    operation_id = "person_roles_replace",
    tag = "School",
    params(("id" = PersonId, Path, description = "Which person."),
        ("If-Match" = String, Header, description = "The ETag of the person.", example = "\"v1\"")),
    request_body(content = WantedRoles, example = json!({ "roles": [role::sample()] })),
    responses((status = 200, description = "Their roles as they are now.", body = PersonRoles,
        headers(("ETag" = String, description = "The person's version.")),
        example = json!({ "version": 2, "roles": [role::sample()] })))
)]
async fn person_roles_replace(
    op: Op,
    Path(id): Path<PersonId>,
    known: IfMatch,
    Json(wanted): Json<WantedRoles>,
) -> Result<Tagged<PersonRoles>, Problem> {
    let to = |before: &PersonFields| Ok(PersonFields { roles: wanted.roles, ..before.clone() });
    let person = super::change(&op.tenancy, &op.cx, id, &known, &[], to).await?;
    Ok(Tagged(PersonRoles { version: person.record.version, roles: person.fields.roles }))
}

/// Read whom a person is related to
///
/// Both ways: who acts for them (parents, guardians, other relations), and for whom they act.
#[utoipa::path(
    get,
    path = "/persons/{id}/agents",
    operation_id = "person_agents_read",
    tag = "School",
    params(("id" = PersonId, Path, description = "Which person.")),
    responses((status = 200, description = "Their relations.", body = Relations,
        headers(("ETag" = String, description = "The person's version.")),
        example = json!({ "version": 1, "agents": [relation_sample()], "agent_of": [] })))
)]
async fn person_agents_read(op: Op, Path(id): Path<PersonId>) -> Result<Tagged<Relations>, Problem> {
    Ok(Tagged(super::relations(&op.tenancy, &op.cx, id).await?))
}

/// Replace who acts for a person
#[utoipa::path(
    put,
    path = "/persons/{id}/agents",
    operation_id = "person_agents_replace",
    tag = "School",
    params(("id" = PersonId, Path, description = "Which person."),
        ("If-Match" = String, Header, description = "The ETag of the person.", example = "\"v1\"")),
    request_body(content = WantedAgents, example = json!({ "agent_ids": [relation_sample().id] })),
    responses((status = 200, description = "Who acts for them now.", body = PersonAgents,
        headers(("ETag" = String, description = "The person's version.")),
        example = json!({ "version": 2, "agent_ids": [relation_sample().id] })))
)]
async fn person_agents_replace(
    op: Op,
    Path(id): Path<PersonId>,
    known: IfMatch,
    Json(wanted): Json<WantedAgents>,
) -> Result<Tagged<PersonAgents>, Problem> {
    let named = wanted.agent_ids.clone();
    let to = |before: &PersonFields| Ok(PersonFields { agent_ids: wanted.agent_ids, ..before.clone() });
    let person = super::change(&op.tenancy, &op.cx, id, &known, &named, to).await?;
    Ok(Tagged(PersonAgents { version: person.record.version, agent_ids: person.fields.agent_ids }))
}
