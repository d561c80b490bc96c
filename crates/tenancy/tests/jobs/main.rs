//! The job queue on a real PostgreSQL: fair, durable, and exactly once where it says so.
#![expect(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, reason = "a test may fail loudly")]
#![expect(clippy::print_stdout, reason = "figures are shown where a test takes them")]

mod delivery;
mod durability;
mod fairness;
mod killed;
mod schedule;
mod tenants;
mod workshop;
