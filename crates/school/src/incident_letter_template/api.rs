//! Endpoints about incident letter templates.

use axum::{
    body::Body,
    http::{Response, StatusCode},
};
use cloister_http::{
    Answer, Edge, IdempotencyHeader, IfMatch, Listing, MergePatch, Once, Op, Page, PageQuery, Path, Problem, Sort,
    Tagged,
};
use cloister_ids::IncidentLetterTemplateId;
use cloister_tenancy::Action;
use garde::Validate;
use serde::Deserialize;
use utoipa::IntoParams;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    INCIDENT_LETTER_TEMPLATE, IncidentLetterTemplate, IncidentLetterTemplateFields, sample, sample_fields, store,
};
use crate::{
    listing::{Key, Order, Position, Span, StatusFilter, StatusParameter, prefix},
    rules::searchable,
};

/// The routes of this resource.
pub(crate) fn routes() -> OpenApiRouter<Edge> {
    OpenApiRouter::new().routes(routes!(incident_letter_template_list, incident_letter_template_create)).routes(
        routes!(incident_letter_template_read, incident_letter_template_update, incident_letter_template_delete),
    )
}

/// Which incident letter templates.
#[derive(Debug, Deserialize, Validate, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct IncidentLetterTemplateFilter {
    #[garde(skip)]
    #[param(ignore)]
    status: Option<StatusFilter>,
    /// Only those whose name begins with this; case and accents do not matter.
    #[garde(inner(length(chars, max = 100), custom(searchable)))]
    #[param(min_length = 1, max_length = 100, example = "a")]
    q: Option<String>,
}

/// The orders of the list.
#[derive(Debug, Clone, Copy)]
enum IncidentLetterTemplateSort {
    Name,
    DateLastModified,
}

impl Sort for IncidentLetterTemplateSort {
    const ORDERS: &'static [(&'static str, Self)] =
        &[("name", Self::Name), ("date_last_modified", Self::DateLastModified)];
}

impl Order for IncidentLetterTemplateSort {
    fn key(self) -> Key {
        match self {
            Self::Name => Key::TEXT,
            Self::DateLastModified => Key::TIME,
        }
    }
}

/// The order, for the API document.
#[derive(Debug, IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "read by `Listing`; this is its description")]
struct IncidentLetterTemplateOrder {
    /// `name` (as usual) or `date_last_modified`; with `-` in front from the last to the first.
    #[param(pattern = "^-?(name|date_last_modified)$", example = "-date_last_modified")]
    sort: Option<String>,
}

/// A page of them.
type IncidentLetterTemplatePage = Page<IncidentLetterTemplate>;
/// Changes to one.
type IncidentLetterTemplatePatch = MergePatch<IncidentLetterTemplateFields>;

/// List incident letter templates
///
/// A page of them, by name unless another order is asked for.
#[utoipa::path(
    get,
    path = "/incident_letter_templates",
    operation_id = "incident_letter_template_list",
    tag = "School",
    params(StatusParameter, IncidentLetterTemplateFilter, IncidentLetterTemplateOrder, PageQuery),
    responses((status = 200, description = "A page of incident letter templates.", body = IncidentLetterTemplatePage,
        example = json!({ "items": [sample()], "next_cursor": null })))
)]
async fn incident_letter_template_list(
    op: Op,
    listing: Listing<IncidentLetterTemplateFilter, IncidentLetterTemplateSort>,
) -> Result<Answer<IncidentLetterTemplatePage>, Problem> {
    let Op { tenancy, cx, .. } = &op;
    cx.authorize(Action::Read, &INCIDENT_LETTER_TEMPLATE)?;
    let (tenant, what, filter) = (cx.tenant_id(), INCIDENT_LETTER_TEMPLATE.name, &listing.filter);
    let selection =
        store::Selection { span: Span::of(&listing, filter.status, tenant, what)?, name: prefix(filter.q.as_deref()) };
    let rows = match listing.sort {
        IncidentLetterTemplateSort::Name => store::list_by_name(tenancy, cx, &selection).await?,
        IncidentLetterTemplateSort::DateLastModified => store::list_by_change(tenancy, cx, &selection).await?,
    };
    Ok(Answer(listing.page(tenant, what, rows, |last| {
        let key = match listing.sort {
            IncidentLetterTemplateSort::Name => Key::Text(last.fields.name_search()),
            IncidentLetterTemplateSort::DateLastModified => Key::Time(last.record.date_last_modified),
        };
        Position { key, id: last.id.uuid() }
    })))
}

