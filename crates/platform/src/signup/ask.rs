//! Asking for a tenant: it is recorded, its name is taken and its making begins in one unit of work with the mail to the
//! address. Made in milliseconds; what takes longer is a workflow.

use axum::http::StatusCode;
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use cloister_http::{IdempotencyKey, Problem, Visitor};
use cloister_ids::{SignupId, TenantId};
use cloister_tenancy::{
    Actor, ControlTx, Error, ErrorKind, FieldError, NewTenant, PlatformRecord, Requester, Result, Slug, Tier,
};
use garde::Validate;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use utoipa::ToSchema;

use super::{COUNTED, LIFE, LINK_LIFE, SIGNUP, status::SignupTenant, store};
use crate::{
    Purpose, Service,
    account::{self, Account, check_email, email_key},
    device, idempotency,
    mail::{self, NewMail, Template},
    secret,
    session::store as codes,
};

fn school() -> String {
    "school".to_owned()
}

fn english() -> String {
    "en".to_owned()
}

fn utc() -> String {
    "UTC".to_owned()
}

/// What somebody asks for.
#[derive(Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct NewSignup {
    /// Its name on pages.
    #[garde(length(chars, min = 1, max = 200))]
    #[schema(min_length = 1, max_length = 200, example = "North High School")]
    name: String,
    /// Its name in addresses.
    #[garde(length(chars, min = 1, max = 200))]
    #[schema(min_length = 1, max_length = 63, example = "north")]
    slug: String,
    /// The address of whoever is to own it. A mail goes there.
    #[garde(length(chars, min = 3, max = 254))]
    #[schema(min_length = 3, max_length = 254, example = "head@north.example")]
    email: String,
    /// What kind of organisation it is.
    #[garde(length(chars, min = 1, max = 32))]
    #[serde(default = "school")]
    #[schema(min_length = 1, max_length = 32, default = "school")]
    kind: String,
    /// How its rows are kept apart, where more than `shared` is offered.
    #[garde(skip)]
    tier: Option<Tier>,
    /// Its language, and that of the mail.
    #[garde(length(chars, min = 2, max = 35))]
    #[serde(default = "english")]
    #[schema(min_length = 2, max_length = 35, default = "en", example = "de-CH")]
    locale: String,
    /// Its time zone.
    #[garde(length(chars, min = 1, max = 64))]
    #[serde(default = "utc")]
    #[schema(min_length = 1, max_length = 64, default = "UTC", example = "Europe/Zurich")]
    time_zone: String,
}

/// A sign-up that was taken on. Not to be printed: there is a secret in it.
#[derive(Serialize, ToSchema)]
pub(super) struct SignupCreated {
    /// Which one.
    pub(super) id: SignupId,
    /// Where to see how far it got. The last part is a secret: whoever knows it sees the same.
    #[schema(example = "/api/v1/signups/q3Jt0yYl5dXc1uEwV7bKzA")]
    pub(super) status_url: String,
    /// The same as events.
    #[schema(example = "/api/v1/signups/q3Jt0yYl5dXc1uEwV7bKzA/events")]
    pub(super) events_url: String,
    /// What was asked for.
    pub(super) tenant: SignupTenant,
    /// What is asked of the person: always `verify_email`, by the link in the mail.
    #[schema(example = "verify_email")]
    pub(super) needs: &'static str,
    /// It is removed then, unless it is confirmed.
    pub(super) expires_at: Timestamp,
}

impl NewSignup {
    /// The tenant that is asked for. Every mistake is named at once.
    fn tenant(&self, service: &Service) -> Result<NewTenant> {
        let offered = &service.settings().signups;
        let mut wrong = Vec::new();
        let slug = self.slug.parse::<Slug>().map_err(|error| {
            wrong.push(FieldError { field: "slug".into(), code: error.code().into(), message: error.to_string() });
        });
        if let Err(error) = check_email("email", self.email.trim()) {
            wrong.extend_from_slice(error.fields());
        }
        let tier = self.tier.unwrap_or(Tier::Shared);
        if !offered.tiers.contains(&tier) {
            let words: Vec<&str> = offered.tiers.iter().map(|tier| tier.word()).collect();
            let message = format!("Sign-up offers {}. Ask the operator of the platform for more.", words.join(", "));
            wrong.push(FieldError { field: "tier".into(), code: "tier_not_offered".into(), message });
        }
        // Without a slug of its own the rest can be looked at all the same.
        let any = || "x".parse::<Slug>().map_err(Error::internal);
        let slug = slug.or_else(|()| any())?;
        let new = NewTenant {
            plan: offered.plan.clone(),
            region: offered.region.clone(),
            locale: self.locale.clone(),
            time_zone: self.time_zone.clone(),
            contact_email: Some(self.email.trim().to_owned()),
            ..NewTenant::new(slug, self.name.trim(), self.kind.clone(), tier)
        };
        if let Err(error) = service.tenancy().validate(&new) {
            wrong.extend(error.fields().iter().filter_map(|fault| renamed(fault, &wrong)).collect::<Vec<_>>());
        }
        if wrong.is_empty() { Ok(new) } else { Err(Error::invalid(wrong)) }
    }
}

