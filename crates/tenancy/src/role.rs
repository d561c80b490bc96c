//! Roles and what each may do: declared by modules as data, so that one table can be printed and read by a school principal.

use crate::{Action, Resource};

/// A role that every tenant with the module knows.
#[derive(Debug, Clone, Copy)]
pub struct Role {
    /// Stable word, such as `teacher`; the same in tokens, memberships and the API.
    pub name: &'static str,
    /// Its name on pages.
    pub title: &'static str,
    /// Who has it, in a sentence.
    pub description: &'static str,
}

/// What a role may do with a resource.
#[derive(Debug, Clone, Copy)]
pub struct Grant {
    /// The role's name. It may be declared by another module.
    pub role: &'static str,
    /// What it is about.
    pub resource: Resource,
    /// What may be done.
    pub actions: &'static [Action],
    /// How far it reaches, in a word the resource's module understands; none for all there are.
    pub scope: Option<&'static str>,
}

/// A narrowing of permissions to some of a resource's rows, seen from who acts. The module's statements hold to it.
#[derive(Debug, Clone, Copy)]
pub struct Scope {
    /// Stable word, such as `own_classes`: what stands behind the colon of a permission.
    pub name: &'static str,
    /// Its name on pages.
    pub title: &'static str,
    /// Whom or what it reaches, in a sentence.
    pub description: &'static str,
    /// For which resources there is such a narrowing, and for which actions. It reaches nothing else.
    pub on: &'static [(Resource, &'static [Action])],
}

impl Grant {
    /// For all there are.
    pub const fn all(role: &'static str, resource: Resource, actions: &'static [Action]) -> Self {
        Self { role, resource, actions, scope: None }
    }

    /// For those within a scope.
    pub const fn within(
        scope: &'static str,
        role: &'static str,
        resource: Resource,
        actions: &'static [Action],
    ) -> Self {
        Self { role, resource, actions, scope: Some(scope) }
    }

    /// As permissions: `module.resource.action`, with `:scope` behind where there is one.
    pub fn permissions(&self) -> impl Iterator<Item = String> + '_ {
        self.actions.iter().map(|action| {
            let scope = self.scope.map_or_else(String::new, |scope| format!(":{scope}"));
            format!("{}.{}{scope}", self.resource, action.word())
        })
    }
}
