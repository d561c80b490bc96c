//! Endpoints about class periods.

use axum::{
    body::Body,
    http::{Response, StatusCode},
};
use cloister_http::{
    Answer, Edge, IdempotencyHeader, IfMatch, Listing, MergePatch, Once, Op, Page, PageQuery, Path, Problem, Sort,
    Tagged,
};
use cloister_ids::{ClassPeriodId, OrgId};
use cloister_tenancy::Action;
use garde::Validate;
use serde::Deserialize;
use utoipa::IntoParams;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{CLASS_PERIOD, ClassPeriod, ClassPeriodFields, sample, sample_fields, store};
use crate::{
    listing::{Key, Order, Position, Span, StatusFilter, StatusParameter, prefix},
    rules::searchable,
};

/// The routes of this resource.
pub(crate) fn routes() -> OpenApiRouter<Edge> {
    OpenApiRouter::new().routes(routes!(class_period_list, class_period_create)).routes(routes!(
        class_period_read,
        class_period_update,
        class_period_delete
    ))
}

/// Which class periods.
#[derive(Debug, Deserialize, Validate, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct ClassPeriodFilter {
    #[garde(skip)]
    #[param(ignore)]
    status: Option<StatusFilter>,
    /// Only of this school.
    #[garde(skip)]
    school_id: Option<OrgId>,
    /// Only those whose name begins with this; case and accents do not matter.
    #[garde(inner(length(chars, max = 100), custom(searchable)))]
    #[param(min_length = 1, max_length = 100, example = "a")]
    q: Option<String>,
}

/// The orders of the list.
#[derive(Debug, Clone, Copy)]
enum ClassPeriodSort {
    Sequence,
    Name,
    DateLastModified,
}

impl Sort for ClassPeriodSort {
    const ORDERS: &'static [(&'static str, Self)] =
        &[("sequence", Self::Sequence), ("name", Self::Name), ("date_last_modified", Self::DateLastModified)];
}

impl Order for ClassPeriodSort {
    fn key(self) -> Key {
        match self {
            Self::Sequence => Key::NUMBER,
            Self::Name => Key::TEXT,
            Self::DateLastModified => Key::TIME,
        }
    }
}

/// The order, for the API document.
#[derive(Debug, IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "read by `Listing`; this is its description")]
struct ClassPeriodOrder {
    /// `sequence` (as usual), `name` or `date_last_modified`; with `-` in front from the last to the first.
    #[param(pattern = "^-?(sequence|name|date_last_modified)$", example = "-date_last_modified")]
    sort: Option<String>,
}

/// A page of them.
type ClassPeriodPage = Page<ClassPeriod>;
/// Changes to one.
type ClassPeriodPatch = MergePatch<ClassPeriodFields>;

/// List class periods
///
/// A page of them, in the order of the day unless another is asked for.
#[utoipa::path(
    get,
    path = "/class_periods",
    operation_id = "class_period_list",
    tag = "School",
    params(StatusParameter, ClassPeriodFilter, ClassPeriodOrder, PageQuery),
    responses((status = 200, description = "A page of class periods.", body = ClassPeriodPage,
        example = json!({ "items": [sample()], "next_cursor": null })))
)]
async fn class_period_list(
    op: Op,
    listing: Listing<ClassPeriodFilter, ClassPeriodSort>,
) -> Result<Answer<ClassPeriodPage>, Problem> {
    let Op { tenancy, cx, .. } = &op;
    cx.authorize(Action::Read, &CLASS_PERIOD)?;
    let (tenant, what, filter) = (cx.tenant_id(), CLASS_PERIOD.name, &listing.filter);
    let selection = store::Selection {
        span: Span::of(&listing, filter.status, tenant, what)?,
        school_id: filter.school_id,
        name: prefix(filter.q.as_deref()),
    };
    let rows = match listing.sort {
        ClassPeriodSort::Sequence => store::list_by_sequence(tenancy, cx, &selection).await?,
        ClassPeriodSort::Name => store::list_by_name(tenancy, cx, &selection).await?,
        ClassPeriodSort::DateLastModified => store::list_by_change(tenancy, cx, &selection).await?,
    };
    Ok(Answer(listing.page(tenant, what, rows, |last| {
        let key = match listing.sort {
            ClassPeriodSort::Sequence => Key::Number(last.fields.sequence),
            ClassPeriodSort::Name => Key::Text(last.fields.name_search()),
            ClassPeriodSort::DateLastModified => Key::Time(last.record.date_last_modified),
        };
        Position { key, id: last.id.uuid() }
    })))
}

