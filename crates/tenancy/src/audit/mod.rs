//! What is kept of who did what: in a tenant's own log, and in the platform's. Both are sealed entry by entry into a chain, by
//! and by, so that whoever can write to the databases cannot change what was noted without being noticed.

mod chain;
mod changes;
pub(crate) mod platform_store;
mod record;
mod seal;
pub(crate) mod store;
mod verify;

pub(crate) use chain::Beginning;
pub use changes::Changes;
pub(crate) use record::{Noted, Origin};
pub use record::{PlatformRecord, Requester, Subject};
pub use verify::{ChainFault, ChainFinding, ChainReport};
