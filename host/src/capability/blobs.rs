//! The images that tasks work on, in memory: held once, outside of instances,
//! and up to a limit for all together. `wit/blobs.wit` has the promises.

mod link;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use concept_refinement_domain::capability::CapabilityError;
use futures::{Stream, stream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::stream_guard::guarded;

/// What is reserved and filled at a time, in bytes.
const BLOCK: usize = 32 * 1024;

/// The memory for all blobs of a host.
pub struct Blobs {
    /// In blocks.
    room: Arc<Semaphore>,
    /// Of these what originals may take: an answer waits for room, and would
    /// wait for ever for originals that wait for answers.
    for_originals: Arc<Semaphore>,
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
}

#[derive(Default)]
struct Held {
    blocks: Vec<Bytes>,
    /// The last block, which is not full.
    last: Vec<u8>,
    length: usize,
    /// Of all blocks, and for an original as many of its share too.
    reserved: Vec<OwnedSemaphorePermit>,
    is_read: bool,
}

impl Blobs {
    /// `limit` is in bytes; originals may take half of it.
    pub fn new(limit: usize) -> Arc<Self> {
        let blocks = (limit / BLOCK).clamp(2, Semaphore::MAX_PERMITS);
        Arc::new(Self {
            room: Arc::new(Semaphore::new(blocks)),
            for_originals: Arc::new(Semaphore::new(blocks / 2)),
        })
    }

    /// An empty one.
    pub fn blob(self: &Arc<Self>, purpose: Purpose) -> Blob {
        Blob {
            purpose,
            blobs: Arc::clone(self),
            held: Arc::default(),
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
        let mut held = self.held();
        if held.is_read {
            return Err(CapabilityError::invalid("The bytes are being read."));
        }
        held.push(&bytes);
        Ok(())
    }

    /// The bytes. Nothing can be appended any more.
    pub fn contents(&self) -> impl Stream<Item = Bytes> + Send + use<> {
        let blocks = {
            let mut held = self.held();
            held.is_read = true;
            held.close_block();
            held.blocks.clone()
        };
        // The bytes count as long as somebody may read them.
        guarded(stream::iter(blocks), self.clone())
    }

    fn held(&self) -> MutexGuard<'_, Held> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
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
    fn push(&mut self, bytes: &[u8]) {
        self.length += bytes.len();
        let mut rest = bytes;
        while !rest.is_empty() {
            let room = BLOCK - self.last.len();
            let (now, later) = rest.split_at(room.min(rest.len()));
            self.last.reserve_exact(room);
            self.last.extend_from_slice(now);
            if self.last.len() == BLOCK {
                self.close_block();
            }
            rest = later;
        }
    }

    fn close_block(&mut self) {
        let mut block = std::mem::take(&mut self.last);
        if !block.is_empty() {
            block.shrink_to_fit();
            self.blocks.push(block.into());
        }
    }
}

#[cfg(test)]
mod tests {
    use concept_refinement_domain::capability::ErrorKind;
    use futures::{FutureExt as _, StreamExt as _};

    use super::*;

    fn bytes(length: usize) -> Vec<u8> {
        (0..length).map(|at| (at % 251) as u8).collect()
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
            let blob = Blobs::new(1 << 22).blob(Purpose::Original);
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
        let blobs = Blobs::new(4 * BLOCK);
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
        let blobs = Blobs::new(4 * BLOCK);
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
}
