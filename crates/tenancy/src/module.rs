//! What a kind of tenant does: the seam that new kinds of tenant plug into.

use std::future::Future;
use std::pin::Pin;

use cloister_ids::{AccountId, Uuid};
use cloister_postgres::Statement;
use futures_util::future::BoxFuture;

use crate::{Grant, OpContext, Resource, Result, Role, Scope, Tenancy, TenantTx, jobs::JobKind};

/// A kind of tenant's business, added without touching the kernel.
pub trait Module: Send + Sync + 'static {
    /// Lower-case, one word: the first word of its permissions.
    fn name(&self) -> &'static str;

    /// The kinds of tenant that have it, such as `school`.
    fn kinds(&self) -> &'static [&'static str];

    /// Every tenant has it, whatever its kind.
    fn is_for_every_kind(&self) -> bool {
        false
    }

    /// Its tables, as numbered changes.
    fn migrations(&self) -> &'static [SchemaChange];

    /// Every SQL text it may run, as its stores list them.
    fn statements(&self) -> &'static [&'static [&'static Statement]];

    /// Its tables in the control plane. One room has any: see [`ControlPlane`](crate::ControlPlane).
    fn control_migrations(&self) -> &'static [ControlChange] {
        &[]
    }

    /// Every SQL text it may run in the control plane.
    fn control_statements(&self) -> &'static [&'static [&'static Statement]] {
        &[]
    }

    /// The roles it brings.
    fn roles(&self) -> &'static [Role] {
        &[]
    }

    /// What roles may do with its resources. What is not granted here is denied.
    fn grants(&self) -> &'static [Grant] {
        &[]
    }

    /// The scopes that its statements understand. A permission within any other reaches nothing.
    fn scopes(&self) -> &'static [Scope] {
        &[]
    }

    /// What permissions can be about.
    fn resources(&self) -> &'static [Resource];

    /// Those of its resources that an operator on a visit does not see, elevated or not.
    fn closed_to_operators(&self) -> &'static [Resource] {
        &[]
    }

    /// What a refused constraint means to a client.
    fn constraints(&self) -> &'static [ConstraintRule] {
        &[]
    }

    /// What plans may limit.
    fn meters(&self) -> &'static [Meter] {
        &[]
    }

    /// What it leaves to be done later.
    fn jobs(&self) -> Vec<JobKind> {
        Vec::new()
    }

    /// Ties an account to the row of a person, as part of `tx`, or unties whatever is tied there. False when the module keeps
    /// no such person. Whether the actor may is for the caller to decide: whoever accepts an invitation has no permission yet.
    fn link_account<'a>(
        &'a self,
        _tx: &'a mut TenantTx,
        _person: Uuid,
        _account: Option<AccountId>,
    ) -> BoxFuture<'a, Result<bool>> {
        Box::pin(std::future::ready(Ok(false)))
    }

    /// Which persons are tied to an account, in the order of their ids: at most `limit` of those behind `after`.
    fn accounts<'a>(
        &'a self,
        _tenancy: &'a Tenancy,
        _cx: &'a OpContext,
        _after: Option<Uuid>,
        _limit: i64,
    ) -> BoxFuture<'a, Result<Vec<PersonAccount>>> {
        Box::pin(std::future::ready(Ok(Vec::new())))
    }

    /// How persons stand: of these ids those whom the module keeps, deleted or not, and whoever is tied to an account besides.
    /// Each once, in any order. Whether the actor may know is for the caller to decide.
    fn persons<'a>(
        &'a self,
        _tenancy: &'a Tenancy,
        _cx: &'a OpContext,
        _persons: &'a [Uuid],
        _account: Option<AccountId>,
    ) -> BoxFuture<'a, Result<Vec<PersonStanding>>> {
        Box::pin(std::future::ready(Ok(Vec::new())))
    }

    /// What a new tenant finds already there. Runs again when provisioning is resumed, so it must be idempotent.
    fn seed<'a>(&'a self, _tx: &'a mut TenantTx) -> Pin<Box<dyn Future<Output = Result<()>> + Send + 'a>> {
        Box::pin(std::future::ready(Ok(())))
    }
}

/// A person as a module keeps them, and the account that is tied to them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PersonAccount {
    /// The person's id, whatever its kind.
    pub person: Uuid,
    /// The account.
    pub account: AccountId,
}

/// How a person stands in the module that keeps them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PersonStanding {
    /// The person's id, whatever its kind.
    pub person: Uuid,
    /// Neither deleted nor merged into another.
    pub is_there: bool,
    /// The account that is tied to them.
    pub account: Option<AccountId>,
}

/// One numbered change of a module's tables, in the phases that also suit a distributed engine.
#[derive(Debug, Clone, Copy)]
pub struct SchemaChange {
    /// From 1, without gaps.
    pub number: i32,
    /// What it does.
    pub name: &'static str,
    /// Phase one: tables, their keys and indexes.
    pub tables: &'static str,
    /// Phase two: foreign keys, which on a distributed engine must come after distribution.
    pub foreign_keys: &'static str,
    /// Phase three: the tables made here, each of a declared kind. Policies and grants follow from it.
    pub made: &'static [Table],
}

/// One numbered change of a room's tables in the control plane.
#[derive(Debug, Clone, Copy)]
pub struct ControlChange {
    /// From 1, without gaps.
    pub number: i32,
    /// What it does.
    pub name: &'static str,
    /// The text.
    pub sql: &'static str,
}

/// A table and its kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Table {
    /// Its name.
    pub name: &'static str,
    /// Its kind.
    pub kind: TableKind,
    /// What requests may do with its rows.
    pub rights: Rights,
}

/// What the application login may do with a table's rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rights {
    /// See, add, change and remove them.
    Write,
    /// See and add them: what happened stays.
    Append,
    /// See them.
    Read,
}

/// How a table relates to tenants.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TableKind {
    /// Rows of tenants: `tenant_id` first in every key, row security on.
    Tenant,
    /// Small and the same for all: readable, written only by migrations.
    Reference,
}

impl Table {
    /// A table whose rows belong to tenants.
    pub const fn tenant(name: &'static str) -> Self {
        Self { name, kind: TableKind::Tenant, rights: Rights::Write }
    }

    /// A table whose rows are the same for all.
    pub const fn reference(name: &'static str) -> Self {
        Self { name, kind: TableKind::Reference, rights: Rights::Read }
    }

    /// The same table with other rights for requests.
    #[must_use]
    pub const fn with(mut self, rights: Rights) -> Self {
        self.rights = rights;
        self
    }
}

/// What a violated constraint means to a client.
#[derive(Debug, Clone, Copy)]
pub struct ConstraintRule {
    /// Name in PostgreSQL.
    pub constraint: &'static str,
    /// The field at fault, as the API names it.
    pub field: &'static str,
    /// Stable word.
    pub code: &'static str,
    /// What would be right.
    pub message: &'static str,
}

/// Something a plan may limit and a bill may count.
#[derive(Debug, Clone, Copy)]
pub struct Meter {
    /// Its name, such as `students`.
    pub name: &'static str,
    /// Counts it for the tenant in `$1`; one row, one bigint.
    pub count: &'static Statement,
}
