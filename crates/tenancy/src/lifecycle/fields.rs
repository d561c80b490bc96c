//! Changing what is known of a tenant while it lives.

use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use super::requests::PLAN_KEY;
use crate::{
    ControlTx, Error, FieldError, LimitTexts, NewTenant, Requester, Result, Tenant, TenantLimits, control::store, plan,
};

/// What may be changed about a tenant while it lives.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "the fields are those of NewTenant, where they are described")]
pub struct TenantFields {
    pub display_name: String,
    pub legal_name: Option<String>,
    pub plan: String,
    pub locale: String,
    pub time_zone: String,
    pub contact_name: Option<String>,
    pub contact_email: Option<String>,
    pub contact_phone: Option<String>,
    pub address: Option<String>,
    pub trial_start_date: Option<Date>,
    pub trial_end_date: Option<Date>,
    pub maintenance: bool,
    pub maintenance_message: Option<String>,
    pub limits: LimitTexts,
}

impl From<&Tenant> for TenantFields {
    fn from(tenant: &Tenant) -> Self {
        let tenant = tenant.clone();
        Self {
            display_name: tenant.display_name,
            legal_name: tenant.legal_name,
            plan: tenant.plan,
            locale: tenant.locale,
            time_zone: tenant.time_zone,
            contact_name: tenant.contact_name,
            contact_email: tenant.contact_email,
            contact_phone: tenant.contact_phone,
            address: tenant.address,
            trial_start_date: tenant.trial_start_date,
            trial_end_date: tenant.trial_end_date,
            maintenance: tenant.maintenance,
            maintenance_message: tenant.maintenance_message,
            limits: tenant.limits,
        }
    }
}

impl ControlTx {
    /// Changes a tenant that is still of this version, and answers the next one. Every node is told with the commit. The
    /// caller writes the audit row.
    pub async fn update_tenant(
        &mut self,
        before: &Tenant,
        fields: &TenantFields,
        by: impl Into<Requester>,
    ) -> Result<i64> {
        let (tenancy, tx) = self.registry();
        tenancy.validate(&NewTenant {
            slug: before.slug.clone(),
            display_name: fields.display_name.clone(),
            legal_name: fields.legal_name.clone(),
            kind: before.kind.clone(),
            tier: before.tier,
            plan: fields.plan.clone(),
            region: before.region.clone(),
            locale: fields.locale.clone(),
            time_zone: fields.time_zone.clone(),
            contact_name: fields.contact_name.clone(),
            contact_email: fields.contact_email.clone(),
            contact_phone: fields.contact_phone.clone(),
            address: fields.address.clone(),
            trial_start_date: fields.trial_start_date,
            trial_end_date: fields.trial_end_date,
            demo: before.demo,
            domains: Vec::new(),
        })?;
        if fields.maintenance_message.as_ref().is_some_and(|text| text.trim().is_empty() || text.chars().count() > 500)
        {
            let (field, message) =
                ("maintenance_message".to_owned(), "Leave it out or give 1 to 500 characters.".to_owned());
            return Err(Error::invalid(vec![FieldError { field, code: "length".into(), message }]));
        }
        if let Err(error) = TenantLimits::read(&fields.limits) {
            return Err(Error::field("limits", error.code, error.message));
        }
        let limits = serde_json::to_value(&fields.limits).map_err(Error::internal)?;
        let (at, by) = (tenancy.0.clock.now(), by.into().actor.to_string());
        let rows = tx
            .query(
                &store::UPDATE_TENANT,
                &[
                    &before.id,
                    &before.version,
                    &fields.display_name.trim(),
                    &fields.legal_name,
                    &fields.plan,
                    &fields.locale,
                    &fields.time_zone,
                    &fields.contact_name,
                    &fields.contact_email,
                    &fields.contact_phone,
                    &fields.address,
                    &fields.trial_start_date,
                    &fields.trial_end_date,
                    &fields.maintenance,
                    &fields.maintenance_message,
                    &limits,
                    &at,
                    &by,
                ],
            )
            .await
            .map_err(|error| match error.constraint() {
                Some(PLAN_KEY) => plan::unknown().because(error),
                _ => error.into(),
            })?;
        let row = rows.first().ok_or_else(Error::version_mismatch)?;
        tx.query(&store::NOTIFY, &[&before.id.uuid().to_string()]).await?;
        Ok(row.get("version"))
    }
}
