//! Endpoints about the values of custom fields: those of one record, and the records that have a value. The version is the record's.

use cloister_http::{Answer, Edge, IfMatch, Json, Listing, Op, Page, PageQuery, Path, Problem, Sort, Tagged};
use cloister_ids::{ClassId, CourseId, CustomFieldId, OrgId, PersonId};
use cloister_tenancy::Action;
use garde::Validate;
use serde::Deserialize;
use utoipa::IntoParams;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    value::{self, CUSTOM_VALUE, CustomMatch, CustomValues, Owner, WantedValues, match_sample, sample_values},
    value_store::Selection,
};
use crate::{
    listing::{Key, Order, Span, prefix},
    rules::searchable,
};

/// The routes of values.
pub(super) fn routes() -> OpenApiRouter<Edge> {
    OpenApiRouter::new()
        .routes(routes!(custom_field_match))
        .routes(routes!(person_custom_values_read, person_custom_values_replace))
        .routes(routes!(org_custom_values_read, org_custom_values_replace))
        .routes(routes!(course_custom_values_read, course_custom_values_replace))
        .routes(routes!(class_custom_values_read, class_custom_values_replace))
}

/// Which records.
#[derive(Debug, Deserialize, Validate, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct MatchFilter {
    /// Only those whose value begins with this; case and accents do not matter.
    #[garde(inner(length(chars, max = 100), custom(searchable)))]
    #[param(min_length = 1, max_length = 100, example = "nor")]
    q: Option<String>,
}

/// The order of the list.
#[derive(Debug, Clone, Copy)]
struct MatchSort;

impl Sort for MatchSort {
    const ORDERS: &'static [(&'static str, Self)] = &[("value", Self)];
}

impl Order for MatchSort {
    fn key(self) -> Key {
        Key::TEXT
    }
}

/// The order, for the API document.
#[derive(Debug, IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "read by `Listing`; this is its description")]
struct MatchOrder {
    /// `value` (as usual), or `-value` from the last to the first.
    #[param(pattern = "^-?value$", example = "value")]
    sort: Option<String>,
}

/// A page of them.
type CustomMatchPage = Page<CustomMatch>;

/// Find records by a custom field
///
/// The field must be searchable. A page of the records that have a value in it and are not deleted, by value.
#[utoipa::path(
    get,
    path = "/custom_fields/{id}/matches",
    operation_id = "custom_field_match",
    tag = "School",
    params(("id" = CustomFieldId, Path, description = "Which field."), MatchFilter, MatchOrder, PageQuery),
    responses((status = 200, description = "Records with their values.", body = CustomMatchPage,
        example = json!({ "items": [match_sample()], "next_cursor": null })))
)]
async fn custom_field_match(
    op: Op,
    Path(id): Path<CustomFieldId>,
    listing: Listing<MatchFilter, MatchSort>,
) -> Result<Answer<CustomMatchPage>, Problem> {
    op.cx.authorize(Action::Read, &CUSTOM_VALUE)?;
    let (tenant, what) = (op.cx.tenant_id(), "custom_match");
    let selection = Selection {
        field: id,
        span: Span::of(&listing, None, tenant, what)?,
        value: prefix(listing.filter.q.as_deref()),
    };
    let rows = value::matches(&op.tenancy, &op.cx, &selection).await?;
    let page = listing.page(tenant, what, rows, |(_, at)| at.clone());
    Ok(Answer(Page { items: page.items.into_iter().map(|(one, _)| one).collect(), next_cursor: page.next_cursor }))
}

/// Read the custom values of a person
#[utoipa::path(
    get,
    path = "/persons/{id}/custom_values",
    operation_id = "person_custom_values_read",
    tag = "School",
    params(("id" = PersonId, Path, description = "Which person.")),
    responses((status = 200, description = "The values by the names of their fields.", body = CustomValues,
        headers(("ETag" = String, description = "The person's version.")),
        example = json!({ "version": 1, "values": { "bus_line": "North" } })))
)]
async fn person_custom_values_read(op: Op, Path(id): Path<PersonId>) -> Result<Tagged<CustomValues>, Problem> {
    Ok(Tagged(value::read(&op.tenancy, &op.cx, Owner::Person(id)).await?))
}

/// Replace the custom values of a person
///
/// Fields that are not named, or are null, have no value then.
#[utoipa::path(
    put,
    path = "/persons/{id}/custom_values",
    operation_id = "person_custom_values_replace",
    tag = "School",
    params(("id" = PersonId, Path, description = "Which person."),
        ("If-Match" = String, Header, description = "The ETag of the person.", example = "\"v1\"")),
    request_body(content = WantedValues, example = json!(sample_values())),
    responses((status = 200, description = "The values as they are now.", body = CustomValues,
        headers(("ETag" = String, description = "The person's version.")),
        example = json!({ "version": 2, "values": { "bus_line": "North" } })))
)]
async fn person_custom_values_replace(
    op: Op,
    Path(id): Path<PersonId>,
    known: IfMatch,
    Json(wanted): Json<WantedValues>,
) -> Result<Tagged<CustomValues>, Problem> {
    Ok(Tagged(value::replace(&op.tenancy, &op.cx, Owner::Person(id), &known, &wanted).await?))
}

