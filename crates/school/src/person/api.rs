//! Endpoints about persons.

use axum::{
    body::Body,
    http::{Response, StatusCode},
};
use cloister_http::{
    Answer, Edge, IdempotencyHeader, IfMatch, Listing, MergePatch, Once, Op, Page, PageQuery, Path, Problem, Sort,
    Tagged, invalid,
};
use cloister_ids::{ClassId, OrgId, PersonId};
use cloister_tenancy::{Action, Error, ErrorKind, FieldError};
use garde::Validate;
use serde::Deserialize;
use utoipa::IntoParams;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    PERSON, Person, PersonFields, PersonSummary, list_store as store,
    samples::{sample, sample_fields, summary_sample},
    within_store,
};
use crate::{
    listing::{Key, Order, Position, RecordFilter, Span, StatusFilter, prefix},
    rules::{SOURCED_ID, searchable},
    scope::Sight,
    vocabulary::{EnrollmentRole, RoleName},
};

/// The routes of this resource.
pub(crate) fn routes() -> OpenApiRouter<Edge> {
    OpenApiRouter::new().routes(routes!(person_list, person_create)).routes(routes!(
        person_read,
        person_update,
        person_delete
    ))
}

/// Which persons.
#[derive(Debug, Deserialize, Validate, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct PersonFilter {
    #[garde(skip)]
    #[param(ignore)]
    status: Option<StatusFilter>,
    #[garde(inner(length(chars, max = SOURCED_ID)))]
    #[param(ignore)]
    sourced_id: Option<String>,
    /// Only those with this role; together with `class_id`, those with this role in the class.
    #[garde(inner(custom(known_role)))]
    #[param(example = "student")]
    role: Option<String>,
    /// Only those with a role in this organisation.
    #[garde(skip)]
    org_id: Option<OrgId>,
    /// Only those with a place in this class. Not together with `org_id`.
    #[garde(skip)]
    class_id: Option<ClassId>,
    /// Only those whose name begins with this, from the family name or from the given name; case and accents do not matter.
    #[garde(inner(length(chars, max = 100), custom(searchable)))]
    #[param(min_length = 1, max_length = 100, example = "okaf")]
    q: Option<String>,
}

/// The orders of the list.
#[derive(Debug, Clone, Copy)]
enum PersonSort {
    Name,
    DateLastModified,
}

impl Sort for PersonSort {
    const ORDERS: &'static [(&'static str, Self)] =
        &[("name", Self::Name), ("date_last_modified", Self::DateLastModified)];
}

impl Order for PersonSort {
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
struct PersonOrder {
    /// `name` (as usual: family name, then given name) or `date_last_modified`; with `-` in front from the last to the first.
    #[param(pattern = "^-?(name|date_last_modified)$", example = "-date_last_modified")]
    sort: Option<String>,
}

/// A page of them.
type PersonSummaryPage = Page<PersonSummary>;
/// Changes to one.
type PersonPatch = MergePatch<PersonFields>;

/// List persons
///
/// A page of those one may see, by name unless another order is asked for. Asking for a class takes the permission to read
/// enrollments, too.
#[utoipa::path(
    get,
    path = "/persons",
    operation_id = "person_list",
    tag = "School",
    params(RecordFilter, PersonFilter, PersonOrder, PageQuery),
    responses((status = 200, description = "A page of persons.", body = PersonSummaryPage,
        example = json!({ "items": [summary_sample()], "next_cursor": null })))
)]
async fn person_list(op: Op, listing: Listing<PersonFilter, PersonSort>) -> Result<Answer<PersonSummaryPage>, Problem> {
    let Op { tenancy, cx, .. } = &op;
    let mut sight = Sight::of(cx, &PERSON)?;
    if listing.filter.class_id.is_some() {
        sight = sight.through_places(cx)?;
    }
    let (tenant, what, filter) = (cx.tenant_id(), PERSON.name, &listing.filter);
    let scope = match filter {
        PersonFilter { class_id: Some(_), org_id: Some(_), .. } => return Err(class_and_org()),
        PersonFilter { class_id: Some(class_id), role, .. } => {
            store::Scope::InClass { class_id: *class_id, role: role.clone() }
        }
        PersonFilter { role: None, org_id: None, .. } => store::Scope::Everybody,
        PersonFilter { role, org_id, .. } => store::Scope::WithRole { role: role.clone(), org_id: *org_id },
    };
    let selection = store::Selection {
        span: Span::of(&listing, filter.status, tenant, what)?,
        scope,
        name: prefix(filter.q.as_deref()),
    };
    let rows = match (&sight, &filter.sourced_id, listing.sort) {
        (Sight::All, Some(sourced_id), _) => store::by_sourced_id(tenancy, cx, sourced_id).await?,
        (Sight::All, None, PersonSort::Name) => store::list_by_name(tenancy, cx, &selection).await?,
        (Sight::All, None, PersonSort::DateLastModified) => store::list_by_change(tenancy, cx, &selection).await?,
        (Sight::Within(within), Some(sourced_id), _) => {
            within_store::by_sourced_id(tenancy, cx, within, sourced_id).await?
        }
        (Sight::Within(within), None, PersonSort::Name) => {
            within_store::list_by_name(tenancy, cx, within, &selection).await?
        }
        (Sight::Within(within), None, PersonSort::DateLastModified) => {
            within_store::list_by_change(tenancy, cx, within, &selection).await?
        }
    };
    Ok(Answer(listing.page(tenant, what, rows, |last| {
        let key = match listing.sort {
            PersonSort::Name => Key::Text(last.name_search()),
            PersonSort::DateLastModified => Key::Time(last.record.date_last_modified),
        };
        Position { key, id: last.id.uuid() }
    })))
}

