//! The files of the cache: written atomically, readable by this user only, and removed
//! when unused. Since they are executed, a file is not read if others may write to it or
//! to its directory.

use std::fs::{self, File, TryLockError};
use std::io::{self, Read as _, Write as _};
use std::path::Path;
use std::time::{Duration, SystemTime};

use concept_refinement_capability::{create_directory, directory};
use rustix::fs::{Mode, OFlags, open, openat};

/// Largest file, in bytes; far more than any code takes.
const MAX_BYTES: u64 = 512 << 20;

/// Most files; the least recently used are removed.
pub(super) const MAX_FILES: usize = 32;

/// A file unused for this long belongs to a version that nobody runs any more.
pub(super) const MAX_AGE: Duration = Duration::from_hours(30 * 24);

/// Suffix of files that are being written.
const DRAFT: &str = ".draft";

/// The length of a file name, which has no extension.
const NAME: usize = 64;

/// None: there is no such file.
pub(super) fn read(place: &Path, name: &str) -> io::Result<Option<Vec<u8>>> {
    match try_read(place, name) {
        Err(error) if is_missing(&error) => Ok(None),
        read => read.map(Some),
    }
}

/// Writes the parts under this name, replacing any file.
pub(super) fn replace(place: &Path, name: &str, parts: &[&[u8]]) -> io::Result<()> {
    if parts.iter().map(|part| part.len() as u64).sum::<u64>() > MAX_BYTES {
        return Err(io::ErrorKind::FileTooLarge.into());
    }
    create_directory(place)?;
    private(place)?;
    let _writing = writing(place);
    let mut draft = tempfile::Builder::new().suffix(DRAFT).tempfile_in(place)?;
    for part in parts {
        draft.write_all(part)?;
    }
    draft.as_file().sync_all()?;
    let path = place.join(name);
    if let Err(failed) = draft.persist(&path) {
        if failed.error.kind() != io::ErrorKind::IsADirectory {
            return Err(failed.error);
        }
        fs::remove_dir_all(&path)?;
        failed.file.persist(&path)?;
    }
    directory::sync(place)
}

/// Removes drafts of crashed processes, and unused files.
pub(super) fn tidy(place: &Path) -> io::Result<()> {
    let entries = match fs::read_dir(place) {
        Err(error) if is_missing(&error) => return Ok(()),
        entries => entries?,
    };
    let held = File::open(place).ok();
    if let Some(Err(TryLockError::WouldBlock)) = held.as_ref().map(File::try_lock) {
        // Another process is writing or tidying.
        return Ok(());
    }
    let mut used = Vec::new();
    for entry in entries {
        let entry = entry?;
        let (path, name) = (entry.path(), entry.file_name());
        if name.as_encoded_bytes().ends_with(DRAFT.as_bytes()) {
            remove(&path)?;
        } else if name.len() == NAME {
            match entry.metadata().and_then(|metadata| metadata.modified()) {
                Err(error) if is_missing(&error) => {}
                modified => used.push((modified?, path)),
            }
        }
    }
    used.sort_unstable_by(|one, other| other.cmp(one));
    for (rank, (last, path)) in used.iter().enumerate() {
        if rank >= MAX_FILES || last.elapsed().is_ok_and(|unused| unused > MAX_AGE) {
            remove(path)?;
        }
    }
    Ok(())
}

/// Checks the file after opening it, since its name may be given to another file at any
/// time.
fn try_read(place: &Path, name: &str) -> io::Result<Vec<u8>> {
    let directory = private(place)?;
    // Non-blocking, so that opening a pipe does not wait for its other end.
    let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
    let file = File::from(openat(&directory, name, flags, Mode::empty())?);
    let metadata = file.metadata()?;
    if !metadata.is_file() {
        return Err(io::Error::other("it is not a file"));
    }
    if !directory::is_private(&metadata) {
        return Err(io::Error::other("others may write to it"));
    }
    if metadata.len() > MAX_BYTES {
        return Err(io::ErrorKind::FileTooLarge.into());
    }
    let mut bytes = Vec::new();
    bytes.try_reserve_exact(usize::try_from(metadata.len()).map_err(io::Error::other)?)?;
    let mut file = file.take(MAX_BYTES);
    file.read_to_end(&mut bytes)?;
    #[expect(
        clippy::disallowed_methods,
        reason = "the times of files are the system's"
    )]
    let now = SystemTime::now();
    // Fails on a read-only directory, where the time is not needed.
    let _ = file.get_ref().set_modified(now);
    Ok(bytes)
}

/// Opens the directory. An error: others could put files into it.
fn private(place: &Path) -> io::Result<File> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let directory = File::from(open(place, flags, Mode::empty())?);
    match directory::is_private(&directory.metadata()?) {
        true => Ok(directory),
        false => Err(io::Error::other("others may write to the directory")),
    }
}

/// A shared lock while a draft is written, so that no other process removes it as
/// abandoned. None where directories cannot be locked.
pub(super) fn writing(place: &Path) -> Option<File> {
    let held = File::open(place).ok()?;
    held.lock_shared().ok()?;
    Some(held)
}

/// Removes a file. A directory is not ours, and is removed only if a file needs its name.
fn remove(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if is_missing(&error) || error.kind() == io::ErrorKind::IsADirectory => Ok(()),
        removed => removed,
    }
}

fn is_missing(error: &io::Error) -> bool {
    use io::ErrorKind::{NotADirectory, NotFound};
    matches!(error.kind(), NotFound | NotADirectory)
}
