//! Admits calls of a computing model: at most one per core, and only as many as
//! fit into memory.
//!
//! Such a model decodes its image, so the memory of a call is estimated from
//! the number of pixels in the image's header. It is read from the bytes
//! themselves, so that a caller cannot understate it. Calls are admitted in the
//! order of their arrival, so a small one waits behind a large one.

use std::sync::Arc;

use bytes::Bytes;
use concept_refinement_domain::image::{Inspector, Limits};
use futures::StreamExt as _;
use futures::stream::{self, BoxStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::ModelRequest;

/// The unit of memory, as a power of two.
const MIB: u32 = 20;

/// Memory of an instance without an image, in MiB.
const INSTANCE: u64 = 24;

/// Memory per pixel for decoding, editing and encoding, in bytes: several
/// copies with four channels. The local model was measured at 18.
const BYTES_PER_PIXEL: u64 = 24;

/// How many bytes are searched for the image's size. If it is not found, the
/// largest size is assumed.
const HEAD: u64 = 256 << 10;

pub struct Admission {
    /// One permit per call.
    slots: Arc<Semaphore>,
    room: Option<Room>,
}

/// Free memory, in MiB.
pub struct Room {
    total: u32,
    /// Most memory of one instance.
    each: u32,
    free: Arc<Semaphore>,
}

/// Permission for one call, until it is dropped.
pub struct Admitted {
    _slot: OwnedSemaphorePermit,
    _room: Option<OwnedSemaphorePermit>,
}

impl Admission {
    /// Admits this many calls, whatever memory they need.
    pub fn of_calls(calls: usize) -> Self {
        Self {
            slots: Arc::new(Semaphore::new(calls)),
            room: None,
        }
    }

    /// Admits at most this many calls, and only if their memory is free.
    pub fn within(calls: usize, room: Room) -> Self {
        Self {
            room: Some(room),
            ..Self::of_calls(calls)
        }
    }

    /// How many more calls could be admitted.
    pub fn free(&self) -> usize {
        self.slots.available_permits()
    }

    /// Waits until the call may run. None: the host is stopping.
    pub async fn admit(&self, request: &mut ModelRequest) -> Option<Admitted> {
        // A waiting call holds only the beginning of its image.
        let need = match &self.room {
            Some(room) => Some((room, room.need(request).await)),
            None => None,
        };
        let slot = Arc::clone(&self.slots).acquire_owned().await.ok()?;
        let room = match need {
            Some((room, need)) => {
                let free = Arc::clone(&room.free);
                Some(free.acquire_many_owned(need).await.ok()?)
            }
            None => None,
        };
        Some(Admitted {
            _slot: slot,
            _room: room,
        })
    }
}

impl Room {
    /// `each` is the most that one instance may use, which is always available.
    /// Both are in bytes.
    pub fn new(total: u64, each: u64) -> Self {
        let mib = |bytes: u64| u32::try_from(bytes >> MIB).unwrap_or(u32::MAX);
        let each = mib(each).max(1);
        let total = mib(total).max(each);
        Self {
            total,
            each,
            free: Arc::new(Semaphore::new(total as usize)),
        }
    }

    /// Half of the memory of this machine or of its control group. If that is
    /// unknown, no limit besides the cores.
    pub fn of_machine(each: u64, cores: usize) -> Self {
        let all = machine::memory().map_or(each.saturating_mul(cores as u64), |all| all / 2);
        Self::new(all, each)
    }

    /// In MiB.
    pub fn total(&self) -> u32 {
        self.total
    }

    /// Estimated memory of a call, in MiB.
    async fn need(&self, request: &mut ModelRequest) -> u32 {
        let Some(pixels) = pixels(&mut request.image).await else {
            return self.each;
        };
        let bytes = pixels
            .saturating_mul(BYTES_PER_PIXEL)
            .saturating_add(request.length.saturating_mul(2));
        let need = u32::try_from((bytes >> MIB).saturating_add(INSTANCE));
        need.unwrap_or(u32::MAX).min(self.each)
    }
}

/// How many pixels an image has. The bytes that were read for that are put
/// back.
async fn pixels(image: &mut BoxStream<'static, Bytes>) -> Option<u64> {
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

mod machine {
    use std::fs;

    /// Memory of the machine or of the process's control group, in bytes.
    pub fn memory() -> Option<u64> {
        let limits = [
            "/sys/fs/cgroup/memory.max",
            "/sys/fs/cgroup/memory/memory.limit_in_bytes",
        ];
        let limits = limits.iter().filter_map(|path| {
            // Without a limit the file contains "max".
            fs::read_to_string(path).ok()?.trim().parse().ok()
        });
        limits.chain(total()).min()
    }

    fn total() -> Option<u64> {
        let all = fs::read_to_string("/proc/meminfo").ok()?;
        let line = all
            .lines()
            .find_map(|line| line.strip_prefix("MemTotal:"))?;
        let kilobytes: u64 = line.trim().strip_suffix(" kB")?.parse().ok()?;
        kilobytes.checked_mul(1024)
    }
}

#[cfg(test)]
mod tests;
