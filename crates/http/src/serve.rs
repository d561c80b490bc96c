//! From a listening socket to the routes, within bounds, and to an orderly end.

use std::{io, sync::Arc, time::Duration};

use axum::{Router, body::Body, extract::Request};
use hyper::{body::Incoming, server::conn::http1};
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    server::graceful::GracefulShutdown,
    service::TowerToHyperService,
};
use tokio::{net::TcpListener, sync::Semaphore, task::JoinSet};
use tower::{Layer, util::MapRequestLayer};

use crate::{
    Edge,
    crowd::Shares,
    request::{Oversized, Peer},
    stall::Stalling,
};

/// One network may have so many connections in any case.
const FEW: usize = 64;

/// Bounds of connections.
#[derive(Debug, Clone, Copy)]
pub struct ServerLimits {
    /// Connections at a time; more wait in the listener's queue. One network may have a quarter, and is hung up on beyond that,
    /// unless it is a trusted proxy.
    pub connections: usize,
    /// Bytes of a request's head.
    pub head: usize,
    /// Headers of a request.
    pub headers: usize,
    /// For a request's head to arrive, and for the next request of a connection to begin.
    pub head_time: Duration,
    /// For a client to take what it is sent; one that takes less than 16 KiB in this time is let go of.
    pub send_time: Duration,
    /// After `/readyz` turned 503, until no connection is accepted any more: load balancers need a moment to see it.
    pub unready: Duration,
    /// For requests under way, after that.
    pub drain: Duration,
}

impl Default for ServerLimits {
    fn default() -> Self {
        Self {
            connections: 10_000,
            head: 32 * 1024,
            headers: 100,
            head_time: Duration::from_secs(15),
            send_time: Duration::from_secs(20),
            unready: Duration::ZERO,
            drain: Duration::from_secs(20),
        }
    }
}

/// How serving ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Drained {
    /// Every request was answered.
    Completely,
    /// So many connections were cut.
    Cut(usize),
}

/// Serves until `shutdown` completes, then turns unready, stops accepting, and answers what is under way.
pub async fn serve(
    listener: TcpListener,
    app: Router,
    edge: &Edge,
    limits: ServerLimits,
    shutdown: impl Future<Output = ()>,
) -> io::Result<Drained> {
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new())
        .header_read_timeout(limits.head_time)
        // Somewhat more than is allowed is read and refused in the words of all refusals; far more is cut off.
        .max_buf_size(limits.head.saturating_mul(2).max(8192))
        .max_headers(limits.headers.saturating_mul(2))
        .half_close(false)
        .keep_alive(true);
    let slots = Arc::new(Semaphore::new(limits.connections));
    let networks = Shares::new((limits.connections / 4).max(FEW));
    let graceful = GracefulShutdown::new();
    let mut connections = JoinSet::new();
    let closing = async {
        shutdown.await;
        edge.close();
        tokio::time::sleep(limits.unready).await;
    };
    tokio::pin!(closing);
    loop {
        let accepted = tokio::select! {
            biased;
            () = &mut closing => break,
            // Ended ones are taken off the list, so that it holds no more than are open.
            Some(_) = connections.join_next(), if !connections.is_empty() => continue,
            accepted = accept(&listener, &slots) => accepted,
        };
        let (stream, peer, slot) = match accepted {
            Ok(accepted) => accepted,
            Err(error) => {
                // Most likely no file descriptor is free: some will be, a moment later.
                tracing::warn!(%error, "a connection could not be accepted");
                tokio::time::sleep(Duration::from_millis(50)).await;
                continue;
            }
        };
        let own = networks.try_enter(peer.ip().into());
        if own.is_none() && !edge.is_proxy(peer.ip()) {
            // Whoever has a quarter of all has more than any browser asks for. There is no request yet to be answered.
            metrics::counter!("cloister_turned_away_total", "code" => "network_connections").increment(1);
            continue;
        }
        // Answers are small and wanted at once.
        let _ = stream.set_nodelay(true);
        let with_peer = MapRequestLayer::new(move |request: Request<Incoming>| {
            let mut request = request.map(Body::new);
            request.extensions_mut().insert(Peer(peer));
            if is_oversized(&request, &limits) {
                request.extensions_mut().insert(Oversized);
            }
            request
        });
        let service = TowerToHyperService::new(with_peer.layer(app.clone()));
        let connection =
            graceful.watch(http.serve_connection(TokioIo::new(Stalling::new(stream, limits.send_time)), service));
        connections.spawn(async move {
            if let Err(error) = connection.await {
                tracing::debug!(%error, %peer, "a connection ended early");
            }
            drop((slot, own));
        });
    }
    drop(listener);
    tracing::info!(connections = connections.len(), "no new connections; answering what is under way");
    if tokio::time::timeout(limits.drain, graceful.shutdown()).await.is_ok() {
        return Ok(Drained::Completely);
    }
    while connections.try_join_next().is_some() {}
    let left = connections.len();
    connections.shutdown().await;
    Ok(if left == 0 { Drained::Completely } else { Drained::Cut(left) })
}

/// More headers, or more bytes of them and of the first line, than are allowed.
fn is_oversized(request: &Request, limits: &ServerLimits) -> bool {
    let headers = request.headers();
    let line = request.method().as_str().len() + request.uri().path_and_query().map_or(0, |whole| whole.as_str().len());
    // Each has a colon, a space and the end of its line.
    let bytes: usize = headers.iter().map(|(name, value)| name.as_str().len() + value.len() + 4).sum();
    headers.len() > limits.headers || line + bytes > limits.head
}

type Accepted = (tokio::net::TcpStream, std::net::SocketAddr, tokio::sync::OwnedSemaphorePermit);

/// A connection is accepted only when there is room for it.
async fn accept(listener: &TcpListener, slots: &Arc<Semaphore>) -> io::Result<Accepted> {
    let slot = slots.clone().acquire_owned().await.map_err(io::Error::other)?;
    let (stream, peer) = listener.accept().await?;
    Ok((stream, peer, slot))
}
