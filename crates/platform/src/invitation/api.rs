//! Endpoints of who invites.

use axum::{
    body::Body,
    http::{HeaderValue, Response, StatusCode, header},
    response::IntoResponse,
};
use cloister_http::{Answer, Edge, IdempotencyHeader, Listing, Once, Op, Page, PageQuery, Path, Problem, Sort, Tagged};
use cloister_ids::{InvitationId, PersonId, Uuid};
use cloister_tenancy::{Action, ControlTx, Error, ErrorKind, OpContext, Result};
use garde::Validate;
use jiff::Timestamp;
use serde::Deserialize;
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    INVITATION, Invitation, InvitationState,
    send::{self, Guest},
    store,
};
use crate::{
    Service,
    account::{check_email, email_key},
    idempotency,
    membership::Roster,
    note,
};

pub(super) fn routes() -> OpenApiRouter<Edge> {
    OpenApiRouter::new()
        .routes(routes!(invitation_list, invitation_create))
        .routes(routes!(invitation_read, invitation_revoke))
        .routes(routes!(invitation_resend))
}

/// Which invitations.
#[derive(Debug, Deserialize, Validate, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct InvitationFilter {
    /// Only those of which this has become.
    #[garde(skip)]
    state: Option<InvitationState>,
}

/// The orders of the list.
#[derive(Debug, Clone, Copy)]
struct ByAge;

impl Sort for ByAge {
    const ORDERS: &'static [(&'static str, Self)] = &[("age", Self)];
}

/// The order, for the API document.
#[derive(Debug, IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "read by `Listing`; this is its description")]
struct InvitationOrder {
    /// `age`: the newest first (as usual); `-age`: the oldest first.
    #[param(pattern = "^-?age$", example = "age")]
    sort: Option<String>,
}

/// A page of them.
type InvitationPage = Page<Invitation>;

/// Somebody to be invited.
#[derive(Debug, Clone, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
struct NewInvitation {
    /// Where the link goes. Whoever opens it has shown that the address is theirs.
    #[garde(length(chars, min = 3, max = 254))]
    #[schema(min_length = 3, max_length = 254, example = "noor@north.example")]
    email: String,
    /// Their name; they may give another.
    #[garde(inner(length(chars, min = 1, max = 200)))]
    #[schema(min_length = 1, max_length = 200, example = "Noor Haddad")]
    display_name: Option<String>,
    /// Names of the roles they get: none that may do more than the actor.
    #[garde(length(min = 1, max = 20), inner(length(chars, min = 1, max = 63)))]
    #[schema(min_items = 1, max_items = 20, example = json!(["teacher"]))]
    roles: Vec<String>,
    /// The person of the roster that they are.
    #[garde(skip)]
    person_id: Option<PersonId>,
}

/// List invitations
#[utoipa::path(
    get,
    path = "/tenant/invitations",
    operation_id = "invitation_list",
    tag = "Invitations",
    params(InvitationFilter, InvitationOrder, PageQuery),
    responses((status = 200, description = "A page of invitations.", body = InvitationPage,
        example = json!({ "items": [sample()], "next_cursor": null })))
)]
async fn invitation_list(
    service: Service,
    op: Op,
    listing: Listing<InvitationFilter, ByAge>,
) -> Result<Answer<InvitationPage>, Problem> {
    let cx = &op.cx;
    cx.authorize(Action::Read, &INVITATION)?;
    let (tenant, what, now) = (cx.tenant_id(), INVITATION.name, cx.clock().now());
    let state = listing.filter.state.map(InvitationState::word);
    let after: Option<InvitationId> = listing.after(tenant, what)?;
    let (statement, first) =
        if listing.descending { (&store::LIST_OLDEST, Uuid::nil()) } else { (&store::LIST_NEWEST, Uuid::max()) };
    let after = after.map_or(first, InvitationId::uuid);
    let rows = service.control().run(statement, &[&tenant, &state, &now, &after, &listing.limit()]).await?;
    let rows: Vec<_> = rows.iter().map(|row| Invitation::read(row, now)).collect();
    Ok(Answer(listing.page(tenant, what, rows, |last| last.id)))
}

