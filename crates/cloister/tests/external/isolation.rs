//! The prover as an operator meets it: a clean installation is proven, a hole is named with what mends it, a node does not serve
//! with one unless somebody says why, and the logins of the server are looked at too.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::{program::Program, server::TlsServer};

const DOCTOR: [&str; 4] = ["doctor", "isolation", "--output", "json"];

fn codes(proof: &Value) -> BTreeSet<&str> {
    proof["findings"].as_array().unwrap().iter().map(|finding| finding["code"].as_str().unwrap()).collect()
}

fn proof(program: &Program, code: i32) -> Value {
    let said = program.run(&DOCTOR);
    assert_eq!(said.code, Some(code), "{}{}", said.out, said.err);
    serde_json::from_str(&said.out).unwrap()
}

/// What is done to the server, the code it is found by, and what takes it back where the finding does not say.
const HOLES: &[(&str, &str)] = &[
    ("alter role cloister_system bypassrls", "login_too_powerful"),
    ("alter role cloister_app createdb; alter role cloister_system createrole", "login_too_powerful"),
    ("create role curious login; grant cloister_app to curious", "login_lent"),
    ("create role reader login; grant pg_read_all_data to reader", "role_reads_everything"),
    ("create role extra; grant extra to cloister_system", "login_is_member"),
    // Whoever may create roles is no exception.
    ("create role mallory login createrole; grant cloister_system to mallory", "login_lent"),
    ("create role carrier login; grant pg_execute_server_program to carrier", "role_reads_everything"),
    ("grant set on parameter session_replication_role to cloister_app", "grant_on_parameter"),
    ("grant set on parameter session_replication_role, log_statement to public", "grant_on_parameter"),
    ("create role sower; grant alter system on parameter shared_preload_libraries to sower", "grant_on_parameter"),
    ("alter role cloister_owner bypassrls", "owner_too_powerful"),
    ("alter role cloister_system set search_path = public", "setting_of_role"),
    ("alter role cloister_app set row_security = off", "setting_of_role"),
    ("create database cloister_left_behind", "database_unknown"),
];

#[tokio::test(flavor = "multi_thread")]
async fn holes_of_the_server_are_named_and_a_node_does_not_serve_with_one() {
    let server = TlsServer::start().await;
    let program = Program { data_dir: server.path("node"), url: server.url(&server.verified()) };
    program.succeed(&["init", "--admin-url", &server.admin_url("localhost", &server.verified())]);
    for (slug, tier) in [("north", "shared"), ("south", "schema"), ("west", "database")] {
        program.succeed(&["tenant", "create", slug, "--tier", tier]);
    }
    let clean = proof(&program, 0);
    assert_eq!(codes(&clean), BTreeSet::new(), "{clean:#}");
    let looked = &clean["looked"];
    assert!(
        looked["placements"] == 3 && looked["databases"] == 4 && looked["statements"].as_u64() > Some(100),
        "{looked}"
    );
    let rows = program.run(&["doctor", "isolation", "--rows"]);
    assert!(rows.code == Some(0) && rows.out.starts_with("clean: "), "{}{}", rows.out, rows.err);

    for (hole, code) in HOLES {
        // Some powers are refused as soon as the program opens the server, before the prover looks.
        server.run(hole).await;
        let said = program.run(&DOCTOR);
        if said.out.is_empty() {
            assert!(said.code == Some(4) && said.err.contains(code), "{hole}: {}", said.err);
            server.run("alter role cloister_app nocreatedb; alter role cloister_system nocreaterole").await;
            continue;
        }
        let found: Value = serde_json::from_str(&said.out).unwrap();
        assert_eq!((said.code, codes(&found)), (Some(1), BTreeSet::from([*code])), "{hole}: {found:#}");
        for finding in found["findings"].as_array().unwrap() {
            let mend = finding["mend"].as_str().unwrap();
            match mend.strip_prefix("-- look what it holds, then: ") {
                Some(drop) => server.run(drop).await,
                None => server.run(mend).await,
            }
        }
        // What it did not mend shows with the next.
    }
    assert_eq!(codes(&proof(&program, 0)), BTreeSet::new());
    settings_of_the_server(&server, &program).await;
    administrators_of_logins(&server, &program).await;

    let shared = server.look_in("cloister_shared").await;
    shared.batch_execute("alter table shared.person disable row level security").await.unwrap();
    let told = program.run(&["doctor", "isolation"]);
    assert_eq!(told.code, Some(1));
    let mend = "  mend   alter table shared.person enable row level security;";
    let line = "CRITICAL row_security_off: shared.person in main/cloister_shared";
    assert!(told.out.contains(line) && told.out.contains(mend), "{}", told.out);
    let refused = program.run(&["serve", "--listen", "127.0.0.1:0"]);
    assert!(refused.code == Some(4) && refused.err.contains("isolation_broken"), "{}", refused.err);
    let short = program.run(&["serve", "--listen", "127.0.0.1:0", "--despite-findings", "because"]);
    assert!(short.code == Some(2) && short.err.contains("10 to 500 characters"), "{}", short.err);
    let serving = program.serve_with(&["--despite-findings", "Mending it while lessons go on."]);
    let control = server.look_in("cloister_control").await;
    let noted = control
        .query_one("select actor, reason, changes::text from control.audit where action = 'isolation.override'", &[])
        .await
        .unwrap();
    assert_eq!(noted.get::<_, &str>(1), "Mending it while lessons go on.");
    assert!(noted.get::<_, &str>(2).contains("row_security_off"));
    serving.stop();
    shared.batch_execute("alter table shared.person enable row level security").await.unwrap();
    program.serve().stop();
    server.stop().await;
}

