//! Requests through the front door: the whole edge with routes, resolution and problems, without a socket.
#![expect(clippy::missing_panics_doc, reason = "a test that cannot go on panics, and says why")]

use std::sync::Arc;

use axum::{
    Router,
    body::{Body, Bytes},
    http::{HeaderMap, HeaderName, HeaderValue, Method, Request},
};
use cloister_http::{Edge, EdgeSettings, HttpModule, app};
use cloister_tenancy::{
    Actor, Authenticator, Credential, Error, ErrorKind, Identity, PermissionSet, Tenancy, TenantEntry,
};
use http_body_util::BodyExt;
use metrics_exporter_prometheus::PrometheusHandle;
use serde_json::Value;
use tower::ServiceExt;

/// The edge of one node.
#[derive(Debug, Clone)]
pub struct FrontDoor {
    edge: Edge,
    router: Router,
}

/// Reads what [`token`] writes. Tests only: nothing is signed.
struct PlainTokens;

/// A token for a tenant, or for none in particular. An actor named by the id of an account, `acc_…`, has that account.
pub fn token(actor: &str, tenant: Option<&TenantEntry>, permissions: &[&str]) -> String {
    let tenant = tenant.map_or_else(String::new, |tenant| tenant.id.to_string());
    format!("{actor}|{tenant}|{}", permissions.join(","))
}

/// A token of an operator, who is in no tenant: what they may do with the platform itself.
pub fn operator_token(actor: &str, permissions: &[&str]) -> String {
    format!("{}|{}", token(actor, None, &[]), permissions.join(","))
}

impl Authenticator for PlainTokens {
    fn authenticate(&self, credential: &Credential<'_>) -> cloister_tenancy::Result<Option<Arc<Identity>>> {
        let Credential::Bearer(bearer) = credential else { return Ok(None) };
        let refused = || Error::new(ErrorKind::Unauthenticated, "unauthenticated", "This token is not valid.");
        let mut parts = bearer.split('|');
        let (Some(actor), Some(tenant), Some(permissions)) = (parts.next(), parts.next(), parts.next()) else {
            return Err(refused());
        };
        let tenant = if tenant.is_empty() { None } else { Some(tenant.parse().map_err(|_| refused())?) };
        let set = |texts: &str| PermissionSet::new(texts.split(',').filter(|text| !text.is_empty()));
        let mut identity = Identity::new(Actor::Account(actor.into()), tenant, set(permissions));
        identity.account = actor.parse().ok();
        identity.operator = set(parts.next().unwrap_or_default());
        Ok(Some(Arc::new(identity)))
    }
}

impl FrontDoor {
    /// The edge of `tenancy` with these modules.
    pub fn new(tenancy: &Tenancy, modules: &[Arc<dyn HttpModule>]) -> Self {
        Self::with(tenancy, modules, EdgeSettings::default(), None)
    }

    /// The same, set in another way.
    pub fn with(
        tenancy: &Tenancy,
        modules: &[Arc<dyn HttpModule>],
        settings: EdgeSettings,
        metrics: Option<PrometheusHandle>,
    ) -> Self {
        let edge = Edge::new(tenancy.clone(), Arc::new(PlainTokens), settings, metrics);
        let router = app(&edge, modules);
        Self { edge, router }
    }

    /// The same, with another way to tell who calls.
    pub fn authenticated(
        tenancy: &Tenancy,
        authenticator: Arc<dyn Authenticator>,
        modules: &[Arc<dyn HttpModule>],
        settings: EdgeSettings,
    ) -> Self {
        Self::authenticated_with(tenancy, authenticator, modules, settings, None)
    }

    /// The same, with what `/metrics` shows.
    pub fn authenticated_with(
        tenancy: &Tenancy,
        authenticator: Arc<dyn Authenticator>,
        modules: &[Arc<dyn HttpModule>],
        settings: EdgeSettings,
        metrics: Option<PrometheusHandle>,
    ) -> Self {
        let edge = Edge::new(tenancy.clone(), authenticator, settings, metrics);
        let router = app(&edge, modules);
        Self { edge, router }
    }

    /// What a server needs to open this door to a socket.
    pub fn edge(&self) -> &Edge {
        &self.edge
    }

    /// All routes, for a server.
    pub fn router(&self) -> Router {
        self.router.clone()
    }

