//! What load balancers and dashboards ask.

use std::{
    sync::PoisonError,
    time::{Duration, Instant},
};

use axum::{
    Extension, Router,
    body::Body,
    extract::State,
    http::{HeaderValue, Response, StatusCode, header},
    response::IntoResponse,
    routing::get,
};
use cloister_tenancy::Error;
use serde::Serialize;

use crate::{Answer, Edge, Problem, request::RequestInfo};

/// Strangers may ask as often as they like; the control plane is asked at most this often.
const REMEMBERED: Duration = Duration::from_secs(1);
/// How long the control plane may take: less than load balancers wait for the answer, which does not depend on it.
const PATIENCE: Duration = Duration::from_millis(500);

#[derive(Debug, Serialize)]
struct Health {
    status: &'static str,
}

#[derive(Debug, Serialize)]
struct Readiness {
    /// `ok`; `degraded` when requests are served and changes to tenants are not; `unavailable`.
    status: &'static str,
    /// Each with `ok` or what is wrong.
    control_plane: &'static str,
    registry: &'static str,
    shutdown: &'static str,
}

pub(crate) fn routes() -> Router<Edge> {
    Router::new().route("/healthz", get(healthz)).route("/readyz", get(readyz)).route("/metrics", get(metrics))
}

/// The process answers.
async fn healthz() -> Answer<Health> {
    Answer(Health { status: "ok" })
}

/// New requests may be sent here. A control plane that is down changes nothing about that: requests are served from the
/// registry in memory, and taking every node out of service would turn away those who can still work.
async fn readyz(State(edge): State<Edge>) -> Response<Body> {
    let control = control_plane(&edge).await;
    let closing = edge.is_closing();
    let word = |good, bad, is| if is { good } else { bad };
    let mut response = Answer(Readiness {
        status: if closing { "unavailable" } else { word("ok", "degraded", control) },
        control_plane: word("ok", "does not answer", control),
        // The kernel does not start without having read it.
        registry: "ok",
        shutdown: word("in progress", "ok", closing),
    })
    .into_response();
    if closing {
        *response.status_mut() = StatusCode::SERVICE_UNAVAILABLE;
    }
    response
}

async fn control_plane(edge: &Edge) -> bool {
    let remembered = *edge.readiness().lock().unwrap_or_else(PoisonError::into_inner);
    if let Some((at, answered)) = remembered
        && at.elapsed() < REMEMBERED
    {
        return answered;
    }
    let answered = match tokio::time::timeout(PATIENCE, edge.tenancy().ready()).await {
        Ok(Ok(())) => true,
        Ok(Err(error)) => {
            tracing::warn!(error = %error.log(), "the control plane is down; serving from what is known");
            false
        }
        Err(_) => {
            tracing::warn!("the control plane did not answer in {PATIENCE:?}");
            false
        }
    };
    *edge.readiness().lock().unwrap_or_else(PoisonError::into_inner) = Some((Instant::now(), answered));
    answered
}

/// Numbers of the whole node: for this machine and for listed readers, not for the world.
async fn metrics(
    State(edge): State<Edge>,
    Extension(request): Extension<std::sync::Arc<RequestInfo>>,
) -> Result<Response<Body>, Problem> {
    let listed = |address: std::net::IpAddr| {
        address.is_loopback() || edge.settings().metrics_readers.iter().any(|reader| reader.contains(address))
    };
    let handle = edge.metrics().filter(|_| request.client.is_none_or(listed)).ok_or_else(Error::not_found)?;
    let mut response = Response::new(Body::from(handle.render()));
    response
        .headers_mut()
        .insert(header::CONTENT_TYPE, HeaderValue::from_static("text/plain; version=0.0.4; charset=utf-8"));
    Ok(response)
}
