//! Files on their way: written whole and durably before they get the name by
//! which they are found.

use std::fs::{self, File};
use std::hash::{BuildHasher as _, Hasher as _, RandomState};
use std::io::{self, ErrorKind, Write as _};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use crate::layout::{Layout, make_directory};

/// A draft that is as old was left behind: nobody writes for so long.
const ABANDONED: Duration = Duration::from_secs(60 * 60);

/// One write among so many looks for what was left behind.
const CLEANED_EVERY: u64 = 64;

/// A file without a place yet. It is removed when it is dropped, unless it was
/// moved to its place before.
pub struct Draft {
    path: PathBuf,
    is_moved: bool,
    /// By the clock of the file system, which is the one that other files'
    /// times are to be compared with: that of the machine may be another, and
    /// it may jump. None: files have no times there.
    written: Option<SystemTime>,
}

impl Draft {
    /// Durable when this returns.
    pub fn write(layout: &Layout, contents: &[u8]) -> io::Result<Self> {
        let drafts = layout.drafts();
        let (mut file, mut draft) = create(&drafts)?;
        file.write_all(contents).map_err(as_full)?;
        file.sync_all()?;
        draft.written = file.metadata().and_then(|file| file.modified()).ok();
        if random().is_multiple_of(CLEANED_EVERY) {
            draft.remove_abandoned(&drafts);
        }
        Ok(draft)
    }

    /// Gives the file a second name, which nothing else has: else
    /// `AlreadyExists`. `NotFound`: there is no such directory.
    pub fn link(&self, to: &Path) -> io::Result<()> {
        fs::hard_link(&self.path, to)
    }

    /// Whether another file was written so long before this one. One that
    /// cannot be looked at was not.
    pub fn is_younger(&self, other: &Path, by: Duration) -> bool {
        let other = fs::metadata(other).and_then(|file| file.modified());
        let age = self
            .written
            .zip(other.ok())
            .and_then(|(written, other)| written.duration_since(other).ok());
        age.is_some_and(|age| age > by)
    }

    /// Puts the file in the place of whatever was there. `NotFound`: there is
    /// no such directory.
    pub fn rename(&mut self, to: &Path) -> io::Result<()> {
        fs::rename(&self.path, to)?;
        self.is_moved = true;
        Ok(())
    }

    /// A failure is the next one's to find.
    fn remove_abandoned(&self, drafts: &Path) {
        let Ok(entries) = fs::read_dir(drafts) else {
            return;
        };
        for path in entries.flatten().map(|entry| entry.path()) {
            if self.is_younger(&path, ABANDONED) {
                let _ = fs::remove_file(path);
            }
        }
    }
}

impl Drop for Draft {
    fn drop(&mut self) {
        if !self.is_moved {
            // What cannot be removed now is found later.
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

/// On WASI the standard library learns that a write failed, not why; hardly
/// anything but a full disk makes one fail.
fn as_full(error: io::Error) -> io::Error {
    const INPUT_OUTPUT: i32 = 29;

    let is_untold = cfg!(target_os = "wasi") && error.raw_os_error() == Some(INPUT_OUTPUT);
    match is_untold {
        true => ErrorKind::StorageFull.into(),
        false => error,
    }
}

/// From the keys that the standard library draws for its maps. Whoever uses it
/// makes sure that nobody else drew the same.
fn random() -> u64 {
    RandomState::new().build_hasher().finish()
}
