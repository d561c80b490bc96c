//! Query strings, read as strictly as bodies.

use std::sync::Arc;

use axum::{
    extract::{FromRef, FromRequestParts},
    http::request::Parts,
};
use cloister_tenancy::{Error, ErrorKind, FieldError};
use serde::de::DeserializeOwned;

use crate::{EdgeLimits, EdgeSettings, Problem, field};

/// Names and values of a query string.
pub(crate) type Pairs = Vec<(String, String)>;

/// More are never needed.
const MAX_PAIRS: usize = 64;

/// A query string as a `T` that denies unknown fields.
#[derive(Debug, Clone)]
pub struct Query<T>(pub T);

/// A query string that is not acceptable, with the parameters at fault.
pub(crate) fn refused(fields: Vec<FieldError>) -> Problem {
    let invalid = Error::new(ErrorKind::Malformed, "query_invalid", "Some parameters are not acceptable.");
    Problem::from(invalid.with_fields(fields))
}

/// One parameter at fault.
pub(crate) fn refused_one(field: &str, code: &'static str, message: impl Into<String>) -> Problem {
    refused(vec![FieldError { field: field.to_owned(), code: code.into(), message: message.into() }])
}

/// Takes a query string apart.
pub(crate) fn pairs(parts: &Parts, limits: &EdgeLimits) -> Result<Pairs, Problem> {
    take_apart(parts.uri.query().unwrap_or_default(), limits.query)
}

/// The same of a text, of so many bytes at most.
pub(crate) fn take_apart(text: &str, most: usize) -> Result<Pairs, Problem> {
    if text.len() > most {
        return Err(Problem::malformed("query_too_long", format!("A query string may have {most} bytes at most.")));
    }
    let pairs: Pairs = form_urlencoded::parse(text.as_bytes()).into_owned().take(MAX_PAIRS + 1).collect();
    if pairs.len() > MAX_PAIRS {
        return Err(Problem::malformed("query_too_long", format!("Use at most {MAX_PAIRS} parameters.")));
    }
    // Bytes that are no UTF-8 were replaced by this mark, and no tenant's text holds a NUL.
    if let Some((name, _)) =
        pairs.iter().find(|(name, value)| [name, value].iter().any(|text| text.contains(['\u{fffd}', '\0'])))
    {
        return Err(refused_one(name, "invalid_value", "This is not a text in UTF-8."));
    }
    Ok(pairs)
}

/// Makes a `T` of what is left after the parameters that all listings share.
pub(crate) fn read<T: DeserializeOwned>(pairs: &Pairs) -> Result<T, Problem> {
    let text = form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish();
    let from = serde_urlencoded::Deserializer::new(form_urlencoded::parse(text.as_bytes()));
    field::deserialize(from).map_err(|field| refused(vec![field]))
}

impl<S, T> FromRequestParts<S> for Query<T>
where
    S: Send + Sync,
    Arc<EdgeSettings>: FromRef<S>,
    T: DeserializeOwned + garde::Validate<Context = ()>,
{
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let settings = Arc::<EdgeSettings>::from_ref(state);
        let value = read::<T>(&pairs(parts, &settings.limits)?)?;
        field::validate(&value).map_err(|error| refused(error.fields().to_vec()))?;
        Ok(Self(value))
    }
}
