//! `cloister mail`, and the settings of the mail server.

use crate::{program::Program, server::TlsServer};

#[tokio::test(flavor = "multi_thread")]
async fn the_outbox_is_listed_and_settings_that_are_wrong_are_refused() {
    let server = TlsServer::start().await;
    let program = Program { data_dir: server.path("node"), url: server.url(&server.verified()) };
    program.succeed(&["init", "--admin-url", &server.admin_url("localhost", &server.verified())]);
    program.succeed(&["tenant", "create", "north"]);

    // What another node wrote, and this one's key opens not.
    let control = server.look_in("cloister_control").await;
    let id = "019b8d24-4e80-7c3e-9d0a-5f2b7c61e4a8";
    control
        .batch_execute(&format!(
            "insert into control.mail (id, tenant_id, recipient, template, locale, subject, sealed, state, created_at)
                select '{id}', id, 'ada@north.example', 'invitation', 'en', 'Invitation to north', null, 'sent', now()
                from control.tenant"
        ))
        .await
        .unwrap();
    let listed = program.succeed(&["mail", "list", "--tenant", "north"]);
    assert!(listed.contains("ada@north.example") && listed.contains("Invitation to north"), "{listed}");
    let name = listed.split_whitespace().find(|word| word.starts_with("mai_")).unwrap();
    let said = program.run(&["mail", "show", name]);
    assert_eq!(said.code, Some(0), "{}", said.err);
    assert!(said.out.contains("Invitation to north") && said.err.contains("forgotten"), "{}{}", said.out, said.err);
    assert!(program.run(&["mail", "list", "--state", "kept"]).err.contains("no mails"));
    assert_eq!(program.run(&["mail", "show", "mai_01kp6jcq8w0fqkt2k5z6g3jbk8"]).code, Some(3));
    assert_eq!(program.run(&["mail", "list", "--tenant", "south"]).code, Some(3));
    assert_eq!(program.run(&["mail", "list", "--state", "lost"]).code, Some(2));

    control.batch_execute("update control.mail set sealed = '\\x00', state = 'kept'").await.unwrap();
    assert_eq!(program.run(&["mail", "show", name]).code, Some(1), "altered in the database");

    let file = server.path("cloister.toml");
    let with = |settings: &str| {
        std::fs::write(&file, format!("[mail]\n{settings}")).unwrap();
        program.run(&["--config", file.to_str().unwrap(), "mail", "list"])
    };
    let said = with("smtp_url = 'smtp://mail.example:25'");
    assert!(said.code != Some(0) && said.err.contains("mail.from"), "{}", said.err);
    let from = "from = 'Schools <no-reply@schools.example>'";
    let said = with(&format!("smtp_url = 'smtp://mail.example:25'\n{from}"));
    assert_eq!(said.code, Some(0), "{}", said.err);
    let said = with(&format!("smtp_url = 'http://user:geheim@mail.example'\n{from}"));
    assert_eq!(said.code, Some(4), "{}", said.err);
    assert!(said.err.contains("mail.smtp_url") && !said.err.contains("geheim"), "{}", said.err);
    server.stop().await;
}
