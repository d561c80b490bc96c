//! What is looked through beside the answers: every row there is, and every line of the log.

use std::{
    io,
    sync::{Arc, Mutex, OnceLock, PoisonError},
};

use cloister_tenancy::TenantEntry;
use cloister_testkit::TestPlatform;
use tracing_subscriber::{EnvFilter, fmt, layer::SubscriberExt, util::SubscriberInitExt};

/// The log of this process.
#[derive(Debug, Clone, Default)]
pub(crate) struct Log(Arc<Mutex<Vec<u8>>>);

impl io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Log {
    /// Begins to listen to everything that an operator could have logged; once for a process.
    pub(crate) fn listen() -> Self {
        static LOG: OnceLock<Log> = OnceLock::new();
        let start = || {
            let log = Self::default();
            let writer = log.clone();
            let layer = fmt::layer().with_ansi(false).with_writer(move || writer.clone());
            // As the program itself does: the driver would log every statement.
            let filter = EnvFilter::new("debug,tokio_postgres=warn,hyper=warn");
            tracing_subscriber::registry().with(filter).with(layer).init();
            log
        };
        LOG.get_or_init(start).clone()
    }

    /// What was said since the last time.
    pub(crate) fn take(&self) -> String {
        let bytes = std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner));
        String::from_utf8_lossy(&bytes).into_owned()
    }
}

/// Rows that hold a word of some other of these tenants. Schemas and databases that are one older tenant's own are left out:
/// they were looked through in their time, and a platform has ever more of them.
pub(crate) async fn mixed(platform: &TestPlatform, tenants: &[(Arc<TenantEntry>, Vec<String>)]) -> Vec<String> {
    let placements: Vec<_> = tenants.iter().filter_map(|(tenant, _)| tenant.placement.as_ref()).collect();
    let is_wanted = |database: &str, schema: &str| {
        let is_here = placements.iter().any(|placement| &*placement.database == database);
        let in_database = !database.contains("_t_") || is_here;
        let in_schema = !schema.starts_with("t_") || placements.iter().any(|placement| &*placement.schema == schema);
        in_database && in_schema
    };
    let mut found = Vec::new();
    for row in platform.tenant_rows(is_wanted).await {
        let others = tenants.iter().filter(|(tenant, _)| tenant.id.uuid() != row.tenant).flat_map(|(_, words)| words);
        let strange = others.filter(|word| row.text.contains(word.as_str()));
        found.extend(
            strange.map(|word| format!("`{word}` is in a row of {} of {}: {}", row.place, row.tenant, row.text)),
        );
    }
    found
}
