//! The routes that rows are sent to, and what they say of the lists there are.

use std::sync::Arc;

use cloister_http::{HttpModule, Inside};
use cloister_tenancy::{Error, Result, Tenancy};

use super::{
    resource::{Resource, Resources},
    sheet,
};
use crate::School;

/// The routes that rows are sent to, and what the lists are.
pub(super) struct House {
    pub(super) inside: Inside,
    pub(super) resources: Resources,
}

impl House {
    pub(super) fn new(tenancy: &Tenancy) -> Result<Self> {
        let modules: [Arc<dyn HttpModule>; 1] = [Arc::new(School)];
        let inside = Inside::new(tenancy, &modules);
        let document = serde_json::to_value(inside.document()).map_err(Error::internal)?;
        Ok(Self { inside, resources: Resources::of(&document) })
    }

    pub(super) fn resource(&self, name: &str) -> Result<&Resource> {
        self.resources.get(name).ok_or_else(|| {
            let known: Vec<&str> = self.resources.names().collect();
            let message = format!("A table can be brought into: {}.", known.join(", "));
            sheet::refused("table_resource_unknown", message)
        })
    }
}
