//! PostgreSQL and nothing else: connections, pools, pipelined transactions, migrations, LISTEN, error mapping.
//!
//! This room knows no tenant. It offers what the kernel builds its walls from: a transaction whose first statement is given
//! from outside ([`Entry`]), a connection that is thrown away when it might still be inside one, and statements that are
//! registered before they can be run.

pub mod embedded;

#[cfg(all(feature = "failpoints", not(debug_assertions)))]
compile_error!("with `failpoints` guards can be taken away: that is for tests, and a release must not have it");

mod connect;
mod connection;
mod copy;
mod error;
mod fair;
mod gate;
mod listen;
mod migrate;
#[doc(hidden)]
pub mod mutation;
mod pool;
mod record;
mod shelf;
mod statement;
mod transaction;
mod wire;

pub use connect::{ConnectError, Server};
pub use connection::{Connection, Entry, Isolation};
pub use copy::CopyIn;
pub use error::{Cause, Error, Refused, sqlstate};
pub use fair::FairPool;
pub use gate::{Full, Gate, GateSettings, GateStatus, Holder, Permit, Share};
pub use listen::{Event, Listener};
pub use migrate::{Applied, Migration, MigrationError, Progress, Target, ledger_table, migrate};
pub use pool::{Lease, Pool, PoolSettings, PoolStatus};
pub use statement::{Parameters, Statement};
pub use transaction::{Enter, Transaction};
pub use wire::{Column, Row, RowIndex};

pub use tokio_postgres::{
    Client, Error as DriverError, Row as DriverRow, SimpleQueryMessage,
    error::SqlState,
    types::{FromSql, FromSqlOwned, IsNull, Kind, ToSql, Type, accepts, to_sql_checked},
};
