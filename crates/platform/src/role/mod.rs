//! Roles: what modules declare, what a tenant makes of its own, and what somebody who has some of them may do.

mod api;
mod book;
mod change;
mod known;
mod rank;
pub(crate) mod store;
mod view;

use std::collections::BTreeSet;

use cloister_tenancy::{ConstraintRule, Module, Resource, Tenancy, TenantEntry, sql::Row};
use serde::Deserialize;

pub(crate) use api::routes;
pub(crate) use book::RoleBook;

/// What permissions about a tenant's roles are about.
pub(crate) const ROLE: Resource = Resource { module: crate::MODULE, name: "role" };

/// What refused constraints mean.
pub(crate) const CONSTRAINTS: &[ConstraintRule] = &[ConstraintRule {
    constraint: "custom_role_name_key",
    field: "name",
    code: "role_exists",
    message: "There is a role of this name. Choose another.",
}];

/// The role that may do everything in its tenant.
pub(crate) const OWNER: &str = "owner";

/// A role that a tenant made, as far as permissions go.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct OwnRole {
    pub(crate) name: String,
    pub(crate) inherits: Vec<String>,
    pub(crate) permissions: Vec<String>,
}

impl From<&Row> for OwnRole {
    fn from(row: &Row) -> Self {
        Self { name: row.get("name"), inherits: row.get("inherits"), permissions: row.get("permissions") }
    }
}

/// Modules that a tenant has.
pub(crate) fn modules<'a>(tenancy: &'a Tenancy, tenant: &'a TenantEntry) -> impl Iterator<Item = &'a dyn Module> {
    tenancy.modules().iter().map(|module| &**module).filter(|module| tenant.has_module(module.name()))
}

/// Whether a tenant has a role of this name from its modules.
pub(crate) fn is_declared(tenancy: &Tenancy, tenant: &TenantEntry, name: &str) -> bool {
    modules(tenancy, tenant).any(|module| module.roles().iter().any(|role| role.name == name))
}

/// What somebody with these roles may do. A role that nobody declares gives nothing; roles inherit from each other at most
/// as deep as there are of them, so that a circle ends.
pub(crate) fn permissions(tenancy: &Tenancy, tenant: &TenantEntry, roles: &[String], own: &[OwnRole]) -> Vec<String> {
    let mut open: Vec<&str> = roles.iter().map(String::as_str).collect();
    let (mut seen, mut found) = (BTreeSet::new(), BTreeSet::new());
    while let Some(name) = open.pop() {
        if !seen.insert(name) {
            continue;
        }
        if name == OWNER {
            return vec!["*".to_owned()];
        }
        for module in modules(tenancy, tenant) {
            found.extend(
                module
                    .grants()
                    .iter()
                    .filter(|grant| grant.role == name)
                    .flat_map(|grant| grant.permissions().collect::<Vec<_>>()),
            );
        }
        if let Some(role) = own.iter().find(|role| role.name == name) {
            found.extend(role.permissions.iter().cloned());
            open.extend(role.inherits.iter().map(String::as_str));
        }
    }
    found.into_iter().collect()
}
