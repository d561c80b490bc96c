//! Which tenant a request is about: every source that names one must name the same.

use std::{fmt, sync::Arc};

use cloister_ids::TenantId;
use cloister_postgres::mutation::{Guard, is_off};

use crate::{Error, ErrorKind, Registry, Status, TenantEntry};

/// What a request says about its tenant. None of them has precedence.
#[derive(Debug, Clone, Copy, Default)]
pub struct Sources<'a> {
    /// `Host` header, without port, in lower case.
    pub host: Option<&'a str>,
    /// The slug in `/t/<slug>/…`.
    pub path: Option<&'a str>,
    /// `X-Tenant-ID`: a slug or an id.
    pub header: Option<&'a str>,
    /// The tenant a token is for.
    pub token: Option<TenantId>,
}

/// One step of the search, for people who wonder.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Step {
    /// What was looked at.
    pub source: &'static str,
    /// The value.
    pub value: String,
    /// What came of it.
    pub finding: String,
}

/// Why a request is not let in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Refusal {
    /// Nothing names a tenant.
    Required,
    /// A source names a tenant that does not exist. Also the answer for one that is deleted.
    Unknown,
    /// Two sources name different tenants.
    Mismatch,
    /// It is being made.
    NotReady,
    /// It is shut.
    Suspended,
    /// It is closed for maintenance, with what its people are told.
    Maintenance(Option<Box<str>>),
}

impl Refusal {
    /// The error a client gets.
    pub fn error(&self) -> Error {
        let wait = std::time::Duration::from_secs;
        match self {
            Self::Required => Error::new(
                ErrorKind::Malformed,
                "tenant_required",
                "Name the tenant: by its host, by /t/<slug>/… or by the header X-Tenant-ID.",
            ),
            Self::Unknown => Error::new(ErrorKind::NotFound, "tenant_unknown", "There is no such tenant."),
            Self::Mismatch => Error::new(
                ErrorKind::Forbidden,
                "tenant_mismatch",
                "Host, path, header and token must name the same tenant.",
            ),
            Self::NotReady => Error::new(
                ErrorKind::Unavailable,
                "tenant_not_ready",
                "This tenant is being prepared. Try again shortly.",
            )
            .retry_after(wait(5)),
            Self::Suspended => Error::new(
                ErrorKind::Forbidden,
                "tenant_suspended",
                "This tenant is suspended. Its owner can ask the operator of the platform why.",
            ),
            Self::Maintenance(message) => Error::new(
                ErrorKind::Unavailable,
                "tenant_maintenance",
                message.as_deref().map_or_else(
                    || "This tenant is closed for maintenance. Try again later.".to_owned(),
                    str::to_owned,
                ),
            )
            .retry_after(wait(60)),
        }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.error().message())
    }
}

impl TenantEntry {
    /// May requests be served for it?
    pub fn admit(&self) -> Result<(), Refusal> {
        if self.status != Status::Active && is_off(Guard::StatusAdmits) {
            return Ok(());
        }
        match self.status {
            Status::Active if self.maintenance => Err(Refusal::Maintenance(self.maintenance_message.clone())),
            Status::Active => Ok(()),
            Status::Pending | Status::Preparing | Status::Failed => Err(Refusal::NotReady),
            Status::Suspended => Err(Refusal::Suspended),
            Status::Deleted | Status::Purging => Err(Refusal::Unknown),
        }
    }
}

/// What a host name means, before any tenant is looked up.
enum Host<'a> {
    /// The installation's own: sign-up, operator console, health.
    Common,
    /// `<slug>.<base domain>`.
    Slug(&'a str),
    /// Anything else can only be a tenant's own domain.
    Custom,
}

fn read_host<'a>(host: &'a str, base_domain: &str) -> Host<'a> {
    match host.strip_suffix(base_domain) {
        Some("") => Host::Common,
        Some(rest) => match rest.strip_suffix('.') {
            Some("ops" | "www" | "api") => Host::Common,
            Some(slug) if !slug.contains('.') => Host::Slug(slug),
            _ => Host::Custom,
        },
        None if host.parse::<std::net::IpAddr>().is_ok() || host.starts_with('[') => Host::Common,
        None => Host::Custom,
    }
}

