//! The file store as an engine for the configuration.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use concept_refinement_capability::OpenError;
use concept_refinement_capability::directory::existing;
use concept_refinement_capability::embedded::AtRest;
use concept_refinement_capability::engine::{
    Engine, EngineConfig, Files, ImageEngine, OpenImages, on_a_thread,
};
use concept_refinement_capability::images::Options;
use concept_refinement_domain::image_path;

use super::FileImages;
use super::backup::{Folders, KINDS, is_image};
use super::small;
use super::store::lost;
use crate::sqlite;

/// The folder within the data directory.
pub(super) const FOLDER: &str = "images";

/// `file`: a folder of the data directory.
pub const ENGINE: ImageEngine = Engine {
    name: "file",
    check: |_| Ok(()),
    open: |config, Options { signing, .. }| {
        on_a_thread(config, move |config| {
            let images = FileImages::open(&folder(&config), signing, config.room, config.clock)?;
            Ok(OpenImages {
                store: Arc::new(images.clone()),
                restore: Some(Arc::new(images.clone())),
                embedded: Some(Arc::new(images)),
            })
        })
    },
    files: Some(Files {
        exists: |config| exists(&folder(config)),
        lost: |config| lost(&folder(config)),
        is_outdated: |_| Ok(false),
        at_rest: |config| {
            on_a_thread(config, move |config| {
                let folders = Arc::new(Folders::at_rest(&config.directory)?);
                Ok(AtRest {
                    store: Arc::clone(&folders) as _,
                    images: Some(folders),
                })
            })
        },
    }),
    inspect: None,
};

/// An empty folder is none: a disk may not be mounted there. A link, and what else is no folder,
/// is judged by who opens it.
fn exists(folder: &Path) -> io::Result<bool> {
    if existing(fs::symlink_metadata(folder))?.is_some_and(|found| !found.is_dir()) {
        return Ok(true);
    }
    for kind in KINDS.map(image_path::folder) {
        if folder.join(kind).try_exists()? {
            return Ok(true);
        }
    }
    sqlite::exists(&folder.join(small::FILE))
}

/// Whether a backup may have a file with this path, relative to a data directory.
pub fn is_file(path: &Path) -> bool {
    let path = path.strip_prefix(FOLDER);
    path.is_ok_and(|path| path == Path::new(small::FILE) || is_image(path))
}

/// Whether the database of a data directory has the tables of this version and nothing
/// else, or does not exist.
///
/// # Errors
///
/// It has other tables, or it cannot be read.
pub fn verify(directory: &Path) -> Result<(), OpenError> {
    small::verify(&directory.join(FOLDER).join(small::FILE))
}

fn folder(config: &EngineConfig) -> PathBuf {
    config.directory.join(FOLDER)
}