/// A mistake by the name that the field has here; none for one that was named already.
fn renamed(fault: &FieldError, known: &[FieldError]) -> Option<FieldError> {
    let field = match fault.field.as_str() {
        "display_name" => "name",
        "contact_email" => "email",
        other => other,
    };
    let is_new = known.iter().all(|known| known.field != field);
    is_new.then(|| FieldError { field: field.to_owned(), ..fault.clone() })
}

/// What came of asking.
pub(super) enum Asked {
    /// It was taken on.
    New(SignupCreated),
    /// The same was asked before, with the same idempotency key.
    Again(idempotency::Earlier),
}

/// Takes a sign-up on. Whether the address has an account changes neither the answer nor the work that is done.
pub(super) async fn ask(
    service: &Service,
    visitor: &Visitor,
    body: &NewSignup,
    key: Option<&IdempotencyKey>,
) -> Result<Asked, Problem> {
    let new = body.tenant(service)?;
    let network = visitor.client.map(device::network);
    let scope = format!("signup {}", network.as_deref().unwrap_or("local"));
    let (clock, email) = (service.tenancy().clock().clone(), body.email.trim());
    let mut tx = service.control().begin().await?;
    if let Some(earlier) = idempotency::take(&mut tx, service, &scope, key).await? {
        return Ok(Asked::Again(open(service, &scope, key, earlier)?));
    }
    let account = admit(&mut tx, service, network.as_deref(), &email_key(email)).await?;
    let by = Requester {
        actor: Actor::System("signup"),
        account: None,
        client: visitor.client,
        request: Some(visitor.request),
    };
    let tenant = record(&mut tx, &new, &by).await?;
    let (id, now) = (SignupId::generate(&*clock), clock.now());
    let expires_at = now + LIFE;
    let status = URL_SAFE_NO_PAD.encode(secret::random::<16>()?);
    let code = secret::generate()?;
    tx.query_all(&[
        (
            &store::INSERT,
            &[
                &id,
                &secret::hash(&status),
                &email,
                &email_key(email),
                &new.slug.as_str(),
                &new.display_name,
                &new.kind,
                &new.tier.word(),
                &new.locale,
                &new.time_zone,
                &network,
                &tenant,
                &now,
                &expires_at,
            ],
        ),
        (
            &codes::INSERT_CODE,
            &[
                &secret::hash(&code),
                &"signup",
                &account.as_ref().map(|account| account.id),
                &json!({ "signup": id.uuid() }),
                &now,
                &(now + LINK_LIFE),
            ],
        ),
    ])
    .await?;
    invite(&mut tx, service, &new, tenant, email, account.as_ref(), &code).await?;
    tx.audit(PlatformRecord::new(by, "signup.create", SIGNUP).of(tenant).on(id));
    let status_url = format!("/api/v1/signups/{status}");
    let created = SignupCreated {
        id,
        events_url: format!("{status_url}/events"),
        status_url,
        tenant: SignupTenant { slug: new.slug.to_string(), address: service.address_of(new.slug.as_str()) },
        needs: "verify_email",
        expires_at,
    };
    if let Some(known) = key {
        let body = serde_json::to_vec(&created).map_err(Error::internal)?;
        let sealed = service.keyring().seal(Purpose::Signup, &context(&scope, known), &body)?;
        let body = json!({ "sealed": URL_SAFE_NO_PAD.encode(sealed) });
        idempotency::keep(&mut tx, &scope, key, StatusCode::ACCEPTED, &body).await?;
    }
    tx.commit().await?;
    metrics::counter!("cloister_signups_total", "tier" => new.tier.word()).increment(1);
    Ok(Asked::New(created))
}

