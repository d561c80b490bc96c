//! Tenants as operators see and write them.

use std::collections::BTreeMap;

use cloister_http::{Versioned, invalid};
use cloister_ids::{TenantId, WorkflowId};
use cloister_tenancy::{Error, NewTenant, Result, Status, Tenant, TenantLimits, Tier, lifecycle::TenantFields};
use garde::Validate;
use jiff::{Timestamp, civil::Date};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// What may be said about a tenant while it lives.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct PlatformTenantFields {
    /// Its name on pages.
    #[garde(length(chars, min = 1, max = 200))]
    #[schema(min_length = 1, max_length = 200, example = "North High School")]
    pub(super) display_name: String,
    /// Its name in contracts.
    #[garde(inner(length(chars, min = 1, max = 300)))]
    #[schema(min_length = 1, max_length = 300, example = "North Schools Association")]
    pub(super) legal_name: Option<String>,
    /// What it pays for.
    #[garde(length(chars, min = 1, max = 63))]
    #[schema(min_length = 1, max_length = 63, example = "standard")]
    pub(super) plan: String,
    /// BCP 47 language tag.
    #[garde(length(chars, min = 2, max = 35))]
    #[schema(min_length = 2, max_length = 35, example = "de-CH")]
    pub(super) locale: String,
    /// IANA time zone.
    #[garde(length(chars, min = 1, max = 64))]
    #[schema(min_length = 1, max_length = 64, example = "Europe/Zurich")]
    pub(super) time_zone: String,
    /// Whom to write to.
    #[garde(inner(length(chars, min = 1, max = 200)))]
    #[schema(min_length = 1, max_length = 200, example = "Ada North")]
    pub(super) contact_name: Option<String>,
    /// Where to write.
    #[garde(inner(length(chars, min = 3, max = 254)))]
    #[schema(min_length = 3, max_length = 254, example = "office@north.example")]
    pub(super) contact_email: Option<String>,
    /// Where to call.
    #[garde(inner(length(chars, min = 1, max = 50)))]
    #[schema(min_length = 1, max_length = 50, example = "+41 44 555 01 00")]
    pub(super) contact_phone: Option<String>,
    /// Postal address.
    #[garde(inner(length(chars, min = 1, max = 1000)))]
    #[schema(min_length = 1, max_length = 1000, example = "1 Hill Road, Northtown")]
    pub(super) address: Option<String>,
    /// First day of the trial.
    #[garde(skip)]
    #[schema(value_type = Option<String>, format = Date, example = "2026-01-01")]
    pub(super) trial_start_date: Option<Date>,
    /// Last day of the trial.
    #[garde(skip)]
    #[schema(value_type = Option<String>, format = Date, example = "2026-03-31")]
    pub(super) trial_end_date: Option<Date>,
    /// Closed for maintenance: its people are told to come back.
    #[garde(skip)]
    pub(super) maintenance: bool,
    /// What they are told meanwhile.
    #[garde(inner(length(chars, min = 1, max = 500)))]
    #[schema(min_length = 1, max_length = 500, example = "Back at six.")]
    pub(super) maintenance_message: Option<String>,
    /// Limits of its own; of the others its plan's hold, and of those that the plan does not name, the installation's. By class
    /// how often in how long, such as `50/1s`, or `unlimited`; `connections`, a share of a node's, such as `25%`;
    /// `statement_timeout` and `import_timeout`, such as `10s`. Every node goes by them within a second.
    #[garde(custom(limit_texts))]
    #[serde(default)]
    #[schema(example = json!({ "read": "50/1s", "connections": "25%" }))]
    pub(super) limits: BTreeMap<String, String>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "rules are handed their (empty) context by reference")]
pub(crate) fn limit_texts(limits: &BTreeMap<String, String>, (): &()) -> garde::Result {
    if let Err(error) = TenantLimits::read(limits) {
        return Err(invalid(error.code, error.message));
    }
    Ok(())
}

