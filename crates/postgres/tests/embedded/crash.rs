//! What the next start makes of a server, a supervisor or a session that was killed.

use std::{
    env, fs,
    io::{BufRead, BufReader},
    os::unix::{
        fs::MetadataExt,
        process::{CommandExt, ExitStatusExt},
    },
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use cloister_postgres::embedded::{self, EmbeddedCluster, Settings};
use tempfile::TempDir;

use super::{alive, ask, connect, is_root, kill, pgdata, scratch, settings, wait_until};

const SUPERVISE: &str = "CLOISTER_TEST_SUPERVISE";

/// Not a test: the process that the tests below start from this same binary, to kill it.
#[tokio::test]
#[ignore = "a process for other tests"]
async fn supervise_until_killed() {
    let Some(data_dir) = env::var_os(SUPERVISE) else { return };
    let mut settings = Settings::new(data_dir);
    settings.binaries = super::configured_binaries();
    let cluster = EmbeddedCluster::start(settings).await.unwrap();
    eprintln!("postmaster {}", cluster.pid());
    std::future::pending::<()>().await;
}

/// A supervisor in a process of its own, and its postmaster.
fn supervisor(settings: &Settings) -> (Child, u32) {
    let mut child = Command::new(env::current_exe().unwrap())
        .args(["--exact", "crash::supervise_until_killed", "--ignored", "--nocapture"])
        .env(SUPERVISE, &settings.data_dir)
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
    let pid = lines.find_map(|line| line.unwrap().strip_prefix("postmaster ")?.parse().ok());
    (child, pid.expect("the supervisor must start"))
}

fn kill_supervisor(mut child: Child) {
    child.kill().unwrap();
    assert_eq!(child.wait().unwrap().signal(), Some(9));
}

/// A command of the account that owns the cluster.
fn as_owner(program: &std::path::Path, settings: &Settings) -> Command {
    let owner = fs::metadata(pgdata(settings)).unwrap();
    let mut command = Command::new(program);
    if is_root() {
        command.uid(owner.uid()).gid(owner.gid());
    }
    command.current_dir("/").stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    command
}

async fn kept_word(settings: Settings) -> String {
    let cluster = EmbeddedCluster::start(settings).await.unwrap();
    let word = ask(&connect(&cluster.admin()).await, "select word from kept").await;
    cluster.stop().await.unwrap();
    word
}

async fn keep_word(cluster: &EmbeddedCluster) {
    let client = connect(&cluster.admin()).await;
    client.batch_execute("create table kept (word text); insert into kept values ('here')").await.unwrap();
}

async fn cluster_with_a_word() -> (TempDir, EmbeddedCluster) {
    let scratch = scratch();
    let cluster = EmbeddedCluster::start(settings(&scratch)).await.unwrap();
    keep_word(&cluster).await;
    (scratch, cluster)
}

#[tokio::test]
async fn a_killed_postmaster_is_noticed_and_what_was_committed_is_there_after() {
    let (scratch, cluster) = cluster_with_a_word().await;
    let ended = cluster.ended();
    kill("KILL", cluster.pid());
    let exit = tokio::time::timeout(Duration::from_secs(5), ended).await.unwrap();
    assert!(!exit.requested, "{exit:?}");
    // The lock is free although this value still lives.
    assert_eq!(kept_word(settings(&scratch)).await, "here");
    cluster.stop().await.unwrap();
}

#[tokio::test]
async fn a_session_that_outlives_its_postmaster_is_ended() {
    let (scratch, cluster) = cluster_with_a_word().await;
    let client = connect(&cluster.admin()).await;
    let session: i32 = client.query_one("select pg_backend_pid()", &[]).await.unwrap().get(0);
    let session = u32::try_from(session).unwrap();
    let computing = tokio::spawn(async move {
        // Neither waits nor sends: it does not see that its server is gone.
        client.batch_execute("do $$ begin loop end loop; end $$").await
    });
    tokio::time::sleep(Duration::from_millis(200)).await;
    kill("KILL", cluster.pid());
    cluster.ended().await;
    assert!(alive(session), "the session must still compute, or this shows nothing");
    assert_eq!(kept_word(settings(&scratch)).await, "here");
    assert!(!alive(session));
    assert!(computing.await.unwrap().is_err());
}

#[tokio::test]
async fn a_stale_pid_file_whose_number_another_program_has_is_no_obstacle() {
    let (scratch, cluster) = cluster_with_a_word().await;
    let settings = settings(&scratch);
    kill("KILL", cluster.pid());
    cluster.ended().await;
    let mut stranger = as_owner("/bin/sleep".as_ref(), &settings).arg("600").spawn().unwrap();
    let path = pgdata(&settings).join("postmaster.pid");
    let text = fs::read_to_string(&path).unwrap();
    let (_, rest) = text.split_once('\n').unwrap();
    fs::write(&path, format!("{}\n{rest}", stranger.id())).unwrap();
    assert_eq!(kept_word(settings).await, "here");
    assert!(stranger.try_wait().unwrap().is_none(), "the other program is left alone");
    stranger.kill().unwrap();
    stranger.wait().unwrap();
}

#[tokio::test]
async fn the_server_of_a_killed_supervisor_ends_by_itself() {
    let tied = Command::new("setpriv").args(["--pdeathsig", "INT", "true"]).status();
    if !tied.is_ok_and(|status| status.success()) {
        eprintln!("SKIPPED: setpriv --pdeathsig is not here");
        return;
    }
    let scratch = scratch();
    let settings = settings(&scratch);
    let (child, postmaster) = supervisor(&settings);
    let attached = embedded::attach(&settings.data_dir).unwrap().unwrap();
    assert_eq!(attached.supervisor(), Some(child.id()));
    assert!(alive(postmaster));
    kill_supervisor(child);
    assert!(embedded::attach(&settings.data_dir).unwrap().is_none(), "the lock died with its holder");
    wait_until("the end of the server", || !alive(postmaster));
    EmbeddedCluster::start(settings).await.unwrap().stop().await.unwrap();
}

#[tokio::test]
async fn a_start_right_after_a_supervisor_was_killed_takes_over() {
    let scratch = scratch();
    let settings = settings(&scratch);
    for round in 0..3 {
        let (child, postmaster) = supervisor(&settings);
        kill_supervisor(child);
        let begun = Instant::now();
        let cluster = EmbeddedCluster::start(settings.clone()).await.unwrap();
        eprintln!("take-over {round}: {:?}", begun.elapsed());
        assert!(!alive(postmaster));
        cluster.stop().await.unwrap();
    }
}

/// Where the system cannot tie the server's life to its supervisor's, it is still there at the next start.
#[tokio::test]
async fn a_server_without_a_supervisor_is_ended_and_replaced() {
    let (scratch, cluster) = cluster_with_a_word().await;
    let settings = settings(&scratch);
    let (program, socket_dir) =
        (fs::read_link(format!("/proc/{}/exe", cluster.pid())).unwrap(), cluster.socket_dir().to_owned());
    cluster.stop().await.unwrap();
    let data = pgdata(&settings);
    let mut leftover = as_owner(&program, &settings)
        .arg("-D")
        .arg(&data)
        .arg("-k")
        .arg(&socket_dir)
        .args(["-p", "19999"])
        .spawn()
        .unwrap();
    wait_until("the leftover server", || {
        fs::read_to_string(data.join("postmaster.pid")).is_ok_and(|text| text.contains("ready"))
    });
    // The test is its parent: it must be reaped, or it stays as a zombie.
    let reaper = std::thread::spawn(move || leftover.wait());
    let cluster = EmbeddedCluster::start(settings).await.unwrap();
    assert!(reaper.join().unwrap().unwrap().success(), "it was ended in good order");
    assert_ne!(cluster.port(), 19999);
    assert_eq!(ask(&connect(&cluster.admin()).await, "select word from kept").await, "here");
    cluster.stop().await.unwrap();
}
