//! Confirming a sign-up: the link in the mail makes its reader the owner.

use axum::http::StatusCode;
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use cloister_http::{Caller, IdempotencyKey, Problem, Visitor};
use cloister_ids::{AccountId, SignupId, TenantId};
use cloister_tenancy::{ControlTx, Error, ErrorKind, FieldError, PlatformRecord, Result, Tier, sql::Row};
use garde::Validate;
use jiff::Timestamp;
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::ToSchema;

use super::{SIGNUP, status::SignupTenant, store};
use crate::{
    Service,
    account::{self, Account, Name, NewAccount, NewPassword, recovery},
    idempotency, membership, note,
    policy::PasswordPolicy,
    secret,
    session::store as codes,
};

/// The role of whoever confirms.
const OWNER: &str = "owner";

/// A token that was sent to the address, and who its reader is.
#[derive(Deserialize, Validate, ToSchema)]
#[schema(as = SignupConfirmation)]
#[serde(deny_unknown_fields)]
pub(super) struct Confirmation {
    /// From the mail's link.
    #[garde(skip)]
    #[schema(value_type = String, max_length = 64, example = "Zw1dUqf0bM3V9rXyTtPk2sLhNc8aGeJoI6uRvBmKxYw")]
    token: SecretString,
    /// One's name on pages, for an account that is made.
    #[garde(inner(length(chars, min = 1, max = 200)))]
    #[schema(min_length = 1, max_length = 200, example = "Ada North")]
    display_name: Option<String>,
    /// One's password, for an account that is made.
    #[garde(skip)]
    #[schema(value_type = Option<String>, format = Password, max_length = 1024, example = "correct horse battery staple")]
    password: Option<SecretString>,
}

/// A confirmed sign-up.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Confirmed {
    /// Which one.
    pub(super) id: SignupId,
    /// The account that owns the tenant now.
    pub(super) account_id: AccountId,
    /// The tenant.
    pub(super) tenant_id: TenantId,
    /// Where to sign in, once it is ready.
    pub(super) tenant: SignupTenant,
}

/// What came of confirming.
pub(super) enum Outcome {
    /// It is confirmed.
    New(Confirmed),
    /// The same was sent before, with the same idempotency key.
    Again(idempotency::Earlier),
}

/// A sign-up that waits to be confirmed.
struct Waiting {
    id: SignupId,
    email: String,
    slug: String,
    name: String,
    tier: Tier,
    locale: String,
    tenant: TenantId,
}

impl Waiting {
    fn of(row: &Row) -> Result<Self> {
        Ok(Self {
            id: row.get("id"),
            email: row.get("email"),
            slug: row.get("slug"),
            name: row.get("display_name"),
            tier: row.get::<_, &str>("tier").parse().map_err(Error::internal)?,
            locale: row.get("locale"),
            tenant: row.get("tenant_id"),
        })
    }
}

/// Who is to own the tenant.
enum Owner {
    /// Who has an account, and is signed in to it.
    Known(Box<Account>),
    /// Whoever has none.
    New { display_name: String, password: NewPassword },
}

fn link_over() -> Error {
    let message = "This link was used or is too old. If nobody confirmed it, sign up again.";
    Error::new(ErrorKind::Malformed, "link_over", message)
}

