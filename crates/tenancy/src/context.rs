//! Who does what, for which tenant, in answer to which request.

use std::{fmt, sync::Arc, time::Instant};

use cloister_ids::{Clock, RequestId, TenantId};

use crate::{Error, ErrorKind, Result, TenantEntry};

/// Who acts. The text is what audit rows and jobs keep.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Actor {
    /// Somebody signed in, named by their account.
    Account(Arc<str>),
    /// Background work, named by what it is.
    System(&'static str),
    /// The person at the command line of the installation.
    Operator(Arc<str>),
}

impl fmt::Display for Actor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Account(name) => write!(f, "account:{name}"),
            Self::System(name) => write!(f, "system:{name}"),
            Self::Operator(name) => write!(f, "operator:{name}"),
        }
    }
}

/// What is done to a resource.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Action {
    /// Make one.
    Create,
    /// See one, or a list.
    Read,
    /// Change one.
    Update,
    /// Remove one.
    Delete,
    /// Bring many in from a file.
    Import,
}

impl Action {
    /// The last word of a permission.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Create => "create",
            Self::Read => "read",
            Self::Update => "update",
            Self::Delete => "delete",
            Self::Import => "import",
        }
    }
}

/// A kind of thing that permissions are about, such as `school.person`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Resource {
    /// The module it belongs to.
    pub module: &'static str,
    /// Its name, singular, as in tables and audit rows.
    pub name: &'static str,
}

impl fmt::Display for Resource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.module, self.name)
    }
}

/// Permissions in the form `module.resource.action`, where the last words may be `*`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PermissionSet(Arc<[Box<str>]>);

impl PermissionSet {
    /// From texts; unknown ones simply match nothing.
    pub fn new<T: AsRef<str>>(granted: impl IntoIterator<Item = T>) -> Self {
        Self(granted.into_iter().map(|text| text.as_ref().into()).collect())
    }

    /// Everything within the tenant.
    pub fn all() -> Self {
        Self::new(["*"])
    }

    /// True when one of them covers this.
    pub fn allow(&self, action: Action, on: &Resource) -> bool {
        self.0.iter().any(|granted| covers(granted, action, on))
    }
}

fn covers(granted: &str, action: Action, on: &Resource) -> bool {
    let mut words = granted.split('.');
    for wanted in [on.module, on.name, action.word()] {
        match words.next() {
            Some("*") => return words.next().is_none(),
            Some(word) if word == wanted => {}
            _ => return false,
        }
    }
    words.next().is_none()
}

/// Made once at the edge, or by background work in its own name, and the first argument of every use case.
#[derive(Debug, Clone)]
pub struct OpContext {
    pub(crate) tenant: Arc<TenantEntry>,
    pub(crate) actor: Actor,
    pub(crate) permissions: PermissionSet,
    pub(crate) request: RequestId,
    pub(crate) deadline: Option<Instant>,
    pub(crate) clock: Arc<dyn Clock>,
}

impl OpContext {
    /// Whose rows this is about.
    pub fn tenant(&self) -> &TenantEntry {
        &self.tenant
    }

    /// The tenant's id.
    pub fn tenant_id(&self) -> TenantId {
        self.tenant.id
    }

    /// Who acts.
    pub fn actor(&self) -> &Actor {
        &self.actor
    }

    /// The request this is an answer to.
    pub fn request(&self) -> RequestId {
        self.request
    }

    /// When the answer is no longer wanted.
    pub fn deadline(&self) -> Option<Instant> {
        self.deadline
    }

    /// Where time comes from.
    pub fn clock(&self) -> &dyn Clock {
        &*self.clock
    }

    /// The first statement of every use case.
    ///
    /// What the actor may not see does not exist: only who may read a resource is told that more is forbidden. A resource of
    /// a module that this kind of tenant does not have does not exist either.
    pub fn authorize(&self, action: Action, on: &Resource) -> Result<()> {
        if !self.tenant.has_module(on.module) {
            return Err(Error::not_found());
        }
        if self.permissions.allow(action, on) {
            return Ok(());
        }
        let visible = self.permissions.allow(Action::Read, on);
        if visible || matches!(action, Action::Create | Action::Import) {
            return Err(Error::new(
                ErrorKind::Forbidden,
                "permission_denied",
                format!("This needs the permission {on}.{}.", action.word()),
            ));
        }
        Err(Error::not_found())
    }
}

#[cfg(test)]
mod tests {
    use super::{Action, PermissionSet, Resource};

    const PERSON: Resource = Resource { module: "school", name: "person" };

    #[test]
    fn a_permission_covers_what_it_names_and_no_more() {
        for (granted, covered) in [
            ("school.person.read", true),
            ("school.person.*", true),
            ("school.*", true),
            ("*", true),
            ("school.person", false),
            ("school.person.read.more", false),
            ("school.org.read", false),
            ("catalog.*", false),
            ("*.read", false),
            ("", false),
        ] {
            assert_eq!(PermissionSet::new([granted]).allow(Action::Read, &PERSON), covered, "{granted}");
        }
    }
}
