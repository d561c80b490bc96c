//! Numbered changes, each applied once, each wholly or not at all.

use std::time::Duration;

use cloister_postgres::{Migration, MigrationError, Target, migrate};
use futures_util::future::join_all;
use tokio_postgres::Client;

use crate::Database;

const TARGET: Target<'static> = Target { schema: "place", ledger: "public.ledger" };

fn change(number: i32, sql: &str) -> Migration {
    Migration { module: "test", number, name: "a change", sql: sql.to_owned(), checksum: Migration::checksum(&[sql]) }
}

fn two() -> Vec<Migration> {
    vec![
        change(1, "create table thing (id integer primary key); insert into thing values (1)"),
        change(2, "alter table thing add column name text; update thing set name = 'x'"),
    ]
}

async fn database() -> (Database, Client) {
    let database = Database::create().await;
    let client = database.client().await;
    client.batch_execute("create schema place").await.unwrap();
    (database, client)
}

async fn applied(client: &Client) -> i64 {
    client.query_one("select count(*) from public.ledger", &[]).await.unwrap().get(0)
}

#[tokio::test]
async fn what_was_applied_is_not_applied_again() {
    let (_database, client) = database().await;
    assert_eq!(migrate(&client, TARGET, &two()[..1]).await.unwrap().count, 1);
    assert_eq!(migrate(&client, TARGET, &two()).await.unwrap().count, 1);
    assert_eq!(migrate(&client, TARGET, &two()).await.unwrap().count, 0);
    let row = client.query_one("select id, name from place.thing", &[]).await.unwrap();
    assert_eq!((row.get::<_, i32>(0), row.get::<_, &str>(1)), (1, "x"));
    // Another schema of the same database has its own count.
    client.batch_execute("create schema other").await.unwrap();
    let other = Target { schema: "other", ..TARGET };
    assert_eq!(migrate(&client, other, &two()).await.unwrap().count, 2);
    assert_eq!(applied(&client).await, 4);
}

#[tokio::test]
async fn an_edited_change_and_one_of_a_newer_program_are_refused() {
    let (_database, client) = database().await;
    migrate(&client, TARGET, &two()).await.unwrap();
    let edited = [change(1, "create table thing (id bigint primary key)"), two().remove(1)];
    let refused = migrate(&client, TARGET, &edited).await.unwrap_err();
    assert!(matches!(refused, MigrationError::Edited { number: 1, .. }), "{refused}");
    assert!(refused.to_string().contains("must never be edited"), "{refused}");
    let refused = migrate(&client, TARGET, &two()[..1]).await.unwrap_err();
    assert!(matches!(refused, MigrationError::Newer { number: 2, .. }), "{refused}");
    // Whoever was refused holds nothing that keeps the right program waiting.
    assert_eq!(migrate(&client, TARGET, &two()).await.unwrap().count, 0);
}

#[tokio::test]
async fn one_that_fails_leaves_nothing_of_itself_and_what_went_before() {
    let (_database, client) = database().await;
    let bad = change(2, "create table half (id integer); insert into thing values (2); select 1 / 0");
    let refused = migrate(&client, TARGET, &[two().remove(0), bad]).await.unwrap_err();
    assert!(matches!(refused, MigrationError::Failed { number: 2, .. }), "{refused}");
    assert!(refused.to_string().contains("division by zero") && refused.to_string().contains("\"place\""), "{refused}");
    let there: i64 =
        client.query_one("select count(*) from pg_class where relname = 'half'", &[]).await.unwrap().get(0);
    let rows: i64 = client.query_one("select count(*) from place.thing", &[]).await.unwrap().get(0);
    assert_eq!((there, rows, applied(&client).await), (0, 1, 1));
    assert_eq!(migrate(&client, TARGET, &two()).await.unwrap().count, 1);
}

/// A change that must wait for a table waits a little, lets everybody else pass, and tries again.
#[tokio::test(flavor = "multi_thread")]
async fn a_table_in_use_is_waited_for_without_holding_up_its_users() {
    let (database, client) = database().await;
    migrate(&client, TARGET, &two()[..1]).await.unwrap();
    let user = database.client().await;
    user.batch_execute("begin; select * from place.thing").await.unwrap();
    let migrating = tokio::spawn(async move { migrate(&client, TARGET, &two()).await.map(|done| (done, client)) });
    tokio::time::sleep(Duration::from_millis(300)).await;
    // It is in the queue for the table now. A reader behind it gets its turn when the wait is given up, not after the user.
    let reader = database.client().await;
    let read = reader.query_one("select count(*) from place.thing", &[]);
    let read = tokio::time::timeout(Duration::from_secs(4), read).await;
    read.expect("readers stand behind the change").unwrap();
    assert!(!migrating.is_finished(), "it went ahead of a user of the table");
    user.batch_execute("commit").await.unwrap();
    let (done, client) = migrating.await.unwrap().unwrap();
    assert_eq!((done.count, applied(&client).await), (1, 2));
}

#[tokio::test(flavor = "multi_thread")]
async fn of_many_who_migrate_at_once_one_applies() {
    let (database, client) = database().await;
    let migrations = two();
    let run = async || migrate(&database.client().await, TARGET, &migrations).await.unwrap().count;
    let counts = join_all((0..6).map(|_| run())).await;
    assert_eq!(counts.iter().sum::<usize>(), 2, "{counts:?}");
    assert_eq!(applied(&client).await, 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn one_that_is_cut_off_is_before_or_after_and_never_between() {
    let (database, client) = database().await;
    let slow = [
        change(1, "create table thing (id integer primary key)"),
        change(2, "create table more (id integer); select pg_sleep(0.3); insert into thing values (2)"),
        change(3, "create table last (id integer)"),
    ];
    migrate(&client, TARGET, &slow[..1]).await.unwrap();
    // Recording it takes its time as well, so that the cut can come between the change and its record.
    let late =
        "create function late() returns trigger language plpgsql as 'begin perform pg_sleep(0.3); return new; end';
        create trigger late before insert on public.ledger for each row execute function late()";
    client.batch_execute(late).await.unwrap();
    for patience in [20u64, 150, 290, 330, 450, 560, 700] {
        let runner = database.client().await;
        let pid: i32 = runner.query_one("select pg_backend_pid()", &[]).await.unwrap().get(0);
        let run = tokio::time::timeout(Duration::from_millis(patience), migrate(&runner, TARGET, &slow)).await;
        client.execute("select pg_terminate_backend($1)", &[&pid]).await.unwrap();
        drop(run);
        let ended = "select count(*) from pg_stat_activity where pid = $1";
        while client.query_one(ended, &[&pid]).await.unwrap().get::<_, i64>(0) > 0 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        let tables = "select count(*) from pg_class c join pg_namespace n on n.oid = c.relnamespace
            where n.nspname = 'place' and c.relkind = 'r'";
        let tables: i64 = client.query_one(tables, &[]).await.unwrap().get(0);
        assert_eq!(tables, applied(&client).await, "after {patience} ms");
    }
    migrate(&client, TARGET, &slow).await.unwrap();
    assert_eq!(applied(&client).await, 3);
}
