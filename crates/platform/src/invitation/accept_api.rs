//! Endpoints of who is invited: the token from the mail is all they have.

use axum::{
    extract::FromRequestParts,
    http::{StatusCode, header, request::Parts},
};
use cloister_http::{Answer, Caller, Edge, Json, Problem, Visitor};
use cloister_ids::{AccountId, MembershipId, PersonId, TenantId, Uuid};
use cloister_tenancy::{ControlTx, Error, ErrorKind, PlatformRecord, Result, TenantEntry};
use garde::Validate;
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};
use serde_json::json;
use std::sync::Arc;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{INVITATION, Invitation, InvitationState, link_over, store};
use crate::{
    Service,
    account::{self, Account, Name, NewAccount, NewPassword, recovery},
    membership::{self, Joining},
    note,
    role::RoleBook,
    secret,
};

pub(super) fn routes() -> OpenApiRouter<Edge> {
    OpenApiRouter::new().routes(routes!(invitation_look)).routes(routes!(invitation_accept))
}

/// Anybody; who they are, where they show it.
struct Guest {
    visitor: Visitor,
    caller: Option<Caller>,
}

impl FromRequestParts<Edge> for Guest {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, edge: &Edge) -> Result<Self, Problem> {
        let visitor = Visitor::from_request_parts(parts, edge).await?;
        let shows_token = parts.headers.contains_key(header::AUTHORIZATION);
        if !shows_token && !parts.headers.contains_key(header::COOKIE) {
            return Ok(Self { visitor, caller: None });
        }
        match Caller::from_request_parts(parts, edge).await {
            Ok(caller) => Ok(Self { visitor, caller: Some(caller) }),
            // A cookie of a session that is over is nobody's; whoever shows a token means to be somebody.
            Err(problem) if !shows_token && problem.status() == StatusCode::UNAUTHORIZED => {
                Ok(Self { visitor, caller: None })
            }
            Err(problem) => Err(problem),
        }
    }
}

/// The token from the mail.
#[derive(Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
struct Look {
    /// From the mail's link.
    #[garde(skip)]
    #[schema(value_type = String, max_length = 64, example = "5nWg…")]
    token: SecretString,
}

/// What somebody is invited to.
#[derive(Debug, Serialize, ToSchema)]
struct Invited {
    /// Where.
    tenant: Host,
    /// The address it went to, as far as it is shown.
    #[schema(example = "n…r@north.example")]
    email: String,
    /// Their name, as whoever invited them wrote it.
    #[schema(example = "Noor Haddad")]
    display_name: Option<String>,
    /// Names of the roles they get.
    #[schema(example = json!(["teacher"]))]
    roles: Vec<String>,
    /// Somebody has an account with this address: they must sign in with it to accept.
    has_account: bool,
    /// Until when the link is good.
    expires_at: jiff::Timestamp,
}

/// Who invites.
#[derive(Debug, Clone, Serialize, ToSchema)]
struct Host {
    /// Which tenant.
    id: TenantId,
    /// Its name in addresses.
    #[schema(example = "north")]
    slug: String,
    /// Its name on pages.
    #[schema(example = "North High School")]
    display_name: String,
}

/// A yes.
#[derive(Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
struct Acceptance {
    /// From the mail's link.
    #[garde(skip)]
    #[schema(value_type = String, max_length = 64, example = "5nWg…")]
    token: SecretString,
    /// Their name on pages: for a new account, where it is not the one they were invited by.
    #[garde(inner(length(chars, min = 1, max = 200)))]
    #[schema(min_length = 1, max_length = 200, example = "Noor Haddad")]
    display_name: Option<String>,
    /// For a new account.
    #[garde(skip)]
    #[schema(value_type = Option<String>, format = Password, max_length = 1024)]
    password: Option<SecretString>,
}

/// Welcome.
#[derive(Debug, Serialize, ToSchema)]
struct Accepted {
    /// Where.
    tenant: Host,
    /// Their place there.
    membership_id: MembershipId,
    /// Who they are when they sign in.
    account_id: AccountId,
    /// The account was made just now: sign in with it.
    is_new_account: bool,
    /// Names of the roles they got.
    roles: Vec<String>,
}

/// The tenant of an invitation that is still open, unless the request was sent to another one.
fn host_of(service: &Service, visitor: &Visitor, invitation: &Invitation) -> Result<Arc<TenantEntry>> {
    let here = visitor.tenant.as_ref().is_none_or(|tenant| tenant.id == invitation.tenant);
    if invitation.state != InvitationState::Open || !here {
        return Err(link_over());
    }
    let tenant = service.tenancy().registry().by_id(invitation.tenant).ok_or_else(link_over)?;
    tenant.admit().map_err(|refusal| refusal.error())?;
    Ok(tenant)
}

fn shown(tenant: &TenantEntry) -> Host {
    Host { id: tenant.id, slug: tenant.slug.to_string(), display_name: tenant.display_name.to_string() }
}

