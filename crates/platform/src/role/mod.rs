//! Roles: what modules declare, what a tenant makes of its own, and what somebody who has some of them may do.

use std::collections::BTreeSet;

use cloister_tenancy::{Module, Tenancy, TenantEntry};
use serde::Deserialize;

/// The role that may do everything in its tenant.
pub(crate) const OWNER: &str = "owner";

/// A role that a tenant made, as far as permissions go.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct OwnRole {
    pub(crate) name: String,
    pub(crate) inherits: Vec<String>,
    pub(crate) permissions: Vec<String>,
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
