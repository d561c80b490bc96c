//! What is looked through beside the answers: every row there is, and every line of the log.

use std::{
    collections::BTreeMap,
    io,
    sync::{Arc, Mutex, OnceLock, PoisonError},
};

use cloister_ids::Uuid;
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

/// Rows of a tenant that hold the word of another. `words` has those of the tenants in question.
pub(crate) async fn mixed(platform: &TestPlatform, words: &BTreeMap<Uuid, Vec<String>>) -> Vec<String> {
    let mut found = Vec::new();
    for row in platform.tenant_rows().await {
        let others = words.iter().filter(|(tenant, _)| **tenant != row.tenant).flat_map(|(_, words)| words);
        let strange = others.filter(|word| row.text.contains(word.as_str()));
        found.extend(
            strange.map(|word| format!("`{word}` is in a row of {} of {}: {}", row.place, row.tenant, row.text)),
        );
    }
    found
}
