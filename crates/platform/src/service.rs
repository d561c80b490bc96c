//! What the endpoints of this room work with.

use std::sync::{
    Arc, OnceLock,
    atomic::{AtomicBool, Ordering},
};

use axum::{extract::FromRequestParts, http::request::Parts};
use cloister_http::{Edge, Problem};
use cloister_ids::TenantId;
use cloister_tenancy::{ControlPlane, Error, Result, Tenancy};
use jiff::Timestamp;
use tokio::sync::Mutex;

use crate::{
    Keyring,
    password::{PasswordSettings, Passwords},
    revocation::Revocations,
    token::{Memory, SigningKeys},
};

/// How the room is set.
#[derive(Debug, Clone)]
pub struct PlatformSettings {
    /// What links in mails begin with at the installation's own host, such as `http://localhost:8080`. A tenant's links have
    /// its slug in front of the host.
    pub public_url: String,
    /// How mail is sent; without it, mails wait in the outbox for the operator.
    pub smtp: Option<crate::mail::SmtpSettings>,
    /// What strangers may sign up for.
    pub signups: crate::signup::SignupSettings,
}

impl Default for PlatformSettings {
    fn default() -> Self {
        let public_url = "http://localhost:8080".to_owned();
        Self { public_url, smtp: None, signups: crate::signup::SignupSettings::default() }
    }
}

/// Everything this room holds while a node runs. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Service(pub(crate) Arc<Inner>);

#[derive(Debug)]
pub(crate) struct Inner {
    control: ControlPlane,
    keyring: Keyring,
    settings: PlatformSettings,
    passwords: Passwords,
    keys: SigningKeys,
    keys_read_at: Mutex<Timestamp>,
    memory: Memory,
    revocations: Revocations,
    control_plane_away: AtomicBool,
    watches: crate::signup::Watches,
}

impl Service {
    /// Makes the first signing key when there is none, and reads what is revoked.
    pub(crate) async fn start(control: ControlPlane, keyring: Keyring, settings: PlatformSettings) -> Result<Self> {
        let now = control.tenancy().clock().now();
        let (keys, revocations) = (SigningKeys::default(), Revocations::default());
        keys.load(&control, &keyring, now).await?;
        revocations.catch_up(&control, now).await?;
        Ok(Self(Arc::new(Inner {
            passwords: Passwords::start(PasswordSettings::default())?,
            keys_read_at: Mutex::new(now),
            memory: Memory::default(),
            control_plane_away: AtomicBool::new(false),
            watches: crate::signup::Watches::default(),
            control,
            keyring,
            settings,
            keys,
            revocations,
        })))
    }

    /// The control plane.
    pub(crate) fn control(&self) -> &ControlPlane {
        &self.0.control
    }

    /// The kernel.
    pub(crate) fn tenancy(&self) -> &Tenancy {
        self.0.control.tenancy()
    }

    /// The installation's key.
    pub(crate) fn keyring(&self) -> &Keyring {
        &self.0.keyring
    }

    /// How the room is set.
    pub(crate) fn settings(&self) -> &PlatformSettings {
        &self.0.settings
    }

    /// Where passwords are hashed.
    pub(crate) fn passwords(&self) -> &Passwords {
        &self.0.passwords
    }

    /// What signs access tokens.
    pub(crate) fn keys(&self) -> &SigningKeys {
        &self.0.keys
    }

    /// Credentials that were found good.
    pub(crate) fn memory(&self) -> &Memory {
        &self.0.memory
    }

    /// What is refused before it expires.
    pub(crate) fn revocations(&self) -> &Revocations {
        &self.0.revocations
    }

    /// Sign-ups that somebody watches.
    pub(crate) fn watches(&self) -> &crate::signup::Watches {
        &self.0.watches
    }

    /// Whether the control plane did not answer when it was last asked.
    pub(crate) fn is_control_plane_away(&self) -> bool {
        self.0.control_plane_away.load(Ordering::Acquire)
    }

    pub(crate) fn set_control_plane_away(&self, away: bool) {
        if self.0.control_plane_away.swap(away, Ordering::AcqRel) != away {
            tracing::warn!(away, "the control plane went away or came back");
        }
    }

    /// Reads the signing keys again, at most every few seconds, whoever asks.
    pub(crate) async fn read_keys_again(&self) -> Result<()> {
        let now = self.tenancy().clock().now();
        let mut last = self.0.keys_read_at.lock().await;
        if now.duration_since(*last).as_secs() < 5 {
            return Ok(());
        }
        *last = now;
        self.0.keys.load(self.control(), self.keyring(), now).await
    }

    /// Makes a signing key that every node uses from a minute later on. Nobody is signed out. Answers its id.
    pub async fn rotate_signing_key(&self) -> Result<String> {
        let now = self.tenancy().clock().now();
        let id = SigningKeys::rotate(self.control(), self.keyring(), now).await?;
        self.keys().load(self.control(), self.keyring(), now).await?;
        Ok(id)
    }

    /// The address of a page at a tenant's host, or at the installation's own, with a secret that only the page sees: what is
    /// behind a `#` is sent to no server and stands in no log.
    pub(crate) fn link(&self, tenant: Option<TenantId>, page: &str, secret: &str) -> String {
        let tenant = tenant.and_then(|id| self.tenancy().registry().by_id(id));
        let base = match tenant {
            Some(tenant) => self.address_of(tenant.slug.as_str()),
            None => self.settings().public_url.trim_end_matches('/').to_owned(),
        };
        format!("{base}/{page}#token={secret}")
    }

    /// Where a tenant of this slug is found.
    pub(crate) fn address_of(&self, slug: &str) -> String {
        let base = self.settings().public_url.trim_end_matches('/');
        base.split_once("://").map_or_else(|| base.to_owned(), |(scheme, rest)| format!("{scheme}://{slug}.{rest}"))
    }
}

/// Filled when the node has started: routes and jobs are described before there is a kernel.
pub(crate) type Slot = Arc<OnceLock<Service>>;

/// The service behind a slot, once the node has started.
pub(crate) fn opened(slot: &Slot) -> Result<Service> {
    slot.get().cloned().ok_or_else(|| Error::unavailable("the node has not started"))
}

impl FromRequestParts<Edge> for Service {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &Edge) -> Result<Self, Problem> {
        let slot = parts.extensions.get::<Slot>().ok_or_else(|| Error::internal("a route stands outside its room"))?;
        Ok(opened(slot)?)
    }
}
