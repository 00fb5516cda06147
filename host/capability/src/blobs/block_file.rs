//! Blocks of bytes in a file that has no name: what many tasks hold for long is
//! not held in memory, and is gone when the process is, however it ends.
//!
//! The file is there while a block is, and as long as the most blocks at a time.
//! It takes nothing of the disk that others were promised, and is never synced:
//! nothing in it outlives the process.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt as _;
use std::path::PathBuf;
use std::sync::Arc;

use bytes::Bytes;
use parking_lot::Mutex;
use tokio::task::spawn_blocking;

use super::BLOCK;
use crate::room::Room;

/// Where blocks are stored.
pub struct BlockFile {
    directory: PathBuf,
    /// Of the disk.
    room: Arc<Room>,
    places: Mutex<Places>,
}

#[derive(Default)]
struct Places {
    /// None: no block is stored.
    file: Option<Arc<File>>,
    /// How many were ever taken in this file.
    count: u64,
    free: Vec<u64>,
}

/// One block, which is at most `BLOCK` bytes. Dropping it frees its place.
pub struct StoredBlock {
    place: Place,
    length: usize,
}

struct Place {
    blocks: Arc<BlockFile>,
    file: Arc<File>,
    index: u64,
}

impl BlockFile {
    /// In this directory, which has to be there when the first block is stored.
    pub fn new(directory: PathBuf, room: Arc<Room>) -> Arc<Self> {
        Arc::new(Self {
            directory,
            room,
            places: Mutex::default(),
        })
    }

    /// Stores a block.
    ///
    /// # Errors
    ///
    /// There is no file, or no room for it.
    pub async fn store(self: &Arc<Self>, bytes: Bytes) -> io::Result<StoredBlock> {
        let blocks = Arc::clone(self);
        spawn_blocking(move || {
            let place = blocks.take()?;
            place.file.write_all_at(&bytes, place.offset())?;
            Ok(StoredBlock {
                place,
                length: bytes.len(),
            })
        })
        .await?
    }

    fn take(self: &Arc<Self>) -> io::Result<Place> {
        let mut places = self.places.lock();
        let index = match places.free.pop() {
            Some(index) => index,
            None if self.room.spares(BLOCK as u64) => places.count,
            None => return Err(io::ErrorKind::StorageFull.into()),
        };
        let file = match &places.file {
            Some(file) => Arc::clone(file),
            None => {
                let file = tempfile::tempfile_in(&self.directory)?;
                Arc::clone(places.file.insert(Arc::new(file)))
            }
        };
        places.count = places.count.max(index + 1);
        Ok(Place {
            blocks: Arc::clone(self),
            file,
            index,
        })
    }
}

impl StoredBlock {
    /// Reads it.
    ///
    /// # Errors
    ///
    /// The file cannot be read.
    pub async fn read(self: Arc<Self>) -> io::Result<Bytes> {
        spawn_blocking(move || {
            let mut bytes = vec![0; self.length];
            self.place
                .file
                .read_exact_at(&mut bytes, self.place.offset())?;
            Ok(bytes.into())
        })
        .await?
    }
}

impl Place {
    fn offset(&self) -> u64 {
        self.index * BLOCK as u64
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut places = self.blocks.places.lock();
        places.free.push(self.index);
        if places.free.len() as u64 == places.count {
            // The system gives back its room.
            *places = Places::default();
        }
    }
}
