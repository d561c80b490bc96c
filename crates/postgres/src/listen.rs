//! LISTEN on a connection of its own, opened again whenever it is lost.

use std::{future::poll_fn, time::Duration};

use tokio::sync::mpsc;
use tokio_postgres::{AsyncMessage, Client, Socket};

use crate::{ConnectError, Server};

/// What a listener tells.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// Listening from now on. What was notified before is lost: read the state again.
    Connected,
    /// A notification.
    Notified {
        /// The channel.
        channel: String,
        /// What the sender attached.
        payload: String,
    },
    /// The connection broke; another is being opened.
    Lost,
}

/// A task that listens until it is dropped.
#[derive(Debug)]
pub struct Listener {
    events: mpsc::Receiver<Event>,
    task: tokio::task::JoinHandle<()>,
}

const BACKLOG: usize = 1024;
const ALIVE_EVERY: Duration = Duration::from_secs(5);

impl Listener {
    /// Starts listening on `channels` of `database`.
    pub fn start(server: Server, database: String, channels: &'static [&'static str]) -> Self {
        let (sender, events) = mpsc::channel(BACKLOG);
        let task = tokio::spawn(async move {
            let mut pause = Duration::from_millis(20);
            loop {
                match listen(&server, &database, channels, &sender).await {
                    Ok(()) => return,
                    Err(Lost::Connecting(error)) => {
                        tracing::warn!(%error, "cannot listen for changes; trying again");
                        tokio::time::sleep(pause).await;
                        pause = (pause * 2).min(Duration::from_secs(2));
                    }
                    Err(Lost::Broken) => {
                        pause = Duration::from_millis(20);
                        if sender.send(Event::Lost).await.is_err() {
                            return;
                        }
                    }
                }
            }
        });
        Self { events, task }
    }

    /// The next event; never ends while the listener lives.
    pub async fn next(&mut self) -> Option<Event> {
        self.events.recv().await
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        self.task.abort();
    }
}

enum Lost {
    Connecting(ConnectError),
    Broken,
}

async fn listen(server: &Server, database: &str, channels: &[&str], sender: &mpsc::Sender<Event>) -> Result<(), Lost> {
    let (client, mut messages) = open(server, database).await.map_err(Lost::Connecting)?;
    let text: String = channels.iter().map(|channel| format!("listen {channel};")).collect();
    client.batch_execute(&text).await.map_err(|_| Lost::Broken)?;
    if sender.send(Event::Connected).await.is_err() {
        return Ok(());
    }
    loop {
        tokio::select! {
            message = messages.recv() => match message {
                Some((channel, payload)) => {
                    if sender.send(Event::Notified { channel, payload }).await.is_err() {
                        return Ok(());
                    }
                }
                None => return Err(Lost::Broken),
            },
            () = tokio::time::sleep(ALIVE_EVERY) => {
                // A connection cut without a word is noticed by asking.
                match tokio::time::timeout(ALIVE_EVERY, client.batch_execute("")).await {
                    Ok(Ok(())) => {}
                    _ => return Err(Lost::Broken),
                }
            }
        }
    }
}

type Messages = mpsc::Receiver<(String, String)>;

async fn open(server: &Server, database: &str) -> Result<(Client, Messages), ConnectError> {
    let refused = |source: tokio_postgres::Error| ConnectError::Refused {
        target: format!("database \"{database}\""),
        source: source.into(),
    };
    let config = server.session(database);
    Ok(match server.tls() {
        Some(tls) => {
            let (client, connection) = config.connect(tls).await.map_err(refused)?;
            (client, pump(connection))
        }
        None => {
            let (client, connection) = config.connect(tokio_postgres::NoTls).await.map_err(refused)?;
            (client, pump(connection))
        }
    })
}

fn pump<T>(mut connection: tokio_postgres::Connection<Socket, T>) -> Messages
where
    T: tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin + Send + 'static,
{
    let (sender, receiver) = mpsc::channel(BACKLOG);
    tokio::spawn(async move {
        while let Some(Ok(message)) = poll_fn(|cx| connection.poll_message(cx)).await {
            if let AsyncMessage::Notification(note) = message
                && sender.send((note.channel().to_owned(), note.payload().to_owned())).await.is_err()
            {
                return;
            }
        }
    });
    receiver
}
