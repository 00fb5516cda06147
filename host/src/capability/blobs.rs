//! The images that tasks work on: held once, outside of instances, and up to a
//! limit for all together; beyond a part of it in a file. `wit/blobs.wit` has the
//! promises.

pub mod block_file;
mod link;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use concept_refinement_domain::capability::CapabilityError;
use futures::stream::BoxStream;
use futures::{StreamExt as _, stream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::model::Reopen;
use crate::log_throttle::LogThrottle;
use crate::stream_guard::guarded;
use block_file::{BlockFile, StoredBlock};

/// What is reserved and filled at a time, in bytes.
const BLOCK: usize = 32 * 1024;

/// What is held in memory if there is a file for the rest, in bytes: as much as
/// the tasks have that cores work on, but not those that wait for a provider.
const IN_MEMORY: usize = 8 << 20;

/// The room for all blobs of a host.
pub struct Blobs {
    /// In blocks.
    room: Arc<Semaphore>,
    /// Of these what originals may take: an answer waits for room, and would
    /// wait for ever for originals that wait for answers.
    for_originals: Arc<Semaphore>,
    /// Of these what may be in memory.
    memory: Arc<Semaphore>,
    /// For the rest. None: all is in memory.
    file: Option<Arc<BlockFile>>,
}

/// What is held.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// The image to refine.
    Original,
    /// The refined image.
    Answer,
}

/// The bytes of one image. Clones share them.
#[derive(Clone)]
pub struct Blob {
    purpose: Purpose,
    blobs: Arc<Blobs>,
    held: Arc<Mutex<Held>>,
    /// The bytes are those of another one.
    shared: Option<Reopen>,
}

#[derive(Default)]
struct Held {
    blocks: Vec<Block>,
    /// The last block, which is not full.
    last: Vec<u8>,
    length: usize,
    /// Of all blocks, and for an original as many of its share too.
    reserved: Vec<OwnedSemaphorePermit>,
    is_read: bool,
}

#[derive(Clone)]
enum Block {
    /// With its share of the memory, if there was any left.
    InMemory(Bytes, Option<Arc<OwnedSemaphorePermit>>),
    InFile(Arc<StoredBlock>),
}

impl Blobs {
    /// `limit` is in bytes; originals may take half of it. `file` is for what
    /// does not fit into memory.
    pub fn new(limit: usize, file: Option<Arc<BlockFile>>) -> Arc<Self> {
        let blocks = (limit / BLOCK).clamp(2, Semaphore::MAX_PERMITS);
        Arc::new(Self {
            room: Arc::new(Semaphore::new(blocks)),
            for_originals: Arc::new(Semaphore::new(blocks / 2)),
            memory: Arc::new(Semaphore::new(IN_MEMORY / BLOCK)),
            file,
        })
    }

    /// An empty one.
    pub fn blob(self: &Arc<Self>, purpose: Purpose) -> Blob {
        Blob {
            purpose,
            blobs: Arc::clone(self),
            held: Arc::default(),
            shared: None,
        }
    }

    async fn reserve(
        &self,
        purpose: Purpose,
        blocks: u32,
    ) -> Result<Vec<OwnedSemaphorePermit>, CapabilityError> {
        let no_room =
            || CapabilityError::unavailable("There is no memory for images at the moment.");
        match purpose {
            Purpose::Original => {
                let share = Arc::clone(&self.for_originals).try_acquire_many_owned(blocks);
                let share = share.map_err(|_| no_room())?;
                let room = Arc::clone(&self.room).try_acquire_many_owned(blocks);
                Ok(vec![share, room.map_err(|_| no_room())?])
            }
            Purpose::Answer => {
                let room = Arc::clone(&self.room).acquire_many_owned(blocks).await;
                Ok(vec![room.map_err(|_| no_room())?])
            }
        }
    }

    fn block(&self, bytes: Vec<u8>) -> Block {
        let share = Arc::clone(&self.memory).try_acquire_owned();
        Block::InMemory(bytes.into(), share.ok().map(Arc::new))
    }

