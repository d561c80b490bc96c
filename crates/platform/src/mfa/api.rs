//! Endpoints about one's second factor.

use axum::http::StatusCode;
use cloister_http::{Answer, Caller, Edge, Json, Problem};
use cloister_ids::AccountId;
use cloister_tenancy::{Error, ErrorKind, PlatformRecord};
use garde::Validate;
use secrecy::ExposeSecret;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::store;
use crate::{Purpose, Service, account, mail::MfaChange, session, totp};

pub(crate) fn routes() -> OpenApiRouter<Edge> {
    OpenApiRouter::new()
        .routes(routes!(mfa_read, mfa_begin, mfa_end))
        .routes(routes!(mfa_confirm))
        .routes(routes!(mfa_renew_codes))
}

/// How one's second factor stands.
#[derive(Debug, Serialize, ToSchema)]
struct Mfa {
    /// Codes of an app are asked for at each sign-in.
    is_on: bool,
    /// Recovery codes that are left.
    #[schema(example = 10)]
    recovery_codes_left: i64,
}

/// A secret for an app.
#[derive(Debug, Serialize, ToSchema)]
struct Proposal {
    /// To be typed into the app, in base 32.
    #[schema(example = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP")]
    secret: String,
    /// The same for a QR code.
    #[schema(example = "otpauth://totp/Cloister:head%40north.example?secret=JBSWY3DPEHPK3PXP&issuer=Cloister")]
    uri: String,
}

/// A code of the app, or a recovery code.
#[derive(Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
struct Code {
    /// Six digits, or a recovery code.
    #[garde(length(chars, min = 6, max = 32))]
    #[schema(min_length = 6, max_length = 32, example = "492039")]
    code: String,
}

/// Codes for the day the app is lost.
#[derive(Debug, Serialize, ToSchema)]
struct RecoveryCodes {
    /// Each works once. They are shown only now: keep them on paper.
    recovery_codes: Vec<String>,
}

fn own(caller: &Caller) -> Result<AccountId, Error> {
    caller.identity.account.ok_or_else(session::over)
}

fn code_invalid() -> Error {
    Error::field("code", "code_invalid", "This code is not right, or was used before.")
}

fn record(caller: &Caller, action: &'static str, id: AccountId) -> PlatformRecord {
    PlatformRecord::new(account::recovery::own(&caller.visitor, id), action, "platform.account").on(id)
}

/// Read how one's second factor stands
#[utoipa::path(
    get,
    path = "/account/mfa",
    operation_id = "mfa_read",
    tag = "Account",
    responses((status = 200, description = "How it stands.", body = Mfa,
        example = json!({ "is_on": true, "recovery_codes_left": 10 })))
)]
async fn mfa_read(service: Service, caller: Caller) -> Result<Answer<Mfa>, Problem> {
    let account = own(&caller)?;
    let is_on = super::is_on(service.control(), account).await?;
    let rows = service.control().run(&store::CODES_LEFT, &[&account]).await?;
    Ok(Answer(Mfa { is_on, recovery_codes_left: rows.first().map_or(0, |row| row.get("left")) }))
}

/// Begin to set up an authenticator app
///
/// The app is asked for only after `POST /account/mfa/confirm` with its first code.
#[utoipa::path(
    post,
    path = "/account/mfa",
    operation_id = "mfa_begin",
    tag = "Account",
    responses((status = 201, description = "A secret for the app.", body = Proposal,
        example = json!({ "secret": "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP", "uri": "otpauth://totp/Cloister:head%40north.example?secret=JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP&issuer=Cloister" })))
)]
async fn mfa_begin(service: Service, caller: Caller) -> Result<(StatusCode, Answer<Proposal>), Problem> {
    let id = own(&caller)?;
    let account = account::by_id(service.control(), id).await?;
    let secret = totp::Secret::generate()?;
    let sealed = service.keyring().seal(Purpose::Totp, id.uuid().as_bytes(), secret.expose_bytes())?;
    let now = service.tenancy().clock().now();
    if service.control().run(&store::PROPOSE, &[&id, &sealed, &now]).await?.is_empty() {
        let message = "An app is in use already. Remove it first by DELETE /api/v1/account/mfa.";
        return Err(Error::new(ErrorKind::Conflict, "mfa_is_on", message).into());
    }
    let name = account.email.or(account.username).unwrap_or(account.display_name);
    let uri = secret.provisioning_uri("Cloister", &name)?.expose_secret().to_owned();
    let secret = secret.text().expose_secret().to_owned();
    Ok((StatusCode::CREATED, Answer(Proposal { secret, uri })))
}

