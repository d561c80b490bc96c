//! A mail server that refuses, breaks off, is slow or is not there.

use std::time::Duration;

use cloister_platform::mail::{MailState, SmtpSettings};
use cloister_testkit::{SmtpSink, Stage};
use jiff::SignedDuration;

use crate::post::Post;

/// More than the longest pause between two attempts.
const LATER: SignedDuration = SignedDuration::from_hours(2);

#[tokio::test]
async fn what_is_refused_for_good_has_failed_with_the_servers_words() {
    let sink = SmtpSink::start().await;
    sink.refuse(Stage::Recipient, 550, "5.1.1 nobody of this name lives here");
    let post = Post::open(Some(sink.address)).await;
    let _working = post.work();
    let id = post.verify(None, "nobody@north.example", "en").await;
    let failed = post.until_state(id, MailState::Failed).await;
    let error = failed.mail.error.unwrap();
    assert!(error.contains("550") && error.contains("nobody of this name lives here"), "{error}");
    assert_eq!(failed.mail.attempts, 1);
    assert!(failed.text.is_some(), "an operator may still hand it over");

    sink.behave();
    post.advance(LATER);
    tokio::time::sleep(Duration::from_millis(300)).await;
    assert_eq!((sink.letters().len(), post.read(id).await.mail.state), (0, MailState::Failed), "never tried again");
}

#[tokio::test]
async fn a_servers_words_are_cut_short() {
    let sink = SmtpSink::start().await;
    sink.refuse(Stage::Letter, 554, &"no! ".repeat(200));
    let post = Post::open(Some(sink.address)).await;
    let _working = post.work();
    let id = post.verify(None, "ada@north.example", "en").await;
    let error = post.until_state(id, MailState::Failed).await.mail.error.unwrap();
    assert_eq!((error.chars().count(), error.ends_with('…')), (500, true), "{error}");
}

#[tokio::test]
async fn what_is_not_taken_now_is_tried_again() {
    for (stage, code, words) in [
        (Stage::Recipient, 451, "4.7.1 not so fast"),
        (Stage::Letter, 452, "4.3.1 no room"),
        // A server that does not let us in says nothing about the mail, even when it says so for good.
        (Stage::Greeting, 554, "5.3.2 closed"),
        (Stage::Login, 535, "5.7.8 who are you?"),
    ] {
        let sink = SmtpSink::start().await;
        sink.refuse(stage, code, words);
        let post = Post::open_with(Some(format!("smtp://cloister:p%40ss@{}", sink.address))).await;
        let _working = post.work();
        let id = post.verify(None, "ada@north.example", "en").await;
        let delayed = post.until(id, |mail| mail.mail.attempts > 0).await;
        assert_eq!(delayed.mail.state, MailState::Queued, "{stage:?}");
        let error = delayed.mail.error.unwrap();
        assert!(error.contains(words) && error.contains(&code.to_string()), "{stage:?}: {error}");
        assert!(!error.contains("p@ss"), "{error}");

        sink.behave();
        post.advance(LATER);
        let sent = post.until_state(id, MailState::Sent).await;
        assert_eq!((sent.mail.attempts, sent.mail.error), (2, None), "{stage:?}");
        assert_eq!(sink.letters().len(), 1, "{stage:?}");
    }
}

#[tokio::test]
async fn a_server_that_is_not_there_is_asked_again() {
    let address = SmtpSink::start().await.address;
    let post = Post::open(Some(address)).await;
    let _working = post.work();
    let id = post.verify(None, "ada@north.example", "en").await;
    let delayed = post.until(id, |mail| mail.mail.attempts > 0).await;
    assert_eq!(delayed.mail.state, MailState::Queued);
    assert!(delayed.mail.error.unwrap().contains("refused"));

    let sink = SmtpSink::start_at(address).await;
    post.advance(LATER);
    post.until_state(id, MailState::Sent).await;
    assert_eq!(sink.letters().len(), 1);
}

