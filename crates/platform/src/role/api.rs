//! Endpoints about the roles of a tenant.

use axum::{
    body::Body,
    http::{Response, StatusCode},
    response::IntoResponse,
};
use cloister_http::{Answer, Edge, IdempotencyHeader, IfMatch, MergePatch, Once, Op, Path, Problem, Tagged};
use cloister_ids::CustomRoleId;
use cloister_tenancy::{Action, Changes, ControlTx, Error, ErrorKind, OpContext, Result};
use garde::Validate;
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    OwnRole, ROLE, RoleBook, change,
    change::RoleFields,
    known,
    known::Permission,
    store,
    view::{self, Kept, Role},
};
use crate::{Service, idempotency, membership, note, revocation};

/// The routes of this resource.
pub(crate) fn routes() -> OpenApiRouter<Edge> {
    OpenApiRouter::new()
        .routes(routes!(role_list, role_create))
        .routes(routes!(role_read, role_update, role_delete))
        .routes(routes!(permission_list))
}

/// All roles of a tenant.
#[derive(Debug, Serialize, ToSchema)]
struct Roles {
    /// Those that modules bring, then the tenant's own by name: at most a hundred.
    items: Vec<Role>,
}

/// All permissions that a tenant's own roles can have.
#[derive(Debug, Serialize, ToSchema)]
struct Permissions {
    /// In the order of their texts.
    items: Vec<Permission>,
}

/// A role to be made.
#[derive(Debug, Clone, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
struct NewRole {
    /// What it is called in memberships and addresses; never changes.
    #[garde(length(chars, min = 1, max = 63))]
    #[schema(min_length = 1, max_length = 63, pattern = "^[a-z][a-z0-9_]*$", example = "librarian")]
    name: String,
    /// Its name on pages.
    #[garde(length(chars, min = 1, max = 100), custom(change::visible))]
    #[schema(min_length = 1, max_length = 100, example = "Librarian")]
    display_name: String,
    /// Who has it, in a sentence.
    #[garde(inner(length(chars, max = 500)))]
    #[schema(max_length = 500)]
    description: Option<String>,
    /// Roles whose permissions it has too.
    #[garde(length(max = 10), inner(length(chars, min = 1, max = 63)))]
    #[serde(default)]
    #[schema(max_items = 10)]
    inherits: Vec<String>,
    /// Permissions of its own, out of those that `GET /tenant/permissions` lists.
    #[garde(length(max = 100), inner(length(chars, min = 1, max = 200)))]
    #[serde(default)]
    #[schema(max_items = 100)]
    permissions: Vec<String>,
}

/// Changes to one.
type RolePatch = MergePatch<RoleFields>;

/// List roles
///
/// Those that the tenant's modules bring, and those it made itself, each with all that it allows.
#[utoipa::path(
    get,
    path = "/tenant/roles",
    operation_id = "role_list",
    tag = "Roles",
    responses((status = 200, description = "All roles.", body = Roles, example = json!({ "items": [sample()] })))
)]
async fn role_list(service: Service, op: Op) -> Result<Answer<Roles>, Problem> {
    let cx = &op.cx;
    cx.authorize(Action::Read, &ROLE)?;
    let (tenancy, tenant) = (service.tenancy(), cx.tenant());
    let rows = service.control().snapshot(&[(&store::LIST, &[&tenant.id]), (&store::HOLDERS, &[&tenant.id])]).await?;
    let (kept, holders) = match rows.as_slice() {
        [kept, holders] => (kept.iter().map(Kept::from).collect::<Vec<_>>(), view::holders(holders)),
        _ => return Err(Error::internal("two questions had another number of answers").into()),
    };
    let book = RoleBook::look(&service, tenant).await?;
    let mut items = view::declared(tenancy, tenant, &book, &holders);
    items.extend(kept.iter().map(|kept| view::own(tenancy, tenant, &book, &holders, kept)));
    Ok(Answer(Roles { items }))
}

