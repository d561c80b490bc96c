//! Versions of rows as strong ETags: `version` 3 is `"v3"`.

use axum::{
    body::Body,
    extract::FromRequestParts,
    http::{HeaderValue, Response, header, request::Parts},
    response::IntoResponse,
};
use cloister_tenancy::{Error, ErrorKind, Result};
use serde::Serialize;

use crate::{Answer, Problem};

/// Something with a version.
pub trait Versioned {
    /// Grows with every change.
    fn version(&self) -> i64;
}

pub(crate) fn etag(version: i64) -> Option<HeaderValue> {
    HeaderValue::try_from(format!("\"v{version}\"")).ok()
}

/// A JSON answer with the ETag of what is in it.
#[derive(Debug, Clone)]
pub struct Tagged<T>(pub T);

impl<T: Serialize + Versioned> IntoResponse for Tagged<T> {
    fn into_response(self) -> Response<Body> {
        let tag = etag(self.0.version());
        let mut response = Answer(self.0).into_response();
        if let Some(tag) = tag {
            response.headers_mut().insert(header::ETAG, tag);
        }
        response
    }
}

/// The version a change is meant for. Required: without it the request is refused with 428.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IfMatch(Vec<i64>);

/// No client has reason to name more.
const MAX_TAGS: usize = 8;

impl IfMatch {
    /// Refuses a change that was meant for another version.
    pub fn check(&self, current: &impl Versioned) -> Result<()> {
        if self.0.contains(&current.version()) { Ok(()) } else { Err(Error::version_mismatch()) }
    }

    pub(crate) fn parse(text: &str) -> Option<Self> {
        let tags: Option<Vec<i64>> = text
            .split(',')
            .take(MAX_TAGS + 1)
            .map(|tag| {
                // A proxy that compresses may have marked our tag as weak; the version in it is exact all the same.
                let tag = tag.trim();
                let tag = tag.strip_prefix("W/").unwrap_or(tag).strip_prefix("\"v")?.strip_suffix('"')?;
                tag.bytes().all(|b| b.is_ascii_digit()).then(|| tag.parse().ok())?
            })
            .collect();
        tags.filter(|tags| tags.len() <= MAX_TAGS).map(Self)
    }
}

impl<S: Send + Sync> FromRequestParts<S> for IfMatch {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        let mut given = parts.headers.get_all(header::IF_MATCH).iter();
        let Some(value) = given.next() else {
            return Err(Error::new(
                ErrorKind::PreconditionRequired,
                "precondition_required",
                "Send the ETag you read in the header If-Match, so that nobody's change is lost.",
            )
            .into());
        };
        value.to_str().ok().filter(|_| given.next().is_none()).and_then(Self::parse).ok_or_else(|| {
            Problem::malformed(
                "if_match_invalid",
                "If-Match must hold an ETag as this service gives it, such as \"v3\".",
            )
        })
    }
}

#[cfg(test)]
mod tests {
    use super::{IfMatch, Versioned};

    struct At(i64);

    impl Versioned for At {
        fn version(&self) -> i64 {
            self.0
        }
    }

    #[test]
    fn tags_are_read_as_they_are_written() {
        for (text, versions) in [
            ("\"v3\"", Some(vec![3])),
            ("W/\"v3\"", Some(vec![3])),
            ("\"v3\", \"v4\"", Some(vec![3, 4])),
            ("*", None),
            ("v3", None),
            ("\"3\"", None),
            ("\"v\"", None),
            ("\"v-3\"", None),
            ("\"v+3\"", None),
            ("\"v99999999999999999999\"", None),
            ("", None),
        ] {
            assert_eq!(IfMatch::parse(text).map(|found| found.0), versions, "{text}");
        }
        assert_eq!(IfMatch::parse(&"\"v1\",".repeat(50)), None);
    }

    #[test]
    fn a_change_meant_for_another_version_is_refused() {
        let tags = IfMatch(vec![3]);
        assert!(tags.check(&At(3)).is_ok());
        assert_eq!(tags.check(&At(4)).unwrap_err().code(), "version_mismatch");
    }
}
