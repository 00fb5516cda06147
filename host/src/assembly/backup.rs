//! Backups: a snapshot of a data directory.
//!
//! A backup is a tar archive, which the process that owns the directory streams to
//! whoever requested it. So the two need no place that both can write to, and the
//! requester owns the result. [`restoring`](super::restoring) goes the other way.

mod archive;
mod draft;
mod stream;
mod sums;
mod unpack;

use std::fs::{self, DirBuilder, File};
use std::io::{self, Write};
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::Context as _;
use concept_refinement_capability::embedded::{Archive as _, Embedded};

use crate::assembly::secret;
use archive::Tar;
pub use draft::Draft;
use stream::Sender;
pub use stream::{Receiver, refuse};
pub use sums::FILE as LIST;
pub use unpack::{copy, unpack};

/// Folder in the data directory of a service for copies of databases while they are sent.
const SCRATCH: &str = "backup.scratch";

/// What a process can back up.
pub struct Backup {
    data: PathBuf,
    /// The task store comes before the images that it refers to.
    stores: Vec<Arc<dyn Embedded>>,
}

impl Backup {
    /// For a data directory with these stores.
    pub fn new(data: &Path, stores: Vec<Arc<dyn Embedded>>) -> Self {
        Self {
            data: data.to_owned(),
            stores,
        }
    }

    /// Sends a backup from the process that owns the directory, and returns a summary of
    /// its contents. Blocks the thread.
    ///
    /// # Errors
    ///
    /// The backup is incomplete. The receiver is told too, if it is still there.
    pub fn send_as_service(&self, to: impl Write) -> anyhow::Result<String> {
        self.send_by(to, |sender| {
            let scratch = Scratch::create(&self.data)?;
            self.copy(&scratch.0, sender)
        })
    }

    /// The same, with the directory to use for copies of databases.
    ///
    /// # Errors
    ///
    /// The backup is incomplete.
    pub fn send(&self, to: impl Write, scratch: &Path) -> anyhow::Result<String> {
        self.send_by(to, |sender| self.copy(scratch, sender))
    }

    /// Removes what a previous process left behind.
    pub fn clear(&self) -> io::Result<()> {
        Scratch::clear(&self.data.join(SCRATCH))
    }

    fn send_by<W: Write>(
        &self,
        to: W,
        copy: impl FnOnce(&mut Sender<W>) -> anyhow::Result<Vec<(&'static str, u64)>>,
    ) -> anyhow::Result<String> {
        let mut sender = Sender::new(to);
        match copy(&mut sender) {
            Ok(counts) => {
                let counts = summary(&counts);
                sender.end(Ok(&counts))?;
                Ok(counts)
            }
            Err(error) => {
                // The connection itself may be what has failed.
                let _ = sender.end(Err(&format!("{error:#}")));
                Err(error)
            }
        }
    }

    fn copy(&self, scratch: &Path, to: impl Write) -> anyhow::Result<Vec<(&'static str, u64)>> {
        let _held = Held::new(&self.stores);
        let mut tar = Tar::new(to, scratch)?;
        let mut counts = Vec::new();
        for store in &self.stores {
            counts.extend(store.copy_to(&mut tar)?);
        }
        match File::open(self.data.join(secret::FILE)) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            opened => tar.add(Path::new(secret::FILE), opened.context("the secret")?)?,
        }
        tar.finish()?;
        Ok(counts)
    }
}

/// The counts of a backup's contents, as `12 tasks, 9 concepts`.
pub fn summary(counts: &[(&'static str, u64)]) -> String {
    let counts = counts.iter().map(|(what, count)| format!("{count} {what}"));
    counts.collect::<Vec<_>>().join(", ")
}

/// Keeps stores on hold until this is dropped.
struct Held<'a>(&'a [Arc<dyn Embedded>]);

impl<'a> Held<'a> {
    fn new(stores: &'a [Arc<dyn Embedded>]) -> Self {
        for store in stores {
            store.hold();
        }
        Self(stores)
    }
}

impl Drop for Held<'_> {
    fn drop(&mut self) {
        for store in self.0 {
            store.release();
        }
    }
}

/// A directory that is removed when this is dropped.
struct Scratch(PathBuf);

impl Scratch {
    fn create(data: &Path) -> anyhow::Result<Self> {
        let place = data.join(SCRATCH);
        let created =
            Self::clear(&place).and_then(|()| DirBuilder::new().mode(0o700).create(&place));
        created.with_context(|| format!("{} cannot be created", place.display()))?;
        Ok(Self(place))
    }

    fn clear(place: &Path) -> io::Result<()> {
        match fs::remove_dir_all(place) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        }
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        // If this fails, the next start or backup removes it.
        let _ = Self::clear(&self.0);
    }
}
