//! The kernel on a real PostgreSQL, through its own door.
#![expect(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, reason = "a test may fail loudly")]

mod audit;
mod batch;
mod cancellation;
mod fair;
mod fence;
mod identity;
mod isolation;
#[cfg(feature = "failpoints")]
mod kill;
mod lifecycle;
mod migrations;
mod nodes;
mod privileges;
mod proof;
mod resolution;
mod round_trips;
mod shut;
mod snapshot;
mod statements;
mod workflow;
