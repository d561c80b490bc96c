//! What is known of a request from its first moment on.

use std::{
    net::{IpAddr, SocketAddr},
    sync::{Mutex, OnceLock, PoisonError},
    time::Instant,
};

use cloister_ids::{RequestId, TenantId};

use crate::{crowd::Share, rates::Allowance};

/// The other end of the connection, put there by the server.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Peer(pub(crate) SocketAddr);

/// The head has more or longer headers than are read; put there by the server.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Oversized;

/// Shared by everything that answers one request.
#[derive(Debug)]
pub(crate) struct RequestInfo {
    pub(crate) id: RequestId,
    /// As the client wrote it, without the query.
    pub(crate) path: String,
    pub(crate) deadline: Instant,
    /// Whom it comes from; none for a call within the process.
    pub(crate) client: Option<IpAddr>,
    /// The connection's other end is a proxy whose headers are believed.
    pub(crate) believed: bool,
    /// For the log, once it is known.
    pub(crate) tenant: OnceLock<TenantId>,
    /// Its place among the tenant's requests, held until the answer is there.
    pub(crate) share: Mutex<Option<Share>>,
    /// What is left of the limit it was counted by last.
    pub(crate) allowance: Mutex<Option<Allowance>>,
}

impl RequestInfo {
    /// Tells the client what is left; nothing when the class is not limited.
    pub(crate) fn note(&self, allowance: Option<Allowance>) {
        if allowance.is_some() {
            *self.allowance.lock().unwrap_or_else(PoisonError::into_inner) = allowance;
        }
    }
}
