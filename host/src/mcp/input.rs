//! Files that a call names as its original or its mask.
//!
//! Any file may be named; the pipeline refuses what is no image, and says nothing of what
//! else is in it.

use std::fs::File;
use std::io::Read as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

use anyhow::ensure;
use concept_refinement_domain::image::Problem;
use rustix::fs::OFlags;

/// Reads a file of at most so many bytes: a larger one is refused before it is read. Waits
/// for no pipe, but may wait for a disk.
///
/// # Errors
///
/// It is larger, no regular file, or cannot be read. The sentences are for who called.
pub fn read(path: &Path, max_bytes: u64) -> anyhow::Result<Vec<u8>> {
    let flags = i32::try_from(OFlags::NONBLOCK.bits()).unwrap_or_default();
    let file = File::options().read(true).custom_flags(flags).open(path)?;
    let found = file.metadata()?;
    // A folder, a pipe, a device, …
    ensure!(found.is_file(), "it is not a file");
    let too_large = Problem::TooLarge { max_bytes };
    if found.len() > max_bytes {
        return Err(too_large.into());
    }
    let mut bytes = Vec::new();
    // It may grow, and some files do not tell their length.
    file.take(max_bytes.saturating_add(1))
        .read_to_end(&mut bytes)?;
    match u64::try_from(bytes.len()) {
        Ok(length) if length <= max_bytes => Ok(bytes),
        _ => Err(too_large.into()),
    }
}
