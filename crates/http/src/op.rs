//! Who asks, and for which tenant: decided from memory, before an endpoint sees the request.

use std::{
    net::IpAddr,
    sync::{Arc, PoisonError},
};

use axum::{
    extract::FromRequestParts,
    http::{HeaderMap, HeaderValue, Method, StatusCode, header, request::Parts},
};
use cloister_tenancy::{
    Credential, Error, ErrorKind, Identity, OpContext, Refusal, Sources, Tenancy, TenantEntry,
    mutation::{Guard, is_off},
    on_account_of,
};

use crate::{
    Class, Edge, Problem, Rates, address::Address, cookie, host, inside::Acting, origin, request::RequestInfo,
    table::WholeList,
};

/// The first argument of every endpoint: nothing of a tenant is reached without it.
///
/// A caller without a valid token learns only what an address gives away anyway: that a name is nobody's, or that two names
/// contradict each other. Whether a tenant is suspended, in maintenance or not ready is told to those who belong to it.
#[derive(Debug, Clone)]
pub struct Op {
    /// The way to rows.
    pub tenancy: Tenancy,
    /// Tenant, actor and permissions.
    pub cx: OpContext,
    pub(crate) request: Arc<RequestInfo>,
    rates: Rates,
}

impl Op {
    /// Counts one act of this class for the tenant, beside the request itself, or refuses it. The first statement of an
    /// endpoint that keeps a node busy for long, such as an import.
    pub fn limit(&self, class: Class) -> Result<(), Problem> {
        self.request.note(self.rates.check_tenant(class, self.cx.tenant())?);
        Ok(())
    }
}

/// Counts the request, and lets it in when there is room for one more of its tenant.
fn admit(edge: &Edge, request: &RequestInfo, tenant: &TenantEntry, class: Class) -> Result<(), Problem> {
    let inside = || request.share.lock().unwrap_or_else(PoisonError::into_inner);
    // An endpoint and one of its extractors may both ask who calls.
    if inside().is_some() {
        return Ok(());
    }
    request.note(edge.rates().check_tenant(class, tenant)?);
    let share = edge.crowd().share(tenant.id.into())?;
    *inside() = Some(share);
    on_account_of(tenant.id);
    Ok(())
}

/// What a request is counted as, unless its endpoint says more.
pub(crate) fn class(method: &Method) -> Class {
    if [Method::GET, Method::HEAD].contains(method) { Class::Read } else { Class::Write }
}

const TENANT_HEADER: &str = "x-tenant-id";
/// No id and no slug is longer.
const MAX_TENANT: usize = 64;
/// Longer ones than any signed token of ours.
const MAX_TOKEN: usize = 8 * 1024;

pub(crate) fn tenant_header(headers: &HeaderMap) -> Result<Option<&str>, Problem> {
    let mut given = headers.get_all(TENANT_HEADER).iter();
    let Some(value) = given.next() else { return Ok(None) };
    let text = value.to_str().ok().map(str::trim).filter(|text| (1..=MAX_TENANT).contains(&text.len()));
    text.filter(|_| given.next().is_none())
        .map(Some)
        .ok_or_else(|| Problem::malformed("tenant_header_invalid", "X-Tenant-ID must hold one slug or one tenant id."))
}

/// The token of `Authorization: Bearer …`; an error when the header holds something else.
pub(crate) fn bearer(headers: &HeaderMap) -> Result<Option<&str>, Problem> {
    let mut given = headers.get_all(header::AUTHORIZATION).iter();
    let Some(value) = given.next() else { return Ok(None) };
    let token = value.to_str().ok().and_then(|text| {
        let (scheme, token) = text.split_once(' ')?;
        let token = token.trim();
        let fits = (1..=MAX_TOKEN).contains(&token.len()) && token.bytes().all(|b| b.is_ascii_graphic());
        (scheme.eq_ignore_ascii_case("bearer") && fits).then_some(token)
    });
    token
        .filter(|_| given.next().is_none())
        .map(Some)
        .ok_or_else(|| unauthenticated("invalid_request", "The Authorization header must hold one bearer token."))
}

fn unauthenticated(error: &'static str, message: &'static str) -> Problem {
    let problem = Problem::from(Error::new(ErrorKind::Unauthenticated, "unauthenticated", message));
    challenge(problem, error)
}

/// Says what was wrong with the token, in the words of RFC 6750.
fn challenge(problem: Problem, error: &'static str) -> Problem {
    match HeaderValue::try_from(format!("Bearer realm=\"cloister\", error=\"{error}\"")) {
        Ok(value) => problem.header(header::WWW_AUTHENTICATE, value),
        Err(_) => problem,
    }
}

impl FromRequestParts<Edge> for Op {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, edge: &Edge) -> Result<Self, Problem> {
        let request = parts
            .extensions
            .get::<Arc<RequestInfo>>()
            .cloned()
            .ok_or_else(|| Error::internal("a route stands outside the frame"))?;
        if let Some(Acting(cx)) = parts.extensions.get() {
            return Ok(Self { tenancy: edge.tenancy().clone(), cx: cx.clone(), request, rates: edge.rates().clone() });
        }
        let host = host::of(&parts.uri, &parts.headers, request.believed)?;
        let mut sources = sources(parts, host.as_deref())?;