/// Refuses too many that nobody confirms, and finds the account of the address.
async fn admit(tx: &mut ControlTx, service: &Service, network: Option<&str>, email: &str) -> Result<Option<Account>> {
    let settings = &service.settings().signups;
    let since = service.tenancy().clock().now() - COUNTED;
    let (of_network, for_address) = (format!("signup network {}", network.unwrap_or("")), format!("signup {email}"));
    let rows = tx
        .query_all(&[
            (&store::LOCK_KEY, &[&of_network]),
            (&store::LOCK_KEY, &[&for_address]),
            (&store::UNCONFIRMED, &[&network, &email, &since]),
            (&account::store::BY_EMAIL, &[&email]),
        ])
        .await?;
    let counted = |name: &str| rows.get(2).and_then(|rows| rows.first()).map_or(0, |row| row.get::<_, i64>(name));
    let too_many =
        counted("of_network") >= settings.of_network.into() || counted("for_address") >= settings.for_address.into();
    if too_many {
        metrics::counter!("cloister_signups_refused_total").increment(1);
        let message =
            "There were too many sign-ups that nobody confirmed. Confirm one by the link in its mail, or wait a day.";
        let wait = std::time::Duration::from_hours(1);
        return Err(Error::new(ErrorKind::TooMany, "too_many_signups", message).retry_after(wait));
    }
    Ok(rows.get(3).and_then(|rows| rows.first()).map(Account::from))
}

/// Records the tenant. In the shared tier its making begins at once.
async fn record(tx: &mut ControlTx, new: &NewTenant, by: &Requester) -> Result<TenantId> {
    let recorded = match new.tier {
        Tier::Shared => tx.create_tenant(new, by).await.map(|(tenant, _)| tenant),
        Tier::Schema | Tier::Database => tx.reserve_tenant(new, by).await,
    };
    recorded.map_err(|error| match error.code() {
        "slug_taken" => {
            let message = error.message().to_owned();
            let fault = FieldError { field: "slug".into(), code: "slug_taken".into(), message: message.clone() };
            Error::new(ErrorKind::Conflict, "slug_taken", message).with_fields(vec![fault]).because(error)
        }
        _ => error,
    })
}

/// Leaves the mail, to be read by whoever reads the mail of the address.
async fn invite(
    tx: &mut ControlTx,
    service: &Service,
    new: &NewTenant,
    tenant: TenantId,
    email: &str,
    account: Option<&Account>,
    code: &str,
) -> Result<()> {
    let (name, link) = (new.display_name.clone(), service.link(None, "confirm-sign-up", code));
    let template = match account {
        Some(_) => Template::SignupExisting { name, link },
        None => Template::SignupVerify { name, link },
    };
    let locale = account.map_or(new.locale.as_str(), |account| account.locale.as_str());
    let (to, account) = (email.to_owned(), account.map(|account| account.id));
    mail::queue(tx, service, NewMail { tenant: Some(tenant), account, to, locale, template }).await?;
    Ok(())
}

/// What a kept answer is sealed for.
fn context(scope: &str, key: &IdempotencyKey) -> Vec<u8> {
    format!("{scope}\n{}", key.key()).into_bytes()
}

/// An answer that was kept sealed, as it was given.
fn open(
    service: &Service,
    scope: &str,
    key: Option<&IdempotencyKey>,
    earlier: idempotency::Earlier,
) -> Result<idempotency::Earlier> {
    let odd = || Error::internal("the kept answer to a sign-up is not sealed");
    let (Some(sealed), Some(key)) = (earlier.body()["sealed"].as_str(), key) else { return Err(odd()) };
    let sealed = URL_SAFE_NO_PAD.decode(sealed).map_err(Error::internal)?;
    let body = service.keyring().unseal(Purpose::Signup, &context(scope, key), &sealed)?;
    let body: Value = serde_json::from_slice(&body).map_err(Error::internal)?;
    Ok(earlier.with(body))
}

/// For the API document.
pub(super) fn sample() -> SignupCreated {
    let status = super::status::sample();
    let status_url = "/api/v1/signups/q3Jt0yYl5dXc1uEwV7bKzA".to_owned();
    SignupCreated {
        id: status.id,
        events_url: format!("{status_url}/events"),
        status_url,
        tenant: status.tenant,
        needs: "verify_email",
        expires_at: Timestamp::constant(1_768_208_400, 0),
    }
}
