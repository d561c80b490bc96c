//! The catalog: what a company that is no school keeps. One resource so far, the component, and the proof that a module is
//! added without touching the kernel.
//!
//! A folder is a resource, top to bottom: `mod.rs` its type and rules, `store.rs` all its SQL, `api.rs` its endpoints.

pub mod component;
mod grants;

use cloister_http::{Edge, HttpModule};
use cloister_tenancy::{ConstraintRule, Grant, Module, Resource, Role, SchemaChange, Table, sql::Statement};
use utoipa_axum::router::OpenApiRouter;

/// The name of the module, and the first word of its permissions.
const MODULE: &str = "catalog";

/// The catalog, for tenants of the kind `company`.
#[derive(Debug, Clone, Copy, Default)]
pub struct Catalog;

impl Module for Catalog {
    fn name(&self) -> &'static str {
        MODULE
    }

    fn kinds(&self) -> &'static [&'static str] {
        &["company"]
    }

    fn migrations(&self) -> &'static [SchemaChange] {
        const ALL: &[SchemaChange] = &[SchemaChange {
            number: 1,
            name: "component",
            tables: include_str!("../migrations/0001_component/tables.sql"),
            foreign_keys: include_str!("../migrations/0001_component/foreign_keys.sql"),
            made: &[Table::tenant("component")],
        }];
        ALL
    }

    fn statements(&self) -> &'static [&'static [&'static Statement]] {
        const ALL: &[&[&Statement]] = &[component::STATEMENTS];
        ALL
    }

    fn roles(&self) -> &'static [Role] {
        grants::ROLES
    }

    fn grants(&self) -> &'static [Grant] {
        grants::GRANTS
    }

    fn resources(&self) -> &'static [Resource] {
        &[component::COMPONENT]
    }

    fn constraints(&self) -> &'static [ConstraintRule] {
        component::CONSTRAINTS
    }
}

impl HttpModule for Catalog {
    fn routes(&self) -> OpenApiRouter<Edge> {
        component::routes()
    }
}
