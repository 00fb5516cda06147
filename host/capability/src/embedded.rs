//! Stores in files of the data directory, as backups see them.

use std::fs::File;
use std::io;
use std::path::Path;
use std::sync::Arc;

use super::moving::ImagesAtRest;

/// A store in files. Everything here blocks the thread.
pub trait Embedded: Send + Sync {
    /// From now on the store keeps everything that it would delete, until the release.
    fn hold(&self) {}

    /// How much room [`Embedded::copy_to`] takes for temporary files at most, in bytes.
    ///
    /// # Errors
    ///
    /// The files cannot be looked at.
    fn scratch_bytes(&self) -> io::Result<u64>;

    /// Adds the files of the store, so that it can be opened from the copy. They contain
    /// everything as of some moment after the hold, and perhaps later changes. Returns
    /// counts of the contents, as `12 tasks`.
    ///
    /// # Errors
    ///
    /// The copy is not whole, and must not be used.
    fn copy_to(&self, archive: &mut dyn Archive) -> io::Result<Vec<(&'static str, u64)>>;

    /// Ends what [`Embedded::hold`] began.
    fn release(&self) {}
}

/// What stores are copied to.
pub trait Archive {
    /// Adds a file by its path from the top of a data directory, as it is now.
    ///
    /// # Errors
    ///
    /// The archive is not whole, and must not be used.
    fn add(&mut self, path: &Path, file: File) -> io::Result<()>;

    /// A directory for temporary files that are to be added. Whoever creates one removes
    /// it.
    fn scratch(&self) -> &Path;
}

/// A store that no process uses, and that none can open until this is dropped.
pub struct AtRest {
    /// What can be copied.
    pub store: Arc<dyn Embedded>,
    /// Its images, one by one. None: it is a task store.
    pub images: Option<Arc<dyn ImagesAtRest>>,
}
