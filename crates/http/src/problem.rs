//! Refusals as RFC 9457 `application/problem+json`: one shape, a stable code, and never a word from the inside.

use std::sync::Arc;

use axum::{
    body::Body,
    http::{HeaderName, HeaderValue, Response, StatusCode, header},
    response::IntoResponse,
};
use cloister_ids::RequestId;
use cloister_tenancy::{Error, ErrorKind, FieldError};
use serde::Serialize;
use utoipa::ToSchema;

use crate::rates::ceil_seconds;

/// The media type of every refusal.
pub(crate) const MEDIA_TYPE: &str = "application/problem+json";

/// What a client reads when a request was refused or failed.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Problem)]
pub struct ProblemDetails<'a> {
    /// Names the kind of problem: a reference that never changes for a `code`.
    #[serde(rename = "type")]
    #[schema(example = "/problems/validation_failed", format = "uri-reference")]
    pub kind: String,
    /// The kind of problem in words.
    #[schema(example = "Validation failed")]
    pub title: String,
    /// The HTTP status, repeated.
    #[schema(example = 422, minimum = 400, maximum = 599)]
    pub status: u16,
    /// What happened, and what would be right.
    #[schema(example = "Some values are not acceptable.")]
    pub detail: &'a str,
    /// Stable word to decide by.
    #[schema(example = "validation_failed")]
    pub code: &'a str,
    /// The address that was asked.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, example = "/api/v1/components")]
    pub instance: Option<&'a str>,
    /// To be named when asking for help: it finds the request in the log.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub request_id: Option<RequestId>,
    /// The values at fault.
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    pub errors: &'a [FieldError],
}

/// A refusal on its way out. Made from any kernel [`Error`] by `?`.
#[derive(Debug, Clone)]
pub struct Problem(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    status: StatusCode,
    error: Error,
    headers: Vec<(HeaderName, HeaderValue)>,
}

/// Codes of what is turned away because one tenant has what it may have.
const FLOODED: [&str; 3] = ["busy", "tenant_busy", "sign_in_busy"];

/// The one map from the meaning of an error to a status.
fn status(kind: ErrorKind) -> StatusCode {
    match kind {
        ErrorKind::Malformed => StatusCode::BAD_REQUEST,
        ErrorKind::Invalid => StatusCode::UNPROCESSABLE_ENTITY,
        ErrorKind::Unauthenticated => StatusCode::UNAUTHORIZED,
        ErrorKind::Forbidden => StatusCode::FORBIDDEN,
        ErrorKind::NotFound => StatusCode::NOT_FOUND,
        ErrorKind::Conflict => StatusCode::CONFLICT,
        ErrorKind::PreconditionFailed => StatusCode::PRECONDITION_FAILED,
        ErrorKind::PreconditionRequired => StatusCode::PRECONDITION_REQUIRED,
        ErrorKind::TooMany => StatusCode::TOO_MANY_REQUESTS,
        ErrorKind::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
        ErrorKind::Internal => StatusCode::INTERNAL_SERVER_ERROR,
    }
}

impl From<Error> for Problem {
    fn from(error: Error) -> Self {
        Self::with_status(status(error.kind()), error)
    }
}

