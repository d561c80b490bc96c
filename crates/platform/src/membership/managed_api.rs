//! Endpoints about accounts that a tenant manages.

use std::collections::HashSet;

use axum::{
    body::Body,
    http::{HeaderValue, Response, StatusCode, header},
    response::IntoResponse,
};
use cloister_http::{Answer, Class, Edge, IdempotencyHeader, Once, Op, Path, Problem};
use cloister_ids::{MembershipId, PersonId};
use cloister_tenancy::{Action, ControlTx, Error, ErrorKind, FieldError, OpContext, Result};
use garde::Validate;
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    MEMBER,
    card::{self, Card, Holder},
    member,
    roster::{Roster, Untied},
};
use crate::{Service, account, idempotency, note, role::RoleBook, session::Ending};

pub(super) fn routes() -> OpenApiRouter<Edge> {
    OpenApiRouter::new()
        .routes(routes!(member_create))
        .routes(routes!(member_create_cards))
        .routes(routes!(member_reset_password))
}

/// Somebody who is given an account that the tenant manages.
#[derive(Debug, Clone, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
struct NewMember {
    /// What to sign in with, at the tenant's own address.
    #[garde(length(chars, min = 1, max = 64))]
    #[schema(min_length = 1, max_length = 64, example = "mei.tanaka")]
    username: String,
    /// Their name on pages.
    #[garde(length(chars, min = 1, max = 200), custom(visible))]
    #[schema(min_length = 1, max_length = 200, example = "Mei Tanaka")]
    display_name: String,
    /// Names of roles: of modules, and of the tenant's own.
    #[garde(length(min = 1, max = 20), inner(length(chars, min = 1, max = 63)))]
    #[schema(min_items = 1, max_items = 20, example = json!(["student"]))]
    roles: Vec<String>,
    /// The person of the roster that they are.
    #[garde(skip)]
    person_id: Option<PersonId>,
}

/// Several of them, with the same roles.
#[derive(Debug, Clone, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
struct NewCards {
    /// Names of roles: of modules, and of the tenant's own.
    #[garde(length(min = 1, max = 20), inner(length(chars, min = 1, max = 63)))]
    #[schema(min_items = 1, max_items = 20, example = json!(["student"]))]
    roles: Vec<String>,
    /// Who.
    #[garde(length(min = 1, max = 200), dive)]
    #[schema(min_items = 1, max_items = 200)]
    items: Vec<NewCard>,
}

/// One of several.
#[derive(Debug, Clone, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
struct NewCard {
    /// Their name on pages.
    #[garde(length(chars, min = 1, max = 200), custom(visible))]
    #[schema(min_length = 1, max_length = 200, example = "Mei Tanaka")]
    display_name: String,
    /// What to sign in with. Without one, it is derived from the name, with a number where that is somebody's.
    #[garde(inner(length(chars, min = 1, max = 64)))]
    #[schema(min_length = 1, max_length = 64)]
    username: Option<String>,
    /// The person of the roster that they are.
    #[garde(skip)]
    person_id: Option<PersonId>,
}

/// What is printed.
#[derive(Debug, Clone, Serialize, ToSchema)]
struct Cards {
    /// In the order they were asked for.
    items: Vec<Card>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "the form that garde calls")]
fn visible(text: &str, (): &()) -> garde::Result {
    if text.trim().is_empty() || text.chars().any(char::is_control) {
        return Err(cloister_http::invalid("blank", "Use at least one visible character, and no control characters."));
    }
    Ok(())
}

/// Locks who may do what here, and refuses roles that are not there or beyond the actor's own.
async fn check_roles(tx: &mut ControlTx, service: &Service, cx: &OpContext, roles: &[String]) -> Result<()> {
    super::lock(tx, cx.tenant_id(), cx.clock().now(), &cx.actor().to_string()).await?;
    let book = RoleBook::read(tx, service, cx.tenant()).await?;
    book.check_known(roles)?;
    book.check_within(cx.permissions(), roles)
}