/// Read the custom values of an organisation
#[utoipa::path(
    get,
    path = "/orgs/{id}/custom_values",
    operation_id = "org_custom_values_read",
    tag = "School",
    params(("id" = OrgId, Path, description = "Which organisation.")),
    responses((status = 200, description = "The values by the names of their fields.", body = CustomValues,
        headers(("ETag" = String, description = "The organisation's version.")),
        example = json!({ "version": 1, "values": { "bus_line": "North" } })))
)]
async fn org_custom_values_read(op: Op, Path(id): Path<OrgId>) -> Result<Tagged<CustomValues>, Problem> {
    Ok(Tagged(value::read(&op.tenancy, &op.cx, Owner::Org(id)).await?))
}

/// Replace the custom values of an organisation
///
/// Fields that are not named, or are null, have no value then.
#[utoipa::path(
    put,
    path = "/orgs/{id}/custom_values",
    operation_id = "org_custom_values_replace",
    tag = "School",
    params(("id" = OrgId, Path, description = "Which organisation."),
        ("If-Match" = String, Header, description = "The ETag of the organisation.", example = "\"v1\"")),
    request_body(content = WantedValues, example = json!({ "values": {} })),
    responses((status = 200, description = "The values as they are now.", body = CustomValues,
        headers(("ETag" = String, description = "The organisation's version.")),
        example = json!({ "version": 2, "values": { "bus_line": "North" } })))
)]
async fn org_custom_values_replace(
    op: Op,
    Path(id): Path<OrgId>,
    known: IfMatch,
    Json(wanted): Json<WantedValues>,
) -> Result<Tagged<CustomValues>, Problem> {
    Ok(Tagged(value::replace(&op.tenancy, &op.cx, Owner::Org(id), &known, &wanted).await?))
}

/// Read the custom values of a course
#[utoipa::path(
    get,
    path = "/courses/{id}/custom_values",
    operation_id = "course_custom_values_read",
    tag = "School",
    params(("id" = CourseId, Path, description = "Which course.")),
    responses((status = 200, description = "The values by the names of their fields.", body = CustomValues,
        headers(("ETag" = String, description = "The course's version.")),
        example = json!({ "version": 1, "values": { "bus_line": "North" } })))
)]
async fn course_custom_values_read(op: Op, Path(id): Path<CourseId>) -> Result<Tagged<CustomValues>, Problem> {
    Ok(Tagged(value::read(&op.tenancy, &op.cx, Owner::Course(id)).await?))
}

/// Replace the custom values of a course
///
/// Fields that are not named, or are null, have no value then.
#[utoipa::path(
    put,
    path = "/courses/{id}/custom_values",
    operation_id = "course_custom_values_replace",
    tag = "School",
    params(("id" = CourseId, Path, description = "Which course."),
        ("If-Match" = String, Header, description = "The ETag of the course.", example = "\"v1\"")),
    request_body(content = WantedValues, example = json!({ "values": {} })),
    responses((status = 200, description = "The values as they are now.", body = CustomValues,
        headers(("ETag" = String, description = "The course's version.")),
        example = json!({ "version": 2, "values": { "bus_line": "North" } })))
)]
async fn course_custom_values_replace(
    op: Op,
    Path(id): Path<CourseId>,
    known: IfMatch,
    Json(wanted): Json<WantedValues>,
) -> Result<Tagged<CustomValues>, Problem> {
    Ok(Tagged(value::replace(&op.tenancy, &op.cx, Owner::Course(id), &known, &wanted).await?))
}

/// Read the custom values of a class
#[utoipa::path(
    get,
    path = "/classes/{id}/custom_values",
    operation_id = "class_custom_values_read",
    tag = "School",
    params(("id" = ClassId, Path, description = "Which class.")),
    responses((status = 200, description = "The values by the names of their fields.", body = CustomValues,
        headers(("ETag" = String, description = "The class's version.")),
        example = json!({ "version": 1, "values": { "bus_line": "North" } })))
)]
async fn class_custom_values_read(op: Op, Path(id): Path<ClassId>) -> Result<Tagged<CustomValues>, Problem> {
    Ok(Tagged(value::read(&op.tenancy, &op.cx, Owner::Class(id)).await?))
}

/// Replace the custom values of a class
///
/// Fields that are not named, or are null, have no value then.
#[utoipa::path(
    put,
    path = "/classes/{id}/custom_values",
    operation_id = "class_custom_values_replace",
    tag = "School",
    params(("id" = ClassId, Path, description = "Which class."),
        ("If-Match" = String, Header, description = "The ETag of the class.", example = "\"v1\"")),
    request_body(content = WantedValues, example = json!({ "values": {} })),
    responses((status = 200, description = "The values as they are now.", body = CustomValues,
        headers(("ETag" = String, description = "The class's version.")),
        example = json!({ "version": 2, "values": { "bus_line": "North" } })))
)]
async fn class_custom_values_replace(
    op: Op,
    Path(id): Path<ClassId>,
    known: IfMatch,
    Json(wanted): Json<WantedValues>,
) -> Result<Tagged<CustomValues>, Problem> {
    Ok(Tagged(value::replace(&op.tenancy, &op.cx, Owner::Class(id), &known, &wanted).await?))
}
