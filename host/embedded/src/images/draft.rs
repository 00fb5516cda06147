//! An image that is being written. It is removed unless it is renamed to its final path.

use std::io::{self, Write};
use std::path::Path;

use bytes::Bytes;
use sha2::{Digest, Sha256};
use tempfile::{NamedTempFile, TempPath};

use super::envelope::Description;
use crate::images::envelope;

pub(super) struct Draft {
    file: NamedTempFile,
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
    /// Only this user can read it.
    pub(super) fn create(drafts: &Path) -> io::Result<Self> {
        Ok(Self {
            file: NamedTempFile::new_in(drafts)?,
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
        let file = self.file.as_file_mut();
        envelope::write(file, description, self.size, &hash)?;
        file.sync_all()?;
        Ok(Finished {
            place: self.file.into_temp_path(),
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
