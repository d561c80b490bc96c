//! Tenants: as operators administer them, and as each sees itself.

mod administer;
mod administer_api;
mod ask_api;
mod own_api;
mod setting;
mod setting_api;
pub(crate) mod store;
mod view;
mod workflow_api;

use cloister_http::Edge;
use cloister_tenancy::Resource;
use utoipa_axum::router::OpenApiRouter;

use crate::MODULE;

pub(crate) use view::limit_texts;

/// A tenant: for operators any, for who is inside it their own.
pub(crate) const TENANT: Resource = Resource { module: MODULE, name: "tenant" };
/// What a tenant has chosen.
pub(crate) const SETTING: Resource = Resource { module: MODULE, name: "setting" };

/// The routes of this folder.
pub(crate) fn routes() -> OpenApiRouter<Edge> {
    OpenApiRouter::new()
        .merge(administer_api::routes())
        .merge(ask_api::routes())
        .merge(own_api::routes())
        .merge(setting_api::routes())
        .merge(workflow_api::routes())
}
