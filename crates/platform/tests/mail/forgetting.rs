//! Mails are forgotten in time.

use std::time::Duration;

use cloister_platform::mail::MailState;
use cloister_testkit::operator;
use jiff::SignedDuration;

use crate::post::Post;

async fn count(post: &Post, what: &str) -> i64 {
    let client = post.control().await;
    client.query_one(&format!("select count(*) from mail where {what}"), &[]).await.unwrap().get(0)
}

async fn until(what: &str, mut holds: impl AsyncFnMut() -> bool) {
    for _ in 0..400 {
        if holds().await {
            return;
        }
        tokio::time::sleep(Duration::from_millis(25)).await;
    }
    panic!("waited in vain: {what}");
}

#[tokio::test]
async fn after_a_week_what_they_say_and_after_a_month_that_they_were() {
    let post = Post::open(None).await;
    post.service.schedule_upkeep().await.unwrap();
    post.service.schedule_upkeep().await.unwrap();
    let old = post.verify(None, "ada@north.example", "en").await;
    let _working = post.work();
    post.until_state(old, MailState::Kept).await;
    post.advance(SignedDuration::from_hours(6 * 24));
    let young = post.verify(None, "bo@north.example", "en").await;
    post.until_state(young, MailState::Kept).await;
    post.advance(SignedDuration::from_hours(26));
    until("the old one's body is forgotten", async || count(&post, "sealed is null").await == 1).await;
    assert!(post.read(old).await.text.is_none());
    assert!(post.read(young).await.text.is_some());
    assert_eq!(post.read(old).await.mail.state, MailState::Kept);

    post.advance(SignedDuration::from_hours(24 * 24));
    until("the old one is forgotten", async || count(&post, "true").await == 1).await;
    assert!(post.read(young).await.text.is_none());
    post.advance(SignedDuration::from_hours(7 * 24));
    until("all is forgotten", async || count(&post, "true").await == 0).await;
}

#[tokio::test]
async fn a_tenants_mails_end_with_it() {
    let post = Post::open(None).await;
    let north = post.north().await;
    let south = post.test.tenant("south", cloister_tenancy::Tier::Shared).await;
    post.verify(Some(north.id), "ada@north.example", "en").await;
    post.verify(Some(south.id), "bo@south.example", "en").await;
    operator::delete(&post.test.tenancy, north.id).await;
    operator::purge(&post.test.tenancy, north.id).await;
    assert_eq!(count(&post, "true").await, 1);
}
