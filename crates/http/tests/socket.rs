//! The server on a real socket: bounds of connections, and the way it ends.
#![expect(clippy::unwrap_used, reason = "a test that meets nothing where something must be has failed")]

use std::{future::Future, net::SocketAddr, sync::Arc, time::Duration};

use axum::routing::get;
use cloister_http::{Drained, Edge, EdgeSettings, HttpModule, ServerLimits, serve};
use cloister_tenancy::{Module, Resource, SchemaChange, sql::Statement};
use cloister_testkit::{FrontDoor, TestPlatform};
use metrics_exporter_prometheus::PrometheusBuilder;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    sync::oneshot,
    task::JoinHandle,
    time::timeout,
};
use utoipa_axum::router::OpenApiRouter;

/// A module that only takes its time.
struct Slow;

impl Module for Slow {
    fn name(&self) -> &'static str {
        "slow"
    }

    fn kinds(&self) -> &'static [&'static str] {
        &[]
    }

    fn migrations(&self) -> &'static [SchemaChange] {
        &[]
    }

    fn statements(&self) -> &'static [&'static [&'static Statement]] {
        &[]
    }

    fn resources(&self) -> &'static [Resource] {
        &[]
    }
}

impl HttpModule for Slow {
    fn routes(&self) -> OpenApiRouter<Edge> {
        let wait = |millis| async move {
            tokio::time::sleep(Duration::from_millis(millis)).await;
            "done"
        };
        OpenApiRouter::new()
            .route("/wait", get(move || wait(600)))
            .route("/hang", get(move || wait(600_000)))
            .route("/large", get(async || "x".repeat(64 * 1024 * 1024)))
    }
}

struct Running {
    _platform: TestPlatform,
    address: SocketAddr,
    stop: Option<oneshot::Sender<()>>,
    task: JoinHandle<std::io::Result<Drained>>,
}

async fn running(limits: ServerLimits, settings: EdgeSettings) -> Running {
    let platform = TestPlatform::start().await;
    let metrics = PrometheusBuilder::new().build_recorder().handle();
    let modules: Vec<Arc<dyn HttpModule>> = vec![Arc::new(Slow)];
    let door = FrontDoor::with(&platform.tenancy, &modules, settings, Some(metrics));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (stop, stopped) = oneshot::channel::<()>();
    let task = tokio::spawn(async move {
        let shutdown = async { drop(stopped.await) };
        serve(listener, door.router(), door.edge(), limits, shutdown).await
    });
    Running { _platform: platform, address, stop: Some(stop), task }
}

impl Running {
    fn stop(&mut self) {
        self.stop.take().unwrap().send(()).unwrap();
    }

    async fn connect(&self) -> TcpStream {
        TcpStream::connect(self.address).await.unwrap()
    }

    /// Sends a request on a connection of its own, and reads to the end.
    async fn ask(&self, head: &str) -> String {
        let mut stream = self.connect().await;
        let _ = stream.write_all(format!("{head}Connection: close\r\n\r\n").as_bytes()).await;
        read_all(&mut stream).await
    }
}

async fn read_all(stream: &mut TcpStream) -> String {
    let mut bytes = Vec::new();
    let _ = within(stream.read_to_end(&mut bytes)).await;
    String::from_utf8(bytes).unwrap()
}

async fn within<F: Future>(future: F) -> F::Output {
    timeout(Duration::from_secs(20), future).await.unwrap()
}

const READY: &str = "GET /readyz HTTP/1.1\r\nHost: localhost\r\n";
const WAIT: &str = "GET /api/v1/wait HTTP/1.1\r\nHost: localhost\r\n";
const HANG: &str = "GET /api/v1/hang HTTP/1.1\r\nHost: localhost\r\n";

