//! The room of accounts through its front door, on a real PostgreSQL, with real tokens.

mod fixture;
mod recovery;
mod second_factor;
mod sessions;
mod sign_in;
mod signup;
