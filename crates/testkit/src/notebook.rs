//! The smallest module there can be, for tests of the kernel: notes.

use std::{future::Future, pin::Pin};

use cloister_tenancy::{ConstraintRule, Module, Resource, Result, SchemaChange, Table, TenantTx, sql::Statement};

/// What permissions on notes are about.
pub const NOTE: Resource = Resource { module: "notebook", name: "note" };

/// All SQL of notes.
pub mod store {
    use cloister_tenancy::sql::statements;

    statements! {
        /// One note.
        GET = "select id, body, label from note where tenant_id = $1 and id = $2";
        /// All notes.
        LIST = "select id, body from note where tenant_id = $1 order by id";
        /// A page of them.
        PAGE = "select id, body from note where tenant_id = $1 order by id limit 20";
        /// How many there are.
        COUNT = "select count(*) from note where tenant_id = $1";
        /// Writes one.
        INSERT = "insert into note (tenant_id, id, body, label) values ($1, $2, $3, $4) returning id";
        /// Writes one below another.
        INSERT_BELOW = "insert into note (tenant_id, id, body, parent_id) values ($1, $2, $3, $4)";
        /// Changes one.
        UPDATE = "update note set body = $3 where tenant_id = $1 and id = $2 returning id";
        /// Stays inside the transaction for some seconds.
        LINGER = "select pg_sleep($2) where $1::uuid is not null";
        /// What a careless author might write: every row there is.
        CARELESS = "select tenant_id, id from note where $1::uuid is not null";
        /// What a hostile author might write: a row of another tenant.
        HOSTILE = "insert into note (tenant_id, id, body) values ($2, $3, 'planted') returning $1::uuid";
        /// Whose identity the session has.
        WHO = "select current_setting('cloister.tenant_id') where $1::uuid is not null";
        /// What must never be written: leaves the connection in another schema than it is believed to stand in.
        WANDER = "select set_config('search_path', $2, false) where $1::uuid is not null";
        /// A temporary table.
        STAGE = "create temporary table stage_note (id uuid, body text) on commit drop";
        /// Fills it.
        STAGE_COPY = "copy stage_note (id, body) from stdin";
        /// Merges it.
        STAGE_MERGE = "insert into note (tenant_id, id, body) select $1, id, body from stage_note";
    }
}

/// Notes, for tenants of every kind.
#[derive(Debug)]
pub struct Notebook;

impl Module for Notebook {
    fn name(&self) -> &'static str {
        "notebook"
    }

    fn kinds(&self) -> &'static [&'static str] {
        &["school", "company"]
    }

    fn migrations(&self) -> &'static [SchemaChange] {
        const MIGRATIONS: &[SchemaChange] = &[SchemaChange {
            number: 1,
            name: "note",
            tables: include_str!("../migrations/0001_note/tables.sql"),
            foreign_keys: include_str!("../migrations/0001_note/foreign_keys.sql"),
            made: &[Table::tenant("note")],
        }];
        MIGRATIONS
    }

    fn statements(&self) -> &'static [&'static [&'static Statement]] {
        static ALL: &[&[&Statement]] = &[store::STATEMENTS];
        ALL
    }

    fn resources(&self) -> &'static [Resource] {
        &[NOTE]
    }

    fn constraints(&self) -> &'static [ConstraintRule] {
        &[
            ConstraintRule {
                constraint: "note_label_key",
                field: "label",
                code: "label_taken",
                message: "Another note has this label.",
            },
            ConstraintRule {
                constraint: "note_parent_fkey",
                field: "parent_id",
                code: "note_unknown",
                message: "There is no such note.",
            },
        ]
    }

    fn seed<'a>(&'a self, tx: &'a mut TenantTx) -> Pin<Box<dyn Future<Output = Result<()>> + Send + 'a>> {
        Box::pin(async move {
            // The id is the tenant's own, so that seeding twice writes one note.
            let id = tx.cx().tenant_id().uuid();
            if tx.query(&store::GET, &[&id]).await?.is_empty() {
                tx.query(&store::INSERT, &[&id, &"welcome", &None::<String>]).await?;
            }
            Ok(())
        })
    }
}
