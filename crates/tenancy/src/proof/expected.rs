//! What the registry says there is: databases, and whose rows stand where in them.

use std::collections::{BTreeMap, HashMap, HashSet};

use cloister_ids::{ClusterId, DatabaseId, TenantId};

use crate::{
    Result, Tenancy, control,
    control::store,
    ledger::{Ledger, PLUMBING_SCHEMA, SHARED_SCHEMA},
};

/// One database and what should be in it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Expected {
    pub(super) name: String,
    pub(super) is_control: bool,
    /// Whose rows may lie in which schema.
    pub(super) places: BTreeMap<String, HashSet<TenantId>>,
    /// Schemas that the migrations have not reached.
    pub(super) behind: HashSet<String>,
    /// Schemas of tenants that are being made or removed.
    pub(super) unsettled: Vec<String>,
    pub(super) tenants: BTreeMap<TenantId, Placed>,
}

/// Where a tenant's rows are, and how its fence there should be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Placed {
    pub(super) schema: String,
    pub(super) epoch: i64,
    /// The state of its fence.
    pub(super) fence: String,
    /// A workflow is at it: fence and registry follow each other.
    pub(super) is_moving: bool,
}

impl Expected {
    /// Every schema that is to be looked at.
    pub(super) fn schemas(&self) -> Vec<String> {
        let plumbing = if self.is_control { control::SCHEMA } else { PLUMBING_SCHEMA };
        std::iter::once(plumbing).chain(self.places.keys().map(String::as_str)).map(str::to_owned).collect()
    }
}

impl Tenancy {
    /// The servers that this node has doors to, with their names.
    pub(super) async fn cluster_names(&self) -> Result<Vec<(ClusterId, String)>> {
        let rows = self.0.control.run(&store::CLUSTERS, &[]).await?;
        let known = rows.iter().map(|row| (row.get("id"), row.get("name")));
        Ok(known.filter(|(id, _)| self.0.clusters.contains_key(id)).collect())
    }

    /// What the registry says there is, by server.
    pub(super) async fn expected(&self) -> Result<HashMap<ClusterId, Vec<Expected>>> {
        let control = &self.0.control;
        let ledger = self.0.clusters.values().next().map(|doors| self.ledger(doors));
        let kernel = ledger.as_ref().map(Ledger::plumbing_digest);
        let current = ledger.as_ref().map(Ledger::modules_digest);
        let mut databases: HashMap<DatabaseId, (ClusterId, Expected)> = HashMap::new();
        for row in control.run(&store::DATABASES, &[]).await? {
            let mut expected = Expected { name: row.get("name"), ..Expected::default() };
            if row.get::<_, Option<String>>("plumbing_digest") != kernel {
                expected.behind.insert(PLUMBING_SCHEMA.to_owned());
            }
            if row.get::<_, &str>("purpose") == "shared" {
                expected.places.insert(SHARED_SCHEMA.to_owned(), HashSet::new());
                if row.get::<_, Option<String>>("shared_digest") != current {
                    expected.behind.insert(SHARED_SCHEMA.to_owned());
                }
            }
            databases.insert(row.get("id"), (row.get("cluster_id"), expected));
        }
        for row in control.run(&store::PLACES, &[]).await? {
            let Some((_, database)) = databases.get_mut(&row.get("database_id")) else { continue };
            let (tenant, schema): (TenantId, String) = (row.get("tenant_id"), row.get("schema_name"));
            if row.get::<_, &str>("tier") != "shared" && row.get::<_, Option<String>>("digest") != current {
                database.behind.insert(schema.clone());
            }
            database.places.entry(schema.clone()).or_default().insert(tenant);
            let (epoch, fence, is_moving) = (row.get("epoch"), row.get("fence"), row.get("is_moving"));
            database.tenants.insert(tenant, Placed { schema, epoch, fence, is_moving });
        }
        for row in control.run(&store::UNSETTLED, &[]).await? {
            if let Some((_, database)) = databases.get_mut(&row.get("database_id")) {
                database.unsettled.push(row.get("schema_name"));
            }
        }
        let mut clusters: HashMap<ClusterId, Vec<Expected>> = HashMap::new();
        for (cluster, mut expected) in databases.into_values() {
            expected.unsettled.sort();
            // One that is only recorded, for a tenant that is just being made, need not be there yet.
            if !expected.places.is_empty() || expected.unsettled.is_empty() {
                clusters.entry(cluster).or_default().push(expected);
            }
        }
        let is_current = self.control_is_current().await?;
        for (id, doors) in &self.0.clusters {
            if std::ptr::eq(doors.application.server(), control.pool().server()) {
                let mut expected =
                    Expected { name: control.database().to_string(), is_control: true, ..Expected::default() };
                if !is_current {
                    expected.behind.insert(control::SCHEMA.to_owned());
                }
                clusters.entry(*id).or_default().push(expected);
            }
        }
        for databases in clusters.values_mut() {
            databases.sort_by(|a, b| a.name.cmp(&b.name));
        }
        Ok(clusters)
    }
}
