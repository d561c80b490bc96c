//! Endpoints about merges of persons.

use axum::{
    body::Body,
    http::{Response, StatusCode},
};
use cloister_http::{
    Answer, Edge, IdempotencyHeader, IfMatch, Listing, Once, Op, Page, PageQuery, Path, Problem, Sort, Tagged,
};
use cloister_ids::{PersonId, PersonMergeId};
use cloister_tenancy::Action;
use garde::Validate;
use serde::Deserialize;
use utoipa::IntoParams;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{PERSON_MERGE, PersonMerge, PersonMergeFields, sample, sample_fields, store};
use crate::listing::{Key, Order, Position, Span, StatusFilter, StatusParameter};

/// The routes of this resource.
pub(crate) fn routes() -> OpenApiRouter<Edge> {
    OpenApiRouter::new()
        .routes(routes!(person_merge_list, person_merge_create))
        .routes(routes!(person_merge_read, person_merge_undo))
}

/// Which merges of persons.
#[derive(Debug, Deserialize, Validate, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct PersonMergeFilter {
    #[garde(skip)]
    #[param(ignore)]
    status: Option<StatusFilter>,
    /// Only those that this person was one of.
    #[garde(skip)]
    person_id: Option<PersonId>,
}

/// The orders of the list.
#[derive(Debug, Clone, Copy)]
enum PersonMergeSort {
    CreatedAt,
    DateLastModified,
}

impl Sort for PersonMergeSort {
    const ORDERS: &'static [(&'static str, Self)] =
        &[("created_at", Self::CreatedAt), ("date_last_modified", Self::DateLastModified)];
}

impl Order for PersonMergeSort {
    fn key(self) -> Key {
        match self {
            Self::CreatedAt => Key::Id,
            Self::DateLastModified => Key::TIME,
        }
    }
}

/// The order, for the API document.
#[derive(Debug, IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "read by `Listing`; this is its description")]
struct PersonMergeOrder {
    /// `created_at` (as usual) or `date_last_modified`; with `-` in front from the last to the first.
    #[param(pattern = "^-?(created_at|date_last_modified)$", example = "-date_last_modified")]
    sort: Option<String>,
}

/// A page of them.
type PersonMergePage = Page<PersonMerge>;

/// List merges of persons
///
/// A page of them, by age unless another order is asked for. Those that were taken back have the status `tobedeleted`.
#[utoipa::path(
    get,
    path = "/person_merges",
    operation_id = "person_merge_list",
    tag = "School",
    params(StatusParameter, PersonMergeFilter, PersonMergeOrder, PageQuery),
    responses((status = 200, description = "A page of merges of persons.", body = PersonMergePage,
        example = json!({ "items": [sample()], "next_cursor": null })))
)]
async fn person_merge_list(
    op: Op,
    listing: Listing<PersonMergeFilter, PersonMergeSort>,
) -> Result<Answer<PersonMergePage>, Problem> {
    let Op { tenancy, cx, .. } = &op;
    cx.authorize(Action::Read, &PERSON_MERGE)?;
    let (tenant, what, filter) = (cx.tenant_id(), PERSON_MERGE.name, &listing.filter);
    let selection =
        store::Selection { span: Span::of(&listing, filter.status, tenant, what)?, person_id: filter.person_id };
    let rows = match listing.sort {
        PersonMergeSort::CreatedAt => store::list_by_age(tenancy, cx, &selection).await?,
        PersonMergeSort::DateLastModified => store::list_by_change(tenancy, cx, &selection).await?,
    };
    Ok(Answer(listing.page(tenant, what, rows, |last| {
        let key = match listing.sort {
            PersonMergeSort::CreatedAt => Key::Id,
            PersonMergeSort::DateLastModified => Key::Time(last.record.date_last_modified),
        };
        Position { key, id: last.id.uuid() }
    })))
}

/// Create a merge of two persons
///
/// Roles, places in classes, contacts, families, posts, academic records, attendance, absence requests, meetings, custom values and
/// demographics of the merged record become those of the one that stays, and so does the account. What both have is set aside with
/// the merged record, which is deleted; names and numbers of the one that stays are not changed. Refused with `contacts_differ`
/// or `places_differ` where that would decide or lose something, and with `both_have_accounts`. `DELETE` takes it all back.
#[utoipa::path(
    post,
    path = "/person_merges",
    operation_id = "person_merge_create",
    tag = "School",
    params(IdempotencyHeader),
    request_body(content = PersonMergeFields, example = json!(sample_fields())),
    responses((status = 201, description = "The merge of two persons.", body = PersonMerge,
        headers(("ETag" = String, description = "Its version."), ("Location" = String, description = "Its address.")),
        example = json!(sample())))
)]
async fn person_merge_create(op: Op, once: Once<PersonMergeFields>) -> Result<Response<Body>, Problem> {
    op.cx.authorize(Action::Create, &PERSON_MERGE)?;
    let mut tx = op.tenancy.write(&op.cx).await?;
    let made = super::create(&mut tx, once.key.as_ref(), once.body).await;
    op.created(tx, once.key, made).await
}

/// Read a merge of two persons
///
/// A deleted one too: its status tells.
#[utoipa::path(
    get,
    path = "/person_merges/{id}",
    operation_id = "person_merge_read",
    tag = "School",
    params(("id" = PersonMergeId, Path, description = "Which one.")),
    responses((status = 200, description = "The merge of two persons.", body = PersonMerge,
        headers(("ETag" = String, description = "Its version.")),
        example = json!(sample())))
)]
async fn person_merge_read(op: Op, Path(id): Path<PersonMergeId>) -> Result<Tagged<PersonMerge>, Problem> {
    Ok(Tagged(super::read(&op.tenancy, &op.cx, id).await?))
}

/// Take a merge of two persons back
///
/// Both are there again, and what was moved or set aside is where it was. What was entered since stays with the one that stayed.
/// Later merges of the two are taken back first (`merged_again`), and whoever stayed must be there (`kept_deleted`).
#[utoipa::path(
    delete,
    path = "/person_merges/{id}",
    operation_id = "person_merge_undo",
    tag = "School",
    params(("id" = PersonMergeId, Path, description = "Which one."),
        ("If-Match" = String, Header, description = "The ETag you read.", example = "\"v1\"")),
    responses((status = 204, description = "It is taken back."))
)]
async fn person_merge_undo(op: Op, Path(id): Path<PersonMergeId>, known: IfMatch) -> Result<StatusCode, Problem> {
    super::undo(&op.tenancy, &op.cx, id, &known).await?;
    Ok(StatusCode::NO_CONTENT)
}
