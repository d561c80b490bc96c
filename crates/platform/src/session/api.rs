//! Endpoints of signing in, renewing and switching.

use std::sync::Arc;

use axum::{
    body::Body,
    http::{Response, StatusCode, header},
    response::IntoResponse,
};
use cloister_http::{Answer, Caller, Class, Edge, Json, Problem, Visitor, session_cookie};
use cloister_ids::{AccountId, SessionId, TenantId};
use cloister_tenancy::{Error, ErrorKind, Result, TenantEntry};
use garde::Validate;
use jiff::Timestamp;
use secrecy::SecretString;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    Ending, Entrance, Session, over,
    sign_in::{Admitted, Claimed, In, Outcome},
    store,
};
use crate::{
    Service,
    account::{self, Standing},
    membership, secret,
    token::LIFETIME,
};

pub(super) fn routes() -> OpenApiRouter<Edge> {
    OpenApiRouter::new()
        .routes(routes!(session_create))
        .routes(routes!(session_confirm))
        .routes(routes!(session_refresh))
        .routes(routes!(session_switch))
}

/// A name and a password.
#[derive(Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct SignIn {
    /// The address of an account of the platform.
    #[garde(inner(length(chars, min = 3, max = 254)))]
    #[schema(min_length = 3, max_length = 254, example = "head@north.example")]
    email: Option<String>,
    /// The name of an account that the tenant manages: only at the tenant's own address.
    #[garde(inner(length(chars, min = 1, max = 64)))]
    #[schema(min_length = 1, max_length = 64)]
    username: Option<String>,
    /// The password.
    #[garde(skip)]
    #[schema(value_type = String, format = Password, max_length = 1024, example = "correct horse battery staple")]
    password: SecretString,
    /// Hold the session by a cookie of this host instead of tokens: for pages of the host itself.
    #[garde(skip)]
    #[serde(default)]
    cookie: bool,
}

/// Signed in, or asked for a second factor.
#[derive(Debug, Serialize, ToSchema)]
#[serde(untagged)]
pub(super) enum SignedIn {
    /// Tokens of a new session.
    #[expect(dead_code, reason = "says in the API document what `let_in` answers")]
    Tokens(Box<Tokens>),
    /// A second factor is asked for.
    Challenge(Challenge),
}

/// What to answer by `POST /sessions/confirm`.
#[derive(Debug, Serialize, ToSchema)]
#[expect(clippy::struct_field_names, reason = "the API calls it so")]
pub(super) struct Challenge {
    /// Send it back with a code.
    challenge: String,
    /// What is taken: a code from an app, or one of the recovery codes.
    methods: [&'static str; 2],
    /// Seconds it may take.
    expires_in: i64,
}

/// A code for a challenge.
#[derive(Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
struct Confirmation {
    /// From the answer to the sign-in.
    #[garde(length(chars, min = 1, max = 64))]
    #[schema(min_length = 1, max_length = 64)]
    challenge: String,
    /// Six digits from an app, or a recovery code.
    #[garde(length(chars, min = 6, max = 32))]
    #[schema(min_length = 6, max_length = 32, example = "492039")]
    code: String,
    /// As at the sign-in.
    #[garde(skip)]
    #[serde(default)]
    cookie: bool,
}

/// A session's tokens, and where it stands.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Tokens {
    /// Send it as `Authorization: Bearer …`. Absent in a session that is held by a cookie.
    #[serde(skip_serializing_if = "Option::is_none")]
    access_token: Option<String>,
    /// Always `Bearer`.
    token_type: &'static str,
    /// Seconds the access token is good.
    expires_in: i64,
    /// Buys the next access token, once. Absent in a browser's session.
    #[serde(skip_serializing_if = "Option::is_none")]
    refresh_token: Option<String>,
    /// The session.
    session_id: SessionId,
    /// Who is signed in.
    account: Who,
    /// The tenant the access token is for; null outside of every tenant.
    tenant: Option<Place>,
    /// The tenants one belongs to: `POST /sessions/switch` goes to another.
    tenants: Vec<Place>,
    /// What must be done before one is let into the tenant: `password_expired`, `password_too_weak_here` or
    /// `second_factor_required`.
    needs: Option<&'static str>,
}

