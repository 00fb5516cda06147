//! An image that is being written. It is removed unless it is renamed into its
//! place.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use bytes::Bytes;
use concept_refinement_capability::directory;
use sha2::{Digest, Sha256};

use super::envelope::Description;
use crate::images::envelope;

pub(super) struct Draft {
    place: Place,
    file: File,
    hash: Sha256,
    size: u64,
}

/// A draft that is complete and synced, but not renamed yet.
pub(super) struct Finished {
    place: Place,
    size: u64,
}

/// Removes the file when dropped, unless it was renamed: then it is None.
struct Place(Option<PathBuf>);

impl Draft {
    pub(super) fn create(place: PathBuf) -> io::Result<Self> {
        Ok(Self {
            file: directory::private_file().create_new(true).open(&place)?,
            place: Place(Some(place)),
            hash: Sha256::new(),
            size: 0,
        })
    }

    pub(super) fn append(mut self, chunks: &[Bytes]) -> io::Result<Self> {
        for chunk in chunks {
            self.file.write_all(chunk)?;
            self.hash.update(chunk);
            self.size += chunk.len() as u64;
        }
        Ok(self)
    }

    pub(super) fn finish(mut self, description: Description) -> io::Result<Finished> {
        let hash = self.hash.finalize();
        envelope::write(&mut self.file, description, self.size, &hash)?;
        self.file.sync_all()?;
        Ok(Finished {
            place: self.place,
            size: self.size,
        })
    }
}

impl Finished {
    /// Of the image, in bytes.
    pub(super) fn size(&self) -> u64 {
        self.size
    }

    /// The caller has to sync the folder.
    pub(super) fn rename(mut self, to: &Path) -> io::Result<()> {
        if let Some(place) = &self.place.0 {
            fs::rename(place, to)?;
        }
        self.place.0 = None;
        Ok(())
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        match self.0.as_ref().map(fs::remove_file) {
            Some(Err(error)) if error.kind() != io::ErrorKind::NotFound => {
                tracing::warn!(%error, "a draft of an image could not be removed");
            }
            _ => {}
        }
    }
}
