//! The server's settings: a file written anew at each start, and what stands on the command line because nothing may
//! overrule it.

use std::{fmt::Write as _, path::Path};

use super::{
    EmbeddedError, Settings,
    account::Account,
    layout::{Layout, write_private},
    memory::{self, MemoryPlan},
};

/// Name of the file inside PGDATA.
pub(super) const FILE: &str = "cloister.conf";

/// The line that `postgresql.conf` gets when the cluster is made.
pub(super) const INCLUDE: &str = "\n# Written by Cloister at each start; what stands below this line, or is set by ALTER SYSTEM, comes after it.\n\
     include_if_exists = 'cloister.conf'\n";

const MAX_EXTRA: usize = 100;
const MAX_VALUE: usize = 1000;

/// Settings that follow from how the cluster is run, and by whom: they cannot be given as extra ones.
const OURS: [&str; 7] = [
    "port",
    "listen_addresses",
    "unix_socket_directories",
    "unix_socket_permissions",
    "data_directory",
    "hba_file",
    "config_file",
];

/// Refuses extra settings that could break out of their line, or that are not the caller's to make.
pub(super) fn check(extra: &[(String, String)]) -> Result<(), EmbeddedError> {
    let refuse =
        |name: &str, reason| Err(EmbeddedError::InvalidSetting { name: name.chars().take(64).collect(), reason });
    if extra.len() > MAX_EXTRA {
        return refuse("…", "there are more than a hundred of them");
    }
    for (name, value) in extra {
        let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_' || byte == b'.';
        if name.is_empty() || name.len() > 63 || !name.bytes().all(plain) {
            return refuse(name, "a name has lower-case letters, digits, `_` and `.` only");
        }
        if value.len() > MAX_VALUE || value.chars().any(char::is_control) {
            return refuse(name, "the value is too long or holds control characters");
        }
        if OURS.contains(&name.as_str()) {
            return refuse(name, "it follows from the cluster's own options");
        }
    }
    Ok(())
}

/// Writes the file for this start.
pub(super) fn write(layout: &Layout, settings: &Settings, account: &Account) -> Result<(), EmbeddedError> {
    let plan = MemoryPlan::for_size(memory::size(), settings.max_connections);
    let path = layout.data().join(FILE);
    write_private(&path, &text(&plan, settings))?;
    account.give(&path)
}

fn text(plan: &MemoryPlan, settings: &Settings) -> String {
    let mut text = String::from("# Written by Cloister at each start: changes made here are lost.\n");
    let mut set = |name: &str, value: &str| {
        // Writing into a String cannot fail.
        let _ = writeln!(text, "{name} = '{}'", value.replace('\\', "\\\\").replace('\'', "''"));
    };
    set("cluster_name", "cloister");
    set("max_connections", &settings.max_connections.to_string());
    set("shared_buffers", &format!("{}MB", plan.shared_buffers));
    set("effective_cache_size", &format!("{}MB", plan.effective_cache_size));
    set("work_mem", &format!("{}MB", plan.work_mem));
    set("maintenance_work_mem", &format!("{}MB", plan.maintenance_work_mem));
    // A restart after a crash syncs the file system once instead of opening every file (a thousand schemas have many).
    if cfg!(target_os = "linux") {
        set("recovery_init_sync_method", "syncfs");
    }
    set("fsync", "on");
    set("password_encryption", "scram-sha-256");
    // Moving a tenant while it works needs logical replication, and the level can only be changed by a restart.
    set("wal_level", "logical");
    set("max_wal_senders", "10");
    set("max_replication_slots", "10");
    set("wal_compression", "on");
    // One statement over many tenants' schemas holds a lock on each of their tables.
    set("max_locks_per_transaction", "256");
    set("random_page_cost", "1.1");
    // Short statements only lose time by compilation, and packaged servers come without it.
    set("jit", "off");
    set("timezone", "UTC");
    set("log_timezone", "UTC");
    // The supervisor reads the log: its language must not depend on the machine's.
    set("lc_messages", "C");
    set("logging_collector", "off");
    set("log_destination", "stderr");
    set("log_line_prefix", "%m [%p] %q%u@%d ");
    set("log_checkpoints", "off");
    for (name, value) in &settings.extra {
        set(name, value);
    }
    text
}

/// The command line of the server.
pub(super) fn arguments(data: &Path, socket_dir: &Path, port: u16) -> Vec<std::ffi::OsString> {
    let mut sockets = std::ffi::OsString::from("unix_socket_directories=");
    sockets.push(socket_dir);
    vec![
        "-D".into(),
        data.into(),
        "-c".into(),
        format!("port={port}").into(),
        "-c".into(),
        "listen_addresses=127.0.0.1".into(),
        "-c".into(),
        sockets,
        "-c".into(),
        "unix_socket_permissions=0700".into(),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn extra(name: &str, value: &str) -> Result<(), EmbeddedError> {
        check(&[(name.to_owned(), value.to_owned())])
    }

    #[test]
    fn extra_settings_cannot_break_out_of_their_line() {
        assert!(extra("fsync", "off").is_ok());
        assert!(extra("log_line_prefix", "it's \\ fine").is_ok());
        for (name, value) in
            [("fsync", "off\nport = 1"), ("fsync = on\nport", "1"), ("port", "5432"), ("", "x"), ("Fsync", "off")]
        {
            assert!(extra(name, value).is_err(), "{name}");
        }
    }

    #[test]
    fn values_are_quoted_and_extra_ones_come_last() {
        let mut settings = Settings::new("/nowhere");
        settings.extra.push(("fsync".to_owned(), "o'f\\f".to_owned()));
        let text = text(&MemoryPlan::for_size(1 << 30, 10), &settings);
        assert!(text.ends_with("fsync = 'o''f\\\\f'\n"), "{text}");
    }
}