    /// Stores a block in the file. None: it cannot be, or need not be.
    async fn stored(&self, block: &Block) -> Option<Block> {
        let (Block::InMemory(bytes, None), Some(file)) = (block, &self.file) else {
            return None;
        };
        match file.store(bytes.clone()).await {
            Ok(stored) => Some(Block::InFile(Arc::new(stored))),
            Err(error) => {
                static FAULT: LogThrottle = LogThrottle::new();
                if let Some(times) = FAULT.times() {
                    tracing::warn!(%error, times, "images in work stay in memory");
                }
                None
            }
        }
    }
}

impl Blob {
    /// Reserves room for all of so many bytes, in one step: whoever waits for it
    /// holds none that another may wait for.
    ///
    /// # Errors
    ///
    /// Unavailable: there is no room. Invalid: there never is so much.
    pub async fn reserve(&self, length: usize) -> Result<(), CapabilityError> {
        let missing = self.held().missing_blocks(length);
        let reserved = match u32::try_from(missing) {
            Ok(0) => return Ok(()),
            Ok(blocks) => self.blobs.reserve(self.purpose, blocks).await?,
            Err(_) => return Err(CapabilityError::invalid("These are too many bytes.")),
        };
        self.held().reserve(reserved);
        Ok(())
    }

    /// Appends bytes. An original is refused where there is no room at the
    /// moment; an answer waits.
    ///
    /// # Errors
    ///
    /// Unavailable: there is no room. Invalid: it is being read.
    pub async fn append(&self, bytes: Vec<u8>) -> Result<(), CapabilityError> {
        let length = self.held().length.saturating_add(bytes.len());
        self.reserve(length).await?;
        let first = {
            let mut held = self.held();
            if held.is_read {
                return Err(CapabilityError::invalid("The bytes are being read."));
            }
            let first = held.blocks.len();
            held.push(&bytes, &self.blobs);
            first
        };
        self.store(first).await;
        Ok(())
    }

    /// One with the bytes that this opens, without a copy of them.
    pub fn sharing(self, bytes: Reopen) -> Self {
        self.held().is_read = true;
        Self {
            shared: Some(bytes),
            ..self
        }
    }

    /// The bytes. Nothing can be appended any more. A fault ends them early.
    pub fn contents(&self) -> BoxStream<'static, Bytes> {
        if let Some(shared) = &self.shared {
            return shared();
        }
        let last = {
            let mut held = self.held();
            held.is_read = true;
            held.close_block(&self.blobs);
            held.blocks.len().saturating_sub(1)
        };
        let blob = self.clone();
        let blocks = async move {
            blob.store(last).await;
            stream::iter(blob.held().blocks.clone())
        };
        let bytes = stream::once(blocks).flatten().then(Block::bytes);
        let bytes = bytes.take_while(|bytes| std::future::ready(bytes.is_some()));
        // The bytes count as long as somebody may read them.
        guarded(bytes.filter_map(std::future::ready), self.clone()).boxed()
    }

    /// Moves the blocks from the first of these on to the file, unless they have a
    /// share of the memory.
    async fn store(&self, first: usize) {
        let blocks = {
            let held = self.held();
            held.blocks.get(first..).unwrap_or_default().to_vec()
        };
        for (index, block) in blocks.into_iter().enumerate() {
            if let Some(stored) = self.blobs.stored(&block).await
                && let Some(block) = self.held().blocks.get_mut(first + index)
            {
                *block = stored;
            }
        }
    }

    fn held(&self) -> MutexGuard<'_, Held> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Block {
    /// None: they cannot be read.
    async fn bytes(self) -> Option<Bytes> {
        match self {
            Self::InMemory(bytes, _) => Some(bytes),
            Self::InFile(stored) => stored
                .read()
                .await
                .inspect_err(|error| tracing::error!(%error, "an image in work cannot be read"))
                .ok(),
        }
    }
}

