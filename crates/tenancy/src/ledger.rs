//! The migrations this program carries, rendered for a cluster's logins, and their digest.

use std::sync::Arc;

use cloister_postgres::{Migration, MigrationError, Target};
use sha2::{Digest, Sha256};

use crate::{Error, ErrorKind, Module, Rights, SchemaChange, Table, TableKind, control};

/// Where each database records what was applied to its schemas.
pub(crate) const LEDGER: &str = "cloister.schema_migration";
/// The kernel's schema in each database that holds placements.
pub(crate) const PLUMBING_SCHEMA: &str = "cloister";
/// The schema of the shared tier.
pub(crate) const SHARED_SCHEMA: &str = "shared";
/// The schema of a tenant that has a database of its own.
pub(crate) const SINGLE_SCHEMA: &str = "tenant";

/// What a fleet run tells while it runs.
pub type FleetProgress = dyn cloister_postgres::Progress;

const CONTROL: &[(i32, &str, &str)] = &[
    (1, "registry", include_str!("../migrations/control/0001_registry.sql")),
    (2, "jobs", include_str!("../migrations/control/0002_jobs.sql")),
];

const PLUMBING: &[SchemaChange] = &[SchemaChange {
    number: 1,
    name: "plumbing",
    tables: include_str!("../migrations/plumbing/0001_plumbing.sql"),
    foreign_keys: "",
    made: &[
        Table::tenant("fence").with(Rights::Read),
        Table::tenant("outbox"),
        Table::tenant("inbox"),
        Table::tenant("idempotency_key"),
        Table::tenant("audit").with(Rights::Append),
        Table::tenant("audit_chain").with(Rights::Read),
        // Behind the chain: with a tenant it is emptied first, and so waits for whoever is just sealing.
        Table::tenant("audit_unsealed").with(Rights::Append),
    ],
}];

/// All migrations, for the logins of one cluster.
#[derive(Debug, Clone)]
pub(crate) struct Ledger {
    pub(crate) control: Vec<Migration>,
    pub(crate) plumbing: Vec<Migration>,
    pub(crate) modules: Vec<Migration>,
}

impl Ledger {
    pub(crate) fn new(modules: &[Arc<dyn Module>], application: &str, system: &str) -> Self {
        Self::with_control(modules, application, system, control::SCHEMA)
    }

    /// The same, with the control plane's tables in a schema of another name.
    pub(crate) fn with_control(modules: &[Arc<dyn Module>], application: &str, system: &str, schema: &str) -> Self {
        let of_modules = modules.iter().flat_map(|module| {
            module.control_migrations().iter().map(|change| (module.name(), change.number, change.name, change.sql))
        });
        let control = CONTROL
            .iter()
            .map(|(number, name, sql)| ("control", *number, *name, *sql))
            .chain(of_modules)
            .map(|(module, number, name, sql)| Migration {
                module,
                number,
                name,
                sql: format!(
                    "{sql};
                     grant usage on schema {schema} to \"{application}\";
                     grant select, insert, update, delete on all tables in schema {schema} to \"{application}\""
                ),
                checksum: Migration::checksum(&[sql]),
            })
            .collect();
        let mut plumbing =
            PLUMBING.iter().map(|change| render("kernel", change, application, system)).collect::<Vec<_>>();
        // The entrance to a tenant is for the two logins that have business there.
        if let Some(first) = plumbing.first_mut() {
            let entrances = "enter_read, enter_write, fence_key";
            first.sql.push_str(&format!(
                "revoke execute on function {entrances} from public;
                 grant execute on function {entrances} to \"{application}\", \"{system}\";\n"
            ));
        }
        let render = |module: &'static str, changes: &'static [SchemaChange]| -> Vec<Migration> {
            changes.iter().map(|change| render(module, change, application, system)).collect()
        };
        Self {
            control,
            plumbing,
            modules: modules.iter().flat_map(|module| render(module.name(), module.migrations())).collect(),
        }
    }

    pub(crate) fn plumbing_digest(&self) -> String {
        digest(&self.plumbing)
    }

    /// Of all that a database for one tenant holds.
    pub(crate) fn placement_digest(&self) -> String {
        digest(&[self.plumbing.as_slice(), &self.modules].concat())
    }

    pub(crate) fn modules_digest(&self) -> String {
        digest(&self.modules)
    }

    pub(crate) fn control_target() -> Target<'static> {
        Target { schema: control::SCHEMA, ledger: "control.schema_migration" }
    }

    pub(crate) fn plumbing_target() -> Target<'static> {
        Target { schema: PLUMBING_SCHEMA, ledger: LEDGER }
    }

    pub(crate) fn placement_target(schema: &str) -> Target<'_> {
        Target { schema, ledger: LEDGER }
    }
}

/// What a refused migration means to the operator: a program that does not fit its database is theirs to change.
pub(crate) fn failure(error: MigrationError) -> Error {
    let refused = |code, error: &MigrationError| Error::new(ErrorKind::Conflict, code, error.to_string());
    match error {
        MigrationError::Edited { .. } => refused("migration_edited", &error),
        MigrationError::Newer { .. } => refused("database_newer", &error),
        MigrationError::Database(error) => error.into(),
        MigrationError::Failed { .. } => Error::internal(error),
    }
}

fn digest(migrations: &[Migration]) -> String {
    let mut hash = Sha256::new();
    for Migration { module, number, checksum, .. } in migrations {
        hash.update(format!("{module} {number} {checksum};"));
    }
    hash.finalize()[..8].iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Tables, then foreign keys, then policies and grants. The policies follow from the declared kind alone, so that no table
/// can have another form of them.
fn render(module: &'static str, change: &'static SchemaChange, application: &str, system: &str) -> Migration {
    let mut sql = format!("{};\n{};\n", change.tables, change.foreign_keys);
    for Table { name, kind, rights } in change.made {
        if *kind == TableKind::Tenant {
            let own = "tenant_id = (select nullif(current_setting('cloister.tenant_id', true), '')::uuid)";
            sql.push_str(&format!(
                "alter table {name} enable row level security;
                 create policy application on {name} to \"{application}\" using ({own}) with check ({own});
                 create policy system on {name} to \"{system}\" using (true) with check (true);\n"
            ));
        }
        let rights = match rights {
            Rights::Write => "select, insert, update, delete",
            Rights::Append => "select, insert",
            Rights::Read => "select",
        };
        sql.push_str(&format!("grant {rights} on {name} to \"{application}\";\n"));
        sql.push_str(&format!("grant select, insert, update, delete on {name} to \"{system}\";\n"));
    }
    let kinds: String =
        change.made.iter().map(|table| format!("{} {:?} {:?};", table.name, table.kind, table.rights)).collect();
    Migration {
        module,
        number: change.number,
        name: change.name,
        sql,
        checksum: Migration::checksum(&[change.tables, change.foreign_keys, &kinds]),
    }
}

/// The kernel's own tables in each database that holds placements, as they were declared.
#[doc(hidden)]
pub fn kernel_tables() -> impl Iterator<Item = &'static Table> {
    PLUMBING.iter().flat_map(|change| change.made)
}

/// The tables of tenants among what the kernel and `modules` make, by schema: the kernel's, then the modules'.
pub(crate) fn tenant_tables(modules: &[Arc<dyn Module>]) -> (Vec<&'static str>, Vec<&'static str>) {
    let of = |changes: &'static [SchemaChange]| {
        changes.iter().flat_map(|c| c.made).filter(|t| t.kind == TableKind::Tenant).map(|t| t.name)
    };
    (of(PLUMBING).collect(), modules.iter().flat_map(|module| of(module.migrations())).collect())
}
