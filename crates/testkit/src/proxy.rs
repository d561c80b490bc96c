//! A proxy in front of PostgreSQL that delays, counts and cuts.

use std::{
    net::SocketAddr,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering},
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
    deaf: AtomicBool,
    late: AtomicU64,
}

/// A connection that goes through.
#[derive(Debug)]
struct Pipe {
    task: JoinHandle<()>,
    listens: Arc<AtomicBool>,
}

/// A listening proxy; ends when dropped.
#[derive(Debug)]
pub struct Proxy {
    /// Where it listens.
    pub address: SocketAddr,
    traffic: Arc<Traffic>,
    pipes: Arc<Mutex<Vec<Pipe>>>,
    accepting: JoinHandle<()>,
}

impl Proxy {
    /// Listens on a free loopback port and forwards to `target`, holding each burst from the client for `delay` so that
    /// what a client sends without waiting arrives as one.
    pub async fn start(target: SocketAddr, delay: Duration) -> std::io::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        let traffic = Arc::new(Traffic::default());
        let pipes = Arc::new(Mutex::new(Vec::<Pipe>::new()));
        let (seen, kept) = (traffic.clone(), pipes.clone());
        let accepting = tokio::spawn(async move {
            let mut count = 0;
            while let Ok((client, _)) = listener.accept().await {
                if seen.refuse.load(Ordering::SeqCst) {
                    continue;
                }
                count += 1;
                let listens = Arc::new(AtomicBool::new(false));
                let through = Through { delay, late: count % 2 == 0, traffic: seen.clone(), listens: listens.clone() };
                let task = tokio::spawn(pipe(client, target, through));
                let mut pipes = kept.lock().unwrap_or_else(PoisonError::into_inner);
                pipes.retain(|pipe| !pipe.task.is_finished());
                pipes.push(Pipe { task, listens });
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
        for pipe in self.pipes.lock().unwrap_or_else(PoisonError::into_inner).drain(..) {
            pipe.task.abort();
        }
    }

    /// Cuts the connections that listen for notifications, and any that tries to, until [`Proxy::hear`]. Others go on.
    pub fn cut_listeners(&self) {
        self.traffic.deaf.store(true, Ordering::SeqCst);
        for pipe in self.pipes.lock().unwrap_or_else(PoisonError::into_inner).iter() {
            if pipe.listens.load(Ordering::SeqCst) {
                pipe.task.abort();
            }
        }
    }

    /// Holds back the answers of every second connection for so long, so that they come after those of the others to what
    /// was asked later.
    pub fn answer_late(&self, by: Duration) {
        self.traffic.late.store(u64::try_from(by.as_millis()).unwrap_or(u64::MAX), Ordering::SeqCst);
    }

    /// Lets listeners through again.
    pub fn hear(&self) {
        self.traffic.deaf.store(false, Ordering::SeqCst);
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

/// What a pipe is told when it is made.
struct Through {
    delay: Duration,
    late: bool,
    traffic: Arc<Traffic>,
    listens: Arc<AtomicBool>,
}

async fn pipe(client: TcpStream, target: SocketAddr, through: Through) {
    let Through { delay, late, traffic, listens } = through;
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
            if burst.windows(7).any(|bytes| bytes == b"listen ") {
                listens.store(true, Ordering::SeqCst);
                if traffic.deaf.load(Ordering::SeqCst) {
                    break;
                }
            }
            if to_server.write_all(&burst).await.is_err() {
                break;
            }
        }
    };
    let down = async {
        let mut buffer = vec![0; 64 * 1024];
        while let Ok(some) = from_server.read(&mut buffer).await {
            let wait = if late { traffic.late.load(Ordering::SeqCst) } else { 0 };
            if wait > 0 {
                tokio::time::sleep(Duration::from_millis(wait)).await;
            }
            if some == 0 || to_client.write_all(&buffer[..some]).await.is_err() {
                break;
            }
        }
    };
    tokio::select! {
        () = up => {}
        () = down => {}
    }
}
