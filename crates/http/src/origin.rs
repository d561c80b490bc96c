//! Who sent a browser here: with a cookie, an unsafe method must come from the host's own pages.

use axum::http::{Method, header, request::Parts};
use cloister_tenancy::{Error, ErrorKind};

use crate::{Problem, host::normalize};

/// Refuses an unsafe request that the browser sent for a page of another origin. Browsers say whose page it was; whoever says
/// nothing is refused too.
pub(crate) fn check(parts: &Parts, host: &str) -> Result<(), Problem> {
    if [Method::GET, Method::HEAD, Method::OPTIONS].contains(&parts.method) || is_own(parts, host) {
        return Ok(());
    }
    let message = "With a cookie, this must come from a page of the same host.";
    Err(Error::new(ErrorKind::Forbidden, "origin_refused", message).into())
}

/// Whether a browser says that one of the host's own pages sent the request.
pub(crate) fn is_own(parts: &Parts, host: &str) -> bool {
    let one = |name| {
        let mut given = parts.headers.get_all(name).iter();
        given.next().filter(|_| given.next().is_none()).and_then(|value| value.to_str().ok())
    };
    match one(header::ORIGIN) {
        Some(origin) => is_of(origin, host),
        None => parts.headers.get("sec-fetch-site").is_some_and(|site| site == "same-origin"),
    }
}

/// `https://north.example:8443` is of `north.example`.
pub(crate) fn is_of(origin: &str, host: &str) -> bool {
    let rest = origin.strip_prefix("https://").or_else(|| origin.strip_prefix("http://"));
    rest.and_then(normalize).is_some_and(|named| named == host)
}

#[cfg(test)]
mod tests {
    use axum::http::Request;

    use super::check;

    #[test]
    fn an_unsafe_request_comes_from_the_hosts_own_pages() {
        for (method, name, value, fine) in [
            ("GET", "origin", "https://evil.example", true),
            ("POST", "origin", "https://north.localhost:8080", true),
            ("POST", "origin", "http://north.localhost", true),
            ("POST", "origin", "https://south.localhost", false),
            ("POST", "origin", "https://north.localhost.evil.example", false),
            ("POST", "origin", "null", false),
            ("DELETE", "x-nothing", "", false),
            ("POST", "sec-fetch-site", "same-origin", true),
            ("POST", "sec-fetch-site", "same-site", false),
        ] {
            let (parts, ()) = Request::builder().method(method).header(name, value).body(()).unwrap().into_parts();
            let found = check(&parts, "north.localhost");
            assert_eq!(found.is_ok(), fine, "{method} {name}: {value}");
        }
    }
}
