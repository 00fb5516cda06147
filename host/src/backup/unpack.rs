//! Fills a directory with the files of a backup: from an archive, or from a directory.
//!
//! Only files that a store uses are written, and only if they match the backup's list:
//! the creator of the backup may have fewer rights than the user who unpacks it, and
//! disks lose bits.

use std::fs::File;
use std::io::{self, BufReader, Read};
use std::path::Path;

use anyhow::{Context as _, bail};
use concept_refinement_capability::folder::Folder;
use concept_refinement_capability::room::Disk;
use indicatif::DecimalBytes;

use super::archive::Entries;
use super::sums::{self, Expected, Hash, Hashed};
use crate::wiring::{engines, secret};

/// Unpacks an archive, which is read to its end, with its list. Returns the number of bytes
/// of its files, without those of the list.
///
/// # Errors
///
/// A file cannot be written, or the archive is incomplete, damaged, or not a backup.
pub fn unpack(from: impl Read, to: &Folder) -> anyhow::Result<u64> {
    let mut entries = Entries::new(from);
    let mut expected = Some(Expected::default());
    let mut bytes = 0;
    while let Some((path, size)) = entries.next()? {
        let is_list = path == Path::new(sums::FILE);
        let Some(mut so_far) = expected.take() else {
            bail!("{} comes after the list of all files", path.display());
        };
        if !is_list {
            refuse_foreign(&path)?;
        }
        let hash = write(to, &path, size, entries.contents())?;
        if !is_list {
            so_far.add(&hash, &path);
            expected = Some(so_far);
            bytes += size;
        } else if so_far.hash() != hash {
            bail!("the backup is damaged: its files are not those of its list");
        }
    }
    match expected {
        None => Ok(bytes),
        Some(_) => bail!("this is no backup: it has no {}", sums::FILE),
    }
}

/// Copies a backup that is a directory, without its list. Files that it does not list
/// are not copied. Returns the number of bytes.
///
/// # Errors
///
/// A file cannot be written, or the backup is incomplete, damaged, or not a backup.
pub fn copy(from: &Folder, to: &Folder) -> anyhow::Result<u64> {
    let list = from.file(Path::new(sums::FILE));
    let shown = from.path().display();
    let list = list.with_context(|| format!("{shown} is no backup: {}", sums::FILE))?;
    let mut list = BufReader::new(list);
    let mut bytes = 0;
    let next = |list: &mut BufReader<File>| {
        sums::next(list).with_context(|| format!("{} is damaged", sums::FILE))
    };
    while let Some((hash, path)) = next(&mut list)? {
        refuse_foreign(&path)?;
        let opened = from
            .file(&path)
            .and_then(|file| Ok((file.metadata()?.len(), file)));
        let (size, file) = opened.with_context(|| format!("{}", path.display()))?;
        if write(to, &path, size, file)? != hash {
            bail!("{} is not as it was when it was backed up", path.display());
        }
        bytes += size;
    }
    Ok(bytes)
}

/// Refuses the name of a file that no store would have written.
fn refuse_foreign(path: &Path) -> anyhow::Result<()> {
    match path == Path::new(secret::FILE) || engines::is_store_file(path) {
        true => Ok(()),
        false => bail!("{} is not a file of a backup", path.display()),
    }
}

fn write(to: &Folder, path: &Path, size: u64, contents: impl Read) -> anyhow::Result<Hash> {
    let shown = path.display();
    if let Some(disk) = Disk::of(to.path())
        && disk.available < size
    {
        let (size, left) = (DecimalBytes(size), DecimalBytes(disk.available));
        bail!("{shown} takes {size}, and the disk has {left} left");
    }
    let mut contents = Hashed::new(contents.take(size));
    let written = write_new(to, path, &mut contents);
    if written.with_context(|| format!("writing {shown}"))? != size {
        bail!("{shown} is not whole");
    }
    Ok(contents.hash())
}

/// A name that comes twice is refused.
fn write_new(to: &Folder, path: &Path, contents: &mut impl Read) -> io::Result<u64> {
    io::copy(contents, &mut to.create_below(path, 0o700)?)
}
