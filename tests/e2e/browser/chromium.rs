//! Chromium without a window.

use std::fs::File;
use std::path::PathBuf;
use std::process::Stdio;
use std::time::{Duration, Instant};

use concept_refinement_tests::chromium;
use concept_refinement_tests::reaper::{Reaped, scratch};
use rustix::process::{Pid, Signal, kill_process};

/// Starting it on a busy machine, and what the page does.
const LIMIT: Duration = Duration::from_secs(90);

/// A browser that shows one page.
pub struct Browser {
    process: Reaped,
    log: PathBuf,
}

impl Browser {
    pub fn open(url: &str) -> Self {
        let directory = scratch("browser");
        let log = directory.join("log");
        let file = File::create(&log).unwrap();
        let mut command = chromium::command(&directory);
        command
            .arg(url)
            .stdin(Stdio::null())
            .stdout(file.try_clone().unwrap())
            .stderr(file);
        Self {
            process: Reaped::spawn(&mut command),
            log,
        }
    }

    /// Waits for what the page brings about, and closes the browser.
    pub async fn watch<T>(self, outcome: impl Future<Output = T>) -> T {
        match tokio::time::timeout(LIMIT, outcome).await {
            Ok(outcome) => outcome,
            Err(_) => {
                let log = std::fs::read_to_string(&self.log).unwrap_or_default();
                panic!("the page said nothing within {LIMIT:?}; the browser: {log}");
            }
        }
    }
}

impl Drop for Browser {
    /// Asked to end, it takes its own processes along.
    fn drop(&mut self) {
        let child = self.process.child();
        let id = i32::try_from(child.id()).ok().and_then(Pid::from_raw);
        let asked = id.is_some_and(|id| kill_process(id, Signal::TERM).is_ok());
        let end = Instant::now() + Duration::from_secs(5);
        while asked && Instant::now() < end && matches!(child.try_wait(), Ok(None)) {
            std::thread::sleep(Duration::from_millis(10));
        }
    }
}
