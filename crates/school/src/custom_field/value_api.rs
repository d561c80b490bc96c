//! Endpoints about the values of custom fields: those of one record, and the records that have a value. The version is the record's.

use cloister_http::{Answer, Edge, IfMatch, Json, Op, Path, Problem, Query, Tagged};
use cloister_ids::{ClassId, CourseId, CustomFieldId, OrgId, PersonId};
use garde::Validate;
use serde::Deserialize;
use utoipa::IntoParams;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::value::{self, CustomMatches, CustomValues, Owner, WantedValues, match_sample, sample_values};
use crate::{listing::prefix, rules::searchable};

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

/// Find records by a custom field
///
/// The field must be searchable. The first 100 records that have a value in it and are not deleted, by value.
#[utoipa::path(
    get,
    path = "/custom_fields/{id}/matches",
    operation_id = "custom_field_match",
    tag = "School",
    params(("id" = CustomFieldId, Path, description = "Which field."), MatchFilter),
    responses((status = 200, description = "Records with their values.", body = CustomMatches,
        example = json!({ "items": [match_sample()], "more": false })))
)]
async fn custom_field_match(
    op: Op,
    Path(id): Path<CustomFieldId>,
    Query(filter): Query<MatchFilter>,
) -> Result<Answer<CustomMatches>, Problem> {
    Ok(Answer(value::matches(&op.tenancy, &op.cx, id, prefix(filter.q.as_deref())).await?))
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
