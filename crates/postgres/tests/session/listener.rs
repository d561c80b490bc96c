//! A listener tells when it hears, what it hears, and when it may have missed something.

use std::time::Duration;

use cloister_postgres::{Event, Listener};

use crate::{Database, server};

async fn next(listener: &mut Listener) -> Event {
    tokio::time::timeout(Duration::from_secs(5), listener.next()).await.unwrap().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_listener_that_is_cut_off_says_so_and_listens_again() {
    let database = Database::create().await;
    let client = database.client().await;
    let mut listener = Listener::start(server(), database.name.to_string(), &["one", "two"]);
    assert_eq!(next(&mut listener).await, Event::Connected);
    for (channel, payload) in [("one", "a"), ("two", "b"), ("one", "c")] {
        client.execute("select pg_notify($1, $2)", &[&channel, &payload]).await.unwrap();
        let expected = Event::Notified { channel: channel.to_owned(), payload: payload.to_owned() };
        assert_eq!(next(&mut listener).await, expected);
    }
    client.execute("select pg_notify('three', 'd')", &[]).await.unwrap();
    for _ in 0..3 {
        let end = "select pg_terminate_backend(pid) from pg_stat_activity where datname = $1 and query like 'listen%'";
        // The one that was cut before may still be leaving.
        assert!(database.admin.execute(end, &[&&*database.name]).await.unwrap() >= 1);
        assert_eq!(next(&mut listener).await, Event::Lost);
        assert_eq!(next(&mut listener).await, Event::Connected);
    }
    client.execute("select pg_notify('one', 'again')", &[]).await.unwrap();
    assert!(matches!(next(&mut listener).await, Event::Notified { .. }));
    drop(listener);
}
