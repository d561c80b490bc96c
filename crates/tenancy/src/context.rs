//! Who does what, for which tenant, in answer to which request.

use std::{fmt, net::IpAddr, sync::Arc, time::Instant};

use cloister_ids::{AccountId, Clock, RequestId, SessionId, TenantId};
use smallvec::SmallVec;

use cloister_postgres::mutation::{self, Guard, is_off};

use crate::{Error, ErrorKind, Identity, OperatorVisit, Result, TenantEntry, batch::Whole};

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
    /// Take many out as a file.
    Export,
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
            Self::Export => "export",
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

/// How far a permission reaches: to all there are, or only to those within scopes that the resource's module understands.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Reach {
    all: bool,
    scopes: SmallVec<[Box<str>; 2]>,
}

impl Reach {
    /// To all there are.
    pub fn is_all(&self) -> bool {
        self.all
    }

    /// To those within this scope.
    pub fn has(&self, scope: &str) -> bool {
        self.scopes.iter().any(|known| &**known == scope)
    }

    /// To nothing.
    pub fn is_nothing(&self) -> bool {
        !self.all && self.scopes.is_empty()
    }
}

/// Permissions in the form `module.resource.action`, where the last words may be `*`. With `:scope` behind it, a permission
/// reaches only so far.
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

    /// True when one of them covers this, for all there are.
    pub fn allow(&self, action: Action, on: &Resource) -> bool {
        self.0.iter().any(|granted| !granted.contains(':') && covers(granted, action, on))
    }

    /// How far they reach together.
    pub fn reach(&self, action: Action, on: &Resource) -> Reach {
        let mut reach = Reach::default();
        for granted in self.0.iter() {
            match granted.split_once(':') {
                None if covers(granted, action, on) => return Reach { all: true, ..Reach::default() },
                Some((granted, scope)) if covers(granted, action, on) && !reach.has(scope) => {
                    reach.scopes.push(scope.into());
                }
                _ => {}
            }
        }
        reach
    }

    /// What both name. Scopes are compared by their letters: one that differs is left out.
    #[must_use]
    pub fn and(&self, other: &Self) -> Self {
        let all = |set: &Self| set.iter().any(|granted| granted == "*");
        if all(self) {
            return other.clone();
        }
        if all(other) {
            return self.clone();
        }
        Self::new(self.iter().filter(|granted| other.iter().any(|known| known == *granted)))
    }

    /// As texts.
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(|text| &**text)
    }

    /// True without any.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
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
    pub(crate) who: Arc<Identity>,
    pub(crate) request: RequestId,
    pub(crate) client: Option<IpAddr>,
    pub(crate) deadline: Option<Instant>,
    pub(crate) clock: Arc<dyn Clock>,
    /// What this is a step of; none for a unit of work of its own.
    pub(crate) whole: Option<Whole>,
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
        &self.who.actor
    }

    /// The actor's account, for scopes such as "own classes".
    pub fn account(&self) -> Option<AccountId> {
        self.who.account
    }

    /// The session the request belongs to.
    pub fn session(&self) -> Option<SessionId> {
        self.who.session
    }

    /// An operator's grounds for being here.
    pub fn visit(&self) -> Option<&OperatorVisit> {
        self.who.visit.as_ref()
    }

    /// What the actor may do here.
    pub fn permissions(&self) -> &PermissionSet {
        &self.who.permissions
    }

    /// Where the request comes from.
    pub fn client(&self) -> Option<IpAddr> {
        self.client
    }

    /// The same, for a request that comes from there.
    #[must_use]
    pub fn coming_from(mut self, client: Option<IpAddr>) -> Self {
        self.client = client;
        self
    }

    /// The same, in the name of somebody else and with no more than these permissions: background work that somebody asked for
    /// does what they may do. Permissions that it has not itself are left out.
    #[must_use]
    pub fn in_the_name_of(mut self, actor: Actor, permissions: &PermissionSet) -> Self {
        let own = &self.who.permissions;
        let all = own.iter().any(|granted| granted == "*");
        let permissions = permissions.iter().filter(|granted| all || own.iter().any(|known| known == *granted));
        let account = match &actor {
            Actor::Account(name) => name.parse().ok(),
            Actor::System(_) | Actor::Operator(_) => None,
        };
        let permissions = PermissionSet::new(permissions);
        self.who = Arc::new(Identity { account, ..Identity::new(actor, Some(self.tenant.id), permissions) });
        self
    }

    /// The same, with the account, the session and the visit that the actor's request had.
    pub(crate) fn on_grounds(
        mut self,
        account: Option<AccountId>,
        session: Option<SessionId>,
        visit: Option<OperatorVisit>,
    ) -> Self {
        self.who = Arc::new(Identity { account, session, visit, ..(*self.who).clone() });
        self
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

    /// The first statement of every use case: the actor may do this with all there are.
    ///
    /// What the actor may not see does not exist: only who may read a resource is told that more is forbidden. A resource of
    /// a module that this kind of tenant does not have does not exist either. A use case that knows nothing of scopes is
    /// closed to whoever has the permission only within one.
    pub fn authorize(&self, action: Action, on: &Resource) -> Result<()> {
        if self.authorize_within(action, on)?.is_all()
            || is_off(Guard::ScopeIsNotAll)
            || mutation::is_permission_off(on, action.word())
        {
            return Ok(());
        }
        Err(self.refusal(action, on))
    }

    /// The first statement of a use case whose statements take a scope: how far the actor reaches.
    pub fn authorize_within(&self, action: Action, on: &Resource) -> Result<Reach> {
        mutation::asked(on, action.word());
        if !self.tenant.has_module(on.module) && !is_off(Guard::ModuleOfKind) {
            return Err(Error::not_found());
        }
        let reach = self.who.permissions.reach(action, on);
        if reach.is_nothing() && !mutation::is_permission_off(on, action.word()) {
            return Err(self.refusal(action, on));
        }
        let let_out = reach.scopes.iter().any(|scope| mutation::is_scope_off(scope));
        Ok(if reach.is_nothing() || let_out { Reach { all: true, ..Reach::default() } } else { reach })
    }

    fn refusal(&self, action: Action, on: &Resource) -> Error {
        let visible = !self.who.permissions.reach(Action::Read, on).is_nothing();
        if visible || matches!(action, Action::Create | Action::Import) || is_off(Guard::NotFoundBeforeForbidden) {
            return Error::new(
                ErrorKind::Forbidden,
                "permission_denied",
                format!("This needs the permission {on}.{}.", action.word()),
            );
        }
        Error::not_found()
    }
}

#[cfg(test)]
mod tests {
    use super::{Action, PermissionSet, Resource};

    const PERSON: Resource = Resource { module: "school", name: "person" };

    #[test]
    fn a_permission_within_a_scope_does_not_reach_beyond_it() {
        let narrow = PermissionSet::new(["school.person.read:own_classes", "school.person.*:self"]);
        assert!(!narrow.allow(Action::Read, &PERSON));
        let reach = narrow.reach(Action::Read, &PERSON);
        assert!(!reach.is_all() && reach.has("own_classes") && reach.has("self") && !reach.has("own_children"));
        let reach = narrow.reach(Action::Update, &PERSON);
        assert!(reach.has("self") && !reach.has("own_classes"));
        assert!(PermissionSet::new(["school.person.read:self", "school.*"]).reach(Action::Read, &PERSON).is_all());
        assert!(PermissionSet::new(["catalog.*:self"]).reach(Action::Read, &PERSON).is_nothing());
    }

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
