//! The edge kit: what stands between a socket and a module's use case.
//!
//! A module implements [`HttpModule`] and writes endpoints with the extractors here: [`Op`] (who asks, for which tenant),
//! [`Path`], [`Query`], [`Listing`], [`Json`], [`Once`] and [`IfMatch`]. Every refusal, from wherever it comes, leaves as
//! one [`Problem`]. [`app`] composes the modules, [`openapi`] describes them, [`serve`] brings them to a socket.
//!
//! Knows no business, no SQL and no way to sign in.

mod address;
mod admit;
mod app;
mod body;
mod bucket;
mod caller;
mod cookie;
mod cors;
mod crowd;
mod cursor;
mod docs;
mod document;
mod edge;
mod etag;
mod field;
mod formula;
mod frame;
#[doc(hidden)]
pub mod fuzzing;
mod heading;
mod health;
mod held;
mod host;
mod idempotency;
mod inside;
mod json;
mod listing;
mod merge_patch;
mod network;
mod op;
mod origin;
mod path;
mod problem;
mod query;
mod rate;
mod rates;
mod request;
mod search;
mod serve;
mod span;
mod stall;
mod table;
mod upload;
mod words;
mod workbook;

pub use app::{HttpModule, app};
pub use bucket::Key;
pub use caller::{Caller, Onlooker, Visitor};
pub use cookie::{cleared, session_cookie};
pub use crowd::CrowdLimits;
pub use cursor::Cursor;
pub use document::openapi;
pub use edge::{Edge, EdgeLimits, EdgeSettings, Environment};
pub use etag::{IfMatch, Tagged, Versioned};
pub use field::invalid;
pub use formula::{cell as csv_cell, unguarded};
pub use frame::DURATION_BUCKETS;
pub use idempotency::{IdempotencyHeader, IdempotencyKey, Once};
pub use inside::{Inside, InsideRoutes};
pub use json::{Answer, Json};
pub use listing::{Listing, Page, PageQuery, Sort};
pub use merge_patch::MergePatch;
pub use network::{Network, NetworkError};
pub use op::Op;
pub use path::Path;
pub use problem::{Problem, ProblemDetails};
pub use query::Query;
pub use rate::{Class, Rate, RateError, RateSettings};
pub use rates::{Allowance, Rates};
pub use search::{SearchRange, search_key};
pub use serve::{Drained, ServerLimits, serve};
pub use span::Span;
pub use upload::{Received, Upload};
