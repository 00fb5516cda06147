//! Small refined images, in one SQLite file.
//!
//! Each task produces an image, usually a small one. A file for each image would take
//! more CPU time and disk operations than the rest of the task; here, concurrent images
//! are stored in one commit. An image is either in this table or in a file of its own.

mod reserve;
mod schema;
mod writer;

use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};

use bytes::Bytes;
use concept_refinement_capability::OpenError;
use concept_refinement_capability::directory;
use concept_refinement_capability::embedded::{Archive, NamedImages};
use concept_refinement_capability::folder::Folder;
use concept_refinement_capability::images::Listed;
use concept_refinement_capability::log_throttled;
use concept_refinement_capability::room::Room;
use concept_refinement_domain::capability::{CapabilityError, ImageInfo, ImageKind};
use concept_refinement_domain::image_path::{ImagePath, folder};
use parking_lot::Mutex;
use rusqlite::Connection;

use super::envelope::Envelope;
use crate::sqlite::statements::{all, find};
use crate::sqlite::{self, DatabaseFile, Temporary, connection, names};
pub(super) use schema::verify;
use writer::{Change, Writer};

/// In the directory of the images.
pub(super) const FILE: &str = "small.sqlite";

/// Up to this length an image is small: up to about there, SQLite is faster than the file
/// system (<https://sqlite.org/intern-v-extern-blob.html>).
pub(super) const MAX_BYTES: u64 = 64 * 1024;

/// Entries of a list per query.
const PAGE: u32 = 256;

pub(super) struct SmallImages {
    /// The file as a backup sees it.
    pub database: DatabaseFile,
    /// A backup is in progress: deleted images are only marked, until it has ended.
    is_held: Arc<AtomicBool>,
    reader: Mutex<Connection>,
    /// A separate connection, so that reads do not wait for a list.
    lister: Mutex<Connection>,
    /// Dropped after the readers, so that it closes the file last.
    writer: Writer,
}

impl SmallImages {
    /// For a directory that this process has locked.
    pub fn open(root: &Path, room: Arc<Room>) -> Result<Self, OpenError> {
        let file = root.join(FILE);
        let engine = |error| sqlite::open_error(&file, error);
        let system = |error: io::Error| OpenError::unusable(&file, error);
        let main = names::create(&file).map_err(system)?;
        schema::refuse_unknown(&file)?;
        let mut connection = connection::writer(&file).map_err(engine)?;
        sqlite::glance(&connection).map_err(engine)?;
        schema::prepare(&mut connection).map_err(|error| error.into_open_error(&file))?;
        if let Err(error) = purge(&connection) {
            tracing::warn!(%error, "removed images are left until the next start");
        }
        room.replace(0, bytes(&connection).map_err(engine)?);
        let [reader, lister] = [(); 2].map(|()| connection::reader(&file).map_err(engine));
        let log = names::log_of(&file).map_err(system)?;
        directory::sync(root).map_err(system)?;
        let is_held = Arc::new(AtomicBool::new(false));
        let writer = Writer::start(
            connection,
            [main].into_iter().chain(log).collect(),
            root.to_owned(),
            room,
            Arc::clone(&is_held),
        );
        Ok(Self {
            writer: writer.map_err(system)?,
            reader: Mutex::new(reader?),
            lister: Mutex::new(lister?),
            is_held,
            database: DatabaseFile::InUse(file),
        })
    }

    /// Returns once the image is on the disk and a file of the same name is removed.
    pub async fn put(
        &self,
        path: &ImagePath,
        envelope: &Envelope,
        contents: Vec<u8>,
    ) -> Result<(), CapabilityError> {
        let envelope = envelope.to_json();
        let envelope = envelope.map_err(|error| super::disk::report(&error))?;
        let change = Change::Put {
            path: path.clone(),
            envelope,
            contents,
        };
        self.writer.write(change).await
    }

    pub async fn remove(&self, path: &ImagePath) -> Result<(), CapabilityError> {
        self.writer.write(Change::Remove(path.clone())).await
    }

    /// None: it is not stored here. Blocks, as all reading functions do.
    pub fn info(&self, path: &ImagePath) -> io::Result<Option<ImageInfo>> {
        let envelope = self.envelope(path)?;
        Ok(envelope.and_then(|envelope| parsed(path, &envelope)?.info(path)))
    }

    /// Whether there is an image of this name in any format.
    pub fn has_name(&self, path: &ImagePath) -> io::Result<bool> {
        Ok(self.envelope(path)?.is_some())
    }

