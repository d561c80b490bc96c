//! What a start refuses, and that it says what to do.

use std::{
    fs,
    net::TcpListener,
    os::unix::fs::{PermissionsExt, chown},
    path::{Path, PathBuf},
    process::Command,
};

use cloister_postgres::embedded::{self, EmbeddedCluster, EmbeddedError};
use tempfile::TempDir;

use super::{ask, configured_binaries, connect, is_root, pgdata, refusal, scratch, settings};

#[tokio::test]
async fn a_taken_port_is_named_with_its_holder() {
    let scratch = scratch();
    let holder = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = holder.local_addr().unwrap().port();
    let mut wish = settings(&scratch);
    wish.port = Some(port);
    let error = refusal(wish.clone()).await;
    assert_eq!(error.code(), "port_taken");
    let text = error.to_string();
    assert!(text.contains(&port.to_string()) && text.contains(&format!("process {}", std::process::id())), "{text}");
    drop(holder);
    let cluster = EmbeddedCluster::start(wish).await.unwrap();
    assert_eq!(cluster.port(), port);
    cluster.stop().await.unwrap();

    // A port that was only remembered is given up for another one.
    let _holder = TcpListener::bind(("127.0.0.1", port)).unwrap();
    let cluster = EmbeddedCluster::start(settings(&scratch)).await.unwrap();
    assert_ne!(cluster.port(), port);
    cluster.stop().await.unwrap();
}

#[tokio::test]
async fn a_directory_that_is_not_ours_is_left_alone() {
    let scratch = scratch();
    let settings = settings(&scratch);
    fs::create_dir(&settings.data_dir).unwrap();
    fs::write(settings.data_dir.join("thesis.txt"), "mine").unwrap();
    let error = refusal(settings.clone()).await;
    assert_eq!(error.code(), "data_dir_foreign");
    assert!(error.to_string().contains("thesis.txt"), "{error}");
    assert_eq!(fs::read_dir(&settings.data_dir).unwrap().count(), 1, "nothing was written");

    fs::write(settings.data_dir.join("PG_VERSION"), "15").unwrap();
    assert!(refusal(settings).await.to_string().contains("PostgreSQL cluster of its own"));
}

#[tokio::test]
async fn a_claimed_directory_may_hold_other_files_but_no_foreign_cluster() {
    let scratch = scratch();
    let settings = settings(&scratch);
    embedded::claim(&settings.data_dir).unwrap();
    fs::write(settings.data_dir.join("token.key"), "ours").unwrap();
    EmbeddedCluster::start(settings.clone()).await.unwrap().stop().await.unwrap();

    fs::remove_file(pgdata(&settings).join("PG_VERSION")).unwrap();
    let error = refusal(settings).await;
    assert_eq!(error.code(), "data_dir_foreign");
}

#[tokio::test]
async fn a_cluster_of_another_major_version_is_refused_by_name() {
    let scratch = scratch();
    let mut settings = settings(&scratch);
    let cluster = EmbeddedCluster::start(settings.clone()).await.unwrap();
    let version = cluster.version();
    cluster.stop().await.unwrap();
    fs::write(pgdata(&settings).join("PG_VERSION"), "14\n").unwrap();
    for binaries in [settings.binaries.clone(), None] {
        settings.binaries = binaries;
        let error = refusal(settings.clone()).await;
        assert_eq!(error.code(), "postgres_other_major_version");
        assert!(error.to_string().contains("PostgreSQL 14"), "{error}");
        if settings.binaries.is_some() {
            assert!(error.to_string().contains(&version.to_string()), "{error}");
        }
    }
}

