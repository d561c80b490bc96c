//! Endpoints about incident letters.

use axum::{
    body::Body,
    http::{HeaderValue, Response, StatusCode, header},
};
use cloister_http::{
    Answer, Edge, IdempotencyHeader, IfMatch, Listing, MergePatch, Once, Op, Page, PageQuery, Path, Problem, Sort,
    Tagged,
};
use cloister_ids::{DisciplineIncidentId, IncidentLetterId, PersonId};
use cloister_tenancy::Action;
use garde::Validate;
use serde::Deserialize;
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    INCIDENT_LETTER, IncidentLetter, IncidentLetterFields, LetterState, NewIncidentLetter,
    samples::{sample, sample_new},
    store,
};
use crate::{
    grants::OWN_CHILDREN,
    listing::{Key, Order, Position, Span, StatusFilter, StatusParameter},
    scope::Sight,
};

/// The routes of this resource.
pub(crate) fn routes() -> OpenApiRouter<Edge> {
    OpenApiRouter::new()
        .routes(routes!(incident_letter_list, incident_letter_create))
        .routes(routes!(incident_letter_read, incident_letter_update, incident_letter_delete))
        .routes(routes!(incident_letter_text))
}

/// Which incident letters.
#[derive(Debug, Deserialize, Validate, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct IncidentLetterFilter {
    #[garde(skip)]
    #[param(ignore)]
    status: Option<StatusFilter>,
    /// Only about this student.
    #[garde(skip)]
    student_id: Option<PersonId>,
    /// Only about this incident.
    #[garde(skip)]
    incident_id: Option<DisciplineIncidentId>,
    /// Only in this state.
    #[garde(skip)]
    #[param(inline)]
    state: Option<LetterState>,
}

/// The order of the list.
#[derive(Debug, Clone, Copy)]
enum IncidentLetterSort {
    CreatedAt,
}

impl Sort for IncidentLetterSort {
    const ORDERS: &'static [(&'static str, Self)] = &[("created_at", Self::CreatedAt)];
}

impl Order for IncidentLetterSort {
    fn key(self) -> Key {
        Key::Id
    }
}

/// The order, for the API document.
#[derive(Debug, IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "read by `Listing`; this is its description")]
struct IncidentLetterOrder {
    /// `created_at` (as usual); with `-` in front from the last to the first.
    #[param(pattern = "^-?created_at$", example = "-created_at")]
    sort: Option<String>,
}

/// A page of them.
type IncidentLetterPage = Page<IncidentLetter>;
/// Changes to one.
type IncidentLetterPatch = MergePatch<IncidentLetterFields>;

/// List incident letters
///
/// A page of those one may see, oldest first. A guardian sees approved ones about own children.
#[utoipa::path(
    get,
    path = "/incident_letters",
    operation_id = "incident_letter_list",
    tag = "School",
    params(StatusParameter, IncidentLetterFilter, IncidentLetterOrder, PageQuery),
    responses((status = 200, description = "A page of incident letters.", body = IncidentLetterPage,
        example = json!({ "items": [sample()], "next_cursor": null })))
)]
async fn incident_letter_list(
    op: Op,
    listing: Listing<IncidentLetterFilter, IncidentLetterSort>,
) -> Result<Answer<IncidentLetterPage>, Problem> {
    let Op { tenancy, cx, .. } = &op;
    let sight = Sight::to(cx, Action::Read, &INCIDENT_LETTER, &[OWN_CHILDREN])?;
    let (tenant, what, filter) = (cx.tenant_id(), INCIDENT_LETTER.name, &listing.filter);
    let selection = store::Selection {
        span: Span::of(&listing, filter.status, tenant, what)?,
        state: filter.state,
        student_id: filter.student_id,
        incident_id: filter.incident_id,
    };
    let rows = store::list_by_age(tenancy, cx, &sight, &selection).await?;
    Ok(Answer(listing.page(tenant, what, rows, |last| Position { key: Key::Id, id: last.id.uuid() })))
}

