//! What is done around every route: id, deadline, log, metrics, headers, compression, and problems in place of panics.

use std::{
    any::Any,
    net::IpAddr,
    sync::{Arc, Mutex, OnceLock, PoisonError},
    time::Instant,
};

use axum::{
    Router,
    body::Body,
    extract::{MatchedPath, Request, State},
    http::{Extensions, HeaderMap, HeaderName, HeaderValue, Method, Response, StatusCode, Version, header},
    middleware::{self, Next},
    response::IntoResponse,
};
use cloister_ids::{Clock, RequestId};
use cloister_tenancy::{Error, ErrorKind, Tenancy};
use tower_http::{
    catch_panic::CatchPanicLayer,
    compression::{CompressionLayer, DefaultPredicate, Predicate, predicate::NotForContentType},
};
use tracing::Instrument;

use crate::{
    EdgeSettings, Environment, Problem,
    address::Address,
    admit, cors,
    crowd::Crowd,
    heading::Headings,
    held, host, problem,
    request::{Peer, RequestInfo},
    table,
    workbook::{self, Days},
};

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// Nothing that is answered here is a page, unless it says so itself.
const POLICY: &str = "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";
/// No page of ours uses any of it.
const PERMISSIONS: &str = "camera=(), geolocation=(), microphone=(), payment=(), usb=()";

/// Upper bounds, in seconds, for the histogram `http_request_duration_seconds`: give them to the metrics exporter.
pub const DURATION_BUCKETS: &[f64] =
    &[0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0];

/// What the frame needs.
#[derive(Debug, Clone)]
pub(crate) struct Frame {
    pub(crate) settings: Arc<EdgeSettings>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) crowd: Arc<Crowd>,
    /// Whose pages may call; without it, nobody's.
    pub(crate) tenancy: Option<Tenancy>,
    /// Which fields of lists hold days and moments.
    pub(crate) days: Days,
    /// The fields of lists.
    pub(crate) headings: Headings,
}

impl Frame {
    /// For tests of a few routes of their own.
    #[cfg(test)]
    pub(crate) fn plain(settings: Arc<EdgeSettings>, crowd: Arc<Crowd>) -> Self {
        let (days, headings) = (Days::default(), Headings::default());
        Self { settings, clock: Arc::new(cloister_ids::SystemClock), crowd, tenancy: None, days, headings }
    }

    /// Puts it around the routes. Called after all of them, the answers to unknown ones included.
    pub(crate) fn around(self, routes: Router) -> Router {
        routes
            .layer(middleware::from_fn_with_state((self.days.clone(), self.headings.clone()), table::lists))
            .layer(CatchPanicLayer::custom(panicked))
            .layer(middleware::from_fn_with_state(self.crowd.clone(), admit::admit))
            .layer(middleware::from_fn(finish_problem))
            // What is an archive already is not packed once more, and what has a digest is sent as it is: the digest would be of
            // something else.
            .layer(
                CompressionLayer::new().compress_when(
                    DefaultPredicate::new()
                        .and(NotForContentType::const_new("application/zip"))
                        .and(NotForContentType::const_new(workbook::MEDIA_TYPE))
                        .and(has_no_digest),
                ),
            )
            .layer(middleware::from_fn_with_state(self.clone(), headers))
            .layer(middleware::from_fn_with_state(self, observe))
    }
}

fn has_no_digest(_: StatusCode, _: Version, headers: &HeaderMap, _: &Extensions) -> bool {
    !headers.contains_key("repr-digest")
}

/// An id that a client or proxy chose is kept only when it has the form of ours.
fn request_id(request: &Request, clock: &dyn Clock) -> RequestId {
    let given = request.headers().get(REQUEST_ID).and_then(|value| value.to_str().ok()?.parse().ok());
    given.unwrap_or_else(|| RequestId::generate(clock))
}

/// Other words in the place of a method would let a stranger invent labels.
fn method_label(method: &Method) -> &'static str {
    match method.as_str() {
        "GET" => "GET",
        "HEAD" => "HEAD",
        "POST" => "POST",
        "PUT" => "PUT",
        "PATCH" => "PATCH",
        "DELETE" => "DELETE",
        "OPTIONS" => "OPTIONS",
        _ => "OTHER",
    }
}

