//! The prover: reads the live catalogs of everything there is, and says what could let one tenant reach another.
//!
//! It builds what this program's own migrations make, in a transaction that is rolled back, and judges that by the rules. Every
//! schema that is the same as it, fact for fact, is thereby judged: one digest a schema. What differs is judged by itself, and
//! told by what differs. So thousands of places cost little, and a rule is written once.

mod catalog_store;
mod code;
mod database_store;
mod drift;
mod expected;
mod fact_store;
mod fence;
mod finding;
mod part;
mod place_store;
mod reference;
mod relation_store;
mod rows;
mod rule;
mod server_store;
mod statements;
mod survey;
mod table_store;

use cloister_postgres::{Client, DriverRow, Parameters, Statement};

use crate::{Error, Result};

pub use code::CODES;
use drift::Facts;
pub use finding::{Code, Finding, Looked, Proof, Severity};
pub use statements::StatementFaults;
pub use survey::Depth;

/// Runs a statement as whoever the client is, and says which one it was that failed.
async fn ask(client: &Client, statement: &Statement, with: &Parameters<'_>) -> Result<Vec<DriverRow>> {
    let failed = |error| Error::internal(cloister_postgres::Error::statement(statement.name())(error));
    client.query(statement.sql(), with).await.map_err(failed)
}
