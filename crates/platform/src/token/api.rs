//! The public keys, for whoever checks our tokens without asking us.

use cloister_http::{Answer, Edge, Problem};
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::keys::Jwk;
use crate::Service;

pub(crate) fn routes() -> OpenApiRouter<Edge> {
    OpenApiRouter::new().routes(routes!(jwks_read))
}

/// A JSON Web Key Set (RFC 7517).
#[derive(Debug, Serialize, ToSchema)]
struct Jwks {
    /// The keys that sign, will sign or have signed.
    keys: Vec<Jwk>,
}

/// Read the public keys
///
/// A token's header names its key as `kid`. Keys change now and then: read them again when a `kid` is unknown.
#[utoipa::path(
    get,
    path = "/.well-known/jwks.json",
    operation_id = "jwks_read",
    tag = "Sessions",
    security(()),
    responses((status = 200, description = "The keys.", body = Jwks,
        example = json!({ "keys": [{ "kty": "OKP", "crv": "Ed25519", "use": "sig", "alg": "EdDSA",
            "kid": "q0m2Yv3pVxZJw1dT", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo" }] })))
)]
async fn jwks_read(service: Service) -> Result<Answer<Jwks>, Problem> {
    Ok(Answer(Jwks { keys: service.keys().jwks() }))
}
