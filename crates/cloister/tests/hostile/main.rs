//! What is sent to harm, to the real program over a real socket: each answer is a clear refusal, nothing is written, nobody else
//! waits, and the node stays as it was.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on should stop where it is")]

mod bodies;
mod bystander;
mod document;
mod heads;
mod hosts;
mod house;
mod injection;
mod node;
mod packages;
mod slow;
mod slugs;
mod snapshot;
mod strangers;
mod texts;
mod wire;
