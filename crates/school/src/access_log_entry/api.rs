//! Endpoints about the access log.

use cloister_http::{Answer, Edge, Listing, Op, Page, PageQuery, Problem, Sort};
use cloister_ids::{AccountId, PersonId};
use cloister_tenancy::Action;
use garde::Validate;
use jiff::Timestamp;
use serde::Deserialize;
use utoipa::IntoParams;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{ACCESS_LOG_ENTRY, AccessLogEntry, sample, store};
use crate::{
    listing::{Key, Order, Position, Span},
    rules::clean,
};

/// The routes of this resource.
pub(crate) fn routes() -> OpenApiRouter<Edge> {
    OpenApiRouter::new().routes(routes!(access_log_entry_list))
}

/// Which entries.
#[derive(Debug, Deserialize, Validate, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct AccessLogEntryFilter {
    /// Only what is about this student, under another record that was merged into theirs too.
    #[garde(skip)]
    student_id: Option<PersonId>,
    /// Only what this account saw.
    #[garde(skip)]
    account_id: Option<AccountId>,
    /// Only records of this kind.
    #[garde(inner(length(chars, max = 100), custom(clean)))]
    #[param(min_length = 1, max_length = 100, example = "school.allergy")]
    resource: Option<String>,
    /// Only what was seen at this time or later.
    #[garde(skip)]
    #[param(example = "2025-09-01T00:00:00Z")]
    from: Option<Timestamp>,
    /// Only what was seen before this time.
    #[garde(skip)]
    #[param(example = "2026-07-01T00:00:00Z")]
    until: Option<Timestamp>,
}

/// The order of the list.
#[derive(Debug, Clone, Copy)]
enum AccessLogEntrySort {
    At,
}

impl Sort for AccessLogEntrySort {
    const ORDERS: &'static [(&'static str, Self)] = &[("at", Self::At)];
}

impl Order for AccessLogEntrySort {
    fn key(self) -> Key {
        Key::Id
    }
}

/// The order, for the API document.
#[derive(Debug, IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "read by `Listing`; this is its description")]
struct AccessLogEntryOrder {
    /// `at` (as usual); with `-` in front the newest first.
    #[param(pattern = "^-?at$", example = "-at")]
    sort: Option<String>,
}

/// A page of them.
type AccessLogEntryPage = Page<AccessLogEntry>;

/// List entries of the access log
///
/// Who saw which health record of whom, and when: an entry for each record that was shown. In the order of time.
#[utoipa::path(
    get,
    path = "/access_log_entries",
    operation_id = "access_log_entry_list",
    tag = "School",
    params(AccessLogEntryFilter, AccessLogEntryOrder, PageQuery),
    responses((status = 200, description = "A page of entries.", body = AccessLogEntryPage,
        example = json!({ "items": [sample()], "next_cursor": null })))
)]
async fn access_log_entry_list(
    op: Op,
    listing: Listing<AccessLogEntryFilter, AccessLogEntrySort>,
) -> Result<Answer<AccessLogEntryPage>, Problem> {
    let Op { tenancy, cx, .. } = &op;
    cx.authorize(Action::Read, &ACCESS_LOG_ENTRY)?;
    let (tenant, what, filter) = (cx.tenant_id(), ACCESS_LOG_ENTRY.name, &listing.filter);
    let selection = store::Selection {
        span: Span::of(&listing, None, tenant, what)?,
        resource: filter.resource.clone(),
        from: filter.from,
        until: filter.until,
        account_id: filter.account_id,
        student_id: filter.student_id,
    };
    let rows = store::list(tenancy, cx, &selection).await?;
    Ok(Answer(listing.page(tenant, what, rows, |last| Position { key: Key::Id, id: last.id.uuid() })))
}
