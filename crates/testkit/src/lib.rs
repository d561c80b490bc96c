//! A platform for tests, on a real PostgreSQL.
//!
//! The server is the one named by `CLOISTER_TEST_ADMIN_URL`, which `cargo xtask test` starts. Each [`TestPlatform`] has
//! databases of its own, copied from templates that the first test of a run makes.
#![expect(clippy::missing_panics_doc, reason = "a kit for tests fails by panicking, everywhere")]

mod document;
mod front_door;
mod letter;
mod notebook;
pub mod operator;
mod platform;
pub mod program;
mod proxy;
mod schema;
mod smtp;
mod traces;

pub use document::document_faults;
pub use front_door::{Call, FrontDoor, Seen, operator_token, token};
pub use letter::Letter;
pub use notebook::{NOTE, Notebook, store as note};
pub use platform::{PlainSealer, TestPlatform, TestSettings, admin_server};
pub use proxy::{Proxy, Traffic};
pub use schema::{check_schema, check_statements, schema_faults, statement_faults, statements_of};
pub use smtp::{SmtpSink, Stage};
pub use traces::{TenantRow, tenant_rows, tenant_tables};
