//! Resource use of the process, from the system's counters (`/proc`). Without `/proc`,
//! these metrics stay 0, except for the start time.

use std::fs;
use std::sync::atomic::AtomicU64;
use std::time::{SystemTime, UNIX_EPOCH};

use concept_refinement_runtime::metrics::series::{register, register_in};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::{Registry, Unit};

/// Uses the metric names of Prometheus' own client libraries.
pub struct Process {
    cpu: Counter<f64, AtomicU64>,
    resident: Gauge,
    handles: Gauge,
    threads: Gauge,
}

impl Process {
    pub fn new(registry: &mut Registry) -> Self {
        let registry = registry.sub_registry_with_prefix("process");
        let cpu = "Processor time, user and system";
        let process = Self {
            cpu: register_in(registry, Unit::Seconds, "cpu", cpu),
            resident: register_in(
                registry,
                Unit::Bytes,
                "resident_memory",
                "Memory that is resident",
            ),
            handles: register(registry, "open_fds", "Open file descriptors"),
            threads: register(registry, "threads", "Threads"),
        };
        let start: Gauge<f64, AtomicU64> = register_in(
            registry,
            Unit::Seconds,
            "start_time",
            "When the host started, since the Unix epoch",
        );
        #[expect(
            clippy::disallowed_methods,
            reason = "the start of the process as the system has it"
        )]
        let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH);
        start.set(since_epoch.unwrap_or_default().as_secs_f64());
        process
    }

    /// Reads the system's counters.
    pub fn update(&self) {
        if let Some(seconds) = cpu() {
            self.cpu.inc_by((seconds - self.cpu.get()).max(0.0));
        }
        if let Ok(status) = fs::read_to_string("/proc/self/status") {
            if let Some(kilobytes) = field(&status, "VmRSS:") {
                self.resident.set(kilobytes.saturating_mul(1024));
            }
            if let Some(threads) = field(&status, "Threads:") {
                self.threads.set(threads);
            }
        }
        if let Ok(open) = fs::read_dir("/proc/self/fd") {
            self.handles
                .set(i64::try_from(open.count()).unwrap_or(i64::MAX));
        }
    }
}

fn field(status: &str, name: &str) -> Option<i64> {
    let line = status.lines().find_map(|line| line.strip_prefix(name))?;
    line.split_whitespace().next()?.parse().ok()
}

fn cpu() -> Option<f64> {
    let stat = fs::read_to_string("/proc/self/stat").ok()?;
    // The process name in brackets may contain spaces; numbers follow it.
    let (_, fields) = stat.rsplit_once(')')?;
    let mut fields = fields.split_whitespace().skip(11);
    let mut ticks = || fields.next()?.parse::<f64>().ok();
    Some((ticks()? + ticks()?) / rustix::param::clock_ticks_per_second() as f64)
}
