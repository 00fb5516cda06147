//! Disk space kept in reserve for deletions: SQLite has to write before it can free
//! space.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use concept_refinement_capability::directory::private_file;

/// In the directory of the images.
const FILE: &str = "small.reserve";

/// Enough for some deletions of images and of their concepts, in bytes.
const LENGTH: usize = 256 * 1024;

pub(super) struct Reserve {
    file: PathBuf,
    is_there: bool,
}

impl Reserve {
    pub fn of(root: &Path) -> Self {
        Self {
            file: root.join(FILE),
            is_there: false,
        }
    }

    /// Frees the space for other writes.
    pub fn spend(&mut self) {
        self.is_there = false;
        if let Err(error) = fs::remove_file(&self.file) {
            tracing::debug!(%error, "there was no room in reserve");
        }
    }

    /// Takes the space again, if there is enough.
    pub fn restore(&mut self) {
        if !self.is_there {
            self.is_there = self.write().is_ok();
        }
    }

    fn write(&self) -> io::Result<()> {
        use std::io::Write as _;
        if fs::metadata(&self.file).is_ok_and(|file| file.len() == LENGTH as u64) {
            return Ok(());
        }
        let written = private_file()
            .create(true)
            .truncate(true)
            .open(&self.file)
            .and_then(|mut file| file.write_all(&vec![0; LENGTH]));
        if written.is_err() {
            // A part of the reserve would be of no use.
            let _ = fs::remove_file(&self.file);
        }
        written
    }
}
