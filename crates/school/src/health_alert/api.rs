//! Endpoints about alerts.

use cloister_http::{Answer, Edge, Listing, Op, Page, PageQuery, Problem, Sort};
use cloister_ids::PersonId;
use cloister_tenancy::Action;
use garde::Validate;
use serde::Deserialize;
use utoipa::IntoParams;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{HEALTH_ALERT, HealthAlert, sample, store};
use crate::{
    access_log_entry::{self, Seen},
    listing::{Key, Order, Position, Span},
    scope::{Sight, today},
};

/// The routes of this resource.
pub(crate) fn routes() -> OpenApiRouter<Edge> {
    OpenApiRouter::new().routes(routes!(health_alert_list))
}

/// Which alerts.
#[derive(Debug, Deserialize, Validate, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct HealthAlertFilter {
    /// Only those of this student.
    #[garde(skip)]
    student_id: Option<PersonId>,
}

/// The order of the list.
#[derive(Debug, Clone, Copy)]
enum HealthAlertSort {
    CreatedAt,
}

impl Sort for HealthAlertSort {
    const ORDERS: &'static [(&'static str, Self)] = &[("created_at", Self::CreatedAt)];
}

impl Order for HealthAlertSort {
    fn key(self) -> Key {
        Key::Id
    }
}

/// The order, for the API document.
#[derive(Debug, IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "read by `Listing`; this is its description")]
struct HealthAlertOrder {
    /// `created_at` (as usual); with `-` in front the newest first.
    #[param(pattern = "^-?created_at$", example = "-created_at")]
    sort: Option<String>,
}

/// A page of them.
type HealthAlertPage = Page<HealthAlert>;

/// List health alerts
///
/// Of the students one may see, as teachers those in own classes: the conditions and allergies that the health office marked, with
/// what to do. Those that ended are not among them. Each alert that is shown is noted in the access log.
#[utoipa::path(
    get,
    path = "/health_alerts",
    operation_id = "health_alert_list",
    tag = "School",
    params(HealthAlertFilter, HealthAlertOrder, PageQuery),
    responses((status = 200, description = "A page of alerts.", body = HealthAlertPage,
        example = json!({ "items": [sample()], "next_cursor": null })))
)]
async fn health_alert_list(
    op: Op,
    listing: Listing<HealthAlertFilter, HealthAlertSort>,
) -> Result<Answer<HealthAlertPage>, Problem> {
    let Op { tenancy, cx, .. } = &op;
    let sight = Sight::of(cx, &HEALTH_ALERT)?;
    let (tenant, what) = (cx.tenant_id(), HEALTH_ALERT.name);
    let span = Span::of(&listing, None, tenant, what)?;
    let mut tx = tenancy.write(cx).await?;
    let rows = store::list(&mut tx, &sight, &span, today(cx), listing.filter.student_id).await?;
    let Page { items, next_cursor } = listing.page(tenant, what, rows, |last| Position { key: Key::Id, id: last.at });
    let items: Vec<HealthAlert> = items.into_iter().map(|placed| placed.alert).collect();
    let shown = items.iter().map(|alert| (alert.id.clone(), alert.student_id));
    access_log_entry::commit(tx, Seen::of(cx, Action::Read, &HEALTH_ALERT, shown)).await?;
    Ok(Answer(Page { items, next_cursor }))
}
