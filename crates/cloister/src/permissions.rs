//! Who may do what, as a page for people: rendered from what the modules declare, so that it cannot tell anything else.

use std::{collections::BTreeSet, fmt::Write as _, sync::Arc};

use cloister_http::HttpModule;
use cloister_tenancy::{Action, Grant, Resource, Role, Scope};

/// What can be done, in the order of the page, and in its words.
const ACTIONS: &[(Action, &str)] = &[
    (Action::Read, "see"),
    (Action::Create, "add"),
    (Action::Update, "change"),
    (Action::Delete, "delete"),
    (Action::Import, "bring in from a file"),
    (Action::Export, "take out as a file"),
];

/// What the modules of one kind of tenant declare.
pub(crate) struct Declared {
    roles: Vec<&'static Role>,
    scopes: Vec<&'static Scope>,
    resources: Vec<Resource>,
    grants: Vec<&'static Grant>,
}

impl Declared {
    /// By those of `modules` that tenants of this kind have.
    pub(crate) fn by(modules: &[Arc<dyn HttpModule>], kind: &str) -> Self {
        let here: Vec<_> =
            modules.iter().filter(|module| module.is_for_every_kind() || module.kinds().contains(&kind)).collect();
        Self {
            roles: here.iter().flat_map(|module| module.roles()).collect(),
            scopes: here.iter().flat_map(|module| module.scopes()).collect(),
            resources: here.iter().flat_map(|module| module.resources()).copied().collect(),
            grants: here.iter().flat_map(|module| module.grants()).collect(),
        }
    }

    /// The permissions of each role, in the order in which they are granted.
    pub(crate) fn permissions(&self) -> impl Iterator<Item = (&'static str, String)> + '_ {
        self.grants.iter().flat_map(|grant| grant.permissions().map(|permission| (grant.role, permission)))
    }

    /// Roles that are granted something, in the order in which they are.
    fn granted(&self) -> Vec<&'static str> {
        let mut seen = BTreeSet::new();
        self.grants.iter().map(|grant| grant.role).filter(|role| seen.insert(*role)).collect()
    }

    fn title(&self, role: &'static str) -> &'static str {
        self.roles.iter().find(|known| known.name == role).map_or(role, |known| known.title)
    }

    /// How far a role may go: a dash, `all`, or the titles of scopes.
    fn reach(&self, role: &str, resource: Resource, action: Action) -> String {
        let grants: Vec<_> = self
            .grants
            .iter()
            .filter(|grant| grant.role == role && grant.resource == resource && grant.actions.contains(&action))
            .collect();
        if grants.iter().any(|grant| grant.scope.is_none()) {
            return "all".to_owned();
        }
        let title = |name| self.scopes.iter().find(|scope| scope.name == name).map_or(name, |scope| scope.title);
        let scopes: Vec<&str> = grants.iter().filter_map(|grant| grant.scope).map(title).collect();
        if scopes.is_empty() { "–".to_owned() } else { scopes.join(", ") }
    }

    /// The page, in Markdown.
    pub(crate) fn page(&self, kind: &str) -> String {
        let mut page = format!(
            "# Who may do what in a {kind}\n\nWritten by `make codegen` from the table that the program itself decides by. \
             What is not granted here is denied: what one may not see answers as what does not exist.\n\n## Roles\n\n"
        );
        for role in self.granted() {
            let known = self.roles.iter().find(|known| known.name == role);
            let description = known.map_or("Every tenant has this role.", |known| known.description);
            line(&mut page, &format!("- **{}** (`{role}`): {description}", self.title(role)));
        }
        line(&mut page, "\n## The table\n");
        let roles = self.granted();
        let titles: Vec<&str> = roles.iter().map(|role| self.title(role)).collect();
        line(&mut page, &format!("| | {} |", titles.join(" | ")));
        line(&mut page, &format!("|---|{}", "---|".repeat(roles.len())));
        for resource in &self.resources {
            for (action, word) in ACTIONS {
                let cells: Vec<String> = roles.iter().map(|role| self.reach(role, *resource, *action)).collect();
                if cells.iter().any(|cell| cell != "–") {
                    let what = resource.name.replace('_', " ");
                    line(&mut page, &format!("| **{what}**: {word} | {} |", cells.join(" | ")));
                }
            }
        }
        if !self.scopes.is_empty() {
            line(&mut page, "\n## What the words mean\n");
            line(
                &mut page,
                "- **all**: every one in the tenant, deleted ones too. Whoever sees less than all sees none that is deleted.",
            );
            for scope in &self.scopes {
                line(&mut page, &format!("- **{}** (`{}`): {}", scope.title, scope.name, scope.description));
            }
        }
        page
    }
}

fn line(page: &mut String, text: &str) {
    // Writing to a String cannot fail.
    let _ = writeln!(page, "{text}");
}

#[cfg(test)]
mod tests {
    use super::Declared;
    use crate::installation::Rooms;

    #[test]
    fn the_page_for_schools_is_the_one_that_is_checked_in() {
        let fresh = Declared::by(&Rooms::new().modules, "school").page("school");
        let kept = include_str!("../../../docs/school/permissions.md");
        assert_eq!(fresh, kept, "run `make codegen` and commit what it writes");
    }

    #[test]
    fn a_kind_has_the_roles_of_its_own_modules() {
        let company = Declared::by(&Rooms::new().modules, "company");
        assert!(company.granted().contains(&"staff") && !company.granted().contains(&"teacher"));
        let mut seen: Vec<_> =
            company.permissions().filter(|(role, _)| *role == "staff").map(|(_, text)| text).collect();
        seen.sort();
        assert_eq!(seen, ["catalog.component.create", "catalog.component.read", "catalog.component.update"]);
        assert!(
            Declared::by(&Rooms::new().modules, "nothing").permissions().all(|(_, text)| text.starts_with("platform."))
        );
    }

    #[test]
    fn every_role_that_is_granted_something_can_be_named_by_its_module_or_is_one_that_every_tenant_has() {
        for kind in ["school", "company"] {
            let declared = Declared::by(&Rooms::new().modules, kind);
            for role in declared.granted() {
                let known = declared.roles.iter().any(|known| known.name == role);
                assert!(known || ["owner", "admin"].contains(&role), "{role}");
            }
        }
    }
}
