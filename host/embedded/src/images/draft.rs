//! An image that is being written. It is removed unless it is renamed to its final path.

use std::fs::File;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use bytes::Bytes;
use concept_refinement_capability::directory;
use sha2::{Digest, Sha256};
use tempfile::TempPath;

use super::envelope::Description;
use crate::images::envelope;

pub(super) struct Draft {
    place: TempPath,
    file: File,
    hash: Sha256,
    size: u64,
}

/// A draft that is complete and synced, but not renamed yet.
pub(super) struct Finished {
    place: TempPath,
    /// Size of the image, in bytes.
    pub(super) size: u64,
    /// The SHA-256 of the image.
    pub(super) hash: [u8; 32],
}

impl Draft {
    pub(super) fn create(place: PathBuf) -> io::Result<Self> {
        Ok(Self {
            file: directory::private_file().create_new(true).open(&place)?,
            place: TempPath::try_from_path(place)?,
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
        let hash: [u8; 32] = self.hash.finalize().into();
        envelope::write(&mut self.file, description, self.size, &hash)?;
        self.file.sync_all()?;
        Ok(Finished {
            place: self.place,
            size: self.size,
            hash,
        })
    }
}

impl Finished {
    /// The caller has to sync the folder afterwards.
    pub(super) fn rename(self, to: &Path) -> io::Result<()> {
        Ok(self.place.persist(to)?)
    }
}