/// A tenant with all that the platform knows of it.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(super) struct PlatformTenant {
    /// Which one.
    pub(super) id: TenantId,
    /// Its name in addresses.
    #[schema(example = "north")]
    pub(super) slug: String,
    /// What may be changed.
    #[serde(flatten)]
    pub(super) fields: PlatformTenantFields,
    /// What kind of organisation it is: decides its modules.
    #[schema(example = "school")]
    pub(super) kind: String,
    /// Where it is in its life.
    pub(super) status: Status,
    /// How its rows are kept apart.
    pub(super) tier: Tier,
    /// Where its rows may be.
    #[schema(example = "local")]
    pub(super) region: String,
    /// Shown as a demonstration.
    pub(super) demo: bool,
    /// Host names of its own.
    pub(super) domains: Vec<String>,
    /// The database its rows are in; null before there is one.
    pub(super) database: Option<String>,
    /// Why it is suspended.
    pub(super) suspended_reason: Option<String>,
    /// When a deleted one is removed for good.
    pub(super) purge_after: Option<Timestamp>,
    /// What is being done to it, or failed: see `GET /platform/workflows/{id}`.
    pub(super) workflow_id: Option<WorkflowId>,
    /// Grows with every change; the ETag.
    #[schema(example = 3)]
    pub(super) version: i64,
    /// When it was made.
    pub(super) created_at: Timestamp,
    /// By whom.
    pub(super) created_by: String,
    /// When it was last changed.
    pub(super) updated_at: Timestamp,
    /// By whom.
    pub(super) updated_by: String,
    /// When it was deleted.
    pub(super) deleted_at: Option<Timestamp>,
    /// By whom.
    pub(super) deleted_by: Option<String>,
}

impl Versioned for PlatformTenant {
    fn version(&self) -> i64 {
        self.version
    }
}

impl From<&Tenant> for PlatformTenantFields {
    fn from(tenant: &Tenant) -> Self {
        let TenantFields {
            display_name,
            legal_name,
            plan,
            locale,
            time_zone,
            contact_name,
            contact_email,
            contact_phone,
            address,
            trial_start_date,
            trial_end_date,
            maintenance,
            maintenance_message,
            limits,
        } = TenantFields::from(tenant);
        Self {
            display_name,
            legal_name,
            plan,
            locale,
            time_zone,
            contact_name,
            contact_email,
            contact_phone,
            address,
            trial_start_date,
            trial_end_date,
            maintenance,
            maintenance_message,
            limits,
        }
    }
}

impl From<PlatformTenantFields> for TenantFields {
    fn from(fields: PlatformTenantFields) -> Self {
        Self {
            display_name: fields.display_name.trim().to_owned(),
            legal_name: fields.legal_name,
            plan: fields.plan,
            locale: fields.locale,
            time_zone: fields.time_zone,
            contact_name: fields.contact_name,
            contact_email: fields.contact_email,
            contact_phone: fields.contact_phone,
            address: fields.address,
            trial_start_date: fields.trial_start_date,
            trial_end_date: fields.trial_end_date,
            maintenance: fields.maintenance,
            maintenance_message: fields.maintenance_message,
            limits: fields.limits,
        }
    }
}

impl From<Tenant> for PlatformTenant {
    fn from(tenant: Tenant) -> Self {
        Self {
            fields: (&tenant).into(),
            id: tenant.id,
            slug: tenant.slug.to_string(),
            kind: tenant.kind,
            status: tenant.status,
            tier: tenant.tier,
            region: tenant.region,
            demo: tenant.demo,
            domains: tenant.domains,
            database: tenant.database,
            suspended_reason: tenant.suspended_reason,
            purge_after: tenant.purge_after,
            workflow_id: tenant.workflow,
            version: tenant.version,
            created_at: tenant.created_at,
            created_by: tenant.created_by,
            updated_at: tenant.updated_at,
            updated_by: tenant.updated_by,
            deleted_at: tenant.deleted_at,
            deleted_by: tenant.deleted_by,
        }
    }
}

