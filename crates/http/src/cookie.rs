//! The one cookie there is: a browser's session with one host.
//!
//! Its name begins with `__Host-`: browsers then insist that it is secure, has no domain and belongs to the whole host, so
//! that no other host, not even a subdomain, can set or read it. Browsers take `localhost` and what is under it for secure.

use axum::http::{HeaderMap, HeaderValue, header};

pub(crate) const NAME: &str = "__Host-session";
/// Secrets are shorter.
const MAX_SECRET: usize = 128;

/// The secret of the session, when there is exactly one.
pub(crate) fn session(headers: &HeaderMap) -> Option<&str> {
    let mut found = headers
        .get_all(header::COOKIE)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|text| text.split(';'))
        .filter_map(|pair| pair.trim().split_once('='))
        .filter(|(name, _)| *name == NAME)
        .map(|(_, secret)| secret);
    let secret = found.next()?;
    let fits = (1..=MAX_SECRET).contains(&secret.len())
        && secret.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_'));
    (fits && found.next().is_none()).then_some(secret)
}

/// `Set-Cookie` for a session that the browser forgets after so many seconds, or when it closes.
pub fn session_cookie(secret: &str, seconds: Option<i64>) -> Option<HeaderValue> {
    let age = seconds.map_or_else(String::new, |seconds| format!("; Max-Age={seconds}"));
    HeaderValue::try_from(format!("{NAME}={secret}; Path=/; Secure; HttpOnly; SameSite=Lax{age}")).ok()
}

/// `Set-Cookie` that makes the browser forget the session.
pub fn cleared() -> HeaderValue {
    HeaderValue::from_static("__Host-session=; Path=/; Secure; HttpOnly; SameSite=Lax; Max-Age=0")
}

#[cfg(test)]
mod tests {
    use axum::http::{HeaderMap, HeaderValue, header};

    use super::{cleared, session, session_cookie};

    #[test]
    fn one_session_is_read_and_no_other_cookie() {
        for (sent, read) in [
            ("__Host-session=abc-_9", Some("abc-_9")),
            ("a=1; __Host-session=abc; b=2", Some("abc")),
            ("session=abc", None),
            ("__Host-session=", None),
            ("__Host-session=a b", None),
            ("__Host-session=a; __Host-session=b", None),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(header::COOKIE, HeaderValue::from_static(sent));
            assert_eq!(session(&headers), read, "{sent}");
        }
    }

    #[test]
    fn a_session_belongs_to_one_host_and_no_script() {
        let text = session_cookie("abc", Some(60)).unwrap();
        assert_eq!(text, "__Host-session=abc; Path=/; Secure; HttpOnly; SameSite=Lax; Max-Age=60");
        assert!(session_cookie("a\nb", None).is_none());
        assert!(cleared().to_str().unwrap().ends_with("Max-Age=0"));
    }
}
