//! All routes put together.

use std::sync::Arc;

use axum::{
    Router,
    http::{Method, StatusCode, Uri},
};
use cloister_tenancy::{Error, ErrorKind, Module};
use tower::util::MapRequestLayer;
use utoipa_axum::router::OpenApiRouter;

use crate::{Edge, Problem, address, docs, document, frame::Frame, health};

/// A module that can be reached over HTTP.
pub trait HttpModule: Module {
    /// Its routes, relative to `/api/v1`.
    fn routes(&self) -> OpenApiRouter<Edge>;
}

/// The whole edge: modules under `/api/v1` and `/t/<slug>/api/v1`, health, metrics and the API document.
pub fn app(edge: &Edge, modules: &[Arc<dyn HttpModule>]) -> Router {
    let (api, document) = document::assemble(modules);
    let routes = api.merge(health::routes()).merge(docs::routes(&document)).with_state(edge.clone());
    let frame = Frame { settings: edge.settings().clone(), clock: edge.tenancy().clock().clone() };
    finish(routes, frame)
}

/// Answers for unknown routes and methods, the frame around it all, and the tenant taken off the path before routing.
pub(crate) fn finish(routes: Router, frame: Frame) -> Router {
    let framed = frame.around(routes.fallback(unknown_route).method_not_allowed_fallback(unknown_method));
    Router::new().fallback_service(tower::Layer::layer(&MapRequestLayer::new(address::read), framed))
}

async fn unknown_route(uri: Uri) -> Problem {
    let hint = if uri.path().starts_with("/api/") { " The API is described under /api/docs." } else { "" };
    Error::new(ErrorKind::NotFound, "route_unknown", format!("There is nothing under this address.{hint}")).into()
}

async fn unknown_method(method: Method) -> Problem {
    let shown: String = method.as_str().chars().take(20).collect();
    Problem::with_status(
        StatusCode::METHOD_NOT_ALLOWED,
        Error::new(
            ErrorKind::Malformed,
            "method_not_allowed",
            format!("{shown} is not possible here. The header Allow says what is."),
        ),
    )
}
