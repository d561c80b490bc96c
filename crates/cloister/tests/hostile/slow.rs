//! Clients that take their time: to begin, to go on, to end, and to listen. Each is let go of in time.

use std::time::{Duration, Instant};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpSocket, TcpStream},
    time::timeout,
};

use crate::{
    bystander::Bystander,
    house::House,
    injection::UNLIMITED,
    node::Node,
    snapshot::{self, Whose, same},
    wire::hear,
};

/// A head may take 15 seconds, a body 15 more; on a busy machine a little longer.
const PATIENCE: Duration = Duration::from_secs(45);

/// Sends a byte of it now and then, until the server has enough of that.
async fn trickle(house: &House, first: &str, drop: &str) -> (String, Duration) {
    let begun = Instant::now();
    let mut stream = TcpStream::connect(house.address).await.unwrap();
    stream.write_all(first.as_bytes()).await.unwrap();
    let (mut reader, mut writer) = stream.into_split();
    let drop = drop.to_owned();
    let sending = tokio::spawn(async move {
        while writer.write_all(drop.as_bytes()).await.is_ok() {
            tokio::time::sleep(Duration::from_millis(400)).await;
        }
    });
    let mut received = Vec::new();
    let ended = timeout(PATIENCE, reader.read_to_end(&mut received)).await;
    sending.abort();
    assert!(ended.is_ok(), "it is heard for {PATIENCE:?}: {first:?}");
    let line = String::from_utf8_lossy(&received).lines().next().unwrap_or("closed").to_owned();
    (line, begun.elapsed())
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_takes_their_time_is_let_go_of_and_nobody_else_waits() {
    let mut node = Node::start("slow", UNLIMITED);
    let house = House::enter(node.address).await;
    let before = snapshot::take(&node.prefix, &Whose::All).await;
    let bystander = Bystander::begin(node.address).await;
    let token = &house.owner;
    let create = format!(
        "POST /t/north/api/v1/orgs HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {token}\r\nContent-Type: application/json\r\n"
    );
    let cases = [
        ("GET /healthz HTTP/1.1\r\nX-A: ".to_owned(), "a", "closed|HTTP/1.1 408"),
        ("GET /healthz HTTP/1.1\r\n".to_owned(), "X-A: 1\r\n", "closed|HTTP/1.1 408"),
        ("G".to_owned(), "E", "closed|HTTP/1.1 408|HTTP/1.1 400"),
        (String::new(), "\r\n", "closed|HTTP/1.1 408|HTTP/1.1 400"),
        (format!("{create}Content-Length: 5000\r\n\r\n{{"), " ", "HTTP/1.1 408"),
        (format!("{create}Transfer-Encoding: chunked\r\n\r\n"), "1\r\n \r\n", "HTTP/1.1 408"),
        (format!("{create}Transfer-Encoding: chunked\r\n\r\n1;"), "a", "HTTP/1.1 408|HTTP/1.1 400"),
        (
            format!("{create}Transfer-Encoding: chunked\r\n\r\n1\r\n \r\n0\r\n"),
            "X-A: 1\r\n",
            "HTTP/1.1 408|HTTP/1.1 400",
        ),
    ];
    let mut waiting = Vec::new();
    // Each many times: none of them may take a place that others need. Of one tenant no more than its places: one more would
    // be told that it is busy, which is right too.
    for round in 0..25 {
        for (first, drop, expected) in cases.clone() {
            if first.starts_with("POST") && round >= 6 {
                continue;
            }
            let house = house.clone();
            waiting.push(tokio::spawn(async move {
                let (line, took) = trickle(&house, &first, drop).await;
                let fine = expected.split('|').any(|one| line.starts_with(one));
                assert!(
                    fine,
                    "{line} after {took:?}, round {round}, where {expected} would be right: {first:?} {drop:?}"
                );
            }));
        }
    }
    let endless = tokio::spawn(endless_chunks(house.clone(), create.clone()));
    let pipelined = tokio::spawn(pipelined(house.clone()));
    let deaf = tokio::spawn(deaf(house.clone()));
    // Some go away in the middle of everything.
    for at in 0..100 {
        let mut stream = TcpStream::connect(house.address).await.unwrap();
        let text = format!("{create}Content-Length: 10\r\n\r\n{{");
        stream.write_all(&text.as_bytes()[..text.len() * (at + 1) / 100]).await.unwrap();
        stream.set_zero_linger().unwrap();
    }
    for one in waiting {
        one.await.unwrap();
    }
    endless.await.unwrap();
    pipelined.await.unwrap();
    deaf.await.unwrap();
    bystander.end().await;
    same(&before, &snapshot::take(&node.prefix, &Whose::All).await, "slow clients");
    node.is_unharmed();
    node.stop().await;
}

/// Chunks as fast as they go: refused at the bound of a body, not when memory is out.
async fn endless_chunks(house: House, create: String) {
    let mut stream = TcpStream::connect(house.address).await.unwrap();
    stream.write_all(format!("{create}Transfer-Encoding: chunked\r\n\r\n").as_bytes()).await.unwrap();
    let chunk = format!("10000\r\n{}\r\n", " ".repeat(0x10000));
    let mut sent = 0usize;
    let over = timeout(PATIENCE, async {
        while stream.write_all(chunk.as_bytes()).await.is_ok() {
            sent += 1;
            assert!(sent < 10_000, "600 MB were taken");
        }
    });
    over.await.expect("it is read or refused");
    let heard = hear(&mut stream, true).await;
    assert!(matches!(heard.brief().as_str(), "413 body_too_large" | "closed"), "{}", heard.brief());
}

/// A hundred thousand requests on one connection, whose answers nobody reads: the server stops reading, and lets go.
async fn pipelined(house: House) {
    let socket = TcpSocket::new_v4().unwrap();
    socket.set_recv_buffer_size(4096).unwrap();
    let mut stream = socket.connect(house.address).await.unwrap();
    let many = "GET /api/v1/nothing HTTP/1.1\r\nHost: localhost\r\n\r\n".repeat(1000);
    let _ = timeout(Duration::from_secs(5), async {
        for _ in 0..100 {
            if stream.write_all(many.as_bytes()).await.is_err() {
                break;
            }
        }
    })
    .await;
    is_let_go_of(stream, "answers that nobody reads").await;
}

/// Asks for the largest answers there are and reads none of them.
async fn deaf(house: House) {
    let mut all = Vec::new();
    for (path, times) in [("/api/docs/reader.js", 20), ("/t/north/api/v1/persons?limit=200", 200)] {
        for _ in 0..5 {
            let socket = TcpSocket::new_v4().unwrap();
            socket.set_recv_buffer_size(4096).unwrap();
            let mut stream = socket.connect(house.address).await.unwrap();
            let text =
                format!("GET {path} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {}\r\n\r\n", house.owner);
            stream.write_all(text.repeat(times).as_bytes()).await.unwrap();
            all.push(tokio::spawn(is_let_go_of(stream, path)));
        }
    }
    for one in all {
        one.await.unwrap();
    }
}

/// The server ends the connection though its answers were not taken. Nothing is read here: the kernel tells.
async fn is_let_go_of(stream: TcpStream, what: &str) {
    let (ours, theirs) = (stream.local_addr().unwrap().port(), stream.peer_addr().unwrap().port());
    let ended = timeout(PATIENCE, async {
        while is_established(theirs, ours) {
            tokio::time::sleep(Duration::from_millis(500)).await;
        }
    });
    assert!(ended.await.is_ok(), "{what}: the server waits for {PATIENCE:?}");
}

/// Whether the server's end of a connection is still open.
fn is_established(local: u16, remote: u16) -> bool {
    let known = std::fs::read_to_string("/proc/net/tcp").unwrap();
    let (local, remote) = (format!(":{local:04X}"), format!(":{remote:04X}"));
    known.lines().any(|line| {
        let mut fields = line.split_whitespace().skip(1);
        let mut ends = |end: &str| fields.next().is_some_and(|field| field.ends_with(end));
        ends(&local) && ends(&remote) && fields.next() == Some("01")
    })
}