/// Create an incident letter
///
/// Made from a template with what is known of one student's part in an incident, as a draft. It goes to the guardians who may see
/// the student's data and may be written to. It must not name anybody else who was in the incident.
#[utoipa::path(
    post,
    path = "/incident_letters",
    operation_id = "incident_letter_create",
    tag = "School",
    params(IdempotencyHeader),
    request_body(content = NewIncidentLetter, example = json!(sample_new())),
    responses((status = 201, description = "The incident letter.", body = IncidentLetter,
        headers(("ETag" = String, description = "Its version."), ("Location" = String, description = "Its address.")),
        example = json!(sample())))
)]
async fn incident_letter_create(op: Op, once: Once<NewIncidentLetter>) -> Result<Response<Body>, Problem> {
    op.cx.authorize(Action::Create, &INCIDENT_LETTER)?;
    let mut tx = op.tenancy.write(&op.cx).await?;
    let made = super::create(&mut tx, once.key.as_ref(), once.body).await;
    op.created(tx, once.key, made).await
}

/// Read an incident letter
///
/// A deleted one too: its status tells. A guardian reads of the recipients only themself.
#[utoipa::path(
    get,
    path = "/incident_letters/{id}",
    operation_id = "incident_letter_read",
    tag = "School",
    params(("id" = IncidentLetterId, Path, description = "Which one.")),
    responses((status = 200, description = "The incident letter.", body = IncidentLetter,
        headers(("ETag" = String, description = "Its version.")),
        example = json!(sample())))
)]
async fn incident_letter_read(op: Op, Path(id): Path<IncidentLetterId>) -> Result<Tagged<IncidentLetter>, Problem> {
    Ok(Tagged(super::read(&op.tenancy, &op.cx, id).await?))
}

/// Change an incident letter
///
/// A JSON merge patch: what is absent stays, what is null is removed. The status `active` brings a deleted one back. The text can be changed while it is a draft. Approved, it goes to
/// whoever may see the student's data then, and its text stays.
#[utoipa::path(
    patch,
    path = "/incident_letters/{id}",
    operation_id = "incident_letter_update",
    tag = "School",
    params(("id" = IncidentLetterId, Path, description = "Which one."),
        ("If-Match" = String, Header, description = "The ETag you read.", example = "\"v1\"")),
    request_body(content = IncidentLetterPatch, example = json!({ "body": "To the guardians of Mila Okafor: please come and talk with us." })),
    responses((status = 200, description = "The incident letter as it is now.", body = IncidentLetter,
        headers(("ETag" = String, description = "Its version.")),
        example = json!(sample())))
)]
async fn incident_letter_update(
    op: Op,
    Path(id): Path<IncidentLetterId>,
    known: IfMatch,
    patch: IncidentLetterPatch,
) -> Result<Tagged<IncidentLetter>, Problem> {
    Ok(Tagged(super::update(&op.tenancy, &op.cx, id, &known, &patch).await?))
}

/// Delete an incident letter
///
/// It stays readable for whoever sees all, with the status `tobedeleted`.
#[utoipa::path(
    delete,
    path = "/incident_letters/{id}",
    operation_id = "incident_letter_delete",
    tag = "School",
    params(("id" = IncidentLetterId, Path, description = "Which one."),
        ("If-Match" = String, Header, description = "The ETag you read.", example = "\"v1\"")),
    responses((status = 204, description = "It is deleted."))
)]
async fn incident_letter_delete(
    op: Op,
    Path(id): Path<IncidentLetterId>,
    known: IfMatch,
) -> Result<StatusCode, Problem> {
    super::delete(&op.tenancy, &op.cx, id, &known).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Plain text.
#[derive(ToSchema)]
#[schema(value_type = String)]
#[expect(dead_code, reason = "the form of an answer, for the API document")]
struct LetterText(String);

/// Read an incident letter as text
///
/// For printing: a page for each recipient whom one may see, parted by form feeds.
#[utoipa::path(
    get,
    path = "/incident_letters/{id}/text",
    operation_id = "incident_letter_text",
    tag = "School",
    params(("id" = IncidentLetterId, Path, description = "Which one.")),
    responses((status = 200, description = "The letter, to be printed.",
        content((LetterText = "text/plain", example = "Ada Okafor\n\nTo the guardians of Mila Okafor: please come.\n"))))
)]
async fn incident_letter_text(op: Op, Path(id): Path<IncidentLetterId>) -> Result<Response<Body>, Problem> {
    let letter = super::read(&op.tenancy, &op.cx, id).await?;
    let mut response = Response::new(Body::from(letter.pages()));
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"));
    Ok(response)
}
