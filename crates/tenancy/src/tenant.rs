//! A tenant, as the registry keeps it.

use std::{collections::BTreeMap, fmt, str::FromStr};

use cloister_ids::{TenantId, WorkflowId};
use jiff::{Timestamp, civil::Date};
use serde::{Deserialize, Serialize};

/// How a tenant's rows are kept apart from the others'.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Tier {
    /// Shared tables with row-level security.
    Shared,
    /// A schema of its own.
    Schema,
    /// A database of its own.
    Database,
}

/// Where a tenant is in its life.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = TenantState)]
pub enum Status {
    /// Recorded; nothing was made for it.
    Pending,
    /// Being made.
    Preparing,
    /// In use.
    Active,
    /// Making it failed; an operator can retry or abandon it.
    Failed,
    /// Shut, with everything kept.
    Suspended,
    /// Deleted, and kept for the days of grace.
    Deleted,
    /// Being removed for good.
    Purging,
}

macro_rules! words {
    ($name:ident { $($variant:ident = $word:literal),* $(,)? }) => {
        impl $name {
            /// Every one.
            pub const ALL: &'static [Self] = &[$(Self::$variant),*];

            /// The word for it in PostgreSQL, JSON and on the command line.
            pub const fn word(self) -> &'static str {
                match self { $(Self::$variant => $word),* }
            }
        }
        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(self.word())
            }
        }
        impl FromStr for $name {
            type Err = String;
            fn from_str(text: &str) -> Result<Self, String> {
                Self::ALL.iter().copied().find(|known| known.word() == text).ok_or_else(|| {
                    let known: Vec<_> = Self::ALL.iter().map(|known| known.word()).collect();
                    format!("`{text}` is none of {}", known.join(", "))
                })
            }
        }
    };
}

words!(Tier { Shared = "shared", Schema = "schema", Database = "database" });
words!(Status {
    Pending = "pending",
    Preparing = "preparing",
    Active = "active",
    Failed = "failed",
    Suspended = "suspended",
    Deleted = "deleted",
    Purging = "purging",
});

/// The name of a tenant in addresses: a DNS label.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize)]
#[serde(transparent)]
pub struct Slug(Box<str>);

/// Why a text cannot be a slug.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SlugError {
    /// Not a DNS label.
    #[error(
        "`{0}` cannot be part of a web address: use 1 to 63 of a-z, 0-9 and -, beginning and ending with a letter or digit, without -- as third and fourth character"
    )]
    NotALabel(String),
    /// Kept for the platform.
    #[error("`{0}` is reserved for the platform; choose another")]
    Reserved(String),
}

impl SlugError {
    /// The stable word for it.
    pub fn code(&self) -> &'static str {
        match self {
            Self::NotALabel(_) => "slug_invalid",
            Self::Reserved(_) => "slug_reserved",
        }
    }
}

/// Names under which the platform itself, mail and the web's own conventions are found.
const RESERVED: &[&str] = &[
    "about",
    "abuse",
    "account",
    "accounts",
    "acme",
    "admin",
    "administrator",
    "api",
    "app",
    "apps",
    "assets",
    "auth",
    "autoconfig",
    "autodiscover",
    "billing",
    "blog",
    "brand",
    "cdn",
    "cloister",
    "console",
    "contact",
    "control",
    "dashboard",
    "default",
    "demo",
    "dev",
    "dns",
    "docs",
    "email",
    "files",
    "ftp",
    "health",
    "healthz",
    "help",
    "hostmaster",
    "imap",
    "internal",
    "legal",
    "localhost",
    "login",
    "logout",
    "mail",
    "media",
    "metrics",
    "mta-sts",
    "mx",
    "news",
    "noreply",
    "ns",
    "ns1",
    "ns2",
    "oauth",
    "oidc",
    "operator",
    "ops",
    "platform",
    "pop",
    "postmaster",
    "privacy",
    "public",
    "readyz",
    "register",
    "root",
    "saml",
    "scim",
    "security",
    "shared",
    "signin",
    "signup",
    "smtp",
    "sso",
    "staging",
    "static",
    "status",
    "support",
    "system",
    "t",
    "tenant",
    "tenants",
    "terms",
    "test",
    "webhook",
    "webhooks",
    "webmaster",
    "webmail",
    "wpad",
    "www",
];

impl Slug {
    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// A slug that was already accepted, as read from the registry.
    pub(crate) fn known(text: &str) -> Self {
        Self(text.into())
    }
}

impl FromStr for Slug {
    type Err = SlugError;

