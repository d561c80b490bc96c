//! The prover as an operator meets it: a clean installation is proven, a hole is named with what mends it, a node does not serve
//! with one unless somebody says why, every node shows what was found, and the logins of the server are looked at too.

use std::{
    collections::BTreeSet,
    time::{Duration, Instant},
};

use serde_json::Value;

use crate::{
    program::{Program, Serving},
    server::TlsServer,
};

const DOCTOR: [&str; 4] = ["doctor", "isolation", "--output", "json"];
const PASSWORD: &str = "a long walk by the sea";
const VIEWER: &str = "vera@platform.example";
const MEND: &str = "alter table shared.person enable row level security;";

fn codes(isolation: &Value) -> BTreeSet<&str> {
    isolation["proof"]["findings"].as_array().unwrap().iter().map(|finding| finding["code"].as_str().unwrap()).collect()
}

fn proven(program: &Program, code: i32) -> Value {
    let said = program.run(&DOCTOR);
    assert_eq!(said.code, Some(code), "{}{}", said.out, said.err);
    serde_json::from_str(&said.out).unwrap()
}

/// What is done to the server, the code it is found by, and how often: settings of roles in each database.
const HOLES: &[(&str, &str, usize)] = &[
    ("alter role cloister_system bypassrls", "login_too_powerful", 1),
    ("create role curious login; grant cloister_app to curious", "login_lent", 1),
    // Whoever may create roles is no exception.
    ("create role mallory login createrole; grant cloister_system to mallory", "login_lent", 1),
    (
        "create role reader login; grant pg_read_all_data, pg_execute_server_program to reader",
        "role_reads_everything",
        2,
    ),
    ("create role extra; grant extra to cloister_system", "login_is_member", 1),
    (
        "grant set on parameter session_replication_role to cloister_app;
         grant set on parameter session_replication_role, log_statement to public;
         create role sower; grant set, alter system on parameter shared_preload_libraries to sower",
        "grant_on_parameter",
        4,
    ),
    ("alter role cloister_owner bypassrls", "owner_too_powerful", 1),
    ("alter role cloister_system set search_path = public", "setting_of_role", 4),
    ("alter role cloister_app set row_security = off", "setting_of_role", 4),
    ("alter role all set cloister.tenant_id = '00000000-0000-0000-0000-000000000000'", "setting_of_role", 4),
    ("create database cloister_left_behind", "database_unknown", 1),
];

/// What the program refuses as it opens the server, before the prover looks; by which code; and what takes it back.
const REFUSED: &[(&str, &str, &str)] =
    &[("alter role cloister_app createdb", "login_too_powerful", "alter role cloister_app nocreatedb")];

/// Makes each hole, has it found, and closes it as told.
async fn holes_are_found_and_mended(server: &TlsServer, program: &Program) {
    for (hole, code, undo) in REFUSED {
        server.run(hole).await;
        let said = program.run(&DOCTOR);
        assert_eq!((said.code, said.out.as_str()), (Some(4), ""), "{hole}: {}", said.err);
        assert!(said.err.contains(code), "{hole}: {}", said.err);
        server.run(undo).await;
    }
    for (hole, code, times) in HOLES {
        server.run(hole).await;
        let found = proven(program, 6);
        assert_eq!(codes(&found), BTreeSet::from([*code]), "{hole}: {found:#}");
        let findings = found["proof"]["findings"].as_array().unwrap();
        assert_eq!(findings.len(), *times, "{hole}: {found:#}");
        for finding in findings {
            let mend = finding["mend"].as_str().unwrap();
            match mend.strip_prefix("-- look what it holds, then: ") {
                Some(drop) => server.run(drop).await,
                None => server.run(mend).await,
            }
        }
        // What it did not mend shows with the next.
    }
    settings_and_administrators(server, program).await;
    assert_eq!(codes(&proven(program, 0)), BTreeSet::new());
}

