//! Where a result may be written.
//!
//! Who calls a tool may have been told to by an image or a page that it has read. So a
//! result lies below folders that the user named, links and `..` resolved, and replaces
//! nothing but an image. Nor is the file that a caller names a hidden one, in a hidden folder
//! below those, or the settings' file: programs would read it, also if it did not exist
//! before. The folder is opened and checked before anything is paid, and written to by its
//! descriptor, since its path may lead elsewhere by then.

use std::ffi::{OsStr, OsString};
use std::io;
use std::path::{Path, PathBuf};

use anyhow::{anyhow, bail};
use concept_refinement_capability::directory;
use concept_refinement_capability::folder::{Folder, Place, Trust};
use concept_refinement_domain::image::Format;

use crate::config::SETTINGS_FILE;
use crate::image_file::{self, is_image};

/// The folders below which results may lie.
#[derive(Debug)]
pub struct Allowed(Vec<PathBuf>);

/// Where a result will be. Why it cannot lie somewhere is a sentence for who called.
#[derive(Debug)]
pub struct Destination {
    folder: Folder,
    name: Name,
}

#[derive(Debug)]
enum Name {
    Exact(OsString),
    /// With `-refined` and the extension of the result's format behind it.
    Stem(OsString),
}

impl Allowed {
    /// Below the working directory, and below these folders. The root of the file system,
    /// in which desktops start their programs, has to be named.
    ///
    /// # Errors
    ///
    /// One of them is no folder, or cannot be opened.
    pub fn new(folders: impl IntoIterator<Item = PathBuf>) -> io::Result<Self> {
        let here = std::env::current_dir()?;
        let here = here.parent().is_some().then_some(here);
        let opened = |path: PathBuf| match Folder::open(&path) {
            Ok(folder) => Ok(folder.path().to_owned()),
            Err(error) => {
                let shown = path.display();
                Err(io::Error::new(error.kind(), format!("{shown}: {error}")))
            }
        };
        let all = here.into_iter().chain(folders);
        all.map(opened).collect::<io::Result<_>>().map(Self)
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    fn admits(&self, folder: &Path, name: &Name) -> anyhow::Result<()> {
        let below = |allowed: &PathBuf| folder.strip_prefix(allowed).ok();
        let below: Vec<_> = self.0.iter().filter_map(below).collect();
        if below.is_empty() {
            bail!(
                "the result must lie below {}, and {} does not",
                listed(&self.0),
                folder.display()
            );
        }
        // Folders that are allowed may be hidden ones themselves, or lie below one.
        let is_hidden_below = |below: &&Path| below.iter().any(is_hidden);
        match name {
            Name::Exact(name) if is_settings(name) || below.iter().all(is_hidden_below) => {
                bail!(
                    "{} is no place for an image: it is a hidden file, in a hidden folder, or the \
                     settings' file",
                    folder.join(name).display()
                )
            }
            Name::Exact(_) | Name::Stem(_) => Ok(()),
        }
    }
}

impl Destination {
    /// This very file, or the one that it links to.
    ///
    /// # Errors
    ///
    /// It may not be written.
    pub fn named(path: &Path, allowed: &Allowed) -> anyhow::Result<Self> {
        let place = Place::behind(path, Trust::Anybody);
        let place = place.map_err(|error| unwritable(path, &error))?.path();
        match (place.parent(), place.file_name()) {
            (Some(folder), Some(name)) => Self::new(folder, Name::Exact(name.into()), allowed),
            _ => Err(no_image(&place)),
        }
    }

    /// `STEM-refined.EXT` in this folder, with the extension of the result's format.
    ///
    /// # Errors
    ///
    /// One of these names may not be written.
    pub fn beside(folder: &Path, stem: &OsStr, allowed: &Allowed) -> anyhow::Result<Self> {
        Self::new(folder, Name::Stem(stem.to_owned()), allowed)
    }

    fn new(folder: &Path, name: Name, allowed: &Allowed) -> anyhow::Result<Self> {
        let opened = Folder::open(folder).map_err(|error| unwritable(folder, &error))?;
        allowed.admits(opened.path(), &name)?;
        directory::may_be_written(opened.path())
            .map_err(|error| unwritable(opened.path(), &error))?;
        let destination = Self {
            folder: opened,
            name,
        };
        for format in Format::ALL {
            destination.check(&destination.name.of(format))?;
        }
        Ok(destination)
    }

    /// Writes the result, and returns its path, without links.
    ///
    /// # Errors
    ///
    /// Something else than an image is there meanwhile, or the system refuses it.
    pub fn write(&self, format: Format, bytes: &[u8]) -> anyhow::Result<PathBuf> {
        let name = self.name.of(format);
        self.check(&name)?;
        let path = self.folder.path().join(&name);
        match image_file::replace(&self.folder, &name, bytes) {
            Ok(()) => Ok(path),
            Err(error) => Err(unwritable(&path, &error)),
        }
    }

    /// The name is of an image, or of nothing.
    fn check(&self, name: &OsStr) -> anyhow::Result<()> {
        let path = self.folder.path().join(name);
        let is_free = || match self.folder.look(name)? {
            None => Ok(true),
            Some(found) => Ok(found.is_file() && is_image(self.folder.file(name)?)?),
        };
        match is_free() {
            Ok(true) => Ok(()),
            Ok(false) => Err(no_image(&path)),
            Err(error) => Err(unwritable(&path, &error)),
        }
    }
}

impl Name {
    fn of(&self, format: Format) -> OsString {
        match self {
            Self::Exact(name) => name.clone(),
            Self::Stem(stem) => {
                let mut name = stem.clone();
                name.push("-refined.");
                name.push(format.extension());
                name
            }
        }
    }
}

/// Whether programs may look for settings in a file of this name.
fn is_settings(name: &OsStr) -> bool {
    is_hidden(name) || name.eq_ignore_ascii_case(SETTINGS_FILE)
}

fn is_hidden(name: &OsStr) -> bool {
    name.as_encoded_bytes().starts_with(b".")
}

fn no_image(path: &Path) -> anyhow::Error {
    let shown = path.display();
    anyhow!("{shown} is there already and is no image: only an image is replaced")
}

fn unwritable(path: &Path, error: &io::Error) -> anyhow::Error {
    let shown = path.display();
    match error.kind() {
        io::ErrorKind::NotFound => anyhow!("{shown} cannot be written: there is no such folder"),
        _ => anyhow!("{shown} cannot be written: {error}"),
    }
}

fn listed(folders: &[PathBuf]) -> String {
    match folders {
        [] => "a folder that --allow names".to_owned(),
        folders => {
            let shown = folders.iter().map(|folder| folder.display().to_string());
            shown.collect::<Vec<_>>().join(" or ")
        }
    }
}

#[cfg(test)]
mod tests;
