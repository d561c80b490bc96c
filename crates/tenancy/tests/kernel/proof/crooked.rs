//! A module whose author declared what is not so.

use cloister_tenancy::{Module, Resource, SchemaChange, Table, sql::Statement};

mod store {
    use cloister_tenancy::sql::statements;

    statements! {
        /// Every row there is.
        ALL = "select id from more where $1::uuid is not null";
    }
}

/// Its tables: one with rows of tenants that is said to be the same for all, and one that nobody named.
const CHANGES: &[SchemaChange] = &[SchemaChange {
    number: 1,
    name: "crooked",
    tables: "create table common (tenant_id uuid not null, id uuid not null, primary key (tenant_id, id));
        create table more (id uuid primary key)",
    foreign_keys: "",
    made: &[Table::reference("common")],
}];

pub(super) struct Crooked;

impl Module for Crooked {
    fn name(&self) -> &'static str {
        "crooked"
    }

    fn kinds(&self) -> &'static [&'static str] {
        &["school"]
    }

    fn migrations(&self) -> &'static [SchemaChange] {
        CHANGES
    }

    fn statements(&self) -> &'static [&'static [&'static Statement]] {
        static ALL: &[&[&Statement]] = &[store::STATEMENTS];
        ALL
    }

    fn resources(&self) -> &'static [Resource] {
        &[]
    }
}
