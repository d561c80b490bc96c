//! Callers outside of every tenant: somebody signed in to the platform, or anybody at all.

use std::{net::IpAddr, sync::Arc};

use axum::{
    extract::FromRequestParts,
    http::{StatusCode, header, request::Parts},
};
use cloister_ids::RequestId;
use cloister_tenancy::{
    Action, Error, ErrorKind, Identity, Refusal, Registry, Resource, Result, Sources, Tenancy, TenantEntry,
    mutation::{self, Guard, is_off},
    on_account_of,
};

use crate::{Class, Edge, Key, Problem, Rates, host, op, origin, request::RequestInfo};

/// Anybody, signed in or not: for sign-in, sign-up and what leads to them.
#[derive(Debug, Clone)]
pub struct Visitor {
    /// The kernel.
    pub tenancy: Tenancy,
    /// The request.
    pub request: RequestId,
    /// Where it comes from.
    pub client: Option<IpAddr>,
    /// The host it was sent to.
    pub host: Option<String>,
    /// The tenant that host and path name; none at the installation's own hosts.
    pub tenant: Option<Arc<TenantEntry>>,
    /// What the program that asks says it is.
    pub user_agent: Option<String>,
    /// A browser says that one of the host's own pages sent the request.
    pub from_own_page: bool,
    rates: Rates,
    info: Arc<RequestInfo>,
}

/// Somebody signed in, without regard to a tenant: for one's own account, and for operators.
#[derive(Debug, Clone)]
pub struct Caller {
    /// Who.
    pub identity: Arc<Identity>,
    /// From where.
    pub visitor: Visitor,
}

/// Somebody signed in who asks about a tenant in whatever state it is: for being told what that state is, and nothing else.
/// Whether they belong to it is for the endpoint to look at.
#[derive(Debug, Clone)]
pub struct Onlooker {
    /// Who.
    pub caller: Caller,
    /// The tenant that host, path, header and token name.
    pub tenant: Arc<TenantEntry>,
}

/// Finds the tenant that a request names.
type Resolve = fn(&Registry, &Sources<'_>, &str) -> Result<Arc<TenantEntry>, Refusal>;

/// As much of a user agent's name as is kept.
const MAX_AGENT: usize = 300;

impl FromRequestParts<Edge> for Visitor {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, edge: &Edge) -> Result<Self, Problem> {
        let visitor = Self::read(parts, edge, Registry::resolve)?;
        visitor.limit(Class::Visitor)?;
        Ok(visitor)
    }
}

impl Visitor {
    /// Counts one act of this class for the client's network, and for the tenant whose door it is, or refuses it.
    pub fn limit(&self, class: Class) -> Result<(), Problem> {
        self.info.note(self.rates.check_client(class, self.client)?);
        // A crowd at one tenant's door may come from many networks.
        self.tenant.as_ref().map_or(Ok(()), |tenant| self.rates.check_door(class, tenant))
    }

    /// Counts one act of this class for whatever the key stands for, or refuses it.
    pub fn limit_by(&self, class: Class, key: Key) -> Result<(), Problem> {
        self.info.note(self.rates.check(class, key)?);
        Ok(())
    }

    fn read(parts: &Parts, edge: &Edge, resolve: Resolve) -> Result<Self, Problem> {
        let request = parts
            .extensions
            .get::<Arc<RequestInfo>>()
            .cloned()
            .ok_or_else(|| Error::internal("a route stands outside the frame"))?;
        let host = host::of(&parts.uri, &parts.headers, request.believed)?;
        let tenancy = edge.tenancy();
        let sources = op::sources(parts, host.as_deref())?;
        let tenant = match resolve(tenancy.registry(), &sources, tenancy.base_domain()) {
            Ok(tenant) => {
                let _ = request.tenant.set(tenant.id);
                on_account_of(tenant.id);
                Some(tenant)
            }
            Err(Refusal::Required) => None,
            Err(refusal) => return Err(op::refuse(&refusal, &sources)),
        };
        let agent = parts.headers.get(header::USER_AGENT).and_then(|value| value.to_str().ok());
        Ok(Self {
            tenancy: tenancy.clone(),
            request: request.id,
            client: request.client,
            user_agent: agent.map(|text| text.chars().take(MAX_AGENT).collect()),
            from_own_page: host.as_deref().is_some_and(|host| origin::is_own(parts, host)),
            host,
            tenant,
            rates: edge.rates().clone(),
            info: request,
        })
    }
}