/// An account, as far as it is told to itself.
#[derive(Debug, Serialize, ToSchema)]
struct Who {
    /// Which one.
    id: AccountId,
    /// Its name on pages.
    #[schema(example = "Ada North")]
    display_name: String,
}

/// A tenant one belongs to.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct Place {
    /// Which one.
    pub(crate) id: TenantId,
    /// Its name in addresses.
    #[schema(example = "north")]
    pub(crate) slug: String,
    /// Its name on pages.
    #[schema(example = "North High School")]
    pub(crate) display_name: String,
    /// One's roles there.
    pub(crate) roles: Vec<String>,
}

/// A refresh token.
#[derive(Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
struct Refresh {
    /// The one got last. Each works once: a second use ends the session, for it was stolen.
    #[garde(skip)]
    #[schema(value_type = String, max_length = 64)]
    refresh_token: SecretString,
}

/// Where to go.
#[derive(Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
struct Switch {
    /// Slug or id.
    #[garde(length(chars, min = 1, max = 64))]
    #[schema(min_length = 1, max_length = 64, example = "north")]
    tenant: String,
}

impl SignIn {
    fn claimed(&self) -> Result<Claimed<'_>> {
        match (&self.email, &self.username) {
            (Some(email), None) => Ok(Claimed::Email(email)),
            (None, Some(name)) => Ok(Claimed::Username(name)),
            _ => Err(Error::field("email", "name_required", "Give either email or username.")),
        }
    }
}

/// Sign in
///
/// At a tenant's address one signs in to that tenant. Elsewhere the tenants one belongs to are listed, and
/// `POST /sessions/switch` goes to one. Who is unknown and who is wrong get the same answer.
#[utoipa::path(
    post,
    path = "/sessions",
    operation_id = "session_create",
    tag = "Sessions",
    security(()),
    request_body(content = SignIn, example = json!({ "email": "head@north.example", "password": "correct horse battery staple" })),
    responses((status = 201, description = "Signed in, or asked for a second factor.", body = SignedIn,
        example = json!(sample())))
)]
async fn session_create(
    service: Service,
    visitor: Visitor,
    Json(body): Json<SignIn>,
) -> Result<Response<Body>, Problem> {
    visitor.limit(Class::SignIn)?;
    let recognised = service.recognise(&visitor, body.claimed()?, body.password.clone()).await?;
    let answer = match recognised {
        Outcome::Challenge(challenge) => {
            SignedIn::Challenge(Challenge { challenge, methods: ["totp", "recovery_code"], expires_in: 300 })
        }
        Outcome::In(who) => return service.let_in(&visitor, &who, body.cookie).await,
    };
    Ok((StatusCode::CREATED, Answer(answer)).into_response())
}

/// Give a second factor
///
/// The second step of a sign-in that was answered with a challenge. Five wrong codes end it.
#[utoipa::path(
    post,
    path = "/sessions/confirm",
    operation_id = "session_confirm",
    tag = "Sessions",
    security(()),
    request_body(content = Confirmation, example = json!({ "challenge": "9p…", "code": "492039" })),
    responses((status = 201, description = "Signed in.", body = Tokens, example = json!(sample())))
)]
async fn session_confirm(
    service: Service,
    visitor: Visitor,
    Json(body): Json<Confirmation>,
) -> Result<Response<Body>, Problem> {
    visitor.limit(Class::SignIn)?;
    let who = service.answer_challenge(&visitor, &body.challenge, &body.code).await?;
    service.let_in(&visitor, &who, body.cookie).await
}

