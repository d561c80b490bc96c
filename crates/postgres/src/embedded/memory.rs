//! How much memory the server may plan with: the machine's, or less when a control group says so.

/// Memory settings of one server, in MiB.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct MemoryPlan {
    pub(super) shared_buffers: u64,
    pub(super) effective_cache_size: u64,
    pub(super) work_mem: u64,
    pub(super) maintenance_work_mem: u64,
}

/// When the size cannot be found out: a small machine.
const ASSUMED: u64 = 2 << 30;

impl MemoryPlan {
    /// The plan for a machine of `bytes`. It shares the machine with the platform itself and often with a developer's
    /// tools, so it takes an eighth for the cache and leaves the rest to the operating system's.
    pub(super) fn for_size(bytes: u64, max_connections: u32) -> Self {
        let size = bytes >> 20;
        Self {
            shared_buffers: (size / 8).clamp(32, 1024),
            effective_cache_size: (size / 2).max(64),
            work_mem: (size / 16 / u64::from(max_connections.max(1))).clamp(4, 64),
            maintenance_work_mem: (size / 32).clamp(32, 512),
        }
    }
}

/// Bytes of memory this process may count on.
pub(super) fn size() -> u64 {
    let machine = machine().unwrap_or(ASSUMED);
    limit().map_or(machine, |limit| machine.min(limit))
}

#[cfg(target_os = "linux")]
fn machine() -> Option<u64> {
    let info = rustix::system::sysinfo();
    let total = info.totalram.checked_mul(u64::from(info.mem_unit))?;
    (total > 0).then_some(total)
}

#[cfg(not(target_os = "linux"))]
fn machine() -> Option<u64> {
    let output = std::process::Command::new("sysctl").args(["-n", "hw.memsize"]).output().ok()?;
    String::from_utf8(output.stdout).ok()?.trim().parse().ok()
}

/// The smallest limit of the control groups this process is in.
#[cfg(target_os = "linux")]
fn limit() -> Option<u64> {
    use std::{fs, path::Path};

    let read = |path: &Path| fs::read_to_string(path).ok()?.trim().parse::<u64>().ok();
    let groups = fs::read_to_string("/proc/self/cgroup").unwrap_or_default();
    let unified = groups.lines().find_map(|line| line.strip_prefix("0::/")).unwrap_or_default();
    let root = Path::new("/sys/fs/cgroup");
    let inside = root.join(unified);
    let nested =
        inside.ancestors().take_while(|path| path.starts_with(root)).map(|path| read(&path.join("memory.max")));
    let old = read(&root.join("memory/memory.limit_in_bytes"));
    nested.chain([old]).flatten().min()
}

#[cfg(not(target_os = "linux"))]
fn limit() -> Option<u64> {
    None
}

#[cfg(test)]
mod tests {
    use super::MemoryPlan;

    #[test]
    fn the_plan_grows_with_the_machine_between_bounds() {
        let tiny = MemoryPlan::for_size(128 << 20, 100);
        assert_eq!((tiny.shared_buffers, tiny.work_mem, tiny.maintenance_work_mem), (32, 4, 32));
        let laptop = MemoryPlan::for_size(4 << 30, 100);
        assert_eq!((laptop.shared_buffers, laptop.effective_cache_size), (512, 2048));
        let server = MemoryPlan::for_size(64 << 30, 100);
        assert_eq!((server.shared_buffers, server.work_mem, server.maintenance_work_mem), (1024, 40, 512));
    }
}
