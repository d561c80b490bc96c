//! `cloister audit verify`, while the platform serves and seals.

use std::time::{Duration, Instant};

use serde_json::Value;

use crate::{
    program::{Program, Said},
    server::TlsServer,
};

fn logs(said: &Said) -> Vec<Value> {
    serde_json::from_str(&said.out).unwrap_or_else(|error| panic!("{error}: {}{}", said.out, said.err))
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_was_at_a_log_is_named_and_the_command_fails() {
    let server = TlsServer::start().await;
    let program = Program { data_dir: server.path("node"), url: server.url(&server.verified()) };
    program.succeed(&["init", "--admin-url", &server.admin_url("localhost", &server.verified())]);
    let serving = program.serve();
    let package = server.path("roster.zip");
    let package = package.to_str().unwrap();
    program.succeed(&["sample", package, "--students", "5"]);
    for tier in ["shared", "schema", "database"] {
        let slug = format!("in-{tier}");
        program.succeed(&["tenant", "create", &slug, "--tier", tier]);
        program.succeed(&["import", "oneroster", "--tenant", &slug, package]);
    }
    // Sealed in the background, by and by.
    let deadline = Instant::now() + Duration::from_mins(1);
    loop {
        let said = program.run(&["audit", "verify", "--output", "json"]);
        assert_eq!(said.code, Some(0), "{}{}", said.out, said.err);
        let logs = logs(&said);
        let names: Vec<&str> = logs.iter().map(|log| log["log"].as_str().unwrap()).collect();
        assert_eq!(names, ["(platform)", "in-database", "in-schema", "in-shared"]);
        if logs.iter().all(|log| log["sound"].as_i64() > Some(0) && log["waiting"] == 0) {
            break;
        }
        assert!(Instant::now() < deadline, "{}", said.out);
        std::thread::sleep(Duration::from_millis(500));
    }
    let shared = server.look_in("cloister_shared").await;
    let altered = "update cloister.audit set actor = 'account:somebody' returning id, tenant_id";
    assert_eq!(shared.query(altered, &[]).await.unwrap().len(), 1);
    let said = program.run(&["audit", "verify", "--tenant", "in-shared"]);
    assert_eq!(said.code, Some(6), "{}{}", said.out, said.err);
    assert!(said.out.contains("ALTERED") && said.out.contains("aud_"), "{}", said.out);
    let said = program.run(&["audit", "verify", "--all", "--output", "json"]);
    assert_eq!(said.code, Some(6));
    let logs = logs(&said);
    let faults: Vec<&Value> = logs.iter().map(|log| &log["finding"]["fault"]).collect();
    assert_eq!(faults, [&Value::Null, &Value::Null, &Value::Null, &Value::from("altered")]);
    assert_eq!(program.run(&["audit", "verify", "--tenant", "nobody"]).code, Some(3));
    serving.stop();
    server.stop().await;
}
