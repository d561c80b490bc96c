//! Opening a session: the driver finds the server, protects the wire and proves who we are; then it hands the stream over.

use std::{
    io,
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll},
    time::Duration,
};

use futures_util::{FutureExt, future::BoxFuture};
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::{TcpStream, UnixStream},
    time::timeout,
};
use tokio_postgres::{
    CancelToken, Config, NoTls, SimpleQueryMessage,
    config::{Host, SslMode, TargetSessionAttrs},
    tls::{ChannelBinding, MakeTlsConnect, TlsConnect, TlsStream},
};
use tokio_postgres_rustls::MakeRustlsConnect;
use tokio_util::either::Either;

use super::Stream;
use crate::error::Cause;

/// Where a server can be reached: one of the addresses of its URL.
#[derive(Debug, Clone)]
struct Address {
    host: Host,
    /// Whose certificate is expected; nobody's where a socket is a file.
    name: Option<String>,
    port: u16,
}

/// What stops a session's statement, from outside.
pub(crate) struct Canceller {
    address: Address,
    token: CancelToken,
}

/// A stream that can be taken back from whoever holds it.
struct Lent<S>(Arc<Mutex<Option<S>>>);

impl<S> Lent<S> {
    fn new() -> Self {
        Self(Arc::new(Mutex::new(None)))
    }

    fn another(&self) -> Self {
        Self(self.0.clone())
    }

