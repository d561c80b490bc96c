//! Endpoints of sign-up, for whoever comes along.

use std::time::Duration;

use axum::{
    body::Body,
    http::{Response, StatusCode, header},
    response::{
        IntoResponse,
        sse::{KeepAlive, Sse},
    },
};
use cloister_http::{Answer, Caller, Class, Edge, IdempotencyHeader, Once, Path, Problem, Visitor};
use cloister_tenancy::{Error, ErrorKind};
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    ask::{self, Asked, NewSignup, SignupCreated},
    confirm::{self, Confirmation, Confirmed, Outcome},
    needs_control_plane,
    slug::{self, SlugCheck},
    status::{self, SignupStatus},
    watch,
};
use crate::Service;

pub(super) fn routes() -> OpenApiRouter<Edge> {
    OpenApiRouter::new()
        .routes(routes!(signup_create))
        .routes(routes!(signup_verify))
        .routes(routes!(signup_status))
        .routes(routes!(signup_events))
        .routes(routes!(slug_check))
}

/// Nobody waits in vain for a database that is known to be away.
fn present(service: &Service) -> Result<(), Problem> {
    if service.is_control_plane_away() {
        return Err(needs_control_plane(Error::unavailable("the control plane is away").into()));
    }
    Ok(())
}

/// Sign up
///
/// Answers at once; the tenant is made behind it, and `status_url` shows how far it got. A mail with a link goes to the
/// address: whoever opens it becomes the owner. Whether there is an account with the address makes no difference here; its
/// person must sign in to confirm. What nobody confirms within a week is removed.
#[utoipa::path(
    post,
    path = "/signups",
    operation_id = "signup_create",
    tag = "Sign-up",
    security(()),
    extensions(("x-tenant" = json!("none"))),
    params(IdempotencyHeader),
    request_body(content = NewSignup, example = json!({
        "name": "North High School", "slug": "north", "email": "head@north.example",
        "locale": "de-CH", "time_zone": "Europe/Zurich"
    })),
    responses((status = 202, description = "Taken on.", body = SignupCreated,
        headers(("Location" = String, description = "Where to see how far it got.")), example = json!(ask::sample())))
)]
async fn signup_create(
    service: Service,
    visitor: Visitor,
    Once { body, key }: Once<NewSignup>,
) -> Result<Response<Body>, Problem> {
    visitor.limit(Class::SignUp)?;
    present(&service)?;
    Ok(match ask::ask(&service, &visitor, &body, key.as_ref()).await.map_err(needs_control_plane)? {
        Asked::New(created) => {
            let location = [(header::LOCATION, created.status_url.clone())];
            (StatusCode::ACCEPTED, location, Answer(created)).into_response()
        }
        Asked::Again(earlier) => earlier.into_response(),
    })
}

/// Confirm a sign-up
///
/// By the token in the mail's link, once, within two days. An account is made, with `display_name` and `password`, and owns the
/// tenant. Where there is an account with the address, one must be signed in to it, and the two are not read.
#[utoipa::path(
    post,
    path = "/signups/verify",
    operation_id = "signup_verify",
    tag = "Sign-up",
    security((), ("bearer" = []), ("session" = [])),
    extensions(("x-tenant" = json!("none"))),
    params(IdempotencyHeader),
    request_body(content = Confirmation, example = json!({
        "token": "Zw1dUqf0bM3V9rXyTtPk2sLhNc8aGeJoI6uRvBmKxYw", "display_name": "Ada North",
        "password": "correct horse battery staple"
    })),
    responses((status = 200, description = "Confirmed.", body = Confirmed, example = json!(confirm::sample())))
)]
async fn signup_verify(
    service: Service,
    visitor: Visitor,
    caller: Result<Caller, Problem>,
    Once { body, key }: Once<Confirmation>,
) -> Result<Response<Body>, Problem> {
    present(&service)?;
    let caller = match caller {
        Ok(caller) => Some(caller),
        Err(problem) if problem.error().kind() == ErrorKind::Unauthenticated => None,
        Err(problem) => return Err(problem),
    };
    let done = confirm::confirm(&service, &visitor, caller.as_ref(), body, key.as_ref()).await;
    Ok(match done.map_err(needs_control_plane)? {
        Outcome::New(confirmed) => Answer(confirmed).into_response(),
        Outcome::Again(earlier) => earlier.into_response(),
    })
}

/// See how far a sign-up got
#[utoipa::path(
    get,
    path = "/signups/{secret}",
    operation_id = "signup_status",
    tag = "Sign-up",
    security(()),
    extensions(("x-tenant" = json!("none"))),
    params(("secret" = String, Path, description = "The last part of `status_url`.", min_length = 22, max_length = 22)),
    responses((status = 200, description = "How far it got.", body = SignupStatus, example = json!(status::sample())))
)]
async fn signup_status(
    service: Service,
    _visitor: Visitor,
    Path(secret): Path<String>,
) -> Result<Answer<SignupStatus>, Problem> {
    status::read(&service, &secret).await.map(Answer).map_err(|error| needs_control_plane(error.into()))
}

/// Watch a sign-up
///
/// Server-sent events named `status`, each with the same as `GET /signups/{secret}`: one at once, and one for every change. The
/// stream ends when the tenant is ready, when it failed, or after ten minutes.
#[utoipa::path(
    get,
    path = "/signups/{secret}/events",
    operation_id = "signup_events",
    tag = "Sign-up",
    security(()),
    extensions(("x-tenant" = json!("none"))),
    params(("secret" = String, Path, description = "The last part of `status_url`.", min_length = 22, max_length = 22)),
    responses((status = 200, description = "Events.", body = String, content_type = "text/event-stream",
        example = "event: status\ndata: {\"state\":\"unverified\",\"ready\":false}\n\n"))
)]
async fn signup_events(
    service: Service,
    _visitor: Visitor,
    Path(secret): Path<String>,
) -> Result<Response<Body>, Problem> {
    let events = watch::events(&service, secret).await.map_err(|error| needs_control_plane(error.into()))?;
    let alive = KeepAlive::new().interval(Duration::from_secs(15));
    Ok(Sse::new(events).keep_alive(alive).into_response())
}

/// See whether a name is free
///
/// For addresses. Free means at this moment: it is taken by signing up.
#[utoipa::path(
    get,
    path = "/slugs/{slug}",
    operation_id = "slug_check",
    tag = "Sign-up",
    security(()),
    extensions(("x-tenant" = json!("none"))),
    params(("slug" = String, Path, description = "The name.", example = "north")),
    responses((status = 200, description = "Whether it is free, and others that are.", body = SlugCheck, example = json!({
        "slug": "north", "available": false, "reason": "taken",
        "suggestions": ["north-school", "north-2", "north-3"]
    })))
)]
async fn slug_check(
    service: Service,
    visitor: Visitor,
    Path(slug): Path<String>,
) -> Result<Answer<SlugCheck>, Problem> {
    visitor.limit(Class::NameCheck)?;
    slug::check(&service, &slug).await.map(Answer).map_err(|error| needs_control_plane(error.into()))
}
