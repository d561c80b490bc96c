//! What strangers write, read as the edge reads it: entrances for the fuzzer (`fuzz/`), and for nobody else.
//!
//! Each takes whatever bytes there are, and holds what was understood to its rules: these panic when one is broken.

use axum::http::{HeaderMap, HeaderName, HeaderValue, Request, Uri};
use cloister_ids::{TenantId, Uuid};
use garde::Validate;
use serde::Deserialize;

use crate::{
    Cursor, IfMatch, Network, Rate, Sort, address, body, cookie, host, idempotency::IdempotencyKey, json,
    listing::Listing, op, origin, query, search_key,
};

/// A host: understood, it is in the one form there is, and stays so.
pub fn host(text: &str) {
    if let Some(name) = host::normalize(text) {
        assert_eq!(host::normalize(&name).as_ref(), Some(&name), "read again it is another");
        assert!(name.len() <= 253 && !name.contains(['@', '/', '\\', '%', ' ', ',']), "{name:?} is no host");
        assert!(!name.bytes().any(|b| b.is_ascii_uppercase() || !b.is_ascii_graphic()), "{name:?} is not plain");
        assert!(origin::is_of(&format!("https://{name}"), &name), "{name:?} has no page of its own");
    }
    let _ = (text.parse::<Network>(), text.parse::<Rate>());
}

/// An address: the tenant in it and what is routed are parts of what was written.
pub fn address(text: &str) {
    let Ok(uri) = text.parse::<Uri>() else { return };
    let Ok(request) = Request::get(uri.clone()).body(()) else { return };
    let request = address::read(request);
    let Some(found) = request.extensions().get::<address::Address>() else { panic!("an address is always noted") };
    assert_eq!(found.path, uri.path());
    if let Some(slug) = &found.slug {
        assert!(!slug.contains(['/', '?', '#']) && !slug.is_empty(), "{slug:?} is no part of a path");
        let whole = request.uri().path_and_query().map(ToString::to_string).unwrap_or_default();
        let given = uri.path_and_query().map(ToString::to_string).unwrap_or_default();
        assert_eq!(format!("/t/{slug}{whole}"), given, "something was lost or added");
        assert!(request.uri().path().starts_with(address::API));
    } else {
        assert_eq!(request.uri(), &uri);
    }
}

/// Headers, a line each: token, tenant, cookie, key and version are one each or refused, and hosts are one.
pub fn headers(bytes: &[u8]) {
    let mut headers = HeaderMap::new();
    for line in bytes.split(|byte| *byte == b'\n').take(64) {
        let Some(at) = line.iter().position(|byte| *byte == b':') else { continue };
        let (name, value) = (HeaderName::from_bytes(&line[..at]), HeaderValue::from_bytes(&line[at + 1..]));
        if let (Ok(name), Ok(value)) = (name, value) {
            headers.append(name, value);
        }
    }
    if let Ok(Some(token)) = op::bearer(&headers) {
        assert!(headers.get_all("authorization").iter().count() == 1 && token.len() <= 8192);
        assert!(token.bytes().all(|b| b.is_ascii_graphic()));
    }
    if let Ok(Some(tenant)) = op::tenant_header(&headers) {
        assert!(headers.get_all("x-tenant-id").iter().count() == 1 && (1..=64).contains(&tenant.len()));
    }
    if let Some(secret) = cookie::session(&headers) {
        assert!(secret.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_')));
    }
    for believed in [false, true] {
        if let Ok(Some(name)) = host::of(&Uri::from_static("/"), &headers, believed) {
            assert_eq!(host::normalize(&name).as_ref(), Some(&name));
        }
    }
    let peer = [10, 0, 0, 1].into();
    let proxies: Vec<Network> = "10.0.0.0/8".parse().into_iter().collect();
    let client = host::client(Some(peer), &headers, &proxies);
    assert!(
        client.is_some() && host::client(Some(peer), &headers, &[]) == Some(peer),
        "who is no proxy is not believed"
    );
    for value in &headers {
        let _ = value.1.to_str().map(IfMatch::parse);
    }
    let _ = IdempotencyKey::read(&axum::http::Method::POST, "/", &headers, bytes);
}

/// A cursor: what is taken back was given out.
pub fn cursor(text: &str) {
    let tenant = TenantId::from_uuid(Uuid::nil());
    if let Ok(cursor) = Cursor::decode(tenant, "fuzz", "name", text) {
        let _ = cursor.position::<(String, i64)>();
    }
    let Some(given) = Cursor::encode(tenant, "fuzz", "name", &(text, 7)) else { return };
    if let Ok(cursor) = Cursor::decode(tenant, "fuzz", "name", &given) {
        assert_eq!(cursor.position::<(String, i64)>().ok(), Some((text.to_owned(), 7)));
    }
    assert!(
        Cursor::decode(tenant, "fuzz", "-name", &given).is_err()
            && Cursor::decode(tenant, "other", "name", &given).is_err()
    );
}

/// A filter with a field of each kind that there is.
#[derive(Debug, Deserialize, Validate)]
#[serde(deny_unknown_fields)]
struct Filter {
    #[garde(length(chars, max = 100))]
    q: Option<String>,
    #[garde(skip)]
    id: Option<TenantId>,
    #[garde(skip)]
    on: Option<jiff::civil::Date>,
    #[garde(skip)]
    from: Option<jiff::Timestamp>,
    #[garde(range(min = 1900, max = 2200))]
    year: Option<i32>,
    #[garde(skip)]
    open: Option<bool>,
}

#[derive(Debug, Clone, Copy)]
struct ByName;

impl Sort for ByName {
    const ORDERS: &'static [(&'static str, Self)] = &[("name", Self), ("age", Self)];
}

/// A query: what a listing understood of it is within bounds, and its text can be searched for.
pub fn filter(text: &str) {
    let Ok(pairs) = query::take_apart(text, 8 * 1024) else { return };
    let Ok(listing) = Listing::<Filter, ByName>::read(pairs) else { return };
    assert!((2..=201).contains(&listing.limit()));
    let Filter { q, id, on, from, year, open } = &listing.filter;
    assert!(q.as_ref().is_none_or(|q| q.chars().count() <= 100 && !q.contains('\0')));
    assert!(year.is_none_or(|year| (1900..=2200).contains(&year)));
    let _ = (id, on, from, open);
    if let Some(q) = q {
        let key = search_key(q);
        assert_eq!(search_key(&key), key, "a key of a key is another");
    }
}

/// A JSON body: read or refused within the bounds of its depth.
pub fn json(bytes: &[u8]) {
    if body::depth(bytes) > 32 {
        return;
    }
    let _ = json::parse::<Filter>(bytes);
    let _ = json::parse::<serde_json::Value>(bytes);
}