/// List permissions
///
/// Everything that the tenant's own roles can allow.
#[utoipa::path(
    get,
    path = "/tenant/permissions",
    operation_id = "permission_list",
    tag = "Roles",
    responses((status = 200, description = "All permissions.", body = Permissions,
        example = json!({ "items": [{ "permission": "school.person.read:own_classes", "resource": "school.person",
            "action": "read", "scope": { "name": "own_classes", "title": "own classes" } }] })))
)]
async fn permission_list(service: Service, op: Op) -> Result<Answer<Permissions>, Problem> {
    op.cx.authorize(Action::Read, &ROLE)?;
    Ok(Answer(Permissions { items: known::all(service.tenancy(), op.cx.tenant()) }))
}

/// Create a role
///
/// Within one's own rights: nobody makes a role that may do what they may not.
#[utoipa::path(
    post,
    path = "/tenant/roles",
    operation_id = "role_create",
    tag = "Roles",
    params(IdempotencyHeader),
    request_body(content = NewRole, example = json!({ "name": "librarian", "display_name": "Librarian",
        "inherits": [], "permissions": ["school.person.read"] })),
    responses((status = 201, description = "The role.", body = Role,
        headers(("ETag" = String, description = "Its version."), ("Location" = String, description = "Its address.")),
        example = json!(sample())))
)]
async fn role_create(service: Service, op: Op, once: Once<NewRole>) -> Result<Response<Body>, Problem> {
    let cx = &op.cx;
    cx.authorize(Action::Create, &ROLE)?;
    let Once { body: new, key } = once;
    let NewRole { name, display_name, description, inherits, permissions } = new;
    change::check_name(&service, &name)?;
    let fields = RoleFields { display_name, description, inherits, permissions };
    let (scope, by, now) = (idempotency::within(cx), cx.actor().to_string(), cx.clock().now());
    let mut tx = service.control().begin().await?;
    if let Some(earlier) = idempotency::take(&mut tx, &service, &scope, key.as_ref()).await? {
        return Ok(earlier.into_response());
    }
    membership::lock(&mut tx, cx.tenant_id(), now, &by).await?;
    let book = RoleBook::read(&mut tx, &service, cx.tenant()).await?;
    if book.own().len() >= change::MOST {
        let message = format!("A tenant has at most {} roles of its own.", change::MOST);
        return Err(Error::new(ErrorKind::Conflict, "too_many_roles", message).into());
    }
    let id = CustomRoleId::generate(cx.clock());
    let kept = Kept { id, name, fields, version: 1, created_at: now, updated_at: now };
    change::check(&service, book, cx.tenant(), cx.permissions(), &kept.own())?;
    let Kept { name, fields, .. } = &kept;
    let RoleFields { display_name, description, inherits, permissions } = fields;
    let with: &cloister_tenancy::sql::Parameters<'_> =
        &[&id, &cx.tenant_id(), name, display_name, description, inherits, permissions, &now, &by];
    tx.query(&store::INSERT, with).await?;
    let book = RoleBook::read(&mut tx, &service, cx.tenant()).await?;
    let made = view::own(service.tenancy(), cx.tenant(), &book, &view::Holders::new(), &kept);
    let record = note::within(cx, "role.create", ROLE).on(id);
    let told = json!({ "name": name, "inherits": inherits, "permissions": permissions });
    note::both(&mut tx, cx.tenant_id(), record.changing(told)).await?;
    idempotency::keep(&mut tx, &scope, key.as_ref(), StatusCode::CREATED, &made).await?;
    tx.commit().await?;
    let location = format!("/api/v1/tenant/roles/{name}");
    let mut response = (StatusCode::CREATED, Tagged(made)).into_response();
    if let Ok(value) = location.try_into() {
        response.headers_mut().insert(axum::http::header::LOCATION, value);
    }
    Ok(response)
}

