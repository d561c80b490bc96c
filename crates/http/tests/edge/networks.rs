//! Limits of strangers by network, and streams of events, over sockets.

use std::{net::SocketAddr, time::Duration};

use cloister_http::{CrowdLimits, Drained, EdgeLimits, EdgeSettings, Rate, RateSettings, ServerLimits, serve};
use cloister_testkit::token;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    sync::oneshot,
    task::JoinHandle,
    time::timeout,
};

use crate::{House, house};

struct Server {
    house: House,
    address: SocketAddr,
    stop: Option<oneshot::Sender<()>>,
    task: JoinHandle<std::io::Result<Drained>>,
}

/// A server whose every peer is a proxy that is believed, so that a test can come from any network.
async fn server(settings: EdgeSettings) -> Server {
    let house = house(EdgeSettings { trusted_proxies: vec!["127.0.0.1".parse().unwrap()], ..settings }).await;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (stop, stopped) = oneshot::channel::<()>();
    let door = house.door.clone();
    let task = tokio::spawn(async move {
        let shutdown = async { drop(stopped.await) };
        serve(listener, door.router(), door.edge(), ServerLimits::default(), shutdown).await
    });
    Server { house, address, stop: Some(stop), task }
}

impl Server {
    async fn send(&self, line: &str, from: &str, headers: &str) -> TcpStream {
        let mut stream = TcpStream::connect(self.address).await.unwrap();
        let head = format!("{line} HTTP/1.1\r\nHost: north.localhost\r\nX-Forwarded-For: {from}\r\n{headers}\r\n");
        stream.write_all(head.as_bytes()).await.unwrap();
        stream
    }

    async fn ask(&self, line: &str, from: &str, headers: &str) -> String {
        let mut stream = self.send(line, from, &format!("{headers}Connection: close\r\n")).await;
        let mut bytes = Vec::new();
        timeout(Duration::from_secs(20), stream.read_to_end(&mut bytes)).await.unwrap().unwrap();
        String::from_utf8(bytes).unwrap()
    }

    async fn status(&self, line: &str, from: &str, headers: &str) -> u16 {
        self.ask(line, from, headers).await.split(' ').nth(1).unwrap().parse().unwrap()
    }

    fn bearer(&self) -> String {
        format!("Authorization: Bearer {}\r\n", token("tester", Some(&self.house.north), &["*"]))
    }
}

const PROBE: &str = "GET /api/v1/probe";
const WRONG: &str = "Authorization: Bearer forged\r\n";

