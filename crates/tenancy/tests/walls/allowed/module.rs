//! A module as it is meant to be: everything it needs is within reach.

use cloister_ids::{TenantId, Uuid};
use cloister_tenancy::{
    Action, Module, OpContext, Resource, Result, SchemaChange, Table, Tenancy, TenantTx,
    sql::{Statement, statements},
};

const LEAF: Resource = Resource { module: "tree", name: "leaf" };

mod store {
    super::statements! {
        /// One.
        GET = "select id from leaf where tenant_id = $1 and id = $2";
        /// A new one.
        INSERT = "insert into leaf (tenant_id, id) values ($1, $2)";
    }
}

struct Tree;

impl Module for Tree {
    fn name(&self) -> &'static str {
        "tree"
    }

    fn kinds(&self) -> &'static [&'static str] {
        &["garden"]
    }

    fn migrations(&self) -> &'static [SchemaChange] {
        const ALL: &[SchemaChange] = &[SchemaChange {
            number: 1,
            name: "leaf",
            tables: "create table leaf (tenant_id uuid not null, id uuid not null, primary key (tenant_id, id))",
            foreign_keys: "",
            made: &[Table::tenant("leaf")],
        }];
        ALL
    }

    fn statements(&self) -> &'static [&'static [&'static Statement]] {
        static ALL: &[&[&Statement]] = &[store::STATEMENTS];
        ALL
    }

    fn resources(&self) -> &'static [Resource] {
        &[LEAF]
    }
}

async fn exists(tenancy: &Tenancy, cx: &OpContext, id: Uuid) -> Result<bool> {
    cx.authorize(Action::Read, &LEAF)?;
    Ok(!tenancy.fetch(cx, &store::GET, &[&id]).await?.is_empty())
}

async fn create(tenancy: &Tenancy, cx: &OpContext, id: Uuid) -> Result<()> {
    cx.authorize(Action::Create, &LEAF)?;
    let mut tx: TenantTx = tenancy.write(cx).await?;
    tx.query(&store::INSERT, &[&id]).await?;
    tx.audit(Action::Create, &LEAF, Some(id), None);
    tx.commit().await
}

fn whose(cx: &OpContext) -> TenantId {
    cx.tenant_id()
}

fn main() {
    let _ = (Tree.name(), exists, create, whose);
}