/// `noor@north.example` as `n…r@north.example`.
fn masked(email: &str) -> String {
    let (name, domain) = email.rsplit_once('@').unwrap_or((email, ""));
    let (first, last) = (name.chars().next(), name.chars().last().filter(|_| name.chars().count() > 2));
    format!("{}…{}@{domain}", first.map_or_else(String::new, String::from), last.map_or_else(String::new, String::from))
}

async fn find(service: &Service, token: &SecretString) -> Result<Invitation> {
    let rows = service.control().run(&store::BY_HASH, &[&secret::hash(token.expose_secret())]).await?;
    let now = service.tenancy().clock().now();
    rows.first().map(|row| Invitation::read(row, now)).ok_or_else(link_over)
}

/// Look at an invitation
///
/// Only whoever has the link learns of it.
#[utoipa::path(
    post,
    path = "/invitations/look",
    operation_id = "invitation_look",
    tag = "Invitations",
    security(()),
    request_body(content = Look, example = json!({ "token": "5nWg…" })),
    responses((status = 200, description = "What one is invited to.", body = Invited,
        example = json!({ "tenant": { "id": "ten_019b8d244e807c3e9d0a5f2b7c61e4a8", "slug": "north",
            "display_name": "North High School" }, "email": "n…r@north.example", "display_name": "Noor Haddad",
            "roles": ["teacher"], "has_account": false, "expires_at": "2026-01-19T09:00:00Z" })))
)]
async fn invitation_look(
    service: Service,
    visitor: Visitor,
    Json(body): Json<Look>,
) -> Result<Answer<Invited>, Problem> {
    let invitation = find(&service, &body.token).await?;
    let tenant = host_of(&service, &visitor, &invitation)?;
    let has_account = account::by_email(service.control(), &invitation.email).await?.is_some();
    let email = masked(&invitation.email);
    let Invitation { display_name, roles, expires_at, .. } = invitation;
    Ok(Answer(Invited { tenant: shown(&tenant), email, display_name, roles, has_account, expires_at }))
}

/// Accept an invitation
///
/// Once. Who has no account with the address gives a password, and gets one; its address counts as proved. Who has one must be
/// signed in with it: send its token, at the installation's own address, where one can sign in before one belongs here.
#[utoipa::path(
    post,
    path = "/invitations/accept",
    operation_id = "invitation_accept",
    tag = "Invitations",
    security((), ("token" = [])),
    request_body(content = Acceptance,
        example = json!({ "token": "5nWg…", "display_name": "Noor Haddad", "password": "seven quiet herons at dusk" })),
    responses((status = 200, description = "A member.", body = Accepted,
        example = json!({ "tenant": { "id": "ten_019b8d244e807c3e9d0a5f2b7c61e4a8", "slug": "north",
            "display_name": "North High School" }, "membership_id": "mbr_019b8d244e807c3e9d0a5f2b7c61e4a8",
            "account_id": "acc_019b8d244e807c3e9d0a5f2b7c61e4a8", "is_new_account": true, "roles": ["teacher"] })))
)]
async fn invitation_accept(
    service: Service,
    guest: Guest,
    Json(body): Json<Acceptance>,
) -> Result<Answer<Accepted>, Problem> {
    let Guest { visitor, caller } = guest;
    let invitation = find(&service, &body.token).await?;
    let tenant = host_of(&service, &visitor, &invitation)?;
    let known = account::by_email(service.control(), &invitation.email).await?;
    if let Some(known) = &known {
        let caller = caller.as_ref().and_then(|caller| caller.identity.account);
        if caller != Some(known.id) || !known.is_active {
            let message = "There is an account with the address that was invited. Sign in with it, and accept then.";
            return Err(Error::new(ErrorKind::Unauthenticated, "sign_in_to_accept", message).into());
        }
    }
    // Before anything is locked, as hashing takes long.
    let new = match &known {
        Some(_) => None,
        None => Some(new_account(&service, &tenant, &invitation, body.display_name, body.password).await?),
    };
    let now = service.tenancy().clock().now();
    let mut tx = service.control().begin().await?;
    let by = known.as_ref().map_or_else(|| "system:platform.invitation".to_owned(), |a| format!("account:{}", a.id));
    membership::lock(&mut tx, tenant.id, now, &by).await?;
    let rows = tx.query(&store::LOCK_BY_HASH, &[&secret::hash(body.token.expose_secret())]).await?;
    let invitation = rows.first().map(|row| Invitation::read(row, now)).ok_or_else(link_over)?;
    host_of(&service, &visitor, &invitation)?;
    let account = match (&known, &new) {
        (Some(known), _) => prove(&mut tx, known, &invitation, now).await?,
        (None, Some(new)) => {
            let name = Name::Email(&invitation.email, Some(now));
            let new = NewAccount {
                name,
                display_name: &new.display_name,
                locale: &tenant.locale,
                password: Some(new.password.clone()),
                operator_role: None,
            };
            account::insert(&mut tx, &**service.tenancy().clock(), &new, &by).await?
        }
        (None, None) => return Err(Error::internal("neither an account nor a new one").into()),
    };
    let (membership_id, roles) = let_in(&mut tx, &service, &tenant, &invitation, account).await?;
    let by = format!("account:{account}");
    tx.query(&store::ACCEPT, &[&tenant.id, &invitation.id, &now, &account, &by]).await?;
    let version = membership::outdate(&mut tx, account, tenant.id, now, &by).await?;
    let told = json!({ "account_id": account, "membership_id": membership_id, "roles": roles,
        "is_new_account": known.is_none() });
    let record = PlatformRecord::new(recovery::own(&visitor, account), "invitation.accept", INVITATION);
    note::both(&mut tx, tenant.id, record.on(invitation.id).changing(told)).await?;
    tx.commit().await?;
    service.revocations().membership(account, tenant.id, version, now);
    let (tenant, is_new_account) = (shown(&tenant), known.is_none());
    Ok(Answer(Accepted { tenant, membership_id, account_id: account, is_new_account, roles }))
}

