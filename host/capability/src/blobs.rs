//! The images that tasks work on: held once, outside of instances, under one common
//! limit. Bytes beyond the share for memory go to a file. `wit/blobs.wit` has the
//! promises.
//!
//! Space is reserved before the first byte: see `blobs/accounting.rs`.

mod accounting;
pub mod block_file;
mod reservation;
mod rewritten;

use std::sync::Arc;

use bytes::Bytes;
use concept_refinement_domain::capability::CapabilityError;
use concept_refinement_domain::image::metadata::{Metadata, Rewrite};
use concept_refinement_domain::image::{Limits, Received, Transfer, Unusable};
use futures::stream::BoxStream;
use futures::{StreamExt as _, stream};
use parking_lot::{Mutex, MutexGuard};
use thiserror::Error;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::model::Reopen;
use crate::log_throttled;
use crate::stream_guard::guarded;
use accounting::Refused;
use block_file::{BlockFile, StoredBlock};
use reservation::{Reservation, Reservations};

/// Unit in which space is reserved and filled, in bytes.
const BLOCK: usize = 32 * 1024;

/// How much is held in memory if there is a file for the rest, in bytes: enough for the
/// tasks that use a core, but not for those that wait for a provider.
const IN_MEMORY: usize = 8 << 20;

/// The space for all blobs of a host.
pub struct Blobs {
    /// In blocks.
    room: Arc<Reservations>,
    /// The blocks that may be in memory.
    memory: Arc<Semaphore>,
    /// The file for the rest. None: everything is in memory.
    file: Option<Arc<BlockFile>>,
}

/// The purpose of a blob.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// The image to refine.
    Original,
    /// The refined image.
    Answer,
}

/// The bytes of one image. Clones share them.
#[derive(Clone)]
pub struct Blob(Contents);

