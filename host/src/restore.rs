//! Creates a data directory from a backup: completely, or not at all.
//!
//! Everything is unpacked beside the directory, compared with the backup's list, and
//! opened as `serve` would open it, before it gets the directory's name. So a service
//! never starts on half a backup, or on one that it cannot use.

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};
use concept_refinement_capability::directory::OpenError;
use concept_refinement_capability::embedded::{Archive, NamedImages};
use concept_refinement_capability::folder::Folder;

use crate::backup::{Draft, LIST, copy, summary, unpack};
use crate::config::Config;
use crate::wiring::capabilities::{self, ConfiguredStores};
use crate::wiring::engines::{self, no_reservations};
use crate::wiring::secret::Secret;

/// The location of a backup.
pub enum Source<R> {
    /// In a directory.
    Directory(PathBuf),
    /// In an archive.
    Archive(R),
}

/// The result of restoring.
pub struct Restored {
    /// A summary of its contents.
    pub counts: String,
    /// Which images are missing, as a sentence.
    pub missing: Option<String>,
    /// Bytes of the backup's files.
    pub bytes: u64,
}

/// Creates the data directory of a configuration, which must be empty or missing.
/// Blocks the thread.
///
/// # Errors
///
/// The directory is not empty; the backup is incomplete, damaged, or not a backup; or
/// this version cannot use it. The directory is unchanged.
pub fn restore<R: Read>(config: &Config, from: Source<R>) -> anyhow::Result<Restored> {
    let stores = ConfiguredStores::of(config);
    if stores.tasks()?.has_server() && stores.images()?.has_server() {
        let all = capabilities::not_in_backups(config)?.join("; ");
        bail!("{all}");
    }
    let to = target(&config.data_dir)?;
    let (draft, bytes) = match from {
        Source::Directory(from) => {
            let from = directory(&from)?;
            let draft = Draft::create(&to, Some(&from))?;
            let bytes = copy(&from, draft.contents())?;
            (draft, bytes)
        }
        Source::Archive(from) => {
            let draft = Draft::create(&to, None)?;
            let bytes = unpack(from, draft.contents())?;
            // The list does not describe a directory that is in use.
            draft.contents().remove(LIST)?;
            (draft, bytes)
        }
    };
    let contents = draft.contents();
    let draft_config = Config {
        data_dir: contents.path().to_owned(),
        ..config.clone()
    };
    let (counts, missing) = tokio::runtime::Runtime::new()?
        .block_on(examined(&draft_config, draft.scratch()))
        .map_err(|error| without_draft(error, contents.path()))?;
    if let Some(replaced) = draft.replaced()? {
        // The empty directory may have been created for the user of a service.
        let given = draft.give(&replaced);
        given.context("what is restored cannot be given to its owner")?;
    }
    draft.finish()?;
    Ok(Restored {
        counts,
        missing,
        bytes,
    })
}

/// Follows a symbolic link: systemd makes the data directory a link if the unit's user
/// exists only while it runs.
fn target(data: &Path) -> io::Result<PathBuf> {
    match Folder::open(data) {
        Ok(found) => Ok(found.path().to_owned()),
        Err(_) => std::path::absolute(data),
    }
}

fn directory(from: &Path) -> anyhow::Result<Folder> {
    Folder::open(from).map_err(|error| {
        let shown = from.display();
        match error.kind() {
            io::ErrorKind::NotADirectory => anyhow::anyhow!(
                "{shown} is not a directory: an archive is read from standard input, as -"
            ),
            _ => anyhow::Error::from(error).context(format!("{shown} cannot be read")),
        }
    })
}

/// Opens the stores as `serve` does, and returns a summary of their contents, and which images
/// are missing.
async fn examined(config: &Config, scratch: &Path) -> anyhow::Result<(String, Option<String>)> {
    let configured = ConfiguredStores::of(config);
    // The error names the path of the draft.
    Secret::existing(&config.data_dir).map_err(|_| anyhow::anyhow!("its secret is damaged"))?;
    engines::verify(&config.data_dir)?;
    let mut stores = Vec::new();
    // Kept open until its contents are counted.
    let mut open = None;
    let tasks = configured.tasks()?;
    if !tasks.has_server() {
        if !tasks.exists()? {
            bail!("there are no tasks in it");
        }
        if tasks.is_outdated()? {
            // Closed again, it gives back the room that its upgrade took.
            let upgraded = configured.tasks()?.open(configured.task_options());
            drop(upgraded.await?);
        }
        let tasks = open.insert(tasks.open(configured.task_options()).await?);
        (tasks.check_damage)()?;
        stores.extend(tasks.embedded.clone());
    }
    let images = configured.images()?;
    let images_are_elsewhere = images.has_server();
    if !images_are_elsewhere && images.exists()? {
        // Nothing is signed, so any secret will do.
        let secret = Secret::open(scratch, || [0; 32])?;
        let reservations = no_reservations(&configured.clock)?;
        let options = configured.image_options(&secret, reservations);
        stores.extend(images.open(options).await?.embedded);
    }
    let (mut counts, mut named) = (Vec::new(), NamedImages::default());
    for store in stores {
        counts.extend(store.copy_to(&mut Nowhere(scratch), &mut named)?);
    }
    let missing = (!images_are_elsewhere).then(|| named.missing()).flatten();
    Ok((summary(&counts), missing))
}

/// For a store that is only read once, from start to end.
struct Nowhere<'a>(&'a Path);

impl Archive for Nowhere<'_> {
    fn add(&mut self, _: &Path, _: File) -> io::Result<()> {
        Ok(())
    }

    fn scratch(&self) -> &Path {
        self.0
    }
}

/// The error of a store that was found damaged only while it was copied.
fn open_error(error: anyhow::Error) -> anyhow::Result<OpenError> {
    let error = error.downcast::<io::Error>()?;
    Ok(error.downcast::<OpenError>()?)
}

fn is_full(error: &anyhow::Error) -> bool {
    let error = error.downcast_ref::<io::Error>();
    error.is_some_and(|error| error.kind() == io::ErrorKind::StorageFull)
}

/// Names files by their path in the backup, because the draft is removed.
fn without_draft(error: anyhow::Error, contents: &Path) -> anyhow::Error {
    let error = match error.downcast::<OpenError>().or_else(open_error) {
        Ok(error) => error,
        Err(other) if is_full(&other) => {
            return other.context("it cannot be restored to this disk");
        }
        Err(other) => return other.context("the backup cannot be used"),
    };
    let inside = |path: PathBuf| match path.strip_prefix(contents) {
        Ok(inside) => inside.to_owned(),
        Err(_) => path,
    };
    match error.with_path(inside) {
        OpenError::Damaged(path) => anyhow::anyhow!("{} is damaged", path.display()),
        other => other.into(),
    }
}
