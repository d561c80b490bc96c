//! Imports of OneRoster packages, on a real PostgreSQL, as the application role.
#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot go on ends")]

mod alone;
mod any_roster;
mod bad_rows;
mod contacts;
mod erased;
mod fair;
mod fixture;
mod interrupted;
mod kept;
mod leaned_on;
mod made_up;
mod meanwhile;
mod merged;
mod primary_roles;
mod published;
mod removal;
mod round_trip;
mod sds;
mod table;
mod taken_back;
mod version_1_1;
mod whole;