/// What a new account is made with.
struct NewMe {
    display_name: String,
    password: NewPassword,
}

async fn new_account(
    service: &Service,
    tenant: &TenantEntry,
    invitation: &Invitation,
    display_name: Option<String>,
    password: Option<SecretString>,
) -> Result<NewMe> {
    let name = display_name.or_else(|| invitation.display_name.clone()).map(|name| name.trim().to_owned());
    let name = name.filter(|name| !name.is_empty() && !name.chars().any(char::is_control));
    let display_name =
        name.ok_or_else(|| Error::field("display_name", "missing", "Give the name that others shall see."))?;
    let password =
        password.ok_or_else(|| Error::field("password", "missing", "Choose a password for your account."))?;
    let policy = membership::policy(service, tenant.id).await?;
    let names = [invitation.email.as_str(), display_name.as_str(), &tenant.display_name];
    let password = service.accept_password_of("password", &policy, &names, password).await?;
    Ok(NewMe { display_name, password })
}

/// Whoever opened the link and is signed in with the account reads the mail of its address.
async fn prove(
    tx: &mut ControlTx,
    known: &Account,
    invitation: &Invitation,
    now: jiff::Timestamp,
) -> Result<AccountId> {
    let account = account::lock(tx, known.id).await?;
    if !account.is_active {
        return Err(link_over());
    }
    if account.email_verified_at.is_none() {
        let (by, key) = (format!("account:{}", known.id), account::email_key(&invitation.email));
        tx.query(&account::store::VERIFY_EMAIL, &[&known.id, &now, &by, &key]).await?;
    }
    Ok(known.id)
}

/// Adds the membership. Roles that are no more are left out; a person that somebody else is by now, too.
async fn let_in(
    tx: &mut ControlTx,
    service: &Service,
    tenant: &TenantEntry,
    invitation: &Invitation,
    account: AccountId,
) -> Result<(MembershipId, Vec<String>)> {
    let rows = tx.query(&store::MEMBERSHIP, &[&tenant.id, &account]).await?;
    if rows.first().is_some_and(|row| row.get::<_, &str>("status") != "active") {
        let message = "Your membership here is suspended. Ask who invited you.";
        return Err(Error::new(ErrorKind::Forbidden, "membership_suspended", message));
    }
    let book = RoleBook::read(tx, service, tenant).await?;
    let roles: Vec<String> = invitation.roles.iter().filter(|role| book.has(role)).cloned().collect();
    if roles.is_empty() {
        return Err(link_over());
    }
    let held: Vec<String> = rows.first().map(|row| row.get("roles")).unwrap_or_default();
    if held.len() + roles.iter().filter(|role| !held.contains(role)).count() > 20 {
        let message = "You have as many roles here as one can have.";
        return Err(Error::new(ErrorKind::Conflict, "too_many_roles", message));
    }
    let mut person: Option<Uuid> = invitation.person_id.map(PersonId::uuid);
    if let Some(wanted) = person {
        let taken = tx.query(&membership::store::OF_PERSON, &[&tenant.id, &wanted]).await?;
        if taken.first().is_some_and(|row| row.get::<_, AccountId>("account_id") != account) {
            person = None;
        }
    }
    let by = format!("account:{account}");
    let joining = Joining { account, tenant: tenant.id, roles: &roles, person };
    let id = membership::join(tx, &**service.tenancy().clock(), joining, &by).await?;
    Ok((id, roles))
}

#[cfg(test)]
mod tests {
    use super::masked;

    #[test]
    fn an_address_is_shown_only_so_far() {
        for (email, shown) in [
            ("noor@north.example", "n…r@north.example"),
            ("no@north.example", "n…@north.example"),
            ("n@north.example", "n…@north.example"),
            ("élodie@north.example", "é…e@north.example"),
        ] {
            assert_eq!(masked(email), shown);
        }
    }
}