/// Invite somebody
///
/// A link goes to the address by mail, good for fourteen days. Nobody invites to roles that may do more than they.
#[utoipa::path(
    post,
    path = "/tenant/invitations",
    operation_id = "invitation_create",
    tag = "Invitations",
    params(IdempotencyHeader),
    request_body(content = NewInvitation,
        example = json!({ "email": "noor@north.example", "display_name": "Noor Haddad", "roles": ["teacher"] })),
    responses((status = 201, description = "The invitation.", body = Invitation,
        headers(("ETag" = String, description = "Its version."), ("Location" = String, description = "Its address.")),
        example = json!(sample())))
)]
async fn invitation_create(service: Service, op: Op, once: Once<NewInvitation>) -> Result<Response<Body>, Problem> {
    let cx = &op.cx;
    cx.authorize(Action::Create, &INVITATION)?;
    let Once { body: NewInvitation { email, display_name, roles, person_id }, key } = once;
    let email = email.trim().to_owned();
    check_email("email", &email)?;
    let display_name = display_name.map(|name| name.trim().to_owned()).filter(|name| !name.is_empty());
    if display_name.as_ref().is_some_and(|name| name.chars().any(char::is_control)) {
        return Err(Error::field("display_name", "blank", "Use no control characters.").into());
    }
    let guest = Guest { email, display_name, person: person_id };
    let inviter = send::inviter(&service, cx.account()).await?;
    let roster = Roster::ask(&service, cx, person_id.as_slice(), None).await?;
    let scope = idempotency::within(cx);
    let mut tx = service.control().begin().await?;
    if let Some(earlier) = idempotency::take(&mut tx, &service, &scope, key.as_ref()).await? {
        return Ok(earlier.into_response());
    }
    send::check_roles(&mut tx, &service, cx, &roles).await?;
    check_free(&mut tx, cx, &roster, &guest).await?;
    send::check_room(&mut tx, cx, 1).await?;
    let made = send::invite(&mut tx, &service, cx, &guest, &roles, inviter.as_deref()).await?;
    note::both(&mut tx, cx.tenant_id(), send::record(cx, "invitation.create", &made)).await?;
    idempotency::keep(&mut tx, &scope, key.as_ref(), StatusCode::CREATED, &made).await?;
    tx.commit().await?;
    let location = format!("/api/v1/tenant/invitations/{}", made.id);
    let mut response = (StatusCode::CREATED, Tagged(made)).into_response();
    if let Ok(value) = HeaderValue::try_from(location) {
        response.headers_mut().insert(header::LOCATION, value);
    }
    Ok(response)
}

/// Refuses who is a member or invited already, and a person who is, or who is not there.
async fn check_free(tx: &mut ControlTx, cx: &OpContext, roster: &Roster, guest: &Guest) -> Result<()> {
    let (tenant, now, by) = (cx.tenant_id(), cx.clock().now(), cx.actor().to_string());
    let key = vec![email_key(&guest.email)];
    let rows = tx
        .query_all(&[
            (&store::EXPIRE, &[&tenant, &key, &now, &by]),
            (&store::MEMBERS, &[&tenant, &key]),
            (&store::INVITED, &[&tenant, &key, &now]),
        ])
        .await?;
    let any = |at: usize| rows.get(at).is_some_and(|rows| !rows.is_empty());
    if any(1) {
        let message = "Somebody with this address is a member already. Change their roles instead.";
        return Err(Error::new(ErrorKind::Conflict, "already_member", message));
    }
    if any(2) {
        let message = "Somebody with this address is invited already. Send that invitation again instead.";
        return Err(Error::new(ErrorKind::Conflict, "already_invited", message));
    }
    roster.check(tx, cx, guest.person, None).await?;
    if let Some(person) = guest.person
        && !tx.query(&store::PERSON_INVITED, &[&tenant, &person, &now]).await?.is_empty()
    {
        let message = "Somebody is invited who will be this person.";
        return Err(Error::new(ErrorKind::Conflict, "person_taken", message));
    }
    Ok(())
}

/// Read an invitation
#[utoipa::path(
    get,
    path = "/tenant/invitations/{id}",
    operation_id = "invitation_read",
    tag = "Invitations",
    params(("id" = InvitationId, Path, description = "Which one.")),
    responses((status = 200, description = "The invitation.", body = Invitation,
        headers(("ETag" = String, description = "Its version.")), example = json!(sample())))
)]
async fn invitation_read(
    service: Service,
    op: Op,
    Path(id): Path<InvitationId>,
) -> Result<Tagged<Invitation>, Problem> {
    op.cx.authorize(Action::Read, &INVITATION)?;
    Ok(Tagged(read(&service, &op.cx, id).await?))
}

async fn read(service: &Service, cx: &OpContext, id: InvitationId) -> Result<Invitation> {
    let rows = service.control().run(&store::GET, &[&cx.tenant_id(), &id]).await?;
    rows.first().map(|row| Invitation::read(row, cx.clock().now())).ok_or_else(Error::not_found)
}