/// What the server begins every session with, in its own configuration.
async fn settings_of_the_server(server: &TlsServer, program: &Program) {
    // What is loaded is shown to those who may read all settings.
    server.run("grant pg_read_all_settings to cloister_owner").await;
    for (name, value, code) in [
        ("session_replication_role", "replica", "setting_of_server"),
        ("row_security", "off", "setting_of_server"),
        ("session_preload_libraries", "auto_explain, hstore", "library_undeclared"),
    ] {
        configure(server, &format!("alter system set {name} = {value}")).await;
        let found = proof(program, 1);
        assert_eq!(codes(&found), BTreeSet::from([code]), "{name}: {found:#}");
        let finding = &found["findings"][0];
        assert!(finding["object"] == name && finding["database"] == "", "{finding}");
        configure(server, finding["mend"].as_str().unwrap().trim_start_matches("-- if nobody knows why: ")).await;
        assert_eq!(codes(&proof(program, 0)), BTreeSet::new(), "{name}");
    }
    server.run("revoke pg_read_all_settings from cloister_owner").await;
}

/// Changes the configuration and waits until sessions begin with it.
async fn configure(server: &TlsServer, sql: &str) {
    let loaded = "select pg_conf_load_time()::text";
    let before: String = server.look().await.query_one(loaded, &[]).await.unwrap().get(0);
    server.run(sql).await;
    server.run("select pg_reload_conf()").await;
    for _ in 0..200 {
        let now: String = server.look().await.query_one(loaded, &[]).await.unwrap().get(0);
        if now != before {
            return;
        }
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    panic!("the server does not read its configuration: {sql}");
}

/// From version 16 on whoever makes a role is given it to administer, and nothing more. Whoever may not make roles and
/// administers one of ours was let in by somebody.
async fn administrators_of_logins(server: &TlsServer, program: &Program) {
    let version: i32 =
        server.look().await.query_one("select current_setting('server_version_num')::int", &[]).await.unwrap().get(0);
    if version < 160_000 {
        return;
    }
    server.run("create role maker createrole; create role keeper").await;
    server.run("grant cloister_system to maker with admin true, inherit false, set false").await;
    assert_eq!(codes(&proof(program, 0)), BTreeSet::new());
    for option in [
        "admin true, inherit false, set false",
        "admin false, inherit true, set false",
        "admin false, inherit false, set true",
    ] {
        server.run(&format!("grant cloister_system to keeper with {option}")).await;
        let found = proof(program, 1);
        assert_eq!(codes(&found), BTreeSet::from(["login_lent"]), "{option}: {found:#}");
        server.run(found["findings"][0]["mend"].as_str().unwrap()).await;
    }
    assert_eq!(codes(&proof(program, 0)), BTreeSet::new());
}