/// Create an incident letter template
///
/// Its text may have placeholders, such as `{{student_name}}`, for what is known of the one student that a letter is about.
#[utoipa::path(
    post,
    path = "/incident_letter_templates",
    operation_id = "incident_letter_template_create",
    tag = "School",
    extensions(("x-table" = json!(true))),
    params(IdempotencyHeader),
    request_body(content = IncidentLetterTemplateFields, example = json!(sample_fields())),
    responses((status = 201, description = "The incident letter template.", body = IncidentLetterTemplate,
        headers(("ETag" = String, description = "Its version."), ("Location" = String, description = "Its address.")),
        example = json!(sample())))
)]
async fn incident_letter_template_create(
    op: Op,
    once: Once<IncidentLetterTemplateFields>,
) -> Result<Response<Body>, Problem> {
    op.cx.authorize(Action::Create, &INCIDENT_LETTER_TEMPLATE)?;
    let mut tx = op.tenancy.write(&op.cx).await?;
    let made = super::create(&mut tx, once.key.as_ref(), once.body).await;
    op.created(tx, once.key, made).await
}

/// Read an incident letter template
///
/// A deleted one too: its status tells.
#[utoipa::path(
    get,
    path = "/incident_letter_templates/{id}",
    operation_id = "incident_letter_template_read",
    tag = "School",
    params(("id" = IncidentLetterTemplateId, Path, description = "Which one.")),
    responses((status = 200, description = "The incident letter template.", body = IncidentLetterTemplate,
        headers(("ETag" = String, description = "Its version.")),
        example = json!(sample())))
)]
async fn incident_letter_template_read(
    op: Op,
    Path(id): Path<IncidentLetterTemplateId>,
) -> Result<Tagged<IncidentLetterTemplate>, Problem> {
    Ok(Tagged(super::read(&op.tenancy, &op.cx, id).await?))
}

/// Change an incident letter template
///
/// A JSON merge patch: what is absent stays, what is null is removed. The status `active` brings a deleted one back. Letters that were made keep their text.
#[utoipa::path(
    patch,
    path = "/incident_letter_templates/{id}",
    operation_id = "incident_letter_template_update",
    tag = "School",
    params(("id" = IncidentLetterTemplateId, Path, description = "Which one."),
        ("If-Match" = String, Header, description = "The ETag you read.", example = "\"v1\"")),
    request_body(content = IncidentLetterTemplatePatch, example = json!({ "name": "Notice of an incident" })),
    responses((status = 200, description = "The incident letter template as it is now.", body = IncidentLetterTemplate,
        headers(("ETag" = String, description = "Its version.")),
        example = json!(sample())))
)]
async fn incident_letter_template_update(
    op: Op,
    Path(id): Path<IncidentLetterTemplateId>,
    known: IfMatch,
    patch: IncidentLetterTemplatePatch,
) -> Result<Tagged<IncidentLetterTemplate>, Problem> {
    Ok(Tagged(super::update(&op.tenancy, &op.cx, id, &known, &patch).await?))
}

/// Delete an incident letter template
///
/// It stays readable, with the status `tobedeleted`. Nothing new is made from it.
#[utoipa::path(
    delete,
    path = "/incident_letter_templates/{id}",
    operation_id = "incident_letter_template_delete",
    tag = "School",
    params(("id" = IncidentLetterTemplateId, Path, description = "Which one."),
        ("If-Match" = String, Header, description = "The ETag you read.", example = "\"v1\"")),
    responses((status = 204, description = "It is deleted."))
)]
async fn incident_letter_template_delete(
    op: Op,
    Path(id): Path<IncidentLetterTemplateId>,
    known: IfMatch,
) -> Result<StatusCode, Problem> {
    super::delete(&op.tenancy, &op.cx, id, &known).await?;
    Ok(StatusCode::NO_CONTENT)
}
