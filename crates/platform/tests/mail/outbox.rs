//! Mails that nobody can send lie where an operator can read them, and nobody else.

use cloister_ids::{Id, MailId, SystemClock, kind};
use cloister_platform::mail::{MailState, Outbox};
use cloister_tenancy::Actor;
use cloister_testkit::{operator_token, token};

use crate::post::{LINK, Post};

#[tokio::test]
async fn without_a_mail_server_mails_are_kept_and_can_be_read() {
    let post = Post::open(None).await;
    let north = post.north().await;
    let _working = post.work();
    let id = post.verify(Some(north.id), "ada@north.example", "de-AT").await;
    let kept = post.until_state(id, MailState::Kept).await;
    let text = kept.text.unwrap();
    assert!(text.contains(LINK) && text.contains("Nordschule Zürich") && text.contains("Adresse bestätigen"), "{text}");
    assert!(kept.html.unwrap().contains(LINK));
    assert_eq!((kept.mail.locale.as_str(), kept.mail.attempts, kept.mail.error), ("de", 0, None));
}

#[tokio::test]
async fn what_a_mail_says_is_nowhere_in_the_control_plane_in_plain_text() {
    let post = Post::open(None).await;
    let north = post.north().await;
    let id = post.verify(Some(north.id), "ada@north.example", "en").await;
    let secret = LINK.split_once("token=").unwrap().1;
    assert!(post.read(id).await.text.unwrap().contains(secret), "it is there for who has the key");
    let control = post.control().await;
    for table in ["mail", "job"] {
        let rows = control.query(&format!("select t::text as whole from {table} t"), &[]).await.unwrap();
        assert!(!rows.is_empty(), "{table}");
        for row in rows {
            let whole: String = row.get("whole");
            assert!(!whole.contains(secret) && !whole.contains("verify?"), "{table}: {whole}");
        }
    }
    let sealed: Vec<u8> = control.query_one("select sealed from mail", &[]).await.unwrap().get(0);
    assert!(!String::from_utf8_lossy(&sealed).contains(secret));

    // Sealed for its row: it opens in no other.
    let other = post.verify(Some(north.id), "bo@north.example", "en").await;
    control.execute("update mail set sealed = $1 where id = $2", &[&sealed, &other]).await.unwrap();
    assert!(Outbox::of(&post.service).read(other, &Actor::Operator("test".into())).await.is_err());
}

#[tokio::test]
async fn operators_list_mails_and_read_what_they_say_by_a_permission_of_its_own() {
    let post = Post::open(None).await;
    let north = post.north().await;
    let mut ids = Vec::new();
    for n in 0..5 {
        let tenant = (n % 2 == 0).then_some(north.id);
        ids.push(post.verify(tenant, &format!("n{n}@north.example"), "en").await);
        post.advance(jiff::SignedDuration::from_secs(1));
    }
    let lists = operator_token("olga", &["platform.mail.read"]);
    let reads = operator_token("olga", &["platform.mail.read", "platform.mail_body.read"]);
    let get = |path: &str, token: &str| post.door.call("GET", path).header("host", "localhost").token(token);

    let page = get("/api/v1/platform/mails?limit=3", &lists).expect(200).await;
    let recipients = |page: &serde_json::Value| -> Vec<String> {
        let items = page["items"].as_array().unwrap();
        items.iter().map(|item| item["recipient"].as_str().unwrap()[..2].to_owned()).collect()
    };
    assert_eq!(recipients(&page), ["n4", "n3", "n2"]);
    assert_eq!(page["items"][0]["subject"], "Confirm your e-mail address");
    assert!(page["items"][0].get("text").is_none() && !page.to_string().contains(LINK), "{page}");
    let cursor = page["next_cursor"].as_str().unwrap();
    let next = get(&format!("/api/v1/platform/mails?limit=3&cursor={cursor}"), &lists).expect(200).await;
    assert_eq!((recipients(&next), next["next_cursor"].is_null()), (vec!["n1".to_owned(), "n0".to_owned()], true));
    let oldest = get("/api/v1/platform/mails?sort=-age&limit=2", &lists).expect(200).await;
    assert_eq!(recipients(&oldest), ["n0", "n1"]);
    let cursor = oldest["next_cursor"].as_str().unwrap();
    let next = get(&format!("/api/v1/platform/mails?sort=-age&limit=2&cursor={cursor}"), &lists).expect(200).await;
    assert_eq!(recipients(&next), ["n2", "n3"]);
    let of_north = get(&format!("/api/v1/platform/mails?tenant_id={}", north.id), &lists).expect(200).await;
    assert_eq!(recipients(&of_north), ["n4", "n2", "n0"]);
    let kept = get("/api/v1/platform/mails?state=kept", &lists).expect(200).await;
    assert!(recipients(&kept).is_empty());
    get("/api/v1/platform/mails?state=lost", &lists).refused(400, "query_invalid").await;

    let one = format!("/api/v1/platform/mails/{}", ids[0]);
    let mail = get(&one, &reads).expect(200).await;
    assert!(mail["text"].as_str().unwrap().contains(LINK) && mail["html"].as_str().unwrap().contains(LINK));
    let noted = "select actor, tenant_id::text, resource_id from audit where action = 'mail.read'";
    let rows = post.control().await.query(noted, &[]).await.unwrap();
    assert_eq!(rows.len(), 1);
    let noted: (String, String, String) = (rows[0].get(0), rows[0].get(1), rows[0].get(2));
    assert_eq!(noted, ("account:olga".to_owned(), north.id.uuid().to_string(), ids[0].to_string()));
    get(&one, &lists).refused(403, "permission_denied").await;
    let none: MailId = Id::<kind::Mail>::generate(&SystemClock);
    get(&format!("/api/v1/platform/mails/{none}"), &reads).refused(404, "not_found").await;

    // To everybody else there is no such place.
    let admin = token("ada", Some(&north), &["*"]);
    let nobody = token("ada", None, &["*"]);
    for path in ["/api/v1/platform/mails", one.as_str()] {
        get(path, &nobody).refused(404, "not_found").await;
        post.door.within(&north, "GET", path).token(&admin).refused(404, "not_found").await;
        get(path, &operator_token("olga", &["platform.other.read"])).refused(404, "not_found").await;
        post.door.call("GET", path).header("host", "localhost").refused(401, "unauthenticated").await;
    }
}