/// Give somebody an account that the tenant manages
///
/// For people without e-mail. They sign in by username at the tenant's own address, and choose a password of their own first.
/// The first password is told once: print it.
#[utoipa::path(
    post,
    path = "/tenant/members",
    operation_id = "member_create",
    tag = "Members",
    params(IdempotencyHeader),
    request_body(content = NewMember,
        example = json!({ "username": "mei.tanaka", "display_name": "Mei Tanaka", "roles": ["student"] })),
    responses((status = 201, description = "What to print.", body = Card,
        headers(("Location" = String, description = "The member's address.")), example = json!(sample())))
)]
async fn member_create(service: Service, op: Op, once: Once<NewMember>) -> Result<Response<Body>, Problem> {
    let cx = &op.cx;
    cx.authorize(Action::Create, &MEMBER)?;
    let Once { body: NewMember { username, display_name, roles, person_id }, key } = once;
    card::check_username("username".to_owned(), username.trim())?;
    let password = card::first_password(&service, op.cx.tenant_id()).await?;
    let roster = Roster::ask(&service, cx, person_id.as_slice(), None).await?;
    let (scope, by) = (idempotency::within(cx), cx.actor().to_string());
    let mut tx = service.control().begin().await?;
    if let Some(earlier) = idempotency::take(&mut tx, &service, &scope, key.as_ref()).await? {
        return Ok(earlier.into_response());
    }
    check_roles(&mut tx, &service, cx, &roles).await?;
    roster.check(&mut tx, cx, person_id, None).await?;
    let holder = Holder { username: &username, display_name: &display_name, person: person_id };
    let made = card::issue(&mut tx, &service, cx.tenant(), &holder, &roles, password, &by).await?;
    let told = json!({ "account_id": made.account_id, "username": made.username, "roles": roles,
        "person_id": person_id });
    let record = note::within(cx, "member.create", MEMBER).on(made.id);
    note::both(&mut tx, cx.tenant_id(), record.changing(told)).await?;
    let kept = card::without_password(&made);
    idempotency::keep(&mut tx, &scope, key.as_ref(), StatusCode::CREATED, &kept).await?;
    tx.commit().await?;
    let location = format!("/api/v1/tenant/members/{}", made.id);
    let mut response = (StatusCode::CREATED, Answer(made)).into_response();
    if let Ok(value) = HeaderValue::try_from(location) {
        response.headers_mut().insert(header::LOCATION, value);
    }
    Ok(response)
}

/// Give many people accounts that the tenant manages
///
/// All of them or none. The first passwords are told once: print them.
#[utoipa::path(
    post,
    path = "/tenant/members/cards",
    operation_id = "member_create_cards",
    tag = "Members",
    params(IdempotencyHeader),
    request_body(content = NewCards, example = json!({ "roles": ["student"],
        "items": [{ "display_name": "Mei Tanaka" }, { "display_name": "Tom Berg", "username": "tom" }] })),
    responses((status = 201, description = "What to print.", body = Cards, example = json!({ "items": [sample()] })))
)]
async fn member_create_cards(service: Service, op: Op, once: Once<NewCards>) -> Result<Response<Body>, Problem> {
    let cx = &op.cx;
    cx.authorize(Action::Create, &MEMBER)?;
    op.limit(Class::Heavy)?;
    let Once { body: NewCards { roles, items }, key } = once;
    for (at, item) in items.iter().enumerate() {
        if let Some(name) = &item.username {
            card::check_username(format!("items[{at}].username"), name.trim())?;
        }
    }
    // Roles first, as hashing takes long; and again once they cannot change any more.
    let book = RoleBook::look(&service, cx.tenant()).await?;
    book.check_known(&roles)?;
    book.check_within(cx.permissions(), &roles)?;
    let mut passwords = Vec::with_capacity(items.len());
    for _ in &items {
        passwords.push(card::first_password(&service, op.cx.tenant_id()).await?);
    }
    let persons: Vec<PersonId> = items.iter().filter_map(|item| item.person_id).collect();
    let roster = Roster::ask(&service, cx, &persons, None).await?;
    let (scope, by) = (idempotency::within(cx), cx.actor().to_string());
    let mut tx = service.control().begin().await?;
    if let Some(earlier) = idempotency::take(&mut tx, &service, &scope, key.as_ref()).await? {
        return Ok(earlier.into_response());
    }
    check_roles(&mut tx, &service, cx, &roles).await?;
    check_persons(&mut tx, cx, &roster, &items).await?;
    let usernames = name_all(&mut tx, cx, &items).await?;
    let mut made = Cards { items: Vec::with_capacity(items.len()) };
    for ((item, username), password) in items.iter().zip(&usernames).zip(passwords) {
        let holder = Holder { username, display_name: &item.display_name, person: item.person_id };
        made.items.push(card::issue(&mut tx, &service, cx.tenant(), &holder, &roles, password, &by).await?);
    }
    let members: Vec<_> = made.items.iter().map(|card| json!({ "id": card.id, "username": card.username })).collect();
    let told = json!({ "roles": roles, "members": members });
    note::both(&mut tx, cx.tenant_id(), note::within(cx, "member.create_cards", MEMBER).changing(told)).await?;
    let kept = Cards { items: made.items.iter().map(card::without_password).collect() };
    idempotency::keep(&mut tx, &scope, key.as_ref(), StatusCode::CREATED, &kept).await?;
    tx.commit().await?;
    Ok((StatusCode::CREATED, Answer(made)).into_response())
}

fn at_item(at: usize, field: &str, code: &'static str, message: &str) -> Error {
    let field = format!("items[{at}].{field}");
    Error::invalid(vec![FieldError { field, code: code.into(), message: message.to_owned() }])
}

