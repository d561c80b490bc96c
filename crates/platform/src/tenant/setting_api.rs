//! Endpoints about what a tenant has chosen.

use std::collections::BTreeMap;

use cloister_http::{Edge, IfMatch, Json, Op, Problem, Tagged, Versioned};
use cloister_tenancy::{Action, Changes, Result, sql::Row};
use garde::Validate;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    SETTING,
    setting::{Choices, SettingView},
    store,
};
use crate::{Service, note, role};

pub(super) fn routes() -> OpenApiRouter<Edge> {
    OpenApiRouter::new().routes(routes!(settings_read, settings_update))
}

/// Every setting.
#[derive(Debug, Serialize, ToSchema)]
struct Settings {
    /// By key.
    settings: BTreeMap<&'static str, SettingView>,
    /// Grows with every change; the ETag.
    #[schema(example = 1)]
    version: i64,
}

impl Versioned for Settings {
    fn version(&self) -> i64 {
        self.version
    }
}

/// Settings by key; null gives the default back.
#[derive(Debug, Deserialize, Validate, ToSchema)]
#[serde(transparent)]
struct SettingsPatch(#[garde(skip)] Map<String, Value>);

/// What is kept, and its version. A tenant that never chose anything has no row.
fn kept(row: Option<&Row>) -> (Choices, i64) {
    let object = |value: Value| match value {
        Value::Object(map) => map,
        _ => Map::new(),
    };
    row.map_or((Choices::default(), 1), |row| {
        let choices = Choices { policy: object(row.get("policy")), general: object(row.get("settings")) };
        (choices, row.get("version"))
    })
}

/// Read the settings
///
/// Each with its default beside it: rules of passwords, signing in and sessions, and how dates are written.
#[utoipa::path(
    get,
    path = "/tenant/settings",
    operation_id = "settings_read",
    tag = "Tenant",
    responses((status = 200, description = "Every setting.", body = Settings,
        headers(("ETag" = String, description = "Their version.")), example = json!(sample())))
)]
async fn settings_read(service: Service, op: Op) -> Result<Tagged<Settings>, Problem> {
    op.cx.authorize(Action::Read, &SETTING)?;
    let rows = service.control().run(&store::ACCESS, &[&op.cx.tenant_id()]).await?;
    let (choices, version) = kept(rows.first());
    Ok(Tagged(Settings { settings: choices.view(), version }))
}

/// Change settings
///
/// What is absent stays; null gives the default back. Stricter rules hold from the next time somebody enters or renews.
#[utoipa::path(
    patch,
    path = "/tenant/settings",
    operation_id = "settings_update",
    tag = "Tenant",
    params(("If-Match" = String, Header, description = "The ETag you read.", example = "\"v1\"")),
    request_body(content = SettingsPatch, example = json!({ "password_min_length": 12, "week_starts_on": null })),
    responses((status = 200, description = "Every setting as it is now.", body = Settings,
        headers(("ETag" = String, description = "Their version.")), example = json!(sample())))
)]
async fn settings_update(
    service: Service,
    op: Op,
    known: IfMatch,
    Json(SettingsPatch(patch)): Json<SettingsPatch>,
) -> Result<Tagged<Settings>, Problem> {
    let cx = &op.cx;
    cx.authorize(Action::Update, &SETTING)?;
    let (tenant, now, by) = (cx.tenant_id(), cx.clock().now(), cx.actor().to_string());
    let mut tx = service.control().begin().await?;
    tx.query(&store::ENSURE_ACCESS, &[&tenant, &now, &by]).await?;
    let (before, version) = kept(tx.query(&store::LOCK_ACCESS, &[&tenant]).await?.first());
    let view = Settings { settings: before.view(), version };
    known.check(&view)?;
    let own: Vec<String> =
        tx.query(&role::store::OWN_ROLES, &[&tenant]).await?.iter().map(|row| row.get("name")).collect();
    let is_role =
        |name: &str| role::is_declared(service.tenancy(), cx.tenant(), name) || own.iter().any(|known| known == name);
    let after = before.changed(&patch, &is_role)?;
    if after == before {
        return Ok(Tagged(view));
    }
    let changes = Changes::between(&before.chosen(), &after.chosen())?;
    let (policy, general) = (Value::Object(after.policy.clone()), Value::Object(after.general.clone()));
    let rows = tx.query(&store::SET_ACCESS, &[&tenant, &policy, &general, &now, &by]).await?;
    let record = note::within(cx, "settings.update", SETTING).changing(changes.into());
    note::both(&mut tx, tenant, record).await?;
    tx.commit().await?;
    let version = rows.first().map_or(version, |row| row.get("version"));
    Ok(Tagged(Settings { settings: after.view(), version }))
}

fn sample() -> Settings {
    Settings { settings: Choices::default().view(), version: 1 }
}
