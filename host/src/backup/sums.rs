//! The list of a backup's files, with a hash of each: damaged or missing files are found
//! before a service starts on them. `sha256sum --check` reads it too.

use std::fs::File;
use std::io::{self, BufRead, BufWriter, Read, Seek as _, Write as _};
use std::path::{Path, PathBuf};

use concept_refinement_domain::hex::hex;
use sha2::{Digest as _, Sha256};

/// The last file of a backup.
pub const FILE: &str = "SHA256SUMS";

/// Longest line that is read, in bytes: a hash and a path.
const LONGEST: u64 = 1024;

/// A hash in hexadecimal digits.
pub type Hash = String;

/// Hashes what is read from a source.
pub struct Hashed<R> {
    from: R,
    hash: Sha256,
}

impl<R: Read> Hashed<R> {
    pub fn new(from: R) -> Self {
        Self {
            from,
            hash: Sha256::new(),
        }
    }

    pub fn hash(self) -> Hash {
        hex(&self.hash.finalize())
    }
}

impl<R: Read> Read for Hashed<R> {
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        let read = self.from.read(bytes)?;
        self.hash.update(bytes.get(..read).unwrap_or_default());
        Ok(read)
    }
}

/// The list of an archive that is being written. It is kept in a file, because there
/// may be millions of images.
pub struct List(BufWriter<File>);

impl List {
    /// `directory`: where to create the file, which has no name.
    pub fn new(scratch: &Path) -> io::Result<Self> {
        Ok(Self(BufWriter::new(tempfile::tempfile_in(scratch)?)))
    }

    pub fn add(&mut self, hash: &str, path: &Path) -> io::Result<()> {
        self.0.write_all(line(hash, path).as_bytes())
    }

    /// The file, to be read from its start.
    pub fn finish(self) -> io::Result<File> {
        let mut file = self.0.into_inner()?;
        file.rewind()?;
        Ok(file)
    }
}

/// Checks files that are read in the order of the list.
#[derive(Default)]
pub struct Expected(Sha256);

impl Expected {
    pub fn add(&mut self, hash: &str, path: &Path) {
        self.0.update(line(hash, path));
    }

    /// The hash of the list.
    pub fn hash(self) -> Hash {
        hex(&self.0.finalize())
    }
}

/// Reads the next line. None: there is no other.
///
/// # Errors
///
/// It cannot be read, or is not a line of such a list.
pub fn next(from: &mut impl BufRead) -> io::Result<Option<(Hash, PathBuf)>> {
    let mut text = String::new();
    if from.take(LONGEST).read_line(&mut text)? == 0 {
        return Ok(None);
    }
    let parts = text.strip_suffix('\n').and_then(|it| it.split_once("  "));
    match parts {
        Some((hash, path)) => Ok(Some((hash.to_owned(), path.into()))),
        None => Err(io::ErrorKind::InvalidData.into()),
    }
}

/// The format of `sha256sum`. Paths of stores need no escaping.
fn line(hash: &str, path: &Path) -> String {
    format!("{hash}  {}\n", path.display())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_reads_as_it_was_written() {
        let place = tempfile::tempdir().unwrap();
        let files = [("00ff", "secret"), ("a1", "images/refined/a/b")];
        let (mut list, mut expected) = (List::new(place.path()).unwrap(), Expected::default());
        for (hash, path) in files {
            list.add(hash, Path::new(path)).unwrap();
            expected.add(hash, Path::new(path));
        }
        let mut written = Vec::new();
        let mut read = Hashed::new(list.finish().unwrap());
        read.read_to_end(&mut written).unwrap();
        assert_eq!(read.hash(), expected.hash());
        let mut lines = written.as_slice();
        for (hash, path) in files {
            let expected = (hash.to_owned(), PathBuf::from(path));
            assert_eq!(next(&mut lines).unwrap(), Some(expected));
        }
        assert_eq!(next(&mut lines).unwrap(), None);
    }

    #[test]
    fn what_is_no_line_is_refused() {
        let endless = "x".repeat(5000);
        for text in ["\n", "00ff", "00ff secret\n", "00ff  secret", &endless] {
            let error = next(&mut text.as_bytes()).unwrap_err();
            assert_eq!(error.kind(), io::ErrorKind::InvalidData, "{text:.20}");
        }
    }
}
