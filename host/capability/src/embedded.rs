//! Stores in files of the data directory, as a backup copies them.

use std::fs::File;
use std::io;
use std::path::Path;
use std::sync::Arc;

use super::moving::ImagesAtRest;

/// A store in files. Everything here blocks the thread.
pub trait Embedded: Send + Sync {
    /// From now on nothing is lost of what the store removes, until the release.
    fn hold(&self) {}

    /// Adds the files of the store, with which it can be opened: all that there was
    /// at some moment after it was held, and perhaps what came later. Returns what
    /// is in them, and how many: 12 tasks.
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

    /// A directory for files that are made to be added, each removed by who made it.
    fn scratch(&self) -> &Path;
}

/// A store that no process uses, nor can open until this is dropped.
pub struct AtRest {
    /// What can be copied.
    pub store: Arc<dyn Embedded>,
    /// Its images, one by one. None: it has tasks.
    pub images: Option<Arc<dyn ImagesAtRest>>,
}
