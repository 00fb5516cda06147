//! Stores in files of the data directory, as backups see them.

mod named_images;

use std::fs::File;
use std::io;
use std::path::Path;
use std::sync::Arc;

use super::moving::ImagesAtRest;
pub use named_images::NamedImages;

/// A store in files. Everything here blocks the thread.
pub trait Embedded: Send + Sync {
    /// From now on the store keeps everything that it would delete, until the release.
    fn hold(&self) {}

    /// Most space that [`Embedded::copy_to`] takes for temporary files, in bytes.
    ///
    /// # Errors
    ///
    /// The files cannot be inspected.
    fn scratch_bytes(&self) -> io::Result<u64>;

    /// Adds the files of the store, so that it can be opened from the copy. They contain
    /// everything as of some moment after the hold, and perhaps later changes. Returns
    /// counts of the contents, as `12 tasks`. A task store notes in `named` the images that its
    /// concepts name, and a store of images those that it has, if they are not damaged.
    ///
    /// # Errors
    ///
    /// The copy is incomplete, and must not be used.
    fn copy_to(
        &self,
        archive: &mut dyn Archive,
        named: &mut NamedImages,
    ) -> io::Result<Vec<(&'static str, u64)>>;

    /// Ends what [`Embedded::hold`] began.
    fn release(&self) {}
}

/// The target to which stores are copied.
pub trait Archive {
    /// Adds a file in its current state. The path is relative to the data directory.
    ///
    /// # Errors
    ///
    /// The archive is incomplete, and must not be used.
    fn add(&mut self, path: &Path, file: File) -> io::Result<()>;

    /// A directory for temporary files that are to be added. The creator of a file
    /// removes it.
    fn scratch(&self) -> &Path;
}

/// A store that no process uses, and that none can open until this is dropped.
pub struct AtRest {
    /// The store, for copying.
    pub store: Arc<dyn Embedded>,
    /// Its images, one by one. None: it is a task store.
    pub images: Option<Arc<dyn ImagesAtRest>>,
}
