//! The room of accounts through its front door, on a real PostgreSQL, with real tokens.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on panics, and says where")]

mod fixture;
mod flood;
mod invitations;
mod managed;
mod members;
mod operator_accounts;
mod operators;
mod outage;
mod platform_tenants;
mod reconciling;
mod recovery;
mod roles;
mod roster;
mod second_factor;
mod sessions;
mod sign_in;
mod signup;
mod standings;
mod tenant_view;
mod ties;
