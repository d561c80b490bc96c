//! Accounts: one person's sign-in. Those of the platform are found by e-mail; those that a tenant manages by a username
//! within it.

mod api;
mod make;
mod password;
pub(crate) mod recovery;
mod standing;
pub(crate) mod store;

use cloister_ids::{AccountId, Clock, TenantId};
use cloister_tenancy::{ConstraintRule, ControlPlane, ControlTx, Error, ErrorKind, Result, sql::Row};
use jiff::Timestamp;

pub use make::NewPerson;
pub(crate) use standing::Standing;

/// The routes of this folder.
pub(crate) fn routes() -> utoipa_axum::router::OpenApiRouter<cloister_http::Edge> {
    api::routes().merge(recovery::routes())
}

/// What refused constraints mean.
pub(crate) const CONSTRAINTS: &[ConstraintRule] = &[
    ConstraintRule {
        constraint: "account_email_key",
        field: "email",
        code: "email_taken",
        message: "Another account has this address.",
    },
    ConstraintRule {
        constraint: "account_username_key",
        field: "username",
        code: "username_taken",
        message: "Another account of this tenant has this username.",
    },
];

/// An account as it is kept.
#[derive(Clone)]
pub(crate) struct Account {
    pub(crate) id: AccountId,
    /// The tenant that manages it; none for an account of the platform.
    pub(crate) home: Option<TenantId>,
    pub(crate) email: Option<String>,
    pub(crate) email_verified_at: Option<Timestamp>,
    pub(crate) username: Option<String>,
    pub(crate) display_name: String,
    pub(crate) locale: String,
    pub(crate) password_hash: Option<String>,
    pub(crate) must_change_password: bool,
    pub(crate) is_active: bool,
    pub(crate) operator_role: Option<String>,
    pub(crate) version: i64,
    pub(crate) created_at: Timestamp,
}

/// Without the password's hash.
impl std::fmt::Debug for Account {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Account").field("id", &self.id).field("home", &self.home).finish_non_exhaustive()
    }
}

impl From<&Row> for Account {
    fn from(row: &Row) -> Self {
        Self {
            id: row.get("id"),
            home: row.get("tenant_id"),
            email: row.get("email"),
            email_verified_at: row.get("email_verified_at"),
            username: row.get("username"),
            display_name: row.get("display_name"),
            locale: row.get("locale"),
            password_hash: row.get("password_hash"),
            must_change_password: row.get("must_change_password"),
            is_active: row.get::<_, &str>("status") == "active",
            operator_role: row.get("operator_role"),
            version: row.get("version"),
            created_at: row.get("created_at"),
        }
    }
}

/// A password that was accepted, as it is kept.
#[derive(Clone)]
pub(crate) struct NewPassword {
    /// PHC string.
    pub(crate) hash: String,
    /// 0 to 4.
    pub(crate) strength: i16,
    /// Characters, up to 32.
    pub(crate) length: i16,
    /// To be replaced at the first sign-in.
    pub(crate) must_change: bool,
}

/// An account to be made.
pub(crate) struct NewAccount<'a> {
    pub(crate) name: Name<'a>,
    pub(crate) display_name: &'a str,
    pub(crate) locale: &'a str,
    pub(crate) password: Option<NewPassword>,
    pub(crate) operator_role: Option<&'a str>,
}

/// What an account is found by.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Name<'a> {
    /// An address, everywhere; with the moment it was shown to be the person's.
    Email(&'a str, Option<Timestamp>),
    /// A name within one tenant.
    Username(TenantId, &'a str),
}

/// What an address is found by: the case of letters is no difference that people mean.
pub(crate) fn email_key(email: &str) -> String {
    email.trim().to_lowercase()
}

/// What a username is found by.
pub(crate) fn username_key(username: &str) -> String {
    username.trim().to_lowercase()
}

/// Refuses what no mail can be sent to.
pub(crate) fn check_email(field: &str, email: &str) -> Result<()> {
    let fine = email.len() <= 254
        && !email.contains(|c: char| c.is_whitespace() || c.is_control())
        && email.parse::<lettre::Address>().is_ok();
    if fine {
        return Ok(());
    }
    Err(Error::field(field, "email_invalid", "Give an address such as office@school.example."))
}

/// An account of the platform, by its address.
pub(crate) async fn by_email(control: &ControlPlane, email: &str) -> Result<Option<Account>> {
    Ok(control.run(&store::BY_EMAIL, &[&email_key(email)]).await?.first().map(Account::from))
}

/// An account that a tenant manages.
pub(crate) async fn by_username(control: &ControlPlane, tenant: TenantId, name: &str) -> Result<Option<Account>> {
    Ok(control.run(&store::BY_USERNAME, &[&tenant, &username_key(name)]).await?.first().map(Account::from))
}

/// One account, which exists.
pub(crate) async fn by_id(control: &ControlPlane, id: AccountId) -> Result<Account> {
    control.run(&store::BY_ID, &[&id]).await?.first().map(Account::from).ok_or_else(Error::not_found)
}

/// One account, kept from changing until the transaction ends.
pub(crate) async fn lock(tx: &mut ControlTx, id: AccountId) -> Result<Account> {
    tx.query(&store::LOCK, &[&id]).await?.first().map(Account::from).ok_or_else(Error::not_found)
}

/// Makes an account. Refuses an address or username that another has.
pub(crate) async fn insert(tx: &mut ControlTx, clock: &dyn Clock, new: &NewAccount<'_>, by: &str) -> Result<AccountId> {
    let id = AccountId::generate(clock);
    let now = clock.now();
    let (tenant, email, verified, username) = match new.name {
        Name::Email(email, verified) => (None, Some(email.trim().to_owned()), verified, None),
        Name::Username(tenant, name) => (Some(tenant), None, None, Some(name.trim().to_owned())),
    };
    let (email_key, username_key) = (email.as_deref().map(email_key), username.as_deref().map(username_key));
    let password = new.password.as_ref();
    let (hash, changed) = (password.map(|p| p.hash.as_str()), password.map(|_| now));
    let (strength, length) = (password.map(|p| p.strength), password.map(|p| p.length));
    let must_change = password.is_some_and(|p| p.must_change);
    tx.query(
        &store::INSERT,
        &[
            &id,
            &tenant,
            &email,
            &email_key,
            &verified,
            &username,
            &username_key,
            &new.display_name.trim(),
            &new.locale,
            &hash,
            &changed,
            &strength,
            &length,
            &must_change,
            &new.operator_role,
            &now,
            &by,
        ],
    )
    .await?;
    Ok(id)
}

/// The one answer to a sign-in that fails, whatever the cause.
pub(crate) fn not_recognised() -> Error {
    Error::new(ErrorKind::Unauthenticated, "credentials_invalid", "The name or the password is not right.")
}