/// What the server begins every session with, in its own configuration; and who was given one of our logins to administer.
async fn settings_and_administrators(server: &TlsServer, program: &Program) {
    let mut expected = BTreeSet::from([
        ("library_undeclared", "session_preload_libraries"),
        ("setting_of_server", "row_security"),
        ("setting_of_server", "session_replication_role"),
    ]);
    // What is loaded is shown to those who may read all settings.
    server.run("grant pg_read_all_settings to cloister_owner").await;
    let version = "select current_setting('server_version_num')::int";
    let version: i32 = server.look().await.query_one(version, &[]).await.unwrap().get(0);
    if version >= 160_000 {
        // From then on whoever makes a role is given it to administer, and nothing more. Whoever may not make roles and
        // administers one of ours was let in by somebody.
        let grant =
            "create role maker createrole; grant cloister_system to maker with admin true, inherit false, set false;
            create role keeper; grant cloister_system to keeper with admin true, inherit false, set false;
            create role heir; grant cloister_system to heir with admin false, inherit true, set false;
            create role guest; grant cloister_system to guest with admin false, inherit false, set true";
        server.run(grant).await;
        let lent = ["keeper.cloister_system", "heir.cloister_system", "guest.cloister_system"];
        expected.extend(lent.map(|object| ("login_lent", object)));
    }
    let settings = [
        "session_replication_role = replica",
        "row_security = off",
        "session_preload_libraries = auto_explain, hstore",
    ];
    configure(server, &settings.map(|setting| format!("alter system set {setting}"))).await;
    let found = proven(program, 6);
    let findings = found["proof"]["findings"].as_array().unwrap();
    let told: BTreeSet<_> =
        findings.iter().map(|f| (f["code"].as_str().unwrap(), f["object"].as_str().unwrap())).collect();
    assert!(told == expected && findings.len() == expected.len(), "{found:#}");
    let mends = findings.iter().map(|finding| finding["mend"].as_str().unwrap());
    let mends: Vec<String> = mends.map(|mend| mend.trim_start_matches("-- if nobody knows why: ").to_owned()).collect();
    configure(server, &mends).await;
    server.run("revoke pg_read_all_settings from cloister_owner").await;
}