/// Renew an access token
///
/// The refresh token is exchanged for another. One that is used twice was stolen: the session ends.
#[utoipa::path(
    post,
    path = "/sessions/refresh",
    operation_id = "session_refresh",
    tag = "Sessions",
    security(()),
    request_body(content = Refresh, example = json!({ "refresh_token": "Zk…" })),
    responses((status = 200, description = "New tokens of the same session.", body = Tokens, example = json!(sample())))
)]
async fn session_refresh(service: Service, Json(body): Json<Refresh>) -> Result<Answer<Tokens>, Problem> {
    use secrecy::ExposeSecret;
    let hash = secret::hash(body.refresh_token.expose_secret());
    let now = service.tenancy().clock().now();
    let mut tx = service.control().begin().await?;
    let rows = tx.query(&store::LOCK_REFRESH, &[&hash]).await?;
    let row = rows.first().ok_or_else(over)?;
    let session = Session::from(row);
    if row.get::<_, Option<Timestamp>>("used_at").is_some() {
        drop(tx);
        metrics::counter!("cloister_refresh_tokens_reused_total").increment(1);
        service.end_session(session.account, session.id, Ending::Reused).await?;
        return Err(over().into());
    }
    if !session.is_open(now) || row.get::<_, Timestamp>("token_expires_at") <= now {
        return Err(over().into());
    }
    let tenant = service.tenant_of_credential(row.get("tenant_id"))?;
    let standing = Standing::read_in(&mut tx, session.account, tenant.as_deref().map(|t| t.id)).await?;
    let inside = match &tenant {
        Some(tenant) => {
            tenant.admit().map_err(|refusal| refusal.error())?;
            let permissions = standing.enter(service.tenancy(), tenant, session.has_second_factor, now)?;
            Some(Entrance { tenant, permissions })
        }
        None => None,
    };
    let next = service.add_refresh_token(&mut tx, &session, tenant.as_deref(), now).await?;
    tx.commit_with(&[(&store::USE_REFRESH, &[&hash, &now]), (&store::TOUCH, &[&session.id, &now])]).await?;
    let admitted = Admitted { session, standing, inside, needs: None };
    Ok(Answer(service.tokens(&admitted, Some(next)).await?))
}

/// Go to another tenant
///
/// The session stays; the answer has tokens for the tenant named. The tokens one has stay good too.
#[utoipa::path(
    post,
    path = "/sessions/switch",
    operation_id = "session_switch",
    tag = "Sessions",
    request_body(content = Switch, example = json!({ "tenant": "north" })),
    responses((status = 200, description = "Tokens for that tenant.", body = Tokens, example = json!(sample())))
)]
async fn session_switch(service: Service, caller: Caller, Json(body): Json<Switch>) -> Result<Answer<Tokens>, Problem> {
    let session = service.open_session(&caller).await?;
    let tenant = service.find_own_tenant(session.account, &body.tenant).await?;
    let account = account::by_id(service.control(), session.account).await?;
    let (standing, inside, needs) = service.find_entrance(&account, Some(&tenant), session.has_second_factor).await?;
    let now = service.tenancy().clock().now();
    let mut tx = service.control().begin().await?;
    let refresh = service.add_refresh_token(&mut tx, &session, Some(&tenant), now).await?;
    tx.commit_with(&[(&store::TOUCH, &[&session.id, &now])]).await?;
    let admitted = Admitted { session, standing, inside, needs };
    Ok(Answer(service.tokens(&admitted, Some(refresh)).await?))
}