    /// Whether it is stored here, even if damaged.
    pub fn has(&self, path: &ImagePath) -> io::Result<bool> {
        let envelope = self.envelope(path)?;
        Ok(envelope.is_some_and(|envelope| {
            Envelope::from_json(&envelope).is_none_or(|envelope| envelope.info(path).is_some())
        }))
    }

    /// The whole image. None: it is not stored here.
    pub fn find(&self, path: &ImagePath) -> io::Result<Option<(ImageInfo, Bytes)>> {
        let found = row(&self.reader.lock(), path)?;
        Ok(found.and_then(|(envelope, contents)| Some((envelope.info(path)?, contents))))
    }

    /// Whether a write would succeed.
    pub async fn check(&self) -> Result<(), CapabilityError> {
        self.writer.write(Change::Check).await
    }

    /// A page of the list after a position, and the position of the next page.
    pub fn list(&self, after: i64) -> io::Result<(Vec<Listed>, Option<i64>)> {
        list(&self.lister.lock(), after)
    }

    pub fn hold(&self) {
        self.is_held.store(true, Ordering::SeqCst);
    }

    /// Returns the number of images.
    pub fn copy_to(
        &self,
        archive: &mut dyn Archive,
        path: &Path,
        named: &mut NamedImages,
    ) -> io::Result<u64> {
        let nothing = |_: &_| Ok(());
        self.database.copy_to(archive, path, nothing, |copy| {
            copy.execute("UPDATE image SET removed = FALSE WHERE removed", [])?;
            note_images(copy, named)
        })
    }

    /// Really deletes the images that were deleted during the backup.
    pub fn release(&self) {
        self.is_held.store(false, Ordering::SeqCst);
        if let Err(error) = self.purge() {
            tracing::warn!(%error, "removed images are left until the next start");
        }
    }

    fn purge(&self) -> io::Result<()> {
        while has_removed(&self.lister.lock()).map_err(fault)? {
            let purged = self.writer.write_blocking(Change::Purge);
            purged.map_err(io::Error::other)?;
        }
        Ok(())
    }

    fn envelope(&self, path: &ImagePath) -> io::Result<Option<String>> {
        const SQL: &str = "SELECT envelope FROM image WHERE name = ? AND tag = ? AND NOT removed";
        if path.kind != ImageKind::Refined {
            return Ok(None);
        }
        let reader = self.reader.lock();
        let key = [&path.name, &path.tag];
        find(&reader, SQL, key, |row| row.get(0)).map_err(fault)
    }
}

/// Small images of a directory that no process has open.
pub(super) struct AtRest {
    /// The file as a backup sees it.
    pub database: DatabaseFile,
    /// Its path, for people.
    path: PathBuf,
    /// A connection to a copy, once images are read one by one.
    reader: OnceLock<(Mutex<Connection>, Temporary)>,
}

impl AtRest {
    /// None: the directory has no such file, or an empty one.
    pub fn of(root: &Folder) -> io::Result<Option<Self>> {
        let found = root.look(FILE)?;
        if found.is_none_or(|found| found.is_file() && found.bytes == 0) {
            return Ok(None);
        }
        Ok(Some(Self {
            database: DatabaseFile::AtRest(root.folder(".")?, FILE),
            path: root.path().join(FILE),
            reader: OnceLock::new(),
        }))
    }

    /// Copies the database to a directory, so that it can be read.
    pub fn begin(&self, scratch: &Path) -> io::Result<()> {
        let copy = self.database.private(scratch)?;
        let reader = schema::reader(&copy.0);
        let reader = reader.map_err(|error| error.into_open_error(&self.path));
        let reader = reader.map_err(io::Error::other)?;
        // Repeating this changes nothing.
        let _ = self.reader.set((Mutex::new(reader), copy));
        Ok(())
    }

    pub fn paths(&self) -> io::Result<Vec<String>> {
        let reader = self.reader()?.lock();
        let (mut paths, mut after) = (Vec::new(), Some(0));
        while let Some(position) = after {
            let (listed, next) = list(&reader, position).map_err(|error| self.named(error))?;
            paths.extend(listed.into_iter().map(|listed| listed.path));
            after = next;
        }
        Ok(paths)
    }

    /// The whole image with all its metadata.
    pub fn find(&self, path: &ImagePath) -> io::Result<Option<(Envelope, Bytes)>> {
        row(&self.reader()?.lock(), path).map_err(|error| self.named(error))
    }