async fn observe(State(frame): State<Frame>, mut request: Request, next: Next) -> Response<Body> {
    let started = Instant::now();
    let id = request_id(&request, &*frame.clock);
    let peer = request.extensions().get::<Peer>().map(|peer| peer.0.ip());
    let proxies = &frame.settings.trusted_proxies;
    let believed = peer.is_some_and(|peer| proxies.iter().any(|proxy| proxy.contains(peer.to_canonical())));
    let path = request.extensions().get::<Address>().map(|address| address.path.clone());
    let info = Arc::new(RequestInfo {
        id,
        path: path.unwrap_or_else(|| request.uri().path().to_owned()),
        deadline: started + frame.settings.limits.time,
        client: host::client(peer, request.headers(), proxies),
        believed,
        tenant: OnceLock::new(),
        share: Mutex::default(),
        allowance: Mutex::default(),
    });
    let method = method_label(request.method());
    let route = request.extensions().get::<MatchedPath>().cloned();
    let route = route.as_ref().map_or("unmatched", MatchedPath::as_str);
    request.extensions_mut().insert(info.clone());
    let span = tracing::info_span!("request", request_id = %id);
    metrics::gauge!("http_requests_in_flight").increment(1.0);
    let in_flight = InFlight;
    let mut response = next.run(request).instrument(span).await;
    drop(in_flight);
    let elapsed = started.elapsed();
    if let Ok(value) = HeaderValue::from_str(&id.to_string()) {
        response.headers_mut().insert(REQUEST_ID, value);
    }
    let status = response.status().as_u16();
    metrics::counter!(
        "http_requests_total",
        "method" => method, "route" => route.to_owned(), "status" => status.to_string()
    )
    .increment(1);
    metrics::histogram!("http_request_duration_seconds", "method" => method, "route" => route.to_owned())
        .record(elapsed.as_secs_f64());
    tracing::info!(
        request_id = %id,
        method,
        route,
        status,
        tenant_id = info.tenant.get().map(tracing::field::display),
        client = info.client.as_ref().map(tracing::field::display::<&IpAddr>),
        duration_us = u64::try_from(elapsed.as_micros()).unwrap_or(u64::MAX),
        "request"
    );
    response
}

/// Counted down also when the client hangs up and the request is dropped.
struct InFlight;

impl Drop for InFlight {
    fn drop(&mut self) {
        metrics::gauge!("http_requests_in_flight").decrement(1.0);
    }
}

async fn headers(State(frame): State<Frame>, request: Request, next: Next) -> Response<Body> {
    let info = request.extensions().get::<Arc<RequestInfo>>().cloned();
    let origin =
        info.as_ref().and_then(|info| cors::read(&request, info, frame.tenancy.as_ref(), frame.settings.environment));
    let mut response = match &origin {
        // The same for all, whether the address exists or not.
        Some(origin) if origin.preflight => StatusCode::NO_CONTENT.into_response(),
        _ => next.run(request).await,
    };
    let events = held::is_events(response.headers());
    let headers = response.headers_mut();
    if let Some(origin) = origin {
        origin.write(headers, info.as_ref().and_then(|info| info.tenant.get().copied()));
    }
    if let Some(allowance) = info.and_then(|info| info.allowance.lock().unwrap_or_else(PoisonError::into_inner).take())
    {
        allowance.write(headers);
    }
    if events {
        // Proxies that gather what they pass on would hold events back.
        headers.insert(HeaderName::from_static("x-accel-buffering"), HeaderValue::from_static("no"));
    }
    // Endpoints may have said something more fitting; pages do.
    for (name, value) in [
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::X_FRAME_OPTIONS, "DENY"),
        (header::REFERRER_POLICY, "no-referrer"),
        (header::CONTENT_SECURITY_POLICY, POLICY),
        (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
        (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
        (HeaderName::from_static("permissions-policy"), PERMISSIONS),
        // Rows of a tenant belong in no cache but the program's that asked.
        (header::CACHE_CONTROL, "no-store"),
    ] {
        headers.entry(name).or_insert(HeaderValue::from_static(value));
    }
    // Of this host alone: a tenant's own domain may have subdomains that are no business of ours.
    if frame.settings.environment == Environment::Production {
        headers.entry(header::STRICT_TRANSPORT_SECURITY).or_insert(HeaderValue::from_static("max-age=31536000"));
    }
    response
}

/// Gives a problem the request's id and address, and writes the log's line about it.
async fn finish_problem(request: Request, next: Next) -> Response<Body> {
    let info = request.extensions().get::<Arc<RequestInfo>>().cloned();
    let mut response = next.run(request).await;
    if let Some(problem) = response.extensions_mut().remove::<Problem>() {
        problem.log();
        let body = problem.body(info.as_ref().map(|info| info.path.as_str()), info.as_ref().map(|info| info.id));
        response.headers_mut().remove(header::CONTENT_LENGTH);
        *response.body_mut() = Body::from(body);
    } else if response.status().is_client_error() && !is_problem(&response) {
        // Something below us answered in words of its own.
        let refused = Problem::with_status(
            response.status(),
            Error::new(ErrorKind::Malformed, "request_refused", "This request cannot be answered."),
        );
        refused.log();
        return refused.into_response();
    }
    response
}

fn is_problem(response: &Response<Body>) -> bool {
    response.headers().get(header::CONTENT_TYPE).is_some_and(|kind| kind.as_bytes() == problem::MEDIA_TYPE.as_bytes())
}

#[expect(clippy::needless_pass_by_value, reason = "the layer hands the cause over")]
fn panicked(cause: Box<dyn Any + Send + 'static>) -> Response<Body> {
    let text = cause
        .downcast_ref::<String>()
        .map(String::as_str)
        .or_else(|| cause.downcast_ref::<&str>().copied())
        .unwrap_or("no message");
    metrics::counter!("http_panics_total").increment(1);
    Problem::from(Error::internal(format!("the handler panicked: {text}"))).into_response()
}
