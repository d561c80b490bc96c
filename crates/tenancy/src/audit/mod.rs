//! What is kept of who did what: in a tenant's own log, and in the platform's.

mod record;

pub(crate) use record::{Noted, Origin};
pub use record::{PlatformRecord, Requester, Subject};
