//! Siblings: students that share a family, or a parent, stepparent or guardian. Nobody enters them.

use cloister_http::{Edge, Op, Path, Problem, Tagged, Versioned};
use cloister_ids::PersonId;
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::sibling_store as store;
use crate::{
    person::{PERSON, Relation, relation_sample},
    scope::Sight,
};

/// The routes of this part of a person.
pub(super) fn routes() -> OpenApiRouter<Edge> {
    OpenApiRouter::new().routes(routes!(person_siblings_read))
}

/// A person's siblings.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub(super) struct Siblings {
    /// Of the person; the ETag.
    #[schema(example = 1)]
    pub(super) version: i64,
    /// By name; at most 100.
    pub(super) siblings: Vec<Relation>,
}

impl Versioned for Siblings {
    fn version(&self) -> i64 {
        self.version
    }
}

/// Read the siblings of a person
///
/// Students that share a family with them, or a contact that is a parent, stepparent or guardian. Of these, those one may see.
#[utoipa::path(
    get,
    path = "/persons/{id}/siblings",
    operation_id = "person_siblings_read",
    tag = "School",
    params(("id" = PersonId, Path, description = "Which person.")),
    responses((status = 200, description = "Their siblings.", body = Siblings,
        headers(("ETag" = String, description = "The person's version.")),
        example = json!({ "version": 1, "siblings": [relation_sample()] })))
)]
async fn person_siblings_read(op: Op, Path(id): Path<PersonId>) -> Result<Tagged<Siblings>, Problem> {
    let sight = Sight::of(&op.cx, &PERSON)?;
    Ok(Tagged(store::siblings(&op.tenancy, &op.cx, &sight, id).await?))
}
