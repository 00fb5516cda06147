//! The writing thread: changes that wait together are committed together, and only
//! then answered.

use std::fs;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};

use concept_refinement_domain::capability::{CapabilityError, ImageKind};
use concept_refinement_domain::image_path::folder;
use rusqlite::{Connection, OptionalExtension as _};
use tokio::sync::{mpsc, oneshot};

use super::fault;
use crate::capability::directory::NamedFile;
use crate::capability::images::file::{disk, envelope};
use crate::capability::room::Room;
use crate::capability::sqlite::{connection, is_damage};

/// Further callers wait to enter the queue.
const QUEUE_CAPACITY: usize = 256;

/// Most changes of a commit; more would only delay the first.
const MAX_GROUP: usize = 64;

/// Pages that nothing is in any longer, before some are given back to the disk.
const MAX_FREE_PAGES: u32 = 256;

/// Gives pages back after a commit: more than a commit of removals leaves (17 an
/// image), and few enough to delay nobody.
const GIVE_BACK: &str = "PRAGMA incremental_vacuum(2048)";

pub(super) enum Change {
    Put {
        tag: String,
        name: String,
        envelope: String,
        contents: Vec<u8>,
    },
    Remove {
        tag: String,
        name: String,
    },
    /// What was removed goes for good.
    Purge,
}

struct Entry {
    change: Change,
    answer: oneshot::Sender<Result<(), CapabilityError>>,
}

pub(super) struct Writer {
    /// None once it is stopping.
    sender: Option<mpsc::Sender<Entry>>,
    thread: Option<JoinHandle<()>>,
}

impl Writer {
    /// `files` are the database's: nothing is committed once one has lost its name.
    pub fn start(
        connection: Connection,
        files: Vec<NamedFile>,
        root: PathBuf,
        room: Arc<Room>,
        is_held: Arc<AtomicBool>,
    ) -> io::Result<Self> {
        let (sender, waiting) = mpsc::channel(QUEUE_CAPACITY);
        let worker = Worker {
            connection,
            files,
            root,
            room,
            is_held,
            is_damaged: false,
        };
        let thread = thread::Builder::new()
            .name("small-images".into())
            .spawn(move || worker.run(waiting))?;
        Ok(Self {
            sender: Some(sender),
            thread: Some(thread),
        })
    }

    /// Returns after it is on the disk.
    pub async fn write(&self, change: Change) -> Result<(), CapabilityError> {
        let (answer, answered) = oneshot::channel();
        let sender = self.sender.as_ref().ok_or_else(stopped)?;
        let sent = sender.send(Entry { change, answer }).await;
        sent.map_err(|_| stopped())?;
        answered.await.map_err(|_| stopped())?
    }

    /// Soon; or at the next start, if too much is waiting.
    pub fn purge(&self) {
        let (answer, _) = oneshot::channel();
        let change = Change::Purge;
        if let Some(sender) = &self.sender {
            let _ = sender.try_send(Entry { change, answer });
        }
    }
}

/// Waits for what is under way, so that the file is closed afterwards.
impl Drop for Writer {
    fn drop(&mut self) {
        self.sender = None;
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            tracing::error!("the image store's writer had crashed");
        }
    }
}

struct Worker {
    connection: Connection,
    files: Vec<NamedFile>,
    root: PathBuf,
    room: Arc<Room>,
    is_held: Arc<AtomicBool>,
    /// Nothing more is written then, since that could spread it.
    is_damaged: bool,
}

/// What a change makes of the images' bytes.
#[derive(Default)]
struct Difference {
    removed: u64,
    stored: u64,
}

impl Worker {
    fn run(mut self, mut waiting: mpsc::Receiver<Entry>) {
        let mut group = Vec::with_capacity(MAX_GROUP);
        while waiting.blocking_recv_many(&mut group, MAX_GROUP) > 0 {
            let committed = self.commit(&group);
            let committed = committed.map_err(|error| disk::report(&error));
            for entry in group.drain(..) {
                // The caller may be gone.
                let _ = entry.answer.send(committed.clone());
            }
            if !self.is_damaged
                && let Err(error) = self.shrink()
            {
                tracing::debug!(%error, "room is given back to the disk later");
            }
        }
        if !self.is_damaged
            && let Err(error) = connection::tidy_up_on_close(&self.connection, true)
        {
            tracing::warn!(%error, "the image store's log stays behind");
        }
    }