#[tokio::test]
async fn one_that_hangs_up_or_is_slow_delays_the_mail_and_loses_nothing() {
    let sink = SmtpSink::start().await;
    sink.hang_up(Stage::Letter);
    let post = Post::open(Some(sink.address)).await;
    let _working = post.work();
    let id = post.verify(None, "ada@north.example", "en").await;
    let delayed = post.until(id, |mail| mail.mail.attempts > 0).await;
    assert_eq!((delayed.mail.state, sink.letters().len()), (MailState::Queued, 0));

    sink.behave();
    sink.think(Duration::from_millis(100));
    post.advance(LATER);
    post.until_state(id, MailState::Sent).await;
    let letters = sink.letters();
    assert_eq!(letters.len(), 1);
}

#[tokio::test]
async fn one_that_is_never_there_makes_the_mail_fail_and_its_body_stays_readable() {
    let address = SmtpSink::start().await.address;
    let post = Post::open(Some(address)).await;
    let _working = post.work();
    let id = post.verify(None, "ada@north.example", "en").await;
    let mut attempts = 0;
    let failed = loop {
        let mail = post.until(id, |mail| mail.mail.attempts > attempts).await;
        if mail.mail.state == MailState::Failed {
            break mail;
        }
        attempts = mail.mail.attempts;
        // The job goes back into the queue a moment after it was noted why.
        tokio::time::sleep(Duration::from_millis(60)).await;
        post.advance(LATER);
    };
    assert_eq!(failed.mail.attempts, 14);
    assert!(failed.text.is_some());
}

#[tokio::test]
async fn a_node_that_lost_its_hold_half_way_sends_again_under_the_same_name() {
    let sink = SmtpSink::start().await;
    let post = Post::open(Some(sink.address)).await;
    // Taken by the server, and nobody left to note it.
    let id = post.verify(None, "ada@north.example", "en").await;
    {
        let _working = post.work();
        post.until_state(id, MailState::Sent).await;
    }
    let other = post.verify(None, "bo@north.example", "en").await;
    post.execute("create function nothing() returns trigger language plpgsql as $$ begin if new.state = 'sent' then raise exception 'no'; end if; return new; end $$;
        create trigger nothing before update on mail for each row execute function nothing()").await;
    let _working = post.work();
    sink.letter_to("bo@north.example", 0).await;
    tokio::time::sleep(Duration::from_millis(200)).await;
    assert_eq!(post.read(other).await.mail.state, MailState::Queued);
    post.execute("drop trigger nothing on mail").await;
    post.advance(LATER);
    post.until_state(other, MailState::Sent).await;
    let theirs: Vec<_> = sink.letters().into_iter().filter(|letter| letter.to == ["bo@north.example"]).collect();
    assert_eq!(theirs.len(), 2, "it cannot be known that the first arrived");
    assert_eq!(
        theirs[0].raw.lines().find(|line| line.starts_with("Message-ID")),
        theirs[1].raw.lines().find(|line| line.starts_with("Message-ID"))
    );
    assert_eq!(theirs[0].text(), theirs[1].text());
}

#[test]
fn settings_that_no_mail_could_be_sent_with_are_refused_without_repeating_the_password() {
    let check = |url: &str, from: &str| SmtpSettings { url: url.into(), from: from.to_owned() }.check();
    let from = "Schools <no-reply@schools.example>";
    for url in [
        "smtp://mail.example:25",
        "smtps://user:secret@mail.example",
        "smtp://user:secret@mail.example?tls=required",
        "smtp://mail.example:587?tls=opportunistic",
    ] {
        check(url, from).unwrap();
        check(url, "no-reply@schools.example").unwrap();
    }
    for url in [
        "",
        "mail.example",
        "http://user:secret@mail.example",
        "smtp://user:secret@",
        "smtp://user:secret@mail.example?tls=maybe",
    ] {
        let refused = check(url, from).unwrap_err();
        assert_eq!(refused.code(), "smtp_url_invalid", "{url}");
        assert!(!refused.log().contains("secret"), "{}", refused.log());
    }
    for from in ["", "Schools", "Schools <no-reply>", "a@b.example\r\nBcc: c@d.example"] {
        assert_eq!(check("smtp://mail.example", from).unwrap_err().code(), "mail_from_invalid", "{from}");
    }
}
