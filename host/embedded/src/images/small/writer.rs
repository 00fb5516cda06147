//! The writing thread. A group of changes is committed as a whole, or one by one if the
//! disk is full.

use std::cell::Cell;
use std::fs;
use std::io;
use std::iter;
use std::path::PathBuf;
use std::slice;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use concept_refinement_capability::directory::{self, NamedFile};
use concept_refinement_capability::room::Room;
use concept_refinement_domain::capability::CapabilityError;
use concept_refinement_domain::image_path::{ImagePath, folder};
use rusqlite::Connection;
use tokio::sync::oneshot;

use super::fault;
use super::reserve::Reserve;
use crate::images::{disk, envelope};
use crate::sqlite::statements::{all, find, one, run};
use crate::sqlite::transaction::transaction;
use crate::sqlite::{Committer, GroupCommit, connection, is_damage};

/// Capacity of the queue; further callers wait to enter it.
const QUEUE_CAPACITY: usize = 256;

/// Rows that one purge deletes.
const PURGED: u32 = 64;

/// How many free pages the file may have before some are given back to the disk.
const MAX_FREE_PAGES: u32 = 256;

/// Gives pages back after a commit: usually as many as a group of deletions frees.
const GIVE_BACK: &str = "PRAGMA incremental_vacuum(2048)";

pub(super) enum Change {
    Put {
        path: ImagePath,
        envelope: String,
        contents: Vec<u8>,
    },
    Remove(ImagePath),
    /// Deletes some of the images that are marked as deleted.
    Purge,
    /// Changes nothing, to see whether a write would succeed.
    Check,
}

impl Change {
    fn takes_room(&self) -> bool {
        matches!(self, Self::Put { .. })
    }
}

struct Entry {
    change: Change,
    answer: oneshot::Sender<Result<(), CapabilityError>>,
}

pub(super) struct Writer(GroupCommit<Entry>);

impl Writer {
    /// `files`: the database's files; nothing is committed once one has lost its name.
    pub fn start(
        connection: Connection,
        files: Vec<NamedFile>,
        root: PathBuf,
        room: Arc<Room>,
        is_held: Arc<AtomicBool>,
    ) -> io::Result<Self> {
        let mut reserve = Reserve::of(&root);
        reserve.restore();
        let worker = Worker {
            connection,
            files,
            root,
            room,
            is_held,
            reserve,
            is_damaged: Cell::new(false),
        };
        GroupCommit::start("small-images", QUEUE_CAPACITY, worker).map(Self)
    }

    /// Returns once the change is on the disk.
    pub async fn write(&self, change: Change) -> Result<(), CapabilityError> {
        let written = self.0.write(|answer| Entry { change, answer });
        written.await.ok_or_else(stopped)?
    }

    /// The same for a thread that may block.
    pub fn write_blocking(&self, change: Change) -> Result<(), CapabilityError> {
        let written = self.0.write_blocking(|answer| Entry { change, answer });
        written.ok_or_else(stopped)?
    }
}

struct Worker {
    connection: Connection,
    files: Vec<NamedFile>,
    root: PathBuf,
    room: Arc<Room>,
    is_held: Arc<AtomicBool>,
    reserve: Reserve,
    /// If set, nothing more is written, since that could spread the damage.
    is_damaged: Cell<bool>,
}

/// Bytes of images that a change removes and adds.
#[derive(Default)]
struct Difference {
    removed: u64,
    stored: u64,
}

impl Committer for Worker {
    type Entry = Entry;

    const MAX_GROUP: usize = 64;

    fn commit(&mut self, group: &mut Vec<Entry>) {
        match self.commit_together(group) {
            Err(error) if is_full(&error) => self.commit_alone(group),
            committed => answer(group.drain(..), &committed),
        }
        if !self.is_damaged.get()
            && let Err(error) = self.shrink(MAX_FREE_PAGES)
        {
            tracing::debug!(%error, "room is given back to the disk later");
        }
    }

    fn close(self) {
        if !self.is_damaged.get()
            && let Err(error) = connection::tidy_up_on_close(&self.connection, true)
        {
            tracing::warn!(%error, "the image store's log stays behind");
        }
    }
}

impl Worker {
    /// On a full disk: a change without space does not fail others, and those that free
    /// space come first.
    fn commit_alone(&mut self, group: &mut Vec<Entry>) {
        group.sort_by_key(|entry| entry.change.takes_room());
        for entry in group.drain(..) {
            let mut committed = self.commit_together(slice::from_ref(&entry));
            if committed.as_ref().is_err_and(is_full) && !entry.change.takes_room() {
                self.reserve.spend();
                committed = self.commit_together(slice::from_ref(&entry));
                if let Err(error) = self.make_room() {
                    tracing::debug!(%error, "room is given back to the disk later");
                }
            }
            answer(iter::once(entry), &committed);
        }
    }

