//! Admits model calls: a limited number at a time, and only as many as fit into memory.
//!
//! For a model that computes, the memory of a call is estimated from the pixel count in
//! the image's header, since the model decodes the image. The count is read from the
//! bytes themselves, so that a caller cannot understate it. A model that waits for a
//! provider needs little memory until its instance grows. Calls are admitted in order of
//! arrival, so a small one waits behind a large one.

use std::sync::Arc;

use bytes::Bytes;
use concept_refinement_capability::model::{MemoryUse, ModelRequest};
use concept_refinement_domain::image::{Inspector, Limits};
use futures::StreamExt as _;
use futures::stream::{self, BoxStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::memory::{ModelMemory, Ticket};

/// Memory of a computing model's instance without an image, in bytes.
const INSTANCE: u64 = 24 << 20;

/// Memory per pixel for decoding, editing and encoding, in bytes: several
/// copies with four channels. The local model was measured at 18.
const BYTES_PER_PIXEL: u64 = 24;

/// How many bytes are searched for the image's size. If it is not found there, the
/// largest size is assumed.
const HEAD: u64 = 256 << 10;

pub struct Admission {
    /// One permit per call.
    slots: Arc<Semaphore>,
    memory: Arc<ModelMemory>,
    /// Whether each call decodes its image.
    computes: bool,
}

/// The permit of a call, until it has its answer.
pub struct CallPermit {
    pub(super) ticket: Ticket,
    _slot: OwnedSemaphorePermit,
}

impl Admission {
    /// Admits at most `calls` at a time, within this memory. `computes`: each call
    /// decodes its image.
    pub fn new(calls: usize, memory: Arc<ModelMemory>, computes: bool) -> Self {
        Self {
            slots: Arc::new(Semaphore::new(calls)),
            memory,
            computes,
        }
    }

    /// How many more calls could be admitted.
    pub fn free(&self) -> usize {
        self.slots.available_permits()
    }

    /// The memory use of all models.
    pub fn memory(&self) -> MemoryUse {
        self.memory.in_use()
    }

    /// Waits for a permit. None: the host is shutting down.
    pub async fn enter(&self, request: &mut ModelRequest) -> Option<CallPermit> {
        // A waiting call keeps only the beginning of its image.
        let need = match self.computes {
            _ if request.payments.has_lacked_memory() => u64::MAX,
            true => need(request).await,
            false => 0,
        };
        let slot = Arc::clone(&self.slots).acquire_owned().await.ok()?;
        Some(CallPermit {
            ticket: self.memory.ticket(need),
            _slot: slot,
        })
    }
}

/// Estimated memory of a call, in bytes.
pub async fn need(request: &mut ModelRequest) -> u64 {
    match pixels(&mut request.image).await {
        Some(pixels) => pixels
            .saturating_mul(BYTES_PER_PIXEL)
            .saturating_add(request.length.saturating_mul(2))
            .saturating_add(INSTANCE),
        None => u64::MAX,
    }
}

/// The number of pixels of an image. The bytes that were read for this are put back into
/// the stream.
pub(super) async fn pixels(image: &mut BoxStream<'static, Bytes>) -> Option<u64> {
    let mut inspector = Inspector::new(Limits {
        max_bytes: HEAD,
        max_pixels: u64::MAX,
    });
    let mut head = Vec::new();
    while let Some(chunk) = image.next().await {
        let verdict = inspector.push(&chunk);
        head.push(chunk);
        if verdict.is_err() || inspector.pixels().is_some() {
            break;
        }
    }
    let rest = std::mem::replace(image, stream::empty().boxed());
    *image = stream::iter(head).chain(rest).boxed();
    inspector.pixels()
}

#[cfg(test)]
mod tests;
