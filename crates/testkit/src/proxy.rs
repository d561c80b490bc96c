//! A proxy in front of PostgreSQL that delays, counts and cuts.

use std::{
    net::SocketAddr,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::Duration,
};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    task::JoinHandle,
};

/// What went through.
#[derive(Debug, Default)]
pub struct Traffic {
    bursts: AtomicUsize,
    refuse: AtomicBool,
}

/// A listening proxy; ends when dropped.
#[derive(Debug)]
pub struct Proxy {
    /// Where it listens.
    pub address: SocketAddr,
    traffic: Arc<Traffic>,
    pipes: Arc<Mutex<Vec<JoinHandle<()>>>>,
    accepting: JoinHandle<()>,
}

impl Proxy {
    /// Listens on a free loopback port and forwards to `target`, holding each burst from the client for `delay` so that
    /// what a client sends without waiting arrives as one.
    pub async fn start(target: SocketAddr, delay: Duration) -> std::io::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        let traffic = Arc::new(Traffic::default());
        let pipes = Arc::new(Mutex::new(Vec::new()));
        let (seen, kept) = (traffic.clone(), pipes.clone());
        let accepting = tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                if seen.refuse.load(Ordering::SeqCst) {
                    continue;
                }
                let task = tokio::spawn(pipe(client, target, delay, seen.clone()));
                kept.lock().unwrap_or_else(PoisonError::into_inner).push(task);
            }
        });
        Ok(Self { address, traffic, pipes, accepting })
    }

    /// Bursts from clients since the last call: each is one round trip.
    pub fn take_bursts(&self) -> usize {
        self.traffic.bursts.swap(0, Ordering::SeqCst)
    }

    /// Cuts every connection, and refuses new ones until [`Proxy::admit`].
    pub fn cut(&self) {
        self.traffic.refuse.store(true, Ordering::SeqCst);
        for task in self.pipes.lock().unwrap_or_else(PoisonError::into_inner).drain(..) {
            task.abort();
        }
    }

    /// Lets connections through again.
    pub fn admit(&self) {
        self.traffic.refuse.store(false, Ordering::SeqCst);
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.accepting.abort();
        self.cut();
    }
}

async fn pipe(client: TcpStream, target: SocketAddr, delay: Duration, traffic: Arc<Traffic>) {
    let Ok(server) = TcpStream::connect(target).await else { return };
    let _ = (client.set_nodelay(true), server.set_nodelay(true));
    let (mut from_client, mut to_client) = client.into_split();
    let (mut from_server, mut to_server) = server.into_split();
    let up = async {
        let mut buffer = vec![0; 64 * 1024];
        while let Ok(first) = from_client.read(&mut buffer).await {
            if first == 0 {
                break;
            }
            // Everything that arrives within the delay was sent without waiting for an answer: the answer is held back.
            let mut burst = buffer[..first].to_vec();
            let hold = tokio::time::sleep(delay);
            tokio::pin!(hold);
            loop {
                tokio::select! {
                    biased;
                    () = &mut hold => break,
                    more = from_client.read(&mut buffer) => match more {
                        Ok(0) | Err(_) => break,
                        Ok(more) => burst.extend_from_slice(&buffer[..more]),
                    },
                }
            }
            traffic.bursts.fetch_add(1, Ordering::SeqCst);
            if to_server.write_all(&burst).await.is_err() {
                break;
            }
        }
    };
    let down = async {
        let _ = tokio::io::copy(&mut from_server, &mut to_client).await;
    };
    tokio::select! {
        () = up => {}
        () = down => {}
    }
}
