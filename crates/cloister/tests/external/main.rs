//! A server that somebody else runs, entered over TLS: `cloister init` by an administrator's address and by three given logins,
//! then the platform on it; and what is refused before anything is made.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on should stop where it is")]

mod audit;
mod by_address;
mod by_logins;
mod isolation;
mod mail;
mod program;
mod refusal;
mod roster;
mod sample;
mod server;
