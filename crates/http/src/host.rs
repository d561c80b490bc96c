//! The host a request was sent to, in the one form the registry knows: lower case, without port.

use std::net::IpAddr;

use axum::http::{HeaderMap, Uri, header, uri::Authority};

use crate::{Network, Problem};

/// Longest name the DNS can hold.
const MAX_HOST: usize = 253;

/// `EXAMPLE.org:8080` becomes `example.org`; `[::1]:80` becomes `[::1]`. None for what no host can be.
pub(crate) fn normalize(raw: &str) -> Option<String> {
    if raw.len() > MAX_HOST + 6 {
        return None;
    }
    let (name, port) = match raw.strip_prefix('[') {
        Some(rest) => {
            let (address, port) = rest.split_once(']')?;
            address.parse::<std::net::Ipv6Addr>().ok()?;
            (&raw[..address.len() + 2], port.strip_prefix(':').or_else(|| port.is_empty().then_some("0")))
        }
        None => raw.split_once(':').map_or((raw, Some("0")), |(name, port)| (name, Some(port))),
    };
    let port = port?;
    if port.is_empty() || !port.bytes().all(|b| b.is_ascii_digit()) || port.parse::<u16>().is_err() {
        return None;
    }
    if name.starts_with('[') {
        return Some(name.to_ascii_lowercase());
    }
    // One dot at the end means the same host, spelt to the root.
    let name = name.strip_suffix('.').unwrap_or(name);
    let label = |label: &str| {
        (1..=63).contains(&label.len())
            && label.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    (name.len() <= MAX_HOST && name.split('.').all(label)).then(|| name.to_ascii_lowercase())
}

fn refused() -> Problem {
    Problem::malformed("host_invalid", "The Host header must hold one host name.")
}

/// The host of a request. The forwarded one counts only when the peer is a proxy that is believed.
pub(crate) fn of(uri: &Uri, headers: &HeaderMap, believed: bool) -> Result<Option<String>, Problem> {
    if believed && let Some(forwarded) = headers.get_all("x-forwarded-host").iter().next_back() {
        // The last one was written by the proxy nearest to us.
        let last = forwarded.to_str().ok().and_then(|text| text.rsplit(',').next()).ok_or_else(refused)?;
        return normalize(last.trim()).map(Some).ok_or_else(refused);
    }
    let mut named = headers.get_all(header::HOST).iter();
    let first = named.next();
    if named.next().is_some() {
        return Err(refused());
    }
    // A request to a full URI means that URI; a Host header beside it must not say otherwise.
    let raw = match (uri.authority().map(Authority::as_str), first) {
        (authority, Some(host)) => {
            let host = host.to_str().map_err(|_| refused())?;
            if authority.is_some_and(|authority| !authority.eq_ignore_ascii_case(host)) {
                return Err(refused());
            }
            host
        }
        (Some(authority), None) => authority,
        (None, None) => return Ok(None),
    };
    normalize(raw).map(Some).ok_or_else(refused)
}

/// Whom a request comes from: the nearest address that is not one of the listed proxies.
pub(crate) fn client(peer: Option<IpAddr>, headers: &HeaderMap, proxies: &[Network]) -> Option<IpAddr> {
    let peer = peer?.to_canonical();
    let listed = |address: IpAddr| proxies.iter().any(|proxy| proxy.contains(address));
    if !listed(peer) {
        return Some(peer);
    }
    let mut nearest = peer;
    for value in headers.get_all("x-forwarded-for").iter().rev() {
        let Ok(text) = value.to_str() else { return Some(nearest) };
        for hop in text.rsplit(',') {
            let Ok(address) = hop.trim().parse::<IpAddr>() else { return Some(nearest) };
            nearest = address.to_canonical();
            if !listed(nearest) {
                return Some(nearest);
            }
        }
    }
    Some(nearest)
}

#[cfg(test)]
mod tests {
    use axum::http::{HeaderMap, HeaderValue, Uri};

    use super::{client, normalize, of};

    #[test]
    fn hosts_have_one_form() {
        for (raw, host) in [
            ("North.LOCALHOST:8080", Some("north.localhost")),
            ("north.localhost.", Some("north.localhost")),
            ("127.0.0.1:80", Some("127.0.0.1")),
            ("[::1]:8080", Some("[::1]")),
            ("[::1]", Some("[::1]")),
            ("[2001:DB8::1]", Some("[2001:db8::1]")),
            ("", None),
            (".", None),
            ("a..b", None),
            ("a b", None),
            ("-a.b", None),
            ("a:b", None),
            ("a:", None),
            ("a:65536", None),
            ("a:+80", None),
            ("user@host", None),
            ("[::1", None),
            ("[::1]x", None),
            ("[not:an:address]", None),
            ("é.localhost", None),
        ] {
            assert_eq!(normalize(raw).as_deref(), host, "{raw:?}");
        }
        assert_eq!(normalize(&"a".repeat(64)), None);
        assert_eq!(normalize(&"a.".repeat(130)), None);
        assert_eq!(normalize(&"x".repeat(100_000)), None);
    }

    fn headers(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value) in pairs {
            headers.append(*name, HeaderValue::from_static(value));
        }
        headers
    }

    #[test]
    fn a_forwarded_host_counts_only_from_a_believed_proxy() {
        let sent = headers(&[("host", "inner"), ("x-forwarded-host", "north.localhost")]);
        let uri = Uri::from_static("/");
        assert_eq!(of(&uri, &sent, false).unwrap().as_deref(), Some("inner"));
        assert_eq!(of(&uri, &sent, true).unwrap().as_deref(), Some("north.localhost"));
    }

    #[test]
    fn two_hosts_are_refused() {
        let uri = Uri::from_static("/");
        assert!(of(&uri, &headers(&[("host", "a"), ("host", "b")]), false).is_err());
        let full = Uri::from_static("http://a/");
        assert!(of(&full, &headers(&[("host", "b")]), false).is_err());
        assert_eq!(of(&full, &headers(&[("host", "a")]), false).unwrap().as_deref(), Some("a"));
    }

    #[test]
    fn the_client_is_the_nearest_address_that_is_no_proxy() {
        let proxies = ["10.0.0.0/8".parse().unwrap()];
        let sent = headers(&[("x-forwarded-for", "198.51.100.7, 203.0.113.9, 10.0.0.3")]);
        let at = |peer: &str| client(peer.parse().ok(), &sent, &proxies).map(|address| address.to_string());
        assert_eq!(at("10.0.0.2").as_deref(), Some("203.0.113.9"));
        assert_eq!(at("192.0.2.1").as_deref(), Some("192.0.2.1"));
        assert_eq!(client(None, &sent, &proxies), None);
    }
}
