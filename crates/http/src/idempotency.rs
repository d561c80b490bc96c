//! `Idempotency-Key`: a creation that is sent twice happens once, and is answered twice alike.

use std::sync::Arc;

use axum::{
    body::Body,
    extract::{FromRef, FromRequest, Request},
    http::{HeaderMap, HeaderName, HeaderValue, Method, Response, StatusCode, header},
    response::IntoResponse,
};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use cloister_tenancy::{
    Error, ErrorKind, Result, TenantTx,
    sql::{Parameters, Row, Statement},
};
use garde::Validate;
use serde::{Serialize, de::DeserializeOwned};
use serde_json::Value;
use sha2::{Digest, Sha256};
use utoipa::IntoParams;

use crate::{EdgeSettings, Op, Problem, body, etag::etag, field, json, request::RequestInfo};

const HEADER: &str = "idempotency-key";
const REPLAYED: HeaderName = HeaderName::from_static("idempotency-replayed");

/// As much as the table of keys takes.
const MAX_KEY: usize = 255;

/// The header, for the API document.
#[derive(Debug, IntoParams)]
#[into_params(parameter_in = Header)]
#[expect(dead_code, reason = "read by `Once`; this is its description")]
pub struct IdempotencyHeader {
    /// Any text of your own, such as a UUID. Sent again with the same body, the same answer comes back and nothing is made
    /// twice; sent with another body, it is refused.
    #[param(rename = "Idempotency-Key", value_type = String, required = false, max_length = 255)]
    idempotency_key: Option<String>,
}

/// A key and what it stands for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IdempotencyKey {
    key: String,
    /// Of method, address and body.
    fingerprint: String,
}

/// The JSON body of a creation, and the key it may come with.
#[derive(Debug, Clone)]
pub struct Once<T> {
    /// The body, within its rules.
    pub body: T,
    /// Hand it to the statement that creates and to [`Op::created`].
    pub key: Option<IdempotencyKey>,
}

impl IdempotencyKey {
    /// The client's own text.
    pub fn key(&self) -> &str {
        &self.key
    }

    /// Of method, address and body.
    pub fn fingerprint(&self) -> &str {
        &self.fingerprint
    }

    /// Runs the statement that creates, only if `key` was not used before. Without a key it simply runs.
    pub async fn query(
        key: Option<&Self>,
        tx: &mut TenantTx,
        statement: &'static Statement,
        parameters: &Parameters<'_>,
    ) -> Result<Vec<Row>> {
        match key {
            Some(Self { key, fingerprint }) => tx.query_once(key, fingerprint, statement, parameters).await,
            None => tx.query(statement, parameters).await,
        }
    }

    /// The same with several statements in one round trip.
    pub async fn query_all(
        key: Option<&Self>,
        tx: &mut TenantTx,
        statements: &[(&'static Statement, &Parameters<'_>)],
    ) -> Result<Vec<Vec<Row>>> {
        match key {
            Some(Self { key, fingerprint }) => tx.query_all_once(key, fingerprint, statements).await,
            None => tx.query_all(statements).await,
        }
    }

    pub(crate) fn read(method: &Method, path: &str, headers: &HeaderMap, body: &[u8]) -> Result<Option<Self>, Problem> {
        let mut given = headers.get_all(HEADER).iter();
        let Some(value) = given.next() else { return Ok(None) };
        let key = value.to_str().ok().map(str::trim).filter(|key| {
            given.next().is_none() && (1..=MAX_KEY).contains(&key.len()) && key.bytes().all(|b| b.is_ascii_graphic())
        });
        let Some(key) = key else {
            return Err(Problem::malformed(
                "idempotency_key_invalid",
                format!("An Idempotency-Key has 1 to {MAX_KEY} visible ASCII characters."),
            ));
        };
        let mut hash = Sha256::new();
        for part in [method.as_str().as_bytes(), path.as_bytes(), body] {
            hash.update((part.len() as u64).to_be_bytes());
            hash.update(part);
        }
        let fingerprint = URL_SAFE_NO_PAD.encode(hash.finalize());
        Ok(Some(Self { key: key.to_owned(), fingerprint }))
    }
}

impl<S, T> FromRequest<S> for Once<T>
where
    S: Send + Sync,
    Arc<EdgeSettings>: FromRef<S>,
    T: DeserializeOwned + Validate<Context = ()>,
{
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        let settings = Arc::<EdgeSettings>::from_ref(state);
        let (method, headers) = (request.method().clone(), request.headers().clone());
        // Without the tenant's part, so that the same creation by host and by path is one.
        let path = request.uri().path().to_owned();
        let bytes = body::read_json(request, &settings.limits).await?;
        let key = IdempotencyKey::read(&method, &path, &headers, &bytes)?;
        let body = json::parse::<T>(&bytes)?;
        field::validate(&body)?;
        Ok(Self { body, key })
    }
}

/// How the answer to a creation is kept.
#[derive(Clone, Copy)]
enum Keep {
    Plain,
    Sealed,
}

