//! `Idempotency-Key` outside of every tenant: the key is taken and the answer kept in the control plane, in the transaction of
//! what was made.

pub(crate) mod store;

use axum::{
    body::Body,
    http::{HeaderName, HeaderValue, Response, StatusCode},
    response::IntoResponse,
};
use cloister_http::{Answer, IdempotencyKey, Problem};
use cloister_tenancy::{ControlTx, Error, ErrorKind, OpContext, Result};
use serde::Serialize;
use serde_json::Value;

use crate::Service;

const REPLAYED: HeaderName = HeaderName::from_static("idempotency-replayed");

/// An answer that was given before.
pub(crate) struct Earlier {
    status: StatusCode,
    /// What was kept.
    pub(crate) body: Value,
}

/// Marks an answer as one that was given before.
pub(crate) fn replayed(mut response: Response<Body>) -> Response<Body> {
    response.headers_mut().insert(REPLAYED, HeaderValue::from_static("true"));
    response
}

impl Earlier {
    /// What was kept.
    pub(crate) fn body(&self) -> &Value {
        &self.body
    }

    /// The same answer with a body that was not kept as it was given: there is a secret in it.
    pub(crate) fn with(self, body: Value) -> Self {
        Self { body, ..self }
    }
}

impl IntoResponse for Earlier {
    fn into_response(self) -> Response<Body> {
        replayed((self.status, Answer(self.body)).into_response())
    }
}

/// Whose keys they are that somebody uses within a tenant.
pub(crate) fn within(cx: &OpContext) -> String {
    format!("{} {}", cx.tenant_id(), cx.actor())
}

/// Takes a key for this work, or says what was answered to whoever had it. `scope` is whose key it is: the actor, or where an
/// anonymous request comes from.
pub(crate) async fn take(
    tx: &mut ControlTx,
    service: &Service,
    scope: &str,
    key: Option<&IdempotencyKey>,
) -> Result<Option<Earlier>, Problem> {
    let Some(key) = key else { return Ok(None) };
    let now = service.tenancy().clock().now();
    if !tx.query(&store::TAKE, &[&scope, &key.key(), &key.fingerprint(), &now]).await?.is_empty() {
        return Ok(None);
    }
    let rows = tx.query(&store::READ, &[&scope, &key.key()]).await?;
    let row = rows.first().ok_or_else(|| Error::unavailable("an idempotency key came and went"))?;
    if row.get::<_, &str>("fingerprint") != key.fingerprint() {
        let message = "This Idempotency-Key was used for something else. Use another.";
        return Err(Error::new(ErrorKind::Conflict, "idempotency_key_used", message).into());
    }
    let status = row.get::<_, Option<i32>>("status").and_then(|status| u16::try_from(status).ok());
    let status = status.and_then(|status| StatusCode::from_u16(status).ok());
    let body: Option<Value> = row.get("body");
    match (status, body) {
        (Some(status), Some(body)) => Ok(Some(Earlier { status, body })),
        _ => Err(Error::unavailable("the first request with this idempotency key is under way").into()),
    }
}

/// Keeps the answer, as part of `tx`.
pub(crate) async fn keep(
    tx: &mut ControlTx,
    scope: &str,
    key: Option<&IdempotencyKey>,
    status: StatusCode,
    body: &impl Serialize,
) -> Result<()> {
    let Some(key) = key else { return Ok(()) };
    let body = serde_json::to_value(body).map_err(Error::internal)?;
    tx.query(&store::KEEP, &[&scope, &key.key(), &i32::from(status.as_u16()), &body]).await?;
    Ok(())
}
