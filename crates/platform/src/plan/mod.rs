//! Plans: what operators give tenants. The kernel keeps them and goes by them; here they are administered.

mod api;

use cloister_http::Edge;
use cloister_tenancy::Resource;
use utoipa_axum::router::OpenApiRouter;

use crate::MODULE;

/// Limits under a name.
pub(crate) const PLAN: Resource = Resource { module: MODULE, name: "plan" };

/// The routes of this folder.
pub(crate) fn routes() -> OpenApiRouter<Edge> {
    api::routes()
}