impl Registry {
    /// The tenant that all sources agree on, if requests may be served for it. Looks only into memory.
    pub fn resolve(&self, sources: &Sources<'_>, base_domain: &str) -> Result<Arc<TenantEntry>, Refusal> {
        self.find(sources, base_domain, &mut |_, _, _| {}).and_then(|entry| entry.admit().map(|()| entry))
    }

    /// The tenant that all sources agree on, in whatever state it is, short of being deleted: for telling those who belong to
    /// it what state that is.
    pub fn identify(&self, sources: &Sources<'_>, base_domain: &str) -> Result<Arc<TenantEntry>, Refusal> {
        match self.find(sources, base_domain, &mut |_, _, _| {}) {
            Ok(entry) if entry.admit() == Err(Refusal::Unknown) => Err(Refusal::Unknown),
            other => other,
        }
    }

    /// The same as [`resolve`](Self::resolve), telling each step.
    pub fn explain(&self, sources: &Sources<'_>, base_domain: &str) -> (Vec<Step>, Result<Arc<TenantEntry>, Refusal>) {
        let mut steps = Vec::new();
        let found = self.find(sources, base_domain, &mut |source, value, finding| {
            steps.push(Step { source, value: value.to_owned(), finding });
        });
        if let Ok(entry) = &found {
            let finding = match entry.admit() {
                Ok(()) => "requests are served".to_owned(),
                Err(refusal) => format!("refused with {}: {refusal}", refusal.error().code()),
            };
            steps.push(Step { source: "status", value: entry.status.to_string(), finding });
        }
        (steps, found.and_then(|entry| entry.admit().map(|()| entry)))
    }

    fn find(
        &self,
        sources: &Sources<'_>,
        base_domain: &str,
        tell: &mut dyn FnMut(&'static str, &str, String),
    ) -> Result<Arc<TenantEntry>, Refusal> {
        let mut agreed: Option<Arc<TenantEntry>> = None;
        let mut unknown = false;
        let mut mismatch = false;
        let mut consider = |source: &'static str,
                            value: &str,
                            found: Option<Arc<TenantEntry>>,
                            tell: &mut dyn FnMut(&'static str, &str, String)| {
            match (found, &agreed) {
                (None, _) => {
                    unknown = true;
                    tell(source, value, "no tenant has this".to_owned());
                }
                (Some(found), Some(before)) if before.id != found.id && !is_off(Guard::SourcesAgree) => {
                    mismatch = true;
                    tell(source, value, format!("names {} ({}): another than before", found.slug, found.id));
                }
                (Some(found), _) => {
                    tell(source, value, format!("names {} ({})", found.slug, found.id));
                    agreed = Some(found);
                }
            }
        };
        if let Some(host) = sources.host {
            match read_host(host, base_domain) {
                Host::Common => tell("host", host, "belongs to the installation and names no tenant".to_owned()),
                Host::Slug(slug) => consider("host", host, self.by_slug(slug), tell),
                Host::Custom => consider("host", host, self.by_host(host), tell),
            }
        }
        if let Some(slug) = sources.path {
            consider("path", slug, self.by_slug(slug), tell);
        }
        if let Some(text) = sources.header {
            let found = text.parse::<TenantId>().map_or_else(|_| self.by_slug(text), |id| self.by_id(id));
            consider("header", text, found, tell);
        }
        if let Some(id) = sources.token {
            consider("token", &id.to_string(), self.by_id(id), tell);
        }
        // A name that exists nowhere says no more than one that exists elsewhere.
        if mismatch || (unknown && agreed.is_some() && !is_off(Guard::UnknownSourceRefused)) {
            return Err(Refusal::Mismatch);
        }
        if unknown && agreed.is_none() {
            return Err(Refusal::Unknown);
        }
        agreed.ok_or(Refusal::Required)
    }
}
