//! The memory of the machine.

use std::fs;

/// Of the machine or of the process's control group, in bytes, where the system
/// tells.
pub fn memory() -> Option<u64> {
    let limits = [
        "/sys/fs/cgroup/memory.max",
        "/sys/fs/cgroup/memory/memory.limit_in_bytes",
    ];
    let limits = limits.iter().filter_map(|path| {
        // Without a limit the file contains "max".
        fs::read_to_string(path).ok()?.trim().parse().ok()
    });
    limits.chain(total()).min()
}

fn total() -> Option<u64> {
    let all = fs::read_to_string("/proc/meminfo").ok()?;
    let line = all
        .lines()
        .find_map(|line| line.strip_prefix("MemTotal:"))?;
    let kilobytes: u64 = line.trim().strip_suffix(" kB")?.parse().ok()?;
    kilobytes.checked_mul(1024)
}
