//! What is known of a request from its first moment on.

use std::{
    net::{IpAddr, SocketAddr},
    sync::OnceLock,
    time::Instant,
};

use cloister_ids::{RequestId, TenantId};

/// The other end of the connection, put there by the server.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Peer(pub(crate) SocketAddr);

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
}