#[tokio::test(flavor = "multi_thread")]
async fn it_ends_by_turning_unready_and_then_answering_what_is_under_way() {
    let limits = ServerLimits { unready: Duration::from_millis(300), ..ServerLimits::default() };
    let mut server = running(limits, EdgeSettings::default()).await;
    assert!(server.ask(READY).await.starts_with("HTTP/1.1 200 "));
    let mut under_way = server.connect().await;
    under_way.write_all(format!("{WAIT}\r\n").as_bytes()).await.unwrap();
    // A connection that is kept and quiet must not hold the end up.
    let mut kept = server.connect().await;
    kept.write_all(format!("{READY}\r\n").as_bytes()).await.unwrap();
    tokio::time::sleep(Duration::from_millis(100)).await;
    server.stop();
    tokio::time::sleep(Duration::from_millis(100)).await;
    let unready = server.ask(READY).await;
    assert!(unready.starts_with("HTTP/1.1 503 ") && unready.contains("in progress"), "{unready}");
    let answer = read_all(&mut under_way).await;
    assert!(answer.starts_with("HTTP/1.1 200 ") && answer.ends_with("done"), "{answer}");
    assert_eq!(within(server.task).await.unwrap().unwrap(), Drained::Completely);
    assert!(TcpStream::connect(server.address).await.is_err());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_never_ends_is_cut() {
    let limits = ServerLimits { drain: Duration::from_millis(200), ..ServerLimits::default() };
    let mut server = running(limits, EdgeSettings::default()).await;
    let mut hanging = server.connect().await;
    hanging.write_all(format!("{HANG}\r\n").as_bytes()).await.unwrap();
    tokio::time::sleep(Duration::from_millis(100)).await;
    server.stop();
    assert_eq!(within(&mut server.task).await.unwrap().unwrap(), Drained::Cut(1));
    assert_eq!(read_all(&mut hanging).await, "");
}

#[tokio::test(flavor = "multi_thread")]
async fn heads_are_read_within_bounds_of_size_number_and_time() {
    let limits = ServerLimits { head_time: Duration::from_millis(300), ..ServerLimits::default() };
    let server = running(limits, EdgeSettings::default()).await;
    // Whoever is cut off while still sending may not see why.
    let refused = |answer: String| assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 431 "), "{answer}");
    refused(server.ask(&format!("{READY}X-Large: {}\r\n", "x".repeat(100_000))).await);
    let many: String = (0..150).map(|at| format!("X-{at}: 1\r\n")).collect::<Vec<_>>().concat();
    refused(server.ask(&format!("{READY}{many}")).await);
    // A head that never ends, a connection that never begins, and one that is kept without being used.
    for said in ["GET / HTTP/1.1\r\nHost: ", "", &format!("{READY}\r\n")] {
        let mut stream = server.connect().await;
        stream.write_all(said.as_bytes()).await.unwrap();
        let mut bytes = Vec::new();
        within(stream.read_to_end(&mut bytes)).await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_takes_nothing_of_an_answer_is_let_go_of_and_whoever_takes_it_slowly_gets_it() {
    let limits = ServerLimits { connections: 2, send_time: Duration::from_secs(1), ..ServerLimits::default() };
    let server = running(limits, EdgeSettings::default()).await;
    let large = "GET /api/v1/large HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
    let mut deaf = server.connect().await;
    deaf.write_all(large.as_bytes()).await.unwrap();
    let mut slow = server.connect().await;
    slow.write_all(large.as_bytes()).await.unwrap();
    // Both places are taken: a third is heard once one of them is let go of.
    let reading = tokio::spawn(async move {
        let (mut taken, mut part) = (0, vec![0; 1024 * 1024]);
        while let Ok(count @ 1..) = within(slow.read(&mut part)).await {
            taken += count;
            tokio::time::sleep(Duration::from_millis(30)).await;
        }
        taken
    });
    assert!(within(server.ask(READY)).await.starts_with("HTTP/1.1 200 "));
    assert!(reading.await.unwrap() > 64 * 1024 * 1024, "all of it came");
    let mut rest = Vec::new();
    let cut = within(deaf.read_to_end(&mut rest)).await;
    assert!(cut.is_err() && rest.len() < 64 * 1024 * 1024, "{} bytes waited to be taken", rest.len());
}

#[tokio::test(flavor = "multi_thread")]
async fn more_connections_than_allowed_wait_their_turn() {
    let limits = ServerLimits { connections: 1, ..ServerLimits::default() };
    let server = running(limits, EdgeSettings::default()).await;
    let first = server.connect().await;
    tokio::time::sleep(Duration::from_millis(100)).await;
    assert!(timeout(Duration::from_millis(300), server.ask(READY)).await.is_err());
    drop(first);
    assert!(within(server.ask(READY)).await.starts_with("HTTP/1.1 200 "));
}

/// Whoever only connects is nobody yet: a network that takes all it can get leaves most for others.
#[tokio::test(flavor = "multi_thread")]
async fn one_network_has_a_part_of_the_connections_and_a_listed_proxy_all() {
    let limits = ServerLimits { connections: 400, ..ServerLimits::default() };
    let listed = EdgeSettings { trusted_proxies: vec!["127.0.0.1".parse().unwrap()], ..EdgeSettings::default() };
    for (settings, answered) in [(EdgeSettings::default(), false), (listed, true)] {
        let server = running(limits, settings).await;
        let mut open = Vec::new();
        for _ in 0..100 {
            open.push(server.connect().await);
        }
        // Accepted one after the other: when the last of them is answered, all have their places.
        let last = open.last_mut().unwrap();
        last.write_all(format!("{READY}\r\n").as_bytes()).await.unwrap();
        let mut begin = [0; 12];
        within(last.read_exact(&mut begin)).await.unwrap();
        assert_eq!(&begin, b"HTTP/1.1 200");
        let mut more = server.connect().await;
        let _ = more.write_all(format!("{READY}Connection: close\r\n\r\n").as_bytes()).await;
        let mut answer = Vec::new();
        let _ = within(more.read_to_end(&mut answer)).await;
        assert_eq!(answer.starts_with(b"HTTP/1.1 200"), answered);
        if !answered {
            drop(open.split_off(90));
            let again = async {
                while !server.ask(READY).await.starts_with("HTTP/1.1 200 ") {
                    tokio::time::sleep(Duration::from_millis(20)).await;
                }
            };
            timeout(Duration::from_secs(30), again).await.expect("places come back");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn metrics_are_for_this_machine_and_listed_readers() {
    let metrics = |forwarded: &str| format!("GET /metrics HTTP/1.1\r\nHost: localhost\r\n{forwarded}");
    let status = |answer: String| answer.split(' ').nth(1).unwrap().to_owned();

    let open = running(ServerLimits::default(), EdgeSettings::default()).await;
    assert_eq!(status(open.ask(&metrics("")).await), "200");
    // Not believed: this peer is no listed proxy.
    assert_eq!(status(open.ask(&metrics("X-Forwarded-For: 203.0.113.9\r\n")).await), "200");

    let settings = EdgeSettings {
        trusted_proxies: vec!["127.0.0.1".parse().unwrap()],
        metrics_readers: vec!["198.51.100.0/24".parse().unwrap()],
        ..EdgeSettings::default()
    };
    let proxied = running(ServerLimits::default(), settings).await;
    assert_eq!(status(proxied.ask(&metrics("X-Forwarded-For: 203.0.113.9\r\n")).await), "404");
    assert_eq!(status(proxied.ask(&metrics("X-Forwarded-For: 127.0.0.1, 203.0.113.9\r\n")).await), "404");
    assert_eq!(status(proxied.ask(&metrics("X-Forwarded-For: 198.51.100.7\r\n")).await), "200");
}
