//! Files that a call names as its original or its mask.
//!
//! Any file may be named; the pipeline refuses what is no image, and says nothing of what
//! else is in it.

use std::fs::File;
use std::io::{self, Read as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

use concept_refinement_domain::image::Problem;
use rustix::fs::OFlags;
use thiserror::Error;

/// Why a file cannot be read. The sentences are for who called.
#[derive(Debug, Error)]
pub enum Unreadable {
    /// The system refuses it.
    #[error("{0}")]
    System(#[from] io::Error),
    /// It is a folder, a pipe, a device, …
    #[error("it is not a file")]
    NotAFile,
    /// It is no image that is accepted.
    #[error("{0}")]
    Image(#[from] Problem),
}

/// Reads a file of at most so many bytes: a larger one is refused before it is read. Waits
/// for no pipe, but may wait for a disk.
///
/// # Errors
///
/// It is larger, no regular file, or cannot be read.
pub fn read(path: &Path, max_bytes: u64) -> Result<Vec<u8>, Unreadable> {
    let flags = i32::try_from(OFlags::NONBLOCK.bits()).unwrap_or_default();
    let file = File::options().read(true).custom_flags(flags).open(path)?;
    let found = file.metadata()?;
    if !found.is_file() {
        return Err(Unreadable::NotAFile);
    }
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
