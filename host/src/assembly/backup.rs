//! Backups: a copy of the data directory that is a data directory itself.
//!
//! It is made beside its place, under a name that says that it is not whole, and
//! renamed when everything is on the disk.

use std::fs::{self, DirBuilder, File};
use std::io;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context as _, bail};
use concept_refinement_capability::directory;
use concept_refinement_capability::embedded::Embedded;

use crate::assembly::secret;

/// In a backup that is not whole. Nothing else is ever replaced.
const UNFINISHED: &str = "UNFINISHED";

/// What a process has to copy.
pub struct Backup {
    data: PathBuf,
    /// The tasks before the images that they name.
    stores: Vec<Arc<dyn Embedded>>,
}

impl Backup {
    /// Of a data directory with these stores.
    pub fn new(data: &Path, stores: Vec<Arc<dyn Embedded>>) -> Self {
        Self {
            data: data.to_owned(),
            stores,
        }
    }

    /// Makes a backup, durably; one at a time. Blocks the thread.
    ///
    /// # Errors
    ///
    /// The directory is there already and not empty, or it cannot be written;
    /// nothing is left.
    pub fn write(&self, to: &Path) -> anyhow::Result<()> {
        let draft = Draft::create(to)?;
        self.copy(&draft.place)?;
        draft.finish(to)
    }

    fn copy(&self, to: &Path) -> anyhow::Result<()> {
        let _held = Held::new(&self.stores);
        for store in &self.stores {
            store.copy_to(to)?;
        }
        match fs::copy(self.data.join(secret::FILE), to.join(secret::FILE)) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            copied => copied.map(drop).context("copying the secret"),
        }
    }
}

/// Stores are released when this is dropped.
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

/// A backup that is not whole. It is removed unless it is finished.
struct Draft {
    place: PathBuf,
}

impl Draft {
    fn create(to: &Path) -> anyhow::Result<Self> {
        let shown = to.display();
        if !is_free(to) {
            bail!("{shown} exists and is no empty directory: nothing is replaced");
        }
        let mut place = to.as_os_str().to_owned();
        place.push(".partial");
        let place = PathBuf::from(place);
        if place.join(UNFINISHED).exists() {
            fs::remove_dir_all(&place)
                .with_context(|| format!("removing {}, which is not whole", place.display()))?;
        }
        DirBuilder::new()
            .mode(0o700)
            .create(&place)
            .with_context(|| format!("{} cannot be created", place.display()))?;
        let draft = Self { place };
        File::create(draft.place.join(UNFINISHED))?;
        Ok(draft)
    }

    fn finish(mut self, to: &Path) -> anyhow::Result<()> {
        sync(&self.place)?;
        fs::remove_file(self.place.join(UNFINISHED))?;
        directory::sync(&self.place)?;
        fs::rename(&self.place, to)?;
        self.place = PathBuf::new();
        Ok(directory::sync(to.parent().unwrap_or(Path::new("/")))?)
    }
}

/// Whether a directory can be renamed to this without replacing anything.
fn is_free(to: &Path) -> bool {
    let is_empty = |to| fs::read_dir(to).is_ok_and(|mut entries| entries.next().is_none());
    match to.symlink_metadata() {
        Ok(found) => found.is_dir() && is_empty(to),
        Err(error) => error.kind() == io::ErrorKind::NotFound,
    }
}

impl Drop for Draft {
    fn drop(&mut self) {
        if self.place != Path::new("") {
            // The error that matters is reported.
            let _ = fs::remove_dir_all(&self.place);
        }
    }
}

/// Everything that was written is on the disk.
fn sync(directory: &Path) -> io::Result<()> {
    #[cfg(target_os = "linux")]
    rustix::fs::syncfs(File::open(directory)?)?;
    #[cfg(not(target_os = "linux"))]
    for entry in fs::read_dir(directory)? {
        let path = entry?.path();
        match path.is_dir() {
            true => sync(&path)?,
            false => File::open(path)?.sync_all()?,
        }
    }
    directory::sync(directory)
}