    /// An error concerns the whole group: none of it was written.
    fn commit(&mut self, group: &[Entry]) -> io::Result<()> {
        if self.is_damaged {
            return Err(io::Error::other("the image store is damaged"));
        }
        for file in &self.files {
            file.check()?;
        }
        let written = self.write(group);
        if written.is_err() && !self.connection.is_autocommit() {
            self.sql("ROLLBACK").map_err(fault)?;
        }
        let difference = written.map_err(|error| {
            if is_damage(&error) {
                tracing::error!(%error, "the image store is damaged: restore a backup");
                self.is_damaged = true;
            }
            fault(error)
        })?;
        self.room.replace(difference.removed, difference.stored);
        for entry in group {
            if let Change::Put { tag, name, .. } = &entry.change {
                self.remove_file(tag, name)?;
            }
        }
        Ok(())
    }

    fn write(&self, group: &[Entry]) -> rusqlite::Result<Difference> {
        self.sql("BEGIN IMMEDIATE")?;
        let mut difference = Difference::default();
        for entry in group {
            match &entry.change {
                Change::Put {
                    tag,
                    name,
                    envelope,
                    contents,
                } => {
                    difference.removed += self.remove(tag, name, true)?;
                    self.connection
                        .prepare_cached(
                            "INSERT INTO image (tag, name, envelope, contents) \
                             VALUES (?, ?, ?, ?)",
                        )?
                        .execute((tag, name, envelope, contents))?;
                    difference.stored += contents.len() as u64;
                }
                Change::Remove { tag, name } => {
                    let for_good = !self.is_held.load(Ordering::SeqCst);
                    difference.removed += self.remove(tag, name, for_good)?;
                }
                Change::Purge => purge(&self.connection)?,
            }
        }
        self.sql("COMMIT")?;
        Ok(difference)
    }

    fn shrink(&self) -> rusqlite::Result<()> {
        let free: u32 = self
            .connection
            .prepare_cached("PRAGMA freelist_count")?
            .query_row([], |row| row.get(0))?;
        if free > MAX_FREE_PAGES {
            let mut given_back = self.connection.prepare_cached(GIVE_BACK)?;
            let mut pages = given_back.query([])?;
            while pages.next()?.is_some() {}
        }
        Ok(())
    }

    /// How many bytes it had.
    fn remove(&self, tag: &str, name: &str, for_good: bool) -> rusqlite::Result<u64> {
        const DELETE: &str = "DELETE FROM image WHERE name = ? AND tag = ? \
             RETURNING iif(removed, 0, length(contents))";
        const MARK: &str = "UPDATE image SET removed = TRUE \
             WHERE name = ? AND tag = ? AND NOT removed RETURNING length(contents)";
        let mut remove = self
            .connection
            .prepare_cached(if for_good { DELETE } else { MARK })?;
        let bytes = remove.query_row([name, tag], |row| row.get::<_, u32>(0));
        Ok(bytes.optional()?.map_or(0, u64::from))
    }

    /// A larger image of the same name, which was replaced.
    fn remove_file(&self, tag: &str, name: &str) -> io::Result<()> {
        let file = self
            .root
            .join(folder(ImageKind::Refined))
            .join(tag)
            .join(name);
        let replaced = envelope::image_bytes(&file)?;
        match fs::remove_file(&file) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            removed => {
                self.room.replace(replaced, 0);
                removed
            }
        }
    }

    /// Runs a statement that begins or ends something.
    fn sql(&self, statement: &str) -> rusqlite::Result<()> {
        let mut prepared = self.connection.prepare_cached(statement)?;
        prepared.execute([]).map(drop)
    }
}

pub(super) fn purge(connection: &Connection) -> rusqlite::Result<()> {
    // A full disk takes no write, even of nothing.
    let is_any = connection
        .prepare_cached("SELECT 1 FROM image WHERE removed")?
        .exists([])?;
    if is_any {
        connection.execute("DELETE FROM image WHERE removed", [])?;
    }
    Ok(())
}

fn stopped() -> CapabilityError {
    CapabilityError::unavailable("The image store cannot be used at the moment.")
}