#[tokio::test(flavor = "multi_thread")]
async fn strangers_are_limited_by_network_and_those_who_belong_here_are_not() {
    let rates = RateSettings {
        visitor: Rate::new(3, 3600),
        refused: Rate::new(2, 3600),
        sign_in: Rate::new(1, 3600),
        ..RateSettings::default()
    };
    let server = server(EdgeSettings { rates, ..EdgeSettings::default() }).await;
    // Wrong tokens: the third is not even called wrong.
    for status in [401, 401, 429] {
        assert_eq!(server.status(PROBE, "203.0.113.9", WRONG).await, status);
    }
    assert_eq!(server.status(PROBE, "203.0.113.9", "Authorization: Basic x\r\n").await, 429);
    let nobody = format!("{WRONG}X-Tenant-ID: nobody\r\n");
    assert_eq!(server.status(PROBE, "203.0.113.9", &nobody).await, 429);
    // Behind the same address somebody has a valid one.
    assert_eq!(server.status(PROBE, "203.0.113.9", &server.bearer()).await, 200);
    assert_eq!(server.status(PROBE, "203.0.113.8", WRONG).await, 401);
    // What anybody may do, by address of version 4 and /64 of version 6. No token at all is no wrong one.
    for from in ["2001:db8::1", "2001:db8::2"] {
        assert_eq!(server.status("GET /api/v1/visit", from, "").await, 200);
    }
    assert_eq!(server.status(PROBE, "2001:db8::3", "").await, 401);
    for (line, from, status) in [
        ("GET /api/v1/visit", "2001:db8::4", 429),
        (PROBE, "2001:db8::5", 429),
        ("GET /api/v1/visit", "2001:db8:0:1::1", 200),
    ] {
        assert_eq!(server.status(line, from, "").await, status, "{line} from {from}");
    }
    // A class of its own.
    let told = server.ask("POST /api/v1/sign_in", "198.51.100.7", "").await;
    assert!(told.starts_with("HTTP/1.1 200 ") && told.contains("ratelimit: \"sign_in\";r=0;t=3600"), "{told}");
    assert_eq!(server.status("POST /api/v1/sign_in", "198.51.100.7", "").await, 429);
    assert_eq!(server.status("GET /api/v1/visit", "198.51.100.7", "").await, 200);
    // Signed in, outside of tenants: not among the visitors.
    for _ in 0..4 {
        assert_eq!(server.status("GET /api/v1/me", "192.0.2.1", &server.bearer()).await, 200);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_of_events_outlasts_time_and_share_and_ends_with_the_node() {
    let limits = EdgeLimits { time: Duration::from_millis(300), ..EdgeLimits::default() };
    let crowd = CrowdLimits { tenant_requests: 1, ..CrowdLimits::default() };
    let mut server = server(EdgeSettings { limits, crowd, ..EdgeSettings::default() }).await;
    let headers = format!("{}Accept-Encoding: gzip\r\n", server.bearer());
    let mut stream = server.send("GET /api/v1/events", "192.0.2.1", &headers).await;
    let mut told = String::new();
    let mut bytes = [0; 4096];
    while !told.contains("data: first") {
        let read = timeout(Duration::from_secs(20), stream.read(&mut bytes)).await.unwrap().unwrap();
        assert!(read > 0, "{told}");
        told.push_str(&String::from_utf8_lossy(&bytes[..read]));
    }
    assert!(told.contains("x-accel-buffering: no") && !told.contains("content-encoding"), "{told}");
    // Long after a request's time it is still open, and its tenant's only place is free.
    assert!(timeout(Duration::from_millis(600), stream.read(&mut bytes)).await.is_err());
    assert_eq!(server.status(PROBE, "192.0.2.1", &server.bearer()).await, 200);
    server.stop.take().unwrap().send(()).unwrap();
    let ended = timeout(Duration::from_secs(10), &mut server.task).await.expect("a stream holds the node up");
    assert_eq!(ended.unwrap().unwrap(), Drained::Completely);
    let mut rest = Vec::new();
    stream.read_to_end(&mut rest).await.unwrap();
    assert_eq!(rest, b"0\r\n\r\n");
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_hangs_up_gives_the_place_back() {
    let crowd = CrowdLimits { tenant_requests: 1, ..CrowdLimits::default() };
    let server = server(EdgeSettings { crowd, ..EdgeSettings::default() }).await;
    let stream = server.send("GET /api/v1/slow", "192.0.2.1", &server.bearer()).await;
    tokio::time::sleep(Duration::from_millis(150)).await;
    assert_eq!(server.status(PROBE, "192.0.2.1", &server.bearer()).await, 503);
    drop(stream);
    tokio::time::sleep(Duration::from_millis(50)).await;
    assert_eq!(server.status(PROBE, "192.0.2.1", &server.bearer()).await, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_head_that_is_too_large_is_refused_in_words() {
    let server = server(EdgeSettings::default()).await;
    let many: String = (0..110).map(|at| format!("X-{at}: 1\r\n")).collect();
    let large = format!("X-Large: {}\r\n", "x".repeat(60 * 1024));
    for headers in [&many, &large] {
        let told = server.ask(PROBE, "192.0.2.1", headers).await;
        assert!(told.starts_with("HTTP/1.1 431 ") && told.contains("head_too_large"), "{told}");
        assert!(told.contains("content-type: application/problem+json") && told.contains("x-request-id: "), "{told}");
    }
    // A refusal of a HEAD has no body.
    let told = server.ask("HEAD /api/v1/nothing", "192.0.2.1", "").await;
    assert!(told.starts_with("HTTP/1.1 404 ") && told.ends_with("\r\n\r\n"), "{told}");
}