        let tenancy = edge.tenancy();
        let (registry, base) = (tenancy.registry(), tenancy.base_domain());
        let identity = match caller(edge, parts, host.as_deref(), request.client).await {
            Ok(identity) => identity,
            Err(problem) if problem.status() == StatusCode::TOO_MANY_REQUESTS => return Err(problem),
            Err(problem) => {
                return Err(match registry.resolve(&sources, base) {
                    Err(refusal @ (Refusal::Unknown | Refusal::Mismatch)) => refuse(&refusal, &sources),
                    _ => problem,
                });
            }
        };
        sources.token = identity.tenant;
        let mut resolved = registry.resolve(&sources, base);
        if resolved == Err(Refusal::Mismatch) && is_off(Guard::TokenIsSource) {
            resolved = registry.resolve(&Sources { token: None, ..sources }, base);
        }
        let tenant = resolved.map_err(|refusal| {
            if refusal == Refusal::Mismatch {
                tenancy.note_mismatch(&identity, &sources, request.id, request.client);
            }
            refuse(&refusal, &sources)
        })?;
        // The first tenant named for this request is the only one: a second value could never be set.
        let _ = request.tenant.set(tenant.id);
        let cx = tenancy.context(tenant, &identity, request.id, Some(request.deadline))?.coming_from(request.client);
        admit(edge, &request, cx.tenant(), class(&parts.method))?;
        if parts.extensions.get::<WholeList>().is_some() {
            request.note(edge.rates().check_tenant(Class::Heavy, cx.tenant())?);
        }
        Ok(Self { tenancy: tenancy.clone(), cx, request, rates: edge.rates().clone() })
    }
}

/// Who calls, by bearer token or by the cookie of this host.
///
/// A network that shows too many wrong ones is told to wait, and no longer makes the node ask the control plane. Whoever is
/// known to the node, and shares the network with an attacker, is let in all the same.
pub(crate) async fn caller(
    edge: &Edge,
    parts: &Parts,
    host: Option<&str>,
    client: Option<IpAddr>,
) -> Result<Arc<Identity>, Problem> {
    let rates = edge.rates();
    let given = match bearer(&parts.headers) {
        Ok(given) => given,
        Err(problem) => {
            rates.check_client(Class::Refused, client)?;
            return Err(problem);
        }
    };
    let credential = match given {
        Some(token) => Credential::Bearer(token),
        None => match (cookie::session(&parts.headers), host) {
            (Some(secret), Some(host)) => {
                origin::check(parts, host)?;
                Credential::Cookie { secret, host }
            }
            _ => {
                rates.check_client(Class::Visitor, client)?;
                let message = "Sign in first, and send the token in the header Authorization: Bearer ….";
                return Err(Error::new(ErrorKind::Unauthenticated, "unauthenticated", message).into());
            }
        },
    };
    let known = match edge.authenticator().authenticate(&credential) {
        Ok(Some(known)) => Ok(known),
        Ok(None) => {
            rates.look(Class::Refused, client)?;
            edge.authenticator().look_up(credential).await
        }
        Err(error) => Err(error),
    };
    match known {
        Ok(known) => Ok(known),
        Err(error) if error.kind() == ErrorKind::Unauthenticated => {
            rates.check_client(Class::Refused, client)?;
            Err(challenge(error.into(), "invalid_token"))
        }
        Err(error) => Err(error.into()),
    }
}

/// What a request says about its tenant besides its credential.
pub(crate) fn sources<'a>(parts: &'a Parts, host: Option<&'a str>) -> Result<Sources<'a>, Problem> {
    let path = parts.extensions.get::<Address>().and_then(|address| address.slug.as_deref());
    Ok(Sources { host, path, header: tenant_header(&parts.headers)?, token: None })
}

/// A contradiction is a mistake or an attempt: both are worth a line. Of a caller who is known, the audit log has it too.
pub(crate) fn refuse(refusal: &Refusal, sources: &Sources<'_>) -> Problem {
    if *refusal == Refusal::Mismatch {
        metrics::counter!("cloister_tenant_mismatches_total").increment(1);
        tracing::warn!(
            host = sources.host,
            path = sources.path,
            header = sources.header,
            token = sources.token.map(tracing::field::display),
            "a request names different tenants"
        );
    }
    refusal.error().into()
}

#[cfg(test)]
mod tests {
    use axum::http::{HeaderMap, HeaderValue};

    use super::{bearer, tenant_header};

    fn with(name: &'static str, values: &[&str]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append(name, HeaderValue::from_str(value).unwrap());
        }
        headers
    }

    #[test]
    fn one_bearer_token_is_read() {
        let read = |values: &[&str]| bearer(&with("authorization", values)).map(|token| token.map(str::to_owned));
        assert_eq!(read(&[]).unwrap(), None);
        assert_eq!(read(&["Bearer abc.def"]).unwrap().as_deref(), Some("abc.def"));
        assert_eq!(read(&["bearer abc"]).unwrap().as_deref(), Some("abc"));
        for values in [&["Basic abc"][..], &["Bearer"], &["Bearer "], &["Bearer a b"], &["Bearer a", "Bearer b"]] {
            let problem = read(values).unwrap_err();
            assert_eq!((problem.status().as_u16(), problem.error().code()), (401, "unauthenticated"), "{values:?}");
        }
        assert!(read(&[&format!("Bearer {}", "a".repeat(9000))]).is_err());
    }

    #[test]
    fn one_tenant_is_named_in_the_header() {
        let read = |values: &[&str]| tenant_header(&with("x-tenant-id", values)).map(|text| text.map(str::to_owned));
        assert_eq!(read(&[]).unwrap(), None);
        assert_eq!(read(&["north"]).unwrap().as_deref(), Some("north"));
        for values in [&[""][..], &["a", "b"], &[&"a".repeat(65)]] {
            assert_eq!(read(values).unwrap_err().error().code(), "tenant_header_invalid");
        }
    }
}
