//! Blocks of bytes in an unnamed file: images that many tasks hold for a long time need
//! not stay in memory. The file disappears with the process, however it ends.
//!
//! The file exists only while it holds a block, and is as long as the largest number of
//! blocks at a time. It uses no disk space that was promised to others, and is never
//! synced, since nothing in it outlives the process.

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
    /// Space on the disk.
    room: Arc<Room>,
    slots: Mutex<Slots>,
}

#[derive(Default)]
struct Slots {
    /// None: no block is stored.
    file: Option<Arc<File>>,
    /// How many slots were ever used in this file.
    count: u64,
    free: Vec<u64>,
}

/// One block, which is at most `BLOCK` bytes. Dropping it frees its slot.
pub struct StoredBlock {
    blocks: Arc<BlockFile>,
    file: Arc<File>,
    /// Of its slot.
    index: u64,
    length: usize,
}

impl BlockFile {
    /// `directory` has to exist when the first block is stored.
    pub fn new(directory: PathBuf, room: Arc<Room>) -> Arc<Self> {
        Arc::new(Self {
            directory,
            room,
            slots: Mutex::default(),
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
            let block = blocks.take(bytes.len())?;
            block.file.write_all_at(&bytes, block.offset())?;
            Ok(block)
        })
        .await?
    }

    /// A slot for a block of this length.
    fn take(self: &Arc<Self>, length: usize) -> io::Result<StoredBlock> {
        let mut slots = self.slots.lock();
        let index = match slots.free.pop() {
            Some(index) => index,
            None if self.room.spares(BLOCK as u64) => slots.count,
            None => return Err(io::ErrorKind::StorageFull.into()),
        };
        let file = match &slots.file {
            Some(file) => Arc::clone(file),
            None => {
                let file = tempfile::tempfile_in(&self.directory)?;
                Arc::clone(slots.file.insert(Arc::new(file)))
            }
        };
        slots.count = slots.count.max(index + 1);
        Ok(StoredBlock {
            blocks: Arc::clone(self),
            file,
            index,
            length,
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
            self.file.read_exact_at(&mut bytes, self.offset())?;
            Ok(bytes.into())
        })
        .await?
    }

    fn offset(&self) -> u64 {
        self.index * BLOCK as u64
    }
}

impl Drop for StoredBlock {
    fn drop(&mut self) {
        let mut slots = self.blocks.slots.lock();
        slots.free.push(self.index);
        if slots.free.len() as u64 == slots.count {
            // The system frees the space of an unnamed file once it is closed.
            *slots = Slots::default();
        }
    }
}