    /// An error means that nothing of the whole group was written.
    fn commit_together(&mut self, group: &[Entry]) -> io::Result<()> {
        if self.is_damaged.get() {
            return Err(io::Error::other("the image store is damaged"));
        }
        let mut difference = Difference::default();
        let write = || {
            for entry in group {
                let changed = self.change(&entry.change, &mut difference);
                changed.map_err(|error| self.fault(error))?;
            }
            self.files.iter().try_for_each(NamedFile::check)
        };
        transaction(&self.connection, |error| self.fault(error), write)?;
        self.room.replace(difference.removed, difference.stored);
        for entry in group {
            if let Change::Put { path, .. } = &entry.change {
                self.remove_file(path);
            }
        }
        // While only deletions succeed, the spent reserve is left for the next deletions.
        if group.iter().any(|entry| entry.change.takes_room()) {
            self.reserve.restore();
        }
        Ok(())
    }

    fn change(&self, change: &Change, difference: &mut Difference) -> rusqlite::Result<()> {
        const INSERT: &str =
            "INSERT INTO image (tag, name, envelope, contents) VALUES (?, ?, ?, ?)";
        match change {
            Change::Put {
                path,
                envelope,
                contents,
            } => {
                difference.removed += self.remove(path, true)?;
                let row = (&path.tag, &path.name, envelope, contents);
                run(&self.connection, INSERT, row)?;
                difference.stored += contents.len() as u64;
            }
            Change::Remove(path) => {
                let for_good = !self.is_held.load(Ordering::SeqCst);
                difference.removed += self.remove(path, for_good)?;
            }
            Change::Purge => purge(&self.connection)?,
            Change::Check => {}
        }
        Ok(())
    }

    /// Gives all free space back to the disk, and shortens the log.
    fn make_room(&self) -> rusqlite::Result<()> {
        self.shrink(0)?;
        let sql = "PRAGMA wal_checkpoint(TRUNCATE)";
        one(&self.connection, sql, [], |_| Ok(()))
    }

    fn shrink(&self, most_free: u32) -> rusqlite::Result<()> {
        let sql = "PRAGMA freelist_count";
        let free: u32 = one(&self.connection, sql, [], |row| row.get(0))?;
        if free > most_free {
            all(&self.connection, GIVE_BACK, [], |_| Ok(()))?;
        }
        Ok(())
    }

    /// Returns the number of bytes of the deleted image.
    fn remove(&self, path: &ImagePath, for_good: bool) -> rusqlite::Result<u64> {
        const DELETE: &str = "DELETE FROM image WHERE name = ? AND tag = ? \
             RETURNING iif(removed, 0, length(contents))";
        const MARK: &str = "UPDATE image SET removed = TRUE \
             WHERE name = ? AND tag = ? AND NOT removed RETURNING length(contents)";
        let sql = if for_good { DELETE } else { MARK };
        let key = [&path.name, &path.tag];
        let bytes: Option<u32> = find(&self.connection, sql, key, |row| row.get(0))?;
        Ok(bytes.map_or(0, u64::from))
    }

    /// Removes a larger image of the same name that was replaced; reads already use the
    /// row.
    fn remove_file(&self, path: &ImagePath) {
        let folder = self.root.join(folder(path.kind)).join(&path.tag);
        let file = folder.join(&path.name);
        let removed = match envelope::image_bytes(&file) {
            // There is none, as nearly always.
            Ok(0) => return,
            Ok(replaced) => fs::remove_file(&file).and_then(|()| {
                self.room.replace(replaced, 0);
                directory::sync(&folder)
            }),
            Err(error) => Err(error),
        };
        if let Err(error) = directory::existing(removed) {
            tracing::warn!(%error, "an image that was replaced stays as a file");
        }
    }

    fn fault(&self, error: rusqlite::Error) -> io::Error {
        if is_damage(&error) && !self.is_damaged.replace(true) {
            tracing::error!(%error, "the image store is damaged: restore a backup");
        }
        fault(error)
    }
}

/// Callers that have left get nothing.
fn answer(entries: impl Iterator<Item = Entry>, committed: &io::Result<()>) {
    let committed = committed.as_ref().map_err(disk::report).copied();
    for entry in entries {
        let _ = entry.answer.send(committed.clone());
    }
}

fn is_full(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::StorageFull
}

/// Deletes some of the rows marked as deleted.
pub(super) fn purge(connection: &Connection) -> rusqlite::Result<()> {
    let purge = "DELETE FROM image WHERE id IN (SELECT id FROM image WHERE removed LIMIT ?)";
    run(connection, purge, [PURGED]).map(drop)
}

fn stopped() -> CapabilityError {
    CapabilityError::unavailable("The image store cannot be used at the moment.")
}
