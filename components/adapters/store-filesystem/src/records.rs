//! Records: one directory for each, with a file per version. The highest version is the
//! current record.
//!
//! A swap writes a draft and links it to the version after the one that was read. Linking
//! fails if the name is taken, so exactly one of several writers wins, and a file with a
//! version's name is complete. There is no lock that could remain after a crash.
//!
//! Old versions have to be removed, and the name of a removed version could be linked
//! again. The protection against that does not depend on a clock:
//!
//! * A version is removed only when [`MIN_VERSIONS`] newer ones exist. After linking, a
//!   writer looks for the newest version. Unless that is so far ahead, the name has never
//!   been used before, and the writer has won. Otherwise it cannot know whether it has
//!   won, and reports that; the version that it linked is outdated, and nobody reads it.
//! * Versions are removed from the oldest on. So if a file can be opened, no later
//!   version was removed before: a reader who lists a directory and then opens the
//!   highest version of the list gets one that was current at some time after the reader
//!   began. If the file cannot be opened, the reader lists again.
//!
//! To make this rare, a version is also kept for [`MIN_AGE`], and a writer fails if more
//! than [`SWAP_TIMEOUT`] has passed since its read. The outcome of a write is unknown
//! only if the process was paused between two system calls while the record changed
//! [`MIN_VERSIONS`] times.
//!
//! It depends on two properties of the file system: linking fails if the name is taken,
//! and a listing includes every file that exists throughout. Local file systems have
//! both; one that caches directories for several machines may not.

use std::fs;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use concept_refinement_adapter_store::ports::{Fault, Records};

use crate::Filesystem;
use crate::draft::Draft;
use crate::fault::fault;
use crate::layout::{place, sync_directory};

/// Versions that are kept besides the newest, regardless of age.
const MIN_VERSIONS: usize = 16;

/// The age at which a version may be removed.
const MIN_AGE: Duration = Duration::from_secs(2 * 60);

/// Limit of versions removed at a time, so that no call takes long.
const REMOVAL_BATCH: usize = 256;

/// Longest time from a read to its swap.
const SWAP_TIMEOUT: Duration = Duration::from_secs(60);

/// Most attempts to read a record that is changing. An attempt fails only after more than
/// [`MIN_VERSIONS`] swaps, so a second one is rare.
const MAX_READS: u32 = 100;

/// The version that was read. The first is 1; 0 means that there was no record.
pub struct Held {
    directory: PathBuf,
    version: u64,
    since: Instant,
}

impl Records for Filesystem {
    type Held = Held;

    async fn read(&self, key: &str) -> Result<(Option<Vec<u8>>, Held), Fault> {
        let directory = self.record(key)?;
        let since = Instant::now();
        let (version, value) = newest(&directory)
            .map_err(|error| fault("a record cannot be read", &error))?
            .map_or((0, None), |(version, value)| (version, Some(value)));
        let held = Held {
            directory,
            version,
            since,
        };
        Ok((value, held))
    }

    async fn swap(&self, held: Held, value: Vec<u8>) -> Result<bool, Fault> {
        swap(self, &held, &value).map_err(|error| fault("a record cannot be written", &error))
    }
}

fn swap(filesystem: &Filesystem, held: &Held, value: &[u8]) -> io::Result<bool> {
    let version = held.version.saturating_add(1);
    let path = held.directory.join(file_name(version));
    // A writer that has already lost need not write.
    if path.exists() {
        return Ok(false);
    }
    let draft = Draft::write(filesystem, value)?;
    if held.since.elapsed() > SWAP_TIMEOUT {
        return Ok(false);
    }
    match place(&path, || draft.link(&path)) {
        Err(error) if error.kind() == ErrorKind::AlreadyExists => return Ok(false),
        linked => linked?,
    }
    let versions = versions(&held.directory)?;
    let ahead = |newest: &u64| newest.saturating_sub(version);
    if versions.last().map_or(0, ahead) >= MIN_VERSIONS as u64 {
        return Err(io::Error::other("it had changed too often meanwhile"));
    }
    sync_directory(&held.directory)?;
    remove_old(&held.directory, &versions, &draft);
    Ok(true)
}

/// The newest version, if any.
fn newest(directory: &Path) -> io::Result<Option<(u64, Vec<u8>)>> {
    for _ in 0..MAX_READS {
        let Some(version) = versions(directory)?.pop() else {
            return Ok(None);
        };
        match fs::read(directory.join(file_name(version))) {
            Ok(value) => return Ok(Some((version, value))),
            Err(error) if error.kind() == ErrorKind::NotFound => {}
            Err(error) => return Err(error),
        }
    }
    Err(ErrorKind::ResourceBusy.into())
}

/// All versions in ascending order.
fn versions(directory: &Path) -> io::Result<Vec<u64>> {
    let entries = match fs::read_dir(directory) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries?,
    };
    let mut versions = Vec::new();
    for entry in entries {
        versions.extend(version(&entry?.file_name().to_string_lossy()));
    }
    versions.sort_unstable();
    Ok(versions)
}

/// Removes versions, oldest first, up to the first one that has to stay or cannot be
/// removed. Errors are left to the next swap.
fn remove_old(directory: &Path, versions: &[u64], newest: &Draft) {
    let removable = versions.len().saturating_sub(MIN_VERSIONS + 1);
    for version in versions.iter().take(removable.min(REMOVAL_BATCH)) {
        let path = directory.join(file_name(*version));
        if !newest.is_younger(&path, MIN_AGE) || fs::remove_file(&path).is_err() {
            return;
        }
    }
}

fn file_name(version: u64) -> String {
    format!("{version:020}")
}

fn version(file_name: &str) -> Option<u64> {
    let is_version = file_name.len() == 20 && file_name.bytes().all(|byte| byte.is_ascii_digit());
    file_name.parse().ok().filter(|_| is_version)
}

#[cfg(test)]
mod tests;