/// Read a role
#[utoipa::path(
    get,
    path = "/tenant/roles/{name}",
    operation_id = "role_read",
    tag = "Roles",
    params(("name" = String, Path, description = "Which one, by name.", example = "librarian")),
    responses((status = 200, description = "The role.", body = Role,
        headers(("ETag" = String, description = "Its version.")), example = json!(sample())))
)]
async fn role_read(service: Service, op: Op, Path(name): Path<String>) -> Result<Tagged<Role>, Problem> {
    op.cx.authorize(Action::Read, &ROLE)?;
    Ok(Tagged(find(&service, &op.cx, &name).await?))
}

async fn find(service: &Service, cx: &OpContext, name: &str) -> Result<Role> {
    let (tenancy, tenant) = (service.tenancy(), cx.tenant());
    let holders = view::holders(&service.control().run(&store::HOLDERS, &[&tenant.id]).await?);
    let rows = service.control().run(&store::GET, &[&tenant.id, &name]).await?;
    let book = RoleBook::look(service, tenant).await?;
    if let Some(row) = rows.first() {
        return Ok(view::own(tenancy, tenant, &book, &holders, &Kept::from(row)));
    }
    let declared = view::declared(tenancy, tenant, &book, &holders);
    declared.into_iter().find(|role| role.name == name).ok_or_else(Error::not_found)
}

/// One that the tenant made, kept from changing; a refusal when a module brings it.
async fn lock(tx: &mut ControlTx, service: &Service, cx: &OpContext, name: &str) -> Result<Kept> {
    let rows = tx.query(&store::LOCK, &[&cx.tenant_id(), &name]).await?;
    if let Some(row) = rows.first() {
        return Ok(Kept::from(row));
    }
    if super::is_declared(service.tenancy(), cx.tenant(), name) {
        let message = "This role is the same for every tenant, and cannot be changed. Make one that inherits from it.";
        return Err(Error::new(ErrorKind::Conflict, "role_declared", message));
    }
    Err(Error::not_found())
}

/// Change a role
///
/// A JSON merge patch. Whoever has the role is refused with the tokens they have, on every node within a second, and gets
/// new ones by renewing.
#[utoipa::path(
    patch,
    path = "/tenant/roles/{name}",
    operation_id = "role_update",
    tag = "Roles",
    params(("name" = String, Path, description = "Which one, by name.", example = "librarian"),
        ("If-Match" = String, Header, description = "The ETag you read.", example = "\"v1\"")),
    request_body(content = RolePatch, example = json!({ "permissions": ["school.person.read", "school.class.read"] })),
    responses((status = 200, description = "The role as it is now.", body = Role,
        headers(("ETag" = String, description = "Its version.")), example = json!(sample())))
)]
async fn role_update(
    service: Service,
    op: Op,
    Path(name): Path<String>,
    known: IfMatch,
    patch: RolePatch,
) -> Result<Tagged<Role>, Problem> {
    let cx = &op.cx;
    cx.authorize(Action::Update, &ROLE)?;
    let (tenant, by, now) = (cx.tenant_id(), cx.actor().to_string(), cx.clock().now());
    let mut tx = service.control().begin().await?;
    membership::lock(&mut tx, tenant, now, &by).await?;
    let kept = lock(&mut tx, &service, cx, &name).await?;
    known.check(&kept)?;
    let next = Kept { fields: patch.apply(&kept.fields)?, ..kept.clone() };
    if next.fields == kept.fields {
        return Ok(Tagged(find(&service, cx, &name).await?));
    }
    let book = RoleBook::read(&mut tx, &service, cx.tenant()).await?;
    book.check_within(cx.permissions(), std::slice::from_ref(&name))?;
    change::check(&service, book, cx.tenant(), cx.permissions(), &next.own())?;
    let RoleFields { display_name, description, inherits, permissions } = &next.fields;
    let with: &cloister_tenancy::sql::Parameters<'_> =
        &[&tenant, &kept.id, display_name, description, inherits, permissions, &now, &by];
    tx.query(&store::UPDATE, with).await?;
    let allows_other = |a: &OwnRole, b: &OwnRole| a.inherits != b.inherits || a.permissions != b.permissions;
    let outdated = allows_other(&kept.own(), &next.own());
    let version = if outdated { Some(revoke(&mut tx, cx).await?) } else { None };
    let told = Changes::between(&kept.fields, &next.fields)?;
    note::both(&mut tx, tenant, note::within(cx, "role.update", ROLE).on(kept.id).changing(told.into())).await?;
    tx.commit().await?;
    if let Some(version) = version {
        service.revocations().tenant(tenant, version, now);
    }
    Ok(Tagged(find(&service, cx, &name).await?))
}

