//! How long the disk makes everybody wait who writes to it.

use std::fs::File;
use std::os::unix::fs::FileExt as _;
use std::path::Path;
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::thread::{JoinHandle, spawn};
use std::time::{Duration, Instant};

const PAUSE: Duration = Duration::from_millis(10);

/// Flushes a small file over and over beside a test. A disk that is shared with other
/// machines stops at times, which is not the service's fault.
pub struct DiskWait {
    end: Sender<()>,
    longest: JoinHandle<Duration>,
}

impl DiskWait {
    /// Of the disk of this directory.
    pub fn measure(directory: &Path) -> Self {
        let file = File::create(directory.join("disk-wait")).unwrap();
        let (end, ended) = channel();
        let longest = spawn(move || {
            let mut longest = Duration::ZERO;
            while ended.recv_timeout(PAUSE) == Err(RecvTimeoutError::Timeout) {
                let begin = Instant::now();
                file.write_all_at(&[0; 4096], 0).unwrap();
                file.sync_data().unwrap();
                longest = longest.max(begin.elapsed());
            }
            longest
        });
        Self { end, longest }
    }

    /// The longest of all flushes so far; the last one is waited for.
    pub fn longest(self) -> Duration {
        drop(self.end);
        self.longest.join().unwrap()
    }
}
