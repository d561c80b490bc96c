//! Endpoints by which operators make, list, read and change plans.

use std::collections::BTreeMap;

use axum::{
    body::Body,
    http::{Response, StatusCode, header},
    response::IntoResponse,
};
use cloister_http::{
    Answer, Caller, Edge, IdempotencyHeader, IfMatch, Listing, MergePatch, Once, Page, PageQuery, Path, Problem, Sort,
    Tagged, Versioned,
};
use cloister_ids::{TenantId, Uuid};
use cloister_tenancy::{Action, Changes, NewPlan, Plan, PlanFields, Result, Subject};
use garde::Validate;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::{router::OpenApiRouter, routes};

use super::PLAN;
use crate::{
    Service, idempotency,
    operator::{record, requester},
    tenant::limit_texts,
};

pub(super) fn routes() -> OpenApiRouter<Edge> {
    OpenApiRouter::new()
        .routes(routes!(platform_plan_list, platform_plan_create))
        .routes(routes!(platform_plan_read, platform_plan_update))
}

/// What a plan says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
struct PlatformPlanFields {
    /// Its name on pages.
    #[garde(length(chars, min = 1, max = 200))]
    #[schema(min_length = 1, max_length = 200, example = "Small school")]
    title: String,
    /// Its limits; what is not there is the installation's. By class how often in how long, such as `50/1s`, or `unlimited`;
    /// `connections`, a share of a node's, such as `25%`; `statement_timeout` and `import_timeout`, such as `10s`.
    #[garde(custom(limit_texts))]
    #[serde(default)]
    #[schema(example = json!({ "read": "50/1s", "connections": "25%", "statement_timeout": "5s" }))]
    limits: BTreeMap<String, String>,
}

/// A plan to be made.
#[derive(Debug, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
struct NewPlatformPlan {
    /// What tenants are given it by. It stays.
    #[garde(length(chars, min = 1, max = 63))]
    #[schema(min_length = 1, max_length = 63, pattern = "^[a-z][a-z0-9_-]{0,62}$", example = "small")]
    name: String,
    /// Its name on pages.
    #[garde(length(chars, min = 1, max = 200))]
    #[schema(min_length = 1, max_length = 200, example = "Small school")]
    title: String,
    /// Its limits; what is not there is the installation's.
    #[garde(custom(limit_texts))]
    #[serde(default)]
    #[schema(example = json!({ "read": "50/1s", "connections": "25%" }))]
    limits: BTreeMap<String, String>,
}

/// A plan: limits under a name, for the tenants that are given it.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
struct PlatformPlan {
    /// What tenants are given it by.
    #[schema(example = "small")]
    name: String,
    /// What may be changed.
    #[serde(flatten)]
    fields: PlatformPlanFields,
    /// Grows with every change; the ETag.
    #[schema(example = 1)]
    version: i64,
    /// When it was made.
    created_at: Timestamp,
    /// By whom.
    created_by: String,
    /// When it was last changed.
    updated_at: Timestamp,
    /// By whom.
    updated_by: String,
}

impl Versioned for PlatformPlan {
    fn version(&self) -> i64 {
        self.version
    }
}

impl From<Plan> for PlatformPlan {
    fn from(plan: Plan) -> Self {
        let PlanFields { title, limits } = plan.fields;
        Self {
            name: plan.name,
            fields: PlatformPlanFields { title, limits },
            version: plan.version,
            created_at: plan.created_at,
            created_by: plan.created_by,
            updated_at: plan.updated_at,
            updated_by: plan.updated_by,
        }
    }
}

type PlatformPlanPage = Page<PlatformPlan>;
type PlatformPlanPatch = MergePatch<PlatformPlanFields>;

#[derive(Debug, Clone, Copy)]
struct ByName;

impl Sort for ByName {
    const ORDERS: &'static [(&'static str, Self)] = &[("name", Self)];
}

/// The order, for the API document.
#[derive(Debug, IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "read by `Listing`; this is its description")]
struct PlanOrder {
    /// `name` (as usual); `-name` from the last to the first.
    #[param(pattern = "^-?name$", example = "name")]
    sort: Option<String>,
}

/// All of them.
#[derive(Debug, Deserialize, Validate, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct PlanQuery {}

/// List plans
#[utoipa::path(
    get,
    path = "/platform/plans",
    operation_id = "platform_plan_list",
    tag = "Platform plans",
    params(PlanOrder, PageQuery),
    responses((status = 200, description = "A page of plans.", body = PlatformPlanPage,
        example = json!({ "items": [sample()], "next_cursor": null })))
)]
async fn platform_plan_list(
    service: Service,
    caller: Caller,
    listing: Listing<PlanQuery, ByName>,
) -> Result<Answer<PlatformPlanPage>, Problem> {
    caller.authorize_operator(Action::Read, &PLAN)?;
    // The list is nobody's in particular.
    let nobody = TenantId::from_uuid(Uuid::nil());
    let after: Option<String> = listing.after(nobody, "platform_plan")?;
    let plans = service.tenancy().list_plans(after.as_deref(), listing.descending, listing.limit()).await?;
    let plans: Vec<PlatformPlan> = plans.into_iter().map(PlatformPlan::from).collect();
    Ok(Answer(listing.page(nobody, "platform_plan", plans, |last| last.name.clone())))
}