/// Create a class period
#[utoipa::path(
    post,
    path = "/class_periods",
    operation_id = "class_period_create",
    tag = "School",
    extensions(("x-table" = json!(true))),
    params(IdempotencyHeader),
    request_body(content = ClassPeriodFields, example = json!(sample_fields())),
    responses((status = 201, description = "The class period.", body = ClassPeriod,
        headers(("ETag" = String, description = "Its version."), ("Location" = String, description = "Its address.")),
        example = json!(sample())))
)]
async fn class_period_create(op: Op, once: Once<ClassPeriodFields>) -> Result<Response<Body>, Problem> {
    op.cx.authorize(Action::Create, &CLASS_PERIOD)?;
    let mut tx = op.tenancy.write(&op.cx).await?;
    let made = super::create(&mut tx, once.key.as_ref(), once.body).await;
    op.created(tx, once.key, made).await
}

/// Read a class period
///
/// A deleted one too: its status tells.
#[utoipa::path(
    get,
    path = "/class_periods/{id}",
    operation_id = "class_period_read",
    tag = "School",
    params(("id" = ClassPeriodId, Path, description = "Which one.")),
    responses((status = 200, description = "The class period.", body = ClassPeriod,
        headers(("ETag" = String, description = "Its version.")),
        example = json!(sample())))
)]
async fn class_period_read(op: Op, Path(id): Path<ClassPeriodId>) -> Result<Tagged<ClassPeriod>, Problem> {
    Ok(Tagged(super::read(&op.tenancy, &op.cx, id).await?))
}

/// Change a class period
///
/// A JSON merge patch: what is absent stays, what is null is removed. The status `active` brings a deleted one back.
#[utoipa::path(
    patch,
    path = "/class_periods/{id}",
    operation_id = "class_period_update",
    tag = "School",
    params(("id" = ClassPeriodId, Path, description = "Which one."),
        ("If-Match" = String, Header, description = "The ETag you read.", example = "\"v1\"")),
    request_body(content = ClassPeriodPatch, example = json!({ "end_time": "11:05" })),
    responses((status = 200, description = "The class period as it is now.", body = ClassPeriod,
        headers(("ETag" = String, description = "Its version.")),
        example = json!(sample())))
)]
async fn class_period_update(
    op: Op,
    Path(id): Path<ClassPeriodId>,
    known: IfMatch,
    patch: ClassPeriodPatch,
) -> Result<Tagged<ClassPeriod>, Problem> {
    Ok(Tagged(super::update(&op.tenancy, &op.cx, id, &known, &patch).await?))
}

/// Delete a class period
///
/// It stays readable, with the status `tobedeleted`. Refused while classes meet in it.
#[utoipa::path(
    delete,
    path = "/class_periods/{id}",
    operation_id = "class_period_delete",
    tag = "School",
    params(("id" = ClassPeriodId, Path, description = "Which one."),
        ("If-Match" = String, Header, description = "The ETag you read.", example = "\"v1\"")),
    responses((status = 204, description = "It is deleted."))
)]
async fn class_period_delete(op: Op, Path(id): Path<ClassPeriodId>, known: IfMatch) -> Result<StatusCode, Problem> {
    super::delete(&op.tenancy, &op.cx, id, &known).await?;
    Ok(StatusCode::NO_CONTENT)
}
