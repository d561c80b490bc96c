//! Endpoints about one's own account.

use axum::http::StatusCode;
use cloister_http::{Caller, Class, Edge, IfMatch, Json, Problem, Tagged, Versioned};
use cloister_ids::AccountId;
use cloister_tenancy::{Error, PlatformRecord, Result};
use garde::Validate;
use jiff::Timestamp;
use secrecy::SecretString;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{Account, store};
use crate::{
    Service, device,
    session::{self, Ending},
};

pub(super) fn routes() -> OpenApiRouter<Edge> {
    OpenApiRouter::new().routes(routes!(account_read, account_update)).routes(routes!(password_change))
}

/// One's own account.
#[derive(Debug, Serialize, ToSchema)]
struct AccountView {
    /// Which one.
    id: AccountId,
    /// Its address; null for an account that a tenant manages.
    #[schema(example = "head@north.example")]
    email: Option<String>,
    /// When it was shown that the address is one's own.
    email_verified_at: Option<Timestamp>,
    /// Its name within the tenant that manages it.
    username: Option<String>,
    /// Its name on pages.
    #[schema(example = "Ada North")]
    display_name: String,
    /// The language of mails to it.
    #[schema(example = "de-CH")]
    locale: String,
    /// The password must be changed before anything else.
    must_change_password: bool,
    /// Grows with every change; the ETag.
    #[schema(example = 1)]
    version: i64,
    /// When it was made.
    created_at: Timestamp,
}

impl Versioned for AccountView {
    fn version(&self) -> i64 {
        self.version
    }
}

impl From<Account> for AccountView {
    fn from(account: Account) -> Self {
        Self {
            id: account.id,
            email: account.email,
            email_verified_at: account.email_verified_at,
            username: account.username,
            display_name: account.display_name,
            locale: account.locale,
            must_change_password: account.must_change_password,
            version: account.version,
            created_at: account.created_at,
        }
    }
}

/// What one may change.
#[derive(Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
struct Profile {
    /// Its name on pages.
    #[garde(inner(length(chars, min = 1, max = 200)))]
    #[schema(min_length = 1, max_length = 200, example = "Ada North")]
    display_name: Option<String>,
    /// The language of mails to it.
    #[garde(inner(length(chars, min = 2, max = 35)))]
    #[schema(min_length = 2, max_length = 35, example = "de-CH")]
    locale: Option<String>,
}

/// A new password.
#[derive(Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
struct PasswordChange {
    /// The one until now.
    #[garde(skip)]
    #[schema(value_type = String, format = Password, max_length = 1024)]
    current_password: SecretString,
    /// The one from now on.
    #[garde(skip)]
    #[schema(value_type = String, format = Password, max_length = 1024)]
    new_password: SecretString,
}

fn own(caller: &Caller) -> Result<AccountId> {
    caller.identity.account.ok_or_else(session::over)
}

/// Read one's own account
#[utoipa::path(
    get,
    path = "/account",
    operation_id = "account_read",
    tag = "Account",
    responses((status = 200, description = "The account.", body = AccountView,
        headers(("ETag" = String, description = "Its version.")), example = json!(sample())))
)]
async fn account_read(service: Service, caller: Caller) -> Result<Tagged<AccountView>, Problem> {
    Ok(Tagged(super::by_id(service.control(), own(&caller)?).await?.into()))
}

/// Change one's own account
#[utoipa::path(
    patch,
    path = "/account",
    operation_id = "account_update",
    tag = "Account",
    params(("If-Match" = String, Header, description = "The ETag you read.", example = "\"v1\"")),
    request_body(content = Profile, example = json!({ "locale": "de-CH" })),
    responses((status = 200, description = "The account as it is now.", body = AccountView,
        headers(("ETag" = String, description = "Its version.")), example = json!(sample())))
)]
async fn account_update(
    service: Service,
    caller: Caller,
    known: IfMatch,
    Json(body): Json<Profile>,
) -> Result<Tagged<AccountView>, Problem> {
    let id = own(&caller)?;
    let mut tx = service.control().begin().await?;
    let mut view = AccountView::from(super::lock(&mut tx, id).await?);
    known.check(&view)?;
    let display_name = body.display_name.map_or_else(|| view.display_name.clone(), |name| name.trim().to_owned());
    if display_name.is_empty() || display_name.chars().any(char::is_control) {
        return Err(Error::field("display_name", "blank", "Use at least one visible character.").into());
    }
    let locale = body.locale.unwrap_or_else(|| view.locale.clone());
    if !cloister_tenancy::is_language_tag(&locale) {
        return Err(Error::field("locale", "locale", "Give a BCP 47 language tag such as en or de-CH.").into());
    }
    let (now, by) = (service.tenancy().clock().now(), caller.identity.actor.to_string());
    let rows = tx.query(&store::UPDATE_PROFILE, &[&id, &view.version, &display_name, &locale, &now, &by]).await?;
    tx.commit().await?;
    view.version = rows.first().map_or(view.version, |row| row.get("version"));
    (view.display_name, view.locale) = (display_name, locale);
    Ok(Tagged(view))
}

/// Change one's password
///
/// All other sessions end, and a mail tells of it.
#[utoipa::path(
    post,
    path = "/account/password",
    operation_id = "password_change",
    tag = "Account",
    request_body(content = PasswordChange,
        example = json!({ "current_password": "seven quiet herons", "new_password": "nine loud geese at noon" })),
    responses((status = 204, description = "It is changed."))
)]
async fn password_change(
    service: Service,
    caller: Caller,
    Json(body): Json<PasswordChange>,
) -> Result<StatusCode, Problem> {
    caller.visitor.limit(Class::SignIn)?;
    let id = own(&caller)?;
    let account = super::by_id(service.control(), id).await?;
    service.confirm_password(&account, &caller.visitor, body.current_password.clone()).await?;
    let policy = service.policy_for(&account, caller.identity.tenant).await?;
    let new = service.accept_password("new_password", &policy, &account, body.new_password).await?;
    let device = device::device(caller.visitor.user_agent.as_deref());
    let mut tx = service.control().begin().await?;
    let by = caller.identity.actor.to_string();
    service.set_password(&mut tx, id, &new, &by).await?;
    tx.audit(
        PlatformRecord::new(super::recovery::own(&caller.visitor, id), "password.change", "platform.account").on(id),
    );
    super::recovery::tell_password_changed(&mut tx, &service, &account, device).await?;
    let keep = caller.identity.session;
    let ended = service.end_other_sessions(&mut tx, id, keep, Ending::PasswordChanged).await?;
    tx.commit().await?;
    service.forget_sessions(&ended);
    Ok(StatusCode::NO_CONTENT)
}

fn sample() -> AccountView {
    let at = Timestamp::constant(1_767_603_600, 0);
    AccountView {
        id: AccountId::from_uuid(uuid::Uuid::from_u128(0x019b_8d24_4e80_7c3e_9d0a_5f2b_7c61_0001)),
        email: Some("head@north.example".to_owned()),
        email_verified_at: Some(at),
        username: None,
        display_name: "Ada North".to_owned(),
        locale: "en-US".to_owned(),
        must_change_password: false,
        version: 1,
        created_at: at,
    }
}