/// Make a plan
///
/// Give it to a tenant by `PATCH /platform/tenants/{id}`.
#[utoipa::path(
    post,
    path = "/platform/plans",
    operation_id = "platform_plan_create",
    tag = "Platform plans",
    params(IdempotencyHeader),
    request_body(content = NewPlatformPlan, example = json!({ "name": "small", "title": "Small school",
        "limits": { "read": "50/1s", "connections": "25%", "statement_timeout": "5s" } })),
    responses((status = 201, description = "The plan.", body = PlatformPlan,
        headers(("Location" = String, description = "Its address."), ("ETag" = String, description = "Its version.")),
        example = json!(sample())))
)]
async fn platform_plan_create(
    service: Service,
    caller: Caller,
    once: Once<NewPlatformPlan>,
) -> Result<Response<Body>, Problem> {
    caller.authorize_operator(Action::Create, &PLAN)?;
    let by = requester(&caller)?;
    let NewPlatformPlan { name, title, limits } = once.body;
    let new = NewPlan { name, fields: PlanFields { title, limits } };
    let (scope, key) = (by.actor.to_string(), once.key.as_ref());
    let mut tx = service.control().begin().await?;
    if let Some(earlier) = idempotency::take(&mut tx, &service, &scope, key).await? {
        return Ok(earlier.into_response());
    }
    let made: PlatformPlan = tx.create_plan(&new, by.clone()).await?.into();
    let changes = json!({ "title": made.fields.title, "limits": made.fields.limits });
    tx.audit(record(&by, "plan.create", PLAN).on(Subject::text(&made.name)).changing(changes));
    idempotency::keep(&mut tx, &scope, key, StatusCode::CREATED, &made).await?;
    tx.commit().await?;
    service.tenancy().refresh_registry().await?;
    let location = format!("/api/v1/platform/plans/{}", made.name);
    Ok((StatusCode::CREATED, [(header::LOCATION, location)], Tagged(made)).into_response())
}

/// Read a plan
#[utoipa::path(
    get,
    path = "/platform/plans/{name}",
    operation_id = "platform_plan_read",
    tag = "Platform plans",
    params(("name" = String, Path, description = "Which one.", example = "standard")),
    responses((status = 200, description = "The plan.", body = PlatformPlan,
        headers(("ETag" = String, description = "Its version.")), example = json!(sample())))
)]
async fn platform_plan_read(
    service: Service,
    caller: Caller,
    Path(name): Path<String>,
) -> Result<Tagged<PlatformPlan>, Problem> {
    caller.authorize_operator(Action::Read, &PLAN)?;
    Ok(Tagged(service.tenancy().plan(&name).await?.into()))
}

/// Change a plan
///
/// A JSON merge patch: what is absent stays, what is null is removed. It holds for every tenant of the plan, on every node
/// within a second, except where a tenant has limits of its own.
#[utoipa::path(
    patch,
    path = "/platform/plans/{name}",
    operation_id = "platform_plan_update",
    tag = "Platform plans",
    params(("name" = String, Path, description = "Which one.", example = "standard"),
        ("If-Match" = String, Header, description = "The ETag you read.", example = "\"v1\"")),
    request_body(content = PlatformPlanPatch, example = json!({ "limits": { "read": "100/1s", "write": null } })),
    responses((status = 200, description = "The plan as it is now.", body = PlatformPlan,
        headers(("ETag" = String, description = "Its version.")), example = json!(sample())))
)]
async fn platform_plan_update(
    service: Service,
    caller: Caller,
    Path(name): Path<String>,
    known: IfMatch,
    patch: PlatformPlanPatch,
) -> Result<Tagged<PlatformPlan>, Problem> {
    caller.authorize_operator(Action::Update, &PLAN)?;
    let by = requester(&caller)?;
    let before = service.tenancy().plan(&name).await?;
    let view = PlatformPlan::from(before.clone());
    known.check(&view)?;
    let after = patch.apply(&view.fields)?;
    if after == view.fields {
        return Ok(Tagged(view));
    }
    let changes = Changes::between(&view.fields, &after)?;
    let mut tx = service.control().begin().await?;
    let fields = PlanFields { title: after.title, limits: after.limits };
    let changed = tx.update_plan(&before, &fields, by.clone()).await?;
    tx.audit(record(&by, "plan.update", PLAN).on(Subject::text(&name)).changing(changes.into()));
    tx.commit().await?;
    service.tenancy().refresh_registry().await?;
    Ok(Tagged(changed.into()))
}

fn sample() -> PlatformPlan {
    let at = Timestamp::constant(1_767_603_600, 0);
    let by = "operator:acc_019b8d244e807c3e9d0a5f2b7c61e4a8";
    let limits = [("read", "50/1s"), ("connections", "25%"), ("statement_timeout", "5s")];
    PlatformPlan {
        name: "small".to_owned(),
        fields: PlatformPlanFields {
            title: "Small school".to_owned(),
            limits: limits.map(|(name, text)| (name.to_owned(), text.to_owned())).into(),
        },
        version: 1,
        created_at: at,
        created_by: by.to_owned(),
        updated_at: at,
        updated_by: by.to_owned(),
    }
}
