//! The archive format: tar, with the files of stores only, and their list at the end.

use std::fs::File;
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;

use anyhow::bail;
use concept_refinement_capability::embedded::Archive;
use tar::{EntryType, Header};

use super::sums::{self, Hash, Hashed, List};

/// Everything in an archive is padded to a multiple of this block.
const BLOCK: [u8; 512] = [0; 512];

/// The end marker is written only by `finish`, so that an incomplete archive never looks
/// complete. (The builder of the `tar` library writes it even when it is dropped.)
pub struct Tar<'a, W> {
    to: W,
    scratch: &'a Path,
    list: List,
}

impl<'a, W: Write> Tar<'a, W> {
    pub fn new(to: W, scratch: &'a Path) -> io::Result<Self> {
        let list = List::new(scratch)?;
        Ok(Self { to, scratch, list })
    }

    pub fn finish(mut self) -> io::Result<()> {
        write(&mut self.to, Path::new(sums::FILE), self.list.finish()?)?;
        self.to.write_all(&[BLOCK; 2].concat())
    }
}

impl<W: Write> Archive for Tar<'_, W> {
    fn add(&mut self, path: &Path, file: File) -> io::Result<()> {
        let hash = write(&mut self.to, path, file)?;
        self.list.add(&hash, path)
    }

    fn scratch(&self) -> &Path {
        self.scratch
    }
}

fn write(to: &mut impl Write, path: &Path, file: File) -> io::Result<Hash> {
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
    to.write_all(header.as_bytes())?;
    let mut contents = Hashed::new(file.take(size));
    if io::copy(&mut contents, to)? != size {
        return Err(io::Error::other(
            "a file became shorter while it was copied",
        ));
    }
    io::copy(&mut BLOCK.take(padding(size)), to)?;
    Ok(contents.hash())
}

/// Passes an archive on to standard output as it is, to its end. Returns the number of bytes of
/// its files, without those of their list.
///
/// # Errors
///
/// It cannot be read or written, or is cut off.
pub fn pass_on(from: impl Read, to: impl Write) -> anyhow::Result<u64> {
    let mut entries = Entries::new(Tee { from, to });
    let mut bytes = 0;
    while let Some((path, size)) = entries.next()? {
        io::copy(&mut entries.contents().take(size), &mut io::sink())?;
        if path != Path::new(sums::FILE) {
            bytes += size;
        }
    }
    entries.from.to.flush().map_err(of_stdout)?;
    Ok(bytes)
}

/// Writes what is read from a source.
struct Tee<R, W> {
    from: R,
    to: W,
}

impl<R: Read, W: Write> Read for Tee<R, W> {
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        let read = self.from.read(bytes)?;
        let passed = self.to.write_all(bytes.get(..read).unwrap_or_default());
        passed.map_err(of_stdout)?;
        Ok(read)
    }
}

/// Tells an error of writing from those of reading.
fn of_stdout(error: io::Error) -> io::Error {
    io::Error::new(error.kind(), format!("standard output: {error}"))
}

/// The files of an archive, in its order. It checks everything, because an archive may
/// come from anywhere. The `tar` library's own reader would take the end of the input
/// for the end of the archive.
pub struct Entries<R> {
    from: R,
    /// Bytes after the contents of the current file.
    padding: u64,
}

impl<R: Read> Entries<R> {
    pub fn new(from: R) -> Self {
        Self { from, padding: 0 }
    }

    /// Path and size of the next file, whose contents are to be read from
    /// [`Entries::contents`] next. None: the archive has ended properly.
    ///
    /// # Errors
    ///
    /// The archive was cut off, or contains something else.
    pub fn next(&mut self) -> anyhow::Result<Option<(PathBuf, u64)>> {
        io::copy(&mut (&mut self.from).take(self.padding), &mut io::sink())?;
        let block = self.block()?;
        if block == BLOCK {
            return self.end().map(|()| None);
        }
        let header = Header::from_byte_slice(&block);
        let mut expected = header.clone();
        expected.set_cksum();
        if header.cksum().ok() != Some(expected.cksum()?) {
            bail!("this is no tar archive, or a compressed or damaged one");
        }
        let path = header.path()?.into_owned();
        if header.entry_type() != EntryType::Regular {
            bail!("{} is not a file of a backup", path.display());
        }
        let size = header.entry_size()?;
        self.padding = padding(size);
        Ok(Some((path, size)))
    }

    /// Reads the contents of the current file, and beyond.
    pub fn contents(&mut self) -> &mut impl Read {
        &mut self.from
    }

    /// After the first block of the end.
    fn end(&mut self) -> anyhow::Result<()> {
        if self.block()? != BLOCK {
            bail!("the archive is damaged");
        }
        let mut rest = [0; 8 * BLOCK.len()];
        loop {
            let read = self.from.read(&mut rest)?;
            // Other programs fill their last record.
            if rest.iter().take(read).any(|byte| *byte != 0) {
                bail!("there is something after the end of the archive");
            }
            if read == 0 {
                return Ok(());
            }
        }
    }

    fn block(&mut self) -> anyhow::Result<[u8; BLOCK.len()]> {
        let mut block = BLOCK;
        match self.from.read_exact(&mut block) {
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => {
                bail!("the archive is cut off")
            }
            read => read?,
        }
        Ok(block)
    }
}

fn padding(size: u64) -> u64 {
    let block = BLOCK.len() as u64;
    (block - size % block) % block
}

#[cfg(test)]
mod tests {
    use std::io::BufWriter;

    use super::*;

    #[test]
    fn what_cannot_be_passed_on_is_told_from_what_cannot_be_read() {
        let whole = [BLOCK; 2].concat();
        let (mut small, mut late) = ([0_u8; 100], [0_u8; 100]);
        let late = BufWriter::new(&mut late[..]);
        for (passed, expected) in [
            (pass_on(&whole[..700], io::sink()), "the archive is cut off"),
            (pass_on(&whole[..], &mut small[..]), "standard output: "),
            (pass_on(&whole[..], late), "standard output: "),
        ] {
            let why = format!("{:#}", passed.unwrap_err());
            assert!(why.starts_with(expected), "{why}");
        }
        assert_eq!(pass_on(&whole[..], io::sink()).unwrap(), 0);
    }
}