impl Service {
    /// Begins a session for who was recognised, held by tokens or by a cookie.
    async fn let_in(&self, visitor: &Visitor, who: &In, cookie: bool) -> Result<Response<Body>, Problem> {
        let tenant = visitor.tenant.as_deref();
        if cookie && !visitor.from_own_page {
            let message = "A cookie is given only to a page of this host itself.";
            return Err(Error::new(ErrorKind::Forbidden, "origin_refused", message).into());
        }
        let (standing, inside, needs) = self.find_entrance(&who.account, tenant, who.second_factor).await?;
        let now = self.tenancy().clock().now();
        let mut tx = self.control().begin().await?;
        let kind = if cookie { "browser" } else { "api" };
        let session = self.begin_session(&mut tx, &standing, visitor, kind, who.second_factor).await?;
        let secret = match (cookie, visitor.host.as_deref()) {
            (true, Some(host)) => self.add_cookie(&mut tx, &session, host, tenant).await?,
            _ => self.add_refresh_token(&mut tx, &session, tenant, now).await?,
        };
        tx.commit().await?;
        metrics::counter!("cloister_sign_ins_total", "outcome" => "in").increment(1);
        let admitted = Admitted { session, standing, inside, needs };
        let answer = self.tokens(&admitted, (!cookie).then(|| secret.clone())).await?;
        let mut response = (StatusCode::CREATED, Answer(answer)).into_response();
        if cookie && let Some(value) = session_cookie(&secret, Some(admitted.session.seconds_left(now))) {
            response.headers_mut().insert(header::SET_COOKIE, value);
        }
        Ok(response)
    }

    /// The answer to whoever was let in.
    pub(super) async fn tokens(&self, admitted: &Admitted<'_>, refresh_token: Option<String>) -> Result<Tokens> {
        let Admitted { session, standing, inside, needs } = admitted;
        let claims = self.claims(standing, session, inside.as_ref());
        let tenants = membership::places(self, standing.account).await?;
        let here = inside.as_ref().map(|entrance| entrance.tenant.id);
        Ok(Tokens {
            access_token: match &refresh_token {
                Some(_) => Some(self.keys().sign(&claims, self.tenancy().clock().now())?),
                None => None,
            },
            token_type: "Bearer",
            expires_in: LIFETIME.as_secs(),
            refresh_token,
            session_id: session.id,
            account: Who { id: standing.account, display_name: standing.display_name.clone() },
            tenant: tenants.iter().find(|place| Some(place.id) == here).cloned(),
            tenants,
            needs: *needs,
        })
    }

    /// The session of a caller, which is in force.
    pub(crate) async fn open_session(&self, caller: &Caller) -> Result<Session> {
        let (Some(account), Some(id)) = (caller.identity.account, caller.identity.session) else { return Err(over()) };
        let rows = self.control().run(&store::OPEN, &[&id, &account]).await?;
        let session = rows.first().map(Session::from).ok_or_else(over)?;
        if session.is_open(self.tenancy().clock().now()) { Ok(session) } else { Err(over()) }
    }

    /// A tenant that the account belongs to, by slug or id. Of others nothing is told.
    pub(super) async fn find_own_tenant(&self, account: AccountId, name: &str) -> Result<Arc<TenantEntry>> {
        let registry = self.tenancy().registry();
        let found = name.parse::<TenantId>().map_or_else(|_| registry.by_slug(name), |id| registry.by_id(id));
        let places = membership::places(self, account).await?;
        let found = found.filter(|tenant| places.iter().any(|place| place.id == tenant.id));
        let found = found.ok_or_else(Error::not_found)?;
        found.admit().map_err(|refusal| refusal.error())?;
        Ok(found)
    }
}

pub(super) fn sample() -> Tokens {
    let id = |last: u128| uuid::Uuid::from_u128(0x019b_8d24_4e80_7c3e_9d0a_5f2b_7c61_0000 + last);
    let place = Place {
        id: TenantId::from_uuid(id(1)),
        slug: "north".to_owned(),
        display_name: "North High School".to_owned(),
        roles: vec!["owner".to_owned()],
    };
    Tokens {
        access_token: Some("eyJhbGciOiJFZERTQSIsImtpZCI6…".to_owned()),
        token_type: "Bearer",
        expires_in: LIFETIME.as_secs(),
        refresh_token: Some("prFI9DnvPNa32Limk6jv_5cVjnRSsON_wlUZHVp-sqM".to_owned()),
        session_id: SessionId::from_uuid(id(2)),
        account: Who { id: AccountId::from_uuid(id(3)), display_name: "Ada North".to_owned() },
        tenant: Some(place.clone()),
        tenants: vec![place],
        needs: None,
    }
}