/// Why bytes of an image are not taken.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum Rejection {
    /// Trying again with the same file cannot help.
    #[error("{0}")]
    Unusable(#[from] Unusable),
    /// There is no space.
    #[error("{0}")]
    Space(#[from] CapabilityError),
}

#[derive(Clone)]
enum Contents {
    Held {
        blobs: Arc<Blobs>,
        held: Arc<Mutex<Held>>,
    },
    /// Bytes that are kept elsewhere, and opened again for each reader.
    Shared(Reopen),
}

struct Held {
    blocks: Vec<Block>,
    /// The last block, which is not full.
    last: Vec<u8>,
    length: usize,
    /// Inspects what is received.
    transfer: Option<Transfer>,
    /// Space for all blocks of this blob.
    reserved: Reservation,
    is_complete: bool,
}

#[derive(Clone)]
enum Block {
    /// With its share of the memory limit, if there was any left.
    InMemory(Bytes, Option<Arc<OwnedSemaphorePermit>>),
    InFile(Arc<StoredBlock>),
}

impl Blobs {
    /// `limit` is in bytes; originals may take half of it. `file` is for bytes that
    /// do not fit into memory.
    pub fn new(limit: usize, file: Option<Arc<BlockFile>>) -> Arc<Self> {
        Arc::new(Self {
            room: Reservations::new((limit / BLOCK) as u64),
            memory: Arc::new(Semaphore::new(IN_MEMORY / BLOCK)),
            file,
        })
    }

    /// An empty blob with space for this many bytes. An original is refused if there is
    /// no space at the moment; an answer waits for its turn.
    ///
    /// # Errors
    ///
    /// Unavailable: there is no space now. Invalid: it exceeds the limit altogether.
    pub async fn reserve(
        self: &Arc<Self>,
        purpose: Purpose,
        length: usize,
    ) -> Result<Blob, CapabilityError> {
        let reserved = self.room.reserve(purpose, blocks(length)).await;
        let reserved = reserved.map_err(report)?;
        Ok(Blob(Contents::Held {
            blobs: Arc::clone(self),
            held: Arc::new(Mutex::new(Held::new(reserved))),
        }))
    }

    fn block(&self, bytes: Vec<u8>) -> Block {
        let share = Arc::clone(&self.memory).try_acquire_owned();
        Block::InMemory(bytes.into(), share.ok().map(Arc::new))
    }

    /// Stores a block in the file. None: that failed, or is not needed.
    async fn stored(&self, block: &Block) -> Option<Block> {
        let (Block::InMemory(bytes, None), Some(file)) = (block, &self.file) else {
            return None;
        };
        match file.store(bytes.clone()).await {
            Ok(stored) => Some(Block::InFile(Arc::new(stored))),
            Err(error) => {
                log_throttled!(warn, "images in work stay in memory", %error);
                None
            }
        }
    }

    /// Moves blocks of a blob to the file, starting with block `first`, except those that
    /// have a share of the memory limit.
    async fn store(&self, held: &Mutex<Held>, first: usize) {
        let blocks = {
            let held = held.lock();
            held.blocks.get(first..).unwrap_or_default().to_vec()
        };
        for (index, block) in blocks.into_iter().enumerate() {
            if let Some(stored) = self.stored(&block).await
                && let Some(block) = held.lock().blocks.get_mut(first + index)
            {
                *block = stored;
            }
        }
    }
}

impl Blob {
    /// A blob that shares the bytes that `bytes` opens, without copying them.
    pub fn sharing(bytes: Reopen) -> Self {
        Self(Contents::Shared(bytes))
    }

    /// Moves so much of the space of an empty blob to a new one.
    ///
    /// # Errors
    ///
    /// Invalid: it is not empty, or has less space.
    pub fn split(&self, length: usize) -> Result<Self, CapabilityError> {
        let Contents::Held { blobs, held } = &self.0 else {
            return Err(CapabilityError::invalid("The bytes are kept elsewhere."));
        };
        let mut held = held.lock();
        let reserved = match held.length {
            0 => held.reserved.split(blocks(length)),
            _ => None,
        };
        let reserved = reserved.ok_or_else(|| report(Refused::Ever))?;
        Ok(Self(Contents::Held {
            blobs: Arc::clone(blobs),
            held: Arc::new(Mutex::new(Held::new(reserved))),
        }))
    }

    /// Appends bytes. An original may reserve more space as it grows.
    ///
    /// # Errors
    ///
    /// Unavailable: there is no space for an original. Invalid: an answer is longer than
    /// what was reserved, or the blob is complete.
    pub async fn append(&self, bytes: &[u8]) -> Result<(), CapabilityError> {
        let is_complete = || CapabilityError::invalid("The bytes are complete.");
        let Contents::Held { blobs, held } = &self.0 else {
            return Err(is_complete());
        };
        let first = {
            let mut held = held.lock();
            if held.is_complete {
                return Err(is_complete());
            }
            let room = blocks(held.length.saturating_add(bytes.len()));
            let missing = room.saturating_sub(held.reserved.room());
            if missing > 0 {
                held.reserved.grow(missing).map_err(report)?;
            }
            let first = held.blocks.len();
            held.push(bytes, blobs);
            first
        };
        blobs.store(held, first).await;
        Ok(())
    }

    /// Limits the image that is received in it, unless it is limited already.
    pub fn limit(&self, limits: Limits) {
        if let Some(mut held) = self.held() {
            held.transfer.get_or_insert_with(|| Transfer::new(limits));
        }
    }

    /// Appends bytes of an image, which is inspected if it is limited. `declared`: the length
    /// of the whole file, if it is known.
    ///
    /// # Errors
    ///
    /// The image is unusable, or those of [`Blob::append`].
    pub async fn receive(&self, bytes: &[u8], declared: Option<u64>) -> Result<(), Rejection> {
        if let Some(transfer) = self.held().as_mut().and_then(|held| held.transfer.as_mut()) {
            transfer.push(bytes, declared)?;
        }
        Ok(self.append(bytes).await?)
    }

    /// What there is after the end of a stream. To a whole image nothing can be appended, and
    /// none of it stays in memory beyond its share, however late it is read.
    ///
    /// # Errors
    ///
    /// It is no image, or was never limited.
    pub async fn received(&self, declared: Option<u64>) -> Result<Received, Rejection> {
        let nothing = || CapabilityError::invalid("Nothing is received here.");
        let Contents::Held { blobs, held } = &self.0 else {
            return Err(nothing().into());
        };
        let (received, last) = {
            let mut held = held.lock();
            let transfer = held.transfer.as_ref().ok_or_else(nothing)?;
            let received = transfer.received(declared)?;
            if let Received::Part(_) = received {
                return Ok(received);
            }
            (received, held.close(blobs))
        };
        blobs.store(held, last).await;
        Ok(received)
    }

    /// What the image says of itself that was received. None: nothing was received here.
    pub fn metadata(&self) -> Option<Metadata> {
        self.held()?.transfer.as_ref().map(Transfer::metadata)
    }

    /// The same image with other metadata: the two share their bytes.
    #[must_use]
    pub fn rewritten(&self, rewrite: Rewrite) -> Self {
        let blob = self.clone();
        Self::sharing(Arc::new(move || {
            rewritten::rewritten(blob.contents(), &rewrite).boxed()
        }))
    }

    /// How many bytes were received.
    pub fn received_bytes(&self) -> u64 {
        let length = |held: MutexGuard<'_, Held>| Some(held.transfer.as_ref()?.length());
        self.held().and_then(length).unwrap_or(0)
    }

    /// By how many bytes the blob would exceed its reservation if `more` were appended.
    pub fn beyond(&self, more: usize) -> usize {
        let Some(held) = self.held() else {
            return 0;
        };
        let room = usize::try_from(held.reserved.room()).unwrap_or(usize::MAX);
        let left = room.saturating_mul(BLOCK).saturating_sub(held.length);
        more.saturating_sub(left)
    }

    /// None: its bytes are kept elsewhere.
    fn held(&self) -> Option<MutexGuard<'_, Held>> {
        match &self.0 {
            Contents::Held { held, .. } => Some(held.lock()),
            Contents::Shared(_) => None,
        }
    }

    /// The bytes. After this nothing can be appended. A fault ends the stream early.
    pub fn contents(&self) -> BoxStream<'static, Bytes> {
        let (blobs, held) = match &self.0 {
            Contents::Shared(shared) => return shared(),
            Contents::Held { blobs, held } => (Arc::clone(blobs), Arc::clone(held)),
        };
        let last = held.lock().close(&blobs);
        let blocks = async move {
            blobs.store(&held, last).await;
            stream::iter(held.lock().blocks.clone())
        };
        let bytes = stream::once(blocks).flatten().then(Block::bytes);
        let bytes = bytes.take_while(|bytes| std::future::ready(bytes.is_some()));
        // The space stays reserved as long as a reader exists.
        guarded(bytes.filter_map(std::future::ready), self.clone()).boxed()
    }
}

impl Block {
    /// None: they cannot be read back.
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
    fn new(reserved: Reservation) -> Self {
        Self {
            blocks: Vec::new(),
            last: Vec::new(),
            length: 0,
            transfer: None,
            reserved,
            is_complete: false,
        }
    }

    /// Fills one block after the other. Keeping chunks in the sizes in which they arrive
    /// would fragment memory.
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

    /// Marks the blob as complete, and releases the space that it did not use. Returns the
    /// index of its last block.
    fn close(&mut self, blobs: &Blobs) -> usize {
        self.is_complete = true;
        self.close_block(blobs);
        self.reserved.shrink(blocks(self.length));
        self.blocks.len().saturating_sub(1)
    }
}

fn report(refused: Refused) -> CapabilityError {
    match refused {
        Refused::Now => {
            CapabilityError::unavailable("There is no memory for images at the moment.")
        }
        Refused::Ever => {
            CapabilityError::invalid("The image is larger than the memory for images.")
        }
    }
}

/// How many blocks this many bytes take.
fn blocks(length: usize) -> u64 {
    length.div_ceil(BLOCK) as u64
}

#[cfg(test)]
mod tests;
