//! The folder in the target that exists during a move: it has a copy of the source's tasks, so
//! that opening them does not change the source, and keeps services away.

use std::ffi::OsStr;
use std::fs::{self, File};
use std::io::{self, Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::Context as _;
use concept_refinement_capability::directory::{self, OpenError};
use concept_refinement_capability::embedded::{Archive, AtRest, NamedImages};
use concept_refinement_capability::engine::OpenTasks;
use concept_refinement_capability::folder::{Entry, Folder, Place, Trust};

use super::HalfMoved;
use crate::config::Config;
use crate::wiring::HostError;
use crate::wiring::capabilities::ConfiguredStores;

/// Folder in the target's data directory that exists during a move.
const COPY: &str = "moving";

/// The file in it that names the source. Services do not start beside it: a secret of their
/// own would end the move before its records could say that it has begun. Version 0.1 made the
/// folder without it, and services ran beside what was left of it.
const SOURCE: &str = "source";

/// The same while it is written.
const DRAFT: &str = "source.new";

/// Longest name of a source that is read, in bytes.
const LONGEST: u64 = 4096;

/// Refuses a data directory where a move has begun, before the stores have anything of it.
///
/// # Errors
///
/// A move has begun and not ended.
pub fn refuse_begun(data: &Path) -> Result<(), HalfMoved> {
    let copy = data.join(COPY);
    let has_begun = match fs::symlink_metadata(copy.join(SOURCE)) {
        // Only who made the move may look into its folder.
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied => {
            fs::symlink_metadata(copy).is_ok()
        }
        // Whatever else cannot be looked at is told by what opens it.
        found => found.is_ok(),
    };
    match has_begun {
        true => Err(HalfMoved::Begun(noted_source(data))),
        false => Ok(()),
    }
}

/// A copy of the source's tasks, so that opening them does not change the source.
pub(super) struct Copied {
    target: Folder,
    folder: Folder,
    is_removed: bool,
}

impl Copied {
    /// `source`: where they are, for who is refused meanwhile. `named` gets the images of
    /// concepts.
    pub(super) fn of(
        source: &Path,
        at_rest: &[AtRest],
        target: &Path,
        named: &mut NamedImages,
    ) -> anyhow::Result<Self> {
        let (above, name) = Place::of(&target.join(COPY), Trust::Own)?.create(0o700)?;
        let folder = emptied(&above, &name).context("making the folder of the move")?;
        let copied = Self {
            target: above,
            folder,
            is_removed: false,
        };
        let source = source.to_string_lossy();
        if noted_source(target) != source {
            note(&copied.folder, &source).context("noting the source")?;
        }
        let tasks = at_rest.iter().find(|store| store.images.is_none());
        let tasks = tasks.context("the source has no tasks")?;
        tasks
            .store
            .copy_to(&mut Files(copied.path()), named)
            .context("copying the tasks")?;
        Ok(copied)
    }

    pub(super) fn path(&self) -> &Path {
        self.folder.path()
    }

    /// Removes it, durably.
    pub(super) fn remove(mut self) -> anyhow::Result<()> {
        self.is_removed = true;
        self.delete()
    }

    fn delete(&self) -> anyhow::Result<()> {
        let removed = directory::existing(fs::remove_dir_all(self.path()));
        removed
            .and_then(|_| self.target.sync())
            .with_context(|| format!("{} cannot be removed", self.path().display()))
    }

    pub(super) async fn open(&self, source: &Config) -> anyhow::Result<OpenTasks> {
        let copy = Config {
            data_dir: self.path().to_owned(),
            ..source.clone()
        };
        let mut stores = ConfiguredStores::of(&copy);
        // Nothing new is stored in a copy, so it needs no room.
        stores.room = Arc::default();
        // The copy is removed, whatever is wrong with it.
        let of_source = |path: PathBuf| match path.strip_prefix(self.path()) {
            Ok(file) => source.data_dir.join(file),
            Err(_) => path,
        };
        match stores.open_tasks().await {
            // The copy's disk may be full, or fail.
            Err(HostError::Store(error @ OpenError::Unusable { .. })) => Err(error.into()),
            Err(HostError::Store(error)) => Err(error.with_path(of_source).into()),
            opened => Ok(opened?),
        }
    }
}

impl Drop for Copied {
    fn drop(&mut self) {
        if self.is_removed {
            return;
        }
        // The next move removes what is left.
        if let Err(error) = self.delete() {
            tracing::warn!("{error:#}");
        }
    }
}

/// The folder of the move without what an earlier one left there, except for the source that it
/// noted: as soon as none is noted, services start.
fn emptied(target: &Folder, name: &OsStr) -> io::Result<Folder> {
    let left = target.look(name)?;
    if !left.is_some_and(Entry::is_private_folder) {
        if left.is_some() {
            target.remove_all(name)?;
        }
        return target.create_folder(name, 0o700);
    }
    let folder = target.folder(name)?;
    for name in folder.names()? {
        if name != SOURCE {
            folder.remove_all(name)?;
        }
    }
    Ok(folder)
}

/// Notes a source, whole, in place of any other.
fn note(folder: &Folder, source: &str) -> io::Result<()> {
    let mut draft = folder.create_file(DRAFT, 0o600)?;
    draft.write_all(source.as_bytes())?;
    folder.rename(DRAFT, folder, OsStr::new(SOURCE))
}

/// Copies a store's files to a directory.
struct Files<'a>(&'a Path);

impl Archive for Files<'_> {
    fn add(&mut self, path: &Path, mut file: File) -> io::Result<()> {
        let mut options = directory::private_file();
        let mut copy = options.create_new(true).open(self.0.join(path))?;
        io::copy(&mut file, &mut copy).map(drop)
    }

    fn scratch(&self) -> &Path {
        self.0
    }
}

/// The source of a move to this data directory. Only who made the move may read it.
fn noted_source(data: &Path) -> String {
    let mut source = String::new();
    let file = Folder::open(data).and_then(|data| data.file(Path::new(COPY).join(SOURCE)));
    match file.and_then(|file| file.take(LONGEST).read_to_string(&mut source)) {
        Ok(1..) => source,
        Ok(0) | Err(_) => "…".to_owned(),
    }
}
