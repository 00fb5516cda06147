//! What a process uses, as the system counts it (`/proc`).

use std::fs;
use std::path::PathBuf;
use std::time::Duration;

/// The kernel's unit of processor time, the same on every Linux of today.
const TICKS_PER_SECOND: u32 = 100;

pub struct Process(PathBuf);

#[derive(Clone, Copy, Debug, Default)]
pub struct Usage {
    /// In bytes, as are the next two.
    pub resident: u64,
    /// Of these what no file backs: it cannot be dropped and read again.
    pub anonymous: u64,
    /// The most that was ever resident.
    pub peak: u64,
    pub handles: usize,
    pub threads: usize,
    /// Processor time so far.
    pub processor: Duration,
}

impl Process {
    pub fn of(id: u32) -> Self {
        Self(PathBuf::from(format!("/proc/{id}")))
    }

    /// Forgets the most that was resident before.
    pub fn reset_peak(&self) {
        fs::write(self.0.join("clear_refs"), "5").unwrap();
    }

    pub fn usage(&self) -> Usage {
        let status = fs::read_to_string(self.0.join("status")).unwrap();
        let field = |name: &str| -> u64 {
            let line = status.lines().find(|line| line.starts_with(name)).unwrap();
            line.split_whitespace().nth(1).unwrap().parse().unwrap()
        };
        Usage {
            resident: field("VmRSS:") << 10,
            anonymous: field("RssAnon:") << 10,
            peak: field("VmHWM:") << 10,
            handles: fs::read_dir(self.0.join("fd")).unwrap().count(),
            threads: usize::try_from(field("Threads:")).unwrap(),
            processor: self.processor(),
        }
    }

    /// Resident bytes, of which a page that is mapped several times counts once
    /// in all.
    pub fn proportional(&self) -> u64 {
        let rollup = fs::read_to_string(self.0.join("smaps_rollup")).unwrap();
        let line = rollup.lines().find(|line| line.starts_with("Pss:"));
        let size = line.and_then(|line| line.split_whitespace().nth(1));
        size.unwrap().parse::<u64>().unwrap() << 10
    }

    fn processor(&self) -> Duration {
        let stat = fs::read_to_string(self.0.join("stat")).unwrap();
        // The process name in brackets may contain spaces; numbers follow it.
        let (_, fields) = stat.rsplit_once(')').unwrap();
        let fields: Vec<&str> = fields.split_whitespace().collect();
        let (user, system): (u32, u32) = (fields[11].parse().unwrap(), fields[12].parse().unwrap());
        Duration::from_secs(1) * (user + system) / TICKS_PER_SECOND
    }
}