/// Changes the configuration and waits until sessions begin with it.
async fn configure(server: &TlsServer, statements: &[String]) {
    let loaded = "select pg_conf_load_time()::text";
    let before: String = server.look().await.query_one(loaded, &[]).await.unwrap().get(0);
    for sql in statements {
        server.run(sql).await;
    }
    server.run("select pg_reload_conf()").await;
    for _ in 0..200 {
        let now: String = server.look().await.query_one(loaded, &[]).await.unwrap().get(0);
        if now != before {
            return;
        }
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    panic!("the server does not read its configuration: {statements:?}");
}

/// What operators see of the last proof: its state and codes.
fn seen(serving: &Serving, token: &str) -> (String, Vec<String>) {
    let answer = serving.get_at("/api/v1/platform/isolation", "localhost", token);
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    assert!(head.starts_with("HTTP/1.1 200"), "{answer}");
    let isolation: Value = serde_json::from_str(body).unwrap();
    assert!(isolation["age_seconds"].as_i64() < Some(60), "{isolation}");
    (isolation["state"].as_str().unwrap().to_owned(), codes(&isolation).into_iter().map(str::to_owned).collect())
}

/// Waits until the node shows so many critical findings to whoever watches it.
fn wait_for_gauge(serving: &Serving, critical: u32) {
    let line = format!("cloister_isolation_findings{{severity=\"critical\"}} {critical}\n");
    let deadline = Instant::now() + Duration::from_secs(20);
    loop {
        let metrics = serving.get("/metrics", "none");
        if metrics.contains(&line) {
            assert!(metrics.contains("\ncloister_isolation_age_seconds "), "{metrics}");
            return;
        }
        assert!(Instant::now() < deadline, "not {line}: {metrics}");
        std::thread::sleep(Duration::from_millis(100));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn holes_of_the_server_are_named_with_what_mends_them() {
    let server = TlsServer::start().await;
    let program = Program { data_dir: server.path("node"), url: server.url(&server.verified()) };
    program.succeed(&["init", "--admin-url", &server.admin_url("localhost", &server.verified())]);
    // Settings of roles are found in each database.
    for (slug, tier) in [("north", "shared"), ("south", "schema"), ("west", "database")] {
        program.succeed(&["tenant", "create", slug, "--tier", tier]);
    }
    holes_are_found_and_mended(&server, &program).await;
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_found_is_shown_and_a_node_does_not_serve_with_a_hole() {
    let server = TlsServer::start().await;
    let program = Program { data_dir: server.path("node"), url: server.url(&server.verified()) };
    let nothing = program.run(&["doctor"]);
    assert!(nothing.code == Some(6) && nothing.out.contains("logins_missing"), "{}{}", nothing.out, nothing.err);
    program.succeed(&["init", "--admin-url", &server.admin_url("localhost", &server.verified())]);
    for (slug, tier) in [("north", "shared"), ("south", "schema"), ("west", "database")] {
        program.succeed(&["tenant", "create", slug, "--tier", tier]);
    }
    assert!(program.succeed(&["doctor"]).contains("never looked at"));
    let clean = proven(&program, 0);
    assert_eq!((clean["state"].as_str(), codes(&clean)), (Some("clean"), BTreeSet::new()), "{clean:#}");
    let looked = &clean["proof"]["looked"];
    assert!(
        looked["placements"] == 3 && looked["databases"] == 4 && looked["statements"].as_u64() > Some(100),
        "{looked}"
    );
    let rows = program.run(&["doctor", "isolation", "--rows"]);
    assert!(rows.code == Some(0) && rows.out.starts_with("clean: "), "{}{}", rows.out, rows.err);
    assert!(program.succeed(&["doctor"]).contains("tenants are apart, as of"));

    program.succeed_with(&["admin", "create", VIEWER, "--role", "viewer"], PASSWORD);
    let shared = server.look_in("cloister_shared").await;
    shared.batch_execute("alter table shared.person disable row level security").await.unwrap();
    let told = program.run(&["doctor", "isolation"]);
    assert_eq!(told.code, Some(6));
    let line = "CRITICAL row_security_off: shared.person in main/cloister_shared";
    assert!(told.out.contains(line) && told.out.contains(&format!("  mend   {MEND}")), "{}", told.out);
    assert!(told.err.contains("1 finding, 1 critical") && told.err.matches("row_security_off").count() == 0);
    let well = program.run(&["doctor"]);
    assert!(well.code == Some(6) && well.out.contains("1 finding, 1 critical, as of"), "{}{}", well.out, well.err);
    let refused = program.run(&["serve", "--listen", "127.0.0.1:0"]);
    assert!(refused.code == Some(4) && refused.err.contains("isolation_broken"), "{}", refused.err);
    assert!(refused.err.contains("row_security_off: shared.person in main/cloister_shared"), "{}", refused.err);
    let short = program.run(&["serve", "--listen", "127.0.0.1:0", "--despite-findings", "because"]);
    assert!(short.code == Some(2) && short.err.contains("10 to 500 characters"), "{}", short.err);

    let serving = program.serve_with(&["--despite-findings", "Mending it while lessons go on."]);
    let control = server.look_in("cloister_control").await;
    let noted = control
        .query_one("select actor, reason, changes::text from control.audit where action = 'isolation.override'", &[])
        .await
        .unwrap();
    assert!(noted.get::<_, &str>(0).starts_with("operator:"), "{}", noted.get::<_, &str>(0));
    assert_eq!(noted.get::<_, &str>(1), "Mending it while lessons go on.");
    assert!(noted.get::<_, &str>(2).contains("row_security_off"));
    wait_for_gauge(&serving, 1);
    let token = serving.sign_in_as_operator(VIEWER, PASSWORD);
    assert_eq!(seen(&serving, &token), ("critical".to_owned(), vec!["row_security_off".to_owned()]));
    shared.batch_execute(MEND).await.unwrap();
    // Somebody else looks, and this node shows it.
    proven(&program, 0);
    assert_eq!(seen(&serving, &token), ("clean".to_owned(), vec![]));
    wait_for_gauge(&serving, 0);
    serving.stop();
    program.serve().stop();
    server.stop().await;
}