/// Put an authenticator app in use
///
/// Takes its first code, and answers with recovery codes. The session counts as one with a second factor from now on.
#[utoipa::path(
    post,
    path = "/account/mfa/confirm",
    operation_id = "mfa_confirm",
    tag = "Account",
    request_body(content = Code, example = json!({ "code": "492039" })),
    responses((status = 200, description = "It is in use.", body = RecoveryCodes,
        example = json!({ "recovery_codes": ["7k2m-q9xd-4h8t", "w3ng-58ra-zc1e"] })))
)]
async fn mfa_confirm(
    service: Service,
    caller: Caller,
    Json(body): Json<Code>,
) -> Result<Answer<RecoveryCodes>, Problem> {
    let id = own(&caller)?;
    if super::is_on(service.control(), id).await? {
        return Err(Error::new(ErrorKind::Conflict, "mfa_is_on", "An app is in use already.").into());
    }
    if !super::accept(&service, id, &body.code).await? {
        return Err(code_invalid().into());
    }
    let now = service.tenancy().clock().now();
    let mut tx = service.control().begin().await?;
    let recovery_codes = super::renew_codes(&mut tx, &service, id).await?;
    super::tell(&mut tx, &service, id, MfaChange::Enabled).await?;
    tx.audit(record(&caller, "mfa.enable", id));
    tx.commit_with(&[(&session::store::SET_MFA, &[&caller.identity.session, &now])]).await?;
    Ok(Answer(RecoveryCodes { recovery_codes }))
}

/// Make new recovery codes
///
/// The earlier ones are worth nothing from then on.
#[utoipa::path(
    post,
    path = "/account/mfa/recovery-codes",
    operation_id = "mfa_renew_codes",
    tag = "Account",
    request_body(content = Code, example = json!({ "code": "492039" })),
    responses((status = 200, description = "The new ones.", body = RecoveryCodes,
        example = json!({ "recovery_codes": ["7k2m-q9xd-4h8t", "w3ng-58ra-zc1e"] })))
)]
async fn mfa_renew_codes(
    service: Service,
    caller: Caller,
    Json(body): Json<Code>,
) -> Result<Answer<RecoveryCodes>, Problem> {
    let id = own(&caller)?;
    if !super::is_on(service.control(), id).await?
        || !super::accept_counted(&service, id, caller.visitor.client, &body.code).await?
    {
        return Err(code_invalid().into());
    }
    let mut tx = service.control().begin().await?;
    let recovery_codes = super::renew_codes(&mut tx, &service, id).await?;
    super::tell(&mut tx, &service, id, MfaChange::CodesRenewed).await?;
    tx.audit(record(&caller, "mfa.renew_codes", id));
    tx.commit().await?;
    Ok(Answer(RecoveryCodes { recovery_codes }))
}

/// Remove one's authenticator app
///
/// Needs one of its codes, or a recovery code.
#[utoipa::path(
    delete,
    path = "/account/mfa",
    operation_id = "mfa_end",
    tag = "Account",
    request_body(content = Code, example = json!({ "code": "492039" })),
    responses((status = 204, description = "No second factor is asked for any more."))
)]
async fn mfa_end(service: Service, caller: Caller, Json(body): Json<Code>) -> Result<StatusCode, Problem> {
    let id = own(&caller)?;
    if !super::is_on(service.control(), id).await?
        || !super::accept_counted(&service, id, caller.visitor.client, &body.code).await?
    {
        return Err(code_invalid().into());
    }
    let mut tx = service.control().begin().await?;
    super::tell(&mut tx, &service, id, MfaChange::Disabled).await?;
    tx.audit(record(&caller, "mfa.disable", id));
    tx.commit_with(&[(&store::REMOVE, &[&id]), (&store::REMOVE_CODES, &[&id])]).await?;
    Ok(StatusCode::NO_CONTENT)
}