/// Makes the reader of the mail the owner. Whoever has an account must be signed in to it.
pub(super) async fn confirm(
    service: &Service,
    visitor: &Visitor,
    caller: Option<&Caller>,
    body: Confirmation,
    key: Option<&IdempotencyKey>,
) -> Result<Outcome, Problem> {
    let now = service.tenancy().clock().now();
    let hash = secret::hash(body.token.expose_secret());
    let scope = format!("signup token {}", URL_SAFE_NO_PAD.encode(&hash));
    let rows = service.control().run(&store::TO_CONFIRM, &[&hash, &now]).await?;
    let Some(waiting) = rows.first().map(Waiting::of).transpose()? else {
        let mut tx = service.control().begin().await?;
        let earlier = idempotency::take(&mut tx, service, &scope, key).await?;
        return earlier.map(Outcome::Again).ok_or_else(|| link_over().into());
    };
    // The password is hashed before anything is held. A link stays as it was when the password is refused.
    let owner = owner(service, caller, &waiting, body).await?;
    let mut tx = service.control().begin().await?;
    if let Some(earlier) = idempotency::take(&mut tx, service, &scope, key).await? {
        return Ok(Outcome::Again(earlier));
    }
    if tx.query(&codes::TAKE_CODE, &[&hash, &"signup", &now]).await?.is_empty() {
        return Err(link_over().into());
    }
    let account = settle(&mut tx, service, &waiting, &owner, now).await?;
    if tx.query(&store::CONFIRM, &[&waiting.id, &account, &now]).await?.is_empty() {
        return Err(link_over().into());
    }
    let by = recovery::own(visitor, account);
    let (clock, roles) = (service.tenancy().clock().clone(), [OWNER.to_owned()]);
    let text = by.actor.to_string();
    let version = membership::add(&mut tx, &*clock, account, waiting.tenant, &roles, &text).await?;
    if waiting.tier != Tier::Shared {
        tx.provision_tenant(waiting.tenant, &by).await?;
    }
    let record = PlatformRecord::new(by, "signup.verify", SIGNUP).on(waiting.id);
    note::both(&mut tx, waiting.tenant, record.changing(json!({ "owner": account, "roles": roles }))).await?;
    let confirmed = Confirmed {
        id: waiting.id,
        account_id: account,
        tenant_id: waiting.tenant,
        tenant: SignupTenant { address: service.address_of(&waiting.slug), slug: waiting.slug },
    };
    idempotency::keep(&mut tx, &scope, key, StatusCode::OK, &confirmed).await?;
    tx.commit().await?;
    service.revocations().membership(account, confirmed.tenant_id, version, now);
    metrics::counter!("cloister_signups_verified_total").increment(1);
    Ok(Outcome::New(confirmed))
}

/// Who the reader of the mail is, and the password of whoever has no account.
async fn owner(service: &Service, caller: Option<&Caller>, waiting: &Waiting, body: Confirmation) -> Result<Owner> {
    if let Some(known) = account::by_email(service.control(), &waiting.email).await? {
        let signed_in = caller.and_then(|caller| caller.identity.account);
        if signed_in != Some(known.id) {
            let message = "There is an account with this address. Sign in to it, and confirm once more.";
            return Err(Error::new(ErrorKind::Unauthenticated, "sign_in_to_confirm", message));
        }
        return Ok(Owner::Known(Box::new(known)));
    }
    let missing = |field: &str| FieldError {
        field: field.to_owned(),
        code: "missing".into(),
        message: "This is required, as there is no account with this address yet.".to_owned(),
    };
    let (name, password) = match (body.display_name, body.password) {
        (Some(name), Some(password)) => (name, password),
        (name, password) => {
            let faults =
                [name.is_none().then(|| missing("display_name")), password.is_none().then(|| missing("password"))];
            return Err(Error::invalid(faults.into_iter().flatten().collect()));
        }
    };
    let display_name = name.trim().to_owned();
    if display_name.is_empty() || display_name.chars().any(char::is_control) {
        return Err(Error::field("display_name", "blank", "Use at least one visible character."));
    }
    let about = [waiting.email.as_str(), &display_name, &waiting.name, &waiting.slug];
    let policy = PasswordPolicy::default();
    let password = service.accept_password_of("password", &policy, &about, password).await?;
    Ok(Owner::New { display_name, password })
}

/// The owner's account, whose address is proved: its mail was read.
async fn settle(
    tx: &mut ControlTx,
    service: &Service,
    waiting: &Waiting,
    owner: &Owner,
    now: Timestamp,
) -> Result<AccountId> {
    let clock = service.tenancy().clock();
    match owner {
        Owner::Known(account) => {
            if account.email_verified_at.is_none() {
                let (by, key) = (format!("account:{}", account.id), account::email_key(&waiting.email));
                tx.query(&account::store::VERIFY_EMAIL, &[&account.id, &now, &by, &key]).await?;
            }
            Ok(account.id)
        }
        Owner::New { display_name, password } => {
            let new = NewAccount {
                name: Name::Email(&waiting.email, Some(now)),
                display_name,
                locale: &waiting.locale,
                password: Some(password.clone()),
                operator_role: None,
            };
            account::insert(tx, &**clock, &new, "system:signup").await
        }
    }
}

/// For the API document.
pub(super) fn sample() -> Confirmed {
    let (status, id) =
        (super::status::sample(), cloister_ids::Uuid::from_u128(0x019b_8d24_4e80_7c3e_9d0a_5f2b_7c61_e4a9));
    Confirmed {
        id: status.id,
        account_id: AccountId::from_uuid(id),
        tenant_id: TenantId::from_uuid(id),
        tenant: status.tenant,
    }
}
