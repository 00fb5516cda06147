//! The archive format: tar, with files only.

use std::fs::File;
use std::io::{self, Read as _, Write};
use std::path::Path;
use std::time::UNIX_EPOCH;

use concept_refinement_capability::embedded::Archive;
use tar::{EntryType, Header};

/// Everything in an archive is padded to a multiple of this block.
const BLOCK: [u8; 512] = [0; 512];

/// The end marker is written only by `finish`, so that an incomplete archive never looks
/// complete. (The builder of the `tar` library writes it even when it is dropped.)
pub struct Tar<'a, W> {
    to: W,
    scratch: &'a Path,
}

impl<'a, W: Write> Tar<'a, W> {
    pub fn new(to: W, scratch: &'a Path) -> Self {
        Self { to, scratch }
    }

    pub fn finish(mut self) -> io::Result<()> {
        self.to.write_all(&[BLOCK; 2].concat())
    }
}

impl<W: Write> Archive for Tar<'_, W> {
    fn add(&mut self, path: &Path, file: File) -> io::Result<()> {
        let metadata = file.metadata()?;
        let size = metadata.len();
        let modified = metadata.modified()?.duration_since(UNIX_EPOCH);
        let mut header = Header::new_ustar();
        header.set_entry_type(EntryType::Regular);
        header.set_path(path)?;
        header.set_mode(0o600);
        header.set_size(size);
        header.set_mtime(modified.unwrap_or_default().as_secs());
        header.set_cksum();
        self.to.write_all(header.as_bytes())?;
        if io::copy(&mut file.take(size), &mut self.to)? != size {
            return Err(io::Error::other(
                "a file became shorter while it was copied",
            ));
        }
        let padding = size.next_multiple_of(BLOCK.len() as u64) - size;
        io::copy(&mut BLOCK.take(padding), &mut self.to).map(drop)
    }

    fn scratch(&self) -> &Path {
        self.scratch
    }
}
