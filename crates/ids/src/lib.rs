//! Typed identifiers and the clock they are stamped by.
//!
//! Inside an id is a UUIDv7, so rows made later sort later. Outside it is a prefix that names its kind and 26 characters
//! of lower-case Crockford base 32 (the TypeID form), so that `ten_…` pasted where `per_…` belongs is refused by parsing.

mod clock;
mod id;
mod kinds;

pub use clock::{Clock, ManualClock, SystemClock};
pub use id::{Id, IdError, Kind, ids_from};
pub use kinds::*;

/// The untyped value inside an id, for the edges where PostgreSQL's `uuid` is spoken.
pub use uuid::Uuid;