/// With servers of two major versions on the machine, an existing cluster gets its own, whichever is newer.
#[tokio::test]
async fn an_existing_cluster_gets_binaries_of_its_own_major_version() {
    let scratch = scratch();
    let found = |wish| async { EmbeddedCluster::start(wish).await.unwrap() };
    let mut wish = settings(&scratch);
    wish.binaries = None;
    let mut made = 0;
    for major in embedded::OLDEST..=embedded::NEWEST {
        let system = PathBuf::from(format!("/usr/lib/postgresql/{major}/bin"));
        let places = [Some(system), configured_binaries()];
        let Some(binaries) = places.into_iter().flatten().find(|place| major_of(place) == Some(major)) else {
            continue;
        };
        wish.data_dir = scratch.path().join(format!("of-{major}"));
        wish.binaries = Some(binaries);
        found(wish.clone()).await.stop().await.unwrap();
        wish.binaries = None;
        match EmbeddedCluster::start(wish.clone()).await {
            Ok(cluster) => {
                assert_eq!(cluster.version().major, major);
                cluster.stop().await.unwrap();
                made += 1;
            }
            // Configured binaries need not be in a place that is searched.
            Err(error) => assert_eq!(error.code(), "postgres_other_major_version", "{error}"),
        }
    }
    eprintln!("clusters of {made} major versions found their binaries");
}

fn major_of(binaries: &Path) -> Option<u32> {
    let output = Command::new(binaries.join("postgres")).arg("--version").output().ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    text.split_once("(PostgreSQL) ")?.1.split(['.', ' ', '\n']).next()?.parse().ok()
}

#[tokio::test]
async fn binaries_that_are_none_are_refused() {
    let scratch = scratch();
    let mut settings = settings(&scratch);
    settings.binaries = Some(scratch.path().join("nothing"));
    let error = refusal(settings).await;
    assert_eq!(error.code(), "postgres_binaries_unusable");
    assert!(error.to_string().contains("postgres.binaries"), "{error}");
    assert!(EmbeddedError::NoBinaries.to_string().contains("make setup"));
}

#[tokio::test]
async fn a_setting_that_would_break_its_line_is_refused() {
    let scratch = scratch();
    let mut settings = settings(&scratch);
    settings.extra.push(("work_mem".to_owned(), "4MB\nport = 1".to_owned()));
    assert_eq!(refusal(settings.clone()).await.code(), "invalid_server_setting");
    assert!(!settings.data_dir.exists());
}

#[tokio::test]
async fn a_server_that_dies_while_starting_tells_its_last_words() {
    let scratch = scratch();
    let mut settings = settings(&scratch);
    settings.extra.push(("work_mem".to_owned(), "a lot".to_owned()));
    let error = refusal(settings.clone()).await;
    assert_eq!(error.code(), "postgres_died");
    assert!(error.to_string().contains("invalid value for parameter \"work_mem\""), "{error}");
    settings.extra.pop();
    EmbeddedCluster::start(settings).await.unwrap().stop().await.unwrap();
}

#[tokio::test]
async fn a_lost_password_file_is_named() {
    let scratch = scratch();
    let settings = settings(&scratch);
    EmbeddedCluster::start(settings.clone()).await.unwrap().stop().await.unwrap();
    fs::remove_file(settings.data_dir.join("postgres/admin.password")).unwrap();
    assert_eq!(refusal(settings.clone()).await.code(), "admin_password_missing");
    fs::write(settings.data_dir.join("postgres/admin.password"), "another").unwrap();
    let error = refusal(settings).await;
    assert_eq!(error.code(), "admin_sign_in_failed");
    assert!(error.to_string().contains("password authentication failed"), "{error}");
}

