//! Endpoints that list one's sessions and end them.

use axum::{
    body::Body,
    http::{Response, StatusCode, header},
    response::IntoResponse,
};
use cloister_http::{Answer, Caller, Edge, Path, Problem, cleared};
use cloister_ids::SessionId;
use cloister_tenancy::Error;
use jiff::{SignedDuration, Timestamp};
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{Ending, over, store};
use crate::{Service, device};

pub(super) fn routes() -> OpenApiRouter<Edge> {
    OpenApiRouter::new()
        .routes(routes!(session_list, session_end_others))
        .routes(routes!(session_end))
        .routes(routes!(session_sign_out))
}

/// One's sessions that are in force.
#[derive(Debug, Serialize, ToSchema)]
struct Sessions {
    /// The one used last first; at most 200.
    items: Vec<SessionView>,
}

/// A session as its owner sees it.
#[derive(Debug, Serialize, ToSchema)]
struct SessionView {
    /// Which one.
    id: SessionId,
    /// `api` or `browser`.
    #[schema(example = "browser")]
    kind: String,
    /// What it was begun with.
    #[schema(example = "Firefox on Linux")]
    device: String,
    /// Where it was begun, as well as an address tells.
    #[schema(example = "203.0.113.0/24")]
    place: Option<String>,
    /// A second factor was given.
    has_second_factor: bool,
    /// When it began.
    created_at: Timestamp,
    /// When it was last used, give or take a quarter of an hour.
    last_used_at: Timestamp,
    /// When it ends unless it is used.
    expires_at: Timestamp,
    /// It is the one that asks.
    is_current: bool,
}

/// List one's sessions
#[utoipa::path(
    get,
    path = "/sessions",
    operation_id = "session_list",
    tag = "Sessions",
    responses((status = 200, description = "The sessions in force.", body = Sessions,
        example = json!({ "items": [{ "id": "sid_01m7zjm4k1e1b82x95nxem51vm", "kind": "browser", "device": "Firefox on Linux", "place": "203.0.113.0/24", "has_second_factor": true, "created_at": "2026-01-05T09:00:00Z", "last_used_at": "2026-01-05T09:30:00Z", "expires_at": "2026-02-04T09:00:00Z", "is_current": true }] })))
)]
async fn session_list(service: Service, caller: Caller) -> Result<Answer<Sessions>, Problem> {
    let account = caller.identity.account.ok_or_else(over)?;
    let now = service.tenancy().clock().now();
    let rows = service.control().run(&store::LIST, &[&account, &now]).await?;
    let view = |row: &cloister_tenancy::sql::Row| {
        let id: SessionId = row.get("id");
        let last_used_at: Timestamp = row.get("last_used_at");
        let idle = SignedDuration::from_secs(row.get::<_, i32>("idle_seconds").into());
        let address: Option<&str> = row.get("client_address");
        SessionView {
            id,
            kind: row.get("kind"),
            device: row.get("device"),
            place: address.and_then(|text| text.parse().ok()).map(|address| device::place(Some(address))),
            has_second_factor: row.get::<_, Option<Timestamp>>("mfa_at").is_some(),
            created_at: row.get("created_at"),
            last_used_at,
            expires_at: row.get::<_, Timestamp>("expires_at").min(last_used_at + idle),
            is_current: caller.identity.session == Some(id),
        }
    };
    Ok(Answer(Sessions { items: rows.iter().map(view).collect() }))
}

/// End all other sessions
#[utoipa::path(
    delete,
    path = "/sessions",
    operation_id = "session_end_others",
    tag = "Sessions",
    responses((status = 204, description = "Only the session that asked is left."))
)]
async fn session_end_others(service: Service, caller: Caller) -> Result<StatusCode, Problem> {
    let account = caller.identity.account.ok_or_else(over)?;
    let mut tx = service.control().begin().await?;
    let ended = service.end_other_sessions(&mut tx, account, caller.identity.session, Ending::Revoked).await?;
    tx.commit().await?;
    service.forget_sessions(&ended);
    Ok(StatusCode::NO_CONTENT)
}

/// End a session
///
/// Every node refuses its tokens within a second.
#[utoipa::path(
    delete,
    path = "/sessions/{id}",
    operation_id = "session_end",
    tag = "Sessions",
    params(("id" = SessionId, Path, description = "Which one.")),
    responses((status = 204, description = "It is over."))
)]
async fn session_end(service: Service, caller: Caller, Path(id): Path<SessionId>) -> Result<StatusCode, Problem> {
    let account = caller.identity.account.ok_or_else(over)?;
    if service.end_session(account, id, Ending::Revoked).await? {
        Ok(StatusCode::NO_CONTENT)
    } else {
        Err(Error::not_found().into())
    }
}

/// Sign out
///
/// Ends the session that asks, and takes the cookie away.
#[utoipa::path(
    delete,
    path = "/sessions/current",
    operation_id = "session_sign_out",
    tag = "Sessions",
    responses((status = 204, description = "Signed out."))
)]
async fn session_sign_out(service: Service, caller: Caller) -> Result<Response<Body>, Problem> {
    let (Some(account), Some(id)) = (caller.identity.account, caller.identity.session) else {
        return Err(over().into());
    };
    service.end_session(account, id, Ending::SignedOut).await?;
    let mut response = StatusCode::NO_CONTENT.into_response();
    response.headers_mut().insert(header::SET_COOKIE, cleared());
    Ok(response)
}
