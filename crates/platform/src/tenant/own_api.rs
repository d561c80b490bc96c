//! Endpoints about the tenant one is in.

use cloister_http::{Edge, IfMatch, MergePatch, Op, Problem, Tagged, Versioned};
use cloister_ids::TenantId;
use cloister_tenancy::{Action, Requester, Status, Tenant, Tier, lifecycle::TenantFields};
use garde::Validate;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{TENANT, administer_api::sample_id};
use crate::{Service, note};

pub(super) fn routes() -> OpenApiRouter<Edge> {
    OpenApiRouter::new().routes(routes!(tenant_read, tenant_update))
}

/// What a tenant says about itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
struct TenantProfileFields {
    /// Its name on pages.
    #[garde(length(chars, min = 1, max = 200))]
    #[schema(min_length = 1, max_length = 200, example = "North High School")]
    display_name: String,
    /// Its name in contracts.
    #[garde(inner(length(chars, min = 1, max = 300)))]
    #[schema(min_length = 1, max_length = 300, example = "North Schools Association")]
    legal_name: Option<String>,
    /// BCP 47 language tag.
    #[garde(length(chars, min = 2, max = 35))]
    #[schema(min_length = 2, max_length = 35, example = "de-CH")]
    locale: String,
    /// IANA time zone.
    #[garde(length(chars, min = 1, max = 64))]
    #[schema(min_length = 1, max_length = 64, example = "Europe/Zurich")]
    time_zone: String,
    /// Whom to write to.
    #[garde(inner(length(chars, min = 1, max = 200)))]
    #[schema(min_length = 1, max_length = 200, example = "Ada North")]
    contact_name: Option<String>,
    /// Where to write.
    #[garde(inner(length(chars, min = 3, max = 254)))]
    #[schema(min_length = 3, max_length = 254, example = "office@north.example")]
    contact_email: Option<String>,
    /// Where to call.
    #[garde(inner(length(chars, min = 1, max = 50)))]
    #[schema(min_length = 1, max_length = 50, example = "+41 44 555 01 00")]
    contact_phone: Option<String>,
    /// Postal address.
    #[garde(inner(length(chars, min = 1, max = 1000)))]
    #[schema(min_length = 1, max_length = 1000, example = "1 Hill Road, Northtown")]
    address: Option<String>,
}

/// The tenant one is in.
#[derive(Debug, Clone, Serialize, ToSchema)]
struct TenantProfile {
    /// Which one.
    id: TenantId,
    /// Its name in addresses.
    #[schema(example = "north")]
    slug: String,
    /// What may be changed.
    #[serde(flatten)]
    fields: TenantProfileFields,
    /// What kind of organisation it is.
    #[schema(example = "school")]
    kind: String,
    /// How its rows are kept apart from other tenants'.
    tier: Tier,
    /// What it pays for.
    #[schema(example = "standard")]
    plan: String,
    /// Where it is in its life.
    status: Status,
    /// Host names of its own.
    domains: Vec<String>,
    /// Grows with every change; the ETag.
    #[schema(example = 3)]
    version: i64,
    /// When it was made.
    created_at: Timestamp,
}

impl Versioned for TenantProfile {
    fn version(&self) -> i64 {
        self.version
    }
}

impl From<Tenant> for TenantProfile {
    fn from(tenant: Tenant) -> Self {
        Self {
            id: tenant.id,
            slug: tenant.slug.to_string(),
            fields: TenantProfileFields {
                display_name: tenant.display_name,
                legal_name: tenant.legal_name,
                locale: tenant.locale,
                time_zone: tenant.time_zone,
                contact_name: tenant.contact_name,
                contact_email: tenant.contact_email,
                contact_phone: tenant.contact_phone,
                address: tenant.address,
            },
            kind: tenant.kind,
            tier: tenant.tier,
            plan: tenant.plan,
            status: tenant.status,
            domains: tenant.domains,
            version: tenant.version,
            created_at: tenant.created_at,
        }
    }
}

type TenantProfilePatch = MergePatch<TenantProfileFields>;

/// Read the tenant one is in
#[utoipa::path(
    get,
    path = "/tenant",
    operation_id = "tenant_read",
    tag = "Tenant",
    responses((status = 200, description = "The tenant.", body = TenantProfile,
        headers(("ETag" = String, description = "Its version.")), example = json!(sample())))
)]
async fn tenant_read(service: Service, op: Op) -> Result<Tagged<TenantProfile>, Problem> {
    op.cx.authorize(Action::Read, &TENANT)?;
    Ok(Tagged(service.tenancy().tenant(op.cx.tenant_id()).await?.into()))
}

/// Change the tenant one is in
///
/// A JSON merge patch: what is absent stays, what is null is removed. Slug, tier and plan are for the platform's operator to
/// change.
#[utoipa::path(
    patch,
    path = "/tenant",
    operation_id = "tenant_update",
    tag = "Tenant",
    params(("If-Match" = String, Header, description = "The ETag you read.", example = "\"v3\"")),
    request_body(content = TenantProfilePatch, example = json!({ "contact_phone": "+41 44 555 01 00", "legal_name": null })),
    responses((status = 200, description = "The tenant as it is now.", body = TenantProfile,
        headers(("ETag" = String, description = "Its version.")), example = json!(sample())))
)]
async fn tenant_update(
    service: Service,
    op: Op,
    known: IfMatch,
    patch: TenantProfilePatch,
) -> Result<Tagged<TenantProfile>, Problem> {
    op.cx.authorize(Action::Update, &TENANT)?;
    let before = service.tenancy().tenant(op.cx.tenant_id()).await?;
    let view = TenantProfile::from(before.clone());
    known.check(&view)?;
    let changed = patch.apply(&view.fields)?;
    if changed == view.fields {
        return Ok(Tagged(view));
    }
    let fields = TenantFields {
        display_name: changed.display_name.trim().to_owned(),
        legal_name: changed.legal_name,
        locale: changed.locale,
        time_zone: changed.time_zone,
        contact_name: changed.contact_name,
        contact_email: changed.contact_email,
        contact_phone: changed.contact_phone,
        address: changed.address,
        ..TenantFields::from(&before)
    };
    let record = note::within(&op.cx, "tenant.update", TENANT).on(before.id);
    Ok(Tagged(service.change_tenant(&before, &fields, &Requester::from(&op.cx), record).await?.into()))
}

fn sample() -> TenantProfile {
    TenantProfile {
        id: sample_id(),
        slug: "north".to_owned(),
        fields: TenantProfileFields {
            display_name: "North High School".to_owned(),
            legal_name: None,
            locale: "de-CH".to_owned(),
            time_zone: "Europe/Zurich".to_owned(),
            contact_name: Some("Ada North".to_owned()),
            contact_email: Some("office@north.example".to_owned()),
            contact_phone: Some("+41 44 555 01 00".to_owned()),
            address: None,
        },
        kind: "school".to_owned(),
        tier: Tier::Shared,
        plan: "standard".to_owned(),
        status: Status::Active,
        domains: Vec::new(),
        version: 3,
        created_at: Timestamp::constant(1_767_603_600, 0),
    }
}