#[tokio::test]
async fn a_place_the_unprivileged_account_cannot_reach_is_named() {
    if !is_root() {
        eprintln!("SKIPPED: only root runs the server as another account");
        return;
    }
    let scratch = scratch();
    let mut settings = settings(&scratch);
    let closed = scratch.path().join("closed");
    fs::create_dir(&closed).unwrap();
    fs::set_permissions(&closed, fs::Permissions::from_mode(0o700)).unwrap();
    settings.data_dir = closed.join("data");
    let error = refusal(settings.clone()).await;
    assert_eq!(error.code(), "data_dir_not_reachable");
    assert!(error.to_string().contains(&format!("chmod o+x {}", closed.display())), "{error}");

    settings.run_as = Some("root".to_owned());
    assert_eq!(refusal(settings.clone()).await.code(), "no_unprivileged_account");
    settings.run_as = Some("nobody-of-that-name".to_owned());
    assert_eq!(refusal(settings).await.code(), "no_unprivileged_account");
}

/// Root adopts the account that owns a cluster, takes back one that was restored as root, and can hand it to another.
#[tokio::test]
async fn root_gives_the_cluster_to_the_account_that_runs_it() {
    if !is_root() {
        eprintln!("SKIPPED: only root runs the server as another account");
        return;
    }
    let scratch = scratch();
    let mut settings = settings(&scratch);
    settings.run_as = Some("nobody".to_owned());
    EmbeddedCluster::start(settings.clone()).await.unwrap().stop().await.unwrap();
    settings.run_as = None;
    assert_eq!(account_of(settings.clone()).await, "nobody", "the owner is adopted");
    for path in [pgdata(&settings), pgdata(&settings).join("PG_VERSION")] {
        chown(path, Some(0), Some(0)).unwrap();
    }
    settings.run_as = Some("nobody".to_owned());
    assert_eq!(account_of(settings).await, "nobody");
}

async fn account_of(settings: embedded::Settings) -> String {
    let cluster = EmbeddedCluster::start(settings).await.unwrap();
    let client = connect(&cluster.admin()).await;
    assert_eq!(ask(&client, "select 'up'").await, "up");
    let output = Command::new("ps").args(["-o", "user=", "-p", &cluster.pid().to_string()]).output().unwrap();
    cluster.stop().await.unwrap();
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

/// A small file system of its own, unmounted when dropped.
struct SmallDisk(TempDir);

impl SmallDisk {
    fn mount(mebibytes: u32) -> Option<Self> {
        let scratch = scratch();
        let options = format!("size={mebibytes}m,mode=0755");
        let mounted =
            Command::new("mount").args(["-t", "tmpfs", "-o", &options, "tmpfs"]).arg(scratch.path()).output().ok()?;
        if mounted.status.success() {
            return Some(Self(scratch));
        }
        eprintln!("SKIPPED: cannot mount a small disk: {}", String::from_utf8_lossy(&mounted.stderr).trim());
        None
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let unmounted = Command::new("umount").arg(self.0.path()).status();
        eprintln!("unmounted: {unmounted:?}");
    }
}

#[tokio::test]
async fn a_disk_without_room_is_refused_before_anything_is_made() {
    let Some(disk) = SmallDisk::mount(100) else { return };
    let settings = settings(&disk.0);
    let error = refusal(settings.clone()).await;
    assert_eq!(error.code(), "disk_full");
    assert!(error.to_string().contains("200 MiB needed"), "{error}");
    assert!(!pgdata(&settings).exists());
}

#[tokio::test]
async fn a_disk_that_filled_up_is_named_and_the_cluster_starts_when_there_is_room_again() {
    let Some(disk) = SmallDisk::mount(300) else { return };
    let settings = settings(&disk.0);
    EmbeddedCluster::start(settings.clone()).await.unwrap().stop().await.unwrap();
    let ballast = disk.0.path().join("ballast");
    // Written until it fails: `dd` ends with an error, as it should.
    let filled = Command::new("dd").args(["if=/dev/zero", "bs=64k"]).arg(format!("of={}", ballast.display())).output();
    assert!(!filled.unwrap().status.success());
    let error = refusal(settings.clone()).await;
    assert_eq!(error.code(), "disk_full");
    fs::remove_file(ballast).unwrap();
    EmbeddedCluster::start(settings).await.unwrap().stop().await.unwrap();
}
