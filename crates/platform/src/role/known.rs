//! The permissions there are, in a form that people read.

use cloister_tenancy::{Action, Resource, Tenancy, TenantEntry};
use serde::Serialize;
use utoipa::ToSchema;

use super::modules;

/// One permission, taken apart.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, ToSchema)]
pub(crate) struct Permission {
    /// As roles and tokens have it.
    #[schema(example = "school.person.read:own_classes")]
    pub(crate) permission: String,
    /// What it is about; `*` for everything.
    #[schema(example = "school.person")]
    pub(crate) resource: String,
    /// What may be done; `*` for everything.
    #[schema(example = "read")]
    pub(crate) action: String,
    /// How far it reaches; null for all there are.
    pub(crate) scope: Option<Reach>,
}

/// How far a permission reaches.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, ToSchema)]
pub(crate) struct Reach {
    /// Behind the colon of the permission.
    #[schema(example = "own_classes")]
    pub(crate) name: String,
    /// On pages.
    #[schema(example = "own classes")]
    pub(crate) title: String,
}

/// What may be done with a resource of which no module grants anything to a role.
const USUAL: &[Action] = &[Action::Create, Action::Read, Action::Update, Action::Delete];

fn text(resource: &Resource, action: Action) -> String {
    format!("{resource}.{}", action.word())
}

/// Every permission that a tenant's own role can have: what its modules grant somebody, and of resources that they grant
/// nobody, the usual actions. Of this room's own resources, those that nobody is granted are the operators'.
pub(super) fn all(tenancy: &Tenancy, tenant: &TenantEntry) -> Vec<Permission> {
    let mut known = Vec::new();
    for module in modules(tenancy, tenant) {
        for resource in module.resources() {
            let grants = modules(tenancy, tenant).flat_map(cloister_tenancy::Module::grants);
            let mut actions: Vec<Action> =
                grants.filter(|grant| grant.resource == *resource).flat_map(|grant| grant.actions).copied().collect();
            if actions.is_empty() && module.name() != crate::MODULE {
                actions.extend(USUAL);
            }
            known.extend(actions.iter().map(|action| read(tenancy, tenant, &text(resource, *action))));
        }
        for scope in module.scopes() {
            for (resource, actions) in scope.on {
                let narrowed = |action: &Action| format!("{}:{}", text(resource, *action), scope.name);
                known.extend(actions.iter().map(|action| read(tenancy, tenant, &narrowed(action))));
            }
        }
    }
    known.sort();
    known.dedup();
    known
}

/// Takes a permission apart.
pub(super) fn read(tenancy: &Tenancy, tenant: &TenantEntry, permission: &str) -> Permission {
    let (words, scope) = permission.split_once(':').map_or((permission, None), |(words, scope)| (words, Some(scope)));
    let (resource, action) = words.rsplit_once('.').unwrap_or((words, "*"));
    let title = |name: &str| {
        let scopes = modules(tenancy, tenant).flat_map(cloister_tenancy::Module::scopes);
        scopes.into_iter().find(|scope| scope.name == name).map_or_else(|| name.to_owned(), |s| s.title.to_owned())
    };
    Permission {
        permission: permission.to_owned(),
        resource: resource.to_owned(),
        action: action.to_owned(),
        scope: scope.map(|name| Reach { name: name.to_owned(), title: title(name) }),
    }
}
