//! What an entry of an audit log says.

use std::{borrow::Cow, net::IpAddr};

use cloister_ids::{AccountId, AuditId, Clock, Id, Kind, RequestId, TenantId, Uuid};
use cloister_postgres::ToSql;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{Actor, OpContext, OperatorVisit};

/// Characters kept of a reason, and of what something is called.
const LONGEST_REASON: usize = 500;
const LONGEST_SUBJECT: usize = 200;

/// The one thing an act was about, by its name in addresses.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Subject(Option<String>);

impl Subject {
    /// Something that is named by a text, such as a host.
    pub fn text(text: &str) -> Self {
        Self(Some(text.chars().take(LONGEST_SUBJECT).collect()))
    }

    /// The text, if it names one.
    pub fn into_text(self) -> Option<String> {
        self.0
    }
}

impl<K: Kind> From<Id<K>> for Subject {
    fn from(id: Id<K>) -> Self {
        Self(Some(id.to_string()))
    }
}

/// For an act on many at once, `None`.
impl From<Option<Uuid>> for Subject {
    fn from(id: Option<Uuid>) -> Self {
        Self(id.map(|id| id.to_string()))
    }
}

/// Who asks for something to be done to a tenant, and from where.
#[derive(Debug, Clone)]
pub struct Requester {
    /// Who.
    pub actor: Actor,
    /// Their account.
    pub account: Option<AccountId>,
    /// Where the request comes from.
    pub client: Option<IpAddr>,
    /// The request.
    pub request: Option<RequestId>,
}

impl From<&Actor> for Requester {
    fn from(actor: &Actor) -> Self {
        Self { actor: actor.clone(), account: None, client: None, request: None }
    }
}

impl From<&Self> for Requester {
    fn from(other: &Self) -> Self {
        other.clone()
    }
}

impl From<&OpContext> for Requester {
    fn from(cx: &OpContext) -> Self {
        let (account, client, request) = (cx.account(), cx.client(), Some(cx.request()));
        Self { actor: cx.actor().clone(), account, client, request }
    }
}

/// The same as a workflow keeps it.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(crate) struct Origin {
    pub(crate) account: Option<AccountId>,
    pub(crate) client: Option<IpAddr>,
    pub(crate) request: Option<RequestId>,
}

impl Requester {
    pub(crate) fn origin(&self) -> Value {
        let Self { account, client, request, .. } = self;
        let origin = Origin { account: *account, client: *client, request: *request };
        serde_json::to_value(origin).unwrap_or(Value::Null)
    }
}

/// Something done on the platform: to a tenant, to an account, to the installation. It goes into the platform's own audit log.
#[derive(Debug, Clone)]
pub struct PlatformRecord {
    /// Who did it.
    pub actor: String,
    /// Their account.
    pub account: Option<AccountId>,
    /// In what capacity, where it is not their own.
    pub acting_as: Option<String>,
    /// What, such as `session.revoke`.
    pub action: Cow<'static, str>,
    /// The tenant it concerns, if one.
    pub tenant: Option<TenantId>,
    /// The kind of thing it was done to, such as `platform.session`.
    pub resource: String,
    /// Which one.
    pub resource_id: Subject,
    /// Where the request came from.
    pub client: Option<IpAddr>,
    /// The request.
    pub request: Option<RequestId>,
    /// Why.
    pub reason: Option<String>,
    /// What changed, without secrets.
    pub changes: Option<Value>,
}

impl PlatformRecord {
    /// That somebody did this to something of this kind. The other fields say more.
    #[expect(clippy::needless_pass_by_value, reason = "a word or a resource, whichever is at hand")]
    pub fn new(by: impl Into<Requester>, action: &'static str, resource: impl ToString) -> Self {
        let Requester { actor, account, client, request } = by.into();
        Self {
            actor: actor.to_string(),
            account,
            acting_as: None,
            action: action.into(),
            tenant: None,
            resource: resource.to_string(),
            resource_id: Subject::default(),
            client,
            request,
            reason: None,
            changes: None,
        }
    }

    /// To this one.
    #[must_use]
    pub fn on(mut self, subject: impl Into<Subject>) -> Self {
        self.resource_id = subject.into();
        self
    }

    /// Within, or to, this tenant.
    #[must_use]
    pub fn of(mut self, tenant: TenantId) -> Self {
        self.tenant = Some(tenant);
        self
    }

    /// For this reason.
    #[must_use]
    pub fn because(mut self, reason: Option<&str>) -> Self {
        self.reason = reason.map(str::to_owned);
        self
    }

    /// With these changes. Secrets do not belong in them.
    #[must_use]
    pub fn changing(mut self, changes: Value) -> Self {
        self.changes = Some(changes);
        self
    }

    /// As an entry of now.
    pub(crate) fn noted(self, clock: &dyn Clock) -> Noted {
        self.noted_as(AuditId::generate(clock), clock.now())
    }

    /// As this entry.
    pub(crate) fn noted_as(self, id: AuditId, at: Timestamp) -> Noted {
        let bounded = |text: String| text.chars().take(LONGEST_REASON).collect();
        Noted {
            id,
            at,
            actor: self.actor,
            account: self.account,
            acting_as: self.acting_as,
            action: self.action,
            tenant: self.tenant,
            resource: self.resource,
            resource_id: self.resource_id.into_text(),
            client: self.client.map(|address| address.to_string()),
            request: self.request,
            reason: self.reason.map(bounded),
            changes: self.changes,
        }
    }
}

/// An entry as it is written.
#[derive(Debug)]
pub(crate) struct Noted {
    pub(crate) id: AuditId,
    pub(crate) at: Timestamp,
    pub(crate) actor: String,
    pub(crate) account: Option<AccountId>,
    pub(crate) acting_as: Option<String>,
    pub(crate) action: Cow<'static, str>,
    pub(crate) tenant: Option<TenantId>,
    pub(crate) resource: String,
    pub(crate) resource_id: Option<String>,
    pub(crate) client: Option<String>,
    pub(crate) request: Option<RequestId>,
    pub(crate) reason: Option<String>,
    pub(crate) changes: Option<Value>,
}

impl Noted {
    /// What is done within a tenant, by the context it is done in.
    pub(crate) fn within(cx: &OpContext, action: &'static str, resource: String) -> PlatformRecord {
        let capacity = |visit: &OperatorVisit| if visit.elevated { "operator (elevated)" } else { "operator" };
        let mut record = PlatformRecord::new(cx, action, resource).of(cx.tenant_id());
        record.acting_as = cx.visit().map(|visit| capacity(visit).to_owned());
        record.because(cx.visit().map(|visit| &*visit.reason))
    }

    /// For the statement of the control plane's log.
    pub(crate) fn parameters(&self) -> [&(dyn ToSql + Sync); 13] {
        let Self { id, at, actor, account, acting_as, action, tenant, resource, resource_id, client, request, .. } =
            self;
        [
            id,
            at,
            actor,
            account,
            acting_as,
            action,
            tenant,
            resource,
            resource_id,
            client,
            request,
            &self.reason,
            &self.changes,
        ]
    }

    /// For the statement of a tenant's log.
    pub(crate) fn parameters_within<'a>(&'a self, tenant: &'a TenantId) -> [&'a (dyn ToSql + Sync); 13] {
        let Self { id, at, actor, account, acting_as, action, resource, resource_id, client, request, .. } = self;
        [
            tenant,
            id,
            at,
            actor,
            account,
            acting_as,
            action,
            resource,
            resource_id,
            client,
            request,
            &self.reason,
            &self.changes,
        ]
    }
}