impl Op {
    /// Ends a creation: keeps its answer for whoever sends the same key again, commits, and answers 201 with `Location` and
    /// `ETag`. Where the key was used before, what was answered then is answered again.
    pub async fn created<T: Serialize>(
        &self,
        tx: TenantTx,
        key: Option<IdempotencyKey>,
        made: Result<T>,
    ) -> Result<Response<Body>, Problem> {
        self.end(tx, key, made, StatusCode::CREATED, Keep::Plain).await
    }

    /// The same for what columns keep sealed: the answer is kept sealed as well.
    pub async fn created_sealed<T: Serialize>(
        &self,
        tx: TenantTx,
        key: Option<IdempotencyKey>,
        made: Result<T>,
    ) -> Result<Response<Body>, Problem> {
        self.end(tx, key, made, StatusCode::CREATED, Keep::Sealed).await
    }

    /// Ends an act on something that is there: the same, with 200.
    pub async fn done<T: Serialize>(
        &self,
        tx: TenantTx,
        key: Option<IdempotencyKey>,
        done: Result<T>,
    ) -> Result<Response<Body>, Problem> {
        self.end(tx, key, done, StatusCode::OK, Keep::Plain).await
    }

    async fn end<T: Serialize>(
        &self,
        mut tx: TenantTx,
        key: Option<IdempotencyKey>,
        made: Result<T>,
        status: StatusCode,
        keep: Keep,
    ) -> Result<Response<Body>, Problem> {
        match (made, key) {
            (Ok(made), key) => {
                let body = serde_json::to_value(&made).map_err(Error::internal)?;
                if let Some(IdempotencyKey { key, .. }) = &key {
                    match keep {
                        Keep::Plain => tx.remember(key, status.as_u16(), body.clone()),
                        Keep::Sealed => tx.remember_sealed(key, status.as_u16(), &body)?,
                    }
                }
                tx.commit().await?;
                Ok(answer(status, &self.request, &body))
            }
            (Err(error), Some(key)) if error.code() == "idempotency_key_used" => {
                // Its connection is free again for the question that follows.
                tx.rollback().await?;
                self.replay(&key).await
            }
            (Err(error), _) => {
                // Whoever is refused may try again at once: what was locked for this is free by then.
                if let Err(failed) = tx.rollback().await {
                    tracing::debug!(error = failed.log(), "a refused change was not rolled back at once");
                }
                Err(error.into())
            }
        }
    }

    async fn replay(&self, key: &IdempotencyKey) -> Result<Response<Body>, Problem> {
        let in_use = || {
            Error::new(
                ErrorKind::Conflict,
                "idempotency_key_in_use",
                "The first request with this Idempotency-Key is still under way. Try again in a moment.",
            )
            .retry_after(std::time::Duration::from_secs(1))
        };
        let earlier = self.tenancy.earlier_answer(&self.cx, &key.key).await?.ok_or_else(in_use)?;
        if earlier.fingerprint != key.fingerprint {
            return Err(Error::new(
                ErrorKind::Invalid,
                "idempotency_key_reused",
                "This Idempotency-Key was used for another request. Choose a new one for each creation.",
            )
            .into());
        }
        let (status, body) = earlier.answer.ok_or_else(in_use)?;
        let status = StatusCode::from_u16(status).map_err(Error::internal)?;
        let mut response = answer(status, &self.request, &body);
        response.headers_mut().insert(REPLAYED, HeaderValue::from_static("true"));
        Ok(response)
    }
}

/// Address and ETag follow from the body, so that an answer given again has them too.
fn answer(status: StatusCode, request: &RequestInfo, body: &Value) -> Response<Body> {
    let mut response = json::Answer(body).into_response();
    *response.status_mut() = status;
    if let Some(tag) = body["version"].as_i64().and_then(etag) {
        response.headers_mut().insert(header::ETAG, tag);
    }
    let made = body["id"].as_str().filter(|_| status == StatusCode::CREATED);
    let location = made.map(|id| format!("{}/{id}", request.path.trim_end_matches('/')));
    if let Some(location) = location.and_then(|location| HeaderValue::try_from(location).ok()) {
        response.headers_mut().insert(header::LOCATION, location);
    }
    response
}

#[cfg(test)]
mod tests {
    use axum::http::{HeaderMap, HeaderValue, Method};

    use super::IdempotencyKey;

    fn read(key: &str, body: &str) -> Result<Option<IdempotencyKey>, &'static str> {
        let mut headers = HeaderMap::new();
        headers.insert("idempotency-key", HeaderValue::from_str(key).unwrap());
        IdempotencyKey::read(&Method::POST, "/api/v1/components", &headers, body.as_bytes())
            .map_err(|problem| problem.error().code())
    }

    #[test]
    fn a_key_stands_for_one_body() {
        let first = read("k-1", "{}").unwrap().unwrap();
        assert_eq!(read("k-1", "{}").unwrap().unwrap(), first);
        assert_ne!(read("k-1", "{ }").unwrap().unwrap().fingerprint, first.fingerprint);
        assert_eq!(IdempotencyKey::read(&Method::POST, "/", &HeaderMap::new(), b"").unwrap(), None);
    }

    #[test]
    fn odd_keys_are_refused() {
        for key in ["", " ", "a b", &"k".repeat(256)] {
            assert_eq!(read(key, "{}"), Err("idempotency_key_invalid"), "{key:?}");
        }
    }
}
