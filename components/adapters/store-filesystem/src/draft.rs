//! Drafts: files that are written and synced before they get their final name.

use std::fs::{self, File};
use std::hash::{BuildHasher as _, Hasher as _, RandomState};
use std::io::{self, ErrorKind, Write as _};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use crate::Filesystem;
use crate::layout::make_directory;

/// A draft of this age is abandoned; no write takes so long.
const ABANDONED_AFTER: Duration = Duration::from_secs(60 * 60);

/// Abandoned drafts are removed once in this many writes.
const CLEANUP_INTERVAL: u64 = 64;

/// A file without its final name. It is removed when dropped, unless it was
/// renamed.
pub struct Draft {
    path: PathBuf,
    is_moved: bool,
    /// Its modification time on the file system's clock, for comparison with other files;
    /// the machine's clock may differ or jump. None: the file system has no times.
    written: Option<SystemTime>,
}

impl Draft {
    /// Durable when this returns.
    pub fn write(filesystem: &Filesystem, contents: &[u8]) -> io::Result<Self> {
        let drafts = filesystem.drafts();
        let (mut file, mut draft) = create(&drafts)?;
        file.write_all(contents).map_err(as_full)?;
        file.sync_all()?;
        draft.written = file.metadata().and_then(|file| file.modified()).ok();
        if random().is_multiple_of(CLEANUP_INTERVAL) {
            draft.remove_abandoned(&drafts);
        }
        Ok(draft)
    }

    /// Adds a second name. `AlreadyExists` if the name is taken, `NotFound` if
    /// there is no such directory.
    pub fn link(&self, to: &Path) -> io::Result<()> {
        fs::hard_link(&self.path, to)
    }

    /// Whether another file was written at least this long before this one. False if that
    /// cannot be read.
    pub fn is_younger(&self, other: &Path, by: Duration) -> bool {
        let other = fs::metadata(other).and_then(|file| file.modified());
        let age = self
            .written
            .zip(other.ok())
            .and_then(|(written, other)| written.duration_since(other).ok());
        age.is_some_and(|age| age > by)
    }

    /// Renames the file, replacing any file of that name. `NotFound`: there is
    /// no such directory.
    pub fn rename(&mut self, to: &Path) -> io::Result<()> {
        fs::rename(&self.path, to)?;
        self.is_moved = true;
        Ok(())
    }

    /// Errors are ignored; the next cleanup will try again.
    fn remove_abandoned(&self, drafts: &Path) {
        let Ok(entries) = fs::read_dir(drafts) else {
            return;
        };
        for path in entries.flatten().map(|entry| entry.path()) {
            if self.is_younger(&path, ABANDONED_AFTER) {
                let _ = fs::remove_file(path);
            }
        }
    }
}

impl Drop for Draft {
    fn drop(&mut self) {
        if !self.is_moved {
            // If this fails, a later cleanup removes it.
            let _ = fs::remove_file(&self.path);
        }
    }
}

fn create(drafts: &Path) -> io::Result<(File, Draft)> {
    loop {
        let path = drafts.join(format!("{:016x}", random()));
        match File::create_new(&path) {
            Ok(file) => {
                let draft = Draft {
                    path,
                    is_moved: false,
                    written: None,
                };
                return Ok((file, draft));
            }
            Err(error) if error.kind() == ErrorKind::NotFound => make_directory(drafts)?,
            Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
            Err(error) => return Err(error),
        }
    }
}

/// On WASI the standard library does not learn why a write failed; almost always the disk
/// is full.
fn as_full(error: io::Error) -> io::Error {
    const INPUT_OUTPUT: i32 = 29;

    let is_untold = cfg!(target_os = "wasi") && error.raw_os_error() == Some(INPUT_OUTPUT);
    match is_untold {
        true => ErrorKind::StorageFull.into(),
        false => error,
    }
}

/// A random number from the keys of the standard library's hash maps. The caller must
/// handle collisions.
fn random() -> u64 {
    RandomState::new().build_hasher().finish()
}