impl FromRequestParts<Edge> for Caller {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, edge: &Edge) -> Result<Self, Problem> {
        let visitor = Self::read(parts, edge, Registry::resolve).await?;
        Self::of(visitor, parts, edge).await
    }
}

impl FromRequestParts<Edge> for Onlooker {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, edge: &Edge) -> Result<Self, Problem> {
        let visitor = Caller::read(parts, edge, Registry::identify).await?;
        let caller = Caller::of(visitor, parts, edge).await?;
        let by_token = || caller.identity.tenant.and_then(|id| edge.tenancy().registry().by_id(id));
        let is_there = |tenant: &Arc<TenantEntry>| tenant.admit() != Err(Refusal::Unknown);
        let tenant = caller
            .visitor
            .tenant
            .clone()
            .or_else(by_token)
            .filter(is_there)
            .ok_or_else(|| Refusal::Required.error())?;
        Ok(Self { caller, tenant })
    }
}

impl Caller {
    /// Where the request was sent. Of whoever names two tenants, and is known, the audit log has it.
    async fn read(parts: &Parts, edge: &Edge, resolve: Resolve) -> Result<Visitor, Problem> {
        let problem = match Visitor::read(parts, edge, resolve) {
            Err(problem) if problem.error().code() == Refusal::Mismatch.error().code() => problem,
            read => return read,
        };
        let Some(request) = parts.extensions.get::<Arc<RequestInfo>>() else { return Err(problem) };
        let host = host::of(&parts.uri, &parts.headers, request.believed)?;
        match op::caller(edge, parts, host.as_deref(), request.client).await {
            Ok(identity) => {
                let sources = Sources { token: identity.tenant, ..op::sources(parts, host.as_deref())? };
                edge.tenancy().note_mismatch(&identity, &sources, request.id, request.client);
            }
            Err(busy) if busy.status() == StatusCode::TOO_MANY_REQUESTS => return Err(busy),
            Err(_) => {}
        }
        Err(problem)
    }

    async fn of(visitor: Visitor, parts: &Parts, edge: &Edge) -> Result<Self, Problem> {
        let identity = op::caller(edge, parts, visitor.host.as_deref(), visitor.client).await?;
        // At a door without a tenant the token alone says whose people these are.
        if let (None, Some(token)) = (&visitor.tenant, identity.tenant) {
            on_account_of(token);
        }
        if let (Some(token), Some(tenant)) = (identity.tenant, &visitor.tenant)
            && token != tenant.id
            && !is_off(Guard::CallerTenant)
        {
            let sources = Sources { token: Some(token), ..op::sources(parts, visitor.host.as_deref())? };
            edge.tenancy().note_mismatch(&identity, &sources, visitor.request, visitor.client);
            return Err(op::refuse(&Refusal::Mismatch, &sources));
        }
        // By account, wherever its programs are; the few that have none by network.
        let class = op::class(&parts.method);
        match identity.account {
            Some(account) => visitor.limit_by(class, account.into())?,
            None => visitor.limit(class)?,
        }
        Ok(Self { identity, visitor })
    }

    /// The first statement of an operator's use case. Who is no operator learns nothing of it.
    pub fn authorize_operator(&self, action: Action, on: &Resource) -> Result<()> {
        let identity = &self.identity;
        mutation::asked(on, action.word());
        if (identity.tenant.is_some() && !is_off(Guard::OperatorOutside)) || identity.operator.is_empty() {
            return Err(Error::not_found());
        }
        if identity.operator.allow(action, on) || mutation::is_permission_off(on, action.word()) {
            return Ok(());
        }
        if !identity.operator.allow(Action::Read, on) && !is_off(Guard::OperatorNotFound) {
            return Err(Error::not_found());
        }
        let message = format!("This needs the operator's permission {on}.{}.", action.word());
        Err(Error::new(ErrorKind::Forbidden, "permission_denied", message))
    }
}
