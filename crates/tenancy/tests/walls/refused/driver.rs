//! Of PostgreSQL, module code is given words and rows, no connection.
// refused: E0432

use cloister_tenancy::sql::{Connection, Lease, Pool, Transaction};

fn main() {
    let _ = std::any::type_name::<(Connection, Lease, Pool, Transaction)>();
}