/// Every token of the tenant is of older roles from now on.
async fn revoke(tx: &mut ControlTx, cx: &OpContext) -> Result<i64> {
    let (tenant, by, now) = (cx.tenant_id(), cx.actor().to_string(), cx.clock().now());
    let version = membership::next_version(tx, tenant, now, &by).await?;
    tx.query(&revocation::store::REVOKE_TENANT, &[&now, &tenant, &version]).await?;
    tx.query(&revocation::store::TELL, &[]).await?;
    Ok(version)
}

/// Delete a role
///
/// Refused as long as somebody has it, is invited to it, or another role inherits from it.
#[utoipa::path(
    delete,
    path = "/tenant/roles/{name}",
    operation_id = "role_delete",
    tag = "Roles",
    params(("name" = String, Path, description = "Which one, by name.", example = "librarian"),
        ("If-Match" = String, Header, description = "The ETag you read.", example = "\"v1\"")),
    responses((status = 204, description = "It is gone."))
)]
async fn role_delete(
    service: Service,
    op: Op,
    Path(name): Path<String>,
    known: IfMatch,
) -> Result<StatusCode, Problem> {
    let cx = &op.cx;
    cx.authorize(Action::Delete, &ROLE)?;
    let (tenant, by, now) = (cx.tenant_id(), cx.actor().to_string(), cx.clock().now());
    let mut tx = service.control().begin().await?;
    membership::lock(&mut tx, tenant, now, &by).await?;
    let kept = lock(&mut tx, &service, cx, &name).await?;
    known.check(&kept)?;
    let book = RoleBook::read(&mut tx, &service, cx.tenant()).await?;
    book.check_within(cx.permissions(), std::slice::from_ref(&name))?;
    let rows = tx.query(&store::USES, &[&tenant, &name, &now]).await?;
    let uses = |of: &str| rows.first().map_or(0, |row| row.get::<_, i64>(of));
    let (members, invitations, heirs) = (uses("members"), uses("invitations"), uses("heirs"));
    if members + invitations + heirs > 0 {
        let message = format!(
            "{members} members have this role, {invitations} open invitations name it, and {heirs} roles inherit from \
             it. Take it from them first."
        );
        return Err(Error::new(ErrorKind::Conflict, "role_in_use", message).into());
    }
    tx.query(&store::DELETE, &[&tenant, &kept.id]).await?;
    let told = json!({ "name": name, "inherits": kept.fields.inherits, "permissions": kept.fields.permissions });
    note::both(&mut tx, tenant, note::within(cx, "role.delete", ROLE).on(kept.id).changing(told)).await?;
    tx.commit().await?;
    Ok(StatusCode::NO_CONTENT)
}

fn sample() -> Role {
    let at = jiff::Timestamp::constant(1_767_603_600, 0);
    let permission = Permission {
        permission: "school.person.read".to_owned(),
        resource: "school.person".to_owned(),
        action: "read".to_owned(),
        scope: None,
    };
    Role {
        name: "librarian".to_owned(),
        id: Some(CustomRoleId::from_uuid(cloister_ids::Uuid::from_u128(0x019b_8d24_4e80_7c3e_9d0a_5f2b_7c61_e4a8))),
        display_name: "Librarian".to_owned(),
        description: Some("Keeps the library, and sees who is at the school.".to_owned()),
        is_own: true,
        inherits: Vec::new(),
        permissions: vec![permission.clone()],
        effective_permissions: vec![permission],
        members: 3,
        version: 1,
        created_at: Some(at),
        updated_at: Some(at),
    }
}
