//! What a process uses, as the system counts it (`/proc`).

use std::fs::{self, DirEntry};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use crate::deadline::SOON;

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
            processor: Stat::read(&self.0).unwrap().time(2),
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

    /// Processor time so far, with that of its children, those that ended too.
    pub fn processor_of_family(&self) -> Duration {
        let id = self.0.file_name().unwrap().to_string_lossy();
        let others = fs::read_dir("/proc").unwrap().flatten();
        let stats = others.filter_map(|other| Stat::read(&other.path()));
        let children = stats.filter(|stat| stat.parent() == id);
        let children: Duration = children.map(|stat| stat.time(2)).sum();
        children + Stat::read(&self.0).unwrap().time(4)
    }

    /// Waits until all of its threads stand still after SIGSTOP, which they do when
    /// they next look.
    pub fn wait_for_stop(&self) {
        let begin = Instant::now();
        let stands = |thread: DirEntry| {
            let stat = Stat::read(&thread.path());
            stat.is_none_or(|stat| stat.0[0] == "T")
        };
        while !fs::read_dir(self.0.join("task"))
            .unwrap()
            .flatten()
            .all(stands)
        {
            assert!(begin.elapsed() < SOON, "it does not stand still");
            std::thread::sleep(Duration::from_millis(1));
        }
    }
}

/// In `/proc/ID/stat` after the name: user and system time of the process, then
/// those of its children that it has waited for.
const USER_TIME: usize = 11;

/// The fields after the name.
struct Stat(Vec<String>);

impl Stat {
    /// None: there is no such process any more.
    fn read(process: &Path) -> Option<Self> {
        let stat = fs::read_to_string(process.join("stat")).ok()?;
        // The process name in brackets may contain spaces; numbers follow it.
        let (_, fields) = stat.rsplit_once(')')?;
        Some(Self(fields.split_whitespace().map(str::to_owned).collect()))
    }

    fn parent(&self) -> &str {
        &self.0[1]
    }

    /// The sum of so many times.
    fn time(&self, count: usize) -> Duration {
        let fields = self.0.iter().skip(USER_TIME).take(count);
        let ticks: u32 = fields.map(|field| field.parse::<u32>().unwrap()).sum();
        Duration::from_secs(1) * ticks / TICKS_PER_SECOND
    }
}