    /// A request to this path, without host, tenant or token.
    pub fn call(&self, method: &str, path: &str) -> Call {
        Call {
            door: self.clone(),
            method: method.parse().unwrap_or(Method::GET),
            path: path.to_owned(),
            headers: HeaderMap::new(),
            body: None,
            file: None,
        }
    }

    /// A request by somebody with every permission in `tenant`, sent to the tenant's host.
    pub fn within(&self, tenant: &TenantEntry, method: &str, path: &str) -> Call {
        let host = format!("{}.localhost", tenant.slug);
        self.call(method, path).header("host", &host).token(&token("tester", Some(tenant), &["*"]))
    }
}

/// A request that is being written.
#[derive(Debug, Clone)]
pub struct Call {
    door: FrontDoor,
    method: Method,
    path: String,
    headers: HeaderMap,
    body: Option<Value>,
    file: Option<(HeaderValue, Bytes)>,
}

/// What came back.
#[derive(Debug, Clone)]
pub struct Seen {
    /// Its status.
    pub status: u16,
    /// Its headers.
    pub headers: HeaderMap,
    /// Its body, null when there was none, or none in JSON.
    pub body: Value,
    /// The same as it was sent.
    pub text: String,
    /// The same where it is no text.
    pub bytes: Bytes,
}

impl Call {
    /// Sets a header.
    #[must_use]
    pub fn header(mut self, name: &str, value: &str) -> Self {
        match (HeaderName::try_from(name), HeaderValue::try_from(value)) {
            (Ok(name), Ok(value)) => drop(self.headers.insert(name, value)),
            _ => panic!("{name}: {value} is no header"),
        }
        self
    }

    /// Sets the bearer token.
    #[must_use]
    pub fn token(self, token: &str) -> Self {
        self.header("authorization", &format!("Bearer {token}"))
    }

    /// Sets a file as the body.
    #[must_use]
    pub fn file(mut self, media_type: &'static str, bytes: Bytes) -> Self {
        self.file = Some((HeaderValue::from_static(media_type), bytes));
        self
    }

    /// Sets a JSON body.
    #[must_use]
    pub fn json(mut self, body: Value) -> Self {
        self.body = Some(body);
        self
    }

    /// Sends it.
    pub async fn send(self) -> Seen {
        let body = match (&self.body, &self.file) {
            (Some(body), _) => Body::from(body.to_string()),
            (None, Some((_, bytes))) => Body::from(bytes.clone()),
            (None, None) => Body::empty(),
        };
        let mut request = Request::new(body);
        *request.method_mut() = self.method;
        match self.path.parse() {
            Ok(uri) => *request.uri_mut() = uri,
            Err(error) => panic!("{}: {error}", self.path),
        }
        *request.headers_mut() = self.headers;
        if let Some((media_type, _)) = self.file {
            request.headers_mut().insert("content-type", media_type);
        }
        if self.body.is_some() {
            request.headers_mut().insert("content-type", HeaderValue::from_static("application/json"));
        }
        let (parts, body) = match self.door.router.oneshot(request).await {
            Ok(response) => response.into_parts(),
            Err(never) => match never {},
        };
        let bytes = match body.collect().await {
            Ok(body) => body.to_bytes(),
            Err(error) => panic!("the answer broke off: {error}"),
        };
        let body = serde_json::from_slice(&bytes).unwrap_or(Value::Null);
        let text = String::from_utf8_lossy(&bytes).into_owned();
        Seen { status: parts.status.as_u16(), headers: parts.headers, body, text, bytes }
    }

    /// Sends it and insists on a status; gives the body.
    pub async fn expect(self, status: u16) -> Value {
        let said = format!("{} {}", self.method, self.path);
        let seen = self.send().await;
        assert_eq!(seen.status, status, "{said}: {}", seen.body);
        seen.body
    }

    /// Sends it and insists on a refusal with this status and code; gives the body.
    pub async fn refused(self, status: u16, code: &str) -> Value {
        let said = format!("{} {}", self.method, self.path);
        let seen = self.send().await;
        assert_eq!((seen.status, seen.body["code"].as_str()), (status, Some(code)), "{said}: {}", seen.body);
        seen.body
    }
}

impl Seen {
    /// A header's text.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }
}
