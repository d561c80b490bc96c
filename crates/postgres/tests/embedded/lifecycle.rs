//! A cluster's ordinary life: made, used, stopped, used again, attached to.

use std::{
    fs,
    os::unix::{ffi::OsStrExt, fs::PermissionsExt},
    time::{Duration, Instant},
};

use cloister_postgres::embedded::{self, EmbeddedCluster};

use super::{alive, ask, connect, is_root, mode, refusal, scratch, settings, wait_until};

#[tokio::test]
async fn a_cluster_is_made_stopped_and_used_again() {
    let scratch = scratch();
    let begun = Instant::now();
    let cluster = EmbeddedCluster::start(settings(&scratch)).await.unwrap();
    eprintln!("first start of PostgreSQL {}: {:?}", cluster.version(), begun.elapsed());
    let (port, pid) = (cluster.port(), cluster.pid());
    let client = connect(&cluster.admin()).await;
    assert_eq!(ask(&client, "select current_user::text").await, "cloister_admin");
    client.batch_execute("create table kept (word text); insert into kept values ('here')").await.unwrap();

    let begun = Instant::now();
    cluster.stop().await.unwrap();
    eprintln!("stop: {:?}", begun.elapsed());
    assert!(!alive(pid), "the postmaster outlived stop()");

    let begun = Instant::now();
    let cluster = EmbeddedCluster::start(settings(&scratch)).await.unwrap();
    eprintln!("second start: {:?}", begun.elapsed());
    assert_eq!(cluster.port(), port, "the port is remembered");
    let client = connect(&cluster.admin()).await;
    assert_eq!(ask(&client, "select word from kept").await, "here");
    cluster.stop().await.unwrap();

    let home = scratch.path().join("data/postgres");
    assert!(home.join("server.log.1").is_file(), "the log of the first start is kept");
    assert_eq!(mode(&home.join("admin.password")), 0o600);
    assert_eq!(mode(&home.join("data")), 0o700);
    assert!(!home.join("initdb.password").exists());
}

#[tokio::test]
async fn the_settings_are_in_force() {
    let scratch = scratch();
    let mut settings = settings(&scratch);
    settings.extra = vec![("application_name".to_owned(), "it's \\ quoted".to_owned())];
    settings.max_connections = 37;
    let cluster = EmbeddedCluster::start(settings).await.unwrap();
    let client = connect(&cluster.admin()).await;
    for (name, expected) in [
        ("fsync", "on"),
        ("full_page_writes", "on"),
        ("data_checksums", "on"),
        ("password_encryption", "scram-sha-256"),
        ("recovery_init_sync_method", "syncfs"),
        ("server_encoding", "UTF8"),
        ("listen_addresses", "127.0.0.1"),
        ("unix_socket_permissions", "0700"),
        ("wal_level", "logical"),
        ("max_connections", "37"),
        ("TimeZone", "UTC"),
        ("application_name", "it's \\ quoted"),
    ] {
        assert_eq!(ask(&client, &format!("select current_setting('{name}')")).await, expected, "{name}");
    }
    let collation = ask(&client, "select datcollate from pg_database where datname = current_database()").await;
    assert!(["C.UTF-8", "C"].contains(&collation.as_str()), "{collation}");
    let buffers: i64 =
        client.query_one("select pg_size_bytes(current_setting('shared_buffers'))", &[]).await.unwrap().get(0);
    assert!((32 << 20..=1 << 30).contains(&buffers), "{buffers}");
    let doors = "select string_agg(distinct auth_method, ' ') from pg_hba_file_rules";
    assert_eq!(ask(&client, doors).await, "scram-sha-256");
    let version = ask(&client, "select current_setting('server_version')").await;
    assert!(version.starts_with(&cluster.version().to_string()), "{version}");
    cluster.stop().await.unwrap();
}

#[tokio::test]
async fn the_log_of_a_talkative_server_stays_small() {
    let scratch = scratch();
    let cluster = EmbeddedCluster::start(settings(&scratch)).await.unwrap();
    let client = connect(&cluster.admin()).await;
    let talk = "do $$ begin for n in 1..20 loop raise log '%', repeat('talk ', 200000); end loop; end $$";
    client.batch_execute(talk).await.unwrap();
    let log = scratch.path().join("data/postgres/server.log");
    let size = |log: &std::path::Path| fs::metadata(log).map_or(0, |found| found.len());
    assert!(size(&log) > 18 << 20, "it said too little");
    wait_until("a new beginning of the log", || size(&log) < 1 << 20);
    assert_eq!(size(&log.with_extension("log.1")), 16 << 20);
    client.batch_execute("do $$ begin raise log 'still heard'; end $$").await.unwrap();
    wait_until("another line", || fs::read_to_string(&log).is_ok_and(|text| text.contains("still heard")));
    cluster.stop().await.unwrap();
}

