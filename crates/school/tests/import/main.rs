//! Imports of OneRoster packages, on a real PostgreSQL, as the application role.
#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot go on ends")]

mod fixture;
mod whole;
