//! Faults under load: two nodes of the real program, a PostgreSQL, tenants in every tier, and clients that keep exact books of
//! what was acknowledged to them. Meanwhile connections are cut in the middle, PostgreSQL and nodes are killed. Afterwards
//! nothing acknowledged is missing, nothing happened twice, and no tenant has a row, or saw a word, of another.
//!
//! `CLOISTER_SOAK_SECONDS` says for how long: without it each fault comes once. `cargo xtask soak` sets it.

#![expect(
    clippy::unwrap_used,
    clippy::print_stderr,
    reason = "a test that cannot go on should stop where it is, and a soak says how it goes"
)]

mod books;
mod client;
mod dice;
mod fault;
mod inspection;
mod installation;
mod node;
mod worker;

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use books::Books;
use fault::{Fault, Season};
use installation::Installation;
use worker::Worker;

/// How long clients may need, once the last fault is over, to learn what became of what they had asked.
const SETTLE: Duration = Duration::from_mins(1);

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn nothing_is_lost_doubled_or_mixed_whatever_is_cut_or_killed() {
    let length = std::env::var("CLOISTER_SOAK_SECONDS").ok().map(|text| Duration::from_secs(text.parse().unwrap()));
    let large = std::env::var_os("CLOISTER_TEST_LARGE").is_some().then(|| Duration::from_mins(2));
    let seed = std::env::var("CLOISTER_SOAK_SEED").ok().map_or(7, |text| text.parse().unwrap());
    let begun = Instant::now();
    let mut installation = Installation::start(length.is_some()).await;
    let books = Arc::new(Books::new(&installation.tenants, installation.nodes.len()));
    eprintln!("two nodes serve {} tenants after {:.1?}", installation.tenants.len(), begun.elapsed());

    let load = Instant::now();
    let workers: Vec<_> = (0..installation.tenants.len() * worker::EACH)
        .map(|number| tokio::spawn(Worker::new(number, seed, &installation, &books).run()))
        .collect();
    // Everybody has written before the first fault, or recovery would be measured from nothing.
    let mut season = Season::new(seed, &books);
    season.recovered(Duration::ZERO).await;
    match length.or(large) {
        None => season.each_once(&mut installation).await,
        Some(length) => season.until(&mut installation, load + length).await,
    }
    books.stop(SETTLE);
    let mut kept = Vec::new();
    for worker in workers {
        kept.push(worker.await.unwrap());
    }
    let load = load.elapsed();

    inspection::look(&installation, &books, &kept).await;
    let troubles = books.troubles();
    eprintln!("{}", books.summary(load, &season));
    for trouble in &troubles {
        eprintln!("  {trouble}");
    }
    assert!(troubles.is_empty(), "{} troubles, above", troubles.len());
    for fault in Fault::ALL {
        assert!(season.count(*fault) > 0, "{fault} never came");
    }
    installation.stop().await;
}
