//! The loopback port: the one asked for, the one remembered, or a free one; and who holds it when it is taken.

use std::net::{Ipv4Addr, TcpListener};

use super::EmbeddedError;

/// Below the range from which systems take the local ports of outgoing connections, so that a remembered port is
/// rarely found in use by chance at the next start.
const RANGE: std::ops::Range<u16> = 20_000..30_000;

const ATTEMPTS: u32 = 64;

/// Chooses the port for this start.
pub(super) fn choose(asked: Option<u16>, remembered: Option<u16>) -> Result<u16, EmbeddedError> {
    if let Some(port) = asked {
        return if free(port) { Ok(port) } else { Err(taken(port)) };
    }
    if let Some(port) = remembered.filter(|&port| free(port)) {
        return Ok(port);
    }
    another()
}

/// A free port that was not used before.
pub(super) fn another() -> Result<u16, EmbeddedError> {
    for _ in 0..ATTEMPTS {
        let port = RANGE.start + rand::random::<u16>() % (RANGE.end - RANGE.start);
        if free(port) {
            return Ok(port);
        }
    }
    Err(taken(RANGE.start))
}

/// The error that says who holds the port.
pub(super) fn taken(port: u16) -> EmbeddedError {
    EmbeddedError::PortTaken { port, holder: holder(port) }
}

// The listener sets SO_REUSEADDR, as PostgreSQL does: connections in TIME_WAIT from before a restart do not count as taken.
fn free(port: u16) -> bool {
    TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok()
}

/// The process that listens on a port, as text for a person. Sockets of other accounts can be seen only by root.
#[cfg(target_os = "linux")]
fn holder(port: u16) -> Option<String> {
    use std::fs;

    let inode = ["/proc/net/tcp", "/proc/net/tcp6"].iter().find_map(|table| {
        let text = fs::read_to_string(table).ok()?;
        text.lines().skip(1).find_map(|line| {
            let fields: Vec<_> = line.split_whitespace().collect();
            let (_, local) = fields.get(1)?.rsplit_once(':')?;
            let listening = fields.get(3) == Some(&"0A") && u16::from_str_radix(local, 16) == Ok(port);
            listening.then(|| fields.get(9).map(|inode| format!("socket:[{inode}]")))?
        })
    })?;
    let processes = fs::read_dir("/proc").ok()?.flatten().filter_map(|entry| {
        let pid: u32 = entry.file_name().to_str()?.parse().ok()?;
        Some((pid, entry.path()))
    });
    for (pid, path) in processes {
        let Ok(files) = fs::read_dir(path.join("fd")) else { continue };
        for file in files.flatten() {
            if fs::read_link(file.path()).is_ok_and(|target| target.as_os_str() == inode.as_str()) {
                let name = fs::read_to_string(path.join("comm")).unwrap_or_default();
                return Some(format!("process {pid} ({})", name.trim()));
            }
        }
    }
    None
}

#[cfg(not(target_os = "linux"))]
fn holder(_port: u16) -> Option<String> {
    None
}
