//! Where the service writes to.

use std::fs::File;
use std::io::Write as _;
use std::path::PathBuf;
use std::process::Stdio;

/// What a pipe has room for, in bytes (Linux).
const PIPE: usize = 1 << 16;

/// Where a process writes to.
#[derive(Clone, Debug)]
pub enum Output {
    /// What the test can read.
    Log,
    /// A file that exists, or a device.
    File(PathBuf),
    /// A pipe whose reader has gone.
    Gone,
    /// A full pipe that nobody reads.
    Unread,
    /// Nowhere: it is closed.
    Closed,
}

impl Output {
    /// For a process that is about to be started.
    pub fn open(&self) -> Stdio {
        match self {
            Self::Log => Stdio::piped(),
            Self::File(path) => File::options().append(true).open(path).unwrap().into(),
            Self::Gone => std::io::pipe().unwrap().1.into(),
            Self::Unread => {
                let (reader, mut writer) = std::io::pipe().unwrap();
                writer.write_all(&[b'\n'; PIPE]).unwrap();
                // It is open for as long as the tests run.
                std::mem::forget(reader);
                writer.into()
            }
            Self::Closed => Stdio::null(),
        }
    }
}
