//! The budget is never exceeded, nobody's place is lost, and whoever waits is served or told.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use cloister_postgres::{Entry, Error, Pool, PoolSettings, statements};
use futures_util::future::join_all;

use crate::{Database, pool, server};

statements! {
    /// Takes a moment.
    MOMENT = "select pg_sleep(0.003)";
    /// Takes longer than anybody waits.
    LONG = "select pg_sleep(30)";
    /// Where it is.
    HERE = "select current_database()::text as database, current_schema()::text as schema";
}

const PLAIN: Entry<'static> = Entry::plain(None);

async fn settle(pool: &Pool) {
    for _ in 0..300 {
        let status = pool.status();
        if status.open == status.idle && status.waiting == 0 {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("a connection did not come back: {:?}", pool.status());
}

#[tokio::test(flavor = "multi_thread")]
async fn many_callers_on_many_databases_share_one_budget() {
    const BUDGET: usize = 3;
    let mut databases = Vec::new();
    for _ in 0..4 {
        let database = Database::create().await;
        database.client().await.batch_execute("create schema one; create schema two").await.unwrap();
        databases.push(database);
    }
    let pool = pool(BUDGET);
    let over = Arc::new(AtomicBool::new(false));
    let names: Vec<String> = databases.iter().map(|database| database.name.to_string()).collect();
    let watch = tokio::spawn(watch(names, over.clone()));
    let callers = (0..24usize).map(|caller| {
        let (pool, name) = (pool.clone(), databases[caller % databases.len()].name.clone());
        tokio::spawn(async move {
            for round in 0..25 {
                let schema = if (caller + round) % 2 == 0 { "one" } else { "two" };
                let work = async {
                    let mut lease = pool.lease(&name, Some(schema)).await.unwrap();
                    let entry = Entry::plain(Some(schema));
                    lease.run(entry, &MOMENT, &[]).await.unwrap();
                    let rows = lease.run(entry, &HERE, &[]).await.unwrap();
                    assert_eq!(rows[0].get::<_, &str>("database"), &*name);
                    assert_eq!(rows[0].get::<_, &str>("schema"), schema);
                };
                if (caller + round) % 5 == 0 {
                    // Some lose patience, waiting or working.
                    let patience = Duration::from_millis(u64::try_from(round).unwrap());
                    let _ = tokio::time::timeout(patience, work).await;
                } else {
                    work.await;
                }
            }
        })
    });
    for caller in join_all(callers).await {
        caller.unwrap();
    }
    settle(&pool).await;
    assert!(pool.status().open <= BUDGET);
    over.store(true, Ordering::Relaxed);
    watch.await.unwrap();
    // Every place is there: as many as the budget work at once.
    let began = Instant::now();
    let all = (0..BUDGET).map(|_| async {
        let _lease = pool.lease(&databases[0].name, None).await.unwrap();
        tokio::time::sleep(Duration::from_millis(300)).await;
    });
    join_all(all).await;
    assert!(began.elapsed() < Duration::from_millis(590), "{:?}", began.elapsed());
}

/// A session that was told to end is listed for a moment longer, so only an excess that lasts counts.
async fn watch(names: Vec<String>, over: Arc<AtomicBool>) {
    let client = server().connect("postgres").await.unwrap();
    let count = "select count(*) from pg_stat_activity where datname = any($1) and application_name = 'cloister'";
    let mut lasting = 0;
    while !over.load(Ordering::Relaxed) {
        let now: i64 = client.query_one(count, &[&names]).await.unwrap().get(0);
        lasting = if now > 3 { lasting + 1 } else { 0 };
        assert!(lasting < 8, "{now} sessions");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_waits_in_vain_is_told_and_costs_nothing() {
    let database = Database::create().await;
    let settings = PoolSettings { budget: 1, wait: Duration::from_millis(150), ..PoolSettings::default() };
    let pool = Pool::new(server(), settings);
    let lease = pool.lease(&database.name, None).await.unwrap();
    let began = Instant::now();
    let refused = pool.lease(&database.name, None).await.unwrap_err();
    assert!(matches!(refused, Error::Exhausted { budget: 1, .. }) && refused.is_transient(), "{refused}");
    assert!(began.elapsed() < Duration::from_secs(1));
    // Callers that went away while they waited are not waited for.
    for _ in 0..20 {
        let gone = tokio::time::timeout(Duration::from_millis(2), pool.lease(&database.name, None)).await;
        assert!(gone.is_err());
    }
    drop(lease);
    let began = Instant::now();
    drop(pool.lease(&database.name, None).await.unwrap());
    assert!(began.elapsed() < Duration::from_millis(100));
    settle(&pool).await;
    assert_eq!((pool.status().open, pool.status().idle), (1, 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_that_cannot_be_opened_takes_no_place() {
    let database = Database::create().await;
    let pool = pool(2);
    let nowhere: Arc<str> = "there_is_no_such_database".into();
    for _ in 0..5 {
        let refused = pool.lease(&nowhere, None).await.unwrap_err();
        assert!(matches!(refused, Error::Connect(_)), "{refused}");
    }
    assert_eq!(pool.status().open, 0);
    // Also when there was no room and something had to give way, and when somebody waits for the place.
    let held = pool.lease(&database.name, None).await.unwrap();
    drop(pool.lease(&database.name, None).await.unwrap());
    let (refused, served) = tokio::join!(pool.lease(&nowhere, None), async {
        tokio::time::sleep(Duration::from_millis(1)).await;
        pool.lease(&database.name, None).await
    });
    assert!(refused.is_err());
    drop((served.unwrap(), held));
    settle(&pool).await;
    assert!(pool.status().open <= 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_that_the_server_ended_is_replaced() {
    let database = Database::create().await;
    let pool = pool(2);
    drop(pool.lease(&database.name, None).await.unwrap());
    let end = "select count(pg_terminate_backend(pid)) from pg_stat_activity where datname = $1";
    let ended: i64 = database.admin.query_one(end, &[&&*database.name]).await.unwrap().get(0);
    assert_eq!(ended, 1);
    tokio::time::sleep(Duration::from_millis(100)).await;
    let mut lease = pool.lease(&database.name, None).await.unwrap();
    assert_eq!(lease.run(PLAIN, &HERE, &[]).await.unwrap().len(), 1);
    // And in the midst of a statement: the caller is told that trying again may help.
    let long = async { lease.run(PLAIN, &LONG, &[]).await };
    let kill = async {
        tokio::time::sleep(Duration::from_millis(100)).await;
        database.admin.query_one(end, &[&&*database.name]).await.unwrap();
    };
    let (broken, ()) = tokio::join!(long, kill);
    assert!(broken.unwrap_err().is_transient());
    drop(lease);
    settle(&pool).await;
    assert_eq!(pool.status().open, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_rests_too_long_is_closed() {
    let database = Database::create().await;
    let pool = pool(3);
    let leases = join_all((0..3).map(|_| pool.lease(&database.name, None))).await;
    drop(leases);
    settle(&pool).await;
    pool.sweep(Instant::now());
    assert_eq!(pool.status().open, 3);
    pool.sweep(Instant::now() + Duration::from_secs(301));
    assert_eq!(pool.status().open, 0);
    drop(pool.lease(&database.name, None).await.unwrap());
    pool.forget(&database.name);
    assert_eq!(pool.status().open, 0);
    // Nobody is in it any more.
    let there = "select count(*) from pg_stat_activity where datname = $1";
    for _ in 0..100 {
        let count: i64 = database.admin.query_one(there, &[&&*database.name]).await.unwrap().get(0);
        if count == 0 {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("a forgotten connection is still there");
}
