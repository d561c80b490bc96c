//! Roles as they are shown.

use std::collections::HashMap;

use cloister_http::Versioned;
use cloister_ids::CustomRoleId;
use cloister_tenancy::{Tenancy, TenantEntry, sql::Row};
use jiff::Timestamp;
use serde::Serialize;
use utoipa::ToSchema;

use super::{OwnRole, RoleBook, change::RoleFields, known, known::Permission, modules};

/// A role that members of a tenant can have.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(super) struct Role {
    /// What it is called in memberships and addresses; never changes.
    #[schema(example = "librarian")]
    pub(super) name: String,
    /// Of a tenant's own role; null for one that a module brings.
    pub(super) id: Option<CustomRoleId>,
    /// Its name on pages.
    #[schema(example = "Librarian")]
    pub(super) display_name: String,
    /// Who has it, in a sentence.
    pub(super) description: Option<String>,
    /// The tenant made it, and may change it.
    pub(super) is_own: bool,
    /// Roles whose permissions it has too.
    pub(super) inherits: Vec<String>,
    /// Permissions of its own, without those it inherits.
    pub(super) permissions: Vec<Permission>,
    /// All that its holders may do.
    pub(super) effective_permissions: Vec<Permission>,
    /// Members who have it.
    #[schema(example = 3)]
    pub(super) members: i64,
    /// Grows with every change; the ETag. 1 for what a module brings.
    #[schema(example = 1)]
    pub(super) version: i64,
    /// When it was made; null for what a module brings.
    pub(super) created_at: Option<Timestamp>,
    /// When it was last changed.
    pub(super) updated_at: Option<Timestamp>,
}

impl Versioned for Role {
    fn version(&self) -> i64 {
        self.version
    }
}

/// A tenant's own role as it is kept.
#[derive(Debug, Clone)]
pub(super) struct Kept {
    pub(super) id: CustomRoleId,
    pub(super) name: String,
    pub(super) fields: RoleFields,
    pub(super) version: i64,
    pub(super) created_at: Timestamp,
    pub(super) updated_at: Timestamp,
}

impl From<&Row> for Kept {
    fn from(row: &Row) -> Self {
        Self {
            id: row.get("id"),
            name: row.get("name"),
            fields: RoleFields {
                display_name: row.get("display_name"),
                description: row.get("description"),
                inherits: row.get("inherits"),
                permissions: row.get("permissions"),
            },
            version: row.get("version"),
            created_at: row.get("created_at"),
            updated_at: row.get("updated_at"),
        }
    }
}

impl Versioned for Kept {
    fn version(&self) -> i64 {
        self.version
    }
}

impl Kept {
    /// As far as permissions go.
    pub(super) fn own(&self) -> OwnRole {
        OwnRole {
            name: self.name.clone(),
            inherits: self.fields.inherits.clone(),
            permissions: self.fields.permissions.clone(),
        }
    }
}

/// How many members have each role.
pub(super) type Holders = HashMap<String, i64>;

pub(super) fn holders(rows: &[Row]) -> Holders {
    rows.iter().map(|row| (row.get("name"), row.get("members"))).collect()
}

fn apart(tenancy: &Tenancy, tenant: &TenantEntry, permissions: &[String]) -> Vec<Permission> {
    permissions.iter().map(|permission| known::read(tenancy, tenant, permission)).collect()
}

/// A role that the tenant made.
pub(super) fn own(
    tenancy: &Tenancy,
    tenant: &TenantEntry,
    book: &RoleBook<'_>,
    holders: &Holders,
    kept: &Kept,
) -> Role {
    let all = book.permissions(std::slice::from_ref(&kept.name));
    Role {
        name: kept.name.clone(),
        id: Some(kept.id),
        display_name: kept.fields.display_name.clone(),
        description: kept.fields.description.clone(),
        is_own: true,
        inherits: kept.fields.inherits.clone(),
        permissions: apart(tenancy, tenant, &kept.fields.permissions),
        effective_permissions: apart(tenancy, tenant, &all),
        members: holders.get(&kept.name).copied().unwrap_or(0),
        version: kept.version,
        created_at: Some(kept.created_at),
        updated_at: Some(kept.updated_at),
    }
}

/// The roles that the tenant's modules bring.
pub(super) fn declared(tenancy: &Tenancy, tenant: &TenantEntry, book: &RoleBook<'_>, holders: &Holders) -> Vec<Role> {
    let show = |role: &cloister_tenancy::Role| {
        let permissions = apart(tenancy, tenant, &book.permissions(&[role.name.to_owned()]));
        Role {
            name: role.name.to_owned(),
            id: None,
            display_name: role.title.to_owned(),
            description: Some(role.description.to_owned()),
            is_own: false,
            inherits: Vec::new(),
            effective_permissions: permissions.clone(),
            permissions,
            members: holders.get(role.name).copied().unwrap_or(0),
            version: 1,
            created_at: None,
            updated_at: None,
        }
    };
    modules(tenancy, tenant).flat_map(cloister_tenancy::Module::roles).map(show).collect()
}
