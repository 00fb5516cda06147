//! Stores in files of the data directory, as a backup copies them.

use std::io;
use std::path::Path;
use std::sync::Arc;

use super::moving::ImagesAtRest;

/// A store in files. Everything here blocks the thread.
pub trait Embedded: Send + Sync {
    /// From now on nothing is lost of what the store removes, until the release.
    fn hold(&self) {}

    /// Copies the store below a directory, where it can be opened: all that
    /// there was at some moment after it was held, and perhaps what came later.
    ///
    /// # Errors
    ///
    /// The copy is not whole, and must not be used.
    fn copy_to(&self, directory: &Path) -> io::Result<()>;

    /// Ends what [`Embedded::hold`] began.
    fn release(&self) {}
}

/// A store that no process uses, nor can open until this is dropped.
pub struct AtRest {
    /// What can be copied.
    pub store: Arc<dyn Embedded>,
    /// Its images, one by one. None: it has tasks.
    pub images: Option<Arc<dyn ImagesAtRest>>,
}
