//! Links that work once: a new password for who forgot theirs, and the proof that an address is one's own.

use axum::http::StatusCode;
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use cloister_http::{Caller, Class, Edge, Json, Key, Problem, Visitor};
use cloister_ids::{AccountId, TenantId};
use cloister_tenancy::{
    ControlTx, Error, ErrorKind, PlatformRecord, Requester, Result,
    jobs::{JobContext, JobKind, NewJob, Priority},
};
use garde::Validate;
use jiff::SignedDuration;
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{Account, check_email, email_key, store};
use crate::{
    Service,
    mail::{self, NewMail, Template},
    membership, secret,
    service::{self, Slot},
    session::{self, Ending, store as codes},
};

const RESET_LIFE: SignedDuration = SignedDuration::from_mins(30);
const VERIFY_LIFE: SignedDuration = SignedDuration::from_hours(48);
/// Looks whether an address is somebody's, and writes to them.
const RESET_JOB: &str = "platform.password_reset";

pub(super) fn routes() -> OpenApiRouter<Edge> {
    OpenApiRouter::new()
        .routes(routes!(password_reset_request))
        .routes(routes!(password_reset_confirm))
        .routes(routes!(email_verification_request))
        .routes(routes!(email_verification_confirm))
}

/// Who forgot their password.
#[derive(Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
struct ResetRequest {
    /// The address of an account of the platform.
    #[garde(length(chars, min = 3, max = 254))]
    #[schema(min_length = 3, max_length = 254, example = "head@north.example")]
    email: String,
}

/// A new password for the account that the token was sent to.
#[derive(Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
struct ResetConfirmation {
    /// From the mail's link.
    #[garde(skip)]
    #[schema(value_type = String, max_length = 64)]
    token: SecretString,
    /// The password from now on.
    #[garde(skip)]
    #[schema(value_type = String, format = Password, max_length = 1024)]
    password: SecretString,
}

/// A token that was sent to the address.
#[derive(Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
struct EmailConfirmation {
    /// From the mail's link.
    #[garde(skip)]
    #[schema(value_type = String, max_length = 64)]
    token: SecretString,
}

#[derive(Debug, Serialize, Deserialize)]
struct ResetJob {
    email: String,
    tenant: Option<TenantId>,
}

pub(crate) fn jobs(slot: &Slot) -> Vec<JobKind> {
    let slot = slot.clone();
    let reset = move |job: JobContext| {
        let slot = slot.clone();
        async move { send_reset(&service::opened(&slot)?, &job).await }
    };
    vec![JobKind::new(RESET_JOB, reset).priority(Priority::High).attempts(5)]
}

fn link_over() -> Error {
    let message = "This link was used, is too old, or was replaced by a newer one. Ask for another.";
    Error::new(ErrorKind::Malformed, "link_over", message)
}

/// A secret that works once, for `life`. Earlier ones of the purpose work no longer.
pub(crate) async fn new_code(
    tx: &mut ControlTx,
    service: &Service,
    account: AccountId,
    purpose: &'static str,
    details: &Value,
    life: SignedDuration,
) -> Result<String> {
    let (code, now) = (secret::generate()?, service.tenancy().clock().now());
    let hash = secret::hash(&code);
    tx.query_all(&[
        (&codes::VOID_CODES, &[&account, &purpose, &now]),
        (&codes::INSERT_CODE, &[&hash, &purpose, &account, &details, &now, &(now + life)]),
    ])
    .await?;
    Ok(code)
}