#[tokio::test]
async fn nobody_gets_in_without_the_password_and_the_loopback_port_is_open() {
    let scratch = scratch();
    let cluster = EmbeddedCluster::start(settings(&scratch)).await.unwrap();
    let mut guess = cluster.admin();
    guess.password("guess");
    let error = guess.connect(tokio_postgres::NoTls).await.map(drop).unwrap_err();
    assert_eq!(error.code(), Some(&tokio_postgres::error::SqlState::INVALID_PASSWORD));

    let password = fs::read_to_string(scratch.path().join("data/postgres/admin.password")).unwrap();
    let mut tcp = tokio_postgres::Config::new();
    tcp.host("127.0.0.1").port(cluster.port()).user(embedded::ADMIN).password(password.trim()).dbname("postgres");
    let client = connect(&tcp).await;
    assert_eq!(ask(&client, "select host(inet_server_addr())").await, "127.0.0.1");
    cluster.stop().await.unwrap();
}

#[tokio::test]
async fn a_second_supervisor_is_refused_and_may_attach() {
    let scratch = scratch();
    let data_dir = scratch.path().join("data");
    assert!(embedded::attach(&data_dir).unwrap().is_none(), "there is nothing yet");
    let cluster = EmbeddedCluster::start(settings(&scratch)).await.unwrap();

    let error = refusal(settings(&scratch)).await;
    assert_eq!(error.code(), "cluster_already_running");
    assert!(error.to_string().contains(&format!("process {}", std::process::id())), "{error}");

    let attached = embedded::attach(&data_dir).unwrap().unwrap();
    assert_eq!(attached.supervisor(), Some(std::process::id()));
    assert_eq!((attached.port(), attached.socket_dir()), (cluster.port(), cluster.socket_dir()));
    let client = connect(&attached.admin()).await;
    assert_eq!(ask(&client, "select current_user::text").await, "cloister_admin");

    cluster.stop().await.unwrap();
    assert!(embedded::attach(&data_dir).unwrap().is_none(), "it has been stopped");
}

#[tokio::test]
async fn dropping_the_cluster_stops_the_server() {
    let scratch = scratch();
    let cluster = EmbeddedCluster::start(settings(&scratch)).await.unwrap();
    let pid = cluster.pid();
    assert!(alive(pid));
    drop(cluster);
    assert!(!alive(pid));
    EmbeddedCluster::start(settings(&scratch)).await.unwrap().stop().await.unwrap();
}

#[tokio::test]
async fn stopping_does_not_wait_for_open_sessions() {
    let scratch = scratch();
    let cluster = EmbeddedCluster::start(settings(&scratch)).await.unwrap();
    let client = connect(&cluster.admin()).await;
    client.batch_execute("begin; create table lost (n int)").await.unwrap();
    let busy = tokio::spawn(async move { client.batch_execute("select pg_sleep(600)").await });
    let ended = cluster.ended();
    tokio::time::timeout(Duration::from_secs(20), cluster.stop()).await.unwrap().unwrap();
    assert!(busy.await.unwrap().is_err());
    assert!(ended.await.requested);
}

/// The kernel signals a child when the thread that spawned it ends: that must not be a thread of the runtime.
#[test]
fn the_server_outlives_the_runtime_it_was_started_on() {
    let scratch = scratch();
    let runtime = || tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let cluster = runtime().block_on(EmbeddedCluster::start(settings(&scratch))).unwrap();
    runtime().block_on(async {
        tokio::time::sleep(Duration::from_millis(200)).await;
        let client = connect(&cluster.admin()).await;
        assert_eq!(ask(&client, "select 'alive'").await, "alive");
    });
    assert!(alive(cluster.pid()));
}

#[tokio::test]
async fn a_cancelled_start_leaves_nothing_behind() {
    let scratch = scratch();
    for patience in [1, 50, 200, 400, 600, 800] {
        let start = EmbeddedCluster::start(settings(&scratch));
        // Some of these may come to an end; then the cluster is dropped, and with it the server.
        drop(tokio::time::timeout(Duration::from_millis(patience), start).await);
    }
    let cluster = EmbeddedCluster::start(settings(&scratch)).await.unwrap();
    assert!(!scratch.path().join("data/postgres/data.unfinished").exists());
    cluster.stop().await.unwrap();
}

#[tokio::test]
async fn a_long_path_gets_a_socket_elsewhere() {
    let scratch = scratch();
    let mut settings = settings(&scratch);
    settings.data_dir = scratch.path().join("a very long name ".repeat(8)).join("data");
    let cluster = EmbeddedCluster::start(settings.clone()).await.unwrap();
    let socket_dir = cluster.socket_dir().to_owned();
    assert!(!socket_dir.starts_with(&settings.data_dir) && socket_dir.as_os_str().as_bytes().len() < 90);
    assert_eq!(mode(&socket_dir), 0o700);
    let attached = embedded::attach(&settings.data_dir).unwrap().unwrap();
    connect(&attached.admin()).await;
    cluster.stop().await.unwrap();
    assert!(!socket_dir.exists(), "a directory outside the data directory is removed");
}

#[tokio::test]
async fn root_lets_the_server_through_its_own_directory_only() {
    if !is_root() {
        eprintln!("SKIPPED: only root runs the server as another account");
        return;
    }
    let scratch = scratch();
    let settings = settings(&scratch);
    fs::create_dir(&settings.data_dir).unwrap();
    fs::set_permissions(&settings.data_dir, fs::Permissions::from_mode(0o700)).unwrap();
    EmbeddedCluster::start(settings.clone()).await.unwrap().stop().await.unwrap();
    assert_eq!(mode(&settings.data_dir), 0o710, "open to the server's group, and only to pass");
}
