//! Mail from the unit of work that is its reason to the mail server, over real connections.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on panics, and says why")]

mod forgetting;
mod outbox;
mod post;
mod sending;
mod trouble;