/// Refuses a person who is not there, is a member already, or is named twice.
async fn check_persons(tx: &mut ControlTx, cx: &OpContext, roster: &Roster, items: &[NewCard]) -> Result<()> {
    let mut named = HashSet::new();
    for (at, item) in items.iter().enumerate() {
        let Some(person) = item.person_id else { continue };
        let twice = (!named.insert(person)).then_some(Untied::Taken);
        if let Some(untied) = twice.or(roster.refusal(tx, cx, person, None).await?) {
            return Err(untied.at(format!("items[{at}].person_id")));
        }
    }
    Ok(())
}

/// A username for each: the one that was asked for, or one derived from the name.
async fn name_all(tx: &mut ControlTx, cx: &OpContext, items: &[NewCard]) -> Result<Vec<String>> {
    let wanted: Vec<String> = items
        .iter()
        .map(|item| match &item.username {
            Some(name) => account::username_key(name),
            None => card::derive_username(&item.display_name),
        })
        .collect();
    let mut taken = card::taken(tx, cx.tenant_id(), &wanted).await?;
    // Whoever asks for a name comes before those who get one.
    for (at, (item, key)) in items.iter().zip(&wanted).enumerate() {
        if item.username.is_some() && !taken.insert(key.clone()) {
            let message = "Another account of this tenant has this username.";
            return Err(at_item(at, "username", "username_taken", message));
        }
    }
    let mut named = Vec::with_capacity(items.len());
    for (item, wanted) in items.iter().zip(wanted) {
        named.push(match &item.username {
            Some(name) => name.trim().to_owned(),
            None => {
                let name = card::make_unique(wanted, &taken);
                taken.insert(name.clone());
                name
            }
        });
    }
    Ok(named)
}

/// A new printed password.
#[derive(Debug, Serialize, ToSchema)]
struct ResetCard {
    /// The member.
    id: MembershipId,
    /// What to sign in with.
    #[schema(example = "mei.tanaka")]
    username: String,
    /// Their name on pages.
    #[schema(example = "Mei Tanaka")]
    display_name: String,
    /// To be replaced at the next sign-in. Told once.
    #[schema(example = "kf7m-2qwx-9rth")]
    first_password: String,
}

/// Set a new printed password
///
/// Only for an account that the tenant manages, and whose holder may do no more than the actor. All its sessions end.
#[utoipa::path(
    post,
    path = "/tenant/members/{id}/password-reset",
    operation_id = "member_reset_password",
    tag = "Members",
    params(("id" = MembershipId, Path, description = "Which one.")),
    responses((status = 200, description = "What to print.", body = ResetCard,
        example = json!({ "id": "mbr_019b8d244e807c3e9d0a5f2b7c61e4a8", "username": "mei.tanaka",
            "display_name": "Mei Tanaka", "first_password": "kf7m-2qwx-9rth" })))
)]
async fn member_reset_password(
    service: Service,
    op: Op,
    Path(id): Path<MembershipId>,
) -> Result<Answer<ResetCard>, Problem> {
    let cx = &op.cx;
    cx.authorize(Action::Update, &MEMBER)?;
    let by = cx.actor().to_string();
    // Whether it exists is asked first: hashing takes long.
    member::read(&service, cx, id).await?;
    let password = card::first_password(&service, op.cx.tenant_id()).await?;
    let mut tx = service.control().begin().await?;
    let (member, book) = member::hold(&mut tx, &service, cx, id).await?;
    let (true, Some(username)) = (member.is_managed, member.username) else {
        let message = "This account is its holder's own: they set a password by mail.";
        return Err(Error::new(ErrorKind::Conflict, "account_not_managed", message).into());
    };
    book.check_within(cx.permissions(), &member.fields.roles)?;
    service.set_password(&mut tx, member.account_id, &password.kept, &by).await?;
    let ended = service.end_other_sessions(&mut tx, member.account_id, None, Ending::PasswordChanged).await?;
    let told = json!({ "account_id": member.account_id });
    let record = note::within(cx, "member.reset_password", MEMBER).on(id);
    note::both(&mut tx, cx.tenant_id(), record.changing(told)).await?;
    tx.commit().await?;
    service.forget_sessions(&ended);
    let display_name = member.display_name;
    Ok(Answer(ResetCard { id, username, display_name, first_password: password.text }))
}

fn sample() -> Card {
    let member = super::api::sample();
    Card {
        id: member.id,
        account_id: member.account_id,
        username: "mei.tanaka".to_owned(),
        display_name: "Mei Tanaka".to_owned(),
        first_password: Some("kf7m-2qwx-9rth".to_owned()),
        sign_in_url: "http://north.localhost:8080".to_owned(),
        person_id: None,
    }
}
