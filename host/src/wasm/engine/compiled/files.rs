//! The files of the cache: written whole or not at all, readable by this user
//! only, removed when unused.

use std::fs::{self, File, TryLockError};
use std::io::{self, Read as _, Write as _};
use std::path::Path;
use std::time::{Duration, SystemTime};

use uuid::Uuid;

use crate::capability::{create_directory, directory};

/// Largest file, in bytes; far beyond any code.
const MAX_BYTES: u64 = 512 << 20;

/// Most files; the least recently used are removed.
pub(super) const MAX_FILES: usize = 32;

/// Files unused for this long belong to a version that nobody runs.
pub(super) const MAX_AGE: Duration = Duration::from_hours(30 * 24);

/// The extension of a file that is being written.
const DRAFT: &str = "draft";

/// The length of a file name, which has no extension.
const NAME: usize = 64;

/// None: there is no such file.
pub(super) fn read(path: &Path) -> io::Result<Option<Vec<u8>>> {
    match try_read(path) {
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
    let _writing = writing(place);
    let draft = place.join(Uuid::new_v4().to_string()).with_extension(DRAFT);
    let named = write(&draft, parts).and_then(|()| rename(&draft, &place.join(name)));
    if named.is_err() {
        // If that fails too, the next start removes it.
        let _ = fs::remove_file(&draft);
    }
    named?;
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
        let path = entry.path();
        if path.extension().is_some_and(|ending| ending == DRAFT) {
            remove(&path)?;
        } else if entry.file_name().len() == NAME {
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

fn try_read(path: &Path) -> io::Result<Vec<u8>> {
    // Checked before opening, since opening a pipe would block.
    let metadata = fs::symlink_metadata(path)?;
    if !metadata.is_file() {
        return Err(io::Error::other("it is not a file"));
    }
    if !directory::is_private(&metadata) {
        return Err(io::Error::other("others may write to it"));
    }
    if metadata.len() > MAX_BYTES {
        return Err(io::ErrorKind::FileTooLarge.into());
    }
    let mut file = File::open(path)?.take(MAX_BYTES);
    let mut bytes = Vec::new();
    bytes.try_reserve_exact(usize::try_from(metadata.len()).map_err(io::Error::other)?)?;
    file.read_to_end(&mut bytes)?;
    // On a read-only directory the time is not updated.
    let _ = file.get_ref().set_modified(SystemTime::now());
    Ok(bytes)
}

/// A shared lock while a draft is written, so that no other process removes it
/// as abandoned. Skipped where directories cannot be locked.
pub(super) fn writing(place: &Path) -> Option<File> {
    let held = File::open(place).ok()?;
    held.lock_shared().ok()?;
    Some(held)
}

fn write(draft: &Path, parts: &[&[u8]]) -> io::Result<()> {
    let mut file = directory::private_file().create_new(true).open(draft)?;
    for part in parts {
        file.write_all(part)?;
    }
    file.sync_all()
}

fn rename(draft: &Path, path: &Path) -> io::Result<()> {
    match fs::rename(draft, path) {
        Err(error) if error.kind() == io::ErrorKind::IsADirectory => {
            fs::remove_dir_all(path)?;
            fs::rename(draft, path)
        }
        renamed => renamed,
    }
}

/// Directories are not ours; one is removed only when a file needs its name.
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
