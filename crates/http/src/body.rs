//! Reading a JSON body within bounds: its kind, its size, its depth, its time.

use axum::{
    body::Bytes,
    extract::Request,
    http::{HeaderMap, StatusCode, header},
};
use cloister_tenancy::{Error, ErrorKind};
use http_body_util::{BodyExt, LengthLimitError, Limited};

use crate::{EdgeLimits, Problem};

fn unsupported() -> Problem {
    Problem::with_status(
        StatusCode::UNSUPPORTED_MEDIA_TYPE,
        Error::new(
            ErrorKind::Malformed,
            "media_type_unsupported",
            "Send JSON in UTF-8, with the header Content-Type: application/json.",
        ),
    )
}

pub(crate) fn too_large(limit: u64) -> Problem {
    Problem::with_status(
        StatusCode::PAYLOAD_TOO_LARGE,
        Error::new(ErrorKind::Malformed, "body_too_large", format!("A body may have {limit} bytes at most.")),
    )
}

pub(crate) fn too_slow() -> Problem {
    Problem::with_status(
        StatusCode::REQUEST_TIMEOUT,
        Error::new(ErrorKind::Malformed, "body_too_slow", "The body did not arrive in time."),
    )
}

pub(crate) fn incomplete() -> Problem {
    Problem::malformed("body_incomplete", "The body ended before it was complete.")
}

/// `application/json`, or a type built on it, in UTF-8.
fn expect_json(headers: &HeaderMap) -> Result<(), Problem> {
    let kind = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).ok_or_else(unsupported)?;
    let mut parts = kind.split(';');
    let media = parts.next().unwrap_or_default().trim().to_ascii_lowercase();
    let json = media == "application/json" || media.starts_with("application/") && media.ends_with("+json");
    let utf8 = parts.all(|parameter| match parameter.split_once('=') {
        Some((name, value)) if name.trim().eq_ignore_ascii_case("charset") => {
            value.trim().trim_matches('"').eq_ignore_ascii_case("utf-8")
        }
        _ => true,
    });
    if json && utf8 { Ok(()) } else { Err(unsupported()) }
}

/// The whole body, when it says it is JSON and keeps within the bounds.
pub(crate) async fn read_json(request: Request, limits: &EdgeLimits) -> Result<Bytes, Problem> {
    expect_json(request.headers())?;
    let announced = request.headers().get(header::CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse().ok());
    if announced.is_some_and(|length: u64| length > limits.body as u64) {
        return Err(too_large(limits.body as u64));
    }
    let body = Limited::new(request.into_body(), limits.body);
    let read = tokio::time::timeout(limits.body_time, body.collect()).await.map_err(|_| too_slow())?;
    let bytes = read
        .map_err(|error| if error.is::<LengthLimitError>() { too_large(limits.body as u64) } else { incomplete() })?
        .to_bytes();
    if bytes.iter().all(u8::is_ascii_whitespace) {
        return Err(Problem::malformed("body_missing", "This needs a JSON body."));
    }
    if depth(&bytes) > limits.depth {
        return Err(Problem::malformed(
            "json_too_deep",
            format!("Arrays and objects may be nested {} deep at most.", limits.depth),
        ));
    }
    Ok(bytes)
}

/// The deepest nesting in a JSON text, told without parsing it: brackets outside strings.
pub(crate) fn depth(text: &[u8]) -> usize {
    let (mut now, mut deepest, mut in_string, mut escaped) = (0usize, 0usize, false, false);
    for byte in text {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if in_string => escaped = true,
            b'"' => in_string = !in_string,
            b'[' | b'{' if !in_string => {
                now += 1;
                deepest = deepest.max(now);
            }
            b']' | b'}' if !in_string => now = now.saturating_sub(1),
            _ => {}
        }
    }
    deepest
}

#[cfg(test)]
mod tests {
    use axum::http::{HeaderMap, HeaderValue, header};

    use super::{depth, expect_json};

    #[test]
    fn depth_counts_brackets_outside_strings() {
        for (text, deep) in [
            ("1", 0),
            ("[]", 1),
            (r#"{"a":[{}]}"#, 3),
            (r#"["[[[["]"#, 1),
            (r#"["\"[[[", []]"#, 2),
            (r#"["\\", [[]]]"#, 3),
            ("]]]][", 1),
        ] {
            assert_eq!(depth(text.as_bytes()), deep, "{text}");
        }
        assert_eq!(depth("[".repeat(1_000_000).as_bytes()), 1_000_000);
    }

    #[test]
    fn only_json_in_utf8_is_read() {
        for (kind, accepted) in [
            ("application/json", true),
            ("Application/JSON; charset=UTF-8", true),
            ("application/merge-patch+json", true),
            ("application/json; charset=latin1", false),
            ("text/json", false),
            ("text/plain", false),
            ("application/x-www-form-urlencoded", false),
            ("", false),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
            assert_eq!(expect_json(&headers).is_ok(), accepted, "{kind}");
        }
        assert!(expect_json(&HeaderMap::new()).is_err());
    }
}
