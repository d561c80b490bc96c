//! Three logins that somebody made.

use crate::{
    program::{Program, Said},
    server::TlsServer,
};

const LOGINS: &str = "create role \"school-owner\" login createdb password 'own:er one';
    create role school_app login password 'application one';
    create role school_system login password 'system one';
    grant school_app, school_system to \"school-owner\"";

fn init(program: &Program, application: &str) -> Said {
    let owner = ["--owner-login", "school-owner:own:er one"];
    let rest = ["--application-login", application, "--system-login", "school_system:system one"];
    program.run(&[&["init"], &owner[..], &rest[..]].concat())
}

#[tokio::test(flavor = "multi_thread")]
async fn three_given_logins_make_an_installation_and_a_server_does_not_start_as_one_that_may_too_much() {
    let server = TlsServer::start().await;
    let program = Program { data_dir: server.path("node"), url: server.url(&server.verified()) };
    server.run(LOGINS).await;

    // Each mistake is named, and nothing is left of the attempt.
    for (mistake, undo, code) in [
        ("alter role school_app superuser", "alter role school_app nosuperuser", "login_too_powerful"),
        ("alter role school_app bypassrls", "alter role school_app nobypassrls", "login_too_powerful"),
        ("grant school_system to school_app", "revoke school_system from school_app", "login_too_powerful"),
        ("alter role school_system bypassrls", "alter role school_system nobypassrls", "login_too_powerful"),
        ("alter role \"school-owner\" nocreatedb", "alter role \"school-owner\" createdb", "owner_lacks_createdb"),
        ("revoke school_app from \"school-owner\"", "grant school_app to \"school-owner\"", "owner_lacks_membership"),
        ("create database cloister_shared", "drop database cloister_shared", "database_not_ours"),
        (
            "create database cloister_control owner cloister_admin",
            "drop database cloister_control",
            "database_not_ours",
        ),
        ("alter role school_app password 'another'", "alter role school_app password 'application one'", "28P01"),
    ] {
        server.run(mistake).await;
        let refused = init(&program, "school_app:application one");
        server.run(undo).await;
        assert_eq!(refused.code, Some(4), "{mistake}: {}{}", refused.out, refused.err);
        assert!(refused.err.contains(code) && !refused.err.contains("application one"), "{mistake}: {}", refused.err);
        assert!(!program.data_dir.exists(), "{mistake}");
    }
    let twice = init(&program, "school-owner:own:er one");
    assert!(twice.code == Some(4) && twice.err.contains("logins_not_distinct"), "{}", twice.err);

    let made = init(&program, "school_app:application one");
    assert_eq!(made.code, Some(0), "{}", made.err);
    assert!(made.out.contains("school_app") && !made.out.contains("application one"), "{}", made.out);
    assert!(program.succeed(&["init"]).contains("school_app"));
    let serving = program.serve();
    assert!(serving.get("/readyz", "none").starts_with("HTTP/1.1 200"));
    serving.stop();

    for (power, undo, word) in [
        ("alter role school_app superuser", "alter role school_app nosuperuser", "is a superuser"),
        ("alter role school_app bypassrls", "alter role school_app nobypassrls", "BYPASSRLS"),
    ] {
        server.run(power).await;
        let refused = program.run(&["serve", "--listen", "127.0.0.1:0"]);
        server.run(undo).await;
        assert_eq!(refused.code, Some(4), "{power}: {}", refused.err);
        assert!(refused.err.contains("login_too_powerful") && refused.err.contains(word), "{power}: {}", refused.err);
    }
    program.serve().stop();
    server.stop().await;
}