    /// Damage is that of the file, not of its copy.
    fn named(&self, error: io::Error) -> io::Error {
        let cause = error.get_ref();
        let cause = cause.and_then(|cause| cause.downcast_ref::<rusqlite::Error>());
        match cause.is_some_and(sqlite::is_damage) {
            true => io::Error::other(OpenError::Damaged(self.path.clone())),
            false => error,
        }
    }

    /// Returns the number of images.
    pub fn copy_to(
        &self,
        archive: &mut dyn Archive,
        path: &Path,
        named: &mut NamedImages,
    ) -> io::Result<u64> {
        // Marked as deleted by a service that could not end its backup.
        let tidy = |from: &Connection| {
            from.execute("DELETE FROM image WHERE removed", [])
                .map(drop)
        };
        self.database
            .copy_to(archive, path, tidy, |copy| note_images(copy, named))
    }

    fn reader(&self) -> io::Result<&Mutex<Connection>> {
        let reader = self.reader.get().map(|(reader, _)| reader);
        reader.ok_or_else(|| io::Error::other("the table of images was not copied"))
    }
}

/// Notes that the images are there, and returns their number.
fn note_images(copy: &Connection, named: &mut NamedImages) -> rusqlite::Result<u64> {
    let kind = folder(ImageKind::Refined);
    let mut images = copy.prepare("SELECT tag, name FROM image")?;
    let mut images = images.query([])?;
    let mut count = 0;
    while let Some(image) = images.next()? {
        let (tag, name): (String, String) = (image.get(0)?, image.get(1)?);
        named.remove(&format!("{kind}/{tag}/{name}"));
        count += 1;
    }
    Ok(count)
}

/// Deletes images that a previous process left marked.
fn purge(connection: &Connection) -> rusqlite::Result<()> {
    while has_removed(connection)? {
        writer::purge(connection)?;
    }
    Ok(())
}

fn has_removed(connection: &Connection) -> rusqlite::Result<bool> {
    let mut removed = connection.prepare_cached("SELECT 1 FROM image WHERE removed")?;
    removed.exists([])
}

fn row(reader: &Connection, path: &ImagePath) -> io::Result<Option<(Envelope, Bytes)>> {
    const SQL: &str =
        "SELECT envelope, contents FROM image WHERE name = ? AND tag = ? AND NOT removed";
    if path.kind != ImageKind::Refined {
        return Ok(None);
    }
    let found = find(reader, SQL, [&path.name, &path.tag], |row| {
        Ok((row.get::<_, String>(0)?, row.get::<_, Vec<u8>>(1)?))
    });
    Ok(found
        .map_err(fault)?
        .and_then(|(envelope, contents)| Some((parsed(path, &envelope)?, contents.into()))))
}

fn list(reader: &Connection, after: i64) -> io::Result<(Vec<Listed>, Option<i64>)> {
    const SQL: &str = "SELECT id, tag, name, envelope FROM image \
         WHERE id > ? AND NOT removed ORDER BY id LIMIT ?";
    let rows = all(reader, SQL, [after, i64::from(PAGE)], |row| {
        Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?))
    });
    let rows: Vec<(i64, String, String, String)> = rows.map_err(fault)?;
    let is_full = rows.len() >= PAGE as usize;
    let last = rows.last().map(|(id, ..)| *id);
    let listed = rows.into_iter().filter_map(|(_, tag, name, envelope)| {
        Envelope::from_json(&envelope)?.listed(ImageKind::Refined, &tag, &name)
    });
    Ok((listed.collect(), last.filter(|_| is_full)))
}

/// A damaged image is treated as missing, since trying again does not help.
fn parsed(path: &ImagePath, envelope: &str) -> Option<Envelope> {
    let envelope = Envelope::from_json(envelope);
    if envelope.is_none() {
        log_throttled!(error, "an image is damaged", %path);
    }
    envelope
}

/// Total size of the stored images.
fn bytes(connection: &Connection) -> rusqlite::Result<u64> {
    const SQL: &str = "SELECT coalesce(sum(length(contents)), 0) FROM image WHERE NOT removed";
    let bytes: i64 = connection.query_row(SQL, [], |row| row.get(0))?;
    Ok(bytes.unsigned_abs())
}

/// The error as the I/O error that a file would have caused.
fn fault(error: rusqlite::Error) -> io::Error {
    if sqlite::is_full(&error) {
        io::Error::new(io::ErrorKind::StorageFull, error)
    } else {
        io::Error::other(error)
    }
}

#[cfg(test)]
mod tests;
