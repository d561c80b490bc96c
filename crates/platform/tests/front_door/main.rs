//! The room of accounts through its front door, on a real PostgreSQL, with real tokens.
#![expect(clippy::unwrap_used, reason = "a test that meets nothing where something must be has failed")]

mod fixture;
mod invitations;
mod managed;
mod members;
mod outage;
mod reconciling;
mod recovery;
mod roles;
mod roster;
mod second_factor;
mod sessions;
mod sign_in;
mod signup;