/// Create a person
#[utoipa::path(
    post,
    path = "/persons",
    operation_id = "person_create",
    tag = "School",
    extensions(("x-table" = json!(true))),
    params(IdempotencyHeader),
    request_body(content = PersonFields, example = json!(sample_fields())),
    responses((status = 201, description = "The person.", body = Person,
        headers(("ETag" = String, description = "Its version."), ("Location" = String, description = "Its address.")),
        example = json!(sample())))
)]
async fn person_create(op: Op, once: Once<PersonFields>) -> Result<Response<Body>, Problem> {
    op.cx.authorize(Action::Create, &PERSON)?;
    let mut tx = op.tenancy.write(&op.cx).await?;
    let made = super::create(&mut tx, once.key.as_ref(), once.body).await;
    op.created(tx, once.key, made).await
}

/// Read a person
///
/// A deleted one too: its status tells.
#[utoipa::path(
    get,
    path = "/persons/{id}",
    operation_id = "person_read",
    tag = "School",
    params(("id" = PersonId, Path, description = "Which one.")),
    responses((status = 200, description = "The person.", body = Person,
        headers(("ETag" = String, description = "Its version.")),
        example = json!(sample())))
)]
async fn person_read(op: Op, Path(id): Path<PersonId>) -> Result<Tagged<Person>, Problem> {
    Ok(Tagged(super::read(&op.tenancy, &op.cx, id).await?))
}

/// Change a person
///
/// A JSON merge patch: what is absent stays, what is null is removed. A list that is given, such as `roles`, replaces the one that was.
///
/// The status `active` brings a deleted one back, with the roles and the places in classes that left with them; where roles are given,
/// with these instead. A record that was merged into another comes back with its merge alone.
#[utoipa::path(
    patch,
    path = "/persons/{id}",
    operation_id = "person_update",
    tag = "School",
    params(("id" = PersonId, Path, description = "Which one."),
        ("If-Match" = String, Header, description = "The ETag you read.", example = "\"v1\"")),
    request_body(content = PersonPatch, example = json!({ "preferred_given_name": "Mimi", "phone": null })),
    responses((status = 200, description = "The person as it is now.", body = Person,
        headers(("ETag" = String, description = "Its version.")),
        example = json!(sample())))
)]
async fn person_update(
    op: Op,
    Path(id): Path<PersonId>,
    known: IfMatch,
    patch: PersonPatch,
) -> Result<Tagged<Person>, Problem> {
    Ok(Tagged(super::update(&op.tenancy, &op.cx, id, &known, &patch).await?))
}

/// Delete a person
///
/// It stays readable, with the status `tobedeleted`. Their roles and places in classes are deleted with them.
#[utoipa::path(
    delete,
    path = "/persons/{id}",
    operation_id = "person_delete",
    tag = "School",
    params(("id" = PersonId, Path, description = "Which one."),
        ("If-Match" = String, Header, description = "The ETag you read.", example = "\"v1\"")),
    responses((status = 204, description = "It is deleted."))
)]
async fn person_delete(op: Op, Path(id): Path<PersonId>, known: IfMatch) -> Result<StatusCode, Problem> {
    super::delete(&op.tenancy, &op.cx, id, &known).await?;
    Ok(StatusCode::NO_CONTENT)
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "rules are handed value and context by reference")]
fn known_role(text: &str, (): &()) -> garde::Result {
    if RoleName::parse(text).is_some() || EnrollmentRole::parse(text).is_some() {
        return Ok(());
    }
    Err(invalid("unknown_value", RoleName::expected()))
}

fn class_and_org() -> Problem {
    let message = "Ask for the persons of a class or of an organisation, not of both.";
    let field =
        FieldError { field: "org_id".to_owned(), code: "filters_contradict".into(), message: message.to_owned() };
    Error::new(ErrorKind::Malformed, "query_invalid", message).with_fields(vec![field]).into()
}
