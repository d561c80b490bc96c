//! A mail that nothing is wrong with.

use std::time::Duration;

use cloister_platform::mail::{MailState, NewMail, Template, check_address, queue};
use cloister_testkit::{SmtpSink, operator};

use crate::post::{LINK, Post};

#[tokio::test]
async fn a_mail_arrives_in_the_readers_language_and_the_tenants_brand() {
    let sink = SmtpSink::start().await;
    let post = Post::open(Some(sink.address)).await;
    let north = post.north().await;
    post.execute(
        "insert into tenant_access (tenant_id, settings, updated_at, updated_by)
            select id, '{\"brand\": {\"colour\": \"#7a1f5c\"}}', now(), 'test' from tenant",
    )
    .await;
    let _working = post.work();
    let id = post
        .queue(NewMail {
            tenant: Some(north.id),
            account: None,
            to: "eltern@south.example".to_owned(),
            locale: "de-CH",
            template: Template::Invitation {
                tenant: "Nordschule Zürich".to_owned(),
                inviter: Some("Ada Österreicher".to_owned()),
                roles: vec!["teacher".to_owned(), "Chorleitung".to_owned()],
                link: LINK.to_owned(),
                expires: "2026-03-29T12:00:00Z".parse().unwrap(),
            },
        })
        .await;

    let letter = sink.letter_to("eltern@south.example", 0).await;
    assert_eq!(letter.subject(), "Einladung zu Nordschule Zürich");
    assert_eq!(letter.from, "no-reply@schools.example");
    let header = |name: &str| letter.header(name).unwrap_or_default();
    assert_eq!(header("From"), "\"Nordschule Zürich via Schools\" <no-reply@schools.example>".replace('"', ""));
    assert_eq!(header("To"), "eltern@south.example");
    assert_eq!(header("Reply-To"), "office@north.example");
    assert_eq!(header("Auto-Submitted"), "auto-generated");
    assert_eq!(header("Message-ID"), format!("<{}@schools.example>", id.bare()));
    assert!(header("Content-Type").starts_with("multipart/alternative"), "{letter:?}");
    assert!(!header("Date").is_empty());
    for part in [letter.text(), letter.html()] {
        for words in [
            "Ada Österreicher lädt Sie ein, Nordschule Zürich beizutreten.",
            "Lehrperson und Chorleitung",
            "29. März 2026, 14:00 Uhr (CEST)",
            LINK,
        ] {
            assert!(part.contains(words), "{words}\n{part}");
        }
    }
    assert_eq!(letter.link(), Some(LINK));
    assert!(letter.html().contains("#7a1f5c"), "{}", letter.html());

    let sent = post.until_state(id, MailState::Sent).await;
    assert_eq!((sent.mail.attempts, sent.mail.error, sent.text, sent.html), (1, None, None, None));
    assert!(sent.mail.sent_at.is_some());
}

#[tokio::test]
async fn one_of_the_platform_bears_its_name_and_connections_are_used_again() {
    let sink = SmtpSink::start().await;
    let post = Post::open(Some(sink.address)).await;
    let _working = post.work();
    for count in 1..=5 {
        let id = post.verify(None, "ada@north.example", "fr").await;
        post.until_state(id, MailState::Sent).await;
        assert_eq!(sink.letters().len(), count);
    }
    let letter = sink.letter_to("ada@north.example", 0).await;
    assert_eq!(letter.header("From").as_deref(), Some("Schools <no-reply@schools.example>"));
    assert_eq!(letter.header("Reply-To"), None);
    assert_eq!(letter.subject(), "Confirm your e-mail address");
    assert!(sink.connections() <= 2, "{}", sink.connections());
}

#[tokio::test]
async fn without_its_reason_a_mail_does_not_exist() {
    let sink = SmtpSink::start().await;
    let post = Post::open(Some(sink.address)).await;
    let _working = post.work();
    let mut tx = post.test.control.begin().await.unwrap();
    let template = || Template::VerifyEmail { link: LINK.to_owned() };
    let new = |to: &str| NewMail { tenant: None, account: None, to: to.to_owned(), locale: "en", template: template() };
    let id = queue(&mut tx, &post.service, new("ada@north.example")).await.unwrap();
    drop(tx);
    let later = post.verify(None, "bo@north.example", "en").await;
    post.until_state(later, MailState::Sent).await;
    assert_eq!(sink.letters().len(), 1);
    let count = post.control().await.query_one("select count(*) from mail where id = $1", &[&id]).await.unwrap();
    assert_eq!(count.get::<_, i64>(0), 0);
}