/// One that nobody has answered, kept from changing.
async fn hold(tx: &mut ControlTx, cx: &OpContext, id: InvitationId) -> Result<Invitation> {
    let rows = tx.query(&store::LOCK, &[&cx.tenant_id(), &id]).await?;
    let found = rows.first().map(|row| Invitation::read(row, cx.clock().now())).ok_or_else(Error::not_found)?;
    match found.state {
        InvitationState::Open | InvitationState::Expired => Ok(found),
        InvitationState::Accepted | InvitationState::Revoked => {
            let message = "This invitation was accepted or taken back. Write a new one.";
            Err(Error::new(ErrorKind::Conflict, "invitation_over", message))
        }
    }
}

/// Send an invitation again
///
/// With a new link, good for fourteen days from now; the one before works no longer. At most three mails an hour.
#[utoipa::path(
    post,
    path = "/tenant/invitations/{id}/resend",
    operation_id = "invitation_resend",
    tag = "Invitations",
    params(("id" = InvitationId, Path, description = "Which one.")),
    responses((status = 200, description = "The invitation as it is now.", body = Invitation,
        headers(("ETag" = String, description = "Its version.")), example = json!(sample())))
)]
async fn invitation_resend(
    service: Service,
    op: Op,
    Path(id): Path<InvitationId>,
) -> Result<Tagged<Invitation>, Problem> {
    let cx = &op.cx;
    cx.authorize(Action::Update, &INVITATION)?;
    let inviter = send::inviter(&service, cx.account()).await?;
    let person = read(&service, cx, id).await?.person_id;
    let roster = Roster::ask(&service, cx, person.as_slice(), None).await?;
    let (tenant, now, by) = (cx.tenant_id(), cx.clock().now(), cx.actor().to_string());
    let mut tx = service.control().begin().await?;
    crate::membership::lock(&mut tx, tenant, now, &by).await?;
    let invitation = hold(&mut tx, cx, id).await?;
    send::check_roles(&mut tx, &service, cx, &invitation.roles).await?;
    if invitation.state == InvitationState::Expired {
        // Meanwhile they may have joined, or been invited anew.
        let Invitation { email, display_name, person_id, .. } = invitation.clone();
        check_free(&mut tx, cx, &roster, &Guest { email, display_name, person: person_id }).await?;
    }
    send::check_room(&mut tx, cx, 1).await?;
    send::resend(&mut tx, &service, cx, &invitation, inviter.as_deref()).await?;
    note::both(&mut tx, tenant, send::record(cx, "invitation.resend", &invitation)).await?;
    tx.commit().await?;
    Ok(Tagged(read(&service, cx, id).await?))
}

/// Take an invitation back
///
/// Its link works no longer. It stays in the list.
#[utoipa::path(
    delete,
    path = "/tenant/invitations/{id}",
    operation_id = "invitation_revoke",
    tag = "Invitations",
    params(("id" = InvitationId, Path, description = "Which one.")),
    responses((status = 204, description = "It is taken back."))
)]
async fn invitation_revoke(service: Service, op: Op, Path(id): Path<InvitationId>) -> Result<StatusCode, Problem> {
    let cx = &op.cx;
    cx.authorize(Action::Delete, &INVITATION)?;
    let (tenant, now, by) = (cx.tenant_id(), cx.clock().now(), cx.actor().to_string());
    let mut tx = service.control().begin().await?;
    let invitation = hold(&mut tx, cx, id).await?;
    tx.query(&store::REVOKE, &[&tenant, &id, &now, &by]).await?;
    note::both(&mut tx, tenant, send::record(cx, "invitation.revoke", &invitation)).await?;
    tx.commit().await?;
    Ok(StatusCode::NO_CONTENT)
}

fn sample() -> Invitation {
    let at = Timestamp::constant(1_767_603_600, 0);
    Invitation {
        id: InvitationId::from_uuid(Uuid::from_u128(0x019b_8d24_4e80_7c3e_9d0a_5f2b_7c61_e4a8)),
        email: "noor@north.example".to_owned(),
        display_name: Some("Noor Haddad".to_owned()),
        roles: vec!["teacher".to_owned()],
        person_id: None,
        state: InvitationState::Open,
        sent_at: at,
        sent_times: 1,
        expires_at: at + super::LIFE,
        accepted_at: None,
        account_id: None,
        version: 1,
        created_at: at,
        created_by: "account:ada".to_owned(),
        updated_at: at,
        updated_by: "account:ada".to_owned(),
        tenant: cloister_ids::TenantId::from_uuid(Uuid::nil()),
        sent_lately: Vec::new(),
    }
}