impl Held {
    /// For so many bytes in all.
    fn missing_blocks(&self, length: usize) -> usize {
        let reserved = self.reserved.first();
        let reserved = reserved.map_or(0, OwnedSemaphorePermit::num_permits);
        length.div_ceil(BLOCK).saturating_sub(reserved)
    }

    fn reserve(&mut self, reserved: Vec<OwnedSemaphorePermit>) {
        if self.reserved.is_empty() {
            self.reserved = reserved;
            return;
        }
        for (mine, more) in self.reserved.iter_mut().zip(reserved) {
            mine.merge(more);
        }
    }

    /// Fills block after block. Held as they arrive, pieces of many sizes would
    /// leave holes in the memory between them.
    fn push(&mut self, bytes: &[u8], blobs: &Blobs) {
        self.length += bytes.len();
        let mut rest = bytes;
        while !rest.is_empty() {
            let room = BLOCK - self.last.len();
            let (now, later) = rest.split_at(room.min(rest.len()));
            self.last.reserve_exact(room);
            self.last.extend_from_slice(now);
            if self.last.len() == BLOCK {
                self.close_block(blobs);
            }
            rest = later;
        }
    }

    fn close_block(&mut self, blobs: &Blobs) {
        let mut block = std::mem::take(&mut self.last);
        if !block.is_empty() {
            block.shrink_to_fit();
            self.blocks.push(blobs.block(block));
        }
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use concept_refinement_domain::capability::ErrorKind;
    use futures::{FutureExt as _, StreamExt as _};

    use super::*;
    use crate::capability::room::Room;

    fn bytes(length: usize) -> Vec<u8> {
        (0..length).map(|at| (at % 251) as u8).collect()
    }

    /// How many files nobody can name this process has open in a directory.
    fn unnamed_files(directory: &Path) -> usize {
        let open = std::fs::read_dir("/proc/self/fd").unwrap();
        open.filter_map(|entry| std::fs::read_link(entry.ok()?.path()).ok())
            .filter(|path| path.starts_with(directory))
            .inspect(|path| assert!(path.to_str().unwrap().ends_with("(deleted)")))
            .count()
    }

    fn append(blob: &Blob, bytes: Vec<u8>) -> Option<Result<(), ErrorKind>> {
        let appended = blob.append(bytes).now_or_never()?;
        Some(appended.map_err(|error| error.kind))
    }

    fn read(blob: &Blob) -> Vec<u8> {
        let chunks: Vec<Bytes> = blob.contents().collect().now_or_never().unwrap();
        chunks.concat()
    }

    #[test]
    fn what_was_appended_is_read_and_more_than_once() {
        for (name, length, chunk) in [
            ("nothing", 0, 1),
            ("single bytes", 100_000, 1),
            ("packets", 1_000_000, 1460),
            ("whole blocks", 1_000_000, BLOCK),
            ("more than a block", 1_000_000, 100_000),
        ] {
            let bytes = bytes(length);
            let blob = Blobs::new(1 << 22, None).blob(Purpose::Original);
            for chunk in bytes.chunks(chunk) {
                assert_eq!(append(&blob, chunk.to_vec()), Some(Ok(())), "{name}");
            }
            assert!(read(&blob) == bytes, "{name}");
            assert!(read(&blob) == bytes, "{name}, again");
            let blocks = blob.held().blocks.len();
            assert_eq!(blocks, length.div_ceil(BLOCK), "{name}");
            assert_eq!(append(&blob, vec![1]), Some(Err(ErrorKind::Invalid)));
        }
    }

    #[test]
    fn an_original_is_refused_and_an_answer_waits() {
        let blobs = Blobs::new(4 * BLOCK, None);
        let original = blobs.blob(Purpose::Original);
        assert_eq!(append(&original, bytes(2 * BLOCK)), Some(Ok(())));
        let other = blobs.blob(Purpose::Original);
        let refused = Some(Err(ErrorKind::Unavailable));
        assert_eq!(append(&other, bytes(1)), refused, "half is for answers");

        let answer = blobs.blob(Purpose::Answer);
        assert_eq!(append(&answer, bytes(2 * BLOCK)), Some(Ok(())));
        assert_eq!(append(&answer, bytes(1)), None, "it waits");
        let reading = original.contents();
        drop(original);
        assert_eq!(append(&answer, bytes(1)), None, "it is being read");
        drop(reading);
        assert_eq!(append(&answer, bytes(1)), Some(Ok(())));
        assert_eq!(append(&other, bytes(BLOCK)), Some(Ok(())));
    }

    #[test]
    fn what_was_dropped_leaves_its_room() {
        let blobs = Blobs::new(4 * BLOCK, None);
        for _ in 0..100 {
            let original = blobs.blob(Purpose::Original);
            for _ in 0..2 {
                assert_eq!(append(&original, bytes(BLOCK)), Some(Ok(())));
            }
            assert!(read(&original).len() == 2 * BLOCK);
        }
        assert_eq!(blobs.room.available_permits(), 4);
        assert_eq!(blobs.for_originals.available_permits(), 2);
    }

    #[cfg(target_os = "linux")]
    #[tokio::test]
    async fn what_memory_does_not_take_is_in_a_file_without_a_name() {
        let place = tempfile::tempdir().unwrap();
        let file = BlockFile::new(place.path().to_owned(), Arc::default());
        let blobs = Blobs::new(4 * IN_MEMORY, Some(file));
        let appended = async |length: usize| {
            let blob = blobs.blob(Purpose::Answer);
            for chunk in bytes(length).chunks(100_000) {
                blob.append(chunk.to_vec()).await.unwrap();
            }
            blob
        };
        let first = appended(IN_MEMORY).await;
        assert_eq!(unnamed_files(place.path()), 0, "there is room in memory");
        let length = 3 * BLOCK + 1;
        let (second, third) = (appended(length).await, appended(length).await);
        assert_eq!(unnamed_files(place.path()), 1, "one for all");
        assert_eq!(std::fs::read_dir(place.path()).unwrap().count(), 0);
        for blob in [&second, &third, &second] {
            let is_in_file = |block: &Block| matches!(block, Block::InFile(_));
            let read: Vec<Bytes> = blob.contents().collect().await;
            assert!(read.concat() == bytes(length), "other bytes");
            assert!(
                blob.held().blocks.iter().all(is_in_file),
                "the last one too"
            );
        }

        drop(second);
        let fourth = appended(length).await;
        let read: Vec<Bytes> = third.contents().collect().await;
        assert!(read.concat() == bytes(length), "another's place was taken");
        drop((third, fourth));
        assert_eq!(unnamed_files(place.path()), 0, "nothing is left of it");
        drop(first);
        let memory = blobs.memory.available_permits();
        assert_eq!(memory, IN_MEMORY / BLOCK);
    }

    #[tokio::test]
    async fn what_no_file_takes_stays_in_memory() {
        let place = tempfile::tempdir().unwrap();
        let nowhere = BlockFile::new(place.path().join("nowhere"), Arc::default());
        let full = Room::new(None, place.path().to_owned());
        full.take_over_tasks(u64::MAX);
        let full = BlockFile::new(place.path().to_owned(), Arc::new(full));
        for (name, file) in [("no directory", nowhere), ("no room on the disk", full)] {
            let blob = Blobs::new(4 * IN_MEMORY, Some(file)).blob(Purpose::Answer);
            let whole = bytes(IN_MEMORY + 10 * BLOCK);
            blob.append(whole.clone()).await.unwrap();
            let read: Vec<Bytes> = blob.contents().collect().await;
            assert!(read.concat() == whole, "{name}: other bytes");
            let is_in_file = |block: &Block| matches!(block, Block::InFile(_));
            assert!(!blob.held().blocks.iter().any(is_in_file), "{name}");
        }
    }
}