async fn send_reset(service: &Service, job: &JobContext) -> Result<()> {
    let ResetJob { email, tenant: asked_at } = job.payload()?;
    let Some(account) = super::by_email(service.control(), &email).await? else { return Ok(()) };
    let Some(to) = account.email.clone().filter(|_| account.is_active) else { return Ok(()) };
    // In the name of the tenant it was asked at only if the person belongs there: anybody can ask anywhere.
    let places = membership::places(service, account.id).await?;
    let tenant = asked_at.filter(|tenant| places.iter().any(|place| place.id == *tenant));
    let mut tx = service.control().begin().await?;
    let code = new_code(&mut tx, service, account.id, "reset_password", &json!({}), RESET_LIFE).await?;
    let link = service.link(tenant, "reset-password", &code);
    let minutes = u32::try_from(RESET_LIFE.as_mins()).unwrap_or(0);
    let template = Template::ResetPassword { link, minutes };
    let new = NewMail { tenant, account: Some(account.id), to, locale: &account.locale, template };
    mail::queue(&mut tx, service, new).await?;
    tx.commit().await
}

/// Ask for a link to a new password
///
/// The answer is the same whether the address is somebody's or not; a mail goes out only if it is.
#[utoipa::path(
    post,
    path = "/password-resets",
    operation_id = "password_reset_request",
    tag = "Account",
    security(()),
    request_body(content = ResetRequest, example = json!({ "email": "head@north.example" })),
    responses((status = 202, description = "If the address is somebody's, a mail is on its way."))
)]
async fn password_reset_request(
    service: Service,
    visitor: Visitor,
    Json(body): Json<ResetRequest>,
) -> Result<StatusCode, Problem> {
    visitor.limit(Class::SignIn)?;
    visitor.limit_by(Class::SignUp, Key::text(&email_key(&body.email)))?;
    check_email("email", &body.email)?;
    let tenant = visitor.tenant.as_deref().map(|tenant| tenant.id);
    let payload = serde_json::to_value(ResetJob { email: body.email.clone(), tenant }).map_err(Error::internal)?;
    // Looked up by the job: here, the time it takes would tell.
    let asked = format!("{} {}", email_key(&body.email), tenant.map_or_else(String::new, |tenant| tenant.to_string()));
    let unique_key = Some(URL_SAFE_NO_PAD.encode(secret::hash(&asked)));
    let job = NewJob { kind: RESET_JOB, tenant: None, payload, unique_key, run_at: None };
    service.tenancy().enqueue(job).await?;
    Ok(StatusCode::ACCEPTED)
}

/// Set a new password by a link
///
/// Ends all sessions of the account. A second factor stays as it is.
#[utoipa::path(
    post,
    path = "/password-resets/confirm",
    operation_id = "password_reset_confirm",
    tag = "Account",
    security(()),
    request_body(content = ResetConfirmation, example = json!({ "token": "Zk…", "password": "nine loud geese at noon" })),
    responses((status = 204, description = "It is set: sign in with it."))
)]
async fn password_reset_confirm(
    service: Service,
    visitor: Visitor,
    Json(body): Json<ResetConfirmation>,
) -> Result<StatusCode, Problem> {
    visitor.limit(Class::SignIn)?;
    let now = service.tenancy().clock().now();
    let hash = secret::hash(body.token.expose_secret());
    let mut tx = service.control().begin().await?;
    let rows = tx.query(&codes::TAKE_CODE, &[&hash, &"reset_password", &now]).await?;
    let id: AccountId = rows.first().ok_or_else(link_over)?.get("account_id");
    let account = super::lock(&mut tx, id).await?;
    // A refused password leaves the link as it was: the transaction is given up.
    let policy = crate::policy::PasswordPolicy::default();
    let new = service.accept_password("password", &policy, &account, body.password).await?;
    let by = format!("account:{id}");
    service.set_password(&mut tx, id, &new, &by).await?;
    if let Some(email) = &account.email {
        // Who opened the link reads the mail of this address.
        tx.query(&store::VERIFY_EMAIL, &[&id, &now, &by, &email_key(email)]).await?;
    }
    let device = crate::device::device(visitor.user_agent.as_deref());
    tell_password_changed(&mut tx, &service, &account, device).await?;
    tx.audit(PlatformRecord::new(own(&visitor, id), "password.reset", "platform.account").on(id));
    let ended = service.end_other_sessions(&mut tx, id, None, Ending::PasswordChanged).await?;
    tx.commit().await?;
    service.forget_sessions(&ended);
    Ok(StatusCode::NO_CONTENT)
}

