//! What the endpoints of this room work with.

use std::sync::{Arc, OnceLock};

use axum::{extract::FromRequestParts, http::request::Parts};
use cloister_http::{Edge, Problem};
use cloister_tenancy::{ControlPlane, Error, Result, Tenancy};

use crate::Keyring;

/// How the room is set.
#[derive(Debug, Clone)]
pub struct PlatformSettings {
    /// What links in mails begin with where no tenant's host fits, such as `http://localhost:8080`.
    pub public_url: String,
    /// How mail is sent; without it, mails wait in the outbox for the operator.
    pub smtp: Option<crate::mail::SmtpSettings>,
}

impl Default for PlatformSettings {
    fn default() -> Self {
        Self { public_url: "http://localhost:8080".to_owned(), smtp: None }
    }
}

/// Everything this room holds while a node runs. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Service(pub(crate) Arc<Inner>);

#[derive(Debug)]
pub(crate) struct Inner {
    pub(crate) control: ControlPlane,
    pub(crate) keyring: Keyring,
    pub(crate) settings: PlatformSettings,
}

impl Service {
    pub(crate) fn new(control: ControlPlane, keyring: Keyring, settings: PlatformSettings) -> Self {
        Self(Arc::new(Inner { control, keyring, settings }))
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
