//! Backups: a snapshot of a data directory.
//!
//! A backup is a tar archive, which the process that owns the directory streams to
//! the requester. So the two need no place that both can write to, and the requester
//! owns the result. [`restore`](crate::restore) goes the other way.

mod archive;
mod draft;
mod stream;
mod sums;
mod unpack;

use std::fs::{self, DirBuilder, File};
use std::io::{self, Seek as _, Write};
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use anyhow::{Context as _, bail};
use concept_refinement_capability::directory::existing;
use concept_refinement_capability::embedded::{Archive as _, Embedded, NamedImages};
use concept_refinement_capability::folder::Folder;
use concept_refinement_capability::room::{Disk, Room};
use indicatif::DecimalBytes;

use crate::config::Config;
use crate::wiring::capabilities::{ConfiguredStores, not_in_backups};
use crate::wiring::{HostError, engines, secret};
use archive::Tar;
pub use archive::pass_on;
pub use draft::Draft;
use stream::Frames;
pub use stream::{ALIVE, INTERVAL, Receiver, refuse};
pub use sums::FILE as LIST;
pub use unpack::{copy, unpack};

/// Folder in the data directory of a service for copies of databases while they are sent.
const SCRATCH: &str = "backup.scratch";

/// How long deletions that are in progress may take to remove what names an image that they have
/// removed (`components/domain/src/erasure.rs`): such a concept would have no image in the backup.
const DELETIONS: Duration = Duration::from_secs(1);

/// How many there are of what.
type Counts = Vec<(&'static str, u64)>;

/// The stores that a process can back up.
pub struct Backup {
    data: Folder,
    /// The task store comes before the images that it refers to.
    stores: Vec<Arc<dyn Embedded>>,
    /// Disk space that copies of databases must leave for the service's tasks.
    room: Arc<Room>,
    /// What is not in a backup, as sentences for its requester.
    elsewhere: Vec<String>,
    /// Whether that is true of images, of which none are missed then.
    images_are_elsewhere: bool,
}

impl Backup {
    /// For the data directory of this configuration, with these stores.
    pub fn new(
        config: &Config,
        data: Folder,
        stores: Vec<Arc<dyn Embedded>>,
        room: Arc<Room>,
    ) -> Result<Self, HostError> {
        Ok(Self {
            data,
            stores,
            room,
            elsewhere: not_in_backups(config)?,
            images_are_elsewhere: ConfiguredStores::of(config).images()?.has_server(),
        })
    }

    /// Sends a backup, and returns a summary of its contents. Blocks the thread. `scratch`: the
    /// directory for copies of databases. None: one in the data directory, which is for the
    /// process that owns that.
    ///
    /// # Errors
    ///
    /// The backup is incomplete. The receiver gets the error too, if it is still
    /// connected.
    pub fn send(&self, to: impl Write + Send, scratch: Option<&Path>) -> anyhow::Result<String> {
        let frames = Frames::new(to);
        let is_served = scratch.is_none();
        let copied = frames.alive_while(|| {
            let own;
            let scratch = match scratch {
                Some(scratch) => scratch,
                None => {
                    own = Scratch::create(self.data.path())?;
                    own.0.as_path()
                }
            };
            let mut writer = frames.writer();
            let copied = self.copy(scratch, is_served, &mut writer)?;
            writer.flush()?;
            anyhow::Ok(copied)
        });
        match copied {
            Ok((counts, missing)) => {
                let counts = summary(&counts);
                let mut told = vec![counts.clone()];
                told.extend_from_slice(&self.elsewhere);
                if let Some(missing) = missing {
                    tracing::warn!("{missing}");
                    told.push(missing);
                }
                frames.end(Ok(&told.join("\n")))?;
                Ok(counts)
            }
            Err(error) => {
                // The connection itself may be what has failed.
                let _ = frames.end(Err(&format!("{error:#}")));
                Err(error)
            }
        }
    }

    /// Removes what a previous process left behind.
    pub fn clear(&self) -> io::Result<()> {
        Scratch::clear(&self.data.path().join(SCRATCH))
    }

    /// Returns counts of the contents, and which images are missing, as a sentence.
    /// `is_served`: the stores are in use meanwhile.
    fn copy(
        &self,
        scratch: &Path,
        is_served: bool,
        to: impl Write,
    ) -> anyhow::Result<(Counts, Option<String>)> {
        if self.stores.is_empty() {
            bail!("{}", self.elsewhere.join("; "));
        }
        let secret = self.secret()?;
        self.refuse_without_room(scratch)?;
        let _held = Held::new(&self.stores);
        if is_served {
            thread::sleep(DELETIONS);
        }
        let mut tar = Tar::new(to, scratch)?;
        let (mut counts, mut named) = (Counts::new(), NamedImages::default());
        for store in &self.stores {
            counts.extend(store.copy_to(&mut tar, &mut named)?);
        }
        if let Some(secret) = secret {
            tar.add(Path::new(secret::FILE), secret)?;
        }
        tar.finish()?;
        let missing = (!self.images_are_elsewhere).then(|| named.missing());
        Ok((counts, missing.flatten()))
    }

    /// None: there is none. A damaged one is refused, since nothing could be restored from a
    /// backup with it.
    fn secret(&self) -> anyhow::Result<Option<File>> {
        let found = existing(self.data.file(secret::FILE)).context("the secret")?;
        let Some(mut file) = found else {
            return Ok(None);
        };
        if secret::read(&file).is_err() {
            bail!("the secret is damaged: put back the one of an earlier backup");
        }
        file.rewind().context("the secret")?;
        Ok(Some(file))
    }

    /// One database after the other is copied to `scratch`.
    fn refuse_without_room(&self, scratch: &Path) -> anyhow::Result<()> {
        let bytes = self.stores.iter().map(|store| store.scratch_bytes());
        let bytes = bytes.collect::<io::Result<Vec<_>>>()?;
        let bytes = bytes.into_iter().max().unwrap_or_default();
        let disk = Disk::of(scratch);
        if !self.room.spares(bytes) || disk.is_some_and(|disk| disk.available < bytes) {
            let bytes = DecimalBytes(bytes);
            bail!("there is no room for a copy of the databases, which takes up to {bytes}");
        }
        Ok(())
    }
}

/// How many bytes the stores of a data directory have at most, and the largest of their
/// databases.
pub fn size(data: &Folder) -> io::Result<(u64, u64)> {
    let mut size = (0, 0);
    add_size(data, Path::new(""), &mut size)?;
    Ok(size)
}

/// `path`: the folder, relative to the data directory.
fn add_size(folder: &Folder, path: &Path, size: &mut (u64, u64)) -> io::Result<()> {
    for name in folder.names()? {
        let path = path.join(&name);
        match folder.look(&name)? {
            Some(found) if found.is_folder() => {
                // It may have been removed meanwhile.
                if let Some(below) = existing(folder.folder(&name))? {
                    add_size(&below, &path, size)?;
                }
            }
            Some(found) if engines::is_store_file(&path) => {
                size.0 = size.0.saturating_add(found.bytes);
                if path.extension().is_some() {
                    size.1 = size.1.max(found.bytes);
                }
            }
            _ => {}
        }
    }
    Ok(())
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
        existing(fs::remove_dir_all(place)).map(drop)
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        // If this fails, the next start or backup removes it.
        let _ = Self::clear(&self.0);
    }
}
