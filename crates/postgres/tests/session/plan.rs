//! Statements that outlive a change of their tables, and commits that fail.

use cloister_postgres::{Entry, Transaction, statements};

use crate::{Database, pool};

statements! {
    /// A column whose type will change.
    READ = "select value from thing order by 1";
    /// Something else.
    OTHER = "select 1 as one";
    /// Breaks a promise that is looked at when the transaction commits.
    BREAK = "insert into late (id) values (1)";
}

const BEGIN: Entry<'static> = Entry::plain(Some("public"));

async fn transaction(pool: &cloister_postgres::Pool, database: &Database) -> Transaction {
    let lease = pool.lease(&database.name, Some("public")).await.unwrap();
    Transaction::new(lease, Some("public".into()), None)
}

async fn change(database: &Database, to: &str) {
    let text = format!("alter table thing alter value type {to} using value::{to}");
    database.client().await.batch_execute(&text).await.unwrap();
}

#[tokio::test]
async fn a_statement_that_outlived_its_table_is_prepared_anew() {
    let database = Database::create().await;
    let client = database.client().await;
    client.batch_execute("create table thing (value integer); insert into thing values (7)").await.unwrap();
    // One connection: it is the one whose statements are stale.
    let pool = pool(1);
    let read = async || {
        let mut lease = pool.lease(&database.name, Some("public")).await.unwrap();
        lease.run(BEGIN, &READ, &[]).await.unwrap().len()
    };
    assert_eq!(read().await, 1);
    change(&database, "bigint").await;
    assert_eq!(read().await, 1, "one statement");

    change(&database, "text").await;
    let mut lease = pool.lease(&database.name, Some("public")).await.unwrap();
    let rows = lease.run_all(BEGIN, &[(&READ, &[]), (&OTHER, &[])]).await.unwrap();
    assert_eq!((rows[0].len(), rows[1].len()), (1, 1), "several at once");
    drop(lease);

    change(&database, "varchar").await;
    let mut first = transaction(&pool, &database).await;
    assert_eq!(first.query(&READ, &[]).await.unwrap().len(), 1, "the first of a transaction");
    first.commit(&[]).await.unwrap();

    // In the midst of a transaction nothing can be repeated; but the next one is not refused for it.
    change(&database, "integer").await;
    let mut second = transaction(&pool, &database).await;
    second.query(&OTHER, &[]).await.unwrap();
    assert!(second.query(&READ, &[]).await.unwrap_err().is("0A000"));
    second.rollback().await.unwrap();
    let mut third = transaction(&pool, &database).await;
    third.query(&OTHER, &[]).await.unwrap();
    assert_eq!(third.query(&READ, &[]).await.unwrap().len(), 1);
    third.commit(&[(&READ, &[])]).await.unwrap();
}

#[tokio::test]
async fn a_commit_that_fails_says_so_and_its_connection_is_good_for_more() {
    let database = Database::create().await;
    let client = database.client().await;
    client
        .batch_execute(
            "create table other (id integer primary key);
             create table late (id integer references other deferrable initially deferred)",
        )
        .await
        .unwrap();
    let pool = pool(1);
    let refused = transaction(&pool, &database).await.commit(&[(&BREAK, &[])]).await.unwrap_err();
    assert!(refused.is("23503"), "{refused}");
    let mut lease = pool.lease(&database.name, Some("public")).await.unwrap();
    assert!(lease.run(BEGIN, &BREAK, &[]).await.unwrap_err().is("23503"));
    assert_eq!(lease.run(BEGIN, &OTHER, &[]).await.unwrap().len(), 1);
    drop(lease);
    let status = pool.status();
    assert_eq!((status.open, status.idle), (1, 1));
    let count: i64 = client.query_one("select count(*) from late", &[]).await.unwrap().get(0);
    assert_eq!(count, 0);
}
