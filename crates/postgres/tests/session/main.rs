//! Pools, transactions and listeners against a real server, below any notion of a tenant.
//!
//! The server is the one named by `CLOISTER_TEST_ADMIN_URL`, which `cargo xtask test` starts.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test may fail loudly")]

mod listener;
mod migrate;
mod plan;
mod pool;
mod wire;

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use cloister_postgres::{Pool, PoolSettings, Server};
use tokio_postgres::Client;

fn server() -> Server {
    let url = std::env::var("CLOISTER_TEST_ADMIN_URL").unwrap_or_default();
    assert!(!url.is_empty(), "tests need a PostgreSQL server: run them by `cargo xtask test`, which starts one");
    Server::from_url(&url).unwrap()
}

/// A database of its own, dropped with the test.
struct Database {
    name: Arc<str>,
    admin: Client,
}

impl Database {
    async fn create() -> Self {
        static COUNT: AtomicUsize = AtomicUsize::new(0);
        let name = format!("pg_session_{}_{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
        let admin = server().connect("postgres").await.unwrap();
        admin.batch_execute(&format!("create database {name} template template0")).await.unwrap();
        Self { name: name.into(), admin }
    }

    async fn client(&self) -> Client {
        let client = server().connect(&self.name).await.unwrap();
        client.batch_execute("set search_path = public").await.unwrap();
        client
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        let name = self.name.clone();
        let dropped = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(async {
                let admin = server().connect("postgres").await.unwrap();
                admin.batch_execute(&format!("drop database {name} with (force)")).await.unwrap();
            });
        });
        let _ = dropped.join();
    }
}

fn pool(budget: usize) -> Pool {
    Pool::new(server(), PoolSettings { budget, ..PoolSettings::default() })
}
