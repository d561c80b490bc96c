//! Endpoints that bring a browser's session from one host to another: a code that works once, for one minute, at one host.

use axum::{
    body::Body,
    http::{Response, StatusCode, header},
    response::IntoResponse,
};
use cloister_http::{Answer, Caller, Edge, Json, Problem, Visitor, session_cookie};
use cloister_tenancy::{Error, ErrorKind};
use garde::Validate;
use jiff::SignedDuration;
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{Session, over, sign_in::Admitted, store};
use crate::{Service, account, secret};

/// From one page to the next.
const LIFE: SignedDuration = SignedDuration::from_mins(1);

pub(super) fn routes() -> OpenApiRouter<Edge> {
    OpenApiRouter::new().routes(routes!(handover_create)).routes(routes!(handover_redeem))
}

/// Where to be brought.
#[derive(Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
struct Handover {
    /// Slug or id of a tenant one belongs to.
    #[garde(length(chars, min = 1, max = 64))]
    #[schema(min_length = 1, max_length = 64, example = "north")]
    tenant: String,
    /// One of the tenant's own domains; its host under the platform's domain when absent.
    #[garde(inner(length(chars, min = 1, max = 253)))]
    #[schema(max_length = 253, example = "portal.north.example")]
    host: Option<String>,
}

/// A code, and where it works.
#[derive(Debug, Serialize, ToSchema)]
struct HandoverCode {
    /// Give it to a page of that host, which sends it to `POST /sessions/handover/redeem`. Behind a `#`, no server sees it.
    code: String,
    /// The host it works at.
    host: String,
    /// Seconds it works.
    expires_in: i64,
}

/// A code from another host.
#[derive(Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
struct Redemption {
    /// The code.
    #[garde(skip)]
    #[schema(value_type = String, max_length = 64)]
    code: SecretString,
}

/// Ask for a code that brings the session to another host
///
/// For browsers: a cookie belongs to one host. The session stays the same one.
#[utoipa::path(
    post,
    path = "/sessions/handover",
    operation_id = "handover_create",
    tag = "Sessions",
    request_body(content = Handover, example = json!({ "tenant": "north" })),
    responses((status = 201, description = "The code.", body = HandoverCode,
        example = json!({ "code": "prFI9DnvPNa32Limk6jv_5cVjnRSsON_wlUZHVp-sqM", "host": "north.localhost", "expires_in": 60 })))
)]
async fn handover_create(
    service: Service,
    caller: Caller,
    Json(body): Json<Handover>,
) -> Result<(StatusCode, Answer<HandoverCode>), Problem> {
    let session = service.open_session(&caller).await?;
    let tenant = service.find_own_tenant(session.account, &body.tenant).await?;
    let usual = format!("{}.{}", tenant.slug, service.tenancy().base_domain());
    let host = match body.host {
        None => usual,
        Some(host) if host == usual || tenant.hosts.iter().any(|own| **own == *host) => host,
        Some(_) => {
            let message = "This is no host of the tenant.";
            return Err(Error::field("host", "host_unknown", message).into());
        }
    };
    let (code, now) = (secret::generate()?, service.tenancy().clock().now());
    let details = json!({ "session": session.id, "tenant": tenant.id, "host": host });
    let with: &cloister_tenancy::sql::Parameters<'_> =
        &[&secret::hash(&code), &"handover", &session.account, &details, &now, &(now + LIFE)];
    service.control().run(&store::INSERT_CODE, with).await?;
    Ok((StatusCode::CREATED, Answer(HandoverCode { code, host, expires_in: LIFE.as_secs() })))
}

/// Bring a session to this host
///
/// Sets this host's cookie. The code works once, and only here.
#[utoipa::path(
    post,
    path = "/sessions/handover/redeem",
    operation_id = "handover_redeem",
    tag = "Sessions",
    security(()),
    request_body(content = Redemption, example = json!({ "code": "Zk…" })),
    responses((status = 200, description = "The session, held by this host's cookie.", body = super::api::Tokens,
        headers(("Set-Cookie" = String, description = "The cookie.")), example = json!(super::api::sample())))
)]
async fn handover_redeem(
    service: Service,
    visitor: Visitor,
    Json(body): Json<Redemption>,
) -> Result<Response<Body>, Problem> {
    let refused = || Error::new(ErrorKind::Unauthenticated, "code_invalid", "This code does not work here. Sign in.");
    if !visitor.from_own_page {
        let message = "A cookie is given only to a page of this host itself.";
        return Err(Error::new(ErrorKind::Forbidden, "origin_refused", message).into());
    }
    let now = service.tenancy().clock().now();
    let hash = secret::hash(body.code.expose_secret());
    let mut tx = service.control().begin().await?;
    let rows = tx.query(&store::TAKE_CODE, &[&hash, &"handover", &now]).await?;
    let row = rows.first().ok_or_else(refused)?;
    let details: serde_json::Value = row.get("details");
    let tenant = visitor.tenant.as_deref().ok_or_else(refused)?;
    let here = details["tenant"].as_str() == Some(&tenant.id.to_string());
    let Some(host) = visitor.host.as_deref().filter(|host| here && details["host"].as_str() == Some(host)) else {
        // Used all the same: who carried it to another place does not get a second try.
        tx.commit().await?;
        return Err(refused().into());
    };
    let account: cloister_ids::AccountId = row.get("account_id");
    let session: cloister_ids::SessionId =
        details["session"].as_str().and_then(|text| text.parse().ok()).ok_or_else(refused)?;
    let rows = tx.query(&store::OPEN, &[&session, &account]).await?;
    let session = rows.first().map(Session::from).filter(|session| session.is_open(now)).ok_or_else(over)?;
    let cookie = service.add_cookie(&mut tx, &session, host, Some(tenant)).await?;
    tx.commit().await?;
    let account = account::by_id(service.control(), account).await?;
    let (standing, inside, needs) = service.find_entrance(&account, Some(tenant), session.has_second_factor).await?;
    let admitted = Admitted { session, standing, inside, needs };
    let mut response = Answer(service.tokens(&admitted, None).await?).into_response();
    if let Some(value) = session_cookie(&cookie, Some(admitted.session.seconds_left(now))) {
        response.headers_mut().insert(header::SET_COOKIE, value);
    }
    Ok(response)
}
