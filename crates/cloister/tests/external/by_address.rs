//! One address of an administrator makes the logins; everything that is served goes over TLS.

use std::{
    collections::BTreeSet,
    time::{Duration, Instant},
};

use crate::{program::Program, server::TlsServer};

const ENCRYPTED: &str = "select usename::text, ssl from pg_stat_ssl join pg_stat_activity using (pid)
    where usename like 'cloister\\_%' and usename <> 'cloister_admin'";

const PASSWORD: &str = "nine copper kettles by the door";

#[tokio::test(flavor = "multi_thread")]
async fn one_address_makes_an_installation_that_serves_every_tier_over_tls() {
    let server = TlsServer::start().await;
    let program = Program { data_dir: server.path("node"), url: server.url(&server.verified()) };
    let admin = server.admin_url("localhost", &server.verified());
    let dry = program.succeed(&["init", "--admin-url", &admin, "--dry-run"]);
    assert!(dry.contains("dry run: nothing was made"), "{dry}");
    assert_eq!(server.made("cloister_").await, ["cloister_admin"]);

    program.succeed(&["init", "--admin-url", &admin]);
    let made = server.made("cloister_").await;
    let expected = ["admin", "app", "control", "owner", "shared", "system"].map(|name| format!("cloister_{name}"));
    assert_eq!(made, expected);

    let kept = std::fs::read_to_string(program.data_dir.join("logins.toml")).unwrap();
    let again = program.succeed(&["init", "--admin-url", &admin]);
    assert!(again.contains("ready") && !again.contains(server.admin_password()), "{again}");
    assert_eq!(std::fs::read_to_string(program.data_dir.join("logins.toml")).unwrap(), kept);

    let serving = program.serve();
    let package = server.path("roster.zip");
    let package = package.to_str().unwrap();
    program.succeed(&["sample", package, "--students", "20"]);
    for tier in ["shared", "schema", "database"] {
        let slug = format!("in-{tier}");
        program.succeed(&["tenant", "create", &slug, "--tier", tier]);
        program.succeed(&["import", "oneroster", "--tenant", &slug, package]);
        let owner = format!("owner@{slug}.example");
        program.succeed_with(&["tenant", "add-member", &slug, &owner], PASSWORD);
        let token = serving.sign_in(&slug, &owner, PASSWORD);
        let answer = serving.get(&format!("/t/{slug}/api/v1/persons?limit=2"), &token);
        assert!(answer.starts_with("HTTP/1.1 200") && answer.contains("given_name"), "{tier}: {answer}");
    }
    // The relay enters as the system login in its own time.
    let deadline = Instant::now() + Duration::from_secs(20);
    let mut seen = BTreeSet::new();
    while !seen.is_superset(&BTreeSet::from(["cloister_app".to_owned(), "cloister_system".to_owned()])) {
        assert!(Instant::now() < deadline, "only {seen:?} came");
        for session in server.look().await.query(ENCRYPTED, &[]).await.unwrap() {
            assert!(session.get::<_, bool>(1), "a session is not encrypted");
            seen.insert(session.get::<_, String>(0));
        }
    }
    program.succeed(&["tenant", "delete", "in-database", "--now", "--yes"]);
    serving.stop();
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn another_data_directory_does_not_take_the_logins_from_running_nodes() {
    let server = TlsServer::start().await;
    let url = server.url(&server.verified());
    let (first, second) = (server.path("first"), server.path("second"));
    let first = Program { data_dir: first, url: url.clone() };
    let second = Program { data_dir: second, url };
    let admin = server.admin_url("localhost", &server.verified());
    first.succeed(&["init", "--admin-url", &admin]);
    let refused = second.run(&["init", "--admin-url", &admin]);
    assert_eq!(refused.code, Some(4), "{}", refused.err);
    assert!(refused.err.contains("login_exists") && refused.err.contains("--new-passwords"), "{}", refused.err);
    first.succeed(&["doctor"]);

    // Whoever lost the file says so, and the nodes that hold the old one read what to do.
    second.succeed(&["init", "--admin-url", &admin, "--new-passwords"]);
    second.succeed(&["doctor"]);
    let locked_out = first.run(&["tenant", "list"]);
    assert_eq!(locked_out.code, Some(4), "{}", locked_out.err);
    assert!(locked_out.err.contains("logins.toml"), "{}", locked_out.err);
    server.stop().await;
}