/// Somebody who acts for their own account, signed in or not.
pub(crate) fn own(visitor: &Visitor, account: AccountId) -> Requester {
    Requester {
        actor: cloister_tenancy::Actor::Account(account.to_string().into()),
        account: Some(account),
        client: visitor.client,
        request: Some(visitor.request),
    }
}

/// A mail to the account's person, who may not have been the one that changed it.
pub(crate) async fn tell_password_changed(
    tx: &mut ControlTx,
    service: &Service,
    account: &Account,
    device: String,
) -> Result<()> {
    let Some(to) = account.email.clone() else { return Ok(()) };
    let template = Template::PasswordChanged { device: Some(device), at: service.tenancy().clock().now() };
    let new = NewMail { tenant: None, account: Some(account.id), to, locale: &account.locale, template };
    mail::queue(tx, service, new).await?;
    Ok(())
}

/// Leaves a mail with a link that proves the account's address.
pub(crate) async fn ask_to_verify(
    tx: &mut ControlTx,
    service: &Service,
    account: AccountId,
    email: &str,
    locale: &str,
    tenant: Option<TenantId>,
) -> Result<()> {
    let details = json!({ "email": email_key(email) });
    let code = new_code(tx, service, account, "verify_email", &details, VERIFY_LIFE).await?;
    let template = Template::VerifyEmail { link: service.link(tenant, "verify-email", &code) };
    let new = NewMail { tenant, account: Some(account), to: email.to_owned(), locale, template };
    mail::queue(tx, service, new).await?;
    Ok(())
}

/// Ask for another link that proves one's address
#[utoipa::path(
    post,
    path = "/account/email-verification",
    operation_id = "email_verification_request",
    tag = "Account",
    responses((status = 202, description = "A mail is on its way, unless the address is proved already."))
)]
async fn email_verification_request(service: Service, caller: Caller) -> Result<StatusCode, Problem> {
    let id = caller.identity.account.ok_or_else(session::over)?;
    let mut tx = service.control().begin().await?;
    let account = super::lock(&mut tx, id).await?;
    if let (Some(email), None) = (&account.email, account.email_verified_at) {
        ask_to_verify(&mut tx, &service, id, email, &account.locale, caller.identity.tenant).await?;
        tx.commit().await?;
    }
    Ok(StatusCode::ACCEPTED)
}

/// Prove one's address by a link
#[utoipa::path(
    post,
    path = "/email-verifications",
    operation_id = "email_verification_confirm",
    tag = "Account",
    security(()),
    request_body(content = EmailConfirmation, example = json!({ "token": "Zk…" })),
    responses((status = 204, description = "It is proved."))
)]
async fn email_verification_confirm(
    service: Service,
    visitor: Visitor,
    Json(body): Json<EmailConfirmation>,
) -> Result<StatusCode, Problem> {
    let now = service.tenancy().clock().now();
    let hash = secret::hash(body.token.expose_secret());
    let mut tx = service.control().begin().await?;
    let rows = tx.query(&codes::TAKE_CODE, &[&hash, &"verify_email", &now]).await?;
    let row = rows.first().ok_or_else(link_over)?;
    let (id, details): (AccountId, Value) = (row.get("account_id"), row.get("details"));
    let by = format!("account:{id}");
    // Of another address than the account has by now, it proves nothing.
    let proved = tx.query(&store::VERIFY_EMAIL, &[&id, &now, &by, &details["email"].as_str()]).await?;
    if proved.is_empty() {
        return Err(link_over().into());
    }
    tx.audit(PlatformRecord::new(own(&visitor, id), "email.verify", "platform.account").on(id));
    tx.commit().await?;
    Ok(StatusCode::NO_CONTENT)
}