#[tokio::test]
async fn a_name_with_line_breaks_is_no_header() {
    let sink = SmtpSink::start().await;
    let post = Post::open(Some(sink.address)).await;
    let north = post.north().await;
    let hostile = "North\r\nBcc: everyone@south.example\r\n\r\n<script>alert(1)</script>";
    post.control().await.execute("update tenant set display_name = $1", &[&hostile]).await.unwrap();
    let _working = post.work();
    post.queue(NewMail {
        tenant: Some(north.id),
        account: None,
        to: "ada@north.example".to_owned(),
        locale: "en",
        template: Template::Invitation {
            tenant: hostile.to_owned(),
            inviter: Some(hostile.to_owned()),
            roles: vec![hostile.to_owned()],
            link: LINK.to_owned(),
            expires: "2026-03-29T12:00:00Z".parse().unwrap(),
        },
    })
    .await;
    let letter = sink.letter_to("ada@north.example", 0).await;
    assert_eq!(letter.to, ["ada@north.example"]);
    assert_eq!(letter.header("Bcc"), None, "{}", letter.raw);
    let mut names = letter.header_names();
    names.sort_unstable();
    let expected =
        ["Auto-Submitted", "Content-Type", "Date", "From", "MIME-Version", "Message-ID", "Reply-To", "Subject", "To"];
    assert_eq!(names, expected);
    assert!(letter.subject().starts_with("Invitation to North Bcc: everyone@south.example"), "{}", letter.subject());
    assert!(!letter.html().contains("<script"), "{}", letter.html());
    assert!(letter.html().contains("&lt;script&gt;"), "{}", letter.html());
}

#[tokio::test]
async fn only_addresses_are_written_to() {
    let post = Post::open(None).await;
    for good in ["ada@north.example", "a.b+c@x.y.example", "o'neil@north.example"] {
        check_address("email", good).unwrap();
    }
    let long = format!("{}@north.example", "a".repeat(250));
    for bad in [
        "",
        "ada",
        "ada@",
        "@north.example",
        "ada@north.example\r\nBcc: bo@north.example",
        "ada@north.example, bo@north.example",
        "Ada <ada@north.example>",
        "\"a b\"@north.example",
        "ada@[127.0.0.1]",
        "ädä@north.example",
        &long,
    ] {
        let refused = check_address("email", bad).unwrap_err();
        assert_eq!(
            (refused.fields()[0].field.as_str(), &*refused.fields()[0].code),
            ("email", "email_invalid"),
            "{bad}"
        );
        let mut tx = post.test.control.begin().await.unwrap();
        let template = Template::VerifyEmail { link: LINK.to_owned() };
        let new = NewMail { tenant: None, account: None, to: bad.to_owned(), locale: "en", template };
        assert!(queue(&mut tx, &post.service, new).await.is_err(), "{bad}");
    }
}

#[tokio::test]
async fn mails_of_a_suspended_tenant_wait_but_not_those_about_it() {
    let sink = SmtpSink::start().await;
    let post = Post::open(Some(sink.address)).await;
    let north = post.north().await;
    operator::suspend(&post.test.tenancy, north.id).await;
    let _working = post.work();
    let waits = post.verify(Some(north.id), "ada@north.example", "en").await;
    let template = Template::OperatorEntered {
        operator: "Olga".to_owned(),
        reason: "A backup is looked at".to_owned(),
        elevated: false,
        until: "2026-03-29T12:00:00Z".parse().unwrap(),
    };
    let new =
        NewMail { tenant: Some(north.id), account: None, to: "owner@north.example".to_owned(), locale: "de", template };
    let goes = post.queue(new).await;
    post.until_state(goes, MailState::Sent).await;
    tokio::time::sleep(Duration::from_millis(300)).await;
    assert_eq!(post.read(waits).await.mail.state, MailState::Queued);

    operator::resume(&post.test.tenancy, north.id).await;
    post.advance(jiff::SignedDuration::from_secs(120));
    post.until_state(waits, MailState::Sent).await;
    assert_eq!(sink.letters().len(), 2);
}