    fn place(&self) -> MutexGuard<'_, Option<S>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn with<T>(&self, act: impl FnOnce(Pin<&mut S>) -> Poll<io::Result<T>>) -> Poll<io::Result<T>>
    where
        S: Unpin,
    {
        match &mut *self.place() {
            Some(stream) => act(Pin::new(stream)),
            None => Poll::Ready(Err(io::ErrorKind::NotConnected.into())),
        }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Lent<S> {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        self.with(|stream| stream.poll_read(cx, buffer))
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Lent<S> {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.with(|stream| stream.poll_write(cx, bytes))
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.with(|stream| stream.poll_flush(cx))
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.with(|stream| stream.poll_shutdown(cx))
    }
}

impl<S: TlsStream + Unpin> TlsStream for Lent<S> {
    fn channel_binding(&self) -> ChannelBinding {
        self.place().as_ref().map_or_else(ChannelBinding::none, TlsStream::channel_binding)
    }
}

type Socket = Either<UnixStream, TcpStream>;
type Rustls = <MakeRustlsConnect as MakeTlsConnect<Lent<Socket>>>::TlsConnect;
type Protected = <Rustls as TlsConnect<Lent<Socket>>>::Stream;

/// Has the driver protect the wire, and remembers the protected stream.
struct Protect {
    by: Rustls,
    into: Lent<Protected>,
}

impl TlsConnect<Lent<Socket>> for Protect {
    type Stream = Lent<Protected>;
    type Error = io::Error;
    type Future = BoxFuture<'static, Result<Self::Stream, io::Error>>;

    fn connect(self, stream: Lent<Socket>) -> Self::Future {
        async move {
            let stream = self.by.connect(stream).await?;
            *self.into.place() = Some(stream);
            Ok(self.into)
        }
        .boxed()
    }
}

/// Opens a session at the first address that lets us in.
pub(crate) async fn log_in(
    config: &Config,
    tls: Option<&MakeRustlsConnect>,
) -> Result<(Box<dyn Stream>, Canceller), Cause> {
    let mut failure = None;
    for address in addresses(config) {
        match log_in_at(config, tls, &address).await {
            Ok((stream, token)) => return Ok((stream, Canceller { address, token })),
            Err(error) => failure = Some(error),
        }
    }
    Err(failure.unwrap_or_else(|| io::Error::new(io::ErrorKind::InvalidInput, "no host is named").into()))
}

/// Asks the server to stop what a session is doing.
pub(crate) async fn cancel(tls: Option<&MakeRustlsConnect>, canceller: &Canceller) -> Result<(), Cause> {
    let Canceller { address, token } = canceller;
    let socket = Lent::new();
    *socket.place() = Some(reach(address, None).await?);
    match (tls, &address.name) {
        (Some(tls), Some(_)) => token.cancel_query_raw(socket.another(), protect(tls, address, Lent::new())?).await?,
        _ => token.cancel_query_raw(socket.another(), NoTls).await?,
    }
    Ok(())
}

fn addresses(config: &Config) -> impl Iterator<Item = Address> {
    let (hosts, numbers, ports) = (config.get_hosts(), config.get_hostaddrs(), config.get_ports());
    (0..hosts.len().max(numbers.len())).filter_map(move |at| {
        let name = match hosts.get(at) {
            Some(Host::Tcp(name)) => Some(name.clone()),
            _ => None,
        };
        let host = match numbers.get(at) {
            Some(number) => Host::Tcp(number.to_string()),
            None => hosts.get(at)?.clone(),
        };
        let port = ports.get(at).or(ports.first()).copied().unwrap_or(5432);
        Some(Address { host, name, port })
    })
}

/// A connection to it, of which nothing was used yet.
async fn reach(address: &Address, patience: Option<&Duration>) -> io::Result<Socket> {
    let open = async {
        Ok::<Socket, io::Error>(match &address.host {
            Host::Unix(folder) => {
                Either::Left(UnixStream::connect(folder.join(format!(".s.PGSQL.{}", address.port))).await?)
            }
            Host::Tcp(name) => {
                let stream = TcpStream::connect((name.as_str(), address.port)).await?;
                stream.set_nodelay(true)?;
                rustix::net::sockopt::set_socket_keepalive(&stream, true)?;
                rustix::net::sockopt::set_tcp_keepidle(&stream, KEEPALIVE)?;
                Either::Right(stream)
            }
        })
    };
    match patience {
        Some(patience) => timeout(*patience, open).await?,
        None => open.await,
    }
}

/// A peer that has been silent for this long is asked whether it is still there.
const KEEPALIVE: Duration = Duration::from_mins(1);

fn protect(tls: &MakeRustlsConnect, address: &Address, into: Lent<Protected>) -> Result<Protect, Cause> {
    let mut tls = tls.clone();
    let name = address.name.as_deref().unwrap_or("");
    let by = MakeTlsConnect::<Lent<Socket>>::make_tls_connect(&mut tls, name)
        .map_err(|error| io::Error::new(io::ErrorKind::InvalidInput, error))?;
    Ok(Protect { by, into })
}

async fn log_in_at(
    config: &Config,
    tls: Option<&MakeRustlsConnect>,
    address: &Address,
) -> Result<(Box<dyn Stream>, CancelToken), Cause> {
    let (plain, protected) = (Lent::new(), Lent::new());
    *plain.place() = Some(reach(address, config.get_connect_timeout()).await?);
    let token = match (tls, &address.name) {
        (Some(tls), Some(_)) => {
            let protect = protect(tls, address, protected.another())?;
            let (client, driver) = config.connect_raw(plain.another(), protect).await?;
            suits(config, client, driver.boxed()).await?
        }
        _ => {
            // A socket in the file system needs no protection, as with the driver's own.
            let mut config = config.clone();
            if config.get_ssl_mode() == SslMode::Prefer {
                config.ssl_mode(SslMode::Disable);
            }
            let (client, driver) = config.connect_raw(plain.another(), NoTls).await?;
            suits(&config, client, driver.boxed()).await?
        }
    };
    // Client and driver are gone, so nobody else reads. The server has said that it is ready, and says no more unasked.
    let protected = protected.place().take();
    let stream: Option<Box<dyn Stream>> = match protected {
        Some(stream) => Some(Box::new(stream)),
        None => plain.place().take().map(|stream| Box::new(stream) as _),
    };
    Ok((stream.ok_or_else(|| io::Error::from(io::ErrorKind::NotConnected))?, token))
}

/// Whether the server takes writes, where that was asked for.
async fn suits(
    config: &Config,
    client: tokio_postgres::Client,
    mut driver: BoxFuture<'_, Result<(), tokio_postgres::Error>>,
) -> Result<CancelToken, Cause> {
    let wanted = match config.get_target_session_attrs() {
        TargetSessionAttrs::ReadWrite => "off",
        TargetSessionAttrs::ReadOnly => "on",
        _ => return Ok(client.cancel_token()),
    };
    let asked = client.simple_query("show transaction_read_only");
    let answer = tokio::select! {
        answer = asked => answer?,
        ended = &mut driver => {
            ended?;
            return Err(io::Error::from(io::ErrorKind::UnexpectedEof).into());
        }
    };
    let suits = answer.iter().any(|message| match message {
        SimpleQueryMessage::Row(row) => row.get(0) == Some(wanted),
        _ => false,
    });
    if suits {
        return Ok(client.cancel_token());
    }
    let what = if wanted == "off" { "the server does not take writes" } else { "the server takes writes" };
    Err(io::Error::new(io::ErrorKind::PermissionDenied, what).into())
}
