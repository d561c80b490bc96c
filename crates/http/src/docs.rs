//! The API document and its browser, which needs nothing from outside.

use axum::{
    Router,
    body::{Body, Bytes},
    http::{HeaderMap, HeaderName, HeaderValue, Response, StatusCode, header},
    routing::get,
};
use utoipa::openapi::OpenApi;

use crate::Edge;

/// Scalar's reader, as one script.
static READER: &[u8] = include_bytes!(env!("CLOISTER_API_READER"));
/// The same for nearly every browser there is, compressed when the program was built.
static READER_PACKED: &[u8] = include_bytes!(env!("CLOISTER_API_READER_PACKED"));
/// Changes with the reader, so that browsers may keep it.
const READER_TAG: &str = concat!("\"", env!("CLOISTER_API_READER_VERSION"), "\"");
static PAGE: &[u8] = include_bytes!("docs/index.html");
static START: &[u8] = include_bytes!("docs/start.js");

/// Scripts of ours only, and nothing may be fetched from elsewhere. The reader writes styles into the page.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; \
                      font-src 'self' data:; connect-src 'self'; base-uri 'none'; form-action 'none'; \
                      frame-ancestors 'none'";

pub(crate) fn routes(document: &OpenApi) -> Router<Edge> {
    let document = Bytes::from(serde_json::to_vec(document).unwrap_or_default());
    Router::new()
        .route("/api/docs", get(async || page(PAGE, "text/html; charset=utf-8")))
        .route("/api/docs/start.js", get(async || page(START, "text/javascript; charset=utf-8")))
        .route("/api/docs/reader.js", get(reader))
        .route(
            "/api/openapi.json",
            get(async move || answer(Body::from(document), "application/vnd.oai.openapi+json;version=3.1")),
        )
}

fn answer(body: Body, kind: &'static str) -> Response<Body> {
    let mut response = Response::new(body);
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    response
}

fn page(bytes: &'static [u8], kind: &'static str) -> Response<Body> {
    let mut response = answer(Body::from(bytes), kind);
    response.headers_mut().insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY));
    response
}

/// Reads gzip: named in Accept-Encoding, and not with the weight of a refusal.
fn reads_gzip(headers: &HeaderMap) -> bool {
    headers.get_all(header::ACCEPT_ENCODING).iter().filter_map(|value| value.to_str().ok()).any(|text| {
        text.split(',').any(|coding| {
            let mut parts = coding.split(';').map(str::trim);
            parts.next() == Some("gzip") && !parts.any(|weight| matches!(weight, "q=0" | "q=0.0"))
        })
    })
}

async fn reader(headers: HeaderMap) -> Response<Body> {
    let known = headers.get(header::IF_NONE_MATCH).is_some_and(|tag| tag.as_bytes() == READER_TAG.as_bytes());
    let packed = reads_gzip(&headers);
    let body = match (known, packed) {
        (true, _) => Body::empty(),
        (false, true) => Body::from(READER_PACKED),
        (false, false) => Body::from(READER),
    };
    let mut response = answer(body, "text/javascript; charset=utf-8");
    if known {
        *response.status_mut() = StatusCode::NOT_MODIFIED;
    } else if packed {
        response.headers_mut().insert(header::CONTENT_ENCODING, HeaderValue::from_static("gzip"));
    }
    let kept: [(HeaderName, &'static str); 3] = [
        (header::ETAG, READER_TAG),
        (header::CACHE_CONTROL, "public, max-age=3600"),
        (header::VARY, "accept-encoding"),
    ];
    for (name, value) in kept {
        response.headers_mut().insert(name, HeaderValue::from_static(value));
    }
    response
}
