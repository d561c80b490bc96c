//! `/t/<slug>/api/v1/…` is `/api/v1/…` with the tenant in the path: taken off before routing, so that an endpoint is
//! written, matched and counted once.

use axum::http::{
    Request, Uri,
    uri::{PathAndQuery, Scheme},
};

/// Where modules' routes begin.
pub(crate) const API: &str = "/api/v1";

/// The address as the client wrote it, and the slug in it.
#[derive(Debug, Clone)]
pub(crate) struct Address {
    pub(crate) path: String,
    pub(crate) slug: Option<String>,
}

/// `/t/north/api/v1/orgs?x=1` is split into `north` and `/api/v1/orgs?x=1`.
fn split(path_and_query: &str) -> Option<(&str, &str)> {
    let rest = path_and_query.strip_prefix("/t/")?;
    // A slash behind the question mark is part of the query.
    let at = rest.find(['/', '?'])?;
    let (slug, inner) = rest.split_at(at);
    let behind = inner.strip_prefix(API)?;
    (!slug.is_empty() && (behind.is_empty() || behind.starts_with(['/', '?']))).then_some((slug, inner))
}

/// Takes the tenant off the path.
pub(crate) fn read<B>(mut request: Request<B>) -> Request<B> {
    let mut address = Address { path: request.uri().path().to_owned(), slug: None };
    if let Some((slug, inner)) = request.uri().path_and_query().and_then(|whole| split(whole.as_str()))
        && let Ok(inner) = PathAndQuery::try_from(inner)
    {
        address.slug = Some(slug.to_owned());
        let mut parts = request.uri().clone().into_parts();
        parts.path_and_query = Some(inner);
        if parts.authority.is_some() && parts.scheme.is_none() {
            parts.scheme = Some(Scheme::HTTP);
        }
        if let Ok(uri) = Uri::from_parts(parts) {
            *request.uri_mut() = uri;
        }
    }
    request.extensions_mut().insert(address);
    request
}

#[cfg(test)]
mod tests {
    use axum::http::Request;

    use super::{Address, read};

    #[test]
    fn only_the_api_is_found_under_a_tenants_path() {
        for (given, slug, routed) in [
            ("/t/north/api/v1/orgs?x=1", Some("north"), "/api/v1/orgs?x=1"),
            ("/t/north/api/v1", Some("north"), "/api/v1"),
            ("/t/north/api/v12", None, "/t/north/api/v12"),
            ("/t/north/healthz", None, "/t/north/healthz"),
            ("/t//api/v1/orgs", None, "/t//api/v1/orgs"),
            ("/t/north?a/api/v1/orgs", None, "/t/north?a/api/v1/orgs"),
            ("/t/a/t/b/api/v1/orgs", None, "/t/a/t/b/api/v1/orgs"),
            ("/api/v1/orgs", None, "/api/v1/orgs"),
        ] {
            let request = read(Request::get(given).body(()).unwrap());
            let address = request.extensions().get::<Address>().unwrap();
            assert_eq!(address.slug.as_deref(), slug, "{given}");
            assert_eq!(request.uri(), routed, "{given}");
            assert_eq!(address.path, given.split('?').next().unwrap());
        }
    }
}
