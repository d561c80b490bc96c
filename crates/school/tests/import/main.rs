//! Imports of OneRoster packages, on a real PostgreSQL, as the application role.
#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot go on ends")]

mod bad_rows;
mod fixture;
mod interrupted;
mod kept;
mod primary_roles;
mod published;
mod removal;
mod version_1_1;
mod whole;
