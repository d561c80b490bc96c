//! What goes over the wire: large and small, one-sided and two-sided, and what is given up half-way.

use std::time::Duration;

use bytes::Bytes;
use cloister_postgres::{Entry, Error, Transaction, statements};

use crate::{Database, pool};

statements! {
    /// As many rows as asked for.
    MANY = "select i, repeat('x', 100) as text from generate_series(1, $1::integer) i";
    /// A value, there and back.
    ECHO = "select $1::text as text, null::integer as nothing";
    /// The server speaks before it answers.
    CHATTY = "select chatter($1::integer) as said";
    /// Where rows are copied to.
    STAGE = "create temporary table staged (id integer, text text) on commit drop";
    /// How.
    COPY = "copy staged from stdin";
    /// What came.
    STAGED = "select count(*) as rows from staged";
    /// Raises.
    FAIL = "select 1 / $1::integer";
}

const HERE: Entry<'static> = Entry::plain(Some("public"));

#[tokio::test]
async fn values_and_answers_of_any_size_pass() {
    let database = Database::create().await;
    let pool = pool(1);
    let mut lease = pool.lease(&database.name, Some("public")).await.unwrap();
    let rows = lease.run(HERE, &MANY, &[&100_000]).await.unwrap();
    assert_eq!((rows.len(), rows[99_999].get::<_, i32>("i")), (100_000, 100_000));
    assert!(lease.run(HERE, &MANY, &[&0]).await.unwrap().is_empty());
    for length in [0, 1, 8191, 8192, 8193, 1 << 20, 20 << 20] {
        let text = "y".repeat(length);
        let rows = lease.run(HERE, &ECHO, &[&text]).await.unwrap();
        assert_eq!((rows[0].get::<_, &str>(0), rows[0].get::<_, Option<i32>>("nothing")), (&*text, None));
    }
    // Both sides have more to say than the socket holds: whoever only wrote, or only read, would wait for ever.
    let text = "z".repeat(4 << 20);
    let one: (_, &cloister_postgres::Parameters<'_>) = (&ECHO, &[&text]);
    let rows = tokio::time::timeout(Duration::from_secs(20), lease.run_all(HERE, &[one; 6])).await.unwrap().unwrap();
    assert!(rows.iter().all(|rows| rows[0].get::<_, &str>("text").len() == text.len()));
}

#[tokio::test]
async fn what_the_server_says_unasked_is_passed_over() {
    let database = Database::create().await;
    let text = "create function chatter(n integer) returns integer language plpgsql as $$ begin
        for i in 1..n loop raise notice 'notice %', i; end loop; perform set_config('application_name', 'chatty', false);
        perform pg_notify('news', 'x'); return n; end $$";
    database.client().await.batch_execute(text).await.unwrap();
    let pool = pool(1);
    let mut lease = pool.lease(&database.name, Some("public")).await.unwrap();
    for _ in 0..3 {
        assert_eq!(lease.run(HERE, &CHATTY, &[&1000]).await.unwrap()[0].get::<_, i32>("said"), 1000);
    }
}

#[tokio::test]
async fn what_cannot_be_sent_is_told_and_nothing_of_it_is_sent() {
    let database = Database::create().await;
    let pool = pool(1);
    let mut lease = pool.lease(&database.name, Some("public")).await.unwrap();
    let before = lease.run(HERE, &ECHO, &[&"before"]).await.unwrap();
    let few = lease.run(HERE, &ECHO, &[]).await.unwrap_err();
    assert!(few.to_string().contains("1 parameters are needed, 0 were given"), "{few}");
    let wrong = lease.run(HERE, &ECHO, &[&7_i32]).await.unwrap_err();
    assert!(wrong.to_string().contains("parameter $1"), "{wrong}");
    let second = lease.run_all(HERE, &[(&ECHO, &[&"good"]), (&ECHO, &[&7_i32])]).await.unwrap_err();
    assert!(!second.is_transient());
    let after = lease.run(HERE, &ECHO, &[&"after"]).await.unwrap();
    assert_eq!((before[0].get::<_, &str>(0), after[0].get::<_, &str>(0)), ("before", "after"));
    // Inside a transaction as well, which ends with it.
    let mut transaction = Transaction::new(lease, Some("public".into()), None);
    transaction.query(&ECHO, &[&"begun"]).await.unwrap();
    transaction.query(&ECHO, &[]).await.unwrap_err();
    assert!(matches!(transaction.query(&ECHO, &[&"more"]).await, Err(Error::Aborted)));
}

#[tokio::test]
async fn the_one_that_failed_is_named() {
    let database = Database::create().await;
    let pool = pool(1);
    let mut lease = pool.lease(&database.name, Some("public")).await.unwrap();
    let failed = lease.run_all(HERE, &[(&ECHO, &[&"a"]), (&FAIL, &[&0]), (&ECHO, &[&"b"])]).await.unwrap_err();
    assert!(failed.is("22012") && failed.to_string().starts_with(FAIL.name()), "{failed}");
    let entry = Entry { enter: Some((&FAIL, &[&0])), ..HERE };
    let failed = lease.run(entry, &ECHO, &[&"never"]).await.unwrap_err();
    assert!(failed.is("22012") && failed.to_string().starts_with(FAIL.name()), "{failed}");
    assert_eq!(lease.run(HERE, &ECHO, &[&"good"]).await.unwrap().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_are_copied_and_a_copy_given_up_costs_one_connection() {
    let database = Database::create().await;
    let pool = pool(1);
    let begin = async || {
        let lease = pool.lease(&database.name, Some("public")).await.unwrap();
        let mut transaction = Transaction::new(lease, Some("public".into()), None);
        transaction.batch(STAGE.sql()).await.unwrap();
        transaction
    };
    let mut transaction = begin().await;
    let mut copy = transaction.copy_in(COPY.sql()).await.unwrap();
    let line = Bytes::from("1\tsome text\n".repeat(10_000));
    for _ in 0..20 {
        copy.send(line.clone()).await.unwrap();
    }
    assert_eq!(copy.finish().await.unwrap(), 200_000);
    assert_eq!(transaction.query(&STAGED, &[]).await.unwrap()[0].get::<_, i64>("rows"), 200_000);
    transaction.commit(&[]).await.unwrap();

    // What is wrong with a line is told at the end, and the connection is good for more.
    let mut transaction = begin().await;
    let mut copy = transaction.copy_in(COPY.sql()).await.unwrap();
    copy.send("not a number\tx\n".into()).await.unwrap();
    copy.send(line.clone()).await.unwrap();
    assert!(copy.finish().await.unwrap_err().is("22P02"));
    assert!(matches!(transaction.query(&STAGED, &[]).await, Err(Error::Aborted)));
    drop(transaction);
    let mut transaction = begin().await;
    assert!(transaction.copy_in("copy nowhere from stdin").await.unwrap_err().is("42P01"));
    drop(transaction);

    let mut transaction = begin().await;
    let mut copy = transaction.copy_in(COPY.sql()).await.unwrap();
    copy.send(line).await.unwrap();
    drop(transaction);
    let next = tokio::time::timeout(Duration::from_secs(2), pool.lease(&database.name, None)).await.unwrap();
    assert_eq!(next.unwrap().run(HERE, &ECHO, &[&"x"]).await.unwrap().len(), 1);
}
