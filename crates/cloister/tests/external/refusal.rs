//! Addresses that do not lead to a server we trust: said clearly, with what would be right, and nothing made.

use crate::{program::Program, server::TlsServer};

#[tokio::test(flavor = "multi_thread")]
async fn an_address_that_cannot_be_trusted_is_refused_with_advice() {
    let server = TlsServer::start().await;
    let program = Program { data_dir: server.path("node"), url: server.url(&server.verified()) };
    let stranger = format!("sslrootcert={}", server.path("stranger.crt").display());
    let authority = format!("sslrootcert={}", server.path("authority.crt").display());
    let nothing = format!("sslrootcert={}", server.path("missing.crt").display());
    let password = server.admin_password();
    let refusals = [
        (server.admin_url("localhost", "sslmode=disable"), 4, "use sslmode=verify-full"),
        (server.admin_url("localhost", "sslmode=verify-full"), 4, "sslrootcert=FILE"),
        (server.admin_url("localhost", &format!("sslmode=verify-full&{stranger}")), 4, "sslrootcert=FILE"),
        (server.admin_url("localhost", &format!("sslmode=verify-ca&{stranger}")), 4, "sslrootcert=FILE"),
        (server.admin_url("127.0.0.1", &format!("sslmode=verify-full&{authority}")), 4, "host name"),
        (server.admin_url("localhost", &format!("sslmode=verify-full&{nothing}")), 4, "missing.crt"),
        (server.admin_url("localhost", "sslmode=verified"), 4, "sslmode is `verified`"),
        (server.admin_url("localhost", &server.verified()).replace(password, "wrong"), 4, "28P01"),
        (format!("postgresql://cloister_admin:{password}@127.0.0.1:1/postgres"), 5, "Nothing listens there"),
        (format!("mysql://cloister_admin:{password}@localhost/postgres"), 4, "postgresql://user:password@"),
    ];
    for (url, code, advice) in refusals {
        let said = program.run(&["init", "--admin-url", &url]);
        assert_eq!(said.code, Some(code), "{url}: {}", said.err);
        assert!(said.err.contains(advice), "{url}: {}", said.err);
        assert!(!said.err.contains(password) && !said.out.contains(password), "{url}: {}", said.err);
        assert!(!program.data_dir.exists(), "{url}");
    }
    // The administrator's address is right, and the one to be used later is not.
    let admin = server.admin_url("localhost", &server.verified());
    for (url, code) in [(server.url("sslmode=verify-full"), 4), ("postgresql://127.0.0.1:1/".to_owned(), 5)] {
        let said = Program { data_dir: server.path("node"), url }.run(&["init", "--admin-url", &admin]);
        assert!(said.code == Some(code) && said.err.contains("database.url"), "{}", said.err);
    }
    // Where the passwords cannot be kept, in a directory that is not ours, no login is made.
    std::fs::create_dir(server.path("theirs")).unwrap();
    std::fs::write(server.path("theirs/file"), "theirs").unwrap();
    let homeless = Program { data_dir: server.path("theirs"), url: server.url(&server.verified()) };
    let said = homeless.run(&["init", "--admin-url", &admin]);
    assert!(said.code == Some(1) && said.err.contains("logins_not_saved"), "{}", said.err);
    assert_eq!(server.made("cloister_").await, ["cloister_admin"]);

    // The same server is let in where the mode does not look: so it was the certificate that was refused.
    for query in ["sslmode=require", &format!("sslmode=verify-ca&{authority}")] {
        program.succeed(&["init", "--dry-run", "--admin-url", &server.admin_url("127.0.0.1", query)]);
    }

    // TLS was never switched on at this one.
    server.run("alter system set ssl = off").await;
    server.run("select pg_reload_conf()").await;
    let plain = program.run(&["init", "--admin-url", &server.admin_url("localhost", "sslmode=require")]);
    assert!(plain.code == Some(4) && plain.err.contains("ssl = on"), "{}", plain.err);
    server.stop().await;
}
