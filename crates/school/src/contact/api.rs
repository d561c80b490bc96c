//! Endpoints about contacts.

use axum::{
    body::Body,
    http::{Response, StatusCode},
};
use cloister_http::{
    Answer, Edge, IdempotencyHeader, IfMatch, Listing, MergePatch, Once, Op, Page, PageQuery, Path, Problem, Sort,
    Tagged,
};
use cloister_ids::{ContactId, PersonId};
use cloister_tenancy::Action;
use garde::Validate;
use jiff::civil::Date;
use serde::Deserialize;
use utoipa::IntoParams;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    CONTACT, Contact, ContactFields,
    samples::{sample, sample_fields},
    store,
};
use crate::{
    listing::{Key, Order, Position, Span, StatusFilter, StatusParameter},
    rules::plausible,
    scope::Sight,
    vocabulary::ContactRelation,
};

/// The routes of this resource.
pub(crate) fn routes() -> OpenApiRouter<Edge> {
    OpenApiRouter::new().routes(routes!(contact_list, contact_create)).routes(routes!(
        contact_read,
        contact_update,
        contact_delete
    ))
}

/// Which contacts.
#[derive(Debug, Deserialize, Validate, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct ContactFilter {
    #[garde(skip)]
    #[param(ignore)]
    status: Option<StatusFilter>,
    /// Only those of this student.
    #[garde(skip)]
    student_id: Option<PersonId>,
    /// Only those that this person is.
    #[garde(skip)]
    contact_id: Option<PersonId>,
    /// Only those with this relation.
    #[garde(skip)]
    relation: Option<ContactRelation>,
    /// Only those in force on this day.
    #[garde(inner(custom(plausible)))]
    #[param(example = "2025-10-01")]
    on: Option<Date>,
}

/// The orders of the list.
#[derive(Debug, Clone, Copy)]
enum ContactSort {
    CreatedAt,
    DateLastModified,
}

impl Sort for ContactSort {
    const ORDERS: &'static [(&'static str, Self)] =
        &[("created_at", Self::CreatedAt), ("date_last_modified", Self::DateLastModified)];
}

impl Order for ContactSort {
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
struct ContactOrder {
    /// `created_at` (as usual) or `date_last_modified`; with `-` in front from the last to the first.
    #[param(pattern = "^-?(created_at|date_last_modified)$", example = "-date_last_modified")]
    sort: Option<String>,
}

/// A page of them.
type ContactPage = Page<Contact>;
/// Changes to one.
type ContactPatch = MergePatch<ContactFields>;

/// List contacts
///
/// What parents, guardians and others are to students: a page of those one may see, by age unless another order is asked for.
#[utoipa::path(
    get,
    path = "/contacts",
    operation_id = "contact_list",
    tag = "School",
    params(StatusParameter, ContactFilter, ContactOrder, PageQuery),
    responses((status = 200, description = "A page of contacts.", body = ContactPage,
        example = json!({ "items": [sample()], "next_cursor": null })))
)]
async fn contact_list(op: Op, listing: Listing<ContactFilter, ContactSort>) -> Result<Answer<ContactPage>, Problem> {
    let Op { tenancy, cx, .. } = &op;
    let sight = Sight::of(cx, &CONTACT)?;
    let (tenant, what, filter) = (cx.tenant_id(), CONTACT.name, &listing.filter);
    let selection = store::Selection {
        span: Span::of(&listing, filter.status, tenant, what)?,
        student_id: filter.student_id,
        contact_id: filter.contact_id,
        relation: filter.relation.clone(),
        on: filter.on,
    };
    let rows = match listing.sort {
        ContactSort::CreatedAt => store::list_by_age(tenancy, cx, &sight, &selection).await?,
        ContactSort::DateLastModified => store::list_by_change(tenancy, cx, &sight, &selection).await?,
    };
    Ok(Answer(listing.page(tenant, what, rows, |last| {
        let key = match listing.sort {
            ContactSort::CreatedAt => Key::Id,
            ContactSort::DateLastModified => Key::Time(last.record.date_last_modified),
        };
        Position { key, id: last.id.uuid() }
    })))
}

/// Create a contact
///
/// There is one contact of the same two persons. A deleted one is brought back by a change of its status.
#[utoipa::path(
    post,
    path = "/contacts",
    operation_id = "contact_create",
    tag = "School",
    extensions(("x-table" = json!(true))),
    params(IdempotencyHeader),
    request_body(content = ContactFields, example = json!(sample_fields())),
    responses((status = 201, description = "The contact.", body = Contact,
        headers(("ETag" = String, description = "Its version."), ("Location" = String, description = "Its address.")),
        example = json!(sample())))
)]
async fn contact_create(op: Op, once: Once<ContactFields>) -> Result<Response<Body>, Problem> {
    op.cx.authorize(Action::Create, &CONTACT)?;
    let mut tx = op.tenancy.write(&op.cx).await?;
    let made = super::create(&mut tx, once.key.as_ref(), once.body).await;
    op.created(tx, once.key, made).await
}

/// Read a contact
///
/// A deleted one too: its status tells.
#[utoipa::path(
    get,
    path = "/contacts/{id}",
    operation_id = "contact_read",
    tag = "School",
    params(("id" = ContactId, Path, description = "Which one.")),
    responses((status = 200, description = "The contact.", body = Contact,
        headers(("ETag" = String, description = "Its version.")),
        example = json!(sample())))
)]
async fn contact_read(op: Op, Path(id): Path<ContactId>) -> Result<Tagged<Contact>, Problem> {
    Ok(Tagged(super::read(&op.tenancy, &op.cx, id).await?))
}

/// Change a contact
///
/// A JSON merge patch: what is absent stays, what is null is removed. The status `active` brings a deleted one back. Student
/// and contact stay. From then on the contact is kept here: no import changes or removes it.
#[utoipa::path(
    patch,
    path = "/contacts/{id}",
    operation_id = "contact_update",
    tag = "School",
    params(("id" = ContactId, Path, description = "Which one."),
        ("If-Match" = String, Header, description = "The ETag you read.", example = "\"v1\"")),
    request_body(content = ContactPatch, example = json!({ "custody": "none", "child_data_access": false })),
    responses((status = 200, description = "The contact as it is now.", body = Contact,
        headers(("ETag" = String, description = "Its version.")),
        example = json!(sample())))
)]
async fn contact_update(
    op: Op,
    Path(id): Path<ContactId>,
    known: IfMatch,
    patch: ContactPatch,
) -> Result<Tagged<Contact>, Problem> {
    Ok(Tagged(super::update(&op.tenancy, &op.cx, id, &known, &patch).await?))
}

/// Delete a contact
///
/// It stays readable, with the status `tobedeleted`. To say that it ended, set its `end_date` instead; to say that the
/// contact may not see the student, set its `custody` or `child_data_access`.
#[utoipa::path(
    delete,
    path = "/contacts/{id}",
    operation_id = "contact_delete",
    tag = "School",
    params(("id" = ContactId, Path, description = "Which one."),
        ("If-Match" = String, Header, description = "The ETag you read.", example = "\"v1\"")),
    responses((status = 204, description = "It is deleted."))
)]
async fn contact_delete(op: Op, Path(id): Path<ContactId>, known: IfMatch) -> Result<StatusCode, Problem> {
    super::delete(&op.tenancy, &op.cx, id, &known).await?;
    Ok(StatusCode::NO_CONTENT)
}
