//! JSON in and out.

use std::sync::Arc;

use axum::{
    body::Body,
    extract::{FromRef, FromRequest, Request},
    http::{HeaderValue, Response, header},
    response::IntoResponse,
};
use cloister_tenancy::{Error, FieldError};
use garde::Validate;
use serde::{Serialize, de::DeserializeOwned};

use crate::{EdgeSettings, Problem, body, field};

/// A JSON body: bounded, complete, without unknown fields (the type must deny them) and within its own rules.
#[derive(Debug, Clone)]
pub struct Json<T>(pub T);

/// Parses a body that was read within bounds. Broken JSON is 400; a value in the wrong place or form is 422.
pub(crate) fn parse<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Problem> {
    // An array would be taken for a structure's fields in their order, which nobody means.
    if bytes.trim_ascii_start().first() == Some(&b'[') {
        let message = "Send a JSON object.".to_owned();
        return Err(
            Error::invalid(vec![FieldError { field: String::new(), code: "wrong_type".into(), message }]).into()
        );
    }
    let mut from = serde_json::Deserializer::from_slice(bytes);
    let value = match field::deserialize(&mut from) {
        Ok(value) => value,
        Err(field) => {
            // Which of the two it was: a text that is no JSON at all cannot be mended field by field.
            return Err(match serde_json::from_slice::<serde_json::Value>(bytes) {
                Ok(_) => Error::invalid(vec![field]).into(),
                Err(error) => malformed(&error),
            });
        }
    };
    from.end().map_err(|error| malformed(&error))?;
    Ok(value)
}

fn malformed(error: &serde_json::Error) -> Problem {
    Problem::malformed("json_malformed", format!("The body is not JSON: {error}."))
}

impl<S, T> FromRequest<S> for Json<T>
where
    S: Send + Sync,
    Arc<EdgeSettings>: FromRef<S>,
    T: DeserializeOwned + Validate<Context = ()>,
{
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        let settings = Arc::<EdgeSettings>::from_ref(state);
        let bytes = body::read_json(request, &settings.limits).await?;
        let value = parse::<T>(&bytes)?;
        field::validate(&value)?;
        Ok(Self(value))
    }
}

/// A JSON answer with status 200.
#[derive(Debug, Clone)]
pub struct Answer<T>(pub T);

impl<T: Serialize> IntoResponse for Answer<T> {
    fn into_response(self) -> Response<Body> {
        match serde_json::to_vec(&self.0) {
            Ok(bytes) => {
                let mut response = Response::new(Body::from(bytes));
                response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
                response
            }
            Err(error) => Problem::from(Error::internal(error)).into_response(),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::parse;

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Body {
        #[expect(dead_code, reason = "only its type matters here")]
        name: String,
    }

    #[test]
    fn broken_json_and_wrong_values_are_told_apart() {
        for (text, status, code) in [
            ("{", 400, "json_malformed"),
            ("{\"name\":\"a\"} x", 400, "json_malformed"),
            ("{\"name\":\"a\",}", 400, "json_malformed"),
            ("{\"name\":\"\\ud800\"}", 400, "json_malformed"),
            ("nul", 400, "json_malformed"),
            ("null", 422, "validation_failed"),
            ("[]", 422, "validation_failed"),
            (" [\"a\"]", 422, "validation_failed"),
            ("{\"name\":1}", 422, "validation_failed"),
            ("{\"nam\":1}", 422, "validation_failed"),
        ] {
            let problem = parse::<Body>(text.as_bytes()).unwrap_err();
            assert_eq!((problem.status().as_u16(), problem.error().code()), (status, code), "{text}");
        }
        assert!(parse::<Body>(b"{\"name\":\"a\"}").is_ok());
    }
}
