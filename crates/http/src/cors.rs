//! Pages of other origins: those on a tenant's own hosts may call its API, and read what it answers.
//!
//! They have to bring a token: cookies never count across origins, as nothing here allows credentials. A preflight tells no
//! more than an address does, which answers a stranger either that nobody has this name or that one must sign in.

use axum::{
    extract::Request,
    http::{HeaderMap, HeaderValue, Method, header},
};
use cloister_ids::TenantId;
use cloister_tenancy::{Refusal, Sources, Tenancy};

use crate::{
    Environment,
    address::{API, Address},
    host, op,
    request::RequestInfo,
};

/// Methods an endpoint may have.
const METHODS: HeaderValue = HeaderValue::from_static("GET, HEAD, POST, PUT, PATCH, DELETE");
/// Headers a request may bring.
const BRING: HeaderValue = HeaderValue::from_static(
    "Authorization, Content-Type, If-Match, If-None-Match, Idempotency-Key, Last-Event-ID, X-Request-Id, X-Tenant-ID",
);
/// Headers a page may read.
const READ: HeaderValue = HeaderValue::from_static(
    "ETag, Idempotency-Replayed, Location, RateLimit, RateLimit-Policy, Retry-After, WWW-Authenticate, X-Request-Id",
);
/// As long as browsers believe at most, in seconds.
const MAX_AGE: HeaderValue = HeaderValue::from_static("7200");

/// What is decided of a request before it is answered.
#[derive(Debug)]
pub(crate) struct Origin {
    /// The page's origin and the tenant it belongs to, if it may read the answer.
    allowed: Option<(HeaderValue, TenantId)>,
    /// It only asks whether it may.
    pub(crate) preflight: bool,
}

/// None for what is no part of the API.
pub(crate) fn read(
    request: &Request,
    info: &RequestInfo,
    tenancy: Option<&Tenancy>,
    environment: Environment,
) -> Option<Origin> {
    let behind = request.uri().path().strip_prefix(API)?;
    if !(behind.is_empty() || behind.starts_with('/')) {
        return None;
    }
    let headers = request.headers();
    let Some(origin) = headers.get(header::ORIGIN) else {
        return Some(Origin { allowed: None, preflight: false });
    };
    let preflight = request.method() == Method::OPTIONS && headers.contains_key(header::ACCESS_CONTROL_REQUEST_METHOD);
    let one = headers.get_all(header::ORIGIN).iter().nth(1).is_none();
    let tenant = tenancy
        .filter(|_| one)
        .zip(origin.to_str().ok())
        .and_then(|(tenancy, origin)| belongs(request, info, tenancy, origin, environment));
    Some(Origin { allowed: tenant.map(|tenant| (origin.clone(), tenant)), preflight })
}

/// The tenant whose page it is, unless the request is addressed to another.
fn belongs(
    request: &Request,
    info: &RequestInfo,
    tenancy: &Tenancy,
    origin: &str,
    environment: Environment,
) -> Option<TenantId> {
    let named = match environment {
        Environment::Production => origin.strip_prefix("https://")?,
        Environment::Development => origin.strip_prefix("https://").or_else(|| origin.strip_prefix("http://"))?,
    };
    let named = host::normalize(named)?;
    let (registry, base) = (tenancy.registry(), tenancy.base_domain());
    let label = named.strip_suffix(base).and_then(|rest| rest.strip_suffix('.')).filter(|label| !label.contains('.'));
    let own = match label {
        Some(slug) => registry.by_slug(slug)?,
        None => registry.by_host(&named)?,
    };
    let to = host::of(request.uri(), request.headers(), info.believed).ok()?;
    let path = request.extensions().get::<Address>().and_then(|address| address.slug.as_deref());
    let header = op::tenant_header(request.headers()).ok()?;
    // The page names its tenant as a token does, and all that name one must agree.
    let sources = Sources { host: to.as_deref(), path, header, token: Some(own.id) };
    match registry.resolve(&sources, base) {
        Ok(_) | Err(Refusal::NotReady | Refusal::Suspended | Refusal::Maintenance(_)) => Some(own.id),
        Err(Refusal::Unknown | Refusal::Mismatch | Refusal::Required) => None,
    }
}

impl Origin {
    /// Says whether the page may read this. `tenant` is whose answer it turned out to be.
    pub(crate) fn write(self, headers: &mut HeaderMap, tenant: Option<TenantId>) {
        headers.append(header::VARY, HeaderValue::from_static("origin"));
        if self.preflight {
            let asked = "access-control-request-method, access-control-request-headers";
            headers.append(header::VARY, HeaderValue::from_static(asked));
        }
        let Some((origin, own)) = self.allowed else { return };
        if tenant.is_some_and(|tenant| tenant != own) {
            return;
        }
        headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin);
        if self.preflight {
            headers.insert(header::ACCESS_CONTROL_ALLOW_METHODS, METHODS);
            headers.insert(header::ACCESS_CONTROL_ALLOW_HEADERS, BRING);
            headers.insert(header::ACCESS_CONTROL_MAX_AGE, MAX_AGE);
        } else {
            headers.insert(header::ACCESS_CONTROL_EXPOSE_HEADERS, READ);
        }
    }
}