impl Problem {
    /// A refusal that only HTTP knows, such as 405 or 415.
    pub(crate) fn with_status(status: StatusCode, error: Error) -> Self {
        let mut headers = Vec::new();
        if status == StatusCode::UNAUTHORIZED {
            headers.push((header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer realm=\"cloister\"")));
        }
        if let Some(after) = error.retry_hint() {
            headers.push((header::RETRY_AFTER, HeaderValue::from(ceil_seconds(after).max(1))));
        }
        Self(Arc::new(Inner { status, error, headers }))
    }

    /// A request that cannot be understood.
    pub(crate) fn malformed(code: &'static str, message: impl Into<std::borrow::Cow<'static, str>>) -> Self {
        Error::new(ErrorKind::Malformed, code, message).into()
    }

    /// Replaces or adds a header of the answer.
    pub(crate) fn header(mut self, name: HeaderName, value: HeaderValue) -> Self {
        if let Some(inner) = Arc::get_mut(&mut self.0) {
            inner.headers.retain(|(known, _)| *known != name);
            inner.headers.push((name, value));
        }
        self
    }

    /// The status it leaves with.
    pub fn status(&self) -> StatusCode {
        self.0.status
    }

    /// The error inside.
    pub fn error(&self) -> &Error {
        &self.0.error
    }

    /// The same without what HTTP made of it.
    pub(crate) fn into_error(self) -> Error {
        Arc::try_unwrap(self.0).map_or_else(|_| Error::internal("a problem is held twice"), |inner| inner.error)
    }

    /// The body, with what is known of the request.
    pub(crate) fn body(&self, instance: Option<&str>, request_id: Option<RequestId>) -> Vec<u8> {
        let Inner { status, error, .. } = &*self.0;
        let details = ProblemDetails {
            kind: format!("/problems/{}", error.code()),
            title: title(error.code()),
            status: status.as_u16(),
            detail: error.message(),
            code: error.code(),
            instance,
            request_id,
            errors: error.fields(),
        };
        // Texts and numbers only: writing them to memory cannot fail.
        serde_json::to_vec(&details).unwrap_or_default()
    }

    /// Once for each problem, when it leaves: what is our fault is recorded whole.
    pub(crate) fn log(&self) {
        let error = &self.0.error;
        match error.kind() {
            ErrorKind::Internal => tracing::error!(error = %error.log(), "request failed"),
            // A tenant's flood is counted (`cloister_turned_away_total`): a line for each would make the log part of it.
            ErrorKind::Unavailable if FLOODED.contains(&error.code()) => {
                tracing::debug!(error = %error.log(), "request turned away");
            }
            ErrorKind::Unavailable => tracing::warn!(error = %error.log(), "request turned away"),
            _ => tracing::debug!(error = %error.log(), "request refused"),
        }
    }
}

/// `version_mismatch` becomes `Version mismatch`.
pub(crate) fn title(code: &str) -> String {
    let mut letters = code.chars();
    letters
        .next()
        .map(|first| first.to_uppercase().chain(letters.map(|c| if c == '_' { ' ' } else { c })).collect())
        .unwrap_or_default()
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response<Body> {
        let mut response = Response::new(Body::from(self.body(None, None)));
        *response.status_mut() = self.0.status;
        response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(MEDIA_TYPE));
        for (name, value) in &self.0.headers {
            response.headers_mut().insert(name.clone(), value.clone());
        }
        // The frame around all routes adds the request's id and writes the log.
        response.extensions_mut().insert(self);
        response
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use axum::response::IntoResponse;
    use cloister_tenancy::{Error, ErrorKind, FieldError};
    use serde_json::{Value, json};

    use super::Problem;

    fn body(problem: &Problem) -> Value {
        serde_json::from_slice(&problem.body(Some("/api/v1/x"), None)).unwrap()
    }

    #[test]
    fn every_kind_has_its_status() {
        use ErrorKind::*;
        let kinds = [
            (Malformed, 400),
            (Invalid, 422),
            (Unauthenticated, 401),
            (Forbidden, 403),
            (NotFound, 404),
            (Conflict, 409),
            (PreconditionFailed, 412),
            (PreconditionRequired, 428),
            (TooMany, 429),
            (Unavailable, 503),
            (Internal, 500),
        ];
        for (kind, status) in kinds {
            assert_eq!(Problem::from(Error::new(kind, "some_code", "…")).status(), status, "{kind:?}");
        }
    }

    #[test]
    fn a_problem_names_the_fields_at_fault() {
        let fields =
            vec![FieldError { field: "name".to_owned(), code: "too_long".into(), message: "Shorter.".to_owned() }];
        assert_eq!(
            body(&Problem::from(Error::invalid(fields))),
            json!({
                "type": "/problems/validation_failed",
                "title": "Validation failed",
                "status": 422,
                "detail": "Some values are not acceptable.",
                "code": "validation_failed",
                "instance": "/api/v1/x",
                "errors": [{"field": "name", "code": "too_long", "message": "Shorter."}],
            })
        );
    }

    #[test]
    fn the_cause_of_an_internal_error_is_never_sent() {
        let problem = Problem::from(Error::internal("password of the database is hunter2"));
        let text = body(&problem).to_string();
        assert!(!text.contains("hunter2"), "{text}");
        assert!(problem.error().log().contains("hunter2"));
    }

    #[test]
    fn headers_say_when_and_how_to_try_again() {
        let busy = Error::unavailable("pool exhausted").retry_after(Duration::from_secs(5));
        assert_eq!(Problem::from(busy).into_response().headers()["retry-after"], "5");
        let stranger = Problem::from(Error::new(ErrorKind::Unauthenticated, "unauthenticated", "Sign in."));
        assert_eq!(stranger.into_response().headers()["www-authenticate"], "Bearer realm=\"cloister\"");
    }
}
