//! The routes of modules, called from within the process: by work that does for many records what the API does for one.
//!
//! There is no socket, no credential and no limit here. Who acts, and for which tenant, is what the caller's context says; the
//! use cases authorise it as they authorise anybody. Nothing that comes from outside can set it: a context is no header.

use std::sync::{Arc, Mutex, OnceLock};

use axum::{
    Router,
    body::Body,
    http::{HeaderValue, Method, Request, header},
};
use cloister_tenancy::{Authenticator, Credential, Error, ErrorKind, Identity, OpContext, Result, Tenancy};
use http_body_util::BodyExt;
use serde_json::Value;
use tower::ServiceExt;
use utoipa::openapi::OpenApi;

use crate::{
    Edge, EdgeSettings, HttpModule, Problem, RateSettings, address::API, document, etag::etag, request::RequestInfo,
};

/// Whose name a call is made in.
#[derive(Debug, Clone)]
pub(crate) struct Acting(pub(crate) OpContext);

/// Nobody is known: what a call is made in the name of is in its context.
struct Nobody;

impl Authenticator for Nobody {
    fn authenticate(&self, _: &Credential<'_>) -> Result<Option<Arc<Identity>>> {
        Err(Error::new(ErrorKind::Unauthenticated, "unauthenticated", "Nobody signs in here."))
    }
}

/// Routes that can be called from within.
#[derive(Clone)]
pub struct Inside {
    router: Router,
}

impl std::fmt::Debug for Inside {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Inside").finish_non_exhaustive()
    }
}

/// The routes of modules before they are anybody's. To assemble them is work: it is done once.
#[derive(Clone)]
pub struct InsideRoutes {
    routes: Router<Edge>,
    document: Arc<OpenApi>,
}

impl std::fmt::Debug for InsideRoutes {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("InsideRoutes").finish_non_exhaustive()
    }
}

impl InsideRoutes {
    /// The routes of these modules.
    pub fn of(modules: &[Arc<dyn HttpModule>]) -> Self {
        let (routes, document) = document::assemble(modules);
        Self { routes, document: Arc::new(document) }
    }

    /// What they are.
    pub fn document(&self) -> &OpenApi {
        &self.document
    }

    /// With a kernel behind them.
    pub fn at(&self, tenancy: &Tenancy) -> Inside {
        let settings = EdgeSettings { rates: RateSettings::UNLIMITED, ..EdgeSettings::default() };
        let edge = Edge::new(tenancy.clone(), Arc::new(Nobody), settings, None);
        Inside { router: self.routes.clone().with_state(edge) }
    }
}

impl Inside {
    /// Calls one, whose path begins behind `/api/v1`, and gives what it answers, or the error that it would have told.
    /// `known` is the version that is to be changed.
    pub async fn call(
        &self,
        cx: &OpContext,
        method: Method,
        path: &str,
        known: Option<i64>,
        body: Option<&Value>,
    ) -> Result<Value> {
        let info = RequestInfo {
            id: cx.request(),
            path: format!("{API}{path}"),
            deadline: std::time::Instant::now() + EdgeSettings::default().limits.time,
            client: cx.client(),
            believed: false,
            tenant: OnceLock::from(cx.tenant_id()),
            share: Mutex::default(),
            allowance: Mutex::default(),
        };
        let mut request = Request::builder().method(method).uri(&info.path);
        if let Some(tag) = known.and_then(etag) {
            request = request.header(header::IF_MATCH, tag);
        }
        let body = match body {
            Some(body) => {
                request = request.header(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
                Body::from(serde_json::to_vec(body).map_err(Error::internal)?)
            }
            None => Body::empty(),
        };
        let mut request = request.body(body).map_err(Error::internal)?;
        request.extensions_mut().insert(Arc::new(info));
        request.extensions_mut().insert(Acting(cx.clone()));
        let Ok(mut response) = self.router.clone().oneshot(request).await;
        if let Some(problem) = response.extensions_mut().remove::<Problem>() {
            return Err(problem.into_error());
        }
        let status = response.status();
        let bytes = response.into_body().collect().await.map_err(Error::internal)?.to_bytes();
        if !status.is_success() {
            return Err(Error::internal(format!("a call from within was answered {status}")));
        }
        if bytes.is_empty() { Ok(Value::Null) } else { serde_json::from_slice(&bytes).map_err(Error::internal) }
    }
}