    fn from_str(text: &str) -> Result<Self, SlugError> {
        let bytes = text.as_bytes();
        let inner = |b: &u8| b.is_ascii_lowercase() || b.is_ascii_digit() || *b == b'-';
        let edge = |b: Option<&u8>| b.is_some_and(|b| *b != b'-');
        let label = (1..=63).contains(&bytes.len())
            && bytes.iter().all(inner)
            && edge(bytes.first())
            && edge(bytes.last())
            // `xn--` and its like mean something else to browsers.
            && !(bytes.len() >= 4 && &bytes[2..4] == b"--");
        if !label {
            return Err(SlugError::NotALabel(text.chars().take(80).collect()));
        }
        if RESERVED.contains(&text) {
            return Err(SlugError::Reserved(text.to_owned()));
        }
        Ok(Self(text.into()))
    }
}

impl fmt::Display for Slug {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

/// Everything that can be said when a tenant is made.
#[derive(Debug, Clone)]
pub struct NewTenant {
    /// Name in addresses.
    pub slug: Slug,
    /// Name on pages.
    pub display_name: String,
    /// Name in contracts.
    pub legal_name: Option<String>,
    /// What kind of organisation it is: decides its modules.
    pub kind: String,
    /// How its rows are kept apart.
    pub tier: Tier,
    /// What it pays for.
    pub plan: String,
    /// Where its rows may be.
    pub region: String,
    /// BCP 47 language tag.
    pub locale: String,
    /// IANA time zone.
    pub time_zone: String,
    /// Whom to write to.
    pub contact_name: Option<String>,
    /// Where to write.
    pub contact_email: Option<String>,
    /// Where to call.
    pub contact_phone: Option<String>,
    /// Postal address.
    pub address: Option<String>,
    /// First day of the trial.
    pub trial_start_date: Option<Date>,
    /// Last day of the trial.
    pub trial_end_date: Option<Date>,
    /// Shown as a demonstration.
    pub demo: bool,
    /// Host names of its own, already verified by whoever creates it.
    pub domains: Vec<String>,
}

impl NewTenant {
    /// The usual values for a tenant of a kind.
    pub fn new(slug: Slug, display_name: impl Into<String>, kind: impl Into<String>, tier: Tier) -> Self {
        Self {
            slug,
            display_name: display_name.into(),
            legal_name: None,
            kind: kind.into(),
            tier,
            plan: "standard".to_owned(),
            region: "local".to_owned(),
            locale: "en".to_owned(),
            time_zone: "UTC".to_owned(),
            contact_name: None,
            contact_email: None,
            contact_phone: None,
            address: None,
            trial_start_date: None,
            trial_end_date: None,
            demo: false,
            domains: Vec::new(),
        }
    }
}

/// A tenant with all that the registry knows of it.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
#[expect(
    missing_docs,
    reason = "the fields are those of NewTenant and of the registry table, where they are described"
)]
pub struct Tenant {
    pub id: TenantId,
    #[schema(value_type = String)]
    pub slug: Slug,
    pub display_name: String,
    pub legal_name: Option<String>,
    pub kind: String,
    pub status: Status,
    pub tier: Tier,
    pub plan: String,
    pub region: String,
    pub locale: String,
    pub time_zone: String,
    pub contact_name: Option<String>,
    pub contact_email: Option<String>,
    pub contact_phone: Option<String>,
    pub address: Option<String>,
    #[schema(value_type = Option<String>)]
    pub trial_start_date: Option<Date>,
    #[schema(value_type = Option<String>)]
    pub trial_end_date: Option<Date>,
    pub demo: bool,
    pub maintenance: bool,
    pub maintenance_message: Option<String>,
    pub limits: BTreeMap<String, String>,
    pub suspended_reason: Option<String>,
    #[schema(value_type = Option<String>)]
    pub purge_after: Option<Timestamp>,
    pub domains: Vec<String>,
    pub database: Option<String>,
    pub schema: Option<String>,
    pub epoch: Option<i64>,
    pub version: i64,
    #[schema(value_type = String)]
    pub created_at: Timestamp,
    pub created_by: String,
    #[schema(value_type = String)]
    pub updated_at: Timestamp,
    pub updated_by: String,
    #[schema(value_type = Option<String>)]
    pub deleted_at: Option<Timestamp>,
    pub deleted_by: Option<String>,
    pub workflow: Option<WorkflowId>,
}

#[cfg(test)]
mod tests {
    use super::{Slug, SlugError};

    #[test]
    fn a_slug_is_a_dns_label_nobody_needs() {
        for good in ["a", "7", "north-high", "a--b", &"x".repeat(63)] {
            // `a--b` has its hyphens in second and third place, which no convention claims.
            assert!(good.parse::<Slug>().is_ok(), "{good}");
        }
        let long = "x".repeat(64);
        for bad in ["", "-a", "a-", "A", "a_b", "a.b", "xn--80ak6aa", "é", "a b", "a\0", &long] {
            assert!(matches!(bad.parse::<Slug>(), Err(SlugError::NotALabel(_))), "{bad}");
        }
        for kept in ["www", "api", "admin", "ops", "t"] {
            assert!(matches!(kept.parse::<Slug>(), Err(SlugError::Reserved(_))), "{kept}");
        }
    }
}