/// A tenant to be made. Who answers for it is invited when it is there.
#[derive(Debug, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct NewPlatformTenant {
    /// Its name in addresses: a DNS label that nobody has.
    #[garde(length(chars, min = 1, max = 63))]
    #[schema(min_length = 1, max_length = 63, pattern = "^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$", example = "north")]
    slug: String,
    /// Its name on pages.
    #[garde(length(chars, min = 1, max = 200))]
    #[schema(min_length = 1, max_length = 200, example = "North High School")]
    display_name: String,
    /// What kind of organisation it is: decides its modules.
    #[garde(length(chars, min = 1, max = 32))]
    #[schema(min_length = 1, max_length = 32, example = "school")]
    kind: String,
    /// How its rows are kept apart.
    #[garde(skip)]
    tier: Tier,
    /// Its name in contracts.
    #[garde(inner(length(chars, min = 1, max = 300)))]
    #[schema(min_length = 1, max_length = 300)]
    legal_name: Option<String>,
    /// What it pays for; `standard` when left out.
    #[garde(inner(length(chars, min = 1, max = 63)))]
    #[schema(min_length = 1, max_length = 63, example = "standard")]
    plan: Option<String>,
    /// Where its rows may be; `local` when left out.
    #[garde(inner(length(chars, min = 1, max = 63)))]
    #[schema(min_length = 1, max_length = 63, example = "local")]
    region: Option<String>,
    /// BCP 47 language tag; `en` when left out.
    #[garde(inner(length(chars, min = 2, max = 35)))]
    #[schema(min_length = 2, max_length = 35, example = "de-CH")]
    locale: Option<String>,
    /// IANA time zone; `UTC` when left out.
    #[garde(inner(length(chars, min = 1, max = 64)))]
    #[schema(min_length = 1, max_length = 64, example = "Europe/Zurich")]
    time_zone: Option<String>,
    /// Whom to write to.
    #[garde(inner(length(chars, min = 1, max = 200)))]
    #[schema(min_length = 1, max_length = 200)]
    contact_name: Option<String>,
    /// Where to write.
    #[garde(inner(length(chars, min = 3, max = 254)))]
    #[schema(min_length = 3, max_length = 254)]
    contact_email: Option<String>,
    /// Where to call.
    #[garde(inner(length(chars, min = 1, max = 50)))]
    #[schema(min_length = 1, max_length = 50)]
    contact_phone: Option<String>,
    /// Postal address.
    #[garde(inner(length(chars, min = 1, max = 1000)))]
    #[schema(min_length = 1, max_length = 1000)]
    address: Option<String>,
    /// First day of the trial.
    #[garde(skip)]
    #[schema(value_type = Option<String>, format = Date)]
    trial_start_date: Option<Date>,
    /// Last day of the trial.
    #[garde(skip)]
    #[schema(value_type = Option<String>, format = Date)]
    trial_end_date: Option<Date>,
    /// Shown as a demonstration.
    #[garde(skip)]
    #[serde(default)]
    demo: bool,
    /// Host names of its own, which you know to be its own.
    #[garde(length(max = 20), inner(length(chars, min = 1, max = 253)))]
    #[serde(default)]
    #[schema(max_items = 20)]
    domains: Vec<String>,
}

impl TryFrom<NewPlatformTenant> for NewTenant {
    type Error = Error;

    fn try_from(new: NewPlatformTenant) -> Result<Self> {
        let slug = new
            .slug
            .parse()
            .map_err(|error: cloister_tenancy::SlugError| Error::field("slug", error.code(), error.to_string()))?;
        let usual = Self::new(slug, new.display_name.trim(), new.kind, new.tier);
        Ok(Self {
            legal_name: new.legal_name,
            plan: new.plan.unwrap_or(usual.plan),
            region: new.region.unwrap_or(usual.region),
            locale: new.locale.unwrap_or(usual.locale),
            time_zone: new.time_zone.unwrap_or(usual.time_zone),
            contact_name: new.contact_name,
            contact_email: new.contact_email,
            contact_phone: new.contact_phone,
            address: new.address,
            trial_start_date: new.trial_start_date,
            trial_end_date: new.trial_end_date,
            demo: new.demo,
            domains: new.domains,
            ..usual
        })
    }
}
