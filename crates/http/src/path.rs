//! Ids in paths.

use axum::{extract::FromRequestParts, http::request::Parts};
use cloister_tenancy::Error;
use serde::de::DeserializeOwned;

use crate::Problem;

/// What stands in the braces of a route. A text that is no id of the kind names nothing: 404, as for any other id that is
/// not there.
#[derive(Debug, Clone, Copy)]
pub struct Path<T>(pub T);

impl<S: Send + Sync, T: DeserializeOwned + Send> FromRequestParts<S> for Path<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        axum::extract::Path::<T>::from_request_parts(parts, state)
            .await
            .map(|axum::extract::Path(value)| Self(value))
            .map_err(|_| Error::not_found().into())
    }
}
