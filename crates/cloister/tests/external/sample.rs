//! `cloister sample` in a tenant: whoever can sign in is told, whatever the server does afterwards.

use crate::{program::Program, server::TlsServer};

#[tokio::test(flavor = "multi_thread")]
async fn passwords_are_shown_although_nobody_can_tell_the_server_how_much_there_is() {
    let server = TlsServer::start().await;
    let program = Program { data_dir: server.path("node"), url: server.url(&server.verified()) };
    program.succeed(&["init", "--admin-url", &server.admin_url("localhost", &server.verified())]);
    program.succeed(&["tenant", "create", "north"]);
    // The owner's password, which comes first, is not what it was.
    let logins = program.data_dir.join("logins.toml");
    let kept = std::fs::read_to_string(&logins).unwrap();
    std::fs::write(&logins, kept.replacen("password = \"", "password = \"not", 1)).unwrap();

    let sample = ["sample", "--tenant", "north", "--students", "5", "--attendance-days", "1"];
    let said = program.run(&sample);
    assert_eq!(said.code, Some(0), "{}{}", said.out, said.err);
    assert!(said.err.contains("warning: ") && !said.out.contains("warning"), "{}{}", said.out, said.err);

    std::fs::write(&logins, kept).unwrap();
    let said_again = program.run(&[&sample[..], &["--add"]].concat());
    assert_eq!((said_again.code, said_again.err.contains("warning: ")), (Some(0), false), "{}", said_again.err);

    let line = said.out.lines().find(|line| line.contains("principal@north.example")).unwrap();
    let serving = program.serve();
    let token = serving.sign_in("north", "principal@north.example", line.split_whitespace().last().unwrap());
    assert!(serving.get("/t/north/api/v1/persons?limit=2", &token).starts_with("HTTP/1.1 200"));
    // Whoever was made has their person, on both sides.
    let members = serving.get("/t/north/api/v1/tenant/members?q=principal", &token);
    assert!(members.contains("\"person_id\":\"per_"), "{members}");
    serving.stop();
    server.stop().await;
}
